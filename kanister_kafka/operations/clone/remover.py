"""Removes a copy of a Kafka, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from kanister_kafka import constants
from kanister_kafka.errors import ForbiddenError, KanisterKafkaError, NotFoundError
from kanister_kafka.kube.client import JOBS, NAMESPACES, PODS, ApiResource, KubeClient, Object
from kanister_kafka.kube.objects import (
    delete_if_present,
    get_path,
    label,
    name_of,
    pod_selector,
    title,
)
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, poll, retry
from kanister_kafka.operations.apply.apply import PAUSES
from kanister_kafka.operations.clone.imports import JOB_LABEL
from kanister_kafka.operations.clone.plan import Report
from kanister_kafka.operations.start_action import SECRETS
from kanister_kafka.operations.volume_snapshots import CLAIMS, CONTENTS, SNAPSHOTS
from kanister_kafka.strimzi.discovery import KafkaRef, find_resource

POLICIES = ApiResource(
    ("apis", "networking.k8s.io", "v1"), "networkpolicies", "NetworkPolicy", namespaced=True
)
OPERATED = ("KafkaTopic", "KafkaUser", "Kafka", "KafkaNodePool")
"""Kinds of Strimzi in a copy, in the order in which they are deleted."""
INTERVAL = 2
GONE_S = 300
PROVISIONED_S = 60
"""Seconds in which claims that are being filled may become Bound before they are deleted."""
PROVISIONER = "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection"
"""Finalizer of external-provisioner on a VolumeSnapshot from which a claim is filled. It stays if
the claim is deleted meanwhile, and then the namespace is never gone (seen with 6.3.0)."""


class CloneRemover:
    """The objects of a copy in the cluster, found by the label of the command that made them.

    The namespace is deleted only if that command has created it.
    """

    def __init__(
        self,
        connection: KubeClient,
        target: KafkaRef,
        identity: str,
        report: Report,
        clock: Clock = SYSTEM_CLOCK,
        *,
        has_jobs: bool,
    ) -> None:
        """Look for Jobs too if it `has_jobs`; without the right to list them there are none."""
        self._has_jobs = has_jobs
        self._connection = connection
        self.report = report
        self._clock = clock
        self._target = target
        self._identity = identity
        self._selector = f"{constants.CLONE}={identity}"
        self._failures: list[str] = []

    def remove(self) -> list[str]:
        """Delete the Kafka, wait until its pods are gone, then delete all else; return the rest.

        The rest has the reasons for it, if there are any.
        A request that fails is repeated, and then does not keep the others from being sent.
        """
        home = self._target.namespace
        self.report(f"removing Kafka {self._target}")
        if self._has_jobs:
            self._try(self._delete_jobs)
        self._try(partial(self._delete_kinds, *OPERATED[:2]))
        self._try(partial(self._delete_kinds, *OPERATED[2:]))
        if self._is_ours():
            pods = pod_selector(self._target.name)
            self._poll(lambda: not self._connection.items(PODS, home, pods), GONE_S)
        self._poll(lambda: not self._filling(), PROVISIONED_S)
        for resource in (CLAIMS, SECRETS, SNAPSHOTS):
            self._try(partial(self._delete_all, resource, home))
        self._try(self._delete_contents)
        self._try(self._delete_namespace)
        left: list[str] = []

        def is_gone() -> bool:
            self._release_snapshots()
            left[:] = self._left()
            if not left:
                # Last: by it a later verification finds what is left, and it isolates the copy.
                self._delete_all(POLICIES, home)
                left[:] = self._listed(POLICIES)
            return not left

        if self._poll(is_gone, GONE_S):
            return []
        reasons = dict.fromkeys(self._failures)
        return [*left, *reasons] or ["the API server did not answer"]

    def _try(self, step: Callable[[], object]) -> None:
        try:
            retry(step, PAUSES, clock=self._clock)
        except KanisterKafkaError as failure:
            self._failures.append(str(failure))

    def _poll(self, look: Callable[[], bool], timeout: float) -> bool:
        try:
            return bool(poll(look, timeout=timeout, interval=INTERVAL, clock=self._clock))
        except KanisterKafkaError as failure:
            self._failures.append(str(failure))
            return False

    def _is_ours(self) -> bool:
        """Return whether pods of a Kafka of this name can only be those of the copy."""
        kafkas = find_resource(self._connection, "Kafka")
        if kafkas is None:
            return False
        found = self._connection.find(kafkas, self._target.name, self._target.namespace)
        return found is None or label(found, constants.CLONE) == self._identity

    def _delete_kinds(self, *kinds: str) -> None:
        for kind in kinds:
            resource = find_resource(self._connection, kind)
            if resource is not None:
                self._delete_all(resource, self._target.namespace)

    def _delete_all(self, resource: ApiResource, namespace: str) -> None:
        with suppress(NotFoundError):
            items = self._connection.items(resource, namespace, self._selector, metadata_only=True)
            for item in items:
                delete_if_present(self._connection, resource, name_of(item), namespace)

    def _delete_jobs(self) -> None:
        with suppress(ForbiddenError):
            self._delete_all(JOBS, self._target.namespace)
            selector = f"{self._selector},{JOB_LABEL}"
            self._poll(
                lambda: not self._connection.items(PODS, self._target.namespace, selector), GONE_S
            )

    def _filling(self) -> bool:
        """Return whether a claim of the copy is being filled from a snapshot."""
        claims = self._connection.items(CLAIMS, self._target.namespace, self._selector)
        return any(
            get_path(claim, "status", "phase") == "Pending"
            and get_path(claim, "spec", "dataSource")
            for claim in claims
        )

    def _release_snapshots(self) -> None:
        """Remove the finalizer of the provisioner from deleted snapshots that no claim uses."""
        home = self._target.namespace
        with suppress(NotFoundError):
            if self._connection.items(CLAIMS, home, self._selector, metadata_only=True):
                return
            for item in self._connection.items(SNAPSHOTS, home, self._selector):
                metadata = item["metadata"]
                is_held = metadata.get("finalizers") == [PROVISIONER]
                if metadata.get("deletionTimestamp") and is_held:
                    change = {"metadata": {"finalizers": None, "uid": metadata["uid"]}}
                    self._connection.patch(SNAPSHOTS, name_of(item), home, change)

    def _contents(self) -> list[str]:
        with suppress(NotFoundError):
            return [
                name_of(item) for item in self._connection.items(CONTENTS, label=self._selector)
            ]
        return []

    def _delete_contents(self) -> None:
        for content in self._contents():
            delete_if_present(self._connection, CONTENTS, content)

    def _own_namespace(self) -> Object | None:
        found = self._connection.find(NAMESPACES, self._target.namespace)
        if found is not None and label(found, constants.CLONE) == self._identity:
            return found
        return None

    def _delete_namespace(self) -> None:
        own = self._own_namespace()
        if own is None:
            return
        home = self._target.namespace
        self.report(f"deleting namespace {home}")
        with suppress(NotFoundError):
            self._connection.delete(NAMESPACES, home, uid=str(own["metadata"]["uid"]))

    def _left(self) -> list[str]:
        """Return all that `CloneRunner.create` makes, except the NetworkPolicy."""
        home = self._target.namespace
        found = [f"VolumeSnapshotContent {name}" for name in self._contents()]
        if self._connection.find(NAMESPACES, home) is None:
            return found
        if self._own_namespace() is not None:
            return [*found, f"Namespace {home}"]
        for kind in OPERATED:
            resource = find_resource(self._connection, kind)
            found += self._listed(resource) if resource else []
        for resource in (CLAIMS, SECRETS, SNAPSHOTS):
            found += self._listed(resource)
        if self._has_jobs:
            with suppress(ForbiddenError):
                found += self._listed(JOBS)
        return found

    def _listed(self, resource: ApiResource) -> list[str]:
        with suppress(NotFoundError):
            home = self._target.namespace
            items = self._connection.items(resource, home, self._selector, metadata_only=True)
            return [title({**item, "kind": resource.kind}) for item in items]
        return []
