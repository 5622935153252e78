"""VolumeSnapshots of every claim, as Kasten would take them: all at once, then waited for.

A consistency test also takes them in turn, as they come if storage is not ready for all of them
at once.

Fields are those of snapshot.storage.k8s.io/v1 (kubernetes-csi/external-snapshotter).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from kanister_kafka.errors import (
    ActionError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    one_line,
)
from kanister_kafka.kube.client import (
    SNAPSHOT_API,
    SNAPSHOT_CONTENTS,
    SNAPSHOTS,
    VOLUMES,
    KubeClient,
    Object,
    Objects,
)
from kanister_kafka.kube.pods import MAX_POD_MESSAGE
from kanister_kafka.kube.storage_classes import (
    choose_snapshot_class,
    driver_of_volume,
    list_snapshot_classes,
    migrated_driver,
)
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, Grace, poll, retry
from kanister_kafka.operations.live_kafka import LiveKafka
from kanister_kafka.operations.rehearsal.model import VolumeSnapshot
from kanister_kafka.strimzi.discovery import KafkaRef

# The claims of a cluster, and by which class each is snapshotted.


@dataclass(frozen=True, slots=True)
class VolumeClaim:
    """A claim of the cluster and how it is snapshotted."""

    name: str
    driver: str
    snapshot_class: str


def find_claims(
    connection: KubeClient, target: KafkaRef, snapshot_class: str, *, kasten: bool
) -> tuple[VolumeClaim, ...]:
    """Find every claim of a cluster, and for its driver the class of its snapshots.

    With `kasten` the class is the one that Kasten takes. Who names the class needs no right to look
    at classes and volumes; the driver is then unknown.
    Raises ActionError if one cannot be snapshotted, NotFoundError if the class is not there.
    """
    items = LiveKafka(connection, target).claims()
    if not items:
        raise ActionError(f"Kafka {target} has no claims: there is nothing to snapshot")
    try:
        classes = list_snapshot_classes(connection)
    except ForbiddenError:
        if not snapshot_class:
            raise
        return tuple(VolumeClaim(item["metadata"]["name"], "", snapshot_class) for item in items)
    if classes is None:
        raise ActionError(
            f"the cluster has no {SNAPSHOT_API}: nothing can take snapshots of volumes"
        )
    return tuple(_claim(connection, item, classes, snapshot_class, kasten=kasten) for item in items)


def _claim(
    connection: KubeClient, item: Object, classes: Objects, class_name: str, *, kasten: bool
) -> VolumeClaim:
    name, volume = item["metadata"]["name"], (item.get("spec") or {}).get("volumeName")
    if not volume:
        raise ActionError(f"claim {name} is not bound to a volume")
    live = connection.get(VOLUMES, volume)
    driver = driver_of_volume(live)
    if migrated := migrated_driver(live):
        raise ActionError(
            f"claim {name}: volume {volume} is of an in-tree plugin, migrated to driver "
            f"{migrated}, and the snapshot controller refuses such volumes"
        )
    if not driver:
        raise ActionError(f"claim {name}: volume {volume} is not of a CSI driver")
    chosen = class_of_claim(name, driver, classes, class_name, kasten=kasten)
    return VolumeClaim(name, driver, chosen)


def class_of_claim(
    claim: str, driver: str, classes: Iterable[Object], class_name: str, *, kasten: bool
) -> str:
    """Return the class of a claim's snapshot: the one wanted, else the one that a backup gets."""
    named = {str(item["metadata"]["name"]): item for item in classes}
    if class_name:
        snapshot_class = named.get(class_name)
        if snapshot_class is None:
            available = ", ".join(sorted(named)) or "none"
            raise ActionError(f"no VolumeSnapshotClass {class_name}; the cluster has {available}")
        if (actual := snapshot_class.get("driver")) != driver:
            raise ActionError(
                f"VolumeSnapshotClass {class_name} is of driver {actual}, and claim {claim} of "
                f"{driver}"
            )
        return class_name
    fitting = {name: item for name, item in named.items() if item.get("driver") == driver}
    if chosen := choose_snapshot_class(fitting.values(), kasten=kasten):
        return chosen
    names = ", ".join(sorted(fitting))
    available = f"{names}, and not one default: name one by --snapshot-class" if fitting else "none"
    raise ActionError(f"claim {claim}: of VolumeSnapshotClasses driver {driver} has {available}")


POLL = 0.5
CREATE_PAUSES = (1, 1, 1)
"""Seconds between tries to create a snapshot."""
GRACE_S = 60
"""Seconds for which an error of a driver may stand: the snapshotter tries again and again."""
MAX_CONCURRENT = 8
"""Requests under way at the same time."""


