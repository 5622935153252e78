from __future__ import annotations

import copy
import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from click.testing import CliRunner

from kanister_kafka.cli import main
from kanister_kafka.cli.commands.rehearse import describe_outage
from kanister_kafka.constants import CLUSTER_LABEL, PAUSE_RECONCILIATION, PREVIOUS_PAUSE
from kanister_kafka.errors import ActionError, NotFoundError, RejectedError
from kanister_kafka.kube.client import ApiResource
from kanister_kafka.kube.wait import Clock
from kanister_kafka.operations.actionset import AppliedBlueprint
from kanister_kafka.operations.object_names import default_names
from kanister_kafka.operations.preflight import CheckLine, CheckStatus
from kanister_kafka.operations.provenance import Provenance
from kanister_kafka.operations.rehearsal import canary as probes
from kanister_kafka.operations.rehearsal.canary import (
    CanaryLog,
    client_outage,
    count_lost,
    longest_gap,
    partition_gaps,
    per_second,
    pods_outage,
)
from kanister_kafka.operations.rehearsal.context import (
    LABEL,
    ClientState,
    InitialState,
    RehearsalContext,
    RehearsalRequest,
    is_blocking,
)
from kanister_kafka.operations.rehearsal.model import (
    Interval,
    OutageSource,
    PodState,
    PodTimeline,
    RehearsalVersions,
)
from kanister_kafka.operations.rehearsal.recovery_monitor import TimelineBuilder
from kanister_kafka.operations.rehearsal.runner import run_rehearsal
from kanister_kafka.operations.volume_snapshots import VolumeClaim, class_of_claim
from kanister_kafka.processes import SignalGuard
from kanister_kafka.reports.rehearsal import rehearsal_text
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.strimzi.listeners import Listener, choose_probe_listener

SUCCESS = (
    '{{"timestamp":{ms},"name":"producer_send_success","key":"1","value":"{value}",'
    '"offset":{offset},"topic":"t","partition":{partition}}}'
)
DRIVER = "disk.example.com"


def ack(ms: int, offset: int, partition: int = 0, value: str = "") -> str:
    return SUCCESS.format(ms=ms, offset=offset, partition=partition, value=value or offset)


def read_log(*lines: str, now: float = 100.0) -> CanaryLog:
    log = CanaryLog()
    for line in lines:
        log.line(line, now)
    return log


# --- What the probe printed


def test_a_repeated_log_line_changes_nothing():
    log = read_log(ack(90_000, 0), ack(90_500, 1), ack(90_000, 0))
    log.line(ack(90_500, 1), 500.0)  # the stream broke and begins anew
    assert [a.at for a in log.acks.values()] == [90.0, 90.5]
    assert log.clock == 9.5


def test_failed_records_and_log_messages_are_kept_apart():
    error = '{"timestamp":1,"name":"producer_send_error","value":"7","exception":"E","message":"m"}'
    log = read_log(
        "### made", error, error, "WARN away", '{"name": "cut', '{"name":"startup_complete"}'
    )
    assert log.failed == {"7"}
    assert log.marks == ["made"]
    assert log.complaints == ["E: m", "WARN away"]
    assert not log.acks


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param((ack(1, 0), "### record Partition:0\tOffset:0\t0"), 0, id="all there"),
        pytest.param((ack(1, 0), "### written 0", "### ended"), 1, id="gone"),
        pytest.param(
            (ack(1, 0), "### record Partition:0\tOffset:0\tother", "### written 1"),
            1,
            id="another value",
        ),
        pytest.param((ack(1, 0), "### reading"), None, id="reading cut short"),
        pytest.param(
            (ack(1, 0), ack(1, 1), "### record Partition:0\tOffset:0\t0", "### written 2"),
            None,
            id="fewer read than written",
        ),
        pytest.param(("### written 0",), None, id="nothing acknowledged"),
    ],
)
def test_lost(lines, expected):
    assert count_lost(read_log(*lines)) == expected


