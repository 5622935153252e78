"""A Blueprint as Kanister reads it: actions, phases and templates, each where it stands.

Nothing is judged here: a part of the wrong shape is left out, and `schema` reports it. Each is
compared by identity, and remembers its answers: dozens of checks ask the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache, wraps
from itertools import chain
from typing import TYPE_CHECKING, Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from kanister_kafka.diagnostics import Diagnostic, Location, error
from kanister_kafka.yamldoc import Document, MappingEntry, MappingNode, Node, Scalar, Sequence

if TYPE_CHECKING:
    from kanister_kafka.gotemplate.nodes import ParsedTemplate
    from kanister_kafka.gotemplate.types import CheckResult

Model = TypeVar("Model")
Result = TypeVar("Result")
Parameters = ParamSpec("Parameters")


def cached_on_model(
    function: Callable[Concatenate[Model, Parameters], Result],
) -> Callable[Concatenate[Model, Parameters], Result]:
    """Keep results of a function in its first argument, as `cached_property` does for a method.

    For functions of other modules that dozens of rules ask the same. Results go with the model.
    """

    @wraps(function)
    def cached(model: Model, /, *others: Parameters.args, **named: Parameters.kwargs) -> Result:
        results: dict[Any, Result] = vars(model).setdefault("_results", {})
        key = (function, others, *named.items())
        if key not in results:
            results[key] = function(model, *others, **named)
        return results[key]

    return cached


OBJECT_KINDS = ("StatefulSet", "Deployment", "DeploymentConfig", "PVC", "Namespace")
"""Parameters that are there for an object of one kind only, and nil for any other."""


@dataclass(frozen=True, eq=False)
class TemplateText:
    """A string that is rendered as a Go template, and has anything to render."""

    path: str
    node: Scalar
    action: str
    """Name of the action it belongs to."""
    phase: BlueprintPhase | None
    """None in an output artifact, which is rendered when all phases are done."""
    field: str
    """Field of the phase, `args` or `objects`; `outputArtifacts` without a phase."""
    is_condition: bool = False
    """Whether it is a condition of WaitV2, rendered over the object that is waited for."""

    @cached_property
    def functions(self) -> frozenset[str]:
        """Functions that it may call: KANISTER, or WAIT_V2 for a condition of that function."""
        return functions(is_condition=self.is_condition)

    @cached_property
    def parsed(self) -> ParsedTemplate:
        """Its tree, and what is wrong with it."""
        return parse_template_cached(self.node.text, is_condition=self.is_condition)

    @cached_property
    def analysis(self) -> CheckResult:
        """Data that it asks for; nothing if it does not parse."""
        return _analysed(self.node.text, is_condition=self.is_condition)

    def place(self, line: int, column: int) -> Location:
        """Return where a place within it is in the input."""
        return self.node.place(line, column)


# Import the reader of templates only if there is one: it takes as long as a small Blueprint does.


def functions(*, is_condition: bool) -> frozenset[str]:
    """Return what a template may call."""
    from kanister_kafka.kanister.template_context import KANISTER, WAIT_V2

    return WAIT_V2 if is_condition else KANISTER


@lru_cache(maxsize=4096)  # Blueprints repeat themselves
def parse_template_cached(text: str, *, is_condition: bool = False) -> ParsedTemplate:
    """Parse a template, the same one only once."""
    from kanister_kafka.gotemplate import parse

    return parse(text, functions(is_condition=is_condition))


@lru_cache(maxsize=4096)
def _analysed(text: str, *, is_condition: bool) -> CheckResult:
    from kanister_kafka.gotemplate.checker import check_template
    from kanister_kafka.gotemplate.nodes import ParseErrorKind
    from kanister_kafka.gotemplate.types import ANY, CheckResult
    from kanister_kafka.kanister.template_context import PARAMETERS, SIGNATURES, WAIT_V2_SIGNATURES

    tree = parse_template_cached(text, is_condition=is_condition)
    if any(fault.kind is ParseErrorKind.SYNTAX for fault in tree.errors):
        return CheckResult((), (), ())
    if is_condition:  # the dot is the object that is waited for
        return check_template(tree.nodes, ANY, WAIT_V2_SIGNATURES)
    return check_template(tree.nodes, PARAMETERS, SIGNATURES)


class SharedNodes:
    """What is below nodes that phases have in common by aliases: each node is read once.

    Nodes are known by their identity, so it must not outlive their Blueprint.
    """

    def __init__(self) -> None:
        self._scalars: dict[int, list[tuple[str, Scalar]]] = {}
        self._templates: dict[int, list[tuple[str, Scalar]]] = {}

    def scalars(self, node: Node) -> list[tuple[str, Scalar]]:
        """Return the single values below a node in the order of the text, with paths from it."""
        if id(node) not in self._scalars:
            scalars: list[tuple[str, Scalar]] = []
            _add_scalars("", node, scalars)
            self._scalars[id(node)] = scalars
        return self._scalars[id(node)]

    def templates(self, node: Node) -> list[tuple[str, Scalar]]:
        """Return the templates below a node in the same way; keys are rendered as well."""
        if id(node) not in self._templates:
            self._templates[id(node)] = _templates_below(node)
        return self._templates[id(node)]


@dataclass(frozen=True, eq=False)
class BlueprintPhase:
    """A phase or a deferPhase."""

    path: str
    node: MappingNode
    action: str
    """Name of its action."""
    index: int | None
    """Place among the phases of its action; None for a deferPhase."""
    shared: SharedNodes = dataclasses.field(default_factory=SharedNodes, repr=False)
    """What is below the nodes of its Blueprint, as far as it has been asked for."""

    def entry(self, key: str) -> MappingEntry | None:
        """Return a field with its place."""
        return next((entry for entry in self.node.entries if entry.key == key), None)

    def text(self, key: str) -> str:
        """Return the string in a field, or an empty string."""
        value = self.node.get(key)
        text = value.value if isinstance(value, Scalar) else None
        return text if isinstance(text, str) else ""

    @cached_property
    def name(self) -> str:
        """Its name; empty if it has none."""
        return self.text("name")

    @cached_property
    def func(self) -> str:
        """Name of its function; empty if it has none."""
        return self.text("func")

    @cached_property
    def arguments(self) -> MappingNode:
        """Its arguments; empty if there are none."""
        value = self.node.get("args")
        return value if isinstance(value, MappingNode) else MappingNode((), self.node.location)

    def argument(self, name: str) -> Node | None:
        """Return the value of an argument, or None."""
        return self.arguments.get(name)

    @cached_property
    def values(self) -> tuple[tuple[str, Scalar], ...]:
        """The single values of its arguments, wherever they stand, with their field paths."""
        scalars: list[tuple[str, Scalar]] = []
        for key, _location, value, _spelled in self.arguments.entries:
            path = f"{self.path}.args.{key}"
            scalars += [(path + steps, scalar) for steps, scalar in self.shared.scalars(value)]
        return tuple(scalars)

    @cached_property
    def objects(self) -> MappingNode:
        """Its references to Secrets and ConfigMaps by name; empty if there are none."""
        value = self.node.get("objects")
        return value if isinstance(value, MappingNode) else MappingNode((), self.node.location)

    @cached_property
    def templates(self) -> tuple[TemplateText, ...]:
        """Its templates in the order in which they stand."""
        return tuple(self._templates())

    def _templates(self) -> Iterator[TemplateText]:
        for field in ("objects", "args"):
            for steps, node in self._template_nodes(field):
                path = f"{self.path}.{field}{steps}"
                condition = self.func == "WaitV2" and path.lower().endswith(".condition")
                yield TemplateText(path, node, self.action, self, field, condition)

    def _template_nodes(self, field: str) -> Iterator[tuple[str, Scalar]]:
        mapping = self.node.get(field)
        if not isinstance(mapping, MappingNode):
            yield from _templates_below(mapping)
            return
        for key, location, value, _spelled in mapping.entries:
            if "{{" in key:
                yield "", Scalar(key, location, key)
            for steps, scalar in self.shared.templates(value):
                yield f".{key}{steps}", scalar


@dataclass(frozen=True, eq=False)
class BlueprintAction:
    """An action."""

    name: str
    entry: MappingEntry
    node: MappingNode
    phases: tuple[BlueprintPhase, ...]
    defer_phase: BlueprintPhase | None

    @property
    def path(self) -> str:
        """Its field path."""
        return f"actions.{self.name}"

    @cached_property
    def all_phases(self) -> tuple[BlueprintPhase, ...]:
        """Its phases, the deferPhase last."""
        return (*self.phases, self.defer_phase) if self.defer_phase else self.phases

    def names(self, field: str) -> dict[str, Scalar]:
        """Return the strings of a list such as `inputArtifactNames`, with their places."""
        value = self.node.get(field)
        items = value.items if isinstance(value, Sequence) else ()
        return {item.text: item for item in items if isinstance(item, Scalar)}

    @property
    def output_artifacts(self) -> MappingNode:
        """Values that it hands on; empty if there are none."""
        value = self.node.get("outputArtifacts")
        return value if isinstance(value, MappingNode) else MappingNode((), self.node.location)

    @cached_property
    def templates(self) -> tuple[TemplateText, ...]:
        """All its templates: of its phases, then of its output artifacts."""
        return tuple(self._templates())

    def _templates(self) -> Iterator[TemplateText]:
        for phase in self.all_phases:
            yield from phase.templates
        path = f"{self.path}.outputArtifacts"
        for item_path, node in strings(path, self.output_artifacts):
            yield TemplateText(item_path, node, self.name, None, "outputArtifacts")


@dataclass(frozen=True, eq=False)
class Blueprint:
    """A Blueprint; `actions` keeps the order of the text."""

    document: Document
    actions: tuple[BlueprintAction, ...]

    @property
    def name(self) -> str:
        """Its name, or an empty string."""
        return self.document.text("metadata", "name")

    @property
    def namespace(self) -> str:
        """Its namespace, or an empty string."""
        return self.document.text("metadata", "namespace")

    @cached_property
    def phases(self) -> tuple[BlueprintPhase, ...]:
        """All phases of all actions, deferPhases included."""
        return tuple(chain.from_iterable(action.all_phases for action in self.actions))

    @cached_property
    def templates(self) -> tuple[TemplateText, ...]:
        """All templates of all actions."""
        return tuple(chain.from_iterable(action.templates for action in self.actions))

    def action(self, name: str) -> BlueprintAction | None:
        """Return an action by its name."""
        return next((action for action in self.actions if action.name == name), None)


def forget_answers(blueprint: Blueprint) -> None:
    """Remove what a Blueprint and its parts remember; it is worked out again if it is asked for.

    Answers refer to the part that has them. Without such cycles the memory is free at once, and the
    collector need not look for it among all objects.
    """
    models: list[Blueprint | BlueprintAction | BlueprintPhase] = [blueprint]
    models += [*blueprint.actions, *blueprint.phases]
    for model in models:
        answers = vars(model)
        for name in answers.keys() - {one.name for one in dataclasses.fields(model)}:
            del answers[name]


def read(document: Document) -> Blueprint:
    """Read a document of kind Blueprint with any content."""
    actions = document.root.get("actions")
    entries = actions.entries if isinstance(actions, MappingNode) else ()
    shared = SharedNodes()
    return Blueprint(
        document, tuple(action for entry in entries if (action := _action(entry, shared)))
    )


def _action(entry: MappingEntry, shared: SharedNodes) -> BlueprintAction | None:
    node = entry.value
    if not isinstance(node, MappingNode):
        return None
    path = f"actions.{entry.key}"
    phases_node = node.get("phases")
    items = phases_node.items if isinstance(phases_node, Sequence) else ()
    phases = tuple(
        BlueprintPhase(f"{path}.phases[{i}]", item, entry.key, i, shared)
        for i, item in enumerate(items)
        if isinstance(item, MappingNode)
    )
    deferred = node.get("deferPhase")
    last = (
        BlueprintPhase(f"{path}.deferPhase", deferred, entry.key, None, shared)
        if isinstance(deferred, MappingNode)
        else None
    )
    return BlueprintAction(entry.key, entry, node, phases, last)


def strings(path: str, node: Node | None) -> Iterator[tuple[str, Scalar]]:
    """Yield the templates below a node in the order of the text; keys are rendered as well."""
    for steps, scalar in _templates_below(node):
        full_path = f"{path}{steps}"
        yield full_path if path else full_path.removeprefix("."), scalar


def _templates_below(node: Node | None) -> list[tuple[str, Scalar]]:
    """Return templates, each with the path from here; a path is made only if there is one."""
    if isinstance(node, Scalar):
        return [("", node)] if isinstance(node.value, str) and "{{" in node.value else []
    scalars: list[tuple[str, Scalar]] = []
    if isinstance(node, MappingNode):
        for key, location, value, _spelled in node.entries:
            if "{{" in key:
                scalars.append(("", Scalar(key, location, key)))
            for steps, scalar in _templates_below(value):
                scalars.append((f".{key}{steps}", scalar))
    elif isinstance(node, Sequence):
        for i, item in enumerate(node.items):
            for steps, scalar in _templates_below(item):
                scalars.append((f"[{i}]{steps}", scalar))
    return scalars


def _add_scalars(path: str, node: Node | None, scalars: list[tuple[str, Scalar]]) -> None:
    """Add to a list: the text is nested no deeper than the Python stack allows (MAX_DEPTH)."""
    if isinstance(node, Scalar):
        scalars.append((path, node))
    elif isinstance(node, MappingNode):
        for key, _location, value, _spelled in node.entries:
            _add_scalars(f"{path}.{key}", value, scalars)
    elif isinstance(node, Sequence):
        for i, item in enumerate(node.items):
            _add_scalars(f"{path}[{i}]", item, scalars)


# Whether an object is a Blueprint, or one that its author means to be and Kubernetes does not.
#
# Other kinds are left out, so a typo in `kind` or `apiVersion` would pass in silence: the API
# server refuses that object, and a GitOps tool reports it hours later.

GROUP = "cr.kanister.io"
API_VERSION = f"{GROUP}/v1alpha1"
KIND = "Blueprint"
KINDS = (KIND, "ActionSet", "Profile", "RepositoryServer")
"""Of the group (pkg/apis/cr/v1alpha1/register.go and pkg/customresource at 0.119.0)."""


class BlueprintDetection(NamedTuple):
    """The role of an object for the validator."""

    is_blueprint: bool
    """Whether it is judged as one, regardless of its kind and apiVersion."""
    problems: tuple[Diagnostic, ...] = ()


def detect_blueprint(document: Document) -> BlueprintDetection:
    """Return whether an object is a Blueprint, or passes for none by mistake."""
    root = document.root
    version, kind = _text(root.get("apiVersion")), _text(root.get("kind"))
    shaped = _has_phases(root)
    strayed = document.group == GROUP and kind not in KINDS
    unnamed = shaped and (kind is None or version is None)
    if not (kind == KIND or strayed or unnamed):
        return BlueprintDetection(is_blueprint=False)
    given = (("apiVersion", version, API_VERSION), ("kind", kind, KIND))
    problems = []
    for field, value, right in given:
        node = root.get(field)
        if node and value is not None and value != right and "{{" not in value:
            message = f'Unsupported value: "{value}": must be {right}'
            problems.append(error("not-a-blueprint", node.location, field, message))
    return BlueprintDetection(shaped or not problems, tuple(problems))


def _text(node: Node | None) -> str | None:
    """Return a string; None if there is none, or something else: the schema reports both."""
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, str) else None


def _has_phases(root: MappingNode) -> bool:
    actions = root.get("actions")
    entries = actions.entries if isinstance(actions, MappingNode) else ()
    return any(isinstance(e.value, MappingNode) and e.value.get("phases") for e in entries)
