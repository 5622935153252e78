"""Kasten's rules: when they hold, what they know of names and waits, and what they leave alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from kanister_kafka import (
    KastenOutput,
    Options,
    Strategy,
    build_plan,
    load,
    read_cluster,
    render,
    to_yaml_stream,
)
from kanister_kafka.backup.kasten import BLUEPRINT_ANNOTATION, RETAINED
from kanister_kafka.kanister import read as read_blueprint
from kanister_kafka.kanister.commands import simple_commands
from kanister_kafka.linter import LintSettings
from kanister_kafka.linter.kasten.objects import ACTIONS_GROUP, ANNOTATION, GROUP, VERSIONS
from kanister_kafka.linter.kasten.resource_names import KNOWN
from kanister_kafka.linter.pipeline import (
    KASTEN_GROUPS,
    KASTEN_KINDS,
    all_rules,
    validate,
    validate_text,
)
from kanister_kafka.linter.rules.blueprint_sets import TIMEOUTS, reserved_like
from kanister_kafka.linter.rules.kasten.actions import waits
from kanister_kafka.yamldoc import loads
from tests.conftest import ROOT

CASES = sorted((ROOT / "tests" / "invalid").glob("kasten-*/*.yaml"))
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/kafka.yaml"))
BLUEPRINT = """\
apiVersion: cr.kanister.io/v1alpha1
kind: Blueprint
metadata: {name: kafka, namespace: kanister}
actions:
  backupPreHook:
    phases:
    - {func: KubeTask, name: run, args: {namespace: a, image: example.com/a:1, command: [sync]}}
"""
POLICY = """\
apiVersion: config.kio.kasten.io/v1alpha1
kind: Policy
metadata: {name: kafka, namespace: kasten-io}
spec: {frequency: "@daily", actions: [{action: backup}]}
"""
BINDING = """\
apiVersion: config.kio.kasten.io/v1alpha1
kind: BlueprintBinding
metadata: {name: kafka, namespace: kasten-io}
spec:
  blueprintRef: {name: kafka, namespace: kasten-io}
  resources: {matchAll: [{namespace: {operator: In, values: [kafka]}}]}
"""
STRANGER = """\
apiVersion: policy.example.com/v1
kind: Policy
metadata: {name: kafka}
"""


def rules_reported(*texts: str, kasten: bool | None = None) -> set[str]:
    problems = validate_text("---\n".join(texts), settings=LintSettings(kasten=kasten))
    return {problem.rule for problem in problems}


@pytest.mark.parametrize(
    ("texts", "kasten", "expected"),
    [
        ([BLUEPRINT], None, {"near-reserved-action"}),
        ([BLUEPRINT], False, set()),
        ([BLUEPRINT], True, {"kasten-near-reserved-action", "kasten-namespace"}),
        ([BLUEPRINT, STRANGER], None, {"near-reserved-action"}),
        ([BLUEPRINT, POLICY], None, {"kasten-near-reserved-action"}),
        ([POLICY, BLUEPRINT], False, set()),
        ([BINDING, BLUEPRINT], None, {"kasten-near-reserved-action", "kasten-namespace"}),
        ([POLICY, BINDING], None, set()),
    ],
)
def test_rules_hold_where_kasten_is(
    *, texts: list[str], kasten: bool | None, expected: set[str]
) -> None:
    assert rules_reported(*texts, kasten=kasten) == expected


def test_files_of_one_run_are_held_against_each_other(tmp_path: Path) -> None:
    (tmp_path / "blueprint.yaml").write_text(BLUEPRINT)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (problem,) = validate([tmp_path]).problems
    assert problem.rule == "kasten-near-reserved-action"
    assert problem.location.source == str(tmp_path / "blueprint.yaml")


def test_what_can_be_rendered_is_known() -> None:
    assert ANNOTATION == BLUEPRINT_ANNOTATION
    assert set(KNOWN) <= {resource for _group, resource in RETAINED}


def ids_of_other_scopes() -> set[str]:
    """Return the ids of the rules for sets of manifests and for Kasten's objects."""
    return set().union(*(rule.ids for rule in all_rules() if rule.scope.name != "Blueprint"))


