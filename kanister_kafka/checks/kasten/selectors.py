"""Selectors of Policies: those that select nothing, or not what their author means."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from kanister_kafka.checks.kasten.objects import KastenObjects
from kanister_kafka.checks.kasten.rule import rule
from kanister_kafka.checks.kasten.selection import NAME_KEY, NAME_KEYS, selection
from kanister_kafka.checks.kasten.spot import Spot
from kanister_kafka.checks.registry import Finding, Settings
from kanister_kafka.document import Sequence

KNOWN = (*NAME_KEYS, "k10.kasten.io/virtualMachineRef")
"""Keys by which Kasten selects what has no such label."""
WITH_VALUES = ("In", "NotIn")
WITHOUT_VALUES = ("Exists", "DoesNotExist")
ALIKE = 0.9
PREFIX = NAME_KEY.partition("/")[0]
ABOUT_NAME = ("namespace", "namespaces", "appname", "appnames")
"""What else the name of a namespace is called below Kasten's own prefix."""


@rule("kasten-selector")
def selector(objects: KastenObjects, _settings: Settings) -> Iterator[Finding]:
    """Find keys that miss Kasten's own by their spelling, and requirements that nothing meets."""
    for policy in objects.policies:
        here = policy.at("spec", "selector")
        for spot, key in _keys(here):
            if wanted := _misspelt(key):
                message = (
                    f'Unsupported value: "{key}": no namespace has such a label, so it selects '
                    f'nothing; did you mean "{wanted}"?'
                )
                yield Finding(spot.location, spot.path, message)
        for expression in here.at("matchExpressions").each():
            yield from _values(expression)
        for key in NAME_KEYS:
            label = here.at("matchLabels", key)
            if label.is_empty:
                yield Finding(label.location, label.path, "Required value: the name of a namespace")
        selected = selection(policy)
        if selected.by_name and not selected.open and not selected.names and _is_filled(here):
            message = "Invalid value: no namespace has both names, so it selects nothing"
            yield Finding(here.location, here.path, message)


def _keys(here: Spot) -> Iterator[tuple[Spot, str]]:
    labels = here.at("matchLabels")
    for key, place in labels.named():
        yield Spot(None, f'{labels.path}["{key}"]', place), key
    for expression in here.at("matchExpressions").each():
        yield expression.at("key"), expression.at("key").text


def _misspelt(key: str) -> str:
    """Return the key that is meant; empty for one of Kasten's, and for a label of somebody's."""
    if key in KNOWN:
        return ""
    prefix, _slash, name = key.rpartition("/")
    plain = "".join(letter for letter in name.lower() if letter.isalnum())
    like = not prefix or "kasten" in prefix.lower() or "k10" in prefix.lower()
    whole = plain in ("appnamespace", "appnamespaces")
    if (like and whole) or (prefix == PREFIX and plain in ABOUT_NAME):
        return NAME_KEY
    near = difflib.get_close_matches(key, KNOWN, n=1, cutoff=ALIKE)
    return near[0] if near else ""


def _values(expression: Spot) -> Iterator[Finding]:
    operator, values = expression.at("operator").text, expression.at("values")
    items = values.node.items if isinstance(values.node, Sequence) else ()
    if operator in WITH_VALUES and not items and not values.is_template:
        message = f"Required value: operator {operator} compares with values"
        yield Finding(values.location, values.path, message)
    elif operator in WITHOUT_VALUES and items:
        message = f"Invalid value: operator {operator} takes no values"
        yield Finding(values.location, values.path, message)
    if expression.at("key").text in NAME_KEYS:
        for item in values.each():
            if item.is_empty:
                yield Finding(item.location, item.path, "Required value: the name of a namespace")


def _is_filled(here: Spot) -> bool:
    """Tell whether each requirement by name has a name, so that they rule each other out."""
    labels = [here.at("matchLabels", key) for key in NAME_KEYS]
    found = [label for label in labels if label.there]
    expressions = [
        expression.at("values")
        for expression in here.at("matchExpressions").each()
        if expression.at("key").text in NAME_KEYS and expression.at("operator").text == "In"
    ]
    return all(label.text for label in found) and all(values.texts for values in expressions)
