"""Comments that ask the validator to be silent, and the lines that each of them covers.

YAML's parser drops comments, so the text itself is looked at, line by line; thus a comment within a
block scalar counts as well, such as one of the shell, and so does one in text that does not parse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kanister_kafka.diagnostics import Location

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
        self.found: list[Suppression] = []
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
            self.found.append(Suppression(check, location, covering.first, last))


def find_suppressions(source: str, lines: Sequence[str]) -> tuple[Suppression, ...]:
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
    return tuple(reader.found)


def _ids(match: re.Match[str], source: str, line: int) -> Iterable[tuple[str, Location]]:
    column = match.start(1) + 1
    for check in match[1].split(","):
        yield check, Location(source, line, column)
        column += len(check) + 1
