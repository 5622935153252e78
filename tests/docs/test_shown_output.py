"""Output that pages show is what the commands print for a Kafka on the fake API server."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from datetime import datetime, timezone

import pytest
from click.testing import CliRunner

from kanister_kafka import constants
from kanister_kafka.cli import main
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations.inspector import ClusterInspector
from kanister_kafka.operations.object_names import default_names
from kanister_kafka.operations.status import assess
from kanister_kafka.reports.status import status_text
from kanister_kafka.strimzi.discovery import KafkaRef
from tests.conftest import ROOT
from tests.fakes.cluster import add_blueprint, add_kafka, serving
from tests.operations.test_backups import NEW, OLD, add_backup, packed

AT = datetime(2026, 1, 3, 3, 24, 5, tzinfo=timezone.utc)
FAILED = "20260101030405"
STOPPED = "2026-01-03T03:05:20Z"


def annotate(cluster, name: str, **notes: str) -> None:
    patch = {"metadata": {"annotations": notes}}
    cluster.change("secrets", "kafka", f"my-cluster-backup-{name}-facts", patch)


def measure(cluster, name: str, *lines: str) -> None:
    text = "".join(f"{line}\n" for line in lines)
    patch = {"data": {"objects": packed(text)}}
    cluster.change("secrets", "kafka", f"my-cluster-backup-{name}", patch)


def add_backups(cluster) -> None:
    """Add a new backup, one that was verified and copied, and one that failed."""
    add_backup(cluster, NEW, stop="clean", action_set=False)
    add_backup(cluster, OLD, stop="clean", action_set=False)
    add_backup(cluster, FAILED, complete=False, offsets=False, action_set=False)
    for name in (NEW, OLD):
        rows = ["orders 0 0 48211 5120044", "orders 1 0 47090 5001802", "payments 0 12 9310 811733"]
        measure(cluster, f"{name}-offsets", f"# 2026-01-03T03:04:05Z {name}678", *rows)
        retention = ["orders 604800000 -1 delete 2", "payments -1 -1 compact 1"]
        measure(cluster, f"{name}-topics", "# 2026-01-03T03:04:05Z run 10080", *retention)
    annotate(cluster, NEW, **{constants.COMPLETE: "2026-01-03T03:09:00Z"})
    annotate(cluster, OLD, **{constants.COMPLETE: "2026-01-02T03:08:41Z"})
    annotate(cluster, OLD, **{constants.VERIFIED: "passed"})
    annotate(cluster, OLD, **{constants.VERIFIED_AT: "2026-01-02T05:10:00Z"})
    repository = "s3:https://s3.example.com/kafka-backups/production/kanister-kafka"
    annotate(cluster, OLD, **{constants.EXPORTED: f"2026-01-02T03:31:00Z {repository}"})


def add_stopped_kafka(cluster) -> None:
    """Add a Kafka that a backup has stopped with its mirror, after which nothing went on."""
    condition = {"type": "ReconciliationPaused", "status": "True", "lastTransitionTime": STOPPED}
    add_kafka(
        cluster,
        ready=(),
        annotations={
            constants.PAUSE_RECONCILIATION: "true",
            constants.PREVIOUS_PAUSE: "unset",
            constants.RESTART_DEADLINE: "2026-01-03T04:04:07Z",
        },
        status={"conditions": [condition]},
    )
    bootstrap = "my-cluster-kafka-bootstrap.kafka.svc:9092"
    source = {"alias": "source", "bootstrapServers": "source.example.com:9092"}
    cluster.add(
        "kafkamirrormaker2s",
        "kafka-tools",
        "mirror",
        annotations={constants.PREVIOUS_REPLICAS: "3"},
        spec={
            "replicas": 0,
            "connectCluster": "here",
            "clusters": [source, {"alias": "here", "bootstrapServers": bootstrap}],
            "mirrors": [{"sourceCluster": "source", "targetCluster": "here"}],
        },
    )
    names = default_names(KafkaRef("kafka", "my-cluster"))
    record = {
        "state": "stopped",
        "since": STOPPED,
        "run": "2026-01-03T03:04:05.678901234Z",
        "action": "backupPrehook",
        "clusterId": "5lqbGQDlTvCGHHVOBJNbYA",
        "kafkaVersion": "3.9.2",
        "replicas.KafkaMirrorMaker2.kafka-tools.mirror": "3",
    }
    cluster.add("configmaps", "kafka", names.state_config_map, data=record)
    watchdog = {"spec": {"replicas": 1}, "status": {"readyReplicas": 1}}
    cluster.add("deployments", "kafka", names.watchdog, **watchdog)


def print_status() -> str:
    connection = KubeClient()
    seen = ClusterInspector(connection, KafkaRef("kafka", "my-cluster"), "").look()
    return status_text(assess(seen), AT)


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kanister_kafka.cli.commands.backups.list.utc_now", lambda: AT)


@pytest.mark.usefixtures("at")
@pytest.mark.parametrize(
    ("page", "command", "fill"),
    [
        pytest.param("backups", "backups list -n kafka", add_backups, id="list"),
        pytest.param("backups", f"backups describe {OLD} -n kafka", add_backups, id="describe"),
        pytest.param("running", "status my-cluster -n kafka", add_stopped_kafka, id="status"),
    ],
)
def test_output_on_a_page_is_true(
    configure: Callable[..., object],
    page: str,
    command: str,
    fill: Callable[..., None],
    request: pytest.FixtureRequest,
) -> None:
    with serving() as cluster:
        configure(cluster.url)
        add_blueprint(cluster, backup=("backup",), restore=("restore",), delete=("delete",))
        fill(cluster)
        if command.startswith("status"):
            output = print_status()
        else:
            output = CliRunner().invoke(main, shlex.split(command), catch_exceptions=False).stdout
    fresh = f"$ kanister-kafka {command}\n{output}"
    path = ROOT / "docs" / f"{page}.md"
    text = path.read_text()
    (block,) = re.findall(rf"```text\n(\$ kanister-kafka {command}\n.*?)```\n", text, re.DOTALL)
    if request.config.getoption("--update-blueprints"):
        path.write_text(text.replace(block, fresh), encoding="utf-8")
        block = fresh
    assert block == fresh, "run `make blueprints`"