def test_what_the_probe_could_not_remove():
    assert read_log("### ended").leftover == ""
    assert read_log("### ended, left: topic x").leftover == "topic x"
    assert read_log("### ended, left: topic x").ended


def test_the_outage_is_the_longest_time_without_a_record_after_the_stop():
    times = [0.0, 9.0, 9.1, 9.2, 14.0, 14.1]  # the first gap was before the stop
    assert longest_gap(times, 9.15) == (9.2, 14.0)
    outage = client_outage(times, 9.15, served=True)
    assert outage is not None
    assert (outage.start, outage.end, outage.source) == (9.2, 14.0, OutageSource.CLIENTS)
    never = client_outage(times, 9.15, served=False)
    assert never is not None
    assert (never.start, never.end, never.seconds) == (14.1, None, None)
    assert client_outage([], 0, served=True) is None


def test_each_partition_has_its_own_gap():
    gaps = partition_gaps([(1, 0.0), (0, 0.0), (0, 5.0), (1, 8.0), (2, 1.0)], 1.0)
    assert [(gap.partition, gap.seconds) for gap in gaps] == [(0, 5.0), (1, 8.0)]


def test_records_of_a_second():
    assert per_second([0.1, 0.9, 3.0]) == ((0, 2), (3, 1))


def test_an_outage_by_pods_lasts_from_the_first_broker_to_the_last():
    def track(name, *spans):
        return PodTimeline(name, name != "controller", tuple(Interval(*span) for span in spans))

    ready, gone = PodState.READY, PodState.GONE
    tracks = [
        track("a", (0.0, 4.0, ready), (4.0, 9.0, gone), (9.0, 20.0, ready)),
        track("b", (0.0, 5.0, ready), (5.0, 11.0, gone), (11.0, 20.0, ready)),
        track("controller", (0.0, 1.0, ready), (1.0, 20.0, gone)),
    ]
    outage = pods_outage(tracks)
    assert outage is not None
    assert (outage.start, outage.end, outage.source) == (4.0, 11.0, OutageSource.PODS)
    assert pods_outage(tracks[2:]) is None
    never = pods_outage([track("a", (0.0, 4.0, ready), (4.0, 20.0, gone))])
    assert never is not None and never.end is None


# --- What was seen of pods


def pod(name, *, ready=True, ending=False, cluster="k", component="kafka", **labels):
    metadata = {
        "name": name,
        "namespace": "ns",
        "labels": {CLUSTER_LABEL: cluster, "strimzi.io/name": f"{cluster}-{component}", **labels},
    }
    if ending:
        metadata["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    status = {"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]}
    return {"metadata": metadata, "status": status}


def test_a_pod_goes_through_its_states_and_leaves_no_hole():
    tracks = TimelineBuilder("k")
    looks = [
        (0.0, [pod("k-0")]),
        (1.0, [pod("k-0")]),
        (2.0, [pod("k-0", ending=True)]),
        (3.0, []),
        (4.0, [pod("k-0", ready=False)]),
        (5.0, [pod("k-0")]),
    ]
    for now, pods in looks:
        tracks.look(tuple(pods), now)
    (track,) = tracks.tracks()
    assert [(s.start, s.end, s.state.value) for s in track.spans] == [
        (0.0, 2.0, "ready"),
        (2.0, 3.0, "stopping"),
        (3.0, 4.0, "gone"),
        (4.0, 5.0, "starting"),
        (5.0, 5.0, "ready"),
    ]
    assert track.broker


def test_pods_of_a_deployment_are_one_and_controllers_are_not_brokers():
    tracks = TimelineBuilder("k")
    role = {"strimzi.io/broker-role": "false"}
    old = pod("k-entity-operator-a", ending=True, component="entity-operator")
    new = pod("k-entity-operator-b", ready=False, component="entity-operator")
    tracks.look((pod("k-c-3", **role), old, new), 0.0)
    found = {t.name: (t.broker, t.spans[-1].state.value) for t in tracks.tracks()}
    assert found == {"k-c-3": (False, "ready"), "k-entity-operator": (False, "starting")}


