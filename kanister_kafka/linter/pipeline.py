"""Text to diagnostics: parse, find the Blueprints, run the rules, leave out what is silenced.

A module of rules that few inputs need is imported for these alone: to import all of them takes
longer than to validate a small Blueprint.
"""

from __future__ import annotations

import gc
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from kanister_kafka.diagnostics import (
    Diagnostic,
    Diagnostics,
    Location,
    Severity,
    sort_diagnostics,
    warning,
)
from kanister_kafka.kanister import Blueprint, read, validate_schema
from kanister_kafka.kanister.blueprint import detect_blueprint, forget_answers
from kanister_kafka.linter.helm_source import ChartAwareReader
from kanister_kafka.linter.registry import (
    BLUEPRINT,
    KASTEN,
    MANIFEST_SET,
    RULES,
    LintSettings,
    ManifestSet,
    Rule,
    Scope,
    Subject,
)
from kanister_kafka.yamldoc import STDIN, Document, LoadResult, Suppression, load, loads

if TYPE_CHECKING:
    from kanister_kafka.linter.policy_coverage import PolicyCoverage

ALWAYS = (
    "arguments", "blueprint_sets", "functions", "inputs", "kando", "phases",
    "pods", "scripts", "workloads",
)  # fmt: skip
"""Modules of rules that every input needs. The others are imported if the input has their kinds."""
KASTEN_KINDS = frozenset(
    ("BlueprintBinding", "Policy", "TransformSet", "BackupAction", "ExportAction", "RestoreAction")
)
KASTEN_GROUPS = "kio.kasten.io"
"""End of the API groups of Kasten."""


@dataclass(frozen=True, slots=True)
class Validation:
    """The diagnostics of a run, and counts of the validated objects."""

    problems: tuple[Diagnostic, ...]
    """Sorted by location."""
    blueprints: int
    skipped: int
    """Objects of other kinds."""
    files: tuple[str, ...] = ()
    """All files that were read, also those without problems."""
    ignored: tuple[Diagnostic, ...] = ()
    """Diagnostics that the options or a comment in the text silence."""


def validate(
    paths: Iterable[str | Path],
    settings: LintSettings | None = None,
    *,
    ignore: Collection[str] = (),
) -> Validation:
    """Validate every Blueprint in files, directories and standard input (`-`).

    A template of a chart is read as Helm renders it, if that does not depend on values. `ignore`
    holds ids of rules to silence. Raises UnreachableError if a path cannot be read; nothing else,
    however broken the text is.
    """
    reader = ChartAwareReader()
    all_paths = tuple(paths)
    with without_gc():
        loaded = _with_note(load(all_paths, reader.loads), all_paths)
        result = validate_loaded(loaded, settings, ignore=ignore)
        return replace(
            result,
            problems=reader.original(result.problems),
            ignored=reader.original(result.ignored),
        )


def validate_text(
    text: str | bytes,
    source: str = "<text>",
    settings: LintSettings | None = None,
    *,
    ignore: Collection[str] = (),
) -> tuple[Diagnostic, ...]:
    """Validate every Blueprint in a text of any number of documents."""
    return validate_loaded(loads(text, source), settings, ignore=ignore).problems


def validate_loaded(
    loaded: LoadResult,
    settings: LintSettings | None = None,
    *,
    ignore: Collection[str] = (),
    least: Severity = Severity.INFO,
) -> Validation:
    """Validate text that is parsed already. Rules below the severity `least` do not run."""
    manifests, result = _check(loaded, settings or LintSettings(), ignore, least)
    for blueprint in manifests.blueprints:
        forget_answers(blueprint)
    return result


def lint(
    paths: Iterable[str | Path], settings: LintSettings, *, ignore: Collection[str] = ()
) -> tuple[Validation, tuple[PolicyCoverage, ...]]:
    """Validate as `validate` does, and return what each Policy covers."""
    from kanister_kafka.linter.policy_coverage import policy_coverage  # here: nothing else needs it

    all_paths = tuple(paths)
    with without_gc():
        loaded = _with_note(load(all_paths), all_paths)
        manifests, result = _check(loaded, settings, ignore, Severity.INFO)
        return result, policy_coverage(manifests, settings, result.problems)


def _with_note(loaded: LoadResult, paths: tuple[str | Path, ...]) -> LoadResult:
    """Add a warning if a run read no object and found nothing wrong: it would pass in silence."""
    if loaded.documents or loaded.problems or not paths:
        return loaded
    first = "<stdin>" if str(paths[0]) == STDIN else Path(paths[0]).as_posix()
    message = "no object was read: an empty file, or a directory without YAML and JSON files"
    note = warning("nothing-read", Location(first), "", message)
    return replace(loaded, problems=(note,))


