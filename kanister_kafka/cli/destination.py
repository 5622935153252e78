"""Where rendered objects go, and how they are written: `-o` as kubectl has it, `--output-dir`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import click

from kanister_kafka.cli.choices import several
from kanister_kafka.cli.outcome import warn_deprecated
from kanister_kafka.document import Document, loads, plain
from kanister_kafka.render import Manifest, stream

FORMS = ("yaml", "json", "name")

destination_options = several(
    click.option(
        "-o",
        "--output",
        default="",
        metavar="yaml|json|name",
        help="How objects are printed.  [default: yaml]  A directory here is deprecated: "
        "--output-dir.",
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
        raise click.UsageError(f"-o must be one of {', '.join(FORMS)} beside --output-dir")
    folder = Path(output)
    if folder.is_file():
        raise click.BadParameter(
            f"{output!r} is a file: give {', '.join(FORMS)}, or --output-dir DIR", param_hint="-o"
        )
    if not folder.exists() and (near := get_close_matches(output, FORMS, n=1, cutoff=0.7)):
        raise click.BadParameter(f"{output!r}: did you mean {near[0]!r}?", param_hint="-o")
    warn_deprecated(f"-o with a directory is deprecated; write --output-dir {output}")
    return Destination(folder, FORMS[0])


def spelled(manifests: Iterable[Manifest], form: str) -> str:
    """Spell objects as kubectl does: a stream of YAML, one List in JSON, or their names."""
    made = tuple(manifests)
    if form == "yaml":
        return stream(made)
    documents = [one for m in made for one in loads(m.text, m.file_name).documents]
    if form == "name":
        return "".join(f"{_name(document)}\n" for document in documents)
    items = [plain(document.root) for document in documents]
    tree = {"apiVersion": "v1", "kind": "List", "items": items}
    return json.dumps(tree, indent=2, ensure_ascii=False) + "\n"


def _name(document: Document) -> str:
    group = f".{document.group}" if document.group else ""
    name = document.text("metadata", "name") or f"{document.text('metadata', 'generateName')}*"
    return f"{(document.kind or '').lower()}{group}/{name}"
