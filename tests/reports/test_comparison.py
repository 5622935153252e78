from __future__ import annotations

import dataclasses
import json
import re
import unicodedata
from xml.etree import ElementTree

import pytest

from kanister_kafka.durations import format_milliseconds
from kanister_kafka.reports.comparison import comparison_json, comparison_text
from kanister_kafka.reports.html.comparison_page import comparison_html
from kanister_kafka.reports.html.page import TimeAxis
from kanister_kafka.reports.html.partition_charts import head_chart, head_time_axis, overview_chart
from kanister_kafka.reports.text import bytes_json, format_bytes, format_record_time
from kanister_kafka.reports.topics import (
    last_json,
    last_text,
    rate_text,
    rates_json,
    rates_text,
    totals_json,
    totals_text,
)
from kanister_kafka.topics.compare.verdict import evaluate_consistency
from kanister_kafka.topics.model import (
    Comparison,
    DifferenceKind,
    PartitionBounds,
    PartitionRate,
    PartitionResult,
    PartitionSize,
    RecordDifference,
    RecordPosition,
    TailRecords,
    TopicRates,
    TopicRecord,
    TopicSizes,
    UnmatchedRange,
)
from tests.reports.test_rehearsal_page import Page

STOP = 1_795_633_201_200
"""2026-11-25T19:00:01.200Z"""
STEP = 100
"""ms between two records of a partition."""
BEGIN = STOP - 3_600_000
EVIL = b'<script>alert("x")</script>&\x1b[31m'


