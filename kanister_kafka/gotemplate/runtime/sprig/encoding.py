"""Encodings and sums, by strings.go, crypto.go and defaults.go of sprig 2.22.0."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import zlib
from collections.abc import Iterable

from kanister_kafka.gotemplate.runtime.fmt import float_text
from kanister_kafka.gotemplate.runtime.sprig.strings import from_bytes, to_bytes
from kanister_kafka.gotemplate.runtime.values import (
    GoFunction,
    GoMap,
    GoNil,
    GoSlice,
    UnsupportedError,
    Value,
)

_BASE64 = re.compile(rb"(?:[\w+/]{4})*(?:[\w+/]{2}==|[\w+/]{3}=)?", re.ASCII)
_BASE32 = re.compile(
    rb"(?:[A-Z2-7]{8})*"
    rb"(?:[A-Z2-7]{2}={6}|[A-Z2-7]{4}={4}|[A-Z2-7]{5}={3}|[A-Z2-7]{7}=)?"
)
_ESCAPED = {char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029\x7f"}
_EXPONENT = re.compile(r"e-0(\d)$")
_DEEPEST = 100


def _decoded(word: str, form: re.Pattern[bytes], *, is_64: bool) -> Value:
    raw = to_bytes(word).translate(None, b"\r\n")
    if not form.fullmatch(raw) or b"_" in raw:
        raise UnsupportedError  # Go returns its complaint as the text
    return from_bytes(base64.b64decode(raw) if is_64 else base64.b32decode(raw))


def to_json(value: Value, indent: int | None = None) -> str:
    """Return JSON as encoding/json writes it; nothing if it cannot."""
    try:
        return _json(value, "\n" if indent else "", " " * (indent or 0), _DEEPEST)
    except ValueError:
        return ""


def _json(value: Value, line: str, indent: str, depth: int) -> str:
    if depth == 0:
        raise UnsupportedError
    match value:
        case None | GoNil():
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float():
            return _json_float(value)
        case str():
            return _json_text(value)
        case GoMap() | GoSlice() if value.is_nil:
            return "null"
    below = line + indent
    colon = ": " if indent else ":"
    match value:
        case GoMap():
            pairs = sorted(value.entries.items(), key=lambda pair: pair[0])
            spelled = (
                f"{_json_text(k)}{colon}{_json(v, below, indent, depth - 1)}" for k, v in pairs
            )
            return _enclosed("{}", spelled, line, below)
        case GoSlice():
            items = (_json(item, below, indent, depth - 1) for item in value.items)
            return _enclosed("[]", items, line, below)
    raise UnsupportedError


def _enclosed(braces: str, parts: Iterable[str], line: str, below: str) -> str:
    joined = f",{below}".join(parts)
    return f"{braces[0]}{below}{joined}{line}{braces[1]}" if joined else braces


def _json_text(value: str) -> str:
    whole = to_bytes(value).decode(errors="replace")
    quoted = json.dumps(whole, ensure_ascii=False)
    return "".join(_ESCAPED.get(char, char) for char in quoted)


def _json_float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError
    if value and not 1e-6 <= abs(value) < 1e21:
        exponent = float_text(value) if "e" in float_text(value) else f"{value:e}"
        return _EXPONENT.sub(r"e-\1", exponent)
    return float_text(value, "f")


FUNCTIONS = {
    "adler32sum": GoFunction(lambda word: str(zlib.adler32(to_bytes(word)))),
    "b32dec": GoFunction(lambda word: _decoded(word, _BASE32, is_64=False)),
    "b32enc": GoFunction(lambda word: base64.b32encode(to_bytes(word)).decode()),
    "b64dec": GoFunction(lambda word: _decoded(word, _BASE64, is_64=True)),
    "b64enc": GoFunction(lambda word: base64.b64encode(to_bytes(word)).decode()),
    "sha1sum": GoFunction(lambda word: hashlib.sha1(to_bytes(word)).hexdigest()),  # noqa: S324 - as asked
    "sha256sum": GoFunction(lambda word: hashlib.sha256(to_bytes(word)).hexdigest()),
    "toJson": GoFunction(to_json),
    "toPrettyJson": GoFunction(lambda value: to_json(value, 2)),
}
