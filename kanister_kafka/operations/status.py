"""The state of a Kafka, since when and by whom, and what to do next: facts in, words out.

The state of the cluster itself decides. The state ConfigMap comes second; a difference is reported.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from kanister_kafka import constants
from kanister_kafka.constants import BackupState
from kanister_kafka.operations.action_follower import (
    held_message,
    release_command,
    resume_command,
    status_command,
)
from kanister_kafka.operations.actionset import ActionSet, ActionState
from kanister_kafka.operations.observed_state import ObservedClient, ObservedCluster, TaskActivity
from kanister_kafka.operations.provenance import context_flag
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.timestamps import parse_timestamp

# The states that a Kafka can be in, as a backup sees it.


class KafkaCondition(enum.Enum):
    """The state of a Kafka."""

    RUNNING = "running"
    PAUSED = "paused-by-others"
    """Every node serves; another client has paused the reconciliation."""
    BACKING_UP = "backing-up"
    """Every node serves, and a hot backup has not ended, which stops nothing."""
    QUIESCING = "quiescing"
    QUIESCED = "quiesced"
    """Every node serves, but the writers are stopped and nothing is at work."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    ONLINE = "online"
    """Every node serves, and the clients are stopped for a snapshot."""
    PARTLY = "partly-stopped"
    """Begun by a backup, and nothing is at work."""
    RESTARTING = "restarting"
    RESTORING = "restoring"
    DEGRADED = "partly-down"
    """Some nodes do not serve, and not by us."""
    DOWN = "down"
    """No pods, and not by us."""
    GONE = "gone"
    """There is no such Kafka resource."""
    UNKNOWN = "unknown"
    """Its pods cannot be listed."""


# What to do next in each state, with the exact commands.


def next_steps(condition: KafkaCondition, cluster: ObservedCluster) -> tuple[str, ...]:
    """Return what to do next; a line that begins with two spaces is a command."""
    target = cluster.target
    resume = f"  {resume_command(target, cluster.context)}"
    status = f"  {status_command(target, cluster.context)}"
    at = context_flag(cluster.context)
    match condition:
        case KafkaCondition.RUNNING if (cluster.record or {}).get("state", "running") != "running":
            if not cluster.record:  # rendered empty, before the first backup
                return ("Nothing to do.",)
            return ("Kafka runs; what a backup has left behind is put in order by:", resume)
        case KafkaCondition.RUNNING if cluster.kafka and cluster.kafka.held_retention:
            return (
                "When there is nothing left to save, end the hold:",
                f"  {release_command(target, cluster.context)}",
            )
        case KafkaCondition.RUNNING:
            return ("Nothing to do.",)
        case KafkaCondition.PAUSED:
            return (
                "Not paused by a backup. The client that has paused it ends the pause; by hand:",
                *_end(cluster),
            )
        case KafkaCondition.STOPPED | KafkaCondition.ONLINE if cluster.work:
            return ("A backup is at work. Wait, and look again:", status)
        case KafkaCondition.BACKING_UP if cluster.tasks:
            return ("A backup is at work. Wait, and look again:", status)
        case KafkaCondition.BACKING_UP:
            return (
                "If no backup is under way any more, let others begin; nothing was stopped:",
                f"  kanister-kafka run resume {_arguments(cluster)}",
            )
        case KafkaCondition.STOPPED | KafkaCondition.ONLINE:
            return ("If no backup is under way any more, restart it:", resume)
        case KafkaCondition.QUIESCING | KafkaCondition.STOPPING:
            return ("Wait, and look again; if it stays so, restart it:", status, resume)
        case KafkaCondition.RESTARTING | KafkaCondition.RESTORING if cluster.work:
            return ("Wait, and look again:", status)
        case KafkaCondition.PARTLY | KafkaCondition.QUIESCED | KafkaCondition.RESTARTING:
            return ("Restart it; what is done already is not done again:", resume)
        case KafkaCondition.RESTORING:
            again = ["If no restore is under way any more, run it again:"]
            again += _restore_again(cluster)
            if _is_untouched(cluster):
                again.append("No node has ended, so no volume was replaced. To keep this Kafka:")
                again.append(f"  kanister-kafka run resume {_arguments(cluster)}")
            return tuple(again)
        case KafkaCondition.GONE:
            return ("It can only be restored from a backup:", *_restore(cluster))
        case KafkaCondition.DEGRADED | KafkaCondition.DOWN:
            return (
                "No backup has stopped it. See what the operator reports:",
                f"  kubectl describe kafka {_arguments(cluster)}",
                f"  kubectl get pods -n {target.namespace} "
                f"-l {constants.CLUSTER_LABEL}={target.name} -o wide{at}",
            )
        case KafkaCondition.UNKNOWN:
            return (
                "Whether it runs is not known without the right to list pods. Get it, and look:",
                f"  kubectl auth can-i list pods -n {target.namespace}{at}",
                status,
            )


