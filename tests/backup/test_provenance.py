"""What a Blueprint says of its making, and who reads it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

import pytest
import yaml
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka import (
    GitOps,
    KastenOutput,
    Options,
    QuiesceMethod,
    ScriptSharing,
    SnapshotProvider,
    StepTimeouts,
    Strategy,
    __version__,
    build_plan,
    load,
    loads,
    parse_version,
    read_cluster,
    render,
)
from kanister_kafka.backup.options import POLICY_OPTIONS, UncleanStop
from kanister_kafka.backup.provenance import _hashed_words, input_hash, provenance_annotations
from kanister_kafka.backup.render import yaml_scalar
from kanister_kafka.cli import main
from kanister_kafka.cli.options import options_from
from tests.backup.test_properties import clusters, many, options, plan_of
from tests.conftest import ROOT
from tests.example_cases import CASES
from tests.fakes.cluster import add_blueprint, add_kafka, serving

HASH = "kanister-kafka.io/input-hash"
CHOICES = {
    "strategy": Strategy.HOT,
    "engine": SnapshotProvider.KANISTER,
    "quiesce_by": QuiesceMethod.PAUSE,
    "writers": ("KafkaConnect/kafka/a", "KafkaBridge/tools/b.c"),
    "not_writers": ("KafkaMirrorMaker2/tools/dr",),
    "kasten": (KastenOutput.POLICY, KastenOutput.RESTORE),
    "kasten_namespace": "k10",
    "frequency": "@daily",
    "profile": "s3",
    "name": "own",
    "image": "example.com/tools:1",
    "service_account": "own",
    "admission_policy": True,
    "unclean_stop": UncleanStop.WARN,
    "require_quiet": True,
    "run_as_user": None,
    "pod_labels": (("team", "a"), ("sidecar.istio.io/inject", "true")),
    "pod_annotations": (("linkerd.io/inject", "disabled"), ("note", "a,b=c")),
    "image_pull_secrets": ("registry", "other"),
    "tolerations": ("dedicated=kafka:NoSchedule", "spot"),
    "node_selector": (("pool", "kafka"), ("kubernetes.io/arch", "amd64")),
    "priority_class": "high",
    "requests": (("cpu", "50m"), ("memory", "64Mi"), ("example.com/slots", "1")),
    "pod_limits": (("memory", "128Mi"),),
    "gitops": GitOps.FLUX,
    "scripts": ScriptSharing.OWN,
    "labels": (("team", "a"), ("b", "")),
    "annotations": (("note", "a b\n'\u00e9\u2028"), ("c", "=")),
    "limits": StepTimeouts(restart=1800, stop=1),
    "restart_after": 0,
    "snapshot_class": "csi",
    "group_snapshot_class": "csi-groups",
    "restore_point": "rp-1",
    "restored_retention": "now",
    "hook_timeout": 5430,
    "schedule": "0 3 * * mon-fri",
    "time_zone": "Europe/Berlin",
    "schedule_image": "example.com/kanister-kafka:1",
    "verify_schedule": "0 5 * * 0",
    "verify_into": "kafka-verify",
    "verify_memory": "1Gi",
    "export_profile": "s3",
    "export_secret": "store",
    "export_parallel": 4,
    "export_image": "example.com/restic:1",
    "export_memory": "1Gi",
    "keep_last": 1,
    "keep_hourly": 2,
    "keep_daily": 3,
    "keep_weekly": 4,
    "keep_monthly": 5,
    "keep_yearly": 6,
    "keep_within": "30d",
    "keep_copies_last": 1,
    "keep_copies_hourly": 2,
    "keep_copies_daily": 3,
    "keep_copies_weekly": 4,
    "keep_copies_monthly": 5,
    "keep_copies_yearly": 6,
    "keep_copies_within": "30d",
}
"""Something else than the default, for each option."""


def objects(plan):
    """Return what is rendered, but for what it says of its making."""
    found = []
    for manifest in render(plan):
        item = yaml.safe_load(manifest.text)
        for name in dict(provenance_annotations(plan)):
            item["metadata"].get("annotations", {}).pop(name, None)
        found.append(item)
    return found


@settings(max_examples=15)
@given(clusters(), clusters(), options, options)
def test_the_same_hash_has_the_same_objects_and_another_hash_other_input(
    one, other, chosen, changed
):
    plans = [plan_of(one, chosen), plan_of(one, changed), plan_of(other, chosen)]
    first, *rest = plans
    for plan in rest:
        if input_hash(plan) == input_hash(first):
            assert objects(plan) == objects(first)
        else:
            assert plan.options != first.options or objects(plan) != objects(first)


def test_what_no_object_is_made_of_does_not_count(at_root):  # noqa: ARG001
    """A binding goes to the Kafka or to its only pool, where one is rendered."""
    plan = CASES["kraft-separate-pools-hot"].plan()
    other = dataclasses.replace(plan, bound=dataclasses.replace(plan.bound, kind="KafkaNodePool"))
    assert objects(plan) == objects(other)
    assert input_hash(plan) == input_hash(other)
    bound = build_plan(
        plan.cluster, dataclasses.replace(plan.options, kasten=(KastenOutput.BINDING,))
    )
    other = dataclasses.replace(bound, bound=dataclasses.replace(bound.bound, name="other"))
    assert input_hash(bound) != input_hash(other)


def test_every_option_has_a_value_in_the_table():
    every = {field.name for field in dataclasses.fields(Options)}
    assert set(CHOICES) == every - POLICY_OPTIONS, "those of policy alone make no Blueprint"


@pytest.mark.parametrize("name", CHOICES)
def test_every_option_counts_and_can_be_given_again(name, at_root):  # noqa: ARG001
    chosen = Options(**{name: CHOICES[name]})
    cluster = CASES["kraft-combined"].plan().cluster
    plain, plan = build_plan(cluster, Options()), build_plan(cluster, chosen)
    assert input_hash(plan) != input_hash(plain)
    assert options_from(
        shlex.split(dict(provenance_annotations(plan))["kanister-kafka.io/options"])
    ) == (chosen, None)


@many
@given(options, st.sampled_from(["", "0.45"]))
def test_options_come_back_from_their_words(chosen, version):
    words = (*chosen.words(), *(("--strimzi-version", version) if version else ()))
    again, found = options_from(shlex.split(shlex.join(words)))
    in_order = tuple(form for form in KastenOutput if form in chosen.kasten)
    assert again == dataclasses.replace(chosen, kasten=in_order)
    assert found == parse_version(version)


def test_former_name_of_a_step_is_read_and_has_the_same_hash(at_root):  # noqa: ARG001
    options, _version = options_from(["--timeout", "switch=1m30s"])
    assert options.limits == StepTimeouts(switch=90)
    assert options.words() == ("--timeout", "watchdog=1m30s")
    assert [*_hashed_words(options)] == ["--timeout", "switch=1m30s"]
    labelled = Options(labels=(("watchdog", "x"),))
    assert (*_hashed_words(labelled),) == labelled.words()


def test_default_options_are_not_words():
    assert Options().words() == ()
    assert dict(provenance_annotations(CASES["seed"].plan()))["kanister-kafka.io/options"] == (
        "--kasten policy --strimzi-version 0.23"
    )


def test_only_the_blueprint_has_the_annotation_of_the_hash(at_root):  # noqa: ARG001
    for manifest in CASES["mirror-maker-2"].manifests():
        notes = yaml.safe_load(manifest.text)["metadata"].get("annotations", {})
        assert (HASH in notes) is (manifest.kind == "Blueprint")
        assert notes.get("kanister-kafka.io/version", __version__) == __version__
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", notes.get(HASH, f"sha256:{'0' * 64}"))


def test_the_hash_ignores_file_layout_status_and_replicas(at_root, tmp_path):
    found = load([at_root / "examples" / "mirror-maker-2"]).documents
    trees = [
        yaml.safe_load_all(path.read_text())
        for path in sorted((at_root / "examples" / "mirror-maker-2").iterdir())
    ]
    everything = [tree for file in trees for tree in file]
    for tree in everything:
        tree.setdefault("status", {})["conditions"] = []
        if "replicas" in tree["spec"]:
            tree["spec"]["replicas"] += 1  # told to people; the steps follow the cluster
    spelled = "\n---\n".join(
        json.dumps(dict(reversed(tree.items()))) for tree in reversed(everything)
    )
    hashes = set()
    for documents in (found, loads(spelled, str(tmp_path)).documents):
        reading = read_cluster(documents, cluster="kafka-backup/backup")
        assert reading.cluster is not None
        hashes.add(input_hash(build_plan(reading.cluster, Options(), reading.problems)))
    assert len(hashes) == 1


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "Asia/Tokyo"},
        {"PYTHONHASHSEED": "2", "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONOPTIMIZE": "1"},
    ],
)
def test_same_bytes_in_any_environment(environment):
    words = ["-f", "examples/mirror-maker-2", "--kasten", "policy", "--quiesce-by", "pause"]
    done = subprocess.run(
        [sys.executable, "-m", "kanister_kafka", "render", *words],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    files = [m.text.encode() for m in CASES["mirror-maker-2"].manifests()]
    assert done.stdout == b"---\n".join(files)


def test_each_python_writes_each_character_the_same():
    """Python's own idea of what can be printed changes with its Unicode version."""
    every = (chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000)
    spelled = "".join(
        yaml_scalar("".join(some)) for some in zip(*[iter(every)] * 256, strict=False)
    )
    assert hashlib.sha256(spelled.encode()).hexdigest().startswith("eb752ad8cb886f57")


