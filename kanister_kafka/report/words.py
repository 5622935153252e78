"""How all reports spell what they are given."""

from __future__ import annotations

from collections.abc import Sequence


def printable(text: str) -> str:
    r"""Return a text that stays on one line and does nothing to a terminal: `\n`, `\x1b`.

    Names and values of the input are quoted in messages, and may hold any character.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def count(number: int, noun: str) -> str:
    """Return a number with its noun, as `1 error` and `2 errors`; `info` has no plural."""
    return f"{number} {noun}" if number == 1 or noun == "info" else f"{number} {noun}s"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out columns as kubectl does; what stands in the row above is not said again."""
    shown: list[Sequence[str]] = [header]
    above: Sequence[str] = ()
    for row in rows:
        same = 0
        while same < min(2, len(row) - 2) and above and row[same] == above[same]:
            same += 1
        shown.append(("",) * same + tuple(row[same:]))
        above = row if row[0] else above
    widths = [max(len(row[i]) for row in shown) for i in range(len(header))]
    lines = ("   ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) for row in shown)
    return "".join(f"{line.rstrip()}\n" for line in lines)
