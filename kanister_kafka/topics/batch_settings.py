"""Settings of librdkafka, and which of them aiokafka has, so that batches can be fetched."""

from __future__ import annotations

from kanister_kafka.topics.client_properties import ClientProperties

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
