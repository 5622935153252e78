"""Objects of any order to clusters: each is assigned as it is read, and none has to be kept."""

from __future__ import annotations

import io
import pickle
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, fields
from itertools import chain
from operator import attrgetter
from pathlib import PurePath
from typing import Any, Generic, TypeVar

from kanister_kafka.constants import CLUSTER_LABEL, STRIMZI
from kanister_kafka.diagnostics import Diagnostic, Location, Severity, error, warning
from kanister_kafka.integrations.fleet.file import FleetEntry, FleetKey
from kanister_kafka.strimzi.clients import ClientAddresses, is_client, reach_of, unplaced
from kanister_kafka.strimzi.cursor import FieldCursor, quote_name
from kanister_kafka.strimzi.listeners import (
    Address,
    BootstrapAddresses,
    bootstrap_addresses,
    strimzi_services,
    without_numbers,
)
from kanister_kafka.strimzi.reader import LIVE, report_orphan_pool
from kanister_kafka.strimzi.workloads import is_autoscaler
from kanister_kafka.yamldoc import Document, MappingEntry, MappingNode, Scalar, Sequence

T = TypeVar("T")


@dataclass(slots=True)
class DiscoveredCluster(Generic[T]):
    """A Kafka of the input, and all that belongs to it."""

    key: FleetKey
    source: str
    labels: dict[str, str]
    kafka: T
    objects: list[T] = field(default_factory=list)
    others: list[BootstrapAddresses] = field(default_factory=list)
    """Addresses of the other Kafkas that its ignored clients have to do with."""
    problems: list[Diagnostic] = field(default_factory=list)
    """What is wrong with files that may be about it."""


@dataclass(slots=True)
class _ClientObject(Generic[T]):
    """A MirrorMaker, Connect or Bridge, and whose it is."""

    document: T
    location: Location
    reach: ClientAddresses
    problems: tuple[Diagnostic, ...]
    owners: list[FleetKey] = field(default_factory=list)
    """Kafkas that it writes into or reads from."""
    is_assigned: bool = False
    """Whether some cluster is read with it, and reports the problems of it."""


