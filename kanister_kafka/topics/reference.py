"""Names of topics: the topic alone, in a Kafka of Strimzi, or after a bootstrap address."""

from __future__ import annotations

import re
from dataclasses import dataclass

from kanister_kafka.diagnostics import Location, error
from kanister_kafka.errors import InputError

TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""Kafka's Topic.java."""
FORMS = "TOPIC, NAMESPACE/KAFKA/TOPIC or HOST:PORT[,HOST:PORT…]/TOPIC"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRef:
    """A topic, or the cluster of one; empty fields were not named."""

    topic: str = ""
    servers: str = ""
    """A bootstrap address."""
    namespace: str = ""
    kafka: str = ""

    @property
    def has_cluster(self) -> bool:
        """Whether it names its cluster."""
        return bool(self.servers or self.kafka)


def parse_topic_ref(text: str) -> TopicRef:
    """Parse a reference; raises InputError.

    A cluster without a topic, `NAMESPACE/KAFKA/`, is the topic of the other side, with its own
    name or with the prefix of a mirror.
    """
    *before, topic = text.split("/")
    match before:
        case []:
            place = TopicRef(topic=topic)
        case [servers] if ":" in servers:
            place = TopicRef(topic=topic, servers=servers)
        case [namespace, kafka] if namespace and kafka:
            place = TopicRef(topic=topic, namespace=namespace, kafka=kafka)
        case _:
            raise _wrong(text, f"is not one of {FORMS}")
    if topic in (".", "..") or not (TOPIC.fullmatch(topic) or (not topic and place.has_cluster)):
        raise _wrong(text, f"{topic!r} is not a topic name")
    return place


def mirror_candidates(topic: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the possible names of a topic in another cluster, the likeliest first.

    These are its own name (IdentityReplicationPolicy), or the alias of its source, a separator (a
    dot by default) and its name (DefaultReplicationPolicy of MirrorMaker 2). An alias can have
    dots.
    """
    names = [name for name in known if name == topic]
    names += [name for name in known if name.endswith(f".{topic}")]
    return tuple(names)


def _wrong(text: str, message: str) -> InputError:
    return InputError((error("topic-name", Location("argument"), "", f"{text!r}: {message}"),))
