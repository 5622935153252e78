"""Everything that is wrong with Blueprints, in themselves and with what stands beside them."""

from __future__ import annotations

import gc
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kanister_kafka.diagnostics import Diagnostic, Diagnostics, Severity, sort_diagnostics, warning
from kanister_kafka.kanister import read
from kanister_kafka.kanister.blueprint import detect_blueprint
from kanister_kafka.linter import (
    LintSettings,
    ManifestSet,
    check_blueprint,
    check_manifest_set,
    read_ahead,
)
from kanister_kafka.linter.helm_source import ChartAwareReader
from kanister_kafka.yamldoc import LoadResult, Suppression, load, loads

if TYPE_CHECKING:
    from kanister_kafka.linter.policy_coverage import PolicyCoverage


@dataclass(frozen=True, slots=True)
class Validation:
    """What was looked at and what was found."""

    problems: tuple[Diagnostic, ...]
    """Sorted by place."""
    blueprints: int
    skipped: int
    """Objects of other kinds."""
    files: tuple[str, ...] = ()
    """All that was read, also where nothing is wrong with it."""
    ignored: tuple[Diagnostic, ...] = ()
    """What was found and is not to be told."""


def validate(
    paths: Iterable[str | Path],
    settings: LintSettings | None = None,
    *,
    ignore: Collection[str] = (),
) -> Validation:
    """Validate every Blueprint in files, directories and standard input (`-`).

    A template of a chart is read as Helm would, where that does not depend on values.

    `ignore` holds ids of checks that are not to be told. Raises UnreachableError where a path
    cannot be read; nothing else, however broken the text is.
    """
    reader = ChartAwareReader()
    with without_gc():
        found = _validate(load(paths, reader.loads), settings or LintSettings(), ignore)
    return replace(
        found, problems=reader.original(found.problems), ignored=reader.original(found.ignored)
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
    with without_gc():
        found = _validate(loaded, settings or LintSettings(), ignore, least)
    kept = (problem for problem in found.problems if problem.severity.reaches(least))
    return replace(found, problems=tuple(kept))


def lint(
    paths: Iterable[str | Path], settings: LintSettings, *, ignore: Collection[str] = ()
) -> tuple[Validation, tuple[PolicyCoverage, ...]]:
    """Validate what `validate` does, and return what each Policy covers beside it."""
    from kanister_kafka.linter.policy_coverage import policy_coverage  # here: nothing else needs it

    with without_gc():
        loaded = load(paths)
        manifests, found = _read(loaded)
        result = _judge(loaded, manifests, found, settings, ignore)
        return result, policy_coverage(manifests, settings, result.problems)


def _validate(
    loaded: LoadResult,
    settings: LintSettings,
    ignore: Collection[str],
    least: Severity = Severity.INFO,
) -> Validation:
    return _judge(loaded, *_read(loaded), settings, ignore, least)


def _read(loaded: LoadResult) -> tuple[ManifestSet, list[Diagnostic]]:
    found = list(loaded.problems)
    mine = []
    for document in loaded.documents:
        identity = detect_blueprint(document)
        found.extend(identity.problems)
        if identity.is_blueprint:
            mine.append(read(document))
    return ManifestSet(loaded.documents, tuple(mine)), found


def _judge(
    loaded: LoadResult,
    manifests: ManifestSet,
    found: list[Diagnostic],
    settings: LintSettings,
    ignore: Collection[str],
    least: Severity = Severity.INFO,
) -> Validation:
    mine = manifests.blueprints
    read_ahead(mine)
    for blueprint in mine:
        found.extend(check_blueprint(blueprint, settings, least))
    found.extend(check_manifest_set(manifests, settings, least))
    if loaded.ignores:
        found.extend(_unknown(loaded.ignores))
    silent = _silent(loaded.ignores, ignore)
    problems = sort_diagnostics(found)
    return Validation(
        tuple(problem for problem in problems if not silent(problem)),
        len(mine),
        len(loaded.documents) - len(mine),
        loaded.files,
        tuple(problem for problem in problems if silent(problem)),
    )


def _unknown(ignores: Iterable[Suppression]) -> Diagnostics:
    """Find comments that name no check: a typo would leave a reader in the belief of silence."""
    from kanister_kafka.linter.rule_docs import (
        closest_rule_id,  # here: few files have any
        rule_docs,
    )

    for ignore in ignores:
        if ignore.rule not in rule_docs():
            near = closest_rule_id(ignore.rule)
            hint = f'did you mean "{near}"?' if near else "`explain` lists all"
            message = f'Unsupported value: "{ignore.rule}": no check has this id; {hint}'
            yield warning("unknown-check", ignore.location, "", message)


def _silent(
    ignores: Iterable[Suppression], everywhere: Collection[str]
) -> Callable[[Diagnostic], bool]:
    """Return what tells whether a problem is to be ignored."""
    spans: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for ignore in sorted(ignores, key=lambda i: (i.first, -i.last)):
        known = spans[ignore.location.source, ignore.rule]
        if not known or ignore.last > known[-1][1]:  # within another otherwise
            known.append((ignore.first, ignore.last))

    def silent(problem: Diagnostic) -> bool:
        if problem.rule in everywhere:
            return True
        known = spans.get((problem.location.source, problem.rule), [])
        line = problem.location.line
        before = bisect_right(known, line, key=lambda span: span[0])
        return before > 0 and line <= known[before - 1][1]

    return silent


@contextmanager
def without_gc() -> Iterator[None]:
    """Hold the collector of cycles: a run makes millions of objects and hardly a cycle.

    It would go through all of them again and again, which takes as long as the rest does.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
