"""Ending the hold of a restored Kafka's retention: one write, and the roll that follows it."""

from __future__ import annotations

import time
from collections.abc import Callable

from kanister_kafka import constants
from kanister_kafka.errors import ActionError, ConflictError, NotFoundError, TransientError
from kanister_kafka.kube.client import ApiResource, KubeClient, Object
from kanister_kafka.strimzi.discovery import KafkaRef, find_resource, versioned
from kanister_kafka.strimzi.retention import HeldRetention, read_held, released_spec

TRIES = 8
"""The operator writes into the status meanwhile, which makes a write fail that counts on what was
read."""


class RetentionRelease:
    """The hold of one Kafka."""

    def __init__(self, connection: KubeClient, target: KafkaRef) -> None:
        found = find_resource(connection, "Kafka")
        if found is None:
            raise NotFoundError("Strimzi is not installed on this cluster")
        self.connection, self.target = connection, target
        self.resource: ApiResource = found

    def look(self) -> tuple[Object, HeldRetention | None]:
        """Return the Kafka, and its hold; NotFoundError where it is not there."""
        kafka = self.connection.get(self.resource, self.target.name, self.target.namespace)
        return kafka, read_held(kafka)

    def check(self, kafka: Object, held: HeldRetention) -> None:
        """Raise ActionError where the hold cannot be ended now."""
        target = self.target
        where = f"{versioned('kafkas', kafka)} {target.name} -n {target.namespace}"
        if held.damaged:
            raise ActionError(
                f"annotation {constants.RETENTION_HELD} of Kafka {target} is damaged.\n"
                "Put spec.kafka.config right by hand, then take the annotation away:\n"
                f"  kubectl edit {where}\n"
                f"  kubectl annotate {where} {constants.RETENTION_HELD}-"
            )
        notes = kafka["metadata"].get("annotations") or {}
        if notes.get(constants.PREVIOUS_PAUSE):
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
                    self.resource,
                    self.target.name,
                    self.target.namespace,
                    released_spec(kafka, held),
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
                missing = unready_pods(kafka, generation)
            if not missing:
                return True
            if missing != told:
                say(missing)
                told = missing
            if time.monotonic() > end:
                return False
            time.sleep(poll)


def unready_pods(kafka: Object, generation: int) -> str:
    """Return what is missing until the operator has taken in this generation; empty for nothing."""
    status = kafka.get("status") or {}
    conditions = {c.get("type"): c for c in status.get("conditions") or ()}
    if (kafka["metadata"].get("annotations") or {}).get(
        constants.PAUSE_RECONCILIATION, ""
    ).lower() == "true":
        return "its reconciliation is paused: the brokers are rolled when that ends"
    if int(status.get("observedGeneration") or 0) < generation:
        return "the operator rolls the brokers one by one"
    if (conditions.get("Ready") or {}).get("status") == "True":
        return ""
    why = conditions.get("NotReady") or {}
    return f"Kafka is not Ready: {why.get('reason', '')}: {why.get('message', '')}".rstrip(": ")
