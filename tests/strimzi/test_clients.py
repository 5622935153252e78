"""Who writes into a Kafka: addresses that tell it, addresses that do not, and what settles it."""

from __future__ import annotations

import pytest

from kanister_kafka.backup.options import Options
from kanister_kafka.diagnostics import Severity
from kanister_kafka.strimzi import KafkaClient, KafkaCluster, ReadResult, read_cluster
from kanister_kafka.yamldoc import loads
from tests.strimzi.test_reader import (
    BROKER,
    CONNECT,
    CONTROLLER,
    KAFKA,
    KRAFT,
    MIRROR,
    MIRROR_1,
    MIRROR_V1,
    ZOOKEEPER,
    edited,
)

SINK = "KafkaConnect/kafka/sink"
MM2 = "KafkaMirrorMaker2/kafka/mirror"


def reading(text: str, cluster: str = "kafka/demo", **told: list[str]) -> ReadResult:
    loaded = loads(text, "k.yaml")
    assert loaded.problems == ()
    return read_cluster(loaded.documents, cluster=cluster, **told)


def read_well(text: str, cluster: str = "kafka/demo", **told: list[str]) -> KafkaCluster:
    found = reading(text, cluster, **told)
    assert found.cluster is not None, found.problems
    return found.cluster


def connected_to(server: str, namespace: str = "kafka") -> str:
    return edited(
        CONNECT,
        ("demo-kafka-bootstrap:9092", f'"{server}"'),
        ("namespace: kafka", f"namespace: {namespace}"),
    )


def warnings(text: str, cluster: str = "kafka/demo", **told: list[str]) -> list[str]:
    return [p.message for p in reading(text, cluster, **told).problems]


# Addresses of single nodes

LISTENERS = """\
    listeners:
      - name: ingress
        port: 9094
        type: ingress
        configuration:
          hostTemplate: Broker-{nodeId}.kafka.example.com
          bootstrap: {host: boot.kafka.example.com}
      - name: cip
        port: 9095
        type: cluster-ip
        configuration:
          advertisedHostTemplate: adv-{nodePodName}.example.com
      - name: external
        port: 9094
        type: loadbalancer
        configuration:
          bootstrap: {loadBalancerIP: 198.51.100.4, externalIPs: [198.51.100.5]}
          brokers:
            - {broker: 3, loadBalancerIP: "2001:DB8:0::1", advertisedHost: lb.example.com,
               advertisedPort: 30003}
            - {broker: 4, advertisedHost: any.example.com}
      - name: nodes
        port: 9096
        type: nodeport
        configuration:
          bootstrap: {nodePort: 32100}
          brokers: [{broker: 3, nodePort: 32103}]
      - name: internal
        port: 9097
        type: internal
      - name: gateway
        port: 9098
        type: tlsroute
        configuration:
          parentRefs: [{name: gateway}]
          hostTemplate: gateway-{nodeId}.example.com
          bootstrap: {host: gateway.example.com, alternativeNames: [alias.example.com]}
status:
  listeners:
    - name: nodes
      addresses: [{host: 10.0.0.7, port: 32100}]
      bootstrapServers: 10.0.0.7:32100
"""
EXPOSED = KAFKA + LISTENERS + CONTROLLER + BROKER

