"""The command `check`."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from kanister_kafka.backup.options import NEVER, Options, SnapshotProvider, Strategy
from kanister_kafka.cli.app import echo, echo_bytes, terminal_width
from kanister_kafka.cli.options import (
    chosen_options_from,
    live_kafka_options,
    plan_from_cli,
    plan_options,
    strimzi_version_option,
    templates_option,
)
from kanister_kafka.cli.output import kafka_name, report_format_option, report_text
from kanister_kafka.cli.param_types import SectionedCommand, flag_option
from kanister_kafka.diagnostics import Location, error
from kanister_kafka.errors import ActionError, ForbiddenError, InputError, NotFoundError
from kanister_kafka.operations.object_names import find_names
from kanister_kafka.operations.start_action import find_applied
from kanister_kafka.strimzi.discovery import KafkaRef, all_targets

if TYPE_CHECKING:
    from kanister_kafka.backup.model import BackupPlan
    from kanister_kafka.diagnostics import Diagnostic
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.actionset import AppliedBlueprint
    from kanister_kafka.operations.preflight import Checked, CheckLine, CheckStatus

COLORS = {"ok": "green", "warning": "yellow", "problem": "red"}
OWN = ("kafka", "namespace", "context", "pull", "form", "fail_on", "everywhere")
"""Options that `apply` takes in another way, or not at all."""
OF_ONE_KAFKA = (ActionError, ForbiddenError, NotFoundError, InputError, click.UsageError)
"""Errors of a check that concern no other Kafka; one of several Blueprints among them."""
NO_SUBJECT = ("no-kafka", "option")
"""Ids of problems after which there is nothing to look at."""


@click.command(cls=SectionedCommand, epilog="Example: kanister-kafka check my-cluster -n kafka")
@live_kafka_options("kafka")
@plan_options
@strimzi_version_option
@templates_option
@flag_option("--pull", "Run a pod with the image of the steps for a moment, and delete it.")
@flag_option(
    "-A --all-namespaces everywhere",
    "Every Kafka of all namespaces whose Blueprint is applied; the exit code is that of the worst.",
)
@report_format_option("text", "json", "yaml", "name", "markdown", "html")
@click.option(
    "--fail-on",
    type=click.Choice(["problem", "warning"]),
    default="problem",
    show_default=True,
    help="The least level that makes the exit code 1.",
)
@click.pass_context
def check(
    ctx: click.Context,
    /,
    kafka: str,
    namespace: str,
    context: str,
    templates: Path | None,
    *,
    pull: bool,
    everywhere: bool,
    form: str,
    fail_on: str,
    **choices: Any,
) -> None:
    """Check whether a backup would work on the live cluster.

    Nothing is changed, except with --pull. Rights, drift and time-outs are judged by the options of
    the Blueprint that was applied; options that are given go before those. One broker is asked
    which replicas are not in sync, by a command in its pod.
    """
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.operations.preflight import Checked, CheckStatus
    from kanister_kafka.reports.preflight import (
        checks_html,
        checks_json,
        checks_markdown,
        checks_text,
        preflight_json,
        preflight_text,
    )

    connection = KubeClient(context)
    look = partial(_lines, connection, context, templates, pull=pull)
    level, width = CheckStatus(fail_on), terminal_width()
    if everywhere:
        if kafka or namespace or choices["name"]:
            raise click.UsageError(
                "-A is for all Kafkas: name neither one, nor a namespace, nor a Blueprint"
            )
        results = _each(connection, ctx, choices, look)
        if form == "name":
            echo("".join(kafka_name(result.name) for result in results if result.is_applied))
        elif form in ("markdown", "html"):
            echo_bytes(checks_markdown(results) if form == "markdown" else checks_html(results))
        else:
            text = partial(checks_text, results, _colored, width)
            echo(report_text(form, text, lambda: checks_json(results)))
        ctx.exit(max(result.exit_code(level) for result in results))
    namespace = namespace or connection.namespace
    target = KafkaRef(namespace, kafka or _only(connection, namespace))
    with connection.one_moment():
        lines = look(target, ctx, choices)
    if form == "name":
        echo(kafka_name(target.name))
    elif form in ("markdown", "html"):
        result = (Checked(target.namespace, target.name, lines),)
        echo_bytes(checks_markdown(result) if form == "markdown" else checks_html(result))
    else:
        text = partial(preflight_text, lines, _colored, width)
        echo(report_text(form, text, lambda: preflight_json(lines)))
    if any(line.level.reaches(level) for line in lines):
        ctx.exit(1)


def _lines(
    connection: KubeClient,
    context: str,
    templates: Path | None,
    target: KafkaRef,
    ctx: click.Context,
    choices: dict[str, Any],
    *,
    pull: bool,
) -> tuple[CheckLine, ...]:
    """Check one Kafka by the options, and by its applied Blueprint for those that are not given."""
    from kanister_kafka.kube.exec import exec_in_pod
    from kanister_kafka.operations.preflight import PreflightTarget, run_preflight

    words = _repeated(ctx)
    blueprint = _applied(connection, target, choices)
    words += _take_applied_options(blueprint, ctx, choices)
    names = find_names(
        connection,
        target,
        blueprint.namespace if blueprint else choices["kasten_namespace"],
        blueprint.name if blueprint else "",
    )
    if blueprint and blueprint.origin.is_renamed and choices["name"] == blueprint.name:
        choices = {**choices, "name": blueprint.rendered_name}
    plan, problems = _plan(connection, target, context=context, **choices)
    subject = PreflightTarget(
        name=target.name,
        namespace=target.namespace,
        kasten_namespace=choices["kasten_namespace"],
        plan=plan,
        problems=problems,
        context=context,
        options=shlex.join(words),
        names=names,
        affixes=blueprint.origin.affixes if blueprint else ("", ""),
        is_base=blueprint is not None and blueprint.is_base,
    )
    if pull and plan is not None:
        image = plan.options.image
        where = f"namespace {target.namespace}"
        click.echo(f"starting a pod with {image} in {where} for a moment", err=True)
    return run_preflight(
        connection,
        partial(exec_in_pod, context=context),
        subject,
        templates=templates,
        with_pod=pull,
    )


def _each(
    connection: KubeClient,
    ctx: click.Context,
    choices: dict[str, Any],
    look: Callable[[KafkaRef, click.Context, dict[str, Any]], tuple[CheckLine, ...]],
) -> tuple[Checked, ...]:
    """Check every Kafka that has a Blueprint; one that cannot be looked at hides no other."""
    from kanister_kafka.operations.preflight import Checked

    results = []
    for target in all_targets(connection):
        result = Checked(target.namespace, target.name)
        with connection.one_moment():
            try:
                strategy = _strategy(connection, target, choices)
                if strategy is None:
                    result = replace(result, is_applied=False)
                else:
                    lines = look(target, ctx, {**choices, "strategy": strategy})
                    result = replace(result, lines=lines)
            except OF_ONE_KAFKA as failure:
                result = replace(result, failure=str(failure), failure_code=failure.exit_code)
        results.append(result)
    if not any(result.is_applied for result in results):
        names = ", ".join(f"{result.namespace}/{result.name}" for result in results)
        raise NotFoundError(
            f"no Blueprint of any Kafka is applied: {names}; kanister-kafka apply creates it"
        )
    return tuple(results)


def _strategy(connection: KubeClient, target: KafkaRef, choices: dict[str, Any]) -> str | None:
    """Return the strategy by which a Kafka is checked; None without an applied Blueprint."""
    for strategy in dict.fromkeys((choices["strategy"], "cold", "hot")):
        try:
            is_flush_only = _is_flush_only({**choices, "strategy": strategy})
            find_applied(connection, target, choices["kasten_namespace"], hot=is_flush_only)
        except NotFoundError:
            continue
        except ForbiddenError:
            pass  # there may be one: the check reports what could not be read
        return str(strategy)
    return None


def _applied(
    connection: KubeClient, target: KafkaRef, choices: dict[str, Any]
) -> AppliedBlueprint | None:
    """Return the applied Blueprint, if there is one."""
    hot = _is_flush_only(choices)
    try:
        return find_applied(
            connection, target, choices["kasten_namespace"], choices["name"], hot=hot
        )
    except (NotFoundError, ForbiddenError):
        return None  # which the survey has a line about


def _is_flush_only(choices: dict[str, Any]) -> bool:
    """Return whether the Blueprint is the second one of the Kafka, which only flushes."""
    strategy, engine = Strategy(choices["strategy"]), SnapshotProvider(choices["engine"])
    return Options(strategy=strategy, engine=engine).is_flush_only


def _take_applied_options(
    blueprint: AppliedBlueprint | None, ctx: click.Context, choices: dict[str, Any]
) -> list[str]:
    """Take what is not given from the applied Blueprint, if there is one; return its words."""
    if blueprint is None:
        return []
    try:
        words = shlex.split(blueprint.origin.options)
    except ValueError:
        words = ["("]
    try:
        parsed = chosen_options_from(words)
    except click.UsageError as failure:
        click.echo(
            f"the options of Blueprint {blueprint.namespace}/{blueprint.name} cannot be read: "
            f"{failure.message}; judged by those of the command alone",
            err=True,
        )
        return []
    taken: list[str] = []
    for option in parsed.command.params:
        key = option.name or ""
        given = ctx.get_parameter_source(key) is ParameterSource.COMMANDLINE
        if key not in choices or given:
            continue
        if parsed.get_parameter_source(key) is ParameterSource.COMMANDLINE:
            choices[key] = parsed.params[key]
            taken += _words(option, parsed.params[key])
    return taken


def _only(connection: KubeClient, namespace: str) -> str:
    """Return the name of the only Kafka of a namespace."""
    items = connection.items(connection.named("kafkas.kafka.strimzi.io"), namespace)
    names = sorted(str(item["metadata"]["name"]) for item in items)
    if len(names) > 1:
        raise click.UsageError(f"namespace {namespace} has {', '.join(names)}: which one?")
    if not names:
        location = Location(f"Namespace/{namespace}")
        raise InputError((error("no-kafka", location, "", "has no Kafka of Strimzi"),))
    return names[0]


def _plan(
    connection: KubeClient, target: KafkaRef, *, context: str, **choices: Any
) -> tuple[BackupPlan | None, tuple[Diagnostic, ...]]:
    try:
        plan = plan_from_cli(
            paths=(),
            from_cluster=target.name,
            context=context,
            connection=connection,
            namespace=target.namespace,
            cluster="",
            **choices,
        )
    except InputError as failure:
        if any(problem.rule in NO_SUBJECT for problem in failure.problems):
            raise
        return None, failure.problems
    return plan, plan.problems


def _repeated(ctx: click.Context) -> list[str]:
    """Return the words that `apply` has to be given to render the same."""
    words: list[str] = []
    for option in ctx.command.params:
        name = option.name or ""
        if name in OWN or name not in ctx.params:
            continue
        if ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        words += _words(option, ctx.params[name])
    return words


def _words(option: click.Parameter, value: Any) -> list[str]:
    """Return the words that give an option this value."""
    if isinstance(option, click.Option) and option.is_flag:
        return [option.opts[-1]]
    values = value if option.multiple else (value,)
    words = []
    for one in values:
        words += [option.opts[-1], _word(one)]
    return words


def _word(value: object) -> str:
    """Format a value as an option takes it: a pair, a duration, a text."""
    if isinstance(value, tuple):
        return "=".join(value)
    if isinstance(value, int):
        return f"{value}s" if value else NEVER
    return str(value)


def _colored(level: CheckStatus) -> str:
    return click.style(level.value, fg=COLORS[level.value])
