"""Files, directories, standard input and text to documents, with their suppressions; and back."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import yaml

from kanister_kafka.diagnostics import Diagnostic, Location, error
from kanister_kafka.errors import UnreachableError
from kanister_kafka.yamldoc.json_stream import resolve_scalar
from kanister_kafka.yamldoc.nodes import Document, MappingNode, Node, Sequence, field_path, is_set
from kanister_kafka.yamldoc.parser import PARSE_LIMITS, Composer, ParseLimits

T = TypeVar("T")

SUFFIXES = (".yaml", ".yml", ".json")
"""Files that are read when a directory is named."""
STDIN = "-"


@dataclass(frozen=True, slots=True)
class LoadResult:
    """All objects of the input, and what is wrong with the text itself."""

    documents: tuple[Document, ...]
    problems: tuple[Diagnostic, ...]
    files: tuple[str, ...] = ()
    """All that was read, also if there is no object in it."""
    ignores: tuple[Suppression, ...] = ()
    """Findings that comments in the text ask the validator to leave out."""


@dataclass(frozen=True, slots=True)
class ParseResult:
    """One text as nodes; nothing is opened and nothing judged but the text itself."""

    text: str
    lines: tuple[str, ...]
    """Each without its end."""
    roots: tuple[Node, ...]
    """One a document."""
    problems: tuple[Diagnostic, ...]


ReadText = Callable[[bytes, str], LoadResult]
"""The text of a file and its name to objects."""


def load(
    paths: Iterable[str | Path], reading: ReadText | None = None, limits: ParseLimits = PARSE_LIMITS
) -> LoadResult:
    """Read files, directories (their YAML and JSON files, sorted) and `-` for standard input.

    `reading` is what makes objects of a text, `loads` with these limits by default. No more bytes
    of a file are read than the limits allow. Raises UnreachableError if a path cannot be read, or a
    directory or one of these files below it. As kubectl does, it reads links to files, and does not
    enter links to directories.
    """
    read = reading or partial(loads, limits=limits)
    return merge_results(read(raw, source) for source, raw in _sources(paths, limits))


def merge_results(results: Iterable[LoadResult]) -> LoadResult:
    """Put together what was read one by one."""
    results = tuple(results)
    return LoadResult(
        tuple(chain.from_iterable(loaded.documents for loaded in results)),
        tuple(chain.from_iterable(loaded.problems for loaded in results)),
        tuple(dict.fromkeys(chain.from_iterable(loaded.files for loaded in results))),
        tuple(chain.from_iterable(loaded.ignores for loaded in results)),
    )


def iter_load(
    paths: Iterable[str | Path], limits: ParseLimits = PARSE_LIMITS
) -> Iterator[Document | Diagnostic]:
    """Read the same one object after the other, so that a file may be of any length.

    Raises UnreachableError if a path cannot be read.
    """
    for path in paths:
        if str(path) == STDIN:
            if sys.stdin is None:
                raise UnreachableError("<stdin>: standard input is closed")
            yield from _stream_objects(sys.stdin.buffer, "<stdin>", limits)
            continue
        for file in _read(str(path), partial(_files, Path(path))):
            with _read(str(file), partial(_open, file)) as stream:
                yield from _stream_objects(stream, str(file), limits)


def _stream_objects(
    stream: IO[bytes], source: str, limits: ParseLimits
) -> Iterator[Document | Diagnostic]:
    text = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    composer = Composer(source, limits)
    try:
        for root in composer.compose_apart(text):
            yield from _objects(root, composer.problems)
    except OSError as failure:
        raise UnreachableError(f"{source}: {failure.strerror or failure}") from failure
    finally:
        text.detach()
    yield from composer.problems


def loads(
    text: str | bytes, source: str = "<text>", limits: ParseLimits = PARSE_LIMITS
) -> LoadResult:
    """Read YAML or JSON text of any number of documents; a `kind: List` is opened.

    What is wrong comes back as problems: this raises nothing, however broken the text is.
    """
    parsed = parse(text, source, limits)
    problems = list(parsed.problems)
    documents: list[Document] = []
    for root in parsed.roots:
        documents += _objects(root, problems)
    suppressions = find_suppressions(source, parsed.lines) if "ignore=" in parsed.text else ()
    return LoadResult(tuple(documents), tuple(problems), (source,), suppressions)


def parse(
    text: str | bytes, source: str = "<text>", limits: ParseLimits = PARSE_LIMITS
) -> ParseResult:
    """Read YAML or JSON text as it is, for who puts it back together; raises nothing either."""
    start = Location(source, 1, 1)
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    if len(raw) > limits.max_bytes:
        message = f"is larger than {limits.max_bytes // 1024 // 1024} MiB; split it"
        return ParseResult("", (), (), (error("too-large", start, "", message),))
    try:
        decoded = raw.decode("utf-8-sig")
    except UnicodeDecodeError as failure:
        message = f"is not UTF-8 text: {failure.reason} at byte {failure.start}"
        return ParseResult("", (), (), (error("not-text", start, "", message),))
    composer = Composer(source, limits)
    composer.compose(decoded)
    return ParseResult(
        decoded, tuple(composer.lines), tuple(composer.roots), tuple(composer.problems)
    )


def _objects(root: Node, problems: list[Diagnostic]) -> Iterator[Document]:
    """Open `kind: List`, report items that are not objects, and skip empty documents."""
    pending = [(root, "")]
    while pending:
        node, path = pending.pop()
        if not is_set(node):
            continue
        if not isinstance(node, MappingNode):
            message = "must be an object with apiVersion and kind"
            problems.append(error("wrong-type", node.location, path, message))
            continue
        document = Document(node)
        items, items_path = node.get("items"), field_path(path, "items")
        if document.kind.endswith("List") and isinstance(items, Sequence):
            listed = [(item, f"{items_path}[{i}]") for i, item in enumerate(items.items)]
            pending.extend(reversed(listed))
        elif document.kind.endswith("List") and is_set(items):
            message = "must be a list of objects: nothing of it is read"
            problems.append(error("wrong-type", items.location, items_path, message))
        else:
            yield document


def read_stdin(limits: ParseLimits = PARSE_LIMITS) -> bytes:
    """Read standard input up to the byte that makes it too large, or raise UnreachableError."""
    return _read("<stdin>", partial(_stdin, limits))


def _sources(paths: Iterable[str | Path], limits: ParseLimits) -> Iterator[tuple[str, bytes]]:
    for path in paths:
        if str(path) == STDIN:
            yield "<stdin>", read_stdin(limits)
            continue
        for file in _read(str(path), partial(_files, Path(path))):
            yield file.as_posix(), _read(str(file), partial(_head, file, limits))


def is_directory(path: str | Path) -> bool:
    """Return whether a path is a directory; not if its name is too long, or cannot be looked up."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises OSError


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files: list[Path] = []
    for folder, subfolders, names in os.walk(path, onerror=_raise):
        directory = Path(folder)
        links = [directory / name for name in subfolders if (directory / name).is_symlink()]
        entries = [directory / name for name in names] + links
        files += [file for file in entries if file.suffix in SUFFIXES]
    for file in files:
        if not stat.S_ISREG(file.stat().st_mode):  # raises for a link that leads nowhere
            raise UnreachableError(f"{file}: is not a file")
    return sorted(files, key=lambda p: p.parts)  # a bare Path has an order of its own on Windows


