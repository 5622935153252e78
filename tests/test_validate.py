"""The validator: each check at its place, and Blueprints that people run today."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka import validate_text
from kanister_kafka.checks import CHECKS
from kanister_kafka.functions import FUNCTIONS

from .conftest import ROOT

HEAD = """\
apiVersion: cr.kanister.io/v1alpha1
kind: Blueprint
metadata:
  name: x
actions:
  backup:
    phases:
    - func: KubeExec
      name: run
      args:
        namespace: kafka
        pod: kafka-0
        command: [sync]
"""
WRONG = {
    "unknown-field-top": (HEAD + "spec: {}\n", [(14, 1, "unknown-field", "spec")]),
    "unknown-field-phase": (
        HEAD.replace("name: run", "nmae: run"),
        [(9, 7, "unknown-field", "actions.backup.phases[0].nmae")],
    ),
    "unknown-field-reference": (
        HEAD.replace("      args:", "      objects: {a: {kind: Secret, nam: b}}\n      args:"),
        [(10, 35, "unknown-field", "actions.backup.phases[0].objects.a.nam")],
    ),
    "missing-field": (
        HEAD.replace("    - func: KubeExec\n      name", "    - name"),
        [(8, 7, "missing-field", "actions.backup.phases[0].func")],
    ),
    "missing-actions": (
        HEAD[: HEAD.index("actions")],
        [(1, 1, "missing-field", "actions")],
    ),
    "no-phases": (
        HEAD[: HEAD.index("    phases")] + "    phases: []\n",
        [(7, 13, "missing-field", "actions.backup.phases")],
    ),
    "wrong-type": (
        HEAD.replace("name: x", "name: 12"),
        [(4, 9, "wrong-type", "metadata.name")],
    ),
    "wrong-type-list": (
        HEAD[: HEAD.index("    phases")] + "    phases: {func: KubeExec}\n",
        [(7, 13, "wrong-type", "actions.backup.phases")],
    ),
    "wrong-type-action": (
        HEAD[: HEAD.index("    phases")] + "    []\n",
        [(7, 5, "wrong-type", "actions.backup")],
    ),
    "unknown-function": (
        HEAD.replace("KubeExec", "KubeExecs"),
        [(8, 13, "unknown-function", "actions.backup.phases[0].func")],
    ),
    "unknown-argument": (
        HEAD + "        containers: kafka\n",
        [(14, 9, "unknown-argument", "actions.backup.phases[0].args.containers")],
    ),
    "missing-argument": (
        HEAD.replace("        pod: kafka-0\n", ""),
        [(11, 9, "missing-argument", "actions.backup.phases[0].args.pod")],
    ),
    "duplicate-phase-across-actions": (
        HEAD + "  restore:\n" + HEAD[HEAD.index("    phases") :],
        [(17, 13, "duplicate-phase", "actions.restore.phases[0].name")],
    ),
    "duplicate-phase-deferred": (
        HEAD
        + "    deferPhase:\n      func: KubeTask\n      name: run\n"
        + "      args: {image: a, command: [b]}\n",
        [(16, 13, "duplicate-phase", "actions.backup.deferPhase.name")],
    ),
    "null-argument": (
        HEAD + "        container:\n",
        [(14, 19, "null-argument", "actions.backup.phases[0].args.container")],
    ),
    "null-in-a-list": (
        HEAD.replace("[sync]", "[sync, ~]"),
        [(13, 25, "null-argument", "actions.backup.phases[0].args.command[1]")],
    ),
    "template-syntax": (
        HEAD.replace("pod: kafka-0", 'pod: "{{ .Phases.scale-down.Output.x }}"'),
        [(12, 31, "template-syntax", "actions.backup.phases[0].args.pod")],
    ),
    "template-syntax-in-a-block": (
        HEAD.replace("[sync]", '["sh", "-c"]').replace(
            "        namespace: kafka\n",
            "        namespace: |\n          kafka\n          {{ if .x }}\n",
        ),
        [(13, 22, "template-syntax", "actions.backup.phases[0].args.namespace")],
    ),
    "unknown-template-function": (
        HEAD.replace("[sync]", '["{{ .Options.x | fromJson }}", "{{ .Options.y | upper }}"]'),
        [(13, 36, "unknown-template-function", "actions.backup.phases[0].args.command[0]")],
    ),
    "unknown-template-function-in-an-artifact": (
        HEAD.replace(
            "    phases:",
            "    outputArtifacts: {a: {keyValue: {b: '{{ toYaml . }}'}}}\n    phases:",
        ),
        [(7, 45, "unknown-template-function", "actions.backup.outputArtifacts.a.keyValue.b")],
    ),
    "unknown-template-function-in-wait-v2": (
        HEAD.replace("KubeExec", "WaitV2").replace(
            "        namespace: kafka\n        pod: kafka-0\n        command: [sync]\n",
            "        timeout: 10s\n        conditions:\n          allOf:\n"
            "          - condition: '{{ if exists .a }}{{ .a | upper }}{{ end }}'\n",
        ),
        [
            (
                *(14, 51, "unknown-template-function"),
                "actions.backup.phases[0].args.conditions.allOf[0].condition",
            )
        ],
    ),
    "second-document": (
        "kind: Secret\n---\n" + HEAD.replace("KubeExec", "Nothing"),
        [(10, 13, "unknown-function", "actions.backup.phases[0].func")],
    ),
    "everything-at-once": (
        HEAD.replace("name: x", "nam: x").replace("KubeExec", "Nothing") + "        a:\n",
        [
            (4, 3, "unknown-field", "metadata.nam"),
            (8, 13, "unknown-function", "actions.backup.phases[0].func"),
            (14, 11, "null-argument", "actions.backup.phases[0].args.a"),
        ],
    ),
}


def found(text: str) -> list[tuple[int, int, str, str]]:
    return [(p.location.line, p.location.column, p.check, p.path) for p in validate_text(text)]


def test_a_right_one_has_no_problem() -> None:
    assert found(HEAD) == []


@pytest.mark.parametrize(("text", "problems"), WRONG.values(), ids=WRONG)
def test_wrong_one_is_told_at_its_place(text: str, problems: list) -> None:
    assert found(text) == problems


def test_every_check_has_a_case() -> None:
    told = {check for _text, problems in WRONG.values() for _l, _c, check, _p in problems}
    assert told >= set(CHECKS) | {"unknown-field", "missing-field", "wrong-type"}


def test_other_kinds_are_not_judged() -> None:
    assert found("kind: Secret\nspec: {anything: 1}\n") == []


def test_functions_are_those_of_the_release() -> None:
    assert len(FUNCTIONS) == 31
    assert all(not f.required & f.optional for f in FUNCTIONS.values())


HOT = ROOT / "blueprints/kraft-separate-pools-hot/blueprint-kafka.my-cluster.hot.yaml"
SOUND = yaml.safe_load(HOT.read_text())
wrong = st.none() | st.integers() | st.booleans() | st.text(max_size=5) | st.just([]) | st.just({})


def paths(value: object, path: tuple = ()) -> list[tuple]:
    children = list(value.items()) if isinstance(value, dict) else []
    children += enumerate(value) if isinstance(value, list) else []
    return [path, *(p for key, child in children for p in paths(child, (*path, key)))]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(paths(SOUND)[1:]), wrong)
def test_any_field_may_hold_anything(path: tuple, value: object) -> None:
    broken = yaml.safe_load(yaml.safe_dump(SOUND))
    place = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    for problem in validate_text(yaml.safe_dump(broken)):
        assert problem.location.line > 0
        assert str(problem)
