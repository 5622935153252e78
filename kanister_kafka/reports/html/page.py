"""Reports as HTML pages: one file without scripts and without requests to other hosts."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple
from xml.etree.ElementTree import Element, tostring

from kanister_kafka.jinja import Environment, Markup, html_environment, render_template


class Tile(NamedTuple):
    """A figure at the top of a page."""

    title: str
    value: str
    meaning: str
    kind: str = ""
    """CSS class that colours the value: `outage`, `failed` or none."""


def render_page(template: str, **values: object) -> str:
    """Return the page of a template in `templates/report`; texts among the values are escaped."""
    return render_template(_environment(), f"report/{template}.html.j2", **values)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return html_environment(_finalize)


def _finalize(value: object) -> object:
    """Return a drawing as markup, and a text without control characters."""
    if value is None:
        raise TypeError("a page may not print None")
    if isinstance(value, Element):
        return Markup(tostring(value, encoding="unicode", method="html"))
    if isinstance(value, str) and not isinstance(value, Markup):
        return "".join(
            c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in value
        )
    return value
