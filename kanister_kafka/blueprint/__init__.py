"""What a Blueprint may hold, as Kanister reads it: its shape, its functions, its templates."""

from kanister_kafka.blueprint.compare import below, check_schema
from kanister_kafka.blueprint.view import Action, Blueprint, Phase, Template, read, scalars, strings

__all__ = [
    "Action",
    "Blueprint",
    "Phase",
    "Template",
    "below",
    "check_schema",
    "read",
    "scalars",
    "strings",
]
