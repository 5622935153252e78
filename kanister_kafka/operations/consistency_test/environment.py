"""The clusters of a consistency test, a source and its mirror, and the results as data."""

from __future__ import annotations

import enum
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, TypeVar

from kanister_kafka import constants
from kanister_kafka.errors import (
    ActionError,
    InterruptedWriteError,
    NotFoundError,
    UnreachableError,
)
from kanister_kafka.kube.client import DEPLOYMENTS, NAMESPACES, KubeClient
from kanister_kafka.operations.rehearsal.context import (
    ClientState,
    RehearsalContext,
    RehearsalRequest,
    build_context,
)
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.topics.access import AccessRequest, find_access
from kanister_kafka.topics.client import ClientAccess
from kanister_kafka.topics.compare import CompareRequest
from kanister_kafka.topics.job import (
    NAME,
    ResultMessage,
    TopicJob,
    command_args,
    request_args,
    run_job,
    topic_arg,
)
from kanister_kafka.topics.model import Comparison, TopicRates

LAB = f"{constants.PREFIX}lab"
"""On a namespace whose Kafka may be stopped, and its volumes replaced, for a test; `true`."""
TOPIC = f"{constants.PREFIX}topic"
"""On a producer: the topic that it writes to."""
RATE = "RECORDS_PER_SECOND"
"""In the environment of a producer."""
MIRROR_MAKER = "KafkaMirrorMaker2"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioRequest:
    """What is asked for."""

    source: KafkaRef
    mirror: KafkaRef
    topics: tuple[str, ...]
    context: str = ""
    kasten_namespace: str
    snapshot_class: str = ""
    timeout: int
    """Seconds that each action, snapshot and return may take."""
    even_within: int
    """ms up to which a head counts as even."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioEnvironment:
    """What is there."""

    request: ScenarioRequest
    mirror_context: RehearsalContext
    """For the stops and restarts of the mirror."""
    writer: ClientState
    """The client that mirrors into it."""
    rates: dict[str, int]
    """Records a second of each topic, by its producer."""


def find_environment(connection: KubeClient, request: ScenarioRequest) -> ScenarioEnvironment:
    """Look whether everything is there and may be stopped; nothing is changed.

    Raises NotFoundError and ActionError.
    """
    for target in (request.source, request.mirror):
        namespace = connection.get(NAMESPACES, target.namespace)
        labels = namespace["metadata"].get("labels") or {}
        if labels.get(LAB) != "true":
            raise ActionError(
                f"namespace {target.namespace} has not the label {LAB}=true: a test stops the "
                "mirror and replaces its volumes, and does so only if that label allows it "
                "(examples/lab sets it)"
            )
    context = new_context(connection, request)
    mirrors = [writer for writer in context.writers if writer.kind == MIRROR_MAKER]
    if len(mirrors) != 1:
        names = ", ".join(map(str, mirrors)) or "none"
        raise ActionError(f"Kafka {request.mirror} needs one {MIRROR_MAKER}; there is {names}")
    return ScenarioEnvironment(
        request=request,
        mirror_context=context,
        writer=mirrors[0],
        rates=_rates(connection, request),
    )


def new_context(connection: KubeClient, request: ScenarioRequest) -> RehearsalContext:
    """Find what one stop and restart of the mirror need, under a name of its own."""
    return build_context(
        connection,
        RehearsalRequest(
            name=request.mirror.name,
            namespace=request.mirror.namespace,
            context=request.context,
            kasten_namespace=request.kasten_namespace,
            snapshot_class=request.snapshot_class,
            probe=False,
            timeout=request.timeout,
        ),
    )


def _rates(connection: KubeClient, request: ScenarioRequest) -> dict[str, int]:
    rates: dict[str, int] = {}
    for item in connection.items(DEPLOYMENTS, request.source.namespace, TOPIC):
        topic = item["metadata"]["labels"][TOPIC]
        if not (item.get("status") or {}).get("readyReplicas"):
            raise ActionError(f"the producer of {topic} is not Ready")
        for container in item["spec"]["template"]["spec"]["containers"]:
            for variable in container.get("env") or ():
                if variable.get("name") == RATE:
                    rates[topic] = int(variable["value"])
    if lost := [topic for topic in request.topics if topic not in rates]:
        raise NotFoundError(
            f"namespace {request.source.namespace} has no Deployment with the label {TOPIC} and "
            f"{RATE} for {', '.join(lost)}"
        )
    return rates


# How a consistency test reads topics: by Jobs in the cluster, which reach every broker.

Result = TypeVar("Result")


class TopicMetrics(Protocol):
    """The pod that reads topics."""

    def rates(self, target: KafkaRef, topics: Sequence[str], seconds: int) -> TopicRates:
        """Measure how fast topics of a Kafka grow."""

    def compare(self, topic: str, request: CompareRequest) -> Comparison:
        """Compare a topic of the source with its mirror."""


class JobTopicMetrics:
    """Looks by Jobs in the namespace of the source, without any right there."""

    def __init__(
        self, connection: KubeClient, source: KafkaRef, mirror: KafkaRef, image: str
    ) -> None:
        self._connection, self._source, self._mirror = connection, source, mirror
        self._image = image

    def rates(self, target: KafkaRef, topics: Sequence[str], seconds: int) -> TopicRates:
        """Measure how fast topics of a Kafka grow; UnreachableError if the Job fails."""
        words = ("--for", f"{seconds}s", "--") + tuple(topics)
        return self._run("rate", words, TopicRates, self._access(target))

    def compare(self, topic: str, request: CompareRequest) -> Comparison:
        """Compare a topic of the source with its mirror; UnreachableError if the Job fails."""
        a, b = self._access(self._source), self._access(self._mirror)
        words = request_args(request) + ("--", topic_arg(a, topic), topic_arg(b, ""))
        comparison = self._run("compare", words, Comparison, a, b)
        return replace(
            comparison, a=f"{a.label}/{topic}", b=f"{b.label}/{comparison.b.rpartition('/')[2]}"
        )

    def _access(self, target: KafkaRef) -> ClientAccess:
        """Find the way in anew: a pause wipes it from the status, and certificates change."""
        wish = AccessRequest(namespace=target.namespace, kafka=target.name, inside=True)
        return find_access(self._connection, wish)

    def _run(
        self, command: str, words: tuple[str, ...], kind: type[Result], *accesses: ClientAccess
    ) -> Result:
        work = TopicJob(
            name=f"{NAME}{secrets.token_hex(4)}",
            namespace=self._source.namespace,
            image=self._image,
            arguments=command_args(command, len(accesses)) + words,
            accesses=accesses,
        )
        results = [
            event.result
            for event in run_job(self._connection, work)
            if isinstance(event, ResultMessage)
        ]
        if not results or not isinstance(results[-1], kind):
            raise UnreachableError(f"Job {work.namespace}/{work.name} has no {kind.__name__}")
        return results[-1]


# The results of a consistency test, as data.


class Scenario(enum.Enum):
    """What is shown."""

    SETUP = "setup"
    HOT = "hot"
    COLD = "cold"
    ONLINE = "online"


PURPOSES = {
    Scenario.SETUP: "the producers write, and the mirror is in step",
    Scenario.HOT: "volumes snapshotted while the mirror is written to, and restored",
    Scenario.COLD: "volumes snapshotted while the mirror is stopped by its Blueprint, and restored",
    Scenario.ONLINE: "volumes snapshotted while only the mirror's clients are stopped; restored",
}


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that was measured."""

    name: str
    value: str
    """With its unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioStep:
    """One step of a scenario."""

    name: str
    does: str
    passed: bool
    seconds: float
    figures: tuple[Metric, ...] = ()
    failure: str = ""
    """Why it did not pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonSnapshot:
    """Source and mirror compared at one point of a scenario."""

    title: str
    comparison: Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioResult:
    """One scenario as it went."""

    scenario: Scenario
    steps: tuple[ScenarioStep, ...]
    comparisons: tuple[ComparisonSnapshot, ...]

    @property
    def passed(self) -> bool:
        """Whether every step did."""
        return bool(self.steps) and all(step.passed for step in self.steps)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyReport:
    """One run of some scenarios."""

    id: str
    began: datetime
    """UTC."""
    seconds: float
    source: str
    mirror: str
    topics: tuple[str, ...]
    versions: str
    scenarios: tuple[ScenarioResult, ...]
    leftovers: tuple[str, ...] = ()
    """Objects that could not be removed or put back."""
    interrupted: bool = False
    """Whether a signal has ended it, between two steps too: what comes later did not run."""

    @property
    def passed(self) -> bool:
        """Whether there is a scenario, every one ran and passed, and nothing is left."""
        ran = bool(self.scenarios) and not self.interrupted
        return ran and not self.leftovers and all(scenario.passed for scenario in self.scenarios)

    @property
    def exit_code(self) -> int:
        """0 if it passed, 130 if it was interrupted and nothing is left, else 1."""
        if self.interrupted and not self.leftovers:
            return InterruptedWriteError.exit_code
        return 0 if self.passed else 1
