"""An API server as far as apply and delete can tell: it keeps objects and notes what was asked."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes.http_api import HttpApi, serving, write_kubeconfig

SERVED = {
    "/api/v1": {"ServiceAccount": "serviceaccounts", "ConfigMap": "configmaps", "Pod": "pods"},
    "/apis/rbac.authorization.k8s.io/v1": {"Role": "roles", "RoleBinding": "rolebindings"},
    "/apis/apps/v1": {"Deployment": "deployments"},
    "/apis/cr.kanister.io/v1alpha1": {"Blueprint": "blueprints", "ActionSet": "actionsets"},
    "/apis/config.kio.kasten.io/v1alpha1": {
        "Policy": "policies",
        "BlueprintBinding": "blueprintbindings",
        "TransformSet": "transformsets",
    },
    "/apis/kafka.strimzi.io/v1beta2": {"Kafka": "kafkas"},
}
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
OF_NO_NAMESPACE = {
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
    "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
}
"""Served at ADMISSION only where a test says so: Kubernetes before 1.30 has none."""


class ApiServer(HttpApi):
    """Objects by path, and faults that are told in advance."""

    def __init__(self):
        super().__init__()
        self.served = copy.deepcopy(SERVED)
        self.namespaces = {"kafka", "kasten-io"}
        self.objects = {}
        self.version = 100
        self.faults = {}
        """(method, path or its end, whether a dry run) to answers, given one after the other; the
        last one stays. None is no answer at all."""

    @property
    def writes(self):
        """Paths of what was written in earnest, in their order."""
        return [
            (method, path)
            for method, path, query in self.asked
            if method != "GET" and "dryRun" not in query
        ]

    def path(self, item):
        base = "/api/" if "/" not in item["apiVersion"] else "/apis/"
        plural = self.plural(base + item["apiVersion"], item["kind"])
        place = item["metadata"]
        if item["kind"] in OF_NO_NAMESPACE:
            return f"{base}{item['apiVersion']}/{plural}/{place['name']}"
        return (
            f"{base}{item['apiVersion']}/namespaces/{place['namespace']}/{plural}/{place['name']}"
        )

    def plural(self, base, kind):
        return self.served[base][kind]

    def put(self, *items):
        """Keep objects as if somebody else had made them."""
        for item in items:
            kept = copy.deepcopy(item)
            self.version += 1
            kept["metadata"].update(resourceVersion=str(self.version), uid="u", generation=1)
            self.objects[self.path(item)] = kept

    def live(self, item):
        return self.objects.get(self.path(item))

    def answer(self, method, path, query, body):
        for (verb, place, dry), answers in self.faults.items():
            if verb == method and path.endswith(place) and dry in (None, "dryRun" in query):
                return answers.pop(0) if len(answers) > 1 else answers[0]
        if method == "GET" and path in self.served:
            return 200, {"resources": [*resources(self.served[path])]}
        if path.startswith("/api/v1/namespaces/") and path.count("/") == 4:
            known = path.rpartition("/")[2] in self.namespaces
            return (200, {"metadata": {}}) if known else status(404, "namespace is not found")
        if path.startswith(f"{ADMISSION}/") and ADMISSION in self.served:
            plural, _, name = path.removeprefix(f"{ADMISSION}/").partition("/")
            if name:
                return self.one(method, path, query, body)
            return 200, {"items": [self.objects[at] for at in self.objects if f"/{plural}/" in at]}
        base, _, rest = path.partition("/namespaces/")
        namespace, _, rest = rest.partition("/")
        if not namespace:
            base, _, rest = path.rpartition("/")
        plural, _, name = rest.partition("/")
        if plural not in self.served.get(base, {}).values():
            return status(404, "the server could not find the requested resource")
        if not name:
            return 200, {"items": self.listed(base, namespace, plural, query)}
        return self.one(method, path, query, body)

    def listed(self, base, namespace, plural, query):
        key, _, value = query.get("labelSelector", "").partition("=")
        return [
            {k: v for k, v in item.items() if k not in ("apiVersion", "kind")}
            for path, item in self.objects.items()
            if path.startswith(f"{base}/namespaces/{namespace}")
            and path.split("/")[-2] == plural
            and (not key or item["metadata"].get("labels", {}).get(key) == value)
        ]

    def one(self, method, path, query, body):
        live = self.objects.get(path)
        if method == "PATCH":
            result = self.applied(live, body)
            if "dryRun" not in query:
                self.objects[path] = result
            return 200, result
        if live is None:
            return status(404, f'"{path.rpartition("/")[2]}" not found')
        if method == "DELETE" and "dryRun" not in query:
            del self.objects[path]
        return 200, live

    def applied(self, live, body):
        result = merged(live or {}, body)
        metadata = result["metadata"]
        metadata["managedFields"] = [
            {"manager": "kanister-kafka", "operation": "Apply", "fieldsV1": sorted(body)}
        ]
        if live is None or result != live:
            self.version += 1
            metadata.update(resourceVersion=str(self.version), uid="u", generation=1)
        return result


def merged(live, wanted):
    """Merge as server-side apply does while nobody gives a field up."""
    if not isinstance(live, dict) or not isinstance(wanted, dict):
        return copy.deepcopy(wanted)
    return {**live, **{key: merged(live.get(key), value) for key, value in wanted.items()}}


def resources(kinds):
    for kind, plural in {
        **kinds,
        **({"Namespace": "namespaces"} if "ConfigMap" in kinds else {}),
    }.items():
        yield {
            "kind": kind,
            "name": plural,
            "namespaced": kind not in ("Namespace", *OF_NO_NAMESPACE),
        }
        yield {"kind": kind, "name": f"{plural}/status", "namespaced": True}


def status(code, message):
    return code, {"kind": "Status", "message": message, "code": code}


def forbidden(what="it"):
    return status(403, f'{what} is forbidden: User "jane" cannot do this')


@contextmanager
def running(tmp_path, monkeypatch) -> Iterator[ApiServer]:
    """Serve, and write a kubeconfig that leads there; its context is in namespace kafka."""
    path = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(ApiServer()) as server:
        write_kubeconfig(path, server.url, namespace="kafka")
        yield server
