"""Keys that are read as another text than the one that stands there."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.blueprint import Blueprint, below
from kanister_kafka.checks.registry import Finding, Settings, check
from kanister_kafka.document import MappingNode, Node, Sequence
from kanister_kafka.problem import Severity


@check("unquoted-key", Severity.WARNING)
def unquoted_key(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find keys such as `on` and `1.0`: what asks for them by their spelling does not find them."""
    pending: list[tuple[str, Node]] = [("", blueprint.document.root)]
    while pending:
        path, node = pending.pop()
        if isinstance(node, Sequence):
            pending += [(f"{path}[{i}]", item) for i, item in enumerate(node.items)]
        elif isinstance(node, MappingNode):
            for entry in node.entries:
                where = below(path, entry.key)
                if entry.spelled:
                    message = f'is read as "{entry.key}": write "{entry.spelled}" between quotes'
                    yield Finding(entry.location, where, message)
                pending.append((where, entry.value))
