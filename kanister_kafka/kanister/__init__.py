"""The content of a Blueprint, as Kanister reads it: its shape, its functions, its templates."""

from kanister_kafka.kanister.blueprint import (
    Blueprint,
    BlueprintAction,
    BlueprintPhase,
    TemplateText,
    read,
)
from kanister_kafka.kanister.schema_validator import child_path, validate_schema

__all__ = [
    "Blueprint",
    "BlueprintAction",
    "BlueprintPhase",
    "TemplateText",
    "child_path",
    "read",
    "validate_schema",
]
