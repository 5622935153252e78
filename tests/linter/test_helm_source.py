"""Blueprints in charts: what Helm makes of them, and what we say of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.diagnostics import Location
from kanister_kafka.gotemplate import parse
from kanister_kafka.gotemplate.runtime import evaluate
from kanister_kafka.gotemplate.runtime.builtins import BUILTINS
from kanister_kafka.gotemplate.runtime.expressions import FunctionSet
from kanister_kafka.gotemplate.runtime.values import GoMap
from kanister_kafka.kanister.template_context import SIGNATURES
from kanister_kafka.linter.helm_source import ALONE, DECIDES, PASSED, escape, find_unescaped_actions
from kanister_kafka.linter.helm_source import literal_output as given_by
from kanister_kafka.linter.pipeline import validate
from tests.example_cases import CASES

HELMS = ("helm3", "helm4")
LIBRARY = FunctionSet(BUILTINS, SIGNATURES)
PROPERTY = settings(max_examples=300)
braces = st.text(alphabet="{}-`\"' .\\\r\n\tax/*é", max_size=30) | st.text(max_size=20)


def helm(version: str, *words: str) -> str:
    """Run a Helm of PATH and return its output; it must not fail."""
    done = helm_process(version, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def helm_process(version: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a Helm of PATH; the test is skipped where there is none of this version."""
    command = next(filter(shutil.which, (version, "helm")), None)
    if command == "helm":
        said = subprocess.run([command, "version", "--short"], capture_output=True, text=True)
        command = command if said.stdout.startswith(f"v{version[-1]}.") else None
    if command is None:
        pytest.skip(f"{version} is not on PATH")
    return subprocess.run([command, *words], capture_output=True, encoding="utf-8", check=False)


def chart_of(folder: Path, files: dict[str, str]) -> Path:
    """Make a chart of these files."""
    chart = {"Chart.yaml": "apiVersion: v2\nname: demo\nversion: 0.1.0\n", **files}
    for name, text in chart.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return folder


def run(template: str) -> str:
    parsed = parse(template, frozenset())
    assert not parsed.errors, (template, parsed.errors)
    rendered = evaluate(template, parsed.nodes, GoMap({}), LIBRARY)
    assert (rendered.is_symbolic, rendered.faults) == (False, ())
    return rendered.text


@PROPERTY
@given(braces)
def test_an_escaped_text_comes_back(text: str) -> None:
    assert run(escape(text)) == text


@PROPERTY
@given(braces)
def test_what_is_escaped_twice_comes_back_twice(text: str) -> None:
    assert run(run(escape(escape(text)))) == text


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("no braces", "no braces"),
        ("a: {{ .Time }}", "a: {{ `{{ .Time }}` }}"),
        ("{{- .Time -}}\n", "{{ `{{- .Time -}}` }}\n"),
        ('{{ index .a "b" }}', '{{ `{{ index .a "b" }}` }}'),
        ("{{ `x` }}", '{{ "{{" }} `x` }}'),
        ("{{{ x }}}", '{{ "{{" }}{ x }}}'),
        ("${a:-{}}", "${a:-{}}"),
        ("{{ a\n}}", '{{ "{{" }} a\n}}'),
    ],
)
def test_escaped_text_stays_readable(text: str, template: str) -> None:
    assert escape(text) == template
    assert run(template) == text


TEXTS = [
    '{{ .Time }} {{{{ {{{ }}} {{- x -}} `{{` "{{ \\"}}\\" }}" {{/* c */}} ${a:-{}}',
    '{{ `a` }}{{"b"}}}}}}{{',
    '${x:={{}}} {%\n  {{-\n -}} é {{ printf "%s" .a }}',
]


@pytest.mark.peer
@pytest.mark.parametrize("version", HELMS)
def test_helm_gives_back_the_same_bytes(version: str, tmp_path: Path) -> None:
    lines = "\n".join(f"  {line}" for text in TEXTS for line in text.split("\n"))
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata: |\n{lines}\n"
    chart = chart_of(tmp_path, {"templates/a.yaml": escape(text)})
    assert helm(version, "template", str(chart)) == f"---\n# Source: demo/templates/a.yaml\n{text}"


