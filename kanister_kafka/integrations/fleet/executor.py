"""A fleet rendered: sorted first, then cluster by cluster in several processes.

Nothing is kept of a cluster that is done, and few are under way at a time, so memory does not grow
with their number; only what is found where does, about a thousand bytes each.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from kanister_kafka.backup.cron import EVERY
from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.backup.options import Strategy
from kanister_kafka.backup.planner import build_plan
from kanister_kafka.backup.render import Manifest, render
from kanister_kafka.diagnostics import (
    Diagnostic,
    Location,
    error,
    has_error,
    sort_diagnostics,
    warning,
)
from kanister_kafka.errors import UnreachableError
from kanister_kafka.integrations.fleet.file import (
    Fleet,
    FleetEntry,
    FleetKey,
    FleetSummary,
    RenderResult,
    RenderTask,
)
from kanister_kafka.integrations.fleet.grouping import (
    ClusterGrouper,
    DiscoveredCluster,
    ObjectSpool,
    choose_entry,
    deserialize,
)
from kanister_kafka.linter.pipeline import without_gc
from kanister_kafka.processes import WorkerPool, WorkerTask, exit_with_parent
from kanister_kafka.strimzi import read_cluster
from kanister_kafka.strimzi.listeners import BootstrapAddresses
from kanister_kafka.yamldoc import Document, iter_load

# The work of one process: a task in, the outcome of its clusters out.


def render_task(task: RenderTask) -> tuple[RenderResult, ...]:
    """Plan each cluster of a task, and render it if that is wanted."""
    with without_gc():
        return _work(task)


def _work(task: RenderTask) -> tuple[RenderResult, ...]:
    if task.key is not None:
        documents = (deserialize(raw) for raw in task.objects)
        return (_outcome(task, task.key, documents, task.others, task.problems),)
    return tuple(_own(task))


def _own(task: RenderTask) -> Iterator[RenderResult]:
    """Read what a rule names, and find its clusters in that alone."""
    rule = task.rule
    sorter: ClusterGrouper[Document] = ClusterGrouper(task.namespace, _itself, (rule,))
    problems: list[Diagnostic] = []
    try:
        sorter.take(iter_load(rule.paths), _itself)
    except UnreachableError as failure:
        problems.append(error("no-kafka", rule.location, rule.path, str(failure)))
        yield RenderResult(rule=rule, problems=tuple(problems))
        return
    chosen = tuple(choose_entry(sorter.clusters(), (rule,), problems))
    problems += sorter.problems
    if not chosen:
        yield RenderResult(rule=rule, problems=sort_diagnostics(problems))
    for cluster, _rule in chosen:
        if task.selector.fits(cluster.labels):
            before = [*cluster.problems, *problems]
            yield _outcome(task, cluster.key, cluster.objects, cluster.others, before)


def _itself(document: Document) -> Document:
    return document


def _outcome(
    task: RenderTask,
    key: FleetKey,
    documents: Iterable[Document],
    others: Iterable[BootstrapAddresses],
    before: Iterable[Diagnostic],
) -> RenderResult:
    rule = task.rule
    reading = read_cluster(
        documents,
        cluster=str(key),
        namespace=task.namespace,
        strimzi_version=rule.strimzi_version,
        writers=rule.options.writers,
        not_writers=rule.options.not_writers,
        others=others,
        kubernetes=task.kubernetes,
    )
    problems = sort_diagnostics([*before, *reading.problems])
    if reading.cluster is None or has_error(problems):
        return RenderResult(rule=rule, key=key, problems=problems)
    plan = build_plan(reading.cluster, rule.options, problems)
    if has_error(plan.problems):
        return RenderResult(rule=rule, key=key, problems=plan.problems)
    return RenderResult(
        rule=rule,
        key=key,
        row=_row(plan),
        manifests=_texts(render(plan, task.templates)) if task.spells else (),
        notes=plan.notes,
        claims=_claims(plan),
        problems=plan.problems,
    )


def _texts(manifests: Iterable[Manifest]) -> tuple[Manifest, ...]:
    """Return manifests without their parsed text, which is larger than the text."""
    return tuple(replace(one) for one in manifests)


def _row(plan: BackupPlan) -> FleetSummary:
    return FleetSummary(
        blueprint=f"{plan.options.kasten_namespace}/{plan.name}",
        strategy=plan.options.strategy.value,
        engine=plan.options.engine.value,
        nodes=sum(workload.replicas for workload in plan.cluster.nodes),
        writers=len(plan.cluster.writers),
        longest=max(action.seconds for action in plan.actions),
    )


def _claims(plan: BackupPlan) -> tuple[str, ...]:
    """Return the names that a site may choose, so that two clusters may have the same.

    All others have the cluster's own in them.
    """
    accounts = (f"ServiceAccount {plan.cluster.namespace}/{a.name}" for a in plan.accounts)
    return (f"Blueprint {plan.options.kasten_namespace}/{plan.name}", *accounts)


TASKS_PER_WORKER = 8
"""Tasks for each process that are given out before the first of them is done."""


@dataclass(frozen=True, slots=True)
class GroupedFleet:
    """A fleet whose clusters are known, except for those in paths of their own."""

    tasks: Iterator[RenderTask]
    total: int
    """Of the tasks."""
    problems: tuple[Diagnostic, ...]
    """What is wrong with the input and is not of one cluster."""


def group_clusters(
    fleet: Fleet,
    objects: Iterable[Document | Diagnostic],
    spool: ObjectSpool,
    *,
    templates: Path | None = None,
    spells: bool = True,
) -> GroupedFleet:
    """Read the input of a fleet and find out which objects belong to which cluster.

    The tasks need the spool for as long as they are worked on.
    """
    shared = tuple(rule for rule in fleet.rules if not rule.paths)
    sorter: ClusterGrouper[int] = ClusterGrouper(
        fleet.namespace, lambda at: deserialize(spool.get(at)), shared
    )
    sorter.take(objects, spool.put)
    own = [rule for rule in fleet.rules if rule.paths]
    problems: list[Diagnostic] = []
    chosen = deque(
        (cluster, rule)
        for cluster, rule in choose_entry(sorter.clusters(), shared, problems)
        if fleet.selector.fits(cluster.labels)
    )
    total = len(chosen) + len(own)

    def tasks() -> Iterator[RenderTask]:
        while chosen:  # release finished clusters: problems of others grow meanwhile
            cluster, rule = chosen.popleft()
            yield replace(
                _task(cluster, rule, spool),
                namespace=fleet.namespace,
                kubernetes=fleet.kubernetes,
                templates=templates,
                spells=spells,
            )
        for rule in own:
            yield RenderTask(
                rule=rule,
                namespace=rule.namespace,
                selector=fleet.selector,
                templates=templates,
                spells=spells,
            )

    return GroupedFleet(tasks(), total, sort_diagnostics([*problems, *sorter.problems]))


def render_fleet(tasks: Iterable[RenderTask], processes: int = 1) -> Iterator[RenderResult]:
    """Yield the outcome of each cluster, in the order of the tasks, not of their ends.

    Raises UnreachableError if a process is killed.
    """
    done = map(render_task, tasks) if processes == 1 else _together(tasks, processes)
    yield from _apart(chain.from_iterable(done))


def _task(cluster: DiscoveredCluster[int], rule: FleetEntry, spool: ObjectSpool) -> RenderTask:
    return RenderTask(
        rule=rule,
        key=cluster.key,
        objects=tuple(spool.get(offset) for offset in cluster.objects),
        others=tuple(cluster.others),
        problems=tuple(cluster.problems),
    )


def _together(tasks: Iterable[RenderTask], processes: int) -> Iterator[tuple[RenderResult, ...]]:
    """Work on several tasks at a time, and on few enough to keep all of them in memory."""
    waiting: deque[WorkerTask[tuple[RenderResult, ...]]] = deque()
    with closing(WorkerPool(processes, _start)) as pool:
        for task in tasks:
            waiting.append(pool.submit(render_task, task))
            if len(waiting) >= processes * TASKS_PER_WORKER:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _start() -> None:
    """End with the process that has started this one, and keep what is loaded uncollected."""
    exit_with_parent()
    gc.freeze()


def _apart(outcomes: Iterable[RenderResult]) -> Iterator[RenderResult]:
    """Refuse a cluster that came before, or whose objects would be those of another."""
    owners: dict[str, FleetKey] = {}
    for outcome in outcomes:
        if outcome.key is None:
            yield outcome
            continue
        names = (str(outcome.key), *outcome.claims)
        taken = [name for name in names if name in owners]
        if not taken:
            owners.update(dict.fromkeys(names, outcome.key))
            yield outcome
            continue
        rule, first = outcome.rule, taken[0]
        message = f"{first} of Kafka {outcome.key} is that of Kafka {owners[first]} already"
        if first == names[0]:
            message = f"Kafka {first} is in the fleet already"
        clash = error("duplicate-object", rule.location, rule.path, message)
        yield RenderResult(
            rule=rule, key=outcome.key, problems=sort_diagnostics([*outcome.problems, clash])
        )


# Kafkas of a fleet that are stopped at the same time.

NAMED = 3
"""Kafkas that a message names; the others are counted."""


@dataclass(slots=True)
class _Group:
    location: Location
    path: str
    count: int = 0
    first: list[FleetKey] = field(default_factory=list)


class ScheduleCounter:
    """Counts the Kafkas with the same schedule; it keeps the names of a few of them only."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], _Group] = {}

    def add(self, outcome: RenderResult) -> None:
        """Take the result of one cluster, in the order of the fleet."""
        options = outcome.rule.options
        if outcome.key is None or outcome.row is None or options.strategy is Strategy.HOT:
            return
        if not options.schedule or options.schedule.startswith(EVERY):
            return
        name = (options.schedule, options.time_zone)
        group = self._groups.setdefault(name, _Group(outcome.rule.location, outcome.rule.path))
        group.count += 1
        if len(group.first) < NAMED:
            group.first.append(outcome.key)

    def problems(self) -> Iterator[Diagnostic]:
        """Yield one warning for each schedule of several Kafkas."""
        for (schedule, zone), group in self._groups.items():
            if group.count < 2:
                continue
            more = group.count - len(group.first)
            kafkas = ", ".join(map(str, group.first)) + (f" and {more} more" if more else "")
            in_zone = f" in {zone}" if zone else ""
            message = (
                f"schedule {schedule!r}{in_zone} is that of {group.count} Kafkas, whose backups "
                f"start in the same minute: {kafkas}; give each one its own time in its entry"
            )
            yield warning("same-schedule", group.location, group.path, message)
