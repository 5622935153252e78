"""Any object of a live cluster: read, written, deleted, followed."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from kanister_kafka.errors import (
    ConflictError,
    ForbiddenError,
    KanisterKafkaError,
    NotFoundError,
    RejectedError,
    TransientError,
    UnreachableError,
    one_line,
)
from kanister_kafka.kube.kubeconfig import access, connect, status_message

Object = dict[str, Any]
Objects = tuple[Object, ...]
FIELD_MANAGER = "kanister-kafka"
PAGE = 500  # kubectl's
APPS = "apps"
STATUS_ERRORS = {
    400: RejectedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    413: RejectedError,
    415: RejectedError,
    422: RejectedError,
    **dict.fromkeys((408, 429, 500, 502, 503, 504), TransientError),
}

UNKNOWN_FIELD = "failed to create typed patch object"
"""With this and HTTP 500 an API server answers an apply with a field that its schema lacks
(apimachinery, managedfields/internal/structuredmerge.go); another try is of no use."""


@dataclass(frozen=True, slots=True)
class ApiResource:
    """One kind of object as the API server serves it."""

    base: tuple[str, ...]
    """Start of its path, such as `("apis", "apps", "v1")`."""
    plural: str
    kind: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """As an object of it has it."""
        return "/".join(self.base[1:])

    def __str__(self) -> str:
        group = self.base[1] if len(self.base) == 3 else ""
        return f"{self.plural}.{group}" if group else self.plural


METADATA = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
"""The Accept header of a request for only the metadata of a list."""
LOG = logging.getLogger("kanister_kafka.requests")
"""Logs each request."""
CONFIG_MAPS = ApiResource(("api", "v1"), "configmaps", "ConfigMap", namespaced=True)
PODS = ApiResource(("api", "v1"), "pods", "Pod", namespaced=True)
NAMESPACES = ApiResource(("api", "v1"), "namespaces", "Namespace", namespaced=False)
JOBS = ApiResource(("apis", "batch", "v1"), "jobs", "Job", namespaced=True)
STORAGE_CLASSES = ApiResource(
    ("apis", "storage.k8s.io", "v1"), "storageclasses", "StorageClass", namespaced=False
)
DEPLOYMENTS = ApiResource(("apis", APPS, "v1"), "deployments", "Deployment", namespaced=True)
REPLICA_SETS = ApiResource(("apis", APPS, "v1"), "replicasets", "ReplicaSet", namespaced=True)
STATEFUL_SETS = ApiResource(("apis", APPS, "v1"), "statefulsets", "StatefulSet", namespaced=True)
SECRETS = ApiResource(("api", "v1"), "secrets", "Secret", namespaced=True)
EVENTS = ApiResource(("api", "v1"), "events", "Event", namespaced=True)
QUOTAS = ApiResource(("api", "v1"), "resourcequotas", "ResourceQuota", namespaced=True)
SERVICE_ACCOUNTS = ApiResource(("api", "v1"), "serviceaccounts", "ServiceAccount", namespaced=True)
NETWORK_POLICIES = ApiResource(
    ("apis", "networking.k8s.io", "v1"), "networkpolicies", "NetworkPolicy", namespaced=True
)
CLAIMS = ApiResource(
    ("api", "v1"), "persistentvolumeclaims", "PersistentVolumeClaim", namespaced=True
)
VOLUMES = ApiResource(("api", "v1"), "persistentvolumes", "PersistentVolume", namespaced=False)
SNAPSHOT_API = "snapshot.storage.k8s.io/v1"
SNAPSHOTS = ApiResource(
    ("apis", *SNAPSHOT_API.split("/")), "volumesnapshots", "VolumeSnapshot", namespaced=True
)
SNAPSHOT_CONTENTS = ApiResource(
    SNAPSHOTS.base, "volumesnapshotcontents", "VolumeSnapshotContent", namespaced=False
)
SNAPSHOT_CLASSES = ApiResource(
    SNAPSHOTS.base, "volumesnapshotclasses", "VolumeSnapshotClass", namespaced=False
)


class KubeClient:
    """An API server, asked by path; each method is one request, except for pages and discovery.

    Every method raises TransientError, ForbiddenError or UnreachableError; those that write also
    RejectedError and ConflictError, those that name one object NotFoundError.
    """

    def __init__(self, context: str = "") -> None:
        from kubernetes import dynamic  # here: it doubles the start-up of each command

        library: Any = dynamic  # it has no types
        self.context = context
        """Of the kubeconfig; empty for the current one."""
        api, self.namespace = connect(context)
        """Of the context, as kubectl takes it."""
        self.host = api.configuration.host.rpartition("@")[2]
        """Address of the server, without a password."""
        # Without a discoverer it would read every resource and keep them in a file.
        self._client = library.DynamicClient(api, discoverer=lambda *_: None)
        self._served: dict[tuple[str, ...], list[Object]] = {}
        self._chosen: dict[tuple[tuple[str, ...], str], ApiResource] = {}
        """Kinds by the versions that were asked for."""
        self._answers: dict[tuple[object, ...], bytes | NotFoundError] | None = None
        """Answers to reads by path and query; None outside `one_moment`."""

    @contextmanager
    def one_moment(self) -> Iterator[None]:
        """Send each read only once until this ends, so that all see the same state and none twice.

        A write ends it: what is read after that is read anew. Do not wait for a change within it.
        """
        outer = self._answers
        if outer is None:
            self._answers = {}
        try:
            yield
        finally:
            if outer is None:
                self._answers = None

    def kind(self, api_version: str | tuple[str, ...], kind: str) -> ApiResource:
        """Find how a kind is served, of several versions in the first one; else NotFoundError."""
        if isinstance(api_version, tuple):
            key = api_version, kind
            if key not in self._chosen:  # else each use asks for the others
                self._chosen[key] = self._first_served(api_version, kind)
            return self._chosen[key]
        root = "apis" if "/" in api_version else "api"
        base = (root, *api_version.split("/"))
        for entry in self._resources(base):
            if entry["kind"] == kind and "/" not in entry["name"]:  # else a subresource
                return ApiResource(base, entry["name"], kind, entry.get("namespaced", True))
        raise NotFoundError(f"{self.host}: has no kind {kind} of {api_version}")

    def _first_served(self, versions: tuple[str, ...], kind: str) -> ApiResource:
        for version in versions[:-1]:
            with suppress(NotFoundError):
                return self.kind(version, kind)
        return self.kind(versions[-1], kind)

    def is_served(self, resource: ApiResource) -> bool:
        """Return whether the cluster has a kind, which every user may see.

        A list does not show this: of a kind that is not served, it is forbidden to users without
        rights to all kinds, and one that is served can be missing for a moment.
        """
        try:
            self.kind(resource.api_version, resource.kind)
        except NotFoundError:
            return False
        return True

    def named(self, text: str) -> ApiResource:
        """Find a kind as kubectl takes it: Kafka, kafkas, kmm2, kafkas.kafka.strimzi.io."""
        name, _, group = text.lower().partition(".")
        served = {name: versions[0] for name, versions in self.groups().items()}
        core = ""
        every = [core, *sorted(served, key=lambda other: other != APPS)]
        for at in [group] if group else every:
            if at and at not in served:
                continue
            base = ("apis", at, served[at]) if at else ("api", "v1")
            for entry in self._resources(base):
                names = [entry["name"], entry["kind"].lower()] + (entry.get("shortNames") or [])
                if name in names and "/" not in entry["name"]:
                    return ApiResource(
                        base, entry["name"], entry["kind"], entry.get("namespaced", True)
                    )
        raise UnreachableError(f"{self.host}: has no resource {text!r}")

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Return the versions of every API group that is served, the preferred one first."""
        versions_of_group = {}
        for group in self.ask("GET", ("apis",), purpose="list API groups")["groups"]:
            preferred = group["preferredVersion"]["version"]
            versions = [preferred]
            for each in group.get("versions") or ():
                if each["version"] != preferred:
                    versions.append(each["version"])
            versions_of_group[group["name"]] = tuple(versions)
        return versions_of_group

    def version(self) -> Object:
        """Return the version of the server: `major`, `minor`, `gitVersion`."""
        return self.ask("GET", ("version",))

    def get(self, resource: ApiResource, name: str, namespace: str = "") -> Object:
        """Return one object."""
        return self.ask("GET", _path(resource, namespace, name))

    def find(self, resource: ApiResource, name: str, namespace: str = "") -> Object | None:
        """Return one object, or None if there is none."""
        try:
            return self.get(resource, name, namespace)
        except NotFoundError:
            return None

    def items(
        self,
        resource: ApiResource,
        namespace: str = "",
        label: str = "",
        *,
        fields: str = "",
        metadata_only: bool = False,
    ) -> Objects:
        """Return the objects of a namespace, or of all; each with its apiVersion and kind."""
        return tuple(
            self.each(resource, namespace, label, fields=fields, metadata_only=metadata_only)
        )

    def each(
        self,
        resource: ApiResource,
        namespace: str = "",
        label: str = "",
        *,
        fields: str = "",
        metadata_only: bool = False,
    ) -> Iterator[Object]:
        """Yield the same as they come: no more than a page of them is in memory.

        With `metadata_only` the server leaves out everything else, such as the data of a Secret
        (PartialObjectMetadataList, meta.k8s.io/v1).
        """
        accept = METADATA if metadata_only else ""
        named = {"apiVersion": resource.api_version, "kind": resource.kind}
        query = {"limit": str(PAGE), "labelSelector": label, "fieldSelector": fields}
        scope = f"namespace {namespace}" if namespace else "all namespaces"
        while True:
            path = _path(resource, namespace)
            purpose = f"list {resource} in {scope}"
            page = self.ask("GET", path, query, accept=accept, purpose=purpose)
            for item in page.get("items") or ():
                yield {**item, **named}
            query["continue"] = page.get("metadata", {}).get("continue") or ""
            if not query["continue"]:
                return

    def create(self, item: Object, *, dry_run: bool = False) -> Object:
        """Create an object and return it as the server made it."""
        resource, namespace, _name = self._locate(item)
        query = {**_writing(dry_run=dry_run), "fieldValidation": "Strict"}
        return self._write("POST", _path(resource, namespace), query, item)

    def apply(self, item: Object, *, dry_run: bool = False, force: bool = False) -> Object:
        """Apply an object on the server's side, as our field manager, unknown fields refused.

        ConflictError names the other managers and their fields; `force` takes them over.
        """
        query = {
            **_writing(dry_run=dry_run),
            "fieldValidation": "Strict",
            "force": "true" if force else "false",
        }
        content = "application/apply-patch+yaml"
        return self._write("PATCH", _path(*self._locate(item)), query, item, content)

    def patch(
        self,
        resource: ApiResource,
        name: str,
        namespace: str,
        change: Object,
        *,
        subresource: str = "",
    ) -> Object:
        """Change some fields of an object by a merge patch; null removes one."""
        path = _path(resource, namespace, name)
        if subresource:
            path += (subresource,)
        return self._write("PATCH", path, _writing(), change, "application/merge-patch+json")

    def delete(
        self,
        resource: ApiResource,
        name: str,
        namespace: str = "",
        *,
        dry_run: bool = False,
        uid: str = "",
        version: str = "",
    ) -> None:
        """Delete an object; objects that it owns follow in the background.

        With a uid, ConflictError if the object is another one by now; with the resourceVersion, if
        it has changed.
        """
        # All of it in the body: with one, the API server ignores the query, dryRun too
        # (apiserver, pkg/endpoints/handlers/delete.go).
        options: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
        }
        if dry_run:
            options["dryRun"] = ["All"]
        same = {"uid": uid, "resourceVersion": version}
        if preconditions := {key: value for key, value in same.items() if value}:
            options["preconditions"] = preconditions
        self._write("DELETE", _path(resource, namespace, name), {}, options)

    def log(self, pod: str, namespace: str, *, container: str = "", last: int = 0) -> Iterator[str]:
        """Yield the lines of a pod's log as they are written, until its container ends.

        With `last` only that many, and none that is written later.
        """
        path = ("api", "v1", "namespaces", namespace, "pods", pod, "log")
        query = {"tailLines": str(last)} if last else {"follow": "true"}
        raw = self._send("GET", path, {**query, "container": container})
        rest = b""
        with _api_errors(f"{self.host}: cannot follow the log of pod {namespace}/{pod}"):
            for chunk in raw.stream(amt=None, decode_content=True):
                *lines, rest = (rest + chunk).split(b"\n")
                for text in lines:
                    yield text.decode("utf-8", "replace")
        if rest:
            yield rest.decode("utf-8", "replace")

    def ask(
        self,
        method: str,
        path: tuple[str, ...],
        query: dict[str, str] | None = None,
        body: Object | None = None,
        content_type: str = "application/json",
        *,
        accept: str = "",
        purpose: str = "",
    ) -> Object:
        """Send one request by the steps of its path and return the JSON of the answer.

        The message of an error names the purpose, else the method and the path.
        """
        query = query or {}
        key = (path, accept, *sorted(query.items()))
        kept = self._answers if method == "GET" else None
        data = kept.get(key) if kept is not None else None
        if data is None:
            try:
                data = self._send(method, path, query, body, content_type, accept, purpose).data
            except NotFoundError as failure:
                data = failure
            if kept is not None:
                kept[key] = data
        if isinstance(data, NotFoundError):
            raise data
        try:
            answer: Object = {**json.loads(data)}
        except (TypeError, ValueError) as failure:
            what = purpose or f"{method.lower()} {_target(path)}"
            raise UnreachableError(f"{self.host}: cannot {what}: malformed answer") from failure
        return answer

    def _write(
        self,
        method: str,
        path: tuple[str, ...],
        query: dict[str, str],
        body: Object | None = None,
        content_type: str = "application/json",
    ) -> Object:
        self._answers = None
        return self.ask(method, path, query, body, content_type)

    def _send(
        self,
        method: str,
        path: tuple[str, ...],
        query: dict[str, str],
        body: Object | None = None,
        content_type: str = "application/json",
        accept: str = "",
        purpose: str = "",
    ) -> Any:
        target = _target(path)
        LOG.info("%s %s%s", method, self.host, target)  # bodies and headers may hold secrets
        with _api_errors(f"{self.host}: cannot {purpose or f'{method.lower()} {target}'}"):
            return self._client.request(
                method.lower(),
                target,
                body=body,
                query_params=[(key, value) for key, value in query.items() if value],
                # its default is one dictionary that all requests share
                header_params={"Accept": accept} if accept else {},
                content_type=content_type,
                serialize=False,
                _request_timeout=access().timeouts,
            )

    def _resources(self, base: tuple[str, ...]) -> list[Object]:
        if base not in self._served:
            self._served[base] = self.ask("GET", base).get("resources") or []
        return self._served[base]

    def _locate(self, item: Object) -> tuple[ApiResource, str, str]:
        resource = self.kind(item["apiVersion"], item["kind"])
        metadata = item["metadata"]
        namespace = metadata.get("namespace") or self.namespace
        return resource, namespace if resource.namespaced else "", metadata.get("name", "")


