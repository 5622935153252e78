"""Texts and their encodings, by strings.go of sprig 2.22.0 and the functions of Go that it calls.

Go counts the bytes of a string where Python counts characters.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import posixpath
import re
import zlib
from collections.abc import Callable, Iterable

from kanister_kafka.gotemplate.lexer import UNICODE_SPACES, quote
from kanister_kafka.gotemplate.runtime.fmt import float_text, text
from kanister_kafka.gotemplate.runtime.values import (
    LONGEST,
    MAX_NUMBER,
    CallError,
    GoFunction,
    GoMap,
    GoNil,
    GoSlice,
    UnsupportedError,
    Value,
)


def strings(value: Value) -> list[str]:
    """Return a list as texts without nil, and anything else as one text."""
    items = value.items if isinstance(value, GoSlice) else [value]
    return [text(item) for item in items if item is not None]


def to_bytes(word: str) -> bytes:
    """Return the bytes of a string; YAML can encode half a character."""
    return word.encode(errors="surrogatepass")


def from_bytes(raw: bytes) -> str:
    """Return bytes as a string; bytes that are not UTF-8 are left to the run."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UnsupportedError from None


def _cased(change: Callable[[str], str]) -> Callable[[str], Value]:
    """Change character by character, as Go does: none becomes two."""

    def changed(word: str) -> Value:
        pairs = [(char, change(char)) for char in word]
        if any(len(new) != 1 and not char.isascii() for char, new in pairs):
            raise UnsupportedError
        return "".join(new for _char, new in pairs)

    return changed


def _first_cased(
    change: Callable[[str], str], is_between: Callable[[str], bool]
) -> Callable[[str], Value]:
    """Change the first character of each word."""

    def changed(word: str) -> Value:
        chars, is_first = [], True
        for char in word:
            new = change(char) if is_first else char
            if len(new) != 1:
                raise UnsupportedError
            chars.append(new)
            is_first = is_between(char)
        return "".join(chars)

    return changed


def _ends_title(char: str) -> bool:
    if char.isascii():
        return not (char.isalnum() or char == "_")
    return not char.isalpha() and not char.isdecimal() and char in UNICODE_SPACES


def _bounds(start: int, end: int | None, length: int) -> str:
    """Return how Go complains about the bounds of a slice; nothing if they are right."""
    if end is None:
        return f"[{start}:{length}]" if start > length else ""
    if end < 0:
        return f"[:{end}]"
    if end > length:
        return f"[:{end}] with length {length}"
    return f"[{start}:{end}]" if start > end else ""


def _part(start: int, end: int | None, word: str) -> Value:
    raw = to_bytes(word)
    complaint = _bounds(start, end, len(raw))
    if complaint:
        raise CallError(f"runtime error: slice bounds out of range {complaint}")
    return from_bytes(raw[start:end])


def _substr(start: int, end: int, word: str) -> Value:
    if start < 0:
        return _part(0, end, word)
    return _part(start, None if end < 0 or end > len(to_bytes(word)) else end, word)


def _trunc(length: int, word: str) -> Value:
    return word if len(to_bytes(word)) <= length else _part(0, length, word)


def _repeat(count: int, word: str) -> str:
    if count < 0:
        raise CallError("strings: negative Repeat count")
    if count * len(word) > MAX_NUMBER:
        raise UnsupportedError
    return word * count


def _indent(spaces: int, word: str) -> str:
    if spaces > LONGEST:
        raise UnsupportedError
    pad = _repeat(spaces, " ")
    return pad + word.replace("\n", f"\n{pad}")


def _replace(old: str, new: str, word: str) -> Value:
    if (word.count(old) + 1) * len(new) > MAX_NUMBER:
        raise UnsupportedError
    return word.replace(old, new)


def split(word: str, separator: str, most: int = -1) -> list[str] | None:
    """Split as strings.SplitN does; an empty separator splits into characters."""
    if most == 0:
        return None
    if word.count(separator) > LONGEST:
        raise UnsupportedError
    if separator:
        return word.split(separator, most - 1 if most > 0 else -1)
    if most < 0 or most > len(word):
        return list(word)
    return [*word[: most - 1], word[most - 1 :]]


