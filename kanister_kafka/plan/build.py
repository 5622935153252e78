"""KafkaCluster and Options in, Plan out: a pure function that holds the order of everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import kanister_kafka.plan.kasten as kasten
from kanister_kafka._version import __version__
from kanister_kafka.options import Options, Strategy
from kanister_kafka.plan.model import Action, Plan
from kanister_kafka.plan.phases import RUN, Phases
from kanister_kafka.plan.rights import rights, roles
from kanister_kafka.problem import Location, Problem, in_order, warning
from kanister_kafka.strimzi import KafkaCluster, Writer

COMPONENT = "kanister-kafka"
POD_SECONDS = 15
"""Allowed for the pod of each phase to start and end."""
LEAST_RECOVERY = 120


def build(cluster: KafkaCluster, options: Options, problems: Iterable[Problem] = ()) -> Plan:
    """Plan the backup of a cluster; `problems` are warnings of the reading, to be told with it."""
    return _Builder(cluster, options).plan(problems)


class _Builder:
    def __init__(self, cluster: KafkaCluster, options: Options) -> None:
        self.cluster = cluster
        self.options = options
        self.limits = options.limits
        self.cold = options.strategy is Strategy.COLD
        self.account = options.service_account or f"{cluster.name}-{COMPONENT}"
        self.record = f"{cluster.name}-{COMPONENT}" if self.cold else ""
        self.rights = rights(cluster, options, self.record)
        self.phases = Phases(cluster, options, self.record, self.rights)

    def plan(self, problems: Iterable[Problem]) -> Plan:
        cluster, options = self.cluster, self.options
        suffix = "" if self.cold else ".hot"
        name = options.name or f"{cluster.namespace}.{cluster.name}{suffix}"
        actions = self._cold_actions() if self.cold else self._hot_actions()
        labels = {
            "app.kubernetes.io/name": COMPONENT,
            "app.kubernetes.io/managed-by": COMPONENT,
            **dict(options.labels),
        }
        found = [*problems, *kasten.problems(cluster, options), *self._check_time(actions)]
        return Plan(
            cluster=cluster,
            options=options,
            header=tuple(self._header()),
            name=name,
            service_account=self.account,
            record=self.record,
            labels=tuple(sorted(labels.items())),
            annotations=tuple(sorted(options.annotations)),
            actions=actions,
            rights=self.rights,
            roles=roles(self.rights, cluster, self.account),
            left_alone=cluster.bystanders,
            bound=kasten.bound(cluster),
            retention=kasten.retention(options),
            kept=kasten.kept(),
            has_failure_hook=self.cold,
            notes=tuple(kasten.notes(cluster, options, name)),
            problems=in_order(found),
        )

    def _hot_actions(self) -> tuple[Action, ...]:
        return (Action(name="backupPrehook", phases=(self.phases.flush(),)),)

    def _cold_actions(self) -> tuple[Action, ...]:
        make = self.phases
        phases = (make.quiesce(), make.flush(), make.stop())
        # Whatever time Kasten leaves: past its limit it would cut the recovery off.
        spent = sum(phase.seconds + POD_SECONDS for phase in phases) + POD_SECONDS
        left = max(LEAST_RECOVERY, min(self.limits.restart, self.options.hook_timeout - spent))
        recover = make.restart("recover", left, unless_stopped_by=RUN)
        return (
            Action(name="backupPrehook", phases=phases, defer_phase=recover),
            Action(name="backupPosthook", phases=(make.restart("restart", self.limits.restart),)),
            Action(name="resume", phases=(make.restart("resume", self.limits.restart),)),
        )

    def _header(self) -> Iterator[str]:
        cluster = self.cluster
        if not self.cold:
            yield f"Hot backup of {cluster}: flushes every node, stops nothing."
            yield "Not guaranteed: volumes are snapshotted one by one, so partitions end at"
            yield "different moments, and what brokers write after the flush may be torn."
            yield "backupPrehook: flush. There is nothing to bring back."
        else:
            yield f"Cold backup of {cluster}: stops it cleanly for the snapshot, brings it back."
            yield f"backupPrehook: quiesce {_few(cluster.writers)}, flush every node, stop"
            first = _few([w.name for w in self.phases.first()])
            last = _few([w.name for w in cluster.quorum])
            order = f"{first}, then {last}" if self.phases.first() else last
            yield f"  {order}; if any of it fails, everything is brought back."
            yield "backupPosthook: restart. resume: the same for a person, at any time."
        versions = f"{COMPONENT} {__version__}, for Strimzi {cluster.operator}"
        yield f"Rendered from {cluster.source} by {versions}."

    def _check_time(self, actions: tuple[Action, ...]) -> Iterator[Problem]:
        for action in actions:
            pods = len(action.phases) + bool(action.defer_phase)
            needed = action.seconds + pods * POD_SECONDS
            if action.name != "resume" and needed > self.options.hook_timeout:
                yield warning(
                    "hook-timeout",
                    Location(self.cluster.source),
                    "",
                    f"{action.name} may take {needed}s and Kasten ends it after "
                    f"{self.options.hook_timeout}s: raise its timeout.blueprintHooks and tell "
                    "--hook-timeout, or lower --timeout",
                )


def _few(items: Iterable[str | Writer]) -> str:
    texts = [str(item) for item in items]
    if not texts:
        return "(nothing is known to write)"
    return ", ".join(texts) if len(texts) <= 3 else f"{len(texts)} of them ({texts[0]}, …)"