# --- How it is reached and snapshotted


def kafka(*listeners):
    addresses = [{"name": at["name"], "bootstrapServers": f"{at['name']}:9092"} for at in listeners]
    return {"spec": {"kafka": {"listeners": list(listeners)}}, "status": {"listeners": addresses}}


def listener(name, servers, *, tls):
    return Listener(
        name=name, inside=True, tls=tls, authentication="", servers=servers, certificates=()
    )


PLAIN = {"name": "plain", "port": 9092, "type": "internal", "tls": False}
TLS = {"name": "tls", "port": 9093, "type": "internal", "tls": True}
SCRAM = {**PLAIN, "name": "scram", "authentication": {"type": "scram-sha-512"}}
OUTSIDE = {**PLAIN, "name": "outside", "type": "nodeport"}


@pytest.mark.parametrize(
    ("listeners", "config", "expected"),
    [
        pytest.param(
            (TLS, PLAIN), "", listener("plain", "plain:9092", tls=False), id="plain first"
        ),
        pytest.param((SCRAM, TLS), "", listener("tls", "tls:9092", tls=True), id="tls"),
        pytest.param((OUTSIDE, SCRAM), "", "wants authentication", id="authentication"),
        pytest.param((OUTSIDE,), "", "no internal listener", id="none inside"),
        pytest.param((SCRAM,), "mine", listener("", "scram:9092", tls=False), id="own properties"),
        pytest.param((OUTSIDE,), "mine", listener("", "", tls=False), id="own address"),
    ],
)
def test_the_listener_that_needs_least(listeners, config, expected):
    found, why = choose_probe_listener(kafka(*listeners), config)
    if isinstance(expected, str):
        assert found is None and expected in why and "--probe-config" in why
    else:
        assert (found, why) == (expected, "")


def test_a_paused_kafka_names_no_listener():
    found, why = choose_probe_listener({**kafka(PLAIN), "status": {}}, "")
    assert found is None and why == "its status names no listener"


def snapshot_class(name, driver=DRIVER, **annotations):
    return {"metadata": {"name": name, "annotations": annotations}, "driver": driver}


K10 = {"k10.kasten.io/is-snapshot-class": "true"}
DEFAULT = {"snapshot.storage.kubernetes.io/is-default-class": "true"}


@pytest.mark.parametrize(
    ("classes", "wanted", "kasten", "expected"),
    [
        ([snapshot_class("a"), snapshot_class("b", "other")], "", True, "a"),
        ([snapshot_class("a", **DEFAULT), snapshot_class("b")], "", True, "a"),
        ([snapshot_class("a", **DEFAULT), snapshot_class("b", **K10)], "", True, "b"),
        ([snapshot_class("a", **DEFAULT), snapshot_class("b", **K10)], "", False, "a"),
        ([snapshot_class("a", **DEFAULT), snapshot_class("b")], "b", False, "b"),
    ],
)
def test_the_class_of_a_snapshot(classes, wanted, kasten, expected):
    assert class_of_claim("data", DRIVER, classes, wanted, kasten=kasten) == expected


@pytest.mark.parametrize(
    ("classes", "wanted", "said"),
    [
        ([], "", "claim data: .* driver disk.example.com has none"),
        ([snapshot_class("a"), snapshot_class("b")], "", "has a, b, and not one default"),
        ([snapshot_class("a")], "c", "no VolumeSnapshotClass c; the cluster has a"),
        ([snapshot_class("a", "other")], "a", "a is of driver other, and claim data of"),
    ],
)
def test_no_class_for_a_snapshot(classes, wanted, said):
    with pytest.raises(ActionError, match=said):
        class_of_claim("data", DRIVER, classes, wanted, kasten=True)


