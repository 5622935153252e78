"""Commands and their memory, and the command of an earlier version that is measured next to ours.

`ru_maxrss` of a process is at least the memory of the process that started it: the kernel counts
what the process held before it executed its program (fs/exec.c, `setmax_mm_hiwater_rss`). Two
measures lack this: VmHWM, which starts again with the program (proc_pid_status(5)), and
`ru_maxrss` of the child of a small process.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import ROOT

PEAK = re.compile(r"^VmHWM:\s+(\d+) kB$", re.MULTILINE)
LAUNCHER = """
import json, os, sys, time
began = time.perf_counter()
process = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, used = os.wait4(process, 0)
seconds, cpu = time.perf_counter() - began, used.ru_utime + used.ru_stime
print("\\n" + json.dumps([seconds, cpu, used.ru_maxrss / 1024]))
sys.exit(os.waitstatus_to_exitcode(status) != 0)
"""
"""Started without site-packages, so that its own memory of some MB is the least that it measures.
Its last line has the seconds, the CPU seconds, and the MB of the largest process."""


@dataclass(frozen=True, slots=True)
class CommandRun:
    """What a command took, together with the processes that it started."""

    output: str
    seconds: float
    cpu: float
    """Seconds of all its processes."""
    memory: float
    """MB of the largest of its processes at its peak."""


def run_measured(*words: str, environment: dict[str, str] | None = None) -> CommandRun:
    """Run a command; SystemExit if it fails."""
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, *words]
    done = subprocess.run(launcher, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr or done.stdout}")
    output, _, figures = done.stdout.rstrip("\n").rpartition("\n")
    return CommandRun(output.rstrip("\n"), *json.loads(figures))


def peak_memory() -> float:
    """Return the MB of this process or of a child of it that has ended, at its peak.

    A child counts with no less than this process had when it started it, so the most of both is
    right. SystemExit on a system without VmHWM.
    """
    status = Path("/proc/self/status")
    peak = PEAK.search(status.read_text("utf-8")) if status.exists() else None
    if peak is None:
        raise SystemExit("this system does not show the memory of a process at its peak")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return max(int(peak[1]), children) / 1024


@dataclass(frozen=True, slots=True)
class EarlierVersion:
    """The command of another version, in an environment of its own."""

    command: Path
    name: str
    """`version COMMIT`, or the version if its package is not of a checkout."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment without the paths of this checkout."""
        return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(self, *words: str) -> str:
        """Run it and return its output; SystemExit with its error if it fails."""
        done = subprocess.run(
            [self.command, *words], env=self.environment, capture_output=True, text=True
        )
        if done.returncode:
            raise SystemExit(f"{self.command} {' '.join(words)}: {done.stderr}")
        return done.stdout


def find_earlier(path: str) -> EarlierVersion:
    """Read which version an executable is; SystemExit if it is this checkout or cannot be read."""
    command = Path(path).absolute()
    unnamed = EarlierVersion(command, "")
    try:
        version = unnamed.run("--version").split()[-1]
        package = package_of(unnamed)
    except (OSError, IndexError) as failure:
        raise SystemExit(f"--earlier {path}: {failure}") from failure
    if package.parent == ROOT:
        raise SystemExit(f"--earlier {path}: this is the command of {ROOT} itself")
    return EarlierVersion(command, f"version {commit_of(package) or version}")


def package_of(earlier: EarlierVersion) -> Path:
    """Return the directory that the interpreter next to an executable imports."""
    program = "import kanister_kafka; print(kanister_kafka.__path__[0])"
    done = subprocess.run(
        [earlier.command.parent / "python", "-I", "-c", program],
        env=earlier.environment,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{earlier.command}: {done.stderr}")
    return Path(done.stdout.strip()).resolve()


def commit_of(package: Path) -> str:
    """Return the short commit of the checkout that has a package; empty if none has it."""
    tracked = ["git", "-C", str(package), "ls-files", "--error-unmatch", "__init__.py"]
    if subprocess.run(tracked, capture_output=True).returncode:
        return ""
    done = subprocess.run(
        ["git", "-C", str(package), "describe", "--always", "--dirty", "--exclude=*"],
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() if done.returncode == 0 else ""
