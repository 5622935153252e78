"""From the words of the command line to the objects that `apply` and `delete` are about."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
from click.core import ParameterSource

from kanister_kafka.backup.render import render
from kanister_kafka.cli.app import print_diagnostics, print_plan_warnings
from kanister_kafka.cli.options import (
    USED_ANYWAY,
    input_options,
    plan_from_cli,
    plan_options,
    templates_option,
)
from kanister_kafka.diagnostics import has_error
from kanister_kafka.errors import InputError, UnreachableError
from kanister_kafka.kube.client import KubeClient, Objects
from kanister_kafka.linter import LintSettings
from kanister_kafka.linter.pipeline import validate
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
from kanister_kafka.strimzi.reader import GROUP
from kanister_kafka.yamldoc import MAX_BYTES, LoadResult, load, loads
from kanister_kafka.yamldoc.source import STDIN

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
    """What the command is about, and where."""

    objects: Objects
    connection: KubeClient
    is_rendered: bool
    """Whether the files were rendered before; else all that belongs to the Blueprint is here."""


def manifest_input_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of the input, of the plan, and of the dry run to a command."""
    for option in (
        click.option(
            "--dry-run",
            type=click.Choice([choice.value for choice in DryRun]),
            is_flag=False,
            flag_value=DryRun.CLIENT.value,
            default=DryRun.NONE.value,
            show_default=True,
            help="client: only read the cluster; server: let it try all and keep nothing.",
        ),
        templates_option,
        plan_options,
        input_options,
    ):
        command = option(command)
    return command


def read_manifest_input(**choices: Any) -> ManifestInput:
    """Read, render or validate the input; InputError if it is wrong, before any write."""
    paths, namespace = choices["paths"], choices["namespace"]
    click.get_current_context().meta[USED_ANYWAY] = True
    with _stdin_again(paths):
        loaded = load(paths) if choices["from_cluster"] is None else LoadResult((), ())
        is_rendered = bool(loaded.documents) and not any(
            document.group == GROUP for document in loaded.documents
        )
        if is_rendered:
            _check(paths, choices)
            documents = loaded.documents
        else:
            templates = choices.pop("templates")
            plan = plan_from_cli(**choices)
            print_plan_warnings(plan)
            documents = ()
            for manifest in render(plan, templates):
                documents += loads(manifest.text, manifest.file_name).documents
    connection = KubeClient(choices["context"])
    objects = admit_objects(documents, namespace or connection.namespace)
    return ManifestInput(objects, connection, is_rendered)


def result(dry_run: DryRun) -> Callable[[ObjectResult], None]:
    """Return what prints one object as kubectl does."""

    def line(done: ObjectResult) -> None:
        word = click.style(done.outcome.value, fg=COLORS.get(done.outcome))
        why = f": {done.why}" if done.why else ""
        happened = done.outcome not in (ApplyOutcome.ABSENT, ApplyOutcome.LEFT)
        suffix = SUFFIXES[dry_run] if happened else ""
        try:
            click.echo(f"{done.target} {word}{suffix}{why}")
        except BrokenPipeError:  # no one reads on: no reason to leave the cluster half done
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return line


def print_failures(report: ApplyReport, participle: str) -> None:
    """Print what failed, and by name what was done and what was not."""
    if not report.failures:
        return
    print_failed(report.failures)
    if not report.results and not report.unknown:
        click.echo("nothing was changed", err=True)
        return
    rest = [place for place in report.pending if place not in report.unknown]
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
        click.echo(f"{click.style('error', fg='red')}: {first}{reason}", err=True)
        if len(places) > 1:
            print_object_list("  so refused", places)


def print_unlisted(removal: DeletionPlan) -> None:
    """Print where no one could look for more objects."""
    for unreadable in removal.unreadable:
        click.echo(f"not looked at, as listing is forbidden: {unreadable}", err=True)


def print_object_list(what: str, places: Collection[ObjectRef]) -> None:
    """Print a list of objects, each with its namespace, if there are any."""
    if places:
        indent = " " * (len(what) - len(what.lstrip()) + 2)
        lines = [f"{indent}{place.placed}" for place in places]
        click.echo("\n".join([f"{what}:"] + lines), err=True)


def _check(paths: tuple[str, ...], choices: dict[str, Any]) -> None:
    """Validate files that are rendered already; an error ends it here."""
    context = click.get_current_context()
    for option in context.command.params:
        name = option.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and name in choices and name not in ALSO_RENDERED:
            raise click.UsageError(
                f"{option.opts[-1]} is for rendering, and these files are rendered already"
            )
    problems = validate(paths, LintSettings(kasten_namespace=choices["kasten_namespace"])).problems
    if has_error(problems):
        raise InputError(problems)
    print_diagnostics(problems)


@contextmanager
def _stdin_again(paths: tuple[str, ...]) -> Iterator[None]:
    """Let standard input be read twice: once to see what it is, once by whom it is for."""
    if STDIN not in paths or sys.stdin is None:
        yield
        return
    try:
        raw = sys.stdin.buffer.read(MAX_BYTES + 1)
    except (OSError, ValueError) as failure:
        raise UnreachableError(f"<stdin>: {failure}") from failure
    before, sys.stdin = sys.stdin, _RereadableStdin(raw)
    try:
        yield
    finally:
        sys.stdin = before


class _RereadableStdin(io.TextIOBase):
    """A standard input whose bytes are there for everyone who asks."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    @property
    def buffer(self) -> io.BytesIO:
        return io.BytesIO(self._raw)
