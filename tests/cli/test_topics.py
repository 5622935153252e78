"""The commands of `topics`, on the mock cluster inside librdkafka and on a small API server."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from kanister_kafka.cli import main
from kanister_kafka.cli.commands.topics.count import draw_rates
from kanister_kafka.topics.job import message_line
from kanister_kafka.topics.model import PartitionRate, TopicRates
from tests.cli.test_run import Screen, Terminal
from tests.fakes.cluster import serving
from tests.fakes.fake_time import FakeTime
from tests.fakes.mock_cluster import MANY, Brokers, everywhere
from tests.topics.test_job import TOTALS

KAFKA = {
    "spec": {"kafka": {"listeners": [{"name": "plain", "type": "internal", "tls": False}]}},
    "status": {"listeners": [{"name": "plain", "bootstrapServers": "a.kafka.svc:9092"}]},
}


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["topics", *words], catch_exceptions=False)


def test_total_last_and_rate_as_text_and_json(brokers: Brokers, name: str) -> None:
    brokers.write(name, everywhere(MANY[:7]))
    at = ("--bootstrap-server", brokers.address)
    assert re.search(r"all +28 ", run("count", *at, name).stdout)
    found = json.loads(run("count", *at, name, "-o", "json").stdout)
    assert [one["latest"] for one in found["partitions"]] == [7] * 4
    newest = json.loads(run("last", *at, name, "-n", "2", "-p", "1", "-o", "json").stdout)
    assert [record["offset"] for record in newest["records"]] == [5, 6]
    before = run("last", *at, name, "-n", "2", "-p", "1", "--page", "2", "-o", "json")
    assert [record["offset"] for record in json.loads(before.stdout)["records"]] == [3, 4]
    rates = json.loads(run("rate", *at, name, "--for", "0s", "-o", "json").stdout)
    assert {one["topic"] for one in rates["partitions"]} == {name}


def test_compare_exits_by_its_verdict(
    brokers: Brokers,
    name: str,
    tmp_path: Path,
) -> None:
    brokers.write(f"{name}-a", everywhere(MANY))
    brokers.write(f"{name}-b", everywhere(MANY))
    brokers.write(f"{name}-c", everywhere([*MANY[:100], *MANY[101:]]))
    at = ("--bootstrap-server", brokers.address, "--not-compacted")
    page = tmp_path / "page.html"
    same = run("compare", *at, f"{name}-a", f"{name}-b", "--html", str(page))
    assert same.exit_code == 0
    assert same.stdout.startswith("identical")
    split = run("compare", *at, f"{name}-a", f"{name}-b", "-j", "2")
    assert split.stdout.startswith("identical")
    none = run("compare", *at, f"{name}-a", f"{name}-b", "--split", "5/6")
    assert (none.exit_code, none.stdout) == (2, "")
    assert "no partition was compared" in none.stderr
    assert "<script" not in page.read_text()
    other = run("compare", *at, f"{name}-a", f"{name}-c", "-o", "json")
    assert other.exit_code == 1
    assert json.loads(other.stdout)["verdict"] == "differing"
    compacted = ("--bootstrap-server", brokers.address, "--compacted", "--last", "5")
    unfit = run("compare", *compacted, f"{name}-a", f"{name}-b")
    assert unfit.exit_code == 2
    assert "known only after all records are read" in unfit.stderr


def test_a_mirror_is_found_by_its_prefix(brokers: Brokers, name: str) -> None:
    brokers.write(name, everywhere(MANY[:50]))
    brokers.write(f"src.{name}", everywhere(MANY[:50]))
    found = run("compare", f"{brokers.address}/{name}", f"{brokers.address}/", "--not-compacted")
    assert f"{brokers.address}/{name}\n" in found.stdout
    lone = run("compare", f"{brokers.address}/src.{name}", f"{brokers.address}/", "--not-compacted")
    assert lone.stdout.startswith("identical")


@pytest.mark.parametrize(
    ("words", "exits", "told"),
    [
        (("count", "blogs"), 2, "name the cluster: --bootstrap-server"),
        (("compare", "h:1/a", "h:1/b", "--last", "1", "--sample", "5%"), 2, "exclude each other"),
        (("compare", "h:1/a", "h:1/b", "--sample", "5"), 2, "not a share such as 5%"),
        (("compare", "h:1/a", "h:1/b", "--since", "noon"), 2, "not a time such as"),
        (("compare", "h:1/a", "h:1/b", "--html", "nowhere/x.html"), 2, "no such directory"),
        (("compare", "h:1/a", "h:1/b", "-j", "2", "--in-cluster"), 2, "--print-job splits it"),
        (("compare", "a/b", "h:1/b"), 1, "is not one of TOPIC"),
        (("count", "--bootstrap-server", "h:1", "--in-cluster", "t"), 2, "needs --image"),
        (("last", "-n", "a", "-n", "b", "t"), 2, "one namespace, not a and b"),
    ],
)
def test_one_clear_line(words: tuple[str, ...], exits: int, told: str) -> None:
    result = run(*words)
    assert result.exit_code == exits
    assert told in result.stderr
    assert "Traceback" not in result.output


def test_unknown_topic_names_what_is_there(brokers: Brokers, name: str) -> None:
    brokers.write(name, everywhere(MANY[:1]))
    result = run("count", "--bootstrap-server", brokers.address, "nope")
    assert result.exit_code == 2
    assert f"no topic nope; it has {name[:5]}" in result.stderr or name in result.stderr


@pytest.fixture
def cluster(configure):
    with serving(FakeTime()) as cluster:
        configure(cluster.url)
        cluster.add("kafkas", "kafka", "a", **KAFKA)
        yield cluster


def test_a_job_in_the_cluster_prints_the_same(cluster) -> None:
    def play(made):
        if made["kind"] == "Job":
            (container,) = made["spec"]["template"]["spec"]["containers"]
            cluster.args = container["args"]
            cluster.logs["pod"] = [message_line(TOTALS)]
            labels = {"job-name": made["metadata"]["name"]}
            cluster.add("pods", "kafka", "pod", labels=labels, status={"phase": "Running"})

    cluster.on_create.append(play)
    words = ("--kafka", "a", "-n", "kafka", "--in-cluster", "--image", "i:1", "blogs")
    result = run("count", *words, "-o", "json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert (found["cluster"], found["records"]) == ("kafka/a", 7)
    assert cluster.args == [
        *("topics", "count", "--wire", "--command-config", "/config/a.properties"),
        *("--", "blogs"),
    ]


def test_as_job_prints_what_kubectl_applies(cluster) -> None:
    cluster.add("kafkas", "mirror", "b", **KAFKA)
    result = run(
        *("compare", "kafka/a/blogs", "mirror/b/", "--print-job", "3", "--image", "i:1"),
        *("--last", "5"),
    )
    assert result.exit_code == 0, result.output
    config, job = yaml.safe_load_all(result.stdout)
    assert config["kind"] == "ConfigMap"
    assert sorted(config["data"]) == ["a.properties", "b.properties"]
    assert job["spec"]["completions"] == 3
    args = job["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args[-3:] == ["--", "a.kafka.svc:9092/blogs", "a.kafka.svc:9092/"]
    assert args[args.index("--split") + 1] == "$(JOB_COMPLETION_INDEX)/3"
    assert args[args.index("--last") + 1] == "5"
    assert cluster.writes == []


@pytest.mark.usefixtures("cluster")
def test_credentials_are_not_printed(tmp_path: Path) -> None:
    secret = tmp_path / "client.properties"
    secret.write_text(
        "security.protocol=SASL_PLAINTEXT\nsasl.mechanism=PLAIN\n"
        "sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required "
        'username="u" password="hush";\n'
    )
    words = ("compare", "kafka/a/x", "kafka/a/y", "--print-job", "2", "--image", "i:1")
    result = run(*words, "--command-config", str(secret))
    assert result.exit_code == 2
    assert "--config-secret" in result.stderr
    assert "hush" not in result.output
    named = run(*words, "--command-config", str(secret), "--config-secret", "mine")
    assert named.exit_code == 0
    assert "hush" not in named.output
    (job,) = yaml.safe_load_all(named.stdout)
    (volume,) = job["spec"]["template"]["spec"]["volumes"]
    assert volume["secret"] == {"secretName": "mine"}


def test_rates_are_drawn_in_place(monkeypatch) -> None:
    stream = Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("COLUMNS", "80")
    flow = PartitionRate(topic="blogs", partition=0, messages=10, per_second=10.0)
    measured = TopicRates(cluster="kafka/a", seconds=1.0, flows=(flow,))
    draw_rates(iter((measured, dataclasses.replace(measured, seconds=2.0))))
    rows = Screen().feed(stream.text).text()
    assert sum("blogs" in row for row in rows) == 1
    assert "2.0s" in rows[0]
