"""A small Kafka on the fake API server, its Blueprint, and Kanister's controller."""

from __future__ import annotations

from kanister_kafka.backup.scripts import ScriptsConfigMap
from tests.fakes import http_api
from tests.fakes.api_server import NOW, ApiServer


def serving(time=None):
    """Serve an empty cluster; with a FakeTime everything happens by that and at once."""
    cluster = ApiServer()
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
