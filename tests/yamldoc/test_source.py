from __future__ import annotations

import ast
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka import yamldoc
from kanister_kafka.diagnostics import Diagnostic, Location, Severity
from kanister_kafka.errors import UnreachableError
from kanister_kafka.yamldoc import (
    MAX_BYTES,
    MAX_DEPTH,
    Document,
    MappingNode,
    Node,
    ParseLimits,
    Scalar,
    document_from_dict,
    iter_load,
    load,
    loads,
    to_python,
)
from tests.conftest import ROOT, seconds_of

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
PROPERTY = settings(max_examples=150, derandomize=True)

# Nine lists, each of nine aliases of the one before: nine to the ninth values out of a few lines.
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{below}'] * 9)}]\n"
    for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)
HALF = MAX_DEPTH // 2


def objects(text: str | bytes) -> list[object]:
    return [to_python(found.root) for found in loads(text).documents]


def problems_of(text: str | bytes, **limits: int) -> list[tuple[str, int, int, str]]:
    problems = loads(text, "f.yaml", ParseLimits(**limits)).problems
    assert all(problem.severity is Severity.ERROR for problem in problems)
    assert all(problem.location.source == "f.yaml" for problem in problems)
    assert all(problem.message for problem in problems)
    return [(p.rule, p.location.line, p.location.column, p.path) for p in problems]


