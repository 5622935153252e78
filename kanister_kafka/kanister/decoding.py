"""An argument as Kanister decodes it: what fails, what changes on the way, what is dropped.

Kanister decodes each argument with mapstructure's WeakDecode into a Go type (pkg/function/args.go):
a number becomes a string, a string a list of one, `true` the string `1`, and keys that a struct
does not have are dropped. Conditions for the decoded value are from each function's Exec().
Templates are not judged, as their output is not known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from kanister_kafka.diagnostics import Diagnostic, Diagnostics, error, warning
from kanister_kafka.durations import parse_go_duration
from kanister_kafka.errors import one_line
from kanister_kafka.kanister.function_types import ArgumentType, FunctionArgument
from kanister_kafka.kanister.kube_api import unknown_resource_hint
from kanister_kafka.kanister.scalar_formats import (
    BOOLEANS,
    coerce_to_string,
    is_image,
    quantity_sign,
)
from kanister_kafka.kanister.schema_validator import child_path
from kanister_kafka.kube.names import LABEL_VALUE, QUALIFIED, SUBDOMAIN, NameRule
from kanister_kafka.similarity import nearest_name
from kanister_kafka.yamldoc import MappingEntry, MappingNode, Node, Scalar, Sequence

ArgumentRule = Callable[[FunctionArgument, str, Node], Diagnostics]
"""From an argument, the path of its value and the value to what is wrong."""

MAX_QUOTED = 60
"""Characters of a value that a message quotes."""

# What is wrong with the value of an argument, and how values are read and named on the way.


def quote_value(node: Node) -> str:
    """Return a value as a message names it."""
    if not isinstance(node, Scalar):
        return "an object" if isinstance(node, MappingNode) else "a list"
    text = one_line(node.text, MAX_QUOTED)
    return f'"{text}"' if isinstance(node.value, str) else text


def is_template(text: str) -> bool:
    """Return whether a text has anything to render."""
    return "{{" in text


def field_of(node: Node | None, name: str) -> Node | None:
    """Return the value that a struct's field gets: mapstructure does not mind the case."""
    if isinstance(node, MappingNode):
        for entry in node.entries:
            if entry.key.lower() == name.lower():
                return entry.value
    return None


def text_of(node: Node | None) -> str:
    """Return a scalar as the string it is decoded to, or an empty string."""
    return coerce_to_string(node.value) if isinstance(node, Scalar) else ""


def items_of(node: Node | None) -> tuple[Node, ...]:
    """Return the items of a list; what is none is a list of one."""
    if isinstance(node, Sequence):
        return node.items
    empty = node is None or (isinstance(node, MappingNode) and not node.entries)
    return () if empty or node is None else (node,)


def wrong_type(node: Node, path: str, expected: str) -> Diagnostic:
    """Report a value that cannot be decoded."""
    message = f"Invalid value: {quote_value(node)}: must be {expected}"
    return error("argument-type", node.location, path, message)


def invalid_value(node: Node, path: str, expected: str) -> Diagnostic:
    """Report a value that is decoded and cannot work."""
    message = f"Invalid value: {quote_value(node)}: {expected}"
    return error("argument-value", node.location, path, message)


def empty_value(node: Node, path: str) -> Diagnostic:
    """Report a value that must not be empty."""
    return error("argument-value", node.location, path, "Required value: it is empty")


def unsupported_value(node: Node, path: str, choices: Iterable[str]) -> Diagnostic:
    """Report a value that is not one of a few."""
    return error("argument-value", node.location, path, unsupported_message(node, choices))


def unsupported_message(node: Node, choices: Iterable[str]) -> str:
    """Return a message with the choice that is nearest to a value, or with all of them."""
    by_lower = {choice.lower(): choice for choice in choices}
    near = nearest_name(text_of(node).lower(), by_lower)
    if near:
        hint = f'did you mean "{by_lower[near]}"?'
    else:
        hint = "supported values: " + ", ".join(f'"{choice}"' for choice in by_lower.values())
    return f"Unsupported value: {quote_value(node)}; {hint}"


