"""What every page has: its frame without anything from elsewhere, figures and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

# How every page looks: by day, by night, and on paper.

PAGE_STYLE = """
:root { --ground: #fcfcfb; --raised: #f3f4f2; --ink: #1b1f23; --quiet: #56606a; --line: #dfe2e0;
  --stage: #3f6f9f; --pod: #1f8a83; --starting: #b97a12; --stopping: #8d6a9e; --outage: #c22f2f;
  --cut: #1b1f23; --acks: #4c8fbd; --passed: #17706a; --failed: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ground: #15181b; --raised: #1e2226;
  --ink: #e9ebed; --quiet: #a3adb6; --line: #30363b; --stage: #7aa9d6; --pod: #4fbdb4;
  --starting: #e0a948; --stopping: #bd98cf; --outage: #ff7a70; --cut: #ffffff; --acks: #67acd9;
  --passed: #5ccbc2; --failed: #ff8f86; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 2.5rem 1.5rem 3rem; }
p { margin: 0; }
.kicker { color: var(--quiet); }
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.01em;
  overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; font-weight: 650; margin: 2.2rem 0 0.5rem; }
.when { color: var(--quiet); }
.verdict { margin-top: 0.9rem; padding-left: 0.8rem; border-left: 4px solid; font-weight: 600;
  overflow-wrap: anywhere; }
.passed { color: var(--passed); } .failed { color: var(--failed); }
.figures { display: flex; flex-wrap: wrap; gap: 0 2.6rem; margin: 1.8rem 0 1.6rem;
  border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); padding: 1rem 0; }
.figure { padding: 0.15rem 0; }
.figure .title { color: var(--quiet); font-size: 0.87rem; }
.figure .value { font-size: 1.75rem; line-height: 1.25; font-weight: 650;
  font-variant-numeric: tabular-nums; }
.figure.outage .value { color: var(--outage); }
.figure .does { color: var(--quiet); font-size: 0.82rem; max-width: 15rem; }
figure { margin: 0; }
.legend { display: flex; flex-wrap: wrap; gap: 0.3rem 1.05rem; color: var(--quiet);
  font-size: 0.82rem; margin-bottom: 0.6rem; }
.legend > span { display: inline-flex; align-items: center; gap: 0.45rem; }
.scroll { overflow-x: auto; }
.drawing { display: block; width: 100%; min-width: 760px; height: auto;
  font-variant-numeric: tabular-nums; }
svg text { fill: var(--ink); font-size: 12px; }
svg .lane { font-weight: 650; font-size: 13px; }
svg .tick { fill: var(--quiet); font-size: 11px; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .band { fill: var(--outage); fill-opacity: 0.09; }
svg .bracket { stroke: var(--outage); stroke-width: 2; }
svg .outage-name { fill: var(--outage); font-weight: 650; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem;
  font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.35rem 1.2rem 0.35rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td { overflow-wrap: break-word; }
th { color: var(--quiet); font-weight: 500; }
.note, footer { color: var(--quiet); font-size: 0.87rem; margin-top: 0.6rem; max-width: 46rem; }
footer { margin-top: 2.5rem; }
.figure.failed .value { color: var(--failed); }
.facts { margin: 1rem 0 0; padding-left: 1.2rem; }
pre { margin: 0.2rem 0 0.7rem; padding: 0.5rem 0.8rem; background: var(--raised); overflow-x: auto;
  font-size: 0.87rem; }
details { margin-top: 1.6rem; } summary { cursor: pointer; font-weight: 600; }
details h2 { display: none; }
.wrong li { overflow-wrap: anywhere; }
@media print { :root { --ground: #fff; --raised: #fff; --ink: #000; --quiet: #444; --line: #ccc;
    --stage: #3f6f9f; --pod: #1f8a83; --starting: #b97a12; --stopping: #8d6a9e;
    --outage: #c22f2f; --cut: #000; --acks: #4c8fbd; --passed: #17706a; --failed: #b3261e; }
  html { font-size: 11.5px; } body { font-size: 11.5px; } main { padding: 0; max-width: none; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  .scroll { overflow: visible; } .drawing { min-width: 0; }
  figure, section, tr { break-inside: avoid; } }
"""


# Elements of a page; every value is escaped by the library that writes them.


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


def to_html(page: Element) -> str:
    """Return the text of a page."""
    return "<!DOCTYPE html>\n" + tostring(page, encoding="unicode", method="html") + "\n"


def metric_tile(parent: Element, title: str, value: str, does: str, kind: str = "") -> None:
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
