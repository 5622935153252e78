"""What a function takes and gives, as rows: each with the releases that have it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kanister_kafka.blueprint.releases import RELEASES, is_within


class Kind(Enum):
    """What an argument is decoded to, and what Kanister or Kubernetes then wants of it."""

    TEXT = "a string"
    NAMES = "one string of names with spaces between them"
    TEXTS = "a list of strings"
    YAML_TEXTS = "a list of strings, or a string with the YAML of one"
    BOOLEAN = "true or false"
    REPLICAS = "a number of replicas"
    WORKLOAD = "a kind of workload"
    DURATION = "a duration such as 90s or 1h30m"
    QUANTITY = "a quantity such as 10Gi"
    IMAGE = "an image reference"
    MOUNTS = "a mapping from PersistentVolumeClaims to paths"
    LABELS = "a mapping of labels"
    POD_LABELS = "a mapping of the pod's labels"
    POD_ANNOTATIONS = "a mapping of the pod's annotations"
    POD_OVERRIDE = "a mapping that is merged into the spec of the pod"
    REFERENCE = "a mapping that names an object"
    CONDITIONS = "a mapping with the lists anyOf and allOf"
    MANIFEST = "a string with the YAML of objects"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """Something that came or went with a release."""

    since: str = ""
    """First release that has it; empty where 0.100 has it."""
    until: str = ""
    """Last release that has it; empty where the head has it."""

    def is_in(self, release: str) -> bool:
        """Tell whether a release has it."""
        return is_within(release, self.since, self.until)


@dataclass(frozen=True, slots=True)
class Argument(Lasting):
    """An argument of a function."""

    name: str
    kind: Kind
    description: str
    """One line, for editors."""
    required: bool = False
    choices: tuple[str, ...] = ()
    """All that the value, or an item of a list, may be; empty where it is free."""
    default: str = ""
    """As YAML spells it; empty where there is none, or not always the same."""
    blank: bool = True
    """Whether it may be empty, or zero for a quantity."""
    rendered: bool = True
    """Whether a template in it is rendered."""


@dataclass(frozen=True, slots=True)
class Output(Lasting):
    """A key that a function puts into the output of its phase."""

    name: str


@dataclass(frozen=True, slots=True)
class Row(Lasting):
    """A function with all that it had at any release from 0.100 on."""

    name: str
    source: str
    """Its file in kanisterio/kanister."""
    description: str
    """One line, for editors."""
    arguments: tuple[Argument, ...]
    outputs: tuple[Output, ...] = ()
    prints: bool = False
    """Whether what its command prints with `kando output` becomes outputs as well."""
    needs_profile: bool = False
    """Whether it always fails without a Profile in the ActionSet."""


def span(releases: list[str]) -> str:
    """Return in words which releases have something; empty where none has."""
    if not releases:
        return ""
    first, last = releases[0], releases[-1]
    if last == RELEASES[-1]:
        return f"since {first}"
    return f"until {last}" if first == RELEASES[0] else f"from {first} to {last}"
