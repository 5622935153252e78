"""A mirror whose source never stops: all that was written meanwhile arrives, once."""

from __future__ import annotations

import uuid
from collections import Counter

import pytest

from . import lab
from .lab import Kafka, is_ready, run_action, wait_until
from .test_cycle import install, writers_of

pytestmark = pytest.mark.e2e

TOPIC = "blogs"
"""Has to be a KafkaTopic of the source, and among the topics of the mirror."""


def source_of(mirror: dict) -> tuple[Kafka, str]:
    """Return where a MirrorMaker 2 reads from, and the name of the topic on its target."""
    spec = mirror["spec"]
    source = spec["mirrors"][0].get("source")
    if source is None:
        alias = spec["mirrors"][0]["sourceCluster"]
        source = next(c for c in spec["clusters"] if c["alias"] == alias)
    service, _, rest = source["bootstrapServers"].partition(":")[0].partition(".")
    namespace = rest.partition(".")[0] or mirror["metadata"]["namespace"]
    return Kafka(namespace, service.removesuffix("-kafka-bootstrap")), f"{source['alias']}.{TOPIC}"


def test_nothing_is_lost_or_doubled_on_the_way_to_a_mirror(kafka: Kafka) -> None:
    mirrors = writers_of(kafka)
    if not mirrors:
        pytest.skip(f"{kafka} has no mirror that writes into it")
    source, target_topic = source_of(mirrors[0])
    topics = [] if source == kafka else lab.get("kafkatopic", "-n", source.namespace)["items"]
    if source not in lab.kafkas() or TOPIC not in {t["metadata"]["name"] for t in topics}:
        pytest.skip(f"the source of the mirror has not opted in or has no KafkaTopic {TOPIC}")
    name = mirrors[0]["metadata"]["name"]
    for running in (source, kafka):
        wait_until(f"{running} is Ready", lambda k=running: is_ready(k.resource()))
    wait_until("mirror runs", lambda: is_ready(lab.get("kmm2", name, "-n", kafka.namespace)))
    blueprint = install(kafka)
    run = uuid.uuid4().hex[:8]
    written = [f"{run}-{i}" for i in range(600)]

    source.write(TOPIC, written[:200])
    stopped = run_action("backupPrehook", blueprint, kafka.namespace)
    assert stopped.done(), stopped.error
    source.write(TOPIC, written[200:400])
    started = run_action("backupPosthook", blueprint, kafka.namespace)
    assert started.done(), started.error
    source.write(TOPIC, written[400:])

    def arrived() -> Counter[str]:
        found = kafka.read(target_topic)
        return Counter(message for message in found if message.startswith(run))

    wait_until("all messages arrived", lambda: set(written) <= set(arrived()), timeout=300)
    assert arrived() == Counter(written), "each message once"
