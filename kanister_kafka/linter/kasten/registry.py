"""How a rule of Kasten's is told to the validator, and when these rules hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kanister_kafka.diagnostics import Severity
from kanister_kafka.linter.kasten.objects import KastenObjects, read_kasten_objects
from kanister_kafka.linter.registry import Finding, LintSettings, ManifestSet, manifest_set_rule

KastenRuleFunction = Callable[[KastenObjects, LintSettings], Iterator[Finding]]


def kasten_rules_apply(together: ManifestSet, settings: LintSettings) -> bool:
    """Tell whether Kasten's rules hold: as set, or where one of Kasten's objects is there."""
    if settings.kasten is not None:
        return settings.kasten
    objects = read_kasten_objects(together)
    return bool(objects.policies or objects.bindings)


def kasten_rule(
    name: str, severity: Severity = Severity.ERROR
) -> Callable[[KastenRuleFunction], KastenRuleFunction]:
    """Register a function as the check of this id, silent where Kasten's rules do not hold."""

    def register(find: KastenRuleFunction) -> KastenRuleFunction:
        @manifest_set_rule(name, severity)
        def gated(together: ManifestSet, settings: LintSettings) -> Iterator[Finding]:
            if kasten_rules_apply(together, settings):
                yield from find(read_kasten_objects(together), settings)

        return find

    return register
