"""Topics by name, and the access to their cluster from Strimzi's resources."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kanister_kafka.constants import CLUSTER_LABEL
from kanister_kafka.diagnostics import Location, error
from kanister_kafka.errors import InputError, NotFoundError, UnreachableError
from kanister_kafka.kube.client import SECRETS, KubeClient, Object
from kanister_kafka.strimzi.discovery import KafkaRef, find_resource, find_target
from kanister_kafka.strimzi.listeners import Listener, read_listeners, select_listener
from kanister_kafka.topics.client import ClientAccess
from kanister_kafka.topics.client_properties import ClientProperties

# Names of topics: the topic alone, in a Kafka of Strimzi, or after a bootstrap address.

TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
"""Kafka's Topic.java."""
FORMS = "TOPIC, NAMESPACE/KAFKA/TOPIC or HOST:PORT[,HOST:PORT…]/TOPIC"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicRef:
    """A topic, or the cluster of one; empty fields were not named."""

    topic: str = ""
    servers: str = ""
    """A bootstrap address."""
    namespace: str = ""
    kafka: str = ""

    @property
    def has_cluster(self) -> bool:
        """Whether it names its cluster."""
        return bool(self.servers or self.kafka)


def parse_topic_ref(text: str) -> TopicRef:
    """Parse a reference; raises InputError.

    A cluster without a topic, `NAMESPACE/KAFKA/`, is the topic of the other side, with its own
    name or with the prefix of a mirror.
    """
    *before, topic = text.split("/")
    match before:
        case []:
            ref = TopicRef(topic=topic)
        case [servers] if ":" in servers:
            ref = TopicRef(topic=topic, servers=servers)
        case [namespace, kafka] if namespace and kafka:
            ref = TopicRef(topic=topic, namespace=namespace, kafka=kafka)
        case _:
            raise _wrong(text, f"is not one of {FORMS}")
    if topic in (".", "..") or not (TOPIC.fullmatch(topic) or (not topic and ref.has_cluster)):
        raise _wrong(text, f"{topic!r} is not a topic name")
    return ref


def mirror_candidates(topic: str, topics: tuple[str, ...]) -> tuple[str, ...]:
    """Return the possible names of a topic in another cluster, the likeliest first.

    These are its own name (IdentityReplicationPolicy), or the alias of its source, a separator (a
    dot by default) and its name (DefaultReplicationPolicy of MirrorMaker 2). An alias can have
    dots.
    """
    names = [name for name in topics if name == topic]
    names += [name for name in topics if name.endswith(f".{topic}")]
    return tuple(names)


def _wrong(text: str, message: str) -> InputError:
    return InputError((error("topic-name", Location("argument"), "", f"{text!r}: {message}"),))


# The access to a cluster: listener, certificates, and a user's Secret.

