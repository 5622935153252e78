"""Pods that functions start: podOverride, labels, containers, and the account they run as."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Union

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.kanister import Blueprint, BlueprintPhase, child_path
from kanister_kafka.kanister.commands import KUBECTL, simple_commands
from kanister_kafka.kanister.decoding import (
    PLACEHOLDER,
    field_of,
    is_template,
    items_of,
    quote_value,
    text_of,
)
from kanister_kafka.kanister.function_catalog import KanisterFunction
from kanister_kafka.kanister.function_types import ArgumentType
from kanister_kafka.kanister.scalar_formats import quantity_sign
from kanister_kafka.kube.names import LABEL_VALUE, QUALIFIED
from kanister_kafka.linter.registry import BLUEPRINT, LintSettings, Rule, lint_rule
from kanister_kafka.linter.rules.functions import phases_with_function
from kanister_kafka.yamldoc import MappingNode, Node, Scalar, Sequence
from kanister_kafka.yamldoc.nodes import is_set

# Types of the fields of podOverride, and mounts of volumes that it does not have. Kanister merges
# podOverride into the spec of the pod as JSON and decodes the result as PodSpec
# (PatchDefaultPodSpecs in pkg/kube/pod.go), so one field of another type fails the phase.

TEXT = "a string"
WHOLE = "a whole number"
TRUTH = "true or false"
AMOUNT = "a quantity such as 100m or 64Mi"
PORT = "a number or a name"


class ListOf(NamedTuple):
    """A list of one shape."""

    item: FieldShape


class MapOf(NamedTuple):
    """A mapping of any keys to one shape."""

    value: FieldShape


FieldShape = Union[str, ListOf, MapOf, Mapping[str, "FieldShape"]]
"""One of the words above, a list, a map, or the fields that are known of an object."""

_NAMED: FieldShape = {"name": TEXT}
_SOURCE: FieldShape = {"name": TEXT, "key": TEXT, "optional": TRUTH}
_SECURITY: Mapping[str, FieldShape] = {
    "fsGroup": WHOLE,
    "fsGroupChangePolicy": TEXT,
    "runAsGroup": WHOLE,
    "runAsNonRoot": TRUTH,
    "runAsUser": WHOLE,
    "seLinuxOptions": {"level": TEXT, "role": TEXT, "type": TEXT, "user": TEXT},
    "seccompProfile": {"localhostProfile": TEXT, "type": TEXT},
    "supplementalGroups": ListOf(WHOLE),
}
_PROBE: FieldShape = {
    "exec": {"command": ListOf(TEXT)},
    "failureThreshold": WHOLE,
    "httpGet": {"host": TEXT, "path": TEXT, "port": PORT, "scheme": TEXT},
    "initialDelaySeconds": WHOLE,
    "periodSeconds": WHOLE,
    "successThreshold": WHOLE,
    "tcpSocket": {"host": TEXT, "port": PORT},
    "timeoutSeconds": WHOLE,
}
_RESOURCES: FieldShape = {"limits": MapOf(AMOUNT), "requests": MapOf(AMOUNT)}
_CONTAINER: Mapping[str, FieldShape] = {
    "args": ListOf(TEXT),
    "command": ListOf(TEXT),
    "env": ListOf(
        {
            "name": TEXT,
            "value": TEXT,
            "valueFrom": {
                "configMapKeyRef": _SOURCE,
                "fieldRef": {"apiVersion": TEXT, "fieldPath": TEXT},
                "secretKeyRef": _SOURCE,
            },
        }
    ),
    "envFrom": ListOf({"configMapRef": _SOURCE, "prefix": TEXT, "secretRef": _SOURCE}),
    "image": TEXT,
    "imagePullPolicy": TEXT,
    "livenessProbe": _PROBE,
    "name": TEXT,
    "ports": ListOf({"containerPort": WHOLE, "hostPort": WHOLE, "name": TEXT, "protocol": TEXT}),
    "readinessProbe": _PROBE,
    "resources": _RESOURCES,
    "securityContext": {
        "allowPrivilegeEscalation": TRUTH,
        "capabilities": {"add": ListOf(TEXT), "drop": ListOf(TEXT)},
        "privileged": TRUTH,
        "readOnlyRootFilesystem": TRUTH,
        **{name: shape for name, shape in _SECURITY.items() if name.startswith(("run", "se"))},
    },
    "startupProbe": _PROBE,
    "stdin": TRUTH,
    "tty": TRUTH,
    "volumeMounts": ListOf(
        {"mountPath": TEXT, "name": TEXT, "readOnly": TRUTH, "subPath": TEXT, "subPathExpr": TEXT}
    ),
    "workingDir": TEXT,
}
_ITEMS: FieldShape = ListOf({"key": TEXT, "mode": WHOLE, "path": TEXT})
_VOLUME: Mapping[str, FieldShape] = {
    "configMap": {"defaultMode": WHOLE, "items": _ITEMS, "name": TEXT, "optional": TRUTH},
    "emptyDir": {"medium": TEXT, "sizeLimit": AMOUNT},
    "hostPath": {"path": TEXT, "type": TEXT},
    "name": TEXT,
    "nfs": {"path": TEXT, "readOnly": TRUTH, "server": TEXT},
    "persistentVolumeClaim": {"claimName": TEXT, "readOnly": TRUTH},
    "projected": {"defaultMode": WHOLE, "sources": ListOf({})},
    "secret": {"defaultMode": WHOLE, "items": _ITEMS, "optional": TRUTH, "secretName": TEXT},
}
_SELECTOR: FieldShape = {"matchExpressions": ListOf({}), "matchLabels": MapOf(TEXT)}
POD_SPEC: Mapping[str, FieldShape] = {
    "activeDeadlineSeconds": WHOLE,
    "affinity": {"nodeAffinity": {}, "podAffinity": {}, "podAntiAffinity": {}},
    "automountServiceAccountToken": TRUTH,
    "containers": ListOf(_CONTAINER),
    "dnsConfig": {"nameservers": ListOf(TEXT), "options": ListOf({}), "searches": ListOf(TEXT)},
    "enableServiceLinks": TRUTH,
    "hostAliases": ListOf({"hostnames": ListOf(TEXT), "ip": TEXT}),
    "imagePullSecrets": ListOf(_NAMED),
    "initContainers": ListOf(_CONTAINER),
    "nodeSelector": MapOf(TEXT),
    "priority": WHOLE,
    "securityContext": _SECURITY,
    "shareProcessNamespace": TRUTH,
    "terminationGracePeriodSeconds": WHOLE,
    "tolerations": ListOf(
        {"effect": TEXT, "key": TEXT, "operator": TEXT, "tolerationSeconds": WHOLE, "value": TEXT}
    ),
    "topologySpreadConstraints": ListOf(
        {
            "labelSelector": _SELECTOR,
            "maxSkew": WHOLE,
            "topologyKey": TEXT,
            "whenUnsatisfiable": TEXT,
        }
    ),
    "volumes": ListOf(_VOLUME),
    **dict.fromkeys(("hostIPC", "hostNetwork", "hostPID", "hostUsers"), TRUTH),
    **dict.fromkeys(("dnsPolicy", "hostname", "nodeName", "preemptionPolicy"), TEXT),
    **dict.fromkeys(("priorityClassName", "restartPolicy", "runtimeClassName"), TEXT),
    **dict.fromkeys(("schedulerName", "serviceAccount", "serviceAccountName", "subdomain"), TEXT),
}
"""Fields of PodSpec that are used much (core/v1 of k8s.io/api 0.37); another is not judged."""
CONTAINER_FIELDS = ("containers", "initContainers")


class _Mismatch(NamedTuple):
    node: Node
    path: str
    expected: str


@lint_rule(BLUEPRINT, {"pod-override": Severity.ERROR, "pod-override-volume": Severity.WARNING})
def pod_override_types(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find fields of podOverride of another type, and mounts without a volume.

    Only KubeTask makes a pod without volumes of its own. The podOverride of an ActionSet may bring
    the volume, so that a missing one is a warning.
    """
    matching: set[tuple[int, int]] = set()
    for phase, function in phases_with_function(blueprint, settings):
        node = _override(phase, function)
        if node is None:
            continue
        path = f"{phase.path}.args.podOverride"
        for wrong in _mismatches(node, POD_SPEC, path, matching):
            message = f"Invalid value: {quote_value(wrong.node)}: must be {wrong.expected}"
            if isinstance(wrong.node, Scalar) and wrong.expected == TEXT:
                message += wrong.node.boolean_note
            if not _is_of_containers(wrong, path):
                yield rule.report(wrong.node.location, wrong.path, message, "pod-override")
        for mount, name_path in _without_volume(node, path) if function.name == "KubeTask" else ():
            message = (
                f'"{text_of(mount)}" is not one of the volumes of this podOverride; add it there'
            )
            yield rule.report(mount.location, name_path, message, "pod-override-volume")