# status


@pytest.fixture
def cluster(configure):
    with serving() as cluster:
        configure(cluster.url)
        add_kafka(cluster)
        pool = cluster.get("kafkanodepools", "kafka", "dual")
        claim = {"type": "persistent-claim", "size": "1Gi"}
        pool["spec"]["storage"] = {"type": "jbod", "volumes": [{"id": 0, **claim}]}
        cluster.put(pool)
        cluster.add(
            "strimzipodsets",
            "kafka",
            "my-cluster-dual",
            labels={"strimzi.io/cluster": "my-cluster"},
            spec={"pods": []},
        )
        yield cluster


def put_blueprint(cluster, *words, **changed):
    done = CliRunner().invoke(
        main, ["render", "--from-cluster", "my-cluster", "-n", "kafka", *words]
    )
    assert done.exit_code == 0, done.stderr
    (notes,) = [
        item["metadata"]["annotations"]
        for item in yaml.safe_load_all(done.stdout)
        if item["kind"] == "Blueprint"
    ]
    add_blueprint(cluster, backup=("one",))
    patch = {"metadata": {"annotations": {**notes, **changed}}}
    cluster.change("blueprints", "kasten-io", "kafka.my-cluster", patch)


def status_text(*words):
    done = CliRunner().invoke(main, ["status", "my-cluster", "-n", "kafka", *words])
    assert done.exit_code == 0, done.stdout + done.stderr
    return done.stdout