def manual_commands(cluster: ObservedCluster) -> tuple[str, ...]:
    """Return the kubectl commands that bring a Kafka back without kanister-kafka.

    First StatefulSets, which the operator would leave at 0, then the end of the pause, then the
    writers, with the counts that are kept on them or in the state ConfigMap. None if a restore has
    begun, which would leave a Kafka of old and new volumes, or if pods cannot be listed: a backup
    may be at work.
    """
    if _is_restoring(cluster) or not cluster.pods_known:
        return ()
    target, kafka = cluster.target, cluster.kafka
    commands = []
    for workload in cluster.workloads:
        if count := workload.replicas_before:
            commands += _scale("statefulsets.apps", target.namespace, workload.name, count)
    if kafka is not None and (kafka.pause_before or kafka.restart_by):
        commands.append(
            _release(
                kafka.resource, target, kafka.pause_before, also=f" {constants.RESTART_DEADLINE}-"
            )
        )
    for writer in cluster.writers:
        commands += _writer(writer, cluster)
    at = context_flag(cluster.context)
    return tuple(f"{command}{at}" for command in commands)


def _end(cluster: ObservedCluster) -> tuple[str, ...]:
    if cluster.kafka is None:
        return ()
    target = cluster.target
    annotate = f"kubectl annotate {cluster.kafka.resource} {target.name} -n {target.namespace}"
    end = f"{constants.PAUSE_RECONCILIATION}-{context_flag(cluster.context)}"
    return (f"  {annotate} {end}",)


def _writer(writer: ObservedClient, cluster: ObservedCluster) -> list[str]:
    commands = []
    noted = f"replicas.{writer.kind}.{writer.namespace}.{writer.name}"
    count = writer.replicas_before or (cluster.record or {}).get(noted, "")
    if count and (writer.replicas_before or writer.replicas == 0):
        commands += _scale(writer.resource, writer.namespace, writer.name, count)
    if writer.pause_before:
        at = KafkaRef(writer.namespace, writer.name)
        commands.append(_release(writer.resource, at, writer.pause_before))
    return commands


def _scale(resource: str, namespace: str, name: str, count: str) -> list[str]:
    number = count if count.isdecimal() else "null"
    metadata = f'{{"metadata":{{"annotations":{{"{constants.PREVIOUS_REPLICAS}":null}}}}'
    patch = f'{metadata},"spec":{{"replicas":{number}}}}}'
    return [f"kubectl patch {resource} {name} -n {namespace} --type merge -p '{patch}'"]


def _release(resource: str, at: KafkaRef, before: str, also: str = "") -> str:
    value = before.removeprefix("value:") if before.startswith("value:") else ""
    pause = (
        f"{constants.PAUSE_RECONCILIATION}={value}"
        if value
        else f"{constants.PAUSE_RECONCILIATION}-"
    )
    change = f"{pause} {constants.PREVIOUS_PAUSE}-{also}"
    return f"kubectl annotate {resource} {at.name} -n {at.namespace} --overwrite {change}"


def _restore(cluster: ObservedCluster) -> tuple[str, ...]:
    for action_set in cluster.action_sets:  # the latest first
        if (
            action_set.action == "backup"
            and action_set.state is ActionState.COMPLETE
            and action_set.artifacts
        ):
            return (f"  kanister-kafka run restore {_arguments(cluster)} --from {action_set.name}",)
    if not cluster.action_sets_known:
        return ("Kasten's restore points, or a backup ActionSet of Kanister (not readable).",)
    return ("Kasten's restore points, or a backup ActionSet of Kanister (none was found).",)


def _restore_again(cluster: ObservedCluster) -> tuple[str, ...]:
    """Return how the latest restore is repeated: by the backup that it was of."""
    target = cluster.target
    for action_set in cluster.action_sets:  # the latest first
        if action_set.action == "restore" and action_set.backup:
            arguments = f"-n {target.namespace} --kafka {target.name} --overwrite"
            at = context_flag(cluster.context)
            again = [f"  kanister-kafka restore {action_set.backup} {arguments}{at}"]
            if options := [
                f"{key}={value}" for key, value in action_set.options if key != "overwrite"
            ]:
                again.append(f"Give its options again: {', '.join(options)}.")
            return tuple(again)
    return _restore(cluster)


