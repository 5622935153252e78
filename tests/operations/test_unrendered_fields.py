"""Which fields on the cluster an apply leaves, because another field manager has set them."""

from __future__ import annotations

import json

import pytest

from kanister_kafka.operations.unrendered_fields import UnrenderedField, unrendered_fields

KUBECTL = "kubectl"


def entry(fields, manager=KUBECTL, operation="Apply", **more):
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def thing(kind, *entries, **fields):
    metadata = {"name": "x", "namespace": "kafka", "managedFields": list(entries)}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, **fields}


def paths(desired, live):
    return [(field.path, field.managers) for field in unrendered_fields(desired, live)]


def defer():
    """Return the fields of an action with a deferPhase."""
    return {"f:actions": {"f:backup": {"f:phases": {}, "f:deferPhase": {"f:func": {}}}}}


PHASES = [{"func": "KubeTask"}]
DESIRED = thing("Blueprint", actions={"backup": {"phases": PHASES}})
LIVE = {"backup": {"phases": PHASES, "deferPhase": {"func": "KubeTask"}}}


@pytest.mark.parametrize(
    ("entries", "managers"),
    [
        ([entry(defer())], ("kubectl (Apply)",)),
        ([entry(defer()), entry(defer(), "argocd", "Update")],
         ("kubectl (Apply)", "argocd (Update)")),
        ([entry(defer()), entry(defer(), "kanister-kafka")], ("kubectl (Apply)",)),
        ([entry(defer(), "kanister-kafka", "Update")], ("kanister-kafka (Update)",)),
        ([], ()),
        ([entry(defer(), "kanister-kafka")], None),
    ],
    ids=["one", "two", "also ours", "by our patch", "of nobody", "ours alone"],
)  # fmt: skip
def test_field_of_a_blueprint_and_who_owns_it(entries, managers) -> None:
    live = thing("Blueprint", *entries, actions=LIVE)
    expected = [] if managers is None else [("actions.backup.deferPhase", managers)]
    assert paths(DESIRED, live) == expected


def test_another_action_of_a_blueprint() -> None:
    fields = {"f:actions": {"f:restore": {".": {}, "f:phases": {}}}}
    live = thing("Blueprint", entry(fields), actions={**DESIRED["actions"], "restore": {}})
    assert paths(DESIRED, live) == [("actions.restore", ("kubectl (Apply)",))]


def test_lists_that_an_apply_replaces_are_not_among_them() -> None:
    phases = [{"func": "KubeTask", "args": {}}]
    live = thing("Blueprint", entry(defer()), actions={"backup": {"phases": phases}})
    assert paths(DESIRED, live) == []


def key(**keys):
    return f"k:{json.dumps(keys)}"


def watchdog(*entries, container=None, **spec):
    inner = {"name": "container", "image": "i", **(container or {})}
    pod = {"serviceAccountName": "a", "containers": [inner], **spec}
    return thing("Deployment", *entries, spec={"template": {"spec": pod}})


def of_pod(**fields):
    return {"f:spec": {"f:template": {"f:spec": {f"f:{name}": fields[name] for name in fields}}}}


def of_container(**fields):
    inside = {f"f:{name}": fields[name] for name in fields}
    return of_pod(containers={key(name="container"): {".": {}, **inside}})


POD = "spec.template.spec"


@pytest.mark.parametrize(
    ("live", "expected"),
    [
        (watchdog(entry(of_pod(nodeSelector={"f:a": {}})), nodeSelector={"a": "b"}),
         [f"{POD}.nodeSelector"]),
        (watchdog(entry(of_container(env={key(name="A"): {}})),
                  container={"env": [{"name": "A"}]}),
         [f"{POD}.containers[name=container].env"]),
        (watchdog(entry(of_container(imagePullPolicy={}), operation="Update"),
                  container={"imagePullPolicy": "IfNotPresent"}), []),
        (watchdog(entry(of_container(imagePullPolicy={}), operation="Update"),
                  container={"imagePullPolicy": "Never"}),
         [f"{POD}.containers[name=container].imagePullPolicy"]),
        (watchdog(entry(of_pod(serviceAccount={}), operation="Update"), serviceAccount="a"), []),
        (watchdog(entry(of_pod(nodeSelector={}), "kanister-kafka", "Update"),
                  nodeSelector={"a": "b"}), []),
        (watchdog(entry(of_pod(tolerations={}), subresource="status"), tolerations=[]), []),
        (watchdog(entry(of_pod(tolerations={}))), []),
    ],
    ids=["selector", "env", "default", "no default", "copy", "webhook", "status", "gone"],
)  # fmt: skip
def test_field_of_a_deployment(live, expected) -> None:
    assert [path for path, _managers in paths(watchdog(), live)] == expected


def test_another_container_of_a_deployment() -> None:
    live = watchdog(entry(of_pod(containers={key(name="more"): {".": {}}})))
    live["spec"]["template"]["spec"]["containers"].append({"name": "more"})
    assert paths(watchdog(), live) == [(f"{POD}.containers[name=more]", ("kubectl (Apply)",))]


def test_what_the_steps_and_users_write_is_not_among_them() -> None:
    desired = thing("Deployment", spec={"minReadySeconds": 5})
    live = thing("Deployment", entry({"f:spec": {"f:replicas": {}}}), spec={"replicas": 1})
    assert paths(desired, live) == []
    state = thing("ConfigMap", entry({"f:data": {"f:state": {}}}), data={"state": "stopped"})
    assert paths(thing("ConfigMap"), state) == []
    labels = {"f:metadata": {"f:labels": {"f:a": {}}}}
    role = thing("Role", entry(labels), rules=[])
    role["metadata"]["labels"] = {"a": "b"}
    assert paths(thing("Role", rules=[]), role) == []


def test_text_of_a_field() -> None:
    assert str(UnrenderedField("a.b", ("kubectl (Apply)",))) == "a.b (of kubectl (Apply))"
    assert str(UnrenderedField("a.b", ())) == "a.b (of no field manager)"