INVALID = {
    "duplicate-key": ("a: 1\nb: 2\na: 3\n", ("duplicate-key", 3, 1, "")),
    "duplicate-key-nested": ("a:\n  b: 1\n  b: 2\n", ("duplicate-key", 3, 3, "")),
    "duplicate-key-json": ('{"a": 1, "a": 2}', ("duplicate-key", 1, 10, "")),
    "duplicate-key-spelled-otherwise": ('"a": 1\na: 2\n', ("duplicate-key", 2, 1, "")),
    "duplicate-key-second-document": ("a: 1\n---\nb: 1\nb: 2\n", ("duplicate-key", 4, 1, "")),
    "duplicate-key-of-a-merge": (
        "a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n  x: 3\n",
        ("duplicate-key", 5, 3, ""),
    ),
    "syntax": ("a: [1\nb: 2\n", ("yaml-syntax", 2, 2, "")),
    "syntax-tab": ("a:\n\tb: 1\n", ("yaml-syntax", 2, 1, "")),
    "syntax-escape": ('a: "\\U0FFFFFFF"\n', ("yaml-syntax", 1, 7, "")),
    "syntax-control-character": ("a: \0\n", ("yaml-syntax", 1, 1, "")),
    "no-int": ("a: !!int three\n", ("yaml-syntax", 1, 4, "")),
    "no-float": ("a: !!float x\n", ("yaml-syntax", 1, 4, "")),
    "no-bool": ("a: !!bool 7\n", ("yaml-syntax", 1, 4, "")),
    "alias-bomb": (BOMB, ("yaml-limit", 7, 20, "")),
    "alias-of-itself": ("a: &a\n  b: *a\n", ("yaml-syntax", 2, 6, "")),
    "alias-of-nothing": ("a: *b\n", ("yaml-syntax", 1, 4, "")),
    "alias-across-documents": ("a: &a 1\n---\nb: *a\n", ("yaml-syntax", 3, 4, "")),
    "nesting-flow": ("[" * 900, ("yaml-limit", 1, MAX_DEPTH + 1, "")),
    "nesting-block": (
        "".join(f"{' ' * level}a:\n" for level in range(MAX_DEPTH + 1)),
        ("yaml-limit", MAX_DEPTH + 1, MAX_DEPTH + 1, ""),
    ),
    "nesting-mapping-in-list": ("- " * 5000, ("yaml-limit", 1, 2 * MAX_DEPTH + 1, "")),
    "nesting-through-an-alias": (
        f"a: &a {'[' * HALF}{']' * HALF}\nb: {'[' * HALF}*a{']' * HALF}\n",
        ("yaml-limit", 2, HALF + 4, ""),
    ),
    "binary": (b"\x7fELF\x02\x01\xff\xfe", ("not-text", 1, 1, "")),
    "utf-16": ("a: 1\n".encode("utf-16"), ("not-text", 1, 1, "")),
    "latin-1": (b"a: caf\xe9\n", ("not-text", 1, 1, "")),
    "half-a-surrogate-pair": ("a: \ud800\n", ("not-text", 1, 1, "")),
    "too-large": (b"#" * (MAX_BYTES + 1), ("too-large", 1, 1, "")),
    "scalar": ("hello\n", ("wrong-type", 1, 1, "")),
    "list": ("- a: 1\n", ("wrong-type", 1, 1, "")),
    "scalar-second-document": ("a: 1\n---\n  text\n", ("wrong-type", 3, 3, "")),
    "list-item-scalar": ("kind: List\nitems:\n- kind: A\n- 5\n", ("wrong-type", 4, 3, "items[1]")),
    "list-item-list": ("kind: List\nitems:\n- - kind: A\n", ("wrong-type", 3, 3, "items[0]")),
    "list-of-a-mapping": ("kind: List\nitems:\n  kind: A\n", ("wrong-type", 3, 3, "items")),
    "list-of-a-scalar": ("kind: BlueprintList\nitems: a\n", ("wrong-type", 2, 8, "items")),
    "list-item-of-a-nested-list": (
        "kind: List\nitems:\n- kind: A\n- kind: List\n  items:\n  - 5\n",
        ("wrong-type", 6, 5, "items[1].items[0]"),
    ),
    "key-list": ("? [a]\n: 1\n", ("wrong-type", 1, 3, "")),
    "key-of-a-helm-template": ("a: {{ .Values.name }}\n", ("wrong-type", 1, 5, "")),
    "key-null": ("a: {~: 1}\n", ("wrong-type", 1, 5, "")),
    "key-too-large": ("18446744073709551615: 1\n", ("wrong-type", 1, 1, "")),
    "duplicate-key-once-read": ("on: 1\ntrue: 2\n", ("duplicate-key", 2, 1, "")),
    "infinity": ("a: [.inf]\n", ("yaml-syntax", 1, 5, "")),
    "no-number": ("a: .NaN\n", ("yaml-syntax", 1, 4, "")),
    "no-binary": ("a: !!binary aGVsbG8\n", ("yaml-syntax", 1, 4, "")),
    "merge-of-nothing": ("a:\n  <<: ~\n", ("yaml-syntax", 2, 3, "")),
    "merge-of-a-list-of-texts": ("a:\n  <<: [b]\n", ("yaml-syntax", 2, 3, "")),
    "directive": ("%YAML 1.1\n---\na: 1\n", ("yaml-syntax", 1, 1, "")),
    "directive-of-tags": ("%TAG ! tag:x,2000:\n---\na: 1\n", ("yaml-syntax", 1, 1, "")),
    "object-behind-a-separator": ("a: 1\n--- {b: 2}\n", ("yaml-syntax", 2, 1, "")),
    "separator-within-a-text": ('a: "x\n---b"\n', ("yaml-syntax", 2, 1, "")),
    "escape-of-json": ('b: é\na: "\\/"\n', ("yaml-syntax", 2, 4, "")),
    "escape-of-json-in-a-key": ('{"\\/": [a]}\n', ("yaml-syntax", 1, 2, "")),
    "json-stream-broken": ('{"a": 1}\n{"b": 2}\n{c\n', ("yaml-syntax", 3, 1, "")),
    "nesting-json": (
        '{"a": ' + "[" * MAX_DEPTH + "]" * MAX_DEPTH + "}",
        ("yaml-limit", 1, 206, ""),
    ),
    "key-mapping": ("? {a: 1}\n: 1\n", ("wrong-type", 1, 3, "")),
}


@pytest.mark.parametrize(("text", "expected"), INVALID.values(), ids=INVALID)
def test_broken_text_is_a_located_problem(
    text: str | bytes, expected: tuple[str, int, int, str]
) -> None:
    assert problems_of(text) == [expected]


def test_every_check_has_a_case() -> None:
    calls = (
        node
        for file in Path(yamldoc.__path__[0]).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)
    )
    ids = {
        call.args[0].value  # type: ignore[attr-defined]
        for call in calls
        if getattr(call.func, "attr", getattr(call.func, "id", "")) in ("error", "_report")
    }
    assert ids == {check for _text, (check, *_) in INVALID.values()}


