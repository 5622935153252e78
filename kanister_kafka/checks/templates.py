"""Go templates: whether they parse, and whether what they name is there."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.blueprint import Blueprint
from kanister_kafka.blueprint.template_functions import WAIT_V2
from kanister_kafka.checks.registry import Finding, Settings, check
from kanister_kafka.gotemplate import FaultKind


@check("template-syntax")
def template_syntax(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find templates that do not parse: the phase fails when it is rendered, however late."""
    for template in blueprint.templates:
        for fault in template.parsed.errors:
            if fault.kind is FaultKind.SYNTAX:
                place = template.node.place(fault.line, fault.column)
                message = f"does not parse as a template: {fault.message}"
                yield Finding(place, template.path, message)


@check("unknown-template-function")
def unknown_template_function(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find functions that the engine of the template does not have."""
    for template in blueprint.templates:
        for fault in template.parsed.errors:
            if fault.kind is FaultKind.UNKNOWN_FUNCTION:
                place = template.node.place(fault.line, fault.column)
                engine = "WaitV2's" if template.functions is WAIT_V2 else "Kanister's"
                message = f"{fault.message}; {engine} templates have no such function"
                yield Finding(place, template.path, message)
