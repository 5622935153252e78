"""Each example that the operator of the cluster can run: backed up, written to, and restored.

The manifests are those of examples/, so that no example is untried. Sizes, what a small cluster
does not have, and an API version that is not served are replaced (`families`), nothing else. All of
it is made and removed here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from kanister_kafka.constants import STRIMZI

from . import families, faults, lab
from .families import FAMILIES, Family, MirrorSource
from .lab import is_ready, kubectl, run_action, wait_until
from .test_cycle import install, leftovers

pytestmark = pytest.mark.e2e

TOPIC = "families"
MIRRORED = "items"
"""Topic of the sources: each example's mirrors copy it."""
PLURALS = {
    "KafkaConnect": "kafkaconnects",
    "KafkaMirrorMaker2": "kafkamirrormaker2s",
    "KafkaBridge": "kafkabridges",
    "KafkaConnector": "kafkaconnectors",
}


def served() -> set[str]:
    """Return the API versions in which the cluster has Strimzi's resources."""
    versions = kubectl("api-versions").split()
    return {version for version in versions if version.startswith(f"{STRIMZI}/")}


def live(item: dict) -> dict:
    """Read a resource of a family in the API version in which it was made."""
    version = item["apiVersion"].rpartition("/")[2]
    resource = f"{PLURALS[item['kind']]}.{version}.{STRIMZI}"
    return lab.get(resource, item["metadata"]["name"], "-n", item["metadata"]["namespace"])


def apply(items: list[dict]) -> None:
    if items:
        kubectl("apply", "-f", "-", stdin="\n".join(map(json.dumps, items)))


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Iterator[Family]:
    """Make a family, with a topic in each source of its mirrors, and wait until all of it runs."""
    if lab.why_not():
        pytest.skip(lab.why_not())
    if reason := families.not_possible(request.param, faults.release()):
        pytest.skip(reason)
    family = families.build(request.param, served())
    for namespace in family.namespaces:
        made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        kubectl("apply", "-f", "-", stdin=json.dumps(made))
    try:
        apply(family.servers)
        for kafka in family.kafkas:
            wait_until(f"{kafka} is Ready", lambda k=kafka: is_ready(k.resource()), 900)
        for source in family.sources():
            source.kafka.create(MIRRORED)  # MirrorMaker 2 looks for new topics every ten minutes
        apply(family.clients)
        wait_for_clients(family)
        yield family
    finally:
        remove(family)


def remove(family: Family) -> None:
    for kinds in ("kctr,kmm2,kc,kafkabridge", "kafka,knp"):  # clients first: they need their Kafka
        for namespace in family.namespaces:
            kubectl("delete", kinds, "--all", "-n", namespace, timeout=300)
    for namespace in family.namespaces:
        for topic in lab.get("kt", "-n", namespace)["items"]:
            name = topic["metadata"]["name"]
            free = '-p={"metadata":{"finalizers":null}}'
            kubectl("patch", "kt", name, "-n", namespace, "--type=merge", free)
        kubectl("delete", "namespace", namespace, "--wait=false")


def wait_for_clients(family: Family) -> None:
    """Wait until clients run, with the replicas that they were made with, and their connectors."""
    for client in family.running:
        name = f"{client['kind']} {client['metadata']['name']}"
        wait_until(f"{name} is Ready", lambda c=client: is_ready(live(c)), 900)
    for connector in family.connectors:
        state = connector["spec"].get("state", "running").upper()
        name = f"KafkaConnector {connector['metadata']['name']}"
        wait_until(f"{name} is {state}", lambda c=connector, s=state: state_of(c) == s, 300)
    for client in family.workers:
        resource = live(client)
        assert resource["spec"]["replicas"] == client["spec"]["replicas"]
        assert leftovers(resource) == []


def state_of(connector: dict) -> str:
    return live(connector)["status"]["connectorStatus"]["connector"]["state"]


def assert_mirrored(family: Family, messages: list[str]) -> None:
    """Wait until the target has all messages of each source, and no others."""
    for source in family.sources():
        expected = {f"{source.alias}-{message}" for message in messages}
        wait_until(
            f"{family.kafka} has the records of {source.kafka}",
            lambda s=source, e=expected: mirrored(family, s, len(e)) == e,
            300,
        )


def mirrored(family: Family, source: MirrorSource, least: int) -> set[str]:
    """Read what a mirror has copied, if it is so many; a record can be copied more than once."""
    topic = f"{source.alias}.{MIRRORED}"
    return set(family.kafka.read(topic)) if family.kafka.held(topic) >= least else set()


def write_to_sources(family: Family, messages: list[str]) -> None:
    for source in family.sources():
        source.kafka.write(MIRRORED, [f"{source.alias}-{message}" for message in messages])


def test_a_family_is_backed_up_and_restored(family: Family) -> None:
    kafka = family.kafka
    blueprint = install(kafka, "--engine", "kanister")
    nodes = sorted(pod["metadata"]["name"] for pod in kafka.pods())
    kafka.create(TOPIC)
    before = [f"before-{n}" for n in range(300)]
    after = [f"after-{n}" for n in range(300)]
    kafka.write(TOPIC, before)
    write_to_sources(family, before)
    assert_mirrored(family, before)
    backup = run_action("backup", blueprint, kafka.namespace)
    assert backup.done(), backup.error
    claims = lab.get("pvc", "-n", kafka.namespace)["items"]
    snapshots = lab.get("volumesnapshot", "-n", kafka.namespace)["items"]
    assert len(snapshots) == len(claims)
    wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))
    wait_for_clients(family)
    kafka.write(TOPIC, after)
    write_to_sources(family, after)
    assert_mirrored(family, before + after)
    identity = kafka.resource()["status"].get("clusterId")

    restored = run_action(
        "restore",
        blueprint,
        kafka.namespace,
        artifacts=backup.artifacts,
        options={"overwrite": "true"},
    )
    assert restored.done(), restored.error
    wait_until(f"{kafka} is Ready", lambda: is_ready(kafka.resource()))
    assert sorted(pod["metadata"]["name"] for pod in kafka.pods()) == nodes
    assert kafka.resource()["status"].get("clusterId") == identity
    assert sorted(kafka.read(TOPIC)) == sorted(before)
    wait_for_clients(family)
    assert_mirrored(family, before + after)  # it goes on from its position in the backup
