"""A command as a Job in the cluster: its objects, what it says, and how it ends."""

from __future__ import annotations

import dataclasses
import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.errors import TransientError, UnreachableError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.topics import job
from kanister_kafka.topics.client import ClientAccess
from kanister_kafka.topics.compare.workers import INDEX, collect_job_results, merge_comparisons
from kanister_kafka.topics.job import (
    COMPARED,
    KINDS,
    ProgressMessage,
    ResultMessage,
    TopicJob,
    from_json,
    job_config,
    job_manifest,
    message_line,
    read_message,
    to_json,
)
from kanister_kafka.topics.model import (
    Comparison,
    PartitionSize,
    TailRecords,
    TopicRecord,
    TopicSizes,
)
from tests.fakes.cluster import serving
from tests.fakes.fake_time import FakeTime

A = ClientAccess("kafka/a", {"bootstrap.servers": "a:9092", "sasl.password": "hush"})
WORK = TopicJob(
    name="kanister-kafka-topics-1",
    namespace="kafka",
    image="example/kanister-kafka:1",
    arguments=("topics", "total", "--wire", "blogs"),
    accesses=(A,),
)
TOTALS = TopicSizes(
    cluster="kafka/a",
    held=(PartitionSize(topic="blogs", partition=0, earliest=0, latest=7, newest=1700000000000),),
)
EMPTY = Comparison(
    a="a:9092/blogs", b="b:9092/m.blogs", partitions=(), timed=True, compacted=False, even_within=0
)


@pytest.fixture
def cluster(configure):
    with serving(FakeTime()) as cluster:
        configure(cluster.url)
        yield cluster


def play(cluster, lines, *, status=None):
    """Play the Job controller and the kubelet."""

    def on_create(made):
        if made["kind"] != "Job":
            return
        cluster.logs["pod-1"] = lines
        cluster.add(
            "pods",
            "kafka",
            "pod-1",
            labels={"job-name": made["metadata"]["name"]},
            status=status or {"phase": "Running"},
        )

    cluster.on_create.append(on_create)


def test_credentials_are_only_in_a_secret() -> None:
    assert "hush" not in str(job_manifest(WORK, secret=True, suspended=True))
    made = job_config(WORK, secret=True, owner={"metadata": {"uid": "u1"}})
    assert "hush" in made["stringData"]["a.properties"]
    assert made["metadata"]["ownerReferences"][0]["uid"] == "u1"
    assert "hush" not in repr(WORK)


