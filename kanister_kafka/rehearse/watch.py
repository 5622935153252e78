"""The pods of a cluster, looked at all the time in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

from kanister_kafka.errors import ForbiddenError, KanisterKafkaError
from kanister_kafka.kube.connection import PODS, Connection, Object, Objects
from kanister_kafka.marks import CLUSTER_LABEL
from kanister_kafka.rehearse.model import PodState, PodTrack, Span
from kanister_kafka.rehearse.setting import is_broker
from kanister_kafka.run import nodes

PERIOD = 0.7
"""Seconds between two looks."""

ORDER = (PodState.GONE, PodState.STOPPING, PodState.STARTING, PodState.READY)
"""Of several pods of one Deployment the one that is furthest counts."""


def state_of(pod: Object) -> PodState:
    """Return what can be seen of a pod that is there."""
    if pod["metadata"].get("deletionTimestamp"):
        return PodState.STOPPING
    return PodState.READY if nodes.is_ready(pod) else PodState.STARTING


class Tracks:
    """Turns looks into tracks."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._spans: dict[str, list[Span]] = {}
        self._brokers: set[str] = set()

    def look(self, pods: Objects, now: float) -> None:
        """Take in what was seen at one moment; a pod that is not seen any more is gone."""
        seen: dict[str, PodState] = {}
        for pod in pods:
            name = self._name(pod)
            seen[name] = max(seen.get(name, PodState.GONE), state_of(pod), key=ORDER.index)
            if is_broker(pod, self._cluster):
                self._brokers.add(name)
        for name in {*self._spans, *seen}:
            state = seen.get(name, PodState.GONE)
            spans = self._spans.setdefault(name, [])
            if not spans:
                spans.append(Span(now, now, state))
                continue
            last = spans[-1]
            spans[-1] = Span(last.start, now, last.state)
            if last.state is not state:
                spans.append(Span(now, now, state))

    def _name(self, pod: Object) -> str:
        """Return what a pod is called: those of a Deployment come back with another name."""
        labels = pod["metadata"].get("labels") or {}
        component = str(labels.get("strimzi.io/name") or "")
        of_nodes = component in (f"{self._cluster}-kafka", f"{self._cluster}-zookeeper")
        return component if component and not of_nodes else str(pod["metadata"]["name"])

    def tracks(self) -> tuple[PodTrack, ...]:
        """Return what was seen so far."""
        return tuple(
            PodTrack(name, name in self._brokers, tuple(spans))
            for name, spans in sorted(self._spans.items())
        )


class Watch:
    """Looks at the pods until it is closed; an API server that is away leaves a hole."""

    def __init__(
        self, connection: Connection, namespace: str, cluster: str, now: Callable[[], float]
    ) -> None:
        self._connection, self._namespace, self._cluster = connection, namespace, cluster
        self._now = now
        self._tracks = Tracks(cluster)
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def tracks(self) -> tuple[PodTrack, ...]:
        """Return what was seen so far."""
        with self._lock:
            return self._tracks.tracks()

    def ready(self, names: tuple[str, ...]) -> bool:
        """Tell whether all of these were Ready at the last look."""
        latest = {track.name: track.spans[-1].state for track in self.tracks()}
        return bool(latest) and all(latest.get(name) is PodState.READY for name in names)

    def close(self) -> None:
        """End it."""
        self._over.set()
        self._thread.join(5)

    def _run(self) -> None:
        label = f"{CLUSTER_LABEL}={self._cluster},strimzi.io/kind=Kafka"
        while not self._over.is_set():
            try:
                # Not the nodes alone: the entity operator shows when Kafka is whole again.
                pods = self._connection.items(PODS, self._namespace, label)
            except ForbiddenError:
                return
            except KanisterKafkaError:
                pass
            else:
                with self._lock:
                    self._tracks.look(pods, self._now())
            self._over.wait(PERIOD)