def _arguments(cluster: ObservedCluster) -> str:
    target = cluster.target
    return f"{target.name} -n {target.namespace}{context_flag(cluster.context)}"


def _is_restoring(cluster: ObservedCluster) -> bool:
    return cluster.recorded_state == BackupState.RESTORING.value


def _snapshot_ids(run: str) -> tuple[str, str]:
    """Return what names the snapshots of a restore: its start, by former scripts to the second."""
    digits = "".join(filter(str.isdecimal, run))
    return digits, digits[:14]


def _is_untouched(cluster: ObservedCluster) -> bool:
    """Return whether it is certain that a restore that has failed has replaced no volume.

    Volumes are replaced when no pod of a node is left, so every pod must be older than the
    restore. The state ConfigMap names an earlier restore as well if one has not succeeded, and then
    these pods may run on its volumes. The pods of a restore by Kasten's hooks show nothing of this
    kind.
    """
    record = cluster.record or {}
    run, since = record.get("run", ""), record.get("since", "")
    times = [parse_timestamp(text) for text in (cluster.newest_pod, run, since)]
    newest, *begun = times
    if newest is None or None in begun:
        return False
    return (
        record.get("action") == "restore"
        and record.get("before", "") in _snapshot_ids(run)
        and all(start is not None and newest + CLOCKS < start for start in begun)
        and cluster.pods_known
        and cluster.serving
        and cluster.pods == cluster.expected
        and not cluster.tasks
        and cluster.action_sets_known
        and all(action_set.ended for action_set in cluster.action_sets)
        and bool(cluster.blueprint)
    )


RECORDED = {
    KafkaCondition.RUNNING: ("running", ""),
    KafkaCondition.PAUSED: ("running", ""),
    KafkaCondition.DEGRADED: ("running", ""),
    KafkaCondition.DOWN: ("running", ""),
    KafkaCondition.BACKING_UP: ("quiescing",),
    KafkaCondition.QUIESCING: ("quiescing",),
    KafkaCondition.QUIESCED: ("quiescing", "restarting"),
    KafkaCondition.STOPPING: ("quiescing", "stopping"),
    KafkaCondition.STOPPED: ("stopped",),
    KafkaCondition.ONLINE: ("online",),
    KafkaCondition.PARTLY: ("quiescing", "stopping", "restarting"),
    KafkaCondition.RESTARTING: ("restarting", "stopped"),
    KafkaCondition.RESTORING: ("restoring",),
}
"""The state in the ConfigMap in each condition, if both agree."""
PAUSED_PHASES = ("pause", "flush")
"""Ends of the names of an online backup's phases that run while Kafka is paused."""
CLOCKS = timedelta(minutes=1)
"""How far the clocks of the API server, of Kanister and of a task pod may differ."""
LAUNCH = timedelta(seconds=90)
"""Between the creation of an ActionSet and the start of its action, which names the run."""


