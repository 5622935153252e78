"""Whether the cluster stands still: Ready, not rolling, not paused, nothing under way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from kanister_kafka.backup.kasten import hot_consistency, hot_effects
from kanister_kafka.backup.options import Strategy
from kanister_kafka.backup.planner import autoscaler_conflict
from kanister_kafka.constants import PAUSE_RECONCILIATION, PREVIOUS_PAUSE, BackupState
from kanister_kafka.kube.client import Object
from kanister_kafka.kube.objects import (
    annotation,
    condition,
    get_path,
    is_observed,
    is_true,
    join_limited,
    label,
    name_of,
    title,
    titles,
)
from kanister_kafka.operations.live_kafka import IDLE, is_pause_requested, state_of
from kanister_kafka.operations.preflight.cluster_facts import (
    ClusterFacts,
    diagnostic_lines,
    preflight_check,
)
from kanister_kafka.operations.preflight.model import CheckLine, failed, passed, warned
from kanister_kafka.strimzi.retention import DELAY, read_held
from kanister_kafka.strimzi.workloads import find_autoscalers
from kanister_kafka.yamldoc import document_from_dict

ROLLING = "strimzi.io/manual-rolling-update"
DISCARD = "strimzi.io/delete-pod-and-pvc"
REVISION = "strimzi.io/revision"
"""Of a pod, and of its template in the StrimziPodSet: they differ until it is rolled (Strimzi's
PodRevision.java)."""


def stopped_by_us(view: ClusterFacts) -> bool:
    """Return whether the cluster is stopped, or partly stopped, by a backup."""
    return bool(annotation(view.kafka, PREVIOUS_PAUSE))


@preflight_check("kafka-ready")
def ready(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that the Kafka resource is Ready, and the operator has seen it as it is now."""
    kafka = view.kafka
    refs = (title(kafka),)
    look = view.kubectl(f"describe kafka {view.name} -n {view.namespace}")
    if not is_true(kafka, "Ready"):
        why = condition(kafka, "NotReady")
        stated = ": ".join(text for text in (why.get("reason"), why.get("message")) if text)
        paused = is_true(kafka, "ReconciliationPaused")
        because = stated or (
            "its reconciliation is paused" if paused else "it has no such condition"
        )
        yield failed(f"{refs[0]} is not Ready: {because}", look, objects=refs)
        return
    behind = [item for item in (kafka,) + view.pools.get() if not is_observed(item)]
    for item in behind:
        observed = get_path(item, "status", "observedGeneration")
        yield failed(
            f"the operator has not taken in the last change of {title(item)}: it is at generation "
            f"{get_path(item, 'metadata', 'generation')}, and {observed or 'none'} was observed",
            f"wait, or look why: {look}",
            objects=(title(item),),
        )
    if not behind:
        yield passed(f"{refs[0]} is Ready", objects=refs)


