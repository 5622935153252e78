"""The clusters to test on, with a reason if there is none, and the outcome of each test."""

from __future__ import annotations

import functools
import os
from collections.abc import Generator

import pytest

from . import faults, lab, suites
from .reliability import RenderedScripts, present_scripts, short


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kafka" in metafunc.fixturenames:
        if os.environ.get(suites.CASES):
            metafunc.parametrize("kafka", [suites.ANY_KAFKA], scope="module")
            return
        found = [] if _reason() else lab.kafkas()
        metafunc.parametrize("kafka", found, ids=str, scope="module")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "e2e" not in config.option.markexpr.replace("not e2e", "") or os.environ.get(suites.CASES):
        return
    if reason := _reason():
        for item in items:
            item.add_marker(pytest.mark.skip(reason=f"no cluster for e2e: {reason}"))
        return
    suites.source()  # of what was collected, whatever is edited while the tests run
    if os.environ.get(suites.RESUME):
        _skip_passed(items)


def _skip_passed(items: list[pytest.Item]) -> None:
    kept = suites.load(faults.release(), suites.RESULTS)
    for item in items:
        result = kept.get(suites.test_name(item.nodeid))
        if result and not result.problem and result.source == suites.source():
            reason = f"passed with Strimzi {faults.release()} and these sources, {result.ended}"
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep the outcome; a teardown that fails takes the place of a test that passed."""
    report = yield
    suite = suites.test_name(item.nodeid).partition("::")[0]
    over = report.failed or (report.passed and report.when == "call")
    if over and suite not in suites.OWN_RESULTS and item.get_closest_marker("e2e"):
        problem = short(str(call.excinfo.value)) if report.failed and call.excinfo else ""
        result = suites.E2eResult(
            test=suites.test_name(item.nodeid),
            problem=problem or ("failed" if report.failed else ""),
            ended=suites.now(),
            scripts=_scripts().name,
            source=suites.source(),
            steps=_scripts().steps,
        )
        suites.save(result, faults.release(), suites.RESULTS)
    return report


@functools.cache
def _scripts() -> RenderedScripts:
    """Return the scripts that are rendered today."""
    return present_scripts()


_known: list[str] = []


def _reason() -> str:
    if not _known:
        _known.append(lab.why_not())
    return _known[0]