def test_every_problem_of_a_text_is_reported() -> None:
    assert problems_of("a: 1\na: 2\nb: !!int x\n---\n7\n---\na: [\n") == [
        ("duplicate-key", 2, 1, ""),
        ("yaml-syntax", 3, 4, ""),
        ("yaml-syntax", 8, 1, ""),
        ("wrong-type", 5, 1, ""),
    ]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("{{- if .Values.kafka.enabled }}\nkind: Kafka\n{{- end }}\n", "with helm template"),
        ("kind: Kafka\nname: {{ .Values.name }}\n", "with helm template"),
        ("kind: Kafka\n{{ include `labels` . }}\n", "with helm template"),
        ("kind: Blueprint\nname: {{ .Object.metadata.name }}\n", "needs quotes around it"),
        ("kind: Blueprint\nname: {{ .Options.name }}-a\n", "needs quotes around it"),
    ],
)
def test_invalid_yaml_with_templates_has_a_hint(text: str, hint: str) -> None:
    assert loads(text).problems[0].message.endswith(hint)


def test_documents_before_a_syntax_error_are_kept() -> None:
    loaded = loads("kind: A\n---\nkind: [\n")
    assert [found.kind for found in loaded.documents] == ["A"]
    assert [problem.rule for problem in loaded.problems] == ["yaml-syntax"]


def test_what_is_too_deep_for_libyaml_is_too_deep() -> None:
    found = loads("kind: A\n---\n" + "[" * 5000)
    assert found.documents == ()
    assert [problem.rule for problem in found.problems] == ["yaml-limit"]


@pytest.mark.parametrize("limit", ["alias-bomb", "nesting-flow", "nesting-through-an-alias"])
def test_a_text_that_breaks_a_limit_yields_nothing(limit: str) -> None:
    text, _expected = INVALID[limit]
    assert isinstance(text, str)
    assert loads("kind: A\n---\n" + text).documents == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2\n", {"a": 2}),
        ("a: [*b, 1]\nc: *d\ne: 2\n", {"a": [None, 1], "c": None, "e": 2}),
    ],
    ids=["the-last-of-duplicate-keys", "null-for-an-undefined-alias"],
)
def test_what_is_made_of_broken_text(text: str, expected: object) -> None:
    assert objects(text) == [expected]


