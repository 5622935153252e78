"""Which blocks stand for a topic that is too large to be read, and what they tell together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kanister_kafka.topics.client import Span
from kanister_kafka.topics.model import PartitionResult

BLOCK = 1000
"""Offsets in a block."""

Blocks = dict[int, tuple[int, int]]
"""For each partition where a block starts and ends."""


def sample(spans: Mapping[int, Span], heads: Mapping[int, int], share: float) -> tuple[Blocks, ...]:
    """Return rounds of blocks, one of each partition in a round, the newest in the last.

    The blocks of a partition are as far from each other, and make up the share of it. The newest
    begins before `heads`, the offset to which both sides have come, and goes on to the end.
    """
    rounds: list[Blocks] = [{}]
    for number, span in spans.items():
        newest = max(span.earliest, min(heads[number], span.latest) - BLOCK)
        rounds[0][number] = (newest, span.latest)
        wanted = round((newest - span.earliest) * share / BLOCK)
        step = max(BLOCK, (newest - span.earliest) // max(1, wanted))
        starts = range(span.earliest, max(span.earliest, newest - BLOCK + 1), step)
        for turn, at in enumerate(starts[:wanted]):
            if turn + 1 == len(rounds):
                rounds.append({})
            rounds[turn + 1][number] = (at, at + BLOCK)
    return (*rounds[1:], rounds[0])


def joined(
    earlier: Sequence[Sequence[PartitionResult]], newest: Sequence[PartitionResult]
) -> tuple[PartitionResult, ...]:
    """Join what the blocks of each partition told; ends are those of the newest block."""
    blocks: dict[int, list[PartitionResult]] = {}
    for some in earlier:
        for result in some:
            blocks.setdefault(result.partition, []).append(result)
    return tuple(_one(blocks.get(result.partition, []), result) for result in newest)


def _one(earlier: Sequence[PartitionResult], newest: PartitionResult) -> PartitionResult:
    every = (*earlier, newest)
    return replace(
        newest,
        common=sum(result.common for result in every),
        digest="",
        tail_a=None,
        tail_b=None,
        only_a=sum(result.only_a for result in every),
        only_b=sum(result.only_b for result in every),
        uncommitted=sum(result.uncommitted for result in every),
        difference=next((r.difference for r in every if r.difference is not None), None),
        given_up=any(result.given_up for result in every),
        first_a=next((r.first_a for r in every if r.first_a is not None), None),
        first_b=next((r.first_b for r in every if r.first_b is not None), None),
    )
