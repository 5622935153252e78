"""Every rule, as its section of docs/rules.md describes it.

The page is the one place that names all ids: those of rules for Blueprints are registered, those of
text and of custom resources are words in the modules that find them; tests/docs/test_pages.py
compares.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

from kanister_kafka.diagnostics import Severity
from kanister_kafka.package_files import package_directory

SECTION = re.compile(
    r"^### (?P<id>\S+)\n\n\*(?P<severity>\w+)\* · (?P<text>.*?)\n\n(?P<rest>.*?)(?=^##|\Z)",
    re.MULTILINE | re.DOTALL,
)
FENCE = re.compile(r"^```\w*\n?", re.MULTILINE)
SENTENCE = re.compile(r"\.(?= [A-Z`(\[]|$)")
"""The end of one; `e.g. x` and file names have none."""


class RuleDoc(NamedTuple):
    """The section of the page about one rule."""

    id: str
    severity: Severity
    text: str
    """What is found and why it matters, on one line."""
    example: str
    """A wrong and a right one, in a block of code; more text may stand around it."""

    @property
    def summary(self) -> str:
        """The first sentence."""
        end = SENTENCE.search(self.text)
        return self.text[: end.end()] if end else self.text

    @property
    def markdown(self) -> str:
        """The section without its heading."""
        return f"{self.text}\n\n{self.example}"

    @property
    def plain(self) -> str:
        """The same without the fences of code."""
        return FENCE.sub("", self.markdown)


@cache
def rule_docs() -> dict[str, RuleDoc]:
    """Return the sections by id, in the order of the page."""
    return {
        found["id"]: RuleDoc(
            found["id"],
            Severity(found["severity"]),
            " ".join(found["text"].split()),
            found["rest"].strip(),
        )
        for found in SECTION.finditer(page("rules"))
    }


def page(name: str) -> str:
    """Return the text of a page of the documentation, by its name in `pages`."""
    return (package_directory("docs") / f"{name}.md").read_text(encoding="utf-8")


@cache
def pages() -> dict[str, str]:
    """Return the title of each page by its name, sorted."""
    found = {}
    for one in package_directory("docs").iterdir():
        if one.name.endswith(".md"):
            with one.open(encoding="utf-8") as text:
                found[one.name.removesuffix(".md")] = text.readline().strip("# \n")
    return dict(sorted(found.items()))


def closest_rule_id(name: str) -> str | None:
    """Return the id that is most like a name, or None if none is near."""
    from difflib import get_close_matches  # slow to import, seldom needed

    return next(iter(get_close_matches(name, rule_docs(), n=1)), None)