def test_the_limits_themselves_are_allowed() -> None:
    # The mapping at the top is a level as well.
    assert problems_of("a: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1)) == []
    assert problems_of("a: &a [1]\nb: [*a]\n", max_depth=3) == []
    assert problems_of("a: &a [1]\nb: [*a]\n", max_depth=2) == [("yaml-limit", 2, 5, "")]
    assert problems_of("a: 1\n", max_bytes=5) == []
    assert problems_of("a: 10\n", max_bytes=5) == [("too-large", 1, 1, "")]


def test_not_every_fault_of_a_broken_file_is_reported() -> None:
    faults = [("duplicate-key", n, 1, "") for n in (2, 3, 4)]
    assert problems_of("a: 1\na: 2\na: 3\n", max_problems=3) == faults[:2]
    assert problems_of("a: 1\n" * 9, max_problems=3) == [*faults, ("yaml-limit", 4, 1, "")]


def test_values_below_an_alias_count_each_time() -> None:
    # One for the mapping, two for its keys, two for each use of the list of one.
    assert problems_of("a: &a [1]\nb: *a\n", max_nodes=7) == []
    assert problems_of("a: &a [1]\nb: *a\n", max_nodes=6) == [("yaml-limit", 2, 4, "")]


def test_a_text_of_many_bytes_is_measured_in_bytes() -> None:
    assert problems_of("a: éé\n", max_bytes=8) == []
    assert problems_of("a: ééé\n", max_bytes=8) == [("too-large", 1, 1, "")]


@pytest.mark.parametrize(
    ("text", "many"),
    [
        (lambda count: "".join(f"k{i}: 1\n" for i in range(count)), 20_000),
        (lambda count: f"a: &a {{}}\nkind: List\nitems: [{'*a,' * count}]\n", 100_000),
    ],
    ids=["mapping", "list"],
)
def test_time_grows_as_the_text_does(text: Callable[[int], str], many: int) -> None:
    def seconds(count: int) -> float:
        written = text(count)
        assert loads(written).problems == ()
        return seconds_of(lambda: loads(written))

    # Eight times as much: sixty-four times as long if each looked at all the others.
    assert seconds(many) < 32 * seconds(many // 8)


VALID = {
    "empty": ("", []),
    "empty-bytes": (b"", []),
    "blank": ("\n  \n\n", []),
    "comment": ("# nothing\n", []),
    "separators": ("---\n---\n...\n", []),
    "null": ("null\n---\n~\n---\n", []),
    "byte-order-mark": (b"\xef\xbb\xbfa: 1\n", [{"a": 1}]),
    "byte-order-mark-text": ("\ufeffa: 1\n", [{"a": 1}]),
    "byte-order-mark-alone": (b"\xef\xbb\xbf", []),
    "windows-lines": ("a: 1\r\nb: 2\r\n", [{"a": 1, "b": 2}]),
    "json": ('{"a": [1, null, "x", {"b": true}]}', [{"a": [1, None, "x", {"b": True}]}]),
    "documents": ("a: 1\n---\n\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
    # sigs.k8s.io/yaml spells a key anew that is no string, with quotes or a tag it stays.
    "key-bool-like": ("on: 1\nNO: 2\n'yes': 3\n", [{"true": 1, "false": 2, "yes": 3}]),
    "key-number-like": ("1.0: a\n0x1f: b\n1.5: c\n", [{"1": "a", "31": "b", "1.5": "c"}]),
    "value-bool": ("a: on\nb: 'on'\nc: false\n", [{"a": True, "b": "on", "c": False}]),
    "value-number": ("a: 12\nb: 0x1f\nc: 1.5\nd: '3'\n", [{"a": 12, "b": 31, "c": 1.5, "d": "3"}]),
    "value-null": ("a:\nb: ~\nc: 'null'\n", [{"a": None, "b": None, "c": "null"}]),
    # A date is no type of JSON: Kubernetes takes it for a string.
    "value-date": ("a: 2024-05-06\n", [{"a": "2024-05-06"}]),
    "value-version": ("a: 3.9.0\nb: 4.0-IV3\n", [{"a": "3.9.0", "b": "4.0-IV3"}]),
    "value-block": ("a: |\n  one\n  two\n", [{"a": "one\ntwo\n"}]),
    # As Kubernetes reads them (go-yaml v2), and PyYAML does not.
    "value-clock": ("a: 12:30\nb: 1:02:03\n", [{"a": "12:30", "b": "1:02:03"}]),
    "value-exponent": ("a: 1e3\nb: 1e999\n", [{"a": 1000.0, "b": "1e999"}]),
    "value-y": ("a: y\nb: N\nc: Yes\nd: yEs\n", [{"a": True, "b": False, "c": True, "d": "yEs"}]),
    "value-octal": ("a: 010\nb: 0o17\nc: 08\n", [{"a": 8, "b": 15, "c": 8.0}]),
    "value-binary": ("a: 0b11\nb: -0x1F\nc: 0b2\n", [{"a": 3, "b": -31, "c": "0b2"}]),
    "value-underscore": ("a: 1_000\nb: _1\nc: .5_0\n", [{"a": 1000, "b": "_1", "c": 0.5}]),
    "value-large": (
        f"a: {2**64 - 1}\nb: {2**64}\nc: {'9' * 5000}\n",
        [{"a": 2**64 - 1, "b": float(2**64), "c": "9" * 5000}],
    ),
    "value-unicode": ("a: Zürich 東京 🎉\n", [{"a": "Zürich 東京 🎉"}]),
    "tag-of-yaml": ("a: !!str 5\nb: !!int '5'\n", [{"a": "5", "b": 5}]),
    "tag-foreign": ("a: !custom 5\nb: !!python/name:os.system x\n", [{"a": "5", "b": "x"}]),
    "alias": ("a: &a [1, {b: 2}]\nc: *a\n", [{"a": [1, {"b": 2}], "c": [1, {"b": 2}]}]),
    "alias-scalar": ("a: &a 5\nc: *a\n*a : d\n", [{"a": 5, "c": 5, "5": "d"}]),
    "alias-redefined": ("a: &x 1\nb: &x 2\nc: *x\n", [{"a": 1, "b": 2, "c": 2}]),
    # What `<<` brings replaces what stands before it, and is replaced by what follows.
    "merge": (
        "a: &a {b: 1, c: 1}\nd:\n  <<: *a\n  c: 2\n",
        [{"a": {"b": 1, "c": 1}, "d": {"b": 1, "c": 2}}],
    ),
    "merge-last": (
        "a: &a {b: 1, c: 1}\nd:\n  c: 2\n  <<: *a\n",
        [{"a": {"b": 1, "c": 1}, "d": {"b": 1, "c": 1}}],
    ),
    "merge-list": (
        "a: &a {b: 1}\nc: &c {b: 2, d: 2}\ne:\n  <<: [*a, *c]\n  f: 3\n",
        [{"a": {"b": 1}, "c": {"b": 2, "d": 2}, "e": {"b": 1, "d": 2, "f": 3}}],
    ),
    "merge-twice": (
        "a: &a {b: 1}\nc: &c {b: 2, d: 2}\ne:\n  <<: *a\n  <<: *c\n",
        [{"a": {"b": 1}, "c": {"b": 2, "d": 2}, "e": {"b": 2, "d": 2}}],
    ),
    "merge-of-a-merge": ("a: {<<: {<<: {b: 1}, c: 2}}\n", [{"a": {"b": 1, "c": 2}}]),
    "merge-quoted": ("a: {'<<': {b: 1}}\n", [{"a": {"<<": {"b": 1}}}]),
    "merge-tagged": ("a: {!!merge <<: {b: 1}}\n", [{"a": {"b": 1}}]),
    "binary": ("a: !!binary aGVs\nb: !!binary |\n  aGVs\n  bG8=\n", [{"a": "hel", "b": "hello"}]),
    "json-stream": ('{"a": 1}\n{"b": 2} {"c": 3}\n', [{"a": 1}, {"b": 2}, {"c": 3}]),
    "json-escapes": (
        '{"a\\/": "\\/ \\ud83d\\ude00 \\ud83d|", "b": "\x85"}',
        [{"a/": "/ \U0001f600 \ufffd|", "b": "\x85"}],
    ),
    "json-and-yaml": ('{"a": 1}\n---\nb: 2\n', [{"a": 1}, {"b": 2}]),
    "json-and-bare-yaml": ('\n {"a": 1}\nb: 2\n', [{"a": 1}, {"b": 2}]),
    "json-no-more": ('{"a": on, b: [1,]}\n', [{"a": True, "b": [1]}]),
    "kind-list": ("kind: List\nitems:\n- kind: A\n- kind: B\n", [{"kind": "A"}, {"kind": "B"}]),
    "kind-kafka-list": ("kind: KafkaList\nitems:\n- kind: Kafka\n", [{"kind": "Kafka"}]),
    "kind-list-empty": ("kind: List\nitems: []\n", []),
    "kind-list-null-item": ("kind: List\nitems:\n-\n- kind: A\n", [{"kind": "A"}]),
    "kind-list-nested": (
        "kind: List\nitems:\n- kind: A\n- kind: List\n  items:\n  - kind: B\n- kind: C\n",
        [{"kind": "A"}, {"kind": "B"}, {"kind": "C"}],
    ),
}


@pytest.mark.parametrize(("text", "expected"), VALID.values(), ids=VALID)
def test_text_becomes_objects(text: str | bytes, expected: list[object]) -> None:
    assert loads(text).problems == ()
    assert objects(text) == expected
    assert_readable(text)


def test_a_document_names_its_kind_and_its_place() -> None:
    (found,) = loads("# why\napiVersion: kafka.strimzi.io/v1\nkind: Kafka\n", "k.yaml").documents
    assert (found.group, found.version, found.kind) == ("kafka.strimzi.io", "v1", "Kafka")
    assert str(found.root.location) == "k.yaml:2:1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("apiVersion: v1\nkind: Secret\n", ("", "v1", "Secret")),
        ("apiVersion: apps/v1\nkind: 5\n", ("apps", "v1", "")),
        ("apiVersion: [v1]\n", ("", "", "")),
        ("a: 1\n", ("", "", "")),
    ],
    ids=["core", "kind-no-string", "version-no-string", "neither"],
)
def test_group_version_and_kind(text: str, expected: tuple[str, str, str]) -> None:
    (found,) = loads(text).documents
    assert (found.group, found.version, found.kind) == expected


def test_text_at_a_path() -> None:
    (found,) = loads("a:\n  b: c\n  n: 1\nl: [x]\n").documents
    assert found.text("a", "b") == "c"
    elsewhere = [(), ("a",), ("a", "n"), ("a", "b", "c"), ("l", "0")]
    assert [found.text(*path) for path in elsewhere] == [""] * 5


def test_nodes_have_their_location_and_source_text() -> None:
    (found,) = loads("a:\n  - x\n  - on: 0x1f\n", "f").documents
    listed = found.root.get("a")
    assert isinstance(listed, yamldoc.Sequence)
    assert listed.location == Location("f", 2, 3)
    item = listed.items[1]
    assert isinstance(item, MappingNode)
    (entry,) = item.entries
    assert (entry.key, entry.location) == ("true", Location("f", 3, 5))
    assert entry.spelled == "on"
    assert entry.value == Scalar(31, Location("f", 3, 9), "0x1f")
    assert found.root.get("b") is None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: b c\n", (1, 6)),
        ("a: 'b c'\n", (1, 7)),
        ('a: "b c"\n', (1, 7)),
        ("a: |\n  b c\n", (2, 5)),
        ("a: |2\n    b c\n", (2, 5)),
        ("a: b\n  c\n", (1, 4)),
        ("a: 'b\n  c'\n", (1, 4)),
        ("a: >-\n  b\n  c\n", (1, 4)),
        ("a: &x b c\n", (1, 4)),
        ("a: !!str b c\n", (1, 4)),
    ],
)
def test_a_place_within_a_text_is_one_within_the_input(text: str, place: tuple[int, int]) -> None:
    (found,) = loads(text).documents
    scalar = found.root.get("a")
    assert isinstance(scalar, Scalar)
    location = scalar.place(1, 3)
    assert (location.line, location.column) == place


