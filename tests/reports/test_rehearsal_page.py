from __future__ import annotations

import dataclasses
import json
import re
from datetime import datetime, timezone
from html.parser import HTMLParser

import pytest

from kanister_kafka.durations import format_seconds
from kanister_kafka.operations.rehearsal.model import (
    CanaryResult,
    Gap,
    Interval,
    OutageResult,
    OutageSource,
    PodState,
    PodTimeline,
    Rehearsal,
    RehearsalStage,
    RehearsalVersions,
    VolumeSnapshot,
)
from kanister_kafka.reports.html.rehearsal_page import rehearsal_html
from kanister_kafka.reports.rehearsal import rehearsal_json, rehearsal_markdown, rehearsal_text

VOID = {"meta", "br", "hr", "img", "input", "link"}


def stage(name, start, end, *, failed=False):
    return RehearsalStage(name=name, does=f"does {name}", start=start, end=end, failed=failed)


SNAPSHOT = VolumeSnapshot(
    name="kanister-kafka-rehearsal-0a1b2c3d-0",
    claim="data-0-my-cluster-broker-0",
    snapshot_class="fast",
    driver="disk.example.com",
    made=40.0,
    cut=42.0,
    ready=43.5,
    creation_time="2026-01-02T03:04:47Z",
)
PROBE = CanaryResult(
    topic="kanister-kafka-rehearsal-0a1b2c3d",
    partitions=3,
    replication=2,
    servers="k:9092",
    rate=20,
    acked=900,
    failed=12,
    read=905,
    lost=0,
    first=10.0,
    last=119.5,
    counts=((10, 20), (11, 19), (90, 33), (119, 9)),
    gaps=(Gap(0, 28.6, 82.3), Gap(1, 28.7, 82.9)),
    clock=0.004,
)
POD = PodTimeline(
    "my-cluster-broker-0",
    True,  # noqa: FBT003 - one of three fields
    (
        Interval(5.0, 28.0, PodState.READY),
        Interval(28.0, 31.0, PodState.STOPPING),
        Interval(31.0, 47.0, PodState.GONE),
        Interval(47.0, 80.0, PodState.STARTING),
        Interval(80.0, 120.0, PodState.READY),
    ),
)
DONE = Rehearsal(
    id="0a1b2c3d",
    namespace="kafka",
    cluster="my-cluster",
    blueprint="kafka.my-cluster",
    kasten_namespace="kasten-io",
    began=datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc),
    seconds=130.8,
    versions=RehearsalVersions("3.9.2", "0.45.2", "v1.34.4", "0.1.0"),
    stages=(
        stage("preflight", 0.0, 5.4),
        stage("quiesce", 13.3, 19.2),
        stage("stop", 24.6, 36.3),
        stage("snapshots cut", 40.0, 42.0),
        stage("nodes Ready", 45.2, 83.5),
    ),
    pods=(POD,),
    snapshots=(SNAPSHOT,),
    action_sets=("backupprehook-abc",),
    writers=("KafkaMirrorMaker2 kafka/mirror",),
    probe=PROBE,
    outage=OutageResult(28.6, 82.3, OutageSource.CLIENTS),
    failure="",
    changed=(),
)
BY_PODS = dataclasses.replace(DONE, probe=None, outage=OutageResult(28.0, 80.0, OutageSource.PODS))
NOT_OVER = dataclasses.replace(
    DONE,
    outage=OutageResult(28.6, None, OutageSource.CLIENTS),
    failure="backupPosthook failed: no reason is known",
    changed=("Kafka kafka/my-cluster is paused",),
)


class Page(HTMLParser):
    """Reads a page, and sees to it that it is one."""

    def __init__(self, text):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == [], "elements that do not end"

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts.append((self.open[-1], data.strip()))

    def all(self, tag, kind=""):
        return [at for name, at in self.tags if name == tag and kind in at.get("class", "").split()]

    def texts_of(self, tag):
        return [text for at, text in self.texts if at == tag]


# --- Text and JSON


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0.0, "0.0s"), (0.04, "0.0s"), (9.96, "10.0s"), (59.97, "1m00.0s"), (123.4, "2m03.4s"),
     (None, "-")],
)  # fmt: skip
def test_seconds(seconds, expected):
    assert format_seconds(seconds) == expected


def test_text_has_the_figures_and_a_bar_for_each_stage():
    text = rehearsal_text(DONE)
    assert "Outage:    53.7s, 2026-01-02T03:04:34.278Z to 2026-01-02T03:05:27.978Z\n" in text
    assert "Records:   900 acknowledged, 905 read back, lost: 0\n" in text
    assert "partition 1 for 54.2s without" in text
    assert "passed: no acknowledged record was lost and everything is as it was found" in text
    bars = {line.split("  ")[0]: line.split("|")[1] for line in text.splitlines() if "|" in line}
    assert {len(bar) for bar in bars.values()} == {40}
    assert bars["preflight"].strip() == "##" and bars["preflight"].startswith("#")
    # the outage begins within the stop and ends with the nodes
    assert bars["stop"].index("#") < bars["OUTAGE"].index("x") <= bars["stop"].rindex("#")
    assert abs(bars["OUTAGE"].rindex("x") - bars["nodes Ready"].rindex("#")) <= 1


