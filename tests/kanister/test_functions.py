"""Kanister's functions by release, and values as Kanister decodes them."""

from __future__ import annotations

import json

import pytest

from kanister_kafka.durations import parse_go_duration
from kanister_kafka.kanister.decoding import decode
from kanister_kafka.kanister.function_catalog import ROWS, functions, releases_with
from kanister_kafka.kanister.function_types import (
    HEAD,
    NEWEST,
    RELEASES,
    ArgumentType,
    FunctionArgument,
    parse_release,
)
from kanister_kafka.kanister.kube_api import CLUSTER_SCOPED, NAMESPACED, unknown_resource_hint
from kanister_kafka.kanister.scalar_formats import coerce_to_string, is_image, quantity_sign
from kanister_kafka.linter import LintSettings
from kanister_kafka.linter.pipeline import validate_text
from kanister_kafka.yamldoc import Node, loads
from tests.conftest import ROOT

COUNTS = {
    **dict.fromkeys(RELEASES[:12], 34),
    **dict.fromkeys(RELEASES[12:15], 35),
    **dict.fromkeys(RELEASES[15:20], 31),
    HEAD: 28,
}


def extracted(release: str) -> set[str]:
    """Return what a release has, from the changes that lead to it."""
    found: set[str] = set()
    for line in (ROOT / "tests" / "kanister-functions.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        since, sign, what = line.split(maxsplit=2)
        if RELEASES.index(since) <= RELEASES.index(release):
            (found.add if sign == "+" else found.remove)(what)
    return found


@pytest.mark.parametrize("release", RELEASES)
def test_table_is_what_the_source_has(release: str) -> None:
    known = functions(release)
    mine = {f"{name} {one.source.removeprefix('pkg/function/')}" for name, one in known.items()}
    for name, one in known.items():
        mine |= {f"{name}.{x.name}{'*' if x.required else ''}" for x in one.arguments.values()}
    assert mine == extracted(release)
    assert len(known) == COUNTS[release]


def test_outputs_follow_the_release() -> None:
    assert functions("0.103")["ScaleWorkload"].outputs == ()
    assert functions("0.104")["ScaleWorkload"].outputs == ("originalReplicaCount",)
    assert functions(NEWEST)["KubeTask"].prints
    assert not functions(NEWEST)["WaitV2"].prints


def test_choices_follow_the_release() -> None:
    assert functions("0.113")["KubeOps"].arguments["operation"].choices == ("create", "delete")
    assert "patch" in functions("0.114")["KubeOps"].arguments["operation"].choices


def test_rows_are_complete() -> None:
    assert [row.name for row in ROWS] == sorted(row.name for row in ROWS)
    for row in ROWS:
        assert row.description.endswith(".")
        for one in row.arguments:
            assert one.description.endswith("."), (row.name, one.name)
            assert {one.since, one.until} <= {"", *RELEASES}
            assert one.default in ("", *one.choices) or not one.choices
            assert not (one.required and one.default)


@pytest.mark.parametrize(
    ("typed", "release"),
    [
        ("0.118", "0.118"),
        ("0.118.0", "0.118"),
        ("v0.118.0", "0.118"),
        ("head", "head"),
        ("HEAD", "head"),
        ("0.118.1", None),
        ("0.99.0", None),
        ("0.120", None),
        ("1.0", None),
        ("latest", None),
        ("", None),
        ("v", None),
        ("0.118.0\n", None),
        ("0.١18", None),
    ],
)
def test_a_release_is_parsed_in_every_common_form(typed: str, release: str | None) -> None:
    assert parse_release(typed) == release


@pytest.mark.parametrize(
    ("function", "argument", "words"),
    [
        ("KubeOps", "", "since 0.100"),
        ("MultiContainerRun", "", "since 0.112"),
        ("CreateVolumeSnapshot", "", "until 0.114"),
        ("PrepareData", "failOnError", "since 0.115"),
        ("RestoreDataUsingKopiaServer", "podLabels", "from 0.111 to 0.119"),
        ("KubeOps", "kind", ""),
        ("Scale", "", ""),
    ],
)
def test_releases_that_have_the_function_or_argument_are_named(
    function: str, argument: str, words: str
) -> None:
    assert releases_with(function, argument) == words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "1"),
        (False, "0"),
        (493, "493"),
        (-3, "-3"),
        (1.1, "1.1"),
        (1000.0, "1000"),
        (1e30, "1" + "0" * 30),
        (1e-07, "0.0000001"),
        (-0.0, "0"),
        (18446744073709551615, "18446744073709552000"),
        (9007199254740993, "9007199254740993"),
        ("yes", "yes"),
        (None, ""),
    ],
)
def test_a_value_becomes_the_text_that_mapstructure_makes(value: object, text: str) -> None:
    assert coerce_to_string(value) == text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("90s", 90 * 10**9),
        ("1h1.5m.5s", 3690500000000),
        ("+5m", 300 * 10**9),
        ("-1s", -(10**9)),
        ("0", 0),
        ("-0", 0),
        ("5.s", 5 * 10**9),
        ("1us1µs1μs", 3000),
        ("2562047h47m16.854775807s", 2**63 - 1),
        ("2562047h47m17s", None),
        ("60", None),
        ("1d", None),
        ("5 m", None),
        ("1H", None),
        ("1m1", None),
        (".s", None),
        ("s", None),
        ("", None),
        ("60s\n", None),
        ("1" * 5000 + "s", None),
        ("١s", None),
    ],
)
def test_a_duration_is_read_as_go_reads_it(text: str, nanoseconds: int | None) -> None:
    assert parse_go_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        *((text, 1) for text in ("10Gi", "1.5G", ".5Mi", "5.Ki", "+1", "1E", "1e3", "1E-3", "1m")),
        *((text, 0) for text in ("0", "0.0Gi", "-0")),
        *((text, -1) for text in ("-1", "-.5Gi")),
        *((text, None) for text in ("", "1e", "1K", "10GB", "1g", "1 Gi", "1p", "0x1", "1.5.5")),
    ],
)
def test_a_quantity_is_read_as_kubernetes_reads_it(text: str, sign: int | None) -> None:
    assert quantity_sign(text) == sign


