"""The JSON Schemas of Kasten's kinds: all that is rendered passes, and a wrong name does not."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from jsonschema import Draft7Validator

from kanister_kafka import (
    KastenOutput,
    Options,
    Strategy,
    build_plan,
    load,
    read_cluster,
    render,
    to_yaml_stream,
)
from kanister_kafka.cli import main
from kanister_kafka.kasten.schemas import KINDS, kasten_schema
from tests.conftest import ROOT

EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/kafka.yaml"))
BY_HOOKS = Options(
    kasten=(KastenOutput.POLICY, KastenOutput.RESTORE),
    restore_point="scheduled-1",
    profile="s3",
    frequency="@daily",
)
BY_OBJECT = Options(kasten=(KastenOutput.BINDING,))
"""All that is rendered for Kasten is in one of the two."""


def rendered(example: Path, options: Options) -> list[Any]:
    cluster = "kafka/my-cluster" if example.name == "seed" else ""
    kafka = read_cluster(load([example]).documents, cluster=cluster).cluster
    assert kafka
    documents = yaml.safe_load_all(to_yaml_stream(render(build_plan(kafka, options))))
    return [document for document in documents if document["kind"] in KINDS]


def one(kind: str) -> Any:
    example = ROOT / "examples" / "mirror-maker-2"
    objects = rendered(example, BY_HOOKS) + rendered(example, BY_OBJECT)
    (found,) = [copy.deepcopy(document) for document in objects if document["kind"] == kind]
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_a_schema(kind: str) -> None:
    Draft7Validator.check_schema(kasten_schema(kind))


@pytest.mark.parametrize("strategy", Strategy)
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_what_is_rendered_passes(example: Path, strategy: Strategy) -> None:
    cold = strategy is Strategy.COLD
    forms = (KastenOutput.POLICY, *((KastenOutput.RESTORE,) if cold else ()))
    point = "a" if cold else ""
    options = Options(strategy=strategy, kasten=forms, restore_point=point, frequency="@hourly")
    bound = Options(strategy=strategy, kasten=(KastenOutput.BINDING,))
    objects = rendered(example, options) + rendered(example, bound)
    restored = set() if cold else {"RestoreAction", "TransformSet"}
    assert {document["kind"] for document in objects} == set(KINDS) - restored
    for document in objects:
        Draft7Validator(kasten_schema(document["kind"])).validate(document)


@pytest.mark.parametrize(
    ("kind", "path", "right", "wrong"),
    [
        ("Policy", "spec", "actions", "action"),
        ("Policy", "spec.retention", "daily", "dayly"),
        ("Policy", "spec.selector", "matchExpressions", "matchExpression"),
        ("Policy", "spec.actions.0.backupParameters.hooks", "preHook", "prehook"),
        ("Policy", "spec.actions.0.backupParameters.hooks.preHook", "actionName", "action"),
        ("Policy", "spec.actions.0.backupParameters.filters", "includeResources", "include"),
        ("Policy", "spec.actions.0.backupParameters.profile", "name", "profile"),
        ("BlueprintBinding", "spec", "resources", "resource"),
        ("BlueprintBinding", "spec.resources", "matchAll", "matchall"),
        ("BlueprintBinding", "spec.resources.matchAll.0", "type", "types"),
        ("BlueprintBinding", "spec.resources.matchAll.0.type", "values", "value"),
        ("RestoreAction", "spec", "subject", "subjects"),
        ("RestoreAction", "spec", "targetNamespace", "namespace"),
        ("RestoreAction", "spec.filters.includeResources.0", "resource", "kind"),
        ("RestoreAction", "spec.transforms.0", "transformSetRef", "transformSet"),
        ("TransformSet", "spec", "transforms", "transform"),
        ("TransformSet", "spec.transforms.0", "json", "patches"),
        ("TransformSet", "spec.transforms.0.json.0", "path", "pth"),
        *((kind, "", key, key.upper()) for kind in KINDS for key in ("kind", "metadata", "spec")),
    ],
)
def test_a_wrong_name_does_not(kind: str, path: str, right: str, wrong: str) -> None:
    document = one(kind)
    schema = Draft7Validator(kasten_schema(kind))
    schema.validate(document)
    here = document
    for key in path.split(".") if path else ():
        here = here[int(key)] if key.isdigit() else here[key]
    here[wrong] = here.pop(right)
    assert not schema.is_valid(document)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Policy", "spec.frequency", "@fortnightly"),
        ("Policy", "spec.retention.daily", "seven"),
        ("Policy", "spec.selector.matchExpressions.0.operator", "in"),
        ("Policy", "apiVersion", "config.kio.kasten.io/v1"),
        ("TransformSet", "spec.transforms", []),
        ("TransformSet", "spec.transforms.0.json.0.op", "set"),
    ],
)
def test_a_wrong_value_does_not(kind: str, path: str, value: object) -> None:
    document = one(kind)
    *parents, last = path.split(".")
    here = document
    for key in parents:
        here = here[int(key)] if key.isdigit() else here[key]
    here[last] = value
    assert not Draft7Validator(kasten_schema(kind)).is_valid(document)


def shapes(schema: Any) -> Iterator[tuple[str, Any]]:
    for name, shape in schema.get("properties", {}).items():
        yield name, shape
        if name != "metadata":  # that of Kubernetes, which the Blueprint has as well
            yield from shapes(shape)
    if isinstance(schema.get("items"), dict):
        yield from shapes(schema["items"])


@pytest.mark.parametrize("kind", KINDS)
def test_every_field_has_a_description_and_a_source(kind: str) -> None:
    found = list(shapes(kasten_schema(kind)))
    assert len(found) > 10
    for name, shape in found:
        assert shape["description"].endswith("."), name
        assert shape["$comment"].startswith(("https://", "examples ")), name


@pytest.mark.peer
def test_kubeconform_takes_what_is_rendered_and_no_wrong_name(tmp_path: Path) -> None:
    kubeconform = shutil.which("kubeconform")
    if kubeconform is None:
        pytest.skip("kubeconform is not on PATH")
    described = {"Blueprint", *KINDS}
    for kind in described:
        schema = CliRunner().invoke(main, ["schema", "--kind", kind]).stdout
        (tmp_path / f"{kind.lower()}.json").write_text(schema)
    right, wrong = tmp_path / "right.yaml", tmp_path / "wrong.yaml"
    text = to_yaml_stream(manifest for manifest in everything() if manifest.kind in described)
    right.write_text(text)
    wrong.write_text(text.replace("preHook:", "prehook:").replace("matchAll:", "matchall:"))
    location = f"{tmp_path}/{{{{.ResourceKind}}}}.json"
    descriptions = {}
    for file in (right, wrong):
        done = subprocess.run(
            [kubeconform, "-output", "json", "-verbose", "-schema-location", location, file],
            capture_output=True,
            text=True,
        )
        resources = json.loads(done.stdout)["resources"]
        descriptions[file] = {resource["kind"]: resource["status"] for resource in resources}
    assert descriptions[right] == dict.fromkeys(described, "statusValid")
    refused = {kind for kind, status in descriptions[wrong].items() if status == "statusInvalid"}
    assert refused == {"Policy", "BlueprintBinding", "RestoreAction"}


def everything() -> Any:
    kafka = read_cluster(load([ROOT / "examples" / "mirror-maker-2"]).documents).cluster
    assert kafka
    return (*render(build_plan(kafka, BY_HOOKS)), *render(build_plan(kafka, BY_OBJECT)))
