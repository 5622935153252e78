"""An argument as Kanister decodes it: what fails, what changes on the way, what is dropped.

Kanister decodes each argument with mapstructure's WeakDecode into a Go type (pkg/function/args.go):
a number becomes a string, a string a list of one, `true` the string `1`, and keys that a struct
does not have are dropped. What then must hold is read from each function's Exec(). Templates are
not judged, as nothing is known of what they render to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from kanister_kafka.blueprint.arguments import Argument, Kind
from kanister_kafka.blueprint.compare import below
from kanister_kafka.blueprint.faults import (
    Fault,
    Faults,
    Flaw,
    dropped,
    empty,
    is_template,
    items_of,
    refused,
    string,
    text_of,
    unsupported,
    wrong_type,
)
from kanister_kafka.blueprint.names import LABEL_VALUE, QUALIFIED, SUBDOMAIN
from kanister_kafka.blueprint.object_references import condition_lists, reference
from kanister_kafka.blueprint.pod_spec import FIELDS
from kanister_kafka.blueprint.values import (
    BOOLEANS,
    duration,
    is_image,
    quantity_sign,
)
from kanister_kafka.document import Entry, MappingNode, Node, Scalar, Sequence

PLACEHOLDER = re.compile(r"<[\w .-]+>")
"""What a published Blueprint leaves to be filled in."""
MOST_REPLICAS = 2**31 - 1
SPACED = re.compile(r"\A[^\\]*\s")
"""A program with arguments behind it; Windows has paths with spaces."""


def decode(argument: Argument, path: str, node: Node) -> Faults:
    """Yield what is wrong with the value of an argument; null is left to `null-argument`."""
    if not isinstance(node, Scalar) or node.value is not None:
        yield from _RULES[argument.kind](argument, path, node)


def _text(argument: Argument, path: str, node: Node) -> Faults:
    yield from string(path, node, argument.kind.value)
    text = text_of(node)
    if not isinstance(node, Scalar) or is_template(text):
        return
    if not text.strip() and not argument.blank:
        yield empty(node, path)
    elif argument.choices and text not in argument.choices:
        yield unsupported(node, path, argument.choices)


def _texts(argument: Argument, path: str, node: Node) -> Faults:
    items = items_of(node)
    if not items and not argument.blank:
        yield empty(node, path)
    for i, item in enumerate(items):
        place = f"{path}[{i}]" if isinstance(node, Sequence) else path
        yield from string(place, item, argument.kind.value if item is node else "a string")
        text = text_of(item)
        if not isinstance(item, Scalar) or item.value is None or is_template(text):
            continue
        if argument.choices and text not in argument.choices:
            yield unsupported(item, place, argument.choices)
        elif i == 0 and argument.name.lower().endswith("command") and SPACED.search(text):
            advice = "must be one word: no shell splits it; write a list of words"
            yield refused(item, place, advice)


def _yaml_texts(argument: Argument, path: str, node: Node) -> Faults:
    if isinstance(node, Sequence):
        yield from _texts(argument, path, node)
        return
    text = text_of(node)
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        yield wrong_type(node, path, argument.kind.value)
    elif text.strip() and not is_template(text) and not text.lstrip().startswith(("-", "[")):
        yield refused(node, path, f"must be {argument.kind.value}")


def _boolean(argument: Argument, path: str, node: Node) -> Faults:
    if not isinstance(node, Scalar):
        yield wrong_type(node, path, argument.kind.value)
    elif isinstance(node.value, str) and node.value not in BOOLEANS and not is_template(node.value):
        yield unsupported(node, path, ("true", "false"))


def _replicas(argument: Argument, path: str, node: Node) -> Faults:
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
        yield refused(node, path, f"must be from 0 to {MOST_REPLICAS}")
    elif node.text.isdigit() and int(node.text) != int(text):
        yield from string(path, node)


def _workload(argument: Argument, path: str, node: Node) -> Faults:
    yield from string(path, node, argument.kind.value)


def _duration(argument: Argument, path: str, node: Node) -> Faults:
    if not isinstance(node, Scalar):
        yield wrong_type(node, path, argument.kind.value)
        return
    text = text_of(node)
    if is_template(text):
        if not argument.rendered:
            yield refused(node, path, "must be a duration: a template is not rendered here")
        return
    length = duration(text)
    if length is None:
        yield refused(node, path, f"must be {argument.kind.value}; the units are h, m, s and ms")
    elif length <= 0:
        yield refused(node, path, "must be longer than 0: the time is over at once")


def _quantity(argument: Argument, path: str, node: Node) -> Faults:
    if not isinstance(node, Scalar):
        yield wrong_type(node, path, argument.kind.value)
        return
    text = text_of(node)
    if is_template(text) or (not text and argument.blank):
        return
    sign = quantity_sign(text)
    if sign is None:
        yield refused(
            node, path, f"must be {argument.kind.value}; units are Ki, Mi, Gi, Ti, k, M, G"
        )
    elif sign < 0 or (sign == 0 and not argument.blank):
        yield refused(node, path, "must be greater than 0")


def _image(argument: Argument, path: str, node: Node) -> Faults:
    yield from string(path, node, argument.kind.value)
    text = text_of(node)
    if not isinstance(node, Scalar) or is_template(text) or (not text and argument.blank):
        return
    if not text:
        yield empty(node, path)
    elif not is_image(text) and not PLACEHOLDER.search(text):
        told = "must be [REGISTRY/]NAME[:TAG][@DIGEST]; the name in lower case"
        yield refused(node, path, told)


def _entries(path: str, node: Node, wanted: str) -> Iterator[Fault | tuple[str, Entry]]:
    """Yield the entries of a mapping; a list of mappings is merged into one."""
    merged = items_of(node) if isinstance(node, Sequence) else (node,)
    for i, one in enumerate(merged):
        place = f"{path}[{i}]" if one is not node else path
        if isinstance(one, MappingNode):
            yield from ((below(place, entry.key), entry) for entry in one.entries)
        elif not isinstance(one, Scalar) or one.value is not None:
            yield wrong_type(one, place, wanted)


def _mounts(argument: Argument, path: str, node: Node) -> Faults:
    for found in _entries(path, node, argument.kind.value):
        if isinstance(found, Fault):
            yield found
            continue
        place, entry = found
        claim, mount = entry.key, entry.value
        yield from string(place, mount)
        text = text_of(mount)
        if not is_template(claim) and not SUBDOMAIN.allows(claim):
            message = f'Invalid value: "{claim}": must be the name of a PersistentVolumeClaim'
            yield Fault(Flaw.VALUE, entry.location, place, message)
        if isinstance(mount, Scalar) and not is_template(text) and (not text or ":" in text):
            yield refused(mount, place, "must be a path without a colon")


def _labels(argument: Argument, path: str, node: Node) -> Faults:
    for found in _entries(path, node, argument.kind.value):
        if isinstance(found, Fault):
            yield found
            continue
        place, entry = found
        key, value = entry.key, entry.value
        yield from string(place, value)
        if not is_template(key) and not QUALIFIED.allows(key):
            message = f'Invalid value: "{key}": must be {QUALIFIED.says}'
            yield Fault(Flaw.VALUE, entry.location, place, message)
        text = text_of(value)
        if isinstance(value, Scalar) and not is_template(text) and not LABEL_VALUE.allows(text):
            yield refused(value, place, f"must be {LABEL_VALUE.says}")


def _pod_labels(argument: Argument, path: str, node: Node) -> Faults:
    """Judge the type; `pod-labels` judges keys and values, templates included."""
    if not isinstance(node, MappingNode):
        yield wrong_type(node, path, argument.kind.value)
        return
    for entry in node.entries:
        yield from string(below(path, entry.key), entry.value)


def _pod_override(argument: Argument, path: str, node: Node) -> Faults:
    if isinstance(node, MappingNode):
        yield from dropped(path, node, FIELDS, "a pod's spec")
    for found in _entries(path, node, argument.kind.value):
        if isinstance(found, Fault):
            yield found


def _reference(_argument: Argument, path: str, node: Node) -> Faults:
    yield from reference(path, node)


def _conditions(_argument: Argument, path: str, node: Node) -> Faults:
    yield from condition_lists(path, node)


def _manifest(argument: Argument, path: str, node: Node) -> Faults:
    if not isinstance(node, Scalar):
        yield wrong_type(node, path, f"{argument.kind.value}: write `{argument.name}: |-`")


_RULES: dict[Kind, Callable[[Argument, str, Node], Faults]] = {
    Kind.TEXT: _text,
    Kind.NAMES: _text,
    Kind.TEXTS: _texts,
    Kind.YAML_TEXTS: _yaml_texts,
    Kind.BOOLEAN: _boolean,
    Kind.REPLICAS: _replicas,
    Kind.WORKLOAD: _workload,
    Kind.DURATION: _duration,
    Kind.QUANTITY: _quantity,
    Kind.IMAGE: _image,
    Kind.MOUNTS: _mounts,
    Kind.LABELS: _labels,
    Kind.POD_LABELS: _pod_labels,
    Kind.POD_ANNOTATIONS: _pod_labels,
    Kind.POD_OVERRIDE: _pod_override,
    Kind.REFERENCE: _reference,
    Kind.CONDITIONS: _conditions,
    Kind.MANIFEST: _manifest,
}
