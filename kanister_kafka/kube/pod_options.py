"""How the pods of this tool fit into a namespace, and which kubectl their image has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from kanister_kafka.kube.names import LABEL_VALUE, QUALIFIED

Pairs = tuple[tuple[str, str], ...]

NO_SIDECAR_LABELS: Pairs = (("sidecar.istio.io/inject", "false"),)
NO_SIDECAR_ANNOTATIONS: Pairs = (("linkerd.io/inject", "disabled"),)
"""Istio's and Linkerd's way to leave a pod alone. Kanister waits without limit for the end of a pod
(WaitForPodCompletion in its pkg/kube/pod.go), and the container of a mesh never ends."""
DEFAULT_REQUESTS: Pairs = (("cpu", "100m"), ("memory", "64Mi"))
"""The requests of a step: bash and one kubectl at a time."""

REPOSITORY = "docker.io/alpine/k8s"
DEFAULT_IMAGE = f"{REPOSITORY}:1.34.11"
"""bash and kubectl; docs/design.md explains why this image."""
TAGS = {
    25: "1.25.16",
    26: "1.26.2",
    27: "1.27.3",
    28: "1.28.13",
    29: "1.29.2",
    30: "1.30.2",
    31: "1.31.1",
    32: "1.32.3",
    33: "1.33.3",
    34: DEFAULT_IMAGE.rpartition(":")[2],
    35: "1.35.3",
    36: "1.36.2",
    37: "1.37.0",
}
"""By minor version of Kubernetes: tags of that image that are known to be published."""
TAGS_DATE = date(2026, 11, 30)
"""Day on which each of these tags was last seen in use, in public repositories."""
MAX_SKEW = 1
"""Minor versions that kubectl may be older or newer than the API server (Kubernetes, Version Skew
Policy)."""

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
TOLERATION = re.compile(r"(?P<key>[^=:]+)(?:(?P<equals>=)(?P<value>[^:]*))?(?::(?P<effect>.+))?")
QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?)(m|k|[KMGTPE]i|[MGTPE])?")
UNITS = {
    **{unit: Fraction(1000) ** power for power, unit in enumerate(("m", "", "k", *"MGTPE"), -1)},
    **{f"{unit}i": Fraction(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}
CLIENT_VERSION = re.compile(r"v?1\.(\d+)\.\d+\S*")


@dataclass(frozen=True, slots=True)
class Toleration:
    """A taint that a pod tolerates."""

    key: str
    operator: str
    """`Exists`, or `Equal` to the value."""
    value: str = ""
    effect: str = ""
    """Empty for every effect."""

    def fields(self) -> dict[str, str]:
        """Return it as a pod has it."""
        fields = {"key": self.key, "operator": self.operator, "effect": self.effect}
        fields = {name: value for name, value in fields.items() if value}
        return fields | ({"value": self.value} if self.operator == "Equal" else {})


def parse_toleration(text: str) -> Toleration | None:
    """Read KEY[=VALUE][:EFFECT]; None if it is not one."""
    match = TOLERATION.fullmatch(text)
    if match is None or match["effect"] not in (None, *EFFECTS):
        return None
    if not QUALIFIED.allows(match["key"]):
        return None
    if match["equals"] is None:
        return Toleration(match["key"], "Exists", effect=match["effect"] or "")
    if not LABEL_VALUE.allows(match["value"]):
        return None
    return Toleration(match["key"], "Equal", match["value"], match["effect"] or "")


def quantity(text: str) -> Fraction | None:
    """Read a quantity such as 100m or 64Mi; None if it is not one."""
    match = QUANTITY.fullmatch(text)
    return Fraction(match[1]) * UNITS[match[2] or ""] if match else None


def parse_resources(text: str) -> Pairs | None:
    """Read cpu=100m,memory=64Mi as `kubectl set resources` does; None if it is not one."""
    pairs = [part.partition("=") for part in text.split(",")]
    if not all(key and equals and value for key, equals, value in pairs):
        return None
    return tuple({key: value for key, _equals, value in pairs}.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class PodOptions:
    """Metadata, resources and placement of pods."""

    labels: Pairs = NO_SIDECAR_LABELS
    annotations: Pairs = NO_SIDECAR_ANNOTATIONS
    pull_secrets: tuple[str, ...] = ()
    tolerations: tuple[Toleration, ...] = ()
    node_selector: Pairs = ()
    priority_class: str = ""
    requests: Pairs = DEFAULT_REQUESTS
    limits: Pairs = ()

    def spec(self) -> dict[str, Any]:
        """Return its part of a pod's spec, except the containers."""
        fields: dict[str, Any] = {
            "imagePullSecrets": [{"name": name} for name in self.pull_secrets],
            "tolerations": [one.fields() for one in self.tolerations],
            "nodeSelector": dict(self.node_selector),
            "priorityClassName": self.priority_class,
        }
        return {name: value for name, value in fields.items() if value}


