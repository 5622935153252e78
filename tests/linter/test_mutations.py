"""A right Blueprint broken in every known way: each is told, as an error and at its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kanister_kafka.diagnostics import Severity
from kanister_kafka.kanister.function_catalog import functions
from kanister_kafka.kanister.function_types import NEWEST
from kanister_kafka.linter import LintSettings
from kanister_kafka.linter.pipeline import validate_text
from tests.conftest import ROOT

SOUND = (ROOT / "tests" / "valid" / "everything.yaml").read_text()
LINES = SOUND.splitlines(keepends=True)


@dataclass(frozen=True)
class Mutant:
    """A text with one thing broken."""

    text: str
    checks: frozenset[str]
    """Any of them tells it."""
    lines: range
    """Where it may be told, counted from 1."""


Mutate = Callable[[str], Iterator[Mutant]]
CLASSES: dict[str, Mutate] = {}


def mutation(mutate: Mutate) -> Mutate:
    CLASSES[mutate.__name__.replace("_", "-")] = mutate
    return mutate


def replaced(start: int, end: int, text: str, *checks: str, lines: range | None = None) -> Mutant:
    line = SOUND.count("\n", 0, start) + 1
    return Mutant(
        SOUND[:start] + text + SOUND[end:], frozenset(checks), lines or range(line, line + 1)
    )


def each(pattern: str) -> Iterator[re.Match[str]]:
    yield from re.finditer(pattern, SOUND, re.MULTILINE)


def without_line(number: int, *checks: str, lines: range) -> Mutant:
    """Leave out a line, counted from 0; places after it move up by one."""
    return Mutant("".join(LINES[:number] + LINES[number + 1 :]), frozenset(checks), lines)


def typo(word: str, letter: str) -> str:
    return word[:1] + letter + word[1:]


@mutation
def field_misspelt(letter: str) -> Iterator[Mutant]:
    known = (
        "metadata|actions|phases|deferPhase|func|name|args|objects|configMapNames|secretNames"
        "|inputArtifactNames|outputArtifacts|keyValue|namespace|labels"
    )
    for match in each(rf"^(?: {{0,6}}|    - |      - )({known}):"):
        word = typo(match[1], letter)
        yield replaced(match.start(1), match.end(1), word, "unknown-field")


@mutation
def field_of_another_type(_letter: str) -> Iterator[Mutant]:
    for match in each(r"^ {2,6}(?:- )?(?:func|name|kind): (\S+)$"):
        yield replaced(match.start(1), match.end(1), f"[{match[1]}]", "wrong-type")
        yield replaced(match.start(1), match.end(1), "{a: b}", "wrong-type")
        yield replaced(match.start(1), match.end(1), "12", "wrong-type")


@mutation
def function_misspelt(letter: str) -> Iterator[Mutant]:
    for match in each(r"func: (\w+)"):
        yield replaced(match.start(1), match.end(1), typo(match[1], letter), "unknown-function")


def arguments() -> Iterator[re.Match[str]]:
    """Yield the arguments of phases: two deeper than `args`."""
    depth = None
    for match in re.finditer(r"^( *)(?:- )?([\w-]+):(.*)$", SOUND, re.MULTILINE):
        indent = len(match[1])
        if match[2] == "args":
            depth = indent + 2
        elif depth is not None and indent < depth:
            depth = None
        elif indent == depth and match[0][indent] != "-":
            yield match


@mutation
def argument_misspelt(letter: str) -> Iterator[Mutant]:
    for match in arguments():
        word = typo(match[2], letter)
        yield replaced(match.start(2), match.end(2), word, "unknown-argument")


@mutation
def argument_missing(_letter: str) -> Iterator[Mutant]:
    known = functions(NEWEST)
    for match in arguments():
        number = SOUND.count("\n", 0, match.start())
        func = re.findall(r"func: (\w+)", SOUND[: match.start()])[-1]
        if match[2] in known[func].required and match[3].strip() not in ("", "|"):
            first = number
            while not LINES[first].strip().startswith("args:"):
                first -= 1
            yield without_line(number, "missing-argument", lines=range(first + 1, first + 3))


@mutation
def argument_null(_letter: str) -> Iterator[Mutant]:
    for match in arguments():
        if match[3].strip() not in ("", "|"):
            yield replaced(match.start(3), match.end(3), "", "null-argument")


@mutation
def argument_of_another_type(_letter: str) -> Iterator[Mutant]:
    for match in arguments():
        if match[3].strip() not in ("", "|") and match[3].strip()[0] not in "[{":
            checks = ("argument-type", "argument-value")
            yield replaced(match.start(3), match.end(3), " {a: b}", *checks)
            if match[2] not in ("accessModes",):
                yield replaced(match.start(3), match.end(3), " [a, b]", *checks)


VALUES = {
    "timeout: 5m": [
        "timeout: 5",
        "timeout: 1d",
        "timeout: 5 m",
        "timeout: -5m",
        "timeout: '{{ .Time }}'",
    ],
    "restoreSize: 10Gi": ["restoreSize: 10Gx", "restoreSize: ten", "restoreSize: 0"],
    "operation: create": ["operation: creat", "operation: apply"],
    "operation: delete": ["operation: remove"],
    "accessModes: [ReadWriteOnce]": ["accessModes: [ReadWriteTwice]"],
    "replicas: 0": ["replicas: -1", "replicas: true", "replicas: 1.5", "replicas: none"],
    "waitForReady: true": ["waitForReady: 'yes'", "waitForReady: maybe"],
    "image: example.com/tools:1.4.2\n        namespace": [
        "image: example.com/Tools one\n        namespace"
    ],
    "          apiVersion: v1\n          kind: Pod": [
        "          apiVersion: [v1\n          kind: Pod"
    ],
    "load, '{{ .ArtifactsIn.dump.KeyValue.path }}": ["yes, '{{ .ArtifactsIn.dump.KeyValue.path }}"],
}


@mutation
def value_refused(_letter: str) -> Iterator[Mutant]:
    for right, wrongs in VALUES.items():
        start = SOUND.index(right)
        line = SOUND.count("\n", 0, start) + 1
        for wrong in wrongs:
            yield replaced(
                start,
                start + len(right),
                wrong,
                *("argument-type", "argument-value", "unquoted-value", "manifest", "wait-timeout"),
                lines=range(line, line + 3),
            )


@mutation
def workload_not_scalable(_letter: str) -> Iterator[Mutant]:
    for match in each(r"^        kind: (StatefulSet)$"):
        for kind in ("StrimziPodSet", "Kafka", "KafkaMirrorMaker2", "StatefulSets"):
            yield replaced(
                match.start(1), match.end(1), kind, "argument-value", "scale-workload-kind"
            )


@mutation
def key_twice(_letter: str) -> Iterator[Mutant]:
    for number, line in enumerate(LINES):
        if re.match(r"^ *[\w-]+: \S+$", line) and "|" not in line and "kando" not in line:
            text = "".join([*LINES[: number + 1], line, *LINES[number + 1 :]])
            if re.search(r"^ {10,}", line):
                continue
            yield Mutant(text, frozenset({"duplicate-key"}), range(number + 2, number + 3))


@mutation
def phase_twice(_letter: str) -> Iterator[Mutant]:
    names = list(each(r"^      name: (\S+)$"))
    for match in names:
        for other in names:
            if other.start() != match.start():
                first = min(match, other, key=lambda m: m.start())
                later = max(match, other, key=lambda m: m.start())
                yield replaced(later.start(1), later.end(1), first[1], "duplicate-phase")


TEMPLATE = r"\{\{-? *[^/{}](?:[^{}]|\}(?!\}))*\}\}"


@mutation
def template_not_closed(_letter: str) -> Iterator[Mutant]:
    for match in each(TEMPLATE):
        for cut in (1, 2):
            line = SOUND.count("\n", 0, match.start()) + 1
            end = len(LINES) if "|" in SOUND else line
            yield replaced(
                match.end() - cut, match.end(), "", "template-syntax", lines=range(line, end)
            )


@mutation
def template_end_missing(_letter: str) -> Iterator[Mutant]:
    for match in each(r"\{\{-? end \}\}"):
        line = SOUND.count("\n", 0, match.start()) + 1
        yield replaced(
            match.start(),
            match.end(),
            "",
            "template-syntax",
            lines=range(max(line - 30, 1), line + 20),
        )


@mutation
def template_function_misspelt(letter: str) -> Iterator[Mutant]:
    for match in each(
        r"(?:\| |\{\{ |\()(upper|trunc|quote|toString|toDate|date|default|index|int|eq)\b"
    ):
        word = typo(match[1], letter)
        checks = ("unknown-template-function", "template-syntax")
        yield replaced(match.start(1), match.end(1), word, *checks)


@mutation
def template_root_misspelt(letter: str) -> Iterator[Mutant]:
    roots = "StatefulSet|Object|Phases|ArtifactsIn|ConfigMaps|Secrets|Options|Time"
    for match in each(rf"[ (]\.({roots})\b"):
        line = SOUND[: match.start()].rpartition("\n")[2]
        if "condition:" not in line:
            for word in (typo(match[1], letter), match[1].lower(), match[1] + letter):
                yield replaced(match.start(1), match.end(1), word, "template-field")


@mutation
def template_field_misspelt(letter: str) -> Iterator[Mutant]:
    for match in each(
        r"\.(?:StatefulSet|ConfigMaps\.location|Secrets\.login|ArtifactsIn\.\w+)\.(\w+)"
    ):
        yield replaced(match.start(1), match.end(1), typo(match[1], letter), "template-field")
    for match in each(r"\.Phases\.\w+\.(\w+)"):
        yield replaced(match.start(1), match.end(1), typo(match[1], letter), "template-field")


@mutation
def phase_misnamed(letter: str) -> Iterator[Mutant]:
    for match in each(r'(?:\.Phases\.|index \.Phases ")(\w+)'):
        yield replaced(match.start(1), match.end(1), typo(match[1], letter), "phase-reference")
        for other in ("wait", "load", "forget", "scaleUp", "removePod"):
            if other != "load" or match.start() < SOUND.index("  restore:"):
                yield replaced(match.start(1), match.end(1), other, "phase-reference")


@mutation
def phase_name_with_a_hyphen(_letter: str) -> Iterator[Mutant]:
    for match in each(r"\.Phases\.(\w+)"):
        yield replaced(match.start(1), match.end(1), "wait-for-it", "template-syntax")


@mutation
def output_misnamed(letter: str) -> Iterator[Mutant]:
    for match in each(r"\.Phases\.\w+\.Output\.(\w+)"):
        yield replaced(match.start(1), match.end(1), typo(match[1], letter), "phase-output")


@mutation
def object_misnamed(letter: str) -> Iterator[Mutant]:
    for match in each(r"\.Phases\.save\.ConfigMaps\.(\w+)"):
        yield replaced(match.start(1), match.end(1), typo(match[1], letter), "phase-object")
    start = SOUND.index("kind: ConfigMap\n")
    line = SOUND.count("\n", 0, SOUND.index(".ConfigMaps.store")) + 1
    lines = range(line - 1, line + 1)
    yield replaced(start, start + 15, "kind: Secret", "phase-object", lines=lines)
    yield replaced(start, start + 15, "group: ''", "phase-object", lines=lines)


@mutation
def artifact_misnamed(letter: str) -> Iterator[Mutant]:
    for match in each(r"\.ArtifactsIn\.(\w+)\.KeyValue\.(\w+)"):
        yield replaced(match.start(1), match.end(1), typo(match[1], letter), "unknown-artifact")
        yield replaced(match.start(2), match.end(2), typo(match[2], letter), "artifact-key")


@mutation
def input_misnamed(letter: str) -> Iterator[Mutant]:
    for match in each(r"[ (]\.(?:ConfigMaps|Secrets)\.(\w+)"):
        yield replaced(match.start(1), match.end(1), typo(match[1], letter), "unknown-input")


@mutation
def object_of_another_kind(_letter: str) -> Iterator[Mutant]:
    for match in each(r"\.(StatefulSet)\.(?:Name|Namespace|Pods)"):
        for kind in ("Deployment", "DeploymentConfig"):
            yield replaced(match.start(1), match.end(1), kind, "object-kind")
    for match in each(r"\.(StatefulSet)\.Namespace"):
        yield replaced(match.start(1), match.end(1), "PVC", "object-kind")


@mutation
def too_many_arguments(_letter: str) -> Iterator[Mutant]:
    for match in each(r"\| (upper|toString|int|trunc 20)\b(?= )"):
        yield replaced(match.end(1), match.end(1), " `a` `b`", "template-call")


@mutation
def script_cut(_letter: str) -> Iterator[Mutant]:
    for number, line in enumerate(LINES):
        if line.strip() in ("fi", "done", "for word in one two; do"):
            lines = range(number - 12, number + 14)
            yield without_line(number, "shell-syntax", lines=lines)
    for match in each(r'kando output path ("\$target")'):
        line = SOUND.count("\n", 0, match.start()) + 1
        lines = range(line, line + 3)
        yield replaced(match.start(1), match.end(1), '"$target', "shell-syntax", lines=lines)


@mutation
def not_started_again(_letter: str) -> Iterator[Mutant]:
    start = SOUND.index("    deferPhase:\n      func: ScaleWorkload")
    end = SOUND.index("  restore:\n")
    line = SOUND.count("\n", 0, SOUND.index("replicas: 0")) + 1
    lines = range(line, line + 1)
    yield replaced(start, end, "", "stopped-for-good", lines=lines)
    match = re.compile(r"replicas: ('\{\{.*'\n)").search(SOUND, start)
    assert match is not None
    yield replaced(match.start(1), match.end(1), "0\n", "stopped-for-good", lines=lines)


@mutation
def not_a_blueprint(letter: str) -> Iterator[Mutant]:
    for right in ("kind: Blueprint\n", "apiVersion: cr.kanister.io/v1alpha1\n"):
        start = SOUND.index(right)
        word = right.strip()
        yield replaced(start, start + len(word), word + letter, "not-a-blueprint", "wrong-type")
        yield replaced(
            start, start + len(right), "", "missing-field", "not-a-blueprint", lines=range(1, 12)
        )


@mutation
def yaml_broken(_letter: str) -> Iterator[Mutant]:
    for match in each(r"(\])$|^ +- (?=func)"):
        line = SOUND.count("\n", 0, match.start()) + 1
        lines = range(line, min(line + 12, len(LINES)) + 1)
        if match[1]:
            yield replaced(match.start(1), match.end(1), "", "yaml-syntax", lines=lines)


MUTANTS = [
    pytest.param(mutant, id=f"{name}-{i}")
    for name, mutate in CLASSES.items()
    for i, mutant in enumerate(mutate("x"))
]


def assert_reported(mutant: Mutant, options: LintSettings | None = None) -> None:
    problems = [
        p for p in validate_text(mutant.text, settings=options) if p.severity is Severity.ERROR
    ]
    found = [(p.location.line, p.rule) for p in problems]
    assert any(line in mutant.lines and check in mutant.checks for line, check in found), (
        f"wanted one of {sorted(mutant.checks)} at {mutant.lines}, got {found}"
    )


def test_nothing_is_wrong_before() -> None:
    assert not validate_text(SOUND)


def test_each_class_has_mutants() -> None:
    assert all(any(mutate("x")) for mutate in CLASSES.values())
    assert len(MUTANTS) > 300


@pytest.mark.parametrize("mutant", MUTANTS)
def test_what_is_broken_is_reported_at_its_place(mutant: Mutant) -> None:
    assert_reported(mutant)


@settings(max_examples=300)
@given(st.sampled_from(sorted(CLASSES)), st.sampled_from("abcdefghijklmnopqrstuvwxyzQZ"), st.data())
def test_any_misspelling_is_reported(name: str, letter: str, data: st.DataObject) -> None:
    mutants = list(CLASSES[name](letter))
    mutant = data.draw(st.sampled_from(range(len(mutants))).map(mutants.__getitem__))
    assume(mutant.text != SOUND)
    assert_reported(mutant)
