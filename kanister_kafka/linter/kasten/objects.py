"""Kasten's objects in the input: Policies, bindings, hooks, filters, annotations.

Their shapes are from docs.kasten.io: kanister/hooks, api/policies, api/blueprintbindings and
kanister/reference, at 8.0 to 9.0.11. A part of another shape is left out, and `shapes` reports it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import NamedTuple, TypeVar

from kanister_kafka.constants import CLUSTER_LABEL, STRIMZI
from kanister_kafka.diagnostics import Diagnostic, Diagnostics, Location, error
from kanister_kafka.kanister import Blueprint, BlueprintAction
from kanister_kafka.kasten.schemas import ACTIONS, CONFIG, MOMENTS
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.registry import LintSettings, ManifestSet
from kanister_kafka.similarity import nearest_name
from kanister_kafka.yamldoc import Document

# Whether an object is one of Kasten's, or one that its author means to be and Kasten does not.
#
# A typo in `apiVersion` or `kind` makes another object of it: the API server refuses it, and a
# linter that goes by these fields passes it over in silence.

GROUP = CONFIG.partition("/")[0]
ACTIONS_GROUP = ACTIONS.partition("/")[0]
VERSIONS = {
    "BlueprintBinding": CONFIG,
    "Policy": CONFIG,
    "TransformSet": CONFIG,
    "BackupAction": ACTIONS,
    "ExportAction": ACTIONS,
    "RestoreAction": ACTIONS,
}
"""Kinds that are read here, with the only `apiVersion` that Kasten serves them at (docs.kasten.io,
api)."""
OTHERS = {
    GROUP: ("PolicyPreset", "Profile", "StorageSecurityContext", "StorageSecurityContextBinding"),
    ACTIONS_GROUP: (
        "BackupClusterAction", "BatchRestoreAction", "CancelAction", "ImportAction",
        "ReportAction", "RestoreClusterAction", "RetireAction", "RunAction", "UpgradeAction",
    ),
}  # fmt: skip
"""Kinds of the same groups, which are not read here. They are not misspellings of a kind that
is."""
AMBIGUOUS = ("Policy",)
"""Kinds that others have as well: of Kasten only if the group looks like it."""
LIKE_KASTEN = ("kasten", "kanister")
SIMILARITY = 0.7
ACTION_FIELDS = tuple(
    f"{operation}Parameters" for operation in ("backup", "export", "import", "restore", "report")
)


class KastenDetection(NamedTuple):
    """The role of an object for the rules of Kasten."""

    kind: str = ""
    """One of VERSIONS, or empty for any other version."""
    problems: tuple[Diagnostic, ...] = ()


def detect_kasten_object(document: Document) -> KastenDetection:
    """Return which of Kasten's kinds an object is, or passes for by mistake."""
    top = Cursor.of(document)
    version, kind = top.at("apiVersion"), top.at("kind")
    group, slash, _number = version.text.rpartition("/")
    grouped = bool(slash) or "." in version.text
    meant = _meant(top, (group if slash else version.text) if grouped else "")
    if not meant:
        return KastenDetection()
    return KastenDetection(meant, tuple(_problems(version, kind, meant)))


def _problems(version: Cursor, kind: Cursor, right_kind: str) -> Diagnostics:
    for field, right in ((version, VERSIONS[right_kind]), (kind, right_kind)):
        if not field.there:
            message = f'Required value: must be "{right}"'
        elif field.text and field.text != right:
            what = "Kasten serves it at no other" if field is version else "there is no such kind"
            message = f'Unsupported value: "{field.text}": must be "{right}": {what}'
        else:
            continue
        yield error("kasten-kind", field.location, field.path, message)


def _meant(top: Cursor, group: str) -> str:
    """Return the kind that an object is meant to be; empty for a kind that is not of Kasten."""
    kind = top.at("kind").text
    ours = group in (GROUP, ACTIONS_GROUP)
    if kind in VERSIONS:
        like = any(word in group.lower() for word in LIKE_KASTEN)
        if ours or like or (group == "" and _shaped(top) == kind):
            return kind
        near = nearest_name(group, (GROUP, ACTIONS_GROUP), similarity=0.85)
        return kind if near or (kind not in AMBIGUOUS and _shaped(top) == kind) else ""
    if not ours or kind in OTHERS[group] or top.at("kind").is_template:
        return ""
    names = [name for name, version in VERSIONS.items() if version.startswith(f"{group}/")]
    plain = {name.lower(): name for name in names}
    near = nearest_name(kind.lower(), plain, similarity=SIMILARITY) if kind else ""
    return plain[near] if near else _shaped(top)


