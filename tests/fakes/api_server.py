"""The store of every fake API server: objects by resource, how they are listed, written, applied.

A test plays a cluster by what it puts there, by `on_create` for controllers, and by faults.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import re
import threading
import time
from collections.abc import Generator, Iterator

from tests.fakes.http_api import HttpApi, serving, write_kubeconfig

STRIMZI = "kafka.strimzi.io"
KINDS = {
    ("", "v1"): {
        "configmaps": "ConfigMap",
        "events": "Event",
        "namespaces": "Namespace",
        "persistentvolumeclaims": "PersistentVolumeClaim",
        "pods": "Pod",
        "resourcequotas": "ResourceQuota",
        "secrets": "Secret",
        "serviceaccounts": "ServiceAccount",
    },
    ("apps", "v1"): {"deployments": "Deployment", "statefulsets": "StatefulSet"},
    ("batch", "v1"): {"jobs": "Job", "cronjobs": "CronJob"},
    ("networking.k8s.io", "v1"): {"networkpolicies": "NetworkPolicy"},
    ("core.strimzi.io", "v1beta2"): {"strimzipodsets": "StrimziPodSet"},
    (STRIMZI, "v1beta2"): {
        "kafkas": "Kafka",
        "kafkanodepools": "KafkaNodePool",
        "kafkamirrormaker2s": "KafkaMirrorMaker2",
        "kafkaconnects": "KafkaConnect",
        "kafkatopics": "KafkaTopic",
        "kafkausers": "KafkaUser",
    },
    ("cr.kanister.io", "v1alpha1"): {"actionsets": "ActionSet", "blueprints": "Blueprint"},
    ("snapshot.storage.k8s.io", "v1"): {
        "volumesnapshots": "VolumeSnapshot",
        "volumesnapshotcontents": "VolumeSnapshotContent",
    },
}
"""Plurals with their kinds, by group and version."""
KASTEN = {
    ("rbac.authorization.k8s.io", "v1"): {"roles": "Role", "rolebindings": "RoleBinding"},
    ("config.kio.kasten.io", "v1alpha1"): {
        "policies": "Policy",
        "blueprintbindings": "BlueprintBinding",
        "transformsets": "TransformSet",
    },
}
"""What `apply` needs besides: rights, and Kasten's own resources."""
ADMISSION = {
    ("admissionregistration.k8s.io", "v1"): {
        "validatingadmissionpolicies": "ValidatingAdmissionPolicy",
        "validatingadmissionpolicybindings": "ValidatingAdmissionPolicyBinding",
    }
}
"""Served only where a test says so: Kubernetes before 1.30 has none."""
OF_NO_NAMESPACE = {
    "namespaces",
    "nodes",
    "persistentvolumes",
    "storageclasses",
    "validatingadmissionpolicies",
    "validatingadmissionpolicybindings",
    "volumesnapshotclasses",
    "volumesnapshotcontents",
}
NOW = "2026-01-02T03:04:05Z"
OURS = "kanister-kafka"
IDENTITY = ("apiVersion", "kind", "metadata")


