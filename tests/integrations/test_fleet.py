"""Many clusters in one run: which, with which options, and nothing that one alone would not get."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import shutil
import tracemalloc
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import cast

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka import Options, build_plan, load, loads, read_cluster, render
from kanister_kafka.backup.option_schema import READING, option_fields
from kanister_kafka.backup.options import SnapshotProvider, Strategy
from kanister_kafka.cli import main
from kanister_kafka.cli.fleet_output import INDEX
from kanister_kafka.diagnostics import Location
from kanister_kafka.errors import InputError, UnreachableError
from kanister_kafka.integrations.fleet import (
    Fleet,
    FleetEntry,
    RenderResult,
    group_clusters,
    parse_selector,
    read_fleet,
    render_fleet,
)
from kanister_kafka.integrations.fleet.file import TOP, WHICH, RenderTask, fleet_schema
from kanister_kafka.integrations.fleet.grouping import ObjectSpool, deserialize
from kanister_kafka.yamldoc import Document, document_from_dict
from tests import fleet_inputs as fleets
from tests.backup.test_properties import clusters, documents
from tests.conftest import ROOT

HEAD = "apiVersion: kanister-kafka.io/v1alpha1\nkind: KafkaFleet\n"
EVERY = FleetEntry(location=Location("<input>"), path="")


def fleet(*words: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["fleet", *words], input=stdin, catch_exceptions=False)


def written(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*.*ml")}


def outcomes(text: str, fleet: Fleet | None = None) -> list[RenderResult]:
    with ObjectSpool() as spool:
        found = group_clusters(
            fleet or Fleet(rules=(EVERY,)), loads(text, "all.yaml").documents, spool
        )
        return list(render_fleet(found.tasks))


# Selectors

LABELS = {"app": "kafka", "tier": "prod", "example.com/team": "data", "empty": ""}
SELECTORS = [
    ("", True),
    ("app=kafka", True),
    ("app==kafka", True),
    ("app = kafka , tier=prod", True),
    ("app=other", False),
    ("app!=other", True),
    ("none!=x", True),
    ("none=", False),
    ("empty=", True),
    ("app", True),
    ("none", False),
    ("!none", True),
    ("! app", False),
    ("tier in (prod, stage)", True),
    ("tier in (stage),app", False),
    ("tier notin (stage,test)", True),
    ("none notin (a)", True),
    ("tier notin (prod)", False),
    ("example.com/team=data", True),
    ("empty in (,x)", True),
    ("tier in ()", False),
]


@pytest.mark.parametrize(("text", "fits"), SELECTORS)
def test_selector(text: str, fits: bool) -> None:  # noqa: FBT001
    selector = parse_selector(text)
    assert selector is not None
    assert selector.fits(LABELS) is fits


@pytest.mark.parametrize(
    "text",
    [
        *("a=b,", ",a", "a in b", "a in (b", "a=(b)", "a b", "!a=b=c", "-a", "a=$(b)", "a>1"),
        *("a" * 64, f"a={'b' * 64}", f"a in (b,{'b' * 64})", "a..b/x=c", "-a/x", "!a..b/x"),
    ],
)
def test_what_is_not_a_selector(text: str) -> None:
    assert parse_selector(text) is None
    assert fleet("plan", "-f", "x", "-l", text).exit_code == 2


# The fleet file


def of_file(text: str, source: str = "<text>") -> Fleet:
    (document,) = loads(HEAD + text, source).documents
    return read_fleet(document)


def test_defaults_and_overrides_of_a_file() -> None:
    found = of_file(
        "defaults: {engine: kanister, labels: {a: b}, strimziVersion: '0.45', namespace: ns}\n"
        "selector: app=kafka\n"
        "paths: [.]\n"
        "clusters:\n"
        "- {cluster: kafka/a, engine: kasten, labels: {c: d}}\n"
        "- {selector: tier=prod, namespace: prod, strimziVersion: '0.40'}\n"
        "- {paths: ['.']}\n"
    )
    first, second, third = found.rules
    assert first.options == Options(labels=(("a", "b"), ("c", "d")))
    assert (first.cluster, first.namespace, first.strimzi_version) == ("kafka/a", "", (0, 45))
    assert second.options == Options(engine=SnapshotProvider.KANISTER, labels=(("a", "b"),))
    assert (second.namespace, second.strimzi_version) == ("prod", (0, 40))
    assert (third.paths, third.namespace) == ((".",), "ns")
    assert (found.paths, found.namespace, found.selector) == (
        (".",),
        "ns",
        parse_selector("app=kafka"),
    )


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "kafka.yaml").touch()
    found = of_file("paths: [kafka.yaml]", str(tmp_path / "fleet.yaml"))
    assert found.paths == (str(tmp_path / "kafka.yaml"),)


def test_a_file_without_clusters_is_about_all(tmp_path: Path) -> None:
    (rule,) = of_file("defaults: {strategy: hot}", str(tmp_path / "fleet.yaml")).rules
    assert rule.options == Options(strategy=Strategy.HOT)
    assert rule.path == ""


WRONG = [
    ("cluster: []", "3:1: error: cluster: unknown field; did you mean", "unknown-field"),
    ("clusters: [{quiesceby: pause}]", 'clusters[0].quiesceby: unknown field; did you mean "q'),
    ("clusters: {}", "3:11: error: clusters: Invalid value: an object: must be a list"),
    ("clusters: [{selector: 'a in b'}]", "3:23: error: clusters[0].selector: Invalid value"),
    ("clusters: [{strimziVersion: new}]", "clusters[0].strimziVersion: Invalid value"),
    ("clusters: [{namespace: a.b}]", "clusters[0].namespace: Invalid value"),
    ("clusters: [{paths: ['-']}]", "3:21: error: clusters[0].paths[0]: Invalid value"),
    ("clusters: [{engine: kanister, strategy: hot}]", "3:21: error: clusters[0].engine"),
    ("defaults: {snapshotClass: csi}\nclusters: [{}]", "3:27: error: defaults.snapshotClass"),
    ("defaults: {restartAfter: 1}", "3:26: error: defaults.restartAfter: Invalid value: 1: must"),
]


@pytest.mark.parametrize(("text", "told"), [case[:2] for case in WRONG])
def test_what_is_wrong_with_a_file(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        of_file(text)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *(text for text, *_ in WRONG[:3]),
        *(text for text, *_ in (WRONG[4], WRONG[9])),
        "defaults: {paths: [a]}",
        "clusters: [{paths: ['']}]",
        "kind: Kafka",
    ],
)
def test_the_schema_refuses_what_is_wrong(text: str) -> None:
    config = yaml.safe_load(HEAD) | yaml.safe_load(text)
    assert not jsonschema.Draft7Validator(fleet_schema()).is_valid(config)


def test_the_schema_takes_fleets(tmp_path: Path) -> None:
    jsonschema.Draft7Validator.check_schema(fleet_schema())
    pages = re.findall("```yaml\n(.*?)```", (ROOT / "docs" / "fleets.md").read_text(), re.DOTALL)
    known = [page for page in pages if "kind: KafkaFleet" in page]
    assert known
    for text in (*known, fleets.write_fleet(tmp_path, 11).read_text()):
        jsonschema.validate(yaml.safe_load(text), fleet_schema())


def test_the_schema_has_the_fields_of_the_file() -> None:
    assert set(fleet_schema()["properties"]) == set(TOP)
    fields = {setting.name for setting in option_fields()}
    assert set(fleet_schema()["properties"]["defaults"]["properties"]) == {*fields, *READING}
    entries = fleet_schema()["properties"]["clusters"]["items"]
    assert set(entries["properties"]) == {*fields, *READING, *WHICH}


def test_the_command_prints_the_schema() -> None:
    printed = json.loads(CliRunner().invoke(main, ["schema", "--kind", "KafkaFleet"]).stdout)
    entry = printed["properties"]["clusters"]["items"]["properties"]
    assert all(field.get("description") for field in entry.values())


def test_a_default_that_an_override_makes_right_is_right() -> None:
    found = of_file("defaults: {snapshotClass: csi}\nclusters: [{engine: kanister}]")
    assert found.rules[0].options.snapshot_class == "csi"


def test_a_default_that_an_entry_makes_wrong_names_the_entry(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(
        "apiVersion: kanister-kafka.io/v1alpha1\nkind: KafkaFleet\n"
        "defaults:\n  engine: kanister\n  labels: {a: b}\nclusters:\n"
        "- {cluster: kafka/a}\n- {cluster: kafka/b, strategy: hot, labels: {c: d}}\n"
        "- {strategy: online}\n- {strategy: hot}\n"
    )
    result = fleet("plan", str(file), "-f", "-", stdin=THREE)
    assert result.exit_code == 1
    text = 'fleet.yaml:4:11: error: defaults.engine: Invalid value: "kanister": needs '
    text += (
        "--group-snapshot-class with --strategy hot: without a group, volumes are copied one after "
    )
    text += (
        "the other while brokers write (for clusters[{}] at line {}, with strategy: hot) (option)"
    )
    lines = result.stderr.splitlines()
    assert [line.rpartition("/")[2] for line in lines] == [text.format(1, 8), text.format(3, 10)]


def test_another_version_of_the_file() -> None:
    (document,) = loads(HEAD.replace("v1alpha1", "v9")).documents
    with pytest.raises(InputError, match="unsupported-version"):
        read_fleet(document)


def test_a_path_that_is_not_there_ends_it_before_anything_is_rendered() -> None:
    with pytest.raises(UnreachableError, match=r"clusters\[0\].paths\[0\]: none: no such file"):
        of_file("clusters: [{paths: [none]}]")


# One like the other


@settings(max_examples=25)
@given(st.lists(clusters(), min_size=1, max_size=4, unique_by=lambda c: c[0]), st.randoms())
def test_a_fleet_is_what_each_is_alone(
    drawn: list[tuple[str, list[dict]]], random: st.Random
) -> None:
    everything = [one for _name, objects in drawn for one in objects]
    distinct = {(o["kind"], o["metadata"]["namespace"], o["metadata"]["name"]) for o in everything}
    if len(distinct) < len(everything):
        return  # a writer that is defined twice is an error
    random.shuffle(everything)
    text = documents(everything)
    together = {str(o.key): o for o in outcomes(text)}
    assert sorted(together) == sorted(name for name, _objects in drawn)
    for name, outcome in together.items():
        reading = read_cluster(loads(text, "all.yaml").documents, cluster=name)
        if reading.cluster is None:
            assert outcome.row is None
        else:
            assert outcome.manifests == render(build_plan(reading.cluster, Options()))


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_files_are_those_of_render(
    tmp_path: Path, jobs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fleets.write_fleet(tmp_path, 9)
    assert fleet("render", "fleet.yaml", "-o", "all", "-j", jobs).exit_code == 0
    found = written(tmp_path / "all")
    alone = []
    for number in range(9):
        options = ["--kasten", "policy", "--label", "team=data"]
        options += [] if number % 10 else ["--restart-after", "3h"]
        words = ["render", "-f", f"clusters/{number:05}", *options, "-o", f"one/{number}"]
        assert CliRunner().invoke(main, words).exit_code == 0
        alone += [(p.name, p.read_text()) for p in (tmp_path / "one" / str(number)).iterdir()]
        folders = {path.partition("/")[0] for path in found}
    assert sorted((path.rpartition("/")[2], text) for path, text in found.items()) == sorted(alone)
    assert len(folders) == 9


def test_a_namespace_has_its_scripts_once_in_a_stream(tmp_path: Path) -> None:
    """A directory each has all that it needs to be applied alone."""
    two = [kafka("one"), kafka("two"), kafka("three", "elsewhere")]
    path = tmp_path / "all.yaml"
    path.write_text(stream(*two))
    done = fleet("render", "-f", str(path))
    assert done.exit_code == 0, done.stderr
    found = [one["metadata"] for one in yaml.safe_load_all(done.stdout)]
    scripts = [one for one in found if "-scripts-" in one["name"]]
    assert [one["namespace"] for one in scripts] == ["elsewhere", "kafka"]
    own = fleet("render", "-f", str(path), "--scripts", "own").stdout
    names = re.findall(r"(?m)^  name: (\S+)-kanister-kafka-scripts-", own)
    assert sorted(names) == ["one", "three", "two"]
    assert fleet("render", "-f", str(path), "-o", str(tmp_path / "all")).exit_code == 0
    folders = {str(p.parent.name) for p in (tmp_path / "all").rglob("configmap-*-scripts-*.yaml")}
    assert folders == {"kafka.one", "kafka.two", "elsewhere.three"}


def test_what_the_input_has_no_more_is_removed_from_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fleets.write_fleet(tmp_path, 4)
    made = ("render", "fleet.yaml", "-o", "all")

    def folders() -> set[str]:
        return {path.name for path in (tmp_path / "all").iterdir() if path.is_dir()}

    assert fleet(*made, "--check").exit_code == 1
    assert not (tmp_path / "all").exists()
    assert fleet(*made).exit_code == 0
    assert fleet(*made, "--check").exit_code == 0
    whole = folders()
    assert len(whole) == 4
    # Another input may go into the same directory; a file of somebody else stays.
    (other,) = tmp_path.glob("clusters/00001")
    assert fleet("render", "-f", str(other), "-o", "all").exit_code == 0
    (tmp_path / "all" / sorted(whole)[2] / "notes.yaml").write_text("kind: Kafka\n")
    shutil.rmtree(tmp_path / "clusters")
    fleets.write_fleet(tmp_path, 1)
    done = fleet(*made, "--check")
    assert done.exit_code == 1
    assert "removes" in done.stderr.splitlines()[-1]
    assert folders() == whole
    done = fleet(*made)
    assert done.exit_code == 0
    assert "removed all/" in done.stderr
    assert len(folders()) == 3  # that of the other input, and the one with a file of somebody
    assert [path.name for path in (tmp_path / "all" / sorted(whole)[2]).iterdir()] == ["notes.yaml"]
    assert fleet(*made, "--check").exit_code == 0


def test_quiet_and_color_are_allowed_with_a_fleet_file(tmp_path: Path) -> None:
    path = fleets.write_fleet(tmp_path, 1)
    done = fleet("plan", str(path), "-q", "--color", "never")
    assert done.exit_code == 0, done.stderr
    refused = fleet("plan", str(path), "--kubeconfig", "x")
    assert (refused.exit_code, "--kubeconfig is for --from-cluster" in refused.stderr) == (2, True)


def render_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Render a fleet of this many clusters into the directory `all` of the current one."""
    monkeypatch.chdir(tmp_path)
    fleets.write_fleet(tmp_path, count)
    assert fleet("render", "fleet.yaml", "-o", "all").exit_code == 0


