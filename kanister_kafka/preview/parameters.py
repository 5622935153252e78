"""What Kanister gives to the templates of an action, as far as it is known before it runs.

TemplateParams and how they are made: pkg/param/param.go; which phases they hold when: runAction in
pkg/controller/controller.go; both at 0.119.0. Secrets, profiles, artifacts, times and outputs stay
symbolic.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kanister_kafka.blueprint import Phase
from kanister_kafka.blueprint.context import CONFIG_MAP, PARAMETERS, PHASE, SECRET
from kanister_kafka.blueprint.functions import functions
from kanister_kafka.blueprint.releases import NEWEST
from kanister_kafka.document import Document, MappingNode, Scalar, plain
from kanister_kafka.gotemplate import symbolic, types
from kanister_kafka.gotemplate.values import (
    INTERFACE,
    Map,
    Nil,
    Slice,
    Struct,
    Value,
    canonical,
)
from kanister_kafka.problem import Location

WORKLOADS = ("StatefulSet", "Deployment", "DeploymentConfig")
_BY_KIND = {kind.lower(): kind for kind in (*WORKLOADS, "Namespace")} | {
    "persistentvolumeclaim": "PVC"
}
"""Kinds of objects with parameters of their own; an ActionSet says `pvc` for a claim."""
_SERVER_SIDE = (
    *("creationTimestamp", "generation", "managedFields", "namespace", "resourceVersion", "uid"),
)
"""Metadata that the API server adds to a manifest."""


@dataclass(frozen=True, slots=True)
class Pods:
    """The running pods of a workload, as StatefulSetParams and its like list them."""

    names: tuple[str, ...]
    containers: tuple[tuple[str, ...], ...]
    claims: Mapping[str, Mapping[str, str]]
    """Mount path by claim, by pod."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What an ActionSet runs an action on."""

    document: Document | None = None
    """None, nothing is known of it."""
    options: Mapping[str, str] = field(default_factory=dict)
    pods: Pods | None = None


def parameters(subject: Subject, ran: Map, defer_phase: Value) -> Struct:
    """Return the data of a template that is rendered when these phases have run."""
    fields: dict[str, Value] = {
        name: symbolic.data(name, type=kind) for name, kind in PARAMETERS.fields.items()
    }
    fields |= {
        "CurrentPhase": Nil(PHASE),
        "DeferPhase": defer_phase,
        "Options": Map(dict(subject.options), "string", is_nil=not subject.options),
        "Phases": ran,
    }
    if subject.document:
        fields |= _object(subject.document, subject.pods)
    return Struct(PARAMETERS, fields, symbolic.data())


def phases_before(phase: Phase, all_phases: Sequence[Phase]) -> Map:
    """Return the phases that a phase finds when its arguments are rendered, itself included."""
    entries: dict[str, Value] = {}
    for other in all_phases:
        if other is phase:
            entries[other.name] = started(other, "Phases", other.name)
            break
        entries[other.name] = done(other)
    return phases(entries)


def phases_of_a_run(ran: Sequence[Phase], *, is_sure: bool) -> Map:
    """Return the phases that a deferPhase finds, or what comes after it where all have run."""
    if is_sure:
        return phases({phase.name: done(phase) for phase in ran})
    return phases({p.name: symbolic.data("Phases", p.name, type=PHASE) for p in ran})


def phases(entries: dict[str, Value]) -> Map:
    """Return these as `.Phases`."""
    return Map(entries, canonical(PHASE), symbolic.data("Phases"))


def no_phase() -> Struct:
    """Return `.DeferPhase` before it has begun."""
    return _phase(("DeferPhase",), MappingNode((), Location("")), Map({}, is_nil=True))


def started(phase: Phase, *path: str) -> Struct:
    """Return a phase whose arguments are being rendered: it has no output yet."""
    return _phase(path, phase.objects, Map({}, is_nil=True))