def test_every_rule_has_a_wrong_one() -> None:
    folders = {path.parent.name for path in (ROOT / "tests" / "invalid").glob("*/*.yaml")}
    assert ids_of_other_scopes() <= folders


@pytest.mark.parametrize(
    "forms",
    [
        (KastenOutput.POLICY, KastenOutput.RESTORE),
        (KastenOutput.BINDING, KastenOutput.ANNOTATION, KastenOutput.RESTORE),
    ],
    ids=["by hooks", "by object"],
)
@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_what_is_rendered_here_is_right(
    example: Path, strategy: Strategy, forms: tuple[KastenOutput, ...]
) -> None:
    cluster = "kafka/my-cluster" if example.name == "seed" else ""
    chosen = Options(strategy=strategy, kasten=forms, definitions=("elsewhere",))
    kafka = read_cluster(load([example]).documents, cluster=cluster).cluster
    assert kafka
    text = to_yaml_stream(render(build_plan(kafka, chosen)))
    problems = validate_text(text, settings=LintSettings(kasten=True))
    assert not [problem for problem in problems if problem.rule in ids_of_other_scopes()]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, "") for name in TIMEOUTS),
        ("backupPreHook", "backupPrehook"),
        ("backup-posthook", "backupPosthook"),
        ("backupPosthooks", "backupPosthook"),
        ("restore_prehook", "restorePrehook"),
        ("restorePosthok", "restorePosthook"),
        ("bakupPrehook", "backupPrehook"),
        ("Delete", "delete"),
        ("restores", "restore"),
        ("preBackupHook", ""),  # for a Policy's hook in public Blueprints
        ("postRestoreHook", ""),
        ("backupPrehook2", ""),
        ("backupPosthookOnFailure", ""),
        ("deleted", ""),
        ("backupAll", ""),
        ("resume", ""),
        ("", ""),
    ],
)
def test_names_that_miss_a_reserved_one(name: str, expected: str) -> None:
    assert reserved_like(name) == expected


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        ("timeout 60 sync", 60),
        ("timeout -k 5s -s KILL 1.5m sync", 90),
        ("timeout --kill-after=5 1h sync", 3600),
        ("timeout 1d sync", 86400),
        ("timeout {{ .Options.limit }} sync", 0),
        ("kubectl wait --for=delete pod/a --timeout=5m30s", 330),
        ("kubectl rollout status deployment/a --timeout 90s", 90),
        ("/usr/bin/timeout 5 kubectl wait pod/a --timeout=10m", 5),
        ("oc delete pod a --timeout=-1s", 0),
        ("kubectl wait pod/a --timeout=$LIMIT", 0),
        ("if timeout 10 a; then timeout 20 b; fi  # timeout 99 c", 30),
        ("echo 'timeout 60 sync'", 0),
        ("x --timeout=5m", 0),
    ],
)
def test_waits_of_commands(command: str, seconds: float) -> None:
    text = BLUEPRINT.replace("[sync]", f"[sh, -c, {command!r}]")
    (document,) = loads(text).documents
    (phase,) = read_blueprint(document).phases
    assert sum(map(waits, simple_commands(phase))) == seconds


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)


@limits(max_examples=150)
@given(data=st.data())
def test_no_shape_is_too_strange(data: st.DataObject) -> None:
    """Put something else in the place of a line of a case: whatever comes, it is told or not."""
    case = data.draw(st.sampled_from(CASES))
    lines = case.read_text().splitlines()
    index = data.draw(st.integers(0, len(lines) - 1))
    key, colon, _value = lines[index].partition(":")
    strange = data.draw(SHAPES)
    lines[index] = f"{key}{colon} {strange!r}"
    for problem in validate_text("\n".join(lines), settings=LintSettings(kasten=True)):
        assert problem.message


def test_the_rules_are_imported_for_all_that_may_bring_them() -> None:
    assert set(VERSIONS) == KASTEN_KINDS
    assert all(group.endswith(KASTEN_GROUPS) for group in (GROUP, ACTIONS_GROUP))