def _shaped(top: Cursor) -> str:
    """Return which kind an object is, by its fields alone."""
    spec = top.at("spec")
    actions = list(spec.at("actions").each())
    for action in actions:
        if any(action.at(field).there for field in ACTION_FIELDS):
            return "Policy"
    if actions and spec.at("selector").there and all(a.at("action").there for a in actions):
        return "Policy"
    if spec.at("blueprintRef").there:
        return "BlueprintBinding"
    if any(transform.at("json").there for transform in spec.at("transforms").each()):
        return "TransformSet"
    if spec.at("targetNamespace").there and spec.at("subject").there:
        return "RestoreAction"
    return ""


ANNOTATION = "kanister.kasten.io/blueprint"
FIELDS = ("group", "version", "resource", "name", "matchLabels", "matchExpressions")
"""Fields that an entry of a filter may have."""
Key = TypeVar("Key")
Value = TypeVar("Value")
OPERATIONS = ("backup", "export", "restore")
"""Those that have hooks; an import has none."""


@dataclass(frozen=True, eq=False)
class HookCallSite:
    """An action hook: the call of an action of a Blueprint around one of Kasten's own."""

    operation: str
    """One of OPERATIONS."""
    moment: str
    """One of MOMENTS."""
    hooks: Cursor
    """The mapping that has it and its siblings."""

    @cached_property
    def here(self) -> Cursor:
        """The hook itself."""
        return self.hooks.at(self.moment)

    @cached_property
    def blueprint(self) -> Cursor:
        """Name of the Blueprint."""
        return self.here.at("blueprint")

    @cached_property
    def action(self) -> Cursor:
        """Name of the action."""
        return self.here.at("actionName")

    @property
    def on_namespace(self) -> bool:
        """Whether its object is certainly the namespace; a restore may name another one."""
        return self.operation != "restore"


@dataclass(frozen=True, eq=False)
class PolicyOperation:
    """One of Kasten's own operations, in a Policy or as an action by itself."""

    name: str
    """One of OPERATIONS."""
    owner: Cursor
    """The Policy, or the RestoreAction, BackupAction or ExportAction."""
    in_policy: bool
    parameters: Cursor
    """The mapping that has its filters and hooks. In a Policy it may be absent."""
    here: Cursor
    """The entry of the Policy, or the whole action."""

    @cached_property
    def hooks(self) -> Cursor:
        """Place of its hooks."""
        return self.parameters.at("hooks")

    @cached_property
    def filters(self) -> Filters:
        """Part of an application that it is about."""
        return Filters(self.parameters.at("filters"))

    @cached_property
    def calls(self) -> tuple[HookCallSite, ...]:
        """Its hooks, in the order of MOMENTS."""
        return tuple(_moments(self.name, self.hooks))


@dataclass(frozen=True, eq=False)
class Filters:
    """The filters of an operation; each entry is read once, however many rules ask for it."""

    here: Cursor

    @cached_property
    def included(self) -> tuple[ResourceFilter, ...]:
        """Resources that it takes; none for all."""
        return tuple(map(ResourceFilter.of, self.here.at("includeResources").each()))

    @cached_property
    def excluded(self) -> tuple[ResourceFilter, ...]:
        """Resources that it leaves out."""
        return tuple(map(ResourceFilter.of, self.here.at("excludeResources").each()))


