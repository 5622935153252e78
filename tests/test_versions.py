from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.strimzi import Bounds, Version, parse_version
from kanister_kafka.strimzi.versions import OLDEST, TABLE, Feature, spelled

RELEASES: list[Version] = [(0, minor) for minor in range(23, 52)] + [(1, 0), (1, 1), (1, 2)]
VERSIONS = st.sampled_from(RELEASES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.45", (0, 45)),
        ("0.45.2", (0, 45)),
        ("v0.45.2", (0, 45)),
        ("1.0", (1, 0)),
        ("1.10.0", (1, 10)),
        ("0.46.0-rc1", (0, 46)),
        ("0.46.0+build.5", (0, 46)),
        ("0.47.0-SNAPSHOT", (0, 47)),
        ("0.023", (0, 23)),
        ("", None),
        ("1", None),
        ("v1", None),
        ("latest", None),
        ("0.45.", None),
        ("0.45.2.1", None),
        ("0,45", None),
        (" 0.45", None),
        ("0.45\n", None),
        ("-0.45", None),
        ("0.x", None),
        ("99999.1", None),
        ("0." + "4" * 10_000, None),
    ],
)
def test_a_version_is_read(text: str, expected: Version | None) -> None:
    assert parse_version(text) == expected


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text())
def test_any_text_is_a_version_or_none(text: str) -> None:
    version = parse_version(text)
    assert version is None or len(version) == 2


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.integers(0, 9999), st.integers(0, 9999))
def test_a_version_comes_back_as_it_was_spelled(major: int, minor: int) -> None:
    assert parse_version(spelled((major, minor))) == (major, minor)


def test_versions_compare_as_numbers() -> None:
    # As text, 1.9 comes after 1.36 and 0.9 after 0.45.
    texts = ["0.9", "0.45", "1.0", "1.9", "1.36"]
    assert sorted(texts, key=lambda text: parse_version(text) or OLDEST) == texts


def test_every_feature_has_a_span_with_its_source() -> None:
    assert set(TABLE) == set(Feature)
    for span in TABLE.values():
        assert span.source
        assert span.first or span.last
        assert (span.first or OLDEST) <= (span.last or RELEASES[-1])


@pytest.mark.parametrize("version", RELEASES, ids=spelled)
def test_every_release_has_each_thing_in_one_way_at_least(version: Version) -> None:
    exactly = Bounds.exactly(version)
    for ways in (
        (Feature.API_V1BETA2, Feature.API_V1),
        (Feature.STATEFUL_SETS, Feature.POD_SETS),
        (Feature.CONNECT_DEPLOYMENTS, Feature.CONNECT_POD_SETS),
        (Feature.ZOOKEEPER, Feature.KRAFT_ANNOTATED, Feature.KRAFT_ALONE),
    ):
        assert any(exactly.may_have(way) for way in ways), ways


@pytest.mark.parametrize(
    ("feature", "first", "last"),
    [
        (Feature.API_V1BETA2, "0.23", "0.51"),
        (Feature.API_V1, "0.49", ""),
        (Feature.STATEFUL_SETS, "0.23", "0.34"),
        (Feature.POD_SETS, "0.27", ""),
        (Feature.CONNECT_DEPLOYMENTS, "0.23", "0.38"),
        (Feature.CONNECT_POD_SETS, "0.34", ""),
        (Feature.NODE_POOLS, "0.36", ""),
        (Feature.ZOOKEEPER, "0.23", "0.45"),
        (Feature.KRAFT_ANNOTATED, "0.38", ""),
        (Feature.KRAFT_ALONE, "0.48", ""),
        (Feature.MIRROR_MAKER_1, "0.23", "0.45"),
    ],
    ids=lambda value: value.name if isinstance(value, Feature) else value,
)
def test_the_releases_that_have_a_feature(feature: Feature, first: str, last: str) -> None:
    having = [version for version in RELEASES if Bounds.exactly(version).may_have(feature)]
    assert spelled(having[0]) == first
    assert spelled(having[-1]) == (last or spelled(RELEASES[-1]))
    # Without a gap.
    start = RELEASES.index(having[0])
    assert having == RELEASES[start : start + len(having)]


@pytest.mark.parametrize(
    ("features", "text", "empty"),
    [
        ([], "0.23 or later", False),
        ([Feature.API_V1BETA2], "0.23 to 0.51", False),
        ([Feature.API_V1], "0.49 or later", False),
        ([Feature.API_V1BETA2, Feature.API_V1], "0.49 to 0.51", False),
        ([Feature.ZOOKEEPER, Feature.NODE_POOLS], "0.36 to 0.45", False),
        ([Feature.POD_SETS, Feature.STATEFUL_SETS], "0.27 to 0.34", False),
        ([Feature.API_V1, Feature.ZOOKEEPER], "0.49 to 0.45", True),
        ([Feature.NODE_POOLS, Feature.STATEFUL_SETS], "0.36 to 0.34", True),
    ],
    ids=str,
)
def test_bounds_narrow(features: list[Feature], text: str, *, empty: bool) -> None:
    for order in itertools.permutations(features):
        bounds = Bounds()
        for feature in order:
            bounds = bounds.having(feature)
        assert (str(bounds), bounds.empty) == (text, empty)


def test_bounds_of_one_version() -> None:
    bounds = Bounds.exactly((0, 45))
    assert str(bounds) == "0.45"
    assert not bounds.empty
    assert bounds.having(Feature.ZOOKEEPER) == bounds
    assert bounds.having(Feature.API_V1).empty


def test_bounds_say_what_narrowed_them() -> None:
    bounds = Bounds().having(Feature.NODE_POOLS).having(Feature.ZOOKEEPER)
    assert (bounds.first_reason, bounds.last_reason) == ("node pools", "ZooKeeper")
    # What narrows nothing is no reason.
    assert bounds.having(Feature.API_V1BETA2).last_reason == "ZooKeeper"
    assert bounds.since((0, 30), "status").first_reason == "node pools"
    assert bounds.since((0, 40), "status").first_reason == "status"


@settings(max_examples=100, deadline=None, derandomize=True)
@given(VERSIONS, st.lists(st.sampled_from(Feature), max_size=5))
def test_bounds_agree_with_each_version(version: Version, features: list[Feature]) -> None:
    bounds = Bounds()
    for feature in features:
        bounds = bounds.having(feature)
    within = bounds.first <= version and (bounds.last is None or version <= bounds.last)
    assert within == all(Bounds.exactly(version).may_have(feature) for feature in features)
