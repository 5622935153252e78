"""Bootstrap addresses: which custom resource writes into which cluster.

No owner reference leads from a MirrorMaker 2 or a Connect to its cluster, only an address does.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Union

from kanister_kafka.strimzi.cursor import FieldCursor

Address = Union[str, tuple[str, str]]
"""A host name or `host:port` pair that a listener tells, or a service and its namespace."""
HEADLESS = "-kafka-brokers"
NODE_ID, NODE_POD_NAME = "{nodeId}", "{nodePodName}"
"""What Strimzi replaces in a template (ModelUtils.java, renderTemplate)."""
DIGITS = re.compile("[0-9]+")
PROTOCOL = re.compile(r"[0-9A-Za-z_.%-]*://")
"""What Kafka's clients take before a host (Utils.java, HOST_PORT_PATTERN)."""
CLUSTER_SERVICE = re.compile(r"(?P<cluster>.+)-kafka-(bootstrap|brokers)")
LISTENER_SERVICE = re.compile(r"(?P<cluster>.+)-kafka-(?P<listener>[a-z0-9]{1,11})-bootstrap")
"""The name of a listener has no dash (GenericKafkaListener.java, LISTENER_NAME_REGEX)."""
AT_RUN_TIME = ("loadbalancer", "nodeport", "route")
"""Types of listeners whose address Kubernetes gives, so that only `status` tells it."""


class BootstrapPlace(enum.Enum):
    """Whose a bootstrap address is."""

    OWN = "own"
    OTHER = "other"
    UNKNOWN = "unknown"
    """Of none that is known: it may be any cluster's."""


@dataclass(frozen=True, slots=True)
class BootstrapAddresses:
    """All addresses under which a cluster can be reached, as far as its custom resources tell."""

    cluster: str
    namespace: str
    external: frozenset[str]
    """Host names and `host:port` pairs of listeners, as the custom resource tells them."""
    listeners: frozenset[str]
    """Names of its listeners."""
    templates: frozenset[Address] = frozenset()
    """Those of single nodes, whatever their ids are: each has `{nodeId}` in it."""
    untold: tuple[str, ...] = ()
    """Names of listeners whose address only the running cluster tells."""

    @property
    def all(self) -> frozenset[Address]:
        """Every address that has no node id in it, the services among them.

        KafkaResources.java: <cluster>-kafka-bootstrap, <cluster>-kafka-brokers and, for each
        external listener, <cluster>-kafka-<listener>-bootstrap
        """
        kinds = ("bootstrap", "brokers", *(f"{name}-bootstrap" for name in self.listeners))
        return self.external.union((f"{self.cluster}-kafka-{k}", self.namespace) for k in kinds)

    def match(self, bootstrap: str, namespace: str) -> bool:
        """Return whether one server of a comma-separated list is this cluster.

        `namespace` is that of the client, in which a short name is looked up.
        """
        return self.has(candidate_addresses(bootstrap, namespace))

    def has(self, addresses: frozenset[Address]) -> bool:
        """Return whether one of these addresses is this cluster's."""
        return not self.all.isdisjoint(addresses) or any(
            matches_template(template, address)
            for template in self.templates
            for address in addresses
        )

    def place(
        self, bootstrap: str, namespace: str, others: Iterable[BootstrapAddresses]
    ) -> BootstrapPlace:
        """Tell whose a comma-separated list of servers is; all of them are of one cluster."""
        servers = candidate_addresses(bootstrap, namespace)
        if self.has(servers):
            return BootstrapPlace.OWN
        if strimzi_services(servers) - {(self.cluster, self.namespace)}:
            return BootstrapPlace.OTHER
        return (
            BootstrapPlace.OTHER
            if any(other.has(servers) for other in others)
            else BootstrapPlace.UNKNOWN
        )


def matches_template(template: Address, address: Address) -> bool:
    """Return whether an address is what a template makes for some node id."""
    if isinstance(template, str) or isinstance(address, str):
        return (
            isinstance(template, str)
            and isinstance(address, str)
            and _pattern(template).fullmatch(address) is not None
        )
    return template[1] == address[1] and _pattern(template[0]).fullmatch(address[0]) is not None


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(DIGITS.pattern.join(re.escape(part) for part in template.split(NODE_ID)))


def without_numbers(address: Address) -> Address:
    """Return an address without its numbers: a template has that of every address that fits it."""
    if isinstance(address, str):
        return DIGITS.sub("#", address.replace(NODE_ID, "0"))
    return DIGITS.sub("#", address[0].replace(NODE_ID, "0")), address[1]


def candidate_addresses(bootstrap: str, namespace: str) -> frozenset[Address]:
    """Return each address that a comma-separated list of servers may mean."""
    servers = (server.strip() for server in bootstrap.split(","))
    return frozenset(address for server in servers for address in _meant(server, namespace))