def test_a_rehearsal_takes_no_class_that_a_backup_of_kanister_would_not_get():
    """The snapshot controller refuses a snapshot without a class if the driver has no default."""
    with pytest.raises(ActionError, match=r"driver disk.example.com has a, and not one default"):
        class_of_claim("data", DRIVER, [snapshot_class("a")], "", kasten=False)
    assert Provenance(options="--engine kanister --snapshot-class a").snapshot_class == "a"
    assert Provenance().snapshot_class == ""


# --- The probe's pod


def rehearsal_context(**changes):
    labels = {CLUSTER_LABEL: "k", "strimzi.io/name": "k-kafka"}
    fields = {
        "id": "0a1b2c3d",
        "request": RehearsalRequest(kasten_namespace="kasten-io", timeout=30),
        "target": KafkaRef("ns", "k"),
        "names": default_names(KafkaRef("ns", "k")),
        "blueprint": AppliedBlueprint(
            "ns.k", "kasten-io", {"backupPrehook": frozenset(), "backupPosthook": frozenset()}
        ),
        "before": InitialState(
            cluster_id="id",
            paused=False,
            ready=True,
            nodes=("k-0", "k-1"),
            claims=(("data-k-0", "u0"), ("data-k-1", "u1")),
        ),
        "claims": (
            VolumeClaim("data-k-0", DRIVER, "fast"),
            VolumeClaim("data-k-1", DRIVER, "fast"),
        ),
        "writers": (),
        "broker": {
            "metadata": {"name": "k-0", "labels": labels},
            "spec": {"containers": [{"name": "kafka", "image": "kafka:1"}], "tolerations": [1]},
        },
        "brokers": 2,
        "listener": listener("plain", "k-kafka-bootstrap.ns.svc:9092", tls=False),
        "why_no_probe": "",
        "versions": RehearsalVersions("3.9.2", "0.45.2", "v1.34.4", "0"),
    }
    return RehearsalContext(**{**fields, **changes})


def test_the_pod_of_the_probe_is_restricted_and_no_pod_of_the_cluster():
    made = probes.canary_pod(rehearsal_context())
    spec, (container,) = made["spec"], made["spec"]["containers"]
    assert CLUSTER_LABEL not in made["metadata"]["labels"]
    assert made["metadata"]["labels"][LABEL] == "0a1b2c3d"
    # What the Pod Security Standard `restricted` asks for, and more.
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostPath", "hostNetwork"} & {key for v in spec["volumes"] for key in v}
    assert spec["automountServiceAccountToken"] is False
    assert container["image"] == "kafka:1"
    values = {one["name"]: one["value"] for one in container["env"]}
    assert (values["PARTITIONS"], values["REPLICATION"]) == ("3", "2")
    assert values["BOOTSTRAP"] == "k-kafka-bootstrap.ns.svc:9092"


def test_the_probe_runs_as_the_user_of_the_broker():
    broker = copy.deepcopy(rehearsal_context().broker)
    broker["spec"]["containers"][0]["securityContext"] = {"runAsUser": 1000690000}
    assert (
        probes.canary_pod(rehearsal_context(broker=broker))["spec"]["securityContext"]["runAsUser"]
        == 1000690000
    )


def test_tls_is_trusted_by_the_authority_of_the_cluster():
    made = probes.canary_pod(rehearsal_context(listener=listener("tls", "k:9093", tls=True)))
    assert {"name": "ca", "secret": {"secretName": "k-cluster-ca-cert"}} in made["spec"]["volumes"]
    values = {one["name"]: one["value"] for one in made["spec"]["containers"][0]["env"]}
    assert values["TRUSTED"] == "/probe/ca/ca.crt"


def test_own_properties_are_mounted_and_never_read():
    request = RehearsalRequest(kasten_namespace="kasten-io", probe_config="mine")
    made = probes.canary_pod(
        rehearsal_context(request=request, listener=listener("", "", tls=False))
    )
    assert {"name": "config", "secret": {"secretName": "mine"}} in made["spec"]["volumes"]


