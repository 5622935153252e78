"""From Strimzi's custom resources to a way into a cluster: listener, trust, and a user's Secret."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kanister_kafka.constants import CLUSTER_LABEL
from kanister_kafka.errors import NotFoundError, UnreachableError
from kanister_kafka.kube.client import ApiResource, KubeClient, Object
from kanister_kafka.strimzi.discovery import KafkaRef, find_resource, find_target
from kanister_kafka.strimzi.listeners import Listener, read_listeners
from kanister_kafka.topics.client import ClientAccess
from kanister_kafka.topics.client_properties import ClientProperties

SECRETS = ApiResource(("api", "v1"), "secrets", "Secret", namespaced=True)
TLS, SCRAM = "tls", "scram-sha-512"
"""Types of authentication for which Strimzi makes the credentials (KafkaUser)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """Which Kafka, and how it is to be reached."""

    namespace: str = ""
    kafka: str = ""
    listener: str = ""
    user: str = ""
    """A KafkaUser."""
    inside: bool
    """Whether the client runs in the cluster."""


def find_access(connection: KubeClient, wish: AccessRequest) -> ClientAccess:
    """Choose a listener and gather what a client needs for it.

    Raises NotFoundError if there is no such Kafka, listener or user, UnreachableError where
    none of them can be used, ForbiddenError if a Secret may not be read.
    """
    target = find_target(connection, wish.namespace, wish.kafka)
    resource = find_resource(connection, "Kafka")
    if resource is None:
        raise NotFoundError(f"{connection.host}: Strimzi is not installed on this cluster")
    kafka = connection.get(resource, target.name, target.namespace)
    listener = choose_listener(read_listeners(kafka) or (), wish, target)
    settings: ClientProperties = {"bootstrap.servers": listener.servers}
    if listener.tls:
        certificates = listener.certificates or _authority(connection, target)
        settings["ssl.ca.pem"] = "\n".join(certificates)
    if listener.authentication:
        settings.update(_credentials(connection, target, listener, wish.user))
    settings["security.protocol"] = _protocol(listener)
    return ClientAccess(str(target), settings)


def choose_listener(found: tuple[Listener, ...], wish: AccessRequest, target: KafkaRef) -> Listener:
    """Choose the listener that needs least; plain before TLS, and both before authentication."""
    names = ", ".join(one.name for one in found) or "none"
    if wish.listener:
        found = tuple(one for one in found if one.name == wish.listener)
        if not found:
            raise NotFoundError(f"Kafka {target} has no listener {wish.listener}; it has {names}")
    else:
        found = tuple(one for one in found if one.inside == wish.inside)
        if not found and wish.inside:
            raise UnreachableError(f"Kafka {target} has no internal listener; it has {names}")
        if not found:
            raise UnreachableError(
                f"Kafka {target} is reached only from inside its cluster (listeners {names}): "
                "--in-cluster runs this as a Job there"
            )
    known = tuple(one for one in found if one.servers)
    if not known:
        raise UnreachableError(f"Kafka {target} tells no address of {names}: is it Ready?")
    usable = tuple(one for one in known if one.authentication in ("", TLS, SCRAM))
    if not usable:
        kinds = ", ".join(f"{one.name}: {one.authentication}" for one in known)
        raise UnreachableError(
            f"Kafka {target} wants credentials that are not Strimzi's ({kinds}): give the client's "
            "properties with --command-config"
        )
    return min(usable, key=lambda one: (bool(one.authentication), one.tls))


def _protocol(listener: Listener) -> str:
    sasl = "SASL_" if listener.authentication == SCRAM else ""
    return f"{sasl}SSL" if listener.tls else f"{sasl}PLAINTEXT"


def _authority(connection: KubeClient, target: KafkaRef) -> tuple[str, ...]:
    """Return the certificates of the cluster's own authority, if the status has none."""
    # KafkaResources.java: <cluster>-cluster-ca-cert; old certificates stay until they expire
    data = _secret(connection, f"{target.name}-cluster-ca-cert", target.namespace)
    return tuple(text.decode() for name, text in sorted(data.items()) if name.endswith(".crt"))


def _credentials(
    connection: KubeClient, target: KafkaRef, listener: Listener, user: str
) -> ClientProperties:
    """Return the settings of a KafkaUser: the one named, or the only one that fits."""
    resource = find_resource(connection, "KafkaUser")
    label = f"{CLUSTER_LABEL}={target.name}"
    items = connection.items(resource, target.namespace, label) if resource else ()
    fitting = {
        str(item["metadata"]["name"]): item
        for item in items
        if _kind(item) == listener.authentication
    }
    chosen = user or (next(iter(fitting)) if len(fitting) == 1 else "")
    if chosen not in fitting:
        names = ", ".join(sorted(fitting)) or "none"
        raise NotFoundError(
            f"listener {listener.name} of Kafka {target} wants a KafkaUser with authentication "
            f"{listener.authentication}: name one with --user (there is {names})"
        )
    status = fitting[chosen].get("status") or {}
    data = _secret(connection, str(status.get("secret") or chosen), target.namespace)
    if listener.authentication == TLS:
        return {
            "ssl.certificate.pem": _text(data, "user.crt", chosen),
            "ssl.key.pem": _text(data, "user.key", chosen),
        }
    return {
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": str(status.get("username") or chosen),
        "sasl.password": _text(data, "password", chosen),
    }


def _kind(item: Object) -> str:
    return str((((item.get("spec") or {}).get("authentication")) or {}).get("type") or "")


def _text(data: Mapping[str, bytes], key: str, user: str) -> str:
    if key not in data:
        raise NotFoundError(f"the Secret of KafkaUser {user} has no {key}")
    return data[key].decode()


def _secret(connection: KubeClient, name: str, namespace: str) -> dict[str, bytes]:
    item: dict[str, Any] = connection.get(SECRETS, name, namespace)
    try:
        return {
            key: base64.b64decode(text, validate=True)
            for key, text in (item.get("data") or {}).items()
        }
    except (binascii.Error, TypeError) as failure:
        raise UnreachableError(f"Secret {namespace}/{name} is malformed") from failure