class ClusterGrouper(Generic[T]):
    """Takes objects one by one; the caller decides what it keeps of each.

    A cluster is read from the objects that `render` would use of the same input: the Kafka, its
    pools and workloads, the clients that write into it, and those in the namespaces of these. A
    client elsewhere whose address belongs to no cluster is reported once, not for each cluster.
    """

    def __init__(
        self, namespace: str, restore: Callable[[T], Document], rules: Collection[FleetEntry] = ()
    ) -> None:
        self.problems: list[Diagnostic] = []
        """Problems that belong to no single cluster."""
        self._namespace = namespace
        self._restore = restore
        self._rules = rules
        self._kafkas: dict[FleetKey, DiscoveredCluster[T]] = {}
        self._parts: dict[FleetKey, list[T]] = defaultdict(list)
        self._pools: dict[FleetKey, list[str]] = defaultdict(list)
        self._clients: list[_ClientObject[T]] = []
        self._scalers: dict[str, list[T]] = defaultdict(list)
        self._broken: list[Diagnostic] = []

    def add(self, document: Document, hold: Callable[[Document], T]) -> None:
        """Take an object; it is held only if a cluster may need it."""
        if is_client(document):
            problems: list[Diagnostic] = []
            reach = reach_of(document, self._namespace, problems)
            location = document.root.location
            self._clients.append(_ClientObject(hold(document), location, reach, tuple(problems)))
        elif is_autoscaler(document):
            self._scalers[self._namespace_of(document)].append(hold(document))
        elif (document.kind, document.group) == ("Kafka", STRIMZI):
            self._kafka(document, hold)
        elif (document.kind, document.group) in PARTS:
            owner = document.text("metadata", "labels", CLUSTER_LABEL)
            key = FleetKey(self._namespace_of(document), owner)
            self._parts[key].append(hold(document))
            if document.kind == "KafkaNodePool":
                self._pools[key].append(document.text("metadata", "name"))

    def take(self, objects: Iterable[Document | Diagnostic], hold: Callable[[Document], T]) -> None:
        """Take all objects of an input, and what is wrong with its text."""
        for one in objects:
            if isinstance(one, Document):
                self.add(one, hold)
            elif one.severity is Severity.ERROR:
                self._broken.append(one)
            else:
                self.problems.append(one)

    def clusters(self) -> tuple[DiscoveredCluster[T], ...]:
        """Return the Kafkas in the order of their names, each with the objects of it."""
        for key, held in self._parts.items():
            if key in self._kafkas:
                self._kafkas[key].objects += held
            else:
                for part in held:
                    self._orphan(self._restore(part))
        self._place()
        for problem in self._broken:
            self._blame(problem)
        return tuple(self._kafkas[key] for key in sorted(self._kafkas))

    def _place(self) -> None:
        """Give each client to the clusters that it may have to do with."""
        index = _ClientIndex(self._clients)
        by_namespace: dict[str, list[_ClientObject[T]]] = defaultdict(list)
        named: dict[FleetKey, list[_ClientObject[T]]] = defaultdict(list)
        for client in self._clients:
            by_namespace[client.reach.namespace].append(client)
            for cluster, namespace in strimzi_services(chain(*client.reach.written)):
                named[FleetKey(namespace, cluster)].append(client)
        by_name: dict[str, list[_ClientObject[T]]] = {}
        for rule in self._rules:
            by_name.update((name, []) for name in rule.clients)
        for client in self._clients:
            if client.reach.key in by_name:
                by_name[client.reach.key].append(client)
        addresses_of = {key: self._addresses(kafka) for key, kafka in self._kafkas.items()}
        mine = {key: index.of(addresses) for key, addresses in addresses_of.items()}
        for key, clients in mine.items():
            for client in clients:
                client.owners.append(key)
        for key, kafka in self._kafkas.items():
            writers = [c for c in mine[key] if any(map(addresses_of[key].has, c.reach.written))]
            settled = list(chain.from_iterable(by_name[name] for name in self._settled(kafka)))
            near = {key.namespace}
            near.update(client.reach.namespace for client in chain(writers, settled))
            clients = mine[key] + settled + named.get(key, [])
            for namespace in sorted(near):
                clients += by_namespace.get(namespace, ())
            others: set[FleetKey] = set()
            for client in {id(client): client for client in clients}.values():
                others.update(client.owners)
                kafka.objects.append(client.document)
                client.is_assigned = True
            for namespace in sorted(near):
                kafka.objects += self._scalers.get(namespace, ())
            kafka.others = [addresses_of[other] for other in sorted(others - {key})]
        for client in self._clients:
            if not client.is_assigned:
                self._add_problems(client)

    def _settled(self, cluster: DiscoveredCluster[T]) -> tuple[str, ...]:
        """Return the names of clients that the options of a cluster classify."""
        rules = (rule.clients for rule in self._rules if rule.fits(cluster.key, cluster.labels))
        return next(rules, ())

    def _add_problems(self, client: _ClientObject[T]) -> None:
        """Return the problems of a client that no cluster is read with."""
        self.problems += client.problems
        reach = client.reach
        if client.problems or not self._kafkas:
            return
        unknown = [servers for servers in reach.written if not strimzi_services(servers)]
        if unknown:
            servers = ", ".join(sorted(a for a in unknown[0] if isinstance(a, str))) or '""'
            message = unplaced(quote_name(servers), "a Kafka of the input", reach.key)
            self.problems.append(warning("unplaced-writer", client.location, "spec", message))

    def _addresses(self, cluster: DiscoveredCluster[T]) -> BootstrapAddresses:
        kafka = FieldCursor.of(self._restore(cluster.kafka), [])
        pools = self._pools.get(cluster.key, ())
        return bootstrap_addresses(cluster.key.name, cluster.key.namespace, kafka, pools)

    def _namespace_of(self, document: Document) -> str:
        return document.text("metadata", "namespace") or self._namespace

    def _kafka(self, document: Document, hold: Callable[[Document], T]) -> None:
        problems: list[Diagnostic] = []
        metadata = FieldCursor.of(document, problems).at("metadata")
        namespace = metadata.at("namespace").namespace(self._namespace)
        key = FleetKey(namespace, metadata.at("name").name())
        self.problems += problems
        if not all(key):
            return
        held = hold(document)
        if key not in self._kafkas:
            source = document.root.location.source
            self._kafkas[key] = DiscoveredCluster(key, source, labels(document), held)
        self._kafkas[key].objects.append(held)

    def _orphan(self, part: Document) -> None:
        """Report a node pool whose Kafka is not there, or what keeps it from having one."""
        if part.kind != "KafkaNodePool":
            return
        metadata = FieldCursor.of(part, self.problems).at("metadata")
        label = metadata.at("labels", CLUSTER_LABEL)
        owner = label.name()
        namespace = metadata.at("namespace").namespace(self._namespace)
        if metadata.at("name").name() and namespace and owner:
            report_orphan_pool(label, f"{namespace}/{owner}")

    def _blame(self, problem: Diagnostic) -> None:
        """Report a broken file to the clusters in it, or to the only one of its directory.

        The rest of its content is unknown. If it may be about any cluster, all others go on.
        """
        source = problem.location.source
        inside = [kafka for kafka in self._kafkas.values() if kafka.source == source]
        beside = [f for f in self._kafkas.values() if _folder(f.source) == _folder(source)]
        blamed = inside or (beside if len(beside) == 1 else [])
        for problems in [kafka.problems for kafka in blamed] or [self.problems]:
            problems.append(problem)