@pytest.mark.parametrize(
    ("brokers", "shape"), [(1, (3, 1)), (2, (3, 2)), (5, (5, 3)), (40, (12, 3))]
)
def test_every_broker_leads_a_partition(brokers, shape):
    assert (probes.partitions(brokers), probes.replication(brokers)) == shape


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="shellcheck is not on PATH")
def test_the_script_of_the_probe_passes_shellcheck():
    done = subprocess.run(
        ["shellcheck", "-s", "bash", "-"],
        input=probes.canary_script(),
        text=True,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout


# --- Preflight and Ctrl-C


@pytest.mark.parametrize(
    ("check", "level", "expected"),
    [
        ("kafka-ready", CheckStatus.PROBLEM, True),
        ("kafka-ready", CheckStatus.WARNING, False),
        ("drift", CheckStatus.PROBLEM, False),
    ],
)
def test_what_keeps_a_rehearsal_from_beginning(check, level, expected):
    assert is_blocking(CheckLine(id=check, level=level, what="")) is expected


def test_the_first_signal_interrupts_and_the_next_are_reported():
    lines: list[str] = []
    before = signal.getsignal(signal.SIGINT)
    with SignalGuard(lines.append, "first"):
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        assert [re.search(r"\d", line)[0] for line in lines] == ["2", "1"]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("signals", [1, 3])
def test_what_was_left_as_it_is_is_an_error(signals):
    """Exit code 130 means that all is as before."""
    expected = ActionError if signals == 3 else KeyboardInterrupt
    with (
        pytest.raises(expected) as caught,
        SignalGuard(lambda _line: None, "Kafka is brought back first") as interrupts,
    ):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)
        except KeyboardInterrupt:
            interrupts.shield()
            for _ in range(signals):
                os.kill(os.getpid(), signal.SIGINT)
            raise
    if signals == 3:
        assert "before this was done: Kafka is brought back first" in str(caught.value)


def test_nothing_interrupts_behind_the_shield():
    lines: list[str] = []
    with SignalGuard(lines.append, "first") as interrupts:
        interrupts.shield()
        os.kill(os.getpid(), signal.SIGHUP)
    assert len(lines) == 1


# --- The whole cycle, against a cluster that does what Kanister, Strimzi and CSI do


