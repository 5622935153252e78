"""Fields of objects as the API server gives them, absent ones included; label selectors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kanister_kafka.errors import ConflictError, NotFoundError
from kanister_kafka.kube.client import PODS, ApiResource, KubeClient, Object, Objects
from kanister_kafka.kube.names import LABEL_VALUE, QUALIFIED


def get_path(item: Object, *keys: str) -> Any:
    """Go down by keys; None if the path ends early."""
    here: Any = item
    for key in keys:
        here = here.get(key) if isinstance(here, dict) else None
    return here


def name_of(item: Object) -> str:
    """Return the name of an object."""
    return str(get_path(item, "metadata", "name") or "")


def title(item: Object) -> str:
    """Return `Kind namespace/name`, or `Kind name` for an object of the whole cluster."""
    namespace = get_path(item, "metadata", "namespace")
    prefix = f"{namespace}/" if namespace else ""
    return f"{item.get('kind', 'object')} {prefix}{name_of(item)}"


def titles(items: Iterable[Object]) -> tuple[str, ...]:
    """Return the titles of several objects."""
    return tuple(title(item) for item in items)


def label(item: Object, key: str) -> str:
    """Return a label; empty if it is not set."""
    return str(get_path(item, "metadata", "labels", key) or "")


def annotation(item: Object, key: str) -> str:
    """Return an annotation; empty if it is not set."""
    return str(get_path(item, "metadata", "annotations", key) or "")


def condition(item: Object, kind: str) -> Object:
    """Return a condition of the status by its type; an empty object if there is none."""
    for entry in get_path(item, "status", "conditions") or ():
        if entry.get("type") == kind:
            return dict(entry)
    return {}


def is_true(item: Object, kind: str) -> bool:
    """Return whether a condition is there and True."""
    return condition(item, kind).get("status") == "True"


def is_observed(item: Object) -> bool:
    """Return whether the operator has seen the object as it is now."""
    observed = get_path(item, "status", "observedGeneration")
    return observed is not None and observed >= (get_path(item, "metadata", "generation") or 0)


def is_reconciled(item: Object) -> bool:
    """Return whether the operator calls a custom resource Ready as it stands now."""
    return is_observed(item) and is_true(item, "Ready")


def delete_if_present(
    connection: KubeClient, resource: ApiResource, name: str, namespace: str = ""
) -> None:
    """Delete an object, unless it is gone or has become another one."""
    with suppress(NotFoundError, ConflictError):
        connection.delete(resource, name, namespace)


def join_limited(texts: Iterable[str], most: int = 5) -> str:
    """Join texts with commas; what is beyond `most` is counted only."""
    listed = list(texts)
    more = len(listed) - most
    return ", ".join(listed[:most]) + (f" and {more} more" if more > 0 else "")


# Pods of Kafka and ZooKeeper nodes: how many are there and serve.


@dataclass(frozen=True, slots=True)
class PodReadiness:
    """Nodes of one cluster at one moment."""

    pods: int
    """Pods, terminating ones included."""
    ready: int
    expected: int | None = None
    """None if it is unknown."""

    def __str__(self) -> str:
        if self.expected is None:
            return f"{self.ready} of {self.pods} pods ready"
        left = "" if self.pods == self.expected else f", {self.pods} there"
        return f"{self.ready} of {self.expected} nodes ready{left}"


def pod_selector(cluster: str) -> str:
    """Return the label selector of all nodes (labels of Strimzi's Labels.java)."""
    return f"strimzi.io/cluster={cluster},strimzi.io/name in ({cluster}-kafka,{cluster}-zookeeper)"


def count_ready(pods: Objects, expected: int | None = None) -> PodReadiness:
    """Count pods; one that is terminating does not serve."""
    return PodReadiness(len(pods), sum(map(is_ready, pods)), expected)


def read_readiness(
    connection: KubeClient, namespace: str, cluster: str, expected: int | None
) -> PodReadiness:
    """Count the nodes of a cluster as they are now."""
    return count_ready(connection.items(PODS, namespace, pod_selector(cluster)), expected)


def is_ready(pod: Object) -> bool:
    """Return whether a pod serves."""
    return not pod["metadata"].get("deletionTimestamp") and is_true(pod, "Ready")


# Label selectors, as kubectl takes them with -l.

WORD = r"[^\s!=,()]"
REQUIREMENT = re.compile(
    rf"(?P<not>!\s*)?(?P<key>{WORD}+)"
    rf"(?:\s*(?P<equals>==?|!=)\s*(?P<value>{WORD}*)"
    r"|\s+(?P<set>in|notin)\s*\((?P<values>[^()]*)\))?"
)
"""The parts of a requirement, whose key and values then have to be those of labels."""
APART = re.compile(r",(?![^(]*\))")
"""A comma between requirements: not one between brackets."""


@dataclass(frozen=True, slots=True)
class SelectorRequirement:
    """The condition on one label."""

    key: str
    values: tuple[str, ...] | None
    """One of these; None if it only has to be there."""
    negated: bool

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels match; an absent label is `NotIn` any values."""
        value = labels.get(self.key)
        there = value is not None if self.values is None else value in self.values
        return there is not self.negated


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Requirements that all have to be met; without any everything is selected."""

    requirements: tuple[SelectorRequirement, ...] = ()

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Return whether labels meet every requirement."""
        return all(requirement.fits(labels) for requirement in self.requirements)


def parse_selector(text: str) -> LabelSelector | None:
    """Read a selector such as `app=kafka,tier in (a,b),!spare`; None if it is not one."""
    if not text.strip():
        return LabelSelector()
    requirements = []
    for part in APART.split(text):
        match = REQUIREMENT.fullmatch(part.strip())
        requirement = _requirement(match) if match else None
        if requirement is None or not _is_of_labels(requirement):
            return None
        requirements.append(requirement)
    return LabelSelector(tuple(requirements))


def _is_of_labels(requirement: SelectorRequirement) -> bool:
    values = requirement.values or ()
    return QUALIFIED.allows(requirement.key) and all(map(LABEL_VALUE.allows, values))


def _requirement(match: re.Match[str]) -> SelectorRequirement:
    if match["set"]:
        values = tuple(value.strip() for value in match["values"].split(","))
        return SelectorRequirement(match["key"], values, match["set"] == "notin")
    if match["equals"]:
        return SelectorRequirement(match["key"], (match["value"],), match["equals"] == "!=")
    return SelectorRequirement(match["key"], None, bool(match["not"]))