DIGEST = "a" * 64
RIGHT_IMAGES = (
    "alpine",
    "docker.io/a/b:c",
    "localhost:5000/x",
    f"ghcr.io/x/y:t@sha256:{DIGEST}",
    "Foo/bar",
    "a__b/c",
    "a--b",
    "[::1]:80/x",
    "x:_a",
    "x" * 247,
    f"docker.io/a/{'x' * 253}",
)
WRONG_IMAGES = (
    "",
    "Foo",
    "foo/Bar",
    "x@sha256:abc",
    f"x@md5:{'a' * 32}",
    f"x@sha256:{DIGEST.upper()}",
    "a b",
    "https://x/y",
    "x:",
    "a:b:c",
    "/x",
    "a//b",
    "a___b",
    "a-.com/x",
    "x:.a",
    f"x:{'a' * 129}",
    DIGEST,
    "x" * 248,
    "x\n",
    "x" * 1_000_000,
)


@pytest.mark.parametrize("text", RIGHT_IMAGES)
def test_an_image_that_a_runtime_takes(text: str) -> None:
    assert is_image(text)


@pytest.mark.parametrize("text", WRONG_IMAGES, ids=lambda text: text[:20])
def test_an_image_that_no_runtime_takes(text: str) -> None:
    assert not is_image(text)


def node(text: str) -> Node:
    (document,) = loads(f"v: {text}\n").documents
    found = document.root.get("v")
    assert found is not None
    return found


def flaws(kind: ArgumentType, text: str, *, blank: bool = True, rendered: bool = True) -> set[str]:
    argument = FunctionArgument("command", kind, "", blank=blank, rendered=rendered)
    return {fault.rule for fault in decode(argument, "v", node(text))}


