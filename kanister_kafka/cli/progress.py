"""The progress, on standard error: drawn in place on a terminal, line by line elsewhere."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

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

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.progress import Progress as ProgressBar
    from rich.text import Text

LINE_INTERVAL = 10.0
"""Seconds between two lines if there is no terminal."""
DRAW_INTERVAL = 0.1
"""Seconds between two drawings of a bar."""
SIGNS = {
    PhaseMark.WAITING: ("·", ".", "bright_black"),
    PhaseMark.RUNNING: ("▸", ">", "cyan"),
    PhaseMark.DONE: ("✔", "+", "green"),
    PhaseMark.FAILED: ("✘", "x", "red"),
}
"""For each state of a phase: the sign, the same in ASCII, and its colour."""


def is_drawable(stream: TextIO) -> bool:
    """Return whether a stream is a terminal on which text can be drawn in place."""
    return stream.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def terminal(stream: TextIO) -> Console:
    """Return rich's console on a terminal. Import takes 50 ms, so only commands that draw do it."""
    from rich.console import Console

    context = click.get_current_context(silent=True)
    colourless = context is not None and context.color is False
    return Console(
        file=stream,
        force_terminal=True,
        color_system=None if colourless else "standard",
        emoji=False,
        highlight=False,
        markup=False,
    )


def encodable(text: str, stream: TextIO) -> str:
    """Return a text with a ? for each character that the encoding of a stream does not have."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    return text.encode(encoding, "replace").decode(encoding)


class ProgressReporter:
    """How much is done, how much in a second, and how long it may still take."""

    def __init__(self, label: str, *, unit: str = "offsets", quiet: bool = False) -> None:
        self._label = label
        self._unit = unit
        self._quiet = quiet
        self._start = time.monotonic()
        self._reported = self._start
        self._bar: ProgressBar | None = None

    def __enter__(self) -> ProgressReporter:
        return self

    def __exit__(self, *_failure: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def report(self, done: int, total: int) -> None:
        """Show how much is done of all."""
        if self._quiet or not total:
            return
        now = time.monotonic()
        rate = done / max(now - self._start, 1e-6)
        if is_drawable(sys.stderr):
            self._draw(done, total, rate, now)
        elif now - self._reported >= LINE_INTERVAL:
            self._reported = now
            left = f", {(total - done) / rate:.0f} s left" if rate else ""
            share = f"{done / total:.0%} of {total} {self._unit}"
            click.echo(f"{self._label}: {share}, {rate:,.0f}/s{left}", err=True)

    def _draw(self, done: int, total: int, rate: float, now: float) -> None:
        if self._bar is None:
            self._bar = _new_bar()
            self._bar.add_task(self._label, rate="")
            self._bar.start()
        elif now - self._reported < DRAW_INTERVAL and done < total:
            return
        self._reported = now
        (task,) = self._bar.task_ids
        # Without a thread that draws: a comparison forks its processes.
        self._bar.update(task, completed=done, total=total, rate=f"{rate:,.0f}/s", refresh=True)


def _new_bar() -> ProgressBar:
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=terminal(sys.stderr),
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )


class LiveDisplay:
    """Shows events as they come, and restores the terminal at the end, also after Ctrl-C."""

    def __init__(
        self, title: str, *, logs: bool = True, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.title = title
        self.draws = is_drawable(sys.stderr)
        """Whether it draws on a terminal; else it writes lines."""
        self._logs = logs
        self._now = now
        self.progress = Progress(now())
        self._live: Live | None = None
        self._rows: list[str] = []
        """As they were drawn."""
        self._sigterm: Any = None

    def __enter__(self) -> LiveDisplay:
        if not self.draws:
            click.echo(self.title, err=True)
            return self
        from rich.live import Live

        self._sigterm = signal.signal(signal.SIGTERM, _leave)
        self._live = Live(
            console=terminal(sys.stderr),
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        return self

    def __exit__(self, *_failure: object) -> None:
        if self._live is not None:
            self._draw(self._live)
            self._live.stop()
            signal.signal(signal.SIGTERM, self._sigterm)

    def elapsed(self) -> float:
        """Return the seconds since it was made."""
        return self._now() - self.progress.began

    def show(self, event: Event) -> None:
        """Show one event."""
        self.progress = self.progress.after(event, self._now())
        line = self._line(event)
        if self._live is None:
            if line:
                click.echo(line, err=True)
        elif isinstance(event, (PhaseStarted, PhaseFinished)):  # its row shows it
            self._draw(self._live)
        else:
            self._draw(self._live, line)

    def _line(self, event: Event) -> str:
        """Return the line that stays of an event, if any."""
        at = f"[{format_duration(int(self.elapsed())):>6}]"
        match event:
            case PhaseStarted(phase):
                return f"{at} {phase}: begun"
            case PhaseFinished(phase, ok, seconds):
                return f"{at} {phase}: {'done' if ok else 'FAILED'} after {format_elapsed(seconds)}"
            case LogLine(_, _, text) if self._logs:
                text = escape_control_chars(text)
                return text if self.draws else f"{at}   {text}"
            case PodProblem(phase, reason):
                return f"{at} {phase + ': ' if phase else ''}{escape_control_chars(reason)}"
            case ApiUnavailable(reason):
                return f"{at} the API server is away, asking again: {escape_control_chars(reason)}"
            case ApiRecovered(seconds):
                return f"{at} the API server answers again, after {format_elapsed(seconds)}"
            case ActionFinished() | _:
                return ""

    def _draw(self, live: Live, line: str = "") -> None:
        """Draw the state, with a line above it that stays."""
        from rich.control import Control
        from rich.segment import ControlType
        from rich.text import Text

        columns, lines = shutil.get_terminal_size()
        live.console.size = (columns, lines)
        # A terminal that was narrowed has broken rows into several: rich erases one for each.
        for row in self._rows:
            for _ in range((len(row) - 1) // max(1, columns)):
                erase = (ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1)
                live.console.control(Control(ControlType.CARRIAGE_RETURN, *erase))
        state = self._state()
        self._rows = [row[:columns] for row in state.plain.splitlines()[:lines]]
        if line:  # as a whole: the terminal breaks it, and copying it gives it back
            live.console.print(Text(encodable(line, sys.stderr)), soft_wrap=True)
        live.update(state, refresh=True)

    def _state(self) -> Text:
        """Return a row for each phase below the title; a terminal cuts rows that are too long."""
        from rich.text import Text

        progress = self.progress
        nodes = f"  {progress.nodes}" if progress.nodes else ""
        state = Text(f"{self.title}  {format_elapsed(self.elapsed())}{nodes}")
        state.no_wrap = True
        state.overflow = "crop"
        plain = encodable("✔", sys.stderr) != "✔"
        width = max((len(row.name) for row in progress.rows), default=0)
        for row in progress.rows:
            seconds = row.seconds
            if seconds is None and row.began is not None:
                seconds = self._now() - row.began
            took = "" if seconds is None else format_elapsed(seconds)
            last_line = row.last_line if row.mark in (PhaseMark.RUNNING, PhaseMark.FAILED) else ""
            sign, ascii_sign, colour = SIGNS[row.mark]
            state.append("\n ")
            state.append(ascii_sign if plain else sign, style=colour)
            text = f" {row.name:{width}}  {took:>6}  {escape_control_chars(last_line)}"
            state.append(encodable(text.rstrip(), sys.stderr))
        if progress.away:
            away = f"\n ! the API server is away: {escape_control_chars(progress.away)}"
            state.append(encodable(away, sys.stderr))
        return state


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
