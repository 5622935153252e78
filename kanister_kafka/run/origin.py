"""What a Blueprint on the cluster says of its making."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from kanister_kafka import marks
from kanister_kafka.strimzi.writers import Told


@dataclass(frozen=True, slots=True)
class Origin:
    """What a Blueprint says of its making; empty where it does not say."""

    version: str = ""
    input_hash: str = ""
    options: str = ""
    """Words of the command line."""

    @property
    def told(self) -> Told:
        """What the words of the command line say about single clients."""
        try:
            words = shlex.split(self.options) if self.options else []
        except ValueError:  # somebody else has written there
            return Told()
        pairs = tuple(pairwise(words))
        return Told(
            tuple(name for word, name in pairs if word == "--writer"),
            tuple(name for word, name in pairs if word == "--not-a-writer"),
        )

    @classmethod
    def of(cls, blueprint: Mapping[str, Any]) -> Origin:
        """Read the annotations of a Blueprint."""
        notes = blueprint.get("metadata", {}).get("annotations") or {}
        names = (marks.VERSION, marks.INPUT_HASH, marks.OPTIONS)
        return cls(*(str(notes.get(name, "")) for name in names))
