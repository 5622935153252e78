"""Backup, disaster and restore, on a cluster that the test makes and deletes itself."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import lab, test_cycle
from .lab import Kafka, is_ready, kubectl, run_action, wait_until

pytestmark = pytest.mark.e2e

HOME = "kanister-kafka-e2e-restore"
NODE_ID = 7
"""Not the one that the operator would give to a new node."""
TOPIC = "orders"
SETTLING = 20
"""Seconds. The last change of a Kafka has begun a reconciliation that goes on after it is Ready; an
operator waits up to five minutes in it for what is deleted meanwhile."""


def manifests() -> str:
    labels = {"strimzi.io/cluster": "restored"}
    strimzi = lab.strimzi_api()
    volume = {"id": 0, "type": "persistent-claim", "size": "1Gi", "deleteClaim": True}
    objects = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}},
        {
            "apiVersion": strimzi,
            "kind": "KafkaNodePool",
            "metadata": {
                "name": "node",
                "labels": labels,
                "annotations": {"strimzi.io/next-node-ids": f"[{NODE_ID}]"},
            },
            "spec": lab.combined_node(volume),
        },
        {
            "apiVersion": strimzi,
            "kind": "Kafka",
            "metadata": {
                "name": "restored",
                "annotations": {
                    "strimzi.io/node-pools": "enabled",
                    "strimzi.io/kraft": "enabled",
                },
            },
            "spec": {
                "kafka": {
                    "listeners": [
                        {"name": "plain", "port": 9092, "type": "internal", "tls": False}
                    ],
                    "config": {
                        "offsets.topic.replication.factor": 1,
                        "transaction.state.log.replication.factor": 1,
                        "transaction.state.log.min.isr": 1,
                        "default.replication.factor": 1,
                        "min.insync.replicas": 1,
                    },
                },
                "entityOperator": {"topicOperator": {"jvmOptions": {"-Xmx": "128m"}}},
            },
        },
        {
            "apiVersion": strimzi,
            "kind": "KafkaTopic",
            "metadata": {"name": TOPIC, "labels": labels},
            "spec": {"partitions": 3, "replicas": 1},
        },
        {
            "apiVersion": strimzi,
            "kind": "KafkaUser",
            "metadata": {"name": "reader", "labels": labels},
            "spec": {"authentication": {"type": "scram-sha-512"}},
        },
        {  # as the User Operator makes it; the images of a small cluster may lack that operator
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "reader", "labels": {**labels, "strimzi.io/kind": "KafkaUser"}},
            "stringData": {"password": "correct-horse"},
        },
    ]
    for item in objects[1:]:
        item["metadata"]["namespace"] = HOME  # type: ignore[index]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})


@pytest.fixture(scope="module")
def restored() -> Iterator[Kafka]:
    if lab.why_not():
        pytest.skip(lab.why_not())
    kafka = Kafka(HOME, "restored")
    kubectl("apply", "-f", "-", stdin=manifests())
    try:
        wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))
        wait_until("the topic is Ready", lambda: is_ready(lab.get("kt", TOPIC, "-n", HOME)))
        kubectl("annotate", "knp", "node", "-n", HOME, "strimzi.io/next-node-ids-")
        yield kafka
    finally:
        kubectl("delete", "kafka,knp,kafkauser", "--all", "-n", HOME, "--wait=false")
        free_topics()
        kubectl("delete", "namespace", HOME, "--wait=false", "--ignore-not-found")


def install(*options: str) -> str:
    return test_cycle.install(Kafka(HOME, "restored"), *options)


def free_topics() -> None:
    """Delete topics whose operator may be gone: nobody would take their finalizers off."""
    for topic in lab.get("kt", "-n", HOME)["items"]:
        name = topic["metadata"]["name"]
        kubectl(
            "patch", "kt", name, "-n", HOME, "--type=merge", '-p={"metadata":{"finalizers":null}}'
        )
        kubectl("delete", "kt", name, "-n", HOME, "--ignore-not-found", "--wait=false")


def identity(kafka: Kafka) -> dict[str, object]:
    """What must be the same after a restore."""
    pool = lab.get("knp", "node", "-n", HOME)
    authority = lab.get("secret", "restored-cluster-ca-cert", "-n", HOME)["data"]["ca.crt"]
    return {
        "cluster": kafka.resource()["status"]["clusterId"],
        "nodes": pool["status"]["nodeIds"],
        "pods": [pod["metadata"]["name"] for pod in kafka.pods()],
        "topic": lab.get("kt", TOPIC, "-n", HOME)["status"]["topicId"],
        "authority": authority,
        "password": lab.get("secret", "reader", "-n", HOME)["data"]["password"],
        "claims": sorted(
            claim["metadata"]["name"] for claim in lab.get("pvc", "-n", HOME)["items"]
        ),
    }


def lose_everything(kafka: Kafka) -> None:
    kubectl("delete", "kafka,knp,kafkauser", "--all", "-n", HOME)
    wait_until("no pod is left", lambda: not kafka.pods("kafka", "entity-operator"))
    free_topics()
    kubectl("delete", "pvc", "--all", "-n", HOME)
    left = lab.get("secret", "-n", HOME, "-l", "strimzi.io/cluster=restored")["items"]
    for secret in left:
        kubectl("delete", "secret", secret["metadata"]["name"], "-n", HOME, "--ignore-not-found")
    assert not lab.get("kafka,knp,kt,pvc", "-n", HOME)["items"]


def messages(prefix: str) -> list[str]:
    return [f"{prefix}-{i}" for i in range(300)]


def catalogue(number: str) -> list[dict[str, Any]]:
    """Return what `backups list` has of a backup."""
    done = lab.command("backups", "list", "-n", HOME, "-o", "json")
    assert done.returncode == 0, done.stderr
    return [one for one in json.loads(done.stdout) if one["name"] == number]


def test_backup_and_restore_by_kanister_alone(restored: Kafka) -> None:
    blueprint = install("--engine", "kanister")
    restored.write(TOPIC, messages("before"))
    before = identity(restored)
    assert before["nodes"] == [NODE_ID]
    backup = run_action("backup", blueprint, HOME)
    assert backup.done(), backup.error
    artifacts = backup.artifacts
    number = artifacts["kafka"]["keyValue"]["backup"]
    snapshots = lab.get("volumesnapshot", "-n", HOME, "-l", f"kanister-kafka.io/backup={number}")
    assert len(snapshots["items"]) == len(before["claims"])  # type: ignore[arg-type]
    assert all(one["status"]["readyToUse"] for one in snapshots["items"])
    assert "correct-horse" not in backup.log
    wait_until(f"{restored} is Ready", lambda: is_ready(restored.resource()))
    (listed,) = catalogue(number)
    assert (listed["status"], listed["stop"], listed["faults"]) == ("complete", "clean", [])
    assert listed["claims"] == sorted(before["claims"])  # type: ignore[call-overload]
    restored.write(TOPIC, messages("after"))

    refused = run_action("restore", blueprint, HOME, artifacts=artifacts)
    assert not refused.done()
    assert "would be overwritten: set the option overwrite=true" in refused.error
    assert sorted(set(restored.read(TOPIC))) == sorted(messages("before") + messages("after"))

    options = {"overwrite": "true"}
    over = run_action("restore", blueprint, HOME, artifacts=artifacts, options=options)
    assert over.done(), over.error
    assert sorted(restored.read(TOPIC)) == sorted(messages("before"))
    wait_until(f"{restored} is Ready", lambda: is_ready(restored.resource()))
    assert identity(restored) == before

    lose_everything(restored)
    # an ActionSet that was deleted leaves the backup
    kubectl("delete", "actionset", listed["actionSet"].partition("/")[2], "-n", "kasten-io")
    words = ("restore", number, "--kafka", restored.name, "-n", HOME, "--yes")
    again = lab.command(*words, timeout=1200)
    assert again.returncode == 0, again.stderr
    assert "correct-horse" not in again.stdout + again.stderr
    assert sorted(restored.read(TOPIC)) == sorted(messages("before"))
    wait_until(f"{restored} is Ready", lambda: is_ready(restored.resource()))
    wait_until("the topic is Ready", lambda: is_ready(lab.get("kt", TOPIC, "-n", HOME)))
    assert identity(restored) == before
    assert "strimzi.io/pause-reconciliation" not in restored.resource()["metadata"]["annotations"]
    restored.write(TOPIC, messages("later"))

    kubectl("delete", "secret", f"restored-backup-{number}-facts", "-n", HOME)
    broken = run_action("restore", blueprint, HOME, artifacts=artifacts, options=options)
    assert not broken.done()
    assert "is not complete" in broken.error
    assert len(restored.read(TOPIC)) == 600, "a backup that is not whole overwrites nothing"

    assert catalogue(number)[0]["status"] == "incomplete"
    planned = lab.command("backups", "delete", number, "-n", HOME, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    gone = run_action("delete", blueprint, HOME, artifacts=artifacts)
    assert gone.done(), gone.error
    label = f"kanister-kafka.io/backup={number}"
    wait_until(
        "no snapshot", lambda: not lab.get("volumesnapshot", "-n", HOME, "-l", label)["items"]
    )
    assert not lab.get("secret", "-n", HOME, "-l", label)["items"]


def test_restore_as_kasten_does_it(restored: Kafka) -> None:
    """Play a Policy and a RestoreAction: Kasten itself is not here."""
    blueprint = install("--kasten", "restore")
    topic = f"{TOPIC}-kasten"
    restored.write(topic, messages("before"))
    before = identity(restored)
    stopped = run_action("backupPrehook", blueprint, HOME)
    assert stopped.done(), stopped.error
    captured = kasten_captures()
    record = restored.record()
    claims = snapshot_claims()
    started = run_action("backupPosthook", blueprint, HOME)
    assert started.done(), started.error
    restored.write(topic, messages("after"))
    wait_until(f"{restored} is Ready", lambda: is_ready(restored.resource()))

    halted = run_action("beforeRestore", blueprint, HOME)
    assert halted.done(), halted.error
    assert not restored.pods("kafka", "entity-operator")
    lose_everything(restored)
    for item in (*claims, *captured):
        kubectl("create", "-f", "-", stdin=json.dumps(item))
    patch = json.dumps({"data": record})
    kubectl("patch", "cm", "restored-kanister-kafka", "-n", HOME, "--type=merge", "-p", patch)
    finished = run_action("afterRestore", blueprint, HOME)
    assert finished.done(), finished.error
    assert sorted(restored.read(topic)) == sorted(messages("before"))
    wait_until(f"{restored} is Ready", lambda: is_ready(restored.resource()))
    wait_until("the topic is Ready", lambda: is_ready(lab.get("kt", TOPIC, "-n", HOME)))
    assert identity(restored) == before


def kasten_captures() -> list[dict]:
    """Return what a restore point of our Policy holds, changed as our TransformSet does it."""
    items = []
    kinds = "secrets,kafkanodepools,kafkatopics,kafkausers"
    items += lab.get(kinds, "-n", HOME, "-l", "strimzi.io/cluster=restored")["items"]
    items.append(lab.get("kafka", "restored", "-n", HOME))
    for item in items:
        name = {"name": item["metadata"]["name"], "namespace": HOME}
        kept = {k: v for k, v in item["metadata"].items() if k in ("labels", "annotations")}
        item["metadata"] = {**name, **kept}
        item.pop("status", None)
    annotations = items[-1]["metadata"]["annotations"]
    annotations["strimzi.io/pause-reconciliation"] = "true"
    annotations["kanister-kafka.io/restart-by"] = ""
    return items


def snapshot_claims() -> list[dict]:
    """Snapshot every claim and return the claims that a restore makes of them."""
    claims = lab.get("pvc", "-n", HOME)["items"]
    wanted = []
    for claim in claims:
        name = claim["metadata"]["name"]
        snapshot = {
            "apiVersion": "snapshot.storage.k8s.io/v1",
            "kind": "VolumeSnapshot",
            "metadata": {"name": name, "namespace": HOME},
            "spec": {"source": {"persistentVolumeClaimName": name}},
        }
        kubectl("apply", "-f", "-", stdin=json.dumps(snapshot))
        source = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": name}
        spec = {k: v for k, v in claim["spec"].items() if k not in ("volumeName", "dataSource")}
        spec.pop("dataSourceRef", None)
        labels = claim["metadata"]["labels"]
        wanted.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name, "namespace": HOME, "labels": labels},
                "spec": {**spec, "dataSource": source},
            }
        )
    wait_until(
        "every snapshot is ready",
        lambda: all(
            s["status"]["readyToUse"] for s in lab.get("volumesnapshot", "-n", HOME)["items"]
        ),
    )
    return wanted


# What a restore finds out before it deletes, and what it leaves for a way back


def snapshot_names(label: str) -> list[str]:
    return [
        s["metadata"]["name"] for s in lab.get("volumesnapshot", "-n", HOME, "-l", label)["items"]
    ]


def taken(blueprint: str) -> dict:
    """Make a backup and return its artifacts."""
    backup = run_action("backup", blueprint, HOME)
    assert backup.done(), backup.error
    return backup.artifacts


def digits(artifacts: dict) -> str:
    return artifacts["kafka"]["keyValue"]["backup"]


OVERWRITE = {"overwrite": "true"}


def test_backup_is_marked_as_complete_and_others_are_refused(restored: Kafka) -> None:
    blueprint = install("--engine", "kanister")
    artifacts = taken(blueprint)
    name = f"restored-backup-{digits(artifacts)}-facts"
    facts = lab.get("secret", name, "-n", HOME)
    assert facts["metadata"]["annotations"]["kanister-kafka.io/complete"]
    kubectl("annotate", "secret", name, "-n", HOME, "kanister-kafka.io/complete-")
    refused = run_action("restore", blueprint, HOME, artifacts=artifacts, options=OVERWRITE)
    assert not refused.done()
    assert "is not marked as complete" in refused.error
    wait_until(f"{restored} is Ready", lambda: is_ready(restored.resource()))


def test_certificate_authority_that_is_missing_fails_the_backup_before_the_stop(
    restored: Kafka,
) -> None:
    blueprint = install("--engine", "kanister")
    name = "restored-clients-ca"
    saved = lab.get("secret", name, "-n", HOME)
    saved["metadata"] = {
        k: saved["metadata"][k] for k in ("name", "namespace", "labels", "annotations")
    }
    with paused(restored):  # else the operator makes it again
        kubectl("delete", "secret", name, "-n", HOME)
        pods = {pod["metadata"]["uid"] for pod in restored.pods()}
        backup = run_action("backup", blueprint, HOME)
        assert not backup.done()
        assert f"do not exist: {name}" in backup.error
        assert {pod["metadata"]["uid"] for pod in restored.pods()} == pods, "it was not stopped"
        kubectl("create", "-f", "-", stdin=json.dumps(saved))


@contextlib.contextmanager
def paused(kafka: Kafka) -> Iterator[None]:
    where = ("kafka", kafka.name, "-n", kafka.namespace)
    kubectl("annotate", *where, "--overwrite", "strimzi.io/pause-reconciliation=true")
    try:
        yield
    finally:
        kubectl("annotate", *where, "strimzi.io/pause-reconciliation-")
        wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))


def test_what_is_refused_leaves_everything_untouched(restored: Kafka) -> None:
    """A quota that the restore would meet in the middle: told before the stop."""
    blueprint = install("--engine", "kanister")
    artifacts = taken(blueprint)
    topic = f"{TOPIC}-dry-run"
    restored.write(topic, messages("kept"))
    uids, pods = restored.claims(), {pod["metadata"]["uid"] for pod in restored.pods()}
    kubectl("delete", "kt", TOPIC, "-n", HOME)
    wait_until("it is gone", lambda: TOPIC not in kubectl("get", "kt", "-n", HOME))
    held = len(lab.get("kt", "-n", HOME)["items"])
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few", "namespace": HOME},
        "spec": {"hard": {"count/kafkatopics.kafka.strimzi.io": str(held)}},
    }
    kubectl("create", "-f", "-", stdin=json.dumps(quota))
    try:
        wait_until("the quota is in force", lambda: lab.get("quota", "few", "-n", HOME)["status"])
        refused = run_action("restore", blueprint, HOME, artifacts=artifacts, options=OVERWRITE)
        assert not refused.done()
        assert "exceeded quota: few" in refused.error
        assert restored.claims() == uids
        assert {pod["metadata"]["uid"] for pod in restored.pods()} == pods
        assert sorted(restored.read(topic)) == sorted(messages("kept"))
    finally:
        kubectl("delete", "quota", "few", "-n", HOME)
    labels = {"strimzi.io/cluster": "restored"}
    again = {"metadata": {"name": TOPIC, "namespace": HOME, "labels": labels}}
    body = {"apiVersion": restored.resource()["apiVersion"], "kind": "KafkaTopic", **again}
    body["spec"] = {"partitions": 3, "replicas": 1}
    kubectl("create", "-f", "-", stdin=json.dumps(body))
    wait_until("the topic is Ready", lambda: is_ready(lab.get("kt", TOPIC, "-n", HOME)))


def test_pools_of_backup_and_blueprint_must_be_the_same(restored: Kafka) -> None:
    blueprint = install("--engine", "kanister")
    artifacts = taken(blueprint)
    name = f"restored-backup-{digits(artifacts)}-facts"
    facts = base64.b64decode(lab.get("secret", name, "-n", HOME)["data"]["objects"]).decode()
    changes = {
        facts + "nodeIds.retired=[9]\n": "KafkaNodePool retired is in the backup",
        facts.replace("nodeIds.node=", "nodeIds.other="): "KafkaNodePool node is in the Blueprint",
    }
    uids = restored.claims()
    for text, told in changes.items():
        data = {"data": {"objects": base64.b64encode(text.encode()).decode()}}
        patch = json.dumps(data)
        kubectl("patch", "secret", name, "-n", HOME, "--type=merge", "-p", patch)
        refused = run_action("restore", blueprint, HOME, artifacts=artifacts, options=OVERWRITE)
        assert not refused.done()
        assert told in refused.error
    assert restored.claims() == uids
    wait_until(f"{restored} is Ready", lambda: is_ready(restored.resource()))


def test_small_request_is_raised_and_replaced_volumes_are_kept_until_kafka_is_ready(
    restored: Kafka,
) -> None:
    """As with a driver that rounds up: the claim asks for less than its volume has."""
    blueprint = install("--engine", "kanister")
    artifacts = taken(blueprint)
    name = f"restored-backup-{digits(artifacts)}-0-000"
    kept = gzip.decompress(
        base64.b64decode(lab.get("secret", name, "-n", HOME)["data"]["objects.json.gz"])
    )
    small = kept.replace(b'"storage":"1Gi"', b'"storage":"900Mi"')
    assert small != kept
    data = {"data": {"objects.json.gz": base64.b64encode(gzip.compress(small)).decode()}}
    kubectl("patch", "secret", name, "-n", HOME, "--type=merge", "-p", json.dumps(data))
    over = run_action("restore", blueprint, HOME, artifacts=artifacts, options=OVERWRITE)
    assert over.done(), over.error
    assert "requests 900Mi, and its snapshot needs" in over.log
    assert "the replaced volumes are kept in VolumeSnapshots CLAIM-before-" in over.log
    requests = [
        c["spec"]["resources"]["requests"]["storage"] for c in lab.get("pvc", "-n", HOME)["items"]
    ]
    assert requests == ["1Gi"]
    assert is_ready(restored.resource()), "the restore has waited for it"
    wait_until("no snapshot", lambda: not snapshot_names("kanister-kafka.io/before-restore"))


def certificate(secret: str, key: str) -> str:
    return base64.b64decode(lab.get("secret", secret, "-n", HOME)["data"][key]).decode()


def is_signed_by(child: str, parent: str) -> bool:
    """Ask openssl whether a certificate is of an authority."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in (("child", child), ("parent", parent)):
            (Path(folder) / name).write_text(text)
        words = ["openssl", "verify", "-CAfile", f"{folder}/parent", f"{folder}/child"]
        return subprocess.run(words, capture_output=True).returncode == 0


