"""Filters of a backup that leave out, by name or by label, what a restore of the Kafka needs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from kanister_kafka import KastenOutput, Options, build_plan, load, read_cluster, render
from kanister_kafka.linter import LintSettings
from kanister_kafka.linter.pipeline import validate_text
from tests.conftest import ROOT

EXAMPLE = ROOT / "examples" / "kraft-separate-pools" / "kafka.yaml"
STRIMZI = "kafka.strimzi.io"
POOL = "strimzi.io/pool-name"
CLUSTER = "strimzi.io/cluster"


@cache
def rendered(example: Path = EXAMPLE) -> tuple[str, str]:
    """Return the Policy, and all else of the example with the Kafka itself."""
    kafka = read_cluster(load([example]).documents).cluster
    assert kafka
    options = Options(kasten=(KastenOutput.POLICY,))
    files = [file.text for file in render(build_plan(kafka, options))]
    policies = [text for text in files if "\nkind: Policy\n" in f"\n{text}"]
    others = [text for text in files if text not in policies]
    assert len(policies) == 1
    return policies[0], "---\n".join([*others, example.read_text()])


def findings(*objects: dict[str, Any], example: Path = EXAMPLE) -> list[tuple[str, str]]:
    text = "---\n".join([*map(yaml.safe_dump, objects), rendered(example)[1]])
    problems = validate_text(text, settings=LintSettings(kasten=True))
    return [(problem.rule, problem.message) for problem in problems]


def policy_with(
    include: list[dict[str, Any]] | None = None,
    exclude: list[dict[str, Any]] | None = None,
    example: Path = EXAMPLE,
) -> dict[str, Any]:
    policy: dict[str, Any] = yaml.safe_load(rendered(example)[0])
    filters = policy["spec"]["actions"][0]["backupParameters"]["filters"]
    named = {entry["resource"] for entry in include or ()}
    if include:
        kept = [one for one in filters["includeResources"] if one["resource"] not in named]
        filters["includeResources"] = kept + include
    if exclude:
        filters["excludeResources"] = exclude
    return policy


def test_the_rendered_policy_is_right() -> None:
    assert not findings(policy_with())


@pytest.mark.parametrize(
    ("entry", "lost"),
    [
        ({"group": STRIMZI, "resource": "kafkas", "name": "my-cluster"}, "Kafka my-cluster"),
        ({"group": STRIMZI, "resource": "kafkanodepools", "name": "controller"},
         "KafkaNodePool controller"),
        ({"group": STRIMZI, "resource": "kafkanodepools", "matchLabels": {CLUSTER: "my-cluster"}},
         "kafkanodepools"),
        ({"resource": "secrets", "name": "my-cluster-cluster-ca"}, "my-cluster-cluster-ca"),
        ({"resource": "secrets", "name": "my-cluster-clients-ca-cert"}, "my-cluster-clients-ca"),
        ({"resource": "secrets", "matchLabels": {CLUSTER: "my-cluster", "team": "a"}}, ""),
        ({"resource": "configmaps", "name": "my-cluster-kanister-kafka"}, "kanister-kafka"),
        ({"resource": "persistentvolumeclaims", "name": "data-0-my-cluster-broker-0"}, "broker"),
        ({"name": "data-1-my-cluster-broker-2"}, "broker"),
        ({"resource": "persistentvolumeclaims", "matchLabels": {POOL: "controller"}}, "controller"),
        ({"resource": "persistentvolumeclaims",
          "matchExpressions": [{"key": POOL, "operator": "In", "values": ["controller"]}]},
         "controller"),
        ({"resource": "persistentvolumeclaims",
          "matchExpressions": [{"key": POOL, "operator": "NotIn", "values": ["broker"]}]},
         "controller"),
        ({"resource": "persistentvolumeclaims",
          "matchExpressions": [{"key": CLUSTER, "operator": "Exists"}]}, "broker"),
        ({"resource": "secrets", "name": "another"}, ""),
        ({"resource": "persistentvolumeclaims", "name": "data-0-my-cluster-broker-6"}, ""),
        ({"resource": "persistentvolumeclaims", "name": "data-2-my-cluster-broker-0"}, ""),
        ({"resource": "persistentvolumeclaims", "name": "data-my-cluster-broker-0"}, ""),
        ({"resource": "persistentvolumeclaims", "name": "data-my-cluster-zookeeper-0"}, ""),
        ({"resource": "persistentvolumeclaims", "name": "data-0-my-cluster-old-0"}, ""),
        ({"resource": "persistentvolumeclaims", "matchLabels": {POOL: "old"}}, ""),
        ({"resource": "persistentvolumeclaims", "matchLabels": {CLUSTER: "other"}}, ""),
        ({"resource": "persistentvolumeclaims", "matchLabels": {"team": "a"}}, ""),
        ({"group": STRIMZI, "resource": "kafkas", "name": "other"}, ""),
        ({"group": STRIMZI, "resource": "kafkanodepools", "name": "other"}, ""),
    ],
)  # fmt: skip
def test_an_exclusion_by_name_or_label_is_an_error_if_a_restore_needs_it(
    entry: dict[str, Any], lost: str
) -> None:
    problems = findings(policy_with(exclude=[entry]))
    assert {rule for rule, _message in problems} == (
        {"kasten-backup-incomplete"} if lost else set()
    )
    assert all(lost in message for _rule, message in problems)


@pytest.mark.parametrize(
    ("example", "claim", "expected"),
    [
        ("zookeeper-node-pools", "data-my-cluster-zookeeper-0", "kasten-backup-incomplete"),
        ("zookeeper-pod-sets", "data-my-cluster-zookeeper-0", "kasten-backup-incomplete"),
        ("zookeeper-pod-sets", "data-0-my-cluster-kafka-0", "kasten-backup-incomplete"),
        ("zookeeper-pod-sets", "data-0-my-cluster-zookeeper-0", ""),
        ("kraft-combined", "data-my-cluster-kafka-0", ""),
        ("kraft-combined", "data-my-cluster-zookeeper-0", ""),
    ],
)
def test_claims_are_those_of_the_kafka(example: str, claim: str, expected: str) -> None:
    path = ROOT / "examples" / example / "kafka.yaml"
    entry = {"resource": "persistentvolumeclaims", "name": claim}
    problems = findings(policy_with(exclude=[entry], example=path), example=path)
    assert {rule for rule, _message in problems} == ({expected} if expected else set())


CLAIMS = "persistentvolumeclaims"
ALL_CLAIMS = [
    *({"resource": CLAIMS, "name": f"data-0-my-cluster-controller-{i}"} for i in range(3)),
    *({"resource": CLAIMS, "name": f"data-0-my-cluster-broker-{i}"} for i in range(3, 6)),
    *({"resource": CLAIMS, "name": f"data-1-my-cluster-broker-{i}"} for i in range(3, 6)),
]


@pytest.mark.parametrize(
    ("include", "expected"),
    [
        ([{"resource": CLAIMS, "name": "data-0-my-cluster-broker-0"}], "kasten-backup-incomplete"),
        (ALL_CLAIMS[:4], "kasten-backup-incomplete"),
        (ALL_CLAIMS, "kasten-backup-leaves-out"),
        ([{"resource": CLAIMS, "matchLabels": {POOL: "broker"}}], "kasten-backup-incomplete"),
        ([{"resource": CLAIMS, "matchLabels": {CLUSTER: "my-cluster"}}], ""),
        ([{"resource": CLAIMS, "matchLabels": {"team": "a"}}], ""),
        (
            [
                {"resource": CLAIMS, "matchLabels": {POOL: "broker"}},
                {"resource": CLAIMS, "matchLabels": {POOL: "controller"}},
            ],
            "",
        ),
        ([{"resource": "secrets", "name": "my-cluster-cluster-ca"}], "kasten-backup-incomplete"),
        ([{"resource": "configmaps", "name": "my-cluster-kanister-kafka"}], ""),
        ([{"resource": "configmaps", "name": "another"}], "kasten-backup-incomplete"),
        (
            [{"group": STRIMZI, "resource": "kafkanodepools", "name": "broker"}],
            "kasten-backup-incomplete",
        ),
        ([{"group": STRIMZI, "resource": "kafkas", "name": "my-cluster"}], ""),
    ],
)
def test_an_include_by_name_or_label_leaves_the_others_out(
    include: list[dict[str, Any]], expected: str
) -> None:
    problems = findings(policy_with(include=include))
    assert {rule for rule, _message in problems} == ({expected} if expected else set())


@pytest.mark.parametrize(
    ("name", "expected"),
    [("orders", "kasten-backup-leaves-out"), ("of-another", ""), ("no-label", "")],
)
def test_a_topic_that_is_excluded_by_name_is_a_warning(name: str, expected: str) -> None:
    topics = [topic("orders", "my-cluster"), topic("of-another", "another")]
    entry = {"group": STRIMZI, "resource": "kafkatopics", "name": name}
    problems = findings(policy_with(exclude=[entry]), *topics)
    assert {rule for rule, _message in problems} == ({expected} if expected else set())


def topic(name: str, cluster: str) -> dict[str, Any]:
    return {
        "apiVersion": f"{STRIMZI}/v1beta2",
        "kind": "KafkaTopic",
        "metadata": {"name": name, "namespace": "kafka", "labels": {CLUSTER: cluster}},
        "spec": {},
    }


def restored_with(exclude: dict[str, Any]) -> dict[str, Any]:
    hooks = {"preHook": "beforeRestore", "onSuccess": "afterRestore"}
    return {
        "apiVersion": "actions.kio.kasten.io/v1alpha1",
        "kind": "RestoreAction",
        "metadata": {"name": "again", "namespace": "kafka"},
        "spec": {
            "subject": {"kind": "RestorePoint", "name": "one", "namespace": "kafka"},
            "targetNamespace": "kafka",
            "filters": {"excludeResources": [exclude]},
            "hooks": {
                moment: {"blueprint": "kafka.my-cluster", "actionName": action}
                for moment, action in hooks.items()
            },
        },
    }


@pytest.mark.parametrize(
    ("entry", "lost"),
    [
        ({"resource": "secrets", "name": "my-cluster-clients-ca"}, "my-cluster-clients-ca"),
        ({"resource": CLAIMS, "name": "data-0-my-cluster-broker-0"}, "broker"),
        ({"resource": "configmaps", "name": "my-cluster-kanister-kafka"}, "my-cluster"),
        ({"resource": "secrets", "name": "another"}, ""),
    ],
)
def test_a_restore_by_hooks_warns_of_the_same(entry: dict[str, Any], lost: str) -> None:
    problems = findings(restored_with(entry))
    of_filter = [message for rule, message in problems if rule == "kasten-restore-incomplete"]
    assert bool(of_filter) is bool(lost)
    assert all(lost in message for message in of_filter)
