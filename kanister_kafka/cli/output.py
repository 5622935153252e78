"""How a report is written: options that several commands share."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from kanister_kafka.backup.output_dir import check_file
from kanister_kafka.cli.app import echo, print_step, print_warning, write_text
from kanister_kafka.cli.options import option_group
from kanister_kafka.cli.param_types import text_option
from kanister_kafka.errors import UnreachableError
from kanister_kafka.similarity import nearest_name
from kanister_kafka.yamldoc import Document, to_python
from kanister_kafka.yamldoc.source import is_directory

if TYPE_CHECKING:
    from kanister_kafka.backup.render import Manifest

Command = Callable[..., None]
FILE = click.Path(path_type=Path, dir_okay=False)


def renamed_option(former: str, *names: str, **attributes: Any) -> Callable[[Command], Command]:
    """Return an option that also works by its former name for one release, with a warning."""
    key = f"{__name__}.{former}"
    current = names[0]

    def remember(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
        if value is not None and value != ():
            ctx.meta[key] = value

    def choose(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        if key not in ctx.meta:
            return value
        if ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE:
            raise click.UsageError(
                f"{former} is the deprecated name of {current}: give {current} alone"
            )
        print_warning(f"{former} is deprecated; write {current}")
        ctx.set_parameter_source(str(param.name), ParameterSource.COMMANDLINE)
        return ctx.meta[key]

    kept = {name: attributes[name] for name in ("type", "multiple") if name in attributes}
    new = click.option(*names, callback=choose, **attributes)
    # eager: its value is known when the new option is read
    old = click.option(
        former, hidden=True, is_eager=True, expose_value=False, callback=remember, **kept
    )
    return lambda command: new(old(command))


def report_format_option(*forms: str) -> Callable[[Command], Command]:
    """Return `-o` as kubectl has it; text is the default."""
    return renamed_option(
        "--format",
        "-o",
        "--output",
        "form",
        type=click.Choice(forms),
        default=forms[0],
        show_default=True,
        help="Output format.",
    )


def report_text(form: str, text: Callable[[], str], tree: Callable[[], str]) -> str:
    """Return a report as text, JSON or YAML; `tree` returns the JSON, of which YAML is made."""
    if form == "text":
        return text()
    return tree() if form == "json" else as_yaml(tree())


def as_yaml(text: str) -> str:
    """Return our JSON as YAML."""
    from kanister_kafka.yamldoc import dump

    return dump(json.loads(text))


def kafka_name(name: str) -> str:
    """Return a line that names a Kafka as `kubectl -o name` does."""
    return f"kafka.kafka.strimzi.io/{name}\n"


page_option = click.option(
    "--html",
    type=FILE,
    metavar="FILE",
    help="Write a page with each partition drawn on a time axis as well.",
)


def check_writable(path: Path | None) -> None:
    """Fail before long work rather than after it, if a file cannot be written."""
    if path is None:
        return
    if not is_directory(path.absolute().parent):
        raise UnreachableError(f"{path}: there is no such directory")
    check_file(path)


def write_result(path: Path | None, text: str) -> None:
    """Write a report that cannot be made again: if the file fails, print it, and raise."""
    try:
        write_text(path, text)
    except UnreachableError:
        echo(text)
        raise


def print_elapsed(elapsed: float, text: str) -> None:
    """Print what a long command does, behind the seconds since its start."""
    line = "".join(c if c.isprintable() else " " for c in text)
    loud = text.startswith(("FAILED", "KAFKA"))
    print_step(f"[{elapsed:6.1f}s] {click.style(line, fg='red') if loud else line}", err=True)


# Destination and form of rendered objects: `-o` as kubectl has it, `--output-dir`.

FORMS = ("yaml", "json", "name")

destination_options = option_group(
    text_option(
        "-o --output",
        "How objects are printed.  [default: yaml]  A directory here is deprecated: --output-dir.",
        metavar="yaml|json|name",
    ),
    click.option(
        "--output-dir",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="Directory for files, instead of standard output.",
    ),
)


@dataclass(frozen=True, slots=True)
class Destination:
    """A directory, or standard output."""

    folder: Path | None
    form: str
    """Of FORMS."""


def destination(output: str, output_dir: Path | None) -> Destination:
    """Read both options; a directory behind -o is taken with a warning."""
    if output in FORMS:
        if output_dir is not None:
            raise click.UsageError(f"-o {output} is for standard output: leave --output-dir out")
        return Destination(None, output)
    if not output:
        return Destination(output_dir, FORMS[0])
    if output_dir is not None:
        raise click.UsageError(f"-o must be one of {', '.join(FORMS)} with --output-dir")
    folder = Path(output)
    if not is_directory(folder):
        if os.path.lexists(folder):
            raise click.BadParameter(
                f"{output!r} is a file: give {', '.join(FORMS)}, or --output-dir DIR",
                param_hint="-o",
            )
        if near := nearest_name(output, FORMS, similarity=0.7):
            raise click.BadParameter(f"{output!r}: did you mean {near!r}?", param_hint="-o")
    print_warning(f"-o with a directory is deprecated; write --output-dir {output}")
    return Destination(folder, FORMS[0])


def format_manifests(manifests: Iterable[Manifest], form: str) -> str:
    """Format objects as kubectl does: a stream of YAML, one List in JSON, or their names."""
    if form == "yaml":
        from kanister_kafka.backup.render import to_yaml_stream  # not for `status`, which has none

        return to_yaml_stream(manifests)
    documents: list[Document] = []
    for manifest in manifests:
        documents += manifest.documents
    if form == "name":
        return "".join(f"{_name(document)}\n" for document in documents)
    items = [to_python(document.root) for document in documents]
    tree = {"apiVersion": "v1", "kind": "List", "items": items}
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def _name(document: Document) -> str:
    group = f".{document.group}" if document.group else ""
    name = document.text("metadata", "name") or f"{document.text('metadata', 'generateName')}*"
    return f"{(document.kind or '').lower()}{group}/{name}"
