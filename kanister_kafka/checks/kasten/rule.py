"""How a rule of Kasten's is told to the validator, and when these rules hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kanister_kafka.checks.kasten.objects import KastenObjects, read
from kanister_kafka.checks.registry import Finding, Settings, Together, check_together
from kanister_kafka.problem import Severity

Rule = Callable[[KastenObjects, Settings], Iterator[Finding]]


def hold(together: Together, settings: Settings) -> bool:
    """Tell whether Kasten's rules hold: as set, or where one of Kasten's objects is there."""
    if settings.kasten is not None:
        return settings.kasten
    objects = read(together)
    return bool(objects.policies or objects.bindings)


def rule(name: str, severity: Severity = Severity.ERROR) -> Callable[[Rule], Rule]:
    """Register a function as the check of this id, silent where Kasten's rules do not hold."""

    def register(find: Rule) -> Rule:
        @check_together(name, severity)
        def gated(together: Together, settings: Settings) -> Iterator[Finding]:
            if hold(together, settings):
                yield from find(read(together), settings)

        return find

    return register