OF_NODES = {
    # Address, namespace of the client, whether it is the cluster kafka/demo
    "host-template": ("broker-0.kafka.example.com:443", "other", True),
    "host-template-other-id": ("BROKER-12.kafka.example.com.:443", "other", True),
    "host-template-twice": (
        "broker-0.kafka.example.com:443,broker-1.kafka.example.com:443",
        "x",
        True,
    ),
    "host-template-without-id": ("broker-.kafka.example.com:443", "kafka", False),
    "host-template-with-more": ("broker-1a.kafka.example.com:443", "kafka", False),
    "host-template-dots-are-dots": ("broker-1xkafka.example.com:443", "kafka", False),
    "pod-name-template": ("adv-demo-broker-3.example.com:9095", "other", True),
    "pod-name-of-no-pool": ("adv-demo-none-3.example.com:9095", "kafka", False),
    "bootstrap-host": ("boot.kafka.example.com:443", "other", True),
    "broker-service": ("demo-broker-cip-3.kafka.svc:9095", "other", True),
    "broker-service-short": ("demo-broker-cip-3:9095", "kafka", True),
    "broker-service-elsewhere": ("demo-broker-cip-3:9095", "other", False),
    "broker-service-of-no-pool": ("demo-none-cip-3:9095", "kafka", False),
    "broker-service-of-no-listener": ("demo-broker-none-3:9095", "kafka", False),
    "broker-service-of-an-internal-listener": ("demo-broker-internal-3:9097", "kafka", False),
    "broker-service-without-pools": ("demo-kafka-cip-0:9095", "kafka", True),
    "broker-service-of-the-old-external": ("demo-broker-3.kafka.svc:9094", "other", True),
    "load-balancer-ip": ("198.51.100.4:9094", "other", True),
    "external-ip": ("198.51.100.5:9094", "other", True),
    "external-ip-other-port": ("198.51.100.5:9095", "kafka", False),
    "ipv6": ("[2001:db8::1]:9094", "other", True),
    "ipv6-spelled-out": ("[2001:0db8:0:0:0:0:0:1]:9094", "other", True),
    "ipv6-of-another": ("[2001:db8::2]:9094", "kafka", False),
    "advertised-port": ("lb.example.com:30003", "other", True),
    "advertised-other-port": ("lb.example.com:30004", "kafka", False),
    "advertised-any-port": ("any.example.com:1", "other", True),
    "node-port": ("10.0.0.7:32100", "other", True),
    "node-port-of-a-broker": ("10.0.0.7:32103", "other", True),
    "node-port-of-another": ("10.0.0.7:32104", "kafka", False),
    "tls-route": ("gateway.example.com:443", "other", True),
    "tls-route-alternative": ("alias.example.com:443", "other", True),
    "tls-route-of-a-broker": ("gateway-3.example.com:443", "other", True),
    "tls-route-of-another": ("gateway-x.example.com:443", "kafka", False),
    "tls-route-service": ("demo-broker-gateway-3.kafka.svc:9098", "other", True),
    "protocol": ("SSL://boot.kafka.example.com:443", "other", True),
}


@pytest.mark.parametrize(("server", "namespace", "own"), OF_NODES.values(), ids=OF_NODES)
def test_addresses_of_nodes(server: str, namespace: str, *, own: bool) -> None:
    text = EXPOSED + connected_to(server, namespace)
    assert len(read_well(text).writers) == own
    assert [w.partition(" cannot be placed")[1] for w in warnings(text)] == (
        [] if own else [" cannot be placed"]
    )


# Whose an address is

OTHER = ZOOKEEPER.replace("name: demo", "name: other").replace(": kafka\n", ": elsewhere\n")
OTHER_EXPOSED = edited(
    OTHER,
    (
        "  zookeeper:",
        "    listeners:\n"
        "      - {name: in, port: 9094, type: ingress,\n"
        "         configuration: {hostTemplate: 'o{nodeId}.example.com',\n"
        "           bootstrap: {host: o.example.com}}}\n"
        "      - {name: lb, port: 9095, type: loadbalancer}\n"
        "  zookeeper:",
    ),
)
PLACED = [
    "other-kafka-bootstrap:9092",
    "other-kafka-brokers.elsewhere.svc:9092",
    "other-kafka-0.other-kafka-brokers.elsewhere.svc:9092",
    "other-kafka-tls-bootstrap.elsewhere:9094",
    "demo-kafka-bootstrap.elsewhere.svc:9092",
    "x.example.com:1,other-kafka-bootstrap:9092",
]
UNPLACED = [
    "kafka.corp.example:9094",
    "kafka:9092",
    "kafka-proxy.infra.svc:9092",
    "203.0.113.9:9094",
    "[2001:db8::9]:9094",
    "${env:BOOTSTRAP}",
    "${strimzienv:HOST}:9092",
    "{{ .Values.kafka }}:9092",
    "",
    ",",
    "a.example.com:9092,b.example.com:9092",
    "demo-kafka-gone-bootstrap.kafka.svc:9094",
    "demo-kafka-bootstrap.kafka.example.com:9092",
]


def test_former_name_of_ignored_clients_works_with_a_warning() -> None:
    cluster = read_well(KRAFT + connected_to(PLACED[0]))
    assert cluster.ignored_clients
    with pytest.warns(DeprecationWarning, match="use KafkaCluster.ignored_clients"):
        assert cluster.bystanders == cluster.ignored_clients


@pytest.mark.parametrize("server", PLACED)
def test_another_cluster_is_recognised_by_its_services(server: str) -> None:
    found = reading(KRAFT + connected_to(server))
    assert found.problems == ()
    assert found.cluster is not None
    (alone,) = found.cluster.ignored_clients
    assert alone.reason.endswith(" is another cluster's")


@pytest.mark.parametrize("server", UNPLACED)
def test_what_cannot_be_placed_is_called_that(server: str) -> None:
    found = reading(KRAFT + connected_to(server))
    assert found.cluster is not None
    (alone,) = found.cluster.ignored_clients
    assert alone.reason.endswith(" is not a known address of this cluster")
    (problem,) = found.problems
    assert (problem.rule, problem.severity) == ("unplaced-writer", Severity.WARNING)
    assert problem.path == "spec.bootstrapServers"
    assert "cannot be placed" in problem.message
    assert f"--writer {SINK} " in problem.message
    assert f"--not-a-writer {SINK} " in problem.message