def test_a_cluster_that_cannot_be_read_is_not_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render_all(tmp_path, monkeypatch, 3)
    before = written(tmp_path / "all")
    for path in (tmp_path / "clusters" / "00001").iterdir():
        path.write_text("kind: [\n")
    assert fleet("render", "fleet.yaml", "-o", "all").exit_code == 1
    assert written(tmp_path / "all") == before
    shutil.rmtree(tmp_path / "clusters")
    fleets.write_fleet(tmp_path, 2)
    assert fleet("render", "fleet.yaml", "-o", "all").exit_code == 0
    assert len(written(tmp_path / "all")) < len(before)


def test_a_cluster_behind_a_broken_link_is_not_gone(tmp_path: Path) -> None:
    text = (ROOT / "examples" / "kraft-combined" / "kafka.yaml").read_text()
    (tmp_path / "in").mkdir()
    for name in ("my-cluster", "other"):
        (tmp_path / "in" / f"{name}.yaml").write_text(text.replace("my-cluster", name))
    words = ("render", "-f", str(tmp_path / "in"), "-o", str(tmp_path / "all"))
    assert fleet(*words).exit_code == 0
    before = written(tmp_path / "all")
    (tmp_path / "in" / "other.yaml").unlink()
    (tmp_path / "in" / "other.yaml").symlink_to("../not-checked-out/other.yaml")
    assert fleet(*words).exit_code == 2
    assert written(tmp_path / "all") == before


