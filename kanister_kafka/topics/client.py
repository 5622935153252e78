"""A consumer without a group; the only module that imports confluent_kafka.

It writes nothing: it commits no offset and does not create a topic by asking for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from kanister_kafka.errors import (
    ForbiddenError,
    KanisterKafkaError,
    NotFoundError,
    UnreachableError,
)
from kanister_kafka.topics import require_extra
from kanister_kafka.topics.client_properties import FETCHED_AHEAD, ClientProperties, find_obstacle
from kanister_kafka.topics.model import Isolation

REQUEST = 30.0
"""Seconds for one request, including the connection to the brokers."""
ASIDE = 10.0
"""Seconds for an optional request."""
CONNECTED_SOON = {"reconnect.backoff.ms": "20"}
"""librdkafka waits half of this, 50 ms by default, between two connections, also if the first is
replaced because the broker has reported its address. Repeated failures still double the wait."""
AT_ONCE = 8
"""Requests at a time for the offsets of partitions."""
GROUP = "kanister-kafka"
"""librdkafka requires a name, although no group is joined."""
FORBIDDEN = (
    "CLUSTER_AUTHORIZATION_FAILED",
    "GROUP_AUTHORIZATION_FAILED",
    "SASL_AUTHENTICATION_FAILED",
    "TOPIC_AUTHORIZATION_FAILED",
    "_AUTHENTICATION",
)
END = -1
"""Result of `offsets_at` if no record is as new."""
LOG_APPEND_TIME = 2
"""Type of a timestamp of the broker's clock; the producer's is 1 (KIP-32)."""


@dataclass(frozen=True, slots=True)
class ClientAccess:
    """Settings of a client for one cluster."""

    label: str
    """Name of the cluster in reports, such as `kafka/my-cluster`."""
    settings: ClientProperties = field(repr=False)
    """Settings of librdkafka with `bootstrap.servers`; they can contain secrets."""


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """Offsets of a partition, from `earliest` up to and without `latest`."""

    earliest: int
    latest: int

    @property
    def count(self) -> int:
        """Number of offsets; compacted topics and transactions have fewer records."""
        return max(0, self.latest - self.earliest)


class KafkaConsumer:
    """A connection to one cluster.

    Every method raises NotFoundError for a topic that does not exist, ForbiddenError and
    UnreachableError. Two topics that are read at once need a consumer each.
    """

    def __init__(
        self,
        access: ClientAccess,
        request: float = REQUEST,
        isolation: Isolation = Isolation.COMMITTED,
    ) -> None:
        with require_extra():
            import confluent_kafka
        self.access = access
        self.isolation = isolation
        self._request = request
        self.library: Any = confluent_kafka
        self.errors: list[str] = []
        """The latest errors of librdkafka, which tries again by itself."""
        self._lock = Lock()
        self._uses = 0
        self._is_closed = False
        self.consumer: Any = None
        self.consumer = self._connect()
        self._known: dict[str, tuple[int, ...]] = {}

    def close(self) -> None:
        """Close the connection; if another thread uses it, when that has ended."""
        with self._lock:
            self._is_closed = True
            if self._uses:
                return
        self.consumer.close()

    def begin_use(self) -> None:
        """Keep the connection open for another thread, until `end_use`.

        A request that waits in librdkafka must not lose its handle.
        """
        with self._lock:
            self._uses += 1

    def end_use(self) -> None:
        """End what `begin_use` has begun; closes the connection if that was asked for meanwhile."""
        with self._lock:
            self._uses -= 1
            is_last = self._is_closed and not self._uses
        if is_last:
            self.consumer.close()

    def uncommitted(self) -> KafkaConsumer:
        """Return another connection of the same kind that reads records of any transaction."""
        return type(self)(self.access, self._request, Isolation.UNCOMMITTED)

    def topics(self) -> dict[str, tuple[int, ...]]:
        """Return all topics with their partitions."""
        with self.translated("list topics"):
            topics = self.consumer.list_topics(timeout=self._request).topics
        return {name: tuple(sorted(topic.partitions)) for name, topic in sorted(topics.items())}

    def partitions(self, topic: str) -> tuple[int, ...]:
        """Return the partitions of a topic; NotFoundError lists the existing topics."""
        if topic not in self._known:
            # Request all topics: a request for one can create it (auto.create.topics.enable).
            self._known = self.topics()
        if topic not in self._known:
            names = [name for name in self._known if not name.startswith("__")]
            listing = f"it has {', '.join(names[:20])}" if names else "it has none"
            raise NotFoundError(f"{self.access.label}: no topic {topic}; {listing}")
        return self._known[topic]

    def spans(self, topic: str, partitions: Iterable[int]) -> dict[int, OffsetRange]:
        """Return the current offsets of each partition."""
        numbers = tuple(partitions)
        # librdkafka has one partition in a request, so the requests must not wait for each other.
        executor = futures.ThreadPoolExecutor(AT_ONCE)
        try:
            spans = executor.map(lambda number: self._span(topic, number), numbers)
            return dict(zip(numbers, spans, strict=True))
        finally:
            executor.shutdown(cancel_futures=True)

    def _span(self, topic: str, partition: int) -> OffsetRange:
        topic_partition = self.library.TopicPartition(topic, partition)
        with self.translated(f"ask for the offsets of {topic}[{partition}]"):
            low, high = self.consumer.get_watermark_offsets(topic_partition, timeout=self._request)
        return OffsetRange(low, high)

    def offsets_at(self, topic: str, times: Mapping[int, int]) -> dict[int, int]:
        """Return for each partition the first offset at or after a time in ms, or END."""
        if not times:
            return {}
        partition_type = self.library.TopicPartition
        partitions = [partition_type(topic, number, time) for number, time in times.items()]
        with self.translated(f"ask {topic} for offsets of a time"):
            offsets = self.consumer.offsets_for_times(partitions, timeout=self._request)
        return {entry.partition: entry.offset if entry.offset >= 0 else END for entry in offsets}

    def is_compacted(self, topic: str) -> bool | None:
        """Return whether the topic is compacted; None if the user may not read this."""
        with require_extra():
            from confluent_kafka import admin
        library: Any = admin
        resource = library.ConfigResource(library.ResourceType.TOPIC, topic)
        client = library.AdminClient(self._settings(), logger=_silent())
        timeout = min(ASIDE, self._request)
        answers = client.describe_configs([resource], request_timeout=timeout)
        try:
            configuration = answers[resource].result(timeout)
        except (self.library.KafkaException, futures.TimeoutError):
            return None
        policy = configuration.get("cleanup.policy")
        return policy is not None and "compact" in (policy.value or "").split(",")

    def batch_obstacle(self) -> str:
        """Return the client property for which batches cannot be fetched, or nothing."""
        return find_obstacle(self.access.settings)

    def _connect(self) -> Any:
        with self.translated("connect"):
            return self.library.Consumer(self._settings(), logger=_silent())

    def _settings(self) -> dict[str, Any]:
        return {
            **FETCHED_AHEAD,
            **CONNECTED_SOON,
            **self.access.settings,
            "group.id": GROUP,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "isolation.level": self.isolation.value,
            "allow.auto.create.topics": False,
            "error_cb": self._add_error,
        }

    def _add_error(self, failure: Any) -> None:
        self.errors.append(str(failure.str()))
        del self.errors[:-5]

    def failure(self, what: str, error: Any) -> KanisterKafkaError:
        """Return the exception for an error of librdkafka."""
        reason = " ".join(str(error.str()).split())
        cause = next((message for message in reversed(self.errors) if message not in reason), "")
        text = f"{self.access.label}: cannot {what}: {reason}" + (f" ({cause})" if cause else "")
        if error.name() in FORBIDDEN:
            return ForbiddenError(text)
        if error.name() in ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_PARTITION", "_UNKNOWN_TOPIC"):
            return NotFoundError(text)
        return UnreachableError(text)

    @contextmanager
    def translated(self, what: str) -> Iterator[None]:
        """Raise the errors of this package in place of those of librdkafka."""
        try:
            yield
        except self.library.KafkaException as failure:
            if self.consumer is not None:
                self.consumer.poll(0)  # calls error_cb with the cause
            raise self.failure(what, failure.args[0]) from failure
        except (
            TypeError,
            ValueError,
        ) as failure:  # a setting with a wrong type; the message can quote it
            text = f"{self.access.label}: cannot {what}: a client property is not understood"
            raise UnreachableError(text) from failure


def _silent() -> logging.Logger:
    """Return a logger that drops the log of librdkafka; errors are raised."""
    logger = logging.getLogger("kanister_kafka.topics")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    return logger
