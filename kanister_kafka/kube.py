"""Custom resources from a live cluster; the only module that imports the kubernetes client."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kanister_kafka.document import Document, from_object
from kanister_kafka.errors import InputError, UnreachableError
from kanister_kafka.problem import Location, Problem, error, warning
from kanister_kafka.strimzi.read import CLUSTER_LABEL, GROUP
from kanister_kafka.strimzi.writers import CLIENTS

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
TIMEOUTS = (5, 30)  # seconds to connect, and to wait for each part of an answer
Documents = tuple[Document, ...]
Objects = tuple[dict[str, Any], ...]
APPS = "apps"
WORKLOADS = ("Deployment", "StatefulSet")


@dataclass(frozen=True, slots=True)
class Fetched:
    """The objects of a live cluster, and warnings about what could not be looked at."""

    documents: Documents
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Live:
    """One object of a live cluster, and for a workload what it may own."""

    document: Document
    pods: Objects | None
    """All pods of its namespace; None for other kinds, and where they may not be listed."""
    replica_sets: Objects


class _NotFoundError(UnreachableError):
    """No such object, or no such resource in this version."""


class _ForbiddenError(UnreachableError):
    """The user may not do this."""


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
        except _ForbiddenError:
            problems.append(_partial(kind, f"those in namespace {namespace}"))
    for kind in CLIENTS:
        try:
            documents += server.read(kind)
        except _ForbiddenError:
            documents += server.read(kind, namespace)
            problems.append(_partial(kind, f"writers in namespaces other than {namespace}"))
    return Fetched(documents, tuple(problems))


def fetch_object(kind: str, namespace: str, name: str, *, context: str = "") -> Live:
    """Read one object of any kind; without a namespace it is one of the whole cluster.

    The kind is spelled as kubectl takes it: Kafka, kafkas, kafkas.kafka.strimzi.io. The values of a
    Secret are dropped at once. Raises UnreachableError.
    """
    cluster = _Cluster(context)
    base, found = cluster.resource(kind)
    place = ("namespaces", namespace) if namespace else ()
    item = cluster.get(*base, *place, found["name"], name)
    item["metadata"].pop("managedFields", None)
    if found["kind"] == "Secret":
        item = {key: item[key] for key in ("apiVersion", "kind", "metadata", "type")}
        item["metadata"].pop("annotations", None)  # kubectl keeps a copy of the values there
    if found["kind"] not in WORKLOADS:
        return Live(from_object(item), None, ())
    try:
        pods = cluster.items("api", "v1", *place, "pods")
        return Live(
            from_object(item), pods, cluster.items("apis", APPS, "v1", *place, "replicasets")
        )
    except _ForbiddenError:
        return Live(from_object(item), None, ())


def _partial(kind: str, unseen: str) -> Problem:
    message = f"{unseen} were not looked for: listing {RESOURCES[kind]} there is forbidden"
    return warning("partial-view", Location(kind), "", message)


def _no_kafka(server: _Server, name: str, namespace: str) -> Problem:
    try:
        found = [kafka.text("metadata", "name") for kafka in server.read("Kafka", namespace)]
        known = f"which has {', '.join(found) or 'none'}"
    except _ForbiddenError:
        known = "and listing those that exist is forbidden"
    message = f"no Kafka {name} in namespace {namespace}, {known}"
    return error("no-kafka", Location(f"Kafka/{namespace}/{name}"), "", message)


class _Server:
    """An API server that is asked for reads only."""

    def __init__(self, context: str) -> None:
        from kubernetes import client  # here and below: it doubles the start-up of each command

        api, self.namespace = _connect(context)
        self._host = api.configuration.host.rpartition("@")[2]  # without a password in the URL
        self._objects: Any = client.CustomObjectsApi(api)
        listed = client.ApisApi(api).get_api_versions
        groups = self._ask("list API groups", lambda **asked: listed(**asked).to_dict())["groups"]
        self._served = {g["name"]: [v["version"] for v in g["versions"]] for g in groups}
        if not set(VERSIONS).intersection(self._served.get(GROUP, ())):
            message = "Strimzi's custom resources are not installed on this cluster: it has no API"
            raise UnreachableError(f"{self._host}: {message} {GROUP}/{' or '.join(VERSIONS)}")

    def read(self, kind: str, namespace: str = "", label: str = "", name: str = "") -> Documents:
        """Return the objects of a namespace, or of all; none where the kind is not served."""
        plural, _, group = RESOURCES[kind].partition(".")
        for version in (v for v in VERSIONS if v in self._served.get(group, ())):
            place = {"group": group, "version": version, "plural": plural}
            try:
                items = self._items(place, namespace, label, name)
            except _NotFoundError:  # a group does not have each of its kinds in each version
                continue
            for item in items:
                item["metadata"].pop("managedFields", None)
            named = {"apiVersion": f"{group}/{version}", "kind": kind}  # items of a list lack it
            return tuple(from_object({**named, **item}) for item in items)
        return ()

    def _items(self, place: dict[str, str], namespace: str, label: str, name: str) -> list[Any]:
        call, where = self._objects.list_cluster_custom_object, "all namespaces"
        if namespace:
            call, where = self._objects.list_namespaced_custom_object, f"namespace {namespace}"
            place = {**place, "namespace": namespace}
        what = f"{place['plural']}.{place['group']} in {where}"
        if name:
            get = self._objects.get_namespaced_custom_object
            return [self._ask(f"get {name} of {what}", get, **place, name=name)]
        options = {"limit": 500, "label_selector": label or None}  # kubectl's page
        items: list[Any] = []
        while True:
            page = self._ask(f"list {what}", call, **place, **options)
            items += page.get("items") or ()
            options["_continue"] = page.get("metadata", {}).get("continue")
            if not options["_continue"]:
                return items

    def _ask(self, what: str, call: Callable[..., Any], **asked: Any) -> dict[str, Any]:
        from kubernetes import client, config
        from urllib3.exceptions import HTTPError

        start = f"{self._host}: cannot {what}"
        try:
            return {**call(**asked, _request_timeout=TIMEOUTS)}
        except client.ApiException as failure:
            refusal = {403: _ForbiddenError, 404: _NotFoundError}.get(failure.status)
            raise (refusal or UnreachableError)(f"{start}: {_said(failure)}") from failure
        except (HTTPError, OSError, config.ConfigException) as failure:
            raise UnreachableError(f"{start}: {_line(failure)}") from failure
        except (AttributeError, TypeError, ValueError) as failure:  # may quote the token
            raise UnreachableError(f"{start}: malformed credentials or answer") from failure


class _Cluster(_Server):
    """An API server that is asked for anything, by path."""

    def __init__(self, context: str) -> None:
        from kubernetes import dynamic

        library: Any = dynamic  # it has no types
        api, self.namespace = _connect(context)
        self._host = api.configuration.host.rpartition("@")[2]
        self._client = library.DynamicClient(
            api, discoverer=lambda *_: None
        )  # else it reads it all

    def get(self, *steps: str) -> dict[str, Any]:
        """Return the JSON at a path."""
        path = "/".join(("", *(quote(step, safe="") for step in steps if step)))
        return self._ask(f"get {path}", self._get, path=path)

    def _get(self, *, path: str, _request_timeout: tuple[int, int]) -> Any:
        asked = {"serialize": False, "_request_timeout": _request_timeout}
        return json.loads(self._client.request("get", path, **asked).data)

    def items(self, *steps: str) -> Objects:
        """Return the objects of a list."""
        return tuple(self.get(*steps).get("items") or ())

    def resource(self, wanted: str) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Return the path to a kind, and what the server says of it."""
        name, _, group = wanted.lower().partition(".")
        served = {g["name"]: g["preferredVersion"]["version"] for g in self.get("apis")["groups"]}
        rest = sorted(served, key=lambda other: other != APPS)
        for at in (group,) if group else ("", *rest):
            base = ("apis", at, served[at]) if at in served else ("api", "v1")
            for found in self.get(*base).get("resources") or () if at in ("", *served) else ():
                names = (found["name"], found["kind"].lower(), *found.get("shortNames", ()))
                if name in names and "/" not in found["name"]:  # which would be a subresource
                    return base, found
        raise UnreachableError(f"{self._host}: has no resource {wanted!r}")


