"""How a proof sees what is in topics: by Jobs in the cluster, where every broker is reached."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from kanister_kafka.errors import UnreachableError
from kanister_kafka.kube.connection import Connection
from kanister_kafka.run.target import Target
from kanister_kafka.topics.client import Access
from kanister_kafka.topics.compare import Request
from kanister_kafka.topics.find import Wish, find_access
from kanister_kafka.topics.job import NAME, Work
from kanister_kafka.topics.model import Comparison, Rates
from kanister_kafka.topics.remote import Came, run
from kanister_kafka.topics.words import of_command, of_request, of_topic

Result = TypeVar("Result")


class Eyes(Protocol):
    """What looks at topics."""

    def rates(self, target: Target, topics: Sequence[str], seconds: int) -> Rates:
        """Measure how fast topics of a Kafka grow."""

    def compare(self, topic: str, request: Request) -> Comparison:
        """Compare a topic of the source with what mirrors it."""


class JobEyes:
    """Looks by Jobs in the namespace of the source, without any right there."""

    def __init__(self, connection: Connection, source: Target, mirror: Target, image: str) -> None:
        self._connection, self._source, self._mirror = connection, source, mirror
        self._image = image

    def rates(self, target: Target, topics: Sequence[str], seconds: int) -> Rates:
        """Measure how fast topics of a Kafka grow; UnreachableError where the Job fails."""
        words = ("--for", f"{seconds}s", "--", *topics)
        return self._run("rate", words, Rates, self._access(target))

    def compare(self, topic: str, request: Request) -> Comparison:
        """Compare a topic of the source with its mirror; UnreachableError where the Job fails."""
        a, b = self._access(self._source), self._access(self._mirror)
        words = (*of_request(request), "--", of_topic(a, topic), of_topic(b, ""))
        found = self._run("compare", words, Comparison, a, b)
        return replace(found, a=f"{a.label}/{topic}", b=f"{b.label}/{found.b.rpartition('/')[2]}")

    def _access(self, target: Target) -> Access:
        """Find the way in anew: a pause wipes it from the status, and certificates change."""
        wish = Wish(namespace=target.namespace, kafka=target.name, inside=True)
        return find_access(self._connection, wish)

    def _run(
        self, command: str, words: tuple[str, ...], kind: type[Result], *accesses: Access
    ) -> Result:
        work = Work(
            name=f"{NAME}{secrets.token_hex(4)}",
            namespace=self._source.namespace,
            image=self._image,
            arguments=(*of_command(command, len(accesses)), *words),
            accesses=accesses,
        )
        results = [event.result for event in run(self._connection, work) if isinstance(event, Came)]
        if not results or not isinstance(results[-1], kind):
            raise UnreachableError(f"Job {work.namespace}/{work.name} has no {kind.__name__}")
        return results[-1]