@pytest.mark.peer
@pytest.mark.parametrize("version", HELMS)
@pytest.mark.parametrize("name", ["mirror-maker-2", "kraft-separate-pools-kanister"])
def test_helm_gives_back_what_was_rendered(
    version: str, name: str, tmp_path: Path, at_root: Path
) -> None:
    manifests = {m.file_name: m.text for m in CASES[name].manifests()}
    files = {f"templates/{file}": escape(text) for file, text in manifests.items()}
    chart = chart_of(tmp_path, files)
    assert at_root.is_dir()
    rendered = helm(version, "template", str(chart))
    parts = re.split(r"^---\n# Source: demo/templates/(.*)\n", rendered, flags=re.MULTILINE)[1:]
    # Helm 4 has an empty line before each `---`.
    given = {file: f"{text.rstrip()}\n" for file, text in zip(*[iter(parts)] * 2, strict=True)}
    assert given == manifests


# validate


BLUEPRINT = """\
apiVersion: cr.kanister.io/v1alpha1
kind: Blueprint
metadata:
  name: x
actions:
  backup:
    phases:
    - func: KubeTask
      name: run
      args:
        image: example.com/tools:1
        namespace: "{{ .Namespace.Name }}"
        command:
        - sh
        - -c
        - |
          echo é {{ .Time }} {{ .Nonsense }}
          echo "{{ if .Object }}{{ .Object.kind }}{{ end }}"
"""


def findings_in_template(folder: Path, text: str, name: str = "templates/sub/b.yaml") -> list[str]:
    chart_of(folder, {name: text})
    return [f"{p.location.line}:{p.location.column} {p.rule}" for p in validate([folder]).problems]


def test_an_unescaped_blueprint_is_reported_at_each_action(tmp_path: Path) -> None:
    chart_of(tmp_path, {"templates/b.yaml": BLUEPRINT})
    result = validate([tmp_path])
    assert result.blueprints == 1, "what Kanister would get is looked at as well"
    findings = [(p.location.line, p.location.column, p.rule, p.message) for p in result.problems]
    remedy = "; escape the action, or take the file in with .Files.Get (kanister-kafka docs helm)"
    start = " is for Kanister; Helm has no such value and "
    nil = "fails: nil pointer evaluating interface {}."
    assert [one for one in findings if one[2] == "helm-unescaped"] == [
        (12, 24, "helm-unescaped", f".Namespace.Name{start}{nil}Name{remedy}"),
        (17, 21, "helm-unescaped", f".Time{start}{ALONE}{remedy}"),
        (17, 33, "helm-unescaped", f".Nonsense{start}{ALONE}{remedy}"),
        (18, 23, "helm-unescaped", f".Object{start}{DECIDES}{remedy}"),
        (18, 36, "helm-unescaped", f".Object.kind{start}{nil}kind{remedy}"),
    ]
    assert (17, 34, "template-field") in {one[:3] for one in findings}


def test_an_escaped_blueprint_is_read_as_helm_gives_it(tmp_path: Path) -> None:
    plain = findings_in_template(tmp_path / "files", BLUEPRINT, "files/b.yaml")
    assert plain == ["17:34 template-field"]
    assert findings_in_template(tmp_path / "a", escape(BLUEPRINT)) == ["17:46 template-field"]
    whole = f"{{{{`{BLUEPRINT}`}}}}"
    assert findings_in_template(tmp_path / "b", whole) == ["17:34 template-field"]
    quoted = BLUEPRINT.replace("{{", '{{ "{{" }}')
    assert findings_in_template(tmp_path / "c", quoted) == ["17:50 template-field"]
    broken = escape(BLUEPRINT).replace("  name: x", "  name: [")
    assert findings_in_template(tmp_path / "d", broken) == ["6:9 yaml-syntax"]


