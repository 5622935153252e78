"""Read one KafkaCluster from custom resources, with all problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kanister_kafka.constants import (
    CLUSTER_LABEL,
    PAUSE_RECONCILIATION,
    PREVIOUS_PAUSE,
    STRIMZI,
    STRIMZI_CORE,
)
from kanister_kafka.diagnostics import Diagnostic, Location, error, has_error, sort_diagnostics
from kanister_kafka.kube.names import LABEL
from kanister_kafka.strimzi.clients import CLIENTS, ClientChoices, find_clients
from kanister_kafka.strimzi.cursor import FieldCursor, quote_name
from kanister_kafka.strimzi.listeners import BootstrapAddresses, bootstrap_addresses
from kanister_kafka.strimzi.model import (
    KafkaCluster,
    ObjectReference,
    StorageClass,
    WorkloadKind,
    WorkloadName,
    not_in_backup,
    references,
)
from kanister_kafka.strimzi.name_lengths import check_name_lengths
from kanister_kafka.strimzi.versions import (
    OLDEST,
    Version,
    VersionFeature,
    VersionRange,
    format_version,
    kafka_versions,
    operators_for,
    parse_version,
    unsupported_kubernetes,
)
from kanister_kafka.strimzi.workloads import (
    check_roles,
    find_autoscalers,
    nodes_without_pools,
    pool_nodes,
    storage_classes,
    zookeeper_node,
)
from kanister_kafka.yamldoc import Document, to_python

API_FEATURES = {"v1": VersionFeature.API_V1, "v1beta2": VersionFeature.API_V1BETA2}
STABLE_METADATA_STATES = ("", "ZooKeeper", "KRaft")
"""Values of `status.kafkaMetadataState` outside a migration (0.40 to 0.47; gone while paused)."""
LIVE = (
    ("StatefulSet", "apps", VersionFeature.STATEFUL_SETS),
    ("StrimziPodSet", STRIMZI_CORE, VersionFeature.POD_SETS),
)
"""Workloads that show the version of the operator, with their group."""
WATCHED_NAMESPACE_VARIABLE = "STRIMZI_ENTITY_OPERATOR_WATCHED_NAMESPACE_ENABLED"
"""Of the operator's environment (Strimzi's ClusterOperatorConfig.java, from 1.0.1)."""
MAX_LISTED = 12
"""Versions of Kafka that a message lists one by one."""
COMPONENTS = {
    "cruiseControl": "-cruise-control",
    "entityOperator": "-entity-operator",
    "kafkaExporter": "-kafka-exporter",
}
"""Field of the Kafka spec, and the suffix that Strimzi adds to the cluster's name."""


@dataclass(frozen=True, slots=True)
class ReadResult:
    """A cluster, if it could be read, and all problems."""

    cluster: KafkaCluster | None
    """None if a problem is an error."""
    problems: tuple[Diagnostic, ...]


def read_cluster(
    documents: Iterable[Document],
    *,
    cluster: str = "",
    namespace: str = "",
    kafka_namespace: str = "",
    strimzi_version: Version | None = None,
    writers: Iterable[str] = (),
    not_writers: Iterable[str] = (),
    others: Iterable[BootstrapAddresses] = (),
    kubernetes: int | None = None,
) -> ReadResult:
    """Find one Kafka cluster among documents of any kind and order.

    `cluster` is `NAME` or `NAMESPACE/NAME`, required if there are several. `namespace` is the
    default of documents without one. Only a Kafka of `kafka_namespace` is chosen, if that is given.
    `writers` and `not_writers` name MirrorMakers, Connects and Bridges, each as
    `KIND/NAMESPACE/NAME`, whose addresses do not show whether they write.
    `others` are the addresses of Kafkas that are not among the documents. `kubernetes` is the minor
    version of the cluster that they were read from. No exception is raised: see
    `ReadResult.problems`.
    """
    choices = ClientChoices(tuple(writers), tuple(not_writers))
    reader = _ClusterReader(
        tuple(documents), namespace, strimzi_version, choices, tuple(others), kubernetes
    )
    if namespace and not LABEL.allows(namespace):
        message = f"Invalid value: {quote_name(namespace)}: must be a lowercase RFC 1123 label"
        reader.problems.append(error("option", Location("<options>"), "namespace", message))
    result = reader.read(cluster, kafka_namespace)
    problems = sort_diagnostics(reader.problems)
    return ReadResult(None if has_error(problems) else result, problems)


