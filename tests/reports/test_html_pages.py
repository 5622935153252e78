"""Every HTML page: no scripts, no requests to other hosts, and no value that becomes markup."""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime, timezone
from xml.etree import ElementTree

import pytest

from kanister_kafka.errors import TemplateError
from kanister_kafka.operations.consistency_test.environment import (
    ComparisonSnapshot,
    ConsistencyReport,
    Metric,
    Scenario,
    ScenarioResult,
    ScenarioStep,
)
from kanister_kafka.operations.preflight.model import CheckLine, CheckStatus
from kanister_kafka.reports.change_request import ChangeRequest, ReportTable, change_request_html
from kanister_kafka.reports.html.comparison_page import comparison_html, consistency_test_html
from kanister_kafka.reports.html.page import Tile, render_page
from kanister_kafka.reports.html.rehearsal_page import rehearsal_html
from kanister_kafka.reports.preflight import Checked, checks_html
from tests.conftest import ROOT
from tests.reports.test_comparison import DIFFERING, EVEN, UNEVEN
from tests.reports.test_rehearsal_page import NOT_OVER, POD, PROBE, SNAPSHOT, Page, stage

EVIL = '</style><script>alert("x")</script>&\'{{ 7 * 7 }}<img src=http://h onerror=x>\x1b[31m'
SHOWN = EVIL.replace("\x1b", "\N{REPLACEMENT CHARACTER}")


def step(**values):
    return ScenarioStep(**{"name": EVIL, "does": EVIL, "passed": True, "seconds": 1.0, **values})


REHEARSAL = dataclasses.replace(
    NOT_OVER,
    id=EVIL,
    namespace=EVIL,
    cluster=EVIL,
    failure=EVIL,
    changed=(EVIL,),
    versions=dataclasses.replace(NOT_OVER.versions, kafka=EVIL, tool=EVIL),
    stages=(stage(EVIL, 0.0, 1.0, failed=True),),
    pods=(dataclasses.replace(POD, name=EVIL),),
    snapshots=(dataclasses.replace(SNAPSHOT, name=EVIL, claim=EVIL, snapshot_class=EVIL),),
    probe=dataclasses.replace(PROBE, topic=EVIL, lost=3),
)
COMPARISON = dataclasses.replace(DIFFERING, a=EVIL, b=EVIL)
REPORT = ConsistencyReport(
    id=EVIL,
    began=datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc),
    seconds=99.4,
    source=EVIL,
    mirror=EVIL,
    topics=("t",),
    versions=EVIL,
    scenarios=(
        ScenarioResult(scenario=Scenario.SETUP, steps=(step(),), comparisons=()),
        ScenarioResult(
            scenario=Scenario.HOT,
            steps=(step(figures=(Metric(EVIL, EVIL),), passed=False, failure=EVIL),),
            comparisons=(
                ComparisonSnapshot(title=f"restored {EVIL}", comparison=COMPARISON),
                ComparisonSnapshot(title="restored", comparison=UNEVEN),
                ComparisonSnapshot(title="restored", comparison=EVEN),
            ),
        ),
    ),
    leftovers=(EVIL,),
)
CHECKS = (
    Checked(
        EVIL,
        EVIL,
        (CheckLine(id=EVIL, level=CheckStatus.PROBLEM, what=EVIL, detail=(EVIL,), remedy=EVIL),),
    ),
    Checked("a", "b", failure=EVIL, failure_code=2),
)
CHANGE = ChangeRequest(
    kicker=EVIL,
    title=EVIL,
    verdict=EVIL,
    is_good=False,
    facts=(EVIL,),
    next=(EVIL, f"  {EVIL}"),
    tables=(
        ReportTable(EVIL, (EVIL, "b"), ((EVIL, "1"),), EVIL, is_folded=True),
        ReportTable(EVIL, (EVIL, "b"), ((EVIL, "1"),), numbers=frozenset((1,))),
    ),
    foot=EVIL,
)
PAGES = {
    "rehearsal": rehearsal_html(REHEARSAL),
    "comparison": comparison_html(COMPARISON),
    "consistency-test": consistency_test_html(REPORT),
    "checks": checks_html(CHECKS),
    "change-request": change_request_html(EVIL, CHANGE),
}


