from __future__ import annotations

import itertools
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.strimzi import Version, VersionRange, parse_version
from kanister_kafka.strimzi.kafka_versions import (
    KAFKA_VERSIONS,
    OLDEST_KUBERNETES,
    SOURCE_DATE,
)
from kanister_kafka.strimzi.versions import (
    OLDEST,
    TABLE,
    VersionFeature,
    format_version,
    kafka_versions,
    oldest_kubernetes,
    operators_for,
    unsupported_kubernetes,
)

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


@settings(max_examples=100, derandomize=True)
@given(st.text())
def test_any_text_is_a_version_or_none(text: str) -> None:
    version = parse_version(text)
    assert version is None or len(version) == 2


@settings(max_examples=50, derandomize=True)
@given(st.integers(0, 9999), st.integers(0, 9999))
def test_a_version_keeps_its_format(major: int, minor: int) -> None:
    assert parse_version(format_version((major, minor))) == (major, minor)


def test_versions_compare_as_numbers() -> None:
    # As text, 1.9 comes after 1.36 and 0.9 after 0.45.
    texts = ["0.9", "0.45", "1.0", "1.9", "1.36"]
    assert sorted(texts, key=lambda text: parse_version(text) or OLDEST) == texts


def test_every_feature_has_a_span_with_its_source() -> None:
    assert set(TABLE) == set(VersionFeature)
    for span in TABLE.values():
        assert span.source
        assert span.first or span.last
        assert (span.first or OLDEST) <= (span.last or RELEASES[-1])


@pytest.mark.parametrize("version", RELEASES, ids=format_version)
def test_every_release_has_at_least_one_of_each_group_of_features(version: Version) -> None:
    exactly = VersionRange.exactly(version)
    for ways in (
        (VersionFeature.API_V1BETA2, VersionFeature.API_V1),
        (VersionFeature.STATEFUL_SETS, VersionFeature.POD_SETS),
        (VersionFeature.CONNECT_DEPLOYMENTS, VersionFeature.CONNECT_POD_SETS),
        (VersionFeature.ZOOKEEPER, VersionFeature.KRAFT_ANNOTATED, VersionFeature.KRAFT_ALONE),
        (VersionFeature.WATCHED_NAMESPACE, VersionFeature.WATCHED_NAMESPACE_SETTING),
    ):
        assert any(exactly.may_have(way) for way in ways), ways


@pytest.mark.parametrize(
    ("feature", "first", "last"),
    [
        (VersionFeature.API_V1BETA2, "0.23", "0.51"),
        (VersionFeature.API_V1, "0.49", ""),
        (VersionFeature.STATEFUL_SETS, "0.23", "0.34"),
        (VersionFeature.POD_SETS, "0.27", ""),
        (VersionFeature.CONNECT_DEPLOYMENTS, "0.23", "0.38"),
        (VersionFeature.CONNECT_POD_SETS, "0.34", ""),
        (VersionFeature.NODE_POOLS, "0.36", ""),
        (VersionFeature.ZOOKEEPER, "0.23", "0.45"),
        (VersionFeature.KRAFT_ANNOTATED, "0.38", ""),
        (VersionFeature.KRAFT_ALONE, "0.48", ""),
        (VersionFeature.MIRROR_MAKER_1, "0.23", "0.45"),
        (VersionFeature.WATCHED_NAMESPACE, "0.23", "1.0"),
        (VersionFeature.WATCHED_NAMESPACE_SETTING, "1.0", ""),
    ],
    ids=lambda value: value.name if isinstance(value, VersionFeature) else value,
)
def test_the_releases_that_have_a_feature(feature: VersionFeature, first: str, last: str) -> None:
    having = [version for version in RELEASES if VersionRange.exactly(version).may_have(feature)]
    assert format_version(having[0]) == first
    assert format_version(having[-1]) == (last or format_version(RELEASES[-1]))
    # Without a gap.
    start = RELEASES.index(having[0])
    assert having == RELEASES[start : start + len(having)]


@pytest.mark.parametrize(
    ("features", "text", "empty"),
    [
        ([], "0.23 or later", False),
        ([VersionFeature.API_V1BETA2], "0.23 to 0.51", False),
        ([VersionFeature.API_V1], "0.49 or later", False),
        ([VersionFeature.API_V1BETA2, VersionFeature.API_V1], "0.49 to 0.51", False),
        ([VersionFeature.ZOOKEEPER, VersionFeature.NODE_POOLS], "0.36 to 0.45", False),
        ([VersionFeature.POD_SETS, VersionFeature.STATEFUL_SETS], "0.27 to 0.34", False),
        ([VersionFeature.API_V1, VersionFeature.ZOOKEEPER], "0.49 to 0.45", True),
        ([VersionFeature.NODE_POOLS, VersionFeature.STATEFUL_SETS], "0.36 to 0.34", True),
    ],
    ids=str,
)
def test_bounds_narrow(features: list[VersionFeature], text: str, *, empty: bool) -> None:
    for order in itertools.permutations(features):
        bounds = VersionRange()
        for feature in order:
            bounds = bounds.having(feature)
        assert (str(bounds), bounds.empty) == (text, empty)


