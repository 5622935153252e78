"""What is wrong with a Blueprint beyond its shape: one function a check, registered by id."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from kanister_kafka.document import Document, Entry, MappingNode, Node, Scalar, Sequence
from kanister_kafka.functions import FUNCTIONS
from kanister_kafka.gotemplate import FaultKind, Parsed, TemplateFault, parse
from kanister_kafka.problem import Location, Problem, error
from kanister_kafka.schema import below
from kanister_kafka.template_functions import KANISTER, WAIT_V2


@dataclass(frozen=True, slots=True)
class PhaseNode:
    """A phase or deferPhase as it stands in the text."""

    path: str
    node: MappingNode

    def entry(self, key: str) -> Entry | None:
        """Return a field of the phase with its place."""
        return next((entry for entry in self.node.entries if entry.key == key), None)

    def text(self, key: str) -> str:
        """Return the string in a field, or an empty string."""
        entry = self.entry(key)
        value = entry.value.value if entry and isinstance(entry.value, Scalar) else None
        return value if isinstance(value, str) else ""

    @property
    def arguments(self) -> MappingNode:
        """Its arguments; empty where there are none."""
        value = self.node.get("args")
        return value if isinstance(value, MappingNode) else MappingNode((), self.node.location)


def phases(document: Document) -> Iterator[PhaseNode]:
    """Yield all phases of all actions in the order of the text, deferPhases included."""
    actions = document.root.get("actions")
    for action in actions.entries if isinstance(actions, MappingNode) else ():
        if not isinstance(action.value, MappingNode):
            continue
        path = f"actions.{action.key}"
        found = action.value.get("phases")
        for i, item in enumerate(found.items if isinstance(found, Sequence) else ()):
            if isinstance(item, MappingNode):
                yield PhaseNode(f"{path}.phases[{i}]", item)
        deferred = action.value.get("deferPhase")
        if isinstance(deferred, MappingNode):
            yield PhaseNode(f"{path}.deferPhase", deferred)


Check = Callable[[Document], Iterator[Problem]]
CHECKS: dict[str, Check] = {}


def _check(name: str) -> Callable[[Check], Check]:
    def register(check: Check) -> Check:
        CHECKS[name] = check
        return check

    return register


@_check("unknown-function")
def unknown_function(document: Document) -> Iterator[Problem]:
    """Find functions that no controller has registered: the action fails."""
    for phase in phases(document):
        entry = phase.entry("func")
        name = phase.text("func")
        if entry and name and name not in FUNCTIONS:
            near = difflib.get_close_matches(name, FUNCTIONS, n=1)
            hint = f': did you mean "{near[0]}"?' if near else ""
            message = f'Unsupported value: "{name}": Kanister has no such function{hint}'
            yield error("unknown-function", entry.value.location, f"{phase.path}.func", message)


@_check("unknown-argument")
def unknown_argument(document: Document) -> Iterator[Problem]:
    """Find arguments that the function refuses: it takes none that it does not list."""
    for phase in phases(document):
        function = FUNCTIONS.get(phase.text("func"))
        for entry in phase.arguments.entries if function else ():
            if function and entry.key not in function.arguments:
                near = difflib.get_close_matches(entry.key, function.arguments, n=1)
                known = ", ".join(sorted(function.arguments))
                hint = f'did you mean "{near[0]}"?' if near else f"it takes {known}"
                path = f"{phase.path}.args.{entry.key}"
                message = f"{phase.text('func')} takes no such argument; {hint}"
                yield error("unknown-argument", entry.location, path, message)


@_check("missing-argument")
def missing_argument(document: Document) -> Iterator[Problem]:
    """Find required arguments that are not there."""
    for phase in phases(document):
        function = FUNCTIONS.get(phase.text("func"))
        given = {entry.key for entry in phase.arguments.entries}
        for name in sorted(function.required - given) if function else ():
            message = f"Required value: {phase.text('func')} needs it"
            path = f"{phase.path}.args.{name}"
            yield error("missing-argument", phase.arguments.location, path, message)


@_check("duplicate-phase")
def duplicate_phase(document: Document) -> Iterator[Problem]:
    """Find names used twice: all actions and deferPhases share them (pkg/blueprint/validate)."""
    seen: dict[str, Location] = {}
    for phase in phases(document):
        entry = phase.entry("name")
        name = phase.text("name")
        if not entry or not name:
            continue
        place = entry.value.location
        if name in seen:
            message = f'Duplicate value: "{name}": line {seen[name].line} has a phase of this name'
            yield error("duplicate-phase", place, f"{phase.path}.name", message)
        seen.setdefault(name, place)


@_check("null-argument")
def null_argument(document: Document) -> Iterator[Problem]:
    """Find null: the controller crashes on it (pkg/param/render.go), and the action hangs."""
    for phase in phases(document):
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
                yield error("null-argument", node.location, path, message)


@dataclass(frozen=True, slots=True)
class Template:
    """A string that Kanister renders."""

    path: str
    node: Scalar
    functions: frozenset[str]


def templates(document: Document) -> Iterator[Template]:
    """Yield every string of the document that is a template with anything in it."""
    for phase in phases(document):
        version_2 = phase.text("func") == "WaitV2"
        for key in ("args", "objects"):
            for path, node in _strings(f"{phase.path}.{key}", phase.node.get(key)):
                condition = version_2 and path.endswith(".condition")
                yield Template(path, node, WAIT_V2 if condition else KANISTER)
    actions = document.root.get("actions")
    for action in actions.entries if isinstance(actions, MappingNode) else ():
        if isinstance(action.value, MappingNode):
            path = f"actions.{action.key}.outputArtifacts"
            for place, node in _strings(path, action.value.get("outputArtifacts")):
                yield Template(place, node, KANISTER)


def _strings(path: str, node: Node | None) -> Iterator[tuple[str, Scalar]]:
    """Yield strings with an action below a node; keys of mappings are rendered as well."""
    pending = [(path, node)]
    while pending:
        path, node = pending.pop()
        if isinstance(node, Scalar):
            if isinstance(node.value, str) and "{{" in node.value:
                yield path, node
        elif isinstance(node, Sequence):
            pending += [(f"{path}[{i}]", item) for i, item in enumerate(node.items)]
        elif isinstance(node, MappingNode):
            pending += [(below(path, entry.key), entry.value) for entry in node.entries]
            keys = (Scalar(entry.key, entry.location, entry.key) for entry in node.entries)
            pending += [(path, key) for key in keys]


def _faults(document: Document, kind: FaultKind) -> Iterator[tuple[Template, TemplateFault]]:
    for template in templates(document):
        for fault in _parsed(template.node.text, template.functions).errors:
            if fault.kind is kind:
                yield template, fault


@lru_cache(maxsize=1024)  # two checks ask for each
def _parsed(text: str, functions: frozenset[str]) -> Parsed:
    return parse(text, functions)


@_check("template-syntax")
def template_syntax(document: Document) -> Iterator[Problem]:
    """Find templates that do not parse: the phase fails when it is rendered, however late."""
    for template, fault in _faults(document, FaultKind.SYNTAX):
        place = template.node.place(fault.line, fault.column)
        message = f"does not parse as a template: {fault.message}"
        yield error("template-syntax", place, template.path, message)


@_check("unknown-template-function")
def unknown_template_function(document: Document) -> Iterator[Problem]:
    """Find functions that the engine of the template does not have."""
    for template, fault in _faults(document, FaultKind.UNKNOWN_FUNCTION):
        place = template.node.place(fault.line, fault.column)
        engine = "WaitV2's" if template.functions is WAIT_V2 else "Kanister's"
        message = f"{fault.message}; {engine} templates have no such function"
        yield error("unknown-template-function", place, template.path, message)
