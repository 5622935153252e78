"""What to do next in each state, with the exact commands."""

from __future__ import annotations

from kanister_kafka import marks
from kanister_kafka.run.actionset import State
from kanister_kafka.run.condition import Condition
from kanister_kafka.run.sighting import Sighting, Writer
from kanister_kafka.run.target import Target
from kanister_kafka.run.words import bring_back, look_at, release


def advice(condition: Condition, seen: Sighting) -> tuple[str, ...]:
    """Say what to do next; a line that begins with two spaces is a command."""
    target = seen.target
    resume, status = f"  {bring_back(target)}", f"  {look_at(target)}"
    match condition:
        case Condition.RUNNING if (seen.record or {}).get("state", "running") != "running":
            if not seen.record:  # rendered empty, before the first backup
                return ("Nothing to do.",)
            return ("Kafka runs; what a backup has left behind is put in order by:", resume)
        case Condition.RUNNING if seen.kafka and seen.kafka.held:
            return ("Once nothing is to be saved any more, end the hold:", f"  {release(target)}")
        case Condition.RUNNING:
            return ("Nothing to do.",)
        case Condition.PAUSED:
            return ("Nothing of ours. Whoever has paused it ends the pause; by hand:", *_end(seen))
        case Condition.STOPPED if seen.work:
            return ("A backup is at work. Wait, and look again:", status)
        case Condition.STOPPED:
            return ("If no backup is under way any more, bring it back:", resume)
        case Condition.QUIESCING | Condition.STOPPING:
            return ("Wait, and look again; if it stays so, bring it back:", status, resume)
        case Condition.RESTARTING | Condition.RESTORING if seen.work:
            return ("Wait, and look again:", status)
        case Condition.PARTLY | Condition.QUIESCED | Condition.RESTARTING:
            return ("Bring it back; what is done already is not done again:", resume)
        case Condition.RESTORING:
            return ("If no restore is under way any more, run it again:", *_restore(seen))
        case Condition.GONE:
            return ("It can only be restored from a backup:", *_restore(seen))
        case Condition.DEGRADED | Condition.DOWN:
            return (
                "No backup has stopped it. See what the operator says:",
                f"  kubectl describe kafka {target.name} -n {target.namespace}",
                f"  kubectl get pods -n {target.namespace} "
                f"-l {marks.CLUSTER_LABEL}={target.name} -o wide",
            )


def by_hand(seen: Sighting) -> tuple[str, ...]:
    """Return the kubectl commands that bring a Kafka back without anything of ours.

    First StatefulSets, which the operator would leave at 0, then the end of the pause, then the
    writers, with the counts that are kept on them or in the record.
    """
    target, kafka = seen.target, seen.kafka
    commands = []
    for workload in seen.workloads:
        if count := workload.replicas_before:
            commands += _scale("statefulsets.apps", target.namespace, workload.name, count)
    if kafka is not None and (kafka.pause_before or kafka.restart_by):
        commands.append(
            _release(kafka.resource, target, kafka.pause_before, also=f" {marks.RESTART_BY}-")
        )
    for writer in seen.writers:
        commands += _writer(writer, seen)
    return tuple(commands)


def _end(seen: Sighting) -> tuple[str, ...]:
    if seen.kafka is None:
        return ()
    target = seen.target
    annotate = f"kubectl annotate {seen.kafka.resource} {target.name} -n {target.namespace}"
    return (f"  {annotate} {marks.PAUSE}-",)


def _writer(writer: Writer, seen: Sighting) -> list[str]:
    commands = []
    noted = f"replicas.{writer.kind}.{writer.namespace}.{writer.name}"
    count = writer.replicas_before or (seen.record or {}).get(noted, "")
    if count and (writer.replicas_before or writer.replicas == 0):
        commands += _scale(writer.resource, writer.namespace, writer.name, count)
    if writer.pause_before:
        at = Target(writer.namespace, writer.name)
        commands.append(_release(writer.resource, at, writer.pause_before))
    return commands


def _scale(resource: str, namespace: str, name: str, count: str) -> list[str]:
    number = count if count.isdecimal() else "null"
    memo = f'{{"metadata":{{"annotations":{{"{marks.REPLICAS_BEFORE}":null}}}}'
    patch = f'{memo},"spec":{{"replicas":{number}}}}}'
    return [f"kubectl patch {resource} {name} -n {namespace} --type merge -p '{patch}'"]


def _release(resource: str, at: Target, before: str, also: str = "") -> str:
    value = before.removeprefix("value:") if before.startswith("value:") else ""
    pause = f"{marks.PAUSE}={value}" if value else f"{marks.PAUSE}-"
    change = f"{pause} {marks.PAUSE_BEFORE}-{also}"
    return f"kubectl annotate {resource} {at.name} -n {at.namespace} --overwrite {change}"


def _restore(seen: Sighting) -> tuple[str, ...]:
    target = seen.target
    for made in seen.action_sets:  # the latest first
        if made.action == "backup" and made.state is State.COMPLETE and made.artifacts:
            command = f"kanister-kafka run restore {target.name} -n {target.namespace}"
            return (f"  {command} --from {made.name}",)
    return ("Kasten's restore points, or a backup ActionSet of Kanister (none was found).",)
