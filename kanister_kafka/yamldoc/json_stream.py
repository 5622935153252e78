"""JSON as Kubernetes reads it: one value after the other, and escapes that YAML does not have.

A text that begins with `{` is read as JSON first, and as YAML from where that ends if no more than
one value has been found (YAMLOrJSONDecoder in apimachinery's pkg/util/yaml/decoder.go).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from kanister_kafka.yamldoc.scalars import resolve_scalar

if TYPE_CHECKING:
    from json import JSONDecoder

TOKEN = re.compile(
    r'[ \t\r\n,:]*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<mark>[{}\[\]])|(?P<word>[^\s{}\[\]:,\"]+))'
)


def _refuse(text: str) -> str:
    """Python takes NaN and Infinity, which are not JSON."""
    raise ValueError(text)


@cache
def _decoder() -> JSONDecoder:
    from json import JSONDecoder  # slow to import, and most texts are YAML

    return JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse)


class JsonValues(NamedTuple):
    """The part of a text that is JSON."""

    spans: tuple[tuple[int, int], ...]
    """Where each value begins and ends."""
    rest: int
    """Start of text that is not JSON; the length of the text if there is none."""


def json_values(text: str) -> JsonValues:
    """Return where the values of a text are that begins with `{`; none if it does not."""
    spans: list[tuple[int, int]] = []
    at = _solid(text, 0)
    while at < len(text) and (spans or text[at] == "{"):
        try:
            _value, end = _decoder().raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        spans.append((at, end))
        at = _solid(text, end)
    return JsonValues(tuple(spans), at)


def _solid(text: str, at: int) -> int:
    """Return where white space of JSON ends."""
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


class JsonToken(NamedTuple):
    """A bracket, or a single value."""

    mark: str
    """`{`, `}`, `[` or `]`; empty for a value."""
    value: str | int | float | bool | None
    text: str
    line: int
    """Counted from 1, as the column."""
    column: int
    quoted: bool = False


def tokens(text: str, start: int, end: int) -> Iterator[JsonToken]:
    """Yield what a value that is known to be JSON is made of, without colons and commas."""
    line = text.count("\n", 0, start) + 1
    at = start
    begins = text.rfind("\n", 0, start) + 1
    for match in TOKEN.finditer(text, start, end):
        kind = match.lastgroup or ""
        place = match.start(kind)
        if more := text.count("\n", at, place):
            line, begins = line + more, text.rfind("\n", at, place) + 1
        at, column, word = match.end(), place - begins + 1, match[kind]
        if kind == "text":
            read = _whole(_decoder().decode(word)) if "\\" in word else word[1:-1]
            yield JsonToken("", read, read, line, column, quoted=True)
        elif kind == "word":
            yield JsonToken("", resolve_scalar(word), word, line, column)
        else:
            yield JsonToken(word, None, word, line, column)


def _whole(text: str) -> str:
    """Return a text without halves of surrogate pairs, as Go replaces them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
