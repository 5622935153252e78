"""The clients' view: a pod that writes to Kafka all the time and reads everything back at the end.

The pod does all its work by itself (probe.sh) and removes its topic when it is deleted, or when its
deadline ends: then nothing stays behind even if this command was killed.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from typing import Any

from kanister_kafka.errors import (
    ActionError,
    KanisterKafkaError,
    NotFoundError,
    RejectedError,
    TransientError,
    one_line,
)
from kanister_kafka.kube.client import PODS, KubeClient, Object
from kanister_kafka.kube.pod_options import NO_SIDECAR_ANNOTATIONS, NO_SIDECAR_LABELS
from kanister_kafka.kube.wait import poll
from kanister_kafka.operations.rehearsal.context import RehearsalContext, Stopwatch
from kanister_kafka.operations.rehearsal.model import (
    Gap,
    Interval,
    OutageResult,
    OutageSource,
    PodState,
    PodTimeline,
)

RATE = 20
"""Records in a second."""
MOST_PARTITIONS = 12
"""Each is read back by a program of its own at the end."""
MOST_REPLICAS = 3
USER = 65534
"""The user if the broker's own pod does not name one."""
GRACE = 300
"""Seconds to read back and to remove the topic."""
STARTED = 180
"""Seconds for the first records to be acknowledged, the image being there already."""
STEADY = 3 * RATE
"""Acknowledged records after which the probe is taken to work."""
POLL = 0.2


def partitions(brokers: int) -> int:
    """Return how many partitions the topic has, so that every broker leads one."""
    return min(max(3, brokers), MOST_PARTITIONS)


def replication(brokers: int) -> int:
    """Return how many replicas each has, as topics of people have."""
    return min(brokers, MOST_REPLICAS)


def canary_pod(context: RehearsalContext) -> Object:
    """Return the pod; it passes the Pod Security Standard `restricted`.

    It has not the label `strimzi.io/cluster`: the stop of the Blueprint counts the pods that do.
    """
    spec = context.broker["spec"]
    kafka: dict[str, Any] = next(c for c in spec["containers"] if c["name"] == "kafka")
    mounts: list[Object] = [{"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108 - of the pod
    volumes: list[Object] = [{"name": "tmp", "emptyDir": {}}]
    trusted = ""
    listener, config = context.listener, context.request.probe_config
    if listener is None:
        raise ActionError(f"no probe: {context.why_no_probe}")
    if config:
        mounts.append({"name": "config", "mountPath": "/probe/config", "readOnly": True})
        volumes.append({"name": "config", "secret": {"secretName": config}})
    elif listener.tls:
        trusted = "/probe/ca/ca.crt"
        mounts.append({"name": "ca", "mountPath": "/probe/ca", "readOnly": True})
        secret = {"secretName": f"{context.target.name}-cluster-ca-cert"}  # Strimzi's AbstractModel
        volumes.append({"name": "ca", "secret": secret})
    values = {
        "TOPIC": context.name,
        "PARTITIONS": str(partitions(context.brokers)),
        "REPLICATION": str(replication(context.brokers)),
        "RATE": str(RATE),
        "BOOTSTRAP": listener.servers,
        "TRUSTED": trusted,
        "KAFKA_HEAP_OPTS": "-Xmx64m",
        "KAFKA_JVM_PERFORMANCE_OPTS": "-XX:+UseSerialGC -XX:TieredStopAtLevel=1",
    }
    users = (kafka.get("securityContext") or {}, spec.get("securityContext") or {})
    user = next((of["runAsUser"] for of in users if of.get("runAsUser")), USER)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": context.name,
            "namespace": context.target.namespace,
            "labels": {**dict(NO_SIDECAR_LABELS), **context.labels},
            "annotations": dict(NO_SIDECAR_ANNOTATIONS),
        },
        "spec": {
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": GRACE,
            "activeDeadlineSeconds": 4 * context.request.timeout + 600,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,  # they would fill the environment with KAFKA_…
            "imagePullSecrets": spec.get("imagePullSecrets") or [],
            "tolerations": spec.get("tolerations") or [],
            "nodeSelector": spec.get("nodeSelector") or {},
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": user,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumes": volumes,
            "containers": [
                {
                    "name": "probe",
                    "image": kafka["image"],
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["bash", "-c", canary_script(), "probe"],
                    "env": [{"name": key, "value": value} for key, value in values.items()],
                    "resources": {
                        "requests": {"cpu": "20m", "memory": "160Mi"},
                        "limits": {"memory": "512Mi"},
                    },
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": mounts,
                }
            ],
        },
    }


