"""Templates that run; go_templates.json is what Go 1.26 and sprig 2.22.0 make of the same data."""

from __future__ import annotations

import json
import time
from types import EllipsisType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.gotemplate import parse, types
from kanister_kafka.gotemplate.runtime import EvaluationResult, evaluate, symbolic
from kanister_kafka.gotemplate.runtime.builtins import BUILTINS
from kanister_kafka.gotemplate.runtime.expressions import FunctionSet
from kanister_kafka.gotemplate.runtime.sprig import FUNCTIONS
from kanister_kafka.gotemplate.runtime.values import GoMap, GoNil, GoSlice, GoStruct, Value
from kanister_kafka.kanister.template_context import KANISTER, PARAMETERS, SIGNATURES
from tests.conftest import ROOT

LIBRARY = FunctionSet({**BUILTINS, **FUNCTIONS}, SIGNATURES)
PROPERTY = settings(max_examples=200, derandomize=True)
OBJECT: dict[str, Any] = {
    "kind": "Kafka",
    "metadata": {"name": "my-cluster"},
    "spec": {
        "replicas": 3,
        "ratio": 2.5,
        "million": 1500000.5,
        "tiny": 1e-7,
        "nothing": None,
        "list": ["a", "b", "c"],
        "nums": [1, 2, 3],
        "none": [],
        "mixed": [1, "a", None, True, 2.5, {"k": "v"}, [1]],
        "map": {"k2": "v2", "k1": "v1"},
        "deep": {"a": {"b": "end"}},
    },
}
RUN = {"y": "out", "n": 7, "list": ["l1", "l2"], "empty": "", "map": {"m": "n"}}
"""What only the run can tell, unless a test says it."""
DEPLOYMENT = PARAMETERS.fields["Deployment"]
BY_GO = json.loads(
    (ROOT / "tests" / "differential" / "go_templates.json").read_text(encoding="utf-8")
)


def data(*, is_run: bool = False) -> GoStruct:
    """Return data of which all is known, or all but `.Run`."""
    run = symbolic.data("Run")
    fields: dict[str, Value] = {
        "Object": symbolic.from_json(OBJECT, symbolic.data("Object")),
        "Options": GoMap({"n": "12", "empty": ""}, "string", symbolic.data("Options")),
        "Pods": GoSlice(["p-0", "p-1"], "string", symbolic.data("Pods")),
        "Deployment": GoNil(DEPLOYMENT),
        "Run": symbolic.from_json(RUN, run) if is_run else run,
    }
    known = types.StructType("param.TemplateParams", dict.fromkeys(fields, types.ANY))
    return GoStruct(known, fields, symbolic.data())


def run(text: str, *, is_run: bool = False) -> EvaluationResult:
    parsed = parse(text, KANISTER)
    assert not parsed.errors, parsed.errors
    return evaluate(text, parsed.nodes, data(is_run=is_run), LIBRARY)


@pytest.mark.parametrize(("text", "made"), BY_GO["rendered"])
def test_go_renders_the_same(text: str, made: str) -> None:
    assert run(text) == EvaluationResult(made, is_symbolic=False, faults=())


@pytest.mark.parametrize(("text", "line", "at", "message"), BY_GO["failed"])
def test_go_fails_in_the_same_words(text: str, line: int, at: str, message: str) -> None:
    made = run(text)
    assert made.text == text
    (fault,) = made.faults
    assert (fault.line, fault.at.replace(" ", "")) == (line, at.replace(" ", ""))
    assert fault.message == message
    assert fault.is_certain


