"""MirrorMaker, Connect and Bridge: which of them write to the cluster, and which only read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from kanister_kafka.constants import STRIMZI
from kanister_kafka.diagnostics import Diagnostic, Location, error
from kanister_kafka.similarity import nearest_name
from kanister_kafka.strimzi.cursor import FieldCursor, quote_name
from kanister_kafka.strimzi.listeners import (
    Address,
    BootstrapAddresses,
    BootstrapPlace,
    candidate_addresses,
    namespace_of,
)
from kanister_kafka.strimzi.model import IgnoredClient, KafkaClient, WorkloadKind, WorkloadName
from kanister_kafka.strimzi.versions import Version, VersionFeature, VersionRange, parse_version
from kanister_kafka.yamldoc import Document

BRIDGE_KINDS = ((WorkloadKind.DEPLOYMENT, None),)
MIRROR_MAKER_1_KINDS = ((WorkloadKind.DEPLOYMENT, VersionFeature.MIRROR_MAKER_1),)
CONNECT_KINDS = (
    (WorkloadKind.POD_SET, VersionFeature.CONNECT_POD_SETS),
    (WorkloadKind.DEPLOYMENT, VersionFeature.CONNECT_DEPLOYMENTS),
)
LOCATION_MAY_BE_SET: Version = (3, 0)
"""Version of Kafka that has `offset-syncs.topic.location` (KIP-716)."""
EMIT_MAY_BE_OFF: Version = (3, 9)
"""Version of Kafka that has `emit.offset-syncs.enabled` (KIP-1031)."""


@dataclass(frozen=True, slots=True)
class _ClientReach:
    """The bootstrap servers of a custom resource."""

    into: tuple[FieldCursor, ...] = ()
    """Of the clusters that it mirrors to, or is attached to."""
    reads: tuple[FieldCursor, ...] = ()
    """Of the clusters that it reads from."""
    syncs: tuple[FieldCursor, ...] = ()
    """Of the clusters that it reads from and that have its offset-syncs topic."""

    @property
    def writes(self) -> tuple[FieldCursor, ...]:
        """Of all clusters that it writes to."""
        return self.into + self.syncs


@dataclass(frozen=True, slots=True, kw_only=True)
class _ClientKind:
    """A kind of custom resource that is a client of Kafka."""

    resource: str
    suffix: str
    """Suffix that Strimzi adds to the name for the workload."""
    replicas: int
    """Default of `spec.replicas` (CRDs of v1beta2; v1 requires the field)."""
    kinds: tuple[tuple[WorkloadKind, VersionFeature | None], ...]
    """Kinds of its workload, each with the feature that an operator needs for it."""
    reach: Callable[[FieldCursor], _ClientReach]
    why: str


def _mirror_maker_2(spec: FieldCursor) -> _ClientReach:
    mirrors = spec.at("mirrors").each()
    if spec.at("target").present:  # v1, and v1beta2 from 0.49 on
        into = {"": spec.at("target", "bootstrapServers").required()}
        pairs = [(mirror, mirror.at("source", "bootstrapServers")) for mirror in mirrors]
    else:
        alias = spec.at("connectCluster").required()
        servers = {
            cluster.at("alias").required().string(): cluster.at("bootstrapServers").required()
            for cluster in spec.at("clusters").required().each()
        }
        # The workers keep their offsets in the Connect cluster. Up to 0.40 a mirror can have
        # another target (KafkaMirrorMaker2Connectors.java), with its topics and groups.
        places = [alias]
        places += [mirror.at("targetCluster") for mirror in mirrors]
        into = {at.string(): servers[at.string()] for at in places if _is_alias(at, servers)}
        pairs = [
            (mirror, servers[at.string()])
            for mirror in mirrors
            if _is_alias(at := mirror.at("sourceCluster"), servers)
        ]
    version = parse_version(spec.at("version").setting())
    syncs = tuple(source for mirror, source in pairs if _syncs_to_source(mirror, version))
    return _ClientReach(tuple(into.values()), tuple(source for _, source in pairs), syncs)


def _is_alias(field: FieldCursor, servers: Mapping[str, FieldCursor]) -> bool:
    alias = field.string()
    if alias and servers and not {alias, ""} & servers.keys():  # an entry without alias is reported
        field.error(
            "contradiction",
            f"Invalid value: {quote_name(alias)}: no cluster in spec.clusters has this alias",
        )
    return alias in servers


def _syncs_to_source(mirror: FieldCursor, version: Version | None) -> bool:
    """Return whether a mirror writes its offset-syncs topic into the cluster that it reads from.

    Its source connector does (MirrorSourceConnector.java), and by default it does so there. The
    checkpoint connector only reads the topic, and the heartbeat connector writes to the target.
    """
    connector = mirror.at("sourceConnector")
    if not connector.present:
        return False
    emits = connector.at("config", "emit.offset-syncs.enabled").setting("true")
    if emits.strip().lower() == "false" and version and version >= EMIT_MAY_BE_OFF:
        return False
    return _location(connector, version) != "target"


def _location(connector: FieldCursor, version: Version | None) -> str:
    """Return the place of the offset-syncs topic; before Kafka 3.0 it is always the source."""
    if version and version < LOCATION_MAY_BE_SET:
        return "source"
    return connector.at("config", "offset-syncs.topic.location").string("source")


def _at_top(spec: FieldCursor) -> _ClientReach:
    return _ClientReach((spec.at("bootstrapServers").required(),))


def _mirror_maker_1(spec: FieldCursor) -> _ClientReach:
    producer = spec.at("producer", "bootstrapServers").required()
    return _ClientReach((producer,), (spec.at("consumer", "bootstrapServers"),))


CLIENTS: dict[str, _ClientKind] = {
    "KafkaMirrorMaker2": _ClientKind(
        resource="kafkamirrormaker2s.kafka.strimzi.io",
        suffix="-mirrormaker2",
        replicas=3,
        kinds=CONNECT_KINDS,
        reach=_mirror_maker_2,
        why="mirrors into it",
    ),
    "KafkaConnect": _ClientKind(
        resource="kafkaconnects.kafka.strimzi.io",
        suffix="-connect",
        replicas=3,
        kinds=CONNECT_KINDS,
        reach=_at_top,
        why="keeps its offsets in it, and its source connectors write",
    ),
    "KafkaMirrorMaker": _ClientKind(
        resource="kafkamirrormakers.kafka.strimzi.io",
        suffix="-mirror-maker",
        replicas=3,
        kinds=MIRROR_MAKER_1_KINDS,
        reach=_mirror_maker_1,
        why="mirrors into it",
    ),
    "KafkaBridge": _ClientKind(
        resource="kafkabridges.kafka.strimzi.io",
        suffix="-bridge",
        replicas=1,
        kinds=BRIDGE_KINDS,
        reach=_at_top,
        why="takes writes over HTTP",
    ),
}


@dataclass(frozen=True, slots=True)
class ClientSet:
    """The clients of a cluster."""

    writers: tuple[KafkaClient, ...]
    ignored_clients: tuple[IgnoredClient, ...]


@dataclass(frozen=True, slots=True)
class ClientChoices:
    """The options --writer and --not-a-writer, each as KIND/NAMESPACE/NAME."""

    writers: tuple[str, ...] = ()
    not_writers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClientAddresses:
    """The addresses of a client."""

    key: str
    """KIND/NAMESPACE/NAME."""
    namespace: str
    written: tuple[frozenset[Address], ...]
    """Of each cluster that it writes to, which can include the source of a mirror."""
    read: tuple[frozenset[Address], ...]
    """Of each cluster that it only reads from."""


def is_client(document: Document) -> bool:
    """Return whether an object is of a kind that can write to a Kafka."""
    return document.kind in CLIENTS and document.group == STRIMZI


def reach_of(document: Document, namespace: str, problems: list[Diagnostic]) -> ClientAddresses:
    """Return the addresses of a client; `namespace` is the default of its own."""
    spec = FieldCursor.of(document, problems).at("spec").required()
    reach = CLIENTS[document.kind].reach(spec) if spec.present else _ClientReach()
    client_namespace = document.text("metadata", "namespace") or namespace

    def candidates(servers: Iterable[FieldCursor]) -> tuple[frozenset[Address], ...]:
        return tuple(candidate_addresses(server.string(), client_namespace) for server in servers)

    only_read = (server for server in reach.reads if server not in reach.syncs)
    key = f"{document.kind}/{client_namespace}/{document.text('metadata', 'name')}"
    return ClientAddresses(key, client_namespace, candidates(reach.writes), candidates(only_read))


def unplaced(
    servers: str, where: str, key: str, addresses: BootstrapAddresses | None = None
) -> str:
    """Return the message about an address with an unknown owner."""
    names = addresses.unknown if addresses else ()
    hint = ""
    if names:
        noun = "listeners" if len(names) > 1 else "listener"
        hint = f"; the address of {noun} {', '.join(names)} is only known on the running cluster"
    return (
        f"{servers} cannot be placed: it is not one of the known addresses of {where}, so {key} is "
        f"not stopped and may write during the backup{hint}; "
        f"--writer {key} quiesces it, --not-a-writer {key} states that it writes elsewhere"
    )


def find_clients(
    documents: Iterable[Document],
    addresses: BootstrapAddresses,
    others: Sequence[BootstrapAddresses],
    choices: ClientChoices,
    operator: VersionRange,
    default_namespace: str,
    problems: list[Diagnostic],
) -> ClientSet:
    """Sort the clients among the documents into writers and ignored clients, each with its reason.

    `others` are the addresses of all other Kafkas that are known.
    """
    writers: list[KafkaClient] = []
    ignored_clients: list[IgnoredClient] = []
    missing = dict.fromkeys(choices.writers + choices.not_writers)
    known = []
    for document in documents:
        if not is_client(document):
            continue
        client = CLIENTS[document.kind]
        top = FieldCursor.of(document, problems)
        name = top.at("metadata", "name").name()
        namespace = top.at("metadata", "namespace").namespace(default_namespace)
        spec = top.at("spec").required()
        reach = client.reach(spec) if spec.present else _ClientReach()
        places = {
            server.string(): addresses.place(server.string(), namespace, others)
            for server in reach.into + reach.reads
        }
        replicas = spec.at("replicas").integer(client.replicas)
        if not name or not namespace:
            continue
        key = f"{document.kind}/{namespace}/{name}"
        known.append(key)
        missing.pop(key, None)
        verdict = _evaluate(document.kind, key, reach, places, choices)
        if not verdict.writes:
            if verdict.unplaced is not None and verdict.unplaced.present:
                where = f"Kafka {addresses.namespace}/{addresses.cluster} or another Kafka"
                servers = quote_name(verdict.unplaced.string())
                message = unplaced(servers, where, key, addresses)
                verdict.unplaced.warn("unplaced-writer", message)
            ignored_client = IgnoredClient(
                kind=document.kind, namespace=namespace, name=name, reason=verdict.reason
            )
            ignored_clients.append(ignored_client)
            continue
        if verdict.mirrors:
            _check_offset_syncs(spec)
        kinds = _kinds(client, operator)
        if not kinds and not operator.empty:
            message = f"Strimzi {operator}, as the cluster needs it, has no {document.kind}"
            top.at("kind").error("contradiction", message)
        reads = (namespace_of(server.string(), namespace) for server in reach.reads)
        writer = KafkaClient(
            kind=document.kind,
            resource=client.resource,
            namespace=namespace,
            name=name,
            replicas=replicas,
            workload=WorkloadName(name + client.suffix),
            kinds=kinds,
            reason=verdict.reason,
            sources=tuple(sorted({source for source in reads if source})),
        )
        writers.append(writer)
    for key in missing:
        option = "writer" if key in choices.writers else "not-a-writer"
        problems.append(error("option", Location("<options>"), option, _no_client(key, known)))
    return ClientSet(tuple(sorted(writers, key=_order)), tuple(sorted(ignored_clients, key=_order)))


@dataclass(frozen=True, slots=True)
class _ClientVerdict:
    reason: str
    writes: bool = False
    mirrors: bool = False
    """Whether it is a MirrorMaker 2 whose target is the cluster."""
    unplaced: FieldCursor | None = None
    """The address that can belong to the cluster."""


def _evaluate(
    kind: str,
    key: str,
    reach: _ClientReach,
    places: Mapping[str, BootstrapPlace],
    choices: ClientChoices,
) -> _ClientVerdict:
    def first(servers: Iterable[FieldCursor], owner: BootstrapPlace) -> FieldCursor | None:
        return next((server for server in servers if places[server.string()] is owner), None)

    into = first(reach.into, BootstrapPlace.OWN) is not None
    syncs = first(reach.syncs, BootstrapPlace.OWN) is not None
    reads = first(reach.reads, BootstrapPlace.OWN) is not None
    mirrors = into and kind == "KafkaMirrorMaker2"
    servers = ", ".join(dict.fromkeys(quote_name(server.string()) for server in reach.into)) or '""'
    if key in choices.not_writers:
        return _ClientVerdict(f"named by --not-a-writer; its bootstrap address is {servers}")
    if into:
        return _ClientVerdict(CLIENTS[kind].why, writes=True, mirrors=mirrors)
    if syncs:
        return _ClientVerdict("writes its offset-syncs into it", writes=True)
    if key in choices.writers:
        return _ClientVerdict("named by --writer", writes=True)
    if reads:  # source and target of a mirror are different clusters
        return _ClientVerdict(f"only reads from it; writes into {servers}")
    unknown = first(reach.writes, BootstrapPlace.UNKNOWN)
    if unknown is None:
        return _ClientVerdict(f"its bootstrap address {servers} is another cluster's")
    servers = quote_name(unknown.string())
    reason = f"its bootstrap address {servers} is not a known address of this cluster"
    return _ClientVerdict(reason, unplaced=unknown)


def _no_client(key: str, known: Sequence[str]) -> str:
    near = nearest_name(key, known)
    listed = ", ".join(known[:3]) or f"none of {', '.join(CLIENTS)}"
    more = f" and {len(known) - 3} more" if len(known) > 3 else ""
    hint = f'did you mean "{near}"?' if near else f"it has {listed}{more}"
    return f"Invalid value: {quote_name(key)}: no such object in the input; {hint}"


def _order(client: KafkaClient | IgnoredClient) -> tuple[str, str, str]:
    return client.namespace, client.kind, client.name


def _kinds(client: _ClientKind, operator: VersionRange) -> tuple[WorkloadKind, ...]:
    return tuple(
        kind for kind, feature in client.kinds if feature is None or operator.may_have(feature)
    )


def _check_offset_syncs(spec: FieldCursor) -> None:
    # MirrorMaker 2 keeps the topic on the source cluster by default. After a restore of the target
    # the topic is ahead of the data, and groups are translated to offsets that do not exist.
    version = parse_version(spec.at("version").setting())
    for mirror in spec.at("mirrors").each():
        connectors = ["sourceConnector"]
        if mirror.at("checkpointConnector").present:
            connectors.append("checkpointConnector")
        for connector in connectors:
            if _location(mirror.at(connector), version) != "target":
                mirror.at(connector, "config", "offset-syncs.topic.location").warn(
                    "offset-syncs-elsewhere",
                    "the offset-syncs topic is kept on the source cluster and will not match "
                    'restored data: set "target" in sourceConnector and checkpointConnector '
                    "(Kafka 3.0 or later)",
                )
                break  # the message is about both connectors
