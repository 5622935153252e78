"""Task pods: whose they are, why one cannot start, and what they print."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterator
from dataclasses import replace

from kanister_kafka.errors import (
    KanisterKafkaError,
    NotFoundError,
    RejectedError,
    TransientError,
    one_line,
)
from kanister_kafka.kube.client import KubeClient, Object
from kanister_kafka.kube.objects import name_of
from kanister_kafka.kube.pods import (
    MAX_POD_MESSAGE,
    PULL,
    STARTING,
    WaitReason,
    container_statuses,
    wait_reason,
)
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock
from kanister_kafka.operations.actionset import JOB_LABEL
from kanister_kafka.operations.events import LogLine

LABEL = "createdBy=kanister"
"""On every pod that Kanister makes (pkg/consts/consts.go)."""
INTERVAL = 0.1
"""Seconds between two looks for lines."""
THREAD = "log-of-"
"""Start of the names of the threads that read logs."""
OUTPUT = "###Phase-output###"
"""The output of a task for Kanister begins with it (pkg/output/output.go)."""
FAILED = re.compile(r"(?:\d\d:\d\d:\d\d )?([\w-]+): (FAILED while .*)")
QUOTED = re.compile(r"([\w-]+): (FAILED while (?:\\[^rn]|[^\"\\])*)")
"""The same inside the JSON of Kanister's error, which writes the ends of lines out."""


def belongs_to_run(pod: Object, job: str, since: str) -> bool:
    """Return whether a pod is of the ActionSet with this job label, made at this time.

    A Kanister that does not copy the label leaves the time alone to go by.
    """
    metadata = pod["metadata"]
    label = (metadata.get("labels") or {}).get(JOB_LABEL)
    if label is not None:
        return bool(label == job)
    return bool(metadata.get("creationTimestamp", "") >= since)


def phase_of(pod: Object, cluster: str) -> str:
    """Return the phase that a pod runs for a Kafka, or nothing for another pod.

    Our commands are `bash -c STUB PHASE …` in a container with the variable CLUSTER
    (templates/phase.j2); those of former versions `env … CLUSTER=NAME … bash -c SCRIPT PHASE …`.
    """
    containers: list[Object] = (pod.get("spec") or {}).get("containers") or [{}]
    command = [str(word) for word in containers[0].get("command") or ()]
    is_ours = {"name": "CLUSTER", "value": cluster} in (containers[0].get("env") or ())
    if not (is_ours or f"CLUSTER={cluster}" in command) or "-c" not in command:
        return ""
    return next(iter(command[command.index("-c") + 2 :]), "")


def has_started(pod: Object) -> bool:
    """Return whether the container has run, so that there is a log."""
    return any(
        s.get("state", {}).keys() & {"running", "terminated"} for s in container_statuses(pod)
    )


def is_over(pod: Object) -> bool:
    """Return whether the container has ended."""
    statuses = container_statuses(pod)
    return bool(statuses) and all("terminated" in s.get("state", {}) for s in statuses)


def pod_problem(pod: Object) -> str:
    """Return in one line why a pod cannot start, or an empty string."""
    name, status = name_of(pod), pod.get("status") or {}
    if status.get("phase") == "Failed" and status.get("reason"):  # Evicted, for one
        waits = WaitReason(status["reason"], status.get("message") or "")
        return f"pod {name}: {waits}"
    waits = wait_reason(pod)
    if waits.reason in ("", *STARTING):
        return ""
    if waits.reason in PULL:  # both in turns: report them as one problem
        waits = replace(waits, reason=f"{PULL[1]} ({waits.image})")
    return f"pod {name}: {waits}"


def reason_in(text: str) -> str:
    """Return the line with the reason, out of a log or out of an error of Kanister.

    Kanister wraps the last lines of the log and the status of the pod into its error, 2 to 3 KB;
    the last line of our scripts has all.
    """
    matches = QUOTED.findall(text) if '{"message"' in text else FAILED.findall(text)
    if matches:
        phase, reason = matches[-1]
        return one_line(f"{phase}: {reason}", MAX_POD_MESSAGE)
    first = next((line for line in text.splitlines() if line.strip()), "")
    return one_line(first, MAX_POD_MESSAGE)


class TaskPodLogs:
    """Follows logs of pods, each in a thread, into one queue of lines."""

    def __init__(
        self,
        connection: KubeClient,
        namespace: str,
        clock: Clock = SYSTEM_CLOCK,
        *,
        pause: float = 0.5,
    ) -> None:
        self._lines: queue.SimpleQueue[LogLine] = queue.SimpleQueue()
        self._connection = connection
        self._namespace = namespace
        self._clock = clock
        self._pause = pause
        """Seconds before a log that cannot be read is asked for again."""
        self._followed: dict[str, threading.Thread] = {}
        self._over = threading.Event()

    def follow(self, pod: str, phase: str, *, run: int = 0) -> None:
        """Follow one container from its first line; `run` counts its restarts."""
        key = f"{pod}/{run}"
        if key in self._followed:
            return
        # A daemon: a stream that hangs must not keep the process.
        self._followed[key] = threading.Thread(
            target=self._read, args=(pod, phase), name=f"{THREAD}{key}", daemon=True
        )
        self._followed[key].start()

    def read(self, seconds: float) -> Iterator[LogLine]:
        """Yield the lines that arrive within this many seconds; 0 for those that are there."""
        end = self._clock.now() + seconds
        while True:
            while not self._lines.empty():
                yield self._lines.get()
            left = end - self._clock.now()
            if left <= 0:
                return
            self._clock.sleep(min(left, INTERVAL))

    def close(self, seconds: float) -> None:
        """Wait this long for an answer that is on its way; then nothing more is tried."""
        for thread in self._followed.values():
            thread.join(seconds)
        self._over.set()

    def _read(self, pod: str, phase: str) -> None:
        delivered = 0
        while not self._over.is_set():
            try:
                for number, text in enumerate(self._connection.log(pod, self._namespace)):
                    if number >= delivered and not text.startswith(OUTPUT):
                        self._lines.put(LogLine(phase, pod, text))
                    delivered = max(delivered, number + 1)
                return
            except NotFoundError:  # Kanister deletes a pod the moment it ends
                return
            except (RejectedError, TransientError):  # not yet, or silent for longer than we wait
                self._over.wait(self._pause)
            except KanisterKafkaError as failure:
                self._lines.put(LogLine(phase, pod, f"(its output cannot be read: {failure})"))
                return