def test_an_altered_index_removes_nothing_outside_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    fleets.write_fleet(tmp_path, 2)
    assert fleet("render", "fleet.yaml", "-o", "elsewhere").exit_code == 0
    before = written(tmp_path / "elsewhere")
    (tmp_path / "all").mkdir()
    names = {f"../{path.relative_to(tmp_path)}": "kasten-io/x" for path in tmp_path.glob("e*/*")}
    (tmp_path / "all" / INDEX).write_text(json.dumps({"fleet.yaml": names}))
    assert fleet("render", "fleet.yaml", "-o", "all").exit_code == 2
    assert written(tmp_path / "elsewhere") == before


DAMAGE = {
    "empty": (b"", "all/.kanister_kafka_fleet:1:1: "),
    "cut": (b'{\n "a": {"x"', "all/.kanister_kafka_fleet:2:11: "),
    "merge": (b"<<<<<<< HEAD\n{}\n", "all/.kanister_kafka_fleet:1:1: "),
    "bytes": (b'{"a": "\xff"}', "all/.kanister_kafka_fleet: "),
    "list": (b"[1]", "all/.kanister_kafka_fleet: "),
    "number": (b'{"fleet.yaml": 5}', "all/.kanister_kafka_fleet: fleet.yaml: "),
    "blueprint": (b'{"a": {"x": 5}}', "all/.kanister_kafka_fleet: a: x: "),
    "path": (b'{"a": {"../x": "k/b"}}', "all/.kanister_kafka_fleet: a: ../x: "),
    "twice": (b'{"a": {"x": "k/b"}, "a": {}}', "all/.kanister_kafka_fleet: a: "),
}
"""Content of an index, and the place that the error names."""


