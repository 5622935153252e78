"""Renderings that differ in the names of their clusters alone, such as those of a fleet.

Of a thousand clusters most are made from one chart. A Blueprint that is sound stays so when a name
is replaced wherever it stands with another one of the same length: no rule knows names of clusters.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator

from kanister_kafka.plan import Plan

GAP, FILL, EDGE = "\0", "\1", "\2"
"""What a name is replaced with, as often as its number says, and what stands between texts."""
LETTER = re.compile("(?<=.)[a-z0-9-]|[a-z]")
FIGURE = re.compile("^[0-9]")
"""What may stand for another of these in a name: a few rules mind a digit at its beginning."""
MOST = 4096
"""Likenesses that are remembered: some hundred bytes each."""


class Sound:
    """What was found to be sound: a rendering that is like it but for names is sound as well."""

    def __init__(self) -> None:
        self._likenesses: set[bytes] = set()

    def __contains__(self, likeness: bytes) -> bool:
        return likeness in self._likenesses

    def add(self, likeness: bytes) -> None:
        """Remember a likeness."""
        if len(self._likenesses) >= MOST:
            self._likenesses.clear()
        self._likenesses.add(likeness)


def likeness_of(texts: Iterable[str], names: Iterable[str]) -> bytes | None:
    """Return what is the same for texts that differ in names alone, and in no name's outline.

    None where that cannot be told.
    """
    several, found = tuple(texts), tuple(filter(None, dict.fromkeys(names)))
    if any(mark in text for text in (*several, *found) for mark in (GAP, FILL, EDGE)):
        return None
    whole = EDGE.join(several)
    # The longest first, as one may be a part of another.
    for number, name in sorted(enumerate(found), key=lambda pair: len(pair[1]), reverse=True):
        whole = whole.replace(name, f"{GAP}{FILL * number}{GAP}")
    outlines = EDGE.join(FIGURE.sub("0", LETTER.sub("a", name)) for name in found)
    return hashlib.sha256(f"{outlines}{EDGE}{whole}".encode(errors="surrogatepass")).digest()


def names_of(plan: Plan) -> Iterator[str]:
    """Yield what another cluster of the same making has otherwise: names, and its source."""
    yield from (plan.cluster.namespace, plan.cluster.name, plan.cluster.source)
    for writer in plan.cluster.writers:
        yield from (writer.namespace, writer.name)