@pytest.mark.parametrize(
    ("text", "checks"),
    [
        ("{{ .Values.a }}\n" + BLUEPRINT.replace("{{", "{{ .Release.Name }}{{"), "helm-unescaped"),
        ('name: {{ include "x" . }}\n' + BLUEPRINT.replace(" .", " .Values."), "helm-template"),
        ("{{ .Files.Get `cr.kanister.io` }}\n", "helm-template"),
        ("kind: Deployment\nreplicas: {{ .Values.replicas }}\n  odd: [\n", ""),
        ("kind: Deployment\nreplicas: [\n", "yaml-syntax"),
        ("# cr.kanister.io\na: {{ range }\n", "helm-unescaped"),
        ("# kanister-kafka: ignore=helm-unescaped\n" + BLUEPRINT, "template-field"),
    ],
)
def test_other_templates(tmp_path: Path, text: str, checks: str) -> None:
    assert {line.partition(" ")[2] for line in findings_in_template(tmp_path, text)} - {
        "wrong-type"
    } == ({checks} if checks else set())


@pytest.mark.parametrize("name", ["b.yaml", "files/b.yaml", "templates/b.yaml"])
def test_only_templates_of_a_chart_are_helms(tmp_path: Path, name: str) -> None:
    chart_of(tmp_path, {name: BLUEPRINT})
    if name.startswith("templates"):
        (tmp_path / "Chart.yaml").unlink()
    assert [p.rule for p in validate([tmp_path]).problems] == ["template-field"]


@PROPERTY
@given(st.lists(braces), st.integers(0, 200))
def test_a_place_is_that_of_the_same_character(texts: list[str], at: int) -> None:
    text = "".join(texts)
    template = escape(text)
    literal = given_by(template)
    assert literal is not None
    assert literal.text == text
    if not text:
        return
    at %= len(text)
    line = text.count("\n", 0, at) + 1
    place = Location("x", line, at - text.rfind("\n", 0, at))
    found = literal.places.original(place)
    lines = template.split("\n")
    start = sum(len(one) + 1 for one in lines[: found.line - 1])
    assert template[start + found.column - 1] == text[at]


@pytest.mark.peer
@pytest.mark.parametrize("version", HELMS)
@pytest.mark.parametrize(
    ("action", "becomes"),
    [
        ("{{ .Time }}", ALONE),
        ("{{ if .Object }}x{{ end }}", DECIDES),
        ("{{ range .ArtifactsIn }}x{{ end }}", DECIDES),
        ("{{ with .Profile }}x{{ end }}", DECIDES),
        ("{{ .Object | toString }}", PASSED),
        ("{{ index .Object `metadata` }}", PASSED),
        ("{{ .Namespace.Name }}", "fails: nil pointer evaluating interface {}.Name"),
        ("{{ .Phases.a.Output.b }}", "fails: nil pointer evaluating interface {}.a"),
        ("{{ $.Options.a }}", "fails: nil pointer evaluating interface {}.a"),
        ("{{ range .ArtifactsIn.a }}x{{ end }}", "fails: nil pointer evaluating interface {}.a"),
        ("{{ (.Object.a).b }}", "fails: nil pointer evaluating interface {}.a"),
    ],
)
def test_helm_renders_as_the_message_states(
    version: str, action: str, becomes: str, tmp_path: Path
) -> None:
    text = f'apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata: {{a: "[{action}]"}}\n'
    chart = chart_of(tmp_path, {"templates/a.yaml": text})
    done = helm_process(version, "template", str(chart))
    if becomes in (ALONE, DECIDES):
        assert 'a: "[]"' in done.stdout
    elif becomes == PASSED:
        assert '"[<nil>]"' in done.stdout or "index of untyped nil" in done.stderr
    else:
        assert becomes.removeprefix("fails: ") in done.stderr
    (problem, *_) = find_unescaped_actions(text, "a.yaml").problems
    assert becomes in problem.message
