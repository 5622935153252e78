"""What comes back after the stop, and when."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from kanister_kafka.errors import TransientError
from kanister_kafka.kube.connection import Connection
from kanister_kafka.rehearse.clock import Clock
from kanister_kafka.rehearse.model import Stage
from kanister_kafka.rehearse.probe import Probing
from kanister_kafka.rehearse.setting import Setting, look, writer_now
from kanister_kafka.rehearse.watch import Watch

NODES, SERVED = "nodes Ready", "clients served"
WRITERS, KAFKA = "writers back", "Kafka Ready"
POLL = 0.5
Back = Callable[[], float | None]
"""When something was back, or None where it is not."""


class Returning:
    """Sees what is back since the restart was asked for."""

    def __init__(
        self,
        connection: Connection,
        setting: Setting,
        clock: Clock,
        watch: Watch,
        probing: Probing | None,
        tell: Callable[[str], None],
    ) -> None:
        self._connection, self._setting = connection, setting
        self._clock, self._watch, self._probing = clock, watch, probing
        self._start, self._tell = clock(), tell
        self.stages: dict[str, Stage] = {}
        """What is back, by name."""

    def see(self) -> bool:
        """Look once; True when all is back."""
        with contextlib.suppress(TransientError):
            for name, does, back in self._all():
                if name not in self.stages and (end := back()) is not None:
                    stage = Stage(name=name, does=does, start=self._start, end=end)
                    self.stages[name] = stage
                    self._tell(f"{name}: after {end - self._start:.1f}s")
        return all(name in self.stages for name, _does, _back in self._all())

    def wait(self, seconds: float) -> None:
        """Look until all is back, or for so long."""
        end = time.monotonic() + seconds
        while not self.see() and time.monotonic() < end:
            time.sleep(POLL)

    def _all(self) -> Iterator[tuple[str, str, Back]]:
        yield NODES, "every node is Ready", self._nodes_ready
        if self._probing is not None:
            yield SERVED, "first record acknowledged", self._served
        if self._setting.writers:
            yield WRITERS, "all that was quiesced is Ready", self._writers_back
        yield KAFKA, "the operator is done", self._kafka_ready

    def _nodes_ready(self) -> float | None:
        return self._clock() if self._watch.ready(self._setting.before.nodes) else None

    def _served(self) -> float | None:
        if self._probing is None:
            return None
        zero = self._clock.began.timestamp()
        at = self._probing.acked_since(zero + self._start)
        return None if at is None else at - zero

    def _writers_back(self) -> float | None:
        for was in self._setting.writers:
            now = writer_now(self._connection, was.kind, was.namespace, was.name)
            if now.replicas != was.replicas or (was.ready and not now.ready):
                return None
        return self._clock()

    def _kafka_ready(self) -> float | None:
        now = look(self._connection, self._setting.kafka, self._setting.target)
        return self._clock() if now.ready and not now.paused else None