def test_the_text_has_the_source_of_the_outage():
    assert "not measured by a client" in rehearsal_text(BY_PODS)
    assert "not measured by a client" not in rehearsal_text(DONE)


def test_text_has_the_reason_of_a_failure():
    text = rehearsal_text(NOT_OVER)
    assert "and not over" in text
    assert "Verdict:   FAILED: backupPosthook failed: no reason is known; Kafka kafka/my" in text


def test_json_has_times_and_seconds():
    tree = json.loads(rehearsal_json(DONE))
    assert tree["passed"] is True
    assert (tree["start"], tree["end"]) == ("2026-01-02T03:04:05.678Z", "2026-01-02T03:06:16.478Z")
    assert tree["outage"] == {
        "start": "2026-01-02T03:04:34.278Z",
        "end": "2026-01-02T03:05:27.978Z",
        "seconds": 53.7,
        "source": "clients",
    }
    assert tree["probe"]["lost"] == 0
    assert tree["probe"]["perSecond"][0] == {"second": 10, "acknowledged": 20}
    assert tree["snapshots"][0]["cut"] == "2026-01-02T03:04:47.678Z"
    assert [at["state"] for at in tree["pods"][0]["states"]][1:4] == [
        "stopping",
        "gone",
        "starting",
    ]
    assert tree["versions"]["kanisterKafka"] == "0.1.0"
    assert json.loads(rehearsal_json(NOT_OVER))["outage"]["end"] is None
    assert json.loads(rehearsal_json(BY_PODS))["probe"] is None


# --- The page


@pytest.mark.parametrize("rehearsal", [DONE, BY_PODS, NOT_OVER], ids=["done", "pods", "not over"])
def test_the_page_needs_nothing_else(rehearsal):
    text = rehearsal_html(rehearsal)
    assert text.startswith("<!DOCTYPE html>\n<html")
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not [at for _, at in page.tags if {"href", "src", "style", "onclick"} & set(at)]
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {"#hatch-outage", "#hatch-starting"}
    assert "http" not in text and "@import" not in text
    ids = [at["id"] for _, at in page.tags if "id" in at]
    assert len(ids) == len(set(ids))
    assert {"hatch-outage", "hatch-starting"} < set(ids)


def test_the_drawing_has_a_description_for_screen_readers():
    page = Page(rehearsal_html(DONE))
    (drawing,) = page.all("svg", "timeline")
    assert drawing["role"] == "img"
    ids = {at.get("id"): tag for tag, at in page.tags}
    assert [ids[name] for name in drawing["aria-labelledby"].split()] == ["title", "desc"]
    assert any("Outage: 53.7s" in text and "stop 11.7s" in text for text in page.texts_of("desc"))


def test_every_lane_is_drawn_where_it_belongs():
    page = Page(rehearsal_html(DONE))
    (drawing,) = page.all("svg", "timeline")
    # HTML has the name of the attribute in small letters for this parser
    _, _, width, height = map(float, drawing["viewbox"].split())
    for box in page.all("rect"):
        if "x" in box and "y" in box:
            assert 0 <= float(box["x"]) <= float(box["x"]) + float(box["width"]) <= width
            assert 0 <= float(box["y"]) <= float(box["y"]) + float(box["height"]) <= height
    bars = [at for at in page.all("rect", "stage") if "x" in at and float(at["x"]) > 100]
    assert len(bars) == len(DONE.stages)
    starts = [float(bar["x"]) for bar in bars]
    assert starts == sorted(starts)
    (band,) = page.all("rect", "band")
    second = (float(bars[-1]["x"]) - float(bars[0]["x"])) / 45.2
    assert float(band["x"]) == pytest.approx(float(bars[0]["x"]) + 28.6 * second, abs=0.1)
    assert float(band["width"]) == pytest.approx(53.7 * second, abs=0.1)
    drawn = [at for at in page.tags if at[1].get("class", "").startswith("pod ")]
    states = [at["class"].split()[1] for _, at in drawn if "x" not in at or float(at["x"]) > 100]
    assert sorted(states) == sorted(["gone", "gone", "ready", "ready", "starting", "stopping"])
    assert len(page.all("polygon", "cut")) == 2  # one in the legend
    assert page.texts_of("text").count("53.7s") == 1
    assert "broker-0" in page.texts_of("text")