def pod_option_errors(pods: PodOptions) -> Iterator[tuple[str, object, str]]:
    """Yield option, value and rule for each value that a pod must not have."""
    key, value = "must be a qualified name", "must be a label value"
    own = "is for Strimzi and this tool: pods with it are taken for others"
    for path, pairs in (("pod-label", pods.labels), ("pod-annotation", pods.annotations)):
        for name, _value in pairs:
            domain = name.partition("/")[0] if "/" in name else ""
            if not QUALIFIED.allows(name):
                yield path, name, key
            elif domain.endswith(("strimzi.io", "kanister-kafka.io")):
                yield path, name, own
    for path, pairs in (("pod-label", pods.labels), ("node-selector", pods.node_selector)):
        yield from ((path, text, value) for _key, text in pairs if not LABEL_VALUE.allows(text))
    for name, _value in pods.node_selector:
        if not QUALIFIED.allows(name):
            yield "node-selector", name, key
    yield from _wrong_resources(pods)


def _wrong_resources(pods: PodOptions) -> Iterator[tuple[str, object, str]]:
    limits = dict(pods.limits)
    for path, pairs in (("requests", pods.requests), ("limits", pods.limits)):
        for name, text in pairs:
            if not QUALIFIED.allows(name):
                yield path, name, "must be a qualified name"
            if quantity(text) is None:
                yield path, f"{name}={text}", "must be a quantity such as 100m or 64Mi"
    for name, text in pods.requests:
        least, most = quantity(text), quantity(limits.get(name, text))
        if least is not None and most is not None and least > most:
            must = f"must not be less than the request of {text}"
            yield "limits", f"{name}={limits[name]}", must


def image_for(minor: int) -> str:
    """Return the image whose kubectl suits an API server of Kubernetes 1.MINOR.

    It is the default one if that suits, or if there is no known tag that suits.
    """
    if abs((minor_of_image(DEFAULT_IMAGE) or minor) - minor) <= MAX_SKEW:
        return DEFAULT_IMAGE
    for near in (minor, minor - MAX_SKEW, minor + MAX_SKEW):
        if near in TAGS:
            return f"{REPOSITORY}:{TAGS[near]}"
    return DEFAULT_IMAGE


def minor_of_image(image: str) -> int | None:
    """Return the minor version of kubectl that the tag of an image has, if it has one."""
    name, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    match = CLIENT_VERSION.fullmatch(tag)
    return int(match[1]) if match and ("k8s" in name or "kubectl" in name) else None


def minor_of_client(output: str) -> int | None:
    """Return the minor version of `kubectl version --client` from its first line."""
    words = output.partition("Client Version:")[2].split()
    match = CLIENT_VERSION.fullmatch(words[0]) if words else None
    return int(match[1]) if match else None


def minor_of_server(version: object) -> int | None:
    """Return the minor version in an answer of the API server's `/version`."""
    minor = str(version.get("minor", "")) if isinstance(version, dict) else ""
    match = re.match(r"\d+", minor)  # some add a `+`
    return int(match[0]) if match else None


def merged(before: Pairs, more: Iterable[tuple[str, str]]) -> Pairs:
    """Return pairs with more pairs over them."""
    return tuple({**dict(before), **dict(more)}.items())
