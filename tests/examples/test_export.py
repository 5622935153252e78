"""examples/export/: the Profile and the Secrets that a copy needs, as docs/export.md shows them."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest
import yaml

from kanister_kafka.backup.options import Options, SnapshotProvider
from kanister_kafka.constants import EXPORT_KEYS
from kanister_kafka.operations.preflight.storage import S3
from tests.conftest import ROOT
from tests.e2e import test_export as e2e
from tests.example_cases import Case

EXAMPLE = ROOT / "examples" / "export"
PAGE = (ROOT / "docs" / "export.md").read_text()


def objects(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((EXAMPLE / name).read_text()))


def shape(value: Any) -> Any:
    """Return an object without its values."""
    return (
        {key: shape(item) for key, item in value.items()}
        if isinstance(value, dict)
        else type(value)
    )


def test_page_shows_the_files() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    for name in ("profile.yaml", "secret.yaml"):
        assert (EXAMPLE / name).read_text() in blocks


@pytest.mark.usefixtures("at_root")
def test_names_are_those_of_the_blueprint_of_the_page() -> None:
    credentials, profile = objects("profile.yaml")
    (secret,) = objects("secret.yaml")
    name = profile["metadata"]["name"]
    options = Options(engine=SnapshotProvider.KANISTER, export_profile=name)
    plan = Case("kraft-separate-pools", options=options).plan()
    assert secret["metadata"]["name"] == plan.export_secret
    assert secret["metadata"]["namespace"] == plan.cluster.namespace
    assert profile["metadata"]["namespace"] == plan.options.kasten_namespace
    (apply,) = (line for line in PAGE.splitlines() if line.startswith("kanister-kafka apply my-"))
    assert f"--export-profile {name}" in shlex.join(shlex.split(apply))
    pair = profile["credential"]["keyPair"]
    where = {key: credentials["metadata"][key] for key in ("name", "namespace")}
    assert pair["secret"] == {"apiVersion": "v1", "kind": "Secret", **where}
    assert {pair["idField"], pair["secretField"]} == set(credentials["stringData"])
    assert set(secret["stringData"]) == set(EXPORT_KEYS)
    assert profile["location"]["type"] == S3


def test_profile_is_like_the_one_that_has_run(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[dict[str, Any]] = []
    monkeypatch.setattr(e2e, "STORE", "s3:https://s3.example.com/kafka-backups/production")
    monkeypatch.setattr(e2e, "kubectl", lambda *_, stdin: made.append(json.loads(stdin)))
    e2e.put_profile("kafka-backups")
    (tried,) = made
    tried["metadata"].pop("labels", None)
    _, profile = objects("profile.yaml")
    assert shape(profile) == shape(tried)
    assert profile["credential"]["type"] == tried["credential"]["type"]
    assert profile["location"]["endpoint"] == tried["location"]["endpoint"]
