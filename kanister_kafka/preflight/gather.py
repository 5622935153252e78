"""Everything that the checks look at, read at one go; what may not be read is kept as that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import kanister_kafka.preflight.operator as operator
import kanister_kafka.preflight.partitions as partitions
import kanister_kafka.preflight.rights as rights
from kanister_kafka.document import loads, plain
from kanister_kafka.errors import NotFoundError
from kanister_kafka.marks import CLUSTER_LABEL, COMPONENT, PAUSE
from kanister_kafka.pins import Pin, pins
from kanister_kafka.plan import Plan
from kanister_kafka.pods import minor_of_server
from kanister_kafka.preflight.model import (
    Object,
    Objects,
    Pinned,
    Pulled,
    Question,
    Rendered,
    Seen,
    look,
)
from kanister_kafka.preflight.objects import annotation, at, name_of, title
from kanister_kafka.preflight.reader import Reader, Versions
from kanister_kafka.preflight.view import Planned, Subject, View
from kanister_kafka.render import Manifest
from kanister_kafka.strimzi import Writer

if TYPE_CHECKING:
    from kanister_kafka.kube import Connection

STRIMZI = ("kafka.strimzi.io/v1beta2", "kafka.strimzi.io/v1")
POD_SETS = ("core.strimzi.io/v1beta2", "core.strimzi.io/v1")
AUTOSCALERS: tuple[tuple[Versions, str], ...] = (
    ("keda.sh/v1alpha1", "ScaledObject"),
    (("autoscaling/v2", "autoscaling/v1"), "HorizontalPodAutoscaler"),
)
"""autoscaling/v2 is served from Kubernetes 1.23 on; v1 does not tell of `spec.behavior`."""
STORAGE = "storage.k8s.io/v1"
KANISTER = "cr.kanister.io/v1alpha1"
RUN = ("Blueprint", "Deployment")
"""Kinds whose pods run scripts."""
ON_DEMAND = ("RestoreAction",)
"""Kinds that a person creates when the time has come."""


class Gatherer:
    """Reads one Kafka cluster and its surroundings; each method is one or few requests."""

    def __init__(
        self, connection: Connection, subject: Subject, execute: partitions.Execute
    ) -> None:
        self.connection = connection
        self.reader = Reader(connection, subject.namespace)
        self.subject = subject
        self.name = subject.name
        self.namespace = subject.namespace
        self.execute = execute

    def view(self, planned: Planned | None) -> View:
        """Read what every check needs; raises UnreachableError where the cluster is away."""
        subject, reader = self.subject, self.reader
        writers = subject.plan.cluster.writers if subject.plan else ()
        mine = f"{CLUSTER_LABEL}={self.name}"
        pods = reader.list_of("v1", "Pod", f"{mine},strimzi.io/kind=Kafka")
        claims = reader.list_of("v1", "PersistentVolumeClaim", mine)
        written = tuple(self._writer(writer) for writer in writers)
        return View(
            name=self.name,
            namespace=self.namespace,
            context=subject.context,
            options=subject.options,
            kasten_namespace=subject.kasten_namespace,
            problems=subject.problems,
            planned=planned,
            kafka=reader.get(STRIMZI, "Kafka", self.name),
            pools=reader.list_of(STRIMZI, "KafkaNodePool", mine),
            pod_sets=self._owners(f"{mine},strimzi.io/kind=Kafka"),
            pods=pods,
            writers=written,
            writer_pods=self._pods_of_paused(written),
            autoscalers=self._autoscalers(writers),
            rebalances=reader.list_of(STRIMZI, "KafkaRebalance", mine),
            partitions=partitions.ask(self.execute, self.name, self.namespace, pods.value or ()),
            claims=claims,
            volumes=self._volumes(claims.value or ()),
            storage_classes=reader.list_all(STORAGE, "StorageClass"),
            snapshot_classes=self._snapshot_classes(),
            operators=self._operators(),
            kanister_api=reader.is_served(KANISTER, "Blueprint"),
            deployments=reader.list_of("apps/v1", "Deployment", "", subject.kasten_namespace),
            kasten=reader.find("v1", "ConfigMap", "k10-config", subject.kasten_namespace),
            record=reader.find("v1", "ConfigMap", f"{self.name}-{COMPONENT}", self.namespace),
            space=reader.seek("v1", "Namespace", self.namespace),
            quotas=reader.list_of("v1", "ResourceQuota", ""),
            limit_ranges=reader.list_of("v1", "LimitRange", ""),
            server=look("the version of Kubernetes", "get /version", self._server),
        )

    def planned(
        self, plan: Plan, manifests: Iterable[Manifest], pulled: Seen[Pulled] | None = None
    ) -> Planned:
        """Read what only a plan tells to ask for."""
        wanted = [plain(loads(m.text, m.file_name).documents[0].root) for m in manifests]
        rendered = tuple(self._pair(item) for item in wanted if item["kind"] not in ON_DEMAND)
        reviews = "create localsubjectaccessreviews or subjectaccessreviews of authorization.k8s.io"
        return Planned(
            plan=plan,
            rights=look("the rights of the service accounts", reviews, lambda: self._rights(plan)),
            rendered=rendered,
            scripts=tuple(self._pinned(wanted, rendered)),
            nodes=self.reader.list_all("v1", "Node"),
            action_sets=self.reader.list_of(
                KANISTER, "ActionSet", "", plan.options.kasten_namespace
            ),
            pulled=pulled,
        )

    def _rights(self, plan: Plan) -> tuple[Question, ...]:
        return tuple(
            question
            for account in plan.accounts
            for question in rights.ask(
                self.connection, account.name, self.namespace, account.rights
            )
        )

    def _pinned(
        self, wanted: Iterable[Object], rendered: Iterable[Seen[Rendered]]
    ) -> Iterator[Pinned]:
        """Read each ConfigMap of scripts that is asked for, with who asks."""
        asked: dict[Pin, tuple[str, ...]] = {}
        for item in wanted:
            if item["kind"] == "Blueprint":
                asked |= dict.fromkeys(pins(item), ())
        for seen in rendered:
            live = seen.value.live if seen.value else None
            if live and live["kind"] in RUN:
                for pin in pins(live):
                    asked[pin] = (*asked.get(pin, ()), title(live))
        for pin, by in asked.items():
            home = pin.namespace or self.namespace
            found = self.reader.find("v1", "ConfigMap", pin.name, home)
            yield Pinned(pin=pin, namespace=home, by=by, config_map=found)

    def _pair(self, wanted: Object) -> Seen[Rendered]:
        kind, name = wanted["kind"], name_of(wanted)
        home = at(wanted, "metadata", "namespace") or ""
        found = self.reader.find(wanted["apiVersion"], kind, name, home)
        if found.unseen is not None:
            return Seen(None, found.unseen)
        return Seen(Rendered(wanted=wanted, live=found.value))

    def _server(self) -> int | None:
        try:
            return minor_of_server(self.connection.ask("GET", ("version",)))
        except NotFoundError:
            return None

    def _writer(self, writer: Writer) -> Seen[Object]:
        where = f"{writer.kind} {writer.namespace}/{writer.name}"
        return look(
            where,
            f"get {writer.resource} in namespace {writer.namespace}",
            lambda: self.reader.get(STRIMZI, writer.kind, writer.name, writer.namespace),
        )

    def _pods_of_paused(self, writers: tuple[Seen[Object], ...]) -> Seen[Objects]:
        paused = [
            seen.value
            for seen in writers
            if seen.value and annotation(seen.value, PAUSE).lower() == "true"
        ]
        found: Objects = ()
        for writer in paused:
            label = f"{CLUSTER_LABEL}={name_of(writer)},strimzi.io/kind={writer['kind']}"
            pods = self.reader.list_of("v1", "Pod", label, at(writer, "metadata", "namespace"))
            if pods.unseen is not None:
                return pods
            found += pods.get()
        return Seen(found)

    def _autoscalers(self, writers: tuple[Writer, ...]) -> Seen[Objects]:
        found: Objects = ()
        for home in sorted({self.namespace, *(writer.namespace for writer in writers)}):
            for versions, kind in AUTOSCALERS:
                items = self.reader.list_of(versions, kind, "", home)
                if items.unseen is not None:
                    return items
                found += items.get()
        return Seen(found)

    def _owners(self, label: str) -> Seen[Objects]:
        sets = self.reader.list_of(POD_SETS, "StrimziPodSet", label)
        stateful = self.reader.list_of("apps/v1", "StatefulSet", label)
        if sets.unseen is not None or stateful.unseen is not None:
            return sets if sets.unseen is not None else stateful
        return Seen((*sets.get(), *stateful.get()))

    def _volumes(self, claims: Objects) -> Seen[Objects]:
        names = [str(name) for claim in claims if (name := at(claim, "spec", "volumeName"))]
        kind = self.connection.kind("v1", "PersistentVolume")
        return look(
            "the volumes of the claims",
            "get persistentvolumes",
            lambda: tuple(
                item for name in names if (item := self.connection.find(kind, name)) is not None
            ),
        )

    def _snapshot_classes(self) -> Seen[Objects | None]:
        def ask() -> Objects | None:
            try:
                kind = self.connection.kind("snapshot.storage.k8s.io/v1", "VolumeSnapshotClass")
            except NotFoundError:
                return None
            return self.connection.items(kind)

        return look(
            "the VolumeSnapshotClasses", "list volumesnapshotclasses.snapshot.storage.k8s.io", ask
        )

    def _operators(self) -> Seen[Objects]:
        """Find pods by the label that every way to install the operator sets."""
        label = f"strimzi.io/kind={operator.OPERATOR}"
        pods = self.reader.list_all("v1", "Pod", label)
        if pods.unseen is not None:  # an operator of its own may stand beside the cluster
            beside = self.reader.list_of("v1", "Pod", label)
            return beside if beside.value else pods
        if pods.get():
            return pods
        deployments = self.reader.list_all("apps/v1", "Deployment")
        if deployments.unseen is not None:
            return pods
        return Seen(tuple(item for item in deployments.get() if _is_operator(item)))


def _is_operator(deployment: Object) -> bool:
    labels = at(deployment, "spec", "template", "metadata", "labels") or {}
    return labels.get("strimzi.io/kind") == operator.OPERATOR