def test_files_are_read_in_the_order_given(tmp_path: Path) -> None:
    for name in "ba":
        (tmp_path / f"{name}.txt").write_text(f"kind: {name}\n")
    loaded = load([tmp_path / "b.txt", str(tmp_path / "a.txt")])
    assert [found.kind for found in loaded.documents] == ["b", "a"]
    assert [found.root.location.source for found in loaded.documents] == [
        str(tmp_path / "b.txt"),
        str(tmp_path / "a.txt"),
    ]


def test_a_directory_is_read_sorted_and_by_suffix(tmp_path: Path) -> None:
    names = ["z.yaml", "a/2.json", "a/1.yml", "b.yaml", "note.md", "kafka.yaml.bak", "c.YAML~"]
    (tmp_path / "a").mkdir()
    (tmp_path / "d.yaml").mkdir()  # named like a file
    for name in names:
        (tmp_path / name).write_text(json.dumps({"kind": name}))
    loaded = load([tmp_path])
    assert [found.kind for found in loaded.documents] == ["a/1.yml", "a/2.json", "b.yaml", "z.yaml"]
    assert loaded.problems == ()


@pytest.mark.parametrize("read", [load, lambda paths: list(iter_load(paths))])
@pytest.mark.parametrize(
    ("target", "reason"), [("nowhere.yaml", "No such file"), (".", "is not a file")]
)
def test_a_link_in_a_directory_that_leads_to_no_file_is_out_of_reach(
    tmp_path: Path, read: Callable[[list[Path]], object], target: str, reason: str
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "mirror.yaml").symlink_to(target)
    with pytest.raises(UnreachableError, match=rf"a/mirror\.yaml: {reason}"):
        read([tmp_path])