class ApiServer(HttpApi):
    """Keeps objects; `on_create` plays the controllers."""

    def __init__(self, kinds=KINDS):
        super().__init__()
        self.kinds = copy.deepcopy(kinds)
        self.objects = {}
        """By plural, namespace (empty if it has none) and name."""
        self.namespaces = set()
        """Those that exist without being among the objects."""
        self.logs = {}  # pod: lines, or a function that returns them
        self.on_create = []
        self.minor = ""
        """Minor version in the answer of `/version`."""
        self.lingering = 0.0
        """Seconds for which what is deleted stays, with a deletionTimestamp."""
        self.time = None
        """A FakeTime by which everything here happens; None for threads that wait."""
        self.refusals = []  # (method, pattern of the path, status), in force while listed
        self.faults = {}
        """(method, path or its end, whether a dry run) to answers, given one after the other; the
        last one stays. None is no answer at all."""
        self.writes = []
        """Method, plural, name and body of what was written in earnest, or met a fault."""
        self.version = itertools.count(1)
        self.page = 0
        """The longest page of a list; 0 if what is asked for decides."""

    # what a test puts there

    def key(self, item):
        """Return the place of an object: plural, namespace and name."""
        kind = item["kind"]
        plural = next(
            plural for kinds in self.kinds.values() for plural in kinds if kinds[plural] == kind
        )
        metadata = item["metadata"]
        namespace = "" if plural in OF_NO_NAMESPACE else metadata.get("namespace", "")
        return plural, namespace, metadata["name"]

    def live(self, item):
        """Return what is kept of an object, not a copy of it; None if nothing is."""
        return self.objects.get(self.key(item))

    def put(self, *items):
        """Keep objects as if another client had made them; returns the last one."""
        with self.lock:
            for item in items:
                kept = self.keep(self.key(item), copy.deepcopy(item))
        return kept

    def keep(self, key, item):
        metadata = item["metadata"]
        metadata["resourceVersion"] = str(next(self.version))
        metadata.setdefault("creationTimestamp", NOW)
        metadata.setdefault("uid", f"uid-{metadata['resourceVersion']}")
        self.objects[key] = item
        return item

    def add(self, plural, namespace, name, *, labels=None, annotations=None, **fields):
        metadata = {"name": name, "labels": labels or {}}
        if namespace:
            metadata["namespace"] = namespace
        metadata["annotations"] = annotations or {}
        kind, api = next(
            (kinds[plural], "/".join(filter(None, at)))
            for at, kinds in self.kinds.items()
            if plural in kinds
        )
        item = {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}
        with self.lock:
            return self.keep((plural, namespace, name), item)

    def get(self, plural, namespace, name):
        with self.lock:
            return copy.deepcopy(self.objects[plural, namespace, name])

    def change(self, plural, namespace, name, patch):
        key = plural, namespace, name
        with self.lock:
            return self.keep(key, merged(self.objects[key], patch))

    def drop(self, plural, namespace, name):
        with self.lock:
            self.objects.pop((plural, namespace, name), None)

    @contextlib.contextmanager
    def away(self, status=503):
        self.refusals.append(("", "", status))
        try:
            yield
        finally:
            self.refusals.clear()

    # what is asked

    def answer(self, method, path, query, body):
        path = path.rstrip("/")
        for refused, pattern, code in self.refusals:
            if refused in ("", method) and re.search(pattern, path):
                return status(code, f"not now: {code}: {path}")
        for (verb, place, dry), answers in self.faults.items():
            if verb == method and path.endswith(place) and dry in (None, "dryRun" in query):
                if method != "GET" and "dryRun" not in query:
                    self.writes.append((method, *path.split("/")[-2:], body))
                return answers.pop(0) if len(answers) > 1 else answers[0]
        _, root, *steps = path.split("/")
        if path == "/version":
            return 200, {"gitVersion": "v1.34.1", "minor": self.minor}
        if root == "apis" and not steps:
            return 200, {"kind": "APIGroupList", "groups": self.groups()}
        group = steps.pop(0) if root == "apis" else ""
        version = steps.pop(0)
        kinds = self.kinds.get((group, version))
        if kinds is None:
            return status(404, "the server could not find the requested resource")
        if not steps:
            return 200, {"resources": [*resources(kinds)]}
        namespace = ""
        if steps[0] == "namespaces" and len(steps) > 2:
            namespace, steps = steps[1], steps[2:]
        plural, *rest = steps
        if plural not in kinds:
            return status(404, "the server could not find the requested resource")
        if method == "POST":
            return self.posted(plural, namespace, body, dry="dryRun" in query)
        api = "/".join(filter(None, (group, version)))
        if not rest:
            whole = {"apiVersion": api, "kind": f"{kinds[plural]}List"}
            return 200, {**whole, **self.listed(plural, namespace, query)}
        code, item = self.one(method, (plural, namespace, rest[0]), rest[1:], query, body)
        if method == "GET" and "apiVersion" in item:  # each version serves every object
            item["apiVersion"] = api
        return code, item

    def groups(self):
        versions = {}
        for name, version in self.kinds:
            if name:
                served = {"groupVersion": f"{name}/{version}", "version": version}
                versions.setdefault(name, []).append(served)
        return [
            {"name": name, "versions": served, "preferredVersion": served[0]}
            for name, served in versions.items()
        ]

    def posted(self, plural, namespace, body, *, dry):
        if (plural, namespace, body["metadata"].get("name")) in self.objects:
            return status(409, f"{plural} {body['metadata']['name']} already exists")
        return 201, body if dry else self.create(plural, namespace, body)

    def create(self, plural, namespace, body):
        item = copy.deepcopy(body)
        metadata = item["metadata"]
        if namespace:
            metadata["namespace"] = namespace
        metadata.setdefault("name", f"{metadata.pop('generateName', '')}x{next(self.version)}")
        made = self.keep((plural, namespace, metadata["name"]), item)
        self.writes.append(("POST", plural, metadata["name"], copy.deepcopy(body)))
        for play in self.on_create:
            self.start(play, copy.deepcopy(made))
        return made

    def start(self, play, *arguments):
        """Begin what a controller does: a function, or a generator of the seconds it waits."""
        if self.time is not None:
            if isinstance(steps := play(*arguments), Generator):
                self.time.play(steps)
            return
        threading.Thread(target=run, args=(play, *arguments), daemon=True).start()

    def after(self, seconds, play, *arguments):
        if self.time is not None:
            self.time.after(seconds, lambda: self.start(play, *arguments))
        else:
            timer = threading.Timer(seconds, run, (play, *arguments))
            timer.daemon = True
            timer.start()

    def one(self, method, key, rest, query, body):
        dry = "dryRun" in query
        if method == "PATCH" and self.content_type == "application/apply-patch+yaml":
            return self.applied(key, body, dry=dry)
        if key[0] == "namespaces" and key[2] in self.namespaces:
            return 200, {"metadata": {"name": key[2]}}
        if key not in self.objects:
            return status(404, f'{key[0]} "{key[2]}" not found')
        rest = [step for step in rest if step != "status"]
        if rest == ["log"]:
            lines = self.logs.get(key[2], [])
            return 200, "".join(f"{line}\n" for line in (lines() if callable(lines) else lines))
        if method != "GET" and not dry:
            self.writes.append((method, *key[::2], copy.deepcopy(body)))
        if method == "PATCH":
            return 200, self.change(*key, body)
        if method == "DELETE":
            return self.deleted(key, body, dry=dry)
        return 200, self.get(*key)

    def applied(self, key, body, *, dry):
        """Server-side apply; without a change, no new version."""
        before = self.objects.get(key)
        item = after_apply(before, body)
        if not dry:
            self.writes.append(("PATCH", *key[::2], copy.deepcopy(body)))
        if before == item:
            return 200, item
        if dry:
            item["metadata"]["resourceVersion"] = str(next(self.version))
            return 200, item
        return (200 if before else 201), copy.deepcopy(self.keep(key, item))

    def deleted(self, key, body, *, dry):
        metadata = self.objects[key]["metadata"]
        for field, wanted in ((body or {}).get("preconditions") or {}).items():
            if wanted != metadata[field]:
                return status(409, "the precondition failed")
        if dry:
            return 200, {"kind": "Status"}
        if self.lingering:
            self.change(*key, {"metadata": {"deletionTimestamp": NOW}})
            self.after(self.lingering, self.drop, *key)
        else:
            self.drop(*key)
        return 200, {"kind": "Status"}

    def listed(self, plural, namespace, query):
        chosen = query.get("labelSelector", "")
        items = [
            copy.deepcopy(item)
            for (at, home, _), item in [*self.objects.items()]
            if at == plural
            and namespace in ("", home)
            and selected(chosen, item["metadata"].get("labels", {}))
        ]
        for item in items:  # a list of the API server does not repeat them in each item
            item.pop("apiVersion", None)
            item.pop("kind", None)
        if "as=PartialObjectMetadataList" in self.accept:
            items = [{"metadata": item["metadata"]} for item in items]
        start = int(query.get("continue") or 0)
        limits = [limit for limit in (self.page, int(query.get("limit") or 0)) if limit]
        end = start + min(limits, default=len(items))
        more = {"continue": str(end)} if end < len(items) else {}
        return {"metadata": {"resourceVersion": "1", **more}, "items": items[start:end]}


