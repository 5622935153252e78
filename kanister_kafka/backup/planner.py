"""Build the BackupPlan of a KafkaCluster by Options: a pure function that decides every order."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from kanister_kafka._version import __version__
from kanister_kafka.backup import kasten, provenance
from kanister_kafka.backup.admission import admission_policy
from kanister_kafka.backup.cron import MAX_NAME
from kanister_kafka.backup.kanister_actions import KanisterActionFactory
from kanister_kafka.backup.kasten import (
    build_policies,
    build_restore_action,
    build_transforms,
    hot_effects,
    hot_verdict,
    policy_next_steps,
)
from kanister_kafka.backup.model import (
    BackupPlan,
    BackupStage,
    Permission,
    PlannedAction,
    PlannedPhase,
    PlannedStep,
    ResourceNames,
    ScheduledJob,
    ServiceAccountSpec,
    Watchdog,
)
from kanister_kafka.backup.options import (
    KastenOutput,
    Options,
    QuiesceMethod,
    SnapshotProvider,
    Strategy,
)
from kanister_kafka.backup.phases import PhaseFactory
from kanister_kafka.backup.rbac import (
    backup_rights,
    export_rights,
    flush_rights,
    has_cruise_control,
    hot_rights,
    merge_permissions,
    online_rights,
    restart_rights,
    restore_rights,
    save_rights,
    schedule_rights,
    service_account,
    sort_permissions,
    stopped_snapshot_rights,
    verification_rights,
)
from kanister_kafka.backup.schedule_checks import schedule_diagnostics
from kanister_kafka.constants import BLUEPRINT, COMPONENT, MANAGED_BY
from kanister_kafka.diagnostics import Diagnostic, Location, error, sort_diagnostics, warning
from kanister_kafka.durations import format_duration
from kanister_kafka.strimzi import KafkaCluster
from kanister_kafka.strimzi.model import Autoscaler, AutoscalerTarget
from kanister_kafka.strimzi.workloads import PAUSED, SCALED_OBJECT

# The effect of an autoscaler on a backup, and ways to prevent it.


@dataclass(frozen=True, slots=True)
class AutoscalerConflict:
    """What is wrong, and what to do."""

    what: str
    remedy: str


def autoscaler_conflict(autoscaler: Autoscaler, options: Options) -> AutoscalerConflict | None:
    """Return what an autoscaler does to a backup with these options; None if it is nothing."""
    if options.strategy is Strategy.HOT or autoscaler.scales is AutoscalerTarget.NOTHING:
        return None
    is_keda = autoscaler.kind == SCALED_OBJECT
    pause = (
        f"before each backup: kubectl annotate scaledobject {autoscaler.name} "
        f"-n {autoscaler.namespace} {PAUSED}=true"
    )
    if autoscaler.scales is AutoscalerTarget.NODES:
        disable = "set selectPolicy: Disabled in spec.behavior.scaleUp and scaleDown, or delete it"
        return AutoscalerConflict(
            f"{autoscaler} may change the replicas of {autoscaler.target} while Kafka is stopped, "
            "and a change of nodes in that time can keep it from coming back",
            pause if is_keda else disable,
        )
    if options.quiesce_by is QuiesceMethod.PAUSE:  # the operator heeds no replicas meanwhile
        return None
    return AutoscalerConflict(
        f"{autoscaler} may set the replicas of {autoscaler.target} while a backup keeps them at 0, "
        "and it would write into the backup",
        f"--quiesce-by pause, or {pause if is_keda else 'spec.minReplicas of at least 1'}",
    )


def autoscaler_diagnostics(cluster: KafkaCluster, options: Options) -> Iterator[Diagnostic]:
    """Return a warning for each autoscaler of the input that a backup suffers from."""
    for autoscaler in cluster.autoscalers:
        if conflict := autoscaler_conflict(autoscaler, options):
            message = f"{conflict.what}; {conflict.remedy}"
            yield warning("autoscaled", autoscaler.location, "spec.scaleTargetRef", message)


POD_SECONDS = 15
"""Allowed for the pod of each phase to start and end."""
LEAST_RECOVERY = 120
START_WITHIN = 1800
"""Seconds by which a scheduled backup may be late; an outage at any later time is not planned."""
PRUNE_SECONDS = 900
"""Allowed for a scheduled Job to start, and to delete backups after the action."""
VERIFY_SECONDS = 1200
"""Allowed for a copy to become Ready, as `verify` has it."""
VERIFY_DEADLINE = 6 * 3600
"""Far more than a verification of a sample takes, which ends by itself."""
VERIFY_GRACE = 900
HOOKS = ("backupPrehook", "backupPosthook", "beforeRestore", "afterRestore")
"""Actions that Kasten calls, and ends when its time is over."""


def build_plan(
    cluster: KafkaCluster, options: Options, problems: Iterable[Diagnostic] = ()
) -> BackupPlan:
    """Plan the backup of a cluster; `problems` are warnings of the reading, kept with it.

    The problems of the plan may have errors, which only this cluster shows: do not use it then.
    """
    return _PlanBuilder(cluster, options).plan(problems)


class _PlanBuilder:
    def __init__(self, cluster: KafkaCluster, options: Options) -> None:
        self.cluster = cluster
        self.options = options
        self.limits = options.limits
        self.hot = options.strategy is Strategy.HOT
        self.flushes = options.is_flush_only
        self.online = options.strategy is Strategy.ONLINE
        self.engine = options.engine is SnapshotProvider.KANISTER
        self.kasten_restore = KastenOutput.RESTORE in options.kasten
        suffix = "-hot" if self.flushes else ""
        self.blueprint = options.name or (
            f"{cluster.namespace}.{cluster.name}{'.hot' if self.flushes else ''}"
        )
        own = f"{cluster.name}-{COMPONENT}"
        account = options.service_account or f"{own}{suffix}"
        apart = not self.flushes and not options.service_account
        restores = self.engine or (self.kasten_restore and not self.flushes)
        self.names = ResourceNames(
            account=account,
            flush=f"{own}-flush" if apart else account,
            keep=(f"{own}-keep" if apart else account) if self.engine else "",
            record="" if self.flushes else own,
            switch="" if self.hot or not options.restart_after else f"{own}-switch",
            restore=f"{own}-restore" if restores else "",
            schedule=f"{own}-backup" if self.engine and options.schedule else "",
            verification=f"{own}-verify" if self.engine and options.verify_schedule else "",
            export=(f"{own}-export" if apart else account)
            if self.engine and options.export_profile
            else "",
        )
        self.rights = self._rights()
        self.accounts = [self._account(name) for name in self.rights]
        self.phases = PhaseFactory(cluster, options, self.names, self.rights)

    def _rights(self) -> dict[str, tuple[Permission, ...]]:
        """Return the rights of each account, that of the steps first."""
        cluster, options, names = self.cluster, self.options, self.names
        rights: dict[str, list[Permission]] = {names.account: []}
        if self.online:
            rights[names.account] += online_rights(cluster, options, names)
        elif self.hot:
            rights[names.account] += hot_rights(cluster, names) if self.engine else ()
        else:
            rights[names.account] += backup_rights(cluster, options, names)
            if self.engine:
                rights[names.account] += stopped_snapshot_rights(cluster)
        rights.setdefault(names.flush, []).extend(flush_rights(cluster, names))
        if names.keep:
            rights.setdefault(names.keep, []).extend(save_rights(cluster, options, names))
        if names.restore:
            rights[names.restore] = [*restore_rights(cluster, options, names, engine=self.engine)]
        if names.switch:
            rights[names.switch] = [*restart_rights(cluster, names)]
        if names.schedule:
            rights[names.schedule] = [*schedule_rights(cluster, options, names, self.blueprint)]
        if names.export:
            rights.setdefault(names.export, []).extend(export_rights(cluster))
        if names.verification:
            rights[names.verification] = [
                *verification_rights(cluster, options, names, self.blueprint)
            ]
        return {
            name: sort_permissions(merge_permissions(permissions), cluster.namespace)
            for name, permissions in rights.items()
        }

    def _account(self, name: str) -> ServiceAccountSpec:
        purposes = {
            self.names.export: ("export", "copies off the cluster"),
            self.names.keep: ("keep", "what is kept and snapshotted"),
            self.names.flush: ("flush", "the flush"),
            self.names.account: ("steps", "the steps"),
            self.names.restore: ("restore", "a restore"),
            self.names.switch: ("switch", "the watchdog"),
            self.names.schedule: ("schedule", "the CronJob"),
            self.names.verification: ("verification", "the CronJob that verifies"),
        }
        return service_account(self.cluster, name, *purposes[name], self.rights[name])

    def plan(self, problems: Iterable[Diagnostic]) -> BackupPlan:
        cluster, options = self.cluster, self.options
        name = self.blueprint
        actions = self._actions()
        labels = {
            "app.kubernetes.io/name": COMPONENT,
            MANAGED_BY: COMPONENT,
            **dict(options.labels),
        }
        annotations = {BLUEPRINT: f"{options.kasten_namespace}/{name}", **dict(options.annotations)}
        diagnostics = [
            *problems,
            *autoscaler_diagnostics(cluster, options),
            *kasten.kasten_diagnostics(cluster, options),
            *self._check_time(actions),
            *self._check_switch(actions),
            *self._check_schedule(),
            *schedule_diagnostics(cluster, options, actions),
            *self._check_online(),
        ]
        switch = self._switch()
        return BackupPlan(
            cluster=cluster,
            options=options,
            header=tuple(self._header(actions)),
            name=name,
            accounts=tuple(self.accounts),
            admission=admission_policy(cluster, self.names) if options.admission_policy else None,
            switch=switch,
            schedule=self._schedule(actions),
            verification=self._verification(),
            record=self.names.record,
            labels=tuple(sorted(labels.items())),
            annotations=tuple(sorted(annotations.items())),
            shared=tuple(self.phases.shared().items()),
            actions=actions,
            ignored_clients=cluster.ignored_clients,
            bound=kasten.binding_target(cluster),
            policies=build_policies(cluster, options, name),
            transforms=build_transforms(cluster, options),
            restoring=build_restore_action(cluster, options, name),
            notes=tuple(
                chain(
                    kasten.kasten_next_steps(cluster, options, name),
                    policy_next_steps(cluster, options, name),
                    provenance.annotation_next_steps(cluster, options),
                )
            ),
            problems=sort_diagnostics(diagnostics),
        )

    def _switch(self) -> Watchdog | None:
        name = self.names.switch
        if not name:
            return None
        return Watchdog(name=name, phase=self.phases.switch())

    def _verification(self) -> ScheduledJob | None:
        name, options = self.names.verification, self.options
        if not name:
            return None
        arguments = [
            "verify",
            "latest",
            f"--kafka={self.cluster.name}",
            f"--namespace={self.cluster.namespace}",
            f"--kasten-namespace={options.kasten_namespace}",
            f"--blueprint={self.blueprint}",
            f"--into={options.verify_into}",
            f"--timeout={format_duration(VERIFY_SECONDS)}",
        ]
        if options.verify_memory:
            arguments.append(f"--memory={options.verify_memory}")
        return ScheduledJob(
            name=name,
            container="verify",
            cron=options.verify_schedule,
            time_zone=options.time_zone,
            image=options.schedule_image,
            arguments=tuple(arguments),
            start_within=START_WITHIN,
            deadline=VERIFY_DEADLINE,
            grace=VERIFY_GRACE,
        )

    def _schedule(self, actions: tuple[PlannedAction, ...]) -> ScheduledJob | None:
        name, options = self.names.schedule, self.options
        if not name:
            return None
        # Not the backup alone: an action that runs for longer than any may is stuck.
        longest = max(
            action.seconds + len(action.all_phases) * POD_SECONDS
            for action in actions
            if action.name in ("backup", "restore")
        )
        arguments = [
            "backups",
            "create",
            self.cluster.name,
            f"--namespace={self.cluster.namespace}",
            f"--kasten-namespace={options.kasten_namespace}",
            f"--blueprint={self.blueprint}",
            f"--timeout={format_duration(longest)}",
            "--skip-if-busy",
            "--no-logs",
        ]
        exporting = self._exporting(actions)
        if exporting:
            arguments.append(f"--export-timeout={format_duration(exporting)}")
        return ScheduledJob(
            name=name,
            container="backup",
            cron=options.schedule,
            time_zone=options.time_zone,
            image=options.schedule_image,
            arguments=tuple(arguments) + options.keep_words + options.keep_copies_words,
            start_within=START_WITHIN,
            deadline=longest + PRUNE_SECONDS + exporting * (2 if options.keep_copies_words else 1),
        )

    def _exporting(self, actions: tuple[PlannedAction, ...]) -> int:
        """Return for how long the action `export` waits at most; 0 if there is none."""
        return sum(
            action.seconds + len(action.all_phases) * POD_SECONDS
            for action in actions
            if action.name == "export"
        )

    def _check_schedule(self) -> Iterator[Diagnostic]:
        if self.names.verification and self.options.verify_into == self.cluster.namespace:
            yield error(
                "option",
                Location("<options>"),
                "verify-into",
                f'Invalid value: "{self.options.verify_into}": must not be the namespace of the '
                "Kafka, where the copy would replace it",
            )
        for name, option, cron, words in (
            (self.names.schedule, "schedule", self.options.schedule, "backups create"),
            (self.names.verification, "verify-schedule", self.options.verify_schedule, "verify"),
        ):
            if len(name) > MAX_NAME:
                yield error(
                    "option",
                    Location("<options>"),
                    option,
                    f'Invalid value: "{cron}": CronJob {name} has more than {MAX_NAME} characters '
                    f"in its name: call `kanister-kafka {words}` from a CronJob of your own",
                )

    def _actions(self) -> tuple[PlannedAction, ...]:
        if self.flushes:
            return (PlannedAction(name="backupPrehook", phases=(self.phases.flush(),)),)
        if not self.hot:
            return self._stopping_actions()
        # A restore that has failed is resumed, to which the steps of the backup have no rights.
        resume = replace(
            self.phases.restart("resume", self.limits.restart), account=self.names.restore
        )
        return (*self._restore_actions(), PlannedAction(name="resume", phases=(resume,)))

    def _stopping_actions(self) -> tuple[PlannedAction, ...]:
        """Return the actions of a backup that stops clients, and brokers unless it is online."""
        make = self.phases
        last = (make.pause(), make.flush_online()) if self.online else (make.flush(), make.stop())
        phases = (make.quiesce("backupPrehook"), *last)
        restart = make.restart("restart", self.limits.restart)
        posthook = PlannedAction(name="backupPosthook", phases=(restart,))
        if self.online:  # clients are released whether or not something has moved
            posthook = replace(posthook, phases=(make.compare(),), defer_phase=restart)
        hooks = (
            PlannedAction(name="backupPrehook", phases=phases, defer_phase=self._recover(phases)),
            posthook,
            PlannedAction(name="resume", phases=(make.restart("resume", self.limits.restart),)),
        )
        return hooks + self._restore_actions()

    def _recover(self, phases: tuple[PlannedPhase, ...]) -> PlannedPhase | None:
        """Return the recovery of a pre-hook; None with a watchdog, which sees a failed pod itself.

        A deferPhase runs after a success too, and clients would wait for its pod.
        """
        if self.names.switch:
            return None
        # All the time that Kasten leaves: past its limit it would cut the recovery off.
        spent = sum(phase.seconds + POD_SECONDS for phase in phases) + POD_SECONDS
        left = max(LEAST_RECOVERY, min(self.limits.restart, self.options.hook_timeout - spent))
        return self.phases.restart("recover", left, recovery=True, leave_stopped=True)

    def _restore_actions(self) -> tuple[PlannedAction, ...]:
        if not self.names.restore:
            return ()
        make = KanisterActionFactory(self.phases, self.names, self.options)
        actions = make.actions() if self.engine else ()
        return actions + make.kasten_actions() if self.kasten_restore else actions

    def _header(self, actions: tuple[PlannedAction, ...]) -> Iterator[str]:
        cluster, options = self.cluster, self.options
        if self.hot:
            does = "snapshots all volumes at one moment" if self.engine else "flushes every node"
            yield f"Hot backup of {cluster}: {does}, stops nothing."
            yield hot_verdict(options)
            for effect in hot_effects(cluster, options):
                yield from textwrap.wrap(
                    effect, HEADER_WIDTH, initial_indent="- ", subsequent_indent="  "
                )
        elif self.online:
            yield f"Online backup of {cluster}: stops its clients for the snapshot, no broker."
            yield "It fails if anything moves meanwhile: an end offset, a leader, the metadata."
        else:
            yield f"Cold backup of {cluster}: stops it cleanly for the snapshot, brings it back."
        versions = f"{COMPONENT} {__version__}, for Strimzi {cluster.operator}"
        yield f"Rendered from {cluster.source} by {versions}."
        yield ""
        yield from header_table(actions, str(cluster))

    def _check_time(self, actions: tuple[PlannedAction, ...]) -> Iterator[Diagnostic]:
        if not self.options.uses_kasten:
            return
        for action in actions:
            pods = len(action.phases) + bool(action.defer_phase)
            needed = action.seconds + pods * POD_SECONDS
            if action.name in HOOKS and needed > self.options.hook_timeout:
                yield warning(
                    "hook-timeout",
                    Location(self.cluster.source),
                    "",
                    f"{action.name} may take {needed}s and Kasten ends it after "
                    f"{self.options.hook_timeout}s: raise its timeout.blueprintHooks and set "
                    "--hook-timeout, or lower --timeout",
                )

    def _check_online(self) -> Iterator[Diagnostic]:
        """Yield an error if it cannot be shown that nothing moves while brokers run."""
        if not self.online:
            return
        location = Location(self.cluster.source)
        if self.cluster.zookeeper:
            yield error(
                "online-zookeeper",
                location,
                "spec.zookeeper",
                "--strategy online reads the metadata log of KRaft, and ZooKeeper has none: "
                "use --strategy cold",
            )
        if has_cruise_control(self.cluster):
            yield error(
                "online-cruise-control",
                location,
                "spec.cruiseControl",
                "the brokers write metrics for Cruise Control into a topic all the time, so "
                "--strategy online always fails: use --strategy cold",
            )

    def _check_switch(self, actions: tuple[PlannedAction, ...]) -> Iterator[Diagnostic]:
        """Yield an error if the watchdog may bring Kafka back while it is being stopped."""
        if not self.names.switch:
            return
        stage = BackupStage.FLUSH if self.online else BackupStage.STOP

        def has_stage(action: PlannedAction) -> bool:
            return any(phase.stage is stage for phase in action.phases)

        action = next(filter(has_stage, actions))
        scripts = [*chain.from_iterable(phase.scripts for phase in action.phases)]
        last = max(at for at, script in enumerate(scripts) if script.stage is stage)
        needed = sum(script.seconds + POD_SECONDS for script in scripts[: last + 1])
        after = self.options.restart_after
        if after < needed:
            yield error(
                "option",
                Location("<options>"),
                "restart-after",
                f'Invalid value: "{format_duration(after)}": must be at least '
                f"{format_duration(needed)}, which "
                f"{action.name} may take until Kafka is stopped: the watchdog would "
                "restart it during the stop; or lower --timeout",
            )


# The plan as a table in comments at the top of the Blueprint, for a reader in a hurry.

HEADINGS = ("action", "phase", "at most", "what it does")
GAP = "  "
HEADER_WIDTH = 90
"""Of a line of text above it."""
WIDTH = 140
"""Of a line, at most."""


def header_table(actions: Iterable[PlannedAction], cluster: str) -> Iterator[str]:
    """Yield the steps of each phase in their order, below a line of headings.

    `cluster` is the Kafka that the table is about: it is not named again in each step.
    """
    rows = [HEADINGS]
    for action in actions:
        rows += _rows(action, cluster)
    columns = list(zip(*rows, strict=True))
    widths = [max(map(len, column)) for column in columns[:-1]]
    margin = " " * sum(width + len(GAP) for width in widths)
    for *cells, text in rows:
        start = "".join(f"{c:{width}}{GAP}" for c, width in zip(cells, widths, strict=True))
        yield from textwrap.wrap(
            text, WIDTH, initial_indent=start, subsequent_indent=margin, break_on_hyphens=False
        )


def _rows(action: PlannedAction, cluster: str) -> Iterator[tuple[str, str, str, str]]:
    for number, phase in enumerate(action.all_phases):
        for position, step in enumerate(phase.steps):
            at_most = f"{step.seconds:5} s" if step.seconds else ""
            first, name = ("", "") if position else (action.name, phase.name)
            if phase is action.defer_phase and not position:
                name += ", always"
            yield "" if number else first, name, at_most, _text(step, cluster)


def _text(step: PlannedStep, cluster: str) -> str:
    objects = ", ".join(_named(reference for reference in step.objects if reference != cluster))
    until = f", until {step.until}" if step.until else ""
    return f"{step.does}{': ' if objects else ''}{objects}{until}"


def _named(objects: Iterable[str]) -> Iterator[str]:
    """Name objects, with a kind only if it is another than that of the object before."""
    before = ""
    for reference in objects:
        kind, _, name = reference.partition(" ")
        yield name if kind == before and name else reference
        before = kind
