"""Coverage of each Policy: its namespaces, and the actions of Blueprints that run around them.

The table and the findings are one: what is found at a hook or at a binding stands in its row.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from kanister_kafka.diagnostics import Diagnostic, Location, Severity
from kanister_kafka.kanister import Blueprint
from kanister_kafka.kasten.schemas import MOMENTS
from kanister_kafka.linter.kasten.cursor import Cursor
from kanister_kafka.linter.kasten.objects import (
    Filters,
    KastenObjects,
    PolicyOperation,
    parameters,
    read_kasten_objects,
)
from kanister_kafka.linter.kasten.selection import (
    BlueprintLink,
    blueprint_links,
    namespace_selection,
    no_use,
)
from kanister_kafka.linter.registry import LintSettings, ManifestSet
from kanister_kafka.linter.rules.kasten.filters import excludes, may_select

AROUND = ("backupPrehook", "backup", "backupPosthook")
"""Actions that Kasten runs on a bound object during a backup, in this order."""
UNKNOWN = "?"
NO_RUN = (
    "kasten-kind", "kasten-missing-parameter", "kasten-policy-namespace", "kasten-policy-shape",
    "kasten-selector",
)  # fmt: skip
"""Errors for which nothing of a Policy runs, or not what its author has meant."""
NO_HOOK = ("kasten-kafka-not-stopped",)
"""Ids of findings if there is no hook at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CoveredAction:
    """An action of a Blueprint that Kasten runs, or would; or a hook that is not there."""

    when: str
    """The hook, as `backup preHook`; for a bound object the action itself."""
    on: str
    """The subject that it runs on."""
    blueprint: str
    """Empty if there is no such hook."""
    action: str
    """Empty if there is no such hook: nothing runs."""
    phases: tuple[str, ...]
    """None if the input does not have the action."""
    but: str = ""
    """Why it does not run or does harm, or why that is not known; empty if nothing is against
    it. Ids of checks are those of the findings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCoverage:
    """The coverage of one Policy."""

    name: str
    location: Location
    frequency: str
    """Empty if a preset has it."""
    namespaces: tuple[str, ...]
    """None if they are not selected by name."""
    matches: str
    """Selectors of namespaces by other means, as `team=data`; empty if there are none."""
    several: bool
    """Whether hooks run more than once, or may: once for each namespace."""
    operations: tuple[str, ...]
    profiles: tuple[str, ...]
    """Location profiles, of the backup and of exports."""
    errors: tuple[str, ...]
    """Ids of the errors in it."""
    runs: tuple[CoveredAction, ...]


def policy_coverage(
    manifests: ManifestSet, settings: LintSettings, problems: Iterable[Diagnostic]
) -> tuple[PolicyCoverage, ...]:
    """Return what each Policy covers, in the order of the input, and what is wrong with it."""
    objects = read_kasten_objects(manifests)
    findings = _Findings.of(manifests, problems)
    return tuple(_coverage(objects, settings, findings, policy) for policy in objects.policies)


@dataclass(frozen=True, slots=True)
class _Findings:
    """Findings by the object that they are about."""

    starts: dict[str, Sequence[int]]
    """First lines of the objects of each source."""
    by_object: dict[tuple[str, int], list[Diagnostic]]
    """By source, and by the first line of the object."""

    @classmethod
    def of(cls, manifests: ManifestSet, problems: Iterable[Diagnostic]) -> _Findings:
        starts: dict[str, list[int]] = defaultdict(list)
        for document in manifests.documents:
            starts[document.root.location.source].append(document.root.location.line)
        findings = cls(
            {source: sorted(lines) for source, lines in starts.items()}, defaultdict(list)
        )
        for problem in problems:
            findings.by_object[findings._object(problem.location)].append(problem)
        return findings

    def ids(self, root: Location, below: str = "", least: Severity = Severity.WARNING) -> list[str]:
        """Return the ids of the findings in an object, at a path and below it."""
        return list(
            dict.fromkeys(
                problem.rule
                for problem in self.by_object.get(self._object(root), ())
                if problem.severity.reaches(least) and _is_below(problem.path, below)
            )
        )

    def _object(self, location: Location) -> tuple[str, int]:
        lines = self.starts.get(location.source, ())
        index = bisect_right(lines, location.line)
        return location.source, lines[index - 1] if index else 0


def _is_below(path: str, top: str) -> bool:
    return not top or path == top or path.startswith((f"{top}.", f"{top}["))


def _coverage(
    objects: KastenObjects, settings: LintSettings, findings: _Findings, policy: Cursor
) -> PolicyCoverage:
    actions = list(policy.at("spec", "actions").each())
    profiles = (fields.at("profile", "name").text for _operation, fields in parameters(policy))
    selected = namespace_selection(policy)
    errors = findings.ids(policy.location, least=Severity.ERROR)
    wrong = _see(rule_id for rule_id in errors if rule_id in NO_RUN)
    runs = tuple(
        chain(_hooks(objects, findings, policy), _bound(objects, settings, findings, policy))
    )
    return PolicyCoverage(
        name=policy.at("metadata", "name").text,
        location=policy.location,
        frequency=policy.at("spec", "frequency").text,
        namespaces=tuple(sorted(selected.names)),
        matches=selected.words,
        several=selected.several,
        operations=tuple(action.at("action").text for action in actions),
        profiles=tuple(dict.fromkeys(filter(None, profiles))),
        errors=tuple(errors),
        runs=tuple(replace(run, but=run.but or wrong) for run in runs),
    )


def _hooks(objects: KastenObjects, findings: _Findings, policy: Cursor) -> Iterator[CoveredAction]:
    for operation in objects.of(policy):
        none = not operation.calls
        if none and not {*findings.ids(policy.location, operation.hooks.path)} & {*NO_HOOK}:
            continue
        for moment in MOMENTS:
            for namespace in namespace_selection(policy).rows():
                yield _hook(objects, findings, operation, moment, namespace)


def _hook(
    objects: KastenObjects,
    findings: _Findings,
    operation: PolicyOperation,
    moment: str,
    namespace: str,
) -> CoveredAction:
    hook = operation.hooks.at(moment)
    when, hook_path = f"{operation.name} {moment}", f"{operation.hooks.path}.{moment}"
    rule_ids = findings.ids(operation.owner.location, hook_path)
    if not hook.there:
        hooks_ids = findings.ids(operation.owner.location, operation.hooks.path)
        rule_ids += [rule_id for rule_id in hooks_ids if rule_id in NO_HOOK]
        return CoveredAction(
            when=when, on=namespace, blueprint="", action="", phases=(), but=_see(rule_ids)
        )
    blueprint, action = hook.at("blueprint").text, hook.at("actionName").text
    run = _run(objects, when, namespace, blueprint, action)
    return replace(run, but=run.but or _see(rule_ids))


def _bound(
    objects: KastenObjects, settings: LintSettings, findings: _Findings, policy: Cursor
) -> Iterator[CoveredAction]:
    for tie in blueprint_links(objects):
        if not may_select(policy, tie):
            continue
        blueprints = objects.named(tie.blueprint)
        names = [name for name in AROUND if _is_action(name, blueprints)]
        left_out = "the filter leaves it out" if _leaves_out(policy, tie) else ""
        root = tie.binding.root.location if tie.binding else tie.here.location
        below = "" if tie.binding else tie.here.path
        why = no_use(tie, settings) or left_out or _see(findings.ids(root, below))
        for name in names or (UNKNOWN,):
            run = _run(objects, name, f"{tie}, by {tie.by}", tie.blueprint, name)
            yield replace(run, but=why) if why else run


def _see(ids: Iterable[str]) -> str:
    rule_ids = list(ids)
    return f"see {', '.join(rule_ids)}" if rule_ids else ""


def _is_action(name: str, blueprints: Iterable[Blueprint]) -> bool:
    return any(blueprint.action(name) for blueprint in blueprints)


def _run(objects: KastenObjects, when: str, on: str, blueprint: str, action: str) -> CoveredAction:
    blueprints = objects.named(blueprint)
    actions = [called for named in blueprints if (called := named.action(action))]
    phases = chain.from_iterable(called.phases for called in actions)
    but = "" if actions else "the Blueprint has no action for it"
    return CoveredAction(
        when=when,
        on=on,
        blueprint=blueprint,
        action=action,
        phases=tuple(phase.name for phase in phases),
        but=but if blueprints else "the Blueprint is not in the input",
    )


def _leaves_out(policy: Cursor, tie: BlueprintLink) -> bool:
    return any(
        excludes(Filters(fields.at("filters")), tie)
        for operation, fields in parameters(policy)
        if operation == "backup"
    )
