"""Anchors of YAML in what is rendered: every tool on the way to the cluster reads what we read."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kanister_kafka import Manifest, loads, to_yaml_stream
from kanister_kafka.linter.helm_source import escape
from kanister_kafka.yamldoc import to_python
from tests.conftest import ROOT
from tests.example_cases import CASES
from tests.linter.test_helm_source import HELMS, chart_of, helm

NAMES = ["mirror-maker-2", "kraft-separate-pools-kanister", "kraft-separate-pools-hot"]
Objects = list[dict[str, Any]]


@pytest.fixture(params=NAMES)
def manifests(request: pytest.FixtureRequest, at_root: Path) -> tuple[Manifest, ...]:  # noqa: ARG001
    found = CASES[request.param].manifests()
    text = next(one.text for one in found if one.kind == "Blueprint")
    assert ": &" in text
    assert ": *" in text or "hot" in request.param
    return tuple(one for one in found if one.kind != "RestoreAction")


def parse_documents(text: str) -> Objects:
    """Read documents as the commands of this tool do."""
    loaded = loads(text)
    assert not loaded.problems
    return in_order(to_python(one.root) for one in loaded.documents)


def in_order(found: Any) -> Objects:
    return sorted(found, key=lambda one: (one["kind"], one["metadata"]["name"]))


def run(*words: str, text: str | None = None, **environment: str) -> str:
    done = subprocess.run(
        words,
        input=text,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def needed(tool: str) -> str:
    """Return the path of a tool; the test is skipped without it."""
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not on PATH")
    return found


def test_an_alias_has_the_value_of_its_anchor(manifests: tuple[Manifest, ...]) -> None:
    text = to_yaml_stream(manifests)
    assert parse_documents(text) == in_order(yaml.safe_load_all(text))


def test_nothing_is_lost_with_space_around_a_document(manifests: tuple[Manifest, ...]) -> None:
    """Tools that part a stream trim what is between."""
    for one in manifests:
        assert parse_documents(one.text.strip()) == parse_documents(one.text)


@pytest.mark.peer
def test_kubectl_reads_the_same(manifests: tuple[Manifest, ...], tmp_path: Path) -> None:
    kubectl = needed("kubectl")
    for one in manifests:
        file = tmp_path / one.file_name
        file.write_text(one.text)
        words = ("annotate", "--local", "-o", "json", "-f", str(file), "example.com/read=yes")
        found = json.loads(run(kubectl, *words, KUBECONFIG=os.devnull))
        notes = found["metadata"]["annotations"]
        assert notes.pop("example.com/read") == "yes"
        (expected,) = parse_documents(one.text)
        expected["metadata"].setdefault("annotations", {})
        found["metadata"].pop("creationTimestamp", None)
        if one.kind not in ("Deployment", "Role", "RoleBinding"):  # no defaults are put in
            assert found == expected


@pytest.mark.peer
def test_kustomize_reads_the_same(manifests: tuple[Manifest, ...], tmp_path: Path) -> None:
    kustomize = needed("kustomize")
    (tmp_path / "all.yaml").write_text(to_yaml_stream(manifests))
    (tmp_path / "kustomization.yaml").write_text("resources: [all.yaml]\n")
    built = run(kustomize, "build", str(tmp_path))
    assert in_order(yaml.safe_load_all(built)) == parse_documents(to_yaml_stream(manifests))


@pytest.mark.peer
@pytest.mark.parametrize("version", HELMS)
@pytest.mark.parametrize("way", ["escaped", "file"])
def test_helm_gives_the_same(
    manifests: tuple[Manifest, ...], version: str, way: str, tmp_path: Path
) -> None:
    text = to_yaml_stream(manifests)
    files = {"templates/all.yaml": escape(text)}
    if way == "file":
        files = {"files/all.yaml": text, "templates/all.yaml": '{{ .Files.Get "files/all.yaml" }}'}
    given = helm(version, "template", str(chart_of(tmp_path, files)))
    assert in_order(filter(None, yaml.safe_load_all(given))) == parse_documents(text)
    assert "&steps" in given or "&flush" in given, "as the author wrote it"


@pytest.mark.peer
@pytest.mark.parametrize("version", HELMS)
def test_helm_passes_on_what_its_post_renderer_adds(
    version: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kafka = (ROOT / "examples/kraft-combined/kafka.yaml").read_text()
    chart = chart_of(tmp_path, {"templates/kafka.yaml": kafka})
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    monkeypatch.setenv("PATH", path)
    monkeypatch.setenv("HELM_PLUGINS", str(ROOT / "examples" / "helm"))
    words = ["template", "x", str(chart), "--post-renderer", "kanister-kafka"]
    if version == "helm3":
        words += ["--post-renderer-args", "post-render"]
    given = helm(version, *words, "--post-renderer-args", "--namespace=kafka")
    added = run("kanister-kafka", "post-render", "--namespace=kafka", text=kafka, PATH=path)
    assert in_order(filter(None, yaml.safe_load_all(given))) == parse_documents(added)


@pytest.mark.peer
def test_the_libraries_of_kubectl_argo_cd_and_flux_read_the_same(
    manifests: tuple[Manifest, ...],
) -> None:
    go = needed("go")
    text = to_yaml_stream(manifests)
    found = json.loads(run(go, "-C", "tests/differential", "run", "./anchors", text=text))
    for reader in ("decoder", "library"):
        assert in_order(found[reader]) == parse_documents(text), reader


@pytest.mark.peer
def test_kanctl_accepts_them(manifests: tuple[Manifest, ...], tmp_path: Path) -> None:
    kanctl = needed("kanctl")
    (blueprint,) = (one for one in manifests if one.kind == "Blueprint")
    (tmp_path / "b.yaml").write_text(blueprint.text)
    run(kanctl, "validate", "blueprint", "-f", str(tmp_path / "b.yaml"))