LEFT = [
    ("{{ .Run.y }}", ...),
    ("a{{- .Run.y -}} b", "a{{ .Run.y }}b"),
    ("{{ $.Run.y }}", "{{ .Run.y }}"),
    ('{{ index .Run "y-z" }}{{ (index .Run "a").b }}', ...),
    # calls
    ('{{ .Run.y | printf "%s-%s" .Object.kind }}', '{{ .Run.y | printf "%s-%s" "Kafka" }}'),
    ('{{ .Object.kind | printf "%s%s" .Run.y }}', '{{ printf "%s%s" .Run.y "Kafka" }}'),
    ("{{ add .Object.spec.replicas .Run.n 1.5 }}", "{{ add 3 .Run.n 1.5 }}"),
    ("{{ (.Run.y | upper) | lower }}", "{{ .Run.y | upper | lower }}"),
    ("{{ upper (lower .Run.y) }}", ...),
    ("{{ has .Run.y .Object.spec.list }}", ...),
    ('{{ join "," (list .Object.kind .Run.y) }}', '{{ join "," (list "Kafka" .Run.y) }}'),
    ('{{ (dict "a" .Run.y).a }}{{ index (list 1 .Run.y) 0 }}', "{{ .Run.y }}1"),
    ('{{ has .Run.y (splitList "," "a,b") }}', ...),
    ("{{ now }}{{ uuidv4 | quote }}", ...),
    ("{{ env .Options.n }}", '{{ env "12" }}'),
    ('{{ regexMatch "(a+)+$" .Object.kind }}', '{{ regexMatch "(a+)+$" "Kafka" }}'),
    ("{{ and .Options.n .Run.y }}{{ and .Options.empty .Run.y }}", "{{ .Run.y }}"),
    ("{{ or .Run.y 1 .Run.n }}{{ or .Options.n .Run.y }}", "{{ or .Run.y 1 }}12"),
    ("{{ .Object.spec.list | join .Run.y }}", ...),
    ('{{ index .Run "a" "b" }}', ...),
    ('{{ index (dict "a" .Run) "a" "b" }}', '{{ index .Run "b" }}'),
    # branches
    ("{{ if .Run.y }}{{ .Object.kind }}{{ else }}{{ .Options.n }}{{ end }}",
     "{{ if .Run.y }}Kafka{{ else }}12{{ end }}"),
    ("{{ if .Run.y }}1{{ else if .Run.n }}2{{ else }}3{{ end }}", ...),
    ("{{ if .Run.y }}1{{ else if .Object }}2{{ else }}3{{ end }}",
     "{{ if .Run.y }}1{{ else }}2{{ end }}"),
    ("{{ if .Object }}{{ .Run.y }}{{ else }}x{{ end }}", "{{ .Run.y }}"),
    ("{{ with .Run.map }}{{ .m }}{{ $.Object.kind }}{{ $.Run.y }}{{ else }}{{ .Run }}{{ end }}",
     "{{ with .Run.map }}{{ .m }}Kafka{{ $.Run.y }}{{ else }}{{ .Run }}{{ end }}"),
    ("{{ with .Object }}{{ .kind }}{{ $.Run.y }}{{ end }}", "Kafka{{ .Run.y }}"),
    # loops
    ("{{ range .Object.spec.list }}{{ . }}{{ $.Run.y }}{{ end }}",
     "a{{ .Run.y }}b{{ .Run.y }}c{{ .Run.y }}"),
    ("{{ range $i, $e := .Run.list }}{{ $i }}{{ $e }}{{ . }}{{ $.Object.kind }}{{ end }}",
     "{{ range $i, $e := .Run.list }}{{ $i }}{{ $e }}{{ . }}Kafka{{ end }}"),
    ("{{ range .Run.list }}{{ if .a }}{{ continue }}{{ end }}x{{ else }}y{{ end }}", ...),
    ("{{ range .Run.list }}{{ if $.Object }}{{ break }}{{ end }}x{{ end }}",
     "{{ range .Run.list }}{{ break }}{{ end }}"),
    # variables
    ("{{ $x := .Run.y }}{{ $x }}{{ $y := .Object.kind }}{{ $y }}", "{{ .Run.y }}Kafka"),
    ("{{ $x := .Run.y | upper }}{{ $x }}{{ $x }}", ...),
    ("{{ $x := uuidv4 }}{{ if .Object }}{{ $x }}{{ end }}", "{{ $x := uuidv4 }}{{ $x }}"),
    ("{{ if $x := .Run.y | upper }}{{ $x }}{{ end }}", ...),
    ("{{ range .Run.list }}{{ $x := .a }}{{ range .b }}{{ $x }}{{ . }}{{ end }}{{ end }}", ...),
    ('{{ define "t" }}{{ .y }}{{ $.n }}{{ end }}{{ template "t" .Run }}',
     "{{ .Run.y }}{{ .Run.n }}"),
    # what cannot be told apart stays as it was written
    ('{{ $x := "a" }}{{ if .Run.y }}{{ $x = "b" }}{{ end }}{{ $x }}', ...),
    ("{{ range .Object.spec.list }}{{ if $.Run.y }}{{ break }}{{ end }}{{ . }}{{ end }}", ...),
    ('{{ $d := dict }}{{ if .Run.y }}{{ $_ := set $d "a" 1 }}{{ end }}{{ $d }}', ...),
    ('{{ $d := dict "a" 1 }}{{ $_ := merge $d (dict "b" 2) }}{{ $d }}', ...),
    ("{{ $x := now }}{{ with .Object }}{{ $x := uuidv4 }}{{ $x }}{{ end }}{{ $x }}", ...),
]  # fmt: skip
"""What is left of a template; the same where it is an ellipsis."""


