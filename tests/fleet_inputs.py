"""A fleet of any size out of examples/: every cluster has a namespace and a shape of its own."""

from __future__ import annotations

import re
from pathlib import Path

from tests.conftest import ROOT

SHAPES = (
    "kraft-separate-pools",
    "kraft-combined",
    "kraft-broker-pools",
    "mirror-maker-2",
    "stateful-sets",
    "strimzi-v1",
    "zookeeper-node-pools",
    "zookeeper-pod-sets",
)
NAMESPACE = re.compile(r"(?m)^(  namespace: )(\S+)$")
ADDRESS = re.compile(r"(\w+-kafka-(?:bootstrap|brokers)\.)([a-z-]+)")
TIERS = ("prod", "stage", "test")
TOP = """\
apiVersion: kanister-kafka.io/v1alpha1
kind: KafkaFleet
defaults:
  kasten: [policy]
  labels: {team: data}
clusters:
"""


def cluster(number: int) -> str:
    """Return the custom resources of one cluster; its Kafka has a label `tier`."""
    folder = ROOT / "examples" / SHAPES[number % len(SHAPES)]
    text = "---\n".join(path.read_text("utf-8") for path in sorted(folder.glob("*.yaml")))
    text = text.replace("my-cluster", f"cluster-{number}")
    text = NAMESPACE.sub(rf"\g<1>\g<2>-{number}", text)
    text = ADDRESS.sub(rf"\g<1>\g<2>-{number}", text)
    tier = f"  labels: {{tier: {TIERS[number % len(TIERS)]}}}\n"
    return re.sub(r"(?m)(^kind: Kafka\nmetadata:\n)", rf"\g<1>{tier}", text)


def write_fleet(folder: Path, count: int) -> Path:
    """Write a directory for each cluster, and a fleet file in which every tenth is special."""
    entries = []
    for number in range(count):
        home = folder / "clusters" / f"{number:05}"
        home.mkdir(parents=True)
        (home / "kafka.yaml").write_text(cluster(number), "utf-8")
        special = "" if number % 10 else "  restartAfter: 3h\n"
        entries.append(f"- paths: [clusters/{home.name}]\n{special}")
    path = folder / "fleet.yaml"
    path.write_text(TOP + "".join(entries), "utf-8")
    return path


def write_stream(path: Path, count: int) -> None:
    """Write all clusters into one file."""
    with path.open("w", encoding="utf-8") as stream:
        for number in range(count):
            stream.write(f"---\n{cluster(number)}")