WORDS = ("--timeout", "restart=30m", "--annotation", "a=b c")


@pytest.mark.parametrize("words", [(), WORDS, ("--strimzi-version", "0.45")])
def test_status_does_not_mention_a_blueprint_that_is_up_to_date(cluster, words):
    put_blueprint(cluster, *words)
    assert "Blueprint" not in status_text()


def test_status_reports_a_changed_cluster(cluster):
    put_blueprint(cluster, *WORDS)
    cluster.change("kafkas", "kafka", "my-cluster", {"spec": {"entityOperator": {}}})
    line = "the cluster has changed since its Blueprint was made; to see how, run: "
    words = "-n kafka --annotation 'a=b c' --timeout restart=30m"
    assert f"! {line}kanister-kafka check my-cluster {words}\n" in status_text()


def test_a_blueprint_of_the_files_is_as_good(cluster):
    """They do not tell how old the operator is, so its script looks for Deployments as well."""
    pause = ("--quiesce-by", "pause")
    spec = {"bootstrapServers": "my-cluster-kafka-bootstrap:9092"}
    cluster.add("kafkaconnects", "kafka", "connect", spec=spec)
    patch = {"status": {"operatorLastSuccessfulVersion": "0.45.0"}}
    cluster.change("kafkas", "kafka", "my-cluster", patch)
    put_blueprint(cluster, *pause)
    assert "Blueprint" not in status_text()
    names = {"kafkas": "my-cluster", "kafkanodepools": "dual", "kafkaconnects": "connect"}
    items = [cluster.get(plural, "kafka", name) for plural, name in names.items()]
    for item in items:
        item.pop("status", None)
    reading = read_cluster(loads("\n---\n".join(map(json.dumps, items))).documents)
    assert reading.cluster is not None
    of_files = dict(
        provenance_annotations(build_plan(reading.cluster, Options(quiesce_by=QuiesceMethod.PAUSE)))
    )
    blueprint = cluster.get("blueprints", "kasten-io", "kafka.my-cluster")
    assert blueprint["metadata"]["annotations"][HASH] != of_files[HASH]
    patch = {"metadata": {"annotations": of_files}}
    cluster.change("blueprints", "kasten-io", "kafka.my-cluster", patch)
    assert "Blueprint" not in status_text()


def test_status_prints_the_version_that_rendered_it(cluster):
    put_blueprint(cluster, **{"kanister-kafka.io/version": "0.0.9"})
    line = f"! its Blueprint was made by kanister-kafka 0.0.9, and this is {__version__}\n"
    assert line in status_text()
    cluster.refusals.append(("GET", "kafkaconnects", 403))
    assert line in status_text(), "which needs no look at the cluster"


def test_status_reports_that_it_cannot_compare_the_blueprint(cluster):
    put_blueprint(cluster, **{"kanister-kafka.io/options": "--no-such-option"})
    assert re.search(
        "not seen .*whether the Blueprint is up to date: No such option", status_text()
    )
    put_blueprint(cluster)
    cluster.refusals.append(("GET", "/apis/kafka.strimzi.io/v1beta2/kafkaconnects", 403))
    assert "whether the Blueprint is up to date: writers in namespaces other than" in status_text()