def _check(
    loaded: LoadResult, settings: LintSettings, ignore: Collection[str], least: Severity
) -> tuple[ManifestSet, Validation]:
    with without_gc():
        diagnostics = list(loaded.problems)
        blueprints = []
        for document in loaded.documents:
            identity = detect_blueprint(document)
            diagnostics.extend(identity.problems)
            if identity.is_blueprint:
                blueprints.append(read(document))
        manifests = ManifestSet(loaded.documents, tuple(blueprints))
        diagnostics.extend(_run_rules(manifests, settings, least))
        if loaded.ignores:
            diagnostics.extend(_unknown_ids(loaded.ignores))
        is_silenced = _silencer(loaded.ignores, ignore)
        problems = [item for item in sort_diagnostics(diagnostics) if item.severity.reaches(least)]
        return manifests, Validation(
            tuple(problem for problem in problems if not is_silenced(problem)),
            len(blueprints),
            len(loaded.documents) - len(blueprints),
            loaded.files,
            tuple(problem for problem in problems if is_silenced(problem)),
        )


def _run_rules(manifests: ManifestSet, settings: LintSettings, least: Severity) -> Diagnostics:
    """Run the rules that the input needs, and that can report anything as severe as `least`."""
    blueprints = manifests.blueprints
    _import_rules(*ALWAYS)
    if any(blueprint.templates for blueprint in blueprints):
        _import_rules("templates")
    if any(map(_waits, blueprints)):
        _import_rules("waits")
    if any(document.kind == "CronJob" for document in manifests.documents):
        _import_rules("cronjobs")
    if any(document.kind == "ActionSet" for document in manifests.documents):
        _import_rules("actionsets")
    if len(blueprints) > 1:
        from kanister_kafka.linter.rules import scripts

        scripts.read_ahead(blueprints)
    for blueprint in blueprints:
        yield from validate_schema(blueprint.document.root)
        yield from _run(BLUEPRINT, blueprint, settings, least)
    yield from _run(MANIFEST_SET, manifests, settings, least)
    if settings.kasten or any(map(_may_be_of_kasten, manifests.documents)):
        from kanister_kafka.linter.kasten.objects import read_kasten_objects  # slow to import

        _import_rules("kasten")
        objects = read_kasten_objects(manifests)
        if objects.rules_apply(settings):
            yield from _run(KASTEN, objects, settings, least)


def _run(
    scope: Scope[Subject], subject: Subject, settings: LintSettings, least: Severity
) -> Diagnostics:
    for rule in _rules(scope, least, len(RULES)):
        yield from rule.check(rule, subject, settings)


@lru_cache(maxsize=64)
def _rules(scope: Scope[Subject], least: Severity, count: int) -> tuple[Rule, ...]:
    """Return the rules of a scope among the first `count`; the import of modules adds more."""
    return tuple(rule for rule in RULES[:count] if rule.scope is scope and rule.reaches(least))


def _import_rules(*modules: str) -> None:
    for module in modules:
        import_module(f"kanister_kafka.linter.rules.{module}")


def _waits(blueprint: Blueprint) -> bool:
    return any(phase.func in ("Wait", "WaitV2") for phase in blueprint.phases)


def _may_be_of_kasten(document: Document) -> bool:
    return document.kind in KASTEN_KINDS or KASTEN_GROUPS in document.text("apiVersion")


def all_rules() -> tuple[Rule, ...]:
    """Return every rule, those that few inputs need included."""
    _import_rules(*ALWAYS, "actionsets", "cronjobs", "kasten", "templates", "waits")
    return tuple(RULES)


def _unknown_ids(ignores: Iterable[Suppression]) -> Diagnostics:
    """Find comments that name no rule: with a typo nothing is silenced, and the reader believes it.

    The severity is a warning, as the diagnostics themselves are still reported.
    """
    from kanister_kafka.linter.registry import (
        closest_rule_id,  # here: few files have any
        rule_docs,
    )

    for ignore in ignores:
        if ignore.rule not in rule_docs():
            near = closest_rule_id(ignore.rule)
            hint = f'did you mean "{near}"?' if near else "`explain` lists all"
            message = f'Unsupported value: "{ignore.rule}": no check has this id; {hint}'
            yield warning("unknown-check", ignore.location, "", message)


def _silencer(
    ignores: Iterable[Suppression], everywhere: Collection[str]
) -> Callable[[Diagnostic], bool]:
    """Return a function that reports whether a diagnostic is silenced."""
    spans_by_rule: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for ignore in sorted(ignores, key=lambda i: (i.first, -i.last)):
        spans = spans_by_rule[ignore.location.source, ignore.rule]
        if not spans or ignore.last > spans[-1][1]:  # within another otherwise
            spans.append((ignore.first, ignore.last))

    def is_silenced(problem: Diagnostic) -> bool:
        if problem.rule in everywhere:
            return True
        spans = spans_by_rule.get((problem.location.source, problem.rule), [])
        line = problem.location.line
        before = bisect_right(spans, line, key=lambda span: span[0])
        return before > 0 and line <= spans[before - 1][1]

    return is_silenced


@contextmanager
def without_gc() -> Iterator[None]:
    """Disable the collector of cycles: a run makes millions of objects and hardly a cycle.

    The collector would go through all of them again and again, which takes as long as the rest.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
