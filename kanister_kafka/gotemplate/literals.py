"""Go's literals to values: strings, character constants and numbers.

The rules are those of strconv and of newNumber in text/template/parse/node.go of Go 1.26.
"""

from __future__ import annotations

import math
import re

_HEX = "[0-9a-fA-F]"
_DIGITS = "[0-9](?:_?[0-9])*"
_HEX_DIGITS = f"{_HEX}(?:_?{_HEX})*"
_INTEGER = re.compile(
    rf"[+-]?(?:0[xX](?:_?{_HEX})+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)"
)
_DECIMAL_FLOAT = re.compile(
    rf"[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"
)
_HEX_FLOAT = re.compile(
    rf"[+-]?0[xX](?:_?{_HEX_DIGITS}(?:\.(?:{_HEX_DIGITS})?)?|\.{_HEX_DIGITS})[pP][+-]?{_DIGITS}"
)
_PART = (
    rf"(?:0[xX](?:{_HEX}|_)*(?:\.(?:{_HEX}|_)*)?(?:[pP][+-]?[0-9_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)"
)
_COMPLEX = re.compile(rf"([+-]?{_PART})([+-](?!i){_PART})i")
_BASES = {"x": 16, "o": 8, "b": 2}
_LONGEST = 20
"""Digits of the largest unsigned integer of 64 bits."""

_ESCAPE = re.compile(
    rf"\\(?:([abfnrtv\\'\"])|x({_HEX}{{2}})|([0-7]{{3}})|u({_HEX}{{4}})|U({_HEX}{{8}}))|[^\\]",
    re.DOTALL,
)
_SIMPLE = dict(zip("abfnrtv\\'\"", "\a\b\f\n\r\t\v\\'\"", strict=True))
_NAMED = {char: name for name, char in _SIMPLE.items() if char != "'"}


class LiteralError(ValueError):
    """A literal that Go does not take, with Go's words for it."""


def quote(text: str) -> str:
    """Quote text the way `%q` does."""
    return '"' + "".join(map(_quoted, text)) + '"'


def unquote(text: str) -> str:
    """Return the value of a quoted or raw string, its quotes included in the text."""
    body = text[1:-1]
    if text[0] == "`":
        return body.replace("\r", "")
    if "\\" not in body:
        return body
    value, end = bytearray(), 0
    while end < len(body):
        piece, end = _piece(body, end, '"')
        value += piece if isinstance(piece, bytes) else piece.encode(errors="surrogatepass")
    return value.decode(errors="replace")


def character(text: str) -> int:
    """Return the code point of a character constant, its quotes included in the text."""
    body = text[1:-1]
    if not body:
        raise LiteralError("invalid syntax")
    piece, end = _piece(body, 0, "'")
    if end != len(body):
        raise LiteralError(f"malformed character constant: {text}")
    return ord(piece)


def number(text: str) -> int | float | complex:
    """Return the value of a number that is no sum: integer, float or imaginary."""
    if text.endswith("i"):
        try:
            return complex(0, _float(text[:-1]))
        except LiteralError:
            raise LiteralError(f"illegal number syntax: {quote(text)}") from None
    value = _integer(text)
    if value is not None:
        return value
    try:
        as_float = _float(text)
    except LiteralError:
        raise LiteralError(f"illegal number syntax: {quote(text)}") from None
    if not any(char in ".eEpP" for char in text):
        raise LiteralError(f"integer overflow: {quote(text)}")
    return as_float


def complex_number(text: str) -> complex:
    """Return the value of a sum such as `1+2i`."""
    parts = _COMPLEX.fullmatch(text)
    if parts is None:
        raise LiteralError("syntax error scanning complex number")
    return complex(_float(parts[1]), _float(parts[2]))


def _quoted(char: str) -> str:
    if char in _NAMED:
        return "\\" + _NAMED[char]
    if char.isprintable():
        return char
    point = ord(char)
    if point < ord(" ") or point == 0x7F:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _piece(body: str, start: int, delimiter: str) -> tuple[str | bytes, int]:
    """Read one character or escape; an escape that names a byte gives bytes."""
    found = _ESCAPE.match(body, start)
    if found is None:
        raise LiteralError("invalid syntax")
    simple, as_hex, octal, short, long = found.groups()
    if simple and (simple not in "'\"" or simple == delimiter):
        return _SIMPLE[simple], found.end()
    if as_hex or octal:
        value = int(as_hex, 16) if as_hex else int(octal, 8)
        if value > 0xFF:
            raise LiteralError("invalid syntax")
        return bytes((value,)), found.end()
    if short or long:
        point = int(short or long, 16)
        if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
            raise LiteralError("invalid syntax")
        return chr(point), found.end()
    if simple:
        raise LiteralError("invalid syntax")
    return found[0], found.end()


def _integer(text: str) -> int | None:
    """Return the value of an integer that 64 bits hold, all of them only without a sign."""
    if not _INTEGER.fullmatch(text):
        return None
    digits = text.lstrip("+-").replace("_", "")
    base = _BASES.get(digits[1:2].lower(), 8 if digits[0] == "0" else 10)
    if base == 10 and len(digits) > _LONGEST:
        return None
    value = int(digits, base)
    if digits == text.replace("_", ""):
        return value if value < 2**64 else None
    value = -value if text[0] == "-" else value
    return value if -(2**63) <= value < 2**63 else None


def _float(text: str) -> float:
    told = f"strconv.ParseFloat: parsing {quote(text)}"
    plain = text.replace("_", "")
    if _DECIMAL_FLOAT.fullmatch(text):
        value = float(plain)
    elif _HEX_FLOAT.fullmatch(text):
        try:
            value = float.fromhex(plain)
        except (OverflowError, ValueError):  # ValueError: too many digits to count
            value = math.inf
    else:
        raise LiteralError(f"{told}: invalid syntax")
    if math.isinf(value):
        raise LiteralError(f"{told}: value out of range")
    return value
