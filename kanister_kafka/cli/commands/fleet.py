"""The commands `fleet render` and `fleet plan`."""

from __future__ import annotations

import gc
import os
import shlex
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from kanister_kafka.backup.render import without_repeated_scripts
from kanister_kafka.cli.app import echo, print_diagnostics, print_note, terminal_width
from kanister_kafka.cli.fleet_output import FleetFolders
from kanister_kafka.cli.options import (
    ACCESS,
    check_option,
    input_context_option,
    option_group,
    options_from_cli,
    paths_option,
    plan_options,
    refuse,
    templates_option,
    version_from_cli,
    with_suitable_image,
)
from kanister_kafka.cli.output import (
    destination,
    destination_options,
    format_manifests,
    report_format_option,
    report_text,
)
from kanister_kafka.cli.param_types import SectionedCommand, flag_option, text_option
from kanister_kafka.diagnostics import Diagnostic, Location, error, has_error
from kanister_kafka.errors import InputError
from kanister_kafka.integrations.fleet import (
    Fleet,
    FleetEntry,
    GroupedFleet,
    LabelSelector,
    ObjectSpool,
    RenderResult,
    ScheduleCounter,
    group_clusters,
    is_fleet,
    parse_selector,
    read_fleet,
    render_fleet,
)
from kanister_kafka.reports.plan import fleet_json, fleet_text
from kanister_kafka.strimzi.from_cluster import iter_clusters, server_minor
from kanister_kafka.yamldoc import Document, iter_load, load

PAYS = 20
"""Clusters for which it pays to start one more process."""
WITH_FILE = frozenset(
    {"file", "paths", "from_cluster", "context", "namespace", "selector", "jobs", "output"}
    | {"output_dir", "templates", "form", "check", "quiet", "color", "verbose", *ACCESS}
)
"""Options that go with a fleet file; all others are in it."""
CLEAR = "\r\x1b[K"


def _selector(text: str) -> LabelSelector:
    selector = parse_selector(text)
    if selector is None:
        raise click.BadParameter(f"{text!r} is not a label selector, as app=kafka,tier!=test")
    return selector


fleet_options = option_group(
    click.argument("file", required=False),
    paths_option,
    flag_option(
        "--from-cluster",
        "Read the custom resources and workloads from the current kubeconfig context.",
    ),
    input_context_option,
    text_option(
        "-n --namespace", "Namespace of documents that name none, or to read.  [default: all]"
    ),
    click.option(
        "-l",
        "--selector",
        type=_selector,
        default="",
        metavar="SELECTOR",
        help="Only Kafkas with these labels, such as app=kafka,tier!=test.",
    ),
    click.option(
        "-j",
        "--jobs",
        type=click.IntRange(min=1),
        help="Processes at a time.  [default: one for each core, if that is faster]",
    ),
    text_option("--strimzi-version", "Of every operator.", metavar="VERSION"),
    plan_options,
)


@click.group(epilog="Example: kanister-kafka fleet render fleet.yaml --output-dir build/")
def fleet() -> None:
    """Render Blueprints for many Kafkas in one run.

    FILE is a fleet file, which names clusters with defaults and overrides; without one, every Kafka
    of the input is taken, with the options of the command. What is printed for a cluster is byte
    for byte what `render` prints for it alone. A cluster with an error is left out and reported at
    the end, with exit code 1; the others are done.
    """


@fleet.command(
    cls=SectionedCommand,
    epilog="Example: kanister-kafka fleet render -f clusters/ -l tier=prod --output-dir build/",
)
@fleet_options
@destination_options
@check_option
@templates_option
@click.pass_context
def render(
    ctx: click.Context,
    /,
    output: str,
    output_dir: Path | None,
    templates: Path | None,
    *,
    check: bool,
    **choices: Any,
) -> None:
    """Print or write the Blueprints of all clusters, and all that they need.

    In a directory, what a former run of the same input has left is removed: files that are not
    rendered any more, and directories of clusters that the input does not have any more.
    """
    target = destination(output, output_dir)
    if target.folder is None:
        if check:
            raise click.UsageError("--check compares a directory: give it with --output-dir")
        if target.form == "json":
            raise click.UsageError("-o json is for one cluster: kanister-kafka render")
        quiet = sys.stdout.isatty()
        take = _to_stream(target.form)
        ctx.exit(_follow(ctx, choices, take, "rendered", quiet=quiet, templates=templates))
    folders = FleetFolders(target.folder, _identity(choices), check=check)
    done = "compared" if check else "rendered"
    code = _follow(ctx, choices, folders.take, done, templates=templates)
    ctx.exit(max(code, folders.end(whole=not code)))


@fleet.command(
    cls=SectionedCommand, epilog="Example: kanister-kafka fleet plan --from-cluster -l tier=prod"
)
@fleet_options
@report_format_option("text", "json", "yaml")
@click.pass_context
def plan(ctx: click.Context, /, form: str, **choices: Any) -> None:
    """Show all clusters, one a line, and what is wrong with any."""
    rows: list[RenderResult] = []
    code = _follow(ctx, choices, rows.append, "planned", spells=False)
    echo(report_text(form, lambda: fleet_text(rows, terminal_width()), lambda: fleet_json(rows)))
    ctx.exit(code)


def _follow(
    ctx: click.Context,
    choices: dict[str, Any],
    take: Callable[[RenderResult], None],
    participle: str,
    *,
    quiet: bool = False,
    **how: Any,
) -> int:
    """Take each outcome as it comes, print its messages, and return the exit code."""
    gc.freeze()  # modules and templates: nothing of them is ever garbage
    jobs = choices.pop("jobs")
    with ObjectSpool() as spool:
        clusters = group_clusters(*_input(ctx, **choices), spool, **how)
        return _tally(clusters, jobs or _processes(clusters), take, participle, quiet=quiet)


