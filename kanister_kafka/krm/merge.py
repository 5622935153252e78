"""What becomes of each item: kept as it is, replaced, or dropped; and what is added."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from kanister_kafka.document import Document, MappingNode, loads, plain
from kanister_kafka.document.dump import dump
from kanister_kafka.krm.blueprints import Made
from kanister_kafka.krm.resource_list import Identity, annotations_of
from kanister_kafka.marks import BLUEPRINT, COMPONENT, MANAGED_BY
from kanister_kafka.render import scalar
from kanister_kafka.strimzi.fields import Field

ORCHESTRATORS = (
    "config.k8s.io/",
    "config.kubernetes.io/",
    "internal.config.kubernetes.io/",
    "internal.kpt.dev/",
    "kustomize.config.k8s.io/",
)
"""Annotations by which the caller knows an item again: they stay on what is replaced."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a run makes of a list."""

    items: tuple[str | None, ...]
    """For each item its new text, an empty one where it is dropped, None where it is kept."""
    added: tuple[str, ...] = ()
    dropped: tuple[Identity, ...] = ()


def unchanged(items: Collection[Document]) -> Change:
    """Return what keeps every item."""
    return Change((None,) * len(items))


def merge(items: Collection[Document], made: Collection[Made], top: Field) -> Change:
    """Put rendered objects in the place of those of an earlier run; report what is not ours."""
    left = {one.identity: one for one in made}
    serving = {
        f"{one.identity.namespace}/{one.identity.name}"
        for one in made
        if one.identity.kind == "Blueprint"
    }
    texts: list[str | None] = []
    dropped = []
    for item in items:
        identity, before = Identity.of(item), annotations_of(item)
        ours = item.text("metadata", "labels", MANAGED_BY) == COMPONENT
        if identity in left:
            texts.append(annotated(left.pop(identity).text, _of_orchestrators(before)))
            if not ours:
                top.error(
                    "duplicate-object",
                    f"{identity} is among the items and not of {COMPONENT}: it would be replaced; "
                    "rename it, or set name or serviceAccount",
                )
        elif ours and before.get(BLUEPRINT) in serving:
            texts.append("")
            dropped.append(identity)
        else:
            texts.append(None)
    return Change(tuple(texts), tuple(one.text for one in left.values()), tuple(dropped))


def annotated(text: str, more: Mapping[str, str]) -> str:
    """Return an object with further annotations; its text stays as it is but for these lines."""
    if not more:
        return text
    (document,) = loads(text).documents
    metadata = document.root.get("metadata")
    found = metadata.get("annotations") if isinstance(metadata, MappingNode) else None
    lines = text.split("\n")
    if isinstance(found, MappingNode) and found.entries:
        first = found.entries[0].location
        indent = lines[first.line - 1][: first.column - 1]
        if not indent.strip():
            new = [f"{indent}{scalar(key)}: {scalar(more[key])}" for key in sorted(more)]
            return "\n".join([*lines[: first.line - 1], *new, *lines[first.line - 1 :]])
    data = plain(document.root)
    before = data["metadata"].get("annotations") or {}
    data["metadata"]["annotations"] = {**before, **more}
    return dump(data)


def _of_orchestrators(before: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in before.items() if key.startswith(ORCHESTRATORS)}
