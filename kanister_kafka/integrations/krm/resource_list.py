"""A ResourceList: its items, each placed by its name, and the configuration of the function."""

from __future__ import annotations

from dataclasses import dataclass

from kanister_kafka.diagnostics import Diagnostic, Location, error, has_error
from kanister_kafka.yamldoc import Document, MappingNode, Node, ParseResult, Scalar, Sequence, parse
from kanister_kafka.yamldoc import with_location as placed_at

KIND = "ResourceList"
SOURCE = "<stdin>"


@dataclass(frozen=True, slots=True)
class ResourceList:
    """One list, with the text that it came as."""

    parsed: ParseResult
    root: MappingNode
    nodes: tuple[MappingNode, ...]
    """The items where they stand in the text."""
    items: tuple[Document, ...]
    """The same, each placed at its kind, namespace and name: nobody sees the lines of a list that
    goes from one program to another."""
    config: Document | None
    """The functionConfig, placed likewise."""


def read_resource_list(raw: str | bytes) -> tuple[ResourceList | None, tuple[Diagnostic, ...]]:
    """Read the text of one list; None where it is none, with what is wrong."""
    parsed = parse(raw, SOURCE)
    if has_error(parsed.problems):
        return None, parsed.problems
    root = parsed.roots[0] if len(parsed.roots) == 1 else None
    if not isinstance(root, MappingNode) or not Document(root).kind.endswith("List"):
        here = parsed.roots[0].location if parsed.roots else Location(SOURCE, 1, 1)
        return None, (error("wrong-type", here, "", f"must be one document of kind {KIND}"),)
    problems: list[Diagnostic] = []
    nodes = tuple(_objects(root.get("items"), "items", problems))
    config = tuple(_objects(_listed(root.get("functionConfig")), "functionConfig", problems))
    if problems:
        return None, tuple(problems)
    items = tuple(with_source(Document(node)) for node in nodes)
    return ResourceList(
        parsed, root, nodes, items, with_source(Document(*config)) if config else None
    ), ()


def with_source(document: Document) -> Document:
    """Return an object whose every place is its kind, namespace and name."""
    root = placed_at(document.root, Location(str(document.key)))
    return Document(root) if isinstance(root, MappingNode) else document


def annotations_of(document: Document) -> dict[str, str]:
    """Return the annotations of an object; what is no string is left out."""
    metadata = document.root.get("metadata")
    found = metadata.get("annotations") if isinstance(metadata, MappingNode) else None
    entries = found.entries if isinstance(found, MappingNode) else ()
    return {
        entry.key: entry.value.value
        for entry in entries
        if isinstance(entry.value, Scalar) and isinstance(entry.value.value, str)
    }


def _listed(node: Node | None) -> Node | None:
    return None if node is None else Sequence((node,), node.location)


def _objects(node: Node | None, path: str, problems: list[Diagnostic]) -> list[MappingNode]:
    """Return the objects of a list; anything else is reported, and null is nothing."""
    if node is None or (isinstance(node, Scalar) and node.value is None):
        return []
    if not isinstance(node, Sequence):
        problems.append(error("wrong-type", node.location, path, "must be a list"))
        return []
    found = []
    for item in node.items:
        if isinstance(item, MappingNode):
            found.append(item)
        elif not (isinstance(item, Scalar) and item.value is None):
            problems.append(error("wrong-type", item.location, path, "must be an object"))
    return found