TAKEN = {
    ArgumentType.TEXT: ("a", "12", "1.5", "-3", "''", "'{{ .x }}'", "~"),
    ArgumentType.NAMES: ("a b", "'{{ .x }}'"),
    ArgumentType.TEXTS: ("[a, 'b c', 3]", "[]", "{}", "a", "12", "['{{ .x }} y']", "[~]"),
    ArgumentType.YAML_TEXTS: ("[a]", "'[a]'", "'- a'", "''", "'{{ .x }}'"),
    ArgumentType.BOOLEAN: ("true", "no", "'T'", "'0'", "''", "5", "0.5", "'{{ .x }}'"),
    ArgumentType.REPLICAS: ("0", "2147483647", "2.0", "'+3'", "'03'", "1_000", "'{{ .x }}'"),
    ArgumentType.DURATION: ("90s", "'{{ .x }}'"),
    ArgumentType.QUANTITY: ("10Gi", "1e9", "12", "0", "''", "'{{ .x }}'"),
    ArgumentType.IMAGE: ("alpine", "''", "'{{ .x }} y'"),
    ArgumentType.MOUNTS: ("{a: /b}", "[]", "[{a: /b}, {c: /d}]", "{'{{ .x }}': '{{ .y }}'}"),
    ArgumentType.LABELS: ("{a: b}", "{a: ''}", "{a: 3}", "{'{{ .x }}': '{{ .y }}'}"),
    ArgumentType.POD_LABELS: ("{a: b}", "{}"),
    ArgumentType.POD_ANNOTATIONS: ("{a: b c}",),
    ArgumentType.POD_OVERRIDE: (
        "{containers: []}",
        "[]",
        "[{hostname: a}]",
        "{ServiceAccountName: a}",
    ),
    ArgumentType.REFERENCE: ("{NAME: a, apiversion: v1}", "{}", "{apiVersion: '{{ .x }}/v1'}"),
    ArgumentType.CONDITIONS: ("{anyof: {condition: a}}", "{}", "{allOf: ~}"),
    ArgumentType.MANIFEST: ("'a: b'", "'{{ .x }}'"),
    ArgumentType.WORKLOAD: ("a",),
}
TYPES = {
    ArgumentType.TEXT: ("[]", "{}", "[a]"),
    ArgumentType.NAMES: ("[a, b]",),
    ArgumentType.TEXTS: ("[[a]]", "[{a: b}]", "{a: b}"),
    ArgumentType.YAML_TEXTS: ("12", "true", "{}", "[[a]]"),
    ArgumentType.BOOLEAN: ("[true]", "{}"),
    ArgumentType.REPLICAS: ("true", "1.5", "[1]", "three", "''"),
    ArgumentType.DURATION: ("[1s]",),
    ArgumentType.QUANTITY: ("{}",),
    ArgumentType.IMAGE: ("[a]",),
    ArgumentType.MOUNTS: ("''", "a", "[a]", "{a: [/b]}"),
    ArgumentType.LABELS: ("a", "{a: {b: c}}"),
    ArgumentType.POD_LABELS: ("[]", "[{a: b}]", "{a: []}"),
    ArgumentType.POD_ANNOTATIONS: ("a",),
    ArgumentType.POD_OVERRIDE: ("a", "[a]"),
    ArgumentType.REFERENCE: ("[]", "[{name: a}]", "a", "{name: [a]}"),
    ArgumentType.CONDITIONS: (
        "[]",
        "a",
        "{anyOf: a}",
        "{anyOf: [a]}",
        "{allOf: [{condition: {}}]}",
    ),
    ArgumentType.MANIFEST: ("{a: b}", "[a]"),
    ArgumentType.WORKLOAD: ("{}",),
}
VALUES = {
    ArgumentType.TEXTS: ("[a b, c]", "a b"),
    ArgumentType.YAML_TEXTS: ("a",),
    ArgumentType.BOOLEAN: ("'yes'", "'tRUE'", "' true'"),
    ArgumentType.REPLICAS: ("-1", "2147483648", "'-3'", "1" * 50),
    ArgumentType.DURATION: ("60", "0s", "-1s", "1d", "1.5", "~x", "''"),
    ArgumentType.QUANTITY: ("10GB", "-1Gi"),
    ArgumentType.IMAGE: ("Foo", "a b"),
    ArgumentType.MOUNTS: ("{A: /b}", "{a: ''}", "{a: 'b:c'}"),
    ArgumentType.LABELS: ("{a: b c}", "{-a: b}"),
    ArgumentType.REFERENCE: (
        "{apiVersion: apps/v1}",
        "{resource: Pods}",
        "{resource: deployments}",
    ),
    ArgumentType.CONDITIONS: ("{anyOf: {objectReference: {apiVersion: a/v1}}}",),
}
SPELLINGS = {
    ArgumentType.TEXT: ("true", "no", "y", "0755", "1_000", "0x1F", "1e3", "1.10", "+3"),
    ArgumentType.TEXTS: ("[on]", "[a, 0o17]"),
    ArgumentType.REPLICAS: ("010",),
    ArgumentType.POD_LABELS: ("{a: true}",),
    ArgumentType.POD_ANNOTATIONS: ("{a: false}",),
    ArgumentType.CONDITIONS: ("{anyOf: [{condition: true}]}",),
}
IGNORED = {
    ArgumentType.REFERENCE: ("{nam: a}",),
    ArgumentType.CONDITIONS: (
        "{any: []}",
        "{anyOf: {if: a}}",
        "{anyOf: {objectReference: {a: b}}}",
    ),
    ArgumentType.POD_OVERRIDE: ("{spec: {}}",),
}


def each(table: dict[ArgumentType, tuple[str, ...]]) -> list[tuple[ArgumentType, str]]:
    return [(kind, text) for kind, texts in table.items() for text in texts]


def test_every_kind_is_tried() -> None:
    assert set(TAKEN) == set(TYPES) == set(ArgumentType)


@pytest.mark.parametrize(("kind", "text"), each(TAKEN))
def test_what_is_decoded_as_it_is_written(kind: ArgumentType, text: str) -> None:
    assert flaws(kind, text) == set()


