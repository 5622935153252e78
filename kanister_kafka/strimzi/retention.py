"""Retention that a restore holds: the annotation of the Kafka that says so, and its end.

`templates/scripts/hold-retention.sh` writes it: options of `spec.kafka.config`, and in the same
write what they were before.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kanister_kafka.constants import RETENTION_HELD

DELAY = "log.initial.task.delay.ms"
"""The option without which Kafka deletes 30 s after its start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRetention:
    """A hold, and what became of it."""

    since: str
    """Time of the restore; empty if the annotation is damaged."""
    retention: str
    """`hold`, or the duration for which each broker holds records after its start."""
    backup: str
    """When the backup was made; empty if nothing tells."""
    before: Mapping[str, Any] | None
    """What each option was, None if it was absent; None if there was no config at all."""
    held: Mapping[str, Any]
    """What the restore has set each option to."""
    changed: tuple[str, ...]
    """Options that somebody has changed since, sorted."""
    damaged: bool = False
    """Whether the annotation cannot be read."""

    @property
    def holds(self) -> bool:
        """Whether the option that counts most still stands."""
        return not self.damaged and DELAY not in self.changed


def read_held(kafka: Mapping[str, Any]) -> HeldRetention | None:
    """Read the hold of a Kafka resource; None if nothing is held."""
    text = (kafka["metadata"].get("annotations") or {}).get(RETENTION_HELD)
    if not text:
        return None
    try:
        memo = json.loads(text)
        before, held = memo["before"], {**memo["held"]}
        found = HeldRetention(
            since=str(memo["since"]),
            retention=str(memo["retention"]),
            backup=str(memo.get("backup", "")),
            before=None if before is None else {**before},
            held=held,
            changed=tuple(sorted(key for key in held if not _stands(kafka, key, held[key]))),
        )
    except (KeyError, TypeError, ValueError):
        return HeldRetention(
            since="", retention="", backup="", before=None, held={}, changed=(), damaged=True
        )
    return found


def released_spec(kafka: Mapping[str, Any], held: HeldRetention) -> dict[str, Any]:
    """Return the merge patch that ends a hold, and is refused if the Kafka has changed.

    An option is as it was before; what somebody has changed since is left alone.
    """
    back = {
        key: (held.before or {}).get(key) for key in sorted(held.held) if key not in held.changed
    }
    only_ours = held.before is None and set(_config(kafka) or ()) <= set(back)
    return {
        "metadata": {
            "resourceVersion": kafka["metadata"]["resourceVersion"],
            "annotations": {RETENTION_HELD: None},
        },
        "spec": {"kafka": {"config": None if only_ours else back}},
    }


def _config(kafka: Mapping[str, Any]) -> Mapping[str, Any] | None:
    inner = (kafka.get("spec") or {}).get("kafka") or {}
    found: Mapping[str, Any] | None = inner.get("config")
    return found


def _stands(kafka: Mapping[str, Any], key: str, value: Any) -> bool:
    config = _config(kafka) or {}
    return key in config and _spelled(config[key]) == _spelled(value)


def _spelled(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
