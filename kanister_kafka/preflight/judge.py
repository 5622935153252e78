"""Every check, in the order in which they are told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import kanister_kafka.preflight.change as change
import kanister_kafka.preflight.drift as drift
import kanister_kafka.preflight.image as image
import kanister_kafka.preflight.kafka as kafka
import kanister_kafka.preflight.kanister as kanister
import kanister_kafka.preflight.operator as operator
import kanister_kafka.preflight.reading as reading
import kanister_kafka.preflight.rights as rights
import kanister_kafka.preflight.scripts as scripts
import kanister_kafka.preflight.storage as storage
from kanister_kafka.preflight.model import Line, UnseenError, doubt
from kanister_kafka.preflight.registry import Check
from kanister_kafka.preflight.view import View

CHECKS: tuple[Check, ...] = (
    reading.reading,
    reading.plan,
    kafka.ready,
    kafka.node_ids,
    kafka.pods_ready,
    kafka.rolling,
    kafka.pause,
    kafka.retention,
    kafka.writers,
    kafka.autoscalers,
    change.migration,
    change.version,
    change.rebalance,
    change.partitions,
    storage.storage,
    storage.claims,
    storage.snapshot_class,
    operator.operator,
    kanister.kanister,
    kanister.running_action,
    kanister.hook_timeout,
    kanister.measured,
    scripts.scripts,
    drift.drift,
    rights.rights,
    image.image,
    image.image_pull,
    image.kubectl,
    image.pod_user,
    image.quota,
)


def judge(view: View) -> tuple[Line, ...]:
    """Run every check; what could not be looked at becomes a warning."""
    return tuple(replace(line, id=check.id) for check in CHECKS for line in _lines(check, view))


def _lines(check: Check, view: View) -> Iterator[Line]:
    try:
        yield from check.find(view)
    except UnseenError as unseen:
        yield doubt(str(unseen), unseen.remedy, detail=(unseen.detail,) if unseen.detail else ())
