"""JSON as Kubernetes reads it: one value after the other, and escapes that YAML does not have.

A text that begins with `{` is read as JSON first, and as YAML from where that ends if no more than
one value has been found (YAMLOrJSONDecoder in apimachinery's pkg/util/yaml/decoder.go).
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

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
    end: int
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
        position = match.start(kind)
        if line_breaks := text.count("\n", at, position):
            line, begins = line + line_breaks, text.rfind("\n", at, position) + 1
        at, column, word = match.end(), position - begins + 1, match[kind]
        if kind == "text":
            read = _without_lone_surrogates(_decoder().decode(word)) if "\\" in word else word[1:-1]
            yield JsonToken("", read, read, line, column, quoted=True)
        elif kind == "word":
            yield JsonToken("", resolve_scalar(word), word, line, column)
        else:
            yield JsonToken(word, None, word, line, column)


def _without_lone_surrogates(text: str) -> str:
    """Return a text without halves of surrogate pairs, as Go replaces them."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


# Type of a plain scalar for Kubernetes, which reads neither YAML 1.1 nor YAML 1.2.
#
# kubectl, kanctl and the API server read YAML through sigs.k8s.io/yaml, thus with go-yaml v2
# (resolve.go at 2.4.2): `y` and `1e3` are not strings as PyYAML has them, and `12:30` is one.

Value = str | int | float | bool | None

WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(
        ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], True
    ),
    **dict.fromkeys(
        ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], False
    ),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], math.nan),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], math.inf),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], -math.inf),
}
BEGINNINGS = frozenset("+-.0123456789")
INTEGER = re.compile(
    r"[-+]?(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9][0-9]*))"
)
BASES = {"x": 16, "b": 2, "o": 8, "d": 10}
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
BETWEEN = re.compile("(?<=[0-9])_(?=[0-9])")
"""Places of an underscore in text that begins with a dot; elsewhere go-yaml drops every one."""
LONGEST = 4000
"""Digits that are counted: Python refuses to read longer ones, which is not to be our end."""


def resolve_scalar(text: str) -> Value:
    """Return what a scalar without quotes and without a tag stands for."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in BEGINNINGS or len(text) > LONGEST:
        return text
    plain = BETWEEN.sub("", text) if text[0] == "." else text.replace("_", "")
    if match := INTEGER.fullmatch(plain):
        base = match.lastgroup or "d"
        number = int(match[base], BASES[base]) * (-1 if plain[0] == "-" else 1)
        if -(2**63) <= number < 2**63 or (number < 2**64 and plain[0] not in "+-"):
            return number
    if FLOAT.fullmatch(plain) and math.isfinite(real := float(plain)):
        return real
    return text


def key_text(value: Value) -> str | None:
    """Return the key of an object that a value becomes, or None if it cannot be one.

    convertToJSONableObject in sigs.k8s.io/yaml: numbers are written anew, a fraction with the
    digits of a float of 32 bits.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if value < 2**63 else None
    return None if value is None else _short(value)


def _short(value: float) -> str:
    """Return the shortest text for a float of 32 bits, as strconv.FormatFloat(…, 'g', -1, 32)."""
    single = _single(value)
    if not math.isfinite(single):
        return ".nan" if math.isnan(single) else ".inf" if single > 0 else "-.inf"
    if single == 0:
        return "-0" if math.copysign(1, single) < 0 else "0"
    shortest = next(text for text in _spellings(single) if _single(float(text)) == single)
    mantissa, _e, exponent = shortest.partition("e")
    power = int(exponent)
    if -4 <= power < 6:
        digits = len(mantissa.lstrip("-").replace(".", ""))
        return f"{float(shortest):.{max(0, digits - 1 - power)}f}"
    return f"{mantissa}e{power:+03d}"


def _spellings(value: float) -> Iterator[str]:
    """Yield a number with one digit, two, and so on; nine are enough for 32 bits."""
    return (f"{value:.{digits}e}" for digits in range(9))


def _single(value: float) -> float:
    """Return the float of 32 bits that is nearest to a number."""
    try:
        single: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return single
