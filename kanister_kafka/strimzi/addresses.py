"""Bootstrap addresses: which custom resource writes into which cluster.

No owner reference leads from a MirrorMaker 2 or a Connect to its cluster, only an address does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Union

from kanister_kafka.strimzi.fields import Field

Address = Union[str, tuple[str, str]]
"""A host name or `host:port` pair that a listener tells, or a service and its namespace."""
HEADLESS = "-kafka-brokers"


@dataclass(frozen=True, slots=True)
class Addresses:
    """All addresses under which a cluster can be reached."""

    cluster: str
    namespace: str
    external: frozenset[str]
    """Host names and `host:port` pairs of listeners, as the custom resource tells them."""
    listeners: frozenset[str]
    """Names of its listeners."""

    @property
    def all(self) -> frozenset[Address]:
        """Every address, the services among them.

        KafkaResources.java: <cluster>-kafka-bootstrap, <cluster>-kafka-brokers and, for each
        external listener, <cluster>-kafka-<listener>-bootstrap
        """
        kinds = ("bootstrap", "brokers", *(f"{name}-bootstrap" for name in self.listeners))
        return self.external.union((f"{self.cluster}-kafka-{k}", self.namespace) for k in kinds)

    def match(self, bootstrap: str, namespace: str) -> bool:
        """Tell whether one server of a comma-separated list is this cluster.

        `namespace` is that of the client, in which a short name is looked up.
        """
        return not self.all.isdisjoint(asked(bootstrap, namespace))


def asked(bootstrap: str, namespace: str) -> frozenset[Address]:
    """Return each address that a comma-separated list of servers may mean."""
    servers = (server.strip() for server in bootstrap.split(","))
    return frozenset(address for server in servers for address in _meant(server, namespace))


def _meant(server: str, namespace: str) -> Iterator[Address]:
    host, colon, port = server.rpartition(":")
    host = (host if colon and port.isdigit() else server).lower().rstrip(".")
    yield host
    yield server.lower()
    # <service>[.<namespace>[.svc[.<domain>]]], or a pod behind the headless service
    labels = host.split(".")
    ways = [labels, labels[1:]] if len(labels) > 1 and labels[1].endswith(HEADLESS) else [labels]
    for service, *rest in ways:
        if len(rest) < 2 or rest[1] == "svc":
            yield service, rest[0] if rest else namespace


def home_of(bootstrap: str, namespace: str) -> str:
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


def addresses(cluster: str, namespace: str, kafka: Field) -> Addresses:
    """Gather the addresses from spec and status of a Kafka."""
    found = {text.lower().rstrip(".") for text in _told(kafka) if text}
    listeners = kafka.at("spec", "kafka", "listeners").each()
    names = frozenset(listener.at("name").string() for listener in listeners)
    return Addresses(cluster, namespace, _shared(frozenset(found)), _shared(names))


@lru_cache(maxsize=256)
def _shared(names: frozenset[str]) -> frozenset[str]:
    """Return one object for the same names: in a fleet most have none, or are called alike."""
    return names


def _told(kafka: Field) -> Iterator[str]:
    for listener in kafka.at("status", "listeners").each():
        yield from listener.at("bootstrapServers").string().split(",")
        for address in listener.at("addresses").each():
            host = address.at("host").string()
            port = address.at("port").integer(0)
            yield f"{host}:{port}" if host and port else ""
    for listener in kafka.at("spec", "kafka", "listeners").each():
        bootstrap = listener.at("configuration", "bootstrap")
        yield bootstrap.at("host").string()
        for name in bootstrap.at("alternativeNames").each():
            yield name.string()
        for broker in listener.at("configuration", "brokers").each():
            yield broker.at("host").string()
            yield broker.at("advertisedHost").string()
