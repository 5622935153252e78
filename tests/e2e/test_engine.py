"""What `validate` calls an error fails on the real Kanister, and the remedy it names works.

No Kafka is needed or touched: each Blueprint creates a ConfigMap in a namespace made for the test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from kanister_kafka.diagnostics import Severity
from kanister_kafka.linter.pipeline import validate_text

from . import lab

pytestmark = pytest.mark.e2e
NAMESPACE = "kanister-kafka-e2e-engine"
LOGIN = {"login": {"kind": "Secret", "name": "login", "namespace": NAMESPACE}}


def make(name: str, value: str, objects: dict | None = None) -> dict:
    """Return a phase that renders a value into a ConfigMap."""
    data = {"metadata": {"name": name.lower()}, "data": {"v": value}}
    spec = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", **data})
    args = {"operation": "create", "namespace": NAMESPACE, "spec": spec}
    return {
        "func": "KubeOps",
        "name": name,
        "args": args,
        **({"objects": objects} if objects else {}),
    }


def login(**change: str | None) -> dict:
    fields = {**LOGIN["login"], **change}
    return {"login": {key: value for key, value in fields.items() if value is not None}}


PATCH = {
    "operation": "patch",
    "spec": '{"metadata":{"annotations":{"a":"b"}}}',
    "objectReference": {
        "apiVersion": "v1alpha1",
        "group": "cr.kanister.io",
        "resource": "profiles",
        "name": "none",
        "namespace": NAMESPACE,
    },
}
SCALE = {"namespace": NAMESPACE, "name": "none", "kind": "StrimziPodSet", "replicas": 3}
BOUND = "{{ if eq .metadata.name `target` }}true{{ end }}"
TARGET = {"apiVersion": "v1", "resource": "configmaps", "name": "target", "namespace": NAMESPACE}
WAIT = {"timeout": "5", "conditions": {"anyOf": [{"condition": BOUND, "objectReference": TARGET}]}}
USER = "{{ .Phases.one.Secrets.login.Data.user%s }}"
FAILS: dict[str, tuple[str, dict, str]] = {
    "field": ("template-field", {"phases": [make("one", "{{ .phases }}")]}, "can't evaluate field"),
    "call": ("template-call", {"phases": [make("one", "{{ hasKey .Options `x` }}")]}, "wrong type"),
    "compare": (
        "template-call",
        {"phases": [make("one", "{{ eq .Options.o 1 }}")]},
        "incompatible",
    ),
    "later": (
        "phase-reference",
        {"phases": [make("one", "{{ .Phases.two.Output.name }}"), make("two", "x")]},
        '"two" not found',
    ),
    "in-objects": (
        "phase-reference",
        {
            "phases": [
                make("one", "x"),
                make("two", "x", login(name="{{ .Phases.one.Output.name }}")),
            ]
        },
        '"one" not found',
    ),
    "current": (
        "phase-reference",
        {"phases": [make("one", "{{ .CurrentPhase.Output }}")]},
        "nil pointer",
    ),
    "deferred-in-an-artifact": (
        "phase-reference",
        {
            "phases": [make("one", "x")],
            "deferPhase": make("last", "x"),
            "outputArtifacts": {"a": {"keyValue": {"b": "{{ .Phases.last.Output.name }}"}}},
        },
        '"last" not found',
    ),
    "no-kind": (
        "phase-object",
        {"phases": [make("one", USER % " | toString", login(kind=None))]},
        '"login" not found',
    ),
    "no-namespace": (
        "object-incomplete",
        {"phases": [make("one", "x", login(namespace=None))]},
        "could not find",
    ),
    "own-output": (
        "phase-output",
        {"phases": [make("one", "{{ .Phases.one.Output.name }}")]},
        '"name" not found',
    ),
    "output": (
        "phase-output",
        {"phases": [make("one", "x"), make("two", "{{ .Phases.one.Output.nme }}")]},
        '"nme" not found',
    ),
    "object-kind": (
        "object-kind",
        {"kind": "ConfigMap", "phases": [make("one", "{{ .Deployment.Name }}")]},
        "nil pointer",
    ),
    "patch": (
        "custom-resource-patch",
        {"phases": [{"func": "KubeOps", "name": "one", "args": PATCH}]},
        "media type",
    ),
    "scale": (
        "scale-workload-kind",
        {"phases": [{"func": "ScaleWorkload", "name": "one", "args": SCALE}]},
        "Workload type not supported",
    ),
    "time-out": (
        "argument-value",
        {"phases": [{"func": "WaitV2", "name": "one", "args": WAIT}]},
        "missing unit",
    ),
}
"""By name: the check that tells it, the action, and what Kanister says."""
AFTER_FAILURE = [make("one", "x"), make("two", "{{ .Options.missing }}")]
UNSAFE = "{{ .Phases.two.Output.name }}"
SAFE = "{{ with index .Phases `two` }}{{ index .Output `name` | default `none` }}{{ end }}"


@pytest.fixture(scope="module", autouse=True)
def namespace() -> Iterator[None]:
    lab.kubectl("create", "namespace", NAMESPACE)
    lab.kubectl("create", "configmap", "target", "-n", NAMESPACE)
    lab.kubectl("create", "secret", "generic", "login", "--from-literal=user=me", "-n", NAMESPACE)
    yield
    lab.kubectl("delete", "namespace", NAMESPACE)


def blueprint(action: dict) -> str:
    return json.dumps(
        {
            "apiVersion": "cr.kanister.io/v1alpha1",
            "kind": "Blueprint",
            "metadata": {"name": "e2e-engine", "namespace": lab.KANISTER_NAMESPACE},
            "actions": {"go": action},
        }
    )


def checks(text: str) -> set[str]:
    return {p.rule for p in validate_text(text) if p.severity is Severity.ERROR}


def run(text: str) -> dict:
    """Run the action on a ConfigMap and return the status when the deferPhase is done too."""
    there = ("-n", lab.KANISTER_NAMESPACE)
    target = {"kind": "ConfigMap", "group": "", **TARGET}
    action = {"name": "go", "blueprint": "e2e-engine", "object": target, "options": {"o": "v"}}
    action_set = {
        "apiVersion": "cr.kanister.io/v1alpha1",
        "kind": "ActionSet",
        "metadata": {"name": "e2e-engine", "namespace": lab.KANISTER_NAMESPACE},
        "spec": {"actions": [action]},
    }
    names = ("one", "two", "last")
    lab.kubectl("delete", "configmap", *names, "-n", NAMESPACE, "--ignore-not-found")
    try:
        lab.kubectl("apply", "-f", "-", stdin=text)
        lab.kubectl("apply", "-f", "-", stdin=json.dumps(action_set))

        def status() -> dict:
            return lab.get("actionset", "e2e-engine", *there).get("status", {})

        def is_done() -> bool:
            now = status()
            deferred = now.get("actions", [{}])[0].get("deferPhase", {}).get("state")
            return now.get("state") in ("complete", "failed") and deferred != "pending"

        lab.wait_until("the action is done", is_done, timeout=60)
        return status()
    finally:
        lab.kubectl("delete", "actionset", "e2e-engine", *there, "--ignore-not-found")
        lab.kubectl("delete", "blueprint", "e2e-engine", *there, "--ignore-not-found")


def value(name: str) -> str:
    return lab.kubectl("get", "configmap", name, "-n", NAMESPACE, "-o", "jsonpath={.data.v}")


@pytest.mark.parametrize(("check", "action", "message"), FAILS.values(), ids=FAILS)
def test_what_is_an_error_fails(check: str, action: dict, message: str) -> None:
    text = blueprint(action)
    assert check in checks(text)
    status = run(text)
    assert status["state"] == "failed"
    assert message in status["error"]["message"]


def test_bytes_of_a_secret_are_printed_as_numbers() -> None:
    text = blueprint({"phases": [make("one", USER % "", LOGIN)]})
    assert checks(text) == {"template-bytes"}
    assert run(text)["state"] == "complete"
    assert value("one") == "[109 101]"
    right = blueprint({"phases": [make("one", USER % " | toString", LOGIN)]})
    assert run(right)["state"] == "complete"
    assert value("one") == "me"


def test_defer_phase_after_a_failure_has_no_output_to_use() -> None:
    unsafe = blueprint({"phases": AFTER_FAILURE, "deferPhase": make("last", UNSAFE)})
    assert checks(unsafe) == {"defer-output"}
    assert run(unsafe)["actions"][0]["deferPhase"]["state"] == "failed"
    safe = blueprint({"phases": AFTER_FAILURE, "deferPhase": make("last", SAFE)})
    assert not checks(safe)
    assert run(safe)["actions"][0]["deferPhase"]["state"] == "complete"
    assert value("last") == "none"
