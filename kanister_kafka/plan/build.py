"""KafkaCluster and Options in, Plan out: a pure function that holds the order of everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import kanister_kafka.plan.annotations as gitops
import kanister_kafka.plan.autoscaling as autoscaling
import kanister_kafka.plan.kasten as kasten
from kanister_kafka._version import __version__
from kanister_kafka.marks import BLUEPRINT, COMPONENT, MANAGED_BY
from kanister_kafka.options import Engine, KastenForm, Options, Strategy, duration
from kanister_kafka.plan.admission import admission
from kanister_kafka.plan.engine import Restore
from kanister_kafka.plan.engine_rights import keep_rights, restore_rights
from kanister_kafka.plan.header import table
from kanister_kafka.plan.model import Account, Action, Names, Plan, Right, Stage, Switch
from kanister_kafka.plan.phases import Phases
from kanister_kafka.plan.policies import notes as policy_notes
from kanister_kafka.plan.policies import policies
from kanister_kafka.plan.restores import restoring, transforms
from kanister_kafka.plan.rights import (
    account,
    backup_rights,
    flush_rights,
    merged,
    restart_rights,
)
from kanister_kafka.plan.rights import in_order as rights_in_order
from kanister_kafka.problem import Location, Problem, error, in_order, warning
from kanister_kafka.strimzi import KafkaCluster

POD_SECONDS = 15
"""Allowed for the pod of each phase to start and end."""
LEAST_RECOVERY = 120
HOOKS = ("backupPrehook", "backupPosthook", "beforeRestore", "afterRestore")
"""Actions that Kasten calls, and ends when its time is over."""


def build(cluster: KafkaCluster, options: Options, problems: Iterable[Problem] = ()) -> Plan:
    """Plan the backup of a cluster; `problems` are warnings of the reading, to be told with it.

    The problems of the plan may have errors, which only this cluster shows: do not use it then.
    """
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
        account = options.service_account or f"{own}{suffix}"
        apart = self.cold and not options.service_account
        self.names = Names(
            account=account,
            flush=f"{own}-flush" if apart else account,
            keep=(f"{own}-keep" if apart else account) if self.engine and self.cold else "",
            record=own if self.cold else "",
            switch=f"{own}-switch" if self.cold and options.restart_after else "",
            restore=f"{own}-restore" if self.cold and (self.engine or self.kasten_restore) else "",
        )
        self.rights = self._rights()
        self.accounts = [self._account(name) for name in self.rights]
        self.phases = Phases(cluster, options, self.names, self.rights)

    def _rights(self) -> dict[str, tuple[Right, ...]]:
        """Return the rights of each account, that of the steps first."""
        cluster, options, names = self.cluster, self.options, self.names
        found: dict[str, list[Right]] = {names.account: []}
        if self.cold:
            found[names.account] += backup_rights(cluster, options, names)
        found.setdefault(names.flush, []).extend(flush_rights(cluster, options, names))
        if names.keep:
            found.setdefault(names.keep, []).extend(keep_rights(cluster, names))
        if names.restore:
            of_restore = restore_rights(cluster, options, names, engine=self.engine)
            found[names.restore] = [*of_restore]
        if names.switch:
            found[names.switch] = [*restart_rights(cluster, names)]
        return {
            name: rights_in_order(merged(rights), cluster.namespace)
            for name, rights in found.items()
        }

    def _account(self, name: str) -> Account:
        purposes = {
            self.names.keep: ("keep", "what is kept and snapshotted"),
            self.names.flush: ("flush", "the flush"),
            self.names.account: ("steps", "the steps"),
            self.names.restore: ("restore", "a restore"),
            self.names.switch: ("switch", "the dead man's switch"),
        }
        return account(self.cluster, name, *purposes[name], self.rights[name])

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
        found = [
            *problems,
            *autoscaling.problems(cluster, options),
            *kasten.problems(cluster, options),
            *self._check_time(actions),
            *self._check_switch(actions),
        ]
        switch = self._switch()
        return Plan(
            cluster=cluster,
            options=options,
            header=tuple(self._header(actions)),
            name=name,
            accounts=tuple(self.accounts),
            admission=admission(cluster, self.names) if options.admission_policy else None,
            switch=switch,
            record=self.names.record,
            labels=tuple(sorted(labels.items())),
            annotations=tuple(sorted(annotations.items())),
            shared=tuple(self.phases.shared().items()),
            actions=actions,
            left_alone=cluster.bystanders,
            bound=kasten.bound(cluster),
            policies=policies(cluster, options, name),
            transforms=transforms(cluster, options),
            restoring=restoring(cluster, options, name),
            notes=(
                *kasten.notes(cluster, options, name),
                *policy_notes(cluster, options, name),
                *gitops.notes(cluster, options),
            ),
            problems=in_order(found),
        )

    def _switch(self) -> Switch | None:
        name = self.names.switch
        if not name:
            return None
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
        make = Restore(self.phases, self.names, self.options)
        actions = make.actions() if self.engine else ()
        return (*actions, *(make.kasten_actions() if self.kasten_restore else ()))

    def _header(self, actions: tuple[Action, ...]) -> Iterator[str]:
        cluster = self.cluster
        if not self.cold:
            yield f"Hot backup of {cluster}: flushes every node, stops nothing."
            yield "Not guaranteed: volumes are snapshotted one by one, so partitions end at"
            yield "different moments, and what brokers write after the flush may be torn."
        else:
            yield f"Cold backup of {cluster}: stops it cleanly for the snapshot, brings it back."
        versions = f"{COMPONENT} {__version__}, for Strimzi {cluster.operator}"
        yield f"Rendered from {cluster.source} by {versions}."
        yield ""
        yield from table(actions, str(cluster))

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

    def _check_switch(self, actions: tuple[Action, ...]) -> Iterator[Problem]:
        """Yield an error where the switch may bring Kafka back while it is being stopped."""
        if not self.names.switch:
            return
        action = next(one for one in actions if any(p.stage is Stage.STOP for p in one.phases))
        last = max(at for at, one in enumerate(action.phases) if one.stage is Stage.STOP)
        needed = sum(phase.seconds + POD_SECONDS for phase in action.phases[: last + 1])
        after = self.options.restart_after
        if after < needed:
            yield error(
                "option",
                Location("<options>"),
                "restart-after",
                f'Invalid value: "{duration(after)}": must be at least {duration(needed)}, which '
                f"{action.name} may take until Kafka is stopped: the dead man's switch would bring "
                "it back in the middle of that; or lower --timeout",
            )
