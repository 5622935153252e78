"""No text is parsed twice: how often each command enters PyYAML, counted by Python's profiler."""

from __future__ import annotations

import cProfile
import pstats

import pytest
import yaml
from click.testing import CliRunner

from kanister_kafka.cli import main
from kanister_kafka.yamldoc.parser import Loader
from tests.conftest import ROOT
from tests.fakes.api_server import running
from tests.fakes.kafka_objects import NAMESPACE

EXAMPLE = ROOT / "examples" / "kraft-separate-pools"
KRAFT = str(EXAMPLE)
INPUT = sorted(EXAMPLE.glob("*.yaml"))
FILES = len(INPUT)
OBJECTS = 12
"""Objects that are rendered for it, without the ConfigMap of the scripts."""
ALL = OBJECTS + 1


def parsings(*words: str, text: str | None = None) -> int:
    """Return how many texts PyYAML was asked to parse."""
    profile = cProfile.Profile(builtins=False)
    result = profile.runcall(CliRunner().invoke, main, words, input=text, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    code = Loader.__init__.__code__
    key = (code.co_filename, code.co_firstlineno, code.co_name)
    return pstats.Stats(profile).stats.get(key, (0, 0))[1]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["render", "-f", KRAFT], FILES + OBJECTS, id="render"),
        pytest.param(["render", "-f", KRAFT, "-o", "json"], FILES + ALL, id="render-json"),
        pytest.param(["render", "-f", KRAFT, "-o", "name"], FILES + ALL, id="render-name"),
        pytest.param(["policy", "render", "-f", KRAFT], FILES + OBJECTS + 1, id="policy-render"),
        pytest.param(
            ["fleet", "render", "-f", KRAFT, "-j", "1"], FILES + OBJECTS, id="fleet-render"
        ),
    ],
)
def test_what_is_rendered_is_parsed_once(words, expected) -> None:
    assert parsings(*words) == expected


@pytest.mark.parametrize("command", [["validate"], ["policy", "lint"]], ids=["validate", "lint"])
def test_files_are_parsed_once(command) -> None:
    folder = ROOT / "blueprints" / "kraft-combined"
    assert parsings(*command, str(folder)) == len(list(folder.glob("*.yaml")))


def test_apply_parses_custom_resources_and_what_is_rendered_of_them_once(
    tmp_path, monkeypatch
) -> None:
    with running(tmp_path, monkeypatch):
        assert parsings("apply", "-f", KRAFT, "--dry-run") == FILES + ALL


def test_apply_parses_rendered_files_once(tmp_path, monkeypatch) -> None:
    folder = tmp_path / "files"
    assert parsings("render", "-f", KRAFT, "--output-dir", str(folder)) == FILES + OBJECTS
    with running(tmp_path, monkeypatch):
        assert parsings("apply", "-f", str(folder), "--dry-run") == ALL


@pytest.mark.usefixtures("server", "broker")
def test_check_parses_what_it_compares_the_cluster_with_once() -> None:
    assert parsings("check", "my-cluster", "-n", NAMESPACE) == ALL


def test_krm_parses_the_list_its_objects_and_its_own_answer_once() -> None:
    objects = [one for path in INPUT for one in yaml.safe_load_all(path.read_text())]
    items = {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": objects}
    assert parsings("krm", text=yaml.safe_dump(items)) == 1 + ALL + 1


def test_post_render_parses_the_release_and_what_it_adds_once() -> None:
    release = "---\n".join(path.read_text() for path in INPUT)
    assert parsings("post-render", text=release) == 1 + OBJECTS
