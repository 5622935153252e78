"""From the words of the command line to the objects that `apply` and `delete` are about."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

import click
from click.core import ParameterSource

from kanister_kafka.backup.render import render
from kanister_kafka.cli.app import print_diagnostics, print_error, print_plan_warnings, print_step
from kanister_kafka.cli.options import (
    USED_ANYWAY,
    input_options,
    plan_from_cli,
    plan_options,
    templates_option,
)
from kanister_kafka.constants import STRIMZI
from kanister_kafka.diagnostics import Location, error, has_error, sort_diagnostics
from kanister_kafka.errors import InputError, UnreachableError
from kanister_kafka.kube.client import KubeClient, Objects
from kanister_kafka.linter import LintSettings
from kanister_kafka.linter.helm_source import ChartAwareReader
from kanister_kafka.linter.pipeline import validate_loaded
from kanister_kafka.operations.apply import (
    ApplyOutcome,
    ApplyReport,
    DeletionPlan,
    DryRun,
    ObjectFailure,
    ObjectRef,
    ObjectResult,
    admit_objects,
)
from kanister_kafka.yamldoc import LoadResult, load

ALSO_RENDERED = frozenset({"paths", "context", "namespace", "kasten_namespace"})
"""Options of the input that mean something for files that are rendered already."""
COLORS = {
    ApplyOutcome.CREATED: "green",
    ApplyOutcome.CONFIGURED: "yellow",
    ApplyOutcome.DELETED: "red",
    ApplyOutcome.PRUNED: "red",
}
SUFFIXES = {DryRun.NONE: "", DryRun.CLIENT: " (dry run)", DryRun.SERVER: " (server dry run)"}


@dataclass(frozen=True, slots=True)
class ManifestInput:
    """The object of the command, and its place."""

    objects: Objects
    connection: KubeClient
    is_rendered: bool
    """Whether the files were rendered before; else all that belongs to the Blueprint is here."""


dry_run_option = click.option(
    "--dry-run",
    type=click.Choice([choice.value for choice in DryRun]),
    is_flag=False,
    flag_value=DryRun.CLIENT.value,
    default=DryRun.NONE.value,
    show_default=True,
    help="client: only read the cluster; server: let it try all and keep nothing.",
)
"""As kubectl has it."""


def manifest_input_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of the input, of the plan, and of the dry run to a command."""
    for option in (dry_run_option, templates_option, plan_options, input_options):
        command = option(command)
    return command


def read_manifest_input(**choices: Any) -> ManifestInput:
    """Read, render or validate the input; InputError if it is wrong, before any write."""
    click.get_current_context().meta[USED_ANYWAY] = True
    reader = ChartAwareReader()
    loaded = _load(choices["paths"], reader) if choices["from_cluster"] is None else None
    documents = list(loaded.documents) if loaded else []
    is_rendered = bool(documents) and not any(document.group == STRIMZI for document in documents)
    if loaded and is_rendered:
        _check(loaded, reader, choices)
    else:
        templates = choices.pop("templates")
        plan = plan_from_cli(**choices, loaded=loaded)
        print_plan_warnings(plan)
        documents = []
        for manifest in render(plan, templates):
            documents += manifest.documents
    connection = KubeClient(choices["context"])
    objects = admit_objects(documents, choices["namespace"] or connection.namespace)
    return ManifestInput(objects, connection, is_rendered)


def result(dry_run: DryRun, *, err: bool = False) -> Callable[[ObjectResult], None]:
    """Return what prints one object as kubectl does; on standard error if the output is JSON."""

    def line(done: ObjectResult) -> None:
        word = click.style(done.outcome.value, fg=COLORS.get(done.outcome))
        why = f": {done.why}" if done.why else ""
        happened = done.outcome not in (ApplyOutcome.ABSENT, ApplyOutcome.LEFT)
        suffix = SUFFIXES[dry_run] if happened else ""
        print_step(f"{done.target} {word}{suffix}{why}", err=err)

    return line


def print_failures(report: ApplyReport, participle: str) -> None:
    """Print what failed, and by name what was done and what was not."""
    if not report.failures:
        return
    print_failed(report.failures)
    if not report.results and not report.unknown:
        click.echo("nothing was changed", err=True)
        return
    rest = [ref for ref in report.pending if ref not in report.unknown]
    print_object_list(participle, [done.target for done in report.results])
    print_object_list(f"not known whether {participle}", report.unknown)
    print_object_list(f"not {participle}", rest)


def print_failed(failures: Iterable[ObjectFailure]) -> None:
    """Print a line for each reason, with the objects that were refused for it."""
    by_reason: dict[str, list[ObjectRef]] = {}
    for failed in failures:
        by_reason.setdefault(str(failed.error), []).append(failed.target)
    for reason, places in by_reason.items():
        first = f"{places[0].placed}: " if len(places) == 1 else ""
        print_error(f"{first}{reason}")
        if len(places) > 1:
            print_object_list("  refused for this reason", places)


def print_unlisted(removal: DeletionPlan) -> None:
    """Print the kinds and namespaces in which the user may not look for more objects."""
    for unreadable in removal.unreadable:
        click.echo(f"not searched, because listing is forbidden: {unreadable}", err=True)


def partial_code(removal: DeletionPlan, participle: str) -> int:
    """Print whether objects may be left that the user may not list; return the exit code."""
    if not removal.is_partial:
        return 0
    print_error(f"not known whether all is {participle}: listing is forbidden")
    return UnreachableError.exit_code


def print_object_list(what: str, places: Collection[ObjectRef]) -> None:
    """Print a list of objects, each with its namespace, if there are any."""
    if places:
        indent = " " * (len(what) - len(what.lstrip()) + 2)
        lines = [f"{indent}{ref.placed}" for ref in places]
        click.echo("\n".join([f"{what}:"] + lines), err=True)


def _load(paths: tuple[str, ...], reader: ChartAwareReader) -> LoadResult:
    """Read files; a template of a chart as Helm renders it, or InputError if values decide that."""
    loaded = load(paths, reader.loads)
    if reader.unread:
        message = (
            "depends on values that only Helm has: "
            "run `helm template CHART` and give this command its output"
        )
        places = [Location(source, 1, 1) for source in reader.unread]
        problems = [error("helm-template", location, "", message) for location in places]
        raise InputError(sort_diagnostics(problems))
    return loaded


def _check(loaded: LoadResult, reader: ChartAwareReader, choices: dict[str, Any]) -> None:
    """Validate files that are rendered already; an error ends it here."""
    context = click.get_current_context()
    for option in context.command.params:
        name = option.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and name in choices and name not in ALSO_RENDERED:
            raise click.UsageError(
                f"{option.opts[-1]} is for rendering, and these files are rendered already"
            )
    settings = LintSettings(kasten_namespace=choices["kasten_namespace"])
    problems = reader.original(validate_loaded(loaded, settings).problems)
    if has_error(problems):
        raise InputError(problems)
    print_diagnostics(problems)
