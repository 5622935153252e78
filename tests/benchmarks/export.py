"""How fast a volume is copied to a store, beside restic run by hand, and what a second copy sends.

    python -m tests.benchmarks.export [--repository URL] [--write]

Run by `make bench-export`; restic has to be on PATH. Both copy the same files into repositories of
their own, in turns: restic by hand (`restic backup`), and templates/scripts/lib/restic.sh as the
pod of a volume runs it, with the limit of its memory. A repository at an address needs the
credentials of restic in the environment.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from kanister_kafka.backup.export import HEAP_SHARE
from kanister_kafka.backup.options import Options
from kanister_kafka.kube.pod_options import quantity
from tests.docs.pages import write_section
from tests.fakes.script_runner import BACKUP, FILES

SEGMENTS, SEGMENT_BYTES = 24, 16 * 2**20
CHANGED = 0.01
"""Share of the bytes that are new at the second copy."""
ROUNDS = 3
LEAST_SPEED = 0.8
MOST_BYTES = 0.05
"""Share of all bytes that a second copy may send."""
KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """One copy."""

    seconds: float
    sent: int
    """Bytes that restic has added to the repository."""
    memory: float
    """MB of the largest process so far."""


def write_segments(folder: Path, chance: random.Random) -> int:
    """Write logs of two partitions: half of each is like text, half like compressed batches."""
    words = [f"record {number} of a log " for number in range(1000)]
    for number in range(SEGMENTS):
        log = folder / f"topic-{number % 2}"
        log.mkdir(parents=True, exist_ok=True)
        text = "".join(chance.choice(words) for _ in range(SEGMENT_BYTES // 40)).encode()
        rest = chance.randbytes(SEGMENT_BYTES - len(text))
        (log / f"{number:020}.log").write_bytes(text + rest)
    return sum(path.stat().st_size for path in folder.rglob("*.log"))


def write_changes(folder: Path, total: int, chance: random.Random) -> None:
    """Append to the last segment of each partition."""
    for number in (SEGMENTS - 2, SEGMENTS - 1):
        with (folder / f"topic-{number % 2}" / f"{number:020}.log").open("ab") as log:
            log.write(chance.randbytes(int(total * CHANGED / 2)))


def environment(repository: str, folder: Path) -> dict[str, str]:
    """Return what restic.sh gets in a pod of an export."""
    limit = (quantity(Options().export_memory) or 0) * HEAP_SHARE[0] / HEAP_SHARE[1]
    return {
        **{key: os.environ[key] for key in ("PATH", *KEYS) if key in os.environ},
        "RESTIC_REPOSITORY": repository,
        "RESTIC_PASSWORD": os.environ.get("RESTIC_PASSWORD", "of a benchmark"),
        "EXPORT_HOST": "kafka/bench",
        "EXPORT_SECRET": "store",
        "EXPORT_KIND": "volume",
        "EXPORT_CLAIM": "data-0",
        "EXPORT_PATH": str(folder),
        "BACKUP": BACKUP,
        "BACKUP_UID": "uid",
        "CLUSTER_ID": "abc",
        "GOMEMLIMIT": str(int(limit)),
        "RESTIC_PROGRESS_FPS": "0.1",
    }


def run(words: Sequence[str], values: Mapping[str, str]) -> str:
    """Run a program; return its output, or end with its errors."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            words, env={**values, "TMPDIR": folder, "HOME": folder}, capture_output=True, text=True
        )
    if done.returncode:
        raise SystemExit(f"{words[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def copy_by_hand(repository: str, folder: Path) -> Copy:
    values = environment(repository, folder)
    run(["restic", "init"], values)
    began = time.monotonic()
    return measured(began, run(["restic", "--no-cache", "backup", "--json", str(folder)], values))


def copy_by_script(repository: str, folder: Path) -> Copy:
    """Copy as the Job of a volume does; another Job has opened the repository, once an export."""
    values = environment(repository, folder)
    text = FILES["restic.sh"].read_text(encoding="utf-8")
    run(["sh", "-c", text, "restic", "open"], values)
    began = time.monotonic()
    return measured(began, run(["sh", "-c", text, "restic", "copy"], values))


def measured(began: float, output: str) -> Copy:
    seconds = time.monotonic() - began
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    (summary,) = [line for line in lines if line.get("message_type") == "summary"]
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    return Copy(seconds=seconds, sent=summary["data_added_packed"], memory=memory)


def report(hand: Sequence[Copy], script: Sequence[Copy], second: Copy, total: int) -> str:
    speed = median(one.seconds for one in hand) / median(one.seconds for one in script)
    version = run(["restic", "version"], dict(os.environ)).split()[1]
    return textwrap.dedent(f"""\
        ```sh
        make bench-export
        ```

        {total / 1e6:,.0f} MB in {SEGMENTS} segments, {len(script)} rounds in turns, medians; restic
        {version}, {platform.machine()}, {os.cpu_count()} cores.

        | | |
        |---|---|
        | throughput of the pods' script, to `restic backup` by hand | {speed:.2f} (at least {LEAST_SPEED}) |
        | bytes of a second copy after {CHANGED:.0%} has changed, to all bytes | {second.sent / total:.1%} (at most {MOST_BYTES:.0%}) |
        | memory of restic, to that of the pod (`--export-memory`) | {second.memory * 1e6 / (quantity(Options().export_memory) or 1):.2f} |
        """).rstrip()  # noqa: E501 - rows of a table


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repository", default="", help="its last part is made for each copy")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md")
    chosen = parser.parse_args(arguments)
    if not shutil.which("restic"):
        parser.error("restic is not on PATH")
    chance = random.Random(1)  # noqa: S311 - the same files in each run
    with tempfile.TemporaryDirectory() as root:
        folder, home = Path(root) / "data-0", chosen.repository or f"{root}/repositories"
        total = write_segments(folder, chance)
        hand, script = [], []
        repository = ""
        for number in range(ROUNDS):
            sys.stderr.write(f"round {number + 1} of {ROUNDS}\n")
            hand.append(copy_by_hand(f"{home}/{uuid.uuid4().hex}", folder))
            repository = f"{home}/{uuid.uuid4().hex}"
            script.append(copy_by_script(repository, folder))
        write_changes(folder, total, chance)
        second = copy_by_script(repository, folder)
    text = report(hand, script, second, total)
    sys.stdout.write(f"{text}\n")
    if chosen.write:
        write_section("export", text)
    speed = median(one.seconds for one in hand) / median(one.seconds for one in script)
    return 0 if speed >= LEAST_SPEED and second.sent <= MOST_BYTES * total else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