class ResourceFilter(NamedTuple):
    """The subject of a filter or a binding: a resource, or one object of it."""

    here: Cursor
    group: str
    """API group; empty if none is given."""
    resource: str
    """Plural name of the resource; empty if only labels are given."""
    name: str
    """Name of the object; empty if all are meant."""
    by_label: bool
    """Whether labels narrow it further."""
    cluster: str
    """The Kafka whose label the objects have; empty if they need not have it."""
    has_group: bool
    is_open: bool
    """Whether something is yet to fill in what it is for."""
    says_nothing: bool
    is_narrowed: bool
    """Whether a name or a label narrows it, except for that of a Kafka."""
    has_open_name: bool
    """Whether it has a name, and the input does not show which objects have it."""

    @classmethod
    def of(cls, entry: Cursor) -> ResourceFilter:
        """Read an entry."""
        at = {field: entry.at(field) for field, _location in entry.named() if field in FIELDS}
        nothing = Cursor(None, entry.path, entry.location)
        group, resource, name, labels, expressions = (
            at.get(field, nothing)
            for field in ("group", "resource", "name", "matchLabels", "matchExpressions")
        )
        has_other_labels = any(key != CLUSTER_LABEL for key, _location in labels.named())
        return cls(
            entry,
            group=group.text,
            resource=resource.text,
            name=name.text,
            by_label=labels.there or expressions.there,
            cluster=labels.at(CLUSTER_LABEL).text,
            has_group=group.there,
            is_open=entry.is_template or group.is_template or resource.is_template,
            says_nothing=not any(cursor.there for cursor in at.values()),
            is_narrowed=name.there or expressions.there or has_other_labels,
            has_open_name=(name.there and not name.text) or "*" in name.text,
        )


@dataclass(frozen=True, slots=True)
class BindingObject:
    """A BlueprintBinding."""

    root: Cursor

    @property
    def name(self) -> str:
        """Its name."""
        return self.root.at("metadata", "name").text

    @property
    def blueprint(self) -> Cursor:
        """Name of the Blueprint."""
        return self.root.at("spec", "blueprintRef", "name")

    def requirements(self) -> Iterator[Cursor]:
        """Yield its requirements: all of matchAll, and one of matchAny, have to be met."""
        for field in ("matchAll", "matchAny"):
            yield from self.root.at("spec", "resources", field).each()

    def resources(self) -> Iterator[ResourceFilter]:
        """Yield the resources that it binds to by type."""
        for requirement in self.requirements():
            if requirement.at("type", "operator").text == "In":
                for value in requirement.at("type", "values").each():
                    if value.at("resource").text:
                        yield ResourceFilter.of(value)

    def namespaces(self) -> frozenset[str]:
        """Return the namespaces that it is bound to; empty for all, or if it is not plain."""
        named = [requirement.at("namespace") for requirement in self.requirements()]
        plain = [field.at("values").texts for field in named if field.at("operator").text == "In"]
        return plain[0] if len(plain) == 1 else frozenset()


@dataclass(frozen=True, eq=False)
class KastenObjects:
    """All that Kasten would read, and the Blueprints that it is about."""

    blueprints: tuple[Blueprint, ...]
    documents: tuple[Document, ...]
    policies: tuple[Cursor, ...]
    bindings: tuple[BindingObject, ...]
    restores: tuple[Cursor, ...]
    """RestoreActions."""
    transform_sets: tuple[Cursor, ...]
    operations: tuple[PolicyOperation, ...]
    hooks: tuple[HookCallSite, ...]
    annotations: tuple[Cursor, ...]
    """Names of Blueprints in annotations of objects."""
    identities: tuple[KastenDetection, ...]
    """Of all that is one of Kasten's kinds, or meant to be."""
    by_owner: Mapping[Location, tuple[PolicyOperation, ...]]
    """Operations by the place of their Policy or action."""
    strimzi: Mapping[tuple[str, str], tuple[Cursor, ...]]
    """Custom resources of Strimzi by kind and namespace."""
    hooks_by_action: Mapping[tuple[str, str], tuple[HookCallSite, ...]]
    """Hooks by the Blueprint and the action that they call."""
    by_name: Mapping[str, tuple[Blueprint, ...]]
    """Blueprints by their name."""

    def rules_apply(self, settings: LintSettings) -> bool:
        """Report whether Kasten runs the Blueprints: as set, or if one of its objects is there."""
        if settings.kasten is not None:
            return settings.kasten
        return bool(self.policies or self.bindings)

    def of(self, owner: Cursor) -> tuple[PolicyOperation, ...]:
        """Return the operations of a Policy, or the one of an action."""
        return self.by_owner.get(owner.location, ())

    def named(self, name: str) -> tuple[Blueprint, ...]:
        """Return the Blueprints of a name; files of one run may hold several."""
        return self.by_name.get(name, ())

    def calls(self, blueprint: Blueprint, action: str) -> tuple[HookCallSite, ...]:
        """Return the hooks that call an action."""
        return self.hooks_by_action.get((blueprint.name, action), ())

    def on_namespace(self) -> Iterator[tuple[Blueprint, BlueprintAction]]:
        """Yield the actions that a hook calls on a namespace."""
        for blueprint in self.blueprints:
            for action in blueprint.actions:
                if any(hook.on_namespace for hook in self.calls(blueprint, action.name)):
                    yield blueprint, action

    def references(self) -> Iterator[Cursor]:
        """Yield every place that gives Kasten the name of a Blueprint."""
        for reference in chain((hook.blueprint for hook in self.hooks), self._bound()):
            if reference.text:
                yield reference

    def is_bound(self, blueprint: Blueprint) -> bool:
        """Return whether a binding or an annotation in the input ties it to an object."""
        return any(reference.text == blueprint.name for reference in self._bound())

    def _bound(self) -> Iterator[Cursor]:
        return chain((binding.blueprint for binding in self.bindings), self.annotations)


