"""Functions and the names of their arguments, at the release that is validated for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from kanister_kafka.blueprint import Blueprint, Phase
from kanister_kafka.blueprint.faults import shown
from kanister_kafka.blueprint.functions import Function, functions, releases_with
from kanister_kafka.blueprint.pod_spec import FIELDS
from kanister_kafka.checks.registry import Finding, Settings, check

READ_AND_REFUSED = {("ExportRDSSnapshotToLocation", "image"), ("RestoreRDSSnapshot", "image")}
"""Read by Exec() and in the documentation since 0.111, but in no list of arguments."""


def called(blueprint: Blueprint, settings: Settings) -> Iterator[tuple[Phase, Function]]:
    """Yield the phases whose function the release has."""
    known = functions(settings.release)
    for phase in blueprint.phases:
        if phase.func in known:
            yield phase, known[phase.func]


@check("unknown-function")
def unknown_function(blueprint: Blueprint, settings: Settings) -> Iterator[Finding]:
    """Find functions that no controller has registered: the action fails."""
    known = functions(settings.release)
    for phase in blueprint.phases:
        entry = phase.entry("func")
        name = phase.func
        if entry and name and name not in known:
            near = _nearest(name, known)
            hint = f': did you mean "{near}"?' if near else ""
            if elsewhere := releases_with(name):
                hint = f" at {settings.release}: it is in Kanister {elsewhere}"
            message = (
                f"Unsupported value: {shown(entry.value)}: Kanister has no such function{hint}"
            )
            yield Finding(entry.value.location, f"{phase.path}.func", message)


@check("unknown-argument")
def unknown_argument(blueprint: Blueprint, settings: Settings) -> Iterator[Finding]:
    """Find arguments that the function refuses: it takes none that it does not list."""
    for phase, function in called(blueprint, settings):
        for entry in phase.arguments.entries:
            if entry.key not in function.arguments:
                hint = _instead(function, entry.key, settings.release)
                path = f"{phase.path}.args.{entry.key}"
                yield Finding(entry.location, path, f"{phase.func} takes no such argument{hint}")


def _instead(function: Function, name: str, release: str) -> str:
    if elsewhere := releases_with(function.name, name):
        return f" at {release}: it takes it in Kanister {elsewhere}"
    if (function.name, name) in READ_AND_REFUSED:
        return ", though it is documented: it reads it and refuses it; leave it out"
    if near := _nearest(name, function.arguments):
        return f'; did you mean "{near}"?'
    if "podOverride" in function.arguments and name in FIELDS:
        return "; write it below podOverride"
    return f"; it takes {', '.join(sorted(function.arguments))}"


def _nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is meant most likely; case and what stands before count less."""
    lower = {one.lower(): one for one in known}
    near = difflib.get_close_matches(name.lower(), lower, n=1)
    ends = [one for one in sorted(lower) if one.endswith(name.lower()) and len(name) > 3]
    found = near or ends
    return lower[found[0]] if found else ""


@check("missing-argument")
def missing_argument(blueprint: Blueprint, settings: Settings) -> Iterator[Finding]:
    """Find required arguments that are not there."""
    for phase, function in called(blueprint, settings):
        given = {entry.key for entry in phase.arguments.entries}
        for name in function.required:
            if name not in given:
                message = f"Required value: {phase.func} needs it"
                yield Finding(phase.arguments.location, f"{phase.path}.args.{name}", message)


@check("null-argument")
def null_argument(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find null: the controller crashes on it (pkg/param/render.go), and the action hangs."""
    for phase in blueprint.phases:
        for path, node in phase.values:
            if node.value is None:
                message = (
                    "Invalid value: null: crashes the Kanister controller; remove the argument"
                )
                yield Finding(node.location, path, message)
