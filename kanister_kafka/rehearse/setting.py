"""What a rehearsal finds on the cluster before it touches anything."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from kanister_kafka import marks
from kanister_kafka._version import __version__
from kanister_kafka.errors import ActionError, InputError, NotFoundError
from kanister_kafka.kube import fetch
from kanister_kafka.kube.connection import PODS, Connection, Object, Resource
from kanister_kafka.marks import State
from kanister_kafka.problem import has_error
from kanister_kafka.rehearse.claims import CLAIMS, Claim, find_claims
from kanister_kafka.rehearse.listener import Listener, choose_listener
from kanister_kafka.rehearse.model import Versions
from kanister_kafka.run import nodes
from kanister_kafka.run.actionset import Blueprint
from kanister_kafka.run.applied import applied
from kanister_kafka.run.start import check_action
from kanister_kafka.run.target import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    Target,
    find_target,
    served,
)
from kanister_kafka.strimzi import read
from kanister_kafka.strimzi.writers import Told

STOP, RESTART = "backupPrehook", "backupPosthook"
LABEL = f"{marks.PREFIX}rehearsal"
"""On all that a rehearsal makes; its value is the id of the rehearsal."""
NAME = "kanister-kafka-rehearsal-"
"""Start of the names of all that a rehearsal makes, but for ActionSets."""
BROKER = "strimzi.io/broker-role"
"""Strimzi's Labels.java; pods of a Strimzi without node pools lack it, and all are brokers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for."""

    name: str = ""
    """Of the Kafka; the only one of the namespace where it is empty."""
    namespace: str = ""
    context: str = ""
    kasten_namespace: str
    blueprint: str = ""
    """Its name; ours by default where it is empty."""
    snapshot_class: str = ""
    probe: bool = True
    probe_config: str = ""
    """A Secret in the Kafka's namespace with `client.properties`."""
    timeout: int = 1200
    """Seconds that each action, the snapshots and the writers' return may take."""


