"""examples/lab/: what its overlays build, what is written there, how it is made and removed."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from kanister_kafka import BackupPlan, Options, build_plan, load, loads, read_cluster
from kanister_kafka.cli import main
from tests.conftest import ROOT
from tests.fakes.script_runner import AWAY, Reply, Shell

LAB = ROOT / "examples" / "lab"
PRODUCE = LAB / "producers" / "producer" / "produce.sh"
OVERLAYS = sorted(path.name for path in (LAB / "overlays").iterdir())
each = pytest.mark.parametrize("overlay", OVERLAYS)


def kustomize() -> list[str]:
    """Find the command that builds an overlay: kubectl has it built in."""
    for command in (["kustomize", "build"], ["kubectl", "kustomize"]):
        if shutil.which(command[0]):
            return command
    pytest.skip("neither kustomize nor kubectl is on PATH")


@cache
def built(overlay: str) -> str:
    command = [*kustomize(), str(LAB / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(overlay: str) -> dict[str, dict[str, Any]]:
    """All objects that an overlay builds, by `Kind namespace/name`."""
    found = {}
    for one in yaml.safe_load_all(built(overlay)):
        namespace = one["metadata"].get("namespace", "")
        found[f"{one['kind']} {namespace}/{one['metadata']['name']}"] = one
    return found


def plan_of(overlay: str) -> BackupPlan:
    reading = read_cluster(loads(built(overlay)).documents, cluster="kafka-mirror/my-cluster")
    assert reading.cluster is not None, reading.problems
    return build_plan(reading.cluster, Options(), reading.problems)


def test_overlays_are_those_of_the_page() -> None:
    page = (LAB / "README.md").read_text()
    assert OVERLAYS == ["kraft-large", "kraft-small", "kraft-small-v1", "zookeeper"]
    assert all(f"| `{overlay}`" in page for overlay in OVERLAYS)


@each
def test_an_overlay_is_the_environment(overlay: str) -> None:
    made = objects(overlay)
    names = {name for name in made if not name.startswith(("KafkaNodePool ", "ConfigMap "))}
    assert names == {
        "Namespace /kafka",
        "Namespace /kafka-mirror",
        "Kafka kafka/my-cluster",
        "Kafka kafka-mirror/my-cluster",
        "KafkaTopic kafka/blogs",
        "KafkaTopic kafka/items",
        "KafkaMirrorMaker2 kafka-mirror/my-mirror-maker",
        "Deployment kafka/producer-blogs",
        "Deployment kafka/producer-items",
    }
    partitions = {name: made[f"KafkaTopic kafka/{name}"]["spec"] for name in ("blogs", "items")}
    assert {name: spec["partitions"] for name, spec in partitions.items()} == {
        "blogs": 3,
        "items": 10,
    }


SIZES = {
    "kraft-small": ({"dual": 1}, {"controller": 1, "broker": 3}),
    "kraft-small-v1": ({"dual": 1}, {"controller": 1, "broker": 3}),
    "kraft-large": ({"controller": 3, "broker": 6}, {"controller": 3, "broker": 6}),
    "zookeeper": ({"kafka": 1, "zookeeper": 1}, {"kafka": 3, "zookeeper": 1}),
}


@each
def test_numbers_of_nodes_match_the_page(overlay: str) -> None:
    found: dict[str, dict[str, int]] = {"kafka": {}, "kafka-mirror": {}}
    for one in objects(overlay).values():
        namespace = one["metadata"].get("namespace")
        if one["kind"] == "KafkaNodePool":
            found[namespace][one["metadata"]["name"]] = one["spec"]["replicas"]
        elif one["kind"] == "Kafka":
            for nodes in ("kafka", "zookeeper"):
                if "replicas" in one["spec"].get(nodes, {}):
                    found[namespace][nodes] = one["spec"][nodes]["replicas"]
    assert (found["kafka"], found["kafka-mirror"]) == SIZES[overlay]


@each
def test_the_mirror_has_the_aliases_of_the_seed(overlay: str) -> None:
    spec = objects(overlay)["KafkaMirrorMaker2 kafka-mirror/my-mirror-maker"]["spec"]
    (mirror,) = spec["mirrors"]
    if overlay.endswith("-v1"):
        source, target = mirror["source"], spec["target"]
    else:
        source, target = spec["clusters"]
        assert spec["connectCluster"] == mirror["targetCluster"] == target["alias"]
        assert mirror["sourceCluster"] == source["alias"]
    assert (source["alias"], target["alias"]) == ("my-source-cluster", "my-target-cluster")
    assert source["bootstrapServers"] == "my-cluster-kafka-bootstrap.kafka.svc:9092"
    assert target["bootstrapServers"] == "my-cluster-kafka-bootstrap.kafka-mirror.svc:9092"
    assert mirror["topicsPattern"] == "blogs|items"


@each
def test_our_own_reader_finds_the_mirror_that_writes(overlay: str) -> None:
    plan = plan_of(overlay)
    assert [str(w) for w in plan.cluster.writers] == [
        "KafkaMirrorMaker2 kafka-mirror/my-mirror-maker"
    ]
    # The version is left to the operator, so that one overlay fits many of them.
    assert [problem.rule for problem in plan.problems] == ["unpinned-version"]


@each
def test_producers_are_two_of_a_kind_and_may_do_nothing(overlay: str) -> None:
    made = objects(overlay)
    for topic in ("blogs", "items"):
        pod = made[f"Deployment kafka/producer-{topic}"]["spec"]["template"]
        assert pod["metadata"]["labels"]["kanister-kafka.io/topic"] == topic
        assert pod["spec"]["automountServiceAccountToken"] is False
        assert pod["spec"]["securityContext"] == {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        (container,) = pod["spec"]["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        fields = {one["name"]: one for one in container["env"]}
        assert fields["RECORDS_PER_SECOND"]["value"] == "5"
        paths = [fields[n]["valueFrom"]["fieldRef"]["fieldPath"] for n in ("POD_UID", "TOPIC")]
        assert paths == ["metadata.uid", "metadata.labels['kanister-kafka.io/topic']"]
        (kept,) = [v["configMap"]["name"] for v in pod["spec"]["volumes"] if "configMap" in v]
        assert set(made[f"ConfigMap kafka/{kept}"]["data"]) == {"produce.sh", "producer.properties"}


def test_producers_lose_nothing_and_keep_the_order() -> None:
    lines = (PRODUCE.parent / "producer.properties").read_text().splitlines()
    given = dict(line.split("=") for line in lines if not line.startswith("#"))
    assert given["acks"] == "all"
    assert given["enable.idempotence"] == "true"
    assert given["linger.ms"] == "0"
    assert given["max.in.flight.requests.per.connection"] == "1"
    hour = 60 * 60 * 1000  # the console producer gives up after two minutes, or three attempts
    assert min(int(given["delivery.timeout.ms"]), int(given["max.block.ms"])) >= hour
    assert int(given["retries"]) == 2**31 - 1


def test_the_image_is_named_once() -> None:
    texts = {path: path.read_text() for path in LAB.rglob("*") if path.is_file()}
    assert [
        path.parent.name for path, text in texts.items() if "quay.io/strimzi/kafka" in text
    ] == ["producers"]


def test_base_is_read_without_kustomize() -> None:
    loaded = load([LAB / "base"])
    assert loaded.problems == ()
    topics = [one for one in loaded.documents if one.kind == "KafkaTopic"]
    assert [one.text("metadata", "name") for one in topics] == ["blogs", "items"]
    namespaces = [one for one in loaded.documents if one.kind == "Namespace"]
    assert [one.text("metadata", "name") for one in namespaces] == ["kafka", "kafka-mirror"]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A port that listens, and a console producer that writes down what it is given."""
    tool = tmp_path / "bin" / "kafka-console-producer.sh"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nexec cat\n")
    tool.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield {
            "PATH": os.environ["PATH"],
            "KAFKA_HOME": str(tmp_path),
            "BOOTSTRAP_SERVER": f"127.0.0.1:{server.getsockname()[1]}",
            "TOPIC": "blogs",
            "POD_UID": "0b0f9a4e",
        }


