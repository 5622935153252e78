"""What a Job in the cluster sends is what the command that made it gets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.errors import UnreachableError
from kanister_kafka.topics.json_codec import KINDS, from_json, to_json
from kanister_kafka.topics.model import (
    Comparison,
    PartitionSize,
    TailRecords,
    TopicRecord,
    TopicSizes,
)

TOTALS = TopicSizes(
    cluster="a", held=(PartitionSize(topic="t", partition=0, earliest=0, latest=1, newest=5),)
)


st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(data=st.data())
def test_every_kind_comes_back(name: str, data: st.DataObject) -> None:
    kind: Any = KINDS[name]
    value = data.draw(st.builds(kind))
    assert from_json(kind, json.loads(json.dumps(to_json(value)))) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (TopicSizes, None),
        (TopicSizes, []),
        (TopicSizes, {}),
        (TopicSizes, {"cluster": "a"}),
        (TopicSizes, {"cluster": 1, "held": []}),
        (TopicSizes, {"cluster": "a", "held": 5}),
        (TopicSizes, {"cluster": "a", "held": ["x"]}),
        (TopicSizes, to_json(TOTALS) | {"held": [to_json(TOTALS.held[0]) | {"latest": "1"}]}),
        (Comparison, {"partitions": [{"difference": {"fault": "no such"}}]}),
        (TailRecords, {"messages": [{"value": "%%"}]}),
    ],
)
def test_what_is_none_of_ours_is_told(kind: type, value: Any) -> None:
    with pytest.raises(UnreachableError, match=f"not a {kind.__name__}"):
        from_json(kind, value)


@pytest.mark.parametrize("value", ["%%", "YQ", "YQ==\n", 5, ["a"]])
def test_bytes_that_are_no_base64_are_told(value: Any) -> None:
    sent = to_json(TopicRecord(partition=0, offset=0, time=0, key=b"a", value=None))
    assert sent["key"] == "YQ=="
    with pytest.raises(UnreachableError, match="not a TopicRecord"):
        from_json(TopicRecord, sent | {"key": value})
