"""The state of the cluster before a rehearsal changes anything."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import partial

from kanister_kafka import constants
from kanister_kafka._version import __version__
from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.backup.options import Options
from kanister_kafka.backup.planner import build_plan
from kanister_kafka.diagnostics import Diagnostic, has_error
from kanister_kafka.errors import ActionError, InputError
from kanister_kafka.kube import objects
from kanister_kafka.kube.client import PODS, KubeClient, Object
from kanister_kafka.kube.exec import exec_in_pod
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock
from kanister_kafka.operations.action_follower import resume_command
from kanister_kafka.operations.actionset import AppliedBlueprint
from kanister_kafka.operations.live_kafka import (
    IDLE,
    LiveKafka,
    is_pause_requested,
    list_pods,
    state_of,
    strimzi_resource,
    watchdog_replicas,
)
from kanister_kafka.operations.object_names import ObjectNames, find_names
from kanister_kafka.operations.preflight import (
    CheckLine,
    CheckStatus,
    PreflightTarget,
    run_preflight,
)
from kanister_kafka.operations.provenance import Provenance
from kanister_kafka.operations.rehearsal.model import RehearsalVersions
from kanister_kafka.operations.start_action import check_action, find_applied
from kanister_kafka.operations.volume_snapshots import VolumeClaim, find_claims
from kanister_kafka.strimzi import read_cluster
from kanister_kafka.strimzi.discovery import KafkaRef, find_target, is_broker_pod
from kanister_kafka.strimzi.from_cluster import ClusterResources, read_cluster_resources
from kanister_kafka.strimzi.listeners import Listener, choose_probe_listener
from kanister_kafka.strimzi.reader import ReadResult

KAFKA_FIRST = "Kafka is brought back and all is removed first"
"""Before a rehearsal ends that was interrupted."""
STOP, RESTART = "backupPrehook", "backupPosthook"
BACKUP = "backup"
"""A Blueprint that has it takes the snapshots itself."""
LABEL = f"{constants.PREFIX}rehearsal"
"""On all that a rehearsal makes; its value is the id of the rehearsal."""
NAME = "kanister-kafka-rehearsal-"
"""Start of the names of all that a rehearsal makes, except ActionSets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalRequest:
    """What is asked for."""

    name: str = ""
    """Of the Kafka; the only one of the namespace if it is empty."""
    namespace: str = ""
    context: str = ""
    kasten_namespace: str
    blueprint: str = ""
    """Its name; the default one if it is empty."""
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
    """`spec.replicas`, or None if it is unset."""
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
    """The data of the state ConfigMap; empty if there is none."""
    armed: bool = False
    """Whether the watchdog is set to bring it back."""

    @property
    def settled(self) -> bool:
        """Whether no backup is under way by all that is kept on the cluster."""
        return not self.paused and not self.armed and self.state in IDLE


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalContext:
    """All that is needed to rehearse."""

    id: str
    request: RehearsalRequest
    target: KafkaRef
    blueprint: AppliedBlueprint
    names: ObjectNames
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

    def read_state(self, connection: KubeClient) -> InitialState:
        """See the cluster as it is now."""
        return read_state(LiveKafka(connection, self.target), self.names)


def build_context(connection: KubeClient, request: RehearsalRequest) -> RehearsalContext:
    """Look at everything, touch nothing.

    Raises NotFoundError if there is no such Kafka, Blueprint or action, ActionError if the
    claims cannot be snapshotted or another rehearsal has left something behind.
    """
    with connection.one_moment():
        return _read_context(connection, request)


