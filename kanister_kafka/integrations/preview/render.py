"""The arguments of an action's phases as Kanister gives them to their functions.

What is rendered, and when: pkg/param/render.go, pkg/phase.go and pkg/function/wait*.go at 0.119.0.
Each string by itself, the keys of nested maps too, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from kanister_kafka.diagnostics import Diagnostic, error, sort_diagnostics, warning
from kanister_kafka.gotemplate import parse
from kanister_kafka.gotemplate.nodes import ParseErrorKind
from kanister_kafka.gotemplate.runtime import EvaluationError, evaluate
from kanister_kafka.gotemplate.runtime.values import Value
from kanister_kafka.integrations.preview import parameters
from kanister_kafka.integrations.preview.parameters import PreviewTarget
from kanister_kafka.kanister import Blueprint, BlueprintAction, BlueprintPhase, child_path
from kanister_kafka.kanister.template_context import KANISTER
from kanister_kafka.kanister.template_functions import TEMPLATE_FUNCTIONS
from kanister_kafka.yamldoc import MappingEntry, MappingNode, Node, Scalar, Sequence, to_python

_MISSING = "map has no entry for key "


@dataclass(frozen=True, slots=True)
class PhasePreview:
    """A phase, rendered."""

    phase: BlueprintPhase
    objects: Any
    """Its references to Secrets and ConfigMaps by name."""
    args: Any
    symbolic: tuple[str, ...]
    """Paths of values that only the run shows, for example `args.command[2]`."""


@dataclass(frozen=True, slots=True)
class ActionPreview:
    """An action, rendered."""

    blueprint: Blueprint
    action: BlueprintAction
    phases: tuple[PhasePreview, ...]
    """The deferPhase last."""
    output_artifacts: Any
    artifacts_symbolic: tuple[str, ...]
    problems: tuple[Diagnostic, ...]
    """Failures when it runs, sorted by place."""


def preview_action(
    blueprint: Blueprint, action: BlueprintAction, subject: PreviewTarget
) -> ActionPreview:
    """Render an action of a Blueprint for an object."""
    problems: list[Diagnostic] = []
    phases = tuple(_phase(phase, action, subject, problems) for phase in action.all_phases)
    path = f"{action.path}.outputArtifacts"
    room = _EvaluationContext(_at_the_end(action, subject), action.path, problems)
    artifacts = room.below(action.output_artifacts, path, 3)
    return ActionPreview(
        blueprint, action, phases, artifacts, tuple(room.symbolic), sort_diagnostics(problems)
    )


def _phase(
    phase: BlueprintPhase,
    action: BlueprintAction,
    subject: PreviewTarget,
    problems: list[Diagnostic],
) -> PhasePreview:
    start = parameters.template_parameters(subject, parameters.phases({}), parameters.empty_phase())
    room = _EvaluationContext(start, phase.path, problems)
    objects = room.below(phase.objects, f"{phase.path}.objects", 2)
    room = replace(room, data=_at(phase, action, subject))
    path = f"{phase.path}.args"
    if phase.func.lower() in _WAITS:
        args = {
            entry.key: room.wait(entry, child_path(path, entry.key), _WAITS[phase.func.lower()])
            for entry in phase.arguments.entries
        }
    else:
        args = room.below(phase.arguments, path, 1)
    return PhasePreview(phase, objects, args, tuple(room.symbolic))


def _at(phase: BlueprintPhase, action: BlueprintAction, subject: PreviewTarget) -> Value:
    """Return what the arguments of a phase are rendered on."""
    if phase.index is None:
        ran = parameters.phases_of_a_run(action.phases, is_sure=False)
        return parameters.template_parameters(
            subject, ran, parameters.running_phase(phase, "DeferPhase")
        )
    before = parameters.phases_before(phase, action.phases)
    return parameters.template_parameters(subject, before, parameters.empty_phase())


def _at_the_end(action: BlueprintAction, subject: PreviewTarget) -> Value:
    ran = parameters.phases_of_a_run(action.phases, is_sure=True)
    last = action.defer_phase
    deferred = parameters.completed_phase(last, "DeferPhase") if last else parameters.empty_phase()
    return parameters.template_parameters(subject, ran, deferred)


class _Wait(Enum):
    """Parts that a wait renders before it begins to wait."""

    ALL = "all"
    NOTHING = "nothing"


_WAITS = {"wait": _Wait.ALL, "waitv2": _Wait.NOTHING}


@dataclass(slots=True)
class _EvaluationContext:
    """What is rendered on the same data."""

    data: Value
    path: str
    """Paths that the paths of symbolic values are below."""
    problems: list[Diagnostic]
    symbolic: list[str] = field(default_factory=list)

    def below(self, node: Node, path: str, depth: int) -> Any:
        """Render a value at this number of levels below a mapping whose keys are fixed."""
        if depth == 0 or not isinstance(node, MappingNode):
            return self.value(node, path)
        return {
            entry.key: self.below(entry.value, child_path(path, entry.key), depth - 1)
            for entry in node.entries
        }

    def wait(self, entry: MappingEntry, path: str, engine: _Wait) -> Any:
        """Render an argument of a wait: it renders the conditions by itself, again and again."""
        if entry.key == "conditions":
            return self._conditions(entry.value, path, engine)
        return self.value(entry.value, path) if engine is _Wait.ALL else to_python(entry.value)

    def _conditions(self, node: Node, path: str, engine: _Wait) -> Any:
        if isinstance(node, MappingNode):
            return {
                entry.key: self.value(entry.value, child_path(path, entry.key))
                if entry.key == "objectReference"
                else self._conditions(entry.value, child_path(path, entry.key), engine)
                for entry in node.entries
            }
        if isinstance(node, Sequence):
            places = ((item, f"{path}[{i}]") for i, item in enumerate(node.items))
            return [self._conditions(item, item_path, engine) for item, item_path in places]
        if isinstance(node.value, str) and "{{" in node.value:
            if engine is _Wait.ALL:  # which must not fail, though nothing reads what it gives
                _EvaluationContext(self.data, self.path, self.problems).text(node, path)
            self.leave(path)
        return node.value

    def value(self, node: Node, path: str) -> Any:
        """Render the strings of a value."""
        if isinstance(node, MappingNode):
            return {
                self.text(Scalar(entry.key, entry.location, entry.key), path): self.value(
                    entry.value, child_path(path, entry.key)
                )
                for entry in node.entries
            }
        if isinstance(node, Sequence):
            return [self.value(item, f"{path}[{i}]") for i, item in enumerate(node.items)]
        if node.value is None and path.startswith(f"{self.path}.args."):
            message = "Invalid value: null: crashes the Kanister controller; remove the argument"
            self.problems.append(error("template-render", node.location, path, message))
        return self.text(node, path) if isinstance(node.value, str) else node.value

    def text(self, node: Scalar, path: str) -> str:
        """Render one string."""
        if "{{" not in node.text:
            return node.text
        parsed = parse(node.text, KANISTER)
        for fault in parsed.errors:
            parts = fault.kind is ParseErrorKind.SYNTAX
            message = f"does not parse as a template: {fault.message}" if parts else fault.message
            location = node.place(fault.line, fault.column)
            self.problems.append(error("template-render", location, path, message))
        if parsed.errors:
            return node.text
        result = evaluate(node.text, parsed.nodes, self.data, TEMPLATE_FUNCTIONS)
        self.problems += (_problem(fault, node, path) for fault in result.faults)
        if result.is_symbolic:
            self.leave(path)
        return result.text

    def leave(self, path: str) -> None:
        """Note that a value is left to the run."""
        self.symbolic.append(path.removeprefix(f"{self.path}."))


def _problem(fault: EvaluationError, node: Scalar, path: str) -> Diagnostic:
    message = fault.message
    if message.startswith(_MISSING):
        message = f"Failed to render template: {message.removeprefix(_MISSING)} not found"
    message = f"{message} (at <{fault.at}>)"
    location = node.place(fault.line, fault.column)
    if fault.is_certain:
        return error("template-render", location, path, message)
    return warning("template-branch", location, path, f"fails where the run comes to it: {message}")