def canary_script() -> str:
    """Return what the pod runs."""
    return resources.files(__package__).joinpath("probe.sh").read_text("utf-8")


class Canary:
    """One probe from its start to its end."""

    def __init__(
        self, connection: KubeClient, context: RehearsalContext, stopwatch: Stopwatch
    ) -> None:
        self._connection = connection
        self._context = context
        self._stopwatch = stopwatch
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self.log = CanaryLog()

    def start(self) -> None:
        """Create the pod and wait until Kafka acknowledges its records; else ActionError."""
        name = self._context.name
        self._connection.create(canary_pod(self._context))
        self._thread.start()
        phase = ""

        def works_or_ended() -> bool:
            nonlocal phase
            phase = self._phase()
            return len(self.log.acks) >= STEADY or phase in ("Failed", "Succeeded", "")

        poll(works_or_ended, timeout=STARTED, interval=POLL, clock=self._stopwatch.clock)
        if len(self.log.acks) < STEADY:
            reason = "; ".join(self.log.complaints) or f"pod {name} is {phase or 'gone'}"
            raise ActionError(
                "the probe gets no record acknowledged, and nothing was stopped: "
                f"{one_line(reason, 600)}; give --probe-config or --no-probe"
            )

    def first_ack_after(self, epoch: float) -> float | None:
        """Return when the first record after a time was acknowledged, by our clock."""
        clock = self.log.clock
        times = [ack.at + clock for ack in tuple(self.log.acks.values())]
        return min((at for at in times if at > epoch), default=None)

    def end(self) -> tuple[str, ...]:
        """Let it read back and remove its topic; return what is left behind."""
        name, namespace = self._context.name, self._context.target.namespace
        leftovers = (f"Pod {namespace}/{name}", f"KafkaTopic {name}")

        def is_gone() -> bool:
            pod = self._connection.find(PODS, name, namespace)
            if pod and not pod["metadata"].get("deletionTimestamp"):
                with contextlib.suppress(NotFoundError):
                    self._connection.delete(PODS, name, namespace)
            return pod is None

        if not poll(is_gone, timeout=GRACE + 30, interval=POLL, clock=self._stopwatch.clock):
            return leftovers
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(5)
        if self.log.leftover:
            return (f"in Kafka: {self.log.leftover}",)
        has_topic = "made" in self.log.marks
        return leftovers[1:] if has_topic and not self.log.ended else ()

    def _phase(self) -> str:
        try:
            pod = self._connection.find(PODS, self._context.name, self._context.target.namespace)
        except TransientError:
            return "unknown"
        return "" if pod is None else str((pod.get("status") or {}).get("phase") or "Pending")

    def _follow(self) -> None:
        """Read all that it prints, again from the start if the stream breaks."""
        name, namespace = self._context.name, self._context.target.namespace
        while not self._ended.is_set() and not self.log.ended:
            try:
                for text in self._connection.log(name, namespace):
                    self.log.line(text, self._stopwatch.epoch())
            except (RejectedError, TransientError, NotFoundError):  # not yet, or silent for long
                pass
            except KanisterKafkaError as failure:
                self.log.complaints.append(str(failure))
                return
            self._ended.wait(POLL)


# Figures from the output of the probe and the states of pods; pure.
#
# Lines of the probe: of Kafka's VerifiableProducer (tools/…/VerifiableProducer.java, one JSON
# object a line, `timestamp` in milliseconds when the acknowledgement was received), of its console
# consumer (`Partition:0\tOffset:5\tvalue`), and probe.sh's own, which begin with `###`.

