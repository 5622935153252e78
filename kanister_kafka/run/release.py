"""Ending the hold of a restored Kafka's retention: one write, and the roll that follows it."""

from __future__ import annotations

import time
from collections.abc import Callable

from kanister_kafka import marks
from kanister_kafka.errors import ActionError, ConflictError, NotFoundError, TransientError
from kanister_kafka.kube.connection import Connection, Object, Resource
from kanister_kafka.run.target import Target, served, versioned
from kanister_kafka.strimzi.retention import Held, read_held, released

TRIES = 8
"""The operator writes into the status meanwhile, which makes a write fail that counts on what was
read."""


class Release:
    """The hold of one Kafka."""

    def __init__(self, connection: Connection, target: Target) -> None:
        found = served(connection, "Kafka")
        if found is None:
            raise NotFoundError("Strimzi is not installed on this cluster")
        self.connection, self.target = connection, target
        self.resource: Resource = found

    def look(self) -> tuple[Object, Held | None]:
        """Return the Kafka, and its hold; NotFoundError where it is not there."""
        kafka = self.connection.get(self.resource, self.target.name, self.target.namespace)
        return kafka, read_held(kafka)

    def check(self, kafka: Object, held: Held) -> None:
        """Raise ActionError where the hold cannot be ended now."""
        target = self.target
        where = f"{versioned('kafkas', kafka)} {target.name} -n {target.namespace}"
        if held.damaged:
            raise ActionError(
                f"annotation {marks.RETENTION_HELD} of Kafka {target} is damaged.\n"
                "Put spec.kafka.config right by hand, then take the annotation away:\n"
                f"  kubectl edit {where}\n"
                f"  kubectl annotate {where} {marks.RETENTION_HELD}-"
            )
        notes = kafka["metadata"].get("annotations") or {}
        if notes.get(marks.PAUSE_BEFORE):
            raise ActionError(
                f"Kafka {target} is stopped, or half stopped, by a backup or a restore.\n"
                "Wait for its end, or bring it back:\n"
                f"  kanister-kafka resume {target.name} -n {target.namespace}"
            )

    def end(self) -> int:
        """Put the options back and return the generation to wait for; 0 where all was done.

        What was read counts: a Kafka that has changed meanwhile is read again.
        """
        for _ in range(TRIES):
            kafka, held = self.look()
            if held is None:
                return 0
            self.check(kafka, held)
            try:
                made = self.connection.patch(
                    self.resource, self.target.name, self.target.namespace, released(kafka, held)
                )
            except (ConflictError, TransientError):  # it may be written all the same
                time.sleep(1)
                continue
            return int(made["metadata"].get("generation") or 0)
        raise ActionError(f"Kafka {self.target} changes all the time, or does not answer")

    def wait(
        self, generation: int, *, seconds: float, say: Callable[[str], None], poll: float = 3
    ) -> bool:
        """Wait until the operator has rolled the brokers; False where the time is over."""
        end, told = time.monotonic() + seconds, ""
        while True:
            try:
                kafka, _held = self.look()
            except TransientError as failure:
                missing = str(failure)
            else:
                missing = unready(kafka, generation)
            if not missing:
                return True
            if missing != told:
                say(missing)
                told = missing
            if time.monotonic() > end:
                return False
            time.sleep(poll)


def unready(kafka: Object, generation: int) -> str:
    """Return what is missing until the operator has taken in this generation; empty for nothing."""
    status = kafka.get("status") or {}
    conditions = {c.get("type"): c for c in status.get("conditions") or ()}
    if (kafka["metadata"].get("annotations") or {}).get(marks.PAUSE, "").lower() == "true":
        return "its reconciliation is paused: the brokers are rolled when that ends"
    if int(status.get("observedGeneration") or 0) < generation:
        return "the operator rolls the brokers one by one"
    if (conditions.get("Ready") or {}).get("status") == "True":
        return ""
    why = conditions.get("NotReady") or {}
    return f"Kafka is not Ready: {why.get('reason', '')}: {why.get('message', '')}".rstrip(": ")
