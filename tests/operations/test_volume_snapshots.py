"""Which volumes can be snapshotted: `check` and `rehearse` decide alike."""

from __future__ import annotations

import pytest

from kanister_kafka.errors import ActionError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations.preflight import CheckStatus, storage
from kanister_kafka.operations.preflight.model import OptionalRead
from kanister_kafka.operations.volume_snapshots import (
    VolumeClaim,
    VolumeSnapshotter,
    find_claims,
)
from kanister_kafka.strimzi.discovery import KafkaRef
from tests.fakes.api_server import running
from tests.fakes.kafka_objects import claim, snapshot_class, volume
from tests.operations.test_preflight import read, view

DRIVER = "csi.example.com"
MIGRATED = {"pv.kubernetes.io/migrated-to": DRIVER}
LABEL = {"strimzi.io/cluster": "my-cluster"}
VOLUMES = {
    "csi": (volume(), True),
    "csi that once was migrated": (volume(annotations=MIGRATED), True),
    "in-tree": (volume(gcePersistentDisk={"pdName": "d"}), False),
    "migrated": (volume(annotations=MIGRATED, gcePersistentDisk={"pdName": "d"}), False),
    "path": (volume(hostPath={"path": "/x"}), False),
}


@pytest.fixture
def server(tmp_path, monkeypatch):
    with running(tmp_path, monkeypatch) as server:
        server.kinds["", "v1"]["persistentvolumes"] = "PersistentVolume"
        server.kinds["snapshot.storage.k8s.io", "v1"]["volumesnapshotclasses"] = (
            "VolumeSnapshotClass"
        )
        yield server


@pytest.mark.parametrize(("item", "is_snapshotted"), VOLUMES.values(), ids=VOLUMES)
def test_check_and_rehearse_agree(server, item, is_snapshotted) -> None:
    klass = snapshot_class(**{"snapshot.storage.kubernetes.io/is-default-class": "true"})
    bound = claim()
    bound["metadata"]["labels"] = LABEL
    server.put(item, klass, bound)
    lines = list(
        storage.snapshot_class.find(view(volumes=read(item), snapshot_classes=read(klass)))
    )
    assert (lines[0].level is CheckStatus.OK) is is_snapshotted, lines
    target = KafkaRef("kafka", "my-cluster")
    if is_snapshotted:
        (found,) = find_claims(KubeClient(), target, "", kasten=False)
        assert (found.driver, found.snapshot_class) == (DRIVER, "snap")
    else:
        with pytest.raises(ActionError) as failure:
            find_claims(KubeClient(), target, "", kasten=False)
        is_migrated = item["metadata"]["annotations"] == MIGRATED
        for text in (str(failure.value), lines[0].what):
            assert (f"migrated to driver {DRIVER}" in text) is is_migrated


def test_a_volume_that_may_not_be_read_is_judged_by_its_class() -> None:
    """A class of an in-tree plugin makes in-tree volumes, also where these are migrated."""
    store = {"metadata": {"name": "fast"}, "provisioner": "kubernetes.io/gce-pd"}
    unreadable = OptionalRead(None, storage.NotReadableError("volumes", "forbidden", "get"))
    (line,) = storage.snapshot_class.find(view(volumes=unreadable, storage_classes=read(store)))
    assert line.level is CheckStatus.PROBLEM
    assert "the volumes of data-0" in line.what


def test_snapshots_of_another_run_with_the_same_labels_are_left_alone(server) -> None:
    """A test of consistency makes some at once and others in turn, and deletes both in the end."""
    server.kinds["snapshot.storage.k8s.io", "v1"] |= {
        "volumesnapshots": "VolumeSnapshot",
        "volumesnapshotcontents": "VolumeSnapshotContent",
    }
    first, second = (
        VolumeSnapshotter(KubeClient(), "kafka", name, LABEL, lambda: 0.0)
        for name in ("run-one", "run-two")
    )
    for snapshotter in (first, second):
        snapshotter.make([VolumeClaim("data-0", DRIVER, "snap")])
    assert first.delete(0) == ()
    assert server.get("volumesnapshots", "kafka", "run-two-0")
    assert second.delete(0) == ()
