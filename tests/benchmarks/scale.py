"""How a stop, the snapshots and a restart grow with the number of nodes, without brokers.

    python -m tests.benchmarks.scale [--nodes 3,30,300,1000] [--write]

The scripts run as in a pod, with bash and the kubectl that is on PATH, against an API server in
this process that plays Strimzi, the kubelet and the CSI driver (`ManyNodes`). It measures each
phase: seconds, CPU seconds of bash and kubectl, memory of the largest process of them, requests,
and bytes of answers. The fake API server shares the processor with the scripts, so seconds are an
upper limit.
"""

from __future__ import annotations

import argparse
import copy
import os
import platform
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kanister_kafka.backup.model import BackupPlan
from tests.docs.pages import write_section
from tests.fakes import http_api
from tests.fakes.api_server import NOW, ApiServer, selected
from tests.fakes.script_runner import FILES, RUN, STUB, cycle, digest, phases_of

NODES = (3, 30, 300, 1000)
CONTROLLERS = 3
"""Of a Kafka with more nodes than that; a smaller one has one."""
HOME, KAFKA, ELSEWHERE = "kafka-backup", "backup", "kafka-tools"
PHASES = ("backupQuiesce", "backupStop", "backupSnapshot", "backupRestart")
"""Those that wait for nodes. A flush runs a command in each broker, which is not simulated."""
PACE = 0.002
"""Seconds between the ends of two pods, and between two snapshots."""
GROWTH = 1.5
"""How much more CPU a node may take with the largest number than with the second largest."""
MEMORY_MB = 400
"""Of one process of a step with the largest number of nodes."""
REQUESTS = 20
"""How many more requests a phase may send with the largest number of nodes than with the smallest,
except those that create a snapshot. A list of 1,000 is read in two parts."""
CREATES = "backupSnapshot"
"""The phase that creates an object for each node."""
LOOKS_PER_SECOND = 50
"""Requests a second of a phase, without those that create a snapshot. A kubelet may send as many by
its default `kubeAPIQPS` (kubernetes, pkg/kubelet/apis/config/v1beta1/defaults.go), so a step loads
the API server like one node at most."""
REQUESTS_PER_SECOND = 245
"""All requests a second of a phase. Requests of service accounts share the priority level
`workload-low`, which has 100 of 245 shares of the 600 requests that an API server answers at the
same time by its defaults, so 245 (apiserver, pkg/apis/flowcontrol/bootstrap/default.go, and
`--max-requests-inflight`, `--max-mutating-requests-inflight`). If each request takes the second of
the latency objective (kubernetes/community, sig-scalability/slos), this rate fills the level."""
PAUSE = "strimzi.io/pause-reconciliation"


