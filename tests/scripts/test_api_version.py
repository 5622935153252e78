"""Which API version of Strimzi is named: a write through v1 drops what v1 does not know.

Strimzi 0.49 to 0.51 serves v1beta2 and v1 with conversion `None`, and kubectl prefers v1.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.fakes.script_runner import FORBIDDEN, ROOT, Shell, cycle, phases_of

SERVED = "get --raw /apis/kafka.strimzi.io"
PLURALS = (
    "kafkas|kafkanodepools|kafkatopics|kafkausers|kafkaconnects|kafkaconnectors"
    "|kafkamirrormakers|kafkamirrormaker2s|kafkabridges|kafkarebalances"
)
SHORT = "kafka|k|knp|kt|ku|kc|kctr|kmm|kmm2|kb|kr"
VERBS = "annotate|patch|replace|edit|label|scale|apply|set|create|delete"
WRITE = re.compile(
    rf"kubectl ({VERBS}) (--\S+ )*({PLURALS}|{SHORT}|Kafka\w*)(\.kafka\.strimzi\.io)?[ /]"
)
"""A command for people that writes, without a version."""


def versions(*found: str) -> str:
    return json.dumps({"versions": [{"version": version} for version in found]})


@pytest.mark.parametrize(
    ("served", "named"),
    [
        (versions("v1", "v1beta2"), "v1beta2"),
        (versions("v1beta2", "v1beta1", "v1alpha1"), "v1beta2"),
        (versions("v1"), "v1"),
    ],
)
@pytest.mark.parametrize("space", ["", " "])
def test_v1beta2_is_used_if_it_is_served(shell: Shell, served: str, named: str, space: str) -> None:
    shell.on(SERVED, served.replace(" ", space)).on("get configmap", "restarting").on(
        "annotations", "unset"
    )
    shell.phase("restart")
    seen = {
        word
        for call in shell.all()
        for word in call.args
        if word.endswith(".kafka.strimzi.io") and "core." not in word
    }
    assert seen, "the phase reads a Kafka"
    assert {word.partition(".")[2] for word in seen} == {f"{named}.kafka.strimzi.io"}


@pytest.mark.parametrize("phase", sorted(phases_of(cycle())))
def test_every_phase_names_a_version_in_each_access(shell: Shell, phase: str) -> None:
    if phase == "switch":
        shell.on("get kafkas.*restart-by", "my|2020-01-01T00:00:00Z|unset")
    shell.on("get configmap .*resourceVersion", "7|running|yesterday|then")
    shell.phase(phase)
    assert any("--raw" in call.args for call in shell.every())
    for call in shell.all():
        for word in call.args:
            if re.match(rf"({PLURALS})\b", word):
                assert word.partition(".")[2] == "v1beta2.kafka.strimzi.io", call


def test_the_switch_looks_again_when_it_wakes(shell: Shell) -> None:
    """The operator, and with it the API, may have been upgraded while it waited."""
    shell.on(SERVED, versions("v1beta2"), versions("v1"))
    shell.on("get kafkas.*restart-by", "my|2020-01-01T00:00:00Z|unset")
    shell.phase("switch")
    ended = [
        call.args[1] for call in shell.all() if "strimzi.io/pause-reconciliation-" in call.args
    ]
    assert ended == ["kafkas.v1.kafka.strimzi.io"]


def test_versions_that_cannot_be_read_are_not_guessed(shell: Shell) -> None:
    done = shell.on(SERVED, FORBIDDEN).phase("quiesce")
    assert done.returncode != 0
    assert not shell.writes()
    assert "reading the API versions of Strimzi" in done.stderr


def test_no_script_accesses_a_resource_without_a_version() -> None:
    for file in (ROOT / "templates" / "scripts").glob("**/*.sh"):
        lines = [
            line for line in file.read_text().splitlines() if not line.lstrip().startswith("#")
        ]
        for line in lines:
            assert not re.search(rf"\b({PLURALS})\.kafka\.strimzi\.io", line), f"{file}: {line}"


def pages() -> list[Path]:
    found = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")]
    return [*found, *(ROOT / "kanister_kafka").rglob("*.py")]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_each_write_in_pages_and_messages_has_a_version(page: Path) -> None:
    found = [match[0] for match in WRITE.finditer(page.read_text())]
    assert not found
