"""Values of arguments: what Kanister cannot decode, refuses, reads otherwise or drops."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from kanister_kafka.blueprint import Blueprint
from kanister_kafka.blueprint.decode import decode
from kanister_kafka.blueprint.faults import Fault, Flaw
from kanister_kafka.checks.functions import called
from kanister_kafka.checks.registry import Finding, Settings, check
from kanister_kafka.problem import Severity


def _found(blueprint: Blueprint, settings: Settings, flaw: Flaw) -> Iterator[Finding]:
    for fault in _faults(blueprint, settings):
        if fault.flaw is flaw:
            yield Finding(fault.location, fault.path, fault.message)


@lru_cache(maxsize=1)  # for the checks that follow
def _faults(blueprint: Blueprint, settings: Settings) -> tuple[Fault, ...]:
    return tuple(
        fault
        for phase, function in called(blueprint, settings)
        for entry in phase.arguments.entries
        if (argument := function.arguments.get(entry.key)) is not None
        for fault in decode(argument, f"{phase.path}.args.{entry.key}", entry.value)
    )


@check("argument-type")
def argument_type(blueprint: Blueprint, settings: Settings) -> Iterator[Finding]:
    """Find values that cannot be decoded to what the function wants: the phase fails."""
    yield from _found(blueprint, settings, Flaw.TYPE)


@check("argument-value")
def argument_value(blueprint: Blueprint, settings: Settings) -> Iterator[Finding]:
    """Find values of the right type that Kanister, Kubernetes or the runtime refuses."""
    yield from _found(blueprint, settings, Flaw.VALUE)


@check("unquoted-value")
def unquoted_value(blueprint: Blueprint, settings: Settings) -> Iterator[Finding]:
    """Find booleans and numbers that become another text: `true` is read as `1`, 0755 as 493."""
    yield from _found(blueprint, settings, Flaw.SPELLING)


@check("ignored-key", Severity.WARNING)
def ignored_key(blueprint: Blueprint, settings: Settings) -> Iterator[Finding]:
    """Find keys below an argument that are dropped without a word."""
    yield from _found(blueprint, settings, Flaw.IGNORED)
