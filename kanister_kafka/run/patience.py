"""An API server that is away for a while: told once, asked again and again."""

from __future__ import annotations

import time
from collections.abc import Iterator

from kanister_kafka.errors import TransientError
from kanister_kafka.run.events import Away, Back, Event


class Patience:
    """Knows whether the API server is away, and since when."""

    def __init__(self) -> None:
        self._since: float | None = None

    @property
    def lost(self) -> bool:
        """Whether the last request failed."""
        return self._since is not None

    def away(self, failure: TransientError) -> Iterator[Event]:
        """Note that a request has failed."""
        if self._since is None:
            self._since = time.monotonic()
            yield Away(str(failure))

    def back(self) -> Iterator[Event]:
        """Note that a request was answered."""
        if self._since is not None:
            yield Back(time.monotonic() - self._since)
            self._since = None