class _ClientIndex(Generic[T]):
    """Finds the clients of a cluster among many without a look at each of them."""

    def __init__(self, clients: Iterable[_ClientObject[T]]) -> None:
        self._exact: dict[Address, list[_ClientObject[T]]] = defaultdict(list)
        self._shaped: dict[Address, list[_ClientObject[T]]] = defaultdict(list)
        for client in clients:
            for address in frozenset().union(*client.reach.written, *client.reach.read):
                self._exact[address].append(client)
                if (shaped := without_numbers(address)) != address:
                    self._shaped[shaped].append(client)

    def of(self, addresses: BootstrapAddresses) -> list[_ClientObject[T]]:
        """Return the clients that write into a cluster or read from it."""
        by_id: dict[int, _ClientObject[T]] = {}
        for address in addresses.all:
            by_id.update((id(client), client) for client in self._exact.get(address, ()))
        for template in addresses.templates:
            # One without a node id in it, nor any number, is an address as it stands.
            shaped = self._shaped.get(without_numbers(template), ())
            for client in chain(shaped, self._exact.get(template, ())):
                if any(map(addresses.has, chain(client.reach.written, client.reach.read))):
                    by_id[id(client)] = client
        return list(by_id.values())


PARTS = {("KafkaNodePool", STRIMZI), *((kind, group) for kind, group, _feature in LIVE)}


def labels(document: Document) -> dict[str, str]:
    """Return the labels of an object."""
    node = document.root.get("metadata")
    node = node.get("labels") if isinstance(node, MappingNode) else None
    entries = node.entries if isinstance(node, MappingNode) else ()
    return {entry.key: document.text("metadata", "labels", entry.key) for entry in entries}


def choose_entry(
    clusters: Iterable[DiscoveredCluster[T]],
    rules: tuple[FleetEntry, ...],
    problems: list[Diagnostic],
) -> Iterator[tuple[DiscoveredCluster[T], FleetEntry]]:
    """Pair each Kafka with the first rule that fits it; report a rule that fits none."""
    idle = dict.fromkeys(range(len(rules)))
    for cluster in clusters:
        fitting = [i for i, rule in enumerate(rules) if rule.fits(cluster.key, cluster.labels)]
        for i in fitting:
            idle.pop(i, None)
        if fitting:
            yield cluster, rules[fitting[0]]
    for i in idle:
        rule = rules[i]
        noun = f"Kafka {rule.cluster}" if rule.cluster else "Kafka"
        noun += " that this selects" if rule.selector.requirements else ""
        problems.append(error("no-kafka", rule.location, rule.path, f"no {noun} in the input"))


def _folder(source: str) -> str:
    return str(PurePath(source).parent)


# Objects put aside in a file until their cluster is rendered, so that none stays in memory.

LENGTH = 4
"""Bytes before each object that hold its length."""


def serialize(document: Document) -> bytes:
    """Return an object as bytes, for another process or for later."""
    stream = io.BytesIO()
    _Pickler(stream, 5).dump(document)
    return stream.getvalue()


def deserialize(raw: bytes) -> Document:
    """Return the object again; the bytes are our own, from this run."""
    document: Document = pickle.loads(raw)  # noqa: S301 - they never left it
    return document


class ObjectSpool:
    """A temporary file of objects, which no one else can open and which is gone at the end."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as this is
        self._end = 0

    def put(self, document: Document) -> int:
        """Put an object aside and return its place."""
        raw, offset = serialize(document), self._end
        self._file.seek(offset)
        self._end += self._file.write(len(raw).to_bytes(LENGTH, "big") + raw)
        return offset

    def get(self, offset: int) -> bytes:
        """Return the bytes of an object."""
        self._file.seek(offset)
        return self._file.read(int.from_bytes(self._file.read(LENGTH), "big"))

    def __enter__(self) -> ObjectSpool:
        return self

    def __exit__(self, *_failure: object) -> None:
        self._file.close()


def _as_tuple(node: Any) -> tuple[type[Any], tuple[Any, ...]]:
    return type(node), tuple(node)


def _by_constructor(kind: type[Any]) -> Callable[[Any], tuple[type[Any], tuple[Any, ...]]]:
    """Return what pickles a dataclass by its constructor: five times as fast as its own way."""
    names = [one.name for one in fields(kind)]
    values: Callable[[Any], Any] = attrgetter(*names)
    if len(names) == 1:
        return lambda node: (kind, (values(node),))
    return lambda node: (kind, values(node))


class _Pickler(pickle.Pickler):
    dispatch_table = {  # noqa: RUF012 - of the base class
        **{kind: _by_constructor(kind) for kind in (Document, MappingNode, Sequence)},
        **dict.fromkeys((MappingEntry, Location, Scalar), _as_tuple),
    }
