"""How fast the validator is: a ratio to another tool in the same run, or seconds and memory.

Run by `make bench`; ends with 1 where a limit is not kept. docs/performance.md states what it said.
Runs that are compared take turns, and the median counts: a machine is never quiet.
"""

from __future__ import annotations

import os
import platform
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
OURS = [sys.executable, "-m", "kanister_kafka"]
SIZE = 10_000_000
MB = 1_000_000

PEER_LIMIT = 5.0
"""Times as fast per file as kanctl, at least."""
STARTUP_LIMIT = 1.5
"""Times the CPU seconds that it takes to import PyYAML and click, at most, without any work."""
SMALL_LIMIT = 1.8
"""The same for a Blueprint of twelve lines."""
SECONDS_LIMIT = 60.0
MEMORY_LIMIT = 100.0
"""Times the size of the input, at most."""


class Run(NamedTuple):
    """What a command took."""

    seconds: float
    cpu: float
    """Seconds, of its children as well."""
    peak: int
    """Bytes of memory."""


def run(command: list[str], **more: object) -> Run:
    """Run a command to its end; modules that it imports are compiled, as in an installation."""
    start = time.perf_counter()
    compiled = {key: os.environ[key] for key in os.environ if key != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=compiled, **more
    )
    _pid, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Run(seconds, used.ru_utime + used.ru_stime, peak)


def in_turns(rounds: int, *tasks: Callable[[], float]) -> list[float]:
    """Return the median of each task, run one after the other so that noise meets all of them."""
    taken = [[task() for task in tasks] for _ in range(rounds)]
    return [median(times) for times in zip(*taken, strict=True)]


def write_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def report_limit(what: str, value: str, limit: str, *, kept: bool) -> bool:
    write_line(f"{what:54}{value:>28}   {limit}{'' if kept else '  NOT KEPT'}")
    return kept


# Against kanctl


def copies(folder: Path, originals: list[Path], many: int) -> list[Path]:
    """Copy files in turn until there are so many."""
    files = [folder / f"{number}.yaml" for number in range(many)]
    for number, path in enumerate(files):
        shutil.copy(originals[number % len(originals)], path)
    return files


def against_kanctl(folder: Path, *, rounds: int = 3) -> bool:
    """Validate the same files, in one run and one by one, as kanctl takes but one."""
    kanctl = shutil.which("kanctl")
    if kanctl is None:
        write_line("kanctl is not on PATH: no comparison")
        return True
    cases = sorted([*ROOT.glob("tests/valid/*.yaml"), *ROOT.glob("tests/invalid/*/*.yaml")])
    own = sorted(ROOT.glob("blueprints/*/blueprint-*.yaml"))
    kept = True
    for what, originals, many in (("cases of the tests", cases, len(cases)), ("our own", own, 200)):
        below = folder / what
        below.mkdir()
        kept &= compared(kanctl, what, below, copies(below, originals, many), rounds)
    return kept


def compared(kanctl: str, what: str, folder: Path, files: list[Path], rounds: int) -> bool:
    peer = [kanctl, "validate", "blueprint", "-f"]
    ours, theirs = in_turns(
        rounds,
        lambda: run([*OURS, "validate", str(folder)]).seconds / len(files),
        lambda: sum(run([*peer, str(path)], cwd=folder).seconds for path in files) / len(files),
    )
    size = sum(path.stat().st_size for path in files) / len(files) / 1000
    value = f"{ours * 1000:.1f} ms, kanctl {theirs * 1000:.1f} ms"
    ratio = theirs / ours
    limit = f"{ratio:.1f} times as fast (at least {PEER_LIMIT:g})"
    what = f"{len(files)} Blueprints, {what}, {size:.0f} kB: per file"
    return report_limit(what, value, limit, kept=ratio >= PEER_LIMIT)


# Start-up

TINY = """\
apiVersion: cr.kanister.io/v1alpha1
kind: Blueprint
metadata:
  name: tiny
actions:
  backup:
    phases:
    - name: run
      func: KubeTask
      args:
        image: example.com/tools:1
        command: [sync]
"""


