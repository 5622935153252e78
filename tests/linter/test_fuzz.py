"""Whatever the text is: findings at places within it, never an exception, and every report of them.

FUZZ_EXAMPLES sets how many texts each test makes; `make fuzz` makes many.
"""

from __future__ import annotations

import json
import os
import re

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanister_kafka.kanister.function_types import RELEASES
from kanister_kafka.linter import LintSettings
from kanister_kafka.linter.pipeline import validate_text
from kanister_kafka.linter.registry import rule_docs
from kanister_kafka.reports import (
    diagnostics_github,
    diagnostics_json,
    diagnostics_junit,
    diagnostics_sarif,
    diagnostics_text,
)
from kanister_kafka.yamldoc.parser import LINE_BREAK
from tests.conftest import ROOT

FUZZ = settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
REAL = [
    path.read_text()
    for path in (
        *sorted(ROOT.glob("blueprints/*/*.yaml")),
        *sorted(ROOT.glob("tests/invalid/*/*.yaml")),
        *sorted(ROOT.glob("tests/valid/*.yaml")),
    )
    if path.stat().st_size < 20_000
]
"""Of our own Blueprints the small ones: the large say nothing more, at twenty times the price."""
IDS = set(rule_docs())

kinds_of_settings = st.builds(
    LintSettings,
    kasten=st.sampled_from([None, True, False]),
    kasten_namespace=st.sampled_from(["kasten-io", ""]),
    release=st.sampled_from(RELEASES),
)


def examine(text: str | bytes, chosen: LintSettings) -> None:
    """Validate a text and hold every finding against it."""
    found = validate_text(text, "f.yaml", chosen)
    decoded = text if isinstance(text, str) else text.decode("utf-8", "replace")
    lines = LINE_BREAK.split(decoded.removeprefix("\ufeff"))
    for problem in found:
        place = problem.location
        assert place.source == "f.yaml"
        assert 1 <= place.line <= len(lines), problem
        assert 1 <= place.column <= len(lines[place.line - 1]) + 2, problem
        assert problem.rule in IDS
        assert problem.message
    assert list(found) == sorted(found, key=lambda p: p.location)
    assert validate_text(text, "f.yaml", chosen) == found
    assert len(diagnostics_text(found).splitlines()) == len(found)
    assert len(json.loads(diagnostics_json(found))) == len(found)
    assert len(json.loads(diagnostics_sarif(found))["runs"][0]["results"]) == len(found)
    assert diagnostics_junit(found, ["f.yaml"])
    assert diagnostics_github(found).count("\n") == len(found)


@FUZZ
@given(st.binary(max_size=300) | st.text(max_size=200), kinds_of_settings)
def test_any_bytes_and_any_text(text: str | bytes, chosen: LintSettings) -> None:
    examine(text, chosen)


@FUZZ
@given(st.text(alphabet="&*!|>'\"%@`{}[],:?-#<=~ \n\t.$|ab1\ufeff\0\\"), kinds_of_settings)
def test_any_indicators(text: str, chosen: LintSettings) -> None:
    examine(f"kind: Blueprint\nactions:\n  a:\n    phases:\n    - func: KubeTask\n{text}", chosen)


# Trees shaped like Blueprints

WORDS = sorted(
    {word for text in REAL for word in re.findall(r"[A-Za-z][A-Za-z-]+", text)} | {"apiVersion"}
)
KEYS = sorted({key for text in REAL for key in re.findall(r"^[ -]*(\w+):", text, re.MULTILINE)})
TEMPLATES = sorted({one for text in REAL for one in re.findall(r"\{\{.*?\}\}", text)})
SCRAPS = [
    "{{",
    "}}",
    "{{ end }}",
    "{{ if }}",
    "{{ range $i, $x := .Phases }}",
    "{{/*",
    "$(",
    "<<EOF",
]

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from([*WORDS, "1m", "0s", "10Gi", "latest", "a:b", "", "~"])
    | st.lists(st.sampled_from([*TEMPLATES, *SCRAPS, " ", "a", "\n"]), max_size=4).map("".join)
    | st.text(max_size=8)
)
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | st.sampled_from(WORDS), inner, max_size=5)
    ),
    max_leaves=20,
)
phases = st.fixed_dictionaries(
    {"func": st.sampled_from(WORDS) | scalars},
    optional={"name": scalars, "args": trees, "objects": trees, "extra": trees},
)
actions = st.fixed_dictionaries(
    {"phases": st.lists(phases | trees, max_size=3) | trees},
    optional={
        "kind": scalars,
        "deferPhase": phases | trees,
        "outputArtifacts": trees,
        "inputArtifactNames": trees,
        "configMapNames": trees,
        "secretNames": trees,
        "name": scalars,
    },
)
blueprints = st.fixed_dictionaries(
    {"apiVersion": st.just("cr.kanister.io/v1alpha1"), "kind": st.just("Blueprint")},
    optional={
        "metadata": st.fixed_dictionaries({"name": scalars}) | trees,
        "actions": st.dictionaries(st.sampled_from(WORDS), actions | trees, max_size=3) | trees,
    },
)
others = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["config.kio.kasten.io/v1alpha1", "v1"]),
        "kind": st.sampled_from(["Policy", "BlueprintBinding", "List", "Namespace"]),
    },
    optional={"metadata": trees, "spec": trees, "items": trees},
)


@FUZZ
@given(st.lists(blueprints | others, min_size=1, max_size=3), st.booleans(), kinds_of_settings)
def test_any_tree_in_the_shape_of_a_blueprint(
    documents: list[object],
    as_json: bool,  # noqa: FBT001
    chosen: LintSettings,
) -> None:
    if as_json:
        text = "\n---\n".join(json.dumps(document, indent=1) for document in documents)
    else:
        text = yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False)
    examine(text, chosen)


# Real files, cut and damaged


@st.composite
def damaged(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(REAL))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 60)))
        scrap = st.sampled_from([*SCRAPS, *WORDS, "\t", "- ", ": ", "&a ", "*a ", "|\n", '"', "'"])
        middle = draw(scrap | st.just("") | st.text(max_size=4) | st.just(text[start:end] * 2))
        text = text[:start] + middle + text[end:]
    return text


@st.composite
def lines_moved(draw: st.DrawFn) -> str:
    lines = draw(st.sampled_from(REAL)).splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        line = lines.pop(at)
        lines.insert(draw(st.integers(0, len(lines))), line)
        lines.insert(at, draw(st.sampled_from([line, f"  {line}", line.strip(), ""])))
    return "".join(lines)


@FUZZ
@given(damaged() | lines_moved(), kinds_of_settings)
def test_any_damage_to_a_real_file(text: str, chosen: LintSettings) -> None:
    examine(text, chosen)


@FUZZ
@given(st.sampled_from(REAL), st.data(), kinds_of_settings)
def test_any_part_of_a_real_file(text: str, data: st.DataObject, chosen: LintSettings) -> None:
    raw = text.encode()
    examine(raw[: data.draw(st.integers(0, len(raw)))], chosen)