class VolumeSnapshotter:
    """The snapshots of one rehearsal."""

    def __init__(
        self,
        connection: KubeClient,
        namespace: str,
        name: str,
        labels: dict[str, str],
        now: Callable[[], float],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._connection = connection
        self._namespace = namespace
        self._name = name
        self._labels = labels
        self._now = now
        self._clock = clock
        self.snapshots: dict[str, VolumeSnapshot] = {}
        """By name, as far as they have come."""

    def make(self, claims: Iterable[VolumeClaim]) -> None:
        """Ask for all of them at once."""
        planned = tuple(map(self._planned, claims))
        with ThreadPoolExecutor(MAX_CONCURRENT) as pool:
            list(pool.map(self._make, planned))

    def make_in_turn(self, claims: Iterable[VolumeClaim], timeout: float) -> None:
        """Ask for each once the one before is cut; ActionError as of `wait`, for each of them."""
        for claim in claims:
            self._make(self._planned(claim))
            self._until(lambda snapshot: snapshot.cut is not None, "cut", timeout)

    def _planned(self, claim: VolumeClaim) -> VolumeSnapshot:
        name = f"{self._name}-{len(self.snapshots)}"
        self.snapshots[name] = VolumeSnapshot(
            name=name,
            claim=claim.name,
            snapshot_class=claim.snapshot_class,
            driver=claim.driver,
            made=self._now(),
            cut=None,
            ready=None,
            creation_time="",
        )
        return self.snapshots[name]

    def _make(self, snapshot: VolumeSnapshot) -> None:
        item = {
            "apiVersion": SNAPSHOT_API,
            "kind": "VolumeSnapshot",
            "metadata": {
                "name": snapshot.name,
                "namespace": self._namespace,
                "labels": self._labels,
            },
            "spec": {
                "volumeSnapshotClassName": snapshot.snapshot_class,
                "source": {"persistentVolumeClaimName": snapshot.claim},
            },
        }
        # After an answer that got lost the snapshot is there.
        with contextlib.suppress(ConflictError):
            retry(partial(self._connection.create, item), CREATE_PAUSES, clock=self._clock)

    def wait(self, timeout: float) -> None:
        """Wait until every one is cut and ready; ActionError if one fails or time is over."""
        self._until(lambda snapshot: snapshot.ready is not None, "ready", timeout)

    def _until(self, reached: Callable[[VolumeSnapshot], bool], state: str, timeout: float) -> None:
        problem = ""
        driver = Grace(GRACE_S, self._clock)

        def unfinished() -> list[str]:
            return [snapshot.claim for snapshot in self.snapshots.values() if not reached(snapshot)]

        def look() -> bool:
            nonlocal problem
            if not unfinished():
                return True
            problem = self.look()
            if driver.is_over(complains=bool(problem)):
                raise ActionError(problem)
            return not unfinished()

        if not poll(look, timeout=timeout, interval=POLL, clock=self._clock):
            late = f"snapshots of {', '.join(unfinished())} not {state} within {timeout:g} s"
            raise ActionError(f"{late}: {problem}" if problem else late)

    def look(self) -> str:
        """See how far they are; return what a driver complains about."""
        trouble = ""
        for item in self._own_snapshots():
            name, status = item["metadata"]["name"], item.get("status") or {}
            if name not in self.snapshots:
                continue
            before, now = self.snapshots[name], self._now()
            cut = str(status.get("creationTime") or "")
            ready = status.get("readyToUse") is True
            self.snapshots[name] = replace(
                before,
                cut=before.cut if before.cut is not None or not cut else now,
                creation_time=cut,
                ready=before.ready if before.ready is not None or not ready else now,
            )
            if message := (status.get("error") or {}).get("message"):
                trouble = f"snapshot of claim {before.claim}: {one_line(message, MAX_POD_MESSAGE)}"
        return trouble

    def delete(self, timeout: float) -> tuple[str, ...]:
        """Delete those that were made here, and what is behind them; return what is left."""
        for item in self._own_snapshots():
            self._delete(item)
        remaining: tuple[str, ...] = ()

        def is_gone() -> bool:
            nonlocal remaining
            remaining = self._remaining()
            return not remaining

        poll(is_gone, timeout=timeout, interval=POLL, clock=self._clock)
        return remaining

    def _own_snapshots(self) -> Objects:
        """Return those that were made here: others may have the same labels."""
        label = ",".join(f"{key}={value}" for key, value in self._labels.items())
        items = self._connection.items(SNAPSHOTS, self._namespace, label)
        return tuple(s for s in items if s["metadata"]["name"].startswith(f"{self._name}-"))

    def _delete(self, item: Object) -> None:
        """Delete one; a class that retains would leave it in the storage."""
        name = item["metadata"]["name"]
        content = str((item.get("status") or {}).get("boundVolumeSnapshotContentName") or "")
        with contextlib.suppress(ForbiddenError):  # then the policy of the class decides
            snapshot_content = (
                self._connection.find(SNAPSHOT_CONTENTS, content) if content else None
            )
            if (
                snapshot_content
                and (snapshot_content.get("spec") or {}).get("deletionPolicy") != "Delete"
            ):
                change = {"spec": {"deletionPolicy": "Delete"}}
                self._connection.patch(SNAPSHOT_CONTENTS, content, "", change)
        if not item["metadata"].get("deletionTimestamp"):
            with contextlib.suppress(NotFoundError):
                self._connection.delete(SNAPSHOTS, name, self._namespace)

    def _remaining(self) -> tuple[str, ...]:
        remaining = [
            f"VolumeSnapshot {self._namespace}/{s['metadata']['name']}"
            for s in self._own_snapshots()
        ]
        try:
            contents = self._connection.items(SNAPSHOT_CONTENTS)
        except ForbiddenError:
            return tuple(remaining)
        for content in contents:
            of = (content.get("spec") or {}).get("volumeSnapshotRef") or {}
            if of.get("name") in self.snapshots and of.get("namespace") == self._namespace:
                remaining.append(f"VolumeSnapshotContent {content['metadata']['name']}")
        return tuple(remaining)