@pytest.mark.parametrize(("kind", "text"), each(TYPES))
def test_what_cannot_be_decoded(kind: ArgumentType, text: str) -> None:
    assert flaws(kind, text) == {"argument-type"}


@pytest.mark.parametrize(("kind", "text"), each(VALUES))
def test_what_is_decoded_and_refused(kind: ArgumentType, text: str) -> None:
    assert flaws(kind, text) == {"argument-value"}


@pytest.mark.parametrize(("kind", "text"), each(SPELLINGS))
def test_what_is_decoded_to_another_text(kind: ArgumentType, text: str) -> None:
    assert flaws(kind, text) == {"unquoted-value"}


@pytest.mark.parametrize(("kind", "text"), each(IGNORED))
def test_what_is_dropped(kind: ArgumentType, text: str) -> None:
    assert flaws(kind, text) == {"ignored-key"}


@pytest.mark.parametrize(
    "kind", [ArgumentType.TEXT, ArgumentType.NAMES, ArgumentType.IMAGE, ArgumentType.QUANTITY]
)
def test_empty_values_are_refused_if_the_argument_needs_one(kind: ArgumentType) -> None:
    assert flaws(kind, "''", blank=False) == {"argument-value"}
    assert flaws(ArgumentType.TEXTS, "[]", blank=False) == {"argument-value"}
    assert flaws(ArgumentType.QUANTITY, "0", blank=False) == {"argument-value"}


def test_a_template_in_an_argument_that_is_not_rendered_is_an_error() -> None:
    assert flaws(ArgumentType.DURATION, "'{{ .x }}'", rendered=False) == {"argument-value"}
    assert not functions(NEWEST)["WaitV2"].arguments["timeout"].rendered
    assert functions(NEWEST)["Wait"].arguments["timeout"].rendered


@pytest.mark.parametrize(
    ("group", "resource", "says"),
    [
        ("", "pod", '"pods"'),
        ("", "Pod", '"pods"'),
        ("", "deploy", '"deployments", with group: apps'),
        ("", "statefulsets", "group: apps"),
        ("", "kafkas", "must have its group"),
        ("networking.k8s.io", "ingress", '"ingresses"'),
        ("networking.k8s.io", "NetworkPolicy", '"networkpolicies"'),
        ("kafka.strimzi.io", "Kafka", "the plural in lower case"),
        ("kafka.strimzi.io", "kafkas", ""),
        ("example.com", "ingress", ""),
        ("apps", "unheard-of", ""),
    ],
)
def test_a_resource_that_no_server_has(group: str, resource: str, says: str) -> None:
    found = unknown_resource_hint(group, resource)
    assert says in found
    assert bool(found) == bool(says)


def test_every_resource_that_is_built_in_is_served() -> None:
    assert not NAMESPACED & CLUSTER_SCOPED
    assert [one for one in NAMESPACED | CLUSTER_SCOPED if unknown_resource_hint(*one)] == []


OPERATIONS = ("create", "patch", "delete")
ANYTHING = (
    *(None, True, False, 0, -1, 1.5, 10**400, 1e308),
    *("", " ", "\n", "a b", "{{", "{{ .x }}", "- a", "a: [", "a: {b: *c}", "é" * 5000, "9" * 5000),
    *([], [None], [[]], ["a", 1, True], [{}], {}, {"a": None}, {"": ""}, {"a": [{}]}),
    {"anyOf": [None, 1, [], {}], "allOf": {"condition": [], "objectReference": {"name": {}}}},
    {"containers": [None, {"name": None}, {"name": []}, {"image": {}}], "initContainers": 1},
    {"apiVersion": {}, "group": [], "resource": 1, "name": None, "namespace": True},
)


@pytest.mark.parametrize("value", ANYTHING, ids=lambda value: repr(value)[:30])
@pytest.mark.parametrize("release", ["0.100", NEWEST])
def test_any_argument_may_hold_anything(release: str, value: object) -> None:
    phases = [
        {
            "func": one.name,
            "name": one.name,
            "args": {**dict.fromkeys(one.arguments, value), **more},
        }
        for one in functions(release).values()
        for more in [{}] + [{"operation": x} for x in OPERATIONS if one.name == "KubeOps"]
    ]
    actions = {"a": {"kind": "Pod", "phases": phases}}
    blueprint = {"apiVersion": "cr.kanister.io/v1alpha1", "kind": "Blueprint", "actions": actions}
    for problem in validate_text(json.dumps(blueprint), settings=LintSettings(release=release)):
        assert problem.location.line == 1
        assert "\n" not in problem.message
