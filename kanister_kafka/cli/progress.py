"""How far a comparison has come: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from types import FrameType, TracebackType
from typing import Any

import click

from kanister_kafka.durations import format_duration, format_elapsed
from kanister_kafka.operations.events import (
    ActionFinished,
    ApiRecovered,
    ApiUnavailable,
    Event,
    LogLine,
    PhaseFinished,
    PhaseMark,
    PhaseStarted,
    PodProblem,
    Progress,
)
from kanister_kafka.reports.text import escape_control_chars

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


class ProgressReporter:
    """What has passed, how much in a second, and how long it may still take."""

    def __init__(self, label: str, *, unit: str = "offsets", quiet: bool = False) -> None:
        self._label, self._unit, self._quiet = label, unit, quiet
        self._began = self._told = time.monotonic()
        self._passed = 0
        self._bar: Any = None

    def __enter__(self) -> ProgressReporter:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _failure: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.render_finish()

    def tell(self, passed: int, total: int) -> None:
        """Hear how far it is."""
        if self._quiet:
            return
        if not sys.stderr.isatty():
            self._line(passed, total)
            return
        if self._bar is None:
            self._bar = click.progressbar(
                length=total,
                label=self._label,
                file=sys.stderr,
                show_percent=True,
                item_show_func=lambda _: f"{self._rate(self._passed):,.0f}/s",
            )
            self._bar.render_progress()
        self._bar.length = max(total, 1)
        step, self._passed = passed - self._passed, passed
        self._bar.update(step)

    def _line(self, passed: int, total: int) -> None:
        now = time.monotonic()
        self._passed = passed
        if now - self._told < EVERY or not total:
            return
        self._told = now
        rate = self._rate(passed)
        left = f", {(total - passed) / rate:.0f} s left" if rate else ""
        click.echo(
            f"{self._label}: {passed / total:.0%} of {total} {self._unit}, {rate:,.0f}/s{left}",
            err=True,
        )

    def _rate(self, passed: int) -> float:
        return passed / max(time.monotonic() - self._began, 1e-6)


# What is followed, on standard error: redrawn in place on a terminal, line by line otherwise.

MARKS = {
    PhaseMark.WAITING: ("·", ".", "bright_black"),
    PhaseMark.RUNNING: ("▸", ">", "cyan"),
    PhaseMark.DONE: ("✔", "+", "green"),
    PhaseMark.FAILED: ("✘", "x", "red"),
}
"""For each state of a phase: the sign, the same in ASCII, and its colour."""
HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"
NO_WRAP, WRAP = "\x1b[?7l", "\x1b[?7h"
"""Without wrapping a line that is too long is cut by the terminal: a row stays a row."""
CLEAR = "\r\x1b[J"
UP = "\x1b[A"


class LiveDisplay:
    """Shows events as they come; what the terminal was is put back at the end, also by Ctrl-C."""

    def __init__(
        self, title: str, *, logs: bool = True, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.title = title
        self._logs = logs
        self._now = now
        self.progress = Progress(now())
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

    def __enter__(self) -> LiveDisplay:
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

    def elapsed(self) -> float:
        """Return the seconds since it was made."""
        return self._now() - self.progress.began

    def show(self, event: Event) -> None:
        """Show one event."""
        now = self._now()
        self.progress = self.progress.after(event, now)
        words = self._words(event, now)
        if self.draws:
            self._draw(
                words
                if isinstance(event, (LogLine, PodProblem, ApiUnavailable, ApiRecovered))
                else ""
            )
        elif words:
            click.echo(words, err=True)

    def _words(self, event: Event, now: float) -> str:
        """Return the line that tells an event for good, if any."""
        at = f"[{format_duration(int(now - self.progress.began)):>6}]"
        match event:
            case PhaseStarted(phase):
                return f"{at} {phase}: begun"
            case PhaseFinished(phase, ok, seconds):
                return f"{at} {phase}: {'done' if ok else 'FAILED'} after {format_elapsed(seconds)}"
            case LogLine(_, _, text) if self._logs:
                return (
                    escape_control_chars(text)
                    if self.draws
                    else f"{at}   {escape_control_chars(text)}"
                )
            case PodProblem(phase, reason):
                return f"{at} {phase + ': ' if phase else ''}{escape_control_chars(reason)}"
            case ApiUnavailable(reason):
                return f"{at} the API server is away, asking again: {escape_control_chars(reason)}"
            case ApiRecovered(seconds):
                return f"{at} the API server answers again, after {format_elapsed(seconds)}"
            case ActionFinished() | _:
                return ""

    def _draw(self, line: str = "") -> None:
        columns, lines = shutil.get_terminal_size()
        rows = tuple(self._rows(self._now(), columns))[: max(1, lines - 1)]
        # Narrowed meanwhile, a terminal may have broken what was drawn into more rows.
        up = sum(max(1, -(-len(row) // max(1, columns))) for row in self._drawn)
        block = "".join(f"{self._painted(row)}\n" for row in rows)
        said = f"{line}\n" if line else ""
        self._write(f"{UP * up}{CLEAR}{said}{NO_WRAP}{block}{WRAP}")
        self._drawn = rows

    def _rows(self, now: float, columns: int) -> Iterable[str]:
        progress = self.progress
        head = f"{self.title}  {format_elapsed(now - progress.began)}"
        nodes = f"  {progress.nodes}" if progress.nodes else ""
        yield _cut(head + nodes, columns)
        width = max((len(row.name) for row in progress.rows), default=0)
        for row in progress.rows:
            seconds = row.seconds
            if seconds is None and row.began is not None:
                seconds = now - row.began
            time_spent = "" if seconds is None else format_elapsed(seconds)
            said = row.said if row.mark in (PhaseMark.RUNNING, PhaseMark.FAILED) else ""
            sign = MARKS[row.mark][1 if self._plain_signs else 0]
            yield _cut(
                f" {sign} {row.name:{width}}  {time_spent:>6}  {escape_control_chars(said)}",
                columns,
            )
        if progress.away:
            yield _cut(f" ! the API server is away: {escape_control_chars(progress.away)}", columns)

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
