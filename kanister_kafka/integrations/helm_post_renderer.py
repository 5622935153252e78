"""The manifests of one release of Helm, and the Blueprints of the Kafkas among them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from kanister_kafka.backup.output_dir import belongs_to_blueprint, is_own_scripts_file
from kanister_kafka.backup.render import Manifest, to_yaml_stream
from kanister_kafka.constants import STRIMZI
from kanister_kafka.yamldoc import Document, ObjectKey, loads

START = re.compile(rb"^(?=---(?:[ \t\r\n]|\Z))", re.MULTILINE)
"""Where a document begins: nothing else has three hyphens in the first column."""


def kafka_names(documents: Iterable[Document], namespace: str) -> tuple[str, ...]:
    """Return `NAMESPACE/NAME` of every Kafka, sorted; `namespace` is for one without its own."""
    names = {
        f"{document.text('metadata', 'namespace') or namespace}/{document.text('metadata', 'name')}"
        for document in documents
        if (document.kind, document.group) == ("Kafka", STRIMZI)
    }
    return tuple(sorted(names))


def append_manifests(
    raw: bytes, blueprints: Collection[str], manifests: Collection[Manifest]
) -> bytes:
    """Append the objects that were rendered for these Blueprints to a stream of documents.

    All other documents stay, byte for byte and in their order. Objects that an earlier run appended
    for the same Blueprints are removed first, so a second run gives the same result.
    """
    shared: set[ObjectKey] = set()
    for one in manifests if b"-scripts-" in raw else ():
        shared.update(document.key for document in one.documents if is_own_scripts_file(document))
    parts = START.split(raw)
    kept = b"".join(part for part in parts if not _is_replaced(part, blueprints, shared))
    if not manifests:
        return kept
    end = b"" if not kept or kept.endswith(b"\n") else b"\n"
    return b"".join((kept, end, b"---\n", to_yaml_stream(manifests).encode()))


def _is_replaced(part: bytes, blueprints: Collection[str], shared: Collection[ObjectKey]) -> bool:
    documents = loads(part).documents if b"kanister-kafka" in part else ()

    def is_replaced(document: Document) -> bool:
        return (is_own_scripts_file(document) and document.key in shared) or any(
            belongs_to_blueprint(document, blueprint) for blueprint in blueprints
        )

    return bool(documents) and all(map(is_replaced, documents))
