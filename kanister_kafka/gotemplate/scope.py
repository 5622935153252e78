"""What a template has of its own, be it the whole text, a `define` or a `block`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


class Variables:
    """The variables of one template that are known at a place of it."""

    def __init__(self) -> None:
        self._names = ["$"]
        self._uses = Counter(self._names)

    def __contains__(self, name: str) -> bool:
        return self._uses[name] > 0

    def __len__(self) -> int:
        return len(self._names)

    def declare(self, name: str) -> None:
        """Make a variable known."""
        self._names.append(name)
        self._uses[name] += 1

    def shrink(self, length: int) -> None:
        """Forget all but the oldest variables: they end with the action they are within."""
        while len(self._names) > length:
            self._uses[self._names.pop()] -= 1


@dataclass(slots=True)
class Scope:
    """The variables of one template, and how many bodies of `range` are open in it."""

    variables: Variables = field(default_factory=Variables)
    ranges: int = 0
