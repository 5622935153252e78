"""Differences between Strimzi versions in one table; no other module compares versions.

Versions are compared by major and minor number. Each row was read in the source of Strimzi at the
tags named: feature gates in FeatureGates.java, API versions in the CRDs, removals in CHANGELOG.md.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, replace

Version = tuple[int, int]

OLDEST: Version = (0, 23)
"""The first version with pausing, API v1beta2 alone and MirrorMaker 2 that scales to 0."""

STATED = "--strimzi-version"
"""Reason of bounds that the user has set."""


class VersionFeature(enum.Enum):
    """Something that an operator has from one version to another."""

    API_V1BETA2 = "API v1beta2"
    API_V1 = "API v1"
    STATEFUL_SETS = "StatefulSets"
    POD_SETS = "StrimziPodSets"
    CONNECT_DEPLOYMENTS = "Deployments for Connect"
    CONNECT_POD_SETS = "StrimziPodSets for Connect"
    NODE_POOLS = "node pools"
    ZOOKEEPER = "ZooKeeper"
    KRAFT_ANNOTATED = 'KRaft by annotation "strimzi.io/kraft"'
    KRAFT_ALONE = "KRaft without an annotation"
    MIRROR_MAKER_1 = "MirrorMaker 1"
    WATCHED_NAMESPACE = "watchedNamespace without a setting of the operator"
    WATCHED_NAMESPACE_SETTING = "watchedNamespace by a setting of the operator"


@dataclass(frozen=True, slots=True)
class FeatureRange:
    """The versions that have a feature, both ends included; None is an open end."""

    first: Version | None
    last: Version | None
    source: str


TABLE: dict[VersionFeature, FeatureRange] = {
    VersionFeature.API_V1BETA2: FeatureRange(
        None, (0, 51), "CRDs of 0.23.0 to 0.51.0; removed in 1.0.1"
    ),
    VersionFeature.API_V1: FeatureRange((0, 49), None, "CRDs of 0.49.1"),
    # Gate UseStrimziPodSets: code from 0.27, default from 0.30, StatefulSets removed in 0.35.
    VersionFeature.STATEFUL_SETS: FeatureRange(
        None, (0, 34), "FeatureGates.java; CHANGELOG 0.35.0"
    ),
    VersionFeature.POD_SETS: FeatureRange((0, 27), None, "FeatureGates.java of 0.27.0"),
    # Gate StableConnectIdentities: code from 0.34, default from 0.37, forced from 0.39.
    VersionFeature.CONNECT_DEPLOYMENTS: FeatureRange(
        None, (0, 38), "FeatureGates.java; CHANGELOG 0.39.0"
    ),
    VersionFeature.CONNECT_POD_SETS: FeatureRange((0, 34), None, "FeatureGates.java of 0.34.0"),
    VersionFeature.NODE_POOLS: FeatureRange((0, 36), None, "CHANGELOG 0.36.0"),
    VersionFeature.ZOOKEEPER: FeatureRange(None, (0, 45), "CHANGELOG 0.46.0"),
    VersionFeature.KRAFT_ANNOTATED: FeatureRange(
        (0, 38), None, "CHANGELOG 0.38.0; ignored from 0.48.0"
    ),
    VersionFeature.KRAFT_ALONE: FeatureRange((0, 48), None, "CHANGELOG 0.48.0"),
    VersionFeature.MIRROR_MAKER_1: FeatureRange(None, (0, 45), "CHANGELOG 0.46.0"),
    # Both have 1.0: 1.0.0 does not have the setting yet, 1.0.1 has it.
    VersionFeature.WATCHED_NAMESPACE: FeatureRange(
        None, (1, 0), "EntityOperatorReconciler.java of 1.0.0"
    ),
    VersionFeature.WATCHED_NAMESPACE_SETTING: FeatureRange(
        (1, 0), None, "CHANGELOG 1.0.1; EntityOperatorReconciler.java of 1.0.1"
    ),
}


@dataclass(frozen=True, slots=True)
class VersionRange:
    """The operator versions that match the input."""

    first: Version = OLDEST
    last: Version | None = None
    first_reason: str = "the oldest supported"
    last_reason: str = ""

    @classmethod
    def exactly(cls, version: Version) -> VersionRange:
        """Return the bounds of a version that the user named."""
        return cls(version, version, STATED, STATED)

    @property
    def stated(self) -> str:
        """The version that the user named; empty by default."""
        return format_version(self.first) if self.first_reason == STATED else ""

    def having(self, feature: VersionFeature) -> VersionRange:
        """Narrow to the versions that have a feature."""
        span = TABLE[feature]
        bounds = self.since(span.first, feature.value) if span.first else self
        if span.last and (bounds.last is None or span.last < bounds.last):
            bounds = replace(bounds, last=span.last, last_reason=feature.value)
        return bounds

    def since(self, first: Version, reason: str) -> VersionRange:
        """Narrow to a version and later ones."""
        if first <= self.first:
            return self
        return replace(self, first=first, first_reason=reason)

    @property
    def empty(self) -> bool:
        """Whether no version fits."""
        return self.last is not None and self.last < self.first

    def may_have(self, feature: VersionFeature) -> bool:
        """Return whether any version within the bounds has a feature."""
        return not self.having(feature).empty

    @property
    def api_version(self) -> str:
        """The API version to name in a write: v1beta2 unless no operator within serves it."""
        return "v1beta2" if self.may_have(VersionFeature.API_V1BETA2) else "v1"

    def __str__(self) -> str:
        first = format_version(self.first)
        if self.last is None:
            return f"{first} or later"
        return first if self.first == self.last else f"{first} to {format_version(self.last)}"


def format_version(version: Version) -> str:
    """Return the version as Strimzi writes it."""
    return f"{version[0]}.{version[1]}"


def kafka_versions(operator: VersionRange) -> tuple[str, ...]:
    """Return the versions of Kafka that any operator within the range runs, in their order.

    Empty if all of these operators are newer than the table.
    """
    from kanister_kafka.strimzi.kafka_versions import KAFKA_VERSIONS  # only if one is named

    kafka: set[str] = set()
    for strimzi, versions in KAFKA_VERSIONS.items():
        if operator.first <= strimzi and (operator.last is None or strimzi <= operator.last):
            kafka.update(versions.split())
    return tuple(sorted(kafka, key=lambda version: [int(part) for part in version.split(".")]))


def operators_for(kafka: str) -> VersionRange | None:
    """Return the operators that run a version of Kafka; None if no known one does."""
    from kanister_kafka.strimzi.kafka_versions import KAFKA_VERSIONS  # only if one is named

    operators = [one for one, versions in KAFKA_VERSIONS.items() if kafka in versions.split()]
    return VersionRange(min(operators), max(operators)) if operators else None


def oldest_kubernetes(operator: VersionRange) -> int | None:
    """Return the minor version of the oldest Kubernetes that an operator within the range supports.

    None if all of these operators are newer than the table.
    """
    from kanister_kafka.strimzi.kafka_versions import OLDEST_KUBERNETES  # only on a live cluster

    supported = [
        minor
        for strimzi, minor in OLDEST_KUBERNETES.items()
        if operator.first <= strimzi and (operator.last is None or strimzi <= operator.last)
    ]
    return min(supported, default=None)


def unsupported_kubernetes(operator: VersionRange, minor: int) -> str:
    """Return a sentence if Kubernetes 1.MINOR is too old for every operator within the range.

    Empty if it is not, or if all of these operators are newer than the table.
    """
    from kanister_kafka.strimzi.kafka_versions import OLDEST_KUBERNETES  # only on a live cluster

    oldest = oldest_kubernetes(operator)
    if oldest is None or minor >= oldest:
        return ""
    suitable = [strimzi for strimzi, floor in OLDEST_KUBERNETES.items() if floor <= minor]
    last = f"; Strimzi {format_version(max(suitable))} is the last for it" if suitable else ""
    return f"Kubernetes is 1.{minor}, and Strimzi {operator} supports 1.{oldest} or later{last}"


VERSION = r"v?([0-9]{1,4})\.([0-9]{1,4})(\.[0-9]{1,4})?([-+].*)?"
"""A version of Strimzi; valid as a regular expression of JSON Schema too."""


def parse_version(text: str) -> Version | None:
    """Read `0.45`, `0.45.2` or `v0.45.2`; None if it is not a version."""
    match = re.fullmatch(VERSION, text)
    return (int(match[1]), int(match[2])) if match else None
