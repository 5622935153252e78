"""Who builds pipelines: charts, overlays, fleets, and findings where a forge reads them."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from .conftest import User

CHART = "apiVersion: v2\nname: kafka\nversion: 0.1.0\n"
KUSTOMIZATION = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../base]
"""
FUNCTION = """\
apiVersion: kanister-kafka.io/v1alpha1
kind: KafkaBlueprint
metadata:
  name: backup
  annotations:
    config.kubernetes.io/function: "exec: {path: kanister-kafka}"
spec: {}
"""
NAMES = ("kafka-1", "kafka-2", "kafka-3")


def objects(text: str) -> list[tuple[str, str]]:
    found = filter(None, yaml.safe_load_all(text))
    return sorted((one["kind"], one["metadata"]["name"]) for one in found)


@pytest.mark.peer
@pytest.mark.parametrize("helm", ["helm", "helm3", "helm4"])
def test_a_chart_gives_what_render_prints(user: User, helm: str) -> None:
    user.has(helm)
    user.copy("kraft-combined", "kafka")
    (user.home / "chart").mkdir()
    (user.home / "chart" / "Chart.yaml").write_text(CHART)
    words = ("-f", "kafka", "--scripts", "own")
    folder = ("--output-dir", "chart/templates")
    user.run("render", *words, "--format", "helm", *folder)
    user.run("validate", "chart/templates")
    made = user.tool(helm, "template", "backup", "chart").stdout
    assert objects(made) == objects(user.run("render", *words).stdout)
    assert "no problem" in user.run("validate", "-", stdin=made).stderr
    user.edit("chart/templates/blueprint-kafka.my-cluster.yaml", "kind: Blueprint", "kind: Blue")
    user.run("render", *words, "--format", "helm", *folder, "--check", code=1)


@pytest.mark.peer
@pytest.mark.parametrize("helm", ["helm", "helm3"])
def test_a_post_renderer_adds_the_blueprint_to_a_release(user: User, helm: str) -> None:
    user.has(helm)
    if "v3." not in user.tool(helm, "version", "--short").stdout:
        pytest.skip(f"{helm} is not Helm 3, which takes a command for a post-renderer")
    user.copy("kraft-combined", "chart/templates")
    for path in (user.home / "chart" / "templates").iterdir():
        if path.suffix != ".yaml":
            path.unlink()
    (user.home / "chart" / "Chart.yaml").write_text(CHART)
    given = ("--post-renderer", "kanister-kafka", "--post-renderer-args", "post-render")
    made = user.tool(
        *(helm, "template", "backup", "chart", "-n", "kafka", *given),
        *("--post-renderer-args", "--namespace=kafka"),
    ).stdout
    kinds = [kind for kind, _name in objects(made)]
    assert {"Kafka", "Blueprint", "Deployment"} <= set(kinds)
    assert "no problem" in user.run("validate", "-", stdin=made).stderr


@pytest.mark.peer
def test_an_overlay_of_rendered_files(user: User) -> None:
    kustomize = user.has("kustomize")
    user.copy("kraft-combined", "kafka")
    user.run("render", "-f", "kafka", "--kustomization", "--output-dir", "base")
    (user.home / "overlay").mkdir()
    (user.home / "overlay" / "kustomization.yaml").write_text(KUSTOMIZATION + "namePrefix: a-\n")
    made = user.tool(kustomize, "build", "overlay").stdout
    plain = user.run("render", "-f", "kafka").stdout
    assert [kind for kind, _ in objects(made)] == [kind for kind, _ in objects(plain)]
    assert all(name.startswith("a-") for _, name in objects(made))
    assert "no problem" in user.run("validate", "-", stdin=made).stderr


@pytest.mark.peer
def test_a_function_of_kustomize(user: User) -> None:
    kustomize = user.has("kustomize")
    folder = user.copy("kraft-combined", "base")
    names = [path.name for path in folder.glob("*.yaml") if path.name != "kustomization.yaml"]
    text = KUSTOMIZATION.replace("[../base]", json.dumps(names))
    (folder / "function.yaml").write_text(FUNCTION)
    (folder / "kustomization.yaml").write_text(text + "transformers: [function.yaml]\n")
    made = user.tool(kustomize, "build", "--enable-alpha-plugins", "--enable-exec", "base").stdout
    ours = objects(user.run("render", "-f", f"base/{names[0]}").stdout)
    assert set(ours) - {one for one in ours if "scripts" in one[1]} <= set(objects(made))
    assert "no problem" in user.run("validate", "-", stdin=made).stderr


def test_a_fleet_loses_a_cluster(user: User) -> None:
    for name in NAMES:
        folder = user.copy("kraft-combined", f"clusters/{name}")
        for path in folder.glob("*.yaml"):
            path.write_text(
                path.read_text("utf-8").replace("namespace: kafka", f"namespace: {name}")
            )
    words = ("fleet", "render", "-f", "clusters", "--output-dir", "build")
    table = user.run("fleet", "plan", "-f", "clusters").stdout.splitlines()
    assert [line.split()[0] for line in table] == ["KAFKA", *(f"{n}/my-cluster" for n in NAMES)]
    user.run(*words)
    user.run(*words, "--check")
    assert "no problem" in user.run("validate", "build").stderr
    shutil.rmtree(user.home / "clusters" / NAMES[1])
    user.run(*words, "--check", code=1)
    user.run(*words)
    user.run(*words, "--check")
    assert not list((user.home / "build").glob(f"*{NAMES[1]}*"))


def test_findings_go_where_a_forge_reads_them(user: User) -> None:
    user.copy("kraft-combined", "kafka")
    blueprint = user.run("render", "-f", "kafka").stdout
    (user.home / "bad.yaml").write_text(blueprint.replace("func: KubeTask", "func: KubeTusk", 1))
    forms = ("text", "sarif", "junit")
    given = [word for form in forms for word in ("--format", form)]
    files = [word for name in ("-", "out.sarif", "out.xml") for word in ("--output", name)]
    done = user.run("validate", "bad.yaml", *given, *files, code=1)
    assert "(unknown-function)" in done.stdout
    assert "\x1b" not in done.stdout
    log = json.loads((user.home / "out.sarif").read_text())
    assert {one["ruleId"] for one in log["runs"][0]["results"]} >= {"unknown-function"}
    assert "<testsuites" in (user.home / "out.xml").read_text()
    output = user.run("validate", "bad.yaml", "--format", "github", code=1).stdout
    assert output.startswith("::error file=bad.yaml,line=")
