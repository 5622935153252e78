"""What one process does: a task in, the outcome of its clusters out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kanister_kafka.blueprint.kubectl import forget
from kanister_kafka.document import Document, load_each
from kanister_kafka.errors import UnreachableError
from kanister_kafka.fleet.model import Key, Outcome, Row, Task
from kanister_kafka.fleet.sort import Sorter, choose
from kanister_kafka.fleet.spool import unpacked
from kanister_kafka.plan import Plan, build
from kanister_kafka.problem import Problem, error, has_error, in_order
from kanister_kafka.render import render
from kanister_kafka.strimzi import read
from kanister_kafka.strimzi.addresses import Addresses
from kanister_kafka.validate import uncollected


def work(task: Task) -> tuple[Outcome, ...]:
    """Plan, and render where that is wanted, each cluster of a task."""
    try:
        with uncollected():
            return _work(task)
    finally:
        forget()


def _work(task: Task) -> tuple[Outcome, ...]:
    if task.key is not None:
        documents = (unpacked(raw) for raw in task.objects)
        return (_outcome(task, task.key, documents, task.others, task.problems),)
    return tuple(_own(task))


def _own(task: Task) -> Iterator[Outcome]:
    """Read what a rule names, and find its clusters in that alone."""
    rule = task.rule
    sorter: Sorter[Document] = Sorter(task.namespace, _itself, (rule,))
    problems: list[Problem] = []
    try:
        sorter.take(load_each(rule.paths), _itself)
    except UnreachableError as failure:
        problems.append(error("no-kafka", rule.location, rule.path, str(failure)))
        yield Outcome(rule=rule, problems=tuple(problems))
        return
    chosen = tuple(choose(sorter.clusters(), (rule,), problems))
    problems += sorter.problems
    if not chosen:
        yield Outcome(rule=rule, problems=in_order(problems))
    for found, _rule in chosen:
        if task.selector.fits(found.labels):
            before = [*found.problems, *problems]
            yield _outcome(task, found.key, found.held, found.others, before)


def _itself(document: Document) -> Document:
    return document


def _outcome(
    task: Task,
    key: Key,
    documents: Iterable[Document],
    others: Iterable[Addresses],
    before: Iterable[Problem],
) -> Outcome:
    rule = task.rule
    reading = read(
        documents,
        cluster=str(key),
        namespace=task.namespace,
        strimzi_version=rule.strimzi_version,
        writers=rule.options.writers,
        not_writers=rule.options.not_writers,
        others=others,
    )
    problems = in_order([*before, *reading.problems])
    if reading.cluster is None or has_error(problems):
        return Outcome(rule=rule, key=key, problems=problems)
    plan = build(reading.cluster, rule.options, problems)
    if has_error(plan.problems):
        return Outcome(rule=rule, key=key, problems=plan.problems)
    return Outcome(
        rule=rule,
        key=key,
        row=_row(plan),
        manifests=render(plan, task.templates) if task.spells else (),
        notes=plan.notes,
        claims=_claims(plan),
        problems=plan.problems,
    )


def _row(plan: Plan) -> Row:
    return Row(
        blueprint=f"{plan.options.kasten_namespace}/{plan.name}",
        strategy=plan.options.strategy.value,
        engine=plan.options.engine.value,
        nodes=sum(workload.replicas for workload in plan.cluster.nodes),
        writers=len(plan.cluster.writers),
        longest=max(action.seconds for action in plan.actions),
    )


def _claims(plan: Plan) -> tuple[str, ...]:
    """Return the names that a site may choose, so that two clusters may have the same.

    All others have the cluster's own in them.
    """
    accounts = (f"ServiceAccount {plan.cluster.namespace}/{a.name}" for a in plan.accounts)
    return (f"Blueprint {plan.options.kasten_namespace}/{plan.name}", *accounts)
