"""A real cluster, driven by kubectl: what the end-to-end tests see and do there."""

from __future__ import annotations

import contextlib
import functools
import json
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from kanister_kafka.errors import KanisterKafkaError, NotFoundError, UnreachableError
from kanister_kafka.kube.client import ApiResource, KubeClient

OPT_IN = "kanister-kafka.io/e2e=true"
"""Label of the namespaces that the tests may stop and start; what else they touch they made."""
KANISTER_NAMESPACE = "kasten-io"
OPTIONS = {"-n": "namespace", "-l": "label", "--field-selector": "fields"}
"""Options of `kubectl get` by what KubeClient calls them."""
KINDS: dict[str, ApiResource] = {}
"""By the words that named them to `get`."""
_OF_THREAD = threading.local()
SMALL_JVM = (
    "KAFKA_HEAP_OPTS=-Xmx96m KAFKA_JVM_PERFORMANCE_OPTS='-XX:+UseSerialGC -XX:TieredStopAtLevel=1'"
)


def kubectl(*arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
    done = subprocess.run(
        ["kubectl", *arguments], input=stdin, capture_output=True, text=True, timeout=timeout
    )
    if done.returncode:
        raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr or done.stdout}")
    return done.stdout


def get(*arguments: str) -> dict:
    """Return what `kubectl get` prints, for most arguments without its process.

    Tests look several times a second, and a process each would load the machine more than what is
    tested. After a failure other than "not found" kubectl tries again, and it has its own words.
    """
    answer, timeout = None, 120
    try:
        answer = _request(arguments)
    except NotFoundError as failure:
        raise AssertionError(f"get {' '.join(arguments)}: {failure}") from failure
    except KanisterKafkaError:
        timeout = 30  # after 30 s for an answer
    try:
        return answer or json.loads(kubectl("get", *arguments, "-o", "json", timeout=timeout))
    except subprocess.TimeoutExpired as failure:
        raise AssertionError(str(failure)) from failure


