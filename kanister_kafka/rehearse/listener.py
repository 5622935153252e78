"""How the probe reaches Kafka: the listener that needs least."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

INTERNAL = ("internal", "cluster-ip")
"""Types of listeners that pods use (Strimzi's KafkaListenerType)."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A way to Kafka."""

    name: str
    """Empty where the client's own properties say all."""
    servers: str
    """Bootstrap address; empty as above."""
    tls: bool
    """Whether the cluster's own certificate authority is to be trusted."""


def choose_listener(kafka: Mapping[str, Any], config: str) -> tuple[Listener | None, str]:
    """Choose a listener, or say why there is none for a probe without credentials.

    Plain before TLS, and neither with authentication. With `config`, a Secret of a client's own
    properties, the address is that of the first internal listener unless they name one.
    """
    spec = (kafka.get("spec") or {}).get("kafka") or {}
    told = (kafka.get("status") or {}).get("listeners") or ()
    # `type` stood for `name` until Strimzi 0.27
    servers = {at.get("name") or at.get("type"): at.get("bootstrapServers", "") for at in told}
    listeners = spec.get("listeners") or ()
    if not isinstance(listeners, (list, tuple)):  # a mapping, in v1beta1
        return None, "its listeners are of an API version that is not known"
    inside = [one for one in listeners if one.get("type") in INTERNAL]
    if config:
        address = next((servers.get(one.get("name"), "") for one in inside), "")
        return Listener("", address, tls=False), ""
    open_ = [one for one in inside if not one.get("authentication")]
    for one in sorted(open_, key=lambda one: bool(one.get("tls"))):
        name = str(one.get("name"))
        if servers.get(name):
            return Listener(name, servers[name], tls=bool(one.get("tls"))), ""
    if open_:  # a pause wipes them
        return None, "its status names no listener"
    return None, (
        "every internal listener wants authentication: give a Secret with --probe-config"
        if inside
        else "it has no internal listener: give a Secret with --probe-config"
    )
