"""Regular expressions, by regex.go of sprig 2.22.0, where Go's RE2 and Python agree on them.

Python searches by trial and error, so what could take it long is left to the run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kanister_kafka.gotemplate.runtime.values import (
    MAX_NUMBER,
    GoFunction,
    GoSlice,
    UnsupportedError,
    Value,
)

_CLASS = r"\[\^?(?:[^\[\]\\&~|\-]|[^\[\]\\&~|\-]-[^\[\]\\&~|\-]|\\[dw.\-+*?/$^()|])+\]"
_ATOM = rf"(?:[^\\\[\](){{}}*+?|^$.]|\.|\\[dw.+*?()|\[\]{{}}^$/\\\-]|{_CLASS})"
_PIECE = rf"(?:\^|\$|\(\?:|\(|\)|\||{_ATOM}(?:[*+?]|\{{\d{{1,2}}(?:,\d{{0,2}})?\}})?)"
_KNOWN = re.compile(rf"{_PIECE}*")
_QUANTIFIED_GROUP = re.compile(r"(?<!\\)\)[*+?{]")
_REPEATED = re.compile(r"[*+}]")
_NAME = re.compile(r"\$(?:(\w+)|\{(\w+)\}|(\$))", re.ASCII)
_COST = 10**6
_LONGEST = 1000


def _compiled(pattern: str, subject: str) -> re.Pattern[str]:
    """Compile a pattern that means the same to both; `$` is the very end of the text to Go."""
    if (
        len(pattern) > _LONGEST
        or not _KNOWN.fullmatch(pattern)
        or _QUANTIFIED_GROUP.search(pattern)
    ):
        raise UnsupportedError
    if not pattern.isprintable() or not (pattern + subject).isascii():
        raise UnsupportedError
    if (len(subject) + 1) ** (1 + len(_REPEATED.findall(pattern))) > _COST:
        raise UnsupportedError
    ended = re.sub(r"(\\.|\[[^\]]*\])|\$", lambda match: match[1] or r"\Z", pattern)
    try:
        return re.compile(ended, re.ASCII)
    except re.error:
        raise UnsupportedError from None


def _matches(pattern: str, subject: str) -> Iterator[re.Match[str]]:
    """Yield matches as Go finds all of them: none that is empty right behind another."""
    compiled = _compiled(pattern, subject)
    position, end = 0, -1
    while position <= len(subject):
        match = compiled.search(subject, position)
        if match is None:
            return
        if match.end() > match.start() or match.start() != end:
            yield match
        end = match.end()
        position = end + (match.end() == match.start())


def _find_all(pattern: str, subject: str, most: int) -> Value:
    texts = [match[0] for match in _matches(pattern, subject)]
    texts = texts if most < 0 else texts[:most]
    return GoSlice([*texts], "string", is_nil=not texts)


def _find(pattern: str, subject: str) -> Value:
    match = _compiled(pattern, subject).search(subject)
    return match[0] if match else ""


def _replaced(pattern: str, subject: str, replacement: Callable[[re.Match[str]], str]) -> Value:
    parts, end, size = [], 0, 0
    for match in _matches(pattern, subject):
        parts += [subject[end : match.start()], replacement(match)]
        size += len(parts[-1])
        if size > MAX_NUMBER:
            raise UnsupportedError
        end = match.end()
    return "".join(parts) + subject[end:]


def _replace_all(pattern: str, subject: str, replacement: str) -> Value:
    def expanded(match: re.Match[str]) -> str:
        def group(name: re.Match[str]) -> str:
            number = name[1] or name[2]
            if name[3]:
                return "$"
            if not number.isdecimal() or number != str(int(number)):
                return ""
            return (match[int(number)] or "") if int(number) <= len(match.groups()) else ""

        return _NAME.sub(group, replacement)

    return _replaced(pattern, subject, expanded)


def _split(pattern: str, subject: str, most: int) -> Value:
    if most == 0:
        return GoSlice([], "string", is_nil=True)
    if not subject:
        _compiled(pattern, subject)
        return GoSlice([""], "string") if pattern else GoSlice([], "string")
    parts: list[Value] = []
    start = end = 0
    for match in _matches(pattern, subject):
        if 0 < most == len(parts) + 1:
            break
        end = match.start()
        if match.end() != 0:
            parts.append(subject[start:end])
        start = match.end()
    if end != len(subject):
        parts.append(subject[start:])
    return GoSlice(parts, "string")


FUNCTIONS = {
    "regexFind": GoFunction(_find),
    "regexFindAll": GoFunction(_find_all),
    "regexMatch": GoFunction(
        lambda pattern, subject: bool(_compiled(pattern, subject).search(subject))
    ),
    "regexReplaceAll": GoFunction(_replace_all),
    "regexReplaceAllLiteral": GoFunction(
        lambda pattern, subject, literal: _replaced(pattern, subject, lambda _match: literal)
    ),
    "regexSplit": GoFunction(_split),
}
