"""Files, directories, standard input and text to documents."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from kanister_kafka.document.comments import Ignore, ignores
from kanister_kafka.document.compose import Composer
from kanister_kafka.document.nodes import Document, MappingNode, Node, Scalar, Sequence
from kanister_kafka.errors import UnreachableError
from kanister_kafka.problem import Location, Problem, error

T = TypeVar("T")

MAX_BYTES = 16 * 1024 * 1024
"""Largest file read, in bytes: ten times the largest object that etcd takes by default."""
SUFFIXES = (".yaml", ".yml", ".json")
"""Files that are read when a directory is named."""
STDIN = "-"


@dataclass(frozen=True, slots=True)
class Loaded:
    """All objects of the input, and what is wrong with the text itself."""

    documents: tuple[Document, ...]
    problems: tuple[Problem, ...]
    files: tuple[str, ...] = ()
    """All that was read, also where there is no object in it."""
    ignores: tuple[Ignore, ...] = ()
    """What comments in the text ask the validator not to tell."""


Reading = Callable[[bytes, str], Loaded]
"""The text of a file and its name to objects."""


def load(paths: Iterable[str | Path], reading: Reading | None = None) -> Loaded:
    """Read files, directories (their YAML and JSON files, sorted) and `-` for standard input.

    `reading` is what makes objects of a text, `loads` by default. Raises UnreachableError where a
    path cannot be read.
    """
    read = [(reading or loads)(raw, source) for source, raw in _sources(paths)]
    return Loaded(
        tuple(document for loaded in read for document in loaded.documents),
        tuple(problem for loaded in read for problem in loaded.problems),
        tuple(dict.fromkeys(file for loaded in read for file in loaded.files)),
        tuple(ignore for loaded in read for ignore in loaded.ignores),
    )


def loads(text: str | bytes, source: str = "<text>") -> Loaded:
    """Read YAML or JSON text of any number of documents; a `kind: List` is opened.

    What is wrong comes back as problems: this raises nothing, however broken the text is.
    """
    start = Location(source, 1, 1)
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        message = f"is larger than {MAX_BYTES // 1024 // 1024} MiB; split it"
        return Loaded((), (error("too-large", start, "", message),), (source,))
    try:
        decoded = raw.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        message = f"is not UTF-8 text: {failure.reason} at byte {failure.start}"
        return Loaded((), (error("not-text", start, "", message),), (source,))
    composer = Composer(source)
    composer.compose(decoded)
    problems = composer.problems
    documents = [found for root in composer.roots for found in _objects(root, problems)]
    found = ignores(source, composer.lines) if "ignore=" in decoded else ()
    return Loaded(tuple(documents), tuple(problems), (source,), found)


def _objects(root: Node, problems: list[Problem]) -> Iterator[Document]:
    """Open `kind: List`, report what is no object, and skip empty documents."""
    pending = [(root, "")]
    while pending:
        node, path = pending.pop()
        if isinstance(node, Scalar) and node.value is None:
            continue
        if not isinstance(node, MappingNode):
            message = "must be an object with apiVersion and kind"
            problems.append(error("wrong-type", node.location, path, message))
            continue
        document = Document(node)
        items = node.get("items")
        if document.kind.endswith("List") and isinstance(items, Sequence):
            within = f"{path}." if path else ""
            listed = [(item, f"{within}items[{i}]") for i, item in enumerate(items.items)]
            pending.extend(reversed(listed))
        else:
            yield document


def _sources(paths: Iterable[str | Path]) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        if str(path) == STDIN:
            yield "<stdin>", _read("<stdin>", _stdin)
            continue
        for file in _read(str(path), partial(_files, Path(path))):
            yield file.as_posix(), _read(str(file), partial(_head, file))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = (p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file())
    return sorted(found, key=lambda p: p.parts)  # a bare Path has an order of its own on Windows


def _stdin() -> bytes:
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    return sys.stdin.buffer.read(MAX_BYTES + 1)


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _read(source: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except (OSError, ValueError) as failure:
        reason = failure.strerror if isinstance(failure, OSError) else str(failure)
        raise UnreachableError(f"{source}: {reason or failure}") from failure