class Cluster:
    """Answers as Connection does."""

    host = "cluster"
    namespace = "ns"

    def __init__(self, **faults):
        self.faults = faults
        self.lock = threading.RLock()
        self.objects: dict[tuple[str, str, str], dict] = {}
        self.deleted: list[str] = []
        self.actions: list[str] = []
        self.records: list[tuple[int, int, int]] = []
        metadata = {"name": "k", "namespace": "ns", "annotations": {}, "generation": 1}
        ready = [{"type": "Ready", "status": "True"}]
        status = {"observedGeneration": 1, "conditions": ready, "clusterId": "id"}
        self.put("kafkas", {"metadata": metadata, "status": status})
        for number in (0, 1):
            name = f"data-k-{number}"
            labels = {CLUSTER_LABEL: "k"}
            meta = {"name": name, "namespace": "ns", "uid": f"u{number}", "labels": labels}
            self.put("persistentvolumeclaims", {"metadata": meta})
        self.up()

    def put(self, plural, item):
        meta = item["metadata"]
        self.objects[plural, meta.get("namespace", ""), meta["name"]] = item

    def up(self, *, up=True):
        self.serving = up
        annotations = self.objects["kafkas", "ns", "k"]["metadata"]["annotations"]
        for number in (0, 1):
            if up:
                self.put("pods", pod(f"k-{number}", **{"strimzi.io/kind": "Kafka"}))
                annotations.clear()
            else:
                self.objects.pop(("pods", "ns", f"k-{number}"), None)
                annotations.update({PAUSE_RECONCILIATION: "true", PREVIOUS_PAUSE: "unset"})

    def kind(self, api_version, kind):
        api_version = api_version[0] if isinstance(api_version, tuple) else api_version
        base = ("apis", *api_version.split("/")) if "/" in api_version else ("api", api_version)
        return ApiResource(base, f"{kind.lower()}s", kind, namespaced=True)

    def find(self, resource, name, namespace=""):
        with self.lock:
            found = self.objects.get((resource.plural, namespace, name))
            if found and resource.plural == "actionsets":
                self.act(found)
            return copy.deepcopy(found)

    def get(self, resource, name, namespace=""):
        found = self.find(resource, name, namespace)
        if found is None:
            raise NotFoundError(f"{resource.plural} {name} not found")
        return found

    def items(self, resource, namespace="", label="", *, fields=""):
        assert not fields
        with self.lock:
            return tuple(
                copy.deepcopy(item)
                for (plural, home, _name), item in self.objects.items()
                if plural == resource.plural
                and namespace in ("", home)
                and selected(label, item["metadata"].get("labels") or {})
            )

    def create(self, item, *, dry_run=False):
        assert not dry_run
        item = copy.deepcopy(item)
        meta, plural = item["metadata"], f"{item['kind'].lower()}s"
        if refused := self.faults.get(f"create {plural}"):
            refused()
        with self.lock:
            meta.setdefault("name", f"{meta.get('generateName', '')}{len(self.objects)}")
            meta.update(resourceVersion="1", creationTimestamp="2026-01-02T03:04:05Z")
            item["made"] = time.monotonic()
            if plural == "volumesnapshots":
                item["status"] = {"creationTime": "2026-01-02T03:04:05Z", "readyToUse": True}
            self.put(plural, item)
        return copy.deepcopy(item)

    def delete(self, resource, name, namespace=""):
        with self.lock:
            key = (resource.plural, namespace, name)
            if key not in self.objects:
                raise NotFoundError(name)
            self.deleted.append(f"{resource.plural}/{name}")
            if resource.plural == "pods":  # its container ends by itself
                self.objects[key]["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
            else:
                del self.objects[key]

    def act(self, item):
        """Play the controller of Kanister, and Strimzi behind it."""
        action = item["spec"]["actions"][0]["name"]
        if "status" in item and item["status"]["state"] in ("complete", "failed"):
            return
        failed = self.faults.get(action)
        done = time.monotonic() - item["made"] > 0.2
        state = ("failed" if failed else "complete") if done else "running"
        phase = {"name": "stop" if action == "backupPrehook" else "restart", "state": state}
        item["status"] = {"state": state, "actions": [{"phases": [phase]}]}
        if done:
            self.actions.append(action)
            item["status"]["error"] = {"message": failed or ""}
            if not failed:
                self.up(up=action == "backupPosthook")

    def log(self, name, namespace) -> Iterator[str]:
        key = ("pods", namespace, name)
        if key not in self.objects:
            raise NotFoundError(name)
        yield "### made"
        while not self.objects[key]["metadata"].get("deletionTimestamp"):
            time.sleep(0.005)
            if self.serving:
                offset = len(self.records)
                self.records.append((0, offset, offset))
                yield ack(round(time.time() * 1000), offset)
        kept = self.records[: -self.faults.get("loses", 0) or None]
        yield from (f"### record Partition:{p}\tOffset:{o}\t{v}" for p, o, v in kept)
        yield f"### written {len(kept)}"
        yield "### ended"
        with self.lock:
            del self.objects[key]

    def names(self):
        return sorted(f"{plural}/{name}" for plural, _home, name in self.objects)


def selected(selector, labels):
    """Tell whether labels fit a selector of `k`, `k=v`, `k in (v,v)`, as far as these tests go."""
    for part in re.findall(r"[^,(]+(?:\([^)]*\))?", selector):
        key, _in, values = part.partition(" in ")
        if values:
            if labels.get(key) not in values.strip("()").split(","):
                return False
            continue
        key, equals, value = part.partition("=")
        if (labels.get(key) != value) if equals else key not in labels:
            return False
    return True


QUICK = Clock(sleep=lambda seconds: time.sleep(seconds / 20))
"""What threads play here is looked at more often."""


def fit(_connection, _context, _on_doubt):
    pass


def run(cluster, **changes):
    lines: list[str] = []
    before = cluster.names()
    result = run_rehearsal(
        cluster,
        rehearsal_context(**changes),
        lambda _at, text: lines.append(text),
        check=fit,
        clock=QUICK,
    )
    assert cluster.names() == before, "something was left behind"
    return result, lines


def test_a_whole_cycle_leaves_nothing_behind():
    cluster = Cluster()
    result, _lines = run(cluster)
    assert result.passed, (result.failure, result.changed)
    assert cluster.actions == ["backupPrehook", "backupPosthook"]
    names = [stage.name for stage in result.stages]
    assert names[:3] == ["preflight", "probe", "stop"]
    assert {"snapshots cut", "snapshots ready", "nodes Ready", "clients served"} < {*names}
    assert result.probe is not None and result.probe.lost == 0
    assert result.probe.acked == len(cluster.records)
    assert result.outage is not None and result.outage.source is OutageSource.CLIENTS
    stop, served = result.stage("stop"), result.stage("clients served")
    assert stop is not None and served is not None and served.end is not None
    assert stop.start < result.outage.start < served.end == result.outage.end
    deleted = {name.partition("/")[0] for name in cluster.deleted}
    assert deleted == {"pods", "volumesnapshots", "actionsets"}
    assert all("kanister-kafka-rehearsal-0a1b2c3d" in s.name for s in result.snapshots)


def test_a_lost_record_is_not_a_success():
    result, _lines = run(Cluster(loses=3))
    assert not result.passed
    assert result.probe is not None and result.probe.lost == 3
    assert "3 acknowledged records were lost" in rehearsal_text(result)


def test_without_a_probe_the_outage_is_estimated_from_pods():
    result, _lines = run(Cluster(), listener=None, why_no_probe="none")
    assert result.passed and result.probe is None
    assert result.outage is not None and result.outage.source is OutageSource.PODS
    assert "not measured by a client" in rehearsal_text(result)


def test_an_online_blueprint_is_known_by_its_options():
    assert Provenance(options="--engine kanister --strategy online").is_online
    assert not Provenance(options="--strategy hot").is_online
    assert not Provenance(options="--name online").is_online


def test_an_online_rehearsal_announces_no_outage():
    usual = describe_outage(rehearsal_context())
    assert usual == (
        "OUTAGE: Kafka ns/k will be stopped and started by Blueprint kasten-io/ns.k: "
        "2 nodes, 0 writers"
    )
    blueprint = replace(
        rehearsal_context().blueprint, origin=Provenance(options="--strategy online")
    )
    online = describe_outage(rehearsal_context(blueprint=blueprint))
    assert online == (
        "Kafka ns/k keeps running: Blueprint kasten-io/ns.k stops and starts 0 writers"
    )


def test_a_snapshot_that_is_refused_brings_kafka_back():
    def refuse():
        raise RejectedError("no such class")

    cluster = Cluster(**{"create volumesnapshots": refuse})
    result, lines = run(cluster)
    assert cluster.actions == ["backupPrehook", "backupPosthook"]
    assert cluster.serving
    assert not result.passed and "no such class" in result.failure
    assert not result.changed
    assert any(line.startswith("FAILED") for line in lines)


def test_ctrl_c_during_the_snapshots_brings_kafka_back():
    def interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)

    cluster = Cluster(**{"create volumesnapshots": interrupt})
    result, _lines = run(cluster)
    assert cluster.actions == ["backupPrehook", "backupPosthook"]
    assert cluster.serving
    assert result.failure == "interrupted"
    assert result.exit_code == 130
    assert replace(result, changed=("left behind: x",)).exit_code == 1
    assert replace(result, failure="interrupted; Kafka is not Ready").exit_code == 1


