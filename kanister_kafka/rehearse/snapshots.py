"""VolumeSnapshots of every claim, as Kasten would take them: all at once, then waited for.

A proof also takes them in turn, as they come where storage is not ready for all of them at once.

Fields are those of snapshot.storage.k8s.io/v1 (kubernetes-csi/external-snapshotter).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from kanister_kafka.errors import (
    ActionError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
    TransientError,
)
from kanister_kafka.kube.connection import Connection, Object, Objects, Resource
from kanister_kafka.rehearse.claims import API_VERSION, BASE, Claim
from kanister_kafka.rehearse.model import Snapshot

SNAPSHOTS = Resource(BASE, "volumesnapshots", "VolumeSnapshot", namespaced=True)
CONTENTS = Resource(BASE, "volumesnapshotcontents", "VolumeSnapshotContent", namespaced=False)
POLL = 0.5
PATIENCE = 60
"""Seconds for which an error of a driver may stand: the snapshotter tries again and again."""
AT_ONCE = 8
"""Requests under way at the same time."""


class Snapshots:
    """The snapshots of one rehearsal."""

    def __init__(
        self,
        connection: Connection,
        namespace: str,
        name: str,
        labels: dict[str, str],
        now: Callable[[], float],
    ) -> None:
        self._connection, self._namespace = connection, namespace
        self._name, self._labels, self._now = name, labels, now
        self.taken: dict[str, Snapshot] = {}
        """By name, as far as they have come."""

    def make(self, claims: Iterable[Claim]) -> None:
        """Ask for all of them at once."""
        asked = tuple(map(self._planned, claims))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._make, asked))

    def make_in_turn(self, claims: Iterable[Claim], timeout: float) -> None:
        """Ask for each once the one before is cut; ActionError as of `wait`, for each of them."""
        for claim in claims:
            self._make(self._planned(claim))
            self._until(lambda snapshot: snapshot.cut is not None, "cut", timeout)

    def _planned(self, claim: Claim) -> Snapshot:
        name = f"{self._name}-{len(self.taken)}"
        self.taken[name] = Snapshot(
            name=name,
            claim=claim.name,
            snapshot_class=claim.snapshot_class,
            driver=claim.driver,
            made=self._now(),
            cut=None,
            ready=None,
            creation_time="",
        )
        return self.taken[name]

    def _make(self, snapshot: Snapshot) -> None:
        item = {
            "apiVersion": API_VERSION,
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
        for _try in range(3):
            try:
                self._connection.create(item)
                return
            except TransientError:
                time.sleep(1)
            except ConflictError:  # an answer got lost: it is there
                return
        self._connection.create(item)

    def wait(self, timeout: float) -> None:
        """Wait until every one is cut and ready; ActionError where one fails or time is over."""
        self._until(lambda snapshot: snapshot.ready is not None, "ready", timeout)

    def _until(self, done: Callable[[Snapshot], bool], state: str, timeout: float) -> None:
        end, wrong = time.monotonic() + timeout, 0.0
        reason = ""
        while late := [s.claim for s in self.taken.values() if not done(s)]:
            if time.monotonic() > end:
                raise ActionError(
                    f"snapshots of {', '.join(late)} not {state} within {timeout:g} s"
                    + (f": {reason}" if reason else "")
                )
            time.sleep(POLL)
            try:
                reason = self.look()
            except TransientError:
                continue
            wrong = (wrong or time.monotonic()) if reason else 0.0
            if wrong and time.monotonic() - wrong > PATIENCE:
                raise ActionError(reason)

    def look(self) -> str:
        """See how far they are; return what a driver complains about."""
        trouble = ""
        for item in self._mine():
            name, status = item["metadata"]["name"], item.get("status") or {}
            if name not in self.taken:
                continue
            was, now = self.taken[name], self._now()
            cut = str(status.get("creationTime") or "")
            ready = status.get("readyToUse") is True
            self.taken[name] = replace(
                was,
                cut=was.cut if was.cut is not None or not cut else now,
                creation_time=cut,
                ready=was.ready if was.ready is not None or not ready else now,
            )
            if said := (status.get("error") or {}).get("message"):
                trouble = f"snapshot of claim {was.claim}: {' '.join(said.split())[:300]}"
        return trouble

    def delete(self, timeout: float) -> tuple[str, ...]:
        """Delete those that were made here, and what is behind them; return what is left."""
        for item in self._mine():
            if item["metadata"]["name"].startswith(f"{self._name}-"):
                self._delete(item)
        end = time.monotonic() + timeout
        while left := self._left():
            if time.monotonic() > end:
                return left
            time.sleep(POLL)
        return ()

    def _mine(self) -> Objects:
        label = ",".join(f"{key}={value}" for key, value in self._labels.items())
        return self._connection.items(SNAPSHOTS, self._namespace, label)

    def _delete(self, item: Object) -> None:
        """Delete one; a class that retains would leave it in the storage."""
        name = item["metadata"]["name"]
        content = str((item.get("status") or {}).get("boundVolumeSnapshotContentName") or "")
        with contextlib.suppress(ForbiddenError):  # then the policy of the class decides
            found = self._connection.find(CONTENTS, content) if content else None
            if found and (found.get("spec") or {}).get("deletionPolicy") != "Delete":
                change = {"spec": {"deletionPolicy": "Delete"}}
                self._connection.patch(CONTENTS, content, "", change)
        if not item["metadata"].get("deletionTimestamp"):
            try:
                self._connection.delete(SNAPSHOTS, name, self._namespace)
            except NotFoundError:
                return

    def _left(self) -> tuple[str, ...]:
        left = [f"VolumeSnapshot {self._namespace}/{s['metadata']['name']}" for s in self._mine()]
        try:
            contents = self._connection.items(CONTENTS)
        except ForbiddenError:
            return tuple(left)
        for content in contents:
            of = (content.get("spec") or {}).get("volumeSnapshotRef") or {}
            if of.get("name") in self.taken and of.get("namespace") == self._namespace:
                left.append(f"VolumeSnapshotContent {content['metadata']['name']}")
        return tuple(left)
