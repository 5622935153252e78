"""Each example that the operator of the cluster can run: backed up, written to, and restored.

The manifests are those of examples/, so that no example is untried. Sizes, versions and what a
small cluster does not have are replaced (`fitted`), nothing else. All of it is made and removed
here.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from . import faults, lab
from .lab import Kafka, is_ready, kubectl, run_action, wait_until
from .test_cycle import install

pytestmark = pytest.mark.e2e

EXAMPLES = Path(__file__).parents[2] / "examples"
KRAFT = ("kraft-combined", "kraft-separate-pools", "kraft-broker-pools", "mirror-maker-2")
FAMILIES = (*KRAFT, "strimzi-v1", "long-names", "zookeeper-pod-sets", "zookeeper-node-pools")
LONG = ("a-kafka-whose-name-is-as-long-as-it-can-b", f"kanister-kafka-e2e-{'n' * 41}")
"""41 and 60 characters: names of objects are made of both.

With 42 the operator cannot label the RoleBinding of the Topic Operator. With 45 no node finds
another one either: glibc gives up a name as soon as one domain of the search list makes it longer
than 253 characters, and the list begins with the namespace."""
TOPIC = "families"
SMALL: dict[str, Any] = {
    "resources": {"requests": {"cpu": "20m", "memory": "300Mi"}},
    "jvmOptions": {"-Xms": "100m", "-Xmx": "256m"},
}
CLIENTS = ("KafkaConnect", "KafkaMirrorMaker2", "KafkaBridge")
PLAIN = {"name": "plain", "port": 9092, "type": "internal", "tls": False}
REMOVED = ("version", "metadataVersion")
"""The operator runs its newest."""


def documents(family: str) -> list[dict]:
    """Return what an example consists of; `long-names` is a combined quorum under other names."""
    folder = EXAMPLES / ("kraft-combined" if family == "long-names" else family)
    texts = [path.read_text() for path in sorted(folder.glob("*.yaml"))]
    text = "---\n".join(texts)
    # the operator looks at a Kafka of a name that was deleted only after some minutes
    for namespace in sorted(set(re.findall(r"(?m)^  namespace: (\S+)$", text)), reverse=True):
        text = re.sub(
            rf"(?m)(namespace: |\.){namespace}(\.svc|$)", rf"\1kk-e2e-{family}-{namespace}\2", text
        )
    found = [one for one in yaml.safe_load_all(text) if one]
    if family == "long-names":
        name, namespace = LONG
        for one in found:
            one["metadata"]["namespace"] = namespace
            if one["kind"] == "Kafka":
                one["metadata"]["name"] = name
            else:
                one["metadata"]["labels"]["strimzi.io/cluster"] = name
    return found


def fitted(item: dict, api: str) -> dict | None:
    """Return an object for a small cluster; None if the operator does not know its form."""
    one = copy.deepcopy(item)
    if one["kind"] in CLIENTS and one["apiVersion"] != api:
        return None
    one["apiVersion"] = api
    metadata, spec = one["metadata"], one["spec"]
    annotations = metadata.setdefault("annotations", {})
    if one["kind"] in CLIENTS:  # their sources are not there, so they have no pods
        annotations["strimzi.io/pause-reconciliation"] = "true"
        spec.pop("version", None)
        return one
    annotations.pop("strimzi.io/next-node-ids", None)
    nodes = [spec] if one["kind"] == "KafkaNodePool" else []
    if one["kind"] == "Kafka":
        kafka = spec["kafka"]
        for key in REMOVED:
            kafka.pop(key, None)
        for key in ("inter.broker.protocol.version", "log.message.format.version"):
            kafka["config"].pop(key, None)
        if rack := kafka.get("rack"):
            rack["topologyKey"] = "kubernetes.io/hostname"
        for listener in kafka["listeners"]:
            if listener["type"] != "internal":
                listener["type"] = "internal"
                listener.pop("configuration", None)
        if not any(listener["port"] == 9092 for listener in kafka["listeners"]):
            kafka["listeners"].append(PLAIN)
        if kafka.get("authorization", {}).get("type") == "simple":
            kafka["authorization"]["superUsers"] = ["ANONYMOUS"]
        for absent in ("cruiseControl", "kafkaExporter"):
            spec.pop(absent, None)
        spec["entityOperator"] = {"topicOperator": {"jvmOptions": {"-Xmx": "128m"}}}
        nodes += [kafka, *(spec[key] for key in ("zookeeper",) if key in spec)]
    for node in nodes:
        if "replicas" in node:
            node["replicas"] = min(3, node["replicas"])
        if "storage" in node:
            node.update(SMALL)
            for volume in node["storage"].get("volumes", [node["storage"]]):
                volume["size"] = "1Gi"
                volume.pop("class", None)
    return one


def problem(family: str) -> str:
    """Return why the operator of the cluster cannot run a family, or nothing."""
    release = faults.release()
    if family.startswith("zookeeper") and not release.startswith("0.45."):
        return f"Strimzi {release} has no ZooKeeper"
    if family == "strimzi-v1" and lab.strimzi_api() != "kafka.strimzi.io/v1":
        return f"Strimzi {release} serves v1beta2"
    return ""


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Iterator[Kafka]:
    """Make a family and wait until it is Ready."""
    if lab.why_not():
        pytest.skip(lab.why_not())
    if reason := problem(request.param):
        pytest.skip(reason)
    fits = (fitted(item, lab.strimzi_api()) for item in documents(request.param))
    items = [item for item in fits if item]
    namespaces = sorted({item["metadata"]["namespace"] for item in items})
    main = next(item["metadata"] for item in items if item["kind"] == "Kafka")
    kafka = Kafka(main["namespace"], main["name"])
    for namespace in namespaces:
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        kubectl("apply", "-f", "-", stdin=json.dumps(made))
    try:
        kubectl("apply", "-f", "-", stdin="\n".join(map(json.dumps, items)))
        wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()), 900)
        yield kafka
    finally:
        kubectl("delete", "kafka,knp,kmm2,kc,kafkabridge", "--all", "-n", kafka.namespace)
        for namespace in namespaces:
            for topic in lab.get("kt", "-n", namespace)["items"]:
                name = topic["metadata"]["name"]
                free = '-p={"metadata":{"finalizers":null}}'
                kubectl("patch", "kt", name, "-n", namespace, "--type=merge", free)
            kubectl("delete", "namespace", namespace, "--wait=false")


def test_a_family_is_backed_up_and_restored(family: Kafka) -> None:
    blueprint = install(family, "--engine", "kanister")
    nodes = sorted(pod["metadata"]["name"] for pod in family.pods())
    family.create(TOPIC)
    before = [f"before-{n}" for n in range(300)]
    family.write(TOPIC, before)
    backup = run_action("backup", blueprint, family.namespace)
    assert backup.done(), backup.error
    claims = lab.get("pvc", "-n", family.namespace)["items"]
    snapshots = lab.get("volumesnapshot", "-n", family.namespace)["items"]
    assert len(snapshots) == len(claims)
    wait_until(f"{family} is Ready", lambda: is_ready(family.resource()))
    family.write(TOPIC, [f"after-{n}" for n in range(300)])
    identity = family.resource()["status"].get("clusterId")

    restored = run_action(
        "restore",
        blueprint,
        family.namespace,
        artifacts=backup.artifacts,
        options={"overwrite": "true"},
    )
    assert restored.done(), restored.error
    wait_until(f"{family} is Ready", lambda: is_ready(family.resource()))
    assert sorted(pod["metadata"]["name"] for pod in family.pods()) == nodes
    assert family.resource()["status"].get("clusterId") == identity
    assert sorted(family.read(TOPIC)) == sorted(before)