@pytest.mark.parametrize(("text", "left"), LEFT)
def test_what_is_not_known_stays(text: str, left: str | EllipsisType) -> None:
    expected = text if left is ... else left
    assert run(text) == EvaluationResult(expected, is_symbolic=True, faults=())


DOUBTED = [
    ("{{ if .Run.y }}{{ .Object.missing }}{{ end }}", 19, 'map has no entry for key "missing"'),
    ('{{ range .Run.list }}{{ fail "no" }}{{ end }}', 25, "error calling fail: no"),
    ("{{ and .Run.y (upper 1) }}", 22, "expected string; found 1"),
]


@pytest.mark.parametrize(("text", "column", "message"), DOUBTED)
def test_failure_that_the_run_may_not_come_to(text: str, column: int, message: str) -> None:
    made = run(text)
    (fault,) = made.faults
    assert made.text == text
    assert made.is_symbolic
    assert (fault.column, fault.message, fault.is_certain) == (column, message, False)


CERTAIN = [
    "{{ .Run.y }}{{ .Object.missing }}",
    "{{ upper .Run.y 1 }}",
    "{{ if upper .Run.y .Run.n }}{{ end }}",
    "{{ if .Run.y }}{{ end }}{{ .Missing }}",
    "{{ printf 1 .Run.y }}",
    "{{ range .Object.spec.list }}{{ $.Run.y }}{{ .a }}{{ end }}",
]


@pytest.mark.parametrize("text", CERTAIN)
def test_a_certain_failure_is_reported_despite_unknown_values(text: str) -> None:
    made = run(text)
    assert [fault.is_certain for fault in made.faults] == [True]
    assert (made.text, made.is_symbolic) == (text, False)