def test_an_internal_error_also_starts_kafka_again():
    def bug():
        raise ZeroDivisionError

    cluster = Cluster(**{"create volumesnapshots": bug})
    before = cluster.names()
    with pytest.raises(ZeroDivisionError):
        run_rehearsal(cluster, rehearsal_context(), lambda *_: None, check=fit)
    assert cluster.serving
    assert cluster.names() == before


def test_a_stop_that_failed_and_undid_itself_needs_no_restart():
    cluster = Cluster(backupPrehook="12:34:56 quiesce: FAILED while checking: not Ready")
    result, _lines = run(cluster)
    assert cluster.actions == ["backupPrehook"]
    assert "quiesce: FAILED while checking: not Ready" in result.failure
    assert not result.changed and not result.snapshots


def test_a_partial_stop_is_undone_by_a_restart():
    cluster = Cluster(backupPrehook="12:34:56 recover: FAILED while releasing: gone")
    meta = {"name": "k-kanister-kafka-switch", "namespace": "ns"}
    cluster.put("deployments", {"metadata": meta, "spec": {"replicas": 0}})
    cluster.faults["create actionsets"] = lambda: cluster.objects[
        "deployments", "ns", "k-kanister-kafka-switch"
    ]["spec"].update(replicas=1)
    result, lines = run(cluster)
    assert cluster.actions == ["backupPrehook", "backupPosthook"]
    assert "the watchdog is still armed" in result.changed
    assert any("Run: kanister-kafka resume k -n ns" in line for line in lines)


