"""Whether the cluster stands still: Ready, not rolling, not paused, nothing under way."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.document import from_object
from kanister_kafka.marks import PAUSE, PAUSE_BEFORE, State
from kanister_kafka.plan.autoscaling import harm
from kanister_kafka.preflight.model import Line, Object, bad, doubt, ok
from kanister_kafka.preflight.objects import (
    annotation,
    at,
    condition,
    few,
    is_taken_in,
    is_true,
    label,
    name_of,
    title,
    titles,
)
from kanister_kafka.preflight.registry import check
from kanister_kafka.preflight.view import View
from kanister_kafka.strimzi.autoscalers import find_autoscalers
from kanister_kafka.strimzi.retention import DELAY, read_held

ROLLING = "strimzi.io/manual-rolling-update"
DISCARD = "strimzi.io/delete-pod-and-pvc"
REVISION = "strimzi.io/revision"
"""Of a pod, and of its template in the StrimziPodSet: they differ until it is rolled (Strimzi's
PodRevision.java)."""


def is_ours(view: View) -> bool:
    """Tell whether the cluster is stopped, or half stopped, by us."""
    return bool(annotation(view.kafka, PAUSE_BEFORE))


@check("kafka-ready")
def ready(view: View) -> Iterator[Line]:
    """Check that the Kafka resource is Ready, and the operator has seen it as it is now."""
    kafka = view.kafka
    here = (title(kafka),)
    look = view.kubectl(f"describe kafka {view.name} -n {view.namespace}")
    if not is_true(kafka, "Ready"):
        why = condition(kafka, "NotReady")
        said = ": ".join(text for text in (why.get("reason"), why.get("message")) if text)
        paused = is_true(kafka, "ReconciliationPaused")
        because = said or ("its reconciliation is paused" if paused else "it has no such condition")
        yield bad(f"{here[0]} is not Ready: {because}", look, objects=here)
        return
    behind = [item for item in (kafka, *view.pools.get()) if not is_taken_in(item)]
    for item in behind:
        seen = at(item, "status", "observedGeneration")
        yield bad(
            f"the operator has not taken in the last change of {title(item)}: it is at generation "
            f"{at(item, 'metadata', 'generation')}, and {seen or 'none'} was observed",
            f"wait, or look why: {look}",
            objects=(title(item),),
        )
    if not behind:
        yield ok(f"{here[0]} is Ready", objects=here)


@check("node-ids")
def node_ids(view: View) -> Iterator[Line]:
    """Check that every pool tells its node ids: a stop keeps them, and fails without."""
    for pool in view.pools.get():
        wanted, found = at(pool, "spec", "replicas") or 0, at(pool, "status", "nodeIds") or ()
        if len(found) != wanted:
            yield bad(
                f"{title(pool)} tells {len(found)} node ids and wants {wanted} nodes",
                "wait until the operator has scaled it",
                objects=(title(pool),),
            )
            return
    if view.pools.get():
        ids = [node for pool in view.pools.get() for node in at(pool, "status", "nodeIds") or ()]
        yield ok(f"the pools tell their node ids: {few(map(str, sorted(ids)), 9)}")


@check("pods-ready")
def pods_ready(view: View) -> Iterator[Line]:
    """Check that every pod of the Kafka resource is there and Ready."""
    pods, sets = view.pods.get(), view.pod_sets.get()
    if not pods:
        yield bad(
            f"Kafka {view.namespace}/{view.name} has no pods",
            view.kubectl(f"get pods -n {view.namespace} -l strimzi.io/cluster={view.name}"),
        )
        return
    unready = [pod for pod in pods if not is_true(pod, "Ready") or _is_leaving(pod)]
    there = {name_of(pod) for pod in pods}
    missing = [name for item in sets for name in _pods_of(item) if name not in there]
    if missing:
        yield bad(f"pods are missing: {few(missing)}", "wait until the operator has made them")
    if unready:
        yield bad(
            f"{len(unready)} of {len(pods)} pods are not Ready: {few(map(name_of, unready))}",
            view.kubectl(f"describe pod {name_of(unready[0])} -n {view.namespace}"),
            objects=titles(unready),
        )
    if not missing and not unready:
        yield ok(f"every pod is Ready: {few(map(name_of, pods))}", objects=titles(pods))


@check("rolling")
def rolling(view: View) -> Iterator[Line]:
    """Check that nobody has asked for a roll, and none is half done."""
    pods, sets = view.pods.get(), view.pod_sets.get()
    asked = [item for item in (*pods, *sets) if annotation(item, ROLLING) == "true"]
    discard = [pod for pod in pods if annotation(pod, DISCARD) == "true"]
    old = [pod for pod in pods if _is_old(pod, sets)]
    if asked:
        yield bad(
            f"a rolling update is asked for by {ROLLING} on {few(titles(asked))}",
            "wait until the operator has rolled them and taken the annotation away",
            objects=titles(asked),
        )
    if discard:
        yield bad(
            f"{few(titles(discard))} and its claims are to be deleted by {DISCARD}",
            "wait until the operator has replaced them",
            objects=titles(discard),
        )
    if old:
        yield bad(
            f"{len(old)} of {len(pods)} pods are older than their specification, so the operator is"
            f" rolling or about to: {few(map(name_of, old))}",
            "wait until it is done",
            objects=titles(old),
        )
    if not (asked or discard or old):
        yield ok("no rolling update is under way or asked for")


@check("retention")
def retention(view: View) -> Iterator[Line]:
    """Check whether a restore holds the retention: a backup may be made, and is to say so."""
    held, here = read_held(view.kafka), (title(view.kafka),)
    if held is None:
        yield ok("no restore holds the retention", objects=here)
    elif held.holds:
        yield doubt(
            f"{here[0]} deletes nothing since {held.since}: a restore holds its retention, and its "
            "volumes grow. A backup of it is held when it is restored",
            view.ours("release-retention"),
            objects=here,
        )
    else:
        why = "its annotation is damaged" if held.damaged else f"{DELAY} was changed since"
        yield doubt(
            f"a restore has held the retention of {here[0]}, and that may not hold: {why}",
            view.ours("release-retention"),
            objects=here,
        )


@check("pause")
def pause(view: View) -> Iterator[Line]:
    """Check that nobody has paused the cluster, and no pause is just ending."""
    kafka, here = view.kafka, (title(view.kafka),)
    state = str(at(view.record.value or {}, "data", "state") or "")
    since = str(at(view.record.value or {}, "data", "since") or "")
    resume = view.ours("resume")
    if is_ours(view):
        told = f" (the record says {state} since {since})" if state else ""
        yield bad(f"{here[0]} is stopped, or half stopped, by us{told}", resume, objects=here)
    elif annotation(kafka, PAUSE).lower() == "true":
        yield bad(
            f"somebody has paused the reconciliation of {here[0]}, and a restart would end that "
            "pause until the brokers serve again",
            view.kubectl(f"annotate kafka {view.name} -n {view.namespace} {PAUSE}-"),
            objects=here,
        )
    elif is_true(kafka, "ReconciliationPaused"):
        yield bad(
            f"the operator has not ended the reconciliation after an earlier pause of {here[0]}",
            "wait; a new pause would seem acknowledged at once",
            objects=here,
        )
    elif state and state != State.RUNNING.value:
        yield bad(f"the record says {state} since {since}, and {here[0]} is not paused", resume)
    else:
        yield ok(f"{here[0]} is not paused", objects=here)


@check("writers")
def writers(view: View) -> Iterator[Line]:
    """Check that what writes can be quiesced: a paused one does not heed its replica count."""
    found = [writer.get() for writer in view.writers]
    if view.planned is None:
        return
    left = [writer for writer in found if annotation(writer, PAUSE_BEFORE)]
    paused = [writer for writer in found if annotation(writer, PAUSE).lower() == "true"]
    for writer in paused:
        if writer in left:
            continue
        owned = [pod for pod in view.writer_pods.get() if _owns(writer, pod)]
        if owned:
            plural = f"{writer['kind'].lower()}s"
            name, home = name_of(writer), at(writer, "metadata", "namespace")
            yield bad(
                f"{title(writer)} is paused by somebody else and runs: it cannot be quiesced",
                view.kubectl(f"annotate {plural} {name} -n {home} {PAUSE}-"),
                objects=(title(writer), *titles(owned)),
            )
        else:
            yield doubt(
                f"{title(writer)} is paused by somebody else; it has no pods and stays so",
                objects=(title(writer),),
            )
    if left and not is_ours(view):
        yield bad(
            f"{few(titles(left))} is still paused by an earlier backup",
            view.ours("resume"),
            objects=titles(left),
        )
    if not paused and not left:
        known = few(titles(found)) or "nothing that is known to write"
        yield ok(f"to be quiesced: {known}; none is paused", objects=titles(found))


@check("autoscalers")
def autoscalers(view: View) -> Iterator[Line]:
    """Check that nothing changes the replicas of a writer or a pool while Kafka is stopped."""
    if view.planned is None:
        return
    plan = view.planned.plan
    cluster = plan.cluster
    documents = [from_object(item) for item in view.autoscalers.get()]
    found = find_autoscalers(documents, cluster.namespace, cluster.pools, cluster.writers)
    harmless = []
    for autoscaler in found:
        if wrong := harm(autoscaler, plan.options):
            yield bad(wrong.what, wrong.remedy, objects=(str(autoscaler), autoscaler.target))
        else:
            harmless.append(str(autoscaler))
    if not found:
        yield ok("nothing scales its writers or node pools by itself")
    elif harmless:
        yield ok(f"leaves a backup alone: {few(harmless)}", objects=tuple(harmless))


def _is_leaving(pod: Object) -> bool:
    return at(pod, "metadata", "deletionTimestamp") is not None


def _owns(writer: Object, pod: Object) -> bool:
    home = at(writer, "metadata", "namespace")
    return (
        label(pod, "strimzi.io/cluster") == name_of(writer)
        and label(pod, "strimzi.io/kind") == writer["kind"]
        and at(pod, "metadata", "namespace") == home
    )


def _pods_of(item: Object) -> list[str]:
    if item["kind"] == "StatefulSet":
        return [f"{name_of(item)}-{i}" for i in range(at(item, "spec", "replicas") or 0)]
    return [name_of(pod) for pod in at(item, "spec", "pods") or ()]


def _is_old(pod: Object, sets: tuple[Object, ...]) -> bool:
    for item in sets:
        if item["kind"] == "StatefulSet" and name_of(pod).rpartition("-")[0] == name_of(item):
            wanted = str(at(item, "status", "updateRevision") or "")
            return bool(wanted) and label(pod, "controller-revision-hash") != wanted
        for template in at(item, "spec", "pods") or ():
            if name_of(template) == name_of(pod):
                return annotation(template, REVISION) != annotation(pod, REVISION)
    return False
