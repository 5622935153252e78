"""When the statements of a script run: those of a function and of a trap run later than they stand.

This reads words, as `commands` does, and not the grammar of a shell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate, islice
from typing import NamedTuple

from kanister_kafka.kanister.commands import (
    MAX_SCRIPT_LENGTH,
    SHELLS,
    SimpleCommand,
    split_statements,
)

DEFINITION = re.compile(
    r"(?:^|(?<=[\s;&|]))(?:function[ \t]+(?P<word>[\w.:-]+)(?:[ \t]*\([ \t]*\))?"
    r"|(?P<name>[\w.:-]+)[ \t]*\([ \t]*\))\s*\{(?=\s)"
)
BRACE = re.compile(r"(?:^|(?<=[\s;&|()]))[{}](?=[\s;&|()]|$)")
MAX_FUNCTIONS = 60
"""Most functions of a script that are looked into."""
AT_THE_END = MAX_SCRIPT_LENGTH + 1
"""Position of the commands of a trap."""


class _Function(NamedTuple):
    """A function of a script, by offsets in its text."""

    name: str
    head: int
    body: int
    end: int


def run_position(statement: SimpleCommand) -> int:
    """Return an offset in the script that orders its statements by their last run.

    A function runs at its last call; if a trap or another function calls it, at the end. A
    function that is not called counts where it stands.
    """
    text = statement.node.text[:MAX_SCRIPT_LENGTH]
    if statement.program == "trap":
        return AT_THE_END
    offset = _offset(text, statement.line, statement.column)
    inner = [one for one in _functions(text) if one.body <= offset < one.end]
    return _last_run(text, inner[-1]) or offset if inner else offset


@lru_cache(maxsize=1024)  # asked for each statement of a function
def _last_run(text: str, one: _Function) -> int:
    """Return where a function runs last; 0 if it is not called."""
    functions = _functions(text)
    offsets, in_traps = _calls(text)
    if one.name in in_traps:
        return AT_THE_END
    places = [
        place
        for place in offsets.get(one.name, ())
        if not any(other.head <= place < other.body for other in functions)
        and not one.body <= place < one.end
    ]
    if any(_is_inside(place, functions) for place in places):
        return AT_THE_END
    return places[-1] if places else 0


@lru_cache(maxsize=16)  # as above
def _calls(text: str) -> tuple[dict[str, list[int]], frozenset[str]]:
    """Return where each program stands as a command, and the programs that traps run."""
    offsets: dict[str, list[int]] = {}
    in_traps: set[str] = set()
    for statement in split_statements(text):
        place = _offset(text, statement.line, statement.column)
        offsets.setdefault(statement.program, []).append(place)
        if statement.program == "trap":
            for script in inner_scripts(statement.words):
                in_traps.update(inner.program for inner in split_statements(script))
    return offsets, frozenset(in_traps)


def _is_inside(place: int, functions: tuple[_Function, ...]) -> bool:
    return any(one.body <= place < one.end for one in functions)


@lru_cache(maxsize=256)  # Blueprints repeat themselves
def _functions(text: str) -> tuple[_Function, ...]:
    return tuple(islice(_defined(text), MAX_FUNCTIONS)) if "{" in text else ()


def _defined(text: str) -> Iterator[_Function]:
    for match in DEFINITION.finditer(text):
        depth = 1
        for brace in BRACE.finditer(text, match.end()):
            depth += 1 if brace.group() == "{" else -1
            if not depth:
                name = match["word"] or match["name"]
                yield _Function(name, match.start(), match.end(), brace.start())
                break


def _offset(text: str, line: int, column: int) -> int:
    return _line_starts(text)[line - 1] + column - 1


@lru_cache(maxsize=16)  # as above
def _line_starts(text: str) -> tuple[int, ...]:
    return tuple(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))


def inner_scripts(words: tuple[str, ...]) -> Iterator[str]:
    """Yield the scripts that are words of a statement: those of `trap` and of `sh -c`."""
    program = words[0].rpartition("/")[2] if words else ""
    if program == "trap":
        arguments = [word for word in words[1:] if word != "--"]
        if len(arguments) > 1 and not arguments[0].startswith("-"):
            yield arguments[0]
    elif SHELLS.fullmatch(program):
        for i, word in enumerate(words[1:], 1):
            if re.fullmatch(r"-[a-z]*c[a-z]*", word):
                yield from words[i + 1 : i + 2]
                return