def read_kasten_objects(manifests: ManifestSet) -> KastenObjects:
    """Read what Kasten would of a whole input."""
    kinds: dict[str, list[Cursor]] = defaultdict(list)
    strimzi: dict[tuple[str, str], list[Cursor]] = defaultdict(list)
    annotations, identities = [], []
    for document in manifests.documents:
        identity = detect_kasten_object(document)
        if identity.kind:
            kinds[identity.kind].append(Cursor.of(document))
            identities.append(identity)
        if document.group == STRIMZI:
            namespace = document.text("metadata", "namespace")
            strimzi[document.kind, namespace].append(Cursor.of(document))
        if document.text("metadata", "annotations", ANNOTATION):
            annotations.append(Cursor.of(document).at("metadata", "annotations", ANNOTATION))
    operations = tuple(_operations(kinds))
    hooks = tuple(chain.from_iterable(operation.calls for operation in operations))
    by_owner: dict[Location, list[PolicyOperation]] = defaultdict(list)
    for operation in operations:
        by_owner[operation.owner.location].append(operation)
    called: dict[tuple[str, str], list[HookCallSite]] = defaultdict(list)
    for hook in hooks:
        called[hook.blueprint.text, hook.action.text].append(hook)
    by_name: dict[str, list[Blueprint]] = defaultdict(list)
    for blueprint in manifests.blueprints:
        by_name[blueprint.name].append(blueprint)
    return KastenObjects(
        blueprints=manifests.blueprints,
        documents=manifests.documents,
        policies=tuple(kinds["Policy"]),
        bindings=tuple(map(BindingObject, kinds["BlueprintBinding"])),
        restores=tuple(kinds["RestoreAction"]),
        transform_sets=tuple(kinds["TransformSet"]),
        operations=operations,
        hooks=hooks,
        annotations=tuple(annotations),
        identities=tuple(identities),
        by_owner=_grouped(by_owner),
        strimzi=_grouped(strimzi),
        hooks_by_action=_grouped(called),
        by_name=_grouped(by_name),
    )


def _grouped(lists: Mapping[Key, list[Value]]) -> dict[Key, tuple[Value, ...]]:
    return {key: tuple(values) for key, values in lists.items()}


def parameters(policy: Cursor) -> Iterator[tuple[str, Cursor]]:
    """Yield the parameters of each action of a Policy, with the name of the operation."""
    for action in policy.at("spec", "actions").each():
        for operation in OPERATIONS:
            fields = action.at(f"{operation}Parameters")
            if fields.there:
                yield operation, fields


def _operations(kinds: Mapping[str, list[Cursor]]) -> Iterator[PolicyOperation]:
    for policy in kinds["Policy"]:
        for action in policy.at("spec", "actions").each():
            for name in OPERATIONS:
                fields = action.at(f"{name}Parameters")
                if fields.there or action.at("action").text == name:
                    yield PolicyOperation(
                        name, policy, in_policy=True, parameters=fields, here=action
                    )
    for name in OPERATIONS:
        for action in kinds[f"{name.capitalize()}Action"]:
            spec = action.at("spec")
            yield PolicyOperation(name, action, in_policy=False, parameters=spec, here=action)


def _moments(operation: str, hooks: Cursor) -> Iterator[HookCallSite]:
    for moment in MOMENTS:
        if hooks.at(moment).there:
            yield HookCallSite(operation, moment, hooks)