def _is_of_containers(wrong: _Mismatch, path: str) -> bool:
    """Return whether a list of containers or its item is wrong, which another rule reports."""
    tail = wrong.path.removeprefix(f"{path}.")
    return tail.partition("[")[0] in CONTAINER_FIELDS and "." not in tail


def _mismatches(
    node: Node, shape: FieldShape, path: str, matching: set[tuple[int, int]]
) -> list[_Mismatch]:
    """Return what is of another type below a node.

    `matching` has the identities of nodes with the shapes that they match: phases share nodes by
    aliases. The Blueprint keeps all of these nodes alive.
    """
    if isinstance(node, Scalar):
        if node.value is None or _is_open(node):
            return []
        if isinstance(shape, str):
            return [] if _fits(node, shape) else [_Mismatch(node, path, shape)]
        return [_Mismatch(node, path, "a list" if isinstance(shape, ListOf) else "an object")]
    pair = id(node), id(shape)
    if pair in matching:
        return []
    wrong = _mismatches_within(node, shape, path, matching)
    if not wrong:
        matching.add(pair)
    return wrong


def _mismatches_within(
    node: MappingNode | Sequence, shape: FieldShape, path: str, matching: set[tuple[int, int]]
) -> list[_Mismatch]:
    if isinstance(shape, str):
        return [_Mismatch(node, path, shape)]
    wrong: list[_Mismatch] = []
    if isinstance(shape, ListOf):
        if not isinstance(node, Sequence):
            return [_Mismatch(node, path, "a list")]
        for i, item in enumerate(node.items):
            wrong += _mismatches(item, shape.item, f"{path}[{i}]", matching)
        return wrong
    if not isinstance(node, MappingNode):
        return [_Mismatch(node, path, "an object")]
    for key, _location, value, _spelled in node.entries:
        inner = shape.value if isinstance(shape, MapOf) else shape.get(key)
        if inner is not None:
            wrong += _mismatches(value, inner, child_path(path, key), matching)
    return wrong


