"""How long a fleet takes and how much memory; run by `make bench-fleet`.

The numbers are written into docs/performance.md. Ends with 1 where a limit is not kept; other sizes
than those that the limits are about can be given as arguments.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.docs.pages import write_section
from tests.fleet_inputs import write_fleet, write_stream

SIZES = (100, 1000, 3000)
OF_LIMIT = 1000
SECONDS_LIMIT = 10.0
"""For a thousand clusters on two cores that have nothing else to do."""
MEMORY_LIMIT = 1.25
"""Times the memory of the smallest fleet, at most."""
OURS = [sys.executable, "-m", "kanister_kafka", "fleet", "render"]


@dataclass(frozen=True)
class Run:
    """What one run took."""

    seconds: float
    cpu: float
    """Of all its processes."""
    peak: float
    """MB of the largest of its processes."""


def write_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def measured(command: list[str]) -> Run:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _pid, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * unit / 1e6)


def runs(folder: Path, sizes: Sequence[int]) -> dict[str, dict[int, Run]]:
    """Render fleets of each size, in each form of input."""
    found: dict[str, dict[int, Run]] = {"a directory each": {}, "one stream": {}}
    for size in sizes:
        home = folder / str(size)
        file, stream = write_fleet(home, size), home / "all.yaml"
        write_stream(stream, size)
        for form, words in zip(found, ([str(file)], ["-f", str(stream)]), strict=True):
            command = [*OURS, *words, "-o", str(home / "out")]
            found[form][size] = one = measured(command)
            figures = f"{one.seconds:6.1f} s {one.cpu:6.1f} CPU-s {one.peak:6.0f} MB"
            write_line(f"{size:5} clusters, {form:16} {figures}")
    return found


def report(found: dict[str, dict[int, Run]]) -> str:
    """Return the section of docs/performance.md."""
    lines = [
        "```sh\nmake bench-fleet\n```\n",
        f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; every "
        "cluster with a Policy, in as many processes as there are cores. Memory is that of the "
        "largest process.\n",
        "| clusters | input | seconds | CPU seconds | to the first, each | MB | to the first |",
        "|---|---|---|---|---|---|---|",
    ]
    for form, by_size in found.items():
        least, first = next(iter(by_size.items()))
        for size, run in by_size.items():
            each = (run.cpu / size) / (first.cpu / least)
            lines.append(
                f"| {size:,} | {form} | {run.seconds:.1f} | {run.cpu:.1f} | {each:.2f} | "
                f"{run.peak:.0f} | {run.peak / first.peak:.2f} |"
            )
    return "\n".join(lines)


def main() -> None:
    sizes = [int(word) for word in sys.argv[1:]] or SIZES
    with tempfile.TemporaryDirectory() as folder:
        found = runs(Path(folder), sizes)
    write_section("fleet", report(found))
    kept = True
    for form, by_size in found.items():
        seconds = by_size[OF_LIMIT].seconds if OF_LIMIT in by_size else 0
        growth = by_size[sizes[-1]].peak / by_size[sizes[0]].peak
        if seconds > SECONDS_LIMIT:
            write_line(
                f"{form}: {seconds:.1f} s for {OF_LIMIT} clusters, at most {SECONDS_LIMIT:g}"
            )
        if growth > MEMORY_LIMIT:
            write_line(f"{form}: {growth:.2f} times the memory, at most {MEMORY_LIMIT:g}")
        kept &= seconds <= SECONDS_LIMIT and growth <= MEMORY_LIMIT
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
