"""The ValidatingAdmissionPolicy on a real API server: what each account may write, and what not.

The accounts are bound to `cluster-admin` in the namespaces for the time, so that nothing but the
policy refuses. Every write is a dry run on the server, through admission, and changes nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from . import lab
from .lab import kubectl, wait_until
from .small_kafka import FAR, KAFKA, WRITERS, ensure

pytestmark = pytest.mark.e2e

HOME = KAFKA.namespace
OWN = f"{KAFKA.name}-kanister-kafka"
NAME = f"{HOME}.{OWN}"
BINDING = "kk-admission"
"""Of cluster-admin; a binding of ours in the other namespace has the name of the policy."""
HELD = ("", "-flush", "-keep", "-switch")
"""What the names of accounts end with that the policy holds."""
SET = {
    "apiVersion": "apps/v1",
    "kind": "StatefulSet",
    "metadata": {"name": "kk-admission", "namespace": HOME, "labels": {"a": "b"}},
    "spec": {
        "replicas": 0,
        "serviceName": "kk-admission",
        "selector": {"matchLabels": {"kk": "admission"}},
        "template": {
            "metadata": {"labels": {"kk": "admission"}},
            "spec": {"containers": [{"name": "a", "image": "example.com/none:1"}]},
        },
    },
}
MEMO = {"kanister-kafka.io/pause-before": "unset", "strimzi.io/pause-reconciliation": "true"}
OBJECTS = [
    ("kafka", KAFKA.name, HOME),
    *WRITERS,
    ("statefulset", "kk-admission", HOME),
]
ALLOWED = {
    "annotations": {"metadata": {"annotations": MEMO}},
    "replicas": {
        "metadata": {"annotations": {"kanister-kafka.io/replicas-before": "1"}},
        "spec": {"replicas": 0},
    },
}
FORBIDDEN = {
    "annotation": ({"metadata": {"annotations": {"example.com/a": "b"}}}, "annotations"),
    "label": ({"metadata": {"labels": {"example.com/a": "b"}}}, "metadata.labels"),
    "finalizer": ({"metadata": {"finalizers": ["example.com/a"]}}, "metadata.finalizers"),
    "owner": (
        {
            "metadata": {
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "ConfigMap", "name": "a", "uid": "0"}
                ]
            }
        },
        "metadata.ownerReferences",
    ),
}
SPECS = {
    "kafka": {"kafka": {"config": {"log.retention.hours": 1}}},
    "kafkamirrormaker2": {"image": "example.com/other:1"},
    "kafkaconnect": {"image": "example.com/other:1"},
    "kafkabridge": {"image": "example.com/other:1"},
    "statefulset": {"template": {"metadata": {"annotations": {"a": "b"}}}},
}


def resource(kind: str) -> str:
    """Return what kubectl calls a kind, for Strimzi's with the version in which it was made."""
    return kind if kind == "statefulset" else lab.versioned(f"{kind}s")


def tried(account: str, kind: str, name: str, home: str, change: dict, *words: str) -> str:
    """Patch as an account, in a dry run; return what is said where it is refused."""
    command = [
        *("kubectl", "patch", resource(kind), name, "-n", home, "--type", "merge"),
        "--dry-run=server",
        *("--as", f"system:serviceaccount:{HOME}:{account}", "-p", json.dumps(change), *words),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.stderr if done.returncode else ""


@pytest.fixture(scope="module", autouse=True)
def policy() -> Iterator[None]:
    served = kubectl("api-resources", "--api-group=admissionregistration.k8s.io", "-o", "name")
    if "validatingadmissionpolicies" not in served:
        pytest.skip("Kubernetes before 1.30 has no ValidatingAdmissionPolicy")
    ensure()
    words = ["--from-cluster", KAFKA.name, "-n", HOME, "--engine", "kanister", "--admission-policy"]
    command = [sys.executable, "-m", "kanister_kafka", "apply", *words, "--force-conflicts"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kubectl("apply", "-f", "-", stdin=json.dumps(SET))
    bound = [f"--serviceaccount={HOME}:{OWN}{end}" for end in (*HELD, "-restore")]
    for home in (HOME, FAR):
        kubectl("create", "rolebinding", BINDING, "-n", home, "--clusterrole=cluster-admin", *bound)
    try:
        change = FORBIDDEN["annotation"][0]  # a policy counts some moments after it is there
        wait_until("the policy counts", lambda: bool(tried(OWN, *OBJECTS[0], change)))
        yield
    finally:
        for home in (HOME, FAR):
            kubectl("delete", "rolebinding", BINDING, "-n", home)
        kubectl("delete", "statefulset", "kk-admission", "-n", HOME)
        for kind in ("binding", ""):
            kubectl("delete", f"validatingadmissionpolicy{kind}", NAME)


@pytest.mark.parametrize("end", HELD)
@pytest.mark.parametrize("place", OBJECTS, ids=[kind for kind, *_ in OBJECTS])
def test_what_the_steps_write_is_allowed(end: str, place: tuple[str, str, str]) -> None:
    for what, change in ALLOWED.items():
        if (what, place[0]) != ("replicas", "kafka"):  # which has none
            assert tried(OWN + end, *place, change) == "", what


@pytest.mark.parametrize("end", HELD)
@pytest.mark.parametrize("place", OBJECTS, ids=[kind for kind, *_ in OBJECTS])
def test_everything_else_is_refused(end: str, place: tuple[str, str, str]) -> None:
    spec = ({"spec": SPECS[place[0]]}, "nothing else of the spec")
    for what, (change, said) in {**FORBIDDEN, "spec": spec}.items():
        answer = tried(OWN + end, *place, change)
        assert NAME in answer, f"{what}: {answer or 'allowed'}"
        assert said in answer, what


def test_statuses_are_for_the_account_of_a_restore_alone() -> None:
    pools = lab.get("kafkanodepools", "-n", HOME)["items"]
    pool = ("kafkanodepool", pools[0]["metadata"]["name"], HOME)
    status = "--subresource=status"
    for place, change in (
        (OBJECTS[0], {"status": {"clusterId": "abc"}}),
        (pool, {"status": {"clusterId": "abc", "nodeIds": [7], "roles": ["broker"]}}),
    ):
        assert tried(f"{OWN}-restore", *place, change, status) == ""
        for end in HELD:
            assert "of a status only" in tried(OWN + end, *place, change, status)
        other = {"status": {"observedGeneration": 99}}
        assert "of a status only" in tried(f"{OWN}-restore", *place, other, status)


def test_account_of_a_restore_may_put_back_whole_objects() -> None:
    for kind, name, home in OBJECTS:
        change = {"spec": SPECS[kind], "metadata": FORBIDDEN["label"][0]["metadata"]}
        assert tried(f"{OWN}-restore", kind, name, home, change) == ""


def test_nobody_else_is_held_to_it() -> None:
    kind, name, home = OBJECTS[0]
    change = json.dumps(FORBIDDEN["annotation"][0])
    where = (resource(kind), name, "-n", home)
    kubectl("patch", *where, "--type=merge", "--dry-run=server", "-p", change)


def test_policy_has_no_fault_of_its_own() -> None:
    status = lab.get("validatingadmissionpolicy", NAME).get("status", {})
    assert not status.get("typeChecking", {}).get("expressionWarnings")
