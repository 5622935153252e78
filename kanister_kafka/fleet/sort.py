"""Objects of any order to clusters: each is told apart as it is read, and none has to be kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Generic, TypeVar

from kanister_kafka.document import Document, MappingNode
from kanister_kafka.fleet.model import Key, Rule
from kanister_kafka.problem import Problem, Severity, error
from kanister_kafka.strimzi.addresses import Address, Addresses, addresses
from kanister_kafka.strimzi.fields import Field
from kanister_kafka.strimzi.read import CLUSTER_LABEL, GROUP, LIVE, orphaned
from kanister_kafka.strimzi.writers import is_client, written

T = TypeVar("T")


@dataclass(slots=True)
class Found(Generic[T]):
    """A Kafka of the input, and all that belongs to it."""

    key: Key
    source: str
    labels: dict[str, str]
    addresses: Addresses
    held: list[T] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    """What is wrong with files that may be about it."""


class Sorter(Generic[T]):
    """Takes objects one by one; what it holds of each is up to the caller.

    What a cluster is read from is what `render` would use of the same input: the Kafka, its pools
    and workloads, and the clients that write into it. Clients of other clusters change nothing.
    """

    def __init__(self, namespace: str, restore: Callable[[T], Document]) -> None:
        self.problems: list[Problem] = []
        """What cannot be told of one cluster."""
        self._namespace = namespace
        self._restore = restore
        self._kafkas: dict[Key, Found[T]] = {}
        self._parts: dict[Key, list[T]] = defaultdict(list)
        self._clients: dict[Address, list[T]] = defaultdict(list)
        self._broken: list[Problem] = []

    def add(self, document: Document, hold: Callable[[Document], T]) -> None:
        """Take an object; it is held only where a cluster may need it."""
        if is_client(document):
            held = hold(document)
            for address in written(document, self._namespace, self.problems):
                self._clients[address].append(held)
        elif (document.kind, document.group) == ("Kafka", GROUP):
            self._kafka(document, hold)
        elif (document.kind, document.group) in PARTS:
            owner = document.text("metadata", "labels", CLUSTER_LABEL)
            key = Key(self._home(document), owner)
            self._parts[key].append(hold(document))

    def take(self, objects: Iterable[Document | Problem], hold: Callable[[Document], T]) -> None:
        """Take all objects of an input, and what is wrong with its text."""
        for one in objects:
            if isinstance(one, Document):
                self.add(one, hold)
            elif one.severity is Severity.ERROR:
                self._broken.append(one)
            else:
                self.problems.append(one)

    def clusters(self) -> tuple[Found[T], ...]:
        """Return the Kafkas in the order of their names, each with what belongs to it."""
        for key, held in self._parts.items():
            if key in self._kafkas:
                self._kafkas[key].held += held
            else:
                for part in held:
                    self._orphan(self._restore(part))
        if self._clients:
            for found in self._kafkas.values():
                clients = (h for a in found.addresses.all for h in self._clients.get(a, ()))
                found.held += dict.fromkeys(clients)
        for problem in self._broken:
            self._blame(problem)
        return tuple(self._kafkas[key] for key in sorted(self._kafkas))

    def _home(self, document: Document) -> str:
        return document.text("metadata", "namespace") or self._namespace

    def _kafka(self, document: Document, hold: Callable[[Document], T]) -> None:
        problems: list[Problem] = []
        metadata = Field.of(document, problems).at("metadata")
        home = metadata.at("namespace").namespace(self._namespace)
        key = Key(home, metadata.at("name").name())
        self.problems += problems
        if not all(key):
            return
        if key not in self._kafkas:
            told = addresses(key.name, key.namespace, Field.of(document, []))
            source = document.root.location.source
            self._kafkas[key] = Found(key, source, labels(document), told)
        self._kafkas[key].held.append(hold(document))

    def _orphan(self, part: Document) -> None:
        """Report a node pool whose Kafka is not there, or what keeps it from having one."""
        if part.kind != "KafkaNodePool":
            return
        metadata = Field.of(part, self.problems).at("metadata")
        label = metadata.at("labels", CLUSTER_LABEL)
        owner = label.name()
        home = metadata.at("namespace").namespace(self._namespace)
        if metadata.at("name").name() and home and owner:
            orphaned(label, f"{home}/{owner}")

    def _blame(self, problem: Problem) -> None:
        """Tell a broken file to the clusters in it, or to the only one of its directory.

        What else it holds nobody knows; where it may be about any cluster, all others go on.
        """
        source = problem.location.source
        inside = [found for found in self._kafkas.values() if found.source == source]
        beside = [f for f in self._kafkas.values() if _folder(f.source) == _folder(source)]
        blamed = inside or (beside if len(beside) == 1 else [])
        for problems in [found.problems for found in blamed] or [self.problems]:
            problems.append(problem)


PARTS = {("KafkaNodePool", GROUP), *((kind, group) for kind, group, _feature in LIVE)}


def labels(document: Document) -> dict[str, str]:
    """Return the labels of an object."""
    node = document.root.get("metadata")
    node = node.get("labels") if isinstance(node, MappingNode) else None
    entries = node.entries if isinstance(node, MappingNode) else ()
    return {entry.key: document.text("metadata", "labels", entry.key) for entry in entries}


def choose(
    clusters: Iterable[Found[T]], rules: tuple[Rule, ...], problems: list[Problem]
) -> Iterator[tuple[Found[T], Rule]]:
    """Pair each Kafka with the first rule that fits it; report a rule that fits none."""
    idle = dict.fromkeys(range(len(rules)))
    for found in clusters:
        fitting = [i for i, rule in enumerate(rules) if rule.fits(found.key, found.labels)]
        for i in fitting:
            idle.pop(i, None)
        if fitting:
            yield found, rules[fitting[0]]
    for i in idle:
        rule = rules[i]
        wanted = f"Kafka {rule.cluster}" if rule.cluster else "Kafka"
        wanted += " that this selects" if rule.selector.requirements else ""
        problems.append(error("no-kafka", rule.location, rule.path, f"no {wanted} in the input"))


def _folder(source: str) -> str:
    return str(PurePath(source).parent)
