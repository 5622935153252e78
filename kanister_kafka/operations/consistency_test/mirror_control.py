"""The mirror in a consistency test: hold its clients, stop it, put volumes back, start it.

The mirror's Kafka is stopped and started by the actions of its Blueprint and by nothing else.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from kanister_kafka import constants
from kanister_kafka.errors import ActionError, KanisterKafkaError
from kanister_kafka.kube import objects
from kanister_kafka.kube.client import CLAIMS, KubeClient, Object
from kanister_kafka.kube.wait import poll
from kanister_kafka.operations.consistency_test.environment import ScenarioEnvironment, new_context
from kanister_kafka.operations.live_kafka import LiveKafka, list_pods, strimzi_resource
from kanister_kafka.operations.rehearsal.action_runner import ActionRunner, check_action_result
from kanister_kafka.operations.rehearsal.context import (
    RESTART,
    STOP,
    ClientState,
    Stopwatch,
    read_client,
)
from kanister_kafka.operations.rehearsal.model import VolumeSnapshot
from kanister_kafka.operations.start_action import check_action
from kanister_kafka.operations.volume_snapshots import VolumeSnapshotter

STOP_FOR_RESTORE, START_RESTORED = "beforeRestore", "afterRestore"
PREVIOUS_REPLICAS = f"{constants.PREFIX}held-replicas"
"""On a client that a consistency test has stopped: its former `spec.replicas`."""
POLL = 0.5
GONE = 120.0
"""Seconds for a claim that no pod uses to be gone."""
CLEANING = 120.0
ASKED_FOR = ("accessModes", "resources", "storageClassName", "volumeMode")
"""Of a claim's spec: what it asks for, and not what it got."""
FOREIGN = ("pv.kubernetes.io/", "volume.kubernetes.io/", "volume.beta.kubernetes.io/")
"""Starts of the annotations that Kubernetes sets on a claim."""
SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot"}

OnMirrorProgress = Callable[[str], None]