@pytest.mark.parametrize("words", [(), ("--check",)], ids=["render", "check"])
@pytest.mark.parametrize(("content", "place"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_index_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, place: str, words
) -> None:
    """It has the directories of other inputs too, whose entries would be lost."""
    render_all(tmp_path, monkeypatch, 2)
    shutil.rmtree(tmp_path / "clusters")
    fleets.write_fleet(tmp_path, 1)
    (tmp_path / "all" / INDEX).write_bytes(content)
    before = written(tmp_path / "all")
    done = fleet("render", "fleet.yaml", "-o", "all", *words)
    assert done.exit_code == 2
    assert f"error: {place}" in done.stderr
    assert "delete the file" in done.stderr
    assert written(tmp_path / "all") == before
    assert (tmp_path / "all" / INDEX).read_bytes() == content


def test_an_index_that_is_a_link_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render_all(tmp_path, monkeypatch, 1)
    index = tmp_path / "all" / INDEX
    index.rename(tmp_path / "index")
    index.symlink_to(tmp_path / "index")
    done = fleet("render", "fleet.yaml", "-o", "all")
    assert done.exit_code == 2
    assert "is a symbolic link" in done.stderr
    assert index.is_symlink()


def test_a_run_after_a_damaged_index_was_deleted_keeps_other_directories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    render_all(tmp_path, monkeypatch, 2)
    before = written(tmp_path / "all")
    (tmp_path / "all" / INDEX).unlink()
    shutil.rmtree(tmp_path / "clusters")
    fleets.write_fleet(tmp_path, 1)
    assert fleet("render", "fleet.yaml", "-o", "all").exit_code == 0
    assert written(tmp_path / "all").keys() >= before.keys() - {INDEX}


def test_processes_change_neither_order_nor_words(tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    fleets.write_stream(path, 6)
    one, two = (fleet("render", "-f", str(path), "-j", jobs) for jobs in "12")
    assert one.stdout == two.stdout
    assert one.stderr == two.stderr
    assert one.exit_code == two.exit_code == 0
    names = [d["metadata"]["name"] for d in blueprints(one)]
    assert names == sorted(names)
    assert len(names) == 6


def blueprints(result: Result) -> list[dict]:
    found = yaml.safe_load_all(result.stdout)
    return [document for document in found if document["kind"] == "Blueprint"]


@pytest.mark.parametrize("spell", [json.dumps, yaml.safe_dump], ids=["json", "yaml"])
def test_a_list_as_kubectl_prints_it(tmp_path: Path, spell: object) -> None:
    path = tmp_path / "all.yaml"
    fleets.write_stream(path, 4)
    items = [one for one in yaml.safe_load_all(path.read_text()) if one]
    text = spell({"apiVersion": "v1", "items": items, "kind": "List"})
    assert len(blueprints(fleet("render", "-f", "-", stdin=text))) == 4


# Which


def kafka(name: str, namespace: str = "kafka", labels: str = "{}", **more: str) -> str:
    metadata = f"{{name: {name}, namespace: {namespace}, labels: {labels}}}"
    spec = more.get("spec", "{kafka: {version: 3.9.0, replicas: 3, storage: {type: ephemeral}}}")
    spec = spec.replace("ephemeral", "persistent-claim, size: 1Gi")
    spec = spec[:-1] + ", zookeeper: {replicas: 3, storage: {type: persistent-claim, size: 1Gi}}}"
    return (
        f"apiVersion: kafka.strimzi.io/v1beta2\nkind: Kafka\nmetadata: {metadata}\nspec: {spec}\n"
    )


def stream(*texts: str) -> str:
    return "---\n".join(texts)


THREE = stream(
    kafka("a", labels="{tier: prod}"),
    kafka("b", labels="{tier: test}"),
    kafka("c", "other", labels="{tier: prod}"),
)


# Clients that no address places

CONNECT = """\
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaConnect
metadata: {name: %s, namespace: %s}
spec: {bootstrapServers: "%s"}
"""


def alone(text: str, key: str, **told: tuple[str, ...]) -> tuple[list[str], list[str], list[str]]:
    """Return writers, ignored_clients and warnings of `render` for one cluster."""
    reading = read_cluster(loads(text, "all.yaml").documents, cluster=key, **told)
    assert reading.cluster is not None, reading.problems
    found = reading.cluster
    return (
        [f"{w}: {w.reason}" for w in found.writers],
        [f"{b}: {b.reason}" for b in found.ignored_clients if b.namespace == found.namespace],
        [p.message for p in reading.problems if p.rule == "unplaced-writer"],
    )


def together(text: str, fleet: Fleet | None = None) -> dict[str, tuple[list, list, list]]:
    """Return the same of each cluster of a fleet."""
    found = {}
    with ObjectSpool() as spool:
        chosen = fleet or Fleet(rules=(EVERY,))
        for task in group_clusters(chosen, loads(text, "all.yaml").documents, spool).tasks:
            reading = read_cluster(
                [deserialize(raw) for raw in task.objects],
                cluster=str(task.key),
                writers=task.rule.options.writers,
                not_writers=task.rule.options.not_writers,
                others=task.others,
            )
            cluster = reading.cluster
            assert cluster is not None, reading.problems
            found[str(task.key)] = (
                [f"{w}: {w.reason}" for w in cluster.writers],
                [f"{b}: {b.reason}" for b in cluster.ignored_clients if b.namespace == task.key[0]],
                [p.message for p in reading.problems if p.rule == "unplaced-writer"],
            )
    return found


LISTENER = (
    "{kafka: {version: 3.9.0, replicas: 3, storage: {type: ephemeral}, listeners: [{name: in, "
    "port: 9094, type: ingress, configuration: {hostTemplate: '%s-{nodeId}.example.com', "
    "advertisedHostTemplate: all.%s.test}}]}}"
)
MIXED = stream(
    kafka("a", spec=LISTENER % ("a", "a")),
    kafka("b", spec=LISTENER % ("b", "b")),
    kafka("c", "other", spec=LISTENER % ("c", "c")),
    CONNECT % ("by-id", "kafka", "a-7.example.com:443"),
    CONNECT % ("by-service", "kafka", "a-kafka-in-3:9094"),
    CONNECT % ("by-no-id", "edge", "all.a.test:443"),
    CONNECT % ("of-b", "tools", "b-0.example.com:443"),
    CONNECT % ("beside-of-b", "tools", "c-1.example.com:443"),
    CONNECT % ("opaque", "kafka", "kafka.corp.example:9094"),
    CONNECT % ("gone", "away", "c-kafka-gone-bootstrap.other.svc:9094"),
)


def test_a_fleet_knows_the_clients_that_each_alone_would() -> None:
    found = together(MIXED)
    assert sorted(found) == ["kafka/a", "kafka/b", "other/c"]
    for key in ("kafka/a", "kafka/b", "other/c"):
        writers, ignored_clients, warnings = alone(MIXED, key)
        assert found[key][:2] == (writers, ignored_clients)
        assert set(found[key][2]) <= set(warnings)
    assert [len(found[key][0]) for key in sorted(found)] == [3, 1, 1]
    assert [len(found[key][2]) for key in sorted(found)] == [1, 1, 1]
    assert "KafkaConnect/kafka/opaque is not stopped" in found["kafka/a"][2][0]
    assert "KafkaConnect/away/gone is not stopped" in found["other/c"][2][0]


FAR = stream(MIXED, CONNECT % ("far", "away", "kafka.corp.example:9094"))


def unplaced_writers(text: str, fleet: Fleet | None = None) -> list[str]:
    with ObjectSpool() as spool:
        found = group_clusters(
            fleet or Fleet(rules=(EVERY,)), loads(text, "all.yaml").documents, spool
        )
        return [p.message for p in found.problems if p.rule == "unplaced-writer"]


def test_a_client_with_an_unknown_namespace_and_address_is_reported_once() -> None:
    assert unplaced_writers(MIXED) == []
    (said,) = unplaced_writers(FAR)
    assert "kafka.corp.example" in said
    assert "--not-a-writer KafkaConnect/away/far" in said


def test_clients_in_a_fleet_file_are_assigned_to_the_clusters_of_their_entries() -> None:
    rules = of_file(
        "clusters:\n"
        "- {cluster: kafka/a, writers: [KafkaConnect/away/far]}\n"
        "- {notWriters: [KafkaConnect/kafka/opaque, KafkaConnect/tools/of-b]}\n"
    )
    assert unplaced_writers(FAR, rules) == []
    found = together(FAR, rules)
    assert "KafkaConnect away/far: named by --writer" in found["kafka/a"][0]
    assert found["kafka/b"][0] == []
    assert found["kafka/b"][2] == []


def test_a_missing_client_in_a_fleet_file_is_an_error() -> None:
    rules = of_file("clusters: [{cluster: kafka/a, writers: [KafkaConnect/away/fra]}]\n")
    (outcome,) = outcomes(FAR, rules)
    assert outcome.row is None
    assert [p.rule for p in outcome.problems if p.severity.value == "error"] == ["option"]


def names(found: Iterable[RenderResult]) -> list[str]:
    return [str(outcome.key) for outcome in found if outcome.row]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [("tier=prod", ["kafka.a", "other.c"]), ("tier notin (prod)", ["kafka.b"])],
)
def test_label_selector_picks_clusters(selector: str, expected: list[str], tmp_path: Path) -> None:
    result = fleet("render", "-f", "-", "-l", selector, "-o", str(tmp_path), stdin=THREE)
    assert result.exit_code == 0
    assert result.stderr.endswith(f"{len(expected)} rendered\n")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == expected


def test_label_that_none_has_is_reported() -> None:
    result = fleet("render", "-f", "-", "-l", "tier=none", stdin=THREE)
    assert result.exit_code == 1
    assert "no Kafka in the input has these labels (no-kafka)" in result.stderr


@pytest.mark.parametrize("command", ["plan", "render"])
def test_one_schedule_for_several_is_reported_once(command: str, tmp_path: Path) -> None:
    words = ["--engine", "kanister", "--schedule", "0 3 * * *", "--keep-daily", "7"]
    words += ["--schedule-image", "example.com/kanister-kafka:1"]
    said = "schedule '0 3 * * *' is that of 3 Kafkas, whose backups start in the same minute: "
    result = fleet(command, "-f", "-", *words, stdin=THREE)
    assert result.exit_code == 0
    assert result.stderr.count("(same-schedule)") == 1
    assert f"{said}kafka/a, kafka/b, other/c; give each one" in result.stderr
    for more in (["-l", "tier=test"], ["--schedule", "@every 12h"]):
        assert "same-schedule" not in fleet(command, "-f", "-", *words, *more, stdin=THREE).stderr
    file = tmp_path / "fleet.yaml"
    file.write_text(
        "apiVersion: kanister-kafka.io/v1alpha1\nkind: KafkaFleet\n"
        "defaults: {engine: kanister, schedule: 0 3 * * *, keepDaily: 7, scheduleImage: a/b}\n"
        "clusters:\n- {cluster: kafka/a}\n- {cluster: kafka/b, schedule: 0 4 * * *}\n"
        "- {cluster: other/c, timeZone: Asia/Tokyo}\n"
    )
    assert "same-schedule" not in fleet(command, str(file), "-f", "-", stdin=THREE).stderr


def test_the_first_entry_that_fits_decides() -> None:
    found = outcomes(
        THREE,
        of_file(
            "clusters:\n- {cluster: kafka/a, name: special}\n"
            "- {selector: tier=prod, strategy: hot}\n"
        ),
    )
    assert names(found) == ["kafka/a", "other/c"]
    assert [o.row.blueprint for o in found if o.row] == [
        "kasten-io/special",
        "kasten-io/other.c.hot",
    ]


def test_namespace_of_an_entry_narrows_it() -> None:
    assert names(outcomes(THREE, of_file("clusters: [{namespace: other}]"))) == ["other/c"]


def test_entry_that_fits_no_kafka_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(THREE)
    (tmp_path / "fleet.yaml").write_text(
        f"{HEAD}paths: [all.yaml]\nclusters:\n- cluster: kafka/a\n- cluster: kafka/z\n"
    )
    result = fleet("render", str(tmp_path / "fleet.yaml"))
    assert result.exit_code == 1
    message = "fleet.yaml:6:3: error: clusters[1]: no Kafka kafka/z in the input (no-kafka)"
    assert message in result.stderr
    assert len(blueprints(result)) == 1


def test_a_writer_belongs_to_the_cluster_that_it_writes_into() -> None:
    def connect(name: str, server: str) -> str:
        return (
            "apiVersion: kafka.strimzi.io/v1beta2\nkind: KafkaConnect\n"
            f"metadata: {{name: {name}, namespace: apps}}\n"
            f"spec: {{bootstrapServers: '{server}', replicas: 1}}\n"
        )

    found = outcomes(
        stream(
            connect("first", "a-kafka-bootstrap.kafka:9092"),
            connect(
                "second", "a-kafka-0.a-kafka-brokers.kafka.svc.cluster.local:9092,b-kafka-bootstrap"
            ),
            connect("third", "elsewhere.example.com:9092"),
            THREE,
        )
    )
    assert {str(o.key): o.row.writers for o in found if o.row} == {
        "kafka/a": 2,
        "kafka/b": 0,
        "other/c": 0,
    }


# What goes wrong


def test_one_bad_cluster_does_not_keep_the_others(tmp_path: Path) -> None:
    bad = kafka("bad").replace("replicas: 3, storage", "replicas: three, storage")
    text = stream(kafka("a"), bad, kafka("z"))
    result = fleet("render", "-f", "-", "-o", str(tmp_path), stdin=text)
    assert result.exit_code == 1
    assert "spec.kafka.replicas: Invalid value" in result.stderr
    assert result.stderr.endswith("2 rendered, 1 not:\n  kafka/bad\n")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [
        "kafka.a",
        "kafka.z",
    ]
    assert len(blueprints(fleet("render", "-f", "-", stdin=text))) == 2


def broken(tmp_path: Path, **files: str) -> Result:
    for name, text in files.items():
        path = tmp_path / "in" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.with_suffix(".yaml").write_text(text)
    return fleet("render", "-f", str(tmp_path / "in"), "-o", str(tmp_path / "out"))


@pytest.mark.parametrize(
    ("files", "rendered"),
    [
        pytest.param({"a": kafka("a") + "---\n[", "b": kafka("b")}, ["kafka.b"], id="own-file"),
        pytest.param(
            {"a__k": kafka("a"), "a__m": "[", "b__k": kafka("b")}, ["kafka.b"], id="own-directory"
        ),
        pytest.param(
            {"a": kafka("a"), "b": kafka("b"), "m": "["}, ["kafka.a", "kafka.b"], id="nobodys"
        ),
        pytest.param({"a": THREE + "---\n[", "b": kafka("d")}, ["kafka.d"], id="of-several"),
    ],
)
def test_a_broken_file_stops_the_clusters_that_it_is_about(
    files: dict[str, str], rendered: list[str], tmp_path: Path
) -> None:
    result = broken(tmp_path, **files)
    assert result.exit_code == 1
    assert "(yaml-syntax)" in result.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir() if path.is_dir()) == rendered


