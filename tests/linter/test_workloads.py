"""What is stopped and comes back: a prehook and a posthook, and what is told of the two."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Union

import pytest

from kanister_kafka.linter.pipeline import validate_text

Does = Union[str, Sequence[str], Mapping[str, Any]]
"""A script, a command, or a phase."""
ABOUT = ("pause-ignored", "scale-subresource", "stopped-for-good", "undone-by-defer")


def phase(name: str, does: Does) -> dict[str, Any]:
    if isinstance(does, Mapping):
        return {"name": name, **does}
    command = ["bash", "-c", does] if isinstance(does, str) else does
    args = {"image": "example.com/tools:1.0", "command": command}
    return {"func": "KubeTask", "name": name, "args": args}


def reported_rules(stop: Does, start: Does) -> list[str]:
    blueprint = {
        "apiVersion": "cr.kanister.io/v1alpha1",
        "kind": "Blueprint",
        "metadata": {"name": "x"},
        "actions": {
            "backupPrehook": {"phases": [phase("stop", stop)]},
            "backupPosthook": {"phases": [phase("start", start)]},
        },
    }
    return [p.rule for p in validate_text(json.dumps(blueprint)) if p.rule in ABOUT]


def scaled(kind: str, name: str, namespace: str, replicas: int) -> dict[str, Any]:
    args = {"kind": kind, "name": name, "namespace": namespace, "replicas": replicas}
    return {"func": "ScaleWorkload", "args": args}


STOP = "kubectl scale deployment/mirror -n a --replicas=0"
PAUSE = "kubectl annotate k c -n a strimzi.io/pause-reconciliation=true"
MERGE = "kubectl patch kafka c -n a --type=merge -p"
RESUMED = '{"metadata":{"annotations":{"strimzi.io/pause-reconciliation":%s}}}'
PATCHED = {value: f"{MERGE} '{RESUMED % value}'" for value in ('"true"', '"false"', "null")}
START = "kubectl scale deployment/mirror -n a --replicas=1"
CONNECTOR = "kubectl patch kafkaconnector cc -n a --type=merge -p '{\"spec\":%s}'"
CRON = 'kubectl patch cronjob c -n a -p \'{"spec":{"suspend":%s}}\''
RUNS = '{"state":"running"}'
SCALE_URL = "https://kubernetes.default/apis/apps/v1/namespaces/a/deployments/mirror/scale"

COMES_BACK: dict[str, tuple[Does, Does]] = {
    "short-name": (STOP, "kubectl scale deploy/mirror -n a --replicas=1"),
    "kind-and-group": (STOP, "kubectl -n a scale --replicas 1 Deployment.v1.apps mirror"),
    "several-names": ("kubectl scale deploy a b --replicas=0 -n x",
                      "kubectl -n x scale --replicas=2 deployments.apps b a"),
    "several-kinds": ("kubectl scale deploy/mirror statefulset/db --replicas=0",
                      "kubectl scale sts/db deploy/mirror --replicas=1"),
    "function-and-kubectl": (scaled("Deployment", "mirror", "a", 0),
                             "oc scale deploy mirror -n a --replicas=1"),
    "kubectl-and-function": (STOP, scaled("deployment", "mirror", "a", 1)),
    "object-of-the-action": (scaled("Deployment", "mirror", "a", 0),
                             {"func": "ScaleWorkload", "args": {"replicas": 1}}),
    "name-of-a-template": ("kubectl scale deploy {{ .Deployment.Name }} --replicas=0",
                           "kubectl scale deploy mirror --replicas=1"),
    "resource-of-strimzi": (scaled("Deployment", "m-mirrormaker2", "a", 0),
                            "kubectl scale kmm2 m -n a --replicas=1"),
    "namespace-of-a-variable": (STOP, "NS=a; kubectl scale deploy mirror -n $NS --replicas=1"),
    "name-of-a-variable": (STOP, "for d in mirror; do kubectl scale deploy $d --replicas=1; done"),
    "all": (STOP, "kubectl scale deploy --all -n a --replicas=1"),
    "selector": (STOP, "kubectl scale deploy -l app=mirror -n a --replicas=1"),
    "file": (STOP, "kubectl scale -f mirror.yaml --replicas=1"),
    "patch": (STOP, 'kubectl patch deploy mirror -n a -p \'{"spec":{"replicas":1}}\''),
    "redirected": (f"{STOP} > log.txt 2>&1", "kubectl scale deploy/mirror -n a --replicas=1 >log"),
    "under-timeout": (STOP, "timeout 60 kubectl scale deploy/mirror -n a --replicas=1"),
    "by-xargs": (STOP, "kubectl get deploy -o name | xargs kubectl scale --replicas=1"),
    "in-another-shell": (STOP, "sh -c 'kubectl scale deploy mirror -n a --replicas=1'"),
    "autoscale": (STOP, "kubectl autoscale deploy mirror --min=1 --max=3 -n a"),
    "apply": (STOP, "kubectl apply -f mirror.yaml"),
    "helm": (scaled("Deployment", "mirror", "a", 0), "helm upgrade mirror ./chart -n a"),
    "argocd": (STOP, ["argocd", "app", "sync", "mirror"]),
    "flux": (STOP, "flux resume kustomization mirror"),
    "request": (STOP, f'curl -X PATCH {SCALE_URL} -d \'{{"spec":{{"replicas":1}}}}\''),
    "script": (STOP, ["bash", "/scripts/start.sh"]),
    "program": (STOP, ["python3", "/scripts/start.py"]),
    "dry-run": (f"{STOP} --dry-run=client", "kubectl get pods"),
    "only-told": (f'echo "{STOP}"', "kubectl get pods"),
    "pause-removed": (PAUSE, "kubectl annotate kafka/c -n a strimzi.io/pause-reconciliation-"),
    "pause-as-before": (PAUSE, "kubectl annotate k c strimzi.io/pause-reconciliation=$BEFORE"),
    "pause-patched": (PATCHED['"true"'], PATCHED['"false"']),
    "pause-null": (PAUSE, PATCHED["null"]),
    "pause-and-podset": (
        f"{PAUSE}; kubectl annotate sps c-kafka strimzi.io/pause-reconciliation=true",
        "kubectl annotate kafka/c -n a strimzi.io/pause-reconciliation-",
    ),
    "foreign-service": ("kubectl scale services.serving.example.com a --replicas=0",
                        "kubectl scale services.serving.example.com a --replicas=1"),
    "short-for-a-foreign-kind": ("kubectl scale ro mirror --replicas=0",
                                 "kubectl scale rollouts.argoproj.io/mirror --replicas=1"),
    "in-a-trap": (f"{STOP}; trap '{START}' EXIT", "true"),
    "in-a-trap-before": (f"trap -- '{START}' EXIT INT; {STOP}", "true"),
    "function-in-a-trap": (f"function up {{ {START}; }}; trap up EXIT; {STOP}", "true"),
    "other-function-in-a-trap": (f"up() {{\n  {START}\n}}\ntrap up EXIT\n{STOP}", "true"),
    "function-of-a-function": (f"up() {{\n{START}\n}}\nend() {{\n  up\n}}\ntrap end EXIT\n{STOP}",
                               "true"),
    "function-in-a-long-trap": (f"up() {{ {START}; }}\ntrap '\n  set +e\n  up\n' EXIT\n{STOP}",
                                "true"),
    "function-after": (f"function up {{ {START}; }}\n{STOP}\nsync\nup", "true"),
    "function-if": (f"up() {{ {START}; }}\n{STOP}\nif ! up; then exit 1; fi", "true"),
    "program-in-a-trap": (f"trap './start.sh' EXIT; {STOP}", "true"),
    "program-in-a-function": (f"up() {{ ./start.sh; }}\n{STOP}\nup", "true"),
    "shell-in-a-trap": (f'trap "bash /scripts/start.sh" EXIT; {STOP}', "true"),
    "program-in-another-shell": (STOP, "sh -c './start.sh'"),
    "connector": (CONNECTOR % '{"state":"stopped"}', CONNECTOR % '{"state":"running"}'),
    "connector-as-before": (CONNECTOR % '{"state":"paused"}', CONNECTOR % '{"state":"\'$S\'"}'),
    "connector-operations": (
        CONNECTOR % '{"state":"stopped"}',
        'kubectl patch kctr cc -n a --type=json -p \'[{"op":"remove","path":"/spec/state"}]\'',
    ),
    "connector-pause": (CONNECTOR % '{"pause":true}', CONNECTOR % '{"pause":false}'),
    "cronjob": (CRON % "true", CRON % "false"),
    "cronjob-yaml": ("kubectl patch cj c -n a -p 'spec: {suspend: true}'", CRON % "null"),
    "operator-of-a-connector": (CONNECTOR % '{"state":"stopped"}', "kubectl apply -f cc.yaml"),
    "tasks-of-a-connector": ("kubectl scale kctr c --replicas=4", "kubectl get kctr"),
}  # fmt: skip
STAYS: dict[str, tuple[Does, Does]] = {
    "nothing": (STOP, "kubectl get pods"),
    "another-name": (STOP, "kubectl scale deploy other -n a --replicas=1"),
    "foreign-kind": (STOP, "kubectl scale rollouts.argoproj.io/mirror -n a --replicas=1"),
    "operations": (
        "kubectl patch deploy a --type=json"
        ' -p \'[{"op":"replace","path":"/spec/replicas","value":0}]\'',
        "kubectl get deploy",
    ),
    "another-kind": (STOP, "kubectl scale sts mirror -n a --replicas=1"),
    "another-namespace": (STOP, "kubectl scale deploy mirror -n b --replicas=1"),
    "another-namespace-of-the-function": (
        scaled("Deployment", "mirror", "a", 0),
        scaled("Deployment", "mirror", "b", 1),
    ),
    "one-of-two": (
        "kubectl scale deploy a b -n x --replicas=0",
        "kubectl scale deploy a -n x --replicas=1",
    ),
    "under-timeout": (f"timeout 60 {STOP}", "kubectl get pods"),
    "patched": ('kubectl patch kmm2 m -p \'{"spec":{"replicas":0}}\'', "kubectl get kmm2"),
    "noted-before": (f"kubectl annotate deploy mirror before=3; {STOP}", "kubectl get pods"),
    "claim-annotated": (STOP, "kubectl annotate pvc data -n a restored=yes"),
    "helm-list": (STOP, "helm list"),
    "request-that-reads": (STOP, "curl http://mirror/health"),
    "pause": (f"{PAUSE}; kubectl delete strimzipodset -l strimzi.io/cluster=c", "kubectl get k"),
    "pause-patched": (PATCHED['"true"'], "kubectl get kafka"),
    "trap-of-nothing": (f"trap - EXIT; {STOP}", "true"),
    "trap-of-another": (f"trap 'kubectl scale deploy b -n a --replicas=1' EXIT; {STOP}", "true"),
    "trap-that-reads": (f"trap 'kubectl get pods' EXIT; {STOP}", "true"),
    "function-before": (f"function up {{ {START}; }}\nup\n{STOP}", "true"),
    "stop-in-a-function": (f"down() {{ {STOP}; }}\n{START}\ndown", "true"),
    "connector": (CONNECTOR % '{"state":"stopped"}', "kubectl get kctr"),
    "connector-paused": (CONNECTOR % '{"state": "paused"}', "kubectl get kctr"),
    "connector-pause": (CONNECTOR % '{"pause":true}', "kubectl get kctr"),
    "connector-operations": (
        "kubectl patch kctr cc --type=json"
        ' -p \'[{"op":"add","path":"/spec/state","value":"stopped"}]\'',
        "kubectl get kctr",
    ),
    "cronjob": (CRON % "true", "kubectl get cj"),
    "connector-of-a-mirror": (
        'kubectl patch kmm2 m --type=json -p \'[{"op":"replace",'
        '"path":"/spec/mirrors/0/sourceConnector/state","value":"paused"}]\'',
        "kubectl get kmm2",
    ),
    "before-a-connector": (f"{STOP}; {CONNECTOR % RUNS}", "true"),
    "before-a-cronjob": (f"{STOP}; {CRON % 'false'}", "true"),
    "pause-of-another": (PAUSE, "kubectl annotate k d -n a strimzi.io/pause-reconciliation-"),
}
NO_SCALE = ("kafka", "k", "kafkas.kafka.strimzi.io", "sps", "kt", "daemonset", "job", "pvc")


@pytest.mark.parametrize(("stop", "start"), COMES_BACK.values(), ids=COMES_BACK)
def test_what_may_come_back_is_not_an_error(stop: Does, start: Does) -> None:
    assert reported_rules(stop, start) == []


@pytest.mark.parametrize(("stop", "start"), STAYS.values(), ids=STAYS)
def test_what_stays_stopped_is_reported(stop: Does, start: Does) -> None:
    assert reported_rules(stop, start) == ["stopped-for-good"]


@pytest.mark.parametrize(
    ("spec", "resource"),
    [
        ('{"spec": {"state": "stopped"}}', "kafkaconnectors"),
        ('{"spec": {"suspend": true}}', "cronjobs"),
    ],
)
def test_what_kubeops_patches_stays_stopped(spec: str, resource: str) -> None:
    reference = {"resource": resource, "name": "a", "namespace": "b"}
    args = {"operation": "patch", "objectReference": reference, "spec": spec}
    assert reported_rules({"func": "KubeOps", "args": args}, "true") == ["stopped-for-good"]


@pytest.mark.parametrize("kind", NO_SCALE)
def test_what_has_no_scale_cannot_be_scaled(kind: str) -> None:
    assert reported_rules(
        f"kubectl scale {kind} c --replicas=0", f"kubectl scale {kind}/c --replicas=3"
    ) == [
        "scale-subresource",
        "scale-subresource",
    ]
