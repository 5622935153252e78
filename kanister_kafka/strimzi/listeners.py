"""Bootstrap addresses, which show to which cluster a custom resource writes, and listeners.

A MirrorMaker 2 or a Connect has no owner reference to its cluster, only an address.
"""

from __future__ import annotations

import enum
import ipaddress
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, product
from typing import Any, Union

from kanister_kafka.strimzi.cursor import FieldCursor
from kanister_kafka.strimzi.model import NODE_ID, NODE_POD_NAME

Address = Union[str, tuple[str, str]]
"""A host name or `host:port` pair of a listener, or a service and its namespace."""
HEADLESS = "-kafka-brokers"
DIGITS = re.compile("[0-9]+")
PROTOCOL = re.compile(r"[0-9A-Za-z_.%-]*://")
"""Prefix that Kafka's clients accept before a host (Utils.java, HOST_PORT_PATTERN)."""
CLUSTER_SERVICE = re.compile(r"(?P<cluster>.+)-kafka-(bootstrap|brokers)")
LISTENER_SERVICE = re.compile(r"(?P<cluster>.+)-kafka-(?P<listener>[a-z0-9]{1,11})-bootstrap")
"""The name of a listener has no dash (GenericKafkaListener.java, LISTENER_NAME_REGEX)."""
AT_RUN_TIME = ("loadbalancer", "nodeport", "route")
"""Types of listeners whose address is assigned by Kubernetes and only in `status`. An `ingress` and
a `tlsroute` must name their hosts in the resource (Strimzi's ListenersValidator.java)."""


class BootstrapPlace(enum.Enum):
    """The owner of a bootstrap address."""

    OWN = "own"
    OTHER = "other"
    UNKNOWN = "unknown"
    """Not known: the address can belong to any cluster."""


@dataclass(frozen=True, slots=True)
class BootstrapAddresses:
    """All addresses of a cluster in its custom resources."""

    cluster: str
    namespace: str
    external: frozenset[str]
    """Host names and `host:port` pairs of listeners."""
    listeners: frozenset[str]
    """Names of its listeners."""
    templates: frozenset[Address] = frozenset()
    """Addresses of single nodes, with `{nodeId}` in place of their ids."""
    unknown: tuple[str, ...] = ()
    """Names of listeners whose address is only known on the running cluster."""

    @property
    def all(self) -> frozenset[Address]:
        """Every address without a node id, including services.

        KafkaResources.java: <cluster>-kafka-bootstrap, <cluster>-kafka-brokers and, for each
        external listener, <cluster>-kafka-<listener>-bootstrap
        """
        suffixes = ["bootstrap", "brokers"]
        suffixes += [f"{name}-bootstrap" for name in self.listeners]
        return self.external.union((f"{self.cluster}-kafka-{s}", self.namespace) for s in suffixes)

    def match(self, bootstrap: str, namespace: str) -> bool:
        """Return whether one server of a comma-separated list belongs to this cluster.

        `namespace` is the namespace of the client, in which a short name is looked up.
        """
        return self.has(candidate_addresses(bootstrap, namespace))

    def has(self, addresses: frozenset[Address]) -> bool:
        """Return whether one of these addresses belongs to this cluster."""
        if not self.all.isdisjoint(addresses):
            return True
        pairs = product(self.templates, addresses)
        return any(matches_template(template, address) for template, address in pairs)

    def place(
        self, bootstrap: str, namespace: str, others: Iterable[BootstrapAddresses]
    ) -> BootstrapPlace:
        """Return the owner of a comma-separated list of servers of one cluster."""
        servers = candidate_addresses(bootstrap, namespace)
        if self.has(servers):
            return BootstrapPlace.OWN
        if strimzi_services(servers) - {(self.cluster, self.namespace)}:
            return BootstrapPlace.OTHER
        if any(other.has(servers) for other in others):
            return BootstrapPlace.OTHER
        return BootstrapPlace.UNKNOWN


def matches_template(template: Address, address: Address) -> bool:
    """Return whether an address results from a template with some node id."""
    if isinstance(template, str) and isinstance(address, str):
        return _pattern(template).fullmatch(address) is not None
    if isinstance(template, str) or isinstance(address, str):
        return False
    return template[1] == address[1] and _pattern(template[0]).fullmatch(address[0]) is not None


