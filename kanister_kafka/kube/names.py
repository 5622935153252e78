"""The rules of Kubernetes for names (apimachinery, pkg/util/validation)."""

from __future__ import annotations

import re
from typing import NamedTuple

_PART = r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_WORD = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"


class NameRule(NamedTuple):
    """A rule for a string."""

    pattern: re.Pattern[str]
    longest: int
    says: str
    """The rule as a message states it."""

    def allows(self, text: str) -> bool:
        """Return whether the string keeps the rule."""
        return len(text) <= self.longest and self.pattern.fullmatch(text) is not None


LABEL = NameRule(
    re.compile(_PART),
    63,
    "at most 63 lower case letters, digits and hyphens, with a letter or digit at both ends",
)
SUBDOMAIN = NameRule(
    re.compile(rf"{_PART}(?:\.{_PART})*"),
    253,
    "at most 253 lower case letters, digits, hyphens and dots, with a letter or digit at both ends",
)
PREFIX = NameRule(
    re.compile(rf"(?:{_PART}\.)*[a-z0-9][-a-z0-9]*\.?"),
    253,
    "lower case letters, digits, hyphens and dots, with a letter or digit first",
)
LABEL_VALUE = NameRule(
    re.compile(f"(?:{_WORD})?"),
    63,
    "at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends",
)
QUALIFIED = NameRule(
    re.compile(rf"(?:(?=.{{1,253}}/){_PART}(?:\.{_PART})*/)?(?=.{{1,63}}$){_WORD}"),
    317,
    "a name of at most 63 letters, digits, `-`, `_` and `.`, with an optional domain before `/`",
)
