"""What a Blueprint on the cluster says of its making."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kanister_kafka import marks


@dataclass(frozen=True, slots=True)
class Origin:
    """What a Blueprint says of its making; empty where it does not say."""

    version: str = ""
    input_hash: str = ""
    options: str = ""
    """Words of the command line."""

    @classmethod
    def of(cls, blueprint: dict[str, Any]) -> Origin:
        """Read the annotations of a Blueprint."""
        notes = blueprint.get("metadata", {}).get("annotations") or {}
        names = (marks.VERSION, marks.INPUT_HASH, marks.OPTIONS)
        return cls(*(str(notes.get(name, "")) for name in names))
