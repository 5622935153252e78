"""Pods that functions start: their labels, their containers, the account they run as."""

from __future__ import annotations

import re

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.kanister import Blueprint, BlueprintPhase, child_path
from kanister_kafka.kanister.commands import KUBECTL, simple_commands
from kanister_kafka.kanister.decoding import (
    PLACEHOLDER,
    field_of,
    is_template,
    quote_value,
    text_of,
)
from kanister_kafka.kanister.function_catalog import KanisterFunction
from kanister_kafka.kanister.function_types import ArgumentType
from kanister_kafka.kube.names import LABEL_VALUE, QUALIFIED
from kanister_kafka.linter.registry import BLUEPRINT, LintSettings, Rule, lint_rule
from kanister_kafka.linter.rules.functions import phases_with_function
from kanister_kafka.yamldoc import MappingNode, Node, Scalar, Sequence
from kanister_kafka.yamldoc.nodes import is_set

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
                place = child_path(path, entry.key)
                if text is None:
                    continue
                if not QUALIFIED.allows(entry.key):
                    yield rule.report(entry.location, place, _refused(entry.key, QUALIFIED.says))
                if labels and not LABEL_VALUE.allows(text):
                    yield rule.report(entry.value.location, place, _refused(text, LABEL_VALUE.says))


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
        known = CONTAINERS_OF_TWO if function.name == "MultiContainerRun" else CONTAINERS
        override = _override(phase, function)
        for field, names in known.items():
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
        own = " or ".join(f'"{one}"' for one in names)
        hint = f"; the pod's own is {own}" if own else ""
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
        own = ("", blueprint.namespace, settings.kasten_namespace)
        if namespace is None or text_of(namespace) in own:
            continue
        for statement in simple_commands(phase, *KUBECTL)[:1]:
            place = statement.node.place(statement.line, statement.column)
            message = (
                "kubectl runs as the service account default of the namespace; name one in "
                "podOverride.serviceAccountName"
            )
            yield rule.report(place, statement.path, message)


# Images of the pods that phases start.

ARGUMENTS = (".image", ".backgroundImage", ".initImage", ".outputImage")
"""How the paths of images end."""
TEMPLATE = re.compile(r"\{\{(?:(?!\{\{).)*?\}\}", re.DOTALL)


@lint_rule(BLUEPRINT, "placeholder", Severity.WARNING)
def placeholder(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find images with `<` and `>`, a placeholder that must be filled in before they run."""
    for phase in blueprint.phases:
        for path, node in phase.values:
            found = PLACEHOLDER.search(node.text) if path.endswith(ARGUMENTS) else None
            if found:
                yield rule.report(node.location, path, f"{found.group()} is still to be filled in")


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
                said = 'has the tag "latest"' if colon else "has no tag, which means latest"
                message = f"the image {said}; name the version that the Blueprint was tried with"
                yield rule.report(node.location, path, message)