def test_no_name_becomes_markup():
    evil = '<script>alert("x")</script>&\x1b[31m'
    rehearsal = dataclasses.replace(
        NOT_OVER,
        cluster=evil,
        failure=evil,
        changed=(evil,),
        versions=RehearsalVersions(evil, evil, evil, evil),
        stages=(stage(evil, 0.0, 1.0),),
        pods=(dataclasses.replace(POD, name=evil),),
        snapshots=(dataclasses.replace(SNAPSHOT, claim=evil, snapshot_class=evil, ready=None),),
        probe=dataclasses.replace(PROBE, topic=evil),
    )
    text = rehearsal_html(rehearsal)
    page = Page(text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert "\x1b" not in text and "\x1b" not in rehearsal_text(rehearsal)
    assert any('<script>alert("x")</script>&' in said for said in page.texts_of("li"))


def test_a_page_without_a_probe_has_no_figures_of_clients():
    page = Page(rehearsal_html(BY_PODS))
    assert "estimated from the pods, not measured by a client" in page.texts_of("p")
    assert not page.all("path", "acks")
    assert not any("acknowledged" in text for text in page.texts_of("span"))


def test_a_failure_is_reported_and_drawn_to_the_end():
    page = Page(rehearsal_html(NOT_OVER))
    assert "What went wrong" in page.texts_of("h2")
    assert page.texts_of("li") == [NOT_OVER.failure, *NOT_OVER.changed]
    assert (
        page.texts_of("h2").index("What to do next")
        == page.texts_of("h2").index("What went wrong") + 1
    )
    assert page.texts_of("code") == [
        "kanister-kafka status my-cluster -n kafka",
        "kanister-kafka resume my-cluster -n kafka",
        "kanister-kafka check my-cluster -n kafka",
        "kanister-kafka rehearse my-cluster -n kafka",
    ]
    assert len(page.all("div", "failed")) == 1  # the outage that is not over
    assert "not over" in page.texts_of("text")
    assert page.all("p", "failed") and not page.all("p", "passed")


@pytest.mark.parametrize(("lost", "shown"), [(17, "17"), (None, "unknown")])
def test_lost_records_are_red_and_an_outage_that_is_over_is_not(lost, shown):
    rehearsal = dataclasses.replace(
        DONE, probe=dataclasses.replace(PROBE, lost=lost), failure="lost"
    )
    (box,) = Page(rehearsal_html(rehearsal)).all("div", "failed")
    assert box["class"] == "figure failed"
    assert shown in Page(rehearsal_html(rehearsal)).texts_of("p")
    assert not Page(rehearsal_html(DONE)).all("div", "failed")
    assert "What to do next" not in rehearsal_html(DONE)
    said = "Rely on no backup of this Kafka until you know why acknowledged records are missing"
    for text in (
        rehearsal_html(rehearsal),
        rehearsal_text(rehearsal),
        rehearsal_markdown(rehearsal),
    ):
        assert (said in text) == bool(lost)
        assert "kanister-kafka status my-cluster -n kafka" in text


def test_markdown_has_the_verdict_first_and_what_to_do_next():
    lines = rehearsal_markdown(NOT_OVER).splitlines()
    assert lines[:3] == [
        "## Rehearsal of a cold backup: Kafka kafka/my-cluster",
        "",
        "**FAILED: backupPosthook failed: no reason is known; Kafka kafka/my-cluster is paused**",
    ]
    assert lines.index("### What to do next") < lines.index("### Stages")
    at = lines.index("kanister-kafka resume my-cluster -n kafka")
    assert (lines[at - 1], lines[at + 1]) == ("```sh", "```")
    assert "What to do next" not in rehearsal_markdown(DONE)
    assert "| quiesce | does quiesce | +13.3s | 5.9s |" in rehearsal_markdown(DONE)


def test_no_name_becomes_markdown():
    evil = "`a` **b** | [c](http://d) <img src=x> \\ #1 ![e](f)\n# g"
    rehearsal = dataclasses.replace(
        DONE, cluster=evil, failure=evil, stages=(stage(evil, 0.0, 1.0),)
    )
    bare = re.sub(r"(?s)```sh\n.*?\n```", "", rehearsal_markdown(rehearsal))
    bare = re.sub(r"\\\\|\\[^\w\s]", "", bare)
    assert not re.search(r"[`\[\]!]|<img|# g", re.sub(r"(?m)^#+ ", "", bare))
    rows = [line for line in bare.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {5}


def test_a_rehearsal_that_ended_at_its_start_is_drawn():
    nothing = dataclasses.replace(
        DONE, seconds=0.0, stages=(), pods=(), snapshots=(), probe=None, outage=None
    )
    assert Page(rehearsal_html(nothing)).all("svg", "timeline")
    assert "none was measured" in rehearsal_text(nothing)


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def colours(block):
    found = dict(re.findall(r"--(\w+): (#[0-9a-f]+);", block))
    return {k: v if len(v) == 7 else "#" + "".join(2 * c for c in v[1:]) for k, v in found.items()}


DAY, NIGHT, PAPER = (
    colours(block) for block in re.findall(r":root \{[^}]*\}", rehearsal_html(DONE))
)


@pytest.mark.parametrize("mode", [DAY, NIGHT, PAPER], ids=["day", "night", "paper"])
def test_everything_can_be_read(mode):
    """WCAG 2.2: 4.5 to 1 for text, 3 to 1 for what is drawn."""

    def contrast(name):
        a, b = sorted((luminance(mode[name]), luminance(mode["ground"])), reverse=True)
        return (a + 0.05) / (b + 0.05)

    for name in ("ink", "quiet", "outage", "passed", "failed"):
        assert contrast(name) >= 4.5, name
    for name in ("stage", "pod", "starting", "stopping", "cut", "acks"):
        assert contrast(name) >= 3, name
