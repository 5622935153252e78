"""What every page has: its frame without anything from elsewhere, figures and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, tostring

from kanister_kafka.report.markup import add


def new_page(title: str, style: str) -> tuple[Element, Element]:
    """Return a page, and the part of it that is filled."""
    page = Element("html", {"lang": "en"})
    head = add(page, "head")
    add(head, "meta", charset="utf-8")
    add(head, "meta", name="viewport", content="width=device-width, initial-scale=1")
    add(head, "meta", name="color-scheme", content="light dark")
    add(head, "title", title)
    add(head, "style", style)
    return page, add(add(page, "body"), "main")


def written(page: Element) -> str:
    """Return the text of a page."""
    return "<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def figure(parent: Element, title: str, value: str, does: str, kind: str = "") -> None:
    """Add a number that matters, large."""
    box = add(parent, "div", class_=f"figure {kind}".strip())
    add(box, "p", title, class_="title")
    add(box, "p", value, class_="value")
    add(box, "p", does, class_="does")


def table(
    main: Element,
    title: str,
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    note: str = "",
    numbers: frozenset[int] = frozenset(),
) -> None:
    """Add a section with a table; columns of numbers, by index, end at the right."""
    section = add(main, "section")
    add(section, "h2", title)
    made = add(add(section, "div", class_="scroll"), "table")
    first = add(add(made, "thead"), "tr")
    for i, name in enumerate(header):
        cell = add(first, "th", name, scope="col")
        if i in numbers:
            cell.set("class", "number")
    body = add(made, "tbody")
    for row in rows:
        line = add(body, "tr")
        for i, value in enumerate(row):
            cell = add(line, "td", value)
            if i in numbers:
                cell.set("class", "number")
    if note:
        add(section, "p", note, class_="note")
