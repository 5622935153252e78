"""What a rehearsal finds on the cluster before it touches anything."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial

from kanister_kafka import constants
from kanister_kafka._version import __version__
from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.backup.options import Options
from kanister_kafka.backup.planner import build_plan
from kanister_kafka.constants import BackupState
from kanister_kafka.diagnostics import Diagnostic, has_error
from kanister_kafka.errors import ActionError, InputError, NotFoundError
from kanister_kafka.kube import objects
from kanister_kafka.kube.client import PODS, ApiResource, KubeClient, Object
from kanister_kafka.kube.exec import exec_in_pod
from kanister_kafka.operations.actionset import AppliedBlueprint
from kanister_kafka.operations.preflight import (
    CheckLine,
    CheckStatus,
    PreflightTarget,
    run_preflight,
)
from kanister_kafka.operations.rehearsal.model import RehearsalVersions
from kanister_kafka.operations.start_action import check_action, find_applied
from kanister_kafka.operations.volume_snapshots import CLAIMS, VolumeClaim, find_claims
from kanister_kafka.strimzi import read_cluster
from kanister_kafka.strimzi.clients import ClientChoices
from kanister_kafka.strimzi.discovery import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    KafkaRef,
    find_resource,
    find_target,
)
from kanister_kafka.strimzi.from_cluster import read_cluster_resources
from kanister_kafka.strimzi.listeners import Listener, choose_probe_listener

STOP, RESTART = "backupPrehook", "backupPosthook"
BACKUP = "backup"
"""A Blueprint that has it takes the snapshots itself."""
LABEL = f"{constants.PREFIX}rehearsal"
"""On all that a rehearsal makes; its value is the id of the rehearsal."""
NAME = "kanister-kafka-rehearsal-"
"""Start of the names of all that a rehearsal makes, but for ActionSets."""
BROKER = "strimzi.io/broker-role"
"""Strimzi's Labels.java; pods of a Strimzi without node pools lack it, and all are brokers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalRequest:
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
class ClientState:
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
class InitialState:
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
    """Whether the watchdog is set to bring it back."""

    @property
    def settled(self) -> bool:
        """Whether no backup is under way by all that is kept on the cluster."""
        return not self.paused and not self.armed and self.state in ("", BackupState.RUNNING.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalContext:
    """All that is needed to rehearse."""

    id: str
    request: RehearsalRequest
    target: KafkaRef
    kafka: ApiResource
    blueprint: AppliedBlueprint
    before: InitialState
    claims: tuple[VolumeClaim, ...]
    writers: tuple[ClientState, ...]
    broker: Object
    """One of the broker pods, whose image the probe uses."""
    brokers: int
    listener: Listener | None
    """None without a probe."""
    why_no_probe: str
    versions: RehearsalVersions

    @property
    def name(self) -> str:
        """Name of the probe and of its topic, and start of the names of snapshots."""
        return f"{NAME}{self.id}"

    @property
    def labels(self) -> dict[str, str]:
        """Labels of all that is made."""
        return {constants.MANAGED_BY: constants.COMPONENT, LABEL: self.id}


def build_context(connection: KubeClient, request: RehearsalRequest) -> RehearsalContext:
    """Look at everything, touch nothing.

    Raises NotFoundError where there is no such Kafka, Blueprint or action, ActionError where the
    claims cannot be snapshotted or another rehearsal has left something behind.
    """
    target = find_target(connection, request.namespace, request.name)
    resource = find_resource(connection, "Kafka")
    if resource is None:
        raise NotFoundError(f"{connection.host}: Strimzi is not installed on this cluster")
    kafka = connection.get(resource, target.name, target.namespace)
    _only_one(connection, target)
    blueprint = find_applied(connection, target, request.kasten_namespace, request.blueprint)
    for action in (STOP, RESTART):
        check_action(blueprint, action)
    pods = connection.items(PODS, target.namespace, objects.pod_selector(target.name))
    brokers = [pod for pod in pods if is_broker(pod, target.name)]
    if not brokers:
        raise ActionError(f"Kafka {target} has no pods of brokers: see kanister-kafka status")
    listener, why = choose_probe_listener(kafka, request.probe_config)
    status = kafka.get("status") or {}
    return RehearsalContext(
        id=secrets.token_hex(4),
        request=request,
        target=target,
        kafka=resource,
        blueprint=blueprint,
        before=read_state(connection, resource, target),
        claims=find_claims(
            connection,
            target,
            request.snapshot_class,
            kasten=BACKUP not in blueprint.actions,
        ),
        writers=_writers(connection, target, blueprint.origin.told, request.context),
        broker=brokers[0],
        brokers=len(brokers),
        listener=listener if request.probe else None,
        why_no_probe=why if request.probe else "it was not wanted",
        versions=RehearsalVersions(
            kafka=str(status.get("kafkaVersion") or ""),
            strimzi=str(status.get("operatorLastSuccessfulVersion") or ""),
            kubernetes=str(connection.ask("GET", ("version",)).get("gitVersion") or ""),
            tool=__version__,
        ),
    )


def read_state(connection: KubeClient, kafka: ApiResource, target: KafkaRef) -> InitialState:
    """See the cluster as it is now."""
    item = connection.get(kafka, target.name, target.namespace)
    status, annotations = item.get("status") or {}, item["metadata"].get("annotations") or {}
    pods = connection.items(PODS, target.namespace, objects.pod_selector(target.name))
    record = connection.find(CONFIG_MAPS, target.record, target.namespace) or {}
    switch = connection.find(DEPLOYMENTS, target.switch, target.namespace) or {}
    return InitialState(
        cluster_id=str(status.get("clusterId") or ""),
        paused=annotations.get(constants.PAUSE_RECONCILIATION) == "true"
        or constants.PREVIOUS_PAUSE in annotations,
        ready=is_ready(item),
        state=str((record.get("data") or {}).get("state") or ""),
        armed=bool((switch.get("spec") or {}).get("replicas"))
        or constants.RESTART_DEADLINE in annotations,
        nodes=tuple(sorted(p["metadata"]["name"] for p in pods if objects.is_ready(p))),
        claims=tuple(
            sorted(
                (claim["metadata"]["name"], claim["metadata"].get("uid", ""))
                for claim in connection.items(
                    CLAIMS, target.namespace, f"{constants.CLUSTER_LABEL}={target.name}"
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


def read_client(connection: KubeClient, kind: str, namespace: str, name: str) -> ClientState:
    """See a writer as it is now; Ready counts only when all its pods are."""
    resource = find_resource(connection, kind)
    if resource is None:
        raise NotFoundError(f"{connection.host}: {kind} is not served any more")
    item = connection.get(resource, name, namespace)
    replicas = (item.get("spec") or {}).get("replicas")
    label = f"{constants.CLUSTER_LABEL}={name},strimzi.io/kind={kind}"
    pods = connection.items(PODS, namespace, label)
    serving = sum(map(objects.is_ready, pods))
    wanted = replicas if isinstance(replicas, int) else 1
    ready = is_ready(item) and serving >= wanted
    return ClientState(kind, namespace, name, replicas, ready)


def _only_one(connection: KubeClient, target: KafkaRef) -> None:
    others = connection.items(PODS, target.namespace, LABEL)
    if others:
        name = others[0]["metadata"]["name"]
        raise ActionError(
            f"pod {target.namespace}/{name} is of another rehearsal: wait for its end; if that was "
            "killed, delete the pod, which also removes its topic, and look for VolumeSnapshots "
            f"and ActionSets with the label {LABEL}"
        )


def _writers(
    connection: KubeClient, target: KafkaRef, told: ClientChoices, context: str
) -> tuple[ClientState, ...]:
    """Find what the Blueprint quiesces, as `render` does."""
    fetched = read_cluster_resources(target.name, target.namespace, context=context)
    reading = read_cluster(
        fetched.documents,
        cluster=target.name,
        namespace=target.namespace,
        writers=told.writers,
        not_writers=told.not_writers,
    )
    if reading.cluster is None or has_error(reading.problems):
        raise InputError(reading.problems)
    return tuple(
        read_client(connection, writer.kind, writer.namespace, writer.name)
        for writer in reading.cluster.writers
    )


# One clock for everything that is measured.


class Stopwatch:
    """Seconds since it was made; does not jump when the time of day is set."""

    def __init__(self) -> None:
        self.began = datetime.now(timezone.utc)
        """The time of day then."""
        self._zero = time.monotonic()

    def __call__(self) -> float:
        """Return the seconds since it was made."""
        return time.monotonic() - self._zero

    def today(self) -> float:
        """Return the time of day as seconds since 1970, by the same steady clock."""
        return self.began.timestamp() + self()


# Whether a cluster is fit for a rehearsal: what `check` finds, before anything is touched.

OF_OPTIONS = ("drift", "hook-timeout", "image", "image-pull", "plan", "pod-user", "rights")
"""Checks that judge by how the Blueprint was rendered, which nobody tells here: `check` asks."""
ABOUT_STORAGE = ("snapshot-class",)
"""What a rehearsal has settled by itself, with the class that it was given."""


def check_preconditions(
    connection: KubeClient, setting: RehearsalContext, tell: Callable[[str], None]
) -> None:
    """Raise ActionError with all that is in the way; what may be in the way is told."""
    target, request = setting.target, setting.request
    plan, problems = _plan(setting)
    subject = PreflightTarget(
        name=target.name,
        namespace=target.namespace,
        kasten_namespace=request.kasten_namespace,
        plan=plan,
        problems=problems,
    )
    lines = run_preflight(connection, partial(exec_in_pod, context=request.context), subject)
    doubts = [line for line in lines if line.level is not CheckStatus.OK and not is_blocking(line)]
    for line in doubts:
        tell(f"  {line.level.value}: {line.what}")
    if any(line.level is CheckStatus.PROBLEM for line in doubts):
        tell(
            "  whether these are problems depends on how it was rendered: see kanister-kafka check"
        )
    wrong = [format_check_line(line) for line in lines if is_blocking(line)]
    if not wrong and not setting.before.settled:
        command = f"kanister-kafka resume {target.name} -n {target.namespace}"
        wrong.append(f"a former backup is not over ({command})")
    if wrong:
        raise ActionError(f"nothing was touched: {'; '.join(wrong)}")


def is_blocking(line: CheckLine) -> bool:
    """Tell whether a rehearsal must not begin."""
    return line.level is CheckStatus.PROBLEM and line.id not in (*OF_OPTIONS, *ABOUT_STORAGE)


def format_check_line(line: CheckLine) -> str:
    """Return what a line says, with its remedy."""
    return f"{line.what} ({line.remedy})" if line.remedy else line.what


def _plan(setting: RehearsalContext) -> tuple[BackupPlan | None, tuple[Diagnostic, ...]]:
    target, request = setting.target, setting.request
    fetched = read_cluster_resources(target.name, target.namespace, context=request.context)
    origin = setting.blueprint.origin
    told = origin.told
    reading = read_cluster(
        fetched.documents,
        cluster=target.name,
        namespace=target.namespace,
        writers=told.writers,
        not_writers=told.not_writers,
        others=fetched.others,
    )
    problems = (*fetched.problems, *reading.problems)
    if reading.cluster is None or has_error(problems):
        return None, problems
    options = Options(
        kasten_namespace=request.kasten_namespace,
        quiesce_by=origin.quiesce_by,
        writers=told.writers,
        not_writers=told.not_writers,
    )
    try:
        plan = build_plan(reading.cluster, options, problems)
    except InputError as failure:
        return None, failure.problems
    return plan, plan.problems
