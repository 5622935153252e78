"""Policies for all namespaces, or all but some, beside the Blueprint of a Kafka in one of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.linter.test_kasten_backup_filters import findings, policy_with

NAME = "k10.kasten.io/appNamespace"
LABEL = "kubernetes.io/metadata.name"


def selector(*expressions: tuple[str, str, list[str]], **labels: str) -> dict[str, Any]:
    every = [
        {"key": key, "operator": operator, **({"values": values} if values else {})}
        for key, operator, values in expressions
    ]
    return {
        **({"matchExpressions": every} if every else {}),
        **({"matchLabels": labels} if labels else {}),
    }


def policy(chosen: object, *, hooks: bool) -> dict[str, Any]:
    made = policy_with()
    made["spec"].pop("selector")
    if chosen is not None:
        made["spec"]["selector"] = chosen
    if not hooks:
        made["spec"]["actions"][0]["backupParameters"].pop("hooks")
    return made


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (selector((NAME, "In", ["kafka"])), "kasten-kafka-not-stopped"),
        (selector((NAME, "NotIn", ["kube-system"])), "kasten-kafka-not-stopped"),
        (selector((LABEL, "NotIn", ["kube-system", "kafka-old"])), "kasten-kafka-not-stopped"),
        (selector((NAME, "Exists", [])), "kasten-kafka-not-stopped"),
        (selector((LABEL, "Exists", []), (NAME, "NotIn", ["a"])), "kasten-kafka-not-stopped"),
        ({}, "kasten-kafka-not-stopped"),
        (
            selector((NAME, "In", ["kafka", "other"]), (LABEL, "NotIn", ["other"])),
            "kasten-kafka-not-stopped",
        ),
        (None, ""),
        (selector((NAME, "NotIn", ["kube-system", "kafka"])), ""),
        (selector((NAME, "NotIn", ["kaf*"])), ""),
        (selector((NAME, "NotIn", ["${EXCLUDED}"])), ""),
        (selector((NAME, "NotIn", ["kube-system"]), team="data"), ""),
        (selector((NAME, "NotIn", ["kube-system"]), ("team", "NotIn", ["data"])), ""),
        (selector(("k10.kasten.io/virtualMachineRef", "Exists", [])), ""),
        (selector(("team", "Exists", [])), ""),
        (selector((NAME, "In", ["kafka", "other"]), (LABEL, "NotIn", ["kafka"])), ""),
    ],
)
def test_the_volumes_of_a_running_kafka_are_taken(chosen: dict[str, Any], expected: str) -> None:
    rules = {rule for rule, _message in findings(policy(chosen, hooks=False))}
    assert rules == ({expected} if expected else set())


@pytest.mark.parametrize(
    "chosen",
    [
        {"matchLables": {"team": "data"}},
        {"matchExpressions": "{{ .Values.expressions }}"},
        {"matchLabels": "{{ .Values.labels }}"},
        {"matchLabels": {"{{ .Values.key }}": "a"}},
        {"matchExpressions": [{"operator": "Exists"}]},
        [],
    ],
)
def test_a_selector_that_cannot_be_read_selects_nothing_for_certain(chosen: object) -> None:
    rules = {rule for rule, _message in findings(policy(chosen, hooks=False))}
    assert "kasten-kafka-not-stopped" not in rules


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (selector((NAME, "NotIn", ["kafka"])), "kasten-kafka-not-selected"),
        (
            selector((NAME, "In", ["kafka", "other"]), (LABEL, "NotIn", ["kafka"])),
            "kasten-kafka-not-selected",
        ),
        (selector((NAME, "NotIn", ["kube-system"])), "kasten-stopped-per-namespace"),
    ],
)
def test_hooks_for_a_kafka_that_is_excluded_or_not_alone(
    chosen: dict[str, Any], expected: str
) -> None:
    assert expected in {rule for rule, _message in findings(policy(chosen, hooks=True))}


def test_the_namespaces_of_an_exclusion_are_in_the_message() -> None:
    chosen = selector((NAME, "NotIn", ["kafka"]))
    messages = dict(findings(policy(chosen, hooks=True)))
    assert f"{NAME} NotIn (kafka)" in messages["kasten-kafka-not-selected"]


def test_another_policy_with_hooks_is_named_for_the_same_volumes() -> None:
    hooks = {
        moment: {"blueprint": "another", "actionName": moment.lower()}
        for moment in ("preHook", "onSuccess", "onFailure")
    }
    first = policy(selector((NAME, "In", ["db"])), hooks=True)
    first["metadata"]["name"] = "db"
    first["spec"]["actions"][0]["backupParameters"]["hooks"] = hooks
    second = policy(selector((NAME, "NotIn", ["kafka"])), hooks=False)
    second["spec"]["actions"][0]["backupParameters"]["filters"] = {}
    rules = {rule for rule, _message in findings(first, second)}
    assert "kasten-backup-without-hooks" in rules
    second["spec"]["selector"] = selector((NAME, "NotIn", ["kafka", "db"]))
    rules = {rule for rule, _message in findings(first, second)}
    assert "kasten-backup-without-hooks" not in rules
