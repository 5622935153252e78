"""Phases that share nodes by aliases are judged as if each had nodes of its own."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

import pytest

from kanister_kafka.diagnostics import Diagnostic
from kanister_kafka.kanister import Blueprint, BlueprintPhase, read
from kanister_kafka.linter import pipeline
from kanister_kafka.linter.pipeline import validate_loaded, validate_text
from kanister_kafka.yamldoc import Document, dump, loads, to_python
from tests.conftest import ROOT

FAULTS = (
    ("automountServiceAccountToken: true", "automountServiceAccountToken: 'true'"),
    ("runAsUser: 65534", "runAsUser: nobody"),
    ("name: scripts, mountPath", "name: elsewhere, mountPath"),
    ('cpu: "100m"', "cpu: [many]"),
    ('sidecar.istio.io/inject: "false"', "sidecar.istio.io/inject: '{{ .Nothing }}'"),
    ("linkerd.io/inject: disabled", "'{{ .Key }}': '{{ .Nothing }}'"),
    ("value: replicas", "value: '{{ .Phases.later.Output.x }}'"),
)
RENDERED = sorted((ROOT / "blueprints").glob("*/blueprint-*.yaml"))


def test_there_are_aliases() -> None:
    assert any("*steps" in path.read_text("utf-8") for path in RENDERED)


@pytest.mark.parametrize("path", RENDERED, ids=lambda path: path.parent.name)
def test_findings_are_those_without_aliases(path: Path) -> None:
    text = path.read_text("utf-8")
    for good, bad in FAULTS:
        text = text.replace(good, bad)
    apart = dump(to_python(loads(text).documents[0].root))
    assert "*steps" not in apart
    found, expected = ({_without_place(one) for one in validate_text(t)} for t in (text, apart))
    assert found == expected
    assert {"pod-override", "pod-override-volume"} <= {rule for rule, _path in found}


def _without_place(problem: Diagnostic) -> tuple[str, str]:
    return problem.rule, problem.path


def test_nothing_is_left_for_the_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    text = RENDERED[0].read_text("utf-8")
    made: list[weakref.ref[BlueprintPhase]] = []

    def read_and_note(document: Document) -> Blueprint:
        blueprint = read(document)
        made.append(weakref.ref(blueprint.phases[0]))
        return blueprint

    monkeypatch.setattr(pipeline, "read", read_and_note)
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        validate_loaded(loads(text))
        assert [one() for one in made] == [None]
    finally:
        if was_enabled:
            gc.enable()
