"""Whether the Blueprint on the cluster is what would be made of the cluster now."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kanister_kafka._version import __version__
from kanister_kafka.backup.options import Options
from kanister_kafka.backup.planner import build_plan
from kanister_kafka.backup.provenance import input_hash
from kanister_kafka.operations.provenance import Provenance
from kanister_kafka.strimzi import Version, read_cluster
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.strimzi.reader import LIVE
from kanister_kafka.yamldoc import Document, MappingNode


def version_drift(origin: Provenance) -> str:
    """Return a line if another version made a Blueprint; empty if it was this one or unknown."""
    if origin.version in ("", __version__):
        return ""
    return f"its Blueprint was made by kanister-kafka {origin.version}, and this is {__version__}"


def input_drift(
    origin: Provenance,
    target: KafkaRef,
    documents: Iterable[Document],
    options: Options,
    strimzi_version: Version | None,
) -> str:
    """Return a line if a Blueprint would be another one now; empty if it would be the same.

    The live cluster shows more than the files that it was made from, such as its workloads, and a
    Blueprint for more than one possibility is as good: either reading will do.
    """
    live = tuple(documents)
    hashes = set()
    for document_set in (live, tuple(_as_files(live))):
        reading = read_cluster(
            document_set,
            cluster=f"{target.namespace}/{target.name}",
            namespace=target.namespace,
            strimzi_version=strimzi_version,
            writers=options.writers,
            not_writers=options.not_writers,
        )
        if reading.cluster is not None:
            hashes.add(input_hash(build_plan(reading.cluster, options)))
    if not hashes or origin.input_hash in hashes:
        return ""
    words = f" {origin.options}" if origin.options else ""
    command = f"kanister-kafka check {target.name} -n {target.namespace}{words}"
    return f"the cluster has changed since its Blueprint was made; to see how, run: {command}"


def _as_files(documents: Iterable[Document]) -> Iterator[Document]:
    """Leave out what only a live cluster has: workloads, and what operators report."""
    for document in documents:
        if (document.kind, document.group) not in {(kind, group) for kind, group, _ in LIVE}:
            entries = tuple(entry for entry in document.root.entries if entry.key != "status")
            yield Document(MappingNode(entries, document.root.location))
