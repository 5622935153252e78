"""MirrorMaker, Connect and Bridge: who writes into the cluster and who only reads from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kanister_kafka.document import Document
from kanister_kafka.problem import Problem
from kanister_kafka.strimzi.addresses import Address, Addresses, asked, home_of
from kanister_kafka.strimzi.fields import Field, shown
from kanister_kafka.strimzi.model import Bystander, WorkloadKind, WorkloadName, Writer
from kanister_kafka.strimzi.versions import Bounds, Feature

BRIDGE_KINDS = ((WorkloadKind.DEPLOYMENT, None),)
MIRROR_MAKER_1_KINDS = ((WorkloadKind.DEPLOYMENT, Feature.MIRROR_MAKER_1),)
CONNECT_KINDS = (
    (WorkloadKind.POD_SET, Feature.CONNECT_POD_SETS),
    (WorkloadKind.DEPLOYMENT, Feature.CONNECT_DEPLOYMENTS),
)


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a custom resource writes."""

    servers: str
    reads: tuple[str, ...] = ()
    """Bootstrap servers of the clusters that it only reads from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Client:
    """A kind of custom resource that is a client of Kafka."""

    resource: str
    suffix: str
    """What Strimzi adds to the name for the workload."""
    replicas: int
    """Default of `spec.replicas` (CRDs of v1beta2; v1 requires the field)."""
    kinds: tuple[tuple[WorkloadKind, Feature | None], ...]
    """Kinds of its workload, each with the feature that an operator needs for it."""
    target: Callable[[Field], _Target]
    why: str


def _mirror_maker_2(spec: Field) -> _Target:
    mirrors = spec.at("mirrors").each()
    if spec.at("target").present:  # v1, taken in v1beta2 too from 0.49
        reads = tuple(m.at("source", "bootstrapServers").string() for m in mirrors)
        return _Target(spec.at("target", "bootstrapServers").required().string(), reads)
    alias = spec.at("connectCluster").required().string()
    servers = {
        cluster.at("alias").required().string(): cluster.at("bootstrapServers").required().string()
        for cluster in spec.at("clusters").required().each()
    }
    if alias and servers and alias not in servers:
        spec.at("connectCluster").error(
            "contradiction",
            f"Invalid value: {shown(alias)}: no cluster in spec.clusters has this alias",
        )
    reads = tuple(servers.get(m.at("sourceCluster").string(), "") for m in mirrors)
    return _Target(servers.get(alias, ""), reads)


def _at_top(spec: Field) -> _Target:
    return _Target(spec.at("bootstrapServers").required().string())


def _mirror_maker_1(spec: Field) -> _Target:
    reads = spec.at("consumer", "bootstrapServers").string()
    return _Target(spec.at("producer", "bootstrapServers").required().string(), (reads,))


CLIENTS: dict[str, _Client] = {
    "KafkaMirrorMaker2": _Client(
        resource="kafkamirrormaker2s.kafka.strimzi.io",
        suffix="-mirrormaker2",
        replicas=3,
        kinds=CONNECT_KINDS,
        target=_mirror_maker_2,
        why="mirrors into it",
    ),
    "KafkaConnect": _Client(
        resource="kafkaconnects.kafka.strimzi.io",
        suffix="-connect",
        replicas=3,
        kinds=CONNECT_KINDS,
        target=_at_top,
        why="keeps its offsets in it, and its source connectors write",
    ),
    "KafkaMirrorMaker": _Client(
        resource="kafkamirrormakers.kafka.strimzi.io",
        suffix="-mirror-maker",
        replicas=3,
        kinds=MIRROR_MAKER_1_KINDS,
        target=_mirror_maker_1,
        why="mirrors into it",
    ),
    "KafkaBridge": _Client(
        resource="kafkabridges.kafka.strimzi.io",
        suffix="-bridge",
        replicas=1,
        kinds=BRIDGE_KINDS,
        target=_at_top,
        why="takes writes over HTTP",
    ),
}


@dataclass(frozen=True, slots=True)
class Clients:
    """What was found about the clients of a cluster."""

    writers: tuple[Writer, ...]
    bystanders: tuple[Bystander, ...]


def is_client(document: Document) -> bool:
    """Tell whether an object is of a kind that writes into a Kafka."""
    return document.kind in CLIENTS and document.group == "kafka.strimzi.io"


def written(document: Document, namespace: str, problems: list[Problem]) -> frozenset[Address]:
    """Return each address that a client may write to; `namespace` where it names none."""
    spec = Field.of(document, problems).at("spec").required()
    servers = CLIENTS[document.kind].target(spec).servers if spec.present else ""
    home = document.text("metadata", "namespace") or namespace
    return asked(servers, home) if servers else frozenset()


def find_clients(
    documents: Iterable[Document],
    addresses: Addresses,
    operator: Bounds,
    default_namespace: str,
    problems: list[Problem],
) -> Clients:
    """Sort the clients among the documents into writers and bystanders, each with its reason."""
    writers: list[Writer] = []
    bystanders: list[Bystander] = []
    for document in documents:
        if not is_client(document):
            continue
        client = CLIENTS[document.kind]
        top = Field.of(document, problems)
        name = top.at("metadata", "name").name()
        namespace = top.at("metadata", "namespace").namespace(default_namespace)
        spec = top.at("spec").required()
        target = client.target(spec) if spec.present else _Target("")
        replicas = spec.at("replicas").integer(client.replicas)
        if not name or not namespace:
            continue
        if not addresses.match(target.servers, namespace):
            reading = any(addresses.match(server, namespace) for server in target.reads)
            servers = shown(target.servers)
            reason = (
                f"only reads from it; writes into {servers}"
                if reading
                else f"its bootstrap address {servers} is another cluster's"
            )
            bystander = Bystander(kind=document.kind, namespace=namespace, name=name, reason=reason)
            bystanders.append(bystander)
            continue
        if document.kind == "KafkaMirrorMaker2":
            _check_offset_syncs(spec)
        kinds = _kinds(client, operator)
        if not kinds and not operator.empty:
            message = f"Strimzi {operator}, as the cluster needs it, has no {document.kind}"
            top.at("kind").error("contradiction", message)
        writer = Writer(
            kind=document.kind,
            resource=client.resource,
            namespace=namespace,
            name=name,
            replicas=replicas,
            workload=WorkloadName(name + client.suffix),
            kinds=kinds,
            reason=client.why,
            sources=tuple(sorted({home for s in target.reads if (home := home_of(s, namespace))})),
        )
        writers.append(writer)
    return Clients(tuple(sorted(writers, key=_order)), tuple(sorted(bystanders, key=_order)))


def _order(client: Writer | Bystander) -> tuple[str, str, str]:
    return client.namespace, client.kind, client.name


def _kinds(client: _Client, operator: Bounds) -> tuple[WorkloadKind, ...]:
    return tuple(
        kind for kind, feature in client.kinds if feature is None or operator.may_have(feature)
    )


def _check_offset_syncs(spec: Field) -> None:
    # MirrorMaker 2 keeps the topic on the source cluster by default. Once the target is restored
    # the topic is ahead of the data, and consumer groups are translated to offsets not there yet.
    for mirror in spec.at("mirrors").each():
        connectors = ["sourceConnector"]
        if mirror.at("checkpointConnector").present:
            connectors.append("checkpointConnector")
        for connector in connectors:
            config = mirror.at(connector, "config", "offset-syncs.topic.location")
            if config.string("source") != "target":
                config.warn(
                    "offset-syncs-elsewhere",
                    "the offset-syncs topic is kept on the source cluster and will not match "
                    'restored data: set "target" in sourceConnector and checkpointConnector '
                    "(Kafka 3.0 or later)",
                )
