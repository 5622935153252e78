"""Arguments and outputs of a function, as rows: each with the releases that have it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

# The releases of Kanister whose functions are known here.
#
# Each tag of kanisterio/kanister from 0.100.0 on, and its main branch of 2026-08-21. Nothing was
# published between: Kanister has no patch releases.

HEAD = "head"
"""The main branch, 75 commits after 0.119.0."""
RELEASES = (*(f"0.{minor}" for minor in range(100, 120)), HEAD)
"""From the oldest to the newest."""
NEWEST = RELEASES[-2]
"""The newest one that is published."""
RELEASE_PATTERN = re.compile(r"v?(0\.[0-9]+)(?:\.0)?")
"""As charts and images write it, with or without the `v` of a git tag."""
PLACES = {release: index for index, release in enumerate(RELEASES)}


def parse_release(text: str) -> str | None:
    """Return the release that a text names, or None if there is no such release."""
    match = RELEASE_PATTERN.fullmatch(text)
    release = match[1] if match else text.lower()
    return release if release in PLACES else None


def is_within(release: str, since: str, until: str) -> bool:
    """Return whether a release is neither before `since` nor after `until`, if these are set."""
    index = PLACES[release]
    return (not since or PLACES[since] <= index) and (not until or index <= PLACES[until])


class ArgumentType(Enum):
    """The type of an argument, and the further conditions of Kanister or Kubernetes."""

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
class ReleaseRange:
    """Something that came or went with a release."""

    since: str = ""
    """First release that has it; empty if 0.100 has it."""
    until: str = ""
    """Last release that has it; empty if the head has it."""

    def is_in(self, release: str) -> bool:
        """Return whether a release has it."""
        return is_within(release, self.since, self.until)


@dataclass(frozen=True, slots=True)
class FunctionArgument(ReleaseRange):
    """An argument of a function."""

    name: str
    kind: ArgumentType
    description: str
    """One line, for editors."""
    required: bool = False
    choices: tuple[str, ...] = ()
    """All that the value, or an item of a list, may be; empty if it is free."""
    default: str = ""
    """As YAML text; empty if there is none, or not always the same."""
    blank: bool = True
    """Whether it may be empty, or zero for a quantity."""
    rendered: bool = True
    """Whether a template in it is rendered."""


@dataclass(frozen=True, slots=True)
class FunctionOutput(ReleaseRange):
    """A key that a function puts into the output of its phase."""

    name: str


@dataclass(frozen=True, slots=True)
class FunctionSpec(ReleaseRange):
    """A function with all that it had at any release from 0.100 on."""

    name: str
    source: str
    """Its file in kanisterio/kanister."""
    description: str
    """One line, for editors."""
    arguments: tuple[FunctionArgument, ...]
    outputs: tuple[FunctionOutput, ...] = ()
    prints: bool = False
    """Whether what its command prints with `kando output` becomes outputs as well."""
    needs_profile: bool = False
    """Whether it always fails without a Profile in the ActionSet."""


def format_release_range(releases: list[str]) -> str:
    """Return in words which releases have something; empty if none has."""
    if not releases:
        return ""
    first, last = releases[0], releases[-1]
    if last == RELEASES[-1]:
        return f"since {first}"
    return f"until {last}" if first == RELEASES[0] else f"from {first} to {last}"
