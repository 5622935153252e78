"""What the preflight says, as text for people and as the JSON that is ours."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from kanister_kafka.preflight import Checked, Level, Line
from kanister_kafka.report.columns import hung, table
from kanister_kafka.report.sheet import Sheet, Table, sheet_html, sheet_markdown
from kanister_kafka.report.words import count, printable

WIDTH = max(len(level.value) for level in Level) + 2
KICKER = "Check before a backup"
Color = Callable[[Level], str]
"""Returns the word for a level; its text may have escapes of a terminal around it."""
VERDICTS = {
    Level.OK: "a backup would work, by all that can be seen",
    Level.WARNING: "a backup should work; look at the warnings first",
    Level.PROBLEM: "a backup would fail or do harm",
}


def preflight_text(lines: Sequence[Line], color: Color | None = None, width: int = 0) -> str:
    """Return a summary and a line for each, aligned, with details and remedy below it.

    With a width, in places of a terminal, long texts are broken into lines; remedies never are.
    """
    head = "\n".join(hung("", _summary(lines), width))
    return f"{head}\n\n" + "".join(_text(line, color, width) for line in lines)


def preflight_json(lines: Sequence[Line]) -> str:
    """Return a JSON list of objects with id, level, what, detail, remedy and objects."""
    return json.dumps([line.fields() for line in lines], indent=2, ensure_ascii=False) + "\n"


def checks_text(found: Sequence[Checked], color: Color | None = None, width: int = 0) -> str:
    """Return how many Kafkas are how, a row for each, and below them what is wrong with any."""
    applied = [one for one in found if one.is_applied]
    told = [
        f"{sum(one.worst is level for one in applied if not one.failure)} {word}"
        for level, word in (
            (Level.PROBLEM, "with problems"),
            (Level.WARNING, "with warnings"),
            (Level.OK, "ok"),
        )
    ]
    if unseen := sum(bool(one.failure) for one in applied):
        told.append(f"{unseen} not checked")
    if without := len(found) - len(applied):
        told.append(f"{without} without a Blueprint")
    head = hung("", f"{count(len(found), 'Kafka')}: {', '.join(told)}", width)
    parts = ["".join(f"{row}\n" for row in head)]
    parts.append(table(("KAFKA", "RESULT", "PROBLEMS", "WARNINGS"), list(map(_row, found)), width))
    for one in applied:
        lines = [line for line in one.lines if line.level is not Level.OK]
        if one.failure:
            texts = map(printable, one.failure.splitlines())
            rows = [row for text in texts for row in hung("  ", text, width)]
            parts.append(f"{one.namespace}/{one.name}\n" + "".join(f"{row}\n" for row in rows))
        elif lines:
            below = "".join(_text(line, color, width) for line in lines)
            parts.append(f"{one.namespace}/{one.name}\n{below}")
    return "\n".join(parts)


def checks_json(found: Sequence[Checked]) -> str:
    """Return a JSON list of objects with namespace, name, result, failure and lines."""
    trees = [
        {
            "namespace": one.namespace,
            "name": one.name,
            "result": _result(one),
            "failure": one.failure or None,
            "lines": [line.fields() for line in one.lines],
        }
        for one in found
    ]
    return json.dumps(trees, indent=2, ensure_ascii=False) + "\n"


def checks_markdown(found: Sequence[Checked]) -> str:
    """Return Markdown for a comment of a change request, a part for each Kafka."""
    return sheet_markdown(*map(_sheet, found))


def checks_html(found: Sequence[Checked]) -> str:
    """Return one HTML page without scripts and without anything from elsewhere."""
    return sheet_html("Check before a backup", *map(_sheet, found))


def _sheet(one: Checked) -> Sheet:
    title = f"Kafka {one.namespace}/{one.name}"
    if one.failure or not one.is_applied:
        why = one.failure or "no Blueprint is applied, so nothing was checked"
        return Sheet(kicker=KICKER, title=title, verdict=f"not checked: {why}", is_good=False)
    bad = [line for line in one.lines if line.level is not Level.OK]
    good = [(line.what, line.id) for line in one.lines if line.level is Level.OK]
    rows = [
        (line.level.value, "; ".join((line.what, *line.detail)), line.remedy, line.id)
        for line in sorted(bad, key=lambda line: line.level is Level.WARNING)
    ]
    tables = []
    if rows:
        tables.append(Table("To look at", ("Level", "What", "Remedy", "Check"), rows))
    if good:
        tables.append(Table("As a backup needs it", ("What", "Check"), good, is_folded=True))
    return Sheet(
        kicker=KICKER,
        title=title,
        verdict=_summary(one.lines),
        is_good=one.worst is not Level.PROBLEM,
        tables=tuple(tables),
    )


def _row(one: Checked) -> tuple[str, str, str, str]:
    levels = [line.level for line in one.lines]
    numbers = (str(levels.count(level)) for level in (Level.PROBLEM, Level.WARNING))
    problems, warnings = numbers if one.lines else ("-", "-")
    return f"{one.namespace}/{one.name}", _result(one), problems, warnings


def _result(one: Checked) -> str:
    if not one.is_applied:
        return "no Blueprint"
    return "not checked" if one.failure else one.worst.value


def _text(line: Line, color: Color | None, width: int) -> str:
    word = line.level.value
    gap = " " * (WIDTH - len(word))
    below = " " * WIDTH
    rows = hung(f"{word}{gap}", f"{printable(line.what)} ({line.id})", width)
    if color:
        rows[0] = rows[0].replace(word, color(line.level), 1)
    for text in line.detail:
        rows += hung(f"{below}- ", printable(text), width)
    if line.remedy:
        rows.append(f"{below}> {printable(line.remedy)}")
    return "".join(f"{row}\n" for row in rows)


def _summary(lines: Sequence[Line]) -> str:
    levels = [line.level for line in lines]
    told = [
        count(levels.count(Level.PROBLEM), "problem"),
        count(levels.count(Level.WARNING), "warning"),
    ]
    worst = max(levels, key=list(Level).index, default=Level.OK)
    return f"{', '.join(told)}, {levels.count(Level.OK)} ok: {VERDICTS[worst]}"
