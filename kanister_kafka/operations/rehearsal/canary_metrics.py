r"""Figures from the output of the probe and the states of pods; pure.

Lines of the probe: of Kafka's VerifiableProducer (tools/…/VerifiableProducer.java, one JSON object
a line, `timestamp` in milliseconds when the acknowledgement was heard), of its console consumer
(`Partition:0\tOffset:5\tvalue`), and probe.sh's own, which begin with `###`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from kanister_kafka.operations.rehearsal.model import (
    Gap,
    Interval,
    OutageResult,
    OutageSource,
    PodState,
    PodTimeline,
)

MARK = "### "
RECORD = "record Partition:"
COMPLAINTS = 3


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A record that Kafka has acknowledged."""

    at: float
    """By the clock of the probe, seconds since 1970."""
    partition: int
    offset: int
    value: str


class CanaryLog:
    """The output of a probe so far; lines that come again change nothing."""

    def __init__(self) -> None:
        self.acks: dict[tuple[int, int], Acknowledgement] = {}
        """By partition and offset."""
        self.failed: set[str] = set()
        """Values that were not acknowledged."""
        self.kept: dict[tuple[int, int], str] = {}
        """Values that were read back."""
        self.marks: list[str] = []
        """The lines of probe.sh about itself: made, reading, written N, ended."""
        self.complaints: list[str] = []
        """First lines of the errors of Kafka's tools."""
        self.clock = float("inf")
        """Seconds to add to the clock of the probe for our own, by the line that came fastest."""

    def line(self, text: str, now: float) -> None:
        """Take in one line; `now` is our clock, seconds since 1970."""
        if text.startswith(MARK):
            self._mark(text.removeprefix(MARK))
        elif text.startswith("{"):
            self._event(text, now)
        elif text.strip() and len(self.complaints) < COMPLAINTS and text not in self.complaints:
            self.complaints.append(text)

    def _mark(self, text: str) -> None:
        if not text.startswith(RECORD):
            if text not in self.marks:
                self.marks.append(text)
            return
        partition, _, rest = text.removeprefix(RECORD).partition("\tOffset:")
        offset, _, value = rest.partition("\t")
        if partition.isdecimal() and offset.isdecimal():
            self.kept[int(partition), int(offset)] = value

    def _event(self, text: str, now: float) -> None:
        try:
            event: dict[str, Any] = json.loads(text)
        except ValueError:  # cut off
            return
        match event:
            case {
                "name": "producer_send_success",
                "timestamp": int(stamp),
                "partition": int(partition),
                "offset": int(offset),
                "value": str(value),
            }:
                at = stamp / 1000
                if (partition, offset) not in self.acks:
                    self.acks[partition, offset] = Acknowledgement(at, partition, offset, value)
                    self.clock = min(self.clock, now - at)
            case {"name": "producer_send_error", "value": str(value)}:
                self.failed.add(value)
                reason = f"{event.get('exception', '')}: {event.get('message', '')}"
                if len(self.complaints) < COMPLAINTS and reason not in self.complaints:
                    self.complaints.append(reason)

    @property
    def written(self) -> int | None:
        """How many records the topic had at the end; None before that is known."""
        said = [mark.partition(" ")[2] for mark in self.marks if mark.startswith("written ")]
        return int(said[-1]) if said and said[-1].isdecimal() else None

    @property
    def ended(self) -> bool:
        """Whether the probe has done all its work."""
        return any(mark.startswith("ended") for mark in self.marks)

    @property
    def leftover(self) -> str:
        """Objects that the probe could not remove; empty if there are none."""
        said = (mark.partition("left: ")[2] for mark in self.marks if mark.startswith("ended"))
        return next((text for text in said if text), "")


def lost(hearing: CanaryLog) -> int | None:
    """Count records that were acknowledged and are not there with the same value.

    None if some are missing but the reading itself was cut short, or nothing was acknowledged.
    """
    missing = sum(hearing.kept.get(place) != ack.value for place, ack in hearing.acks.items())
    whole = hearing.written is not None and len(hearing.kept) >= hearing.written
    return None if not hearing.acks or (missing and not whole) else missing


def longest_gap(times: Iterable[float], since: float) -> tuple[float, float] | None:
    """Return start and end of the longest time without an event that ends after `since`."""
    gaps = [(a, b) for a, b in pairwise(sorted(times)) if b >= since]
    return max(gaps, key=lambda gap: gap[1] - gap[0], default=None)


def client_outage(times: Sequence[float], since: float, *, served: bool) -> OutageResult | None:
    """Return the outage that the acknowledgements at these times show after `since`.

    If they were not `served` again, it begins with the last one and has no end.
    """
    if not times:
        return None
    if not served:
        return OutageResult(max(times), None, OutageSource.CLIENTS)
    gap = longest_gap(times, since)
    return None if gap is None else OutageResult(*gap, OutageSource.CLIENTS)


def partition_gaps(acks: Iterable[tuple[int, float]], since: float) -> tuple[Gap, ...]:
    """Return the longest gap of each partition after `since`, from partitions and times."""
    times: dict[int, list[float]] = {}
    for partition, at in acks:
        times.setdefault(partition, []).append(at)
    found = ((p, longest_gap(at, since)) for p, at in sorted(times.items()))
    return tuple(Gap(p, *gap) for p, gap in found if gap is not None)


def per_second(times: Iterable[float]) -> tuple[tuple[int, int], ...]:
    """Count events in each second that has one."""
    return tuple(sorted(Counter(int(at // 1) for at in times).items()))


def pods_outage(tracks: Iterable[PodTimeline]) -> OutageResult | None:
    """Return from when to when some broker was not Ready."""
    spans: list[Interval] = []
    for track in tracks:
        if track.broker:
            spans += track.spans
    away = [span for span in spans if span.state is not PodState.READY]
    if not away:
        return None
    last = max(span.end for span in spans)
    end = max(span.end for span in away)
    return OutageResult(
        min(span.start for span in away), None if end >= last else end, OutageSource.PODS
    )
