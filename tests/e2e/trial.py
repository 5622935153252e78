"""One scenario on one Kafka: what there was before, the fault, and what there is after it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import ClassVar

from . import faults, lab
from .lab import KANISTER_NAMESPACE, Kafka, Outcome, Started, get, is_ready, kubectl, wait_until
from .reliability import RESULTS, UNDISTURBED, Result, load, rendered_scripts, short

OURS = "kanister-kafka.io/"
PAUSE = "strimzi.io/pause-reconciliation"
TOPIC = "reliability"
MESSAGES = 100
SOON = (
    *("--restart-after", "5m"),
    *("--timeout", "check=20s", "--timeout", "quiesce=30s", "--timeout", "flush=15s"),
    *("--timeout", "watchdog=20s", "--timeout", "pause=30s", "--timeout", "components=10s"),
    *("--timeout", "stop=5s"),
)
"""Time of the watchdog where it is waited for: as little as all waits of a stop allow."""
LATE = ("--restart-after", "20m")
COMMAND = [sys.executable, "-m", "kanister_kafka"]


@dataclass(frozen=True)
class Build:
    """What a scenario is played with: each field as in `Result`."""

    scripts: str
    steps: str
    release: str
    versions: tuple[tuple[str, str], ...]


class Trial:
    """A fault at one moment of a backup."""

    written: ClassVar[Counter[str]] = Counter()
    """Every message of this process, over all scenarios."""
    installed: ClassVar[tuple[str, ...] | None] = None

    def __init__(
        self,
        kafka: Kafka,
        scenario: str,
        *options: str,
        mirror: tuple[str, str],
        build: Build,
    ) -> None:
        self.kafka, self.scenario, self.build = kafka, scenario, build
        self.options = options if SOON[0] in options else (*LATE, *options)
        self.blueprint = f"{kafka.namespace}.{kafka.name}"
        self.mirror = mirror
        self.messages: list[str] = []
        self.sets: list[Started] = []
        self.at = self.seconds = 0.0
        self.stopped = False
        self.status = ""
        self.found = 0
        self.by = ""
        self.events: tuple[str, ...] = ()
        self.expected: tuple[str, ...] = ()

    # what there was before

    def prepare(self) -> None:
        if Trial.installed != self.options:
            self.install(*self.options)
        # A scenario that was broken off has left its backup, which is none of this one.
        ours = ("-l", f"{OURS}cluster={self.kafka.name}", "-n", self.kafka.namespace)
        kubectl("delete", "volumesnapshots,secrets", *ours)
        wait_until(f"{self.kafka} is Ready", lambda: is_ready(self.kafka.resource()))
        self.run_before = self.record().get("run")
        self.before, self.mirror_before = self.kafka.resource(), self.writer()
        self.began = datetime.now(timezone.utc).replace(microsecond=0)
        run = uuid.uuid4().hex[:8]
        self.messages = [f"{run}-{i}" for i in range(MESSAGES)]
        self.kafka.write(TOPIC, self.messages)
        Trial.written.update(self.messages)

    def install(self, *options: str) -> None:
        """Render from the live cluster as a user would, and apply it."""
        Trial.installed = None
        command = [*COMMAND, "render", "--from-cluster", self.kafka.name]
        done = subprocess.run(
            [*command, "-n", self.kafka.namespace, *options], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert self.build.scripts in done.stdout, "the scripts were changed during the run"
        # Not client-side apply: it would leave what another tool has written into the record.
        kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", stdin=done.stdout)
        Trial.installed = options

    def writer(self) -> dict:
        return get(lab.versioned("kafkamirrormaker2s"), self.mirror[1], "-n", self.mirror[0])

    # the fault

    def begin(self, action: str) -> Started:
        started = lab.begin_action(action, self.blueprint, self.kafka.namespace)
        self.sets.append(started)
        return started

    def run(self, action: str, timeout: float = 900) -> Outcome:
        return self.begin(action).end(timeout)

    def stop(self) -> None:
        """Stop it as planned: what the snapshot is taken of."""
        self.is_stopped(self.run("backupPrehook"))

    def is_stopped(self, outcome: Outcome) -> None:
        assert outcome.done(), outcome.error
        assert not self.kafka.pods(), "called stopped, and nodes are there"
        assert self.kafka.record()["state"] == "stopped"

    def strike(self) -> None:
        """The clock starts: the fault is there, or what it hits begins."""
        self.at = time.time()

    def look(self) -> dict:
        """Ask `status`; what it says first is kept for the table."""
        done = subprocess.run(
            [*COMMAND, "status", self.kafka.name, "-n", self.kafka.namespace, "-o", "json"],
            capture_output=True,
            text=True,
        )
        assert done.returncode in (0, 1), done.stderr
        seen = json.loads(done.stdout)
        assert seen["runs"] == (done.returncode == 0)
        self.status = self.status or seen["headline"].removeprefix(f"Kafka {self.kafka} ")
        return seen

    def resume(self) -> None:
        done = subprocess.run(
            [*COMMAND, "resume", self.kafka.name, "-n", self.kafka.namespace],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def finish(self, stop: Outcome, *, restart: bool = True) -> None:
        """Go on as Kasten does: the restart after a stop that went well."""
        if not stop.done():
            self.expect("switch")
            return
        if restart:
            self.is_stopped(stop)
            started = self.run("backupPosthook")
            assert started.done(), started.error
            self.expect("restart")

    def expect(self, *by: str) -> None:
        self.expected = by

    # what there is after it

    def check(self, within: float = 400) -> None:
        wait_until("all is as it was found", lambda: not self.left(), within)
        ended = time.time()
        ready = [_ready_since(pod) for pod in self.kafka.pods()]
        assert ready and all(ready), "every node is Ready"
        if not self.seconds:  # the first look counts
            self.stopped = max(ready) + 1 > self.at  # these times have no fractions
            self.seconds = (max(ready) if self.stopped else ended) - self.at
        self.by = self._by()
        self.events = self._events()
        found = Counter(self._read())
        self.found = sum(found[message] == 1 for message in self.messages)
        assert found == Trial.written, _difference(Trial.written, found)
        seen = self.look()
        assert seen["state"] in ("running", "paused"), seen["headline"]
        if self.expected:
            assert self.by in self.expected, f"brought back by {self.by!r}, not {self.expected}"

    def left(self) -> list[str]:
        """Return what is not as it was before the fault."""
        now, writer = self.kafka.resource(), self.writer()
        pods = self.kafka.pods()
        found = [] if pods and all(is_ready(pod) for pod in pods) else ["nodes are not Ready"]
        for name, then, there in (
            ("Kafka", self.before, now),
            ("mirror", self.mirror_before, writer),
        ):
            annotations = there["metadata"].get("annotations", {})
            found += [f"{name} has {key}" for key in annotations if key.startswith(OURS)]
            if annotations.get(PAUSE) != then["metadata"].get("annotations", {}).get(PAUSE):
                found.append(f"{name} has another pause")
            if there["spec"] != then["spec"]:
                found.append(f"{name} has another spec")
        switch = get(
            "deployment", f"{self.kafka.name}-kanister-kafka-switch", "-n", self.kafka.namespace
        )
        found += ["the watchdog is armed"] if switch["spec"]["replicas"] else []
        state = self.record().get("state", "running")
        found += [f"the record says {state}"] if state not in ("running", "") else []
        return found

    def record(self) -> dict[str, str]:
        name = f"{self.kafka.name}-kanister-kafka"
        found = get(
            "configmap", "-n", self.kafka.namespace, "--field-selector", f"metadata.name={name}"
        )["items"]
        return (found[0].get("data") or {}) if found else {}

    def _by(self) -> str:
        """Return the phase that has ended a stop, if there was one since the scenario began."""
        record = self.record()
        return record.get("endedBy", "") if record.get("run") != self.run_before else ""

    def _read(self) -> list[str]:
        """Read the whole topic; the limit is for a consumer that does not get so many."""
        text = self.kafka.tool(
            "kafka-console-consumer.sh",
            f"--bootstrap-server localhost:9092 --topic {TOPIC} --partition 0 --offset earliest",
            f"--max-messages {self.kafka.held(TOPIC)} --timeout-ms 60000 2>/dev/null || true",
        )
        runs = {message.partition("-")[0] for message in Trial.written}
        return [word for word in text.split() if word.partition("-")[0] in runs]

    def _events(self) -> tuple[str, ...]:
        found = get(
            "events",
            "-n",
            self.kafka.namespace,
            "--field-selector",
            f"involvedObject.kind=Kafka,involvedObject.name={self.kafka.name}",
        )["items"]
        since = f"{self.began:%Y-%m-%dT%H:%M:%SZ}"
        ours = sorted(
            (e["firstTimestamp"], e["metadata"]["creationTimestamp"], e["reason"])
            for e in found
            if e.get("source", {}).get("component") == "kanister-kafka"
            and e["firstTimestamp"] >= since
        )
        return tuple(reason for _at, _made, reason in ours)

    def save(self, problem: str) -> None:
        reference = self.seconds
        if self.scenario != UNDISTURBED:
            undisturbed = load(RESULTS).get(self.build.release, {}).get(UNDISTURBED)
            reference = undisturbed.seconds if undisturbed else 0.0
        Result(
            scenario=self.scenario,
            problem=short(problem),
            stopped=self.stopped,
            seconds=round(self.seconds, 1),
            reference=round(reference, 1),
            by=self.by,
            written=len(self.messages),
            found=self.found,
            status=self.status,
            events=self.events,
            ended=f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
            scripts=self.build.scripts,
            steps=self.build.steps,
            release=self.build.release,
            versions=self.build.versions,
        ).save(RESULTS)

    def clean(self) -> None:
        """Take away what a controller that was killed leaves behind, and what this has made."""
        names = [started.name for started in self.sets]
        if names:
            kubectl("delete", "actionset", *names, "-n", KANISTER_NAMESPACE, "--ignore-not-found")
        kubectl(
            "delete",
            "pods",
            "-n",
            self.kafka.namespace,
            "-l",
            "createdBy=kanister",
            "--ignore-not-found",
        )


@contextlib.contextmanager
def trying(trial: Trial) -> Iterator[Trial]:
    """Play a scenario: its result is written whichever way it ends."""
    trial.prepare()
    try:
        yield trial
        trial.check()
    except BaseException as failure:
        text = str(failure) or type(failure).__name__
        with contextlib.suppress(Exception):
            trial.by, trial.events = trial._by(), trial._events()
            text += f" (left: {', '.join(trial.left())})" if trial.left() else ""
        if not isinstance(failure, KeyboardInterrupt):  # which is no result
            trial.save(text)
        Trial.installed = None
        with contextlib.suppress(Exception):
            if trial.left():
                trial.resume()
        raise
    else:
        trial.save("")
    finally:
        trial.clean()


def _ready_since(pod: dict) -> float:
    for condition in pod["status"].get("conditions", []):
        if condition["type"] == "Ready" and condition["status"] == "True":
            return datetime.fromisoformat(
                condition["lastTransitionTime"].replace("Z", "+00:00")
            ).timestamp()
    return 0.0


def _difference(written: Counter[str], found: Counter[str]) -> str:
    lost, more = written - found, found - written
    return f"{lost.total()} messages lost ({list(lost)[:3]}), {more.total()} doubled"


def build_of(kafka: Kafka) -> Build:
    """Return what runs on the cluster, and the scripts that are rendered for it today."""
    kubernetes = json.loads(kubectl("version", "-o", "json"))["serverVersion"]["gitVersion"]
    controller = get("deployment", faults.kanister()[1], "-n", KANISTER_NAMESPACE)
    image = controller["spec"]["template"]["spec"]["containers"][0]["image"]
    status = kafka.resource()["status"]
    command = [*COMMAND, "render", "--from-cluster", kafka.name, "-n", kafka.namespace]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    scripts = rendered_scripts(done.stdout)
    return Build(
        scripts=scripts.name,
        steps=scripts.steps,
        release=status["operatorLastSuccessfulVersion"],
        versions=(
            ("Kafka", status["kafkaVersion"]),
            ("Kubernetes", kubernetes.removeprefix("v")),
            ("Kanister", image.rpartition("/")[2]),
        ),
    )