def spot(time):
    return RecordPosition(offset=(time - BEGIN) // STEP, time=time)


def extent(oldest, newest):
    if oldest is None:
        return PartitionBounds(earliest=40, latest=40, oldest=None, newest=None)
    return PartitionBounds(
        earliest=oldest.offset, latest=newest.offset + 1, oldest=oldest, newest=newest
    )


def part(number, ends, *, more=6000, **told):
    """A partition of which B has what A has up to a time, and A has `more` ms besides."""
    first, last = spot(BEGIN + number), spot(ends - ends % STEP + number)
    newest = spot(last.time + more)
    head = None
    if more:
        after = spot(last.time + STEP)
        head = UnmatchedRange(count=newest.offset - after.offset + 1, first=after, last=newest)
    made = PartitionResult(
        partition=number,
        a=extent(first, newest),
        b=extent(first, last),
        common=last.offset - first.offset + 1,
        first_a=first,
        first_b=first,
        last_a=last,
        last_b=last,
        digest=f"{number:02x}" * 16,
        head_a=head,
        times=tuple(last.time - i * STEP for i in reversed(range(120))),
        missing=tuple(last.time + i * STEP for i in range(1, 1 + min(120, more // STEP))),
    )
    return dataclasses.replace(made, **told)


def compared(*parts, **told):
    made = Comparison(
        a="source/my-cluster blogs",
        b="mirror/my-cluster source.blogs",
        partitions=parts,
        timed=True,
        compacted=False,
        even_within=1000,
        seconds=12.3,
        messages=246_900,
    )
    return dataclasses.replace(made, **told)


def message(partition, offset, time, key, value, headers=()):
    return TopicRecord(
        partition=partition, offset=offset, time=time, key=key, value=value, headers=headers
    )


EMPTY = part(
    1, STOP, a=extent(None, None), b=extent(None, None), common=0, first_a=None, first_b=None,
    last_a=None, last_b=None, digest="", head_a=None, times=(), missing=(),
)  # fmt: skip
CHANGED = RecordDifference(
    fault=DifferenceKind.OTHER,
    a=message(2, 120, BEGIN + 12_000, b"key", b"what was written", (("trace", b"7"),)),
    b=message(2, 118, BEGIN + 12_000, None, EVIL, (("a\x1b[2J", b"\xff\xfe"),)),
)
IDENTICAL = compared(*(part(n, STOP, more=0) for n in range(3)))
EVEN = compared(*(part(n, STOP) for n in range(3)))
NEARLY = compared(part(0, STOP), part(1, STOP - 500), part(2, STOP))
UNEVEN = compared(part(0, STOP), part(1, STOP - 3300), part(2, STOP - 1500))
DIFFERING = compared(
    part(0, STOP),
    part(1, STOP),
    part(2, STOP, difference=CHANGED, only_a=3, only_b=1),
    part(
        3,
        STOP,
        difference=dataclasses.replace(CHANGED, b=None, fault=DifferenceKind.ONLY_A),
        only_a=1,
    ),
)
LACKING = compared(part(0, STOP), part(1, STOP), missing_in_b=(2,))
WITH_EMPTY = compared(part(0, STOP), EMPTY, part(2, STOP))
B_EMPTY = compared(
    part(0, STOP, b=extent(None, None), common=0, first_a=None, first_b=None, last_a=None,
         last_b=None, digest="", times=(), missing=(),
         head_a=UnmatchedRange(count=9, first=spot(STOP), last=spot(STOP + 800))),
)  # fmt: skip
OLDER = compared(
    part(0, STOP, more=0,
         tail_a=UnmatchedRange(count=700, first=spot(BEGIN - 70_000), last=spot(BEGIN - 100))),
)  # fmt: skip
GIVEN_UP = compared(
    part(0, STOP, more=0, common=0, first_a=None, first_b=None, last_a=None, last_b=None,
         digest="", times=(), difference=CHANGED, given_up=True),
)  # fmt: skip
BOTH = compared(
    part(0, STOP),
    part(1, STOP, more=0,
         head_b=UnmatchedRange(count=5, first=spot(STOP + 101), last=spot(STOP + 501))),
)  # fmt: skip
MANY = compared(*(part(n, STOP - n * 97) for n in range(30)))
NONE = compared()
ODD = compared(part(0, 10**15), part(1, STOP, more=0, first_a=RecordPosition(offset=0, time=-1)))
EVERY = {
    "identical": IDENTICAL, "even": EVEN, "nearly": NEARLY, "uneven": UNEVEN,
    "differing": DIFFERING, "lacking": LACKING, "with-empty": WITH_EMPTY, "b-empty": B_EMPTY,
    "older": OLDER, "given-up": GIVEN_UP, "both": BOTH, "many": MANY, "none": NONE, "odd": ODD,
}  # fmt: skip


def lines(text):
    return [" ".join(line.split()) for line in text.splitlines()]


# --- How a record is spelled


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"text", "text"), (None, "(null)"), (b"", "(empty)"), ("Zoë".encode(), "Zoë"),
     (b"\x1b[31m", r"\x1b[31m"), (b"a\nb", r"a\nb"), (b"\x00\x01id", r"\x00\x01id"),
     (b"\xff\xfe", r"\xff\xfe"), (b"\xc2\x9b31m", r"\x9b31m"), ("a\u202eb".encode(), r"a\u202eb"),
     (b"x" * 21, "x" * 19 + "…"), (b"x" * 20, "x" * 20), ("漢".encode() * 11, "漢" * 9 + "…"),
     ("😀".encode() * 400, "😀" * 9 + "…"), ("e\u0301".encode() * 20, "e\u0301" * 20)],
)  # fmt: skip
def test_a_record_is_printed_on_one_line(content, expected):
    assert format_bytes(content, 20) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"text", "text"), (None, None), (b"", ""), (b"a\tb\nc", "a\tb\nc"),
     (b"\x1b[31m", {"base64": "G1szMW0="}), (b"\xff", {"base64": "/w=="}),
     (b"\xc2\x9b", {"base64": "wps="})],
)  # fmt: skip
def test_machines_get_every_byte(content, expected):
    assert bytes_json(content) == expected


@pytest.mark.parametrize(
    ("time", "expected"),
    [(STOP, "2026-11-25T19:00:01.200Z"), (0, "1970-01-01T00:00:00.000Z"), (-1, "-"), (None, "-"),
     (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
     (253_402_300_800_000, "253402300800000 ms")],
)  # fmt: skip
def test_a_time_is_utc_to_the_millisecond(time, expected):
    assert format_record_time(time) == expected


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [(0, "0 ms"), (999, "999 ms"), (3200, "3.2 s"), (61_000, "61.0 s"), (3_723_000, "1h2m3s")],
)
def test_how_far_two_times_are_apart(milliseconds, expected):
    assert format_milliseconds(milliseconds) == expected


# --- Rates and totals


