"""Everything that is wrong with Blueprints: text, shape, functions, names."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from kanister_kafka.blueprint import read
from kanister_kafka.checks import Settings, check_blueprint
from kanister_kafka.document import Document, Loaded, load, loads
from kanister_kafka.problem import Problem, in_order

GROUP = "cr.kanister.io"


@dataclass(frozen=True, slots=True)
class Validation:
    """What was looked at and what was found."""

    problems: tuple[Problem, ...]
    """Sorted by place."""
    blueprints: int
    skipped: int
    """Objects of other kinds."""


def validate(paths: Iterable[str | Path], settings: Settings | None = None) -> Validation:
    """Validate every Blueprint in files, directories and standard input (`-`).

    Raises UnreachableError where a path cannot be read; nothing else, however broken the text is.
    """
    return _validate(load(paths), settings or Settings())


def validate_text(
    text: str | bytes, source: str = "<text>", settings: Settings | None = None
) -> tuple[Problem, ...]:
    """Validate every Blueprint in a text of any number of documents."""
    return _validate(loads(text, source), settings or Settings()).problems


def _validate(loaded: Loaded, settings: Settings) -> Validation:
    found = list(loaded.problems)
    mine = [document for document in loaded.documents if _is_blueprint(document)]
    for document in mine:
        found.extend(check_blueprint(read(document), settings))
    return Validation(in_order(found), len(mine), len(loaded.documents) - len(mine))


def _is_blueprint(document: Document) -> bool:
    return document.kind == "Blueprint" and document.group in (GROUP, "")
