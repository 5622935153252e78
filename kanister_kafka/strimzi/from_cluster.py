"""Custom resources from a live cluster; nothing is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kanister_kafka.constants import CLUSTER_LABEL, STRIMZI
from kanister_kafka.diagnostics import Diagnostic, Location, error, warning
from kanister_kafka.errors import ForbiddenError, InputError, NotFoundError, UnreachableError
from kanister_kafka.kube.client import PODS, REPLICA_SETS, ApiResource, KubeClient, Object, Objects
from kanister_kafka.kube.pod_options import minor_of_server
from kanister_kafka.strimzi.clients import CLIENTS, is_client
from kanister_kafka.strimzi.cursor import FieldCursor
from kanister_kafka.strimzi.discovery import VERSIONS
from kanister_kafka.strimzi.listeners import BootstrapAddresses, bootstrap_addresses
from kanister_kafka.yamldoc import Document, document_from_dict

RESOURCES = {
    "Kafka": f"kafkas.{STRIMZI}",
    "KafkaNodePool": f"kafkanodepools.{STRIMZI}",
    "StrimziPodSet": "strimzipodsets.core.strimzi.io",
    "StatefulSet": "statefulsets.apps",
    **{kind: client.resource for kind, client in CLIENTS.items()},
}
Documents = tuple[Document, ...]
WORKLOADS = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True)
class ClusterResources:
    """The objects of a live cluster, and warnings about those that could not be read."""

    documents: Documents
    problems: tuple[Diagnostic, ...]
    others: tuple[BootstrapAddresses, ...] = ()
    """Addresses of the other Kafkas, to recognise their clients."""
    minor: int | None = None
    """Minor version of Kubernetes; None if the API server does not report it."""


@dataclass(frozen=True, slots=True)
class ObjectWithPods:
    """One object of a live cluster, and for a workload the objects that it may own."""

    document: Document
    pods: Objects | None
    """All pods of its namespace; None for other kinds, and if they may not be listed."""
    replica_sets: Objects


def read_cluster_resources(
    name: str, namespace: str, *, context: str = "", client: KubeClient | None = None
) -> ClusterResources:
    """Read a Kafka cluster, its workloads, and all possible clients; nothing is changed.

    `client` is asked, else the API server of the context. Without a name every Kafka of the
    namespace is read; without a namespace, that of the context. Raises UnreachableError, or
    InputError if the server answers but has no such Kafka.
    """
    server = _StrimziReader(client or KubeClient(context))
    namespace = namespace or server.namespace
    label = f"{CLUSTER_LABEL}={name}" if name else ""
    documents = server.read("Kafka", namespace, name=name)
    if name and not documents:
        raise InputError((_no_kafka(server, name, namespace),))
    documents += server.read("KafkaNodePool", namespace, label=label)
    problems = []
    for kind in ("StrimziPodSet", "StatefulSet"):
        try:
            documents += server.read(kind, namespace, label=label or CLUSTER_LABEL)
        except ForbiddenError:
            problems.append(_partial(kind, f"those in namespace {namespace}"))
    for kind in CLIENTS:
        try:
            documents += server.read(kind)
        except ForbiddenError:
            documents += server.read(kind, namespace)
            problems.append(_partial(kind, f"writers in namespaces other than {namespace}"))
    others = _others(server, documents) if any(map(is_client, documents)) else ()
    return ClusterResources(documents, tuple(problems), others, server.minor())


def server_minor(*, context: str = "") -> int | None:
    """Return the minor version of Kubernetes; None if the API server does not report it."""
    return _StrimziReader(KubeClient(context)).minor()


def _others(server: _StrimziReader, documents: Documents) -> tuple[BootstrapAddresses, ...]:
    """Return the addresses of all other Kafkas; none if they may not be listed."""
    mine = {_key(document) for document in documents if document.kind == "Kafka"}
    try:
        kafkas = server.read("Kafka")
        pools = server.read("KafkaNodePool")
    except ForbiddenError:
        return ()  # then `unplaced-writer` is reported for each of their clients
    names: dict[tuple[str, str], list[str]] = {}
    for pool in pools:
        owner = pool.text("metadata", "labels", CLUSTER_LABEL)
        names.setdefault((_key(pool)[0], owner), []).append(_key(pool)[1])
    others = []
    for kafka in kafkas:
        key = _key(kafka)
        if key not in mine:
            namespace, name = key
            pool_names = names.get(key, ())
            top = FieldCursor.of(kafka, [])
            others.append(bootstrap_addresses(name, namespace, top, pool_names))
    return tuple(others)


def _key(document: Document) -> tuple[str, str]:
    return document.text("metadata", "namespace"), document.text("metadata", "name")


def iter_clusters(namespace: str = "", *, context: str = "") -> Iterator[Document | Diagnostic]:
    """Read every Kafka cluster of a namespace, or of all, and all possible clients.

    There is one list request for each kind, for any number of clusters, and at most a page of
    its answer is in memory. Raises UnreachableError.
    """
    server = _StrimziReader(KubeClient(context))
    yield from server.each("Kafka", namespace)
    yield from server.each("KafkaNodePool", namespace)
    for kind in ("StrimziPodSet", "StatefulSet"):
        try:
            yield from server.each(kind, namespace, label=CLUSTER_LABEL)
        except ForbiddenError:
            yield _partial(kind, f"those in {_scope(namespace)}")
    for kind in CLIENTS:
        try:
            yield from server.each(kind)
        except ForbiddenError:
            if not namespace:
                raise
            yield from server.each(kind, namespace)
            yield _partial(kind, f"writers in namespaces other than {namespace}")


def read_object(kind: str, namespace: str, name: str, *, context: str = "") -> ObjectWithPods:
    """Read one object of any kind; without a namespace it is cluster-scoped.

    The kind has one of kubectl's forms: Kafka, kafkas, kafkas.kafka.strimzi.io. The values of a
    Secret are dropped at once. Raises UnreachableError.
    """
    cluster = KubeClient(context)
    resource = cluster.named(kind)
    item = cluster.get(resource, name, namespace)
    item["metadata"].pop("managedFields", None)
    if resource.kind == "Secret":
        item = {key: item[key] for key in ("apiVersion", "kind", "metadata", "type")}
        item["metadata"].pop("annotations", None)  # kubectl keeps a copy of the values there
    if resource.kind not in WORKLOADS:
        return ObjectWithPods(document_from_dict(item), None, ())
    try:
        pods = cluster.items(PODS, namespace)
        sets = cluster.items(REPLICA_SETS, namespace)
        return ObjectWithPods(document_from_dict(item), pods, sets)
    except ForbiddenError:
        return ObjectWithPods(document_from_dict(item), None, ())


def _scope(namespace: str) -> str:
    return f"namespace {namespace}" if namespace else "all namespaces"


def _partial(kind: str, unseen: str) -> Diagnostic:
    message = f"{unseen} were not looked for: listing {RESOURCES[kind]} there is forbidden"
    return warning("partial-view", Location(kind), "", message)


def _no_kafka(server: _StrimziReader, name: str, namespace: str) -> Diagnostic:
    try:
        names = [kafka.text("metadata", "name") for kafka in server.read("Kafka", namespace)]
        known = f"which has {', '.join(names) or 'none'}"
    except ForbiddenError:
        known = "and listing those that exist is forbidden"
    message = f"no Kafka {name} in namespace {namespace}, {known}"
    return error("no-kafka", Location(f"Kafka/{namespace}/{name}"), "", message)


class _StrimziReader:
    """Reads Strimzi's resources in the version that loses no field."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self.namespace = client.namespace
        self._served = self._client.groups()
        if not set(VERSIONS).intersection(self._served.get(STRIMZI, ())):
            message = "Strimzi's custom resources are not installed on this cluster: it has no API"
            raise UnreachableError(
                f"{self._client.host}: {message} {STRIMZI}/{' or '.join(VERSIONS)}"
            )

    def minor(self) -> int | None:
        """Return the minor version of Kubernetes; None if the server does not report it."""
        try:
            return minor_of_server(self._client.version())
        except UnreachableError:  # its users have a default
            return None

    def read(self, kind: str, namespace: str = "", label: str = "", name: str = "") -> Documents:
        """Return the objects of a namespace, or of all; none if the kind is not served."""
        return tuple(self.each(kind, namespace, label, name))

    def each(
        self, kind: str, namespace: str = "", label: str = "", name: str = ""
    ) -> Iterator[Document]:
        """Yield the same as they come, page by page."""
        plural, _, group = RESOURCES[kind].partition(".")
        for version in VERSIONS:
            if version not in self._served.get(group, ()):
                continue
            resource = ApiResource(("apis", group, version), plural, kind, namespaced=True)
            try:
                yield from self._documents(resource, namespace, label, name)
            except NotFoundError:  # a group does not have each of its kinds in each version
                continue
            return

    def _documents(
        self, resource: ApiResource, namespace: str, label: str, name: str
    ) -> Iterator[Document]:
        items: Iterable[Object]
        if name:
            items = (self._client.get(resource, name, namespace),)
        else:
            items = self._client.each(resource, namespace, label)
        for item in items:
            item["metadata"].pop("managedFields", None)
            yield document_from_dict(item)