@pytest.mark.parametrize(
    ("rate", "expected"),
    [(0.0, "0"), (0.25, "0.25"), (3.333, "3.33"), (45.23, "45.2"), (123.4, "123"),
     (12345.6, "12,346")],
)  # fmt: skip
def test_a_rate_has_the_digits_that_matter(rate, expected):
    assert rate_text(rate) == expected


RATES = TopicRates(
    cluster="source/my-cluster",
    seconds=5.004,
    flows=tuple(
        PartitionRate(topic=topic, partition=n, messages=count, per_second=count / 5)
        for topic, counts in (("blogs", (50, 51, 0)), ("items", (6000, 3)))
        for n, count in enumerate(counts)
    ),
)


def test_rates_have_a_line_for_each_partition_and_sums():
    assert lines(rates_text(RATES)) == [
        "source/my-cluster: 6,104 new records in 5.0s",
        "",
        "TOPIC PARTITION RECORDS PER SECOND",
        "blogs 0 50 10.0",
        "1 51 10.2",
        "2 0 0",
        "all 101 20.2",
        "items 0 6,000 1,200",
        "1 3 0.60",
        "all 6,003 1,201",
        "all 6,104 1,221",
    ]


def test_one_topic_has_one_sum():
    one = dataclasses.replace(RATES, flows=RATES.flows[:3])
    assert lines(rates_text(one))[-1] == "all 101 20.2"
    assert [line.startswith("all") for line in lines(rates_text(one))].count(True) == 1


def test_rates_for_machines():
    tree = json.loads(rates_json(RATES))
    assert (tree["seconds"], tree["records"], tree["perSecond"]) == (5.004, 6104, 1220.8)
    assert tree["partitions"][1] == {
        "topic": "blogs",
        "partition": 1,
        "records": 51,
        "perSecond": 10.2,
    }


TOTALS = TopicSizes(
    cluster="source/my-cluster",
    held=(
        PartitionSize(topic="blogs", partition=0, earliest=100, latest=1_300, newest=STOP),
        PartitionSize(topic="blogs", partition=1, earliest=7, latest=7, newest=None),
        PartitionSize(topic="items", partition=0, earliest=0, latest=10, newest=STOP - 1),
    ),
)


def test_tables_fit_a_terminal_and_names_are_whole_where_they_can_be() -> None:
    for text in (rates_text(RATES, 60), totals_text(TOTALS, 72)):
        assert max(map(len, text.splitlines())) <= 72
        for topic in ("blogs", "items"):
            assert topic in text
    wide = comparison_text(UNEVEN, 100)
    assert max(map(len, wide.splitlines())) <= 100
    assert comparison_text(UNEVEN).splitlines()[1].startswith("Uneven: the partitions of one side")
    assert "Uneven: the partitions" not in comparison_text(IDENTICAL)
    assert "Uneven: the partitions" in comparison_html(UNEVEN)


def test_totals_have_the_newest_and_sums():
    assert lines(totals_text(TOTALS)) == [
        "source/my-cluster: 1,210 records",
        "",
        "TOPIC PARTITION EARLIEST LATEST RECORDS NEWEST",
        "blogs 0 100 1300 1,200 2026-11-25T19:00:01.200Z",
        "1 7 7 0 -",
        "all 1,200 2026-11-25T19:00:01.200Z",
        "items 0 0 10 10 2026-11-25T19:00:01.199Z",
        "all 10 2026-11-25T19:00:01.199Z",
        "all 1,210 2026-11-25T19:00:01.200Z",
        "",
        "Counts are by offsets: there can be fewer records in a compacted topic or with "
        "transactions.",
    ]


def test_totals_for_machines():
    tree = json.loads(totals_json(TOTALS))
    assert tree["records"] == 1210
    assert [one["newest"] for one in tree["partitions"]] == [
        "2026-11-25T19:00:01.200Z",
        None,
        "2026-11-25T19:00:01.199Z",
    ]


# --- The last records


LAST = TailRecords(
    cluster="source/my-cluster",
    topic="blogs",
    partitions=(0, 1, 2),
    page=2,
    per_partition=2,
    messages=(
        message(1, 7, STOP, b"k7", b"first"),
        message(0, 20, STOP + 1, None, b"", (("h", b"1"), ("n", None))),
        message(1, 8, STOP + 2, b"", None),
        message(0, 21, STOP + 3, b"\xff\x00", b"v" * 300),
    ),
)