def _is_open(node: Scalar) -> bool:
    return isinstance(node.value, str) and is_template(node.value)


def _fits(node: Node, expected: str) -> bool:
    value = node.value if isinstance(node, Scalar) else None
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if expected == TEXT:
        return isinstance(value, str)
    if expected == TRUTH:
        return isinstance(value, bool)
    if expected == WHOLE:
        return is_whole or (isinstance(value, float) and value.is_integer())
    if expected == PORT:
        return is_whole or isinstance(value, str)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number or (isinstance(value, str) and quantity_sign(value) is not None)


def _without_volume(override: MappingNode, path: str) -> Iterator[tuple[Scalar, str]]:
    """Yield the mounts whose volume is not in the same podOverride; none if that is open."""
    volumes = field_of(override, "volumes")
    if volumes is not None and not isinstance(volumes, Sequence):
        return
    names = [text_of(field_of(volume, "name")) for volume in items_of(volumes)]
    if any(map(is_template, names)):
        return
    for field in CONTAINER_FIELDS:
        for i, container in enumerate(items_of(field_of(override, field))):
            for n, mount in enumerate(items_of(field_of(container, "volumeMounts"))):
                name = field_of(mount, "name")
                name_path = f"{path}.{field}[{i}].volumeMounts[{n}].name"
                if isinstance(name, Scalar) and text_of(name) not in names and not _is_open(name):
                    yield name, name_path


# Labels, names of containers, images and accounts.

CONTAINERS = {"containers": ("container",), "initContainers": ()}
"""Those that a pod has before podOverride is merged in (pkg/kube/pod.go)."""
CONTAINERS_OF_TWO = {"containers": ("output", "background"), "initContainers": ("init",)}
"""The same for MultiContainerRun; `container` means both in an ActionSet's podOverride only."""