@pytest.mark.parametrize("read", [load, lambda paths: list(iter_load(paths))])
def test_a_directory_below_that_cannot_be_listed_is_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[list[Path]], object]
) -> None:
    (tmp_path / "a").mkdir()
    list_directory = os.scandir

    def refuse(path: str) -> object:
        if str(path) == str(tmp_path / "a"):
            raise PermissionError(13, "Permission denied", str(path))
        return list_directory(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(UnreachableError, match=r"/a: Permission denied$"):
        read([tmp_path])


def test_a_directory_below_may_have_links(tmp_path: Path) -> None:
    """As a mounted ConfigMap has: `kafka.yaml` leads through `..data` into a directory."""
    (tmp_path / "input" / "..1").mkdir(parents=True)
    (tmp_path / "input" / "..1" / "kafka.txt").write_text("kind: Kafka")
    (tmp_path / "input" / "..data").symlink_to("..1")
    (tmp_path / "input" / "kafka.yaml").symlink_to("..data/kafka.txt")
    assert [found.kind for found in load([tmp_path]).documents] == ["Kafka"]


def test_problems_of_all_files_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: 1\na: 2\n")
    (tmp_path / "b.yaml").write_text("b: [\n")
    problems = load([tmp_path]).problems
    assert [(Path(p.location.source).name, p.rule) for p in problems] == [
        ("a.yaml", "duplicate-key"),
        ("b.yaml", "yaml-syntax"),
    ]


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text("a: 1\n" * 1000)
    (problem,) = load([tmp_path / "large.yaml"], limits=ParseLimits(max_bytes=100)).problems
    assert problem.rule == "too-large"


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"kind: A\n---\nb: 1\nb: 2\n")))
    loaded = load(["-"])
    assert [found.kind for found in loaded.documents] == ["A", ""]
    assert [str(problem.location) for problem in loaded.problems] == ["<stdin>:4:1"]


