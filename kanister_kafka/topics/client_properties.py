"""Client properties of Kafka's own tools, translated to librdkafka.

Properties with the same name in both, and those of librdkafka, are not changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from kanister_kafka.diagnostics import Location, error
from kanister_kafka.errors import InputError, UnreachableError
from kanister_kafka.topics import require_extra

ClientProperties = dict[str, str]

RESERVED_PROPERTIES = frozenset(
    (
        "auto.offset.reset",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "group.id",
        "group.instance.id",
        "isolation.level",
        "key.deserializer",
        "value.deserializer",
    )
)
"""Properties that KafkaConsumer sets; files of Kafka's tools can contain them."""

JAVA_ONLY = frozenset(
    (
        "default.api.timeout.ms",
        "interceptor.classes",
        "max.poll.records",
        "metric.reporters",
        "partition.assignment.strategy",
        "request.timeout.ms",
        "security.providers",
        "ssl.protocol",
        "ssl.enabled.protocols",
        "ssl.keymanager.algorithm",
        "ssl.provider",
        "ssl.trustmanager.algorithm",
        "sasl.client.callback.handler.class",
    )
)
"""Properties of the Java client without an equivalent, which do not matter to a consumer."""

PLAIN_LOGIN = ("PlainLoginModule", "ScramLoginModule")
"""Login modules with a user and a password (org.apache.kafka.common.security)."""


def read_properties(path: Path) -> ClientProperties:
    """Read a file of client properties; no message contains a value.

    Raises UnreachableError if it cannot be read, InputError for a property that cannot be
    translated.
    """
    with require_extra():
        import javaproperties

    try:
        with path.open("rb") as file:
            properties = dict(javaproperties.load(file))
    except OSError as failure:
        raise UnreachableError(f"{path}: {failure.strerror}") from failure
    except (ValueError, javaproperties.InvalidUEscapeError) as failure:
        raise InputError(
            (error("client-property", Location(str(path)), "", "is not a file of properties"),)
        ) from failure
    return translate(properties, str(path))


def write_properties(settings: Mapping[str, str]) -> str:
    """Return a file of properties; values with several lines are escaped."""
    with require_extra():
        import javaproperties

    text: str = javaproperties.dumps(settings, timestamp=False, sort_keys=True)
    return text


def translate(properties: Mapping[str, str], source: str) -> ClientProperties:
    """Translate properties; InputError lists all that cannot be translated."""
    settings: ClientProperties = {}
    problems = []
    for name, value in properties.items():
        if name in RESERVED_PROPERTIES or name in JAVA_ONLY or name == "ssl.truststore.type":
            continue
        rule = RULES.get(name)
        try:
            settings.update({name: value} if rule is None else rule(value, properties))
        except ValueError as failure:
            problems.append(error("client-property", Location(source), name, str(failure)))
    if problems:
        raise InputError(tuple(problems))
    return settings


def _truststore(value: str, properties: Mapping[str, str]) -> ClientProperties:
    if properties.get("ssl.truststore.type", "JKS").upper() != "PEM":
        raise ValueError(
            "librdkafka reads certificates as PEM only: export them (keytool -exportcert -rfc), "
            "and set ssl.truststore.type=PEM"
        )
    return {"ssl.ca.location": value}


def _keystore(value: str, properties: Mapping[str, str]) -> ClientProperties:
    match properties.get("ssl.keystore.type", "JKS").upper():
        case "PEM":
            return {"ssl.certificate.location": value, "ssl.key.location": value}
        case "PKCS12":
            return {"ssl.keystore.location": value}
    raise ValueError("librdkafka reads no JKS: set ssl.keystore.type to PKCS12 or PEM")


def _jaas(value: str, _properties: Mapping[str, str]) -> ClientProperties:
    module = value.split(maxsplit=1)[0].rpartition(".")[2] if value.strip() else ""
    if module not in PLAIN_LOGIN:
        raise ValueError(
            f"login module {module or '(none)'} is not one of {', '.join(PLAIN_LOGIN)}"
        )
    words = dict(re.findall(r'(username|password)\s*=\s*"((?:[^"\\]|\\.)*)"', value))
    if set(words) != {"username", "password"}:
        raise ValueError('needs username="…" and password="…"')
    return {f"sasl.{name}": re.sub(r"\\(.)", r"\1", text) for name, text in words.items()}