def startup(folder: Path, *, rounds: int = 21) -> bool:
    path = folder / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")
    commands = (
        ("start-up: --version", [*OURS, "--version"], STARTUP_LIMIT),
        ("start-up: validate, 12 lines", [*OURS, "validate", str(path)], SMALL_LIMIT),
    )
    least, *taken = in_turns(
        rounds,
        lambda: run([sys.executable, "-c", "import yaml, click"]).cpu,
        *(lambda words=words: run(words).cpu for _what, words, _most in commands),
    )
    kept = True
    for (what, _words, most), seconds in zip(commands, taken, strict=True):
        value = f"{seconds * 1000:.0f} ms of CPU, the imports {least * 1000:.0f}"
        ratio = seconds / least
        kept &= report_limit(
            what, value, f"{ratio:.2f} times (at most {most:g})", kept=ratio <= most
        )
    return kept


# Large and hostile input


def repeated(head: str, unit: str) -> bytes:
    """Repeat a text, numbered where it has a #, to about the size."""
    many = SIZE // (len(unit) + 4 * unit.count("#"))
    return (head + "".join(unit.replace("#", str(i)) for i in range(many))).encode()


HEAD = TINY.partition("  backup:")[0]
PHASES = TINY[TINY.index("  backup:") :].replace("backup", "a#").replace("name: run", "name: p#")
SHELL = TINY.replace("command: [sync]", "command:\n        - sh\n        - -c\n        - |")
SCRIPT = PHASES.replace("[sync]", "[sh, -c, 'echo {{ .Time }} #']")


def hostile() -> Iterator[tuple[str, bytes]]:
    """Yield inputs, most of them of nearly the size, with what they are."""
    noise = random.Random(1)  # noqa: S311 - the same noise each time
    yield "one Blueprint", repeated(HEAD, PHASES)
    yield "one Blueprint, a template in each phase", repeated(HEAD, SCRIPT)
    yield "one Blueprint, all of it wrong", repeated(HEAD, PHASES.replace("func", "fnuc"))
    yield "many Blueprints", repeated("", "---\n" + TINY.replace("tiny", "tiny-#"))
    yield "one script", repeated(SHELL, "          echo {{ .Time }} #\n")
    yield ("one script, no loop with an end", repeated(SHELL, "          while x; do\n"))
    yield "one line", repeated("a: [", "{b: c#}, ")
    yield "one key over and over", repeated("", "a: b\n")
    yield "comments", repeated("", "# kanister-kafka: ignore=hook-timeout\n")
    yield "braces", b"{" * SIZE
    yield "nesting", "".join(f"{' ' * i}a:\n" for i in range(4400)).encode()
    yield (
        "a bomb of aliases",
        (
            "a: &a [x]\n" + "".join(f"a{i}: &a{i} [{'*a, ' * 99}*a]\n" for i in range(SIZE // 411))
        ).encode()[:SIZE],
    )
    yield (
        "a bomb of nested aliases",
        "".join(
            f"a{i}: &a{i} [{', '.join([f'*a{i - 1}' if i else 'x'] * 9)}]\n" for i in range(60)
        ).encode(),
    )
    yield "random bytes", noise.randbytes(SIZE)
    yield "random text", "".join(noise.choices(" \n\t:-{}[]'\"|>&*#ab{{}}", k=SIZE)).encode()


def large(folder: Path) -> bool:
    kept = True
    for what, raw in hostile():
        path = folder / "large.yaml"
        path.write_bytes(raw)
        seconds, _cpu, peak = run([*OURS, "validate", str(path)])
        times = peak / len(raw)
        value = f"{seconds:.1f} s, {peak / MB:.0f} MB"
        fits = seconds <= SECONDS_LIMIT and peak <= MEMORY_LIMIT * SIZE
        limit = f"{times:.0f} times its size" if len(raw) > MB else ""
        kept &= report_limit(f"{len(raw) / MB:.1f} MB: {what}", value, limit, kept=fits)
    limits = f"{SECONDS_LIMIT:g} s and {MEMORY_LIMIT * SIZE / MB:.0f} MB"
    write_line(f"(at most {limits} each)")
    return kept


def main() -> None:
    write_line(f"Python {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores")
    kept = True
    for part in (against_kanctl, startup, large):
        with tempfile.TemporaryDirectory() as folder:
            kept &= part(Path(folder))
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
