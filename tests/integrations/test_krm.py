"""The function without Kustomize: lists in and out, its configuration, its results."""

from __future__ import annotations

import json
import os
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka import load, loads
from kanister_kafka.backup.option_schema import PLURALS
from kanister_kafka.cli import main
from kanister_kafka.cli.commands.render import render
from kanister_kafka.cli.options import input_options, plan_options
from kanister_kafka.errors import TemplateError
from kanister_kafka.integrations.krm import resource_list
from kanister_kafka.integrations.krm.function import run_function
from kanister_kafka.integrations.krm.function_config import (
    INPUT,
    NOT_IN_A_BUILD,
    function_config_schema,
)
from kanister_kafka.yamldoc import to_python
from tests.conftest import ROOT

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in Python takes seconds for a Blueprint."""
EXAMPLES = ROOT / "examples"
KAFKA = (EXAMPLES / "kustomize" / "base" / "kafka.yaml").read_text()
HEAD = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"
CONFIG = """\
functionConfig:
  apiVersion: kanister-kafka.io/v1alpha1
  kind: KafkaBlueprint
  metadata:
    name: backup
"""


def item(text: str, indent: str = "") -> str:
    """Write an object as an item of a list."""
    first, *rest = text.rstrip("\n").split("\n")
    return f"{indent}- {first}\n" + "".join(
        f"{indent}  {line}\n" if line else "\n" for line in rest
    )


def items(*texts: str, indent: str = "") -> str:
    return "items:\n" + "".join(item(text, indent) for text in texts)


KAFKAS = KAFKA.split("---\n")
LIST = HEAD + items(*KAFKAS)
BESIDE = [
    re.sub(r"name: (broker|controller)", r"name: billing-\1", text.replace("orders", "billing"))
    for text in KAFKAS
]
"""Another Kafka in the namespace of the first."""


def spec(**fields: Any) -> str:
    return CONFIG + f"  spec: {json.dumps(fields)}\n"


def krm(text: str | bytes, *words: str) -> Result:
    return CliRunner().invoke(main, words, input=text, catch_exceptions=False)


def objects(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = read(text)["items"]
    return found


def read(text: str) -> Any:
    return yaml.load(text, Loader=LOADER)  # noqa: S506 - safe, in C or in Python


def kinds(text: str) -> list[str]:
    return [one["kind"] for one in objects(text)]


def errors(text: str) -> list[str]:
    return [str(p) for p in run_function(text).problems if p.severity.value == "error"]


COMPANIONS = [
    *("ServiceAccount", "ServiceAccount", "ServiceAccount", "ConfigMap", "ConfigMap"),
    *("Role", "RoleBinding", "Role", "RoleBinding", "Role", "RoleBinding"),
    *("Deployment", "Blueprint"),
]


def test_it_adds_what_render_prints(tmp_path: Path) -> None:
    (tmp_path / "kafka.yaml").write_text(KAFKA)
    printed = CliRunner().invoke(main, ["render", "-f", str(tmp_path)]).stdout
    answer = objects(run_function(LIST).text)
    assert [one["kind"] for one in answer[:3]] == ["Kafka", "KafkaNodePool", "KafkaNodePool"]
    assert answer[3:] == list(yaml.load_all(printed, Loader=LOADER))


def test_comments_come_along_and_name_the_object_that_it_was_read_from() -> None:
    text = run_function(LIST).text
    assert "  # Rendered from Kafka/shop/orders by kanister-kafka " in text


@pytest.mark.parametrize("words", [[], ["krm"]], ids=["bare", "by-name"])
def test_the_command_is_the_function(words: list[str]) -> None:
    result = krm(LIST, *words)
    assert result.exit_code == 0
    assert result.stdout == run_function(LIST).text
    assert result.stderr == ""


@pytest.mark.parametrize("text", ["", "kind: Kafka\n"], ids=["nothing", "something-else"])
def test_without_a_list_the_bare_command_shows_its_help(text: str) -> None:
    assert "Usage: " in krm(text).output
    assert "Commands:" in krm(text).output


FOREIGN = """\
# above the object
apiVersion: v1
kind: ConfigMap   # what it is
metadata:
  name: foreign
  annotations:
    # a reason
    example.com/note: "on"   # quoted on purpose
    config.kubernetes.io/index: '3'