def _read_context(connection: KubeClient, request: RehearsalRequest) -> RehearsalContext:
    target = find_target(connection, request.namespace, request.name)
    live = LiveKafka(connection, target)
    kafka = live.get()
    _check_no_rehearsal(connection, target)
    blueprint = find_applied(connection, target, request.kasten_namespace, request.blueprint)
    for action in (STOP, RESTART):
        check_action(blueprint, action)
    names = find_names(connection, target, blueprint.namespace, blueprint.name)
    brokers = [pod for pod in live.nodes() if is_broker_pod(pod, target.name)]
    if not brokers:
        raise ActionError(f"Kafka {target} has no pods of brokers: see kanister-kafka status")
    listener, why = choose_probe_listener(kafka, request.probe_config)
    if blueprint.origin.is_online:
        listener, why = None, "an online backup fails if a client writes meanwhile"
    status = kafka.get("status") or {}
    return RehearsalContext(
        id=secrets.token_hex(4),
        request=request,
        target=target,
        blueprint=blueprint,
        names=names,
        before=read_state(live, names),
        claims=find_claims(
            connection,
            target,
            request.snapshot_class or blueprint.origin.snapshot_class,
            kasten=BACKUP not in blueprint.actions,
        ),
        writers=_writers(connection, target, blueprint.origin),
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


def read_state(live: LiveKafka, names: ObjectNames) -> InitialState:
    """See the cluster as it is now."""
    kafka, pods = live.get(), live.nodes()
    config_map = live.state_config_map(names.state_config_map)
    replicas = watchdog_replicas(live.watchdog(names.watchdog))
    claims = [(objects.name_of(claim), claim["metadata"].get("uid", "")) for claim in live.claims()]
    annotations = kafka["metadata"].get("annotations") or {}
    return InitialState(
        cluster_id=str(objects.get_path(kafka, "status", "clusterId") or ""),
        paused=is_pause_requested(kafka) or constants.PREVIOUS_PAUSE in annotations,
        ready=objects.is_reconciled(kafka),
        state=state_of(config_map),
        armed=bool(replicas) or constants.RESTART_DEADLINE in annotations,
        nodes=tuple(sorted(objects.name_of(pod) for pod in pods if objects.is_ready(pod))),
        claims=tuple(sorted(claims)),
    )


def read_client(connection: KubeClient, kind: str, namespace: str, name: str) -> ClientState:
    """See a writer as it is now; Ready counts only when all its pods are."""
    item = connection.get(strimzi_resource(connection, kind), name, namespace)
    replicas = (item.get("spec") or {}).get("replicas")
    serving = sum(map(objects.is_ready, list_pods(connection, kind, namespace, name)))
    desired = replicas if isinstance(replicas, int) else 1
    ready = objects.is_reconciled(item) and serving >= desired
    return ClientState(kind, namespace, name, replicas, ready)


def _check_no_rehearsal(connection: KubeClient, target: KafkaRef) -> None:
    probe_pods = connection.items(PODS, target.namespace, LABEL)
    if probe_pods:
        name = probe_pods[0]["metadata"]["name"]
        raise ActionError(
            f"pod {target.namespace}/{name} is of another rehearsal: wait for its end; if that was "
            "killed, delete the pod, which also removes its topic, and look for VolumeSnapshots "
            f"and ActionSets with the label {LABEL}"
        )


def _writers(
    connection: KubeClient, target: KafkaRef, origin: Provenance
) -> tuple[ClientState, ...]:
    """Find what the Blueprint quiesces, as `render` does."""
    _resources, reading = _read_cluster(connection, target, origin)
    if reading.cluster is None or has_error(reading.problems):
        raise InputError(reading.problems)
    return tuple(
        read_client(connection, writer.kind, writer.namespace, writer.name)
        for writer in reading.cluster.writers
    )


def _read_cluster(
    connection: KubeClient, target: KafkaRef, origin: Provenance
) -> tuple[ClusterResources, ReadResult]:
    """Read the cluster with the clients that the options of its Blueprint name."""
    resources = read_cluster_resources(target.name, target.namespace, client=connection)
    reading = read_cluster(
        resources.documents,
        cluster=target.name,
        namespace=target.namespace,
        writers=origin.client_choices.writers,
        not_writers=origin.client_choices.not_writers,
        others=resources.others,
    )
    return resources, reading


# One clock for everything that is measured.


class Stopwatch:
    """Seconds since it was made; does not jump when the time of day is set."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self.began = datetime.now(timezone.utc)
        """The time of day then."""
        self.clock = clock
        self._zero = clock.now()

    def __call__(self) -> float:
        """Return the seconds since it was made."""
        return self.clock.now() - self._zero

    def epoch(self) -> float:
        """Return the time of day as seconds since 1970, by the same steady clock."""
        return self.began.timestamp() + self()


# Whether a cluster is fit for a rehearsal: what `check` finds, before anything is touched.

OF_OPTIONS = ("drift", "hook-timeout", "image", "image-pull", "plan", "pod-user", "rights")
"""Checks that judge by the options of the Blueprint, which `check` alone gets."""
ABOUT_STORAGE = ("snapshot-class",)
"""The options that a rehearsal sets by itself, with the given class."""


def check_preconditions(
    connection: KubeClient, context: RehearsalContext, on_doubt: Callable[[str], None]
) -> None:
    """Raise ActionError with all obstacles; possible ones are reported."""
    target, request = context.target, context.request
    with connection.one_moment():
        plan, problems = _plan(connection, context)
        subject = PreflightTarget(
            name=target.name,
            namespace=target.namespace,
            kasten_namespace=request.kasten_namespace,
            plan=plan,
            problems=problems,
            names=context.names,
        )
        lines = run_preflight(connection, partial(exec_in_pod, context=request.context), subject)
    doubts = [line for line in lines if line.level is not CheckStatus.OK and not is_blocking(line)]
    for line in doubts:
        on_doubt(f"  {line.level.value}: {line.what}")
    if any(line.level is CheckStatus.PROBLEM for line in doubts):
        on_doubt(
            "  whether these are problems depends on how it was rendered: see kanister-kafka check"
        )
    wrong = [format_check_line(line) for line in lines if is_blocking(line)]
    if not wrong and not context.before.settled:
        command = resume_command(target, request.context)
        wrong.append(f"a former backup is not over ({command})")
    if wrong:
        raise ActionError(f"nothing was touched: {'; '.join(wrong)}")


def is_blocking(line: CheckLine) -> bool:
    """Return whether a rehearsal must not begin."""
    return line.level is CheckStatus.PROBLEM and line.id not in OF_OPTIONS + ABOUT_STORAGE


def format_check_line(line: CheckLine) -> str:
    """Return a line with its remedy."""
    return f"{line.what} ({line.remedy})" if line.remedy else line.what


def _plan(
    connection: KubeClient, context: RehearsalContext
) -> tuple[BackupPlan | None, tuple[Diagnostic, ...]]:
    origin = context.blueprint.origin
    resources, reading = _read_cluster(connection, context.target, origin)
    problems = resources.problems + reading.problems
    if reading.cluster is None or has_error(problems):
        return None, problems
    options = Options(
        kasten_namespace=context.request.kasten_namespace,
        quiesce_by=origin.quiesce_by,
        writers=origin.client_choices.writers,
        not_writers=origin.client_choices.not_writers,
    )
    try:
        plan = build_plan(reading.cluster, options, problems)
    except InputError as failure:
        return None, failure.problems
    return plan, plan.problems