@preflight_check("node-ids")
def node_ids(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that every pool has its node ids in the status: a stop keeps them, or fails."""
    ids: list[int] = []
    for pool in view.pools.get():
        desired = get_path(pool, "spec", "replicas") or 0
        ids_of_pool = get_path(pool, "status", "nodeIds") or ()
        if len(ids_of_pool) != desired:
            yield failed(
                f"{title(pool)} has {len(ids_of_pool)} node ids in its status and needs {desired} "
                "nodes",
                "wait until the operator has scaled it",
                objects=(title(pool),),
            )
            return
        ids += ids_of_pool
    if view.pools.get():
        yield passed(f"the pools have their node ids: {join_limited(map(str, sorted(ids)), 9)}")


@preflight_check("pods-ready")
def pods_ready(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that every pod of the Kafka resource is there and Ready."""
    pods, sets = view.pods.get(), view.pod_sets.get()
    if not pods:
        yield failed(
            f"Kafka {view.namespace}/{view.name} has no pods",
            view.kubectl(f"get pods -n {view.namespace} -l strimzi.io/cluster={view.name}"),
        )
        return
    unready = [pod for pod in pods if not is_true(pod, "Ready") or _is_leaving(pod)]
    present = {name_of(pod) for pod in pods}
    expected = chain.from_iterable(_pods_of(item) for item in sets)
    missing = [name for name in expected if name not in present]
    if missing:
        yield failed(
            f"pods are missing: {join_limited(missing)}", "wait until the operator has made them"
        )
    if unready:
        yield failed(
            f"{len(unready)} of {len(pods)} pods are not Ready: "
            f"{join_limited(map(name_of, unready))}",
            view.kubectl(f"describe pod {name_of(unready[0])} -n {view.namespace}"),
            objects=titles(unready),
        )
    if not missing and not unready:
        yield passed(
            f"every pod is Ready: {join_limited(map(name_of, pods))}", objects=titles(pods)
        )


@preflight_check("rolling")
def rolling(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that no one has asked for a roll, and none is half done."""
    pods, sets = view.pods.get(), view.pod_sets.get()
    requested = [item for item in pods + sets if annotation(item, ROLLING) == "true"]
    discard = [pod for pod in pods if annotation(pod, DISCARD) == "true"]
    old = [pod for pod in pods if _is_old(pod, sets)]
    if requested:
        yield failed(
            f"a rolling update is asked for by {ROLLING} on {join_limited(titles(requested))}",
            "wait until the operator has rolled them and taken the annotation away",
            objects=titles(requested),
        )
    if discard:
        yield failed(
            f"{join_limited(titles(discard))} and its claims will be deleted by {DISCARD}",
            "wait until the operator has replaced them",
            objects=titles(discard),
        )
    if old:
        yield failed(
            f"{len(old)} of {len(pods)} pods are older than their specification, so the operator is"
            f" rolling or about to: {join_limited(map(name_of, old))}",
            "wait until it is done",
            objects=titles(old),
        )
    if not (requested or discard or old):
        yield passed("no rolling update is under way or asked for")


@preflight_check("retention")
def retention(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check whether a restore holds the retention: a backup may be made, and records it."""
    hold, refs = read_held(view.kafka), (title(view.kafka),)
    if hold is None:
        yield passed("no restore holds the retention", objects=refs)
    elif hold.holds:
        yield warned(
            f"{refs[0]} deletes nothing since {hold.since}: a restore holds its retention, and its "
            "volumes grow. A backup of it is held when it is restored",
            view.command("release-retention"),
            objects=refs,
        )
    else:
        why = "its annotation is damaged" if hold.damaged else f"{DELAY} was changed since"
        yield warned(
            f"a restore has held the retention of {refs[0]}, and that may not hold: {why}",
            view.command("release-retention"),
            objects=refs,
        )


@preflight_check("pause")
def pause(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that no one has paused the cluster, and no pause is just ending."""
    kafka, refs = view.kafka, (title(view.kafka),)
    state = state_of(view.record.value)
    since = str(get_path(view.record.value or {}, "data", "since") or "")
    is_restoring = state == BackupState.RESTORING.value
    is_unsure = is_restoring or view.record.unreadable is not None
    resume = view.command("status" if is_unsure else "resume")
    if is_restoring:
        yield failed(f"{refs[0]} is being restored since {since}", resume, objects=refs)
    elif stopped_by_us(view):
        recorded = f" ({state} since {since} in the state ConfigMap)" if state else ""
        yield failed(
            f"{refs[0]} is stopped, or partly stopped, by a backup{recorded}", resume, objects=refs
        )
    elif is_pause_requested(kafka):
        yield failed(
            f"the reconciliation of {refs[0]} is paused already, and a restart would end that "
            "pause until the brokers serve again",
            view.kubectl(f"annotate kafka {view.name} -n {view.namespace} {PAUSE_RECONCILIATION}-"),
            objects=refs,
        )
    elif is_true(kafka, "ReconciliationPaused"):
        yield failed(
            f"the operator has not ended the reconciliation after an earlier pause of {refs[0]}",
            "wait; a new pause would seem acknowledged at once",
            objects=refs,
        )
    elif state not in IDLE:
        yield failed(
            f"the state ConfigMap has state {state} since {since}, and {refs[0]} is not paused",
            resume,
        )
    else:
        view.record.get()  # it may be that of a restore which has not paused Kafka yet
        yield passed(f"{refs[0]} is not paused", objects=refs)


@preflight_check("writers")
def writers(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that what writes can be quiesced: a paused one does not heed its replica count."""
    clients = [writer.get() for writer in view.writers]
    if view.planned is None:
        return
    still_paused = [writer for writer in clients if annotation(writer, PREVIOUS_PAUSE)]
    paused = [writer for writer in clients if is_pause_requested(writer)]
    for writer in paused:
        if writer in still_paused:
            continue
        owned = [pod for pod in view.writer_pods.get() if _owns(writer, pod)]
        if owned:
            plural = f"{writer['kind'].lower()}s"
            name, namespace = name_of(writer), get_path(writer, "metadata", "namespace")
            yield failed(
                f"{title(writer)} is paused by another client and runs: it cannot be quiesced",
                view.kubectl(f"annotate {plural} {name} -n {namespace} {PAUSE_RECONCILIATION}-"),
                objects=(title(writer),) + titles(owned),
            )
        else:
            yield warned(
                f"{title(writer)} is paused by another client; it has no pods and stays paused",
                objects=(title(writer),),
            )
    is_restoring = state_of(view.record.value) == BackupState.RESTORING.value
    if still_paused and not is_restoring and not stopped_by_us(view):
        yield failed(
            f"{join_limited(titles(still_paused))} is still paused by an earlier backup",
            view.command("resume"),
            objects=titles(still_paused),
        )
    if not paused and not still_paused:
        names = join_limited(titles(clients)) or "nothing that is known to write"
        yield passed(f"to be quiesced: {names}; none is paused", objects=titles(clients))


@preflight_check("autoscalers")
def autoscalers(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that nothing changes the replicas of a writer or a pool while Kafka is stopped."""
    if view.planned is None:
        return
    plan = view.planned.plan
    cluster = plan.cluster
    documents = [document_from_dict(item) for item in view.autoscalers.get()]
    live = find_autoscalers(documents, cluster.namespace, cluster.pools, cluster.writers)
    harmless = []
    for autoscaler in live:
        if wrong := autoscaler_conflict(autoscaler, plan.options):
            yield failed(wrong.what, wrong.remedy, objects=(str(autoscaler), autoscaler.target))
        else:
            harmless.append(str(autoscaler))
    if not live:
        yield passed("nothing scales its writers or node pools by itself")
    elif harmless:
        yield passed(f"leaves a backup alone: {join_limited(harmless)}", objects=tuple(harmless))


def _is_leaving(pod: Object) -> bool:
    return get_path(pod, "metadata", "deletionTimestamp") is not None


def _owns(writer: Object, pod: Object) -> bool:
    namespace = get_path(writer, "metadata", "namespace")
    return (
        label(pod, "strimzi.io/cluster") == name_of(writer)
        and label(pod, "strimzi.io/kind") == writer["kind"]
        and get_path(pod, "metadata", "namespace") == namespace
    )


def _pods_of(item: Object) -> list[str]:
    if item["kind"] == "StatefulSet":
        return [f"{name_of(item)}-{i}" for i in range(get_path(item, "spec", "replicas") or 0)]
    return [name_of(pod) for pod in get_path(item, "spec", "pods") or ()]


def _is_old(pod: Object, sets: tuple[Object, ...]) -> bool:
    for item in sets:
        if item["kind"] == "StatefulSet" and name_of(pod).rpartition("-")[0] == name_of(item):
            desired = str(get_path(item, "status", "updateRevision") or "")
            return bool(desired) and label(pod, "controller-revision-hash") != desired
        for template in get_path(item, "spec", "pods") or ():
            if name_of(template) == name_of(pod):
                return annotation(template, REVISION) != annotation(pod, REVISION)
    return False


# Changes that a backup must not interrupt: a migration, a change of version, a rebalance.

MOVING = ("Rebalancing",)
"""States of a KafkaRebalance in which replicas move, as types of a condition (Strimzi's
KafkaRebalanceState.java)."""
PLANNING = ("New", "PendingProposal")


@preflight_check("migration")
def migration(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that the cluster is not on its way between ZooKeeper and KRaft."""
    lines = list(diagnostic_lines(view, "metadata-migration"))
    yield from lines
    if not lines:
        state = get_path(view.kafka, "status", "kafkaMetadataState")
        mode = f": the metadata is in {state}" if state else ""
        yield passed(f"no migration between ZooKeeper and KRaft{mode}")


@preflight_check("version")
def version_change(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that brokers run the version that the resource asks for."""
    desired = str(get_path(view.kafka, "spec", "kafka", "version") or "")
    runs = str(get_path(view.kafka, "status", "kafkaVersion") or "")
    yield from diagnostic_lines(view, "unpinned-version")
    if desired and runs and desired != runs:
        yield failed(
            f"Kafka will become {desired} and the last reconciliation ended with {runs}",
            "wait until the operator has changed the version",
            objects=(title(view.kafka),),
        )
    elif desired:
        status_text = "runs" if runs else "is asked for; the running version is unknown"
        yield passed(f"Kafka {desired} {status_text}, and no other version is asked for")


@preflight_check("rebalance")
def rebalance(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that no replicas are on the move."""
    auto = str(get_path(view.kafka, "status", "autoRebalance", "state") or "")
    quiet = True
    if auto and auto != "Idle":
        quiet = False
        yield failed(
            f"Cruise Control rebalances by itself: status.autoRebalance.state is {auto}",
            "wait until it is Idle",
            objects=(title(view.kafka),),
        )
    for item in view.rebalances.get():
        states = [name for name in MOVING + PLANNING if condition(item, name).get("status")]
        if not states or not is_true(item, states[0]):
            continue
        state = states[0]
        quiet = False
        say = failed if state in MOVING else warned
        then = "" if state in MOVING else ", and the stop ends that"
        yield say(
            f"{title(item)} is in state {state}{then}",
            "wait until it is Ready, or stop it: "
            + view.kubectl(
                f"annotate kafkarebalances {name_of(item)} -n {view.namespace} "
                "strimzi.io/rebalance=stop"
            ),
            objects=(title(item),),
        )
    if quiet:
        yield passed("no rebalance is running")


@preflight_check("strategy")
def strategy(view: ClusterFacts) -> Iterator[CheckLine]:
    """Report what a backup whose brokers run promises."""
    chosen = view.planned.plan.options.strategy if view.planned else Strategy.COLD
    if view.planned and chosen is Strategy.HOT:
        options = view.planned.plan.options
        yield warned(
            f"a hot backup is {hot_consistency(options)}",
            "use --strategy online if all clients can be stopped, or cold",
            detail=hot_effects(view.planned.plan.cluster, options),
        )
    elif chosen is Strategy.ONLINE:
        yield passed(
            "brokers run during the snapshots: a backup fails if a client that is not known here "
            "writes or commits offsets meanwhile"
        )


@preflight_check("partitions")
def under_replicated(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that every replica is in sync, so no partition loses its leader while brokers stop."""
    behind = view.partitions.get()
    if not behind:
        yield passed("every replica is in sync")
        return
    dead = [part for part in behind if part.leader in ("none", "-1")]
    yield failed(
        f"{len(behind)} partitions have replicas that are not in sync"
        + (f", {len(dead)} of them no leader" if dead else ""),
        "wait until they have caught up, or look why they do not",
        detail=(
            join_limited(
                (f"{p.topic}-{p.number}: {p.in_sync} of {p.replicas} in sync" for p in behind), 10
            ),
        ),
    )