def test_the_pod_is_restricted_and_has_no_account() -> None:
    pod = job_manifest(WORK, secret=True, suspended=True)["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    (container,) = pod["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_split_job_is_indexed() -> None:
    spec = job_manifest(dataclasses.replace(WORK, parts=3), secret=False, suspended=False)["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 3, 3)
    assert "suspend" not in spec


@pytest.mark.parametrize(
    "value", [ProgressMessage(3, 9), TOTALS, EMPTY], ids=["progress", "total", "whole"]
)
def test_a_line_comes_back_as_what_it_was(value: object) -> None:
    found = read_message(message_line(value))
    assert found == (value if isinstance(value, ProgressMessage) else ResultMessage(value))


@pytest.mark.parametrize("text", ["hello", "{", '{"a": 1, "b": 2}', '{"unknown": 1}', "[1]"])
def test_other_lines_are_returned_as_text(text: str) -> None:
    assert read_message(text) == text


def test_run_brings_the_result_and_leaves_nothing(cluster) -> None:
    play(cluster, ["noise", message_line(ProgressMessage(1, 2)), message_line(TOTALS)])
    said = list(job.run_job(KubeClient(), WORK, clock=cluster.time.clock))
    assert said == [ProgressMessage(1, 2), ResultMessage(TOTALS)]
    verbs = [(verb, plural) for verb, plural, *_ in cluster.writes]
    assert verbs == [("POST", "jobs"), ("POST", "secrets"), ("PATCH", "jobs"), ("DELETE", "jobs")]


def test_a_pod_that_prints_nothing_for_long_is_followed_again(cluster, monkeypatch) -> None:
    play(cluster, ["noise", message_line(ProgressMessage(1, 2)), message_line(TOTALS)])
    log, silences = KubeClient.log, [1, 2]

    def follow(self, pod, namespace):
        lines = log(self, pod, namespace)
        if not silences:
            yield from lines
            return
        yield from itertools.islice(lines, silences.pop())
        raise TransientError("Read timed out.")

    monkeypatch.setattr(KubeClient, "log", follow)
    said = list(job.run_job(KubeClient(), WORK, clock=cluster.time.clock))
    assert said == [ProgressMessage(1, 2), ResultMessage(TOTALS)]


def test_a_pod_that_cannot_be_asked_any_more_is_an_error(cluster, monkeypatch) -> None:
    play(cluster, [])

    def fail(*_words, **_options):
        raise TransientError("Read timed out.")

    monkeypatch.setattr(KubeClient, "log", fail)
    monkeypatch.setattr(KubeClient, "get", fail)
    with pytest.raises(TransientError, match="Read timed out"):
        list(job.run_job(KubeClient(), WORK, clock=cluster.time.clock))
    assert cluster.writes[-1][:2] == ("DELETE", "jobs")


def test_a_job_without_a_result_is_an_error_with_its_last_line(cluster) -> None:
    play(cluster, ["error: a:9092: cannot list topics"], status={"phase": "Failed"})
    with pytest.raises(UnreachableError, match="no result: error: a:9092: cannot list topics"):
        list(job.run_job(KubeClient(), WORK, clock=cluster.time.clock))
    assert cluster.writes[-1][:2] == ("DELETE", "jobs")


def test_an_image_that_cannot_be_had_is_reported_and_the_job_removed(cluster) -> None:
    waiting = {"reason": "ErrImageNeverPull", "message": "no such image"}
    status = {"phase": "Pending", "containerStatuses": [{"state": {"waiting": waiting}}]}
    play(cluster, [], status=status)
    with pytest.raises(UnreachableError, match="ErrImageNeverPull: no such image"):
        list(job.run_job(KubeClient(), WORK, clock=cluster.time.clock))
    assert cluster.writes[-1][:2] == ("DELETE", "jobs")


def parts_of(cluster, *, there=(0, 1), condition="Complete"):
    cluster.add(
        "jobs",
        "kafka",
        "split",
        annotations={COMPARED: "kafka/a/blogs kafka/b/"},
        spec={"completions": 2},
        status={
            "succeeded": len(there),
            "conditions": [{"type": condition, "status": "True", "reason": "R", "message": "M"}],
        },
    )
    for index in there:
        cluster.logs[f"split-{index}"] = [
            message_line(dataclasses.replace(EMPTY, messages=10 + index))
        ]
        cluster.add(
            "pods",
            "kafka",
            f"split-{index}",
            labels={"job-name": "split"},
            annotations={INDEX: str(index)},
            status={"phase": "Succeeded"},
        )


def test_parts_are_merged(cluster) -> None:
    parts_of(cluster)
    seen = []
    found = collect_job_results(KubeClient(), "split", "kafka", lambda *at: seen.append(at))
    assert (found.a, found.b, found.messages) == ("kafka/a/blogs", "kafka/b/m.blogs", 21)
    assert seen == [(2, 2)]


def test_the_end_of_a_job_is_waited_for_through_an_outage(cluster) -> None:
    parts_of(cluster, condition="Suspended")
    ended = {"succeeded": 2, "conditions": [{"type": "Complete", "status": "True"}]}
    steps = [
        (5, lambda: cluster.refusals.append(("", "", 503))),
        (20, cluster.refusals.clear),
        (30, lambda: cluster.change("jobs", "kafka", "split", {"status": ended})),
    ]
    for seconds, step in steps:
        cluster.time.after(seconds, step)
    began = cluster.time.now
    seen = []
    found = collect_job_results(
        KubeClient(),
        "split",
        "kafka",
        lambda *at: seen.append(at),
        clock=cluster.time.clock,
    )
    assert found.messages == 21
    assert 30 <= cluster.time.now - began <= 31
    assert set(cluster.time.slept) == {1.0}
    assert len(seen) == 16  # none while the API server was away


def test_a_part_that_is_gone_is_not_a_result(cluster) -> None:
    parts_of(cluster, there=(1,))
    with pytest.raises(UnreachableError, match="1 of 2 parts exist"):
        collect_job_results(KubeClient(), "split", "kafka", lambda *_: None)


def test_a_job_that_failed_is_not_a_result(cluster) -> None:
    parts_of(cluster, condition="Failed")
    with pytest.raises(UnreachableError, match="failed: R: M"):
        collect_job_results(KubeClient(), "split", "kafka", lambda *_: None)


def test_missing_partitions_of_all_parts_are_kept() -> None:
    parts = [
        dataclasses.replace(EMPTY, missing_in_a=(number,), missing_in_b=(number + 1,))
        for number in (3, 1)
    ]
    whole = merge_comparisons(parts, "a", "b")
    assert (whole.missing_in_a, whole.missing_in_b) == ((1, 3), (2, 4))
    assert whole.missing == (1, 2, 3, 4)


SIZES = TopicSizes(
    cluster="a", held=(PartitionSize(topic="t", partition=0, earliest=0, latest=1, newest=5),)
)


st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=8, derandomize=True)
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
        (TopicSizes, to_json(SIZES) | {"held": [to_json(SIZES.held[0]) | {"latest": "1"}]}),
        (Comparison, {"partitions": [{"difference": {"fault": "no such"}}]}),
        (TailRecords, {"messages": [{"value": "%%"}]}),
    ],
)
def test_json_of_another_kind_is_an_error(kind: type, value: Any) -> None:
    with pytest.raises(UnreachableError, match=f"not a {kind.__name__}"):
        from_json(kind, value)


@pytest.mark.parametrize("value", ["%%", "YQ", "YQ==\n", 5, ["a"]])
def test_bytes_that_are_not_base64_are_reported(value: Any) -> None:
    sent = to_json(TopicRecord(partition=0, offset=0, time=0, key=b"a", value=None))
    assert sent["key"] == "YQ=="
    with pytest.raises(UnreachableError, match="not a TopicRecord"):
        from_json(TopicRecord, sent | {"key": value})
