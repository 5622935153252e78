"""Texts, by strings.go of sprig 2.22.0 and the functions of Go that it hands on.

Go counts the bytes of a string where Python counts characters.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable

from kanister_kafka.gotemplate.lexer import quote
from kanister_kafka.gotemplate.runtime.fmt import text
from kanister_kafka.gotemplate.runtime.values import (
    LONGEST,
    MAX_NUMBER,
    CallError,
    GoFunction,
    GoMap,
    GoSlice,
    UnsupportedError,
    Value,
)

SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""White space of Go's unicode.IsSpace."""


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
        made = [(char, change(char)) for char in word]
        if any(len(new) != 1 and not char.isascii() for char, new in made):
            raise UnsupportedError
        return "".join(new for _char, new in made)

    return changed


def _first_cased(
    change: Callable[[str], str], is_between: Callable[[str], bool]
) -> Callable[[str], Value]:
    """Change the first character of each word."""

    def changed(text: str) -> Value:
        made, is_first = [], True
        for char in text:
            new = change(char) if is_first else char
            if len(new) != 1:
                raise UnsupportedError
            made.append(new)
            is_first = is_between(char)
        return "".join(made)

    return changed


def _ends_title(char: str) -> bool:
    if char.isascii():
        return not (char.isalnum() or char == "_")
    return not char.isalpha() and not char.isdecimal() and char in SPACES


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
    wrong = _bounds(start, end, len(raw))
    if wrong:
        raise CallError(f"runtime error: slice bounds out of range {wrong}")
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
    "plural": GoFunction(lambda one, many, count: one if count == 1 else many),
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
    "trim": GoFunction(lambda word: word.strip(SPACES)),
    "trimAll": GoFunction(lambda chars, word: word.strip(chars) if chars else word),
    "trimPrefix": GoFunction(lambda part, word: word.removeprefix(part)),
    "trimSuffix": GoFunction(lambda part, word: word.removesuffix(part)),
    "trimall": GoFunction(lambda chars, word: word.strip(chars) if chars else word),
    "trunc": GoFunction(_trunc),
    "untitle": GoFunction(_first_cased(str.lower, lambda char: char in SPACES)),
    "upper": GoFunction(_cased(str.upper)),
}


def _fail(message: str) -> Value:
    raise CallError(message)


# Paths of files, by the package path of Go.


def _clean(path: str) -> str:
    made = posixpath.normpath(path)
    return "/" + made.lstrip("/") if made.startswith("//") else made


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