@lru_cache(maxsize=1024)
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(DIGITS.pattern.join(re.escape(part) for part in template.split(NODE_ID)))


def without_numbers(address: Address) -> Address:
    """Return an address without its numbers, which is the same for a template and its addresses."""
    if isinstance(address, str):
        return DIGITS.sub("#", address.replace(NODE_ID, "0"))
    return DIGITS.sub("#", address[0].replace(NODE_ID, "0")), address[1]


def candidate_addresses(bootstrap: str, namespace: str) -> frozenset[Address]:
    """Return each possible address of a comma-separated list of servers."""
    servers = (server.strip() for server in bootstrap.split(","))
    return frozenset(chain.from_iterable(_candidates(server, namespace) for server in servers))


def strimzi_services(addresses: Iterable[Address]) -> frozenset[tuple[str, str]]:
    """Return the cluster and the namespace of each address that is a service of Strimzi."""
    clusters = set()
    for address in addresses:
        if isinstance(address, tuple):
            service, namespace = address
            known = CLUSTER_SERVICE.fullmatch(service) or LISTENER_SERVICE.fullmatch(service)
            if known:
                clusters.add((known["cluster"], namespace))
    return frozenset(clusters)


def _candidates(server: str, namespace: str) -> Iterator[Address]:
    host, port = _split_port(server)
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


def _split_port(server: str) -> tuple[str, str]:
    """Return host and port of one server; the port is empty if there is none."""
    server = PROTOCOL.sub("", server, count=1)
    host, colon, port = server.rpartition(":")
    return (_host(host), port) if colon and port.isdecimal() else (_host(server), "")


def _host(text: str) -> str:
    """Return a host in one form, because an IPv6 address has many."""
    host = text.strip().lower().rstrip(".").removeprefix("[").removesuffix("]")
    if ":" in host:
        try:
            return str(ipaddress.ip_address(host))
        except ValueError:
            return host
    return host


