"""Shared by all tests: options, and one line of advice where the package is not installed."""

from __future__ import annotations

import gc
import importlib.util
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from tests.fakes.mock_cluster import Brokers
    from tests.fakes.script_runner import Shell

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-blueprints",
        action="store_true",
        help="write blueprints/ anew instead of comparing it",
    )


def pytest_configure() -> None:
    if importlib.util.find_spec("kanister_kafka.templates") is None:
        pytest.exit("install the package first: pip install -e '.[dev]'", 2)
    # Shells start what is in the background deaf to Ctrl-C, and every command of ours would be so.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Other processes of the machine make an example slow, not the example itself.
    settings.register_profile(
        "any-load",
        settings.default,
        deadline=None,
        suppress_health_check=[*settings.default.suppress_health_check, HealthCheck.too_slow],
    )
    settings.load_profile("any-load")


@pytest.fixture
def at_root(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run from the root of the repository, where examples/ is."""
    monkeypatch.chdir(ROOT)
    return ROOT


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write a kubeconfig with the contexts `here`, the current one, and `plain`."""
    from .fakes.http_api import BEARER, write_kubeconfig

    path = tmp_path / "kubeconfig"
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def write(url: str, token: str = BEARER) -> Path:
        write_kubeconfig(path, url, namespace="from-context", token=token)
        return path

    return write


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Scripts against a kubectl that answers what it is told."""
    from tests.fakes.script_runner import Shell  # which imports what may not be installed

    return Shell(tmp_path)


@pytest.fixture(scope="module")
def mock_cluster() -> Brokers:
    """The mock cluster of a module: an error names only some of the topics that there are."""
    from tests.fakes.mock_cluster import start_mock_cluster  # needs the extra `topics`

    return start_mock_cluster()


@pytest.fixture
def brokers(mock_cluster: Brokers) -> Iterator[Brokers]:
    """The mock cluster, whose connections are closed after the test."""
    yield mock_cluster
    while mock_cluster.opened:
        mock_cluster.opened.pop().close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """The name of a topic of this test alone."""
    return "".join(c if c.isalnum() else "-" for c in request.node.name)


def seconds_of(work: Callable[[], object], times: int = 3) -> float:
    """Return the least processor time that something takes.

    Without the collector of garbage, whose work grows with all that the other tests have left.
    """
    taken = []
    gc.collect()
    gc.disable()
    try:
        for _ in range(times):
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)
    finally:
        gc.enable()
    return min(taken)