def test_restore_over_a_kafka_that_gitops_has_made_anew(restored: Kafka) -> None:
    """New authorities, generation 0 as well: what they have signed must not outlive them."""
    blueprint = install("--engine", "kanister")
    topic = f"{TOPIC}-anew"
    restored.write(topic, messages("before"))
    artifacts = taken(blueprint)
    authority = certificate("restored-cluster-ca-cert", "ca.crt")
    clients = certificate("restored-clients-ca-cert", "ca.crt")
    before = restored.resource()["status"]["clusterId"]
    wait_until(f"{restored} is Ready", lambda: is_ready(restored.resource()))
    time.sleep(SETTLING)
    lose_everything(restored)
    kubectl("apply", "-f", "-", stdin=manifests())  # as Argo CD does within minutes
    wait_until(f"{restored} is Ready", lambda: is_ready(restored.resource()))
    assert certificate("restored-cluster-ca-cert", "ca.crt") != authority
    assert restored.resource()["status"]["clusterId"] != before
    over = run_action("restore", blueprint, HOME, artifacts=artifacts, options=OVERWRITE)
    assert over.done(), over.error
    assert is_ready(restored.resource())
    assert restored.resource()["status"]["clusterId"] == before
    assert certificate("restored-cluster-ca-cert", "ca.crt") == authority
    assert certificate("restored-clients-ca-cert", "ca.crt") == clients
    derived = lab.get("secret", "restored-cluster-operator-certs", "-n", HOME)["data"]
    (key,) = (key for key in derived if key.endswith(".crt"))
    assert is_signed_by(certificate("restored-cluster-operator-certs", key), authority)
    assert sorted(restored.read(topic)) == sorted(messages("before"))
    labels = {"strimzi.io/cluster": "restored"}
    made = {
        "apiVersion": restored.resource()["apiVersion"],
        "kind": "KafkaTopic",
        "metadata": {"name": "made-after", "namespace": HOME, "labels": labels},
        "spec": {"partitions": 1, "replicas": 1},
    }
    kubectl("create", "-f", "-", stdin=json.dumps(made))
    wait_until("a topic can be made", lambda: is_ready(lab.get("kt", "made-after", "-n", HOME)))