@pytest.mark.parametrize("server", ["o.example.com:443", "o7.example.com:443"])
def test_another_kafka_of_the_input_is_known_by_all_its_addresses(server: str) -> None:
    connect = connected_to(server)
    assert len(warnings(KRAFT + connect)) == 1
    text = KRAFT + "---\n" + OTHER_EXPOSED + connect
    assert warnings(text) == []
    assert "another cluster's" in read_well(text).ignored_clients[0].reason
    assert len(read_well(text, "elsewhere/other").writers) == 1


def test_a_listener_without_an_address_in_its_status_is_named() -> None:
    text = OTHER_EXPOSED + connected_to("kafka.corp.example:9094")
    (said,) = warnings(text, "elsewhere/other")
    assert "the address of listener lb is only known on the running cluster;" in said
    status = "status:\n  listeners: [{name: lb, bootstrapServers: 'lb.example.com:9095'}]\n"
    (said,) = warnings(
        OTHER_EXPOSED + status + connected_to("kafka.corp.example:9094"), "elsewhere/other"
    )
    assert "only the running cluster" not in said


# What a person says


def test_a_client_is_a_writer_by_option() -> None:
    text = KRAFT + connected_to("kafka.corp.example:9094")
    found = reading(text, writers=[SINK])
    assert found.problems == ()
    assert found.cluster is not None
    (writer,) = found.cluster.writers
    assert (str(writer), writer.reason) == ("KafkaConnect kafka/sink", "named by --writer")
    assert (writer.workload, writer.replicas) == ("sink-connect", 3)


@pytest.mark.parametrize("server", ["kafka.corp.example:9094", "demo-kafka-bootstrap:9092"])
def test_a_client_is_left_alone_by_option(server: str) -> None:
    found = reading(KRAFT + connected_to(server), not_writers=[SINK])
    assert found.problems == ()
    assert found.cluster is not None
    assert found.cluster.writers == ()
    (alone,) = found.cluster.ignored_clients
    assert alone.reason == f'named by --not-a-writer; its bootstrap address is "{server}"'


def test_a_client_that_is_not_there_is_an_error_with_a_hint() -> None:
    text = KRAFT + CONNECT + MIRROR
    found = reading(text, writers=["KafkaConnect/kafka/snik"], not_writers=["KafkaBridge/a/b"])
    assert found.cluster is None
    first, second = sorted(found.problems, key=lambda p: p.path)
    assert (first.rule, first.path) == ("option", "not-a-writer")
    assert f"no such object in the input; it has {SINK}, {MM2}" in first.message
    assert (second.rule, second.path) == ("option", "writer")
    assert f'did you mean "{SINK}"?' in second.message


