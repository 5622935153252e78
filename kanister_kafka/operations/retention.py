"""Ending the hold of a restored Kafka's retention: one write, and the roll that follows it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from kanister_kafka import constants
from kanister_kafka.errors import ActionError, ConflictError, TransientError
from kanister_kafka.kube.client import KubeClient, Object
from kanister_kafka.kube.objects import annotation, condition, get_path, is_true
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, poll, retry
from kanister_kafka.operations.action_follower import status_command
from kanister_kafka.operations.live_kafka import LiveKafka, is_pause_requested
from kanister_kafka.strimzi.discovery import KafkaRef, versioned
from kanister_kafka.strimzi.retention import HeldRetention, read_held, released_spec

PAUSES = (1,) * 7
"""Seconds between tries: a write fails if the operator writes into the status after the read."""


class RetentionRelease:
    """The hold of one Kafka."""

    def __init__(
        self, connection: KubeClient, target: KafkaRef, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self.connection = connection
        self.target = target
        self._kafka = LiveKafka(connection, target)
        self._clock = clock

    def look(self) -> tuple[Object, HeldRetention | None]:
        """Return the Kafka, and its hold; NotFoundError if it is not there."""
        kafka = self._kafka.get()
        return kafka, read_held(kafka)

    def check(self, kafka: Object, hold: HeldRetention) -> None:
        """Raise ActionError if the hold cannot be ended now."""
        target = self.target
        kafka_arguments = f"{versioned('kafkas', kafka)} {target.name} -n {target.namespace}"
        if hold.damaged:
            raise ActionError(
                f"annotation {constants.RETENTION_HELD} of Kafka {target} is damaged.\n"
                "Put spec.kafka.config right by hand, then take the annotation away:\n"
                f"  kubectl edit {kafka_arguments}\n"
                f"  kubectl annotate {kafka_arguments} {constants.RETENTION_HELD}-"
            )
        if annotation(kafka, constants.PREVIOUS_PAUSE):
            raise ActionError(
                f"Kafka {target} is stopped, or half stopped, by a backup or a restore.\n"
                "Wait for its end, or see what to do:\n"
                f"  {status_command(target, self.connection.context)}"
            )

    def end(self, shown: HeldRetention) -> int:
        """Put the options back and return the generation to wait for; 0 if nothing is held.

        A Kafka that has changed since it was read is read again. Raises ActionError if it has
        another hold than `shown`, of which the user has seen what will be lost.
        """
        try:
            return retry(
                partial(self._release, shown),
                PAUSES,
                clock=self._clock,
                errors=(ConflictError, TransientError),
            )
        except (ConflictError, TransientError) as failure:
            raise ActionError(
                f"Kafka {self.target} changes all the time, or does not answer: {failure}"
            ) from failure

    def _release(self, shown: HeldRetention) -> int:
        kafka, hold = self.look()
        if hold is None:
            return 0
        self.check(kafka, hold)
        # An option that was changed since keeps its value, also one that changed after `shown`.
        if replace(hold, changed=()) != replace(shown, changed=()):
            raise ActionError(
                f"retention of Kafka {self.target} was held again at {hold.since}, for example by "
                "another restore: nothing is released. Run the command again to see what would be "
                "lost"
            )
        written = self._kafka.patch(released_spec(kafka, hold))
        return int(written["metadata"].get("generation") or 0)

    def wait(
        self, generation: int, *, seconds: float, report: Callable[[str], None], interval: float = 3
    ) -> bool:
        """Wait until the operator has rolled the brokers; False if the time is over.

        `report` gets what is missing, each time that it is something else.
        """
        reported = ""

        def is_rolled() -> bool:
            nonlocal reported
            try:
                kafka, _hold = self.look()
                missing = unready_pods(kafka, generation)
            except TransientError as failure:
                missing = str(failure)
            if missing and missing != reported:
                report(missing)
                reported = missing
            return not missing

        return bool(poll(is_rolled, timeout=seconds, interval=interval, clock=self._clock))


def unready_pods(kafka: Object, generation: int) -> str:
    """Return what is missing until the operator has taken in this generation; empty for nothing."""
    if is_pause_requested(kafka):
        return "its reconciliation is paused: the brokers are rolled when that ends"
    if int(get_path(kafka, "status", "observedGeneration") or 0) < generation:
        return "the operator rolls the brokers one by one"
    if is_true(kafka, "Ready"):
        return ""
    why = condition(kafka, "NotReady")
    return f"Kafka is not Ready: {why.get('reason', '')}: {why.get('message', '')}".rstrip(": ")