def ignored_keys(path: str, node: MappingNode, known: tuple[str, ...], of: str) -> Diagnostics:
    """Yield the keys that a struct does not have: decoding drops them, and minds no case."""
    names = {name.lower(): name for name in known}
    for entry in node.entries:
        if entry.key.lower() not in names and not is_template(entry.key):
            near = nearest_name(entry.key.lower(), names)
            hint = f'; did you mean "{names[near]}"?' if near else ""
            message = f"{of} has no such key, so it is dropped in silence{hint}"
            yield warning("ignored-key", entry.location, child_path(path, entry.key), message)


def expect_string(path: str, node: Node, expected: str = "a string") -> Diagnostics:
    """Yield what is wrong with one string of any content."""
    if not isinstance(node, Scalar):
        yield wrong_type(node, path, expected)
    elif not isinstance(node.value, str) and node.value is not None:
        text = coerce_to_string(node.value)
        if text != node.text:
            message = (
                f'Invalid value: {node.text}: Kanister reads "{text}"; '
                f'for the text quote it: "{node.text}"'
            )
            yield error("unquoted-value", node.location, path, message)


# References to objects, and the conditions of Wait and WaitV2, as Kanister decodes them.

REFERENCE_FIELDS = ("apiVersion", "group", "resource", "kind", "name", "namespace")
"""Of ObjectReference in pkg/apis/cr/v1alpha1/types.go."""
CONDITION_FIELDS = ("condition", "objectReference")
CONDITION_LISTS = ("anyOf", "allOf")


def reference(path: str, node: Node) -> Diagnostics:
    """Yield what is wrong with a reference to an object."""
    if not isinstance(node, MappingNode):
        yield wrong_type(node, path, ArgumentType.REFERENCE.value)
        return
    yield from ignored_keys(path, node, REFERENCE_FIELDS, "a reference to an object")
    for entry in node.entries:
        if entry.key.lower() in [name.lower() for name in REFERENCE_FIELDS]:
            yield from expect_string(child_path(path, entry.key), entry.value)
    group, version, resource = (field_of(node, x) for x in ("group", "apiVersion", "resource"))
    if isinstance(version, Scalar) and "/" in text_of(version) and not is_template(version.text):
        head, _slash, tail = text_of(version).rpartition("/")
        advice = f"must be the version alone: group: {head} and apiVersion: {tail}"
        yield invalid_value(version, child_path(path, "apiVersion"), advice)
        return
    names = text_of(group), text_of(resource)
    fault = "" if any(map(is_template, names)) else unknown_resource_hint(*names)
    if fault and isinstance(resource, Scalar) and names[1]:
        yield invalid_value(resource, child_path(path, "resource"), fault)


def conditions(path: str, node: Node | None) -> Iterator[tuple[str, Node]]:
    """Yield the conditions of Wait and WaitV2 with their field paths."""
    for name in CONDITION_LISTS:
        listed = field_of(node, name)
        for i, item in enumerate(items_of(listed)):
            item_path = child_path(path, name)
            yield (f"{item_path}[{i}]" if isinstance(listed, Sequence) else item_path), item


def condition_lists(path: str, node: Node) -> Diagnostics:
    """Yield what is wrong with the lists of conditions."""
    if not isinstance(node, MappingNode):
        yield wrong_type(node, path, ArgumentType.CONDITIONS.value)
        return
    yield from ignored_keys(path, node, CONDITION_LISTS, "this mapping")
    for item_path, item in conditions(path, node):
        if not isinstance(item, MappingNode):
            if not isinstance(item, Scalar) or item.value is not None:
                yield wrong_type(item, item_path, "a mapping with condition and objectReference")
            continue
        yield from ignored_keys(item_path, item, CONDITION_FIELDS, "a condition")
        condition, target = field_of(item, "condition"), field_of(item, "objectReference")
        if condition is not None:
            yield from expect_string(child_path(item_path, "condition"), condition)
        if target is not None and (not isinstance(target, Scalar) or target.value is not None):
            yield from reference(child_path(item_path, "objectReference"), target)


# Fields of a pod's spec, which podOverride is merged into (core/v1 of k8s.io/api 0.37).

