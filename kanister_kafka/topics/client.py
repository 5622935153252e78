"""One Kafka cluster as a reader without a group sees it; the only user of confluent_kafka.

Nothing is written: no offset is committed, no topic is made by asking for it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kanister_kafka.errors import (
    ForbiddenError,
    KanisterKafkaError,
    NotFoundError,
    UnreachableError,
)
from kanister_kafka.topics import require_extra
from kanister_kafka.topics.client_properties import ClientProperties
from kanister_kafka.topics.model import Isolation

REQUEST = 30.0
"""Seconds that one request may take, the way to the brokers included."""
ASIDE = 10.0
"""Seconds for what can be done without."""
GROUP = "kanister-kafka"
"""librdkafka wants a name, though no group is ever joined."""
FORBIDDEN = (
    "CLUSTER_AUTHORIZATION_FAILED",
    "GROUP_AUTHORIZATION_FAILED",
    "SASL_AUTHENTICATION_FAILED",
    "TOPIC_AUTHORIZATION_FAILED",
    "_AUTHENTICATION",
)
END = -1
"""What `offsets_at` finds if no record is that new."""
CREATE_TIME, LOG_APPEND_TIME = 1, 2
"""Whose clock a timestamp is of: the producer's, or the broker's (KIP-32)."""
QUEUED = 16384
"""KiB that librdkafka fetches ahead of a partition; its default of 64 MiB is for one partition."""
FETCHED_AHEAD = {
    "check.crcs": "true",  # off by default; a batch that was damaged on its way is no record
    "queued.min.messages": "50000",
    "queued.max.messages.kbytes": str(QUEUED),
    "fetch.wait.max.ms": "100",  # what the next reading of an idle partition has to wait for
    "fetch.queue.backoff.ms": "20",  # what a queue that was full waits for, 1000 by default
    "fetch.message.max.bytes": str(4 << 20),
    "fetch.max.bytes": str(64 << 20),
    "receive.message.max.bytes": str(128 << 20),
}


@dataclass(frozen=True, slots=True)
class ClientAccess:
    """How a cluster is reached, as whom."""

    label: str
    """What it is called in reports, such as `kafka/my-cluster`."""
    settings: ClientProperties = field(repr=False)
    """librdkafka's, with `bootstrap.servers`; may hold secrets."""


@dataclass(frozen=True, slots=True)
class OffsetRange:
    """What a partition holds: offsets from `earliest` up to, and without, `latest`."""

    earliest: int
    latest: int

    @property
    def count(self) -> int:
        """Offsets in it: its records, or more if it is compacted or has transactions."""
        return max(0, self.latest - self.earliest)


