"""Writes kanister_kafka/strimzi/kafka_versions.py from the tables of Strimzi's own source.

Usage: python -m tests.strimzi.update_versions [GIT-DIRECTORY]

Without a directory it clones the repository (without files that it does not read) into a temporary
folder. Every tag from 0.23 on and the head of the default branch are read: `kafka-versions.yaml`
has the versions of Kafka that the operator runs, `documentation/shared/attributes.adoc` the oldest
Kubernetes that it supports, `pom.xml` the version of the head.

The tags of the image with kubectl are not written: no source is a file. The command prints where
they are.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import yaml

from kanister_kafka.kube.pod_options import REPOSITORY as IMAGE
from kanister_kafka.kube.pod_options import TAGS_DATE
from kanister_kafka.strimzi.versions import OLDEST, Version, parse_version
from tests.conftest import ROOT

REPOSITORY = "https://github.com/strimzi/strimzi-kafka-operator"
ATTRIBUTES = "documentation/shared/attributes.adoc"
TAGS_PAGE = "https://hub.docker.com/r/alpine/k8s/tags"
PAGE = ROOT / "kanister_kafka" / "strimzi" / "kafka_versions.py"
HEAD = """\"\"\"Which versions of Kafka each version of Strimzi runs, and on which Kubernetes.

Written by `make versions` from `kafka-versions.yaml` and `documentation/shared/attributes.adoc` of
Strimzi, at every tag from 0.23 on and at the head of its default branch. An operator refuses every
other version of Kafka (KafkaVersion.java, `UnsupportedKafkaVersionException`).
\"\"\"

from __future__ import annotations

from datetime import date

SOURCE_DATE = date({date})
\"\"\"Date of the newest commit that was read.\"\"\"

KAFKA_VERSIONS: dict[tuple[int, int], str] = {{
{rows}
}}
\"\"\"By major and minor version of Strimzi; its patch releases are taken together.\"\"\"

OLDEST_KUBERNETES: dict[tuple[int, int], int] = {{
{floors}
}}
\"\"\"By the same: the minor version of the oldest Kubernetes that it supports.\"\"\"
"""


@dataclass
class Release:
    """What a version of Strimzi supports, its patch releases together."""

    kafkas: set[tuple[int, ...]] = field(default_factory=set)
    kubernetes: set[int] = field(default_factory=set)
    """Minor versions, each the oldest that a patch release supports."""


def git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *words], check=True, capture_output=True, text=True
    ).stdout


def supported(folder: Path, commit: str) -> set[tuple[int, ...]]:
    rows = yaml.safe_load(git(folder, "show", f"{commit}:kafka-versions.yaml"))
    return {tuple(map(int, row["version"].split("."))) for row in rows if row["supported"]}


def oldest_kubernetes(folder: Path, commit: str) -> int:
    text = git(folder, "show", f"{commit}:{ATTRIBUTES}")
    match = re.search(r"(?m)^:KubernetesVersion: 1\.([0-9]+) and later$", text)
    if match is None:
        raise SystemExit(f"{ATTRIBUTES} of {commit} does not have the oldest Kubernetes any more")
    return int(match[1])


def read(folder: Path) -> dict[Version, Release]:
    pom = re.search(r"<version>([0-9.]+)-SNAPSHOT</version>", git(folder, "show", "HEAD:pom.xml"))
    head = parse_version(pom[1]) if pom else None
    tags = [tag for tag in git(folder, "tag").split() if re.fullmatch(r"[0-9.]+", tag)]
    commits = [(parse_version(tag), tag) for tag in tags] + [(head, "HEAD")]
    releases: dict[Version, Release] = {}
    for version, commit in commits:
        if version and version >= OLDEST:
            release = releases.setdefault(version, Release())
            release.kafkas.update(supported(folder, commit))
            release.kubernetes.add(oldest_kubernetes(folder, commit))
    if head is None or len(releases) < 26:
        raise SystemExit(f"{folder} is not a whole clone of Strimzi: {len(releases)} versions")
    return releases


def page(releases: dict[Version, Release], day: date) -> str:
    rows, floors = [], []
    for version in sorted(releases):
        release = releases[version]
        kafkas = " ".join(".".join(map(str, kafka)) for kafka in sorted(release.kafkas))
        rows.append(f'    ({version[0]}, {version[1]}): "{kafkas}",')
        floors.append(f"    ({version[0]}, {version[1]}): {min(release.kubernetes)},")
    return HEAD.format(
        date=f"{day.year}, {day.month}, {day.day}", rows="\n".join(rows), floors="\n".join(floors)
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(sys.argv[1] if len(sys.argv) > 1 else folder)
        if len(sys.argv) < 2:
            clone = ["git", "clone", "--bare", "--filter=blob:none", REPOSITORY, folder]
            subprocess.run(clone, check=True)
        day = date.fromisoformat(git(source, "log", "-1", "--format=%cs", "HEAD").strip())
        PAGE.write_text(page(read(source), day), "utf-8")
    sys.stdout.write(
        f"wrote {PAGE.relative_to(ROOT)}\n"
        f"not written: the tags of {IMAGE} of {TAGS_DATE} (kanister_kafka/kube/pod_options.py); "
        f"compare them with {TAGS_PAGE}, and set their date\n"
    )


if __name__ == "__main__":
    main()
