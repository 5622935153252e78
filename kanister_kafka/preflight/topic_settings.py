"""What each topic lets go, asked of a broker by its own tool, as for partitions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kanister_kafka.errors import UnreachableError
from kanister_kafka.preflight import partitions
from kanister_kafka.preflight.model import Objects, Seen, UnseenError
from kanister_kafka.preflight.objects import is_true, label, name_of

WHAT = "the retention of the topics"
SETTING = re.compile(r",(?=[a-z.]+=)")
"""Between two of them; a value may have commas in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSettings:
    """The effective options of a topic that say when its records go."""

    name: str
    retention_ms: int
    """-1 for no limit."""
    retention_bytes: int
    cleanup_policy: str

    def empties(self, milliseconds: float) -> bool:
        """Tell whether all records go that are at least so old."""
        return "delete" in self.cleanup_policy and 0 <= self.retention_ms <= milliseconds


def ask(
    execute: partitions.Execute, cluster: str, namespace: str, pods: Objects
) -> Seen[tuple[TopicSettings, ...]]:
    """Ask the first broker that is Ready; a failure is told, and no reason to go on as if."""
    broker = next((pod for pod in pods if _is_broker(pod, cluster) and is_true(pod, "Ready")), None)
    if broker is None:
        return Seen(None, UnseenError(WHAT, "no broker is Ready", ""))
    address = f"{cluster}-kafka-brokers.{namespace}.svc:{partitions.LISTENER}"
    limit = partitions.LIMIT
    words = (address, str(limit - 5), str(partitions.SPARE))
    command = ("bash", "-c", partitions.SCRIPT, "topics", *words)
    try:
        done = execute(name_of(broker), namespace, command, container="kafka", seconds=limit)
    except UnreachableError as failure:
        return Seen(None, UnseenError(WHAT, str(failure), ""))
    found = tuple(read(done.output))
    if done.code != 0 or not found:
        said = (done.errors or done.output).strip().splitlines() or ["no answer in time"]
        return Seen(None, UnseenError(WHAT, said[0][:300], ""))
    return Seen(found)


def read(text: str) -> Iterator[TopicSettings]:
    """Yield what kafka-topics.sh describes; it names every option that is not Kafka's default."""
    for line in text.splitlines():
        if not line.startswith("Topic:"):
            continue
        name, *rest = line.removeprefix("Topic:").split("\t")
        configs = next((r.strip().removeprefix("Configs:") for r in rest if "Configs:" in r), "")
        pairs = (one.partition("=") for one in SETTING.split(configs.strip()) if one)
        options = {key: value for key, _, value in pairs}
        yield TopicSettings(
            name=name.strip(),
            retention_ms=int(options.get("retention.ms", 604_800_000)),
            retention_bytes=int(options.get("retention.bytes", -1)),
            cleanup_policy=options.get("cleanup.policy", "delete"),
        )


def _is_broker(pod: dict[str, object], cluster: str) -> bool:
    named = label(pod, "strimzi.io/name") == f"{cluster}-kafka"
    return named and label(pod, "strimzi.io/broker-role") in ("", "true")