@dataclass(frozen=True, slots=True)
class WriterBefore:
    """A writer as it was found."""

    kind: str
    namespace: str
    name: str
    replicas: object
    """`spec.replicas`, or None where it is unset."""
    ready: bool

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The cluster as it was found; what is compared at the end."""

    cluster_id: str
    paused: bool
    ready: bool
    nodes: tuple[str, ...]
    """Pods of Kafka and ZooKeeper."""
    claims: tuple[tuple[str, str], ...]
    """Names and uids."""
    state: str = ""
    """What the record of backups says; empty where there is none."""
    armed: bool = False
    """Whether the dead man's switch is set to bring it back."""

    @property
    def settled(self) -> bool:
        """Whether no backup is under way by all that is kept on the cluster."""
        return not self.paused and not self.armed and self.state in ("", State.RUNNING.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """All that is needed to rehearse."""

    id: str
    request: Request
    target: Target
    kafka: Resource
    blueprint: Blueprint
    before: Before
    claims: tuple[Claim, ...]
    writers: tuple[WriterBefore, ...]
    broker: Object
    """One of the broker pods, whose image the probe uses."""
    brokers: int
    listener: Listener | None
    """None without a probe."""
    why_no_probe: str
    versions: Versions

    @property
    def name(self) -> str:
        """Name of the probe and of its topic, and start of the names of snapshots."""
        return f"{NAME}{self.id}"

    @property
    def labels(self) -> dict[str, str]:
        """Labels of all that is made."""
        return {marks.MANAGED_BY: marks.COMPONENT, LABEL: self.id}


def find_setting(connection: Connection, request: Request) -> Setting:
    """Look at everything, touch nothing.

    Raises NotFoundError where there is no such Kafka, Blueprint or action, ActionError where the
    claims cannot be snapshotted or another rehearsal has left something behind.
    """
    target = find_target(connection, request.namespace, request.name)
    resource = served(connection, "Kafka")
    if resource is None:
        raise NotFoundError(f"{connection.host}: Strimzi is not installed on this cluster")
    kafka = connection.get(resource, target.name, target.namespace)
    _only_one(connection, target)
    blueprint = applied(connection, target, request.kasten_namespace, request.blueprint)
    for action in (STOP, RESTART):
        check_action(blueprint, action)
    pods = connection.items(PODS, target.namespace, nodes.selector(target.name))
    brokers = [pod for pod in pods if is_broker(pod, target.name)]
    if not brokers:
        raise ActionError(f"Kafka {target} has no pods of brokers: see kanister-kafka status")
    listener, why = choose_listener(kafka, request.probe_config)
    status = kafka.get("status") or {}
    return Setting(
        id=secrets.token_hex(4),
        request=request,
        target=target,
        kafka=resource,
        blueprint=blueprint,
        before=look(connection, resource, target),
        claims=find_claims(connection, target, request.snapshot_class),
        writers=_writers(connection, target, blueprint.origin.told, request.context),
        broker=brokers[0],
        brokers=len(brokers),
        listener=listener if request.probe else None,
        why_no_probe=why if request.probe else "it was not wanted",
        versions=Versions(
            kafka=str(status.get("kafkaVersion") or ""),
            strimzi=str(status.get("operatorLastSuccessfulVersion") or ""),
            kubernetes=str(connection.ask("GET", ("version",)).get("gitVersion") or ""),
            tool=__version__,
        ),
    )


def look(connection: Connection, kafka: Resource, target: Target) -> Before:
    """See the cluster as it is now."""
    item = connection.get(kafka, target.name, target.namespace)
    status, annotations = item.get("status") or {}, item["metadata"].get("annotations") or {}
    pods = connection.items(PODS, target.namespace, nodes.selector(target.name))
    record = connection.find(CONFIG_MAPS, target.record, target.namespace) or {}
    switch = connection.find(DEPLOYMENTS, target.switch, target.namespace) or {}
    return Before(
        cluster_id=str(status.get("clusterId") or ""),
        paused=annotations.get(marks.PAUSE) == "true" or marks.PAUSE_BEFORE in annotations,
        ready=is_ready(item),
        state=str((record.get("data") or {}).get("state") or ""),
        armed=bool((switch.get("spec") or {}).get("replicas")) or marks.RESTART_BY in annotations,
        nodes=tuple(sorted(p["metadata"]["name"] for p in pods if nodes.is_ready(p))),
        claims=tuple(
            sorted(
                (claim["metadata"]["name"], claim["metadata"].get("uid", ""))
                for claim in connection.items(
                    CLAIMS, target.namespace, f"{marks.CLUSTER_LABEL}={target.name}"
                )
            )
        ),
    )


def is_broker(pod: Object, cluster: str) -> bool:
    """Tell whether a pod of a cluster is one that clients talk to."""
    labels = pod["metadata"].get("labels") or {}
    return labels.get("strimzi.io/name") == f"{cluster}-kafka" and labels.get(BROKER) != "false"


def is_ready(item: Object) -> bool:
    """Tell whether the operator calls a custom resource Ready as it stands now."""
    status = item.get("status") or {}
    current = status.get("observedGeneration", 0) >= item["metadata"].get("generation", 0)
    conditions = status.get("conditions") or ()
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
    return current and ready


def writer_now(connection: Connection, kind: str, namespace: str, name: str) -> WriterBefore:
    """See a writer as it is now; Ready counts only when all its pods are."""
    resource = served(connection, kind)
    if resource is None:
        raise NotFoundError(f"{connection.host}: {kind} is not served any more")
    item = connection.get(resource, name, namespace)
    replicas = (item.get("spec") or {}).get("replicas")
    label = f"{marks.CLUSTER_LABEL}={name},strimzi.io/kind={kind}"
    pods = connection.items(PODS, namespace, label)
    serving = sum(map(nodes.is_ready, pods))
    wanted = replicas if isinstance(replicas, int) else 1
    ready = is_ready(item) and serving >= wanted
    return WriterBefore(kind, namespace, name, replicas, ready)


def _only_one(connection: Connection, target: Target) -> None:
    others = connection.items(PODS, target.namespace, LABEL)
    if others:
        name = others[0]["metadata"]["name"]
        raise ActionError(
            f"pod {target.namespace}/{name} is of another rehearsal: wait for its end; if that was "
            "killed, delete the pod, which also removes its topic, and look for VolumeSnapshots "
            f"and ActionSets with the label {LABEL}"
        )


def _writers(
    connection: Connection, target: Target, told: Told, context: str
) -> tuple[WriterBefore, ...]:
    """Find what the Blueprint quiesces, as `render` does."""
    fetched = fetch(target.name, target.namespace, context=context)
    reading = read(
        fetched.documents,
        cluster=target.name,
        namespace=target.namespace,
        writers=told.writers,
        not_writers=told.not_writers,
    )
    if reading.cluster is None or has_error(reading.problems):
        raise InputError(reading.problems)
    return tuple(
        writer_now(connection, writer.kind, writer.namespace, writer.name)
        for writer in reading.cluster.writers
    )
