"""An API server with a memory: what the commands for live clusters read, write, and follow."""

from __future__ import annotations

import contextlib
import copy
import itertools
import re
import threading
import time
from collections.abc import Generator

from kanister_kafka.backup.scripts import ScriptsConfigMap
from tests.fakes import http_api

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
    ("batch", "v1"): {"jobs": "Job"},
    ("networking.k8s.io", "v1"): {"networkpolicies": "NetworkPolicy"},
    ("core.strimzi.io", "v1beta2"): {"strimzipodsets": "StrimziPodSet"},
    ("kafka.strimzi.io", "v1beta2"): {
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
WITHOUT_NAMESPACE = ("namespaces", "volumesnapshotcontents", "storageclasses")
NOW = "2026-01-02T03:04:05Z"


class SmallCluster(http_api.HttpApi):
    """Keeps objects; `on_create` plays the controllers."""

    def __init__(self):
        super().__init__()
        self.kinds = copy.deepcopy(KINDS)
        self.objects = {}  # (plural, namespace, name): object
        self.logs = {}  # pod: lines, or a function that returns them
        self.on_create = []
        self.lingering = 0.0
        """Seconds for which what is deleted stays, with a deletionTimestamp."""
        self.time = None
        """A FakeTime by which everything here happens; None for threads that wait."""
        self.refusals = []  # (method, pattern of the path, status), in force while listed
        self.writes = []
        self.version = itertools.count(1)

    def put(self, plural, item):
        with self.lock:
            metadata = item["metadata"]
            metadata["resourceVersion"] = str(next(self.version))
            metadata.setdefault("creationTimestamp", NOW)
            metadata.setdefault("uid", f"uid-{metadata['resourceVersion']}")
            self.objects[plural, metadata.get("namespace", ""), metadata["name"]] = item
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
        return self.put(plural, {"apiVersion": api, "kind": kind, "metadata": metadata, **fields})

    def get(self, plural, namespace, name):
        with self.lock:
            return copy.deepcopy(self.objects[plural, namespace, name])

    def change(self, plural, namespace, name, patch):
        with self.lock:
            item = merged(self.objects[plural, namespace, name], patch)
            return self.put(plural, item)

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

    def answer(self, method, path, query, body):
        path = path.rstrip("/")
        for refused, pattern, status in self.refusals:
            if refused in ("", method) and re.search(pattern, path):
                return status, {"kind": "Status", "message": f"not now: {status}"}
        _, root, *steps = path.split("/")
        if path == "/version":
            return 200, {"gitVersion": "v1.34.1"}
        if root == "apis" and not steps:
            return 200, {"groups": [served_group(*at) for at in self.kinds if at[0]]}
        group = steps.pop(0) if root == "apis" else ""
        version = steps.pop(0)
        kinds = self.kinds.get((group, version))
        if kinds is None:
            return 404, {"message": "the server could not find the requested resource"}
        if not steps:
            served = [
                {"name": p, "kind": k, "namespaced": p not in WITHOUT_NAMESPACE}
                for p, k in kinds.items()
            ]
            return 200, {"resources": served}
        namespace = ""
        if steps[0] == "namespaces" and len(steps) > 2:
            namespace = steps[1]
            steps = steps[2:]
        plural, *rest = steps
        if method == "POST":
            if (plural, namespace, body["metadata"].get("name")) in self.objects:
                return 409, {"message": f"{plural} {body['metadata']['name']} already exists"}
            if "dryRun" in query:
                return 201, body
            return 201, self.create(plural, namespace, body)
        if not rest:
            return 200, {"metadata": {}, "items": self.listed(plural, namespace, query)}
        dry = "dryRun" in query
        return self.one(method, (plural, namespace, rest[0]), rest[1:], body, dry=dry)

    def create(self, plural, namespace, body):
        item = copy.deepcopy(body)
        metadata = item["metadata"]
        if namespace:
            metadata["namespace"] = namespace
        metadata.setdefault("name", f"{metadata.pop('generateName', '')}x{next(self.version)}")
        made = self.put(plural, item)
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

    def one(self, method, key, rest, body, *, dry=False):
        if key not in self.objects:
            return 404, {"message": f'{key[0]} "{key[2]}" not found'}
        rest = [step for step in rest if step != "status"]
        if rest == ["log"]:
            lines = self.logs.get(key[2], [])
            return 200, "".join(f"{line}\n" for line in (lines() if callable(lines) else lines))
        if method != "GET" and not dry:
            self.writes.append((method, *key[::2], copy.deepcopy(body)))
        if method == "PATCH":
            return 200, self.change(*key, body)
        if method == "DELETE":
            metadata = self.objects[key]["metadata"]
            for field, wanted in ((body or {}).get("preconditions") or {}).items():
                if wanted != metadata[field]:
                    return 409, {"message": "the precondition failed"}
            if dry:
                return 200, {"kind": "Status"}
            if self.lingering:
                self.change(*key, {"metadata": {"deletionTimestamp": NOW}})
                self.after(self.lingering, self.drop, *key)
            else:
                self.drop(*key)
            return 200, {"kind": "Status"}
        return 200, self.get(*key)

    def listed(self, plural, namespace, query):
        with self.lock:
            found = [
                copy.deepcopy(item)
                for (at, home, _), item in self.objects.items()
                if at == plural and namespace in ("", home)
            ]
        if "as=PartialObjectMetadataList" in self.accept:
            found = [{"metadata": item["metadata"]} for item in found]
        chosen = query.get("labelSelector", "")
        return [i for i in found if selected(chosen, i["metadata"].get("labels", {}))]


def run(play, *arguments):
    """Play in a thread: with real waits."""
    if isinstance(steps := play(*arguments), Generator):
        for seconds in steps:
            time.sleep(seconds)


def served_group(name, version):
    versions = [{"groupVersion": f"{name}/{version}", "version": version}]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def merged(item, patch):
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


def serving(time=None):
    """Serve an empty cluster; with a FakeTime everything happens by that and at once."""
    cluster = SmallCluster()
    cluster.time = time
    return http_api.serving(cluster)


def add_kafka(cluster, *, name="my-cluster", ready=(True, True), annotations=None, status=None):
    """A Kafka of one pool of combined nodes, in namespace kafka, all of it Ready or not."""
    labels = {"strimzi.io/cluster": name}
    notes = {"strimzi.io/kraft": "enabled", "strimzi.io/node-pools": "enabled"}
    condition = {"type": "Ready", "status": "True", "lastTransitionTime": NOW}
    cluster.add(
        "kafkas",
        "kafka",
        name,
        annotations={**notes, **(annotations or {})},
        spec={"kafka": {"version": "3.9.2", "listeners": []}},
        status=status or {"conditions": [condition], "clusterId": "c1"},
    )
    cluster.add(
        "kafkanodepools",
        "kafka",
        "dual",
        labels=labels,
        spec={"replicas": 2, "roles": ["controller", "broker"]},
    )
    for number, serves in enumerate(ready):
        add_node(cluster, name, number, ready=serves)


def add_node(cluster, name, number, *, ready=True):
    cluster.add(
        "pods",
        "kafka",
        f"{name}-dual-{number}",
        labels={
            "strimzi.io/cluster": name,
            "strimzi.io/name": f"{name}-kafka",
            "strimzi.io/controller-name": f"{name}-dual",
        },
        status={"conditions": [{"type": "Ready", "status": "True" if ready else "False"}]},
    )


def add_blueprint(cluster, name="kafka.my-cluster", **actions):
    """Actions as `name=("phase", ..., "deferred?")`; a question mark ends the deferPhase."""
    made = {}
    for action, phases in actions.items():
        tree = {"phases": [task(p) for p in phases if not p.endswith("?")]}
        for phase in phases:
            if phase.endswith("?"):
                tree["deferPhase"] = task(phase[:-1])
        made[action] = tree
    return cluster.add("blueprints", "kasten-io", name, actions=made)


def task(name):
    return {"func": "KubeTask", "name": name, "args": {}}


def add_task(cluster, name, phase, *, job="", state=None, kafka="my-cluster", status=None):
    """A pod that Kanister made for a phase."""
    labels = {"createdBy": "kanister", **({"kanister.io/JobID": job} if job else {})}
    command = ["bash", "-c", "stub", phase, "script", "argument"]
    env = [{"name": "CLUSTER", "value": kafka}]
    container = {"name": "container", "state": state or {"running": {}}}
    return cluster.add(
        "pods",
        "kafka",
        name,
        labels=labels,
        spec={"containers": [{"name": "container", "command": command, "env": env}]},
        status=status or {"phase": "Running", "containerStatuses": [container]},
    )


class Kanister:
    """Plays the controller: takes an ActionSet up and runs its phases, as pkg/controller does."""

    def __init__(self, cluster, *, fails=(), says=None, seconds=None, stops_in="", launch_error=""):
        self.cluster, self.fails, self.says = cluster, fails, says or {}
        self.seconds = seconds or (2 if cluster.time else 0.15)
        self.stops_in, self.launch_error = stops_in, launch_error
        self.artifacts = {}
        self.outputs = {}  # of phases, by name
        cluster.on_create.append(self.run)

    def run(self, made):
        """Yield the seconds between the steps."""
        if made["kind"] != "ActionSet":
            return
        name, action = made["metadata"]["name"], made["spec"]["actions"][0]
        blueprint = self.cluster.get("blueprints", "kasten-io", action["blueprint"])
        found = blueprint["actions"][action["name"]]
        phases = [{"name": p["name"], "state": "pending"} for p in found["phases"]]
        deferred = {"name": "", "state": ""}
        if "deferPhase" in found:
            deferred = {"name": found["deferPhase"]["name"], "state": "pending"}
        status = {
            "state": "running",
            "actions": [{"name": action["name"], "phases": phases, "deferPhase": deferred}],
            "error": {"message": ""},
            "progress": {"runningPhase": ""},
        }

        def write():
            self.cluster.change("actionsets", "kasten-io", name, {"status": status})

        if self.launch_error:
            status["state"] = phases[0]["state"] = "failed"
            status["error"]["message"] = self.launch_error
            write()
            return
        for phase in [*phases, deferred]:
            if not phase["name"] or (status["state"] == "failed" and phase is not deferred):
                continue
            status["progress"]["runningPhase"] = phase["name"]
            if phase is not deferred:
                phase["state"] = "running"
            write()
            job = made["metadata"]["labels"]["kanister.io/JobID"]
            pod = f"kanister-job-{phase['name']}"
            self.cluster.logs[pod] = self.says.get(phase["name"], [])
            add_task(self.cluster, pod, phase["name"], job=job)
            yield self.seconds
            if phase["name"] == self.stops_in:  # the controller is restarted
                ended = {"containerStatuses": [{"state": {"terminated": {"exitCode": 0}}}]}
                self.cluster.change("pods", "kafka", pod, {"status": ended})
                return
            self.cluster.drop("pods", "kafka", pod)
            phase["state"] = "failed" if phase["name"] in self.fails else "complete"
            if phase["state"] == "failed":
                status["state"] = "failed"
                status["error"]["message"] = wrapped(self.says.get(phase["name"], []))
            elif phase["name"] in self.outputs:
                phase["output"] = self.outputs[phase["name"]]
            write()
        if status["state"] != "failed":
            status["state"] = "complete"
            status["actions"][0]["artifacts"] = self.artifacts
        status["progress"]["runningPhase"] = ""
        write()


def wrapped(lines):
    r"""Kanister's error: the log with its ends of lines as `\n`, and the status of the pod."""
    log = "\\n".join(lines)
    return (
        f'{{"message":"Failed while waiting for Pod to complete","log":"{log}","podStatus":'
        f'{{"phase":"Failed","containers":"{"x" * 2000}"}}}}'
    )


FILES = {"lib.sh": "# says nothing\n", "stop.sh": "# stops\n"}


def add_scripts(cluster, **fields):
    """The ConfigMap of scripts; returns the spec of a pod that pins it."""
    made = ScriptsConfigMap(tuple(FILES.items()), "")
    cluster.add("configmaps", "kafka", made.name, **{"data": FILES, "immutable": True, **fields})
    env = [{"name": "SCRIPTS_SHA256", "value": made.sha256}]
    volume = {"name": "scripts", "configMap": {"name": made.name}}
    return {"containers": [{"name": "container", "env": env}], "volumes": [volume]}