def produced(source: dict[str, str], rate: int, seconds: int) -> list[str]:
    command = ["timeout", str(seconds), "bash", str(PRODUCE)]
    env = source | {"RECORDS_PER_SECOND": str(rate)}
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("rate", [5, 300])
def test_a_producer_keeps_its_rate(source: dict[str, str], rate: int) -> None:
    dates = []
    for line in produced(source, rate, 4):
        found = re.fullmatch(r"\d+\t(\d{4}-\d\d-\d\dT[\d:]{8}\.\d{3})Z -- 0b0f9a4e", line)
        assert found, line
        dates.append(datetime.fromisoformat(found[1]))
    assert dates == sorted(dates)
    seconds = (dates[-1] - dates[0]).total_seconds()
    assert seconds > 2
    # Late by one turn of the loop at most, which a busy machine draws out.
    assert abs(len(dates) - 1 - seconds * rate) <= max(2, rate * 0.3)


def test_a_producer_refuses_a_rate_that_is_none(source: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", str(PRODUCE)],
        env=source | {"RECORDS_PER_SECOND": "fast"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr == "RECORDS_PER_SECOND is fast, and must be from 1 to 9999\n"


def murmur2(data: bytes) -> int:
    """Hash a key as Kafka's own client does."""
    factor, mask = 0x5BD1E995, 0xFFFFFFFF
    value = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        part = int.from_bytes(data[at : at + 4], "little") * factor & mask
        value = (value * factor & mask) ^ ((part ^ part >> 24) * factor & mask)
    if data[whole:]:
        value = (value ^ int.from_bytes(data[whole:], "little")) * factor & mask
    value = (value ^ value >> 13) * factor & mask
    return value ^ value >> 15


@pytest.mark.parametrize(
    ("key", "expected"),
    [("21", -973932308), ("foobar", -790332482), ("a-little-bit-long-string", -985981536)],
)
def test_the_hash_is_that_of_kafka(key: str, expected: int) -> None:
    """What Kafka's own tests expect of it."""
    assert murmur2(key.encode()) == expected % (1 << 32)


def test_keys_go_round_the_partitions_of_both_topics() -> None:
    (line,) = re.findall(r"^KEYS=\((.*)\)$", PRODUCE.read_text(), re.MULTILINE)
    hashes = [murmur2(key.encode()) & 0x7FFFFFFF for key in line.split()]
    for partitions in (3, 10):
        assert [h % partitions for h in hashes] == [n % partitions for n in range(30)]


STRIMZI = "apps/v1\nkafka.strimzi.io/v1beta2\n"
OVERLAY = "apiVersion: kafka.strimzi.io/v1beta2\nkind: Kafka\n"
HAS_KAFKA = r"^get kafka\.kafka\.strimzi\.io -A -l kanister"


@dataclass
class Lab:
    """lab-env.sh in a copy of its folder, against a kubectl that answers what it is told."""

    folder: Path
    shell: Shell

    def run(self, *arguments: str, **values: str) -> subprocess.CompletedProcess[str]:
        script = self.folder / "examples" / "lab" / "lab-env.sh"
        return self.shell.run(body=shlex.join(["exec", "bash", str(script), *arguments]), **values)

    def deleted(self) -> list[str]:
        calls = [call.split() for call in self.shell.calls("delete ")]
        return [call[call.index("delete") + 1] for call in calls if "delete" in call]


@pytest.fixture
def lab(tmp_path: Path, shell: Shell) -> Lab:
    shutil.copytree(LAB, tmp_path / "examples" / "lab")
    shell.on("^api-versions", STRIMZI).on("^kustomize", OVERLAY).on("^config", "kind\n")
    return Lab(tmp_path, shell)


@pytest.mark.parametrize(
    ("pattern", "answer", "line"),
    [
        ("^api-versions", "apps/v1\n", "no Strimzi on this cluster: install its operator first"),
        ("^api-versions", AWAY, "the cluster of the current context cannot be reached"),
        (
            "^api-versions",
            "kafka.strimzi.io/v1\n",
            "this Strimzi serves kafka.strimzi.io/v1, the overlay is written in "
            "kafka.strimzi.io/v1beta2",
        ),
        (
            "^get kafka.*!kanister",
            "kafka/my-cluster\nelsewhere/my-cluster\n",
            "Kafka kafka/my-cluster is there, and not of the lab",
        ),
    ],
    ids=["no-strimzi", "away", "other-api", "foreign"],
)
def test_nothing_is_applied_to_a_cluster_that_is_not_fit(
    lab: Lab, pattern: str, answer: str | Reply, line: str
) -> None:
    lab.shell.answers.clear()
    lab.shell.on(pattern, answer).on("^api-versions", STRIMZI).on("^kustomize", OVERLAY)
    done = lab.run("up")
    assert done.returncode == 1
    assert f"lab-env: {line}" in done.stderr.splitlines()[-1]
    assert not lab.shell.calls("apply")


def test_up_waits_for_all_that_it_made(lab: Lab) -> None:
    lab.shell.on(HAS_KAFKA, "kafka/my-cluster\nkafka-mirror/my-cluster\n")
    lab.shell.on("^get kafkatopic", "kafka/blogs\n")
    lab.shell.on("^get kafkamirrormaker2", "kafka-mirror/my-mirror-maker\n")
    lab.shell.on("^get deployment", "kafka/producer-blogs\n")
    lab.shell.on("kafka-mirror wait kafka.kafka", AWAY, "")
    lab.shell.on("get pods", "a 1/1 Running\nb 1/2 Running\n")
    done = lab.run("up")
    assert done.returncode == 0, done.stderr
    (applied,) = lab.shell.calls("apply")
    assert "--server-side" in applied
    messages = [
        re.sub(r"\d+ s;", "N s;", line) for line in done.stdout.splitlines() if "Ready" in line
    ]
    assert messages == [
        "lab-env: kafka kafka/my-cluster is Ready",
        "lab-env: waits for kafka kafka-mirror/my-cluster, N s; pods Ready in kafka-mirror: 1 of 2",
        "lab-env: kafka kafka-mirror/my-cluster is Ready",
        "lab-env: kafkatopic kafka/blogs is Ready",
        "lab-env: kafkamirrormaker2 kafka-mirror/my-mirror-maker is Ready",
        "lab-env: deployment kafka/producer-blogs is Ready",
    ]


def test_up_waits_for_a_limited_time(lab: Lab) -> None:
    lab.shell.on(HAS_KAFKA, "kafka/my-cluster\n").on("wait kafka", AWAY)
    done = lab.run("up", LAB_WAIT="1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "lab-env: kafka kafka/my-cluster is not Ready after 1 s: kubectl -n kafka get pods"
    )


def test_what_up_builds_has_the_label_and_the_image(lab: Lab) -> None:
    lab.run("up", LAB_IMAGE="registry.test:5000/kafka@sha256:0123")
    command = [*kustomize(), str(lab.folder / "build" / "lab-env")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    made = list(yaml.safe_load_all(done.stdout))
    assert len(made) == len(objects("kraft-small"))
    assert {one["metadata"]["labels"]["kanister-kafka.io/lab"] for one in made} == {"true"}
    pods = [one["spec"]["template"]["spec"] for one in made if one["kind"] == "Deployment"]
    assert [pod["containers"][0]["image"] for pod in pods] == [
        "registry.test:5000/kafka@sha256:0123"
    ] * 2


def filled(lab: Lab) -> Lab:
    """Let kubectl show what `up` made."""
    lab.shell.on("^get namespace", "kafka-mirror")
    lab.shell.on("^get deployment", "kafka/producer-blogs\n")
    lab.shell.on("^get configmap", "kafka/producer-x\n")
    lab.shell.on("^get kafkamirrormaker2", "kafka-mirror/my-mirror-maker\n")
    lab.shell.on(HAS_KAFKA, "kafka-mirror/my-cluster\n")
    lab.shell.on("^get kafkanodepool", "kafka-mirror/broker\n")
    lab.shell.on("^api-resources", "configmaps\nevents\npods\nendpointslices.discovery.k8s.io\n")
    return lab


EMPTY = "configmap/kube-root-ca.crt\nserviceaccount/default\n"
ORDER = [
    "deployment/producer-blogs",
    "kafkamirrormaker2.kafka.strimzi.io/my-mirror-maker",
    "kafkatopic.kafka.strimzi.io/blogs",
    "kafka.kafka.strimzi.io/my-cluster",
    "kafkanodepool.kafka.strimzi.io/broker",
    "configmap/producer-x",
    "pvc",
]


def test_down_removes_in_an_order_that_does_not_hang(lab: Lab) -> None:
    filled(lab).shell.on("^get kafkatopic", "kafka/blogs\n", "kafka/blogs\n", "")
    lab.shell.on("get configmaps,pods", f"{EMPTY}secret/of-kafka\n", EMPTY)
    lab.shell.on("^get pods -A", "pod/mirror\n", "").on("^get pods -n", "pod/broker\n", "")
    done = lab.run("down")
    assert done.returncode == 0, done.stderr
    assert lab.deleted() == [*ORDER, "namespace"]
    calls = lab.shell.calls()

    def last(start: str) -> int:
        return max(n for n, call in enumerate(calls) if call.startswith(start))

    def first(part: str) -> int:
        return min(n for n, call in enumerate(calls) if part in call)

    assert last("get kafkatopic") < first("delete kafka.kafka")
    assert first("delete kafkamirror") < last("get pods -A") < first("delete kafkatopic")
    assert first("delete kafka.kafka") < last("get pods -n") < first("delete pvc")
    assert not lab.shell.calls("patch")
    # Strimzi gives the label on to its own Deployments, the topic operator among them.
    for kind in ("deployment", "configmap"):
        (asked,) = lab.shell.calls(f"get {kind} ")
        assert "!strimzi.io/cluster" in asked


def test_down_removes_finalizers_if_no_operator_does(lab: Lab) -> None:
    filled(lab).shell.on("^get kafkatopic", "kafka/blogs\n")
    lab.shell.on("get configmaps,pods", EMPTY)
    done = lab.run("down", LAB_WAIT="1")
    assert done.returncode == 0, done.stderr
    assert lab.deleted() == [*ORDER, "namespace"]
    (patch,) = lab.shell.calls("patch")
    assert patch.startswith("-n kafka patch kafkatopic.kafka.strimzi.io/blogs")
    assert '"finalizers":null' in patch


def test_down_keeps_a_namespace_that_has_more(lab: Lab) -> None:
    filled(lab).shell.on("get configmaps,pods", f"{EMPTY}configmap/mine\n")
    done = lab.run("down", LAB_WAIT="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == (
        "lab-env: namespace kafka-mirror stays, for it still has: configmap/mine "
    )
    assert "namespace" not in lab.deleted()


@pytest.mark.parametrize("pattern", ["^api-resources", "get configmaps,pods"])
def test_down_keeps_a_namespace_that_it_cannot_look_into(lab: Lab, pattern: str) -> None:
    lab.shell.on(pattern, AWAY)
    done = filled(lab).run("down", LAB_WAIT="1")
    assert done.returncode == 1
    assert "namespace kafka-mirror stays" in done.stderr
    assert "namespace" not in lab.deleted()


@pytest.mark.parametrize("pattern", ["^get kafkatopic", "^get kafkamirror", "^get pods"])
def test_down_goes_no_further_than_it_can_see(lab: Lab, pattern: str) -> None:
    """What could not be read must not pass for nothing."""
    lab.shell.on(pattern, AWAY)
    done = filled(lab).run("down", LAB_WAIT="1")
    assert done.returncode == 1
    assert not {"kafka.kafka.strimzi.io/my-cluster", "pvc"} & set(lab.deleted())


def test_down_leaves_the_volumes_of_another_kafka(lab: Lab) -> None:
    lab.shell.on("^get kafka.*!kanister", "kafka-mirror/my-cluster\n")
    done = filled(lab).run("down", LAB_WAIT="1")
    assert done.returncode == 0, done.stderr
    assert "pvc" not in lab.deleted()


def test_down_without_an_environment_removes_nothing(lab: Lab) -> None:
    done = lab.run("down")
    assert (done.returncode, lab.deleted()) == (0, [])
    assert done.stdout == (
        "lab-env: nothing to remove: no namespace has the label kanister-kafka.io/lab\n"
    )


def test_commands_of_the_page_are_there() -> None:
    page = (LAB / "README.md").read_text()
    targets = set(re.findall(r"^(lab-env[\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"make (lab-env[\w-]*)", page)) == targets
    for command in re.findall(r"kanister-kafka (?:apply|check|delete) [^`\n]*", page):
        words = [*shlex.split(command)[1:], "--help"]
        assert CliRunner().invoke(main, words).exit_code == 0, command
