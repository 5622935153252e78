"""What has been read of one side of a partition and waits for the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kanister_kafka.topics.model import Message, Spot
from kanister_kafka.topics.records import Records

WINDOW = 2000
"""Records of each side in which both are looked for to go on alike."""
WINDOW_BYTES = 16 << 20
"""Where records are large, fewer; and where there are many partitions, fewer again."""
DRAWN = 120
"""Times that are kept for a drawing, at each end of what is common."""
NULL_TOO = 64
"""Bytes that a record takes besides its key and value, about."""


@dataclass(slots=True)
class Side:
    """What has been read of one side and not been compared yet."""

    window: int
    """Bytes that are enough to look for a place where both go on alike."""
    jumped: bool = False
    """Whether it is read from the time at which the other side begins, its older records unread."""
    messages: list[Any] = field(default_factory=list)
    records: Records = field(default_factory=Records)
    size: int = 0
    """Bytes, about."""
    ended: bool = False
    tail: int = 0
    """Records skipped before the first common one."""
    skipped: Message | None = None
    """The last of these."""
    first: Spot | None = None
    last: Spot | None = None
    only: int = 0

    @property
    def full(self) -> bool:
        """Whether it holds enough to look for a place where both go on alike."""
        return len(self.records) >= WINDOW or self.size >= self.window

    def add(self, run: Sequence[Any], *, timed: bool) -> None:
        """Take in what was read."""
        self.messages += run
        self.records.add(run, timed=timed)
        self.size += _size(run)

    def drop(self, count: int) -> None:
        """Forget the first records."""
        if count == len(self.messages):
            self.size = 0
        else:
            self.size -= _size(self.messages[:count])
        del self.messages[:count]
        self.records.drop(count)

    def spot(self, at: int) -> Spot:
        """Return the place of a record."""
        message = self.messages[at]
        return Spot(offset=message.offset(), time=message.timestamp()[1])

    def shown(self, at: int) -> Message | None:
        """Return a record as it is shown, or None where there is none yet."""
        return shown(self.messages[at]) if at < len(self.messages) else None


def _size(run: Sequence[Any]) -> int:
    """Return how many bytes some messages take, about; their length is that of the value."""
    return sum(map(len, run)) + NULL_TOO * len(run)


def shown(message: Any) -> Message:
    """Return a record of librdkafka as it is shown."""
    return Message(
        partition=message.partition(),
        offset=message.offset(),
        time=message.timestamp()[1],
        key=message.key(),
        value=message.value(),
        headers=tuple(message.headers() or ()),
    )
