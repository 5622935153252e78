from __future__ import annotations

import ast
import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kanister_kafka.strimzi
from kanister_kafka.diagnostics import Diagnostic, Location, Severity, has_error, sort_diagnostics
from kanister_kafka.kube.names import SUBDOMAIN
from kanister_kafka.strimzi import (
    KafkaCluster,
    ReadResult,
    Role,
    Workload,
    WorkloadKind,
    parse_version,
    read_cluster,
)
from kanister_kafka.strimzi.cursor import FieldCursor
from kanister_kafka.strimzi.listeners import namespace_of
from kanister_kafka.strimzi.versions import VersionRange, kafka_versions
from kanister_kafka.yamldoc import Document, document_from_dict, load, loads, to_python

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
ERROR, WARNING = Severity.ERROR, Severity.WARNING
POD_SET, STATEFUL_SET, DEPLOYMENT = (
    WorkloadKind.POD_SET,
    WorkloadKind.STATEFUL_SET,
    WorkloadKind.DEPLOYMENT,
)
SETTLED, EITHER = (POD_SET,), (POD_SET, STATEFUL_SET)

MARK = "◆"
"""Stands in a text where a problem is expected; taken out before the text is read."""

ZOOKEEPER = """\
apiVersion: kafka.strimzi.io/v1beta2
kind: Kafka
metadata:
  name: demo
  namespace: kafka
spec:
  kafka:
    version: 3.8.0
    replicas: 3
    storage:
      type: persistent-claim
      size: 100Gi
  zookeeper:
    replicas: 5
    storage:
      type: persistent-claim
      size: 20Gi
"""
KAFKA = """\
apiVersion: kafka.strimzi.io/v1beta2
kind: Kafka
metadata:
  name: demo
  namespace: kafka
  annotations:
    strimzi.io/kraft: enabled
spec:
  kafka:
    version: 4.0.0
"""
CONTROLLER = """\
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaNodePool
metadata:
  name: controller
  namespace: kafka
  labels:
    strimzi.io/cluster: demo
spec:
  replicas: 3
  roles:
    - controller
  storage:
    type: persistent-claim
    size: 20Gi
"""
BROKER = """\
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaNodePool
metadata:
  name: broker
  namespace: kafka
  labels:
    strimzi.io/cluster: demo
spec:
  replicas: 6
  roles:
    - broker
  storage:
    type: jbod
    volumes:
      - id: 0
        type: persistent-claim
        size: 100Gi
      - id: 1
        type: persistent-claim
        size: 200Gi
"""
SECOND = BROKER.replace("name: broker", "name: second")
KRAFT = KAFKA + CONTROLLER + BROKER
KRAFT_V1 = KRAFT.replace("v1beta2", "v1")
ENABLED = ("  namespace: kafka\nspec:", "  namespace: kafka\n  annotations:\n    {}\nspec:")
"""Edit that annotates ZOOKEEPER, whose Kafka has no annotations."""
MIRROR = """\
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaMirrorMaker2
metadata:
  name: mirror
  namespace: kafka
spec:
  connectCluster: target
  clusters:
    - alias: source
      bootstrapServers: source.example.com:9092
    - alias: target
      bootstrapServers: demo-kafka-bootstrap:9092
  mirrors:
    - sourceCluster: source
      targetCluster: target
      sourceConnector:
        config:
          offset-syncs.topic.location: target
"""
MIRROR_V1 = """\
---
apiVersion: kafka.strimzi.io/v1
kind: KafkaMirrorMaker2
metadata:
  name: mirror
  namespace: kafka
spec:
  replicas: 2
  target:
    alias: target
    bootstrapServers: demo-kafka-bootstrap:9092
  mirrors:
    - source:
        alias: source
        bootstrapServers: source.example.com:9092
      sourceConnector:
        config:
          offset-syncs.topic.location: target
"""
CONNECT = """\
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaConnect
metadata:
  name: sink
  namespace: kafka
spec:
  bootstrapServers: demo-kafka-bootstrap:9092
"""
MIRROR_1 = """\
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaMirrorMaker
metadata:
  name: old
  namespace: kafka
spec:
  replicas: 1
  consumer:
    bootstrapServers: source.example.com:9092
  producer:
    bootstrapServers: demo-kafka-bootstrap:9092
"""

Edit = tuple[str, str]


def edited(text: str, *edits: Edit) -> str:
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} is to be there once"
        text = text.replace(old, new)
    return text


def annotated(text: str) -> Edit:
    return ENABLED[0], ENABLED[1].format(text)


