"""Which clusters there are to test on; without any, one line says why."""

from __future__ import annotations

import pytest

from . import lab


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kafka" in metafunc.fixturenames:
        found = [] if _reason() else lab.kafkas()
        metafunc.parametrize("kafka", found, ids=str, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "e2e" not in config.option.markexpr.replace("not e2e", ""):
        return
    if reason := _reason():
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"no cluster for e2e: {reason}"))


_known: list[str] = []


def _reason() -> str:
    if not _known:
        _known.append(lab.why_not())
    return _known[0]
