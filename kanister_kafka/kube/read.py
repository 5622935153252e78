"""Custom resources from a live cluster; nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from kanister_kafka.document import Document, from_object
from kanister_kafka.errors import ForbiddenError, InputError, NotFoundError, UnreachableError
from kanister_kafka.kube.connect import access, connect, line, said
from kanister_kafka.kube.connection import PODS, REPLICA_SETS, Connection, Objects
from kanister_kafka.pods import minor_of_server
from kanister_kafka.problem import Location, Problem, error, warning
from kanister_kafka.strimzi.addresses import Addresses, addresses
from kanister_kafka.strimzi.fields import Field
from kanister_kafka.strimzi.read import CLUSTER_LABEL, GROUP
from kanister_kafka.strimzi.writers import CLIENTS, is_client

VERSIONS = ("v1beta2", "v1")
"""API versions that are read, the preferred one first. From 0.49 to 0.51 both are served without
conversion: v1 would leave out the fields that it does not know, such as `spec.clusters`."""
RESOURCES = {
    "Kafka": f"kafkas.{GROUP}",
    "KafkaNodePool": f"kafkanodepools.{GROUP}",
    "StrimziPodSet": "strimzipodsets.core.strimzi.io",
    "StatefulSet": "statefulsets.apps",
    **{kind: client.resource for kind, client in CLIENTS.items()},
}
Documents = tuple[Document, ...]
WORKLOADS = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True)
class Fetched:
    """The objects of a live cluster, and warnings about what could not be looked at."""

    documents: Documents
    problems: tuple[Problem, ...]
    others: tuple[Addresses, ...] = ()
    """Addresses of Kafkas that were not asked for, so that clients of theirs are known as that."""
    minor: int | None = None
    """Minor version of Kubernetes; None where the API server does not tell it."""


@dataclass(frozen=True, slots=True)
class Live:
    """One object of a live cluster, and for a workload what it may own."""

    document: Document
    pods: Objects | None
    """All pods of its namespace; None for other kinds, and where they may not be listed."""
    replica_sets: Objects


def fetch(name: str, namespace: str, *, context: str = "") -> Fetched:
    """Read a Kafka cluster, its workloads, and all that may write into it; nothing is changed.

    Without a name every Kafka of the namespace is read; without a namespace, that of the context.
    Raises UnreachableError, or InputError where the server answers but has no such Kafka.
    """
    server = _Server(context)
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
    return Fetched(documents, tuple(problems), others, server.minor())


def server_minor(*, context: str = "") -> int | None:
    """Return the minor version of Kubernetes; None where the API server does not tell it."""
    return _Server(context).minor()


def _others(server: _Server, documents: Documents) -> tuple[Addresses, ...]:
    """Return the addresses of all other Kafkas; none where they may not be listed."""
    mine = {_key(document) for document in documents if document.kind == "Kafka"}
    try:
        kafkas, pools = server.read("Kafka"), server.read("KafkaNodePool")
    except ForbiddenError:
        return ()  # what cannot be placed then is told of each client
    names: dict[tuple[str, str], list[str]] = {}
    for pool in pools:
        owner = pool.text("metadata", "labels", CLUSTER_LABEL)
        names.setdefault((_key(pool)[0], owner), []).append(_key(pool)[1])
    return tuple(
        addresses(name, home, Field.of(kafka, []), names.get((home, name), ()))
        for kafka in kafkas
        for home, name in [_key(kafka)]
        if (home, name) not in mine
    )


def _key(document: Document) -> tuple[str, str]:
    return document.text("metadata", "namespace"), document.text("metadata", "name")


def fetch_each(namespace: str = "", *, context: str = "") -> Iterator[Document | Problem]:
    """Read every Kafka cluster of a namespace, or of all, and all that may write into one.

    There is one listing for each kind, however many clusters there are, and no more than a page of
    it is in memory. Raises UnreachableError.
    """
    server = _Server(context)
    yield from server.each("Kafka", namespace)
    yield from server.each("KafkaNodePool", namespace)
    for kind in ("StrimziPodSet", "StatefulSet"):
        try:
            yield from server.each(kind, namespace, label=CLUSTER_LABEL)
        except ForbiddenError:
            yield _partial(kind, f"those in {_place(namespace)}")
    for kind in CLIENTS:
        try:
            yield from server.each(kind)
        except ForbiddenError:
            if not namespace:
                raise
            yield from server.each(kind, namespace)
            yield _partial(kind, f"writers in namespaces other than {namespace}")


def fetch_object(kind: str, namespace: str, name: str, *, context: str = "") -> Live:
    """Read one object of any kind; without a namespace it is one of the whole cluster.

    The kind is spelled as kubectl takes it: Kafka, kafkas, kafkas.kafka.strimzi.io. The values of a
    Secret are dropped at once. Raises UnreachableError.
    """
    cluster = Connection(context)
    found = cluster.named(kind)
    item = cluster.get(found, name, namespace)
    item["metadata"].pop("managedFields", None)
    if found.kind == "Secret":
        item = {key: item[key] for key in ("apiVersion", "kind", "metadata", "type")}
        item["metadata"].pop("annotations", None)  # kubectl keeps a copy of the values there
    if found.kind not in WORKLOADS:
        return Live(from_object(item), None, ())
    try:
        pods = cluster.items(PODS, namespace)
        sets = cluster.items(REPLICA_SETS, namespace)
        return Live(from_object(item), pods, sets)
    except ForbiddenError:
        return Live(from_object(item), None, ())


def _place(namespace: str) -> str:
    return f"namespace {namespace}" if namespace else "all namespaces"


def _partial(kind: str, unseen: str) -> Problem:
    message = f"{unseen} were not looked for: listing {RESOURCES[kind]} there is forbidden"
    return warning("partial-view", Location(kind), "", message)


def _no_kafka(server: _Server, name: str, namespace: str) -> Problem:
    try:
        found = [kafka.text("metadata", "name") for kafka in server.read("Kafka", namespace)]
        known = f"which has {', '.join(found) or 'none'}"
    except ForbiddenError:
        known = "and listing those that exist is forbidden"
    message = f"no Kafka {name} in namespace {namespace}, {known}"
    return error("no-kafka", Location(f"Kafka/{namespace}/{name}"), "", message)


class _Server:
    """An API server that is asked for reads only."""

    def __init__(self, context: str) -> None:
        from kubernetes import client  # here and below: it doubles the start-up of each command

        api, self.namespace = connect(context)
        self._host = api.configuration.host.rpartition("@")[2]  # without a password in the URL
        self._objects: Any = client.CustomObjectsApi(api)
        self._version: Any = client.VersionApi(api)
        listed = client.ApisApi(api).get_api_versions
        groups = self._ask("list API groups", lambda **asked: listed(**asked).to_dict())["groups"]
        self._served = {g["name"]: [v["version"] for v in g["versions"]] for g in groups}
        if not set(VERSIONS).intersection(self._served.get(GROUP, ())):
            message = "Strimzi's custom resources are not installed on this cluster: it has no API"
            raise UnreachableError(f"{self._host}: {message} {GROUP}/{' or '.join(VERSIONS)}")

    def minor(self) -> int | None:
        """Return the minor version of Kubernetes; None where the server does not tell it."""
        code = self._version.get_code
        try:
            return minor_of_server(self._ask("get /version", lambda **a: code(**a).to_dict()))
        except UnreachableError:  # what depends on it has a default
            return None

    def read(self, kind: str, namespace: str = "", label: str = "", name: str = "") -> Documents:
        """Return the objects of a namespace, or of all; none where the kind is not served."""
        return tuple(self.each(kind, namespace, label, name))

    def each(
        self, kind: str, namespace: str = "", label: str = "", name: str = ""
    ) -> Iterator[Document]:
        """Yield the same as they come, page by page."""
        plural, _, group = RESOURCES[kind].partition(".")
        for version in (v for v in VERSIONS if v in self._served.get(group, ())):
            place = {"group": group, "version": version, "plural": plural}
            named = {"apiVersion": f"{group}/{version}", "kind": kind}  # items of a list lack it
            try:
                for item in self._items(place, namespace, label, name):
                    item["metadata"].pop("managedFields", None)
                    yield from_object({**named, **item})
            except NotFoundError:  # a group does not have each of its kinds in each version
                continue
            return

    def _items(self, place: dict[str, str], namespace: str, label: str, name: str) -> Iterator[Any]:
        call = self._objects.list_cluster_custom_object
        if namespace:
            call = self._objects.list_namespaced_custom_object
            place = {**place, "namespace": namespace}
        what = f"{place['plural']}.{place['group']} in {_place(namespace)}"
        if name:
            get = self._objects.get_namespaced_custom_object
            yield self._ask(f"get {name} of {what}", get, **place, name=name)
            return
        options = {"limit": 500, "label_selector": label or None}  # kubectl's page
        while True:
            page = self._ask(f"list {what}", call, **place, **options)
            yield from page.get("items") or ()
            options["_continue"] = page.get("metadata", {}).get("continue")
            if not options["_continue"]:
                return

    def _ask(self, what: str, call: Callable[..., Any], **asked: Any) -> dict[str, Any]:
        from kubernetes import client, config
        from urllib3.exceptions import HTTPError

        start = f"{self._host}: cannot {what}"
        try:
            return {**call(**asked, _request_timeout=access().timeouts)}
        except client.ApiException as failure:
            refusal = {403: ForbiddenError, 404: NotFoundError}.get(failure.status)
            raise (refusal or UnreachableError)(f"{start}: {said(failure)}") from failure
        except (HTTPError, OSError, config.ConfigException) as failure:
            raise UnreachableError(f"{start}: {line(failure)}") from failure
        except (AttributeError, TypeError, ValueError) as failure:  # may quote the token
            raise UnreachableError(f"{start}: malformed credentials or answer") from failure