def namespace_of(bootstrap: str, namespace: str) -> str:
    """Return the namespace of the first server of a list; empty if its name does not show it.

    `namespace` is the namespace of the client, in which a short name is looked up.
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
    # KafkaPool.java: without node pools, the nodes have the names of a pool `kafka`
    owners = sorted({f"{cluster}-kafka", *(f"{cluster}-{pool}" for pool in pools if pool)})
    return BootstrapAddresses(
        cluster,
        namespace,
        _shared(frozenset(text for text in _hosts(kafka, listeners) if text)),
        _shared(frozenset(listener.at("name").string() for listener in listeners)),
        frozenset(_of_nodes(listeners, owners, namespace)),
        tuple(_unknown(kafka, listeners)),
    )


@lru_cache(maxsize=256)
def _shared(names: frozenset[str]) -> frozenset[str]:
    """Return one object for equal names: in a fleet most clusters have none, or the same."""
    return names


def _hosts(kafka: FieldCursor, listeners: Iterable[FieldCursor]) -> Iterator[str]:
    """Yield hosts and `host:port` pairs; a host alone stands for each of its ports."""
    hosts: dict[str, set[str]] = {}
    for listener in kafka.at("status", "listeners").each():
        for server in listener.at("bootstrapServers").string().split(","):
            yield _pair(*_split_port(server.strip()))
        for address in listener.at("addresses").each():
            host = _host(address.at("host").string())
            port = address.at("port").integer(0)
            hosts.setdefault(_status_name(listener), set()).add(host)
            yield f"{host}:{port}" if host and port else ""
    for listener in listeners:
        configuration = listener.at("configuration")
        bootstrap = configuration.at("bootstrap")
        port = listener.at("port").integer(0)
        node_ports = [bootstrap.at("nodePort").integer(0)]
        yield _host(bootstrap.at("host").string())
        for name in bootstrap.at("alternativeNames").each():
            yield _host(name.string())
        yield from _ip_addresses(bootstrap, port)
        for broker in configuration.at("brokers").each():
            yield _host(broker.at("host").string())
            yield from _ip_addresses(broker, port)
            node_ports.append(broker.at("nodePort").integer(0))
            advertised = broker.at("advertisedPort").integer(0)
            host = _host(broker.at("advertisedHost").string())
            # Many brokers, and clusters, can be behind one host, each with its own port.
            yield _pair(host, str(advertised or ""))
        if listener.at("type").string() == "nodeport":
            for host in hosts.get(listener.at("name").string(), ()):
                yield from (f"{host}:{node_port}" for node_port in node_ports if node_port)


def _ip_addresses(part: FieldCursor, port: int) -> Iterator[str]:
    """Yield the IP addresses of a service in its specification."""
    texts = [part.at("loadBalancerIP").string()]
    texts += [address.string() for address in part.at("externalIPs").each()]
    yield from (_pair(_host(text), str(port or "")) for text in texts if text)


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


def _unknown(kafka: FieldCursor, listeners: Iterable[FieldCursor]) -> Iterator[str]:
    """Yield the listeners whose address is assigned by Kubernetes and not in the input."""
    known = {
        _status_name(listener)
        for listener in kafka.at("status", "listeners").each()
        if listener.at("bootstrapServers").present or listener.at("addresses").each()
    }
    for listener in listeners:
        name = listener.at("name").string()
        has_host = listener.at("configuration", "bootstrap", "host").present
        if listener.at("type").string() in AT_RUN_TIME and name not in known and not has_host:
            yield name


def _status_name(listener: FieldCursor) -> str:
    """Return the name of a listener in `status`; older versions have it in `type`."""
    return listener.at("name").string() or listener.at("type").string()


# --- The listeners of a live Kafka

INTERNAL = ("internal", "cluster-ip")
"""Types of listeners that pods use, and that no address outside the Kubernetes cluster leads to
(Strimzi's KafkaListenerType). Every other type, also a later one, is for clients outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One listener of a Kafka, from spec and status."""

    name: str
    inside: bool
    """Whether it is for pods of the Kubernetes cluster."""
    tls: bool
    authentication: str
    """Its type; empty if there is none."""
    servers: str
    """Bootstrap addresses; empty if the status has none, as during a pause."""
    certificates: tuple[str, ...]
    """PEM of the authorities to trust."""


PROPERTIES_ONLY = Listener(
    name="", inside=True, tls=False, authentication="", servers="", certificates=()
)
"""A listener whose settings are all in the properties of the client."""


def read_listeners(kafka: Mapping[str, Any]) -> tuple[Listener, ...] | None:
    """Read the listeners of a Kafka; None for the mapping of API v1beta1."""
    listeners = ((kafka.get("spec") or {}).get("kafka") or {}).get("listeners") or ()
    if not isinstance(listeners, (list, tuple)):
        return None
    # Until Strimzi 0.27 the status had `type` instead of `name`.
    status = (kafka.get("status") or {}).get("listeners") or ()
    by_name = {at.get("name") or at.get("type"): at for at in status}
    return tuple(_listener(one, by_name.get(one.get("name")) or {}) for one in listeners)


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


def select_listener(
    listeners: Iterable[Listener], authentication: Collection[str]
) -> Listener | None:
    """Return the listener with the fewest requirements among those with a known address.

    Listeners without authentication come first, then those without TLS. `authentication` has the
    accepted types; `""` is none.
    """
    usable = [one for one in listeners if one.servers and one.authentication in authentication]
    return min(usable, key=lambda one: (bool(one.authentication), one.tls), default=None)


def choose_probe_listener(kafka: Mapping[str, Any], config: str) -> tuple[Listener | None, str]:
    """Return the internal listener for a probe, or None and the reason.

    Without `config`, a Secret with client properties, only listeners without authentication are
    used. With it, the address is that of the first internal listener, which the properties can
    override.
    """
    listeners = read_listeners(kafka)
    if listeners is None:
        return None, "its listeners are of an API version that is not known"
    internal = [one for one in listeners if one.inside]
    if config:
        servers = internal[0].servers if internal else ""
        return PROPERTIES_ONLY if not servers else replace(PROPERTIES_ONLY, servers=servers), ""
    listener = select_listener(internal, ("",))
    if listener is not None:
        return listener, ""
    if any(not one.authentication for one in internal):  # a pause removes them
        return None, "its status names no listener"
    if internal:
        return (
            None,
            "every internal listener wants authentication: give a Secret with --probe-config",
        )
    return None, "it has no internal listener: give a Secret with --probe-config"
