"""KafkaCluster and Options in, Plan out: a pure function that holds the order of everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import kanister_kafka.plan.annotations as gitops
import kanister_kafka.plan.kasten as kasten
from kanister_kafka._version import __version__
from kanister_kafka.marks import BLUEPRINT, COMPONENT, MANAGED_BY
from kanister_kafka.options import Engine, KastenForm, Options, Strategy
from kanister_kafka.plan.engine import Restore
from kanister_kafka.plan.engine_rights import end_rights, restore_rights, snapshot_rights
from kanister_kafka.plan.model import Action, Names, Plan, Switch
from kanister_kafka.plan.phases import Phases
from kanister_kafka.plan.policies import policies
from kanister_kafka.plan.restores import restoring, transforms
from kanister_kafka.plan.rights import account, backup_rights, merged, switch_rights
from kanister_kafka.plan.rights import in_order as rights_in_order
from kanister_kafka.problem import Location, Problem, in_order, warning
from kanister_kafka.strimzi import KafkaCluster, Writer

POD_SECONDS = 15
"""Allowed for the pod of each phase to start and end."""
LEAST_RECOVERY = 120
HOOKS = ("backupPrehook", "backupPosthook", "beforeRestore", "afterRestore")
"""Actions that Kasten calls, and ends when its time is over."""


def build(cluster: KafkaCluster, options: Options, problems: Iterable[Problem] = ()) -> Plan:
    """Plan the backup of a cluster; `problems` are warnings of the reading, to be told with it."""
    return _Builder(cluster, options).plan(problems)


class _Builder:
    def __init__(self, cluster: KafkaCluster, options: Options) -> None:
        self.cluster = cluster
        self.options = options
        self.limits = options.limits
        self.cold = options.strategy is Strategy.COLD
        self.engine = options.engine is Engine.KANISTER
        self.kasten_restore = KastenForm.RESTORE in options.kasten
        suffix = "" if self.cold else "-hot"
        own = f"{cluster.name}-{COMPONENT}"
        self.names = Names(
            account=options.service_account or f"{own}{suffix}",
            record=own if self.cold else "",
            switch=f"{own}-switch" if self.cold and options.restart_after else "",
            restore=f"{own}-restore" if self.cold and (self.engine or self.kasten_restore) else "",
        )
        rights = backup_rights(cluster, options, self.names)
        if self.engine:
            rights = rights_in_order(
                merged([*rights, *snapshot_rights(cluster)]), cluster.namespace
            )
        if self.names.restore:
            rights = rights_in_order(merged([*rights, *end_rights(cluster)]), cluster.namespace)
        self.accounts = [account(cluster, self.names.account, "the steps", rights)]
        self.phases = Phases(cluster, options, self.names, rights)

    def plan(self, problems: Iterable[Problem]) -> Plan:
        cluster, options = self.cluster, self.options
        suffix = "" if self.cold else ".hot"
        name = options.name or f"{cluster.namespace}.{cluster.name}{suffix}"
        actions = self._cold_actions() if self.cold else self._hot_actions()
        labels = {
            "app.kubernetes.io/name": COMPONENT,
            MANAGED_BY: COMPONENT,
            **dict(options.labels),
        }
        annotations = {
            BLUEPRINT: f"{options.kasten_namespace}/{name}",
            **dict(options.annotations),
        }
        found = [*problems, *kasten.problems(cluster, options), *self._check_time(actions)]
        switch = self._switch()
        return Plan(
            cluster=cluster,
            options=options,
            header=tuple(self._header()),
            name=name,
            accounts=tuple(self.accounts),
            switch=switch,
            record=self.names.record,
            labels=tuple(sorted(labels.items())),
            annotations=tuple(sorted(annotations.items())),
            actions=actions,
            left_alone=cluster.bystanders,
            bound=kasten.bound(cluster),
            policies=policies(cluster, options, name),
            transforms=transforms(cluster, options),
            restoring=restoring(cluster, options, name),
            notes=(*kasten.notes(cluster, options, name), *gitops.notes(cluster, options)),
            problems=in_order(found),
        )

    def _switch(self) -> Switch | None:
        name = self.names.switch
        if not name:
            return None
        rights = switch_rights(self.cluster, self.names)
        self.accounts.append(account(self.cluster, name, "the dead man's switch", rights))
        return Switch(name=name, phase=self.phases.switch())

    def _hot_actions(self) -> tuple[Action, ...]:
        return (Action(name="backupPrehook", phases=(self.phases.flush(),)),)

    def _cold_actions(self) -> tuple[Action, ...]:
        make = self.phases
        phases = (make.quiesce("backupPrehook"), make.flush(), make.stop())
        # Whatever time Kasten leaves: past its limit it would cut the recovery off.
        spent = sum(phase.seconds + POD_SECONDS for phase in phases) + POD_SECONDS
        left = max(LEAST_RECOVERY, min(self.limits.restart, self.options.hook_timeout - spent))
        recover = make.restart("recover", left, recovery=True, leave_stopped=True)
        hooks = (
            Action(name="backupPrehook", phases=phases, defer_phase=recover),
            Action(name="backupPosthook", phases=(make.restart("restart", self.limits.restart),)),
            Action(name="resume", phases=(make.restart("resume", self.limits.restart),)),
        )
        return (*hooks, *self._restore_actions())

    def _restore_actions(self) -> tuple[Action, ...]:
        if not self.names.restore:
            return ()
        rights = restore_rights(self.cluster, self.options, self.names, engine=self.engine)
        self.accounts.append(account(self.cluster, self.names.restore, "a restore", rights))
        make = Restore(self.phases, self.names, self.options, rights)
        actions = make.actions() if self.engine else ()
        return (*actions, *(make.kasten_actions() if self.kasten_restore else ()))

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
            if action.name in HOOKS and needed > self.options.hook_timeout:
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
