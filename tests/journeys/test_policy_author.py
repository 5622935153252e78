"""Who writes Policies and no Blueprints: one mistake at a time, and a restore."""

from __future__ import annotations

import json

import pytest

from .conftest import User

SUCCESS = """\
        onSuccess:
          blueprint: kafka.my-cluster
          actionName: backupPosthook
"""
FAILURE = """\
        onFailure:
          blueprint: kafka.my-cluster
          actionName: resume
"""
BEFORE = """\
        preHook:
          blueprint: kafka.my-cluster
          actionName: backupPrehook
"""
MISTAKES = {
    "nothing starts Kafka after a backup": (SUCCESS, ""),
    "nothing starts Kafka after a failure": (FAILURE, ""),
    "nothing stops Kafka": (BEFORE, ""),
    "hooks are swapped": ("actionName: backupPosthook", "actionName: resume"),
    "no volumes": ("        - resource: persistentvolumeclaims\n", ""),
    "no secrets": ("        - resource: secrets\n", ""),
    "no record": ("        - resource: configmaps\n", ""),
    "a resource in the singular": ("resource: secrets", "resource: secret"),
    "a selector that is misspelt": ("k10.kasten.io/appNamespace", "k10.kasten.io/appnamespace"),
    "another namespace": ("      - kafka\n", "      - kafak\n"),
    "a field that is misspelt": ("backupParameters:", "backupParams:"),
    "an action that is none": ("- action: backup\n", "- action: bakup\n"),
    "an operator that is none": ("operator: In", "operator: in"),
    "a hook that is misspelt": ("preHook:", "prehook:"),
    "an action of no Blueprint": ("actionName: backupPrehook", "actionName: backupPreHook"),
    "a frequency that is none": ('frequency: "@daily"', 'frequency: "@dayly"'),
}
"""One edit each of a Policy that is right."""


@pytest.fixture
def author(user: User) -> User:
    """Give the author a Blueprint and a Policy that fit each other and the Kafka."""
    user.copy("kraft-separate-pools", "kafka")
    user.run("render", "-f", "kafka", "--output-dir", "out")
    made = user.run("policy", "render", "-f", "kafka", "--frequency", "@daily")
    (user.home / "policy.yaml").write_text(made.stdout)
    return user


def test_a_policy_and_every_single_mistake_in_it(author: User) -> None:
    words = ("policy", "lint", "policy.yaml", "out", "kafka")
    right = author.run(*words)
    assert "Policies: 1, with errors: 0" in right.stdout
    assert "no problem" in right.stderr
    text = (author.home / "policy.yaml").read_text()
    passed = []
    for mistake, (before, after) in MISTAKES.items():
        assert text.count(before) == 1, mistake
        (author.home / "policy.yaml").write_text(text.replace(before, after))
        done = author.tool(
            *("sh", "-c", 'kanister-kafka "$@" || echo "ended with $?"', "sh", *words)
        )
        if not done.stdout.endswith("ended with 1\n") or ": error: " not in done.stdout:
            passed.append(mistake)
    assert not passed


@pytest.mark.peer
def test_the_schemas_take_what_is_written(author: User) -> None:
    kubeconform = author.has("kubeconform")
    made = author.run("policy", "restore", "-f", "kafka", "--restore-point", "scheduled-1")
    (author.home / "restore.yaml").write_text(made.stdout)
    for kind in ("Policy", "RestoreAction", "TransformSet"):
        schema = author.run("schema", "--kind", kind).stdout
        (author.home / f"{kind.lower()}.json").write_text(schema)
    location = "{{.ResourceKind}}.json"
    words = ("-strict", "-output", "json", "-verbose", "-schema-location", location)
    done = author.tool(kubeconform, *words, "policy.yaml", "restore.yaml")
    states = {one["kind"]: one["status"] for one in json.loads(done.stdout)["resources"]}
    assert states == dict.fromkeys(("Policy", "RestoreAction", "TransformSet"), "statusValid")
    author.edit("policy.yaml", "operator: In", "operator: in")
    author.tool(kubeconform, *words, "policy.yaml", code=1)


def test_a_restore_prints_the_required_blueprint(author: User) -> None:
    words = ("policy", "restore", "-f", "kafka", "--restore-point", "scheduled-1")
    made = author.run(*words, "--storage-class", "fast")
    assert "to do: render the Blueprint kasten-io/kafka.my-cluster with --kasten restore" in (
        made.stderr
    )
    (author.home / "restore.yaml").write_text(made.stdout)
    lint = ("policy", "lint", "restore.yaml", "out", "kafka")
    assert "error" in author.run(*lint, code=1).stdout
    author.run("render", "-f", "kafka", "--kasten", "restore", "--output-dir", "out")
    author.run(*lint)
