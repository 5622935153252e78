"""From the words of the command line to the objects that `apply` and `delete` are about."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from kanister_kafka.checks import Settings
from kanister_kafka.cli.choices import USED_ANYWAY, input_options, plan_of, plan_options
from kanister_kafka.cli.outcome import tell, tell_plan
from kanister_kafka.document import MAX_BYTES, Loaded, load, loads
from kanister_kafka.document.load import STDIN
from kanister_kafka.errors import InputError, UnreachableError
from kanister_kafka.install import (
    Done,
    DryRun,
    Failed,
    Outcome,
    Removal,
    Report,
    Target,
    accept,
)
from kanister_kafka.kube import Connection
from kanister_kafka.kube.connection import Objects
from kanister_kafka.problem import has_error
from kanister_kafka.render import render
from kanister_kafka.strimzi.read import GROUP
from kanister_kafka.validate import validate

ALSO_RENDERED = frozenset({"paths", "context", "namespace", "kasten_namespace"})
"""Options of the input that mean something for files that are rendered already."""
COLORS = {
    Outcome.CREATED: "green",
    Outcome.CONFIGURED: "yellow",
    Outcome.DELETED: "red",
    Outcome.PRUNED: "red",
}
SUFFIXES = {DryRun.NONE: "", DryRun.CLIENT: " (dry run)", DryRun.SERVER: " (server dry run)"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the command is about, and where."""

    objects: Objects
    connection: Connection
    is_rendered: bool
    """Whether the files were rendered before; else all that belongs to the Blueprint is here."""


def chosen_options(command: Callable[..., None]) -> Callable[..., None]:
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
        click.option(
            "--templates",
            type=click.Path(path_type=Path, exists=True, file_okay=False),
            help="Directory with templates that go before ours of the same name.",
        ),
        plan_options,
        input_options,
    ):
        command = option(command)
    return command


def chosen(**choices: Any) -> Chosen:
    """Read, render or validate the input; InputError where it is wrong, before any write."""
    paths, namespace = choices["paths"], choices["namespace"]
    click.get_current_context().meta[USED_ANYWAY] = True
    with _stdin_again(paths):
        loaded = load(paths) if choices["from_cluster"] is None else Loaded((), ())
        is_rendered = bool(loaded.documents) and not any(
            document.group == GROUP for document in loaded.documents
        )
        if is_rendered:
            _check(paths, choices)
            documents = loaded.documents
        else:
            templates = choices.pop("templates")
            plan = plan_of(**choices)
            tell_plan(plan)
            documents = tuple(
                document
                for manifest in render(plan, templates)
                for document in loads(manifest.text, manifest.file_name).documents
            )
    connection = Connection(choices["context"])
    objects = accept(documents, namespace or connection.namespace)
    return Chosen(objects, connection, is_rendered)


def result(dry_run: DryRun) -> Callable[[Done], None]:
    """Return what prints one object as kubectl does."""

    def line(done: Done) -> None:
        word = click.style(done.outcome.value, fg=COLORS.get(done.outcome))
        why = f": {done.why}" if done.why else ""
        happened = done.outcome not in (Outcome.ABSENT, Outcome.LEFT)
        suffix = SUFFIXES[dry_run] if happened else ""
        try:
            click.echo(f"{done.target} {word}{suffix}{why}")
        except BrokenPipeError:  # nobody reads on: no reason to leave the cluster half done
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

    return line


def tell_failures(report: Report, participle: str) -> None:
    """Print what failed, and by name what was done and what was not."""
    if not report.failures:
        return
    tell_failed(report.failures)
    if not report.done and not report.unknown:
        click.echo("nothing was changed", err=True)
        return
    rest = [place for place in report.pending if place not in report.unknown]
    tell_names(participle, [done.target for done in report.done])
    tell_names(f"not known whether {participle}", report.unknown)
    tell_names(f"not {participle}", rest)


def tell_failed(failures: Iterable[Failed]) -> None:
    """Print a line for each reason, with the objects that were refused for it."""
    by_reason: dict[str, list[Target]] = {}
    for failed in failures:
        by_reason.setdefault(str(failed.error), []).append(failed.target)
    for reason, places in by_reason.items():
        first = f"{places[0].placed}: " if len(places) == 1 else ""
        click.echo(f"{click.style('error', fg='red')}: {first}{reason}", err=True)
        if len(places) > 1:
            tell_names("  so refused", places)


def tell_unseen(removal: Removal) -> None:
    """Print where nobody could look for more objects."""
    for unseen in removal.unseen:
        click.echo(f"not looked at, as listing is forbidden: {unseen}", err=True)


def tell_names(what: str, places: Collection[Target]) -> None:
    """Print a list of objects, each with its namespace, if there are any."""
    if places:
        indent = " " * (len(what) - len(what.lstrip()) + 2)
        lines = [f"{indent}{place.placed}" for place in places]
        click.echo("\n".join([f"{what}:", *lines]), err=True)


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
    problems = validate(paths, Settings(kasten_namespace=choices["kasten_namespace"])).problems
    if has_error(problems):
        raise InputError(problems)
    tell(problems)


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
    before, sys.stdin = sys.stdin, _Again(raw)
    try:
        yield
    finally:
        sys.stdin = before


class _Again(io.TextIOBase):
    """A standard input whose bytes are there for everyone who asks."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    @property
    def buffer(self) -> io.BytesIO:
        return io.BytesIO(self._raw)
