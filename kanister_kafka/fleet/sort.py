"""Objects of any order to clusters: each is told apart as it is read, and none has to be kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import PurePath
from typing import Generic, TypeVar

from kanister_kafka.document import Document, MappingNode
from kanister_kafka.fleet.model import Key, Rule
from kanister_kafka.problem import Location, Problem, Severity, error, warning
from kanister_kafka.strimzi.addresses import Address, Addresses, addresses, of_services, shape
from kanister_kafka.strimzi.autoscalers import is_autoscaler
from kanister_kafka.strimzi.fields import Field, shown
from kanister_kafka.strimzi.read import CLUSTER_LABEL, GROUP, LIVE, orphaned
from kanister_kafka.strimzi.writers import Reach, is_client, reach_of, unplaced

T = TypeVar("T")


@dataclass(slots=True)
class Found(Generic[T]):
    """A Kafka of the input, and all that belongs to it."""

    key: Key
    source: str
    labels: dict[str, str]
    kafka: T
    held: list[T] = field(default_factory=list)
    others: list[Addresses] = field(default_factory=list)
    """Addresses of the other Kafkas that its bystanders have to do with."""
    problems: list[Problem] = field(default_factory=list)
    """What is wrong with files that may be about it."""


@dataclass(slots=True)
class _Client(Generic[T]):
    """A MirrorMaker, Connect or Bridge, and whose it is."""

    held: T
    place: Location
    reach: Reach
    problems: tuple[Problem, ...]
    owners: list[Key] = field(default_factory=list)
    """Kafkas that it writes into or reads from."""
    taken: bool = False
    """Whether some cluster is read with it, and tells what is to be told of it."""


class Sorter(Generic[T]):
    """Takes objects one by one; what it holds of each is up to the caller.

    What a cluster is read from is what `render` would use of the same input: the Kafka, its pools
    and workloads, the clients that write into it, and those in the namespaces of these. A client
    elsewhere whose address is nobody's is told once, not for each cluster.
    """

    def __init__(
        self, namespace: str, restore: Callable[[T], Document], rules: Collection[Rule] = ()
    ) -> None:
        self.problems: list[Problem] = []
        """What cannot be told of one cluster."""
        self._namespace = namespace
        self._restore = restore
        self._rules = rules
        self._kafkas: dict[Key, Found[T]] = {}
        self._parts: dict[Key, list[T]] = defaultdict(list)
        self._pools: dict[Key, list[str]] = defaultdict(list)
        self._clients: list[_Client[T]] = []
        self._scalers: dict[str, list[T]] = defaultdict(list)
        self._broken: list[Problem] = []

    def add(self, document: Document, hold: Callable[[Document], T]) -> None:
        """Take an object; it is held only where a cluster may need it."""
        if is_client(document):
            problems: list[Problem] = []
            reach = reach_of(document, self._namespace, problems)
            location = document.root.location
            self._clients.append(_Client(hold(document), location, reach, tuple(problems)))
        elif is_autoscaler(document):
            self._scalers[self._home(document)].append(hold(document))
        elif (document.kind, document.group) == ("Kafka", GROUP):
            self._kafka(document, hold)
        elif (document.kind, document.group) in PARTS:
            owner = document.text("metadata", "labels", CLUSTER_LABEL)
            key = Key(self._home(document), owner)
            self._parts[key].append(hold(document))
            if document.kind == "KafkaNodePool":
                self._pools[key].append(document.text("metadata", "name"))

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
        self._place()
        for problem in self._broken:
            self._blame(problem)
        return tuple(self._kafkas[key] for key in sorted(self._kafkas))

    def _place(self) -> None:
        """Give each client to the clusters that it may have to do with."""
        index = _Index(self._clients)
        homes: dict[str, list[_Client[T]]] = defaultdict(list)
        named: dict[Key, list[_Client[T]]] = defaultdict(list)
        for client in self._clients:
            homes[client.reach.namespace].append(client)
            for cluster, home in of_services(chain(*client.reach.written)):
                named[Key(home, cluster)].append(client)
        by_name: dict[str, list[_Client[T]]] = {
            name: [] for rule in self._rules for name in rule.told
        }
        for client in self._clients:
            if client.reach.key in by_name:
                by_name[client.reach.key].append(client)
        told = {key: self._addresses(found) for key, found in self._kafkas.items()}
        mine = {key: index.of(addresses) for key, addresses in told.items()}
        for key, clients in mine.items():
            for client in clients:
                client.owners.append(key)
        for key, found in self._kafkas.items():
            writers = [c for c in mine[key] if any(map(told[key].has, c.reach.written))]
            settled = [client for name in self._settled(found) for client in by_name[name]]
            near = {key.namespace, *(client.reach.namespace for client in (*writers, *settled))}
            beside = [client for home in sorted(near) for client in homes.get(home, ())]
            near_ones = (*mine[key], *settled, *named.get(key, ()), *beside)
            taken = {id(client): client for client in near_ones}.values()
            others = {owner for client in taken for owner in client.owners} - {key}
            found.held += [client.held for client in taken]
            found.held += [one for home in sorted(near) for one in self._scalers.get(home, ())]
            found.others = [told[other] for other in sorted(others)]
            for client in taken:
                client.taken = True
        for client in self._clients:
            if not client.taken:
                self._tell(client)

    def _settled(self, found: Found[T]) -> tuple[str, ...]:
        """Return the names of clients of which the options of a cluster say what they are."""
        rules = (rule.told for rule in self._rules if rule.fits(found.key, found.labels))
        return next(rules, ())

    def _tell(self, client: _Client[T]) -> None:
        """Tell what is to be told of a client that no cluster is read with."""
        self.problems += client.problems
        reach = client.reach
        if client.problems or not self._kafkas:
            return
        unknown = [servers for servers in reach.written if not of_services(servers)]
        if unknown:
            servers = ", ".join(sorted(a for a in unknown[0] if isinstance(a, str))) or '""'
            message = unplaced(shown(servers), "a Kafka of the input", reach.key)
            self.problems.append(warning("unplaced-writer", client.place, "spec", message))

    def _addresses(self, found: Found[T]) -> Addresses:
        kafka = Field.of(self._restore(found.kafka), [])
        pools = self._pools.get(found.key, ())
        return addresses(found.key.name, found.key.namespace, kafka, pools)

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
        held = hold(document)
        if key not in self._kafkas:
            source = document.root.location.source
            self._kafkas[key] = Found(key, source, labels(document), held)
        self._kafkas[key].held.append(held)

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


class _Index(Generic[T]):
    """Finds the clients of a cluster among many without a look at each of them."""

    def __init__(self, clients: Iterable[_Client[T]]) -> None:
        self._exact: dict[Address, list[_Client[T]]] = defaultdict(list)
        self._shaped: dict[Address, list[_Client[T]]] = defaultdict(list)
        for client in clients:
            for address in frozenset().union(*client.reach.written, *client.reach.read):
                self._exact[address].append(client)
                if (shaped := shape(address)) != address:
                    self._shaped[shaped].append(client)

    def of(self, addresses: Addresses) -> list[_Client[T]]:
        """Return the clients that write into a cluster or read from it."""
        found = {id(c): c for address in addresses.all for c in self._exact.get(address, ())}
        for template in addresses.templates:
            # One without a node id in it, nor any number, is an address as it stands.
            for client in (*self._shaped.get(shape(template), ()), *self._exact.get(template, ())):
                if any(map(addresses.has, (*client.reach.written, *client.reach.read))):
                    found[id(client)] = client
        return list(found.values())


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