def test_bounds_of_one_version() -> None:
    bounds = VersionRange.exactly((0, 45))
    assert str(bounds) == "0.45"
    assert not bounds.empty
    assert bounds.having(VersionFeature.ZOOKEEPER) == bounds
    assert bounds.having(VersionFeature.API_V1).empty


def test_bounds_have_the_fields_that_narrowed_them() -> None:
    bounds = VersionRange().having(VersionFeature.NODE_POOLS).having(VersionFeature.ZOOKEEPER)
    assert (bounds.first_reason, bounds.last_reason) == ("node pools", "ZooKeeper")
    # What narrows nothing is no reason.
    assert bounds.having(VersionFeature.API_V1BETA2).last_reason == "ZooKeeper"
    assert bounds.since((0, 30), "status").first_reason == "node pools"
    assert bounds.since((0, 40), "status").first_reason == "status"


@settings(max_examples=100, derandomize=True)
@given(VERSIONS, st.lists(st.sampled_from(VersionFeature), max_size=5))
def test_bounds_agree_with_each_version(version: Version, features: list[VersionFeature]) -> None:
    bounds = VersionRange()
    for feature in features:
        bounds = bounds.having(feature)
    within = bounds.first <= version and (bounds.last is None or version <= bounds.last)
    assert within == all(VersionRange.exactly(version).may_have(feature) for feature in features)


def test_kafka_versions_by_operator() -> None:
    assert kafka_versions(VersionRange.exactly((0, 46))) == ("3.9.0", "4.0.0")
    assert kafka_versions(VersionRange.exactly((9, 9))) == ()
    every = kafka_versions(VersionRange())
    assert (every[0], every[-1]) >= ("2.6.0", "4.3.1")
    for version in every:
        operators = operators_for(version)
        assert operators is not None
        assert version in kafka_versions(operators)
    assert str(operators_for("3.9.0")) == "0.45 to 0.47"
    assert operators_for("9.9.9") is None


def test_table_of_kafka_versions_is_complete_and_not_old() -> None:
    assert min(KAFKA_VERSIONS) == OLDEST
    assert [minor for major, minor in KAFKA_VERSIONS if major == 0] == [*range(23, 52)]
    age = datetime.now(timezone.utc).date() - SOURCE_DATE
    assert age < timedelta(days=183), "run `make versions`: the table is older than half a year"


# Kubernetes by operator


@pytest.mark.parametrize(
    ("strimzi", "oldest"),
    [
        ("0.40", 23),
        ("0.45", 25),
        ("0.47", 25),
        ("0.48", 27),
        ("0.50", 27),
        ("0.51", 30),
        ("1.2", 30),
    ],
)
def test_an_operator_supports_kubernetes_from_a_version_on(strimzi: str, oldest: int) -> None:
    version = parse_version(strimzi)
    assert version is not None
    operator = VersionRange.exactly(version)
    assert oldest_kubernetes(operator) == oldest
    for minor in range(25, 38):
        assert bool(unsupported_kubernetes(operator, minor)) == (minor < oldest)


def test_kubernetes_is_only_too_old_if_no_operator_of_the_range_supports_it() -> None:
    assert unsupported_kubernetes(VersionRange((0, 48), (1, 2)), 27) == ""
    assert unsupported_kubernetes(VersionRange((0, 48)), 26) == (
        "Kubernetes is 1.26, and Strimzi 0.48 or later supports 1.27 or later; Strimzi 0.47 is the "
        "last for it"
    )
    assert unsupported_kubernetes(VersionRange(), 15) == (
        "Kubernetes is 1.15, and Strimzi 0.23 or later supports 1.16 or later"
    )


def test_an_operator_that_is_newer_than_the_table_is_not_judged() -> None:
    assert oldest_kubernetes(VersionRange.exactly((9, 9))) is None
    assert unsupported_kubernetes(VersionRange.exactly((9, 9)), 1) == ""


def test_both_tables_have_the_same_operators_and_no_operator_supports_less_than_before() -> None:
    assert list(OLDEST_KUBERNETES) == list(KAFKA_VERSIONS)
    assert list(OLDEST_KUBERNETES.values()) == sorted(OLDEST_KUBERNETES.values())
