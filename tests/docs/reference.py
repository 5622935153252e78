"""Pages of the documentation that are made from the code; test_pages.py keeps them fresh."""

from __future__ import annotations

import dataclasses
import enum
import inspect
from collections.abc import Iterator
from typing import Any

import kanister_kafka
from kanister_kafka.kanister.function_catalog import ROWS
from kanister_kafka.kanister.function_types import (
    HEAD,
    NEWEST,
    RELEASES,
    FunctionArgument,
    FunctionSpec,
    ReleaseRange,
)

WIDTH = 88
KINDS = ("Functions", "Data", "Choices", "Errors")
FUNCTIONS = f"""# Functions of Kanister

What a phase may call, with its arguments, in Kanister {RELEASES[0]} to {NEWEST} and its {HEAD}: the
table by which [`validate`](ci.md) judges a Blueprint and [`schema`](editors.md) describes one.
Written by `make blueprints`. An argument in bold has to be there; one that a function does not list
is refused by Kanister.
"""
API = """# The library

All public names of `kanister_kafka`, with their signatures. Written by `make blueprints`.
What works on a live cluster is in the package `operations`, fleets are in `integrations`,
and topics in `topics`.
"""


def functions() -> str:
    """Return docs/functions.md."""
    return "".join([FUNCTIONS, *(_function(row) for row in ROWS)])


def _function(row: FunctionSpec) -> str:
    about = [row.description]
    if outputs := [f"`{one.name}`{_releases(one, ' ({})')}" for one in row.outputs]:
        about.append(f"Puts out {', '.join(outputs)}.")
    if row.prints:
        about.append("Puts out what its command prints with `kando output`.")
    if row.needs_profile:
        about.append("Fails without a Profile in the ActionSet.")
    about.append(f"Source: `{row.source}`{_releases(row, '; in Kanister {}')}.")
    lines = [f"\n## {row.name}\n", "\n".join(about)]
    if row.arguments:
        lines += ["", "| Argument | is | for | in Kanister |", "|---|---|---|---|"]
        lines += [_argument(one) for one in row.arguments]
    return "\n".join([*lines, ""])


def _argument(one: FunctionArgument) -> str:
    name = f"**`{one.name}`**" if one.required else f"`{one.name}`"
    kind = one.kind.value
    if one.choices:
        kind += f": {', '.join(f'`{choice}`' for choice in one.choices)}"
    if one.default:
        kind += f"; default `{one.default}`"
    if not one.rendered:
        kind += "; no template"
    return f"| {name} | {kind} | {one.description} | {_releases(one, '{}')} |"


def _releases(one: ReleaseRange, form: str) -> str:
    """Say in which releases something is; nothing where it is in all."""
    since = f"from {one.since}" if one.since else ""
    until = f"up to {one.until}" if one.until else ""
    return form.format(" ".join(filter(None, (since, until)))) if since or until else ""


def api() -> str:
    """Return docs/api.md."""
    named = {name: getattr(kanister_kafka, name) for name in kanister_kafka.__all__}
    sections: dict[str, list[str]] = {title: [] for title in KINDS}
    for name, value in named.items():
        if not name.startswith("_"):
            sections[_kind(value)].append("\n".join(_member(name, value)))
    parts = (f"\n## {title}\n\n" + "\n".join(found) for title, found in sections.items())
    return "".join([API, *parts])


def _kind(value: object) -> str:
    """Return the section of a public name."""
    if not inspect.isclass(value):
        return "Functions"
    if issubclass(value, enum.Enum):
        return "Choices"
    return "Errors" if issubclass(value, Exception) else "Data"


def _member(name: str, value: Any) -> Iterator[str]:
    first = (inspect.getdoc(value) or "").partition("\n\n")[0]
    yield f"### {name}\n\n{first}\n"
    if _kind(value) == "Choices":
        yield f"Values: {', '.join(f'`{one.name}` ({one.value})' for one in value)}.\n"
    elif _kind(value) != "Errors":
        yield f"```python\n{_signature(name, inspect.signature(value))}\n```\n"


def _signature(name: str, found: inspect.Signature) -> str:
    words, keywords = [], False
    for one in found.parameters.values():
        if one.kind is one.KEYWORD_ONLY and not keywords:
            keywords = True
            words.append("*")
        words.append(_parameter(one))
    result = f" -> {found.return_annotation}" if isinstance(found.return_annotation, str) else ""
    result = "" if result == " -> None" else result
    line = f"{name}({', '.join(words)}){result}"
    if len(line) <= WIDTH:
        return line
    return "\n".join([f"{name}(", *(f"    {word}," for word in words), f"){result}"])


def _parameter(one: inspect.Parameter) -> str:
    if one.default is one.empty:
        return f"{one.name}: {one.annotation}"
    if isinstance(one.default, enum.Enum):
        default = str(one.default)
    elif dataclasses.is_dataclass(one.default) and one.default == type(one.default)():
        default = f"{type(one.default).__name__}()"
    else:
        spelled = repr(one.default)
        default = "…" if spelled.startswith("<") else spelled  # what a factory makes
    return f"{one.name}: {one.annotation} = {default}"