def marked(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Take the marks out; return the text, and line and column of each mark."""
    places = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        while MARK in line:
            places.append((number + 1, line.index(MARK) + 1))
            line = line.replace(MARK, "", 1)
        lines[number] = line
    return "\n".join(lines), places


def reading_of(
    text: str, cluster: str = "", namespace: str = "", version: str = "", kubernetes: str = ""
) -> ReadResult:
    loaded = loads(text, "k.yaml")
    assert loaded.problems == ()
    return read_cluster(
        loaded.documents,
        cluster=cluster,
        namespace=namespace,
        strimzi_version=parse_version(version),
        kubernetes=int(kubernetes) if kubernetes else None,
    )


def with_kafka_of(strimzi: str, text: str) -> str:
    """Set a version of Kafka that this version of Strimzi runs."""
    version = parse_version(strimzi)
    if version is None:
        return text
    newest = kafka_versions(VersionRange.exactly(version))[-1]
    return re.sub(r"(?m)^    version: [0-9.]+$", f"    version: {newest}", text)


def cluster_of(text: str, **options: str) -> KafkaCluster:
    reading = reading_of(text, **options)
    assert reading.cluster is not None, "\n".join(map(str, reading.problems))
    return reading.cluster


@dataclass(frozen=True)
class Case:
    """A text with a mark for each problem, and the problems in the order of their marks."""

    text: str
    problems: list[tuple[str, Severity, str]]
    options: dict[str, str] = field(default_factory=dict)


def case(text: str, *edits: Edit, is_: list[tuple[str, Severity, str]], **options: str) -> Case:
    return Case(edited(text, *edits), is_, options)


KRAFT_PATH = 'metadata.annotations["strimzi.io/kraft"]'
POOLS_PATH = 'metadata.annotations["strimzi.io/node-pools"]'
PAUSE_PATH = 'metadata.annotations["strimzi.io/pause-reconciliation"]'
LABEL_PATH = 'metadata.labels["strimzi.io/cluster"]'
SYNCS_PATH = 'spec.mirrors[0].sourceConnector.config["offset-syncs.topic.location"]'
CHECKPOINT_SYNCS_PATH = SYNCS_PATH.replace("sourceConnector", "checkpointConnector")

PROBLEMS = {
    # Which cluster
    "several-clusters": case(
        MARK + ZOOKEEPER + "---\n" + ZOOKEEPER.replace("demo", "other"),
        is_=[("several-clusters", ERROR, "")],
    ),
    "several-clusters-of-one-name": case(
        MARK + ZOOKEEPER + "---\n" + ZOOKEEPER.replace("namespace: kafka", "namespace: other"),
        is_=[("several-clusters", ERROR, "")],
        cluster="demo",
    ),
    "another-cluster-wanted": case(
        MARK + ZOOKEEPER, is_=[("no-kafka", ERROR, "")], cluster="other"
    ),
    "another-namespace-wanted": case(
        MARK + ZOOKEEPER, is_=[("no-kafka", ERROR, "")], cluster="other/demo"
    ),
    "no-cluster-name-wanted": case(
        MARK + ZOOKEEPER, is_=[("no-kafka", ERROR, "")], cluster="kafka/"
    ),
    "no-name": case(
        ZOOKEEPER,
        ("  name: demo\n  namespace", f"  {MARK}namespace"),
        is_=[("missing-field", ERROR, "metadata.name")],
    ),
    "no-namespace": case(
        ZOOKEEPER,
        ("  name: demo\n  namespace: kafka", f"  {MARK}name: demo"),
        is_=[("missing-field", ERROR, "metadata.namespace")],
    ),
    "no-metadata": case(
        "apiVersion: kafka.strimzi.io/v1\nkind: Kafka\n",
        ("apiVersion", f"{MARK}{MARK}apiVersion"),
        is_=[
            ("missing-field", ERROR, "metadata.name"),
            ("missing-field", ERROR, "metadata.namespace"),
        ],
    ),
    "name-empty": case(
        ZOOKEEPER, ("name: demo", f'name: {MARK}""'), is_=[("wrong-type", ERROR, "metadata.name")]
    ),
    "namespace-with-dots": case(
        ZOOKEEPER,
        ("namespace: kafka", f"namespace: {MARK}a.b"),
        is_=[("wrong-type", ERROR, "metadata.namespace")],
    ),
    "name-with-shell": case(
        ZOOKEEPER,
        ("name: demo", f'name: {MARK}"$(id)"'),
        is_=[("wrong-type", ERROR, "metadata.name")],
    ),
    "name-with-template": case(
        ZOOKEEPER,
        ("namespace: kafka", f'namespace: {MARK}"{{{{ .x }}}}"'),
        is_=[("wrong-type", ERROR, "metadata.namespace")],
    ),
    "name-in-capitals": case(
        ZOOKEEPER, ("name: demo", f"name: {MARK}Demo"), is_=[("wrong-type", ERROR, "metadata.name")]
    ),
    "name-number": case(
        ZOOKEEPER, ("name: demo", f"name: {MARK}12"), is_=[("wrong-type", ERROR, "metadata.name")]
    ),
    "name-too-long": case(
        ZOOKEEPER,
        ("name: demo", f"name: {MARK}{'a' * 254}"),
        is_=[("wrong-type", ERROR, "metadata.name")],
    ),
    "duplicate-kafka": case(
        ZOOKEEPER + f"---\n{MARK}" + ZOOKEEPER, is_=[("duplicate-object", ERROR, "")]
    ),
    "duplicate-pool": case(
        KRAFT + BROKER.replace("---\n", f"---\n{MARK}"), is_=[("duplicate-object", ERROR, "")]
    ),
    "duplicate-writer": case(
        ZOOKEEPER + CONNECT + CONNECT.replace("---\n", f"---\n{MARK}"),
        is_=[("duplicate-object", ERROR, "")],
    ),
    # Versions
    "api-version-unknown": case(
        ZOOKEEPER,
        ("kafka.strimzi.io/v1beta2", f"{MARK}kafka.strimzi.io/v1beta1"),
        is_=[("unsupported-version", ERROR, "apiVersion")],
    ),
    "operator-too-old": case(
        MARK + ZOOKEEPER, is_=[("unsupported-version", ERROR, "")], version="0.22.1"
    ),
    "v1-with-zookeeper": case(
        ZOOKEEPER.replace("v1beta2", "v1") + (CONTROLLER + BROKER).replace("v1beta2", "v1"),
        ("  zookeeper:\n    replicas", f"  zookeeper:\n    {MARK}replicas"),
        is_=[("contradiction", ERROR, "spec.zookeeper")],
    ),
    "zookeeper-after-its-end": case(
        MARK + ZOOKEEPER, is_=[("contradiction", ERROR, "")], version="0.46.0"
    ),
    "zookeeper-seen-after-its-end": case(
        MARK + ZOOKEEPER + "status:\n  operatorLastSuccessfulVersion: 0.47.0\n",
        is_=[("contradiction", ERROR, "")],
    ),
    "pools-before-their-time": case(
        MARK + ZOOKEEPER + BROKER,
        annotated("strimzi.io/node-pools: enabled"),
        is_=[("contradiction", ERROR, "")],
        version="0.30",
    ),
    "kraft-before-its-time": case(
        MARK + KRAFT, is_=[("contradiction", ERROR, "")], version="0.37.0"
    ),
    "kraft-without-annotation-before-its-time": case(
        MARK + KRAFT,
        ("  annotations:\n    strimzi.io/kraft: enabled\n", ""),
        is_=[("contradiction", ERROR, "")],
        version="0.47.0",
    ),
    "v1beta2-after-its-end": case(
        MARK + KRAFT, is_=[("contradiction", ERROR, "")], version="1.0.1"
    ),
    "v1-before-its-time": case(
        MARK + KRAFT_V1,
        is_=[("contradiction", ERROR, "")],
        version="0.48.0",
    ),
    "unpinned": case(
        ZOOKEEPER,
        ("    version: 3.8.0\n    replicas", f"    {MARK}replicas"),
        is_=[("unpinned-version", WARNING, "spec.kafka.version")],
    ),
    "unpinned-null": case(
        ZOOKEEPER,
        ("version: 3.8.0", f"version: {MARK}null"),
        is_=[("unpinned-version", WARNING, "spec.kafka.version")],
    ),
    "kafka-that-no-strimzi-runs": case(
        ZOOKEEPER,
        ("version: 3.8.0", f"version: {MARK}9.9.9"),
        is_=[("kafka-version", ERROR, "spec.kafka.version")],
    ),
    "kafka-of-a-newer-strimzi": case(
        KRAFT,
        ("version: 4.0.0", f"version: {MARK}4.0.0"),
        is_=[("kafka-version", ERROR, "spec.kafka.version")],
        version="0.40",
    ),
    "kafka-of-an-older-strimzi": case(
        KRAFT_V1,
        ("version: 4.0.0", f"version: {MARK}3.9.2"),
        is_=[("kafka-version", ERROR, "spec.kafka.version")],
    ),
    "version-number": case(
        ZOOKEEPER,
        ("version: 3.8.0", f"version: {MARK}{MARK}3.8"),
        is_=[
            ("unpinned-version", WARNING, "spec.kafka.version"),
            ("wrong-type", ERROR, "spec.kafka.version"),
        ],
    ),
    # States in which nothing may be stopped, or only with care
    "migration-annotation": case(
        KRAFT,
        ("strimzi.io/kraft: enabled", f"strimzi.io/kraft: {MARK}migration"),
        ("spec:\n  kafka:\n", "spec:\n  zookeeper:\n    replicas: 3\n    storage:\n"
         "      type: persistent-claim\n  kafka:\n"),
        ("    strimzi.io/kraft", "    strimzi.io/node-pools: enabled\n    strimzi.io/kraft"),
        ("  roles:\n    - controller", "  roles:\n    - broker"),
        is_=[("metadata-migration", ERROR, KRAFT_PATH)],
    ),
    "rollback-annotation": case(
        ZOOKEEPER,
        annotated(f"strimzi.io/kraft: {MARK}rollback"),
        is_=[("metadata-migration", ERROR, KRAFT_PATH)],
    ),
    "migration-status": case(
        ZOOKEEPER + f"status:\n  kafkaMetadataState: {MARK}KRaftDualWriting\n",
        is_=[("metadata-migration", ERROR, "status.kafkaMetadataState")],
    ),
    "migration-not-finished": case(
        KRAFT,
        ("    version: 4.0.0\n",
         f"    version: 4.0.0\nstatus:\n  kafkaMetadataState: {MARK}KRaftPostMigration\n"),
        is_=[("metadata-migration", ERROR, "status.kafkaMetadataState")],
    ),
    "paused": case(
        ZOOKEEPER,
        annotated(f'strimzi.io/pause-reconciliation: {MARK}"True"'),
        is_=[("paused", WARNING, PAUSE_PATH)],
    ),
    "paused-boolean": case(
        ZOOKEEPER,
        annotated(f"strimzi.io/pause-reconciliation: {MARK}true"),
        is_=[("wrong-type", ERROR, PAUSE_PATH)],
    ),
    # Node pools
    "orphan-pool": Case(
        KRAFT + edited(SECOND, ("cluster: demo", f"cluster: {MARK}other")),
        [("orphan-node-pool", ERROR, LABEL_PATH)],
    ),
    "orphan-pool-in-another-namespace": Case(
        KRAFT + edited(
            BROKER,
            ("namespace: kafka", "namespace: other"),
            ("cluster: demo", f"cluster: {MARK}demo"),
        ),
        [("orphan-node-pool", ERROR, LABEL_PATH)],
    ),
    "pool-without-label": Case(
        KRAFT + edited(
            SECOND,
            ("  labels:\n    strimzi.io/cluster: demo\n", ""),
            ("  name: second", f"  {MARK}name: second"),
        ),
        [("missing-field", ERROR, LABEL_PATH)],
    ),
    "pool-label-empty": Case(
        KRAFT + edited(SECOND, ("cluster: demo", f'cluster: {MARK}""')),
        [("wrong-type", ERROR, LABEL_PATH)],
    ),
    "pool-name-empty": Case(
        KRAFT + edited(SECOND, ("name: second", f'name: {MARK}""')),
        [("wrong-type", ERROR, "metadata.name")],
    ),
    "pools-not-enabled": case(
        ZOOKEEPER + BROKER,
        annotated(f"strimzi.io/node-pools: {MARK}disabled"),
        is_=[("contradiction", ERROR, POOLS_PATH)],
    ),
    "pools-enabled-without-pools": case(
        MARK + ZOOKEEPER,
        annotated("strimzi.io/node-pools: enabled"),
        is_=[("missing-field", ERROR, "")],
    ),
    "kraft-without-pools": case(MARK + KAFKA, is_=[("missing-field", ERROR, "")]),
    "no-broker": case(MARK + KAFKA + CONTROLLER, is_=[("contradiction", ERROR, "")]),
    "no-controller": case(MARK + KAFKA + BROKER, is_=[("contradiction", ERROR, "")]),
    "controller-with-zookeeper": case(
        ZOOKEEPER + CONTROLLER + BROKER,
        annotated("strimzi.io/node-pools: enabled"),
        ("    - controller", f"    {MARK}- controller"),
        is_=[("contradiction", ERROR, "spec.roles")],
    ),
    "combined": case(
        KAFKA + BROKER,
        ("    - broker", f"    {MARK}- broker\n    - controller"),
        is_=[("combined-roles", WARNING, "spec.roles")],
    ),
    "combined-beside-controllers": Case(
        KRAFT + edited(
            SECOND,
            ("replicas: 6", "replicas: 1"),
            ("    - broker", f"    {MARK}- broker\n    - controller"),
        ),
        [("combined-roles", WARNING, "spec.roles")],
    ),
    "combined-one-by-one": Case(
        KAFKA + (BROKER + SECOND).replace("replicas: 6", "replicas: 1").replace(
            "    - broker", f"    {MARK}- broker\n    - controller"
        ),
        [("combined-roles", WARNING, "spec.roles")] * 2,
    ),
    "no-roles": Case(
        KRAFT + edited(SECOND, ("  replicas: 6\n  roles:\n    - broker", f"  {MARK}replicas: 6")),
        [("missing-field", ERROR, "spec.roles")],
    ),
    "empty-roles": Case(
        KRAFT + edited(SECOND, ("roles:\n    - broker", f"roles: {MARK}[]")),
        [("missing-field", ERROR, "spec.roles")],
    ),
    "unknown-role": case(
        KRAFT,
        ("    - broker", f"    - broker\n    - {MARK}observer"),
        is_=[("wrong-type", ERROR, "spec.roles[1]")],
    ),
    "role-empty": Case(
        KRAFT + edited(SECOND, ("    - broker", f'    - {MARK}""')),
        [("wrong-type", ERROR, "spec.roles[0]")],
    ),
    "roles-no-list": Case(
        KRAFT + edited(SECOND, ("roles:\n    - broker", f"roles: {MARK * 2}broker")),
        [("missing-field", ERROR, "spec.roles"), ("wrong-type", ERROR, "spec.roles")],
    ),
    # Required fields and wrong types
    "no-spec": Case(
        MARK * 3 + KAFKA[: KAFKA.index("spec:")] + CONTROLLER + BROKER,
        [
            ("missing-field", ERROR, "spec"),
            ("missing-field", ERROR, "spec.kafka"),
            ("unpinned-version", WARNING, "spec.kafka.version"),
        ],
    ),
    "spec-no-object": Case(
        KAFKA[: KAFKA.index("spec:")] + f"spec: {MARK * 3}[]\n" + CONTROLLER + BROKER,
        [
            ("wrong-type", ERROR, "spec"),
            ("missing-field", ERROR, "spec.kafka"),
            ("unpinned-version", WARNING, "spec.kafka.version"),
        ],
    ),
    "no-replicas": case(
        ZOOKEEPER,
        ("    version: 3.8.0\n    replicas: 3\n", f"    {MARK}version: 3.8.0\n"),
        is_=[("missing-field", ERROR, "spec.kafka.replicas")],
    ),
    "replicas-text": case(
        ZOOKEEPER,
        ("replicas: 3", f"replicas: {MARK}three"),
        is_=[("wrong-type", ERROR, "spec.kafka.replicas")],
    ),
    "replicas-boolean": case(
        ZOOKEEPER,
        ("replicas: 5", f"replicas: {MARK}yes"),
        is_=[("wrong-type", ERROR, "spec.zookeeper.replicas")],
    ),
    "replicas-too-few": case(
        ZOOKEEPER,
        ("replicas: 5", f"replicas: {MARK}0"),
        is_=[("wrong-type", ERROR, "spec.zookeeper.replicas")],
    ),
    "replicas-too-many": case(
        KRAFT,
        ("replicas: 6", f"replicas: {MARK}4294967296"),
        is_=[("wrong-type", ERROR, "spec.replicas")],
    ),
    "grace-negative": case(
        KRAFT + "  template:\n    pod:\n      terminationGracePeriodSeconds: -1\n",
        ("terminationGracePeriodSeconds: -1", f"terminationGracePeriodSeconds: {MARK}-1"),
        is_=[("wrong-type", ERROR, "spec.template.pod.terminationGracePeriodSeconds")],
    ),
    "annotations-list": case(
        ZOOKEEPER,
        ("  namespace: kafka\n", f"  namespace: kafka\n  annotations: {MARK}[]\n"),
        is_=[("wrong-type", ERROR, "metadata.annotations")],
    ),
    # Storage
    "no-storage": case(
        ZOOKEEPER,
        ("    replicas: 5\n    storage:\n      type: persistent-claim\n      size: 20Gi\n",
         f"    {MARK}replicas: 5\n"),
        is_=[("missing-field", ERROR, "spec.zookeeper.storage")],
    ),
    "no-storage-type": case(
        ZOOKEEPER,
        ("      type: persistent-claim\n      size: 100Gi", f"      {MARK}size: 100Gi"),
        is_=[("missing-field", ERROR, "spec.kafka.storage.type")],
    ),
    "storage-type-unknown": case(
        ZOOKEEPER,
        ("type: persistent-claim\n      size: 100Gi", f"type: {MARK}tmpfs"),
        is_=[("wrong-type", ERROR, "spec.kafka.storage.type")],
    ),
    "storage-type-empty": case(
        ZOOKEEPER,
        ("type: persistent-claim\n      size: 100Gi", f'type: {MARK}""'),
        is_=[("wrong-type", ERROR, "spec.kafka.storage.type")],
    ),
    "storage-no-object": case(
        KRAFT,
        ("  storage:\n    type: persistent-claim\n    size: 20Gi\n",
         f"  storage: {MARK}{MARK}20Gi\n"),
        is_=[("wrong-type", ERROR, "spec.storage"), ("missing-field", ERROR, "spec.storage.type")],
    ),
    "ephemeral-brokers": case(
        ZOOKEEPER,
        ("type: persistent-claim\n      size: 100Gi", f"type: {MARK}ephemeral"),
        is_=[("ephemeral-storage", ERROR, "spec.kafka.storage.type")],
    ),
    "ephemeral-zookeeper": case(
        ZOOKEEPER,
        ("type: persistent-claim\n      size: 20Gi", f"type: {MARK}ephemeral"),
        is_=[("ephemeral-storage", ERROR, "spec.zookeeper.storage.type")],
    ),
    "ephemeral-pool": case(
        KRAFT,
        ("type: persistent-claim\n    size: 20Gi", f"type: {MARK}ephemeral"),
        is_=[("ephemeral-storage", ERROR, "spec.storage.type")],
    ),
    "ephemeral-volume": case(
        KRAFT,
        ("- id: 1\n        type: persistent-claim", f"- id: 1\n        type: {MARK}ephemeral"),
        is_=[("ephemeral-storage", ERROR, "spec.storage.volumes[1].type")],
    ),
    "jbod-in-jbod": case(
        KRAFT,
        ("- id: 1\n        type: persistent-claim", f"- id: 1\n        type: {MARK}jbod"),
        is_=[("wrong-type", ERROR, "spec.storage.volumes[1].type")],
    ),
    "jbod-without-volumes": case(
        ZOOKEEPER,
        ("type: persistent-claim\n      size: 100Gi", f"{MARK}type: jbod"),
        is_=[("missing-field", ERROR, "spec.kafka.storage.volumes")],
    ),
    "jbod-of-nothing": case(
        ZOOKEEPER,
        ("type: persistent-claim\n      size: 100Gi", f"type: jbod\n      volumes: {MARK}[]"),
        is_=[("missing-field", ERROR, "spec.kafka.storage.volumes")],
    ),
    "delete-claim": case(
        ZOOKEEPER,
        ("      size: 100Gi", f"      deleteClaim: {MARK}true"),
        is_=[("delete-claim", WARNING, "spec.kafka.storage.deleteClaim")],
    ),
    "delete-claim-of-a-volume": case(
        KRAFT,
        ("        size: 200Gi", f"        deleteClaim: {MARK}true"),
        is_=[("delete-claim", WARNING, "spec.storage.volumes[1].deleteClaim")],
    ),
    "delete-claim-text": case(
        ZOOKEEPER,
        ("      size: 100Gi", f'      deleteClaim: {MARK}"true"'),
        is_=[("wrong-type", ERROR, "spec.kafka.storage.deleteClaim")],
    ),
    "tiered-storage": case(
        KRAFT,
        ("    version: 4.0.0\n",
         f"    version: 4.0.0\n    tieredStorage:\n      {MARK}type: custom\n"),
        is_=[("tiered-storage", WARNING, "spec.kafka.tieredStorage")],
    ),
    "additional-claim": case(
        KRAFT,
        ("    version: 4.0.0\n",
         "    version: 4.0.0\n    template:\n      pod:\n        volumes:\n"
         "        - name: plugin\n          persistentVolumeClaim:\n"
         f"            {MARK}claimName: plugin-data\n"
         "        - name: trust\n          secret:\n            secretName: trust\n"),
        is_=[("additional-volume", WARNING,
              "spec.kafka.template.pod.volumes[0].persistentVolumeClaim")],
    ),
    "additional-claim-of-each-node": case(
        KRAFT,
        ("    version: 4.0.0\n",
         "    version: 4.0.0\n    template:\n      pod:\n        templatedVolumes:\n"
         "        - name: plugin\n          persistentVolumeClaim:\n"
         f"            {MARK}claimName: plugin-{{nodeId}}\n"
         "        - name: trust\n          secret:\n            secretName: trust-{nodeId}\n"),
        is_=[("additional-volume", WARNING,
              "spec.kafka.template.pod.templatedVolumes[0].persistentVolumeClaim")],
    ),
    "topics-elsewhere": case(
        KRAFT,
        ("  kafka:\n    version: 4.0.0\n",
         f"  entityOperator:\n    topicOperator:\n      watchedNamespace: {MARK}topics\n"
         "  kafka:\n    version: 4.0.0\n"),
        is_=[("watched-namespace", WARNING, "spec.entityOperator.topicOperator.watchedNamespace")],
    ),
    "users-elsewhere": case(
        KRAFT,
        ("  kafka:\n    version: 4.0.0\n",
         f"  entityOperator:\n    userOperator:\n      watchedNamespace: {MARK}people\n"
         "  kafka:\n    version: 4.0.0\n"),
        is_=[("watched-namespace", WARNING, "spec.entityOperator.userOperator.watchedNamespace")],
    ),
    "long-name": case(
        KRAFT.replace("demo", "k" * 48),
        (f"  name: {'k' * 48}", f"  name: {MARK}{'k' * 48}"),
        is_=[("long-name", WARNING, "metadata.name")],
    ),
    "kubernetes-too-old": case(
        f"{MARK}{KRAFT}",
        is_=[("kubernetes-version", WARNING, "")],
        version="0.49",
        kubernetes="26",
    ),
    "kubernetes-old-enough-for-an-earlier-operator": case(KRAFT, is_=[], kubernetes="23"),
    "own-namespace-watched": case(
        KRAFT,
        ("  kafka:\n    version: 4.0.0\n",
         "  entityOperator:\n    topicOperator:\n      watchedNamespace: kafka\n"
         "  kafka:\n    version: 4.0.0\n"),
        is_=[],
    ),
    # Clients
    "mirror-without-its-alias": case(
        ZOOKEEPER + MIRROR,
        ("connectCluster: target", f"connectCluster: {MARK}elsewhere"),
        is_=[("contradiction", ERROR, "spec.connectCluster")],
    ),
    "mirror-without-connect-cluster": case(
        ZOOKEEPER + MIRROR,
        ("  connectCluster: target\n  clusters", f"  {MARK}clusters"),
        is_=[("missing-field", ERROR, "spec.connectCluster")],
    ),
    "mirror-without-clusters": case(
        ZOOKEEPER + MIRROR[: MIRROR.index("  clusters:")],
        ("  connectCluster: target", f"  {MARK}connectCluster: target"),
        is_=[("missing-field", ERROR, "spec.clusters")],
    ),
    "mirror-cluster-without-servers": case(
        ZOOKEEPER + MIRROR,
        ("    - alias: source\n      bootstrapServers: source.example.com:9092",
         f"    - {MARK}alias: source"),
        is_=[("missing-field", ERROR, "spec.clusters[0].bootstrapServers")],
    ),
    "mirror-cluster-without-alias": case(
        ZOOKEEPER + MIRROR,
        ("    - alias: source\n      bootstrapServers", f"    - {MARK}bootstrapServers"),
        is_=[("missing-field", ERROR, "spec.clusters[0].alias")],
    ),
    "mirror-target-without-servers": case(
        ZOOKEEPER + MIRROR_V1,
        ("    alias: target\n    bootstrapServers: demo-kafka-bootstrap:9092",
         f"    {MARK}alias: target"),
        is_=[("missing-field", ERROR, "spec.target.bootstrapServers")],
    ),
    "mirror-with-offset-syncs-at-the-source": case(
        ZOOKEEPER + MIRROR,
        ("location: target", f"location: {MARK}source"),
        is_=[("offset-syncs-elsewhere", WARNING, SYNCS_PATH)],
    ),
    "mirror-with-offset-syncs-unset": case(
        ZOOKEEPER + MIRROR_V1,
        ("          offset-syncs.topic.location: target",
         f"          {MARK}replication.factor: -1"),
        is_=[("offset-syncs-elsewhere", WARNING, SYNCS_PATH)],
    ),
    "mirror-with-offset-syncs-of-checkpoints-unset": case(
        ZOOKEEPER + MIRROR + "      checkpointConnector:\n        config:\n          a: 1\n",
        ("          a: 1", f"          {MARK}a: 1"),
        is_=[("offset-syncs-elsewhere", WARNING, CHECKPOINT_SYNCS_PATH)],
    ),
    "connect-that-cannot-be-placed": case(
        ZOOKEEPER + CONNECT,
        ("bootstrapServers: demo-kafka-bootstrap:9092",
         f"bootstrapServers: {MARK}kafka.corp.example:9094"),
        is_=[("unplaced-writer", WARNING, "spec.bootstrapServers")],
    ),
    "mirror-to-an-alias-that-is-not-there": case(
        ZOOKEEPER + MIRROR,
        ("targetCluster: target", f"targetCluster: {MARK}tagret"),
        is_=[("contradiction", ERROR, "spec.mirrors[0].targetCluster")],
    ),
    "connect-without-servers": case(
        ZOOKEEPER + CONNECT,
        ("  bootstrapServers: demo-kafka-bootstrap:9092", f"  {MARK}replicas: 1"),
        is_=[("missing-field", ERROR, "spec.bootstrapServers")],
    ),
    "connect-without-name": case(
        ZOOKEEPER + CONNECT,
        ("  name: sink\n  namespace", f"  {MARK}namespace"),
        is_=[("missing-field", ERROR, "metadata.name")],
    ),
    "connect-without-spec": case(
        ZOOKEEPER + CONNECT[: CONNECT.index("spec:")],
        ("---\n", f"---\n{MARK}"),
        is_=[("missing-field", ERROR, "spec")],
    ),
    "connect-replicas-text": case(
        ZOOKEEPER + CONNECT + "  replicas: many\n",
        ("replicas: many", f"replicas: {MARK}many"),
        is_=[("wrong-type", ERROR, "spec.replicas")],
    ),
    "mirror-maker-1-without-producer": case(
        ZOOKEEPER + MIRROR_1,
        ("  replicas: 1\n", f"  {MARK}replicas: 1\n"),
        ("  producer:\n    bootstrapServers: demo-kafka-bootstrap:9092\n", ""),
        is_=[("missing-field", ERROR, "spec.producer.bootstrapServers")],
    ),
    "mirror-maker-1-after-its-end": case(
        KRAFT + MIRROR_1,
        ("kind: KafkaMirrorMaker\n", f"kind: {MARK}KafkaMirrorMaker\n"),
        is_=[("contradiction", ERROR, "kind")],
        version="0.48",
    ),
    "mirror-maker-1-with-v1": case(
        KRAFT_V1 + MIRROR_1,
        ("kind: KafkaMirrorMaker\n", f"kind: {MARK}KafkaMirrorMaker\n"),
        is_=[("contradiction", ERROR, "kind")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("told", PROBLEMS.values(), ids=PROBLEMS)
def test_problems_have_their_place(told: Case) -> None:
    text, places = marked(told.text)
    reading = reading_of(text, **told.options)
    found = {(p.rule, p.severity, p.path, str(p.location)) for p in reading.problems}
    assert found == {
        (*expected, f"k.yaml:{line}:{column}")
        for expected, (line, column) in zip(told.problems, places, strict=True)
    }
    assert all(problem.message for problem in reading.problems)
    assert (reading.cluster is None) == has_error(reading.problems)


WATCHED = (
    "  kafka:\n    version: 4.0.0\n",
    "  entityOperator:\n    topicOperator: {watchedNamespace: topics}\n"
    "  kafka:\n    version: 4.0.0\n",
)


@pytest.mark.parametrize(
    ("text", "version", "operator"),
    [
        (KRAFT, "", ""),
        (KRAFT, "0.51", ""),
        (KRAFT_V1, "0.51", ""),
        (KRAFT_V1, "", "; from 1.0.1 on, the operator deletes"),
        (KRAFT_V1, "1.0", "; from 1.0.1 on, the operator deletes"),
        (KRAFT_V1, "1.2", "; Strimzi 1.2 deletes"),
    ],
)
def test_a_watched_namespace_needs_a_setting_of_later_operators(
    text: str, version: str, operator: str
) -> None:
    text = with_kafka_of(version, edited(text, WATCHED))
    (problem,) = reading_of(text, version=version).problems
    assert problem.rule == "watched-namespace"
    assert "the KafkaTopics of this Kafka are in namespace topics" in problem.message
    assert operator in problem.message
    setting = "STRIMZI_ENTITY_OPERATOR_WATCHED_NAMESPACE_ENABLED"
    assert (setting in problem.message) == bool(operator)


def test_no_kafka_at_all_is_a_problem_of_no_line() -> None:
    for text, source in [("", "<input>"), ("kind: Secret\n", "k.yaml"), (CONNECT, "k.yaml")]:
        (problem,) = reading_of(text).problems
        assert (problem.rule, problem.location) == ("no-kafka", Location(source))


def check_ids(package: ModuleType) -> set[str]:
    """Return the ids that a package passes to what makes problems."""
    found = set()
    for file in Path(package.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in ("error", "warn", "warning"):
                    found.add(str(node.args[0].value))
    return found


def test_every_check_has_a_case() -> None:
    reported = {check for case in PROBLEMS.values() for check, *_ in case.problems}
    of_live_clusters = {"partial-view"}
    assert check_ids(kanister_kafka.strimzi) == reported | {"option"} | of_live_clusters


@pytest.mark.parametrize("namespace", ["$(id)", "a.b", "A", "a" * 64])
def test_the_namespace_option_is_checked(namespace: str) -> None:
    reading = read_cluster(
        loads(ZOOKEEPER.replace("  namespace: kafka\n", "")).documents, namespace=namespace
    )
    assert reading.cluster is None
    assert [problem.rule for problem in reading.problems] == ["option"]


def test_all_problems_are_reported_in_the_order_of_the_text() -> None:
    text = edited(
        KRAFT + MIRROR,
        ("    version: 4.0.0\n", "    config: {}\n"),
        ("type: persistent-claim\n    size: 20Gi", "type: ephemeral"),
        ("replicas: 6", "replicas: six"),
        ("connectCluster: target", "connectCluster: elsewhere"),
    )
    assert [(p.rule, p.location.line) for p in reading_of(text).problems] == [
        ("unpinned-version", 10),
        ("ephemeral-storage", 24),
        ("wrong-type", 34),
        ("contradiction", 53),
    ]


def test_a_problem_reads_as_kubectl_writes_it() -> None:
    text = edited(ZOOKEEPER, ("replicas: 3", "replicas: three"))
    (problem,) = reading_of(text).problems
    assert str(problem) == (
        'k.yaml:9:15: error: spec.kafka.replicas: Invalid value: "three": must be an integer '
        "(wrong-type)"
    )


def test_a_contradiction_names_both_sides() -> None:
    (problem,) = reading_of(ZOOKEEPER, version="0.46.0").problems
    assert "--strimzi-version" in problem.message
    assert "ZooKeeper" in problem.message


def test_a_warning_does_not_cost_the_cluster() -> None:
    text = edited(
        ZOOKEEPER,
        ("    version: 3.8.0\n", ""),
        annotated('strimzi.io/pause-reconciliation: "true"'),
    )
    reading = reading_of(text)
    assert [p.severity for p in reading.problems] == [WARNING, WARNING]
    assert reading.cluster is not None


OPERATORS = "  entityOperator: {topicOperator: {}, userOperator: {}}\n  kafka:\n"


def long_names(text: str, characters: int, namespace: int = 5) -> list[str]:
    """Read a Kafka whose names have these lengths; return what `long-name` says of it."""
    text = text.replace("demo", "k" * characters)
    text = text.replace("namespace: kafka", f"namespace: {'n' * namespace}")
    reading = reading_of(text)
    assert reading.cluster is not None, reading.problems
    problems = [problem for problem in reading.problems if problem.rule == "long-name"]
    assert {problem.path for problem in problems} <= {"metadata.name"}
    assert {problem.severity for problem in problems} <= {WARNING}
    return [problem.message for problem in problems]


@pytest.mark.parametrize(
    ("text", "longest", "named"),
    [
        (KRAFT.replace("  kafka:\n", OPERATORS), 41, "-entity-topic-operator"),
        (KRAFT.replace("  kafka:\n", OPERATORS.replace("topicOperator: {}, ", "")), 42,
         "-entity-user-operator"),
        (KRAFT, 47, "-kafka-bootstrap"),
        (ZOOKEEPER, 46, "-zookeeper-client"),
        (KRAFT.replace("name: broker", f"name: {'b' * 30}"), 30, f"-{'b' * 30}-5"),
    ],
    ids=["topic-operator", "user-operator", "service", "zookeeper", "pod"],
)  # fmt: skip
def test_a_name_that_is_too_long_for_kubernetes_is_an_error(
    text: str, longest: int, named: str
) -> None:
    assert long_names(text, longest) == []
    (message,) = long_names(text, longest + 1)
    assert f"Strimzi needs the name {'k' * (longest + 1)}{named}," in message
    assert "has 64 characters" in message
    assert message.endswith(f": choose a name of at most {longest} characters")


def test_a_node_pool_name_that_is_too_long_for_any_kafka_is_an_error() -> None:
    (message,) = long_names(KRAFT.replace("name: broker", f"name: {'b' * 63}"), 1)
    assert message.endswith(": choose shorter names of node pools")


def test_a_name_with_which_nodes_cannot_resolve_each_other() -> None:
    """45 and 60 characters: seen on a cluster."""
    text = KRAFT.replace("name: broker", "name: dual").replace("name: controller", "name: c")
    assert long_names(text, 45, 58) == []
    (message,) = long_names(text, 45, 60)
    assert f"host name of pod {'k' * 45}-dual-5 has 256 characters, and at most 253" in message
    for own in ("dnsConfig: {searches: []}", "dnsPolicy: None"):
        template = f"    template: {{pod: {{{own}}}}}\n"
        with_dns = text.replace("    version: 4.0.0\n", f"    version: 4.0.0\n{template}")
        assert long_names(with_dns, 45, 60) == [], "the search list is not that of Kubernetes"


# Which cluster

OTHER = ZOOKEEPER.replace("name: demo", "name: other")
ELSEWHERE = ZOOKEEPER.replace("namespace: kafka", "namespace: elsewhere")


@pytest.mark.parametrize(
    ("texts", "options", "expected"),
    [
        ([ZOOKEEPER], {}, "kafka/demo"),
        ([ZOOKEEPER], {"cluster": "demo"}, "kafka/demo"),
        ([ZOOKEEPER], {"cluster": "kafka/demo"}, "kafka/demo"),
        ([ZOOKEEPER], {"namespace": "elsewhere"}, "kafka/demo"),
        ([ZOOKEEPER, OTHER], {"cluster": "other"}, "kafka/other"),
        ([ZOOKEEPER, OTHER], {"cluster": "kafka/demo"}, "kafka/demo"),
        ([ZOOKEEPER, ELSEWHERE], {"cluster": "elsewhere/demo"}, "elsewhere/demo"),
        ([ZOOKEEPER, ELSEWHERE], {"namespace": "elsewhere"}, "elsewhere/demo"),
        ([ELSEWHERE, ZOOKEEPER], {"cluster": "demo", "namespace": "kafka"}, "kafka/demo"),
        ([ZOOKEEPER.replace("  namespace: kafka\n", "")], {"namespace": "here"}, "here/demo"),
    ],
    ids=[
        "alone",
        "by-name",
        "by-namespace-and-name",
        "alone-in-another-namespace",
        "several-by-name",
        "several-by-namespace-and-name",
        "one-name-by-namespace-and-name",
        "one-name-by-default-namespace",
        "one-name-by-name-and-default-namespace",
        "namespace-left-out",
    ],
)
def test_the_cluster_is_chosen(texts: list[str], options: dict[str, str], expected: str) -> None:
    assert str(cluster_of("---\n".join(texts), **options)) == f"Kafka {expected}"


def test_several_clusters_are_named() -> None:
    (problem,) = reading_of(f"{OTHER}---\n{ELSEWHERE}---\n{ZOOKEEPER}").problems
    assert "elsewhere/demo, kafka/demo, kafka/other" in problem.message


def test_a_kafka_of_another_group_is_none() -> None:
    text = ZOOKEEPER.replace("kafka.strimzi.io/v1beta2", "kafka.example.com/v1")
    assert [problem.rule for problem in reading_of(text).problems] == ["no-kafka"]


def test_pools_of_another_cluster_of_the_input_are_not_a_problem() -> None:
    other = (KAFKA + CONTROLLER + SECOND).replace("name: demo", "name: other")
    text = (
        KRAFT
        + "---\n"
        + other.replace("cluster: demo", "cluster: other").replace(
            "name: controller", "name: quorum"
        )
    )
    assert cluster_of(text, cluster="demo").pools == ("broker", "controller")
    assert cluster_of(text, cluster="other").pools == ("quorum", "second")


def test_the_order_of_documents_does_not_matter() -> None:
    documents = load([EXAMPLES / "mirror-maker-2"]).documents
    forth, back = (read_cluster(order, cluster="backup") for order in (documents, documents[::-1]))
    assert forth == back
    assert forth.cluster is not None


# What the cluster is made of


def names(workloads: tuple[Workload, ...]) -> list[str]:
    return [workload.name for workload in workloads]


@dataclass(frozen=True)
class Family:
    """An example and what is to be read from it."""

    cluster: str
    operator: str
    zookeeper: tuple[str, int] | None
    broker_only: list[tuple[str, int, int]]
    """Name, replicas, grace seconds."""
    controllers: list[tuple[str, int, int]]
    kinds: tuple[WorkloadKind, ...]
    components: list[str]
    writers: list[str] = field(default_factory=list)
    ignored_clients: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


FAMILIES = {
    "kraft-separate-pools": Family(cluster="kafka/my-cluster", operator="0.38 to 0.51",
                                   zookeeper=None, broker_only=[("my-cluster-broker", 3, 60)],
                                   controllers=[("my-cluster-controller", 3, 30)], kinds=SETTLED,
                                   components=["my-cluster-cruise-control",
                                               "my-cluster-entity-operator",
                                               "my-cluster-kafka-exporter"]),
    "kraft-combined": Family(cluster="kafka/my-cluster", operator="0.48 to 0.51", zookeeper=None,
                             broker_only=[], controllers=[("my-cluster-dual", 3, 60)],
                             kinds=SETTLED, components=["my-cluster-entity-operator"],
                             warnings=["combined-roles"]),
    "kraft-broker-pools": Family(cluster="kafka/my-cluster", operator="0.38 to 0.51",
                                 zookeeper=None,
                                 broker_only=[("my-cluster-broker-fast", 3, 60),
                                              ("my-cluster-broker-large", 6, 120)],
                                 controllers=[("my-cluster-controller", 3, 60)], kinds=SETTLED,
                                 components=["my-cluster-cruise-control",
                                             "my-cluster-entity-operator"]),
    "zookeeper-pod-sets": Family(cluster="kafka/my-cluster", operator="0.23 to 0.45",
                                 zookeeper=("my-cluster-zookeeper", 3),
                                 broker_only=[("my-cluster-kafka", 3, 60)], controllers=[],
                                 kinds=EITHER,
                                 components=["my-cluster-entity-operator",
                                             "my-cluster-kafka-exporter"]),
    "zookeeper-node-pools": Family(cluster="kafka/my-cluster", operator="0.36 to 0.45",
                                   zookeeper=("my-cluster-zookeeper", 3),
                                   broker_only=[("my-cluster-pool-a", 3, 30),
                                                ("my-cluster-pool-b", 2, 90)], controllers=[],
                                   kinds=SETTLED, components=["my-cluster-entity-operator"]),
    "strimzi-v1": Family(cluster="kafka/my-cluster", operator="0.49 or later", zookeeper=None,
                         broker_only=[("my-cluster-broker", 3, 60)],
                         controllers=[("my-cluster-controller", 3, 30)], kinds=SETTLED,
                         components=["my-cluster-cruise-control", "my-cluster-entity-operator"],
                         writers=["KafkaMirrorMaker2 kafka/mirror"]),
    "kraft-jbod": Family(cluster="kafka/my-cluster", operator="0.49 or later", zookeeper=None,
                         broker_only=[("my-cluster-broker", 3, 120)],
                         controllers=[("my-cluster-controller", 3, 30)], kinds=SETTLED,
                         components=["my-cluster-entity-operator"]),
    "kafka-connect": Family(cluster="kafka/my-cluster", operator="0.49 or later", zookeeper=None,
                            broker_only=[("my-cluster-broker", 3, 60)],
                            controllers=[("my-cluster-controller", 3, 30)], kinds=SETTLED,
                            components=["my-cluster-entity-operator"],
                            writers=["KafkaConnect kafka/connect"]),
    "mirror-maker-2-two-sources": Family(cluster="kafka/all", operator="0.49 or later",
                                         zookeeper=None, broker_only=[("all-broker", 3, 60)],
                                         controllers=[("all-controller", 3, 30)], kinds=SETTLED,
                                         components=["all-entity-operator"],
                                         writers=["KafkaMirrorMaker2 kafka/mirror"]),
    "mirror-maker-2": Family(cluster="kafka-backup/backup", operator="0.38 to 0.51", zookeeper=None,
                             broker_only=[("backup-broker", 3, 60)],
                             controllers=[("backup-controller", 3, 30)], kinds=SETTLED,
                             components=["backup-entity-operator"],
                             writers=["KafkaBridge kafka-backup/http",
                                      "KafkaConnect kafka-backup/sink",
                                      "KafkaMirrorMaker2 kafka-tools/mirror"],
                             ignored_clients=["KafkaMirrorMaker2 kafka-backup/onward"]),
    "stateful-sets": Family(cluster="kafka/my-cluster", operator="0.23 to 0.45",
                            zookeeper=("my-cluster-zookeeper", 3),
                            broker_only=[("my-cluster-kafka", 3, 60)], controllers=[], kinds=EITHER,
                            components=["my-cluster-entity-operator"],
                            writers=["KafkaMirrorMaker2 kafka/mirror"]),
    "seed": Family(
        cluster="kafka-mirror/my-cluster",
        operator="0.23 to 0.45",
        zookeeper=("my-cluster-zookeeper", 3),
        broker_only=[("my-cluster-kafka", 6, 30)],
        controllers=[],
        kinds=EITHER,
        components=["my-cluster-entity-operator"],
        writers=["KafkaMirrorMaker2 kafka-mirror/my-mirror-maker"],
        warnings=["offset-syncs-elsewhere"],  # once for both connectors
    ),
}  # fmt: skip


def test_every_example_is_a_family() -> None:
    assert sorted(path.parent.name for path in EXAMPLES.glob("*/kafka.yaml")) == sorted(FAMILIES)
    table = (EXAMPLES / "README.md").read_text()
    assert all(f"| [{name}]({name}/) |" in table for name in FAMILIES)


@pytest.mark.parametrize(("name", "family"), FAMILIES.items(), ids=FAMILIES)
def test_each_example_is_read_as_its_family(name: str, family: Family) -> None:
    loaded = load([EXAMPLES / name])
    assert loaded.problems == ()
    reading = read_cluster(loaded.documents, cluster=family.cluster)
    assert [problem.rule for problem in reading.problems] == family.warnings
    cluster = reading.cluster
    assert cluster is not None
    assert str(cluster) == f"Kafka {family.cluster}"
    assert str(cluster.operator) == family.operator

    def sizes_of(workloads: tuple[Workload, ...]) -> list[tuple[str, int, int]]:
        return [(node.name, node.replicas, node.grace_seconds) for node in workloads]

    assert sizes_of(cluster.broker_only) == family.broker_only
    assert {node.kinds for node in cluster.nodes} == {family.kinds}
    if family.zookeeper:
        assert cluster.zookeeper is not None
        assert (cluster.zookeeper.name, cluster.zookeeper.replicas) == family.zookeeper
        assert cluster.zookeeper.kinds == family.kinds
        assert cluster.zookeeper.roles == ()
        assert cluster.quorum == (cluster.zookeeper,)
    else:
        assert cluster.zookeeper is None
        assert sizes_of(cluster.quorum) == family.controllers
    assert list(cluster.components) == family.components
    assert [str(writer) for writer in cluster.writers] == family.writers
    assert [str(client) for client in cluster.ignored_clients] == family.ignored_clients


@pytest.mark.parametrize(
    ("name", "cluster", "versions", "kinds"),
    [
        ("seed", "kafka-mirror/my-cluster", ["0.23", "0.26"], (STATEFUL_SET,)),
        ("stateful-sets", "", ["0.23.0", "0.26.1"], (STATEFUL_SET,)),
        ("stateful-sets", "", ["0.27.0", "0.30.0", "0.34.0"], EITHER),
        ("zookeeper-pod-sets", "", ["0.35.0", "0.45.2"], SETTLED),
        ("zookeeper-node-pools", "", ["0.36.0", "0.45.0"], SETTLED),
    ],
    ids=["seed", "stateful-sets", "transition", "pod-sets", "node-pools"],
)
def test_a_version_narrows_the_kinds(
    name: str, cluster: str, versions: list[str], kinds: tuple[WorkloadKind, ...]
) -> None:
    for text in versions:
        version = parse_version(text)
        files = (path.read_text() for path in sorted((EXAMPLES / name).glob("*.yaml")))
        documents = loads(with_kafka_of(text, "---\n".join(files))).documents
        reading = read_cluster(documents, cluster=cluster, strimzi_version=version)
        assert reading.cluster is not None
        assert reading.cluster.zookeeper is not None
        workloads = (*reading.cluster.nodes, reading.cluster.zookeeper)
        assert {workload.kinds for workload in workloads} == {kinds}
        assert reading.cluster.operator.first == reading.cluster.operator.last == version


def test_the_status_has_the_oldest_possible_version() -> None:
    status = "status:\n  operatorLastSuccessfulVersion: 0.41.0\n"
    assert str(cluster_of(ZOOKEEPER + status).operator) == "0.41 to 0.45"
    # The version that the user names wins: the operator may be newer than the status.
    older = with_kafka_of("0.40", ZOOKEEPER)
    assert str(cluster_of(older + status, version="0.40.0").operator) == "0.40"
    unreadable = "status:\n  operatorLastSuccessfulVersion: main\n"
    assert str(cluster_of(ZOOKEEPER + unreadable).operator) == "0.23 to 0.45"


OWNER = {"strimzi.io/cluster": "demo", "strimzi.io/kind": "Kafka"}


def live_pod_set(
    group: str = "core.strimzi.io",
    kind: str = "StrimziPodSet",
    namespace: str = "kafka",
    labels: dict[str, str] = OWNER,
) -> Document:
    metadata = {"name": "demo-kafka", "namespace": namespace, "labels": labels}
    return document_from_dict(
        {"apiVersion": f"{group}/v1beta2", "kind": kind, "metadata": metadata}
    )


@pytest.mark.parametrize(
    ("pod_set", "kinds"),
    [
        (live_pod_set(), SETTLED),
        (live_pod_set(group="kafka.strimzi.io"), EITHER),
        (live_pod_set(kind="Pod"), EITHER),
        (live_pod_set(namespace="other"), EITHER),
        (live_pod_set(labels={}), EITHER),
        (live_pod_set(labels={**OWNER, "strimzi.io/cluster": "other"}), EITHER),
        (live_pod_set(labels={**OWNER, "strimzi.io/kind": "KafkaConnect"}), EITHER),
    ],
    ids=[
        "its-own",
        "other-group",
        "other-kind",
        "other-namespace",
        "no-label",
        "other-cluster",
        "of-a-connect",
    ],
)
def test_a_live_pod_set_settles_the_kind(
    pod_set: Document, kinds: tuple[WorkloadKind, ...]
) -> None:
    cluster = read_cluster((*loads(ZOOKEEPER).documents, pod_set)).cluster
    assert cluster is not None
    assert cluster.zookeeper is not None
    assert [node.kinds for node in (*cluster.nodes, cluster.zookeeper)] == [kinds, kinds]


def test_a_live_cluster_is_located_by_its_names() -> None:
    documents = [document_from_dict(to_python(found.root)) for found in loads(KRAFT).documents]
    cluster = read_cluster(documents).cluster
    assert cluster is not None
    assert cluster.source == "Kafka/kafka/demo"
    broken = edited(KRAFT, ("replicas: 6", "replicas: six"))
    documents = [document_from_dict(to_python(found.root)) for found in loads(broken).documents]
    (problem,) = read_cluster(documents).problems
    assert str(problem).startswith("KafkaNodePool/kafka/broker: error: spec.replicas: ")


def test_roles_and_groups_of_nodes() -> None:
    dual = edited(SECOND, ("    - broker", "    - controller\n    - broker"))
    cluster = cluster_of(KRAFT + dual)
    assert names(cluster.nodes) == ["demo-broker", "demo-controller", "demo-second"]
    assert [node.roles for node in cluster.nodes] == [
        (Role.BROKER,),
        (Role.CONTROLLER,),
        (Role.BROKER, Role.CONTROLLER),
    ]
    assert [node.combined for node in cluster.nodes] == [False, False, True]
    assert names(cluster.broker_only) == ["demo-broker"]
    assert names(cluster.quorum) == ["demo-controller", "demo-second"]
    assert cluster.pools == ("broker", "controller", "second")


def test_a_quorum_of_one_may_be_combined() -> None:
    alone = edited(
        BROKER, ("replicas: 6", "replicas: 1"), ("    - broker", "    - broker\n    - controller")
    )
    assert reading_of(KAFKA + alone).problems == ()
    assert reading_of(KAFKA + alone + SECOND).problems == ()


def test_a_cluster_without_pools_has_none() -> None:
    cluster = cluster_of(ZOOKEEPER)
    assert cluster.pools == ()
    assert [(node.name, node.pool, node.roles) for node in cluster.nodes] == [
        ("demo-kafka", None, (Role.BROKER,))
    ]


def test_an_empty_pool_is_allowed() -> None:
    # A pool may be created with no nodes, to be scaled later.
    assert [n.replicas for n in cluster_of(KRAFT + SECOND.replace("6", "0")).nodes] == [6, 3, 0]


TEMPLATE = "{0}template:\n{0}  pod:\n{0}    terminationGracePeriodSeconds: {1}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (ZOOKEEPER, {"demo-kafka": 30, "demo-zookeeper": 30}),
        (ZOOKEEPER + TEMPLATE.format(" " * 4, 45), {"demo-kafka": 30, "demo-zookeeper": 45}),
        (
            ZOOKEEPER.replace("  zookeeper:", TEMPLATE.format(" " * 4, 90) + "  zookeeper:"),
            {"demo-kafka": 90, "demo-zookeeper": 30},
        ),
        (
            KAFKA + TEMPLATE.format(" " * 4, 90) + CONTROLLER + BROKER + TEMPLATE.format("  ", 0),
            {"demo-broker": 0, "demo-controller": 90},
        ),
    ],
    ids=["default", "zookeeper", "kafka", "pool"],
)
def test_grace_seconds(text: str, expected: dict[str, int]) -> None:
    cluster = cluster_of(text)
    workloads = (*cluster.nodes, *([cluster.zookeeper] if cluster.zookeeper else []))
    assert {workload.name: workload.grace_seconds for workload in workloads} == expected


@pytest.mark.parametrize(
    ("field_name", "component"),
    [
        ("entityOperator", "demo-entity-operator"),
        ("cruiseControl", "demo-cruise-control"),
        ("kafkaExporter", "demo-kafka-exporter"),
    ],
)
def test_components_are_those_of_the_spec(field_name: str, component: str) -> None:
    assert cluster_of(ZOOKEEPER + f"  {field_name}: {{}}\n").components == (component,)
    assert cluster_of(ZOOKEEPER + f"  {field_name}:\n").components == ()


@pytest.mark.parametrize(
    "status", ["{}", "null", "{kafkaMetadataState: ZooKeeper}", "{kafkaMetadataState: KRaft}"]
)
def test_a_settled_cluster_may_be_stopped(status: str) -> None:
    assert reading_of(f"{ZOOKEEPER}status: {status}\n").problems == ()


def test_the_annotation_wins_over_a_zookeeper_section() -> None:
    # Up to 0.39 the CRD asked for spec.zookeeper in KRaft mode as well.
    section = "  zookeeper:\n    replicas: 3\n    storage:\n      type: ephemeral\n"
    assert cluster_of(KAFKA + section + CONTROLLER + BROKER).zookeeper is None


def test_storage_that_is_not_in_use_is_not_judged() -> None:
    section = "    storage:\n      type: ephemeral\n"
    assert reading_of(KAFKA + section + CONTROLLER + BROKER).problems == ()


@pytest.mark.parametrize("value", ['"false"', '"no"', '""'])
def test_only_true_pauses(value: str) -> None:
    text = edited(ZOOKEEPER, annotated(f"strimzi.io/pause-reconciliation: {value}"))
    assert reading_of(text).problems == ()


def test_a_pause_of_this_tool_is_not_reported() -> None:
    ours = "kanister-kafka.io/pause-before: unset"
    pause = 'strimzi.io/pause-reconciliation: "true"'
    text = edited(ZOOKEEPER, annotated(f"{pause}\n    {ours}"))
    assert reading_of(text).problems == ()


def test_null_counts_as_unset() -> None:
    text = edited(
        ZOOKEEPER,
        ("  namespace: kafka\n", "  namespace: kafka\n  annotations:\n  labels: null\n"),
        ("      size: 100Gi\n", "      size: 100Gi\n      deleteClaim: ~\n"),
        ("    replicas: 5\n", "    replicas: 5\n    template: null\n"),
    )
    assert reading_of(text + "status:\n").problems == ()


# Writers and ignored clients

LISTENERS = """\
    listeners:
      - name: external
        port: 9094
        type: route
        configuration:
          bootstrap:
            host: Kafka.Example.com
            alternativeNames:
              - alias.example.com
          brokers:
            - broker: 0
              host: b0.example.com
            - broker: 1
              advertisedHost: B1.example.com
"""
STATUS = """\
status:
  listeners:
    - name: plain
      bootstrapServers: demo-kafka-bootstrap.kafka.svc:9092
    - name: external
      bootstrapServers: 203.0.113.7:9094,lb.example.com:9094
      addresses:
        - host: 203.0.113.7
          port: 9094
        - host: node.example.com
          port: 31000
        - host: no-port.example.com
    - name: pending
"""
EXPOSED = edited(ZOOKEEPER, ("  zookeeper:", LISTENERS + "  zookeeper:")) + STATUS

ADDRESSES = {
    # Address, namespace of the client, whether it is the cluster kafka/demo
    "short": ("demo-kafka-bootstrap:9092", "kafka", True),
    "short-elsewhere": ("demo-kafka-bootstrap:9092", "other", False),
    "namespace": ("demo-kafka-bootstrap.kafka:9092", "other", True),
    "svc": ("demo-kafka-bootstrap.kafka.svc:9093", "other", True),
    "full": ("demo-kafka-bootstrap.kafka.svc.cluster.local:9092", "other", True),
    "other-domain": ("demo-kafka-bootstrap.kafka.svc.corp.internal:9092", "other", True),
    "full-dot": ("demo-kafka-bootstrap.kafka.svc.cluster.local.:9092", "other", True),
    "capitals": ("Demo-Kafka-Bootstrap.KAFKA.SVC:9092", "other", True),
    "without-port": ("demo-kafka-bootstrap.kafka.svc", "other", True),
    "other-cluster": ("other-kafka-bootstrap:9092", "kafka", False),
    "same-name-elsewhere": ("demo-kafka-bootstrap.other.svc:9092", "kafka", False),
    "same-name-its-own-namespace": ("demo-kafka-bootstrap.other.svc:9092", "other", False),
    "longer-name": ("my-demo-kafka-bootstrap:9092", "kafka", False),
    "longer-cluster": ("demo-kafka-eu-kafka-bootstrap:9092", "kafka", False),
    "longer-cluster-headless": ("demo-kafka-eu-kafka-brokers:9092", "kafka", False),
    "longer-cluster-pod": ("demo-0.demo-kafka-eu-kafka-brokers:9092", "kafka", False),
    "other-service": ("demo-zookeeper-client:2181", "kafka", False),
    "no-service": ("demo-kafka-bootstrap.kafka.example.com:9092", "kafka", False),
    "headless": ("demo-kafka-brokers.kafka.svc:9092", "other", True),
    "pod": ("demo-kafka-0.demo-kafka-brokers.kafka.svc:9092", "other", True),
    "pod-short": ("demo-broker-3.demo-kafka-brokers:9092", "kafka", True),
    "pod-elsewhere": ("demo-kafka-0.demo-kafka-brokers.other.svc:9092", "kafka", False),
    "listener-service": ("demo-kafka-external-bootstrap.kafka.svc:9094", "other", True),
    "listener-headless": ("demo-kafka-external-brokers:9094", "kafka", False),
    "listener-that-is-not-there": ("demo-kafka-other-bootstrap:9094", "kafka", False),
    "another-cluster": ("demo-kafka-kafka-bootstrap:9092", "kafka", False),
    "listener-without-name": ("demo-kafka--bootstrap:9094", "kafka", False),
    "list-first": ("demo-kafka-bootstrap:9092,b.example.com:9092", "kafka", True),
    "list-last": ("b.example.com:9092, demo-kafka-bootstrap:9092", "kafka", True),
    "list-of-others": ("a.example.com:9092,b.example.com:9092", "kafka", False),
    "list-with-gaps": (",,demo-kafka-bootstrap:9092,", "kafka", True),
    "spec-host": ("kafka.example.com:443", "other", True),
    "spec-host-capitals": ("KAFKA.EXAMPLE.COM.:443", "other", True),
    "spec-alternative-name": ("alias.example.com:9094", "other", True),
    "spec-broker-host": ("b0.example.com:443", "other", True),
    "spec-advertised-host": ("b1.example.com:443", "other", True),
    "status-address": ("203.0.113.7:9094", "other", True),
    "status-second-server": ("LB.example.com:9094", "other", True),
    "status-node": ("node.example.com:31000", "other", True),
    "status-other-port": ("node.example.com:31001", "other", False),
    "status-no-port": ("no-port.example.com:9094", "other", False),
    "elsewhere": ("kafka.example.org:9094", "kafka", False),
    "nonsense": ("://..:", "kafka", False),
    "dots": ("...", "kafka", False),
}


@pytest.mark.parametrize(("server", "namespace", "own"), ADDRESSES.values(), ids=ADDRESSES)
def test_addresses(server: str, namespace: str, *, own: bool) -> None:
    connect = edited(
        CONNECT,
        ("demo-kafka-bootstrap:9092", f'"{server}"'),
        ("namespace: kafka", f"namespace: {namespace}"),
    )
    cluster = cluster_of(EXPOSED + connect)
    clients = cluster.writers if own else cluster.ignored_clients
    assert [str(client) for client in clients] == [f"KafkaConnect {namespace}/sink"]
    assert len(cluster.writers) + len(cluster.ignored_clients) == 1


def test_without_a_status_the_host_is_read_from_the_spec() -> None:
    text = EXPOSED.removesuffix(STATUS)
    connect = edited(CONNECT, ("demo-kafka-bootstrap:9092", "lb.example.com:9094"))
    assert cluster_of(text + connect).writers == ()
    assert [p.rule for p in reading_of(text + connect).problems] == ["unplaced-writer"]
    connect = edited(CONNECT, ("demo-kafka-bootstrap:9092", "kafka.example.com:443"))
    assert len(cluster_of(text + connect).writers) == 1


def test_a_reason_is_one_line() -> None:
    connect = edited(CONNECT, ("demo-kafka-bootstrap:9092", '"x\\n\\e[2Jy"'))
    (ignored_client,) = cluster_of(ZOOKEEPER + connect).ignored_clients
    assert r'"x\n\u001b[2Jy"' in ignored_client.reason


@pytest.mark.parametrize("mirror", [MIRROR, MIRROR_V1], ids=["v1beta2", "v1"])
def test_a_mirror_that_only_reads_is_left_alone(mirror: str) -> None:
    onward = edited(
        mirror,
        ("demo-kafka-bootstrap:9092", "dr.example.com:9092"),
        ("source.example.com:9092", "demo-kafka-bootstrap:9092"),
    )
    cluster = cluster_of(ZOOKEEPER + onward)
    assert cluster.writers == ()
    (ignored_client,) = cluster.ignored_clients
    assert str(ignored_client) == "KafkaMirrorMaker2 kafka/mirror"
    assert "only reads" in ignored_client.reason
    assert "dr.example.com:9092" in ignored_client.reason


@pytest.mark.parametrize("mirror", [MIRROR, MIRROR_V1], ids=["v1beta2", "v1"])
def test_a_mirror_of_other_clusters_is_left_alone(mirror: str) -> None:
    other = edited(mirror, ("demo-kafka-bootstrap", "other-kafka-bootstrap"))
    cluster = cluster_of(ZOOKEEPER + other)
    assert cluster.writers == ()
    assert "only reads" not in cluster.ignored_clients[0].reason


@pytest.mark.parametrize("mirror", [MIRROR, MIRROR_V1], ids=["v1beta2", "v1"])
def test_a_mirror_within_one_cluster_writes(mirror: str) -> None:
    text = edited(mirror, ("source.example.com:9092", "demo-kafka-bootstrap:9092"))
    assert len(cluster_of(ZOOKEEPER + text).writers) == 1


def test_no_restore_of_the_source_concerns_where_a_reader_keeps_offset_syncs() -> None:
    onward = edited(
        MIRROR,
        ("demo-kafka-bootstrap:9092", "dr.example.com:9092"),
        ("source.example.com:9092", "demo-kafka-bootstrap:9092"),
        ("location: target", "location: source"),
    )
    reading = reading_of(ZOOKEEPER + onward)
    assert reading.problems == ()
    assert reading.cluster is not None
    assert [str(writer) for writer in reading.cluster.writers] == ["KafkaMirrorMaker2 kafka/mirror"]


def test_every_mirror_is_judged() -> None:
    second = MIRROR[MIRROR.index("    - sourceCluster") :].replace("target\n", "source\n")
    reading = reading_of(ZOOKEEPER + MIRROR + second)
    assert [(p.rule, p.path) for p in reading.problems] == [
        ("offset-syncs-elsewhere", SYNCS_PATH.replace("[0]", "[1]"))
    ]


def test_the_v1_shape_is_read_in_v1beta2_as_well() -> None:
    # Strimzi 0.49 to 0.51 take both.
    cluster = cluster_of(KRAFT + MIRROR_V1.replace("/v1\n", "/v1beta2\n"))
    assert [str(writer) for writer in cluster.writers] == ["KafkaMirrorMaker2 kafka/mirror"]


BRIDGE = CONNECT.replace("KafkaConnect", "KafkaBridge").replace("sink", "http")


@pytest.mark.parametrize(
    ("text", "replicas", "workload", "resource"),
    [
        (MIRROR, 3, "mirror-mirrormaker2", "kafkamirrormaker2s.kafka.strimzi.io"),
        (MIRROR_V1, 2, "mirror-mirrormaker2", "kafkamirrormaker2s.kafka.strimzi.io"),
        (CONNECT, 3, "sink-connect", "kafkaconnects.kafka.strimzi.io"),
        (CONNECT + "  replicas: 0\n", 0, "sink-connect", "kafkaconnects.kafka.strimzi.io"),
        (MIRROR_1, 1, "old-mirror-maker", "kafkamirrormakers.kafka.strimzi.io"),
        (BRIDGE, 1, "http-bridge", "kafkabridges.kafka.strimzi.io"),
    ],
    ids=["mirror-unset", "mirror-v1", "connect-unset", "connect-none", "mirror-maker-1", "bridge"],
)
def test_a_writer_knows_its_workload(
    text: str, replicas: int, workload: str, resource: str
) -> None:
    (writer,) = cluster_of(ZOOKEEPER + text).writers
    assert (writer.replicas, writer.workload, writer.resource) == (replicas, workload, resource)
    assert writer.reason


@pytest.mark.parametrize(
    ("version", "kinds"),
    [
        ("0.23", (DEPLOYMENT,)),
        ("0.33", (DEPLOYMENT,)),
        ("0.34", (POD_SET, DEPLOYMENT)),
        ("0.38", (POD_SET, DEPLOYMENT)),
        ("0.39", (POD_SET,)),
        ("0.45", (POD_SET,)),
        ("", (POD_SET, DEPLOYMENT)),
    ],
)
def test_the_kinds_of_a_connect(version: str, kinds: tuple[WorkloadKind, ...]) -> None:
    zookeeper = with_kafka_of(version, ZOOKEEPER)
    cluster = cluster_of(zookeeper + CONNECT + MIRROR, version=version)
    assert {writer.kinds for writer in cluster.writers} == {kinds}


@pytest.mark.parametrize(
    ("text", "versions"),
    [
        (ZOOKEEPER + MIRROR_1, ["0.23", "0.45", ""]),
        (ZOOKEEPER + BRIDGE, ["0.23", "0.45", ""]),
        (KRAFT_V1 + BRIDGE, ["0.49", "1.0", ""]),
    ],
    ids=["mirror-maker-1", "bridge", "bridge-v1"],
)
def test_some_writers_are_always_deployments(text: str, versions: list[str]) -> None:
    for version in versions:
        (writer,) = cluster_of(with_kafka_of(version, text), version=version).writers
        assert writer.kinds == (DEPLOYMENT,)


def test_mirror_maker_1_that_only_reads_is_left_alone() -> None:
    text = edited(
        MIRROR_1,
        ("demo-kafka-bootstrap:9092", "dr.example.com:9092"),
        ("source.example.com:9092", "demo-kafka-bootstrap:9092"),
    )
    for version in ("", "0.48"):  # whatever the operator has
        (ignored_client,) = cluster_of(KRAFT + text, version=version).ignored_clients
        assert "only reads" in ignored_client.reason


def test_clients_of_another_group_are_not_looked_at() -> None:
    text = CONNECT.replace("kafka.strimzi.io", "platform.example.com")
    cluster = cluster_of(ZOOKEEPER + text)
    assert (cluster.writers, cluster.ignored_clients) == ((), ())


def test_writers_are_sorted() -> None:
    texts = [
        edited(CONNECT, ("name: sink", f"name: {name}"), ("space: kafka", f"space: {namespace}"),
               ("bootstrap:9092", "bootstrap.kafka:9092"))
        for namespace, name in [("b", "x"), ("a", "z"), ("a", "w")]
    ]  # fmt: skip
    found = cluster_of(ZOOKEEPER + MIRROR + "".join(texts)).writers
    assert [(writer.namespace, writer.name) for writer in found] == [
        ("a", "w"),
        ("a", "z"),
        ("b", "x"),
        ("kafka", "mirror"),
    ]


def test_clients_take_the_default_namespace() -> None:
    text = (ZOOKEEPER + CONNECT).replace("  namespace: kafka\n", "")
    (writer,) = cluster_of(text, namespace="here").writers
    assert str(writer) == "KafkaConnect here/sink"


# Fields


def fields_of(text: str) -> tuple[FieldCursor, list[Diagnostic]]:
    problems: list[Diagnostic] = []
    (document,) = loads(f"f: {text}\n").documents
    return FieldCursor.of(document, problems).at("f"), problems


Reader = Callable[[FieldCursor], object]
READERS: dict[str, tuple[Reader, object, object]] = {
    # How, what it returns where the field is unset, what for a wrong type
    "string": (FieldCursor.string, "", ""),
    "string-default": (lambda f: f.string("x"), "x", "x"),
    "integer": (lambda f: f.integer(7), 7, 7),
    "boolean": (FieldCursor.boolean, False, False),
    "each": (FieldCursor.each, (), ()),
    "name-default": (lambda f: f.name("x"), "x", ""),
    "namespace-default": (lambda f: f.namespace("x"), "x", ""),
    "at": (lambda f: f.at("below").present, False, False),
}
WRONG = {
    "string": ["1", "1.5", "true", "[]", "{}", "[a]"],
    "string-default": ["1", "[]"],
    "integer": ['"1"', "1.0", "1.5", "true", "[1]", "{}", ".inf", "-1", "2147483648", "1e3"],
    "boolean": ['"true"', "1", "0", "[]", "{}"],
    "each": ["a", "1", "false", "{}", "{a: 1}"],
    "name-default": ["1", "true", "[]", '""'],
    "namespace-default": ["1", "a.b"],
    "at": ["a", "1", "true", "[]", "[{below: 1}]"],
}


@pytest.mark.parametrize("how", READERS)
def test_an_unset_field_is_not_a_problem(how: str) -> None:
    reader, unset, _wrong = READERS[how]
    for text in ("", "null", "~"):
        here, problems = fields_of(text)
        assert reader(here) == unset
        assert reader(here.at("absent")) == unset
        assert problems == []


@pytest.mark.parametrize(
    ("how", "text"), [(how, text) for how, texts in WRONG.items() for text in texts]
)
def test_a_wrong_type_is_a_problem(how: str, text: str) -> None:
    reader, _unset, wrong = READERS[how]
    here, problems = fields_of(text)
    assert reader(here) == wrong
    (problem,) = problems
    assert (problem.rule, problem.severity, problem.path) == ("wrong-type", ERROR, "f")
    assert (problem.location.line, problem.location.column) == (1, 4)


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        (FieldCursor.string, "text", "text"),
        (FieldCursor.string, '""', ""),
        (lambda f: f.integer(7), "0", 0),
        (lambda f: f.integer(7), "2147483647", 2**31 - 1),
        (lambda f: f.integer(7, minimum=-5), "-5", -5),
        (FieldCursor.boolean, "true", True),
        (FieldCursor.boolean, "false", False),
        (FieldCursor.name, "my-cluster.v2", "my-cluster.v2"),
        (FieldCursor.name, "a" * 253, "a" * 253),
        (FieldCursor.namespace, "my-namespace", "my-namespace"),
        (lambda f: f.choice(["a", "b"]), "b", "b"),
        (lambda f: [item.string() for item in f.each()], "[a, b]", ["a", "b"]),
        (lambda f: f.at("a", "b").integer(0), "{a: {b: 5}}", 5),
        (lambda f: f.required().present, "{}", True),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_a_right_value_is_returned(reader: Reader, text: str, value: object) -> None:
    here, problems = fields_of(text)
    assert reader(here) == value
    assert problems == []


@pytest.mark.parametrize(
    ("reader", "text", "check"),
    [
        (lambda f: f.required().string(), "null", "missing-field"),
        (FieldCursor.name, "", "missing-field"),
        (FieldCursor.name, "-a", "wrong-type"),
        (FieldCursor.name, "a-", "wrong-type"),
        (FieldCursor.name, "a..b", "wrong-type"),
        (FieldCursor.name, "a_b", "wrong-type"),
        (FieldCursor.name, "é", "wrong-type"),
        (FieldCursor.name, '"a\\n"', "wrong-type"),
        (FieldCursor.name, "a" * 254, "wrong-type"),
        (FieldCursor.namespace, "", "missing-field"),
        (lambda f: f.choice(["a", "b"]), "c", "wrong-type"),
        (lambda f: f.choice(["a", "b"]), '""', "wrong-type"),
        (lambda f: f.choice(["a", "b"]), '"a\\n"', "wrong-type"),
        (lambda f: f.choice(["a", "b"]), "A", "wrong-type"),
        (lambda f: f.choice(["a", "b"]), "1", "wrong-type"),
        (lambda f: f.choice(["a", "b"]), "null", "missing-field"),
    ],
)
def test_a_bad_value_is_a_problem(reader: Reader, text: str, check: str) -> None:
    here, problems = fields_of(text)
    assert reader(here) == ""
    assert [problem.rule for problem in problems] == [check]
    assert problems[0].message.isprintable()


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        (("a", "b"), "f.a.b"),
        (("strimzi.io/kraft",), 'f["strimzi.io/kraft"]'),
        (("a.b", "c"), 'f["a.b"].c'),
        (("a/b", "c/d"), 'f["a/b"]["c/d"]'),
    ],
)
def test_paths_have_the_format_of_kubectl(keys: tuple[str, ...], path: str) -> None:
    here, _problems = fields_of("{}")
    assert here.at(*keys).path == path


def test_an_absent_field_is_located_at_its_parent() -> None:
    here, problems = fields_of("\n  a:\n    b: 1\n")
    here.at("a", "c", "d").required()
    (problem,) = problems
    assert (problem.path, str(problem.location)) == ("f.a.c.d", "<text>:3:5")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("yes", "yes"),
        ("1.5", "1.5"),
        ('"5"', '"5"'),
        ("[1]", "a list"),
        ("{a: 1}", "an object"),
        ("x" * 100, f'"{"x" * 60}"'),
        ("Zürich", '"Zürich"'),
        ('a "b" c', r'"a \"b\" c"'),
        ('"a\\n\\e[2Jb"', r'"a\n\u001b[2Jb"'),
    ],
)
def test_what_is_wrong_is_shown(text: str, shown: str) -> None:
    here, problems = fields_of(text)
    here.integer(0)
    assert problems[0].message == f"Invalid value: {shown}: must be an integer"


# Whatever the input is


def plain_objects(folder: str) -> list[Any]:
    return [to_python(found.root) for found in load([EXAMPLES / folder]).documents]


OBJECTS = {name: plain_objects(name) for name in FAMILIES}
Place = tuple[str | int, ...]


def paths(value: Any, above: Place = ()) -> Iterator[Place]:
    """Walk all places of a value, each once, its top left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield (*above, key)
        if isinstance(item, (dict, list)):
            yield from paths(item, (*above, key))


def replaced(objects: list[Any], path: Place, value: Any) -> tuple[Document, ...]:
    """Copy the objects with another value at one place."""
    # Only what lies on the way is copied: thousands of copies are made.
    top = list(objects)
    here: Any = top
    for key in path[:-1]:
        here[key] = copy.copy(here[key])
        here = here[key]
    here[path[-1]] = value
    # Nothing that an API server returns is without metadata.
    return tuple(
        document_from_dict(found) for found in top
        if isinstance(found, dict) and isinstance(found.get("metadata"), dict)
    )  # fmt: skip


def assert_sound(reading: ReadResult) -> None:
    assert reading.problems == sort_diagnostics(reading.problems)
    cluster = reading.cluster
    if cluster is None:
        return
    assert not has_error(reading.problems)
    workloads = (*cluster.nodes, *([cluster.zookeeper] if cluster.zookeeper else []))
    # Names end up in shell and in templates.
    for name in (
        cluster.name,
        cluster.namespace,
        *cluster.pools,
        *cluster.components,
        *names(workloads),
        *(part for w in cluster.writers for part in (w.namespace, w.name, w.workload)),
        *(part for b in cluster.ignored_clients for part in (b.namespace, b.name)),
    ):
        assert SUBDOMAIN.allows(name)
    replicas = [*(w.replicas for w in workloads), *(w.replicas for w in cluster.writers)]
    assert all(0 <= count < 2**31 for count in replicas)
    assert all(0 <= workload.grace_seconds < 2**31 for workload in workloads)
    assert all(workload.kinds for workload in workloads)
    assert all(writer.kinds for writer in cluster.writers)
    assert set(cluster.broker_only) | set(cluster.quorum) == set(workloads)
    assert cluster.quorum


def test_the_walk_sees_every_place() -> None:
    found = set(paths(OBJECTS["kraft-separate-pools"]))
    assert (0, "spec", "kafka", "listeners", 1, "authentication", "type") in found
    assert (2, "spec", "storage", "volumes", 1, "deleteClaim") in found
    assert len(found) > 100
    assert replaced([{"metadata": {"a": [1]}}], (0, "metadata", "a", 0), 2) == (
        document_from_dict({"metadata": {"a": [2]}}),
    )


@pytest.mark.parametrize("wrong", [None, "", "x y", -1, 1.5, True, [], {}, [1], {"a": 1}], ids=repr)
def test_no_wrong_value_of_any_field_gets_through(wrong: object) -> None:
    objects = OBJECTS["kraft-separate-pools"]
    for path in paths(objects):
        reading = read_cluster(replaced(objects, path, wrong), cluster="kafka/my-cluster")
        assert_sound(reading)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ((0, "apiVersion"), "kafka.strimzi.io/v2"),
        ((0, "spec", "kafka", "listeners"), {}),
        ((0, "status"), []),
        ((1, "metadata", "labels"), 5),
        ((1, "spec", "roles"), [[]]),
        ((1, "spec", "replicas"), "3"),
        ((1, "spec", "storage"), "20Gi"),
        ((1, "spec", "storage", "volumes"), {}),
        ((2, "spec", "template"), []),
        ((2, "spec", "template", "pod"), "x"),
    ],
    ids=str,
)
def test_a_wrong_value_of_a_field_in_use_costs_the_cluster(path: Place, wrong: object) -> None:
    documents = replaced(OBJECTS["kraft-separate-pools"], path, wrong)
    reading = read_cluster(documents, cluster="kafka/my-cluster")
    assert reading.cluster is None
    assert has_error(reading.problems)


