"""Writes kanister_kafka/strimzi/kafka_versions.py from the tables of Strimzi's own source.

Usage: python -m tests.strimzi.update_versions [GIT-DIRECTORY]

Without a directory it clones the repository (without files that it does not read) into a temporary
folder. Every tag from 0.23 on and the head of the default branch are read: `kafka-versions.yaml`
has the versions of Kafka that the operator runs, `pom.xml` the version of the head.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import yaml

from kanister_kafka.strimzi.versions import OLDEST, Version, parse_version
from tests.conftest import ROOT

REPOSITORY = "https://github.com/strimzi/strimzi-kafka-operator"
PAGE = ROOT / "kanister_kafka" / "strimzi" / "kafka_versions.py"
HEAD = """\"\"\"Which versions of Kafka each version of Strimzi runs.

Written by `make versions` from `kafka-versions.yaml` of Strimzi, at every tag from 0.23 on and at
the head of its default branch. An operator refuses every other version
(KafkaVersion.java, `UnsupportedKafkaVersionException`).
\"\"\"

from __future__ import annotations

from datetime import date

SOURCE_DATE = date({date})
\"\"\"Date of the newest commit that was read.\"\"\"

KAFKA_VERSIONS: dict[tuple[int, int], str] = {{
{rows}
}}
\"\"\"By major and minor version of Strimzi; its patch releases are taken together.\"\"\"
"""


def git(folder: Path, *words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(folder), *words], check=True, capture_output=True, text=True
    ).stdout


def supported(folder: Path, commit: str) -> set[tuple[int, ...]]:
    rows = yaml.safe_load(git(folder, "show", f"{commit}:kafka-versions.yaml"))
    return {tuple(map(int, row["version"].split("."))) for row in rows if row["supported"]}


def read(folder: Path) -> dict[Version, set[tuple[int, ...]]]:
    found: dict[Version, set[tuple[int, ...]]] = {}
    for tag in git(folder, "tag").split():
        version = parse_version(tag)
        if version and version >= OLDEST and re.fullmatch(r"[0-9.]+", tag):
            found.setdefault(version, set()).update(supported(folder, tag))
    pom = re.search(r"<version>([0-9.]+)-SNAPSHOT</version>", git(folder, "show", "HEAD:pom.xml"))
    head = parse_version(pom[1]) if pom else None
    if head is None or len(found) < 25:
        raise SystemExit(f"{folder} is not a whole clone of Strimzi: {len(found)} versions found")
    found.setdefault(head, set()).update(supported(folder, "HEAD"))
    return found


def page(found: dict[Version, set[tuple[int, ...]]], day: date) -> str:
    rows = []
    for version in sorted(found):
        kafkas = " ".join(".".join(map(str, one)) for one in sorted(found[version]))
        rows.append(f'    ({version[0]}, {version[1]}): "{kafkas}",')
    return HEAD.format(date=f"{day.year}, {day.month}, {day.day}", rows="\n".join(rows))


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(sys.argv[1] if len(sys.argv) > 1 else folder)
        if len(sys.argv) < 2:
            clone = ["git", "clone", "--bare", "--filter=blob:none", REPOSITORY, folder]
            subprocess.run(clone, check=True)
        day = date.fromisoformat(git(source, "log", "-1", "--format=%cs", "HEAD").strip())
        PAGE.write_text(page(read(source), day), "utf-8")
    sys.stdout.write(f"wrote {PAGE.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