VALUES = st.sampled_from(
    [
        *(".Object.kind", ".Object.spec.replicas", ".Object.spec.list", ".Object.spec.map"),
        *(".Options.n", ".Options.empty", ".Run.y", ".Run.n", ".Run.list", ".Run.empty"),
        *('"a"', '"l1"', "1", "true"),
    ]
)
CALLS = st.sampled_from(
    [
        *('default "d" (%s)', "upper (toString (%s))", 'printf "%%v" (%s)', "list (%s) 1"),
        *("toJson (%s)", "not (%s)", "empty (%s)", "(%s) | quote", "and (%s) .Run.y"),
        *("or .Run.empty (%s)", 'dict "k" (%s)', "len (toString (%s))", "join `,` (%s)"),
    ]
)
EXPRESSIONS = st.recursive(VALUES, lambda inner: st.builds(lambda call, e: call % e, CALLS, inner))
BODIES = [
    "{{ %s }}",
    "{{ $v := %s }}{{ $v }}{{ $v }}",
    "{{ if %s }}{{ . | toString | len }}{{ else }}{{ .Options.n }}{{ end }}",
    "{{ if %s }}{{ .Object.kind }}{{ end }}-{{ .Run.y }}",
    "{{ with %s }}{{ . }}{{ $.Run.y }}{{ $.Object.kind }}{{ else }}{{ .Run.n }}{{ end }}",
    "{{ range list 1 (%s) 3 }}{{ . }}{{ $.Run.y }},{{ end }}",
    "{{ range $i, $e := .Run.list }}{{ $i }}{{ with $.Object.kind }}{{ . }}{{ end }}{{ end }}",
    "{{ $x := 1 }}{{ if %s }}{{ $x = 2 }}{{ end }}{{ $x }}",
    '{{ block "t" %s }}<{{ . }}{{ $ }}>{{ end }}',
]
TEMPLATES = st.lists(
    st.builds(lambda body, e: body.replace("%s", e), st.sampled_from(BODIES), EXPRESSIONS),
    min_size=1,
    max_size=3,
).map(lambda bodies: "".join(text.replace('"t"', f'"t{i}"') for i, text in enumerate(bodies)))


@PROPERTY
@given(TEMPLATES)
def test_what_stays_gives_the_same_once_all_is_known(text: str) -> None:
    once = run(text)
    whole = run(text, is_run=True)
    assert not whole.is_symbolic or once.is_symbolic
    if once.is_symbolic and not whole.faults:
        assert run(once.text, is_run=True) == whole
    elif not once.faults:
        assert once == whole


HARD = [
    "{{ range until 99999 }}{{ range until 99999 }}x{{ end }}{{ end }}",
    "{{ range 999999999999 }}{{ end }}",
    '{{ $x := "aaaaaaaa" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}{{ $x }}',
    "{{ $l := list 1 }}{{ range until 60 }}{{ $l = list $l $l }}{{ end }}{{ toJson $l }}",
    '{{ $d := dict }}{{ $_ := set $d "self" $d }}{{ $d }}',
    "{{ $l := list }}{{ range until 5000 }}{{ $l = list $l }}{{ end }}{{ $l }}",
    '{{ define "a" }}{{ template "a" . }}{{ end }}{{ template "a" . }}',
    '{{ repeat 999999999 "abc" }}',
    '{{ indent 999999999 "abc" }}',
    '{{ printf "%999999d" 1 }}',
    '{{ replace "a" (repeat 100000 "b") (repeat 100000 "a") }}',
    '{{ regexMatch "a*a*a*a*a*a*b" (repeat 5000 "a") }}',
    "{{ untilStep -9223372036854775808 9223372036854775807 1 }}",
]


@pytest.mark.parametrize("text", HARD)
def test_no_template_takes_long(text: str) -> None:
    start = time.process_time()
    assert run(text).is_symbolic
    assert time.process_time() - start < 5


def test_nesting_is_followed() -> None:
    assert run("{{ if .Run.y }}" * 190 + "x" + "{{ end }}" * 190).faults == ()
    assert run("{{ " + "(" * 150 + "1" + ")" * 150 + " }}").text == "1"


WORDS = """
{{ }} {{- -}} | . $ $x = := " ` ( ) 0 1.5 % é .Run .Object.spec.list .kind if range with else end
define template block break index printf list dict set nil true
"""
PIECES = [*WORDS.split(), " ", "\n"]


@PROPERTY
@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_any_text_is_answered(text: str) -> None:
    parsed = parse(text, KANISTER)
    evaluate(text, parsed.nodes, data(), LIBRARY)  # the tree of a broken text is a tree too
