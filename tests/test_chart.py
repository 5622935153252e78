"""Blueprints in charts: what Helm makes of them, and what we say of them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.blueprint.template_functions import SIGNATURES
from kanister_kafka.chart import escape
from kanister_kafka.gotemplate import parse
from kanister_kafka.gotemplate.builtin import BUILTINS
from kanister_kafka.gotemplate.evaluate import evaluate
from kanister_kafka.gotemplate.functions import Library
from kanister_kafka.gotemplate.values import Map

from .cases import CASES

HELMS = ("helm3", "helm4")
LIBRARY = Library(BUILTINS, SIGNATURES)
PROPERTY = settings(max_examples=300, deadline=None)
braces = st.text(alphabet="{}-`\"' .\\\r\n\tax/*é", max_size=30) | st.text(max_size=20)


def helm(version: str, *words: str, **options: object) -> str:
    """Run a Helm of PATH; the test is skipped where there is none of this version."""
    command = next(filter(shutil.which, (version, "helm")), None)
    if command == "helm":
        said = subprocess.run([command, "version", "--short"], capture_output=True, text=True)
        command = command if said.stdout.startswith(f"v{version[-1]}.") else None
    if command is None:
        pytest.skip(f"{version} is not on PATH")
    done = subprocess.run([command, *words], capture_output=True, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr.decode()
    return str(done.stdout.decode())


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
    rendered = evaluate(template, parsed.nodes, Map({}), LIBRARY)
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
    told = helm(version, "template", str(chart))
    parts = re.split(r"^---\n# Source: demo/templates/(.*)\n", told, flags=re.MULTILINE)[1:]
    # Helm 4 has an empty line before each `---`.
    given = {file: f"{text.rstrip()}\n" for file, text in zip(*[iter(parts)] * 2, strict=True)}
    assert given == manifests
