"""Task pods: whose they are, why one cannot start, and what they print."""

from __future__ import annotations

import queue
import re
import threading
import time
from collections.abc import Iterator

from kanister_kafka.errors import KanisterKafkaError, NotFoundError, RejectedError, TransientError
from kanister_kafka.kube.client import KubeClient, Object
from kanister_kafka.operations.actionset import JOB_LABEL
from kanister_kafka.operations.events import LogLine

LABEL = "createdBy=kanister"
"""On every pod that Kanister makes (pkg/consts/consts.go)."""
STARTING = ("ContainerCreating", "PodInitializing")
"""Reasons to wait that are no trouble (the kubelet's kubelet_pods.go)."""
PULL = ("ErrImagePull", "ImagePullBackOff")
"""The same trouble, in turns."""
OUTPUT = "###Phase-output###"
"""What a task prints for Kanister begins with it (pkg/output/output.go)."""
FAILED = re.compile(r"(?:\d\d:\d\d:\d\d )?([\w-]+): (FAILED while .*)")
QUOTED = re.compile(r"([\w-]+): (FAILED while (?:\\[^rn]|[^\"\\])*)")
"""The same inside the JSON of Kanister's error, where the ends of lines are spelled out."""
LONGEST = 300


def belongs_to_run(pod: Object, job: str, since: str) -> bool:
    """Tell whether a pod is of the ActionSet with this job label, made at this time.

    A Kanister that does not copy the label leaves the time alone to go by.
    """
    metadata = pod["metadata"]
    label = (metadata.get("labels") or {}).get(JOB_LABEL)
    if label is not None:
        return bool(label == job)
    return bool(metadata.get("creationTimestamp", "") >= since)


def phase_of(pod: Object, cluster: str) -> str:
    """Return the phase that a pod runs for a Kafka, or nothing where it is none of ours.

    Our commands are `bash -c STUB PHASE …` in a container with the variable CLUSTER
    (templates/phase.j2); those of former versions `env … CLUSTER=NAME … bash -c SCRIPT PHASE …`.
    """
    containers: list[Object] = (pod.get("spec") or {}).get("containers") or [{}]
    command = [str(word) for word in containers[0].get("command") or ()]
    told = {"name": "CLUSTER", "value": cluster} in (containers[0].get("env") or ())
    if not (told or f"CLUSTER={cluster}" in command) or "-c" not in command:
        return ""
    return next(iter(command[command.index("-c") + 2 :]), "")


def has_started(pod: Object) -> bool:
    """Tell whether the container has run, so that there is a log."""
    return any(s.get("state", {}).keys() & {"running", "terminated"} for s in _statuses(pod))


def is_over(pod: Object) -> bool:
    """Tell whether the container has ended."""
    statuses = _statuses(pod)
    return bool(statuses) and all("terminated" in s.get("state", {}) for s in statuses)


def pod_problem(pod: Object) -> str:
    """Say in one line why a pod cannot start, or nothing."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    if status.get("phase") == "Failed" and status.get("reason"):  # Evicted, for one
        return _line(f"pod {name}: {status['reason']}: {status.get('message', '')}")
    for container in _statuses(pod):
        waiting = container.get("state", {}).get("waiting") or {}
        reason = waiting.get("reason", "")
        if reason and reason not in STARTING:
            spelled = PULL[1] if reason in PULL else reason
            image = f" ({container.get('image')})" if reason in PULL else ""
            return _line(f"pod {name}: {spelled}{image}: {waiting.get('message', '')}")
    for condition in status.get("conditions") or ():
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            reason = condition.get("reason") or "not scheduled"
            return _line(f"pod {name}: {reason}: {condition.get('message', '')}")
    return ""


def reason_in(text: str) -> str:
    """Return the line that says why, out of a log or out of an error of Kanister.

    Kanister wraps the last lines of the log and the status of the pod into its error, 2 to 3 KB;
    the last line of our scripts tells all.
    """
    found = QUOTED.findall(text) if '{"message"' in text else FAILED.findall(text)
    if found:
        phase, reason = found[-1]
        return _line(f"{phase}: {reason}")
    return _line(next((line for line in text.splitlines() if line.strip()), ""))


class TaskPodLogs:
    """Follows logs of pods, each in a thread, into one queue of lines."""

    def __init__(self, connection: KubeClient, namespace: str) -> None:
        self._lines: queue.Queue[LogLine] = queue.Queue()
        self._connection, self._namespace = connection, namespace
        self._followed: dict[str, threading.Thread] = {}
        self._over = threading.Event()

    def follow(self, pod: str, phase: str, *, run: int = 0) -> None:
        """Follow one container from its first line; `run` counts its restarts."""
        key = f"{pod}/{run}"
        if key in self._followed:
            return
        # A daemon: a stream that hangs must not keep the process.
        self._followed[key] = threading.Thread(target=self._read, args=(pod, phase), daemon=True)
        self._followed[key].start()

    def read(self, seconds: float) -> Iterator[LogLine]:
        """Yield the lines that arrive within so many seconds; 0 for those that are there."""
        end = time.monotonic() + seconds
        while True:
            try:
                yield self._lines.get(timeout=max(0.001, end - time.monotonic()))
            except queue.Empty:
                return

    def close(self, seconds: float) -> None:
        """Wait so long for what is on its way; then nothing more is tried."""
        for thread in self._followed.values():
            thread.join(seconds)
        self._over.set()

    def _read(self, pod: str, phase: str) -> None:
        told = 0
        while not self._over.is_set():
            try:
                for number, text in enumerate(self._connection.log(pod, self._namespace)):
                    if number >= told and not text.startswith(OUTPUT):
                        self._lines.put(LogLine(phase, pod, text))
                    told = max(told, number + 1)
                return
            except NotFoundError:  # Kanister deletes a pod the moment it ends
                return
            except (RejectedError, TransientError):  # not yet, or silent for longer than we wait
                self._over.wait(0.5)
            except KanisterKafkaError as failure:
                self._lines.put(LogLine(phase, pod, f"(its output cannot be read: {failure})"))
                return


def _statuses(pod: Object) -> list[Object]:
    return list((pod.get("status") or {}).get("containerStatuses") or ())


def _line(text: str) -> str:
    short = " ".join(text.split()).rstrip(": ")
    return short if len(short) <= LONGEST else f"{short[:LONGEST]}…"
