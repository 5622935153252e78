"""Partitions that are not in sync, asked of a broker by its own tool.

The broker's own certificate is used, on its own listener for replication: every Strimzi cluster has
that one, with any listeners, and no authorization hides a topic from it. Secrets stay in the
broker's pod.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from kanister_kafka.errors import ForbiddenError, UnreachableError
from kanister_kafka.kube.client import Objects
from kanister_kafka.kube.exec import ExecResult
from kanister_kafka.kube.objects import name_of
from kanister_kafka.operations.live_kafka import broker_script, ready_brokers, replication_address
from kanister_kafka.operations.preflight.model import (
    NotReadableError,
    OptionalRead,
    PartitionState,
    forbidden,
)

LIMIT = 60
"""Seconds."""
SPARE = 256 * 2**20
"""Bytes that a JVM with 128 MiB of heap needs at most, all in all."""
SCRIPT = r"""
export KAFKA_HEAP_OPTS=-Xmx128m KAFKA_JVM_PERFORMANCE_OPTS=-XX:+UseSerialGC
check_memory "$3"
exec timeout "$2" bin/kafka-topics.sh --bootstrap-server "$HOSTNAME.$1" \
  --command-config <(settings) --describe "${@:4}"
"""
"""Arguments: the rest of the broker's address, seconds, bytes to spare, and what to describe. It
follows broker.sh."""
LINE = re.compile(
    r"\s*Topic: (?P<topic>\S+)\s+Partition: (?P<number>\d+)\s+Leader: (?P<leader>\S+)"
    r"\s+Replicas: (?P<replicas>[\d,]*)\s+Isr: (?P<in_sync>[\d,]*)"
)


class Execute(Protocol):
    """Runs a command in a container, as `kube.exec.exec_in_pod` does."""

    def __call__(
        self, pod: str, namespace: str, command: tuple[str, ...], *, container: str, seconds: float
    ) -> ExecResult:
        """Wait for its end. Raises UnreachableError and what is below it."""


def ask_partitions(
    execute: Execute, cluster: str, namespace: str, pods: Objects
) -> OptionalRead[tuple[PartitionState, ...]]:
    """Ask the first broker that is Ready; a failure is not a verdict on the partitions."""
    what = "the partitions that are not in sync"
    try:
        output = _describe(execute, cluster, namespace, pods, what, "--under-replicated-partitions")
        partitions = tuple(read_partitions(output))
        if output.strip() and not partitions:
            raise NotReadableError(what, _why(output), _by_hand(namespace))
    except NotReadableError as failure:
        return OptionalRead(None, failure)
    return OptionalRead(partitions)


def _describe(
    execute: Execute, cluster: str, namespace: str, pods: Objects, what: str, *options: str
) -> str:
    """Return what kafka-topics.sh describes on a broker; raises NotReadableError."""
    ready = ready_brokers(pods, cluster)
    if not ready:
        raise NotReadableError(what, "no broker is Ready", _by_hand(namespace))
    address = replication_address(cluster, namespace)
    words = ("bash", "-c", broker_script(SCRIPT), "partitions", address, str(LIMIT - 5), str(SPARE))
    command = words + options
    try:
        result = execute(name_of(ready[0]), namespace, command, container="kafka", seconds=LIMIT)
    except ForbiddenError as refusal:
        right = f"get and create pods/exec in namespace {namespace}"
        raise forbidden(what, right, refusal) from refusal
    except UnreachableError as failure:  # a proxy without websockets, for one
        why = "no command runs in its pod"
        raise NotReadableError(what, why, _by_hand(namespace), str(failure)) from failure
    if result.code != 0:
        why = _why((result.errors or result.output).strip() or "no answer in time")
        raise NotReadableError(what, why, _by_hand(namespace))
    return result.output


def _by_hand(namespace: str) -> str:
    return (
        f"by hand: kubectl exec -n {namespace} BROKER -c kafka -- bin/kafka-topics.sh "
        "--bootstrap-server ADDRESS --describe --under-replicated-partitions"
    )


def read_partitions(text: str) -> Iterator[PartitionState]:
    """Yield the partitions that kafka-topics.sh describes."""
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            yield PartitionState(
                topic=match["topic"],
                number=int(match["number"]),
                leader=match["leader"],
                replicas=_count(match["replicas"]),
                in_sync=_count(match["in_sync"]),
            )


def _count(nodes: str) -> int:
    return len([node for node in nodes.split(",") if node])


def _why(errors: str) -> str:
    """Return the most useful line of a stack trace: the first cause, or the first line."""
    lines = errors.strip().splitlines()
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return (causes[-1] if causes else lines[0]).removeprefix("Caused by: ")[:300]


# The retention of each topic, asked of a broker by its own tool, as for partitions.

WHAT = "the retention of the topics"
SETTING = re.compile(r",(?=[a-z.]+=)")
"""Between two of them; a value may have commas in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSettings:
    """The effective options of a topic that decide when its records are deleted."""

    name: str
    retention_ms: int
    """-1 for no limit."""
    retention_bytes: int
    cleanup_policy: str

    def empties(self, milliseconds: float) -> bool:
        """Return whether all records go that are at least so old."""
        return "delete" in self.cleanup_policy and 0 <= self.retention_ms <= milliseconds


def ask_topic_settings(
    execute: Execute, cluster: str, namespace: str, pods: Objects
) -> OptionalRead[tuple[TopicSettings, ...]]:
    """Ask the first broker that is Ready; a failure is reported, and is not "no topics"."""
    try:
        output = _describe(execute, cluster, namespace, pods, WHAT)
        settings = tuple(read_topic_settings(output))
        if not settings:
            raise NotReadableError(WHAT, _why(output.strip() or "no answer in time"), "")
    except NotReadableError as failure:
        return OptionalRead(None, failure)
    return OptionalRead(settings)


def read_topic_settings(text: str) -> Iterator[TopicSettings]:
    """Yield what kafka-topics.sh describes; it names every option that is not Kafka's default."""
    for line in text.splitlines():
        if not line.startswith("Topic:"):
            continue
        name, *columns = line.removeprefix("Topic:").split("\t")
        configs = next((r.strip().removeprefix("Configs:") for r in columns if "Configs:" in r), "")
        pairs = (setting.partition("=") for setting in SETTING.split(configs.strip()) if setting)
        options = {key: value for key, _, value in pairs}
        yield TopicSettings(
            name=name.strip(),
            retention_ms=int(options.get("retention.ms", 604_800_000)),
            retention_bytes=int(options.get("retention.bytes", -1)),
            cleanup_policy=options.get("cleanup.policy", "delete"),
        )