ALL_PATHS = [(name, path) for name, objects in OBJECTS.items() for path in paths(objects)]
HOSTILE = st.sampled_from(
    ["$(id)", "`id`", "a; id", "a'b", 'a"b', "{{ .x }}", "<%= x %>", "a\nb", "-rf", "a" * 300]
)
NAMES = st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | NAMES
VALUES = st.recursive(
    SCALARS | HOSTILE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=250, derandomize=True)
@given(st.sampled_from(ALL_PATHS), VALUES)
def test_no_value_of_any_example_gets_through(place: tuple[str, Place], value: object) -> None:
    name, path = place
    assert_sound(read_cluster(replaced(OBJECTS[name], path, value), cluster=FAMILIES[name].cluster))


@settings(max_examples=100, derandomize=True)
@given(
    st.lists(st.sampled_from([found for objects in OBJECTS.values() for found in objects])),
    st.sampled_from(["", "my-cluster", "kafka/my-cluster"]),
)
def test_any_mixture_of_examples_is_read(objects: list[Any], cluster: str) -> None:
    reading = read_cluster([document_from_dict(found) for found in objects], cluster=cluster)
    assert_sound(reading)
    assert (reading.cluster is None) == has_error(reading.problems)


@settings(max_examples=100, derandomize=True)
@given(st.text() | st.sampled_from(["/", "//", "kafka/", "/my-cluster", "a/b/c"]), st.text())
def test_any_choice_is_taken(cluster: str, namespace: str) -> None:
    documents = load([EXAMPLES / "seed"]).documents
    reading = read_cluster(documents, cluster=cluster, namespace=namespace)
    assert_sound(reading)
    assert (reading.cluster is None) == has_error(reading.problems)


@pytest.mark.parametrize(
    ("bootstrap", "expected"),
    [
        ("source-kafka-bootstrap:9092", "mirrors"),
        ("source-kafka-bootstrap.kafka:9092", "kafka"),
        ("source-kafka-bootstrap.kafka.svc:9092", "kafka"),
        ("source-kafka-bootstrap.kafka.svc.cluster.local.:9092,b:9092", "kafka"),
        ("source-kafka-bootstrap.kafka.example.com:9092", ""),
        ("kafka.example.com:443", ""),
        ("10.0.0.1:9092", ""),
        ("", ""),
    ],
)
def test_the_namespace_of_a_source_is_read_from_its_address(bootstrap: str, expected: str) -> None:
    assert namespace_of(bootstrap, "mirrors") == expected