def _raise(failure: OSError) -> None:
    raise failure


def _stdin(limits: ParseLimits) -> bytes:
    if sys.stdin is None:
        raise ValueError("standard input is closed")
    return sys.stdin.buffer.read(limits.max_bytes + 1)


def _open(file: Path) -> IO[bytes]:
    return file.open("rb")


def _head(file: Path, limits: ParseLimits) -> bytes:
    with _open(file) as stream:
        return stream.read(limits.max_bytes + 1)


def _read(source: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except OSError as failure:  # its file may be one below a directory
        path = failure.filename or source
        raise UnreachableError(f"{path}: {failure.strerror or failure}") from failure
    except ValueError as failure:
        raise UnreachableError(f"{source}: {failure}") from failure


# Comments that ask the validator to be silent, and the lines that each of them covers.
#
# YAML's parser drops comments, so the text itself is looked at, line by line; thus a comment within
# a block scalar counts as well, such as one of the shell, and so does one in text that does not
# parse.

WORD = "kanister-kafka"
COMMENT = re.compile(rf"(?:^|(?<=\s))#\s*{WORD}:\s*ignore=([\w-]+(?:,[\w-]+)*)")
"""Text after the ids and a blank, for people."""
START = re.compile(r"(?:---|\.\.\.)(?=\s|$)")
"""Ends a document wherever it stands in the first column, even in a block scalar."""
ITEM = re.compile(r"^ *(?:- +)*")


class Suppression(NamedTuple):
    """A rule whose findings a comment silences, from one line to another."""

    rule: str
    location: Location
    """Of the id in the comment."""
    first: int
    last: int


@dataclass(slots=True)
class _OpenComment:
    """Comments that cover lines until one is not deeper than their column."""

    column: int
    item: bool
    """Whether the first line is an item of a list, so that the next item ends it."""
    first: int
    comments: list[tuple[str, Location]] = field(default_factory=list)

    def covers(self, text: str, column: int) -> bool:
        deeper = column > self.column
        return deeper or (column == self.column and not self.item and text.startswith("-"))


class _CommentReader:
    """Reads the lines of one text once, from the first to the last."""

    def __init__(self) -> None:
        self.suppressions: list[Suppression] = []
        self._document = _OpenComment(-1, item=False, first=1)
        self._empty = True
        """Whether nothing of the document has been read yet."""
        self._open: list[_OpenComment] = []
        self._next: list[tuple[str, Location]] = []
        """Comments on lines of their own, for the next line with content."""

    def line(self, number: int, text: str, comments: list[tuple[str, Location]]) -> None:
        """Take a line up to its comment, if it has one for us."""
        if START.match(text):
            if not self._empty or text.startswith("..."):
                self.end(number - 1)
            text = f"   {text[3:]}"
        content = text.lstrip()
        if not content or content.startswith("#") or (self._empty and text.startswith("%")):
            (self._document.comments if self._empty else self._next).extend(comments)
            return
        self._empty = False
        column = len(text) - len(content)
        while self._open and not self._open[-1].covers(content, column):
            self._close(self._open.pop(), number - 1)
        if self._next:
            item = content.startswith("-")
            self._open.append(_OpenComment(column, item, number, self._next))
            self._next = []
        if comments:
            column = len(text) - len(ITEM.sub("", text, count=1))
            self._open.append(_OpenComment(column, item=False, first=number, comments=comments))

    def end(self, last: int) -> None:
        """End a document."""
        for covering in (*self._open, self._document):
            self._close(covering, last)
        self._open.clear()
        self._next = []
        self._document, self._empty = _OpenComment(-1, item=False, first=last + 1), True

    def _close(self, covering: _OpenComment, last: int) -> None:
        for check, location in covering.comments:
            self.suppressions.append(Suppression(check, location, covering.first, last))


def find_suppressions(source: str, lines: tuple[str, ...]) -> tuple[Suppression, ...]:
    """Find what the comments of a text ask for.

    At the end of a line a comment covers that line and what is nested below its key. On a line of
    its own it covers the next line with content and what is nested below that. Before all content
    it covers the whole document.
    """
    reader = _CommentReader()
    for number, text in enumerate(lines, 1):
        match = COMMENT.search(text) if WORD in text else None
        comments = [] if match is None else list(_ids(match, source, number))
        reader.line(number, text if match is None else text[: match.start()], comments)
    reader.end(len(lines))
    return tuple(reader.suppressions)


def _ids(match: re.Match[str], source: str, line: int) -> Iterable[tuple[str, Location]]:
    column = match.start(1) + 1
    for check in match[1].split(","):
        yield check, Location(source, line, column)
        column += len(check) + 1


# Plain data to YAML for people; a text of several lines is a literal block wherever YAML can.


class _Dumper(yaml.SafeDumper):
    """PyYAML's, with blocks for texts that have tabs, or spaces before a line break."""

    def analyze_scalar(self, scalar: str) -> Any:
        analysis = super().analyze_scalar(scalar)
        if all(char in "\n\t" or char.isprintable() for char in scalar):
            analysis.allow_block = True
        return analysis

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's own signature
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    if value and not isinstance(resolve_scalar(value), str):  # `y`, `1e3`: no strings to Kubernetes
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump(value: Any) -> str:
    """Return data as YAML, keys in their order, no line folded."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=2**31, allow_unicode=True)