def test_partitions_are_columns_in_the_order_of_time():
    text = last_text(LAST, 100)
    text_lines = text.splitlines()
    assert text_lines[0] == "blogs of source/my-cluster: up to 2 records of each partition, page 2"
    columns = [text_lines[2].index(f"PARTITION {n}") for n in range(3)]
    assert columns == sorted(columns)
    times = [line[:24] for line in text_lines[3:] if not line.startswith(" ")]
    assert times == [format_record_time(m.time) for m in LAST.messages]
    first, second, headers = text_lines[5].rstrip(), text_lines[6].rstrip(), text_lines[7].rstrip()
    assert first.endswith("20 (null)") and first.index("20 (null)") == columns[0]
    assert second.strip() == "(empty)" and headers.strip() == "h=1, n=(null)"
    assert text_lines[3].index("7 k7") == text_lines[4].index("first") == columns[1]
    assert max(map(len, text_lines)) <= 100
    assert "v…" in text and r"\xff\x00" in text


def test_a_narrow_terminal_gets_a_list():
    text_lines = last_text(LAST, 83).splitlines()
    assert text_lines[2].split() == ["TIME", "PARTITION", "OFFSET", "KEY", "VALUE", "HEADERS"]
    assert [line[:24] for line in text_lines[3:]] == [
        format_record_time(m.time) for m in LAST.messages
    ]
    assert text_lines[4].split()[1:] == ["0", "20", "(null)", "(empty)", "h=1,", "n=(…"]
    assert max(map(len, text_lines)) <= 83 and "v…" in text_lines[6]


@pytest.mark.parametrize("width", [1, 20, 40, 80, 81, 120, 400])
def test_no_record_does_anything_to_a_terminal(width):
    evil = message(0, 1, STOP, EVIL, EVIL, ((EVIL.decode(), EVIL), ("漢", "漢\u202e".encode())))
    text = last_text(dataclasses.replace(LAST, topic="\x1b]0;x", messages=(evil,)), width)
    assert all(c.isprintable() or c == "\n" for c in text)


def test_wide_characters_do_not_shift_the_columns():
    wide = message(0, 1, STOP, None, "漢字".encode())
    side = message(1, 1, STOP, None, b"here")
    text = last_text(dataclasses.replace(LAST, messages=(wide, side)), 100)
    line = next(line for line in text.splitlines() if "漢字" in line)
    assert sum(2 if unicodedata.east_asian_width(c) == "W" else 1 for c in line) == 26 + 4


def test_a_topic_without_records():
    assert last_text(dataclasses.replace(LAST, messages=()), 80).endswith("There are none.\n")


def test_last_records_for_machines():
    tree = json.loads(last_json(LAST))
    assert (tree["page"], tree["perPartition"], tree["partitions"]) == (2, 2, [0, 1, 2])
    assert tree["records"][1] == {
        "partition": 0,
        "offset": 20,
        "time": "2026-11-25T19:00:01.201Z",
        "key": None,
        "value": "",
        "headers": [{"key": "h", "value": "1"}, {"key": "n", "value": None}],
    }
    assert tree["records"][3]["key"] == {"base64": "/wA="}


# --- A comparison


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("identical", "identical: all 108,003 records are the same, in the same order, on both "
         "sides in 3 partitions"),
        ("even", "consistent prefix: B holds every record of A up to 2026-11-25T19:00:01.202Z in "
         "all partitions, and none after; 180 newer ones are only in A"),
        ("nearly", "consistent prefix: B holds every record of A before 2026-11-25T19:00:00.801Z "
         "in all partitions, and none after 2026-11-25T19:00:01.202Z: 401 ms apart, which counts "
         "as even; 180 newer ones are only in A"),
        ("uneven", "uneven head of 3.2 s: B lacks records of A from 2026-11-25T18:59:58.001Z on "
         "in partition 1, and yet holds partition 0 up to 2026-11-25T19:00:01.200Z; 180 newer "
         "ones are only in A"),
        ("differing", "differing: partition 2: offset 120 of A is not the same as offset 118 of B; "
         "1 more partition differs"),
        ("lacking", "differing: only A has a partition 2"),
        ("b-empty", "differing: nothing is in both; 9 newer ones are only in A"),
        ("older", "consistent prefix: both sides end with the same record in every partition; "
         "700 older ones are only in A"),
        ("given-up", "differing: partition 0: offset 120 of A is not the same as offset 118 of B, "
         "and nothing in common was found after it"),
        ("both", "uneven head: each side lacks what is newest on the other in some partitions; "
         "60 newer ones are only in A, 5 newer ones are only in B"),
        ("none", "identical: no partition was compared"),
    ],
)  # fmt: skip
def test_the_verdict_comes_first(name, verdict):
    assert comparison_text(EVERY[name]).splitlines()[0] == verdict
    assert json.loads(comparison_json(EVERY[name]))["says"] == verdict