def _target(path: tuple[str, ...]) -> str:
    return "/" + "/".join(quote(step, safe="") for step in path)


def _path(resource: ApiResource, namespace: str, name: str = "") -> tuple[str, ...]:
    path = list(resource.base)
    if namespace and resource.namespaced:
        path += ["namespaces", namespace]
    path.append(resource.plural)
    if name:
        path.append(name)
    return tuple(path)


def _writing(*, dry_run: bool = False) -> dict[str, str]:
    return {"fieldManager": FIELD_MANAGER, "dryRun": "All" if dry_run else ""}


@contextmanager
def _api_errors(start: str) -> Iterator[None]:
    """Turn what the libraries raise into our errors; nothing of a credential gets into them."""
    from kubernetes import client, config
    from urllib3.exceptions import HTTPError

    try:
        yield
    except KanisterKafkaError:
        raise
    except client.ApiException as failure:
        message = status_message(failure)
        refusal = STATUS_ERRORS.get(failure.status or 0, UnreachableError)
        if UNKNOWN_FIELD in message:
            refusal = RejectedError
        raise refusal(f"{start}: {message}") from failure
    except (HTTPError, OSError) as failure:
        raise TransientError(f"{start}: {one_line(failure)}") from failure
    except config.ConfigException as failure:
        raise UnreachableError(f"{start}: {one_line(failure)}") from failure
    except (AttributeError, TypeError, ValueError) as failure:  # may quote the token
        raise UnreachableError(f"{start}: malformed credentials or answer") from failure
