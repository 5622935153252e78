"""What Go makes of the same input: rows that `make differential` answers (tests/differential)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kanister_kafka.kanister.jsonpath import check_jsonpath
from kanister_kafka.yamldoc import loads, to_python
from tests.conftest import ROOT


def rows(name: str, kind: str) -> list[Any]:
    found: list[Any] = json.loads(
        (ROOT / "tests" / "differential" / name).read_text(encoding="utf-8")
    )[kind]
    return found


@pytest.mark.parametrize(("text", "objects"), rows("go_yaml.json", "read"))
def test_kubectl_reads_the_same(text: str, objects: list[Any] | None) -> None:
    loaded = loads(text)
    if objects is None:
        assert loaded.problems
    else:
        read = [to_python(found.root) for found in loaded.documents]
        assert read == [found for found in objects if isinstance(found, dict)]
        assert bool(loaded.problems) == (len(read) < len(objects))


@pytest.mark.parametrize("row", rows("go_jsonpath.json", "parsed"), ids=lambda row: row[0])
def test_kubernetes_parses_the_same_paths(row: tuple[str, bool]) -> None:
    path, is_right = row
    assert (check_jsonpath(path).refused == "") == is_right