def _request(arguments: tuple[str, ...]) -> dict | None:
    """Ask the API server over the connection of this thread; None if only kubectl knows how."""
    words: list[str] = []
    options: dict[str, str] = {}
    all_namespaces = False
    remaining = iter(arguments)
    for word in remaining:
        if word in OPTIONS:
            options[OPTIONS[word]] = next(remaining, "")
        elif word in ("-A", "--all-namespaces"):
            all_namespaces = True
        else:
            words.append(word)
    kinds, *names = steps = "/".join(words).split("/")
    if len(names) > 1 or any(step[:1] in ("", "-") for step in steps):
        return None
    if names and (all_namespaces or "," in kinds or {*options} - {"namespace"}):
        return None
    resources = [_kind(kind) for kind in kinds.split(",")]
    client = _client()
    namespace = options.pop("namespace", "") or client.namespace
    if names:
        objects = [client.get(resources[0], names[0], namespace)]
    else:
        scope = "" if all_namespaces else namespace
        lists = [client.items(resource, scope, **options) for resource in resources]
        objects = list(chain.from_iterable(lists))
    for item in objects:
        item["metadata"].pop("managedFields", None)
    if names:
        return objects[0]
    shape = {"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}}
    return {**shape, "items": objects}


def _client(*, anew: bool = False) -> KubeClient:
    """Return the client of this thread; a new one does not know yet which kinds are served."""
    if anew or not hasattr(_OF_THREAD, "client"):
        _OF_THREAD.client = KubeClient()
    return _OF_THREAD.client


def _kind(word: str) -> ApiResource:
    """Find a kind as kubectl takes it; if there is none, look again: tests make kinds."""
    if word not in KINDS:
        try:
            KINDS[word] = _named(_client(), word)
        except UnreachableError:
            KINDS[word] = _named(_client(anew=True), word)
    return KINDS[word]


def _named(client: KubeClient, word: str) -> ApiResource:
    name, _, api = word.partition(".")
    version, _, group = api.partition(".")
    if not group or not re.match(r"v\d", version):
        return client.named(word)
    return client.kind(f"{group}/{version}", client.named(f"{name}.{group}").kind)


@functools.cache
def strimzi_api() -> str:
    """Return the API version of what a test makes: the old one where it is served."""
    old = "kafka.strimzi.io/v1beta2"
    return old if old in kubectl("api-versions").split() else "kafka.strimzi.io/v1"


def versioned(plural: str) -> str:
    """Spell a kind of Strimzi with its version: another one that is served may lack its fields."""
    group, version = strimzi_api().split("/")
    return f"{plural}.{version}.{group}"


def combined_node(volume: dict) -> dict:
    """Return the spec of a KafkaNodePool of one small node that is controller and broker."""
    return {
        "replicas": 1,
        "roles": ["controller", "broker"],
        "storage": {"type": "jbod", "volumes": [{**volume, "kraftMetadata": "shared"}]},
        "resources": {"requests": {"cpu": "20m", "memory": "300Mi"}},
        "jvmOptions": {"-Xms": "200m", "-Xmx": "256m", "-XX": {"TieredStopAtLevel": "1"}},
    }


def command(*words: str, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Run our own command."""
    program = [sys.executable, "-m", "kanister_kafka", *words]
    return subprocess.run(program, capture_output=True, text=True, timeout=timeout)


def why_not() -> str:
    """Say in one line why no end-to-end test can run here, or nothing."""
    if not shutil.which("kubectl"):
        return "kubectl is not on PATH"
    try:
        if not get("namespaces", "-l", OPT_IN)["items"]:
            return f"no namespace of this cluster has the label {OPT_IN}"
    except (AssertionError, subprocess.TimeoutExpired) as failure:
        return str(failure).splitlines()[0]
    return ""


@dataclass(frozen=True)
class Kafka:
    """One Kafka that may be stopped and started."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    def resource(self) -> dict:
        return get("kafka", self.name, "-n", self.namespace)

    def pods(self, *components: str) -> list[dict]:
        names = ",".join(f"{self.name}-{c}" for c in components or ("kafka", "zookeeper"))
        selector = f"strimzi.io/cluster={self.name},strimzi.io/name in ({names})"
        return get("pods", "-n", self.namespace, "-l", selector)["items"]

    def claims(self) -> set[str]:
        found = get("pvc", "-n", self.namespace, "-l", f"strimzi.io/cluster={self.name}")["items"]
        return {claim["metadata"]["uid"] for claim in found}

    def record(self) -> dict[str, str]:
        name = f"{self.name}-kanister-kafka"
        return get("configmap", name, "-n", self.namespace).get("data", {})

    def broker(self) -> str:
        """Name of a pod with Kafka's tools that serves."""
        pods = self.pods("kafka")
        roles = "strimzi.io/broker-role"
        return next(
            p["metadata"]["name"]
            for p in pods
            if p["metadata"]["labels"].get(roles, "true") == "true"
        )

    def tool(self, tool: str, *arguments: str, stdin: str | None = None) -> str:
        command = f"cd /opt/kafka; {SMALL_JVM} exec bin/{tool} {' '.join(arguments)}"
        pod = self.broker()
        interactive = ["-i"] if stdin is not None else []
        return kubectl(
            *("exec", *interactive, pod, "-n", self.namespace, "-c", "kafka", "--"),
            *("bash", "-c", command),
            stdin=stdin,
            timeout=300,
        )

    def write(self, topic: str, messages: list[str], *properties: str) -> None:
        """Write a line for each record, split as the properties of the reader of lines say."""
        # By its class, which moved in 4.0: the script may be of another version than the jars.
        old = "ls libs | grep -q 'kafka-tools-[0-3]' && echo kafka || echo org.apache.kafka"
        self.tool(
            f"kafka-run-class.sh $({old}).tools.ConsoleProducer",
            f"--bootstrap-server localhost:9092 --topic {topic} --request-required-acks all",
            *(f"--property {words}" for words in properties),
            stdin="".join(f"{message}\n" for message in messages),
        )

    def create(self, topic: str) -> None:
        """Make a topic: brokers need not do so by themselves."""
        words = f"--bootstrap-server localhost:9092 --create --if-not-exists --topic {topic}"
        self.tool("kafka-topics.sh", words)

    def held(self, topic: str) -> int:
        """How many records a topic holds now, by its offsets."""

        def offsets(time: str) -> int:
            words = f"--bootstrap-server localhost:9092 --topic {topic} --time {time}"
            rows = self.tool("kafka-get-offsets.sh", words).split()
            return sum(int(row.rpartition(":")[2]) for row in rows)

        return offsets("latest") - offsets("earliest")

    def read(self, topic: str) -> list[str]:
        """Read what a topic holds now; others may be writing to it all the time.

        The limit is for a consumer that does not get so many: on a busy machine some seconds pass
        before its first.
        """
        text = self.tool(
            "kafka-console-consumer.sh",
            f"--bootstrap-server localhost:9092 --topic {topic} --from-beginning",
            f"--max-messages {self.held(topic)} --timeout-ms 60000 2>/dev/null || true",
        )
        return text.split()


def kafkas() -> list[Kafka]:
    """Return every Kafka in the namespaces that opted in."""
    namespaces = {n["metadata"]["name"] for n in get("namespaces", "-l", OPT_IN)["items"]}
    found = get("kafka", "--all-namespaces")["items"]
    return sorted(
        (
            Kafka(k["metadata"]["namespace"], k["metadata"]["name"])
            for k in found
            if k["metadata"]["namespace"] in namespaces
        ),
        key=str,
    )


@dataclass
class Outcome:
    """How an ActionSet ended."""

    state: str
    error: str
    phases: dict[str, str]
    seconds: float
    log: str = ""
    artifacts: dict = field(default_factory=dict)

    def done(self) -> bool:
        return self.state == "complete"


@dataclass(frozen=True)
class Started:
    """An ActionSet that may still be at work."""

    name: str
    action: str
    namespace: str
    """In which its task pods run."""
    began: float

    def status(self) -> dict:
        return get("actionset", self.name, "-n", KANISTER_NAMESPACE).get("status", {})

    def phase(self) -> str:
        """Return the phase that runs, or nothing. A deferPhase stays `pending` while it runs."""
        for action in self.status().get("actions", []):
            states = [phase["state"] for phase in action["phases"]]
            for phase in action["phases"]:
                if phase["state"] == "running":
                    return phase["name"]
            deferred = action.get("deferPhase", {})
            over = "failed" in states or set(states) == {"complete"}
            if over and deferred.get("state") in ("pending", "running"):
                return deferred["name"]
        return ""

    def enter(self, phase: str, timeout: float = 180) -> None:
        """Wait until a phase has begun; its pod may not run yet, and some run for a second only."""
        wait_until(
            f"{self.action} is in {phase}", lambda: self.phase() == phase, timeout, every=0.1
        )

    def reach(self, phase: str, timeout: float = 180) -> str:
        """Wait until the task pod of a phase runs; return its name."""
        found: list[str] = []

        def runs() -> bool:
            if self.phase() == phase:
                found[:] = task_pods(self.namespace)
            return bool(found)

        wait_until(f"{self.action} is in {phase}", runs, timeout, every=0.2)
        return found[0]

    def outcome(self) -> Outcome | None:
        """Return how it ended; nothing while it, or its deferPhase, is at work.

        The state becomes `failed` before the deferPhase has run.
        """
        status = self.status()
        actions = status.get("actions") or [{}]
        deferred = actions[0].get("deferPhase", {})
        ended = deferred.get("state", "") in ("", "complete", "failed")
        if status.get("state") not in ("complete", "failed") or not ended:
            return None
        phases = {p["name"]: p["state"] for p in actions[0].get("phases", [])}
        if deferred.get("name"):
            phases[deferred["name"]] = deferred["state"]
        error = status.get("error", {}).get("message", "")
        return Outcome(
            status["state"],
            error,
            phases,
            time.monotonic() - self.began,
            artifacts=actions[0].get("artifacts") or {},
        )

    def end(self, timeout: float = 900) -> Outcome:
        while time.monotonic() - self.began < timeout:
            if outcome := self.outcome():
                return outcome
            time.sleep(0.5)
        raise AssertionError(
            f"{self.action}, ActionSet {self.name}, did not end within {timeout} s: {self.status()}"
        )


def begin_actions(
    count: int, action: str, blueprint: str, namespace: str, **fields: dict
) -> list[Started]:
    """Make ActionSets by one command and do not wait for them."""
    target = {"kind": "Namespace", "name": namespace, "namespace": namespace}
    wanted = {"name": action, "blueprint": blueprint, "object": target, **fields}
    made = {
        "apiVersion": "cr.kanister.io/v1alpha1",
        "kind": "ActionSet",
        "metadata": {"generateName": "e2e-", "namespace": KANISTER_NAMESPACE},
        "spec": {"actions": [wanted]},
    }
    text = "\n".join([json.dumps(made)] * count)
    names = kubectl("create", "-o", "name", "-f", "-", stdin=text).split()
    began = time.monotonic()
    return [Started(name.partition("/")[2], action, namespace, began) for name in names]


def begin_action(action: str, blueprint: str, namespace: str, **fields: dict) -> Started:
    return begin_actions(1, action, blueprint, namespace, **fields)[0]


def run_action(
    action: str,
    blueprint: str,
    namespace: str,
    timeout: float = 900,
    *,
    artifacts: dict | None = None,
    options: dict | None = None,
) -> Outcome:
    """Run an action through the Kanister controller and follow it to its very end."""
    given = {"artifacts": artifacts, "options": options}
    fields = {key: value for key, value in given.items() if value}
    with _task_logs(namespace) as log:
        outcome = begin_action(action, blueprint, namespace, **fields).end(timeout)
    return replace(outcome, log="\n".join(log))


def task_pods(namespace: str) -> list[str]:
    """Return the task pods of Kanister that run."""
    found = get("pods", "-n", namespace, "-l", "createdBy=kanister")["items"]
    return [p["metadata"]["name"] for p in found if p["status"].get("phase") == "Running"]


@contextlib.contextmanager
def _task_logs(namespace: str) -> Iterator[list[str]]:
    """Collect what the task pods of a namespace print.

    Kanister deletes such a pod the moment it is done, so it is followed from its first moment.
    """
    lines: list[str] = []
    followed: dict[str, threading.Thread] = {}

    def follow(pod: str) -> None:
        done = subprocess.run(
            ["kubectl", "logs", "-f", pod, "-n", namespace], capture_output=True, text=True
        )
        lines.extend(done.stdout.splitlines())

    def look(pod: dict) -> None:
        name = pod["metadata"]["name"]
        if name not in followed and pod["status"].get("phase") != "Pending":
            followed[name] = threading.Thread(target=follow, args=(name,))
            followed[name].start()

    with _watching(namespace, "createdBy=kanister", look):
        yield lines
    for follower in followed.values():
        follower.join(10)


@contextlib.contextmanager
def _watching(namespace: str, selector: str, look: Callable[[dict], None]) -> Iterator[None]:
    """Show every change of some pods to a function, from a thread of its own."""
    watcher = subprocess.Popen(
        [
            *("kubectl", "get", "pods", "-n", namespace, "-l", selector),
            *("--watch", "-o", "json"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert watcher.stdout is not None
    stream = watcher.stdout

    def read() -> None:
        for pod in _objects(stream.readline):
            look(pod)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        time.sleep(1)
        watcher.terminate()
        thread.join(10)
        watcher.wait(10)
        stream.close()


@dataclass
class Exits:
    """Exit codes of the containers that ended while this was watching."""

    codes: dict[str, int] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    """Pods in the order in which their main container ended."""


@contextlib.contextmanager
def watch_exits(kafka: Kafka) -> Iterator[Exits]:
    """Watch the pods of a cluster; a deleted pod tells its exit code in its last change."""
    exits = Exits()

    def look(pod: dict) -> None:
        name = pod["metadata"]["name"]
        for status in pod.get("status", {}).get("containerStatuses", []):
            ended = status.get("state", {}).get("terminated")
            key = f"{name}/{status['name']}"
            if ended and key not in exits.codes:
                exits.codes[key] = ended["exitCode"]
                exits.order.append(name)

    with _watching(kafka.namespace, f"strimzi.io/cluster={kafka.name}", look):
        yield exits


def _objects(readline: Callable[[], str]) -> Iterator[dict]:
    """Split kubectl's stream of pretty-printed JSON objects."""
    lines: list[str] = []
    while line := readline():
        lines.append(line)
        if line.startswith("}"):
            yield json.loads("".join(lines))
            lines.clear()


def wait_until(
    what: str, check: Callable[[], object], timeout: float = 600, *, every: float = 1
) -> None:
    began = time.monotonic()
    while time.monotonic() - began < timeout:
        with contextlib.suppress(AssertionError, KeyError, StopIteration):
            if check():
                return
        time.sleep(every)
    raise AssertionError(f"not within {timeout} s: {what}")


def is_ready(resource: dict) -> bool:
    conditions = resource.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