def _undiscovered(*_arguments: Any) -> None:
    """Stand in for a discovery that would read every resource and keep them in a file."""


def _connect(context: str) -> tuple[Any, str]:
    """Return a client and the namespace of its context, chosen as kubectl does."""
    from kubernetes import client, config
    from urllib3.exceptions import HTTPError

    loading: Any = config.kube_config  # it lets through what its YAML, OIDC and HTTP raise
    foreign = (loading.yaml.YAMLError, loading.oauthlib.oauth2.OAuth2Error, HTTPError)
    places = os.environ.get("KUBECONFIG") or "~/.kube/config"
    configuration: Any = client.Configuration()
    configuration.retries = False  # else urllib3 tries thrice more and logs a warning each time
    try:
        namespace = _configure(config, configuration, places, context)
        return client.ApiClient(configuration), namespace
    except (config.ConfigException, client.ApiException, OSError, *foreign) as failure:
        raise UnreachableError(f"kubeconfig {places}: {_line(failure)}") from failure
    except (AttributeError, LookupError, TypeError, ValueError) as failure:
        # The loader trusts the shape of the file; what Python then says may quote a credential.
        raise UnreachableError(f"kubeconfig {places}: has not the shape of one") from failure


def _configure(config: Any, configuration: Any, places: str, context: str) -> str:
    files = config.kube_config.KubeConfigMerger(places)
    if files.config is None and (context or "KUBERNETES_SERVICE_HOST" not in os.environ):
        raise config.ConfigException("does not exist")
    if files.config is None:  # in a pod
        config.load_incluster_config(configuration)
        token = Path(config.incluster_config.SERVICE_TOKEN_FILENAME)
        return token.with_name("namespace").read_text(encoding="utf-8").strip()
    loader = config.kube_config.KubeConfigLoader(
        files.config, context or None, config_base_path=None, config_persister=files.save_changes
    )
    loader.load_and_set(configuration)
    return str(loader.current_context["context"].get("namespace") or "default")


def _said(failure: Any) -> str:
    try:
        said = json.loads(failure.body)["message"]  # of a Status: names user, verb and resource
    except (LookupError, TypeError, ValueError):  # the answer of a proxy, for one
        said = failure.reason
    return _line(said) + (f" (HTTP {failure.status})" if failure.status else "")


def _line(said: object) -> str:
    return " ".join(str(said).split())[:400]
