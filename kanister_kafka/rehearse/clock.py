"""One clock for everything that is measured."""

from __future__ import annotations

import time
from datetime import datetime, timezone


class Clock:
    """Seconds since it was made; does not jump when the time of day is set."""

    def __init__(self) -> None:
        self.began = datetime.now(timezone.utc)
        """The time of day then."""
        self._zero = time.monotonic()

    def __call__(self) -> float:
        """Return the seconds since it was made."""
        return time.monotonic() - self._zero

    def today(self) -> float:
        """Return the time of day as seconds since 1970, by the same steady clock."""
        return self.began.timestamp() + self()
