"""Functions and their arguments."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from kanister_kafka.blueprint import Blueprint, below
from kanister_kafka.blueprint.functions import FUNCTIONS
from kanister_kafka.checks.registry import Finding, Settings, check
from kanister_kafka.document import MappingNode, Node, Sequence


@check("unknown-function")
def unknown_function(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find functions that no controller has registered: the action fails."""
    for phase in blueprint.phases:
        entry = phase.entry("func")
        name = phase.func
        if entry and name and name not in FUNCTIONS:
            near = difflib.get_close_matches(name, FUNCTIONS, n=1)
            hint = f': did you mean "{near[0]}"?' if near else ""
            message = f'Unsupported value: "{name}": Kanister has no such function{hint}'
            yield Finding(entry.value.location, f"{phase.path}.func", message)


@check("unknown-argument")
def unknown_argument(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find arguments that the function refuses: it takes none that it does not list."""
    for phase in blueprint.phases:
        function = FUNCTIONS.get(phase.func)
        for entry in phase.arguments.entries if function else ():
            if function and entry.key not in function.arguments:
                near = difflib.get_close_matches(entry.key, function.arguments, n=1)
                known = ", ".join(sorted(function.arguments))
                hint = f'did you mean "{near[0]}"?' if near else f"it takes {known}"
                path = f"{phase.path}.args.{entry.key}"
                message = f"{phase.func} takes no such argument; {hint}"
                yield Finding(entry.location, path, message)


@check("missing-argument")
def missing_argument(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find required arguments that are not there."""
    for phase in blueprint.phases:
        function = FUNCTIONS.get(phase.func)
        given = {entry.key for entry in phase.arguments.entries}
        for name in sorted(function.required - given) if function else ():
            message = f"Required value: {phase.func} needs it"
            yield Finding(phase.arguments.location, f"{phase.path}.args.{name}", message)


@check("null-argument")
def null_argument(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find null: the controller crashes on it (pkg/param/render.go), and the action hangs."""
    for phase in blueprint.phases:
        pending: list[tuple[str, Node]] = [(f"{phase.path}.args", phase.arguments)]
        while pending:
            path, node = pending.pop(0)
            if isinstance(node, MappingNode):
                pending += [(below(path, entry.key), entry.value) for entry in node.entries]
            elif isinstance(node, Sequence):
                pending += [(f"{path}[{i}]", item) for i, item in enumerate(node.items)]
            elif node.value is None:
                message = (
                    "Invalid value: null: crashes the Kanister controller; remove the argument"
                )
                yield Finding(node.location, path, message)
