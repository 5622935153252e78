"""The memory of a process is its own, and an earlier version is found by its executable."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from tests.benchmarks import processes
from tests.benchmarks.processes import find_earlier, peak_memory, run_measured

LARGE = 400 << 20
"""Bytes that the starting process holds; more than any process that it starts here."""
NEEDED = "data = bytearray(120 << 20); print('done')"

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="needs /proc of Linux"
)


@pytest.fixture
def ballast() -> bytearray:
    return bytearray(LARGE)


def hold(size: int) -> float:
    """Hold some bytes, and return the memory of this process."""
    data = bytearray(size)
    assert len(data) == size
    return peak_memory()


def hold_in_child(size: int) -> float:
    """Let a child hold them."""
    program = f"data = bytearray({size})"
    subprocess.run([sys.executable, "-c", program], check=True)
    return peak_memory()


@pytest.mark.usefixtures("ballast")
@pytest.mark.parametrize("work", [hold, hold_in_child])
def test_the_memory_of_a_process_is_not_that_of_the_one_that_started_it(work) -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        little, much = pool.submit(work, 0).result(), pool.submit(work, 200 << 20).result()
    assert little < 200
    assert 200 < much < 350


@pytest.mark.usefixtures("ballast")
def test_the_memory_of_a_command_is_its_own() -> None:
    done = run_measured(sys.executable, "-c", NEEDED)
    assert done.output == "done"
    assert 120 < done.memory < 200
    assert done.seconds > 0
    assert done.cpu > 0
    assert run_measured("true").memory < 30


def test_a_command_that_fails_ends_the_benchmark_with_its_error() -> None:
    with pytest.raises(SystemExit, match="no such topic"):
        run_measured("bash", "-c", "echo no such topic >&2; exit 3")


# --- The earlier version

COMMAND = """#!/bin/bash
echo 'kanister-kafka, version 0.0.9'
"""


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A checkout with an environment whose interpreter imports the package of the checkout."""
    package, programs = tmp_path / "kanister_kafka", tmp_path / ".venv" / "bin"
    package.mkdir()
    programs.mkdir(parents=True)
    (package / "__init__.py").touch()
    for name, text in (("kanister-kafka", COMMAND), ("python", f"#!/bin/bash\necho {package}\n")):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    return tmp_path


def git(folder: Path, *words: str) -> str:
    author = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    done = subprocess.run(
        ["git", "-C", folder, *author, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_an_earlier_version_has_the_name_of_its_commit(checkout) -> None:
    git(checkout, "init", "-q")
    git(checkout, "add", "kanister_kafka")
    git(checkout, "commit", "-q", "-m", "one")
    git(checkout, "tag", "-a", "v0.0.9", "-m", "a tag is not the commit")
    earlier = find_earlier(str(checkout / ".venv/bin/kanister-kafka"))
    assert earlier.name == f"version {git(checkout, 'rev-parse', '--short', 'HEAD')}"
    (checkout / "kanister_kafka" / "__init__.py").write_text("# changed")
    changed = find_earlier(str(checkout / ".venv/bin/kanister-kafka"))
    assert changed.name == f"{earlier.name}-dirty"


def test_an_installed_package_has_its_version_even_within_another_checkout(checkout) -> None:
    git(checkout, "init", "-q")
    assert find_earlier(str(checkout / ".venv/bin/kanister-kafka")).name == "version 0.0.9"


def test_this_checkout_is_not_an_earlier_version(checkout, monkeypatch) -> None:
    monkeypatch.setattr(processes, "ROOT", checkout)
    with pytest.raises(SystemExit, match="itself"):
        find_earlier(str(checkout / ".venv/bin/kanister-kafka"))


def test_an_executable_that_is_not_there_is_an_error(tmp_path) -> None:
    with pytest.raises(SystemExit, match="--earlier"):
        find_earlier(str(tmp_path / "kanister-kafka"))
