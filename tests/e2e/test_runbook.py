"""The commands of docs/running.md for an outage, "With kubectl alone", as they stand on the page.

Each of the three ways brings a Kafka back that a backup has stopped. Only names are replaced.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import lab
from .lab import KANISTER_NAMESPACE, is_ready, kubectl, run_action, wait_until
from .small_kafka import KAFKA, WRITERS, ensure
from .test_cycle import PAUSE, install, leftovers, serves

pytestmark = pytest.mark.e2e

PAGE = Path(__file__).parents[2] / "docs" / "running.md"
SECTION = re.compile(r"(?ms)^### With kubectl alone$(.*?)(?:^#{2,3} |\Z)")
BLOCK = re.compile(r"(?ms)^ *```(sh|yaml)\n(.*?)^ *```$")
PLURALS = {
    "kafkamirrormaker2": "kafkamirrormaker2s",
    "kafkaconnect": "kafkaconnects",
    "kafkabridge": "kafkabridges",
}


@dataclass(frozen=True)
class Page:
    """Commands and objects of the section, for the Kafka of this test."""

    blueprint: str
    blocks: tuple[str, ...]

    def block(self, *words: str) -> str:
        """Return the only block with all of these words."""
        (block,) = (text for text in self.blocks if all(word in text for word in words))
        return block

    def line(self, *words: str) -> str:
        """Return the only command with all of these words."""
        lines = (line for text in self.blocks for line in text.splitlines())
        (command,) = (line for line in lines if all(word in line for word in words))
        return command


def read(blueprint: str) -> Page:
    section = SECTION.search(PAGE.read_text(encoding="utf-8"))
    assert section, f"{PAGE.name} has lost its section"
    replaced = (
        (r"-n kafka\b(?!-)", f"-n {KAFKA.namespace}"),
        (
            r"name: kafka, namespace: kafka\b",
            f"name: {KAFKA.namespace}, namespace: {KAFKA.namespace}",
        ),
        (r"blueprint: kafka\.my-cluster", f"blueprint: {blueprint}"),
        (r"namespace: kasten-io", f"namespace: {KANISTER_NAMESPACE}"),
        (r"\bmy-cluster\b", KAFKA.name),
        (r"API=\S+", f"API={lab.strimzi_api().partition('/')[2]}.kafka.strimzi.io"),
    )
    blocks = []
    for _language, text in BLOCK.findall(section[1]):
        for pattern, value in replaced:
            text = re.sub(pattern, value, text)
        blocks.append(text)
    return Page(blueprint, tuple(blocks))


def shell(text: str) -> str:
    """Run commands as a person types them, in one shell, and stop at the first that fails."""
    api = f"API={lab.strimzi_api().partition('/')[2]}.kafka.strimzi.io\n"
    done = subprocess.run(
        ["bash", "-e"], input=api + text, capture_output=True, text=True, timeout=400
    )
    assert done.returncode == 0, f"{text}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def page() -> Page:
    if lab.why_not():
        pytest.skip(lab.why_not())
    ensure()
    return read(install(KAFKA))


@pytest.fixture
def stopped(page: Page) -> Page:
    outcome = run_action("backupPrehook", page.blueprint, KAFKA.namespace)
    assert outcome.done(), outcome.error
    assert not KAFKA.pods()
    return page


def replicas() -> dict[str, int]:
    """Return the count of each client, by kind and name."""
    counts = {}
    for kind, name, namespace in WRITERS:
        resource = lab.versioned(PLURALS[kind])
        counts[f"{kind}/{name}"] = lab.get(resource, name, "-n", namespace)["spec"]["replicas"]
    return counts


def wait_until_serving() -> None:
    wait_until(f"{KAFKA} serves", lambda: serves(KAFKA) and is_ready(KAFKA.resource()), 400)


def nothing_is_left(page: Page) -> None:
    wait_until_serving()
    wait_until("the stop has ended", lambda: KAFKA.record()["state"] == "running", 200)
    assert not leftovers(KAFKA.resource())
    assert set(replicas().values()) == {1}
    assert "state: running" in shell(page.block("get configmap"))


def test_the_first_looks_show_what_the_page_names(stopped: Page) -> None:
    assert "state: stopped" in shell(stopped.block("get configmap"))
    looks = shell(stopped.block("get actionsets", "get volumesnapshots"))
    assert re.search(rf"backupPrehook +{KAFKA.namespace} +complete", looks)
    done = lab.command("resume", KAFKA.name, "-n", KAFKA.namespace)
    assert done.returncode == 0, done.stdout + done.stderr
    nothing_is_left(stopped)


def by_watchdog(page: Page) -> None:
    shell(page.block("kubectl scale deployment", "restart-by"))


def by_action(page: Page) -> None:
    made = kubectl("create", "-o", "name", "-f", "-", stdin=page.block("kind: ActionSet"))

    def state() -> str:
        actionset = lab.get(made.strip(), "-n", KANISTER_NAMESPACE)
        return str(actionset.get("status", {}).get("state"))

    wait_until("the action has ended", lambda: state() in ("complete", "failed"), 400)
    assert state() == "complete"


@pytest.mark.parametrize("way", [by_watchdog, by_action])
def test_kafka_and_its_clients_are_brought_back(stopped: Page, way: Callable[[Page], None]) -> None:
    way(stopped)
    nothing_is_left(stopped)


def test_all_is_brought_back_by_hand(stopped: Page) -> None:
    shell(stopped.line("kubectl annotate", "pause-before-", "restart-by-"))
    wait_until_serving()
    looks = shell(stopped.block("CLIENTS", "REPLICAS-BEFORE"))
    command = stopped.line("kubectl patch", "replicas-before")
    for kind, name, namespace in WRITERS:
        plural = PLURALS[kind]
        assert f"{plural}/{namespace}/{name}/" in looks, "CLIENTS names it"
        (count,) = re.findall(rf"(?mi)^{kind} +{namespace} +{name} +0 +(\d+) +<none>$", looks)
        typed = command.replace("kafkamirrormaker2s", plural)
        typed = typed.replace("my-mirror-maker", name).replace("kafka-tools", namespace)
        shell(typed.replace('"replicas":3', f'"replicas":{count}'))
    refused = run_action("backupPrehook", stopped.blueprint, KAFKA.namespace)
    assert not refused.done(), "until `resume` has run"
    done = lab.command("resume", KAFKA.name, "-n", KAFKA.namespace)
    assert done.returncode == 0, done.stdout + done.stderr
    nothing_is_left(stopped)


BRIDGE = "near"
"""The only client that is not paused by another actor. It has no pods, which would take time."""


def change_bridge(pause: str | None, replicas: int) -> None:
    change = {"metadata": {"annotations": {PAUSE: pause}}, "spec": {"replicas": replicas}}
    where = (lab.versioned("kafkabridges"), BRIDGE, "-n", KAFKA.namespace)
    kubectl("patch", *where, "--type", "merge", "-p", json.dumps(change))


def is_reconciled(resource: dict) -> bool:
    seen = resource.get("status", {}).get("observedGeneration")
    return is_ready(resource) and seen == resource["metadata"]["generation"]


def bridge() -> dict:
    return lab.get(lab.versioned("kafkabridges"), BRIDGE, "-n", KAFKA.namespace)


@pytest.fixture(params=["false", None], ids=["value", "none"])
def pause(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Return the pause of the client before the backup: a value, or none."""
    request.getfixturevalue("page")  # makes the Kafka
    change_bridge(request.param, replicas=0)
    try:
        wait_until("the operator has reconciled it", lambda: is_reconciled(bridge()), 400)
        yield request.param
    finally:
        change_bridge("true", replicas=1)
        install(KAFKA)


