"""A fleet: many Kafka clusters, and how each of them is rendered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from kanister_kafka.fleet.selector import Selector
from kanister_kafka.options import Options
from kanister_kafka.problem import Location, Problem
from kanister_kafka.render import Manifest
from kanister_kafka.strimzi import Version
from kanister_kafka.strimzi.addresses import Addresses


class Key(NamedTuple):
    """Which Kafka: unique in a fleet."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def folder(self) -> str:
        """Name of a directory of its own; a namespace has no dot, so no other has the same."""
        return f"{self.namespace}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Which Kafkas are rendered, and how."""

    location: Location
    path: str
    """Of the entry, as `clusters[3]`; empty where it is no entry of a file."""
    options: Options = field(default_factory=Options)
    strimzi_version: Version | None = None
    namespace: str = ""
    """Of documents that name none; only this one where the input is that of the fleet."""
    paths: tuple[str, ...] = ()
    """Input of its own; that of the fleet where there are none."""
    cluster: str = ""
    """`NAME` or `NAMESPACE/NAME`; any where it is empty."""
    selector: Selector = field(default_factory=Selector)

    @property
    def told(self) -> tuple[str, ...]:
        """Clients of which the options say whether they write."""
        return (*self.options.writers, *self.options.not_writers)

    def fits(self, key: Key, labels: Mapping[str, str]) -> bool:
        """Tell whether a Kafka is one of these."""
        home, _, name = self.cluster.rpartition("/")
        return (
            (not name or name == key.name)
            and (not home or home == key.namespace)
            and (bool(self.paths) or self.namespace in ("", key.namespace))
            and self.selector.fits(labels)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What a fleet file says; without one, a single rule for every Kafka."""

    rules: tuple[Rule, ...]
    """The first that fits a Kafka decides; one that none fits is left out."""
    paths: tuple[str, ...] = ()
    """Input of all rules that have none of their own."""
    namespace: str = ""
    """Of documents that name none."""
    selector: Selector = field(default_factory=Selector)
    """What every Kafka has to fit besides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Work for one process: a cluster whose objects are at hand, or a rule with its own paths."""

    rule: Rule
    namespace: str = ""
    """Of documents that name none."""
    selector: Selector = field(default_factory=Selector)
    key: Key | None = None
    objects: tuple[bytes, ...] = ()
    """As the spool keeps them."""
    others: tuple[Addresses, ...] = ()
    """Addresses of Kafkas that are not among these objects, and that some of them know."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with the files that the objects are from."""
    templates: Path | None = None
    spells: bool = True
    """Whether to render, or to plan only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A plan in one line."""

    blueprint: str
    """`NAMESPACE/NAME`."""
    strategy: str
    engine: str
    nodes: int
    writers: int
    """That are quiesced."""
    longest: int
    """All waits of the longest action, in seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one cluster, or of a rule in whose input none is."""

    rule: Rule
    key: Key | None = None
    row: Row | None = None
    """None where it is not to be rendered, for the reasons in `problems`."""
    manifests: tuple[Manifest, ...] = ()
    notes: tuple[str, ...] = ()
    """What is left for a person to do."""
    claims: tuple[str, ...] = ()
    """Names that no other cluster may have: of the Blueprint and of the service accounts."""
    problems: tuple[Problem, ...] = ()
