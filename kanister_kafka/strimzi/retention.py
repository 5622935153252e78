"""Retention that a restore holds: its annotation on the Kafka, and its release.

`templates/scripts/lib/hold-retention.sh` sets options of `spec.kafka.config`, and in the same write
stores their former values in the annotation.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kanister_kafka.constants import RETENTION_HELD
from kanister_kafka.durations import parse_duration

DELAY = "log.initial.task.delay.ms"
"""The option without which Kafka deletes 30 s after its start."""
TEN_YEARS_MS = 315_360_000_000
INT_MAX = 2**31 - 1
HOLDABLE = ((3, 8), (5, 0))
"""Versions of Kafka that have the option: from the first one to before the second one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRetention:
    """A hold, and the options that were changed since."""

    since: str
    """Time of the restore; empty if the annotation is damaged."""
    retention: str
    """`hold`, or the duration for which each broker holds records after its start."""
    backup: str
    """Time of the backup; empty if it is not known."""
    before: Mapping[str, Any] | None
    """Former value of each option, None if it was absent; None if there was no config."""
    held: Mapping[str, Any]
    """Value of each option that the restore has set."""
    changed: tuple[str, ...]
    """Options that were changed since, sorted."""
    damaged: bool = False
    """Whether the annotation cannot be read."""

    @property
    def holds(self) -> bool:
        """Whether the option that delays the deletion is still set."""
        return not self.damaged and DELAY not in self.changed


def read_held(kafka: Mapping[str, Any]) -> HeldRetention | None:
    """Read the hold of a Kafka resource; None if nothing is held."""
    text = (kafka["metadata"].get("annotations") or {}).get(RETENTION_HELD)
    if not text:
        return None
    try:
        annotation = json.loads(text)
        before = annotation["before"]
        held = {**annotation["held"]}
        return HeldRetention(
            since=str(annotation["since"]),
            retention=str(annotation["retention"]),
            backup=str(annotation.get("backup", "")),
            before=None if before is None else {**before},
            held=held,
            changed=tuple(sorted(key for key in held if not _is_set(kafka, key, held[key]))),
        )
    except (KeyError, TypeError, ValueError):
        return HeldRetention(
            since="", retention="", backup="", before=None, held={}, changed=(), damaged=True
        )


def hold_options(delay_ms: int) -> dict[str, str]:
    """Return the options of brokers that delete no record for that time after their start.

    Compaction, offsets, transactional and producer ids are held until the release.
    """
    return {
        DELAY: str(delay_ms),
        "log.cleaner.enable": "false",
        "offsets.retention.minutes": str(INT_MAX),
        "offsets.retention.check.interval.ms": str(TEN_YEARS_MS),
        "transactional.id.expiration.ms": str(INT_MAX),
        "transaction.remove.expired.transaction.cleanup.interval.ms": str(INT_MAX),
        "producer.id.expiration.ms": str(INT_MAX),
        "producer.id.expiration.check.interval.ms": str(INT_MAX),
    }


def is_holdable(version: str) -> bool:
    """Return whether the retention of this version of Kafka can be held."""
    match = re.match(r"([0-9]{1,4})\.([0-9]{1,4})", version)
    return match is not None and HOLDABLE[0] <= (int(match[1]), int(match[2])) < HOLDABLE[1]


def hold(kafka: Mapping[str, Any], *, retention: str, backup: str, now: str) -> dict[str, Any]:
    """Return a Kafka resource whose brokers hold their retention, with its annotation.

    `retention` is `hold` or a duration. The former values of a Kafka that was held stay in the
    annotation, so that a release restores them. The former value of an option that a user has
    changed since is the one that it has now.
    """
    delay = parse_duration(retention)
    options = hold_options(TEN_YEARS_MS if delay is None else delay * 1000)
    config = _config(kafka)
    before = _former_values(kafka, options)
    annotation = {
        "since": now,
        "retention": retention,
        "backup": backup,
        "before": before,
        "held": options,
    }
    changed = copy.deepcopy(dict(kafka))
    changed["spec"]["kafka"]["config"] = {**(config or {}), **options}
    notes = changed["metadata"].setdefault("annotations", {})
    notes[RETENTION_HELD] = json.dumps(annotation, separators=(",", ":"))
    return changed


def released_spec(kafka: Mapping[str, Any], held: HeldRetention) -> dict[str, Any]:
    """Return the merge patch that ends a hold; the API server refuses it if the Kafka has changed.

    It restores the former value of each option, except of options that were changed since.
    """
    former = held.before or {}
    restored = {key: former.get(key) for key in sorted(held.held) if key not in held.changed}
    config = _config(kafka)
    has_no_config = config is None or (held.before is None and set(config) <= set(restored))
    return {
        "metadata": {
            "resourceVersion": kafka["metadata"]["resourceVersion"],
            "annotations": {RETENTION_HELD: None},
        },
        "spec": {"kafka": {"config": None if has_no_config else restored}},
    }


def _former_values(kafka: Mapping[str, Any], options: Iterable[str]) -> dict[str, Any] | None:
    """Return what a release restores after the next hold; None to remove the config."""
    config, earlier = _config(kafka), read_held(kafka)
    if config is None:
        return None
    values = {key: config.get(key) for key in options}
    if earlier is None or earlier.damaged:
        return values
    former = earlier.before or {}
    values |= {key: former.get(key) for key in earlier.held if key not in earlier.changed}
    had_option = any(value is not None for value in values.values())
    return values if had_option or earlier.before is not None else None


def _config(kafka: Mapping[str, Any]) -> Mapping[str, Any] | None:
    inner = (kafka.get("spec") or {}).get("kafka") or {}
    config: Mapping[str, Any] | None = inner.get("config")
    return config


def _is_set(kafka: Mapping[str, Any], key: str, value: Any) -> bool:
    config = _config(kafka) or {}
    return key in config and _setting(config[key]) == _setting(value)


def _setting(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
