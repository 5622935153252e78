"""`post-render`: the manifests of a release, and Helm 3 and 4 that run it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from kanister_kafka import __version__
from kanister_kafka.backup.render import Manifest
from kanister_kafka.cli import main
from kanister_kafka.integrations.helm_post_renderer import append_manifests
from tests.conftest import ROOT
from tests.linter.test_helm_source import HELMS, chart_of, helm

PLUGIN = ROOT / "examples" / "helm" / "plugin"
KAFKA = (ROOT / "examples" / "kraft-combined" / "kafka.yaml").read_bytes()
SEED = b"---\n".join(
    path.read_bytes() for path in sorted((ROOT / "examples" / "seed").glob("*.yaml"))
)
OTHER = b"""---
# Source: demo/templates/other.yaml
apiVersion: v1
kind:   ConfigMap   # with a comment, and odd spaces
metadata: {name: other, annotations: {kanister-kafka.io/blueprint: kasten-io/another}}
data:
  a: |
    --- no document
    {{ braces }}\r
"""


def post_render(raw: bytes, *words: str):
    return CliRunner().invoke(main, ["post-render", *words], input=raw)


def kinds(raw: bytes) -> list[str]:
    return [item["kind"] for item in yaml.safe_load_all(raw) if item]


def blueprints(text: str) -> list[dict]:
    return [item for item in yaml.safe_load_all(text) if item and item["kind"] == "Blueprint"]


@pytest.mark.parametrize(
    ("raw", "count"),
    [
        (KAFKA, 1),
        (KAFKA + OTHER, 1),
        (OTHER + b"---\n" + KAFKA, 1),
        (SEED, 2),
        (OTHER, 0),
        (b"", 0),
    ],
)
def test_what_is_there_stays_and_what_is_missing_is_added(raw: bytes, count: int) -> None:
    done = post_render(raw)
    assert done.exit_code == 0, done.stderr
    assert done.stdout_bytes.startswith(raw)
    assert kinds(done.stdout_bytes).count("Blueprint") == count == kinds(raw).count("Kafka")
    assert ("no Kafka is among" in done.stderr) is (not count)
    again = post_render(done.stdout_bytes)
    assert again.stdout_bytes == done.stdout_bytes


def test_it_adds_what_render_prints(at_root: Path) -> None:
    words = ("--kasten", "policy", "--timeout", "restart=30m")
    added = post_render(KAFKA, *words).stdout_bytes.removeprefix(KAFKA).removeprefix(b"---\n")
    file = at_root / "examples/kraft-combined/kafka.yaml"
    words = (*words, "--scripts", "own")  # Helm refuses an object of another release
    done = CliRunner().invoke(main, ["render", "-f", "-", *words], input=file.read_bytes())
    assert added == done.stdout_bytes


def test_scripts_are_added_once_for_each_kafka_or_for_all(at_root: Path) -> None:  # noqa: ARG001
    second = KAFKA.replace(b"my-cluster", b"other").replace(b"name: dual", b"name: of-other")
    raw = KAFKA + b"---\n" + second
    for words, count in (((), 2), (("--scripts", "shared"), 1)):
        done = post_render(raw, *words)
        assert done.exit_code == 0, done.stderr
        found = [one for one in yaml.safe_load_all(done.stdout_bytes) if one["kind"] == "ConfigMap"]
        names = [one["metadata"]["name"] for one in found]
        assert len([name for name in names if "-scripts-" in name]) == count
        assert len(names) == len(set(names))
        assert post_render(done.stdout_bytes, *words).stdout_bytes == done.stdout_bytes


def test_objects_of_other_options_replace_the_added_ones() -> None:
    first = post_render(KAFKA + OTHER, "--kasten", "policy").stdout_bytes
    second = post_render(first, "--timeout", "check=2m").stdout_bytes
    assert second == post_render(KAFKA + OTHER, "--timeout", "check=2m").stdout_bytes
    assert "Policy" not in kinds(second)


def test_a_namespace_of_the_release() -> None:
    bare = re.sub(rb"\n  namespace: .*", b"", KAFKA)
    done = post_render(bare)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "metadata.namespace: Required value" in done.stderr
    done = post_render(bare, "-n", "of-release")
    (blueprint,) = [item for item in yaml.safe_load_all(done.stdout) if item["kind"] == "Blueprint"]
    assert blueprint["metadata"]["name"] == "of-release.my-cluster"


@pytest.mark.parametrize(
    ("raw", "words", "code", "said"),
    [
        (KAFKA.replace(b"roles", b"rules"), (), 1, "roles"),
        (b"a: [", (), 1, "(yaml-syntax)"),
        (b"\xff\xfe", (), 1, "(not-text)"),
        (SEED, ("--name", "one"), 2, "--name is for one Kafka, and here are kafka"),
        (KAFKA, ("--strimzi-version", "x"), 2, "is not a version"),
    ],
)
def test_what_is_wrong_ends_the_release(raw: bytes, words, code: int, said: str) -> None:
    done = post_render(raw, *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert said in done.stderr


parts = st.lists(
    st.sampled_from([OTHER, b"---\n", b"--- # c\na: 1\n", b"---\r\nb: 2\r\n", b"x: 1"])
)


@given(parts.map(b"".join))
def test_a_release_without_own_objects_stays_byte_for_byte(raw: bytes) -> None:
    assert append_manifests(raw, {"kasten-io/mine"}, ()) == raw
    added = append_manifests(raw, {"kasten-io/mine"}, [Manifest("A", "a", "a: 1\n")])
    assert added.startswith(raw)
    assert added.endswith(b"---\na: 1\n")


# with Helm itself


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let Helm find our command, and no plugin of whoever runs this."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HELM_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("HELM_PLUGINS", raising=False)


ARGUMENTS = {
    "helm3": ("post-render", "-n", "kafka", "--kasten", "policy"),
    "helm4": ("-n", "kafka", "--kasten", "policy"),
}


@pytest.mark.peer
@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("version", HELMS)
def test_helm_runs_it(version: str, tmp_path: Path) -> None:
    bare = re.sub(r"\n  namespace: .*", "", KAFKA.decode())
    files = {"templates/kafka.yaml": bare, "templates/b.yaml": "# empty\n"}
    chart = chart_of(tmp_path / "demo", files)
    if version == "helm4":
        helm(version, "plugin", "install", str(PLUGIN))
    words = ["template", "demo", str(chart), "-n", "kafka"]
    plain = helm(version, *words)
    options = [word for given in ARGUMENTS[version] for word in ("--post-renderer-args", given)]
    installed = helm(version, *words, "--post-renderer", "kanister-kafka", *options)
    added = [kind for kind in kinds(installed.encode()) if kind not in kinds(plain.encode())]
    assert {"Blueprint", "Policy", "Role", "ServiceAccount", "Deployment"} <= set(added)
    (ours,) = blueprints(installed)
    stated = CliRunner().invoke(
        main,
        ["render", "-f", "-", "-n", "kafka", "--kasten", "policy", "--scripts", "own"],
        input=plain.encode(),
    )
    (wanted,) = blueprints(stated.stdout)
    assert ours == wanted


def test_the_plugin_runs_our_command() -> None:
    plugin = yaml.safe_load((PLUGIN / "plugin.yaml").read_text())
    (command,) = plugin["runtimeConfig"]["platformCommand"]
    assert [command["command"], *command["args"]] == ["kanister-kafka", "post-render"]
    assert plugin["version"] == __version__