def _renamed(name: str) -> Callable[[str, Mapping[str, str]], ClientProperties]:
    return lambda value, _properties: {name: value}


def _dropped(_value: str, _properties: Mapping[str, str]) -> ClientProperties:
    return {}


RULES: dict[str, Callable[[str, Mapping[str, str]], ClientProperties]] = {
    "sasl.jaas.config": _jaas,
    "ssl.endpoint.identification.algorithm": lambda value, _properties: {
        "ssl.endpoint.identification.algorithm": value or "none"
    },
    "ssl.keystore.certificate.chain": _renamed("ssl.certificate.pem"),
    "ssl.keystore.key": _renamed("ssl.key.pem"),
    "ssl.keystore.location": _keystore,
    "ssl.keystore.type": _dropped,
    "ssl.truststore.certificates": _renamed("ssl.ca.pem"),
    "ssl.truststore.location": _truststore,
    "ssl.truststore.password": _dropped,
}
"""Translation of properties of the Java client to librdkafka (CONFIGURATION.md)."""


# Settings of librdkafka, and which of them aiokafka has, so that batches can be fetched.

QUEUED = 16384
"""KiB that librdkafka fetches ahead of a partition; its default of 64 MiB is for one partition."""
FETCHED_AHEAD = {
    "check.crcs": "true",  # off by default; a damaged batch is not a record
    "queued.min.messages": "50000",
    "queued.max.messages.kbytes": str(QUEUED),
    "fetch.wait.max.ms": "100",  # the wait before an idle partition is read again
    "fetch.queue.backoff.ms": "20",  # the wait after a full queue, 1000 by default
    "fetch.message.max.bytes": str(4 << 20),
    "fetch.max.bytes": str(64 << 20),
    "receive.message.max.bytes": str(128 << 20),
}

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
CHOICES = {
    "security.protocol": ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"),
    "sasl.mechanism": MECHANISMS,
    "sasl.mechanisms": MECHANISMS,
    "ssl.endpoint.identification.algorithm": ("HTTPS", "NONE"),
    "enable.ssl.certificate.verification": ("TRUE", "FALSE"),
    "check.crcs": ("TRUE", "FALSE"),
}
"""Settings with a choice, and the choices that aiokafka or this module has."""
TRANSLATED = (
    "bootstrap.servers",
    "sasl.username",
    "sasl.password",
    "ssl.ca.location",
    "ssl.ca.pem",
    "ssl.certificate.location",
    "ssl.certificate.pem",
    "ssl.key.location",
    "ssl.key.password",
    "ssl.key.pem",
)
INDIFFERENT = (
    "client.id",
    "debug",
    "log_level",
    "reconnect.backoff.max.ms",
    "reconnect.backoff.ms",
    "retry.backoff.ms",
    "socket.keepalive.enable",
    "socket.timeout.ms",
    "statistics.interval.ms",
)
"""Settings of librdkafka that change neither who connects nor what is read."""


def find_obstacle(settings: ClientProperties) -> str:
    """Return the setting for which batches cannot be fetched, or nothing.

    Every unknown setting is an obstacle: it can decide about a connection.
    """
    for name, value in settings.items():
        if name in CHOICES:
            if value.upper() not in CHOICES[name]:
                return f"{name}={value}"
        elif name not in TRANSLATED and name not in INDIFFERENT and name not in FETCHED_AHEAD:
            return name
    if "://" in settings.get("bootstrap.servers", ""):
        return "bootstrap.servers with a protocol"
    if protocol_of(settings).startswith("SASL") and not mechanism_of(settings):
        return "sasl.mechanism"
    return ""


def protocol_of(settings: ClientProperties) -> str:
    """Return the security protocol in capitals."""
    return settings.get("security.protocol", "PLAINTEXT").upper()


def mechanism_of(settings: ClientProperties) -> str:
    """Return the mechanism of SASL in capitals; empty if there is none."""
    return settings.get("sasl.mechanism", settings.get("sasl.mechanisms", "")).upper()