@pytest.mark.parametrize("name", PAGES)
def test_no_value_becomes_markup(name: str) -> None:
    page = Page(PAGES[name])
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not [at for _, at in page.tags if {"href", "src", "style", "onerror"} & set(at)]
    assert "\x1b" not in PAGES[name] and "49" not in page.texts_of("title")[0]
    assert any(SHOWN in text for _, text in page.texts)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_makes_no_request(name: str) -> None:
    style = re.findall(r"<style>(.*?)</style>", PAGES[name], re.S)
    assert "@import" not in style[0] and "http" not in style[0]
    assert set(re.findall(r"url\(([^)]*)\)", PAGES[name])) <= {"#hatch-outage", "#hatch-starting"}


def test_the_page_of_a_consistency_test_has_every_scenario() -> None:
    even = dataclasses.replace(
        REPORT,
        scenarios=(
            dataclasses.replace(
                REPORT.scenarios[1], steps=(), comparisons=REPORT.scenarios[1].comparisons[2:]
            ),
        ),
    )
    page = Page(consistency_test_html(even))
    assert "Scenario hot: volumes snapshotted while the mirror is written to, and restored" in (
        page.texts_of("h2")
    )
    assert len(page.all("svg", "heads")) == 1
    both = Page(consistency_test_html(REPORT))
    assert both.texts_of("h3")[-1].startswith("restored: ")
    assert {"Setup", "passed", "Hot", "3.2 s"} <= set(both.texts_of("p"))
    assert any(text.startswith("FAILED: ") for text in both.texts_of("td"))


def test_a_cell_of_numbers_ends_at_the_right() -> None:
    page = Page(PAGES["change-request"])
    assert len(page.all("td", "number")) == len(page.all("th", "number")) == 1
    assert [tag for tag, _ in page.tags].count("details") == len(page.texts_of("summary")) == 1


def test_a_template_that_lacks_a_value_fails_with_its_place() -> None:
    with pytest.raises(TemplateError, match=r"\.html\.j2:\d+: 'verdict' is undefined"):
        render_page("rehearsal", title="t", kafka="k", when="w", rehearsal=NOT_OVER)
    tiles = [Tile("a", None, "b")]  # type: ignore[arg-type]
    values = {"title": "t", "comparison": DIFFERING, "passed": True, "verdict": "v"}
    with pytest.raises(TemplateError, match="may not print None"):
        render_page("comparison", **values, explanation="", tiles=tiles)


def test_a_drawing_is_not_escaped() -> None:
    svg = ElementTree.Element("svg", {"class": 'a"b'})
    ElementTree.SubElement(svg, "text").text = "<b>"
    values = {"title": "t", "comparison": DIFFERING, "passed": True, "verdict": "v", "notes": ()}
    text = render_page(
        "comparison", **values, explanation="", tiles=(), charts=[("c", svg)], tables=()
    )
    assert '<svg class="a&quot;b"><text>&lt;b&gt;</text></svg>' in text


def test_no_template_marks_a_value_as_safe() -> None:
    for path in (ROOT / "templates" / "report").glob("*.j2"):
        assert not re.search(r"\|\s*safe|autoescape|tojson", path.read_text("utf-8")), path


def test_a_consistency_test_without_a_scenario_has_not_passed():
    good = ScenarioResult(scenario=Scenario.SETUP, steps=(step(),), comparisons=())
    assert dataclasses.replace(REPORT, scenarios=(good,), leftovers=()).passed
    assert not dataclasses.replace(REPORT, scenarios=(), leftovers=()).passed