TLS = "tls"
SCRAM = "scram-sha-512"
"""Types of authentication for which Strimzi creates the credentials (KafkaUser)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRequest:
    """A Kafka, and options of its access."""

    namespace: str = ""
    kafka: str = ""
    listener: str = ""
    user: str = ""
    """A KafkaUser."""
    inside: bool
    """Whether the client runs in the cluster."""


def find_access(connection: KubeClient, request: AccessRequest) -> ClientAccess:
    """Choose a listener and read the settings that a client needs for it.

    Raises NotFoundError if the Kafka, the listener or the user does not exist, UnreachableError if
    no listener can be used, ForbiddenError if a Secret may not be read.
    """
    target = find_target(connection, request.namespace, request.kafka)
    resource = find_resource(connection, "Kafka")
    if resource is None:
        raise NotFoundError(f"{connection.host}: Strimzi is not installed on this cluster")
    kafka = connection.get(resource, target.name, target.namespace)
    listener = choose_listener(read_listeners(kafka) or (), request, target)
    settings: ClientProperties = {"bootstrap.servers": listener.servers}
    if listener.tls:
        certificates = listener.certificates or _authority(connection, target)
        settings["ssl.ca.pem"] = "\n".join(certificates)
    if listener.authentication:
        settings.update(_credentials(connection, target, listener, request.user))
    settings["security.protocol"] = _protocol(listener)
    return ClientAccess(str(target), settings)


def choose_listener(
    listeners: tuple[Listener, ...], request: AccessRequest, target: KafkaRef
) -> Listener:
    """Return the requested listener, or the one with the fewest requirements."""
    names = ", ".join(listener.name for listener in listeners) or "none"
    if request.listener:
        candidates = [listener for listener in listeners if listener.name == request.listener]
        if not candidates:
            message = f"Kafka {target} has no listener {request.listener}; it has {names}"
            raise NotFoundError(message)
    else:
        candidates = [listener for listener in listeners if listener.inside == request.inside]
        if not candidates and request.inside:
            raise UnreachableError(f"Kafka {target} has no internal listener; it has {names}")
        if not candidates:
            raise UnreachableError(
                f"Kafka {target} is reached only from inside its cluster (listeners {names}): "
                "--in-cluster runs this as a Job there"
            )
    if listener := select_listener(candidates, ("", TLS, SCRAM)):
        return listener
    kinds = ", ".join(
        f"{listener.name}: {listener.authentication}" for listener in candidates if listener.servers
    )
    if not kinds:
        raise UnreachableError(
            f"the status of Kafka {target} has no address of {names}: is the Kafka Ready?"
        )
    raise UnreachableError(
        f"Kafka {target} wants credentials that are not Strimzi's ({kinds}): give the client's "
        "properties with --command-config"
    )


def _protocol(listener: Listener) -> str:
    sasl = "SASL_" if listener.authentication == SCRAM else ""
    return f"{sasl}SSL" if listener.tls else f"{sasl}PLAINTEXT"


def _authority(connection: KubeClient, target: KafkaRef) -> tuple[str, ...]:
    """Return the certificates of the cluster's own authority."""
    # KafkaResources.java: <cluster>-cluster-ca-cert; old certificates stay until they expire
    data = _secret(connection, f"{target.name}-cluster-ca-cert", target.namespace)
    return tuple(_decode(data, name) for name in sorted(data) if name.endswith(".crt"))


def _credentials(
    connection: KubeClient, target: KafkaRef, listener: Listener, user: str
) -> ClientProperties:
    """Return the settings of the named KafkaUser, or of the only suitable one."""
    resource = find_resource(connection, "KafkaUser")
    label = f"{CLUSTER_LABEL}={target.name}"
    items = connection.items(resource, target.namespace, label) if resource else ()
    users = {
        str(item["metadata"]["name"]): item
        for item in items
        if _authentication(item) == listener.authentication
    }
    name = user or (next(iter(users)) if len(users) == 1 else "")
    if name not in users:
        names = ", ".join(sorted(users)) or "none"
        raise NotFoundError(
            f"listener {listener.name} of Kafka {target} wants a KafkaUser with authentication "
            f"{listener.authentication}: name one with --user (there is {names})"
        )
    status = users[name].get("status") or {}
    data = _secret(connection, str(status.get("secret") or name), target.namespace)
    if listener.authentication == TLS:
        return {
            "ssl.certificate.pem": _text(data, "user.crt", name),
            "ssl.key.pem": _text(data, "user.key", name),
        }
    return {
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": str(status.get("username") or name),
        "sasl.password": _text(data, "password", name),
    }


def _authentication(item: Object) -> str:
    return str((((item.get("spec") or {}).get("authentication")) or {}).get("type") or "")


def _text(data: Mapping[str, bytes], key: str, user: str) -> str:
    if key not in data:
        raise NotFoundError(f"the Secret of KafkaUser {user} has no {key}")
    return _decode(data, key)


def _decode(data: Mapping[str, bytes], key: str) -> str:
    try:
        return data[key].decode()
    except UnicodeDecodeError:  # the bytes are a secret
        raise UnreachableError(f"key {key} of a Secret of Strimzi is not UTF-8 text") from None


def _secret(connection: KubeClient, name: str, namespace: str) -> dict[str, bytes]:
    item: dict[str, Any] = connection.get(SECRETS, name, namespace)
    try:
        return {
            key: base64.b64decode(text, validate=True)
            for key, text in (item.get("data") or {}).items()
        }
    except (binascii.Error, TypeError) as failure:
        raise UnreachableError(f"Secret {namespace}/{name} is malformed") from failure
