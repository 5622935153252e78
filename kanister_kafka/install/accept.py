"""Documents to objects that may be applied: only what this package renders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kanister_kafka.document import Document, plain
from kanister_kafka.errors import InputError
from kanister_kafka.install.target import OF_NO_NAMESPACE, ORDER, Target, target
from kanister_kafka.kube.connection import Object, Objects
from kanister_kafka.problem import Problem, error, in_order

CREATED = "RestoreAction"
"""Kasten starts a restore as soon as it exists."""
KINDS = ", ".join(kind for _version, kind in ORDER)


def accept(documents: Iterable[Document], namespace: str) -> Objects:
    """Return the objects of documents; those without a namespace get this one.

    Raises InputError, with all that is wrong, where one is of a kind that is not rendered here, has
    no name, or stands twice in the input.
    """
    objects: list[Object] = []
    problems: list[Problem] = []
    seen: set[Target] = set()
    for document in documents:
        item = _placed(plain(document.root), namespace)
        found = list(_wrong(document, item))
        if not found:
            objects.append(item)
            place = target(item)
            if place in seen:
                found = [_problem(document, "", f"{place.placed} stands twice in the input")]
            seen.add(place)
        problems += found
    if problems:
        raise InputError(in_order(problems))
    return tuple(objects)


def _placed(item: dict[str, Any], namespace: str) -> Object:
    metadata = item.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    if item.get("kind") in OF_NO_NAMESPACE:
        metadata = {key: value for key, value in metadata.items() if key != "namespace"}
        return {**item, "metadata": metadata}
    return {**item, "metadata": {**metadata, "namespace": metadata.get("namespace") or namespace}}


def _wrong(document: Document, item: Object) -> Iterator[Problem]:
    version, kind = item.get("apiVersion"), item.get("kind")
    if kind == CREATED:
        yield _problem(
            document,
            "kind",
            f"to apply a {CREATED} would start a restore; when that is wanted: kubectl create -f",
        )
    elif (version, kind) not in ORDER:
        yield _problem(
            document, "kind", f'Unsupported value: "{kind}" of {version}: supported are {KINDS}'
        )
    for key in ("name",) if kind in OF_NO_NAMESPACE else ("name", "namespace"):
        value = item["metadata"].get(key)
        if not isinstance(value, str) or not value:
            yield _problem(document, f"metadata.{key}", "Required value: must be a name")


def _problem(document: Document, path: str, message: str) -> Problem:
    return error("not-for-apply", document.root.location, path, message)