def after_apply(before, body):
    """Return an object as a server-side apply of `body` leaves it."""
    item = laid_over(before or {}, body)
    entries = (before or {}).get("metadata", {}).get("managedFields") or []
    formerly = [entry for entry in entries if is_own_entry(entry)]
    others = [entry for entry in entries if not is_own_entry(entry)]
    for entry in formerly:
        kept = [body_fields(body), *(other.get("fieldsV1") or {} for other in others)]
        drop_fields(item, entry["fieldsV1"], kept)
    ours = {"manager": OURS, "operation": "Apply", "fieldsV1": body_fields(body)}
    item["metadata"].update(managedFields=[*copy.deepcopy(others), ours], generation=1)
    return item


def is_own_entry(entry):
    return (entry.get("manager"), entry.get("operation")) == (OURS, "Apply")


def body_fields(body):
    """Return the fieldsV1 of an applied object; a list is one field."""
    fields = {f"f:{key}": owned(body[key]) for key in body if key not in IDENTITY}
    fields["f:metadata"] = {
        f"f:{key}": owned(body["metadata"].get(key)) for key in ("annotations", "labels")
    }
    return fields


def owned(value):
    return {f"f:{key}": owned(value[key]) for key in value} if isinstance(value, dict) else {}


def drop_fields(item, fields, kept):
    """Remove the fields of a set that is given up, except for those in the sets that are kept."""
    for key, below in fields.items():
        name = key[2:]
        if not isinstance(item, dict) or name not in item:
            continue
        deeper = [each[key] for each in kept if key in each]
        if not deeper:
            del item[name]
        elif below:
            drop_fields(item[name], below, deeper)