data:
  kept: |+
    two lines end it


  flow: {a: 1,   b: [x,y]}
"""
LAYOUTS = {
    "block": HEAD + items(FOREIGN, *KAFKAS, FOREIGN.replace("foreign", "last")) + CONFIG,
    "indented": HEAD + items(FOREIGN, *KAFKAS, indent="    ") + "# of the config\n" + CONFIG,
    "config-first": HEAD + CONFIG + "# of the items\n" + items(*KAFKAS, FOREIGN),
    "marked": "---\n" + HEAD + CONFIG + items(*KAFKAS, FOREIGN) + "...\n",
    "no-final-newline": (HEAD + items(*KAFKAS, FOREIGN)).rstrip("\n"),
    "windows": (HEAD + items(*KAFKAS, FOREIGN) + CONFIG).replace("\n", "\r\n"),
    "dash-alone": HEAD
    + items(*KAFKAS, FOREIGN).replace("- # above the object\n", "- # above\n  # the object\n")
    + CONFIG,
    "comment-above-an-item": HEAD
    + items(*KAFKAS, FOREIGN).replace("- # above", "# of the next\n- # above")
    + CONFIG,
    "with-results": HEAD + items(*KAFKAS) + "results:\n- message: old\n# of the config\n" + CONFIG,
    "anchors": HEAD
    + items(*KAFKAS, FOREIGN.replace('"on"', '&note "on"'), "kind: A\napiVersion: v1\nx: *note"),
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_other_items_stay_byte_for_byte(text: str) -> None:
    outcome = run_function(text)
    assert not outcome.problems
    old, new = text.splitlines(keepends=True), outcome.text.splitlines(keepends=True)
    if not old[-1].endswith("\n"):
        old[-1] += "\n"
    kept = [line for line in old if line not in ("results:\n", "- message: old\n")]
    position = iter(new)
    assert all(line in position for line in kept), "a line is lost, changed or moved"
    for comment, line in pairwise(kept):
        if comment.startswith("#"):
            assert comment + line in "".join(new), "a comment is no longer above what it is of"
    assert len(objects(outcome.text)) == len(objects(text)) + len(COMPANIONS)


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS)
def test_its_own_output_comes_back_the_same(text: str) -> None:
    once = run_function(text).text
    assert run_function(once).text == once


FLOW = {
    "json": json.dumps(yaml.safe_load(LIST + CONFIG)),
    "items-in-flow-style": HEAD + f"items: {json.dumps(objects(LIST))}\n",
    "an-alias-for-an-item": HEAD
    + "items:\n"
    + "".join(item(text) for text in KAFKAS)
    + "- &x {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n- *x\n",
    "a-text-like-a-comment": HEAD + items(*KAFKAS) + '- kind: A\n  x: "y\n# z"\n' + CONFIG,
    "null-items": HEAD + items(*KAFKAS) + "- null\n",
}


@pytest.mark.parametrize("text", FLOW.values(), ids=FLOW)
def test_flow_style_is_written_anew_and_holds_the_same(text: str) -> None:
    answer = run_function(text).text
    json.loads(answer)
    before = [one for one in objects(text) if one]
    assert objects(answer)[: len(before)] == before
    assert len(objects(answer)) == len(before) + len(COMPANIONS)
    assert run_function(answer).text == answer


@pytest.mark.parametrize(
    "nothing",
    ["items: []\n", "items: [ ]   # none\n", "items:\n", "items: null\n", ""],
    ids=["empty", "comment", "bare", "null", "absent"],
)
@pytest.mark.parametrize("first", [True, False], ids=["items-first", "config-first"])
def test_a_generator_has_no_items(nothing: str, first: bool) -> None:  # noqa: FBT001
    config = spec(resources=list(yaml.safe_load_all(KAFKA)))
    text = HEAD + (nothing + config if first else config + nothing)
    outcome = run_function(text)
    assert not outcome.problems
    assert kinds(outcome.text) == COMPANIONS
    assert config in outcome.text
    assert run_function(outcome.text).text == outcome.text


def test_a_generator_reads_relative_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clusters").mkdir()
    (tmp_path / "clusters" / "kafka.yaml").write_text(KAFKA)
    monkeypatch.chdir(tmp_path)
    outcome = run_function(HEAD + "items: []\n" + spec(paths=["clusters"]))
    assert not outcome.problems
    assert kinds(outcome.text) == COMPANIONS


def test_a_configuration_in_the_items_is_not_an_item() -> None:
    """So Kustomize calls a generator."""
    config = spec(resources=list(yaml.safe_load_all(KAFKA)))
    own = yaml.safe_load(config)["functionConfig"]
    outcome = run_function(HEAD + "items:\n" + item(yaml.safe_dump(own)) + config)
    assert kinds(outcome.text) == ["KafkaBlueprint", *COMPANIONS]


def test_a_plain_list_is_answered_too() -> None:
    text = LIST.replace("kind: ResourceList", "kind: List").replace("config.kubernetes.io/v1", "v1")
    assert kinds(run_function(text).text)[3:] == COMPANIONS


def test_one_kafka_or_each() -> None:
    second = [text.replace("orders", "billing") for text in KAFKAS]
    second = [text.replace(": shop", ": bank") for text in second]
    text = HEAD + items(*KAFKAS, *second)
    blueprints = [one for one in objects(run_function(text).text) if one["kind"] == "Blueprint"]
    assert [one["metadata"]["name"] for one in blueprints] == ["shop.orders", "bank.billing"]
    one = run_function(text + spec(cluster="bank/billing"))
    assert kinds(one.text)[6:] == COMPANIONS
    assert "name: bank.billing" in one.text
    assert "name: shop.orders" not in one.text


# What is there from an earlier run.


def test_rendered_objects_are_replaced_in_place_and_keep_annotations_of_the_caller() -> None:
    text = run_function(LIST).text
    known = text.replace(
        "    annotations:\n      kanister-kafka.io/blueprint",
        "    annotations:\n      config.kubernetes.io/path: b.yaml\n      left.example.com: x\n"
        "      kanister-kafka.io/blueprint",
    ).replace("  - get\n", "  - everything\n")
    again = run_function(known + spec(labels={"team": "data"})).text
    assert "- everything\n" in known
    assert "- everything\n" not in again
    ours = objects(again)[3:]
    assert kinds(again)[3:] == COMPANIONS
    (scripts,) = (one for one in ours if "-scripts-" in one["metadata"]["name"])
    assert "annotations" not in scripts["metadata"], "they are of no single cluster"
    for one in ours:
        if one is scripts:
            continue
        assert one["metadata"]["labels"]["team"] == "data"
        annotations = one["metadata"]["annotations"]
        assert annotations["config.kubernetes.io/path"] == "b.yaml"
        assert annotations["kanister-kafka.io/blueprint"] == "kasten-io/shop.orders"
        assert "left.example.com" not in annotations
    assert "# Rendered from" in again
    assert run_function(again).text == again


def test_objects_that_are_no_longer_rendered_are_removed_and_reported() -> None:
    with_policy = run_function(LIST + spec(kasten=["policy"], profile="s3")).text
    assert kinds(with_policy)[-1] == "Policy"
    outcome = run_function(
        with_policy.replace('"kasten": ["policy"], ', "").replace('"profile": "s3"', "")
    )
    assert kinds(outcome.text)[3:] == COMPANIONS
    assert outcome.notes == (
        "Policy/kasten-io/shop.orders is of an earlier run and no longer rendered: taken out",
    )
    (result,) = read(outcome.text)["results"]
    assert result == {"message": outcome.notes[0], "severity": "info"}


def test_two_kafkas_of_a_namespace_share_their_scripts_or_have_their_own() -> None:
    both = HEAD + items(*KAFKAS, *BESIDE)
    scripts = [
        n
        for n in (one["metadata"]["name"] for one in objects(run_function(both).text))
        if "scr" in n
    ]
    assert len(scripts) == 1
    text = run_function(both + spec(scripts="own")).text
    own = [n for n in (one["metadata"]["name"] for one in objects(text)) if "scripts" in n]
    hashed = scripts[0].removeprefix("kanister-kafka-scripts-")
    names = [f"{name}-kanister-kafka-scripts-{hashed}" for name in ("orders", "billing")]
    assert sorted(own) == sorted(names)
    assert run_function(text).text == text, "twice is once"


def test_the_list_has_no_anchors() -> None:
    """Two Blueprints would have the same ones, which PyYAML and others refuse in one document."""
    text = run_function(HEAD + items(*KAFKAS, *BESIDE)).text
    assert kinds(text).count("Blueprint") == 2
    assert not re.search(r"[:-] [&*][a-z]", text)


def test_the_objects_of_another_blueprint_stay() -> None:
    second = [text.replace("orders", "billing") for text in KAFKAS]
    second = [text.replace(": shop", ": bank") for text in second]
    both = HEAD + items(*KAFKAS, *second)
    once = run_function(both + spec(cluster="orders")).text
    twice = run_function(once.replace('"orders"', '"billing"')).text
    assert kinds(twice) == [*kinds(both), *COMPANIONS, *COMPANIONS]


def test_an_anchor_in_what_is_replaced_is_not_taken_from_who_uses_it() -> None:
    thing = "apiVersion: v1\nkind: Thing\nmetadata:\n  name: {}\nx: {}"
    listed = run_function(HEAD + items(*KAFKAS, thing.format("first", "&a 1"))).text
    listed = listed.replace("  kind: ServiceAccount\n", "  kind: ServiceAccount\n  x: &a 2\n", 1)
    outcome = run_function(listed + item(thing.format("last", "*a")))
    assert objects(outcome.text)[-1]["x"] == 2


def test_an_object_of_another_owner_is_not_replaced() -> None:
    theirs = "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: sa\n  namespace: shop"
    text = HEAD + items(*KAFKAS, theirs) + spec(serviceAccount="sa")
    outcome = run_function(text)
    (problem,) = outcome.problems
    assert (problem.rule, problem.location.source) == ("duplicate-object", "KafkaBlueprint/backup")
    assert "ServiceAccount/shop/sa is among the items" in problem.message
    assert objects(outcome.text) == objects(text)


# What is wrong.

KAFKA_ALONE = KAFKAS[0]
WRONG: dict[str, tuple[str, list[tuple[str, str, str]]]] = {
    "no-kafka": (HEAD + items(KAFKAS[1]), [("KafkaBlueprint", "", "no-kafka")]),
    "no-items": (HEAD + "items: []\n" + CONFIG, [("KafkaBlueprint/backup", "", "no-kafka")]),
    "no-such-kafka": (LIST + spec(cluster="shop/invoices"),
                      [("Kafka/shop/orders", "", "no-kafka")]),
    "no-namespace": (HEAD + items(*(text.replace("  namespace: shop\n", "") for text in KAFKAS)),
                     [("Kafka/orders", "metadata.namespace", "missing-field")]),
    "invalid-kafka": (HEAD + items(KAFKAS[0], KAFKAS[1].replace("replicas: 3", "replicas: three"),
                                   KAFKAS[2]),
                      [("KafkaNodePool/shop/controller", "spec.replicas", "wrong-type")]),
    "twice-the-same": (HEAD + items(*KAFKAS, KAFKAS[0]),
                       [("Kafka/shop/orders", "", "duplicate-object")]),
    "one-name-for-two": (
        HEAD
        + items(*KAFKAS, *(text.replace("orders", "billing") for text in KAFKAS[:1]))
        + items(
            KAFKAS[1].replace("orders", "billing").replace("name: controller", "name: c"),
            KAFKAS[2].replace("orders", "billing").replace("name: broker", "name: b"),
        ).removeprefix("items:\n")
        + spec(name="mine"),
        [("KafkaBlueprint/backup", "spec", "duplicate-object")],
    ),
    "kind": (LIST + CONFIG.replace("KafkaBlueprint", "ConfigMap"),
             [("ConfigMap/backup", "kind", "wrong-type")]),
    "api-version": (LIST + CONFIG.replace("v1alpha1", "v9"),
                    [("KafkaBlueprint/backup", "apiVersion", "wrong-type")]),
    "no-spec": (LIST + CONFIG + "  quiesceBy: pause\n",
                [("KafkaBlueprint/backup", "quiesceBy", "unknown-field")]),
    "unknown-option": (LIST + spec(quiesceby="pause"),
                       [("KafkaBlueprint/backup", "spec.quiesceby", "unknown-field")]),
    "every-one": (LIST + spec(strategy="warm", engine=1,
                              timeouts={"restart": "soon", "lunch": "1h"}, image="no image",
                              strimziVersion="new", namespace="a.b", cluster=7,
                              templates="nowhere"),
                  [("KafkaBlueprint/backup", "spec.cluster", "wrong-type"),
                   ("KafkaBlueprint/backup", "spec.engine", "wrong-type"),
                   ("KafkaBlueprint/backup", "spec.image", "option"),
                   ("KafkaBlueprint/backup", "spec.namespace", "wrong-type"),
                   ("KafkaBlueprint/backup", "spec.strategy", "wrong-type"),
                   ("KafkaBlueprint/backup", "spec.strimziVersion", "option"),
                   ("KafkaBlueprint/backup", "spec.templates", "option"),
                   ("KafkaBlueprint/backup", "spec.timeouts.lunch", "unknown-field"),
                   ("KafkaBlueprint/backup", "spec.timeouts.restart", "wrong-type")]),
    "paths": (LIST + spec(paths=["-", "/etc/kafka.yaml", "nowhere.yaml", 3]),
              [("KafkaBlueprint/backup", "spec.paths[0]", "option"),
               ("KafkaBlueprint/backup", "spec.paths[1]", "option"),
               ("KafkaBlueprint/backup", "spec.paths[2]", "option"),
               ("KafkaBlueprint/backup", "spec.paths[3]", "wrong-type")]),
    "resources": (LIST + spec(resources=["kafka.yaml"]),
                  [("KafkaBlueprint/backup", "spec.resources[0]", "wrong-type")]),
    "restore": (LIST + spec(kasten=["restore"], restorePoint="rp"),
                [("KafkaBlueprint/backup", "spec.restorePoint", "option")]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_reported_at_its_place_and_nothing_is_added(
    text: str, expected: list[tuple[str, str, str]]
) -> None:
    result = krm(text)
    assert result.exit_code == 1
    outcome = run_function(text)
    found = [(p.location.source, p.path, p.rule) for p in outcome.problems]
    assert [place for place in found if place[2] != "unpinned-version"] == expected
    assert len(result.stderr.splitlines()) == len(found)
    assert objects(result.stdout) == objects(text)
    results = read(result.stdout)["results"]
    assert [one["severity"] for one in results].count("error") == len(expected)
    assert {one["tags"]["check"] for one in results} == {check for *_, check in found}


def test_former_name_of_a_step_works_with_a_warning() -> None:
    former = run_function(LIST + spec(timeouts={"switch": "90s"}))
    present = run_function(LIST + spec(timeouts={"watchdog": "90s"}))
    (warned,) = [p for p in former.problems if p.path == "spec.timeouts.switch"]
    assert (warned.severity.value, warned.message) == ("warning", "deprecated: write watchdog")
    assert objects(former.text) == objects(present.text)
    assert "--timeout watchdog=1m30s" in present.text


NO_LIST = {
    "empty": ("", "wrong-type"),
    "a-kafka": (KAFKAS[0], "wrong-type"),
    "a-stream": (KAFKA, "wrong-type"),
    "two-lists": (LIST + "---\n" + LIST, "wrong-type"),
    "no-yaml": (HEAD + "items: [", "yaml-syntax"),
    "no-object": (HEAD + "items:\n- a\n", "wrong-type"),
    "items-no-list": (HEAD + "items: {}\n", "wrong-type"),
    "config-no-object": (LIST + "functionConfig: a\n", "wrong-type"),
    "latin-1": (LIST.replace("orders", "ordérs").encode("latin-1"), "not-text"),
}


@pytest.mark.parametrize(("text", "check"), NO_LIST.values(), ids=NO_LIST)
def test_input_that_is_not_a_list_is_one_line_of_error(text: str | bytes, check: str) -> None:
    result = krm(text, "krm")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("<stdin>:")
    assert result.stderr.endswith(f" ({check})\n")
    assert len(result.stderr.splitlines()) == 1


def test_results_name_object_field_and_file() -> None:
    path = (
        "    config.kubernetes.io/path: clusters/kafka.yaml\n    config.kubernetes.io/index: '2'\n"
    )
    kafka = KAFKAS[0].replace("  namespace", f"  annotations:\n{path}  namespace", 1)
    kafka = kafka.replace("    version: 4.2.0\n", "")
    outcome = run_function(HEAD + items(kafka, *KAFKAS[1:]))
    assert read(outcome.text)["results"] == [
        {
            "message": outcome.problems[0].message,
            "severity": "warning",
            "resourceRef": {
                "apiVersion": "kafka.strimzi.io/v1",
                "kind": "Kafka",
                "name": "orders",
                "namespace": "shop",
            },
            "field": {"path": "spec.kafka.version"},
            "file": {"path": "clusters/kafka.yaml", "index": 2},
            "tags": {"check": "unpinned-version"},
        }
    ]


def test_results_name_the_line_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kafka.yaml").write_text(KAFKA.replace("replicas: 3", "replicas: x", 1))
    monkeypatch.chdir(tmp_path)
    (problem,) = run_function(HEAD + "items: []\n" + spec(paths=["kafka.yaml"])).problems
    text = run_function(HEAD + "items: []\n" + spec(paths=["kafka.yaml"])).text
    (result,) = read(text)["results"]
    assert result["file"] == {"path": "kafka.yaml"}
    assert result["tags"] == {
        "check": "wrong-type",
        "line": str(problem.location.line),
        "column": str(problem.location.column),
    }


def test_old_results_go() -> None:
    text = LAYOUTS["with-results"]
    assert "results" not in read(run_function(text).text)


# The configuration.


def test_it_has_the_options_of_the_command_and_no_others() -> None:
    """A new option of the command is a field of the configuration, or a choice made here."""
    command = {
        word.removeprefix("--")
        for parameter in render.params
        for word in parameter.opts
        if word.startswith("--")
    }
    elsewhere = {"from-cluster", "context", "output", "kustomization", "restore-point"}
    elsewhere |= {"check", "format", "output-dir", "blueprint"}  # the last is --name as well
    elsewhere |= {"kubeconfig", "as", "request-timeout", "verbose", "quiet", "color"}
    other_names = {word: camel(name) for word, name in PLURALS.items()}
    other_names["timeout"] = "timeouts"
    other_names["filename"] = "paths"
    expected = {other_names.get(word, camel(word)) for word in command - elsewhere}
    fields = set(function_config_schema()["properties"]["spec"]["properties"])
    assert fields == expected | {"resources"}
    assert camel("restore-point") == NOT_IN_A_BUILD
    assert set(INPUT) < fields
    assert callable(input_options)
    assert callable(plan_options)


def camel(word: str) -> str:
    first, *rest = word.split("-")
    return first + "".join(map(str.capitalize, rest))


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("kustomize/*/kafka-blueprint.yaml")), ids=str)
def test_the_schema_takes_the_examples(path: Path) -> None:
    jsonschema.Draft7Validator.check_schema(function_config_schema())
    jsonschema.validate(yaml.safe_load(path.read_text()), function_config_schema())


@pytest.mark.parametrize(
    "name",
    [*("kind", "api-version", "no-spec", "unknown-option", "every-one", "resources"), "restore"],
)
def test_the_schema_refuses_what_the_function_refuses(name: str) -> None:
    config = yaml.safe_load(WRONG[name][0])["functionConfig"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(config, function_config_schema())


def test_the_command_prints_the_schema() -> None:
    result = krm("", "schema", "--kind", "KafkaBlueprint")
    printed = json.loads(result.stdout)
    fields = printed["properties"]["spec"]["properties"]
    assert all(field.get("description") for field in fields.values())
    assert fields["quiesceBy"]["description"].startswith("How mirrors and connectors stop")
    assert fields["timeouts"]["description"].startswith("How long a step waits")
    for field, bare in function_config_schema()["properties"]["spec"]["properties"].items():
        assert fields.pop(field).items() >= bare.items()
    assert not fields


# Any list at all.

KEYS = st.sampled_from(["a", "b-c", "x.y/z", "on", "1"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.text(max_size=12), st.sampled_from(["a\n\n", " #"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=6,
)


@settings(max_examples=25)
@given(
    bodies=st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=3),
    before=st.booleans(),
    flow=st.sampled_from([None, True, False]),
)
def test_any_list_keeps_its_items_and_comes_back_the_same(
    bodies: list[dict[str, Any]],
    before: bool,  # noqa: FBT001
    flow: bool | None,  # noqa: FBT001
) -> None:
    foreign = [
        {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": f"n{i}"}, "data": body}
        for i, body in enumerate(bodies)
    ]
    kafkas = list(yaml.safe_load_all(KAFKA))
    listed = {"kind": "ResourceList", "items": foreign + kafkas if before else kafkas + foreign}
    text = yaml.safe_dump(listed, default_flow_style=flow, sort_keys=False, allow_unicode=True)
    given_items = loads(text.replace("ResourceList", "List")).documents
    once = run_function(text)
    assert not [p for p in once.problems if p.severity.value == "error"]
    answer = loads(once.text.replace("ResourceList", "List")).documents
    known = {document.key for document in given_items}
    assert [d.key for d in answer if d.key in known] == [d.key for d in given_items]
    assert len(answer) == len(given_items) + len(COMPANIONS)
    assert run_function(once.text).text == once.text


DAMAGED = [text for name, text in LAYOUTS.items() if name != "windows"]
SCRAPS = ["- ", "-", "items:", "items: []", "results: 1", "functionConfig:", "  spec: {}", "# x"]
SCRAPS += ["---", "...", "- &a x", "- *a", "  x: |", "    # y", "  'q", "- {a: 1}", "?", "\t", "]"]
SCRAPS += [
    "  spec:",
    "    kasten: [restore]",
    "    paths: [.]",
    "    cluster: [a]",
    "- null",
    "\ufeff",
]


@settings(max_examples=int(os.environ.get("FUZZ_EXAMPLES", "60")))
@given(
    text=st.sampled_from(DAMAGED),
    cuts=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 2)), max_size=2),
    scraps=st.lists(st.tuples(st.integers(0, 200), st.sampled_from(SCRAPS)), max_size=3),
)
def test_a_damaged_list_raises_nothing_and_loses_no_item(
    text: str, cuts: list[tuple[int, int]], scraps: list[tuple[int, str]]
) -> None:
    lines = text.split("\n")
    for place, length in cuts:
        start = place % len(lines)
        del lines[start : start + length]
    for place, scrap in scraps:
        lines.insert(place % (len(lines) + 1), scrap)
    damaged = "\n".join(lines)
    outcome = run_function(damaged)
    before, _ = resource_list.read_resource_list(damaged)
    assert bool(outcome.text) == (before is not None)
    if before is not None:
        after, problems = resource_list.read_resource_list(outcome.text)
        assert after is not None, problems
        count = len(before.nodes)
        assert list(map(to_python, after.nodes[:count])) == list(map(to_python, before.nodes))
        again = run_function(outcome.text)
        assert again.text == outcome.text
        assert {p.rule for p in again.problems} == {p.rule for p in outcome.problems}


def test_the_examples_have_no_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    for path in sorted(EXAMPLES.glob("kustomize/*/kafka-blueprint.yaml")):
        monkeypatch.chdir(path.parent)
        config = yaml.safe_load(path.read_text())
        read = [] if "paths" in config["spec"] else list(yaml.safe_load_all(KAFKA))
        text = yaml.safe_dump({"kind": "ResourceList", "items": read, "functionConfig": config})
        assert run_function(text).problems == ()
    assert load([EXAMPLES / "kustomize" / "base" / "kafka.yaml"]).problems == ()


@pytest.mark.parametrize("text", ["", "a: 1\n---\nb: 2\n"], ids=["none", "two"])
def test_a_template_of_a_site_makes_one_object(tmp_path: Path, text: str) -> None:
    (tmp_path / "configmap.yaml.j2").write_text(text)
    with pytest.raises(TemplateError, match="ConfigMap orders-kanister-kafka makes"):
        run_function(LIST + spec(templates=str(tmp_path)))
