"""The manifests of one release of Helm, and the Blueprints of the Kafkas among them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from kanister_kafka.backup.output_dir import belongs_to_blueprint, is_own_scripts_file
from kanister_kafka.strimzi.reader import GROUP
from kanister_kafka.yamldoc import Document, loads

START = re.compile(rb"^(?=---(?:[ \t\r\n]|\Z))", re.MULTILINE)
"""Where a document begins: nothing else has three hyphens in the first column."""


def kafka_names(documents: Iterable[Document], namespace: str) -> tuple[str, ...]:
    """Return `NAMESPACE/NAME` of every Kafka, sorted; where none is named it is in `namespace`."""
    names = {
        f"{document.text('metadata', 'namespace') or namespace}/{document.text('metadata', 'name')}"
        for document in documents
        if (document.kind, document.group) == ("Kafka", GROUP)
    }
    return tuple(sorted(names))


def append_manifests(raw: bytes, blueprints: Collection[str], rendered: str) -> bytes:
    """Add what was rendered for these Blueprints to a stream of documents.

    All others stay as they are, byte for byte, and in their order. What an earlier run has added
    for the same Blueprints gives way, so that to run it twice is to run it once.
    """
    again = loads(rendered).documents if b"-scripts-" in raw else ()
    shared = {_identity(one) for one in again if is_own_scripts_file(one)}
    parts = START.split(raw)
    kept = b"".join(part for part in parts if not _gives_way(part, blueprints, shared))
    if not rendered:
        return kept
    end = b"" if not kept or kept.endswith(b"\n") else b"\n"
    return b"".join((kept, end, b"---\n", rendered.encode()))


def _gives_way(
    part: bytes, blueprints: Collection[str], shared: Collection[tuple[str, str]]
) -> bool:
    documents = loads(part).documents if b"kanister-kafka" in part else ()
    return bool(documents) and all(
        (is_own_scripts_file(document) and _identity(document) in shared)
        or any(belongs_to_blueprint(document, blueprint) for blueprint in blueprints)
        for document in documents
    )


def _identity(document: Document) -> tuple[str, str]:
    return document.text("metadata", "namespace"), document.text("metadata", "name")