def _tally(
    clusters: GroupedFleet,
    processes: int,
    take: Callable[[RenderResult], None],
    participle: str,
    *,
    quiet: bool,
) -> int:
    print_diagnostics(clusters.problems)
    counter = _ProgressCounter(clusters.total, shows=not quiet)
    missing: list[str] = []
    done = 0
    schedules = ScheduleCounter()
    for outcome in render_fleet(clusters.tasks, processes):
        schedules.add(outcome)
        counter.clear()
        print_diagnostics(outcome.problems)
        for note in outcome.notes:
            print_note(f"{outcome.key}: {note}")
        if outcome.row:
            done += 1
        else:
            missing.append(str(outcome.key or outcome.rule.path))
        if outcome.row or outcome.key:
            take(outcome)
        counter.count()
    counter.clear()
    if not done and not missing and not has_error(clusters.problems):
        where = Location("<input>")
        raise InputError((error("no-kafka", where, "", "no Kafka in the input has these labels"),))
    print_diagnostics(schedules.problems())
    summary = _summary(done, missing, participle)
    if missing:
        click.echo(summary, err=True)
    else:
        print_note(summary)
    return int(bool(missing) or has_error(clusters.problems))


def _input(
    ctx: click.Context,
    *,
    file: str | None,
    paths: tuple[str, ...],
    from_cluster: bool,
    context: str,
    namespace: str,
    selector: LabelSelector,
    strimzi_version: str,
    **choices: Any,
) -> tuple[Fleet, Iterable[Document | Diagnostic]]:
    """Return the fleet, and the objects in which its clusters are found."""
    if file is None:
        rule = FleetEntry(
            location=Location("<input>"),
            path="",
            options=options_from_cli(**choices),
            strimzi_version=version_from_cli(strimzi_version),
        )
        if wrong := [*rule.options.problems(), *rule.options.idle()]:
            raise InputError(tuple(wrong))
        fleet = Fleet(rules=(rule,), namespace=namespace)
    else:
        _refuse_options(ctx)
        fleet = _fleet(file)
        fleet = replace(fleet, namespace=namespace or fleet.namespace)
    paths = fleet.paths + paths
    if from_cluster == bool(paths) and (paths or all(not rule.paths for rule in fleet.rules)):
        raise click.UsageError("give a fleet file with paths, -f PATH, or --from-cluster")
    if not from_cluster:
        refuse("--from-cluster", "context", *ACCESS)
    requirements = fleet.selector.requirements + selector.requirements
    objects = iter_clusters(namespace, context=context) if from_cluster else iter_load(paths)
    if from_cluster:
        minor = server_minor(context=context)
        rules = (
            replace(rule, options=with_suitable_image(rule.options, minor)) for rule in fleet.rules
        )
        fleet = replace(fleet, rules=tuple(rules), kubernetes=minor)
    return replace(fleet, selector=LabelSelector(requirements)), objects


def _refuse_options(ctx: click.Context) -> None:
    """Refuse options of the plan together with a file, which has its own options."""
    for option in ctx.command.params:
        name = option.name or ""
        given = ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and name not in WITH_FILE:
            raise click.UsageError(
                f"{option.opts[-1]} is for a run without a fleet file; set it in the defaults there"
            )


def _fleet(file: str) -> Fleet:
    loaded = load([file])
    if has_error(loaded.problems):
        raise InputError(loaded.problems)
    fleets = [document for document in loaded.documents if is_fleet(document)]
    if len(fleets) != 1 or len(loaded.documents) != 1:
        message = "must hold one KafkaFleet of kanister-kafka.io and nothing else; "
        message += "custom resources are given with -f"
        raise InputError((error("wrong-type", Location(file), "", message),))
    return read_fleet(fleets[0])


def _processes(clusters: GroupedFleet) -> int:
    """Return how many processes pay: to start one takes as long as some clusters do."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(cores or 1, clusters.total // PAYS))


def _to_stream(form: str) -> Callable[[RenderResult], None]:
    started, new = False, without_repeated_scripts()

    def write(outcome: RenderResult) -> None:
        nonlocal started
        if outcome.manifests:
            apart = "---\n" if started and form == "yaml" else ""
            click.echo(apart + format_manifests(new(outcome.manifests), form), nl=False)
            started = True

    return write


def _identity(choices: dict[str, Any]) -> str:
    """Return the key of the input of a run; other runs may write into the same directory."""
    words = [choices["file"] or "", *choices["paths"]]
    if choices["from_cluster"]:
        words += ["--from-cluster", choices["context"]]
    narrowed = [f"-n {choices['namespace']}"] if choices["namespace"] else []
    for one in choices["selector"].requirements:
        narrowed.append(f"-l {'not ' if one.negated else ''}{one.key} {' '.join(one.values or ())}")
    return " ".join([shlex.join(words)] + narrowed)


def _summary(done: int, missing: list[str], participle: str) -> str:
    lines = [f"{done} {participle}" + (f", {len(missing)} not:" if missing else "")]
    lines += [f"  {name}" for name in missing]
    return "\n".join(lines)


class _ProgressCounter:
    """Prints on a terminal how many are done; nothing elsewhere."""

    def __init__(self, total: int, *, shows: bool) -> None:
        self._total, self._done = total, 0
        self._shows = shows and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def count(self) -> None:
        """Count one more; a rule with paths of its own may bring several."""
        self._done += 1
        if self._shows:
            text = f"{self._done} of {max(self._total, self._done)}"
            click.echo(text, nl=False, err=True)

    def clear(self) -> None:
        """Make room for a line."""
        if self._shows:
            click.echo(CLEAR, nl=False, err=True)