class ManyNodes(ApiServer):
    """An API server with a Kafka of many nodes, and the controllers that a backup waits for."""

    def __init__(self, plan: BackupPlan, nodes: int) -> None:
        super().__init__()
        self.plan = plan
        self.pools = {"broker": nodes - controllers_of(nodes), "controller": controllers_of(nodes)}
        self.watches: list[tuple[threading.Condition, list[dict[str, Any]]]] = []
        self.kinds["authorization.k8s.io", "v1"] = {
            "selfsubjectaccessreviews": "SelfSubjectAccessReview"
        }
        self.kinds["kafka.strimzi.io", "v1beta2"]["kafkabridges"] = "KafkaBridge"
        self.fill()

    def fill(self) -> None:
        """Make all objects that the plan names."""
        ready = {"type": "Ready", "status": "True"}
        status = {"conditions": [ready], "observedGeneration": 1, "clusterId": "c1"}
        self.add("kafkas", HOME, KAFKA, spec={"kafka": {"version": "3.9.2"}}, status=status)
        self.change("kafkas", HOME, KAFKA, {"metadata": {"generation": 1}})
        first = 0
        for pool, number in self.pools.items():
            ids = [*range(first, first + number)]
            first += number
            self.add(
                "kafkanodepools",
                HOME,
                pool,
                spec={"replicas": number, "roles": [pool], "storage": {"type": "jbod"}},
                status={"nodeIds": ids, "observedGeneration": 1},
            )
            self.change("kafkanodepools", HOME, pool, {"metadata": {"generation": 1}})
            self.start_pool(pool)
            for node in ids:
                labels = {"strimzi.io/cluster": KAFKA, "strimzi.io/kind": "Kafka"}
                self.add("persistentvolumeclaims", HOME, claim_of(pool, node), labels=labels)
        for plural, _, rest in (word.partition("/") for word in clients_of(self.plan)):
            namespace, name, *_ = rest.split("/")
            self.add(plural, namespace, name, spec={"replicas": 1})
        self.add("configmaps", HOME, f"{KAFKA}-kanister-kafka", data={})
        self.add("deployments", HOME, f"{KAFKA}-entity-operator")

    def start_pool(self, pool: str) -> None:
        """Make the pods of a pool, as Strimzi does, all of them Ready."""
        labels = {
            "strimzi.io/cluster": KAFKA,
            "strimzi.io/name": f"{KAFKA}-kafka",
            "strimzi.io/controller-name": f"{KAFKA}-{pool}",
        }
        ids = self.objects["kafkanodepools", HOME, pool]["status"]["nodeIds"]
        names = [f"{KAFKA}-{pool}-{node}" for node in ids]
        for name, node in zip(names, ids, strict=True):
            volume = {
                "name": "data-0",
                "persistentVolumeClaim": {"claimName": claim_of(pool, node)},
            }
            self.add(
                "pods",
                HOME,
                name,
                labels=labels,
                spec={"volumes": [volume], "containers": [{"name": "kafka", "image": "x" * 2000}]},
                status={"conditions": [{"type": "Ready", "status": "True"}]},
            )
        self.add(
            "strimzipodsets",
            HOME,
            f"{KAFKA}-{pool}",
            labels={"strimzi.io/cluster": KAFKA},
            spec={"pods": [{"metadata": {"name": name}} for name in names]},
            status={"pods": len(ids), "readyPods": len(ids)},
        )

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> Any:
        if path.startswith("/openapi/v3"):
            return 200, self.openapi(path)
        if path == "/api":
            return 200, {"kind": "APIVersions", "versions": ["v1"]}
        if path == "/apis/kafka.strimzi.io":
            return 200, {"versions": [{"version": "v1beta2"}]}
        if query.get("watch"):
            return 200, self.events(query["labelSelector"])
        if method == "POST" and path.endswith("/selfsubjectaccessreviews"):
            return 201, {**body, "status": {"allowed": True}}
        answer = super().answer(method, path, query, body)
        self.control(method, path, body)
        return answer

    def openapi(self, path: str) -> dict[str, Any]:
        """Return what kubectl reads to learn that the server validates fields."""
        root = "/openapi/v3"
        if path == root:
            places = [
                f"apis/{group}/{version}" if group else f"api/{version}"
                for group, version in self.kinds
            ]
            return {"paths": {place: {"serverRelativeURL": f"{root}/{place}"} for place in places}}
        *_, group, version = path.removeprefix(root).split("/")
        group = "" if group == "api" else group
        verb = {"parameters": [{"name": "fieldValidation", "in": "query"}]}
        paths = {}
        for plural, kind in self.kinds[group, version].items():
            key = {"group": group, "version": version, "kind": kind}
            paths[f"/{plural}"] = {"patch": {**verb, "x-kubernetes-group-version-kind": key}}
        return {"openapi": "3.0.0", "paths": paths}

    def control(self, method: str, path: str, body: Any) -> None:
        """Play the controllers after a write."""
        name = path.rpartition("/")[2]
        if method == "DELETE" and "/strimzipodsets/" in path:
            threading.Thread(target=self.end_pods, args=(name,), daemon=True).start()
        elif method == "POST" and path.endswith("/volumesnapshots"):
            made = {"status": {"creationTime": NOW, "readyToUse": True}}
            threading.Timer(PACE, self.change, (name, HOME, body["metadata"]["name"], made)).start()
        elif method == "PATCH" and "/kafkas/" in path:
            notes = self.objects["kafkas", HOME, KAFKA]["metadata"].get("annotations") or {}
            paused = notes.get(PAUSE) == "true"
            kind = "ReconciliationPaused" if paused else "Ready"
            status = {"conditions": [{"type": kind, "status": "True"}]}
            self.change("kafkas", HOME, KAFKA, {"status": status})
            stopped = [
                pool
                for pool in self.pools
                if ("strimzipodsets", HOME, f"{KAFKA}-{pool}") not in self.objects
            ]
            if not paused:
                for pool in stopped:
                    self.start_pool(pool)

    def end_pods(self, pod_set: str) -> None:
        """End all pods of a set, as the garbage collector and the kubelet do."""
        ended = {"state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}
        for key in [*self.objects]:
            if key[0] != "pods":
                continue
            labels = self.objects[key]["metadata"]["labels"]
            if labels.get("strimzi.io/controller-name") != pod_set:
                continue
            metadata = {"deletionTimestamp": NOW}
            states = {"containerStatuses": [{"name": "kafka", **ended}]}
            pod = self.change(*key, {"metadata": metadata, "status": states})
            self.show("MODIFIED", pod)
            self.drop(*key)
            self.show("DELETED", pod)
            time.sleep(PACE)

    def show(self, kind: str, item: dict[str, Any]) -> None:
        """Send an event to every watch."""
        for ready, events in self.watches:
            with ready:
                events.append({"type": kind, "object": copy.deepcopy(item)})
                ready.notify()

    def events(self, selector: str) -> Iterator[dict[str, Any]]:
        """Yield the events of a watch, which begins now, until its client ends it."""
        ready, events = threading.Condition(), []
        self.watches.append((ready, events))

        def read() -> Iterator[dict[str, Any]]:
            while True:
                with ready:
                    ready.wait_for(lambda: events)
                    new = events[:]
                    events.clear()
                for event in new:
                    if selected(selector, event["object"]["metadata"]["labels"]):
                        yield event

        return read()


def controllers_of(nodes: int) -> int:
    """Return how many of the nodes are controllers, so that brokers are left."""
    return CONTROLLERS if nodes > CONTROLLERS else 1


def claim_of(pool: str, node: int) -> str:
    return f"data-0-{KAFKA}-{pool}-{node}"


def clients_of(plan: BackupPlan) -> list[str]:
    return dict(plan.shared)["CLIENTS"].split()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a phase took."""

    nodes: int
    phase: str
    seconds: float
    cpu: float
    """Seconds of bash and kubectl."""
    memory: float
    """MB of the largest process."""
    requests: int
    """Without those for the discovery of API versions, which are two for each kubectl in a pod."""
    sent: int
    """Bytes of all answers."""

    @property
    def created(self) -> int:
        """Number of requests that create a snapshot."""
        return self.nodes if self.phase == CREATES else 0

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds

    @property
    def look_rate(self) -> float:
        """Requests a second, without those that create a snapshot."""
        return (self.requests - self.created) / self.seconds


def measure(plan: BackupPlan, nodes: int) -> Iterator[Run]:
    """Run all phases of a backup of a Kafka with this many nodes."""
    server = ManyNodes(plan, nodes)
    with tempfile.TemporaryDirectory() as folder, http_api.serving(server):
        http_api.write_kubeconfig(Path(folder) / "kubeconfig", server.url, namespace=HOME)
        mount = Path(folder) / "scripts"
        (mount / "..1").mkdir(parents=True)
        (mount / "..data").symlink_to("..1")
        for name, path in FILES.items():
            (mount / "..1" / name).write_bytes(path.read_bytes())
        for phase in PHASES:
            before, sent = count_requests(server), server.sent
            began = time.monotonic()
            usage = run_phase(plan, phase, Path(folder), mount)
            yield Run(
                nodes=nodes,
                phase=phase,
                seconds=time.monotonic() - began,
                cpu=usage.ru_utime + usage.ru_stime,
                memory=usage.ru_maxrss / 1000,
                requests=count_requests(server) - before,
                sent=server.sent - sent,
            )


def count_requests(server: http_api.HttpApi) -> int:
    """Count requests for objects."""
    paths = (path.split("/") for _method, path, _query in server.asked)
    return sum(len(steps) > 4 and steps[1] in ("api", "apis") for steps in paths)


def run_phase(plan: BackupPlan, name: str, folder: Path, mount: Path) -> Any:
    """Run a phase as its pod does; return the resources that its processes took."""
    phase = phases_of(plan)[name]
    words = [
        f"{key}={RUN if value == '{{ .Time }}' else value}"
        for key, value in (word.split("=", 1) for word in phase.values)
    ]
    environment = {
        **os.environ,
        "KUBECONFIG": str(folder / "kubeconfig"),
        "NO_PROXY": "127.0.0.1",
        "HOME": str(folder),
        "NAMESPACE": HOME,
        "HOSTNAME": name,
        "SCRIPTS_DIR": str(mount),
        "SCRIPTS_SHA256": digest(),
        **dict(plan.shared),
    }
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["bash", "-c", STUB.read_text(), name, phase.script, *words],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{name} failed:\n{log.read_text()[-2000:]}")
    return usage


def faults(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the limits that are exceeded."""
    counts = sorted({run.nodes for run in runs})
    by = {(run.phase, run.nodes): run for run in runs}
    for phase in PHASES:
        last = by[phase, counts[-1]]
        if last.memory > MEMORY_MB:
            yield f"{phase}: {last.memory:.0f} MB, at most {MEMORY_MB}"
        first = by[phase, counts[0]]
        more = last.requests - last.created - (first.requests - first.created)
        if more > REQUESTS:
            yield f"{phase}: {more} more requests, at most {REQUESTS}"
        if len(counts) > 2:
            few, many = by[phase, counts[-3]], by[phase, counts[-2]]
            each = (many.cpu - few.cpu) / (many.nodes - few.nodes)
            expected = many.cpu + max(each, 0) * (last.nodes - many.nodes) * GROWTH + 1
            if last.cpu > expected:
                yield f"{phase}: {last.cpu:.1f} CPU seconds, at most {expected:.1f}: not linear"
    for run in runs:
        yield from rate_faults(run)


def rate_faults(run: Run) -> Iterator[str]:
    """Yield the limits of requests a second that a phase exceeds."""
    place = f"{run.phase}, {run.nodes:,} nodes"
    if run.look_rate > LOOKS_PER_SECOND:
        yield (
            f"{place}: {run.look_rate:.1f} requests a second without the creation of snapshots, "
            f"at most {LOOKS_PER_SECOND}"
        )
    if run.rate > REQUESTS_PER_SECOND:
        yield f"{place}: {run.rate:.1f} requests a second, at most {REQUESTS_PER_SECOND}"


def report(runs: Sequence[Run]) -> str:
    rows = [
        f"| `{run.phase}` | {run.nodes:,} | {run.requests} | {run.rate:.1f} | "
        f"{run.sent / 1000:,.0f} | {run.seconds:.1f} | {run.cpu:.1f} | {run.memory:.0f} |"
        for run in sorted(runs, key=lambda run: (PHASES.index(run.phase), run.nodes))
    ]
    text = (
        "Pods of StrimziPodSets on a simulated API server in the same machine, and no Kafka in "
        f"them: {CONTROLLERS} controllers (1 of {CONTROLLERS} nodes), and brokers for the rest. "
        f"{platform.machine()}, {os.cpu_count()} cores. Memory is that of the largest process. "
        "Requests are without those for the discovery of API versions. The snapshots of all claims "
        "are created by one kubectl."
    )
    return "\n".join(
        [
            *("```sh", "make bench-scale", "```", "", textwrap.fill(text, 100), ""),
            "| phase | nodes | requests | a second | kB of answers | seconds | CPU seconds | MB |",
            "|---|---|---|---|---|---|---|---|",
            *rows,
            "",
            *(f"- {line}" for line in rate_lines(runs)),
        ]
    )


def rate_lines(runs: Sequence[Run]) -> Iterator[str]:
    """Yield the most requests a second, and their limits."""
    looks = max(run.look_rate for run in runs)
    rate = max(run.rate for run in runs)
    yield (
        "requests a second of a phase without the creation of snapshots, the most: "
        f"{looks:.1f} (at most {LOOKS_PER_SECOND}){missed(looks, LOOKS_PER_SECOND)}"
    )
    yield (
        f"all requests a second of a phase, the most: {rate:.1f} "
        f"(at most {REQUESTS_PER_SECOND}){missed(rate, REQUESTS_PER_SECOND)}"
    )


def missed(value: float, limit: float) -> str:
    return ": missed" if value > limit else ": met"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nodes", default=",".join(map(str, NODES)))
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    chosen = parser.parse_args(arguments)
    plan = cycle(restart_after=0)
    runs: list[Run] = []
    for count in chosen.nodes.split(","):
        for run in measure(plan, int(count)):
            sys.stderr.write(f"{run}\n")
            runs.append(run)
    text = report(runs)
    sys.stdout.write(f"{text}\n")
    if chosen.write:
        write_section("scale", text)
    found = [*faults(runs)]
    for fault in found:
        sys.stderr.write(f"{fault}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