class MirrorControl:
    """The mirror during one scenario; all changes are put back at the end."""

    def __init__(
        self,
        connection: KubeClient,
        environment: ScenarioEnvironment,
        clock: Stopwatch,
        on_progress: OnMirrorProgress,
    ) -> None:
        self._connection, self._environment = connection, environment
        self._clock, self._on_progress = clock, on_progress
        self._target = environment.mirror_context.target
        self._action_runners: list[ActionRunner] = []
        self._snapshotters: list[VolumeSnapshotter] = []
        self._stopped_by: ActionRunner | None = None
        """By whom Kafka was stopped that has not come back."""
        self._start = RESTART
        """Action that brings it back."""
        self._replaced: tuple[tuple[str, Object], ...] = ()
        """Claims that take the places of others, whose uids they have, until all are there."""
        self._held = False

    def check_ready(self) -> None:
        """See that both Kafkas and what mirrors are Ready; ActionError names what is not."""
        request = self._environment.request
        for target in (request.source, request.mirror):
            if not objects.is_reconciled(LiveKafka(self._connection, target).get()):
                raise ActionError(f"Kafka {target} is not Ready")
        if not self._writer().ready:
            raise ActionError(f"{self._environment.writer} is not Ready")

    def snapshot(self, *, in_turn: bool = False) -> tuple[VolumeSnapshot, ...]:
        """Snapshot every claim of the mirror and wait until all can be restored."""
        context, timeout = self._environment.mirror_context, self._environment.request.timeout
        name = f"{context.name}-{secrets.token_hex(3)}"  # never that of an earlier scenario
        snapshotter = VolumeSnapshotter(
            self._connection,
            self._target.namespace,
            name,
            context.labels,
            self._clock,
            self._clock.clock,
        )
        self._snapshotters.append(snapshotter)
        if in_turn:
            snapshotter.make_in_turn(context.claims, timeout)
        else:
            snapshotter.make(context.claims)
        snapshotter.wait(timeout)
        return tuple(snapshotter.snapshots.values())

    def stop(self, *, for_restore: bool = False) -> None:
        """Run the stop of the Blueprint; ActionError if it fails.

        That of an online Blueprint stops no broker, so a restore has actions of its own.
        """
        context = new_context(self._connection, self._environment.request)
        stop = STOP
        self._start = RESTART
        if for_restore and context.blueprint.origin.is_online:
            stop, self._start = STOP_FOR_RESTORE, START_RESTORED
            for action in (stop, self._start):
                check_action(context.blueprint, action)
        actions = ActionRunner(self._connection, context, self._clock, self._on_progress)
        self._action_runners.append(actions)
        followed = actions.begin(stop)
        self._stopped_by = actions
        check_action_result(
            actions.follow(followed, timeout=self._environment.request.timeout), stop
        )

    def start(self) -> None:
        """Run the restart of the Blueprint and wait until Kafka is Ready."""
        actions, timeout = self._stopped_by, self._environment.request.timeout
        if actions is None:
            return
        followed = actions.begin(self._start)
        check_action_result(actions.follow(followed, timeout=timeout), self._start)
        self._stopped_by = None
        context = self._environment.mirror_context
        self._until(
            lambda: context.read_state(self._connection).ready,
            timeout,
            f"Kafka {self._target} is not Ready",
        )

    def hold(self) -> None:
        """Scale the mirroring client to 0 and wait until its pods are gone."""
        writer = self._environment.writer
        previous_replicas = "unset" if writer.replicas is None else str(writer.replicas)
        self._held = True
        self._scale(0, previous_replicas)
        self._until(
            lambda: not list_pods(self._connection, writer.kind, writer.namespace, writer.name),
            self._environment.request.timeout,
            f"pods of {writer} are still there",
        )

    def release(self) -> None:
        """Give the mirroring client its replicas again and wait until it is Ready."""
        if not self._held:
            return
        writer = self._environment.writer
        self._scale(writer.replicas, None)
        self._held = False
        timeout = self._environment.request.timeout
        self._until(lambda: self._writer().ready, timeout, f"{writer} is not Ready")

    def _scale(self, replicas: object, previous_replicas: str | None) -> None:
        """Set the replicas of the mirroring client, and keep its former ones on it."""
        writer = self._environment.writer
        resource = strimzi_resource(self._connection, writer.kind)
        change = {
            "metadata": {"annotations": {PREVIOUS_REPLICAS: previous_replicas}},
            "spec": {"replicas": replicas},
        }
        self._connection.patch(resource, writer.name, writer.namespace, change)

    def put_back(self, snapshots: Sequence[VolumeSnapshot]) -> None:
        """Replace the claims of the stopped mirror by those of the snapshots.

        Nothing is deleted while a pod of the mirror is there, or if a snapshot is missing.
        """
        context = self._environment.mirror_context
        if pods := LiveKafka(self._connection, self._target).nodes():
            names = ", ".join(pod["metadata"]["name"] for pod in pods)
            raise ActionError(f"Kafka {self._target} is not stopped: there is {names}")
        by_claim = {item.claim: item for item in snapshots if item.ready is not None}
        if lost := [claim.name for claim in context.claims if claim.name not in by_claim]:
            raise ActionError(f"no snapshot of claim {', '.join(lost)}")
        claims = [
            self._connection.get(CLAIMS, claim.name, self._target.namespace)
            for claim in context.claims
        ]
        self._replaced = tuple(
            (str(claim["metadata"]["uid"]), restored(claim, by_claim[_name(claim)].name))
            for claim in claims
        )
        for claim in claims:
            self._connection.delete(CLAIMS, _name(claim), self._target.namespace)
        self._replace()

    def _replace(self) -> None:
        """Create each claim anew once the former one is gone, and see all of them bound.

        A claim is known by its uid: one that is on its way out has the name of the new one, is
        bound, and may even have been made from a snapshot of the same name.
        """
        timeout = self._environment.request.timeout
        for former, claim in self._replaced:
            name = _name(claim)
            self._until(
                partial(self._is_replaced, name, former), GONE, f"claim {name} is still there"
            )
            if self._find(name) is None:
                self._connection.create(claim)
        for former, claim in self._replaced:
            bound = partial(self._is_bound, _name(claim), former)
            self._until(bound, timeout, f"claim {_name(claim)} is not bound")
        self._replaced = ()

    def clean_up(self) -> tuple[str, ...]:
        """Bring everything back, remove what was made; return what is left."""
        failures: list[str] = []
        self._try(self._replace, failures)  # if it was interrupted
        if not failures:
            self._try(self.start, failures)
        else:  # without its claims the operator would give it empty ones
            failures.append(f"Kafka {self._target} is stopped, and its VolumeSnapshots are kept")
        self._try(self.release, failures)
        if not failures:
            for snapshotter in self._snapshotters:
                failures += snapshotter.delete(CLEANING)
        for actions in self._action_runners:
            failures += actions.delete()
        return tuple(failures)

    def _try(self, do: Callable[[], None], failures: list[str]) -> None:
        try:
            do()
        except KanisterKafkaError as failure:  # what follows is put back nevertheless
            failures.append(str(failure))

    def _writer(self) -> ClientState:
        writer = self._environment.writer
        return read_client(self._connection, writer.kind, writer.namespace, writer.name)

    def _find(self, name: str) -> Object | None:
        return self._connection.find(CLAIMS, name, self._target.namespace)

    def _is_replaced(self, name: str, former: str) -> bool:
        """Return whether the former claim of a name has left."""
        claim = self._find(name)
        return claim is None or claim["metadata"]["uid"] != former

    def _is_bound(self, name: str, former: str) -> bool:
        claim = self._find(name) or {}
        phase = (claim.get("status") or {}).get("phase")
        return phase == "Bound" and claim["metadata"]["uid"] != former

    def _until(self, is_reached: Callable[[], bool], seconds: float, problem: str) -> None:
        if not poll(is_reached, timeout=seconds, interval=POLL, clock=self._clock.clock):
            raise ActionError(f"{problem} after {seconds:g} s")


def restored(claim: Object, snapshot: str) -> Object:
    """Return a claim of the same name that begins as a snapshot of it."""
    metadata: dict[str, Any] = claim["metadata"]
    annotations = {
        name: value
        for name, value in (metadata.get("annotations") or {}).items()
        if not name.startswith(FOREIGN)
    }
    extra = {name: metadata[name] for name in ("labels", "ownerReferences") if metadata.get(name)}
    spec = {name: claim["spec"][name] for name in ASKED_FOR if name in claim["spec"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "annotations": annotations,
            **extra,
        },
        "spec": {**spec, "dataSource": {**SNAPSHOT, "name": snapshot}},
    }


def _name(claim: Object) -> str:
    return str(claim["metadata"]["name"])