def strimzi_services(addresses: Iterable[Address]) -> frozenset[tuple[str, str]]:
    """Return the cluster and the namespace of each address that is a service of Strimzi's."""
    found = set()
    for address in addresses:
        if isinstance(address, tuple):
            service, namespace = address
            known = CLUSTER_SERVICE.fullmatch(service) or LISTENER_SERVICE.fullmatch(service)
            if known:
                found.add((known["cluster"], namespace))
    return frozenset(found)


def _meant(server: str, namespace: str) -> Iterator[Address]:
    host, port = _parted(server)
    if not host:
        return
    yield host
    if port:
        yield f"{host}:{port}"
    # <service>[.<namespace>[.svc[.<domain>]]], or a pod behind the headless service
    labels = host.split(".")
    ways = [labels, labels[1:]] if len(labels) > 1 and labels[1].endswith(HEADLESS) else [labels]
    for service, *rest in ways:
        if len(rest) < 2 or rest[1] == "svc":
            yield service, rest[0] if rest else namespace


def _parted(server: str) -> tuple[str, str]:
    """Return host and port of one server; the port is empty if there is none."""
    server = PROTOCOL.sub("", server, count=1)
    host, colon, port = server.rpartition(":")
    return (_host(host), port) if colon and port.isdecimal() else (_host(server), "")


def _host(text: str) -> str:
    """Return a host as all compare it: an IPv6 address has many spellings."""
    host = text.strip().lower().rstrip(".").removeprefix("[").removesuffix("]")
    if ":" in host:
        try:
            return str(ipaddress.ip_address(host))
        except ValueError:
            return host
    return host


def namespace_of(bootstrap: str, namespace: str) -> str:
    """Return the namespace of the first server of a list; empty where its name does not tell.

    `namespace` is that of the client, in which a short name is looked up.
    """
    host = bootstrap.split(",")[0].strip().rpartition(":")[0].lower().rstrip(".")
    labels = host.split(".")
    if not labels[0].endswith(("-kafka-bootstrap", "-kafka-brokers")):
        return ""
    if len(labels) > 2 and labels[2] != "svc":
        return ""
    return labels[1] if len(labels) > 1 else namespace


def bootstrap_addresses(
    cluster: str, namespace: str, kafka: FieldCursor, pools: Iterable[str] = ()
) -> BootstrapAddresses:
    """Gather the addresses from spec and status of a Kafka; `pools` names its node pools."""
    listeners = kafka.at("spec", "kafka", "listeners").each()
    # KafkaPool.java: the nodes of a cluster without node pools are called as of a pool `kafka`
    owners = sorted({f"{cluster}-kafka", *(f"{cluster}-{pool}" for pool in pools if pool)})
    return BootstrapAddresses(
        cluster,
        namespace,
        _shared(frozenset(text for text in _told(kafka, listeners) if text)),
        _shared(frozenset(listener.at("name").string() for listener in listeners)),
        frozenset(_of_nodes(listeners, owners, namespace)),
        tuple(_untold(kafka, listeners)),
    )


@lru_cache(maxsize=256)
def _shared(names: frozenset[str]) -> frozenset[str]:
    """Return one object for the same names: in a fleet most have none, or are called alike."""
    return names


def _told(kafka: FieldCursor, listeners: Iterable[FieldCursor]) -> Iterator[str]:
    """Yield hosts and `host:port` pairs; a host alone stands for each of its ports."""
    seen: dict[str, set[str]] = {}
    for listener in kafka.at("status", "listeners").each():
        for server in listener.at("bootstrapServers").string().split(","):
            yield _pair(*_parted(server.strip()))
        for address in listener.at("addresses").each():
            host, port = _host(address.at("host").string()), address.at("port").integer(0)
            seen.setdefault(_called(listener), set()).add(host)
            yield f"{host}:{port}" if host and port else ""
    for listener in listeners:
        configuration = listener.at("configuration")
        bootstrap = configuration.at("bootstrap")
        port = listener.at("port").integer(0)
        node_ports = [bootstrap.at("nodePort").integer(0)]
        yield _host(bootstrap.at("host").string())
        for name in bootstrap.at("alternativeNames").each():
            yield _host(name.string())
        yield from _given(bootstrap, port)
        for broker in configuration.at("brokers").each():
            yield _host(broker.at("host").string())
            yield from _given(broker, port)
            node_ports.append(broker.at("nodePort").integer(0))
            advertised = broker.at("advertisedPort").integer(0)
            host = _host(broker.at("advertisedHost").string())
            # Many brokers, and clusters, may be behind one host, each with a port of its own.
            yield _pair(host, str(advertised or ""))
        if listener.at("type").string() == "nodeport":
            for host in seen.get(listener.at("name").string(), ()):
                yield from (f"{host}:{node_port}" for node_port in node_ports if node_port)


def _given(part: FieldCursor, port: int) -> Iterator[str]:
    """Yield the IP addresses that the specification gives to a service."""
    given = [part.at("loadBalancerIP").string()]
    given += [address.string() for address in part.at("externalIPs").each()]
    yield from (_pair(_host(text), str(port or "")) for text in given if text)


