"""The results of the preflight, as text for people and as the JSON of kanister-kafka."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from kanister_kafka.operations.preflight import Checked, CheckLine, CheckStatus
from kanister_kafka.reports.change_request import (
    ChangeRequest,
    ReportTable,
    change_request_html,
    change_request_markdown,
)
from kanister_kafka.reports.text import count_noun, escape_control_chars, format_json, hung, table

WIDTH = max(len(level.value) for level in CheckStatus) + 2
KICKER = "Check before a backup"
Color = Callable[[CheckStatus], str]
"""Returns the word for a level; its text may have escapes of a terminal around it."""
VERDICTS = {
    CheckStatus.OK: "a backup would work, by all that can be seen",
    CheckStatus.WARNING: "a backup should work; look at the warnings first",
    CheckStatus.PROBLEM: "a backup would fail or do harm",
}


def preflight_text(lines: Sequence[CheckLine], color: Color | None = None, width: int = 0) -> str:
    """Return a summary and a line for each, aligned, with details and remedy below it.

    With a width, in places of a terminal, long texts are broken into lines; remedies never are.
    """
    head = "\n".join(hung("", _summary(lines), width))
    return f"{head}\n\n" + "".join(_text(line, color, width) for line in lines)


def preflight_json(lines: Sequence[CheckLine]) -> str:
    """Return a JSON list of objects with id, level, what, detail, remedy and objects."""
    return format_json([line.fields() for line in lines])


def checks_text(results: Sequence[Checked], color: Color | None = None, width: int = 0) -> str:
    """Return how many Kafkas are how, a row for each, and below them what is wrong with any."""
    applied = [checked for checked in results if checked.is_applied]
    worst = Counter(checked.worst for checked in applied if not checked.failure)
    counts = [
        f"{worst[CheckStatus.PROBLEM]} with problems",
        f"{worst[CheckStatus.WARNING]} with warnings",
        f"{worst[CheckStatus.OK]} ok",
    ]
    if unreadable := sum(bool(checked.failure) for checked in applied):
        counts.append(f"{unreadable} not checked")
    if without := len(results) - len(applied):
        counts.append(f"{without} without a Blueprint")
    head = hung("", f"{count_noun(len(results), 'Kafka')}: {', '.join(counts)}", width)
    parts = ["".join(f"{row}\n" for row in head)]
    parts.append(
        table(("KAFKA", "RESULT", "PROBLEMS", "WARNINGS"), list(map(_row, results)), width)
    )
    for checked in applied:
        lines = [line for line in checked.lines if line.level is not CheckStatus.OK]
        if checked.failure:
            rows: list[str] = []
            for text in checked.failure.splitlines():
                rows += hung("  ", escape_control_chars(text), width)
            parts.append(
                f"{checked.namespace}/{checked.name}\n" + "".join(f"{row}\n" for row in rows)
            )
        elif lines:
            below = "".join(_text(line, color, width) for line in lines)
            parts.append(f"{checked.namespace}/{checked.name}\n{below}")
    return "\n".join(parts)


def checks_json(results: Sequence[Checked]) -> str:
    """Return a JSON list of objects with namespace, name, result, failure and lines."""

    def tree(checked: Checked) -> dict[str, object]:
        return {
            "namespace": checked.namespace,
            "name": checked.name,
            "result": _result(checked),
            "failure": checked.failure or None,
            "lines": [line.fields() for line in checked.lines],
        }

    return format_json([tree(checked) for checked in results])


def checks_markdown(results: Sequence[Checked]) -> str:
    """Return Markdown for a comment of a change request, a part for each Kafka."""
    return change_request_markdown(*map(_sheet, results))


def checks_html(results: Sequence[Checked]) -> str:
    """Return one HTML page without scripts and without anything from elsewhere."""
    return change_request_html("Check before a backup", *map(_sheet, results))


def _sheet(checked: Checked) -> ChangeRequest:
    title = f"Kafka {checked.namespace}/{checked.name}"
    if checked.failure or not checked.is_applied:
        why = checked.failure or "no Blueprint is applied, so nothing was checked"
        return ChangeRequest(
            kicker=KICKER, title=title, verdict=f"not checked: {why}", is_good=False
        )
    bad = [line for line in checked.lines if line.level is not CheckStatus.OK]
    good = [(line.what, line.id) for line in checked.lines if line.level is CheckStatus.OK]
    rows = [
        (line.level.value, "; ".join((line.what, *line.detail)), line.remedy, line.id)
        for line in sorted(bad, key=lambda line: line.level is CheckStatus.WARNING)
    ]
    tables = []
    if rows:
        tables.append(ReportTable("To look at", ("Level", "What", "Remedy", "Check"), rows))
    if good:
        tables.append(ReportTable("As a backup needs it", ("What", "Check"), good, is_folded=True))
    return ChangeRequest(
        kicker=KICKER,
        title=title,
        verdict=_summary(checked.lines),
        is_good=checked.worst is not CheckStatus.PROBLEM,
        tables=tuple(tables),
    )


def _row(checked: Checked) -> tuple[str, str, str, str]:
    levels = [line.level for line in checked.lines]
    numbers = (str(levels.count(level)) for level in (CheckStatus.PROBLEM, CheckStatus.WARNING))
    problems, warnings = numbers if checked.lines else ("-", "-")
    return f"{checked.namespace}/{checked.name}", _result(checked), problems, warnings


def _result(checked: Checked) -> str:
    if not checked.is_applied:
        return "no Blueprint"
    return "not checked" if checked.failure else checked.worst.value


def _text(line: CheckLine, color: Color | None, width: int) -> str:
    word = color(line.level) if color else line.level.value
    gap = " " * (WIDTH - len(line.level.value))
    below = " " * WIDTH
    rows = hung(below, f"{escape_control_chars(line.what)} ({line.id})", width)
    rows[0] = f"{word}{gap}{rows[0].removeprefix(below)}"
    for text in line.detail:
        rows += hung(f"{below}- ", escape_control_chars(text), width)
    if line.remedy:
        rows.append(f"{below}> {escape_control_chars(line.remedy)}")
    return "".join(f"{row}\n" for row in rows)


def _summary(lines: Sequence[CheckLine]) -> str:
    levels = [line.level for line in lines]
    counts = [
        count_noun(levels.count(CheckStatus.PROBLEM), "problem"),
        count_noun(levels.count(CheckStatus.WARNING), "warning"),
    ]
    worst = max(levels, key=list(CheckStatus).index, default=CheckStatus.OK)
    return f"{', '.join(counts)}, {levels.count(CheckStatus.OK)} ok: {VERDICTS[worst]}"