def test_the_side_that_is_behind_is_reported_for_either_side():
    turned = compared(
        *(dataclasses.replace(r, a=r.b, b=r.a, head_a=None, head_b=r.head_a) for r in
          UNEVEN.partitions)
    )  # fmt: skip
    said = comparison_text(turned).splitlines()[0]
    assert said.startswith("uneven head of 3.2 s: A lacks records of B from")
    assert said.endswith("180 newer ones are only in B")


def test_older_records_of_one_side_are_not_held_by_the_other():
    first, *others = EVEN.partitions
    older = compared(dataclasses.replace(first, tail_a=OLDER.partitions[0].tail_a), *others)
    assert comparison_text(older).splitlines()[0] == (
        "consistent prefix: from the first common records on, B holds every record of A up to "
        "2026-11-25T19:00:01.202Z in all partitions, and none after; 180 newer ones are only in "
        "A; 700 older ones are only in A"
    )


def test_a_compacted_topic_is_reported_in_keys():
    even = dataclasses.replace(EVEN, compacted=True)
    said = comparison_text(even)
    assert "B holds what every key of A held up to" in said and "counted in keys" in said
    same = dataclasses.replace(IDENTICAL, compacted=True)
    assert "all 108,003 keys hold the same on both sides" in comparison_text(same)


def test_the_text_of_a_sample_only_covers_the_compared_records():
    said = comparison_text(dataclasses.replace(IDENTICAL, sampled="5.0% of it, in blocks"))
    assert said.startswith("identical: all 108,003 records that were compared are the same, in")
    older = dataclasses.replace(OLDER, sampled="the newest 100 offsets")
    assert (
        comparison_text(older).splitlines()[0].endswith("with the same record in every partition")
    )


def test_each_end_of_each_side_has_its_column():
    ends = {
        name: UnmatchedRange(count=count, first=spot(STOP), last=spot(STOP))
        for name, count in (("tail_a", 11), ("tail_b", 12), ("head_a", 15), ("head_b", 16))
    }
    result = part(0, STOP, only_a=13, only_b=14, **ends)
    assert "0 11 12 13 14 15 16 2026" in " ".join(lines(comparison_text(compared(result))))
    tree = json.loads(comparison_json(compared(result)))
    assert (tree["onlyInA"], tree["onlyInB"]) == (11 + 13 + 15, 12 + 14 + 16)
    sides = [tree["partitions"][0][side] for side in "ab"]
    counts = [(s["onlyOlder"]["count"], s["onlyBetween"], s["onlyNewer"]["count"]) for s in sides]
    assert counts == [(11, 13, 15), (12, 14, 16)]


def test_of_many_differences_the_first_are_shown():
    wrong = compared(*(part(n, STOP, difference=CHANGED) for n in range(5)))
    text = comparison_text(wrong)
    assert text.count("First difference in partition") == 3
    assert "2 more partitions with a difference." in text
    assert len(json.loads(comparison_json(wrong))["partitions"]) == 5


