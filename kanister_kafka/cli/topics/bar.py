"""How far a comparison has come: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

import click

EVERY = 10.0
"""Seconds between two lines where there is no terminal."""


class Bar:
    """What has passed, how much in a second, and how long it may still take."""

    def __init__(self, label: str, *, unit: str = "offsets", quiet: bool = False) -> None:
        self._label, self._unit, self._quiet = label, unit, quiet
        self._began = self._told = time.monotonic()
        self._passed = 0
        self._bar: Any = None

    def __enter__(self) -> Bar:
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
