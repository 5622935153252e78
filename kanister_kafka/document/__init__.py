"""YAML text to located nodes, whatever the text is."""

from kanister_kafka.document.comments import Ignore
from kanister_kafka.document.compose import MAX_DEPTH, MAX_NODES
from kanister_kafka.document.load import (
    MAX_BYTES,
    Loaded,
    Parsed,
    join,
    load,
    load_each,
    loads,
    parse,
)
from kanister_kafka.document.nodes import (
    Document,
    Entry,
    MappingNode,
    Node,
    Scalar,
    Sequence,
    from_object,
    placed,
    plain,
)

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_NODES",
    "Document",
    "Entry",
    "Ignore",
    "Loaded",
    "MappingNode",
    "Node",
    "Parsed",
    "Scalar",
    "Sequence",
    "from_object",
    "join",
    "load",
    "load_each",
    "loads",
    "parse",
    "placed",
    "plain",
]