def test_a_name_for_all_is_taken_by_the_first(tmp_path: Path) -> None:
    result = fleet("render", "-f", "-", "--name", "x", "-o", str(tmp_path), stdin=THREE)
    assert result.exit_code == 1
    for other in ("kafka/b", "other/c"):
        message = f"Blueprint kasten-io/x of Kafka {other} is that of Kafka kafka/a already"
        assert result.stderr.count(message) == 1
    assert result.stderr.endswith("1 rendered, 2 not:\n  kafka/b\n  other/c\n")


def test_a_service_account_may_have_its_name_once_in_a_namespace(tmp_path: Path) -> None:
    result = fleet("render", "-f", "-", "--service-account", "s", "-o", str(tmp_path), stdin=THREE)
    assert result.exit_code == 1
    assert "ServiceAccount kafka/s of Kafka kafka/b is that of Kafka kafka/a" in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == [
        "kafka.a",
        "other.c",
    ]


def test_a_cluster_that_two_entries_read_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(kafka("a"))
    (tmp_path / "fleet.yaml").write_text(f"{HEAD}clusters: [{{paths: [a.yaml]}}, {{paths: [.]}}]")
    result = fleet("render", str(tmp_path / "fleet.yaml"))
    assert result.exit_code == 1
    assert "clusters[1]: Kafka kafka/a is in the fleet already (duplicate-object)" in result.stderr