@pytest.mark.parametrize("stdin", [None, "closed"])
def test_a_closed_standard_input_is_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, stdin: str | None
) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"kind: A\n"))
    stream.close()
    monkeypatch.setattr("sys.stdin", stream if stdin else None)
    with pytest.raises(UnreachableError, match=r"^<stdin>: .*closed"):
        load(["-"])


@pytest.mark.parametrize(
    "name",
    ["missing.yaml", "file.yaml/below.yaml", "nul\0.yaml", "a" * 300],
    ids=["missing", "below-a-file", "nul", "too-long"],
)
def test_an_unreadable_path_is_out_of_reach(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.yaml").touch()
    with pytest.raises(UnreachableError) as caught:
        load([tmp_path / name])
    assert str(caught.value).startswith(f"{tmp_path / name}: ")
    assert caught.value.exit_code == 2


def test_a_file_that_may_not_be_read_is_out_of_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By a patch and not by chmod: the suite may run as root, who may read anything.
    def refuse(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = tmp_path / "secret.yaml"
    path.touch()
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UnreachableError, match=r"secret\.yaml: Permission denied$"):
        load([path])


def test_an_object_of_a_cluster_is_located_by_its_name() -> None:
    value = {
        "kind": "Kafka",
        "metadata": {"namespace": "kafka", "name": "demo"},
        "spec": {"list": [1, (2, None)], "1": True},
    }
    found = document_from_dict(value)
    assert to_python(found.root) == {**value, "spec": {"list": [1, [2, None]], "1": True}}
    spec = found.root.get("spec")
    assert spec is not None
    assert spec.location == Location("Kafka/kafka/demo")
    assert str(spec.location) == "Kafka/kafka/demo"


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ({"kind": "Node", "metadata": {"name": "a"}}, "Node/a"),
        ({"kind": "Node", "metadata": None}, "Node"),
        ({"kind": "Node", "metadata": "a"}, "Node"),
        ({}, ""),
    ],
    ids=["no-namespace", "no-metadata", "metadata-no-object", "empty"],
)
def test_an_object_of_a_cluster_may_lack_names(value: dict[str, object], source: str) -> None:
    assert document_from_dict(value).root.location == Location(source)


def test_keys_of_an_object_are_text() -> None:
    assert to_python(document_from_dict({1: {True: 2}}).root) == {"1": {"True": 2}}  # type: ignore[dict-item]


@PROPERTY
@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert_readable(text)


@PROPERTY
@given(st.binary())
def test_any_bytes_are_read(raw: bytes) -> None:
    assert_readable(raw)


@PROPERTY
@given(st.text(alphabet="&*!|>'\"%@`{}[],:?-#<=~ \n\ta1.\ufeff\0\\x"))
def test_any_indicators_are_read(text: str) -> None:
    # Plain random text seldom holds what YAML gives a meaning to.
    assert_readable(text)


EXAMPLE_TEXTS = [path.read_text() for path in sorted(EXAMPLES.glob("*/*.yaml"))]
SCRAPS = st.sampled_from(
    ["\t", "\0", "&a ", "*a ", "<<: ", "---\n", "- ", ": ", "? ", "{", "[", "]", "'", '"', "|", "%"]
)


