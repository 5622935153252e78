"""Parameters of Kanister for the templates of an action, as far as known before it runs.

TemplateParams and how they are made: pkg/param/param.go; which phases they hold when: runAction in
pkg/controller/controller.go; both at 0.119.0. Secrets, profiles, artifacts, times and outputs stay
symbolic.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kanister_kafka.diagnostics import Location
from kanister_kafka.gotemplate import types
from kanister_kafka.gotemplate.runtime import symbolic
from kanister_kafka.gotemplate.runtime.values import (
    INTERFACE,
    GoMap,
    GoNil,
    GoSlice,
    GoStruct,
    Value,
    canonical,
)
from kanister_kafka.kanister import BlueprintPhase
from kanister_kafka.kanister.function_catalog import functions
from kanister_kafka.kanister.function_types import NEWEST
from kanister_kafka.kanister.template_context import CONFIG_MAP, PARAMETERS, PHASE, SECRET
from kanister_kafka.yamldoc import Document, MappingNode, Scalar, to_python

WORKLOADS = ("StatefulSet", "Deployment", "DeploymentConfig")
_BY_KIND = {kind.lower(): kind for kind in (*WORKLOADS, "Namespace")} | {
    "persistentvolumeclaim": "PVC"
}
"""Kinds of objects with parameters of their own; an ActionSet has `pvc` for a claim."""
_SERVER_SIDE = (
    "creationTimestamp", "generation", "managedFields", "namespace", "resourceVersion", "uid",
)  # fmt: skip
"""Metadata that the API server adds to a manifest."""


@dataclass(frozen=True, slots=True)
class PreviewPods:
    """The running pods of a workload, as StatefulSetParams and its like list them."""

    names: tuple[str, ...]
    containers: tuple[tuple[str, ...], ...]
    claims: Mapping[str, Mapping[str, str]]
    """Mount path by claim, by pod."""


@dataclass(frozen=True, slots=True)
class PreviewTarget:
    """The object that an ActionSet runs an action on."""

    document: Document | None = None
    """None, nothing is known of it."""
    options: Mapping[str, str] = field(default_factory=dict)
    pods: PreviewPods | None = None


def template_parameters(subject: PreviewTarget, ran: GoMap, defer_phase: Value) -> GoStruct:
    """Return the data of a template that is rendered when these phases have run."""
    fields: dict[str, Value] = {
        name: symbolic.data(name, type=kind) for name, kind in PARAMETERS.fields.items()
    }
    fields |= {
        "CurrentPhase": GoNil(PHASE),
        "DeferPhase": defer_phase,
        "Options": GoMap(dict(subject.options), "string", is_nil=not subject.options),
        "Phases": ran,
    }
    if subject.document:
        fields |= _object(subject.document, subject.pods)
    return GoStruct(PARAMETERS, fields, symbolic.data())


def phases_before(phase: BlueprintPhase, all_phases: Sequence[BlueprintPhase]) -> GoMap:
    """Return the phases that a phase finds when its arguments are rendered, itself included."""
    entries: dict[str, Value] = {}
    for other in all_phases:
        if other is phase:
            entries[other.name] = running_phase(other, "Phases", other.name)
            break
        entries[other.name] = completed_phase(other)
    return phases(entries)


def phases_of_a_run(ran: Sequence[BlueprintPhase], *, is_sure: bool) -> GoMap:
    """Return the phases that a deferPhase finds, or what comes after it if all have run."""
    if is_sure:
        return phases({phase.name: completed_phase(phase) for phase in ran})
    return phases({p.name: symbolic.data("Phases", p.name, type=PHASE) for p in ran})


def phases(entries: dict[str, Value]) -> GoMap:
    """Return these as `.Phases`."""
    return GoMap(entries, canonical(PHASE), symbolic.data("Phases"))


def empty_phase() -> GoStruct:
    """Return `.DeferPhase` before it has begun."""
    return _phase(("DeferPhase",), MappingNode((), Location("")), GoMap({}, is_nil=True))


def running_phase(phase: BlueprintPhase, *path: str) -> GoStruct:
    """Return a phase whose arguments are being rendered: it has no output yet."""
    return _phase(path, phase.objects, GoMap({}, is_nil=True))


def completed_phase(phase: BlueprintPhase, *path: str) -> GoStruct:
    """Return a phase that has run."""
    path = path or ("Phases", phase.name)
    known = functions(NEWEST).get(phase.func)
    output = symbolic.data(*path, "Output", type=PHASE.fields["Output"])
    if known is None:
        return _phase(path, phase.objects, output)
    keys: dict[str, Value] = {key: symbolic.field(output, key) for key in known.outputs}
    held = GoMap(keys, INTERFACE, output, is_open=known.prints, is_nil=not (keys or known.prints))
    return _phase(path, phase.objects, held)


def _phase(path: Sequence[str], objects: MappingNode, output: Value) -> GoStruct:
    fields: dict[str, Value] = {"Output": output}
    for name, kind, item in (
        ("Secrets", "secret", SECRET),
        ("ConfigMaps", "configmap", CONFIG_MAP),
    ):
        source = symbolic.data(*path, name, type=types.MapType(item, f"map[string]{item.go}"))
        entries: dict[str, Value] = {}
        is_open = False
        for entry in objects.entries:
            known = entry.value.get("kind") if isinstance(entry.value, MappingNode) else None
            word = known.text if isinstance(known, Scalar) else ""
            is_open = is_open or "{{" in word
            if word.lower() == kind:
                entries[entry.key] = symbolic.field(source, entry.key)
        fields[name] = GoMap(entries, item.go, source, is_open)
    return GoStruct(PHASE, fields, symbolic.data(*path, type=PHASE))


def _object(document: Document, pods: PreviewPods | None) -> dict[str, Value]:
    tree = to_python(document.root)
    metadata = tree.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    is_live = bool(metadata.get("uid"))
    value = symbolic.from_map(tree, symbolic.data("Object"))
    if not is_live:
        _leave_open(value, document)
    if document.kind == "Secret" and document.group == "":
        _hide(value)
    fields: dict[str, Value] = {"Object": value}
    for name in _BY_KIND.values():
        known = PARAMETERS.fields[name]
        fields[name] = GoNil(known)
        if _BY_KIND.get(document.kind.lower()) == name and isinstance(known, types.StructType):
            fields[name] = _typed(name, known, metadata, pods)
    return fields


def _typed(
    name: str, known: types.StructType, metadata: Mapping[str, Any], pods: PreviewPods | None
) -> GoStruct:
    fields: dict[str, Value] = {
        key: symbolic.data(name, key, type=kind) for key, kind in known.fields.items()
    }
    for key in ("Name", "Namespace"):
        if isinstance(metadata.get(key.lower()), str):
            fields[key] = metadata[key.lower()]
    if name == "Namespace":
        fields["Namespace"] = fields["Name"]  # both are the namespace of the ActionSet's object
    if pods and name in WORKLOADS:
        lists: list[Value] = [GoSlice([*names], "string") for names in pods.containers]
        claims: dict[str, Value] = {p: GoMap({**c}, "string") for p, c in pods.claims.items()}
        fields["Pods"] = GoSlice([*pods.names], "string")
        fields["Containers"] = GoSlice(lists, "[]string")
        fields["PersistentVolumeClaims"] = GoMap(claims, "map[string]string")
    return GoStruct(known, fields, symbolic.data(name, type=known))


def _leave_open(parameters: GoMap, document: Document) -> None:
    """Leave to the run what the API server and controllers add to a manifest."""
    source = symbolic.data("Object")
    parameters.entries.setdefault("status", symbolic.field(source, "status"))
    metadata = parameters.entries.get("metadata")
    if isinstance(metadata, GoMap) and metadata.source:
        for name in _SERVER_SIDE:
            if not (name == "namespace" and document.kind == "Namespace"):
                metadata.entries.setdefault(name, symbolic.field(metadata.source, name))
    is_native = "." not in document.group or document.group.endswith(".k8s.io")
    pending = [parameters.entries.get("spec")] if is_native else []
    while pending:
        value = pending.pop()
        if isinstance(value, GoMap):
            value.is_open = True
            pending += value.entries.values()
        elif isinstance(value, GoSlice):
            pending += value.items


def _hide(parameters: GoMap) -> None:
    """Leave the values of a Secret to the run, kubectl's copy of them included."""
    for name in ("data", "stringData"):
        parameters.entries[name] = symbolic.data("Object", name)
    metadata = parameters.entries.get("metadata")
    if isinstance(metadata, GoMap):
        metadata.entries["annotations"] = symbolic.data("Object", "metadata", "annotations")


