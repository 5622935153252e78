"""Partitions that are not in sync, asked of a broker by its own tool.

The broker's own certificate is used, on its own listener for replication: that one is there in
every Strimzi cluster whatever its listeners are, and no authorization hides a topic from it. What
is secret stays in the broker's pod.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Protocol

from kanister_kafka.errors import ForbiddenError, UnreachableError
from kanister_kafka.kube.execute import Executed
from kanister_kafka.preflight.model import Objects, Partition, Seen, UnseenError, forbidden
from kanister_kafka.preflight.objects import is_true, label, name_of

LIMIT = 60
"""Seconds."""
LISTENER = 9091
SPARE = 256 * 2**20
"""Bytes that a JVM with 128 MiB of heap needs at most, all in all."""
SCRIPT = r"""
cd /opt/kafka || exit
# A second JVM must not cost the broker its memory: past the limit the kernel kills one of them.
limit=$(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2> /dev/null)
used=$(cat /sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat 2> /dev/null |
  sed -nE 's/^(anon|total_rss) //p')
if [[ $limit =~ ^[0-9]+$ && $used =~ ^[0-9]+$ ]] && ((limit - used < $3)); then
  echo "the broker has $(((limit - used) >> 20)) MiB left, too few to ask beside it" >&2
  exit 75
fi
while IFS= read -r -d '' word; do
  [[ $word != CERTS_STORE_PASSWORD=* ]] || export "${word?}"
done < /proc/1/environ
settings() {
  echo security.protocol=SSL
  grep '^config\.providers' /tmp/strimzi.properties
  sed -n 's/^listener\.name\.replication-9091\.ssl\./ssl./p' /tmp/strimzi.properties
}
export LOG_DIR=/tmp KAFKA_OPTS=""
export KAFKA_HEAP_OPTS=-Xmx128m KAFKA_JVM_PERFORMANCE_OPTS=-XX:+UseSerialGC
exec timeout "$2" bin/kafka-topics.sh --bootstrap-server "$HOSTNAME.$1" \
  --command-config <(settings) --describe "${@:4}"
"""
"""Arguments: the rest of the broker's address, seconds, bytes to spare, and what to describe.
KAFKA_OPTS is emptied, because an agent in it would want the broker's port a second time. The
password of the stores is in no file: the first process of the container has it."""
LINE = re.compile(
    r"\s*Topic: (?P<topic>\S+)\s+Partition: (?P<number>\d+)\s+Leader: (?P<leader>\S+)"
    r"\s+Replicas: (?P<replicas>[\d,]*)\s+Isr: (?P<in_sync>[\d,]*)"
)


class Execute(Protocol):
    """Runs a command in a container, as `kanister_kafka.kube.execute` does."""

    def __call__(
        self, pod: str, namespace: str, command: tuple[str, ...], *, container: str, seconds: float
    ) -> Executed:
        """Wait for its end. Raises UnreachableError and what is below it."""


def ask(
    execute: Execute, cluster: str, namespace: str, pods: Objects
) -> Seen[tuple[Partition, ...]]:
    """Ask the first broker that is Ready; a failure is no verdict on the partitions."""
    what = "the partitions that are not in sync"
    right = f"get and create pods/exec in namespace {namespace}"
    by_hand = (
        f"by hand: kubectl exec -n {namespace} BROKER -c kafka -- bin/kafka-topics.sh "
        "--bootstrap-server ADDRESS --describe --under-replicated-partitions"
    )
    broker = next((pod for pod in pods if _is_broker(pod, cluster) and is_true(pod, "Ready")), None)
    if broker is None:
        return Seen(None, UnseenError(what, "no broker is Ready", by_hand))
    address = f"{cluster}-kafka-brokers.{namespace}.svc:{LISTENER}"
    words = (address, str(LIMIT - 5), str(SPARE), "--under-replicated-partitions")
    command = ("bash", "-c", SCRIPT, "partitions", *words)
    try:
        done = execute(name_of(broker), namespace, command, container="kafka", seconds=LIMIT)
    except ForbiddenError as refusal:
        return Seen(None, forbidden(what, right, refusal))
    except UnreachableError as failure:  # a proxy without websockets, for one
        return Seen(None, UnseenError(what, "no command runs in its pod", by_hand, str(failure)))
    found = tuple(read(done.output))
    if done.code != 0 or (done.output.strip() and not found):
        why = _why((done.errors or done.output).strip() or "no answer in time")
        return Seen(None, UnseenError(what, why, by_hand))
    return Seen(found)


def read(text: str) -> Iterator[Partition]:
    """Yield the partitions that kafka-topics.sh describes."""
    for line in text.splitlines():
        match = LINE.match(line)
        if match:
            yield Partition(
                topic=match["topic"],
                number=int(match["number"]),
                leader=match["leader"],
                replicas=_count(match["replicas"]),
                in_sync=_count(match["in_sync"]),
            )


def _count(nodes: str) -> int:
    return len([node for node in nodes.split(",") if node])


def _is_broker(pod: dict[str, object], cluster: str) -> bool:
    named = label(pod, "strimzi.io/name") == f"{cluster}-kafka"
    return named and label(pod, "strimzi.io/broker-role") in ("", "true")


def _why(errors: str) -> str:
    """Return the line of a stack trace that tells most: the first cause, or the first line."""
    lines = errors.splitlines()
    causes = [line for line in lines if line.startswith("Caused by: ")]
    return (causes[-1] if causes else lines[0]).removeprefix("Caused by: ")[:300]
