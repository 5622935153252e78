"""A ValidatingAdmissionPolicy, decided: a template only spells it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A named expression of CEL."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """An expression of CEL that must hold, and what is said where it does not."""

    expression: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Resources of one API group."""

    group: str
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """A ValidatingAdmissionPolicy and its binding, both of this name and of no namespace."""

    name: str
    matched: tuple[Matched, ...]
    condition: str
    """Expression that tells whose requests are looked at."""
    variables: tuple[Expression, ...]
    validations: tuple[Validation, ...]