@st.composite
def damaged_examples(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(EXAMPLE_TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 40)))
        text = text[:start] + draw(SCRAPS | st.just("") | st.text(max_size=5)) + text[end:]
    return text


@PROPERTY
@given(damaged_examples())
def test_a_damaged_example_is_read(text: str) -> None:
    assert_readable(text)


SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@PROPERTY
@given(st.dictionaries(st.sampled_from(["kind", "metadata"]) | st.text(), JSON, max_size=4))
def test_an_object_comes_back_as_it_went_in(value: dict[str, object]) -> None:
    assert to_python(document_from_dict(value).root) == value


def key_lists(node: Node) -> Iterator[list[str]]:
    """Walk all mappings, for the keys of each."""
    if isinstance(node, MappingNode):
        yield [entry.key for entry in node.entries]
        for entry in node.entries:
            yield from key_lists(entry.value)
    elif isinstance(node, yamldoc.Sequence):
        for item in node.items:
            yield from key_lists(item)


def assert_readable(text: str | bytes) -> None:
    loaded = loads(text, "f")
    lines = (text if isinstance(text, bytes) else text.encode(errors="replace")).splitlines()
    for problem in loaded.problems:
        assert problem.severity is Severity.ERROR
        assert problem.location.source == "f"
        assert problem.location.line >= 1
        assert problem.location.column >= 1
        assert "\n" not in problem.message
    assert all(isinstance(found, Document) for found in loaded.documents)
    for found in loaded.documents:
        assert all(len(set(keys)) == len(keys) for keys in key_lists(found.root))
    # A document takes a line, or two brackets of JSON; nor may a second reading differ.
    assert len(loaded.documents) <= len(lines) + 1 + len(text) // 2
    assert loads(text, "f") == loaded


def apart(
    tmp_path: Path, text: str | bytes, **limits: int
) -> tuple[list[Document], list[Diagnostic]]:
    path = tmp_path / "all.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = list(iter_load([path], ParseLimits(**limits)))
    return (
        [one for one in found if isinstance(one, Document)],
        [one for one in found if isinstance(one, Diagnostic)],
    )


@pytest.mark.parametrize(
    "path",
    # What a fleet is read from; a place within a literal block is that of the block there.
    sorted(path for at in ROOT.glob("examples/*/kafka.yaml") for path in at.parent.glob("*.yaml")),
    ids=str,
)
def test_objects_one_by_one_are_those_of_the_whole(path: Path) -> None:
    assert list(iter_load([path])) == list(load([path]).documents)


@pytest.mark.parametrize(
    "text",
    [
        "kind: List\nitems:\n- {kind: A, items: [1]}\n- kind: B\n---\nkind: C\n",
        "items: [{kind: A}, {kind: AList, items: [{kind: B}]}]\nkind: List\n",
        '{"apiVersion": "v1", "items": [{"kind": "A"}], "kind": "List"}',
        "# nothing\n---\n---\nkind: A\n",
    ],
)
def test_items_of_a_list_come_one_by_one(text: str, tmp_path: Path) -> None:
    documents, problems = apart(tmp_path, text)
    assert problems == []
    whole = loads(text, str(tmp_path / "all.yaml")).documents
    assert [to_python(d.root) for d in documents if d.kind != "List"] == [
        to_python(d.root) for d in whole
    ]
    assert [d.root.location for d in documents if d.kind != "List"] == [
        d.root.location for d in whole
    ]


def test_objects_before_a_fault_are_there(tmp_path: Path) -> None:
    documents, (problem,) = apart(tmp_path, "kind: A\n---\nkind: [\n")
    assert [document.kind for document in documents] == ["A"]
    assert (problem.rule, problem.location.line) == ("yaml-syntax", 4), "where the text ends"
    _documents, (problem,) = apart(tmp_path, b"kind: \xff")
    assert problem.rule == "yaml-syntax"


def test_an_object_that_has_no_end_is_not_read_on(tmp_path: Path) -> None:
    many = "---\nkind: A\n" * 1000
    text = f"{many}---\na:\n" + "- b\n" * 1000
    documents, (problem,) = apart(tmp_path, text, max_bytes=1000)
    assert len(documents) == 1000
    assert problem.rule == "too-large"