def test_the_tables_have_every_figure():
    text_lines = lines(comparison_text(DIFFERING))
    assert "A source/my-cluster blogs" in text_lines
    assert (
        "0 36,001 2026-11-25T18:00:01.200Z 2026-11-25T19:00:01.200Z 0..36000 0..36000 000000000000"
    ) in text_lines
    assert "all 144,004" in text_lines
    assert ("2 - - 3 1 60 - 2026-11-25T19:00:07.202Z 2026-11-25T19:00:01.202Z") in text_lines
    assert "all - - 4 1 240 -" in text_lines
    at = text_lines.index(
        "First difference in partition 2: offset 120 of A is not the same as offset 118 of B"
    )
    assert text_lines[at + 2] == "A 120 2026-11-25T18:00:13.200Z key what was written trace=7"
    assert text_lines[at + 3].startswith("B 118 2026-11-25T18:00:13.200Z (null) <script>")
    assert text_lines[-1] == "Read 246,900 records in 12.3s, 20,073 a second."


@pytest.mark.parametrize("found", EVERY.values(), ids=EVERY.keys())
def test_a_comparison_is_safe_on_a_terminal(found):
    evil = dataclasses.replace(found, a=EVIL.decode(), b="\x9b31m")
    assert all(c.isprintable() or c == "\n" for c in comparison_text(evil))
    assert "\x1b" not in comparison_json(evil) and json.loads(comparison_json(evil))


@pytest.mark.parametrize(
    ("told", "note"),
    [
        ({"timed": False}, "Times were not compared"),
        (
            {"sampled": "5.0% of it, in blocks"},
            "Only a part was compared: 5.0% of it, in blocks. Other",
        ),
        ({"missing_in_a": (2, 5)}, "Only B has partitions 2, 5: not compared."),
        ({"compacted": True}, "what each key holds was compared"),
        ({"even_within": 2500}, "counts as even within 2.5 s."),
    ],
)
def test_notes_have_the_limits_of_the_figures(told, note):
    assert note in comparison_text(dataclasses.replace(EVEN, **told))
    assert note not in comparison_text(EVEN)


def test_a_comparison_for_machines():
    tree = json.loads(comparison_json(UNEVEN))
    assert (tree["verdict"], tree["passed"], tree["behind"]) == ("uneven head", False, "B")
    assert tree["unevenSeconds"] == 3.199 and tree["evenWithinSeconds"] == 1.0
    assert tree["last"] == "2026-11-25T19:00:01.200Z"
    assert tree["lost"] == "2026-11-25T18:59:58.001Z"
    assert (tree["inBoth"], tree["onlyInA"], tree["onlyInB"]) == (107_955, 180, 0)
    first = tree["partitions"][0]
    assert first["digest"] == "00" * 16
    assert first["a"]["onlyNewer"]["count"] == 60 and first["b"]["onlyNewer"] is None
    assert first["a"]["lastInBoth"] == {"offset": 36_000, "time": "2026-11-25T19:00:01.200Z"}
    assert first["difference"] is None


def test_machines_get_the_records_that_differ():
    tree = json.loads(comparison_json(DIFFERING))
    third, fourth = tree["partitions"][2:]
    assert third["differs"] and third["difference"]["fault"] == "not the same"
    assert third["difference"]["b"]["headers"][0]["value"] == {"base64": "//4="}
    assert fourth["difference"]["a"]["key"] == "key" and fourth["difference"]["b"] is None


# --- The page


@pytest.mark.parametrize("found", EVERY.values(), ids=EVERY.keys())
def test_the_page_needs_nothing_else(found):
    text = comparison_html(found)
    assert text.startswith("<!DOCTYPE html>\n<html")
    page = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not [at for _, at in page.tags if {"href", "src", "style", "onclick"} & set(at)]
    assert "http" not in text and "@import" not in text
    ids = [at["id"] for _, at in page.tags if "id" in at]
    assert len(ids) == len(set(ids))
    named = [at["aria-labelledby"] for at in page.all("svg", "drawing")]
    assert set(named) <= set(ids)
    assert any(comparison_text(found).splitlines()[0] in said for said in page.texts_of("p"))


@pytest.mark.parametrize("found", EVERY.values(), ids=EVERY.keys())
def test_everything_is_within_the_drawing(found):
    for svg in drawings(found):
        _, _, width, height = map(float, svg.get("viewBox").split())
        for box in svg.iter("rect"):
            x, y, wide, high = (float(box.get(name)) for name in ("x", "y", "width", "height"))
            assert x >= 0 and x + wide <= width and y >= 0 and y + high <= height
        for text in svg.iter("text"):
            assert 0 <= float(text.get("x")) <= width and 0 <= float(text.get("y")) <= height