def _pair(host: str, port: str) -> str:
    return f"{host}:{port}" if host and port else host


def _of_nodes(
    listeners: Iterable[FieldCursor], owners: Iterable[str], namespace: str
) -> Iterator[Address]:
    """Yield the addresses of single nodes, with `{nodeId}` for the id."""
    for listener in listeners:
        configuration = listener.at("configuration")
        for key in ("hostTemplate", "advertisedHostTemplate"):
            text = _host(configuration.at(key).string()).replace(NODE_ID.lower(), NODE_ID)
            if NODE_POD_NAME.lower() in text:
                for owner in owners:
                    yield text.replace(NODE_POD_NAME.lower(), f"{owner}-{NODE_ID}")
            elif text:
                yield text
        # ListenersUtils.java: backwardsCompatiblePerBrokerServiceName
        if listener.at("type").string() != "internal":
            name = listener.at("name").string()
            old = name == "external" and listener.at("port").integer(0) == 9094
            for owner in owners:
                yield f"{owner}-{NODE_ID}" if old else f"{owner}-{name}-{NODE_ID}", namespace


def _untold(kafka: FieldCursor, listeners: Iterable[FieldCursor]) -> Iterator[str]:
    """Yield the listeners to which Kubernetes gives an address that is not in the input."""
    told = {
        _called(listener)
        for listener in kafka.at("status", "listeners").each()
        if listener.at("bootstrapServers").present or listener.at("addresses").each()
    }
    for listener in listeners:
        name = listener.at("name").string()
        has_host = listener.at("configuration", "bootstrap", "host").present
        if listener.at("type").string() in AT_RUN_TIME and name not in told and not has_host:
            yield name


def _called(listener: FieldCursor) -> str:
    """Return the name of a listener in `status`, which older versions have in `type`."""
    return listener.at("name").string() or listener.at("type").string()


# The listeners of a live Kafka, and the one that a probe without credentials takes.

INTERNAL = ("internal", "cluster-ip")
"""Types of listeners that pods use (Strimzi's KafkaListenerType)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One listener of a Kafka, as spec and status tell."""

    name: str
    inside: bool
    """Whether pods of the Kubernetes cluster reach it."""
    tls: bool
    authentication: str
    """Its type; empty if there is none."""
    servers: str
    """Bootstrap addresses; empty if the status does not tell them, as under a pause."""
    certificates: tuple[str, ...]
    """PEM of the authorities to trust."""


@dataclass(frozen=True, slots=True)
class InternalListener:
    """A way to Kafka."""

    name: str
    """Empty if the client's own properties say all."""
    servers: str
    """Bootstrap address; empty as above."""
    tls: bool
    """Whether the cluster's own certificate authority is to be trusted."""


def read_listeners(kafka: Mapping[str, Any]) -> tuple[Listener, ...] | None:
    """Read the listeners of a Kafka; None for a mapping of them, as v1beta1 had it."""
    found = ((kafka.get("spec") or {}).get("kafka") or {}).get("listeners") or ()
    if not isinstance(found, (list, tuple)):
        return None
    # `type` stood for `name` in the status until Strimzi 0.27.
    status = (kafka.get("status") or {}).get("listeners") or ()
    by_name = {at.get("name") or at.get("type"): at for at in status}
    return tuple(_listener(one, by_name.get(one.get("name")) or {}) for one in found)


def _listener(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Listener:
    authentication = spec.get("authentication")
    return Listener(
        name=str(spec.get("name")),
        inside=spec.get("type") in INTERNAL,
        tls=bool(spec.get("tls")),
        authentication=str(authentication.get("type") or "unknown") if authentication else "",
        servers=str(status.get("bootstrapServers") or ""),
        certificates=tuple(status.get("certificates") or ()),
    )


def choose_open_listener(
    kafka: Mapping[str, Any], config: str
) -> tuple[InternalListener | None, str]:
    """Choose a listener, or say why there is none for a probe without credentials.

    Plain before TLS, and neither with authentication. With `config`, a Secret of a client's own
    properties, the address is that of the first internal listener unless they name one.
    """
    listeners = read_listeners(kafka)
    if listeners is None:
        return None, "its listeners are of an API version that is not known"
    inside = [one for one in listeners if one.inside]
    if config:
        return InternalListener("", inside[0].servers if inside else "", tls=False), ""
    open_ = [one for one in inside if not one.authentication]
    for one in sorted(open_, key=lambda one: one.tls):
        if one.servers:
            return InternalListener(one.name, one.servers, tls=one.tls), ""
    if open_:  # a pause wipes them
        return None, "its status names no listener"
    return None, (
        "every internal listener wants authentication: give a Secret with --probe-config"
        if inside
        else "it has no internal listener: give a Secret with --probe-config"
    )
