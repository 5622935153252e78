"""Results as JSON and back, from a Job in the cluster to the command that created it.

Bytes are base64, enums are their values; other values are those of JSON.
"""

from __future__ import annotations

import base64
import enum
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from kanister_kafka.errors import UnreachableError
from kanister_kafka.topics import model

KINDS = {
    "comparison": model.Comparison,
    "last": model.TailRecords,
    "rates": model.TopicRates,
    "totals": model.TopicSizes,
}
"""Results by their names in a message; a Job of another version has the same names."""


def to_json(value: Any) -> Any:
    """Return a value of the model as JSON values."""
    if is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [to_json(one) for one in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, enum.Enum):
        return value.value
    return value


def from_json(kind: Any, value: Any) -> Any:
    """Return a value of the model from JSON values; raises UnreachableError."""
    try:
        return _decode(kind, value)
    except (KeyError, TypeError, ValueError) as failure:
        raise UnreachableError(
            f"unexpected result from the cluster (not a {kind.__name__}); does the image of the "
            "Job have the same version?"
        ) from failure


def _decode(kind: Any, value: Any) -> Any:
    origin = typing.get_origin(kind)
    arguments = typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        rest = [one for one in arguments if one is not type(None)]
        return None if value is None else _decode(rest[0], value)
    if origin is tuple:
        if arguments[-1] is Ellipsis:
            return tuple(_decode(arguments[0], one) for one in value)
        return tuple(_decode(one, part) for one, part in zip(arguments, value, strict=True))
    if is_dataclass(kind):
        dataclass: Any = kind
        members: Mapping[str, Any] = {**value}
        hints = typing.get_type_hints(kind)
        return dataclass(**{name: _decode(hint, members[name]) for name, hint in hints.items()})
    if kind is bytes:
        return base64.b64decode(value, validate=True)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)
    if not isinstance(value, (int, float) if kind is float else kind):
        raise TypeError(value)
    return value
