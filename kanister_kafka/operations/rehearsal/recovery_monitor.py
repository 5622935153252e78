"""The recovery after the stop: pods, their states and times."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from kanister_kafka.errors import ForbiddenError, KanisterKafkaError, TransientError
from kanister_kafka.kube import objects
from kanister_kafka.kube.client import KubeClient, Object, Objects
from kanister_kafka.kube.wait import poll
from kanister_kafka.operations.live_kafka import LiveKafka
from kanister_kafka.operations.rehearsal.canary import Canary
from kanister_kafka.operations.rehearsal.context import RehearsalContext, Stopwatch, read_client
from kanister_kafka.operations.rehearsal.model import (
    Interval,
    PodState,
    PodTimeline,
    RehearsalStage,
)
from kanister_kafka.strimzi.discovery import KafkaRef, is_broker_pod

# The pods of a cluster, looked at all the time in a thread.

PERIOD = 0.7
"""Seconds between two looks."""

ORDER = (PodState.GONE, PodState.STOPPING, PodState.STARTING, PodState.READY)
"""Of several pods of one Deployment the one that is furthest counts."""


def pod_state(pod: Object) -> PodState:
    """Return what can be seen of a pod that is there."""
    if pod["metadata"].get("deletionTimestamp"):
        return PodState.STOPPING
    return PodState.READY if objects.is_ready(pod) else PodState.STARTING


class TimelineBuilder:
    """Turns looks into tracks."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._spans: dict[str, list[Interval]] = {}
        self._brokers: set[str] = set()

    def look(self, pods: Objects, now: float) -> None:
        """Take in what was seen at one moment; a pod that is not seen any more is gone."""
        states: dict[str, PodState] = {}
        for pod in pods:
            name = self._name(pod)
            states[name] = max(states.get(name, PodState.GONE), pod_state(pod), key=ORDER.index)
            if is_broker_pod(pod, self._cluster):
                self._brokers.add(name)
        for name in {*self._spans, *states}:
            state = states.get(name, PodState.GONE)
            spans = self._spans.setdefault(name, [])
            if not spans:
                spans.append(Interval(now, now, state))
                continue
            last = spans[-1]
            spans[-1] = Interval(last.start, now, last.state)
            if last.state is not state:
                spans.append(Interval(now, now, state))

    def _name(self, pod: Object) -> str:
        """Return what a pod is called: those of a Deployment come back with another name."""
        labels = pod["metadata"].get("labels") or {}
        component = str(labels.get("strimzi.io/name") or "")
        of_nodes = component in (f"{self._cluster}-kafka", f"{self._cluster}-zookeeper")
        return component if component and not of_nodes else str(pod["metadata"]["name"])

    def tracks(self) -> tuple[PodTimeline, ...]:
        """Return what was seen so far."""
        return tuple(
            PodTimeline(name, name in self._brokers, tuple(spans))
            for name, spans in sorted(self._spans.items())
        )


class PodWatcher:
    """Looks at the pods until it is closed; an API server that is away leaves a hole."""

    def __init__(
        self, connection: KubeClient, namespace: str, cluster: str, now: Callable[[], float]
    ) -> None:
        self._connection, self._namespace, self._cluster = connection, namespace, cluster
        self._now = now
        self._tracks = TimelineBuilder(cluster)
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def tracks(self) -> tuple[PodTimeline, ...]:
        """Return what was seen so far."""
        with self._lock:
            return self._tracks.tracks()

    def ready(self, names: tuple[str, ...]) -> bool:
        """Return whether all of these were Ready at the last look."""
        latest = {track.name: track.spans[-1].state for track in self.tracks()}
        return bool(latest) and all(latest.get(name) is PodState.READY for name in names)

    def close(self) -> None:
        """End it."""
        self._closed.set()
        self._thread.join(5)

    def _run(self) -> None:
        kafka = LiveKafka(self._connection, KafkaRef(self._namespace, self._cluster))
        while not self._closed.is_set():
            try:
                # Not the nodes alone: the entity operator shows when Kafka is whole again.
                pods = kafka.pods()
            except ForbiddenError:
                return
            except KanisterKafkaError:
                pass
            else:
                with self._lock:
                    self._tracks.look(pods, self._now())
            self._closed.wait(PERIOD)


NODES, SERVED = "nodes Ready", "clients served"
WRITERS, KAFKA = "writers back", "Kafka Ready"
POLL = 0.5
Back = Callable[[], float | None]
"""When something was back, or None if it is not."""


class RecoveryMonitor:
    """Sees what is back since the restart was asked for."""

    def __init__(
        self,
        connection: KubeClient,
        context: RehearsalContext,
        clock: Stopwatch,
        watch: PodWatcher,
        canary: Canary | None,
        on_progress: Callable[[str], None],
    ) -> None:
        self._connection, self._context = connection, context
        self._clock, self._watch, self._canary = clock, watch, canary
        self._start, self._on_progress = clock(), on_progress
        self.stages: dict[str, RehearsalStage] = {}
        """What is back, by name."""

    def look(self) -> bool:
        """Look once; True when all is back."""
        with contextlib.suppress(TransientError):
            for name, does, back in self._all():
                if name not in self.stages and (end := back()) is not None:
                    stage = RehearsalStage(name=name, does=does, start=self._start, end=end)
                    self.stages[name] = stage
                    self._on_progress(f"{name}: after {end - self._start:.1f}s")
        return all(name in self.stages for name, _does, _back in self._all())

    def wait(self, seconds: float) -> None:
        """Look until all is back, or the time is over."""
        poll(self.look, timeout=seconds, interval=POLL, clock=self._clock.clock)

    def _all(self) -> Iterator[tuple[str, str, Back]]:
        yield NODES, "every node is Ready", self._nodes_ready
        if self._canary is not None:
            yield SERVED, "first record acknowledged", self._served
        if self._context.writers:
            yield WRITERS, "all that was quiesced is Ready", self._writers_back
        yield KAFKA, "the operator is done", self._kafka_ready

    def _nodes_ready(self) -> float | None:
        return self._clock() if self._watch.ready(self._context.before.nodes) else None

    def _served(self) -> float | None:
        if self._canary is None:
            return None
        zero = self._clock.began.timestamp()
        at = self._canary.first_ack_after(zero + self._start)
        return None if at is None else at - zero

    def _writers_back(self) -> float | None:
        for writer in self._context.writers:
            current = read_client(self._connection, writer.kind, writer.namespace, writer.name)
            if current.replicas != writer.replicas or (writer.ready and not current.ready):
                return None
        return self._clock()

    def _kafka_ready(self) -> float | None:
        now = self._context.read_state(self._connection)
        return self._clock() if now.ready and not now.paused else None