def test_a_stop_that_the_watchdog_undoes_needs_no_restart():
    cluster = Cluster(backupPrehook="12:34:56 stop: FAILED while stopping brokers: timed out")
    meta = {"name": "k-kanister-kafka-switch", "namespace": "ns"}
    spec = {"replicas": 0}
    cluster.put("deployments", {"metadata": meta, "spec": spec})
    watchdog = cluster.objects["deployments", "ns", "k-kanister-kafka-switch"]["spec"]
    cluster.faults["create actionsets"] = lambda: watchdog.update(replicas=1)
    clock = Clock(sleep=lambda _seconds: watchdog.update(replicas=0))
    result = run_rehearsal(cluster, rehearsal_context(), lambda *_: None, check=fit, clock=clock)
    assert cluster.actions == ["backupPrehook"]
    assert "stop: FAILED while stopping brokers" in result.failure
    assert not result.changed


def test_a_cluster_that_is_not_fit_is_not_touched():
    def unfit(*_):
        raise ActionError("Kafka is not Ready")

    cluster = Cluster()
    before = cluster.names()
    with pytest.raises(ActionError, match="not Ready"):
        run_rehearsal(cluster, rehearsal_context(), lambda *_: None, check=unfit)
    assert (cluster.names(), cluster.actions) == (before, [])


def test_a_writer_that_did_not_come_back_is_reported():
    cluster = Cluster()
    meta = {"name": "m", "namespace": "ns", "generation": 1}
    ready = {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]}
    cluster.put("kafkamirrormaker2s", {"metadata": meta, "spec": {"replicas": 0}, "status": ready})
    was = ClientState("KafkaMirrorMaker2", "ns", "m", 2, ready=True)
    result, lines = run(
        cluster, writers=(was,), request=RehearsalRequest(kasten_namespace="x", timeout=2)
    )
    expected = "KafkaMirrorMaker2 ns/m has spec.replicas 0 and had 2"
    assert expected in result.changed and not result.passed
    assert any(expected in line and "kanister-kafka resume k -n ns" in line for line in lines)


# --- The command


def test_without_the_place_for_the_report_nothing_begins(tmp_path):
    done = CliRunner().invoke(main, ["rehearse", "k", "--html", str(tmp_path / "no" / "x.html")])
    assert done.exit_code == 2
    assert "there is no such directory" in done.output


def test_times_are_in_utc():
    result, _lines = run(Cluster(), listener=None, why_no_probe="none")
    assert result.began.tzinfo is timezone.utc
    assert abs((datetime.now(timezone.utc) - result.began).total_seconds()) < 60
