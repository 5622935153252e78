"""Values to text, by the rules of the packages fmt and strconv of Go 1.26."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kanister_kafka.gotemplate.lexer import quote
from kanister_kafka.gotemplate.runtime.values import (
    NOTHING,
    GoMap,
    GoNil,
    GoSlice,
    UnsupportedError,
    Value,
    go_type,
)

MAX_WIDTH = 10_000
"""Widest field that is printed here; Go's limit is a million."""

_DIRECTIVE = re.compile(r"%([#0+\- ]*)(\*|[0-9]*)(?:\.(?=.)(\*|[0-9]*))?(.?)", re.DOTALL)
_BASES = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES = {"b": "0b", "x": "0x", "X": "0X"}
_FLOATS = {"v": "g", "F": "f", **{verb: verb for verb in "eEfgG"}}
_EXPONENT = 6
"""Exponent from which the shortest `%g` is written with `e`."""


def text(value: Value) -> str:
    """Print one value as `%v` does."""
    return value if isinstance(value, str) else _Directive("v").print(value)


def sprint(values: Sequence[Value]) -> str:
    """Print values with a space between two that are not strings."""
    printed, was_string = "", True
    for value in values:
        is_string = isinstance(value, str)
        printed += ("" if is_string or was_string else " ") + text(value)
        was_string = is_string
    return printed


def sprintln(values: Sequence[Value]) -> str:
    """Print values with spaces between them and a line break after them."""
    return " ".join(map(text, values)) + "\n"


def sprintf(form: str, values: Sequence[Value]) -> str:
    """Print values into a format; one that names arguments by number is not known here."""
    parts, arguments, end = [], iter(values), 0
    for match in _DIRECTIVE.finditer(form):
        parts += [form[end : match.start()], _directive(match, arguments)]
        end = match.end()
    parts.append(form[end:])
    extra = ["<nil>" if v is None else f"{go_type(v)}={text(v)}" for v in arguments]
    return "".join(parts) + (f"%!(EXTRA {', '.join(extra)})" if extra else "")