@lint_rule(BLUEPRINT, "pod-labels")
def pod_labels(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find labels and annotations that Kanister's own validation refuses, templates among them.

    It looks at them before anything is rendered (ValidatePodLabelsAndAnnotations in
    pkg/function/utils.go, since 0.111), so a template is not a label value. An annotation's value
    is free, and only strings are looked at.
    """
    for phase, function in phases_with_function(blueprint, settings):
        for argument in function.arguments.values():
            node = phase.argument(argument.name)
            labels = argument.kind is ArgumentType.POD_LABELS
            if not (labels or argument.kind is ArgumentType.POD_ANNOTATIONS):
                continue
            path = f"{phase.path}.args.{argument.name}"
            for entry in node.entries if isinstance(node, MappingNode) else ():
                text = _string(entry.value)
                label_path = child_path(path, entry.key)
                if text is None:
                    continue
                if not QUALIFIED.allows(entry.key):
                    yield rule.report(
                        entry.location, label_path, _refused(entry.key, QUALIFIED.says)
                    )
                if labels and not LABEL_VALUE.allows(text):
                    yield rule.report(
                        entry.value.location, label_path, _refused(text, LABEL_VALUE.says)
                    )


def _string(node: Node) -> str | None:
    return node.value if isinstance(node, Scalar) and isinstance(node.value, str) else None


def _refused(text: str, says: str) -> str:
    if is_template(text):
        return f'Invalid value: "{text}": it is looked at before it is rendered; must be {says}'
    return f'Invalid value: "{text}": must be {says}'


@lint_rule(BLUEPRINT, "pod-override")
def pod_override(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find containers of podOverride that the pod does not have and that have no image.

    podOverride is merged by the name of the container (PatchDefaultPodSpecs in pkg/kube/pod.go), so
    another name adds a container, which the API server refuses without an image.
    """
    for phase, function in phases_with_function(blueprint, settings):
        by_field = CONTAINERS_OF_TWO if function.name == "MultiContainerRun" else CONTAINERS
        override = _override(phase, function)
        for field, names in by_field.items():
            node = override.get(field) if override else None
            path = f"{phase.path}.args.podOverride.{field}"
            if isinstance(node, Sequence):
                for i, item in enumerate(node.items):
                    yield from _container(rule, f"{path}[{i}]", item, names)
            elif is_set(node):
                message = f"Invalid value: {quote_value(node)}: must be a list of containers"
                yield rule.report(node.location, path, message)


def _container(rule: Rule, path: str, node: Node, names: tuple[str, ...]) -> Diagnostics:
    """Judge a container that is merged into a pod with containers of these names."""
    if not isinstance(node, MappingNode):
        yield rule.report(
            node.location, path, f"Invalid value: {quote_value(node)}: must be a container"
        )
        return
    name = node.get("name")
    text = text_of(name)
    if name is None or not text:
        message = "Required value: without a name it cannot be merged"
        yield rule.report(node.location, f"{path}.name", message)
    elif text not in names and node.get("image") is None and not is_template(text):
        pod_containers = " or ".join(f'"{container}"' for container in names)
        hint = f"; the pod's own is {pod_containers}" if pod_containers else ""
        message = f'Required value: "{text}" is a container of its own and needs an image{hint}'
        yield rule.report(name.location, f"{path}.image", message)


def _override(phase: BlueprintPhase, function: KanisterFunction) -> MappingNode | None:
    node = phase.argument("podOverride") if "podOverride" in function.arguments else None
    return node if isinstance(node, MappingNode) else None


@lint_rule(BLUEPRINT, "service-account", Severity.WARNING)
def service_account(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find kubectl in a pod of another namespace whose service account no one chose.

    Only in its own namespace does the controller give a pod its own account; elsewhere the pod has
    the account `default` of the namespace, which may do nothing (pkg/kube/pod.go).
    """
    for phase, function in phases_with_function(blueprint, settings):
        namespace = phase.argument("namespace")
        override = _override(phase, function)
        chosen = [phase.argument("serviceaccount"), field_of(override, "serviceAccountName")]
        if "podOverride" not in function.arguments or any(text_of(node) for node in chosen):
            continue
        controller_namespaces = ("", blueprint.namespace, settings.kasten_namespace)
        if namespace is None or text_of(namespace) in controller_namespaces:
            continue
        for statement in simple_commands(phase, *KUBECTL)[:1]:
            location = statement.node.place(statement.line, statement.column)
            message = (
                "kubectl runs as the service account default of the namespace; name one in "
                "podOverride.serviceAccountName"
            )
            yield rule.report(location, statement.path, message)


# Images of the pods that phases start.

ARGUMENTS = (".image", ".backgroundImage", ".initImage", ".outputImage")
"""How the paths of images end."""
TEMPLATE = re.compile(r"\{\{(?:(?!\{\{).)*?\}\}", re.DOTALL)


@lint_rule(BLUEPRINT, "placeholder", Severity.WARNING)
def placeholder(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find images with `<` and `>`, a placeholder that must be filled in before they run."""
    for phase in blueprint.phases:
        for path, node in phase.values:
            match = PLACEHOLDER.search(node.text) if path.endswith(ARGUMENTS) else None
            if match:
                yield rule.report(node.location, path, f"{match.group()} is still to be filled in")


@lint_rule(BLUEPRINT, "unpinned-image", Severity.WARNING)
def unpinned_image(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find images without a tag or with `latest`: what runs can change from backup to restore."""
    for phase in blueprint.phases:
        for path, node in phase.values:
            if not path.endswith(ARGUMENTS) or not isinstance(node.value, str):
                continue
            last = TEMPLATE.sub("x" if "}}" in node.text else "", node.text).rpartition("/")[2]
            if node.text.rstrip().endswith("}}") and ":" not in last:
                continue  # the tag may be in the value
            if not node.text or "@" in last or PLACEHOLDER.search(node.text):
                continue
            _name, colon, tag = last.partition(":")
            if not colon or tag == "latest":
                fault = 'has the tag "latest"' if colon else "has no tag, which means latest"
                message = f"the image {fault}; name the version that the Blueprint was tried with"
                yield rule.report(node.location, path, message)