def _split_map(separator: str, most: int, word: str) -> Value:
    parts = split(word, separator, most) or ()
    return GoMap({f"_{i}": part for i, part in enumerate(parts)}, "string")


def _cat(values: tuple[Value, ...]) -> Value:
    present = [value for value in values if value is not None]
    return " ".join(map(text, present))


STRING_FUNCTIONS = {
    "cat": GoFunction(lambda *values: _cat(values)),
    "contains": GoFunction(lambda part, word: part in word),
    "fail": GoFunction(lambda message: _fail(message)),
    "hasPrefix": GoFunction(lambda part, word: word.startswith(part)),
    "hasSuffix": GoFunction(lambda part, word: word.endswith(part)),
    "hello": GoFunction(lambda: "Hello!"),
    "indent": GoFunction(_indent),
    "join": GoFunction(lambda separator, value: separator.join(strings(value))),
    "lower": GoFunction(_cased(str.lower)),
    "nindent": GoFunction(lambda spaces, word: "\n" + _indent(spaces, word)),
    "plural": GoFunction(lambda singular, plural, count: singular if count == 1 else plural),
    "quote": GoFunction(
        lambda *values: " ".join(quote(text(value)) for value in values if value is not None)
    ),
    "repeat": GoFunction(_repeat),
    "replace": GoFunction(_replace),
    "split": GoFunction(lambda separator, word: _split_map(separator, -1, word)),
    "splitList": GoFunction(
        lambda separator, word: GoSlice([*(split(word, separator) or ())], "string")
    ),
    "splitn": GoFunction(_split_map),
    "squote": GoFunction(
        lambda *values: " ".join(f"'{text(value)}'" for value in values if value is not None)
    ),
    "substr": GoFunction(_substr),
    "title": GoFunction(_first_cased(str.title, _ends_title)),
    "toString": GoFunction(text),
    "toStrings": GoFunction(lambda value: GoSlice([*strings(value)], "string")),
    "trim": GoFunction(lambda word: word.strip(UNICODE_SPACES)),
    "trimAll": GoFunction(lambda chars, word: word.strip(chars) if chars else word),
    "trimPrefix": GoFunction(lambda part, word: word.removeprefix(part)),
    "trimSuffix": GoFunction(lambda part, word: word.removesuffix(part)),
    "trimall": GoFunction(lambda chars, word: word.strip(chars) if chars else word),
    "trunc": GoFunction(_trunc),
    "untitle": GoFunction(_first_cased(str.lower, lambda char: char in UNICODE_SPACES)),
    "upper": GoFunction(_cased(str.upper)),
}


def _fail(message: str) -> Value:
    raise CallError(message)


# Paths of files, by the package path of Go.


def _clean(path: str) -> str:
    cleaned = posixpath.normpath(path)
    return "/" + cleaned.lstrip("/") if cleaned.startswith("//") else cleaned


def _base(path: str) -> str:
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def _directory(path: str) -> str:
    head, slash, _name = path.rpartition("/")
    return _clean(head + slash)


def _extension(path: str) -> str:
    _stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return dot + extension if dot else ""


PATH_FUNCTIONS = {
    "base": GoFunction(_base),
    "clean": GoFunction(_clean),
    "dir": GoFunction(_directory),
    "ext": GoFunction(_extension),
    "isAbs": GoFunction(lambda path: path.startswith("/")),
}


# Encodings and sums, by strings.go, crypto.go and defaults.go.


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
    quoted = json.dumps(to_bytes(value).decode(errors="replace"), ensure_ascii=False)
    return "".join(_ESCAPED.get(char, char) for char in quoted)


def _json_float(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError
    if value and not 1e-6 <= abs(value) < 1e21:
        exponent = float_text(value) if "e" in float_text(value) else f"{value:e}"
        return _EXPONENT.sub(r"e-\1", exponent)
    return float_text(value, "f")


ENCODING_FUNCTIONS = {
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