MARK = "### "
RECORD = "record Partition:"
COMPLAINTS = 3


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A record that Kafka has acknowledged."""

    at: float
    """By the clock of the probe, seconds since 1970."""
    partition: int
    offset: int
    value: str


class CanaryLog:
    """The output of a probe so far; lines that come again change nothing."""

    def __init__(self) -> None:
        self.acks: dict[tuple[int, int], Acknowledgement] = {}
        """By partition and offset."""
        self.failed: set[str] = set()
        """Values that were not acknowledged."""
        self.kept: dict[tuple[int, int], str] = {}
        """Values that were read back."""
        self.marks: list[str] = []
        """The lines of probe.sh about itself: made, reading, written N, ended."""
        self.complaints: list[str] = []
        """First lines of the errors of Kafka's tools."""
        self.clock = float("inf")
        """Seconds to add to the clock of the probe for our own, by the line that came fastest."""

    def line(self, text: str, now: float) -> None:
        """Take in one line; `now` is our clock, seconds since 1970."""
        if text.startswith(MARK):
            self._mark(text.removeprefix(MARK))
        elif text.startswith("{"):
            self._event(text, now)
        elif text.strip() and len(self.complaints) < COMPLAINTS and text not in self.complaints:
            self.complaints.append(text)

    def _mark(self, text: str) -> None:
        if not text.startswith(RECORD):
            if text not in self.marks:
                self.marks.append(text)
            return
        partition, _, offset_and_value = text.removeprefix(RECORD).partition("\tOffset:")
        offset, _, value = offset_and_value.partition("\t")
        if partition.isdecimal() and offset.isdecimal():
            self.kept[int(partition), int(offset)] = value

    def _event(self, text: str, now: float) -> None:
        try:
            event: dict[str, Any] = json.loads(text)
        except ValueError:  # cut off
            return
        match event:
            case {
                "name": "producer_send_success",
                "timestamp": int(stamp),
                "partition": int(partition),
                "offset": int(offset),
                "value": str(value),
            }:
                at = stamp / 1000
                if (partition, offset) not in self.acks:
                    self.acks[partition, offset] = Acknowledgement(at, partition, offset, value)
                    self.clock = min(self.clock, now - at)
            case {"name": "producer_send_error", "value": str(value)}:
                self.failed.add(value)
                reason = f"{event.get('exception', '')}: {event.get('message', '')}"
                if len(self.complaints) < COMPLAINTS and reason not in self.complaints:
                    self.complaints.append(reason)

    @property
    def written(self) -> int | None:
        """How many records the topic had at the end; None before that is known."""
        counts = [mark.partition(" ")[2] for mark in self.marks if mark.startswith("written ")]
        return int(counts[-1]) if counts and counts[-1].isdecimal() else None

    @property
    def ended(self) -> bool:
        """Whether the probe has done all its work."""
        return any(mark.startswith("ended") for mark in self.marks)

    @property
    def leftover(self) -> str:
        """Objects that the probe could not remove; empty if there are none."""
        leftovers = (mark.partition("left: ")[2] for mark in self.marks if mark.startswith("ended"))
        return next((text for text in leftovers if text), "")


def count_lost(log: CanaryLog) -> int | None:
    """Count records that were acknowledged and are not there with the same value.

    None if some are missing but the reading itself was cut short, or nothing was acknowledged.
    """
    missing = sum(log.kept.get(position) != ack.value for position, ack in log.acks.items())
    is_complete = log.written is not None and len(log.kept) >= log.written
    return None if not log.acks or (missing and not is_complete) else missing


def longest_gap(times: Iterable[float], since: float) -> tuple[float, float] | None:
    """Return start and end of the longest time without an event that ends after `since`."""
    gaps = [(a, b) for a, b in pairwise(sorted(times)) if b >= since]
    return max(gaps, key=lambda gap: gap[1] - gap[0], default=None)


def client_outage(times: Sequence[float], since: float, *, served: bool) -> OutageResult | None:
    """Return the outage that the acknowledgements at these times show after `since`.

    If they were not `served` again, it begins with the last one and has no end.
    """
    if not times:
        return None
    if not served:
        return OutageResult(max(times), None, OutageSource.CLIENTS)
    gap = longest_gap(times, since)
    return None if gap is None else OutageResult(*gap, OutageSource.CLIENTS)


def partition_gaps(acks: Iterable[tuple[int, float]], since: float) -> tuple[Gap, ...]:
    """Return the longest gap of each partition after `since`, from partitions and times."""
    times: dict[int, list[float]] = {}
    for partition, at in acks:
        times.setdefault(partition, []).append(at)
    gaps = ((p, longest_gap(at, since)) for p, at in sorted(times.items()))
    return tuple(Gap(p, *gap) for p, gap in gaps if gap is not None)


def per_second(times: Iterable[float]) -> tuple[tuple[int, int], ...]:
    """Count events in each second that has one."""
    return tuple(sorted(Counter(int(at // 1) for at in times).items()))


def pods_outage(tracks: Iterable[PodTimeline]) -> OutageResult | None:
    """Return from when to when some broker was not Ready."""
    spans: list[Interval] = []
    for track in tracks:
        if track.broker:
            spans += track.spans
    away = [span for span in spans if span.state is not PodState.READY]
    if not away:
        return None
    last = max(span.end for span in spans)
    end = max(span.end for span in away)
    return OutageResult(
        min(span.start for span in away), None if end >= last else end, OutageSource.PODS
    )
