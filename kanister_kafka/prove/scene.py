"""What a proof plays on: a source with producers, and a mirror whose volumes may be replaced."""

from __future__ import annotations

from dataclasses import dataclass

from kanister_kafka import marks
from kanister_kafka.errors import ActionError, NotFoundError
from kanister_kafka.kube.connection import NAMESPACES, Connection
from kanister_kafka.rehearse.setting import Request as SettingRequest
from kanister_kafka.rehearse.setting import Setting, WriterBefore, find_setting
from kanister_kafka.run.target import DEPLOYMENTS, Target

LAB = f"{marks.PREFIX}lab"
"""On a namespace whose Kafka may be stopped, and its volumes replaced, for a proof; `true`."""
TOPIC = f"{marks.PREFIX}topic"
"""On a producer: the topic that it writes to."""
RATE = "RECORDS_PER_SECOND"
"""In the environment of a producer."""
MIRROR_MAKER = "KafkaMirrorMaker2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for."""

    source: Target
    mirror: Target
    topics: tuple[str, ...]
    context: str = ""
    kasten_namespace: str
    snapshot_class: str = ""
    timeout: int
    """Seconds that each action, snapshot and return may take."""
    even_within: int
    """ms up to which a head counts as even."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is there."""

    wanted: Wanted
    setting: Setting
    """Of the mirror."""
    writer: WriterBefore
    """What mirrors into it."""
    rates: dict[str, int]
    """Records a second of each topic, by its producer."""


def find_scene(connection: Connection, wanted: Wanted) -> Scene:
    """Look whether everything is there and may be played with; nothing is touched.

    Raises NotFoundError and ActionError.
    """
    for target in (wanted.source, wanted.mirror):
        found = connection.get(NAMESPACES, target.namespace)
        labels = found["metadata"].get("labels") or {}
        if labels.get(LAB) != "true":
            raise ActionError(
                f"namespace {target.namespace} has not the label {LAB}=true: a proof stops the "
                "mirror and replaces its volumes, and does so only where that label allows it "
                "(examples/lab sets it)"
            )
    setting = fresh_setting(connection, wanted)
    mirrors = [writer for writer in setting.writers if writer.kind == MIRROR_MAKER]
    if len(mirrors) != 1:
        there = ", ".join(map(str, mirrors)) or "none"
        raise ActionError(f"Kafka {wanted.mirror} needs one {MIRROR_MAKER}; there is {there}")
    return Scene(
        wanted=wanted, setting=setting, writer=mirrors[0], rates=_rates(connection, wanted)
    )


def fresh_setting(connection: Connection, wanted: Wanted) -> Setting:
    """Find what one stop and restart of the mirror need, under a name of its own."""
    return find_setting(
        connection,
        SettingRequest(
            name=wanted.mirror.name,
            namespace=wanted.mirror.namespace,
            context=wanted.context,
            kasten_namespace=wanted.kasten_namespace,
            snapshot_class=wanted.snapshot_class,
            probe=False,
            timeout=wanted.timeout,
        ),
    )


def _rates(connection: Connection, wanted: Wanted) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in connection.items(DEPLOYMENTS, wanted.source.namespace, TOPIC):
        topic = item["metadata"]["labels"][TOPIC]
        if not (item.get("status") or {}).get("readyReplicas"):
            raise ActionError(f"the producer of {topic} is not Ready")
        for container in item["spec"]["template"]["spec"]["containers"]:
            for variable in container.get("env") or ():
                if variable.get("name") == RATE:
                    found[topic] = int(variable["value"])
    if lost := [topic for topic in wanted.topics if topic not in found]:
        raise NotFoundError(
            f"namespace {wanted.source.namespace} has no Deployment with the label {TOPIC} and "
            f"{RATE} for {', '.join(lost)}"
        )
    return found
