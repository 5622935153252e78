"""What is followed, on standard error: redrawn in place on a terminal, line by line otherwise."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable
from types import FrameType, TracebackType
from typing import Any

import click

from kanister_kafka.options import duration
from kanister_kafka.report.words import printable
from kanister_kafka.run.events import (
    Away,
    Back,
    Began,
    Ended,
    Event,
    Over,
    Printed,
    Trouble,
)
from kanister_kafka.run.progress import Mark, Progress, Row

MARKS = {
    Mark.WAITING: ("·", ".", "bright_black"),
    Mark.RUNNING: ("▸", ">", "cyan"),
    Mark.DONE: ("✔", "+", "green"),
    Mark.FAILED: ("✘", "x", "red"),
}
"""For each state of a phase: the sign, the same in ASCII, and its colour."""
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
NO_WRAP, WRAP = "\x1b[?7l", "\x1b[?7h"
"""Without wrapping a line that is too long is cut by the terminal: a row stays a row."""
CLEAR = "\r\x1b[J"
UP = "\x1b[A"


class Live:
    """Shows events as they come; what the terminal was is put back at the end, also by Ctrl-C."""

    def __init__(self, title: str, phases: Iterable[str] = (), *, logs: bool = True) -> None:
        self.title, self._logs = title, logs
        rows = tuple(Row(name) for name in phases)
        self.progress = Progress(time.monotonic(), rows)
        self._stream = sys.stderr
        dumb = os.environ.get("TERM", "") in ("", "dumb")
        self.draws = self._stream.isatty() and not dumb
        """Whether it draws on a terminal; else it writes lines."""
        context = click.get_current_context(silent=True)
        self._colours = self.draws and not (context and context.color is False)
        encoding = getattr(self._stream, "encoding", None) or "ascii"
        self._plain_signs = not _encodes("".join(sign[0] for sign in MARKS.values()), encoding)
        self._drawn: tuple[str, ...] = ()
        self._former: Any = None

    def __enter__(self) -> Live:
        if self.draws:
            self._former = signal.signal(signal.SIGTERM, _leave)
            self._write(HIDE)
        else:
            click.echo(self.title, err=True)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _failure: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self.draws:
            self._draw()
            self._write(WRAP + SHOW)
            signal.signal(signal.SIGTERM, self._former)

    def show(self, event: Event) -> None:
        """Show one event."""
        now = time.monotonic()
        self.progress = self.progress.after(event, now)
        words = self._words(event, now)
        if self.draws:
            self._draw(words if isinstance(event, (Printed, Trouble, Away, Back)) else "")
        elif words:
            click.echo(words, err=True)

    def _words(self, event: Event, now: float) -> str:
        """Return the line that tells an event for good, if any."""
        at = f"[{duration(int(now - self.progress.began)):>6}]"
        match event:
            case Began(phase):
                return f"{at} {phase}: begun"
            case Ended(phase, ok, seconds):
                return f"{at} {phase}: {'done' if ok else 'FAILED'} after {spent(seconds)}"
            case Printed(_, _, text) if self._logs:
                return printable(text) if self.draws else f"{at}   {printable(text)}"
            case Trouble(phase, reason):
                return f"{at} {phase + ': ' if phase else ''}{printable(reason)}"
            case Away(reason):
                return f"{at} the API server is away, asking again: {printable(reason)}"
            case Back(seconds):
                return f"{at} the API server answers again, after {spent(seconds)}"
            case Over() | _:
                return ""

    def _draw(self, line: str = "") -> None:
        columns, lines = shutil.get_terminal_size()
        rows = tuple(self._rows(time.monotonic(), columns))[: max(1, lines - 1)]
        # Narrowed meanwhile, a terminal may have broken what was drawn into more rows.
        up = sum(max(1, -(-len(row) // max(1, columns))) for row in self._drawn)
        block = "".join(f"{self._painted(row)}\n" for row in rows)
        said = f"{line}\n" if line else ""
        self._write(f"{UP * up}{CLEAR}{said}{NO_WRAP}{block}{WRAP}")
        self._drawn = rows

    def _rows(self, now: float, columns: int) -> Iterable[str]:
        progress = self.progress
        head = f"{self.title}  {spent(now - progress.began)}"
        nodes = f"  {progress.nodes}" if progress.nodes else ""
        yield _cut(head + nodes, columns)
        width = max((len(row.name) for row in progress.rows), default=0)
        for row in progress.rows:
            seconds = row.seconds
            if seconds is None and row.began is not None:
                seconds = now - row.began
            time_spent = "" if seconds is None else spent(seconds)
            said = row.said if row.mark in (Mark.RUNNING, Mark.FAILED) else ""
            sign = MARKS[row.mark][1 if self._plain_signs else 0]
            yield _cut(f" {sign} {row.name:{width}}  {time_spent:>6}  {printable(said)}", columns)
        if progress.away:
            yield _cut(f" ! the API server is away: {printable(progress.away)}", columns)

    def _painted(self, row: str) -> str:
        if self._colours:
            for sign, plain, colour in MARKS.values():
                for start in (f" {sign} ", f" {plain} "):
                    if row.startswith(start):
                        return click.style(row[:3], fg=colour) + row[3:]
        return row

    def _write(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(text.encode(encoding, "replace").decode(encoding))
        self._stream.flush()


def spent(seconds: float) -> str:
    """Return a time that was measured: `4.2s` while it is short, `1m12s` later."""
    return f"{seconds:.1f}s" if seconds < 9.95 else duration(round(seconds))


def _cut(text: str, columns: int) -> str:
    return text.rstrip()[: max(1, columns - 1)]


def _encodes(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
