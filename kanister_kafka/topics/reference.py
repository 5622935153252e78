"""How a topic is named: by itself, in a Kafka of Strimzi, or behind a bootstrap address."""

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
    """A topic, or all that says where to look for one; what is empty was not named."""

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
    """Read a reference; InputError if it is none.

    A cluster without a topic, `NAMESPACE/KAFKA/`, asks for the topic of the other side, by its own
    name or as a mirror calls it.
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
            raise _wrong(text, f"is none of {FORMS}")
    if topic in (".", "..") or not (TOPIC.fullmatch(topic) or (not topic and place.has_cluster)):
        raise _wrong(text, f"{topic!r} is not a name of a topic")
    return place


def mirror_candidates(topic: str, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a topic may be called in another cluster, the likeliest first.

    By itself (IdentityReplicationPolicy), or behind the alias of its source and a separator, a dot
    by default (DefaultReplicationPolicy of MirrorMaker 2); an alias may have dots itself.
    """
    same = [name for name in known if name == topic]
    return (*same, *(name for name in known if name.endswith(f".{topic}")))


def _wrong(text: str, message: str) -> InputError:
    return InputError((error("topic-name", Location("argument"), "", f"{text!r}: {message}"),))