@pytest.mark.parametrize(
    "chosen",
    [
        Options(writers=("KafkaTopic/a/b",)),
        Options(writers=("KafkaConnect/a",)),
        Options(not_writers=("KafkaConnect/a/b/c",)),
        Options(not_writers=("KafkaConnect/A/b",)),
        Options(writers=(SINK,), not_writers=(SINK,)),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(chosen: Options) -> None:
    (problem,) = chosen.problems()
    assert problem.rule == "option"


# MirrorMaker 2


def mirrored(text: str, into: str, source: str, *edits: tuple[str, str]) -> str:
    return edited(
        text, ("demo-kafka-bootstrap:9092", into), ("source.example.com:9092", source), *edits
    )


OURS, THEIRS = "demo-kafka-bootstrap:9092", "dr-kafka-bootstrap.dr.svc:9092"
LOCATION = "offset-syncs.topic.location: target"
CONNECTOR = f"sourceConnector:\n        config:\n          {LOCATION}"


def only(text: str) -> KafkaClient | None:
    found = reading(ZOOKEEPER + text)
    assert not [p for p in found.problems if p.rule == "unplaced-writer"]
    assert found.cluster is not None, found.problems
    return found.cluster.writers[0] if found.cluster.writers else None


SYNCS = {
    "by-default": ((LOCATION, "replication.factor: -1"), True),
    "empty-connector": ((CONNECTOR, "sourceConnector: {}"), True),
    "source": ((LOCATION, "offset-syncs.topic.location: source"), True),
    "target": ((LOCATION, LOCATION), False),
    "no-source-connector": (
        (CONNECTOR, "checkpointConnector: {config: {offset-syncs.topic.location: source}}"),
        False,
    ),
    "heartbeats-alone": ((CONNECTOR, "heartbeatConnector: {}"), False),
    "stopped-connector": ((CONNECTOR, "sourceConnector: {state: stopped}"), True),
    "none-emitted-by-an-unknown-version": ((LOCATION, "emit.offset-syncs.enabled: false"), True),
}


@pytest.mark.parametrize("mirror", [MIRROR, MIRROR_V1], ids=["v1beta2", "v1"])
@pytest.mark.parametrize(("edit", "writes"), SYNCS.values(), ids=SYNCS)
def test_a_mirror_that_reads_may_write_its_offset_syncs(
    mirror: str, edit: tuple[str, str], *, writes: bool
) -> None:
    writer = only(mirrored(mirror, THEIRS, OURS, edit))
    assert (writer is not None) is writes
    if writer:
        assert writer.reason == "writes its offset-syncs into it"


@pytest.mark.parametrize(
    ("version", "config", "writes"),
    [
        ("2.8.1", LOCATION, True),  # Kafka before 3.0 knows no other place
        ("3.0.0", LOCATION, False),
        ("3.8.1", 'emit.offset-syncs.enabled: "false"', True),  # nor that they can be off
        ("3.9.0", 'emit.offset-syncs.enabled: "FALSE"', False),
        ("4.1.0", "emit.offset-syncs.enabled: false", False),
        ("4.1.0", "emit.offset-syncs.enabled: true", True),
    ],
)
def test_the_meaning_of_a_configuration_depends_on_the_version_of_kafka(
    version: str, config: str, *, writes: bool
) -> None:
    edits = ((LOCATION, config), ("  connectCluster", f"  version: {version}\n  connectCluster"))
    assert (only(mirrored(MIRROR, THEIRS, OURS, *edits)) is not None) is writes


def test_a_mirror_into_it_is_reported_as_one() -> None:
    writer = only(mirrored(MIRROR, OURS, THEIRS, (LOCATION, "a: 1")))
    assert writer is not None
    assert writer.reason == "mirrors into it"


def test_who_writes_offset_syncs_may_be_left_alone() -> None:
    text = mirrored(MIRROR, THEIRS, OURS, (LOCATION, "a: 1"))
    assert read_well(ZOOKEEPER + text, not_writers=[MM2]).writers == ()


WORKERS = edited(
    MIRROR,
    ("connectCluster: target", "connectCluster: workers"),
    ("  clusters:\n", f"  clusters:\n    - alias: workers\n      bootstrapServers: {THEIRS}\n"),
)
"""Up to Strimzi 0.40: the Connect cluster is another one than the target of a mirror."""


def test_every_target_of_a_mirror_counts() -> None:
    writer = only(WORKERS)
    assert writer is not None
    assert writer.reason == "mirrors into it"
    found = reading(ZOOKEEPER + WORKERS.replace(LOCATION, "a: 1"))
    assert [p.rule for p in found.problems] == ["offset-syncs-elsewhere"]
    (writer,) = read_well(ZOOKEEPER + edited(WORKERS, (OURS, "x:1"), (THEIRS, OURS))).writers
    assert writer.reason == "mirrors into it"  # the workers keep their offsets there


def test_a_target_that_cannot_be_placed_is_one_however_many_others_are() -> None:
    found = reading(ZOOKEEPER + edited(WORKERS, (OURS, "dr.corp.example:9092")))
    (problem,) = found.problems
    assert (problem.rule, problem.path) == ("unplaced-writer", "spec.clusters[2].bootstrapServers")


@pytest.mark.parametrize("mirror", [MIRROR, MIRROR_V1], ids=["v1beta2", "v1"])
def test_a_source_that_cannot_be_placed_may_get_the_offset_syncs(mirror: str) -> None:
    into = mirrored(mirror, THEIRS, "kafka.corp.example:9092")
    assert warnings(ZOOKEEPER + into) == []
    (said,) = warnings(ZOOKEEPER + into.replace(LOCATION, "a: 1"))
    assert '"kafka.corp.example:9092" cannot be placed' in said


@pytest.mark.parametrize("mirror", [MIRROR, MIRROR_V1, MIRROR_1], ids=["v1beta2", "v1", "1"])
def test_a_mirror_that_reads_from_a_cluster_is_ignored_if_its_target_is_unknown(
    mirror: str,
) -> None:
    text = mirrored(mirror, "kafka.corp.example:9092", OURS)
    found = reading(ZOOKEEPER + text)
    assert found.problems == ()
    assert found.cluster is not None
    (alone,) = found.cluster.ignored_clients
    assert alone.reason == 'only reads from it; writes into "kafka.corp.example:9092"'


def test_a_writer_of_offset_syncs_has_the_namespace_of_its_source() -> None:
    writer = only(mirrored(MIRROR, THEIRS, OURS, (LOCATION, "a: 1")))
    assert writer is not None
    assert writer.sources == ("kafka",)