def test_a_node_pool_of_no_kafka_is_reported() -> None:
    text = (ROOT / "examples/kraft-separate-pools/kafka.yaml").read_text()
    pools = text.replace("strimzi.io/cluster: my-cluster", "strimzi.io/cluster: my-clutser", 1)
    result = fleet("render", "-f", "-", stdin=stream(pools, kafka("a")))
    assert result.exit_code == 1
    assert "no Kafka kafka/my-clutser in the input (orphan-node-pool)" in result.stderr
    assert "kafka/a" not in result.stderr


def test_entry_whose_paths_hold_no_kafka(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(kafka("a"))
    (tmp_path / "b.yaml").write_text("kind: ConfigMap\napiVersion: v1\n")
    (tmp_path / "fleet.yaml").write_text(
        f"{HEAD}clusters: [{{paths: [b.yaml]}}, {{paths: [a.yaml]}}]"
    )
    result = fleet("plan", str(tmp_path / "fleet.yaml"))
    assert result.exit_code == 1
    assert "clusters[0]: no Kafka in the input (no-kafka)" in result.stderr
    assert result.stderr.endswith("1 planned, 1 not:\n  clusters[0]\n")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "give a fleet file"),
        (["-f", "x", "--from-cluster"], "give a fleet file"),
        (["{file}", "--engine", "kanister"], "--engine is for a run without a fleet file"),
        (["{file}", "--timeout", "stop=1m"], "--timeout is for a run without a fleet file"),
    ],
)
def test_wrong_use(words: list[str], told: str, tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(HEAD)
    result = fleet("render", *(word.format(file=file) for word in words))
    assert result.exit_code == 2
    assert told in result.stderr


def test_what_is_not_a_fleet_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(kafka("a"))
    result = fleet("render", str(tmp_path / "a.yaml"))
    assert result.exit_code == 1
    assert "must hold one KafkaFleet" in result.stderr


# Plans


def test_plan_has_a_line_for_each() -> None:
    bad = kafka("bad").replace("replicas: 3, storage", "replicas: three, storage")
    result = fleet("plan", "-f", "-", stdin=stream(THREE, bad))
    assert result.exit_code == 1
    header, *lines = result.stdout.splitlines()
    assert header.split()[:2] == ["KAFKA", "BLUEPRINT"]
    assert lines[0].split()[:6] == ["kafka/a", "kasten-io/kafka.a", "cold", "kasten", "3", "0"]
    assert lines[2].split()[:2] == ["kafka/bad", "(none:"]
    assert len(lines) == 4


def test_plan_as_json() -> None:
    result = fleet("plan", "-f", "-", "-o", "json", stdin=THREE)
    first, *_others = json.loads(result.stdout)
    assert (first["kafka"], first["isPlanned"], first["nodes"]) == ("kafka/a", True, 3)
    assert first["longestSeconds"] > 0


# Memory


def test_an_object_is_the_same_after_it_was_put_aside() -> None:
    found = load([ROOT / "examples"]).documents
    found += (document_from_dict({"kind": "A", "spec": {"a": [1, None]}}),)
    with ObjectSpool() as spool:
        places = [spool.put(document) for document in found]
        assert [deserialize(spool.get(place)) for place in reversed(places)] == [*reversed(found)]


def test_little_is_kept_of_each_cluster() -> None:
    def made(count: int) -> Iterable[Document]:
        for number in range(count):
            yield from loads(fleets.cluster(number), "all.yaml").documents

    def kept(count: int) -> int:
        tracemalloc.start()
        with ObjectSpool() as spool:
            found = group_clusters(Fleet(rules=(EVERY,)), made(count), spool)
            size, _peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert found.total >= count
        return size

    kept(8)  # what is imported and cached on the way
    assert (kept(88) - kept(8)) / 80 < 4000, "bytes a cluster; its documents alone are ten times it"


class EndsItsProcess:
    """A task that ends the process that receives it, before it has sent a part of a result."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (1,)


def test_a_process_that_ends_is_an_error_of_one_line() -> None:
    text = "---\n".join(map(fleets.cluster, range(30)))
    with ObjectSpool() as spool:
        found = group_clusters(Fleet(rules=(EVERY,)), loads(text, "all.yaml").documents, spool)
        tasks = chain(found.tasks, [cast(RenderTask, EndsItsProcess())])
        with pytest.raises(UnreachableError, match="exited without a result"):
            list(render_fleet(tasks, 2))
    assert not multiprocessing.active_children()
