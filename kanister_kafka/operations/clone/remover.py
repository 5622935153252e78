"""Removes a copy of a Kafka, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from kanister_kafka import constants
from kanister_kafka.errors import ForbiddenError, KanisterKafkaError, NotFoundError
from kanister_kafka.kube.client import (
    CLAIMS,
    JOBS,
    NAMESPACES,
    NETWORK_POLICIES,
    PODS,
    SECRETS,
    SNAPSHOT_CONTENTS,
    SNAPSHOTS,
    ApiResource,
    KubeClient,
    Object,
)
from kanister_kafka.kube.objects import (
    annotation,
    delete_if_present,
    get_path,
    label,
    name_of,
    title,
)
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, poll, retry
from kanister_kafka.operations.apply.apply import PAUSES
from kanister_kafka.operations.clone.imports import JOB_LABEL
from kanister_kafka.operations.clone.plan import ClonePlan, Report
from kanister_kafka.operations.live_kafka import LiveKafka
from kanister_kafka.operations.provenance import context_flag
from kanister_kafka.strimzi.discovery import KafkaRef, find_resource
from kanister_kafka.timestamps import format_second, parse_timestamp

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
        self._kafka = LiveKafka(connection, target)
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
        namespace = self._target.namespace
        self.report(f"removing Kafka {self._target}")
        if self._has_jobs:
            self._try(self._delete_jobs)
        self._try(partial(self._delete_kinds, *OPERATED[:2]))
        self._try(partial(self._delete_kinds, *OPERATED[2:]))
        if self._is_ours():
            self._poll(lambda: not self._kafka.nodes(), GONE_S)
        self._poll(lambda: not self._filling(), PROVISIONED_S)
        for resource in (CLAIMS, SECRETS, SNAPSHOTS):
            self._try(partial(self._delete_all, resource, namespace))
        self._try(self._delete_contents)
        self._try(self._delete_namespace)
        remaining: list[str] = []

        def is_gone() -> bool:
            self._release_snapshots()
            remaining[:] = self._remaining()
            if not remaining:
                # Last: by it a later verification finds the rest, and it isolates the copy.
                self._delete_all(NETWORK_POLICIES, namespace)
                remaining[:] = self._listed(NETWORK_POLICIES)
            return not remaining

        if self._poll(is_gone, GONE_S):
            return []
        reasons = dict.fromkeys(self._failures)
        return [*remaining, *reasons] or ["the API server did not answer"]

    def mark_ended(self, now: datetime) -> bool:
        """Let the next verification remove what is left, as this command does nothing more with it.

        Returns whether that is marked; without the right it is not.
        """
        change = {"metadata": {"annotations": {constants.CLONE_EXPIRES: format_second(now)}}}
        namespace = self._target.namespace
        is_marked = False
        try:
            if self._created_namespace() is not None:
                self._connection.patch(NAMESPACES, namespace, "", change)
                is_marked = True
            for item in self._connection.items(NETWORK_POLICIES, namespace, self._selector):
                self._connection.patch(NETWORK_POLICIES, name_of(item), namespace, change)
                is_marked = True
        except KanisterKafkaError as failure:
            self.report(f"FAILED: not marked as ended: {failure}")
            return False
        return is_marked

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
        if find_resource(self._connection, "Kafka") is None:
            return False
        kafka = self._kafka.find()
        return kafka is None or label(kafka, constants.CLONE) == self._identity

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
        namespace = self._target.namespace
        with suppress(NotFoundError):
            if self._connection.items(CLAIMS, namespace, self._selector, metadata_only=True):
                return
            for item in self._connection.items(SNAPSHOTS, namespace, self._selector):
                metadata = item["metadata"]
                is_protected = metadata.get("finalizers") == [PROVISIONER]
                if metadata.get("deletionTimestamp") and is_protected:
                    change = {"metadata": {"finalizers": None, "uid": metadata["uid"]}}
                    self._connection.patch(SNAPSHOTS, name_of(item), namespace, change)

    def _contents(self) -> list[str]:
        with suppress(NotFoundError):
            return [
                name_of(item)
                for item in self._connection.items(SNAPSHOT_CONTENTS, label=self._selector)
            ]
        return []

    def _delete_contents(self) -> None:
        for content in self._contents():
            delete_if_present(self._connection, SNAPSHOT_CONTENTS, content)

    def _created_namespace(self) -> Object | None:
        namespace = self._connection.find(NAMESPACES, self._target.namespace)
        if namespace is not None and label(namespace, constants.CLONE) == self._identity:
            return namespace
        return None

    def _delete_namespace(self) -> None:
        live = self._created_namespace()
        if live is None:
            return
        namespace = self._target.namespace
        self.report(f"deleting namespace {namespace}")
        with suppress(NotFoundError):
            self._connection.delete(NAMESPACES, namespace, uid=str(live["metadata"]["uid"]))

    def _remaining(self) -> list[str]:
        """Return all that `CloneRunner.create` makes, except the NetworkPolicy."""
        namespace = self._target.namespace
        remaining = [f"VolumeSnapshotContent {name}" for name in self._contents()]
        if self._connection.find(NAMESPACES, namespace) is None:
            return remaining
        if self._created_namespace() is not None:
            return [*remaining, f"Namespace {namespace}"]
        for kind in OPERATED:
            resource = find_resource(self._connection, kind)
            remaining += self._listed(resource) if resource else []
        for resource in (CLAIMS, SECRETS, SNAPSHOTS):
            remaining += self._listed(resource)
        if self._has_jobs:
            with suppress(ForbiddenError):
                remaining += self._listed(JOBS)
        return remaining

    def _listed(self, resource: ApiResource) -> list[str]:
        with suppress(NotFoundError):
            namespace = self._target.namespace
            items = self._connection.items(resource, namespace, self._selector, metadata_only=True)
            return [title({**item, "kind": resource.kind}) for item in items]
        return []


# Commands for users, for a copy that stays.


def removal_commands(plan: ClonePlan, *, has_namespace: bool, context: str) -> list[str]:
    """Return the commands that remove a copy and nothing else.

    `has_namespace` means that the namespace was created for the copy.
    """
    namespace, selector = plan.target.namespace, f"{constants.CLONE}={plan.identity}"
    kinds = ["kafka,kafkanodepool"]
    if plan.later:
        kinds.insert(0, "kafkatopic,kafkauser")  # while their operators still run
    if not has_namespace:
        kinds.append("pvc,secret,networkpolicy" + (",job" if plan.imports else ",volumesnapshot"))
    lines = [f"kubectl delete {kind} -n {namespace} -l {selector}" for kind in kinds]
    if not plan.imports:
        lines.append(f"kubectl delete volumesnapshotcontents -l {selector}")
    if has_namespace:
        lines.append(f"kubectl delete namespace {namespace}")
    return [f"{line}{context_flag(context)}" for line in lines]


def end_command(
    target: KafkaRef, identity: str, now: datetime, *, has_namespace: bool, context: str
) -> str:
    """Return the command after which the next verification removes a copy."""
    marked = "namespaces" if has_namespace else f"networkpolicies -n {target.namespace}"
    return (
        f"kubectl annotate --overwrite {marked} -l {constants.CLONE}={identity} "
        f"{constants.CLONE_EXPIRES}={format_second(now)}{context_flag(context)}"
    )


# Copies that a verification has left behind because its command was killed.


@dataclass(frozen=True, slots=True)
class Leftover:
    """A namespace that a verification of this Kafka has created."""

    target: KafkaRef
    backup: str
    identity: str
    """Label of its objects."""
    expires: datetime | None
    """When its command has certainly ended; None if that cannot be read."""
    has_namespace: bool
    """Whether its namespace has this time, and not only its NetworkPolicy."""

    def is_over(self, now: datetime) -> bool:
        """Return whether the command that created it has certainly ended."""
        return self.expires is not None and self.expires < now


def find_leftovers(connection: KubeClient, kafka: KafkaRef, namespace: str) -> tuple[Leftover, ...]:
    """Find what verifications of a Kafka have left: their namespaces, and copies in this one.

    Namespaces that may not be listed are not found.
    """
    selector = f"{constants.MANAGED_BY}={constants.COMPONENT},{constants.CLUSTER}={kafka.name}"
    selector += f",{constants.CLONE_OF},{constants.CLONE}"
    leftovers: dict[str, Leftover] = {}
    with suppress(ForbiddenError):
        for item in connection.items(NAMESPACES, label=selector):
            _add(leftovers, kafka, item, name_of(item), has_namespace=True)
    # The NetworkPolicy is made first and deleted last.
    for item in connection.items(NETWORK_POLICIES, namespace, selector):
        if namespace not in leftovers:
            _add(leftovers, kafka, item, namespace, has_namespace=False)
    return tuple(leftovers.values())


def _add(
    leftovers: dict[str, Leftover],
    kafka: KafkaRef,
    item: Object,
    namespace: str,
    *,
    has_namespace: bool,
) -> None:
    expires = annotation(item, constants.CLONE_EXPIRES)
    if expires and annotation(item, constants.CLONE_SOURCE) == str(kafka):
        target = KafkaRef(namespace, kafka.name)
        leftovers[namespace] = Leftover(
            target,
            label(item, constants.CLONE_OF),
            label(item, constants.CLONE),
            parse_timestamp(expires),
            has_namespace,
        )