# The running pods of a workload, as fetchStatefulSetParams and fetchDeploymentParams find them.
#
# pkg/param/param.go and pkg/kube/workload.go at 0.119.0. The order is that of the API server.

Object = Mapping[str, Any]
_REVISION = "deployment.kubernetes.io/revision"
_ORDINAL = re.compile(r"-([0-9]+)$")


def pods_of(
    workload: Object, pods: Iterable[Object], replica_sets: Iterable[Object]
) -> PreviewPods | None:
    """Return the running pods of a workload; None if a Deployment has no ReplicaSet."""
    owner: Object | None = workload
    if workload.get("kind") == "Deployment":
        revision = _annotation(workload)
        owned = (one for one in replica_sets if _owns(workload, one))
        owner = next((one for one in owned if _annotation(one) == revision), None)
    if owner is None:
        return None
    running = [
        pod for pod in pods if _owns(owner, pod) and pod.get("status", {}).get("phase") == "Running"
    ]
    mounts = {pod["metadata"]["name"]: _mounts(pod, _claims(workload, pod)) for pod in running}
    return PreviewPods(
        tuple(mounts),
        tuple(_container_names(pod) for pod in running),
        {name: held for name, held in mounts.items() if held},
    )


def _claims(workload: Object, pod: Object) -> dict[str, str]:
    """Return the claim by volume."""
    volumes = _list(workload, "spec", "template", "spec", "volumes")
    claims = {
        volume["name"]: volume["persistentVolumeClaim"]["claimName"]
        for volume in volumes
        if "persistentVolumeClaim" in volume
    }
    if workload.get("kind") != "StatefulSet":
        return claims
    ordinal = _ORDINAL.search(pod["metadata"]["name"])
    if ordinal is None:
        return {}
    by_template = {claim: volume for volume, claim in claims.items()}
    for template in _list(workload, "spec", "volumeClaimTemplates"):
        by_template.setdefault(template["metadata"]["name"], template["metadata"]["name"])
    name = workload["metadata"]["name"]
    return {volume: f"{claim}-{name}-{int(ordinal[1])}" for claim, volume in by_template.items()}


def _container_names(pod: Object) -> tuple[str, ...]:
    return tuple(status["name"] for status in _list(pod, "status", "containerStatuses"))


def _mounts(pod: Object, claims: Mapping[str, str]) -> dict[str, str]:
    """Return the mount path by claim."""
    paths = {}
    for container in _list(pod, "spec", "containers"):
        for mount in container.get("volumeMounts") or ():
            if mount["name"] in claims:
                paths[claims[mount["name"]]] = mount["mountPath"]
    return paths


def _owns(owner: Object, owned: Object) -> bool:
    uid = owner["metadata"].get("uid")
    return any(one.get("uid") == uid for one in _list(owned, "metadata", "ownerReferences"))


def _annotation(item: Object) -> str:
    return str((item["metadata"].get("annotations") or {}).get(_REVISION, ""))


def _list(item: Object, *path: str) -> Sequence[Any]:
    value: Any = item
    for key in path:
        value = value.get(key) or {}
    return value or ()
