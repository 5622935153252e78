"""JSONPath as Kubernetes parses it: client-go's util/jsonpath/parser.go at 0.33.

Wait replaces a path that the parser refuses by nothing (pkg/jsonpath), without a message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

IN_A_CONDITION = re.compile(r"\{\s*\$(?P<path>[^}]*)")
"""How Wait finds what to replace."""
_DICT_KEY = re.compile(r"'([^']*)'")
_SLICE = re.compile(r"(-?\d*)(:-?\d*)?(:-?\d*)?", re.ASCII)
_FILTER = re.compile(r"([^!<>=]+)([!<>=]+)(.+)")
_OPERATORS = ("<", ">", "==", "!=", "<=", ">=")
_ENDS = " \t\r\n.,[]$@{}"
_ESCAPES = r"[abfnrtv\\]|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}"
_UNQUOTED = {
    quote: re.compile(rf"(?:[^\\]|\\(?:{quote}|{_ESCAPES}))*", re.DOTALL) for quote in "\"'"
}
MAX_DEPTH = 50


class _RejectedError(Exception):
    """Ends the parsing of a path; its text is the reason."""


@dataclass(frozen=True, slots=True)
class JsonPath:
    """Faults of a path for any object that it is read from; both are empty if all is well."""

    refused: str
    """Why it does not parse."""
    never_found: str
    """Why it finds nothing, although it parses."""


@lru_cache(maxsize=256)
def check_jsonpath(path: str) -> JsonPath:
    """Judge a path as it stands between `{ $` and `}`."""
    nowhere: list[str] = []
    try:
        _action(path.strip(), 0, nowhere)
    except _RejectedError as failure:
        return JsonPath(str(failure), "")
    return JsonPath("", nowhere[0] if nowhere else "")


def _action(text: str, depth: int, nowhere: list[str]) -> None:
    """Parse what stands within braces."""
    if depth > MAX_DEPTH:
        raise _RejectedError("is nested too deep")
    at = 0
    recursive = False
    while at < len(text):
        char = text[at]
        was_recursive, recursive = recursive, False
        if text.startswith("[?(", at):
            at = _filter(text, at + 3, depth, nowhere)
        elif text.startswith("..", at):
            if was_recursive:
                raise _RejectedError("invalid multiple recursive descent")
            recursive, at = True, at + 2
            if at < len(text) and _is_word(text[at]):
                recursive, at = False, _field(text, at)
        elif char in " @$":
            at += 1
            recursive = was_recursive
        elif char == "[":
            at = _array(text, at, depth, nowhere)
        elif char in "\"'":
            at = _quoted(text, at)
        elif char == ".":
            at = _field(text, at + 1)
        elif char in "+-" or char.isdigit():
            at = _number(text, at)
        elif _is_word(char):
            while at < len(text) and text[at] not in _ENDS:
                at += 1
        else:
            message = "unclosed action" if char in "\r\n" else f"unrecognized character {char!r}"
            raise _RejectedError(message)


def _is_word(char: str) -> bool:
    return char == "_" or char.isalpha() or char.isdigit()


def _field(text: str, at: int) -> int:
    while at < len(text) and text[at] not in _ENDS:
        at += 2 if text[at] == "\\" else 1
    if at > len(text):  # the backslash takes the brace that ends the action
        raise _RejectedError("unclosed action")
    return at


def _number(text: str, at: int) -> int:
    start = at
    at += text[at] in "+-"
    while at < len(text) and (text[at] == "." or text[at].isdigit()):
        at += 1
    if not re.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)", text[start:at], re.ASCII):
        raise _RejectedError(f"cannot parse number {text[start:at]}")
    return at


def _quoted(text: str, at: int) -> int:
    end = at + 1
    while end < len(text) and text[end] != "\n":
        if text[end] == text[at] and text[end - 1] != "\\":
            if not _UNQUOTED[text[at]].fullmatch(text, at + 1, end):
                raise _RejectedError(f"unquote string {text[at : end + 1]}")
            return end + 1
        end += 1
    raise _RejectedError("unterminated quoted string")


def _array(text: str, at: int, depth: int, nowhere: list[str]) -> int:
    line, end = text.find("\n", at), text.find("]", at)
    if end < 0 or 0 <= line < end:
        raise _RejectedError("unterminated array")
    inner = text[at + 1 : end]
    parts = inner.split(",")
    if len(parts) > 1:
        for part in parts:
            _action(f"[{part.strip(' ')}]", depth + 1, nowhere)
    elif match := _DICT_KEY.fullmatch(inner):
        _action(f".{match[1]}", depth + 1, nowhere)
        if re.search(r"(?<!\\)\.", match[1]):
            nowhere.append(f"a dot within the key {inner} needs a backslash before it")
    elif inner != "*" and not _is_slice(inner):
        raise _RejectedError(f"invalid array index {inner}")
    return end + 1


def _is_slice(text: str) -> bool:
    match = _SLICE.fullmatch(text)
    return match is not None and all(part not in ("-", ":-") for part in match.groups())


def _filter(text: str, at: int, depth: int, nowhere: list[str]) -> int:
    begins, ends, pair = False, False, ""
    end = at
    while True:
        if end >= len(text) or text[end] == "\n":
            raise _RejectedError("unterminated filter")
        char = text[end]
        if char in "\"'":
            if not begins:
                begins, pair = True, char
            elif text[end - 1] != "\\" and char == pair:
                ends = True
        elif char == ")" and begins == ends:
            break
        end += 1
    if text[end + 1 : end + 2] != "]":
        raise _RejectedError("unclosed array expect ]")
    inner = text[at:end]
    if match := _FILTER.fullmatch(inner):
        _action(match[1], depth + 1, nowhere)
        _action(match[3], depth + 1, nowhere)
        if match[2] not in _OPERATORS:
            nowhere.append(f"unrecognized filter operator {match[2]}")
    else:
        _action(inner, depth + 1, nowhere)
    return end + 2