def float_text(value: float, verb: str = "g", precision: int | None = None) -> str:
    """Print a float as strconv.FormatFloat does; without precision, in its fewest digits."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
    if precision is not None:
        least = 1 if verb in "gG" else 0
        return f"{value:.{max(precision, least)}{verb}}"
    sign, digits, _ = Decimal(repr(value)).as_tuple()
    shortest = "".join(map(str, digits)).strip("0") or "0"
    exponent = Decimal(repr(value)).adjusted() if value else 0
    if verb == "f" or -4 <= exponent < _EXPONENT:
        return f"{value:.{max(0, len(shortest) - 1 - exponent)}f}"
    point = "." if len(shortest) > 1 else ""
    letter = "E" if verb == "G" else "e"
    return f"{'-' * sign}{shortest[0]}{point}{shortest[1:]}{letter}{exponent:+03d}"


def _directive(match: re.Match[str], arguments: Iterator[Value]) -> str:
    flags, width, precision, verb = match.groups()
    if verb == "[":
        raise UnsupportedError
    wide, bad_width = _number(width, arguments, "%!(BADWIDTH)")
    exact, bad_precision = _number(precision, arguments, "%!(BADPREC)")
    bad = bad_width + bad_precision
    if not verb:
        return f"{bad}%!(NOVERB)"
    if verb == "%":
        return f"{bad}%"
    if wide and wide < 0:
        flags, wide = f"{flags.replace('0', '')}-", -wide
    if precision == "":
        exact = 0
    directive = _Directive(verb, flags, wide, None if exact and exact < 0 else exact)
    try:
        value = next(arguments)
    except StopIteration:
        return f"{bad}%!{verb}(MISSING)"
    return bad + directive.print(value)


def _number(word: str | None, arguments: Iterator[Value], bad: str) -> tuple[int | None, str]:
    """Read a width or precision, which `*` takes from the arguments."""
    if not word:
        return None, ""
    value = next(arguments, None) if word == "*" else int(word)
    if isinstance(value, bool) or not isinstance(value, int):
        return None, bad
    if abs(value) > MAX_WIDTH:
        raise UnsupportedError
    return value, ""


@dataclass(frozen=True, slots=True)
class _Directive:
    """A verb with its flags."""

    verb: str
    flags: str = ""
    width: int | None = None
    precision: int | None = None

    def print(self, value: Value) -> str:
        """Print a value, or Go's note that the verb does not suit it."""
        if value is None:
            return self._pad("<nil>") if self.verb in "vT" else f"%!{self.verb}(<nil>)"
        if self.verb == "T":
            return self._string(go_type(value), "s")
        if self.verb in "pw" or (self.verb == "v" and {"#", "+"} & set(self.flags)):
            raise UnsupportedError
        return self._value(value)

    def _value(self, value: Value) -> str:
        match value:
            case None:
                return "<nil>"
            case GoNil():
                if self.verb != "v" or value == NOTHING:
                    raise UnsupportedError
                return "<nil>"
            case bool():
                word = "true" if value else "false"
                return self._pad(word) if self.verb in "tv" else self._bad(value)
            case int():
                return self._integer(value)
            case float():
                return self._float(value)
            case str():
                return self._string(value, self.verb)
            case GoSlice():
                return f"[{' '.join(map(self._value, value.items))}]"
            case GoMap():
                pairs = sorted(value.entries.items(), key=lambda pair: pair[0])
                return f"map[{' '.join(f'{self._value(k)}:{self._value(v)}' for k, v in pairs)}]"
        raise UnsupportedError

    def _bad(self, value: Value) -> str:
        if self.flags or self.width is not None or self.precision is not None:
            raise UnsupportedError  # Go pads what it puts in the complaint, too
        return f"%!{self.verb}({go_type(value)}={text(value)})"

    def _pad(self, printed: str) -> str:
        if "0" in self.flags and "-" not in self.flags:
            return printed.rjust(self.width or 0, "0")
        return self._spaced(printed)

    def _sign(self, is_negative: bool) -> str:  # noqa: FBT001 - of a number
        return "-" if is_negative else "+" if "+" in self.flags else " " * (" " in self.flags)

    def _spaced(self, printed: str) -> str:
        width = self.width or 0
        return printed.ljust(width) if "-" in self.flags else printed.rjust(width)

    def _integer(self, value: int) -> str:
        if self.verb == "c":
            return self._pad(chr(value) if 0 <= value <= 0x10FFFF else "\ufffd")
        if self.verb in "qU" or (self.verb == "O" and "#" in self.flags):
            raise UnsupportedError
        if self.verb not in _BASES:
            return self._bad(value)
        if self.precision == 0 and value == 0:
            return self._spaced("")
        sign = self._sign(value < 0)
        digits = format(abs(value), _BASES[self.verb])
        if self.precision is not None:
            digits = digits.rjust(self.precision, "0")
        elif "0" in self.flags and "-" not in self.flags and self.width:
            digits = digits.rjust(self.width - len(sign), "0")
        if self.verb == "O":
            digits = f"0o{digits}"
        elif "#" in self.flags:
            octal = "0" if self.verb == "o" and digits[0] != "0" else ""
            digits = _PREFIXES.get(self.verb, octal) + digits
        return self._spaced(sign + digits)

    def _float(self, value: float) -> str:
        if self.verb in "bxX" or "#" in self.flags:
            raise UnsupportedError
        verb = _FLOATS.get(self.verb)
        if verb is None:
            return self._bad(value)
        precision = self.precision if self.precision is not None or verb in "gG" else 6
        printed = float_text(value, verb, precision)
        if not math.isfinite(value):
            if self.flags or self.width:
                raise UnsupportedError
            return printed
        sign, digits = self._sign(printed[0] == "-"), printed.lstrip("-")
        if "0" in self.flags and "-" not in self.flags:
            return sign + digits.rjust((self.width or 0) - len(sign), "0")
        return self._spaced(sign + digits)

    def _string(self, value: str, verb: str) -> str:
        if verb in "sv":
            return self._pad(value[: self.precision])
        if verb == "q":
            return self._quoted(value[: self.precision])
        if verb not in "xX":
            return self._bad(value)
        if self.precision is not None or {"#", " "} & set(self.flags):
            raise UnsupportedError
        digits = value.encode(errors="surrogatepass").hex()
        return self._pad(digits.upper() if verb == "X" else digits)

    def _quoted(self, value: str) -> str:
        if "+" in self.flags:
            raise UnsupportedError
        is_raw = "#" in self.flags and all(
            char == "\t" or (ord(char) >= ord(" ") and char not in "`\x7f\ufeff") for char in value
        )
        return self._pad(f"`{value}`" if is_raw else quote(value))
