"""Whether a cluster is fit for a rehearsal: what `check` finds, before anything is touched."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from kanister_kafka.errors import ActionError, InputError
from kanister_kafka.kube import Connection, fetch
from kanister_kafka.kube.execute import execute
from kanister_kafka.options import Options
from kanister_kafka.plan import Plan, build
from kanister_kafka.preflight import Level, Line, Subject, survey
from kanister_kafka.problem import Problem, has_error
from kanister_kafka.rehearse.setting import Setting
from kanister_kafka.strimzi import read

OF_OPTIONS = ("drift", "hook-timeout", "image", "image-pull", "plan", "pod-user", "rights")
"""Checks that judge by how the Blueprint was rendered, which nobody tells here: `check` asks."""
ABOUT_STORAGE = ("snapshot-class",)
"""What a rehearsal has settled by itself, with the class that it was given."""


def check_fit(connection: Connection, setting: Setting, tell: Callable[[str], None]) -> None:
    """Raise ActionError with all that is in the way; what may be in the way is told."""
    target, request = setting.target, setting.request
    plan, problems = _plan(setting)
    subject = Subject(
        name=target.name,
        namespace=target.namespace,
        kasten_namespace=request.kasten_namespace,
        plan=plan,
        problems=problems,
    )
    lines = survey(connection, partial(execute, context=request.context), subject)
    doubts = [line for line in lines if line.level is not Level.OK and not blocks(line)]
    for line in doubts:
        tell(f"  {line.level.value}: {line.what}")
    if any(line.level is Level.PROBLEM for line in doubts):
        tell(
            "  whether these are problems depends on how it was rendered: see kanister-kafka check"
        )
    wrong = [told(line) for line in lines if blocks(line)]
    if not wrong and not setting.before.settled:
        command = f"kanister-kafka resume {target.name} -n {target.namespace}"
        wrong.append(f"a former backup is not over ({command})")
    if wrong:
        raise ActionError(f"nothing was touched: {'; '.join(wrong)}")


def blocks(line: Line) -> bool:
    """Tell whether a rehearsal must not begin."""
    return line.level is Level.PROBLEM and line.id not in (*OF_OPTIONS, *ABOUT_STORAGE)


def told(line: Line) -> str:
    """Return what a line says, with its remedy."""
    return f"{line.what} ({line.remedy})" if line.remedy else line.what


def _plan(setting: Setting) -> tuple[Plan | None, tuple[Problem, ...]]:
    target, request = setting.target, setting.request
    fetched = fetch(target.name, target.namespace, context=request.context)
    origin = setting.blueprint.origin
    told = origin.told
    reading = read(
        fetched.documents,
        cluster=target.name,
        namespace=target.namespace,
        writers=told.writers,
        not_writers=told.not_writers,
        others=fetched.others,
    )
    problems = (*fetched.problems, *reading.problems)
    if reading.cluster is None or has_error(problems):
        return None, problems
    options = Options(
        kasten_namespace=request.kasten_namespace,
        quiesce_by=origin.quiesce_by,
        writers=told.writers,
        not_writers=told.not_writers,
    )
    try:
        plan = build(reading.cluster, options, problems)
    except InputError as failure:
        return None, failure.problems
    return plan, plan.problems
