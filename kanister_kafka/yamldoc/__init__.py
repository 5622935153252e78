"""YAML parser: any text to located nodes."""

from kanister_kafka.yamldoc.nodes import (
    Document,
    MappingEntry,
    MappingNode,
    Node,
    ObjectKey,
    Scalar,
    Sequence,
    document_from_dict,
    to_python,
    with_location,
)
from kanister_kafka.yamldoc.parser import MAX_BYTES, MAX_DEPTH, MAX_NODES, ParseLimits
from kanister_kafka.yamldoc.source import (
    STDIN,
    LoadResult,
    ParseResult,
    Suppression,
    dump,
    iter_load,
    load,
    loads,
    merge_results,
    parse,
)

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "STDIN",
    "Document",
    "LoadResult",
    "MappingEntry",
    "MappingNode",
    "Node",
    "ObjectKey",
    "ParseLimits",
    "ParseResult",
    "Scalar",
    "Sequence",
    "Suppression",
    "document_from_dict",
    "dump",
    "iter_load",
    "load",
    "loads",
    "merge_results",
    "parse",
    "to_python",
    "with_location",
]