def report_orphan_pool(label: FieldCursor, kafka: str) -> None:
    """Report the label of a node pool whose Kafka does not exist."""
    name = kafka.partition("/")[2]
    label.error("orphan-node-pool", f'Invalid value: "{name}": no Kafka {kafka} in the input')


class _ClusterReader:
    def __init__(
        self,
        documents: tuple[Document, ...],
        namespace: str,
        version: Version | None,
        choices: ClientChoices,
        others: tuple[BootstrapAddresses, ...],
        kubernetes: int | None,
    ) -> None:
        self.problems: list[Diagnostic] = []
        self.documents = documents
        self.namespace = namespace
        self.version = version
        self.choices = choices
        self.others = others
        self.kubernetes = kubernetes

    def read(self, cluster: str, kafka_namespace: str) -> KafkaCluster | None:
        kafkas = [top for top in self._all("Kafka") if all(self._name(top))]
        kafka = self._choose(kafkas, cluster, kafka_namespace)
        if kafka is None:
            return None
        namespace, name = self._name(kafka)
        annotations = kafka.at("metadata", "annotations")
        self._check_settled(kafka, annotations)
        pools = self._pools(namespace, name)
        bounds = self._bounds(kafka, pools)
        spec = kafka.at("spec").required()
        uses_zookeeper = self._uses_zookeeper(kafka, annotations)
        if uses_zookeeper:
            bounds = bounds.having(VersionFeature.ZOOKEEPER)
        else:
            bounds = self._kraft(kafka, bounds)
        in_use = self._pools_in_use(kafka, annotations, pools, uses_zookeeper=uses_zookeeper)
        if bounds.empty:
            kafka.error(
                "contradiction",
                f"no Strimzi version fits: {bounds.first_reason} needs "
                f"{format_version(bounds.first)} or "
                f"later, {bounds.last_reason} ended before",
            )
        kinds = self._kinds(kafka, bounds)
        zookeeper = zookeeper_node(name, spec, kinds) if uses_zookeeper else None
        if in_use is None:
            nodes = nodes_without_pools(name, spec, kinds)
        else:
            nodes = pool_nodes(name, spec, in_use)
            check_roles(kafka, nodes, in_use, has_zookeeper=uses_zookeeper)
        check_name_lengths(kafka, namespace, in_use or (), nodes, zookeeper)
        self._check_spec(spec, annotations)
        self._check_kafka_version(spec.at("kafka", "version"), bounds)
        self._check_kubernetes(kafka, bounds)
        self._check_watched(spec, namespace, bounds)
        clients = find_clients(
            self.documents,
            bootstrap_addresses(name, namespace, kafka, (self._name(pool)[1] for pool in pools)),
            self._others(namespace, name),
            self.choices,
            bounds,
            self.namespace,
            self.problems,
        )
        self._check_unique()
        components = sorted(
            name + suffix for key, suffix in COMPONENTS.items() if spec.at(key).present
        )
        return KafkaCluster(
            name=name,
            namespace=namespace,
            source=kafka.location.source,
            operator=bounds,
            zookeeper=zookeeper,
            nodes=tuple(sorted(nodes, key=lambda node: node.name)),
            components=tuple(WorkloadName(component) for component in components),
            writers=clients.writers,
            ignored_clients=clients.ignored_clients,
            autoscalers=find_autoscalers(
                self.documents,
                namespace,
                (self._name(pool)[1] for pool in in_use or ()),
                clients.writers,
                self.namespace,
            ),
            storage_classes=tuple(self._storage_classes(name, spec, in_use or ())),
            not_in_backup=not_in_backup(
                name, self._references([kafka, *(in_use or ())]), self._users(namespace, name)
            ),
        )

    @staticmethod
    def _references(resources: Iterable[FieldCursor]) -> Iterator[ObjectReference]:
        for resource in resources:
            spec = resource.at("spec").node
            yield from references(to_python(spec) if spec else None, "spec")

    def _users(self, namespace: str, cluster: str) -> Iterator[str]:
        """Yield the names of the KafkaUsers in the input, which their Secrets have as well."""
        for document in self.documents:
            if document.kind != "KafkaUser" or document.group != STRIMZI:
                continue
            user_namespace = document.text("metadata", "namespace") or self.namespace
            owner = document.text("metadata", "labels", CLUSTER_LABEL)
            if (user_namespace, owner) == (namespace, cluster):
                yield document.text("metadata", "name")

    def _storage_classes(
        self, cluster: str, spec: FieldCursor, pools: Sequence[FieldCursor]
    ) -> Iterator[StorageClass]:
        for role in ("kafka", "zookeeper"):
            yield from storage_classes(spec.at(role, "storage"), "kafkas", cluster)
        for pool in pools:
            storage = pool.at("spec", "storage")
            yield from storage_classes(storage, "kafkanodepools", self._name(pool)[1])

    def _all(self, kind: str, group: str = STRIMZI) -> list[FieldCursor]:
        return [
            FieldCursor.of(document, self.problems)
            for document in self.documents
            if document.kind == kind and document.group == group
        ]

    def _name(self, top: FieldCursor) -> tuple[str, str]:
        metadata = top.at("metadata")
        return metadata.at("namespace").namespace(self.namespace), metadata.at("name").name()

    def _choose(
        self, kafkas: list[FieldCursor], cluster: str, kafka_namespace: str
    ) -> FieldCursor | None:
        namespace, slash, name = cluster.rpartition("/")
        fits = kafkas
        if cluster:
            fits = [kafka for kafka in fits if self._name(kafka)[1] == name]
        if slash:
            fits = [kafka for kafka in fits if self._name(kafka)[0] == namespace]
        if kafka_namespace:
            fits = [kafka for kafka in fits if self._name(kafka)[0] == kafka_namespace]
        if len({self._name(kafka) for kafka in fits}) > 1 and self.namespace:
            here = [kafka for kafka in fits if self._name(kafka)[0] == self.namespace]
            fits = here or fits
        names = sorted({"/".join(self._name(kafka)) for kafka in fits})
        if len(names) == 1:
            return fits[0]
        if names:
            listed = ", ".join(names)
            message = f"several Kafka clusters: {listed}; choose one with --cluster NAMESPACE/NAME"
            fits[0].error("several-clusters", message)
        elif (cluster or kafka_namespace) and kafkas:
            listed = ", ".join(sorted("/".join(self._name(kafka)) for kafka in kafkas))
            wanted = f"Kafka {cluster}" if cluster else "Kafka"
            of_namespace = f" of namespace {kafka_namespace}" if kafka_namespace else ""
            message = f"no {wanted}{of_namespace} in the input, which has {listed}"
            kafkas[0].error("no-kafka", message)
        elif not self._all("Kafka"):
            location = self._somewhere()
            message = f"no kind: Kafka of group {STRIMZI} in the input"
            self.problems.append(error("no-kafka", location, "", message))
        return None

    def _somewhere(self) -> Location:
        if self.documents:
            return Location(self.documents[0].root.location.source)
        return Location("<input>")

    def _check_settled(self, kafka: FieldCursor, annotations: FieldCursor) -> None:
        kraft = annotations.at("strimzi.io/kraft")
        state = kafka.at("status", "kafkaMetadataState")
        if kraft.string() in ("migration", "rollback"):
            kraft.error(
                "metadata-migration",
                f'Invalid value: "{kraft.string()}": a cluster on its way between ZooKeeper and '
                "KRaft must not be stopped; finish the migration or roll it back first",
            )
        elif state.string() not in STABLE_METADATA_STATES:
            state.error(
                "metadata-migration",
                f"Invalid value: {quote_name(state.string())}: the migration between ZooKeeper and "
                "KRaft has not ended; the cluster must not be stopped",
            )

    def _bounds(self, kafka: FieldCursor, pools: Sequence[FieldCursor]) -> VersionRange:
        bounds = VersionRange.exactly(self.version) if self.version else VersionRange()
        if bounds.first < OLDEST:
            kafka.error(
                "unsupported-version",
                f"Strimzi {bounds} is too old: {format_version(OLDEST)} is the first "
                "that can be paused "
                "and has API v1beta2 alone",
            )
        version = kafka.at("apiVersion").string().rpartition("/")[2]
        if version in API_FEATURES:
            bounds = bounds.having(API_FEATURES[version])
        else:
            known = ", ".join(f'"{STRIMZI}/{name}"' for name in API_FEATURES)
            message = f"Unsupported value: {quote_name(version)}: supported values: {known}"
            kafka.at("apiVersion").error("unsupported-version", message)
        if pools:
            bounds = bounds.having(VersionFeature.NODE_POOLS)
        for kind, group, feature in LIVE:
            if self._is_live(kind, group, kafka):
                bounds = bounds.having(feature)
        seen = parse_version(kafka.at("status", "operatorLastSuccessfulVersion").string())
        if seen and not self.version:  # a lower bound only: operators are upgraded
            bounds = bounds.since(seen, "status.operatorLastSuccessfulVersion")
        return bounds

    def _uses_zookeeper(self, kafka: FieldCursor, annotations: FieldCursor) -> bool:
        # The annotation decides: up to 0.39 the CRD required spec.zookeeper in KRaft mode as well.
        if kafka.at("apiVersion").string() == f"{STRIMZI}/v1":
            if kafka.at("spec", "zookeeper").present:
                kafka.at("spec", "zookeeper").error(
                    "contradiction", "API v1 has no ZooKeeper; is this a v1beta2 resource?"
                )
            return False
        if annotations.at("strimzi.io/kraft").string() == "enabled":
            return False
        return kafka.at("spec", "zookeeper").present

    def _kraft(self, kafka: FieldCursor, bounds: VersionRange) -> VersionRange:
        annotated = kafka.at("metadata", "annotations", "strimzi.io/kraft").string() == "enabled"
        return bounds.having(
            VersionFeature.KRAFT_ANNOTATED if annotated else VersionFeature.KRAFT_ALONE
        )

    def _pools(self, namespace: str, cluster: str) -> list[FieldCursor]:
        """Return the pools of the cluster; report those that belong to no Kafka."""
        kafkas = {self._name(kafka) for kafka in self._all("Kafka")}
        mine = []
        for pool in self._all("KafkaNodePool"):
            pool_namespace, name = self._name(pool)
            label = pool.at("metadata", "labels", CLUSTER_LABEL)
            owner = label.name()
            if (pool_namespace, owner) == (namespace, cluster):
                mine.append(pool)
            elif pool_namespace and name and owner and (pool_namespace, owner) not in kafkas:
                report_orphan_pool(label, f"{pool_namespace}/{owner}")
        return mine

    def _pools_in_use(
        self,
        kafka: FieldCursor,
        annotations: FieldCursor,
        pools: list[FieldCursor],
        *,
        uses_zookeeper: bool,
    ) -> list[FieldCursor] | None:
        """Return the pools; None if the cluster does not use node pools."""
        enabled = annotations.at("strimzi.io/node-pools").string() == "enabled"
        uses_pools = enabled or not uses_zookeeper
        if uses_pools and not pools:
            kafka.error(
                "missing-field", "the cluster uses node pools but no KafkaNodePool is in the input"
            )
        if pools and not uses_pools:
            annotations.at("strimzi.io/node-pools").error(
                "contradiction",
                'KafkaNodePools are in the input but this is not "enabled": Strimzi ignores them',
            )
        return pools if uses_pools else None

    def _others(self, namespace: str, cluster: str) -> tuple[BootstrapAddresses, ...]:
        """Return the addresses of every other Kafka; their problems are not reported here."""
        kafkas: dict[tuple[str, str], FieldCursor] = {}
        pools: dict[tuple[str, str], list[str]] = {}
        for document in self.documents:
            if document.group != STRIMZI:
                continue
            its_namespace = document.text("metadata", "namespace") or self.namespace
            name = document.text("metadata", "name")
            if document.kind == "Kafka" and its_namespace and name:
                kafkas[its_namespace, name] = FieldCursor.of(document, [])
            elif document.kind == "KafkaNodePool":
                owner = (its_namespace, document.text("metadata", "labels", CLUSTER_LABEL))
                pools.setdefault(owner, []).append(name)
        kafkas.pop((namespace, cluster), None)
        others = list(self.others)
        for (its_namespace, name), kafka in kafkas.items():
            others.append(
                bootstrap_addresses(
                    name, its_namespace, kafka, pools.get((its_namespace, name), ())
                )
            )
        return tuple(others)

    def _is_live(self, kind: str, group: str, kafka: FieldCursor) -> bool:
        """Return whether the input, read from a cluster, has workloads of this Kafka."""
        namespace, name = self._name(kafka)
        for workload in self._all(kind, group):
            labels = workload.at("metadata", "labels")
            owner = (labels.at("strimzi.io/kind").string(), labels.at(CLUSTER_LABEL).string())
            if owner == ("Kafka", name) and self._name(workload)[0] == namespace:
                return True
        return False

    def _kinds(self, kafka: FieldCursor, bounds: VersionRange) -> tuple[WorkloadKind, ...]:
        """Return the possible kinds of the workloads; a live StrimziPodSet decides."""
        if self._is_live("StrimziPodSet", STRIMZI_CORE, kafka):
            return (WorkloadKind.POD_SET,)
        kinds = (
            (WorkloadKind.POD_SET, VersionFeature.POD_SETS),
            (WorkloadKind.STATEFUL_SET, VersionFeature.STATEFUL_SETS),
        )
        return tuple(kind for kind, feature in kinds if bounds.may_have(feature))

    def _check_watched(self, spec: FieldCursor, kafka_namespace: str, bounds: VersionRange) -> None:
        """Report topics and users elsewhere; later operators refuse them without a setting."""
        needs_setting = bounds.may_have(VersionFeature.WATCHED_NAMESPACE_SETTING)
        is_certain = not bounds.may_have(VersionFeature.WATCHED_NAMESPACE)
        for name, kind in (("topicOperator", "KafkaTopics"), ("userOperator", "KafkaUsers")):
            watched = spec.at("entityOperator", name, "watchedNamespace")
            if watched.string() in ("", kafka_namespace):
                continue
            message = (
                f"the {kind} of this Kafka are in namespace {watched.string()}: a backup of "
                f"{kafka_namespace} holds none of them, so back that namespace up as well"
            )
            if needs_setting:
                operator = f"Strimzi {bounds}" if is_certain else "from 1.0.1 on, the operator"
                message += (
                    f"; {operator} deletes the entity operator and does not make this Kafka Ready "
                    f"unless {WATCHED_NAMESPACE_VARIABLE} is true in its environment"
                )
            watched.warn("watched-namespace", message)

    def _check_spec(self, spec: FieldCursor, annotations: FieldCursor) -> None:
        if spec.at("kafka", "tieredStorage").present:
            spec.at("kafka", "tieredStorage").warn(
                "tiered-storage",
                "segments in remote storage are outside the volumes: back that storage up as well",
            )
        version = spec.at("kafka", "version")
        if not version.string():
            version.warn(
                "unpinned-version",
                "not set: if the operator is upgraded while the cluster is stopped, brokers start "
                "on its default version at once, with no rolling upgrade; set the version",
            )
        is_backup = annotations.at(PREVIOUS_PAUSE).present
        if annotations.at(PAUSE_RECONCILIATION).string().lower() == "true" and not is_backup:
            annotations.at(PAUSE_RECONCILIATION).warn(
                "paused",
                "reconciliation is paused already: it is resumed until the brokers serve again, "
                "then paused as before",
            )

    def _check_kafka_version(self, version: FieldCursor, bounds: VersionRange) -> None:
        """Report a version of Kafka that no operator which fits the other fields runs."""
        text = version.string()
        if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", text) or has_error(self.problems):
            return  # after another error the range of operators may be wrong
        known = kafka_versions(bounds)
        if not known or text in known:  # the operator may be newer than the table
            return
        listed = ", ".join(known) if len(known) <= MAX_LISTED else f"{known[0]} to {known[-1]}"
        operators = operators_for(text)
        if operators:
            remedy = f"Kafka {text} needs Strimzi {operators}"
        elif bounds.last is None:
            remedy = "if the operator is newer than this list, give its version: --strimzi-version"
        else:
            remedy = "set a version of this list"
        version.error(
            "kafka-version",
            f"Unsupported value: {quote_name(text)}: Strimzi {bounds} runs Kafka {listed}; "
            f"{remedy}",
        )

    def _check_kubernetes(self, kafka: FieldCursor, bounds: VersionRange) -> None:
        if self.kubernetes is None or has_error(self.problems):
            return  # after an error the range of operators may be wrong
        if message := unsupported_kubernetes(bounds, self.kubernetes):
            kafka.warn("kubernetes-version", message)

    def _check_unique(self) -> None:
        seen: dict[tuple[str, str, str], Location] = {}
        for kind in ("Kafka", "KafkaNodePool", *CLIENTS):
            for top in self._all(kind):
                key = (kind, *self._name(top))
                if all(key) and key in seen:
                    message = f"{kind} {key[1]}/{key[2]} is defined at {seen[key]} already"
                    top.error("duplicate-object", message)
                seen.setdefault(key, top.location)
