"""All facts for the checks, read at one go; a refused read is kept as one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING

from kanister_kafka.backup.kustomization import rename
from kanister_kafka.backup.model import BackupPlan, Permission
from kanister_kafka.backup.render import Manifest
from kanister_kafka.backup.scripts import ScriptPin, script_pins
from kanister_kafka.errors import NotFoundError
from kanister_kafka.kube.client import SNAPSHOT_CLASSES, VOLUMES, Object, Objects
from kanister_kafka.kube.objects import get_path, name_of, title
from kanister_kafka.kube.pod_options import minor_of_server
from kanister_kafka.kube.storage_classes import GROUP_API, list_snapshot_classes
from kanister_kafka.operations.actionset import API_VERSION
from kanister_kafka.operations.live_kafka import (
    OPERATOR_SELECTOR,
    LiveKafka,
    is_pause_requested,
    list_pods,
    strimzi_resource,
)
from kanister_kafka.operations.preflight import partitions
from kanister_kafka.operations.preflight.cluster_facts import (
    ClusterFacts,
    PlanFacts,
    PreflightTarget,
)
from kanister_kafka.operations.preflight.model import (
    AccessReview,
    ManifestPair,
    OptionalRead,
    PinnedScripts,
    PullTestResult,
    try_read,
)
from kanister_kafka.operations.preflight.platform import ask_access
from kanister_kafka.strimzi import KafkaClient
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.yamldoc import to_python

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient

# Requests to the API server whose refusal is an answer.

Versions = str | tuple[str, ...]
"""API versions of a kind; the first one that is served is asked for."""


class OptionalReader:
    """Reads objects of one namespace, and of others if one is named."""

    def __init__(self, connection: KubeClient, namespace: str) -> None:
        self.connection = connection
        self.namespace = namespace

    def list_of(
        self, versions: Versions, kind: str, label: str, namespace: str = ""
    ) -> OptionalRead[Objects]:
        """Return the objects of a namespace; none if the kind is not served."""
        searched = namespace or self.namespace
        return self.listed(kind, lambda: self._items(versions, kind, label, searched), searched)

    def listed(
        self, kind: str, listing: Callable[[], Objects], namespace: str = ""
    ) -> OptionalRead[Objects]:
        """Return the objects of this kind that `listing` reads from a namespace."""
        what = f"{kind}s in namespace {namespace or self.namespace}"
        return try_read(what, f"list {what}", listing)

    def list_all(self, version: str, kind: str, label: str = "") -> OptionalRead[Objects]:
        """Return the objects of all namespaces; none if the kind is not served."""
        what = f"{kind}s"
        scope = " in all namespaces" if label else ""
        return try_read(what, f"list {what}{scope}", lambda: self._items(version, kind, label, ""))

    def find(
        self, version: str, kind: str, name: str, namespace: str
    ) -> OptionalRead[Object | None]:
        """Return one object, or None if there is none."""

        def ask() -> Object | None:
            try:
                return self.get(version, kind, name, namespace)
            except NotFoundError:
                return None

        scope = f" in namespace {namespace}" if namespace else ""
        return try_read(f"{kind} {name}{scope}", f"get {kind} {name}{scope}", ask)

    def get(self, versions: Versions, kind: str, name: str, namespace: str = "") -> Object:
        """Return one object; raises ForbiddenError and NotFoundError."""
        resource = self.connection.kind(versions, kind)
        return {"kind": kind, **self.connection.get(resource, name, namespace or self.namespace)}

    def _items(self, versions: Versions, kind: str, label: str, namespace: str) -> Objects:
        try:
            return self.connection.items(self.connection.kind(versions, kind), namespace, label)
        except NotFoundError:
            return ()  # no such kind here, so there are none

    def is_served(self, version: str, kind: str) -> bool:
        """Return whether the cluster knows a kind."""
        try:
            self.connection.kind(version, kind)
        except NotFoundError:
            return False
        return True


AUTOSCALERS: tuple[tuple[Versions, str], ...] = (
    ("keda.sh/v1alpha1", "ScaledObject"),
    (("autoscaling/v2", "autoscaling/v1"), "HorizontalPodAutoscaler"),
)
"""autoscaling/v2 is served from Kubernetes 1.23 on; v1 does not have `spec.behavior`."""
STORAGE = "storage.k8s.io/v1"
RUN = ("Blueprint", "Deployment")
"""Kinds whose pods run scripts."""
OUR_RESOURCES = ("blueprints", "configmaps", "deployments")
"""Resources of which rendered objects are named in rights."""
ON_DEMAND = ("RestoreAction",)
"""Kinds that a person creates when the time has come."""


class FactsCollector:
    """Reads one Kafka cluster and its surroundings; each method is one or few requests."""

    def __init__(
        self, connection: KubeClient, subject: PreflightTarget, execute: partitions.Execute
    ) -> None:
        self.connection = connection
        self.reader = OptionalReader(connection, subject.namespace)
        self.kafka = LiveKafka(connection, KafkaRef(subject.namespace, subject.name))
        self.subject = subject
        self.name = subject.name
        self.namespace = subject.namespace
        self.execute = execute

    def view(self, planned: PlanFacts | None) -> ClusterFacts:
        """Read what every check needs; raises UnreachableError if the cluster is away."""
        subject, reader, kafka = self.subject, self.reader, self.kafka
        writers = subject.plan.cluster.writers if subject.plan else ()
        pods = reader.listed("Pod", kafka.pods)
        claims = reader.listed("PersistentVolumeClaim", kafka.claims)
        written = tuple(self._writer(writer) for writer in writers)
        return ClusterFacts(
            **{field.name: getattr(subject, field.name) for field in fields(subject)},
            planned=planned,
            kafka=kafka.get(),
            pools=reader.listed("KafkaNodePool", kafka.pools),
            pod_sets=self._owners(),
            pods=pods,
            writers=written,
            writer_pods=self._pods_of_paused(written),
            autoscalers=self._autoscalers(writers),
            rebalances=reader.listed("KafkaRebalance", lambda: kafka.owned("KafkaRebalance")),
            partitions=partitions.ask_partitions(
                self.execute, self.name, self.namespace, pods.value or ()
            ),
            claims=claims,
            volumes=self._volumes(claims.value or ()),
            storage_classes=reader.list_all(STORAGE, "StorageClass"),
            snapshot_classes=self._snapshot_classes(),
            operators=self._operators(),
            kanister_api=reader.is_served(API_VERSION, "Blueprint"),
            deployments=reader.list_of("apps/v1", "Deployment", "", subject.kasten_namespace),
            kasten=reader.find("v1", "ConfigMap", "k10-config", subject.kasten_namespace),
            record=reader.find("v1", "ConfigMap", subject.names.state_config_map, self.namespace),
            space=try_read(
                f"Namespace {self.namespace}",
                f"get Namespace {self.namespace}",
                lambda: reader.get("v1", "Namespace", self.namespace),
            ),
            quotas=reader.list_of("v1", "ResourceQuota", ""),
            limit_ranges=reader.list_of("v1", "LimitRange", ""),
            server=try_read("the version of Kubernetes", "get /version", self._server),
        )

    def planned(
        self,
        plan: BackupPlan,
        manifests: Iterable[Manifest],
        pulled: OptionalRead[PullTestResult] | None = None,
    ) -> PlanFacts:
        """Read the facts that can be read only with a plan."""
        desired: list[Object] = []
        for manifest in manifests:
            desired += [to_python(document.root) for document in manifest.documents]
        desired = rename(desired, *self.subject.affixes)
        rendered = tuple(self._pair(item) for item in desired if item["kind"] not in ON_DEMAND)
        reviews = "create localsubjectaccessreviews or subjectaccessreviews of authorization.k8s.io"
        return PlanFacts(
            plan=plan,
            rights=try_read(
                "the rights of the service accounts", reviews, lambda: self._rights(plan)
            ),
            rendered=rendered,
            scripts=tuple(self._pinned(desired, rendered)),
            nodes=self.reader.list_all("v1", "Node"),
            action_sets=self.reader.list_of(
                API_VERSION, "ActionSet", "", plan.options.kasten_namespace
            ),
            pulled=pulled,
            export_profile=self.reader.find(
                API_VERSION, "Profile", plan.options.export_profile, plan.options.kasten_namespace
            )
            if plan.export_secret
            else None,
            export_secret=self.reader.find("v1", "Secret", plan.export_secret, self.namespace)
            if plan.export_secret
            else None,
            group_classes=self._group_classes() if plan.options.group_snapshot_class else None,
        )

    def _rights(self, plan: BackupPlan) -> tuple[AccessReview, ...]:
        reviews: list[AccessReview] = []
        ours = {plan.record, plan.switch.name if plan.switch else "", plan.name} - {""}
        for account in plan.accounts:
            rights = [self._renamed(right, ours) for right in account.rights]
            name = self.subject.renamed(account.name)
            reviews += ask_access(self.connection, name, self.namespace, rights)
        return tuple(reviews)

    def _renamed(self, right: Permission, ours: Collection[str]) -> Permission:
        """Return a right for the rendered objects under the names that they have here."""
        if right.resource not in OUR_RESOURCES:
            return right
        names = (self.subject.renamed(name) if name in ours else name for name in right.names)
        return replace(right, names=tuple(names))

    def _pinned(
        self, desired: Iterable[Object], rendered: Iterable[OptionalRead[ManifestPair]]
    ) -> Iterator[PinnedScripts]:
        """Read each ConfigMap of scripts that is asked for, with who asks."""
        pinned: dict[ScriptPin, tuple[str, ...]] = {}
        for item in desired:
            if item["kind"] == "Blueprint":
                pinned |= dict.fromkeys(script_pins(item), ())
        for reading in rendered:
            live = reading.value.live if reading.value else None
            if live and live["kind"] in RUN:
                for pin in script_pins(live):
                    pinned[pin] = pinned.get(pin, ()) + (title(live),)
        for pin, by in pinned.items():
            namespace = pin.namespace or self.namespace
            config_map = self.reader.find("v1", "ConfigMap", pin.name, namespace)
            yield PinnedScripts(pin=pin, namespace=namespace, by=by, config_map=config_map)

    def _pair(self, desired: Object) -> OptionalRead[ManifestPair]:
        kind, name = desired["kind"], name_of(desired)
        namespace = get_path(desired, "metadata", "namespace") or ""
        live = self.reader.find(desired["apiVersion"], kind, name, namespace)
        if live.unreadable is not None:
            return OptionalRead(None, live.unreadable)
        return OptionalRead(ManifestPair(desired=desired, live=live.value))

    def _server(self) -> int | None:
        try:
            return minor_of_server(self.connection.ask("GET", ("version",)))
        except NotFoundError:
            return None

    def _writer(self, writer: KafkaClient) -> OptionalRead[Object]:
        client = f"{writer.kind} {writer.namespace}/{writer.name}"
        return try_read(
            client,
            f"get {writer.resource} in namespace {writer.namespace}",
            lambda: self.connection.get(
                strimzi_resource(self.connection, writer.kind), writer.name, writer.namespace
            ),
        )

    def _pods_of_paused(self, writers: tuple[OptionalRead[Object], ...]) -> OptionalRead[Objects]:
        paused = [
            writer.value for writer in writers if writer.value and is_pause_requested(writer.value)
        ]
        pods_of_all: Objects = ()
        for writer in paused:
            kind, namespace = writer["kind"], str(get_path(writer, "metadata", "namespace"))
            listing = partial(list_pods, self.connection, kind, namespace, name_of(writer))
            pods = self.reader.listed("Pod", listing, namespace)
            if pods.unreadable is not None:
                return pods
            pods_of_all += pods.get()
        return OptionalRead(pods_of_all)

    def _autoscalers(self, writers: tuple[KafkaClient, ...]) -> OptionalRead[Objects]:
        autoscalers: Objects = ()
        for namespace in sorted({self.namespace, *(writer.namespace for writer in writers)}):
            for versions, kind in AUTOSCALERS:
                items = self.reader.list_of(versions, kind, "", namespace)
                if items.unreadable is not None:
                    return items
                autoscalers += items.get()
        return OptionalRead(autoscalers)

    def _owners(self) -> OptionalRead[Objects]:
        sets = self.reader.listed("StrimziPodSet", self.kafka.pod_sets)
        stateful = self.reader.listed("StatefulSet", self.kafka.stateful_sets)
        if sets.unreadable is not None or stateful.unreadable is not None:
            return sets if sets.unreadable is not None else stateful
        return OptionalRead(sets.get() + stateful.get())

    def _volumes(self, claims: Objects) -> OptionalRead[Objects]:
        names = [str(name) for claim in claims if (name := get_path(claim, "spec", "volumeName"))]
        return try_read(
            "the volumes of the claims",
            "get persistentvolumes",
            lambda: tuple(
                item for name in names if (item := self.connection.find(VOLUMES, name)) is not None
            ),
        )

    def _snapshot_classes(self) -> OptionalRead[Objects | None]:
        return try_read(
            "the VolumeSnapshotClasses",
            f"list {SNAPSHOT_CLASSES}",
            lambda: list_snapshot_classes(self.connection),
        )

    def _group_classes(self) -> OptionalRead[Objects | None]:
        def ask() -> Objects | None:
            try:
                kind = self.connection.kind(GROUP_API, "VolumeGroupSnapshotClass")
            except NotFoundError:
                return None
            return self.connection.items(kind)

        return try_read(
            "the VolumeGroupSnapshotClasses",
            "list volumegroupsnapshotclasses.groupsnapshot.storage.k8s.io",
            ask,
        )

    def _operators(self) -> OptionalRead[Objects]:
        """Find pods by the label that every way to install the operator sets."""
        pods = self.reader.list_all("v1", "Pod", OPERATOR_SELECTOR)
        if pods.unreadable is not None:  # the namespace may have an operator of its own
            beside = self.reader.list_of("v1", "Pod", OPERATOR_SELECTOR)
            return beside if beside.value else pods
        if pods.get():
            return pods
        deployments = self.reader.list_all("apps/v1", "Deployment")
        if deployments.unreadable is not None:
            return pods
        return OptionalRead(tuple(item for item in deployments.get() if _is_operator(item)))


def _is_operator(deployment: Object) -> bool:
    labels = get_path(deployment, "spec", "template", "metadata", "labels") or {}
    key, _, value = OPERATOR_SELECTOR.partition("=")
    return bool(labels.get(key) == value)