def drawings(found):
    judged = evaluate_consistency(found)
    axis = head_time_axis(found, judged)
    return [overview_chart(found, axis)] + ([head_chart(found, judged, axis)] if axis else [])


def of(svg, tag, kind):
    expected = set(kind.split())
    return [e for e in svg.iter(tag) if expected <= set(e.get("class", "").split())]


def texts(svg):
    return [text.text for text in svg.iter("text")]


def places(path):
    """Return the middles of the records of a path."""
    found = re.findall(r"M([\d.]+),[\d.]+h([\d.]+)v", path.get("d"))
    return [float(x) + float(wide) / 2 for x, wide in found]


def test_an_uneven_head_is_a_band_that_partitions_cross_at_their_own_places():
    judged = evaluate_consistency(UNEVEN)
    axis = head_time_axis(UNEVEN, judged)
    svg = drawings(UNEVEN)[1]
    (band,) = of(svg, "rect", "band")
    start, wide = float(band.get("x")), float(band.get("width"))
    assert start == pytest.approx(axis.x(judged.lost), abs=0.1)
    assert start + wide == pytest.approx(axis.x(judged.last), abs=0.1)
    assert 0.2 * axis.width < wide < 0.8 * axis.width
    assert "uneven by 3.2 s" in texts(svg) and not of(svg, "line", "moment")
    both = [max(places(path)) for path in of(svg, "path", "both record")]
    only = [min(places(path)) for path in of(svg, "path", "only-a record")]
    spots = [(r.last_a.time, r.head_a.first.time) for r in UNEVEN.partitions]
    assert both == pytest.approx([axis.x(last) for last, _ in spots], abs=0.1)
    assert only == pytest.approx([axis.x(first) for _, first in spots], abs=0.1)
    assert min(only) == pytest.approx(start, abs=0.1)
    assert texts(svg).count("+60 only in A") == 3


def test_an_even_head_is_one_line_between_what_is_there_and_what_is_lacking():
    svg = drawings(EVEN)[1]
    lines = of(svg, "line", "moment")
    (x,) = {float(line.get("x1")) for line in lines}
    assert all(line.get("x1") == line.get("x2") for line in lines)
    assert all(max(places(path)) < x for path in of(svg, "path", "both record"))
    assert all(min(places(path)) > x for path in of(svg, "path", "only-a record"))
    assert "even: one moment, 19:00:01.202Z" in texts(svg) and not of(svg, "rect", "band")


def test_a_head_that_counts_as_even_has_the_skew():
    svg = drawings(NEARLY)[1]
    assert len(of(svg, "rect", "band even")) == 1 and "even within 401 ms" in texts(svg)


def test_what_is_not_one_moment_has_no_line():
    for found in (DIFFERING, LACKING, BOTH):
        svg = drawings(found)[1]
        assert not of(svg, "line", "moment") and not of(svg, "rect", "band")
    alike = drawings(IDENTICAL)[1]
    assert "both sides end alike, 19:00:01.202Z" in texts(alike)
    # nothing comes after it
    assert float(of(alike, "line", "moment")[0].get("x1")) > 130 + 0.8 * 800


def test_records_that_would_touch_are_one_bar():
    first = UNEVEN.partitions[0]
    dense = dataclasses.replace(
        first,
        times=tuple(first.last_a.time - n for n in reversed(range(120))),
        missing=tuple(first.head_a.first.time + n for n in range(120)),
    )
    svg = drawings(compared(dense, *UNEVEN.partitions[1:]))[1]
    (bar,) = [e for e in of(svg, "rect", "both") if "trail" not in e.get("class")]
    assert float(bar.get("width")) > 100
    assert len(of(svg, "path", "both record")) == 2


def test_the_overview_has_a_bar_for_each_side_and_its_ends():
    svg = drawings(OLDER)[0]
    tail, *both = (*of(svg, "rect", "only-a"), *of(svg, "rect", "both"))
    a, b = both
    assert a.get("x") == b.get("x") and float(a.get("y")) < float(b.get("y"))
    assert float(tail.get("x")) < float(a.get("x")) and tail.get("y") == a.get("y")
    assert float(tail.get("width")) > 10
    assert float(tail.get("x")) + float(tail.get("width")) == pytest.approx(
        float(a.get("x")), abs=2
    )