def test_a_pause_of_a_client_is_ended_by_hand(pause: str | None) -> None:
    page = read(install(KAFKA, "--quiesce-by", "pause"))
    outcome = run_action("backupPrehook", page.blueprint, KAFKA.namespace)
    assert outcome.done(), outcome.error
    shell(page.line("kubectl annotate", "pause-before-", "restart-by-"))
    wait_until_serving()
    looks = shell(page.block("CLIENTS", "REPLICAS-BEFORE"))
    row = rf"(?m)^KafkaBridge +{KAFKA.namespace} +{BRIDGE} +0 +<none> +(\S+)$"
    assert re.findall(row, looks) == [f"value:{pause}" if pause else "unset"]
    typed = page.line("kubectl annotate kafkaconnects").replace("my-connect", BRIDGE)
    typed = typed.replace("kafkaconnects", "kafkabridges")
    if pause:  # as the table says
        typed = typed.replace(f"{PAUSE}-", f"--overwrite {PAUSE}={pause}")
    shell(typed)
    assert bridge()["metadata"].get("annotations", {}).get(PAUSE) == pause
    done = lab.command("resume", KAFKA.name, "-n", KAFKA.namespace)
    assert done.returncode == 0, done.stdout + done.stderr
    # Paused: the operator would wait minutes for a pod, and acknowledge no pause meanwhile.
    change_bridge("true", replicas=1)
    nothing_is_left(page)