def laid_over(live, wanted):
    if not isinstance(live, dict) or not isinstance(wanted, dict):
        return copy.deepcopy(wanted)
    return {**live, **{key: laid_over(live.get(key), value) for key, value in wanted.items()}}


def run(play, *arguments):
    """Play in a thread: with real waits."""
    if isinstance(steps := play(*arguments), Generator):
        for seconds in steps:
            time.sleep(seconds)


def resources(kinds):
    for plural, kind in kinds.items():
        namespaced = plural not in OF_NO_NAMESPACE
        yield {"name": plural, "kind": kind, "namespaced": namespaced}
        yield {"name": f"{plural}/status", "kind": kind, "namespaced": namespaced}


def merged(item, patch):
    """Return an object after a JSON merge patch."""
    if not isinstance(patch, dict):
        return patch
    result = dict(item) if isinstance(item, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def selected(selector, labels):
    for part in re.findall(r"[^,(]+(?:\([^)]*\))?", selector):
        if " in " in part:
            key, _, values = part.partition(" in ")
            if labels.get(key.strip()) not in values.strip(" ()").split(","):
                return False
        else:
            key, equals, value = part.partition("=")
            if labels.get(key) != value if equals else key not in labels:
                return False
    return True


def status(code, message):
    return code, {"kind": "Status", "message": message, "code": code}


def forbidden(what="it"):
    return status(403, f'{what} is forbidden: User "jane" cannot do this')


@contextlib.contextmanager
def running(tmp_path, monkeypatch) -> Iterator[ApiServer]:
    """Serve, and write a kubeconfig that leads there; its context is in namespace kafka."""
    path = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = ApiServer({**KINDS, **KASTEN})
    server.namespaces = {"kafka", "kasten-io"}
    with serving(server):
        write_kubeconfig(path, server.url, namespace="kafka")
        yield server