def test_odd_partitions_are_named():
    assert texts(drawings(WITH_EMPTY)[0]).count("empty") == 2
    assert texts(drawings(WITH_EMPTY)[1]).count("empty") == 1
    for svg in drawings(LACKING):
        assert "partition 2" in texts(svg) and "only in A" in texts(svg)
    whole, _ = drawings(DIFFERING)
    assert len(of(whole, "polygon", "differs")) == 2 and texts(whole).count("differs") == 2
    assert [name for name in texts(drawings(MANY)[1]) if name.startswith("partition")] == [
        f"partition {n}" for n in range(30)
    ]


def test_records_outside_of_the_axis_have_their_time():
    quiet = part(1, STOP - 600_000, more=0)
    svg = drawings(compared(part(0, STOP), quiet))[1]
    assert "◂ 2026-11-25T18:50:01.201Z" in texts(svg)
    late = part(1, STOP - 600_000, more=0, head_a=UnmatchedRange(
        count=1, first=spot(STOP + 600_000), last=spot(STOP + 600_000)))  # fmt: skip
    assert "2026-11-25T19:10:01.200Z ▸" in texts(drawings(compared(part(0, STOP), late))[1])


def test_no_record_becomes_markup():
    evil = dataclasses.replace(DIFFERING, a=EVIL.decode(), b=EVIL.decode())
    text = comparison_html(evil)
    page = Page(text)
    assert "script" not in {tag for tag, _ in page.tags} and "\x1b" not in text
    assert any(said.startswith('<script>alert("x")</script>&') for said in page.texts_of("td"))


@pytest.mark.parametrize(
    ("found", "value"),
    [(UNEVEN, "3.2 s"), (EVEN, "even"), (BOTH, "uneven"), (IDENTICAL, "108,003"), (MANY, "1,800")],
)
def test_the_figures_that_matter_are_large(found, value):
    text = comparison_html(found)
    assert f'<p class="value">{value}</p>' in text
    assert ("passed" in Page(text).all("p", "verdict")[0]["class"]) is evaluate_consistency(
        found
    ).passed


def test_the_page_has_the_tables_of_the_text():
    page = Page(comparison_html(DIFFERING))
    for cell in ("144,004", "0..36000", "2026-11-25T19:00:07.202Z", "what was written", "trace=7"):
        assert cell in page.texts_of("td")
    assert "Partition 3: the record at offset 120 of A is not in B" in page.texts_of("h2")


@pytest.mark.parametrize(
    ("start", "end", "names"),
    [
        (STOP, STOP + 4, ["19:00:01.200", "19:00:01.201", "19:00:01.202"]),
        (STOP, STOP + 7000, ["19:00:02", "19:00:03", "19:00:04"]),
        (STOP, STOP + 3_600_000, ["19:10", "19:20", "19:30"]),
        (STOP + 17_940_000, STOP + 18_060_000, ["2026-11-26", "00:00:15"]),
        (STOP, STOP + 5 * 86_400_000, ["2026-11-26", "2026-11-27", "2026-11-28"]),
        (0, STOP, ["1970-01-01", "1979-12-30", "1989-12-27"]),
    ],
)  # fmt: skip
def test_an_axis_names_round_times(start, end, names):
    axis = TimeAxis.over((start, end), 0, 100.0, 800.0)
    parent = ElementTree.Element("g")
    axis.draw(parent, 20.0, 40.0)
    labels = texts(parent)[1:]
    assert len(labels) <= 9
    at = labels.index(names[0])
    assert labels[at : at + len(names)] == names
    places = [float(t.get("x")) for t in parent.iter("text")][1:]
    assert places == sorted(places) and places[0] >= 100.0 and places[-1] <= 900.0


def test_an_axis_leaves_out_times_that_no_calendar_has():
    axis = TimeAxis.over((-1, STOP, 10**17), 10, 0.0, 100.0)
    assert (axis.start, axis.end) == (STOP - 10, STOP + 10)
    assert axis.x(-1) == 0.0 and axis.x(10**17) == 100.0 and not axis.has(10**17)
