"""A fleet rendered: sorted first, then cluster by cluster in several processes.

Nothing is kept of a cluster that is done, and few are under way at a time, so memory does not grow
with their number; only what is found where does, about a thousand bytes each.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from kanister_kafka.document import Document
from kanister_kafka.fleet.model import Fleet, Key, Outcome, Rule, Task
from kanister_kafka.fleet.sort import Found, Sorter, choose
from kanister_kafka.fleet.spool import Spool, unpacked
from kanister_kafka.fleet.work import work
from kanister_kafka.problem import Problem, error, in_order
from kanister_kafka.processes import deaf, end_with_parent, fresh

AHEAD = 8
"""Tasks for each process that are given out before the first of them is done."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """A fleet whose clusters are known, but for those in paths of their own."""

    tasks: Iterator[Task]
    total: int
    """Of the tasks."""
    problems: tuple[Problem, ...]
    """What is wrong with the input and is not of one cluster."""


def sort(
    fleet: Fleet,
    objects: Iterable[Document | Problem],
    spool: Spool,
    *,
    templates: Path | None = None,
    spells: bool = True,
) -> Sorted:
    """Read the input of a fleet and find out which objects belong to which cluster.

    The tasks need the spool for as long as they are worked on.
    """
    shared = tuple(rule for rule in fleet.rules if not rule.paths)
    sorter: Sorter[int] = Sorter(fleet.namespace, lambda at: unpacked(spool.get(at)), shared)
    sorter.take(objects, spool.put)
    own = [rule for rule in fleet.rules if rule.paths]
    problems: list[Problem] = []
    chosen = deque(
        (found, rule)
        for found, rule in choose(sorter.clusters(), shared, problems)
        if fleet.selector.fits(found.labels)
    )
    total = len(chosen) + len(own)

    def tasks() -> Iterator[Task]:
        while chosen:  # what is done with is let go: what is told of others grows meanwhile
            found, rule = chosen.popleft()
            yield replace(
                _task(found, rule, spool),
                namespace=fleet.namespace,
                templates=templates,
                spells=spells,
            )
        for rule in own:
            yield Task(
                rule=rule,
                namespace=rule.namespace,
                selector=fleet.selector,
                templates=templates,
                spells=spells,
            )

    return Sorted(tasks(), total, in_order([*problems, *sorter.problems]))


def run(tasks: Iterable[Task], processes: int = 1) -> Iterator[Outcome]:
    """Yield the outcome of each cluster, in the order of the tasks whoever is done first."""
    done = map(work, tasks) if processes == 1 else _together(tasks, processes)
    yield from _apart(outcome for outcomes in done for outcome in outcomes)


def _task(found: Found[int], rule: Rule, spool: Spool) -> Task:
    return Task(
        rule=rule,
        key=found.key,
        objects=tuple(spool.get(place) for place in found.held),
        others=tuple(found.others),
        problems=tuple(found.problems),
    )


def _together(tasks: Iterable[Task], processes: int) -> Iterator[tuple[Outcome, ...]]:
    """Work on several tasks at a time, and on few enough to keep all of them in memory."""
    waiting: deque[Future[tuple[Outcome, ...]]] = deque()
    pool = ProcessPoolExecutor(processes, fresh(), _start)
    try:
        for task in tasks:
            with deaf():
                waiting.append(pool.submit(work, task))
            if len(waiting) >= processes * AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _start() -> None:
    """End with the process that has started this one, and keep what is loaded uncollected."""
    end_with_parent()
    gc.freeze()


def _apart(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """Refuse a cluster that came before, or whose objects would be those of another."""
    owners: dict[str, Key] = {}
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
        told = f"{first} of Kafka {outcome.key} is that of Kafka {owners[first]} already"
        if first == names[0]:
            told = f"Kafka {first} is in the fleet already"
        clash = error("duplicate-object", rule.location, rule.path, told)
        yield Outcome(rule=rule, key=outcome.key, problems=in_order([*outcome.problems, clash]))
