"""Commands that mean to stop something in a way that it does not have."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.blueprint import Blueprint
from kanister_kafka.blueprint.kubectl import Call, Target, calls
from kanister_kafka.checks.changes import PAUSES, UNPAUSED, UNSCALED
from kanister_kafka.checks.registry import Finding, Settings, check

INSTEAD = {
    "kafkas": "pause it with strimzi.io/pause-reconciliation and delete its StrimziPodSets",
    "strimzipodsets": "pause the Kafka, or what else it is of, and delete it",
}
DEFAULT = "Kubernetes answers NotFound"


def _each(blueprint: Blueprint) -> Iterator[tuple[Call, Target]]:
    for phase in blueprint.phases:
        for call in calls(phase):
            for target in call.targets:
                yield call, target


def _finding(call: Call, message: str) -> Finding:
    statement = call.statement
    place = statement.node.place(statement.line, statement.column)
    return Finding(place, statement.path, message)


@check("scale-subresource")
def scale_subresource(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find `kubectl scale` of what has no scale, or whose scale is no number of pods.

    Strimzi gives one to KafkaConnect, KafkaMirrorMaker2, KafkaBridge and KafkaNodePool. That of a
    KafkaConnector is its number of tasks, which is never 0.
    """
    for call, target in _each(blueprint):
        if call.verb != "scale":
            continue
        kind = target.kind.removesuffix("s")
        if target.kind in UNSCALED:
            message = f"fails: a {kind} has no scale subresource"
            yield _finding(call, f"{message}; {INSTEAD.get(target.kind, DEFAULT)}")
        elif target.kind == "kafkaconnectors" and call.option("--replicas") == "0":
            message = "fails: the scale of a KafkaConnector is tasksMax, which is at least 1"
            yield _finding(call, f"{message}; set spec.state: stopped with kubectl patch")


@check("pause-ignored")
def pause_ignored(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find Strimzi's annotation on what nobody pauses: what is deleted then comes back at once."""
    found = [pair for pair in _each(blueprint) if PAUSES.stop.search(pair[0].text)]
    paused = [(call, target) for call, target in found if call.verb in ("annotate", "patch")]
    if not all(target.kind in UNPAUSED for _call, target in paused):
        return  # with what it is of, so it does no harm
    for call, target in paused:
        kind = target.kind.removesuffix("s")
        message = f"pauses nothing: Strimzi does not read the annotation on a {kind}; "
        yield _finding(call, f"{message}set it on the Kafka, or what else it is of")
