"""Whether the operator still has the Kafka version of a backup, before a restore begins.

The account of a restore sees one namespace; whoever starts it may see the operator as well.
"""

from __future__ import annotations

import base64
import binascii

from kanister_kafka.errors import KanisterKafkaError
from kanister_kafka.kube.connection import PODS, Connection, Object, Resource
from kanister_kafka.run.actionset import ActionSet
from kanister_kafka.run.target import Target

SECRETS = Resource(("api", "v1"), "secrets", "Secret", namespaced=True)
OPERATOR = "strimzi.io/kind=cluster-operator"
"""Label of the operator's pods, in every way to install it."""
IMAGES = "STRIMZI_KAFKA_IMAGES"
"""Variable of the operator: `VERSION=IMAGE`, one a line (Strimzi's ClusterOperatorConfig.java)."""
ANY = "any-kafka-version"
"""Option of an ActionSet with which a restore goes on all the same."""
ARTIFACT = "kafka"


def wanted_version(connection: Connection, target: Target, origin: ActionSet) -> str:
    """Return the `spec.kafka.version` that a backup holds; empty where it names none."""
    values = origin.artifacts.get(ARTIFACT, {}).get("keyValue") or {}
    name = f"{target.name}-backup-{values.get('backup', '')}-facts"
    found = connection.get(SECRETS, name, target.namespace)
    try:
        text = base64.b64decode((found.get("data") or {}).get("objects") or "").decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    facts = dict(line.partition("=")[::2] for line in text.splitlines())
    return facts.get("specVersion", "")


def operators_versions(connection: Connection) -> frozenset[str]:
    """Return the Kafka versions that the operators of the cluster have, all together."""
    found = connection.items(PODS, label=OPERATOR)
    return frozenset(version for pod in found for version in _versions(pod))


def _versions(pod: Object) -> frozenset[str]:
    containers = (pod.get("spec") or {}).get("containers") or ()
    texts = (
        str(variable.get("value") or "")
        for container in containers
        for variable in container.get("env") or ()
        if variable.get("name") == IMAGES
    )
    pairs = (pair.partition("=") for text in texts for pair in text.split())
    return frozenset(version for version, equals, _image in pairs if equals)


def missing_version(connection: Connection, target: Target, origin: ActionSet) -> tuple[str, bool]:
    """Say in a sentence what stands against a restore, and whether that is certain.

    Empty where nothing does. What could not be read is no certainty.
    """
    try:
        version = wanted_version(connection, target, origin)
        known = operators_versions(connection) if version else frozenset()
    except KanisterKafkaError as failure:
        return (
            f"whether the operator has the Kafka version of the backup is not known: {failure}",
            False,
        )
    if not version or version in known:
        return "", False
    if not known:
        return (
            f"the backup is of Kafka {version}, and no operator is seen that tells its versions",
            False,
        )
    return (
        f"the backup is of Kafka {version}, and the operator has {', '.join(sorted(known))}: "
        f"bring back a Strimzi that has it, or go on with --option {ANY}=true and set "
        "spec.kafka.version when the restore tells so",
        True,
    )
