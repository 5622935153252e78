"""Label selectors, as kubectl takes them with -l."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

KEY = r"(?:[a-z0-9.-]+/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
REQUIREMENT = re.compile(
    rf"(?P<not>!\s*)?(?P<key>{KEY})"
    rf"(?:\s*(?P<equals>==?|!=)\s*(?P<value>{VALUE})"
    rf"|\s+(?P<set>in|notin)\s*\(\s*(?P<values>{VALUE}(?:\s*,\s*{VALUE})*)\s*\))?"
)
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
        found = labels.get(self.key)
        there = found is not None if self.values is None else found in self.values
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
    found = [REQUIREMENT.fullmatch(part.strip()) for part in APART.split(text)]
    if None in found:
        return None
    return LabelSelector(tuple(_requirement(match) for match in found if match))


def _requirement(match: re.Match[str]) -> SelectorRequirement:
    if match["set"]:
        values = tuple(value.strip() for value in match["values"].split(","))
        return SelectorRequirement(match["key"], values, match["set"] == "notin")
    if match["equals"]:
        return SelectorRequirement(match["key"], (match["value"],), match["equals"] == "!=")
    return SelectorRequirement(match["key"], None, bool(match["not"]))