def done(phase: Phase, *path: str) -> Struct:
    """Return a phase that has run."""
    path = path or ("Phases", phase.name)
    known = functions(NEWEST).get(phase.func)
    output = symbolic.data(*path, "Output", type=PHASE.fields["Output"])
    if known is None:
        return _phase(path, phase.objects, output)
    keys: dict[str, Value] = {key: symbolic.field(output, key) for key in known.outputs}
    held = Map(keys, INTERFACE, output, is_open=known.prints, is_nil=not (keys or known.prints))
    return _phase(path, phase.objects, held)


def _phase(path: Sequence[str], objects: MappingNode, output: Value) -> Struct:
    fields: dict[str, Value] = {"Output": output}
    for name, kind, item in (
        ("Secrets", "secret", SECRET),
        ("ConfigMaps", "configmap", CONFIG_MAP),
    ):
        source = symbolic.data(*path, name, type=types.MapOf(item, f"map[string]{item.go}"))
        entries: dict[str, Value] = {}
        is_open = False
        for entry in objects.entries:
            known = entry.value.get("kind") if isinstance(entry.value, MappingNode) else None
            word = known.text if isinstance(known, Scalar) else ""
            is_open = is_open or "{{" in word
            if word.lower() == kind:
                entries[entry.key] = symbolic.field(source, entry.key)
        fields[name] = Map(entries, item.go, source, is_open)
    return Struct(PHASE, fields, symbolic.data(*path, type=PHASE))


def _object(document: Document, pods: Pods | None) -> dict[str, Value]:
    tree = plain(document.root)
    metadata = tree.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    is_live = bool(metadata.get("uid"))
    made = symbolic.from_map(tree, symbolic.data("Object"))
    if not is_live:
        _leave_open(made, document)
    if document.kind == "Secret" and document.group == "":
        _hide(made)
    fields: dict[str, Value] = {"Object": made}
    for name in _BY_KIND.values():
        known = PARAMETERS.fields[name]
        fields[name] = Nil(known)
        if _BY_KIND.get(document.kind.lower()) == name and isinstance(known, types.Struct):
            fields[name] = _typed(name, known, metadata, pods)
    return fields


def _typed(
    name: str, known: types.Struct, metadata: Mapping[str, Any], pods: Pods | None
) -> Struct:
    fields: dict[str, Value] = {
        key: symbolic.data(name, key, type=kind) for key, kind in known.fields.items()
    }
    for key in ("Name", "Namespace"):
        if isinstance(metadata.get(key.lower()), str):
            fields[key] = metadata[key.lower()]
    if name == "Namespace":
        fields["Namespace"] = fields["Name"]  # both are the namespace of the ActionSet's object
    if pods and name in WORKLOADS:
        lists: list[Value] = [Slice([*names], "string") for names in pods.containers]
        claims: dict[str, Value] = {p: Map({**c}, "string") for p, c in pods.claims.items()}
        fields["Pods"] = Slice([*pods.names], "string")
        fields["Containers"] = Slice(lists, "[]string")
        fields["PersistentVolumeClaims"] = Map(claims, "map[string]string")
    return Struct(known, fields, symbolic.data(name, type=known))


def _leave_open(made: Map, document: Document) -> None:
    """Leave to the run what the API server and controllers add to a manifest."""
    source = symbolic.data("Object")
    made.entries.setdefault("status", symbolic.field(source, "status"))
    metadata = made.entries.get("metadata")
    if isinstance(metadata, Map) and metadata.source:
        for name in _SERVER_SIDE:
            if not (name == "namespace" and document.kind == "Namespace"):
                metadata.entries.setdefault(name, symbolic.field(metadata.source, name))
    is_native = "." not in document.group or document.group.endswith(".k8s.io")
    pending = [made.entries.get("spec")] if is_native else []
    while pending:
        value = pending.pop()
        if isinstance(value, Map):
            value.is_open = True
            pending += value.entries.values()
        elif isinstance(value, Slice):
            pending += value.items


def _hide(made: Map) -> None:
    """Leave the values of a Secret to the run, kubectl's copy of them included."""
    for name in ("data", "stringData"):
        made.entries[name] = symbolic.data("Object", name)
    metadata = made.entries.get("metadata")
    if isinstance(metadata, Map):
        metadata.entries["annotations"] = symbolic.data("Object", "metadata", "annotations")
