"""Names of phases."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.blueprint import Blueprint
from kanister_kafka.checks.registry import Finding, Settings, check
from kanister_kafka.problem import Location


@check("duplicate-phase")
def duplicate_phase(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find names used twice: all actions and deferPhases share them (pkg/blueprint/validate)."""
    seen: dict[str, Location] = {}
    for phase in blueprint.phases:
        entry = phase.entry("name")
        name = phase.name
        if not entry or not name:
            continue
        place = entry.value.location
        if name in seen:
            message = f'Duplicate value: "{name}": line {seen[name].line} has a phase of this name'
            yield Finding(place, f"{phase.path}.name", message)
        seen.setdefault(name, place)
