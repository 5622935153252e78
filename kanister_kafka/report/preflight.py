"""What the preflight says, as text for people and as the JSON that is ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from kanister_kafka.preflight import Level, Line
from kanister_kafka.report.words import count, printable

WIDTH = max(len(level.value) for level in Level) + 2


def preflight_text(lines: Sequence[Line], color: Callable[[Level], str] | None = None) -> str:
    """Return a line for each, aligned, with details and remedy below it, and a summary.

    `color` returns the word for a level; its text may have escapes of a terminal around it.
    """
    return "".join(_text(line, color) for line in lines) + _summary(lines)


def preflight_json(lines: Sequence[Line]) -> str:
    """Return a JSON list of objects with id, level, what, detail, remedy and objects."""
    return json.dumps([line.fields() for line in lines], indent=2, ensure_ascii=False) + "\n"


def _text(line: Line, color: Callable[[Level], str] | None) -> str:
    word = color(line.level) if color else line.level.value
    gap = " " * (WIDTH - len(line.level.value))
    below = " " * WIDTH
    rows = [f"{word}{gap}{printable(line.what)} ({line.id})"]
    rows += [f"{below}- {printable(text)}" for text in line.detail]
    if line.remedy:
        rows.append(f"{below}> {printable(line.remedy)}")
    return "".join(f"{row}\n" for row in rows)


def _summary(lines: Sequence[Line]) -> str:
    levels = [line.level for line in lines]
    told = [
        count(levels.count(Level.PROBLEM), "problem"),
        count(levels.count(Level.WARNING), "warning"),
    ]
    verdict = {
        Level.OK: "a backup would work, by all that can be seen",
        Level.WARNING: "a backup should work; look at the warnings first",
        Level.PROBLEM: "a backup would fail or do harm",
    }
    worst = max(levels, key=list(Level).index, default=Level.OK)
    return f"{', '.join(told)}, {levels.count(Level.OK)} ok: {verdict[worst]}\n"
