"""Makes a copy of a Kafka in another namespace, waits until it is Ready, and removes it again.

Nothing in the namespace of the backup is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from kanister_kafka import constants
from kanister_kafka.errors import (
    ActionError,
    ConflictError,
    ForbiddenError,
    KanisterKafkaError,
    NotFoundError,
)
from kanister_kafka.kube.client import NAMESPACES, PODS, ApiResource, KubeClient, Object
from kanister_kafka.kube.objects import (
    annotation,
    condition,
    get_path,
    is_ready,
    is_reconciled,
    join_limited,
    label,
    name_of,
    pod_selector,
    title,
)
from kanister_kafka.kube.pods import container_statuses, wait_reason
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, poll, retry
from kanister_kafka.operations.clone.plan import ClonePlan, missing_references
from kanister_kafka.operations.clone.quota import quota_faults
from kanister_kafka.operations.start_action import SECRETS, operators_versions
from kanister_kafka.operations.volume_snapshots import CLAIMS, CONTENTS, SNAPSHOTS
from kanister_kafka.strimzi.discovery import CONFIG_MAPS, KafkaRef, desired_replicas, find_resource

QUOTAS = ApiResource(("api", "v1"), "resourcequotas", "ResourceQuota", namespaced=True)
STORAGE_CLASSES = ApiResource(
    ("apis", "storage.k8s.io", "v1"), "storageclasses", "StorageClass", namespaced=False
)
POLICIES = ApiResource(
    ("apis", "networking.k8s.io", "v1"), "networkpolicies", "NetworkPolicy", namespaced=True
)
KINDS_OF_REFERENCES = {"Secret": SECRETS, "ConfigMap": CONFIG_MAPS, "PersistentVolumeClaim": CLAIMS}
INTERVAL = 2
PAUSED_S = 420
"""Seconds until the operator has acknowledged the pause. It looks at a Kafka of a name that was
deleted a short time ago only when its reconciliation of that one times out, by default after 300 s.
"""
SNAPSHOTS_S = 300
STATUS_S = 60
STAYS = 3
"""Looks at which the ids must be in the statuses: the operator may write an older one back."""
GONE_S = 300
PAUSES = (1, 2, 4, 8, 15)
"""Seconds between tries to remove, in which another API server takes over."""
PROVISIONED_S = 60
"""Seconds in which claims that are being filled may become Bound before they are deleted."""
PROVISIONER = "provisioner.storage.kubernetes.io/volumesnapshot-as-source-protection"
"""Finalizer of external-provisioner on a VolumeSnapshot from which a claim is filled. It stays if
the claim is deleted meanwhile, and then the namespace is never gone (seen with 6.3.0)."""
HOPELESS = ("InvalidResourceException", "UnsupportedKafkaVersionException")
"""Reasons of the operator that do not go away by themselves."""
PAUSED = "ReconciliationPaused"
Report = Callable[[str], None]


class NotRestorableError(ActionError):
    """The backup does not become a Kafka that is Ready."""


class CloneRunner:
    """One copy."""

    def __init__(
        self,
        connection: KubeClient,
        plan: ClonePlan,
        report: Report,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._connection = connection
        self._plan = plan
        self.report = report
        self._clock = clock
        self._namespace = plan.target.namespace
        self._kafkas = self._resource("Kafka")
        self.created_namespace = False
        self._evidence = False
        """Whether the last look has shown that the backup is at fault."""

    def check(self, *, temporary: bool = False) -> list[str]:
        """Return why the copy cannot be made; nothing is written, not even tried.

        A temporary one must not leave its volumes behind.
        """
        plan, connection = self._plan, self._connection
        found = list(plan.refusals)
        namespace = connection.find(NAMESPACES, self._namespace)
        if namespace and namespace["metadata"].get("deletionTimestamp"):
            found.append(f"namespace {self._namespace} is being deleted: wait until it is gone")
        elif namespace:
            found += self._conflicts()
            with suppress(ForbiddenError):  # then the API server decides
                found += quota_faults(plan, connection.items(QUOTAS, self._namespace))
            found += [
                f"{path} refers to {kind} {name}, which is not in namespace {self._namespace}: "
                "create it there first"
                for kind, name, path in missing_references(plan, self._existing())
            ]
        else:
            found += [
                f"{path} refers to {kind} {name}, which is not in the backup: create namespace "
                f"{self._namespace} and that object in it first"
                for kind, name, path in missing_references(plan, ())
            ]
        found += self._unserved()
        if temporary:
            found += self._kept_volumes()
        with suppress(ForbiddenError):  # then the operator reports it
            versions = operators_versions(connection)
            if versions and plan.kafka_version and plan.kafka_version not in versions:
                known = ", ".join(sorted(versions))
                found.append(f"the operator has Kafka {known}, not {plan.kafka_version}")
        return found

    def create(self) -> None:
        """Make every object; the Kafka stays paused until its ids are in the statuses.

        Raises NotRestorableError if the snapshots do not work, else ActionError with the reason.
        The objects that exist by then stay, until `ClonedNamespace.remove`.
        """
        connection, plan = self._connection, self._plan
        if connection.find(NAMESPACES, self._namespace) is None:
            self.created_namespace = True
            self.report(f"creating namespace {self._namespace}")
            connection.create(plan.namespace)
        self._try_all()
        self.report("creating the network policy, Secrets, node pools and the paused Kafka")
        for item in (plan.policy, *plan.secrets, *plan.pools, plan.kafka):
            connection.create(item)
        self._wait_paused()
        self.report(f"creating {len(plan.snapshots)} snapshots from those of the backup")
        for item in plan.contents + plan.snapshots:
            connection.create(item)
        self._wait(self._snapshots_missing, SNAPSHOTS_S, "the snapshots are not ready to use")
        self.report(f"creating {len(plan.claims)} claims")
        for item in plan.claims:
            connection.create(item)
        if plan.cluster_id:
            self.report("writing cluster id and node ids into the statuses")
            self._write_ids()
        for item in plan.later:
            connection.create(item)

    def start(self, timeout: float) -> None:
        """End the pause, and wait until the Kafka is Ready.

        Raises NotRestorableError if a node fails, else ActionError.
        """
        self.report(f"starting Kafka {self._plan.target}")
        change = {"metadata": {"annotations": {constants.PAUSE_RECONCILIATION: None}}}
        name = self._plan.target.name
        self._connection.patch(self._kafkas, name, self._namespace, change)
        fault = f"Kafka {self._plan.target} is not Ready"
        self._wait(self._not_ready, timeout, fault)

    def remove_snapshots(self) -> None:
        """Delete the snapshots of the copy, which its volumes no longer need."""
        for item in self._plan.snapshots:
            _delete(self._connection, SNAPSHOTS, name_of(item), self._namespace)
        for item in self._plan.contents:
            _delete(self._connection, CONTENTS, name_of(item))

    @property
    def _replicas(self) -> int:
        return sum(desired_replicas(self._plan.kafka, self._plan.pools).values())

    def _resource(self, kind: str) -> ApiResource:
        found = find_resource(self._connection, kind)
        if found is None:
            raise NotFoundError(f"Strimzi is not installed on this cluster: there is no {kind}")
        return found

    def _kept_volumes(self) -> Iterator[str]:
        """Yield the StorageClasses whose volumes outlive their claims."""
        names = {
            str(get_path(claim, "spec", "storageClassName") or "") for claim in self._plan.claims
        }
        for name in sorted(names - {""}):
            with suppress(ForbiddenError):  # then it is not known
                found = self._connection.find(STORAGE_CLASSES, name)
                if found is not None and found.get("reclaimPolicy") == "Retain":
                    yield (
                        f"StorageClass {name} retains volumes, and each verification would leave "
                        "its own: name a class that deletes them by --storage-class"
                    )

    def _conflicts(self) -> Iterator[str]:
        """Yield what is in the namespace already. Nothing there is overwritten."""
        for item in self._plan.objects:
            if item["kind"] == "VolumeSnapshotContent":
                continue
            with suppress(NotFoundError):  # a kind that is not served is reported elsewhere
                resource = self._connection.kind(item["apiVersion"], item["kind"])
                if self._connection.find(resource, name_of(item), self._namespace):
                    yield f"{title(item)} is there already: restore into another namespace"
        for pod in self._connection.items(PODS, self._namespace, pod_selector(self._kafka_name)):
            yield f"pod {name_of(pod)} of a Kafka {self._kafka_name} runs in {self._namespace}"

    @property
    def _kafka_name(self) -> str:
        return self._plan.target.name

    def _existing(self) -> Iterator[tuple[str, str]]:
        for kind, resource in KINDS_OF_REFERENCES.items():
            for item in self._connection.items(resource, self._namespace, metadata_only=True):
                yield kind, name_of(item)

    def _unserved(self) -> Iterator[str]:
        seen = set()
        for item in self._plan.objects:
            kind = (item["apiVersion"], item["kind"])
            if kind in seen:
                continue
            seen.add(kind)
            try:
                self._connection.kind(*kind)
            except NotFoundError:
                yield (
                    f"the cluster does not serve {kind[1]} of {kind[0]}, in which the backup has it"
                )

    def _try_all(self) -> None:
        """Let the API server judge every object before the first one is made."""
        faults = []
        for item in self._plan.objects:
            try:
                self._connection.create(item, dry_run=True)
            except KanisterKafkaError as failure:
                text = title(item) if item["kind"] == "Secret" else f"{title(item)}: {failure}"
                faults.append(f"{text} is refused" if item["kind"] == "Secret" else text)
        if faults:
            raise ActionError(f"nothing was restored: {join_limited(faults)}")

    def _wait_paused(self) -> None:
        def missing() -> str:
            kafka = self._connection.get(self._kafkas, self._kafka_name, self._namespace)
            acknowledged = condition(kafka, PAUSED).get("status") == "True"
            return "" if acknowledged else "the operator has not acknowledged the pause yet"

        self._wait(
            missing,
            PAUSED_S,
            f"the Strimzi operator does not look at namespace {self._namespace}: let it watch that "
            "namespace (STRIMZI_NAMESPACE), or restore into one that it watches",
        )

    def _snapshots_missing(self) -> str:
        found = []
        selector = f"{constants.CLONE}={self._plan.identity}"
        live = {
            name_of(item): item
            for item in self._connection.items(SNAPSHOTS, self._namespace, selector)
        }
        for item in self._plan.snapshots:
            status = live.get(name_of(item), {})
            if get_path(status, "status", "readyToUse") is not True:
                reason = str(get_path(status, "status", "error", "message") or "")
                self._evidence |= bool(reason)
                found.append(
                    f"{name_of(item)} is not ready to use" + (f" ({reason})" * bool(reason))
                )
        return join_limited(found)

    def _write_ids(self) -> None:
        """Write the ids until they stay: a reconciliation that began before may write old ones."""
        seen = 0

        def missing() -> str:
            nonlocal seen
            different = self._write_different_ids()
            seen = 0 if different else seen + 1
            return "" if seen >= STAYS else different or "waiting until the ids stay"

        self._wait(missing, STATUS_S, "cluster id and node ids do not stay in the statuses")

    def _write_different_ids(self) -> str:
        plan, connection = self._plan, self._connection
        found = []
        pools = self._resource("KafkaNodePool") if plan.pools else None
        for pool in plan.pools:
            assert pools is not None  # noqa: S101 - there are pools
            name = name_of(pool)
            status = {"clusterId": plan.cluster_id, "nodeIds": list(plan.node_ids[name])}
            live = connection.get(pools, name, self._namespace)
            if any(get_path(live, "status", key) != value for key, value in status.items()):
                found.append(f"KafkaNodePool {name}")
                change = {"status": {**status, "roles": pool["spec"].get("roles")}}
                connection.patch(pools, name, self._namespace, change, subresource="status")
        live = connection.get(self._kafkas, self._kafka_name, self._namespace)
        if get_path(live, "status", "clusterId") != plan.cluster_id:
            found.append(f"Kafka {self._kafka_name}")
            change = {"status": {"clusterId": plan.cluster_id}}
            connection.patch(
                self._kafkas, self._kafka_name, self._namespace, change, subresource="status"
            )
        return join_limited(found)

    def _not_ready(self) -> str:
        kafka = self._connection.get(self._kafkas, self._kafka_name, self._namespace)
        not_ready = condition(kafka, "NotReady")
        if not_ready.get("reason") in HOPELESS:
            raise ActionError(f"Kafka {self._plan.target} cannot start: {not_ready.get('message')}")
        pods = self._connection.items(PODS, self._namespace, pod_selector(self._kafka_name))
        ready = sum(map(is_ready, pods))
        if is_reconciled(kafka) and not annotation(kafka, constants.PAUSE_RECONCILIATION):
            return ""
        self._evidence = any(map(_has_failed, pods))
        waits = [f"{name_of(pod)}: {why}" for pod in pods if str(why := wait_reason(pod))]
        more = f"; {join_limited(waits, 2)}" if waits else ""
        return f"{ready} of {self._replicas} nodes are Ready{more}"

    def _wait(self, missing: Callable[[], str], timeout: float, fault: str) -> None:
        """Wait until nothing is missing; report each change.

        When the time is over, NotRestorableError if something has shown that the backup is at
        fault, else ActionError: a cluster without room is no fault of the backup.
        """
        last = ""
        self._evidence = False

        def look() -> bool:
            nonlocal last
            text = missing()
            if text and text != last:
                self.report(text)
            last = text
            return not text

        if not poll(look, timeout=timeout, interval=INTERVAL, clock=self._clock):
            error = NotRestorableError if self._evidence else ActionError
            raise error(f"{fault}: {last or 'the API server did not answer'}")


def _has_failed(pod: Object) -> bool:
    """Return whether a container of a pod has ended or was restarted."""
    for status in container_statuses(pod):
        ended = get_path(status, "state", "terminated") or get_path(
            status, "lastState", "terminated"
        )
        if ended or status.get("restartCount"):
            return True
    return False


class ClonedNamespace:
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
    ) -> None:
        self._connection = connection
        self.report = report
        self._clock = clock
        self._target = target
        self._identity = identity
        self._selector = f"{constants.CLONE}={identity}"
        self._failures: list[str] = []

    def remove(self) -> list[str]:
        """Delete the Kafka, wait until its pods are gone, then delete all else; return the rest.

        A request that fails is repeated, and then does not keep the others from being sent.
        """
        home = self._target.namespace
        self.report(f"removing Kafka {self._target}")
        self._try(lambda: self._delete_kind("KafkaTopic", "KafkaUser"))
        self._try(lambda: self._delete_kind("Kafka", "KafkaNodePool"))
        if self._is_ours():
            pods = pod_selector(self._target.name)
            self._poll(lambda: not self._connection.items(PODS, home, pods), GONE_S)
        self._poll(lambda: not self._filling(), PROVISIONED_S)
        for resource in (CLAIMS, SECRETS, SNAPSHOTS):
            self._try(lambda resource=resource: self._delete_all(resource, home))  # type: ignore[misc]
        self._try(self._delete_contents)
        self._try(lambda: self._delete_all(POLICIES, home))
        self._try(self._delete_namespace)
        left: list[str] = []

        def is_gone() -> bool:
            self._release_snapshots()
            left[:] = self._left()
            return not left

        if self._poll(is_gone, GONE_S):
            return []
        return left or self._failures or ["the API server did not answer"]

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

    def _delete_kind(self, *kinds: str) -> None:
        for kind in kinds:
            resource = find_resource(self._connection, kind)
            if resource is not None:
                self._delete_all(resource, self._target.namespace)

    def _delete_all(self, resource: ApiResource, namespace: str) -> None:
        with suppress(NotFoundError):
            items = self._connection.items(resource, namespace, self._selector, metadata_only=True)
            for item in items:
                _delete(self._connection, resource, name_of(item), namespace)

    def _filling(self) -> bool:
        """Return whether a claim of the copy is not Bound yet."""
        claims = self._connection.items(CLAIMS, self._target.namespace, self._selector)
        return any(get_path(claim, "status", "phase") == "Pending" for claim in claims)

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
            _delete(self._connection, CONTENTS, content)

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
        home = self._target.namespace
        found = [f"VolumeSnapshotContent {name}" for name in self._contents()]
        if self._connection.find(NAMESPACES, home) is None:
            return found
        if self._own_namespace() is not None:
            return [*found, f"Namespace {home}"]
        for resource in (CLAIMS, SECRETS, SNAPSHOTS, POLICIES):
            with suppress(NotFoundError):
                items = self._connection.items(resource, home, self._selector, metadata_only=True)
                found += [title({**item, "kind": resource.kind}) for item in items]
        return found


def _delete(connection: KubeClient, resource: ApiResource, name: str, namespace: str = "") -> None:
    with suppress(NotFoundError, ConflictError):
        connection.delete(resource, name, namespace)