_NAMES = """
    activeDeadlineSeconds affinity automountServiceAccountToken containers dnsConfig dnsPolicy
    enableServiceLinks ephemeralContainers evictionResponders hostAliases hostIPC hostNetwork
    hostPID hostUsers hostname hostnameOverride imagePullSecrets initContainers nodeName
    nodeSelector os overhead preemptionPolicy priority priorityClassName readinessGates
    resourceClaims resources restartPolicy runtimeClassName schedulerName schedulingGates
    schedulingGroup securityContext serviceAccount serviceAccountName setHostnameAsFQDN
    shareProcessNamespace subdomain terminationGracePeriodSeconds tolerations
    topologySpreadConstraints volumes workloadRef
"""
FIELDS = tuple(_NAMES.split())


PLACEHOLDER = re.compile(r"<[\w .-]+>")
"""Values that a published Blueprint leaves to the user."""
MOST_REPLICAS = 2**31 - 1
SPACED = re.compile(r"\A[^\\]*\s")
"""A program with arguments behind it; Windows has paths with spaces."""


def decode(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    """Yield what is wrong with the value of an argument; null is left to `null-argument`."""
    if not isinstance(node, Scalar) or node.value is not None:
        yield from _RULES[argument.kind](argument, path, node)


def _text(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    yield from expect_string(path, node, argument.kind.value)
    text = text_of(node)
    if not isinstance(node, Scalar) or is_template(text):
        return
    if not text.strip() and not argument.blank:
        yield empty_value(node, path)
    elif argument.choices and text not in argument.choices:
        yield unsupported_value(node, path, argument.choices)


def _texts(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    items = items_of(node)
    if not items and not argument.blank:
        yield empty_value(node, path)
    for i, item in enumerate(items):
        item_path = f"{path}[{i}]" if isinstance(node, Sequence) else path
        yield from expect_string(
            item_path, item, argument.kind.value if item is node else "a string"
        )
        text = text_of(item)
        if not isinstance(item, Scalar) or item.value is None or is_template(text):
            continue
        if argument.choices and text not in argument.choices:
            yield unsupported_value(item, item_path, argument.choices)
        elif i == 0 and argument.name.lower().endswith("command") and SPACED.search(text):
            advice = "must be one word: no shell splits it; write a list of words"
            yield invalid_value(item, item_path, advice)


def _yaml_texts(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    if isinstance(node, Sequence):
        yield from _texts(argument, path, node)
        return
    text = text_of(node)
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        yield wrong_type(node, path, argument.kind.value)
    elif text.strip() and not is_template(text) and not text.lstrip().startswith(("-", "[")):
        yield invalid_value(node, path, f"must be {argument.kind.value}")


def _boolean(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    if not isinstance(node, Scalar):
        yield wrong_type(node, path, argument.kind.value)
    elif isinstance(node.value, str) and node.value not in BOOLEANS and not is_template(node.value):
        yield unsupported_value(node, path, ("true", "false"))


def _replicas(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    """Judge a number that is taken as it is, not decoded (setArgs in scale_workload.go)."""
    value = node.value if isinstance(node, Scalar) else None
    if not isinstance(node, Scalar) or isinstance(value, bool):
        yield wrong_type(node, path, argument.kind.value)
        return
    text = text_of(node)
    if isinstance(value, str) and is_template(value):
        return
    if not re.fullmatch("[-+]?[0-9]+", text):
        yield wrong_type(node, path, "a whole number of replicas")
    elif len(text) > 20 or not 0 <= int(text) <= MOST_REPLICAS:
        yield invalid_value(node, path, f"must be from 0 to {MOST_REPLICAS}")
    elif node.text.isdigit() and int(node.text) != int(text):
        yield from expect_string(path, node)


def _workload(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    yield from expect_string(path, node, argument.kind.value)


def _duration(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    if not isinstance(node, Scalar):
        yield wrong_type(node, path, argument.kind.value)
        return
    text = text_of(node)
    if is_template(text):
        if not argument.rendered:
            yield invalid_value(node, path, "must be a duration: a template is not rendered here")
        return
    length = parse_go_duration(text)
    if length is None:
        yield invalid_value(
            node, path, f"must be {argument.kind.value}; the units are h, m, s and ms"
        )
    elif length <= 0:
        yield invalid_value(node, path, "must be longer than 0: the time is over at once")


def _quantity(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    if not isinstance(node, Scalar):
        yield wrong_type(node, path, argument.kind.value)
        return
    text = text_of(node)
    if is_template(text) or (not text and argument.blank):
        return
    sign = quantity_sign(text)
    if sign is None:
        yield invalid_value(
            node, path, f"must be {argument.kind.value}; units are Ki, Mi, Gi, Ti, k, M, G"
        )
    elif sign < 0 or (sign == 0 and not argument.blank):
        yield invalid_value(node, path, "must be greater than 0")


def _image(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    yield from expect_string(path, node, argument.kind.value)
    text = text_of(node)
    if not isinstance(node, Scalar) or is_template(text) or (not text and argument.blank):
        return
    if not text:
        yield empty_value(node, path)
    elif not is_image(text) and not PLACEHOLDER.search(text):
        message = "must be [REGISTRY/]NAME[:TAG][@DIGEST]; the name in lower case"
        yield invalid_value(node, path, message)


def _entries(
    path: str, node: Node, expected: str
) -> Iterator[Diagnostic | tuple[str, MappingEntry]]:
    """Yield the entries of a mapping; a list of mappings is merged into one."""
    merged = items_of(node) if isinstance(node, Sequence) else (node,)
    for i, one in enumerate(merged):
        item_path = f"{path}[{i}]" if one is not node else path
        if isinstance(one, MappingNode):
            yield from ((child_path(item_path, entry.key), entry) for entry in one.entries)
        elif not isinstance(one, Scalar) or one.value is not None:
            yield wrong_type(one, item_path, expected)


def _pairs(
    key_rule: NameRule, key_words: str, is_value: Callable[[str], bool], value_words: str
) -> ArgumentRule:
    """Return the rule for a mapping of strings; keys and values with templates are left out."""

    def check(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
        for entry in _entries(path, node, argument.kind.value):
            if isinstance(entry, Diagnostic):
                yield entry
                continue
            entry_path, (key, location, value, _spelled) = entry
            yield from expect_string(entry_path, value)
            if not is_template(key) and not key_rule.allows(key):
                message = f'Invalid value: "{key}": must be {key_words}'
                yield error("argument-value", location, entry_path, message)
            text = text_of(value)
            if isinstance(value, Scalar) and not is_template(text) and not is_value(text):
                yield invalid_value(value, entry_path, f"must be {value_words}")

    return check


def _pod_labels(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    """Judge the type; `pod-labels` judges keys and values, templates included."""
    if not isinstance(node, MappingNode):
        yield wrong_type(node, path, argument.kind.value)
        return
    for entry in node.entries:
        yield from expect_string(child_path(path, entry.key), entry.value)


def _pod_override(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    if isinstance(node, MappingNode):
        yield from ignored_keys(path, node, FIELDS, "a pod's spec")
    for entry in _entries(path, node, argument.kind.value):
        if isinstance(entry, Diagnostic):
            yield entry


def _reference(_argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    yield from reference(path, node)


def _conditions(_argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    yield from condition_lists(path, node)


def _manifest(argument: FunctionArgument, path: str, node: Node) -> Diagnostics:
    if not isinstance(node, Scalar):
        yield wrong_type(node, path, f"{argument.kind.value}: write `{argument.name}: |-`")


_RULES: dict[ArgumentType, ArgumentRule] = {
    ArgumentType.TEXT: _text,
    ArgumentType.NAMES: _text,
    ArgumentType.TEXTS: _texts,
    ArgumentType.YAML_TEXTS: _yaml_texts,
    ArgumentType.BOOLEAN: _boolean,
    ArgumentType.REPLICAS: _replicas,
    ArgumentType.WORKLOAD: _workload,
    ArgumentType.DURATION: _duration,
    ArgumentType.QUANTITY: _quantity,
    ArgumentType.IMAGE: _image,
    ArgumentType.MOUNTS: _pairs(
        SUBDOMAIN,
        "the name of a PersistentVolumeClaim",
        lambda text: bool(text) and ":" not in text,
        "a path without a colon",
    ),
    ArgumentType.LABELS: _pairs(QUALIFIED, QUALIFIED.says, LABEL_VALUE.allows, LABEL_VALUE.says),
    ArgumentType.POD_LABELS: _pod_labels,
    ArgumentType.POD_ANNOTATIONS: _pod_labels,
    ArgumentType.POD_OVERRIDE: _pod_override,
    ArgumentType.REFERENCE: _reference,
    ArgumentType.CONDITIONS: _conditions,
    ArgumentType.MANIFEST: _manifest,
}