class KafkaConsumer:
    """A connection to one cluster.

    Every method raises NotFoundError for a topic that is not there, ForbiddenError and
    UnreachableError. Two topics that are read at once need a cluster each.
    """

    def __init__(
        self,
        access: ClientAccess,
        request: float = REQUEST,
        isolation: Isolation = Isolation.COMMITTED,
    ) -> None:
        with require_extra():
            import confluent_kafka
        self.access, self._request, self.isolation = access, request, isolation
        self.library: Any = confluent_kafka
        self.said: list[str] = []
        """What librdkafka complained about of late; it tries again by itself."""
        self.consumer: Any = None
        self.consumer = self._connect()
        self._known: dict[str, tuple[int, ...]] = {}

    def close(self) -> None:
        """Close the connection."""
        self.consumer.close()

    def uncommitted(self) -> KafkaConsumer:
        """Return another connection of the same kind that reads records of any transaction."""
        return type(self)(self.access, self._request, Isolation.UNCOMMITTED)

    def topics(self) -> dict[str, tuple[int, ...]]:
        """Return all topics with their partitions."""
        with self.translated("list topics"):
            found = self.consumer.list_topics(timeout=self._request).topics
        return {name: tuple(sorted(topic.partitions)) for name, topic in sorted(found.items())}

    def partitions(self, topic: str) -> tuple[int, ...]:
        """Return the partitions of a topic; NotFoundError names those that are there."""
        if topic not in self._known:
            # Asked for all: to ask for one by name may create it (auto.create.topics.enable).
            self._known = self.topics()
        if topic not in self._known:
            names = [name for name in self._known if not name.startswith("__")]
            there = f"it has {', '.join(names[:20])}" if names else "it has none"
            raise NotFoundError(f"{self.access.label}: no topic {topic}; {there}")
        return self._known[topic]

    def spans(self, topic: str, partitions: Iterable[int]) -> dict[int, OffsetRange]:
        """Return what each partition holds now."""
        found = {}
        for partition in partitions:
            place = self.library.TopicPartition(topic, partition)
            with self.translated(f"ask for the offsets of {topic}[{partition}]"):
                low, high = self.consumer.get_watermark_offsets(place, timeout=self._request)
            found[partition] = OffsetRange(low, high)
        return found

    def offsets_at(self, topic: str, times: Mapping[int, int]) -> dict[int, int]:
        """Return for each partition the first offset of a time in ms since 1970, or END."""
        if not times:
            return {}
        asked = [self.library.TopicPartition(topic, number, at) for number, at in times.items()]
        with self.translated(f"ask {topic} for offsets of a time"):
            found = self.consumer.offsets_for_times(asked, timeout=self._request)
        return {place.partition: place.offset if place.offset >= 0 else END for place in found}

    def is_compacted(self, topic: str) -> bool | None:
        """Return whether the topic keeps the last record of each key; None if nobody may know."""
        with require_extra():
            from confluent_kafka import admin
        library: Any = admin
        resource = library.ConfigResource(library.ResourceType.TOPIC, topic)
        client = library.AdminClient(self._settings(), logger=_silent())
        most = min(ASIDE, self._request)
        asked = client.describe_configs([resource], request_timeout=most)
        try:
            found = asked[resource].result(most)
        except (self.library.KafkaException, futures.TimeoutError):
            return None
        policy = found.get("cleanup.policy")
        return policy is not None and "compact" in (policy.value or "").split(",")

    def _connect(self) -> Any:
        with self.translated("connect"):
            return self.library.Consumer(self._settings(), logger=_silent())

    def _settings(self) -> dict[str, Any]:
        return {
            **FETCHED_AHEAD,
            **self.access.settings,
            "group.id": GROUP,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
            "isolation.level": self.isolation.value,
            "allow.auto.create.topics": False,
            "error_cb": self._hear,
        }

    def _hear(self, failure: Any) -> None:
        """Keep what librdkafka complains about."""
        self.said = [*self.said[-4:], str(failure.str())]

    def failure(self, what: str, error: Any) -> KanisterKafkaError:
        """Return our error for one of librdkafka's."""
        words = " ".join(str(error.str()).split())
        told = next((said for said in reversed(self.said) if said not in words), "")
        text = f"{self.access.label}: cannot {what}: {words}" + (f" ({told})" if told else "")
        if error.name() in FORBIDDEN:
            return ForbiddenError(text)
        if error.name() in ("UNKNOWN_TOPIC_OR_PART", "_UNKNOWN_PARTITION", "_UNKNOWN_TOPIC"):
            return NotFoundError(text)
        return UnreachableError(text)

    @contextmanager
    def translated(self, what: str) -> Iterator[None]:
        """Turn what librdkafka raises while something is done into our errors."""
        try:
            yield
        except self.library.KafkaException as failure:
            if self.consumer is not None:
                self.consumer.poll(0)  # only then it says why: `_hear`
            raise self.failure(what, failure.args[0]) from failure
        except (TypeError, ValueError) as failure:  # a setting of a wrong kind; may quote it
            text = f"{self.access.label}: cannot {what}: a client property is not understood"
            raise UnreachableError(text) from failure


def _silent() -> logging.Logger:
    """Return where librdkafka logs; what matters comes to us as an error."""
    logger = logging.getLogger("kanister_kafka.topics")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
        logger.propagate = False
    return logger
