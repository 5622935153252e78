"""Elements of a page; every value is escaped by the library that writes them."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement


def add(parent: Element, tag: str, text: str = "", **attributes: object) -> Element:
    """Add an element; `class_` is the attribute `class`, and `_` in a name stands for `-`."""
    named = {
        key.rstrip("_").replace("_", "-"): f"{value:.2f}"
        if isinstance(value, float)
        else str(value)
        for key, value in attributes.items()
    }
    element = SubElement(parent, tag, named)
    if text:
        element.text = "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
    return element


Box = tuple[float, float, float, float]
"""Left, top, width and height."""


def rect(parent: Element, box: Box, kind: str, *, corner: int = 0) -> Element:
    """Add a rectangle of a class, wide enough to be seen."""
    x, y, width, height = box
    wide = max(width, 2.0)
    return add(parent, "rect", x=x, y=y, width=wide, height=height, rx=corner, class_=kind)