class WatchdogCondition(enum.Enum):
    """State of the watchdog."""

    ABSENT = "absent"
    IDLE = "idle"
    ARMED = "armed"
    STARTING = "starting"
    """Scaled up, but its pod is not Ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterStatus:
    """The observed facts, and their meaning."""

    condition: KafkaCondition
    headline: str
    since: str
    """Time, such as `2026-01-02T03:04:05Z`; empty if it is unknown."""
    run: str
    """Start of the action that stopped it, as Kanister gives it."""
    action_set: ActionSet | None
    """Of that run, or the one that is running."""
    arm: WatchdogCondition
    remarks: tuple[str, ...]
    """Differences of state ConfigMap and cluster, and other oddities."""
    next: tuple[str, ...]
    """What to do, a line each; commands stand alone on a line."""
    observed: ObservedCluster

    @property
    def runs(self) -> bool:
        """Whether every node serves, and nothing of a backup is left to undo."""
        serving = (KafkaCondition.RUNNING, KafkaCondition.PAUSED, KafkaCondition.BACKING_UP)
        return self.condition in serving


def assess(cluster: ObservedCluster) -> ClusterStatus:
    """Return what state a Kafka is in."""
    condition = _condition(cluster)
    record = cluster.record or {}
    agrees = record.get("state", "") in RECORDED.get(condition, ())
    since = record.get("since", "") if agrees else ""
    if not since and cluster.kafka:
        since = cluster.kafka.since
    # Once it is brought back, the run is history.
    run = "" if record.get("state", "") in ("", "running") else record.get("run", "")
    arm = _arm(cluster)
    return ClusterStatus(
        condition=condition,
        headline=_headline(condition, cluster),
        since=since,
        run=run,
        action_set=_action_set(cluster, run),
        arm=arm,
        remarks=tuple(_remarks(cluster, condition, arm, agrees=agrees)),
        next=next_steps(condition, cluster),
        observed=cluster,
    )


def _condition(cluster: ObservedCluster) -> KafkaCondition:
    kafka, work = cluster.kafka, cluster.work
    restoring = _is_restoring(cluster)
    if kafka is None:
        at_work = work or not cluster.pods_known
        return KafkaCondition.RESTORING if restoring and at_work else KafkaCondition.GONE
    if restoring:  # even if its nodes serve: the watchdog starts none before the restore has ended
        return KafkaCondition.RESTORING
    if not cluster.pods_known:
        return KafkaCondition.UNKNOWN
    if kafka.pause_before or any(w.replicas_before for w in cluster.workloads):
        return _marked(cluster, paused=kafka.paused)
    if any(writer.quiesced for writer in cluster.writers):
        if work is TaskActivity.STOPPING:
            return KafkaCondition.QUIESCING
        return KafkaCondition.RESTARTING if work or not cluster.serving else KafkaCondition.QUIESCED
    recorded = cluster.recorded_state
    if cluster.serving and cluster.is_read_by_backup:
        return KafkaCondition.BACKING_UP
    if work is TaskActivity.STARTING and (recorded not in ("", "running") or not cluster.serving):
        return KafkaCondition.RESTARTING
    if cluster.serving and work is TaskActivity.STOPPING and recorded in ("quiescing", "stopping"):
        return KafkaCondition.QUIESCING
    if cluster.serving:
        return KafkaCondition.PAUSED if kafka.paused else KafkaCondition.RUNNING
    return KafkaCondition.DEGRADED if cluster.pods else KafkaCondition.DOWN


def _marked(cluster: ObservedCluster, *, paused: bool) -> KafkaCondition:
    """Judge a Kafka with our annotation: a backup has begun to stop it, or not ended a restart."""
    if cluster.work is TaskActivity.STARTING:
        return KafkaCondition.RESTARTING
    online = cluster.recorded_state == BackupState.ONLINE.value
    if cluster.serving and paused and online and cluster.work is not TaskActivity.STOPPING:
        return KafkaCondition.ONLINE
    if cluster.work is TaskActivity.STOPPING:
        # Only an online backup pauses before its flush.
        pausing = any(task.phase.lower().endswith(PAUSED_PHASES) for task in cluster.tasks)
        return KafkaCondition.QUIESCING if pausing else KafkaCondition.STOPPING
    if not paused:  # the operator brings it back by itself, no one puts the rest in order
        return KafkaCondition.PARTLY if cluster.serving else KafkaCondition.RESTARTING
    return KafkaCondition.PARTLY if cluster.pods else KafkaCondition.STOPPED


def _headline(condition: KafkaCondition, cluster: ObservedCluster) -> str:
    target = cluster.target
    quiesced = ", ".join(str(writer) for writer in cluster.writers if writer.quiesced)
    clients = f"; stopped with it: {quiesced}" if quiesced else ""
    nodes = f"{sum(w.ready for w in cluster.workloads)} of {cluster.expected} nodes are Ready"
    if not cluster.pods_known:
        nodes = "its pods cannot be listed"
    words = {
        KafkaCondition.RUNNING: f"runs, {nodes}",
        KafkaCondition.PAUSED: f"runs, {nodes}; its reconciliation is paused by another client",
        KafkaCondition.BACKING_UP: f"runs, {nodes}; a hot backup is made, which stops nothing",
        KafkaCondition.QUIESCING: f"runs; its writers are being stopped{clients}",
        KafkaCondition.QUIESCED: f"runs, but its writers are stopped{clients}",
        KafkaCondition.STOPPING: f"is being stopped, {nodes}{clients}",
        KafkaCondition.STOPPED: f"is stopped by a backup{clients}",
        KafkaCondition.ONLINE: f"runs; its clients are stopped for a snapshot{clients}",
        KafkaCondition.PARTLY: (
            f"is partly stopped by a backup, {nodes}, and nothing is at work{clients}"
        ),
        KafkaCondition.RESTARTING: f"is coming back, {nodes}{clients}",
        KafkaCondition.RESTORING: f"is being restored, {nodes}{clients}",
        KafkaCondition.DEGRADED: f"is partly down, and not by a backup: {nodes}",
        KafkaCondition.DOWN: "is down, and not by a backup: it has no pods",
        KafkaCondition.GONE: "does not exist: there is no such Kafka resource",
        KafkaCondition.UNKNOWN: f"is in an unknown state: its pods cannot be listed{clients}",
    }
    return f"Kafka {target} {words[condition]}"


def _arm(cluster: ObservedCluster) -> WatchdogCondition:
    if cluster.watchdog is None:
        return WatchdogCondition.ABSENT
    if not cluster.watchdog.replicas:
        return WatchdogCondition.IDLE
    return WatchdogCondition.ARMED if cluster.watchdog.ready else WatchdogCondition.STARTING


def _action_set(cluster: ObservedCluster, run: str) -> ActionSet | None:
    """Find the ActionSet that is at work, or else that of the run: made just before it began."""
    jobs = {task.job for task in cluster.tasks if task.phase and task.job}
    for action_set in cluster.action_sets:
        if action_set.job in jobs if jobs else not action_set.ended:
            return action_set
    began = parse_timestamp(run)
    if began is None:
        return None
    for action_set in cluster.action_sets:  # the latest first
        created = parse_timestamp(action_set.created)
        if created is not None and timedelta(seconds=-1) <= began - created <= LAUNCH:
            return action_set
    return None


def _remarks(
    cluster: ObservedCluster, condition: KafkaCondition, arm: WatchdogCondition, *, agrees: bool
) -> list[str]:
    remarks = []
    record, kafka = cluster.record, cluster.kafka
    remarks += [scripts.text for scripts in cluster.unusable_scripts]
    if cluster.names.unused:
        remarks.append(
            "it has a further state ConfigMap, which its Blueprint does not use: "
            f"{', '.join(cluster.names.unused)}"
        )
    if cluster.other_kafkas:
        remarks.append(
            f"namespace {cluster.target.namespace} has Kafka {', '.join(cluster.other_kafkas)}"
        )
    if record is None and cluster.blueprint:
        remarks.append(f"the state ConfigMap {cluster.names.state_config_map} is gone")
    elif record and condition is KafkaCondition.UNKNOWN:
        remarks.append(f'the state ConfigMap has state "{record.get("state") or "nothing"}"')
    elif record and not agrees and condition is not KafkaCondition.GONE:
        state, since = record.get("state") or "nothing", record.get("since", "")
        since = f" since {since}" if since else ""
        remarks.append(
            f'the state ConfigMap has state "{state}"{since}; what the cluster shows counts'
        )
    if kafka and kafka.held_retention:
        remarks += held_message(kafka.held_retention)
    if kafka and kafka.why_not and not kafka.ready:
        remarks.append(f"the operator reports {kafka.why_not}")
    if kafka and kafka.paused and not kafka.acknowledged:
        remarks.append("the operator has not acknowledged the pause: does it run?")
    stopped = (KafkaCondition.STOPPED, KafkaCondition.PARTLY, KafkaCondition.STOPPING)
    if condition in (*stopped, KafkaCondition.ONLINE):
        if arm in (WatchdogCondition.ABSENT, WatchdogCondition.IDLE):
            remarks.append("no watchdog is armed: Kafka does not start by itself")
        elif arm is WatchdogCondition.STARTING:
            remarks.append("the watchdog is scaled up, but its pod is not Ready")
    lost = [
        action_set
        for action_set in cluster.action_sets
        if not action_set.ended and action_set.state.value
    ]
    if lost and cluster.pods_known and not cluster.tasks:
        names = ", ".join(action_set.name for action_set in lost)
        remarks.append(f"Kanister reports these as running, but they have no task pod: {names}")
    if record:
        remarks += _last_stop(record)
    if condition is KafkaCondition.RUNNING:
        idle = (record or {}).get("state", "running") == "running"
        if arm in (WatchdogCondition.ARMED, WatchdogCondition.STARTING) and idle:
            remarks.append("the watchdog still runs; it scales itself to 0")
        elif kafka and kafka.restart_by and idle:
            remarks.append("an annotation of the watchdog is left over")
    return remarks


def _last_stop(record: Mapping[str, str]) -> list[str]:
    """Return what the last stop, or what came after it, recorded about its backup."""
    words = {
        "unclean": "the last stop was not clean: {}",
        "growing": "topics grew at the last stop although known writers had stopped: {}",
        "seenRunning": "another client started it while it had to stay stopped, {}",
    }
    return [text.format(record[key]) for key, text in words.items() if record.get(key)]
