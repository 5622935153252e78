"""The commands `apply` and `delete`: words in, lines and exit codes out."""

from __future__ import annotations

import copy
import io
import json
import os
import shlex
import subprocess
import sys

import pytest
import yaml
from click.testing import CliRunner

from kanister_kafka.backup.scripts import ScriptsConfigMap, holds_scripts
from kanister_kafka.cli import main, manifest_input
from kanister_kafka.constants import BLUEPRINT
from kanister_kafka.operations.apply import ApplyOutcome, DryRun, ObjectRef, ObjectResult, delete
from kanister_kafka.yamldoc import load
from tests.conftest import ROOT
from tests.fakes.api_server import forbidden, running, status

KRAFT = str(ROOT / "examples" / "kraft-separate-pools")
COMBINED = str(ROOT / "examples" / "kraft-combined")
RECORD = "configmaps/my-cluster-kanister-kafka"


def run(*words, stdin=None):
    return CliRunner().invoke(main, words, input=stdin, catch_exceptions=False)


@pytest.fixture(scope="module")
def text():
    return run("render", "-f", KRAFT).stdout


@pytest.fixture(scope="module")
def objects(text):
    return list(yaml.safe_load_all(text))


@pytest.fixture
def server(tmp_path, monkeypatch):
    with running(tmp_path, monkeypatch) as server:
        yield server


def lines(result):
    return result.stdout.splitlines()


def named(item):
    group, slash, _version = item["apiVersion"].rpartition("/")
    return f"{item['kind'].lower()}{'.' if slash else ''}{group}/{item['metadata']['name']}"


def record_of(objects):
    return next(item for item in objects if item["kind"] == "ConfigMap" and not holds_scripts(item))


def scripts_of(objects):
    return next(item for item in objects if holds_scripts(item))


def former_scripts():
    """Return scripts as another version had them."""
    metadata = {
        "name": ScriptsConfigMap((("stop.sh", "# stops"),), "").name,
        "namespace": "kafka",
        "labels": {"app.kubernetes.io/managed-by": "kanister-kafka"},
    }
    data = {"stop.sh": "# stops"}
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    return {**kind, "metadata": metadata, "immutable": True, "data": data}


def another(objects, name="kafka.other"):
    """Return the Blueprint under another name."""
    found = copy.deepcopy(next(item for item in objects if item["kind"] == "Blueprint"))
    found["metadata"]["name"] = name
    found["metadata"]["annotations"][BLUEPRINT] = f"kasten-io/{name}"
    return found


def extra():
    metadata = {
        "name": "former",
        "namespace": "kafka",
        "labels": {"app.kubernetes.io/managed-by": "kanister-kafka"},
        "annotations": {BLUEPRINT: "kasten-io/kafka.my-cluster"},
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def test_apply_of_custom_resources(server, objects):
    first = run("apply", "-f", KRAFT)
    assert (first.exit_code, first.stderr) == (0, "")
    assert sorted(lines(first)) == sorted(f"{named(item)} created" for item in objects)
    again = run("apply", "-f", KRAFT)
    assert sorted(lines(again)) == sorted(f"{named(item)} unchanged" for item in objects)
    assert len(server.objects) == len(objects)


def test_what_a_running_backup_needs_is_not_in_what_is_applied(server):
    run("apply", "-f", KRAFT)
    sent = [body for body in server.bodies if body]
    records = [body for body in sent if body["kind"] == "ConfigMap" and not holds_scripts(body)]
    assert records
    assert [body for body in records if "data" in body] == []
    deployments = [body for body in sent if body["kind"] == "Deployment"]
    assert deployments
    assert [body for body in deployments if "replicas" in body["spec"]] == []


@pytest.mark.parametrize("how", ["directory", "stdin"])
@pytest.mark.parametrize("command", ["apply", "delete"])
def test_rendered_files(server, text, objects, tmp_path, how, command):
    server.put(*objects)
    if how == "directory":
        assert run("render", "-f", KRAFT, "-o", str(tmp_path / "out")).exit_code == 0
        result = run(command, "-f", str(tmp_path / "out"))
    else:
        result = run(command, "-f", "-", stdin=text)
    assert result.exit_code == 0
    word = {"apply": "configured", "delete": "deleted"}[command]
    assert sorted(lines(result)) == sorted(f"{named(item)} {word}" for item in objects)


def test_custom_resources_on_standard_input(server, objects):
    text = (ROOT / "examples" / "kraft-separate-pools" / "kafka.yaml").read_text()
    result = run("apply", "-f", "-", stdin=text)
    assert len(lines(result)) == len(objects) == len(server.objects)


def test_rendered_files_are_validated_first(server, text):
    result = run("apply", "-f", "-", stdin=text.replace("func: KubeTask", "func: KubeTusk", 1))
    assert result.exit_code == 1
    assert "(unknown-function)" in result.stderr
    assert server.asked == []


@pytest.mark.usefixtures("server")
def test_templates_of_a_chart_are_applied_as_helm_renders_them(tmp_path) -> None:
    folder = tmp_path / "templates"
    (tmp_path / "Chart.yaml").write_text("name: demo\n")
    run("render", "-f", KRAFT, "--format", "helm", "--output-dir", str(folder))
    assert "{{ `{{ .Time" in (folder / "blueprint-kafka.my-cluster.yaml").read_text()
    with_helm = run("apply", "-f", str(folder), "--diff")
    assert with_helm.exit_code == 1, with_helm.stderr
    assert "{{ `{{ .Time" not in with_helm.stdout
    (folder / "configmap-my-cluster-kanister-kafka.yaml").write_text("name: {{ .Values.name }}\n")
    refused = run("apply", "-f", str(folder))
    assert refused.exit_code == 1
    assert (
        "configmap-my-cluster-kanister-kafka.yaml:1:1: error: depends on values" in refused.stderr
    )


@pytest.mark.parametrize("command", ["apply", "delete"])
@pytest.mark.parametrize("words", [["--image", "a"], ["--cluster", "a"], ["--templates", "."]])
def test_rendering_options_are_refused_with_rendered_files(server, text, command, words):
    result = run(command, "-f", "-", *words, stdin=text)
    assert result.exit_code == 2
    assert f"{words[0]} is for rendering" in result.stderr
    assert server.asked == []


@pytest.mark.parametrize("words", [[], ["-f", KRAFT, "--from-cluster"]])
def test_a_path_and_from_cluster_exclude_each_other(server, words):
    result = run("apply", *words)
    assert result.exit_code == 2
    assert "either -f PATH or --from-cluster" in result.stderr
    assert server.asked == []


def test_kinds_that_are_not_rendered(server):
    text = "apiVersion: actions.kio.kasten.io/v1alpha1\nkind: RestoreAction\nmetadata: {name: a}\n"
    result = run("apply", "-f", "-", stdin=text)
    assert result.exit_code == 1
    assert "<stdin>:1:1: error: kind: to apply a RestoreAction would start" in result.stderr
    assert server.writes == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--dry-run"], "created (dry run)"),
        (["--dry-run=client"], "created (dry run)"),
        (["--dry-run=server"], "created (server dry run)"),
    ],
)
def test_dry_run(server, objects, words, said):
    result = run("apply", "-f", KRAFT, *words)
    assert result.exit_code == 0
    assert {line.partition(" ")[2] for line in lines(result)} == {said}
    assert len(lines(result)) == len(objects)
    assert server.writes == []


def test_refusals_come_before_any_change(server):
    server.faults["PATCH", RECORD, True] = [status(422, "is too long")]
    result = run("apply", "-f", KRAFT)
    assert (result.exit_code, result.stdout) == (1, "")
    first, last = result.stderr.splitlines()
    assert first.startswith(
        "error: configmap/my-cluster-kanister-kafka in namespace kafka: http://127.0.0.1:"
    )
    assert "is too long (HTTP 422)" in first
    assert last == "nothing was changed"


def test_one_reason_for_many_objects_is_printed_once(server, objects):
    server.namespaces.remove("kafka")
    result = run("apply", "-f", KRAFT)
    assert result.exit_code == 2
    messages = result.stderr.splitlines()
    assert messages[0] == ("error: namespace kafka does not exist: kubectl create namespace kafka")
    assert (
        messages[1:] and len(messages) == len(objects) + 2
    )  # less the Blueprint, and three lines more
    assert messages[2].startswith("    serviceaccount/")


def test_a_partial_apply_names_its_objects(server, objects):
    server.faults["PATCH", RECORD, False] = [status(422, "exceeded quota")]
    result = run("apply", "-f", KRAFT, "--prune")
    assert result.exit_code == 1
    heads = [line for line in result.stderr.splitlines() if not line.startswith(" ")]
    assert heads[1:] == ["applied:", "not applied:"]
    done, rest = result.stderr.partition("\napplied:\n")[2].split("not applied:\n")
    assert "configmap/my-cluster-kanister-kafka in namespace kafka\n" in rest
    assert len(done.splitlines()) == len(lines(result)) == len(server.objects)
    assert len(done.splitlines()) + len(rest.splitlines()) == len(objects)


def test_half_applied_and_nothing_pruned(server, objects):
    server.put(extra())
    server.faults["PATCH", RECORD, False] = [status(422, "exceeded quota")]
    result = run("apply", "-f", KRAFT, "--prune")
    assert result.stderr.endswith("not pruned:\n  configmap/former in namespace kafka\n")
    assert ("configmaps", "kafka", "former") in server.objects
    assert len(objects) > 3


def test_prune(server, objects):
    server.put(extra())
    result = run("apply", "-f", KRAFT, "--prune", "--dry-run=server")
    assert lines(result)[-1] == "configmap/former pruned (server dry run)"
    assert server.writes == []
    result = run("apply", "-f", KRAFT, "--prune")
    assert result.stderr == "to be pruned:\n  configmap/former in namespace kafka\n"
    assert lines(result)[-1] == "configmap/former pruned"
    assert len(server.objects) == len(objects)


class TestScripts:
    """The ConfigMap of scripts, which serves all clusters of the namespace."""

    def test_delete_leaves_them_to_another_cluster(self, server, objects):
        run("apply", "-f", KRAFT)
        other = another(objects)
        server.put(other)
        name = f"configmap/{scripts_of(objects)['metadata']['name']}"
        for words, count in ((["--dry-run"], len(objects) + 1), ([], 2)):
            result = run("delete", "-f", KRAFT, *words)
            assert result.exit_code == 0
            assert f"{name} left: Blueprint kasten-io/kafka.other names it" in lines(result)
            assert len(server.objects) == count
        assert server.live(scripts_of(objects))

    def test_prune_takes_former_ones(self, server, objects):
        server.put(former_scripts())
        assert run("apply", "-f", KRAFT).exit_code == 0
        place = f"configmap/{former_scripts()['metadata']['name']}"
        result = run("apply", "-f", KRAFT, "--diff", "--prune")
        assert (result.exit_code, "-immutable: true" in lines(result)) == (1, True)
        result = run("apply", "-f", KRAFT, "--prune")
        assert lines(result)[-1] == f"{place} pruned"
        assert len(server.objects) == len(objects)

    def test_prune_prints_why_it_keeps_former_objects(self, server, objects):
        former, name = former_scripts(), scripts_of(objects)["metadata"]["name"]
        text = json.dumps(another(objects)).replace(name, former["metadata"]["name"])
        server.put(former, json.loads(text))
        for words in ([], ["--diff"], ["--dry-run"]):
            result = run("apply", "-f", KRAFT, "--prune", *words)
            assert result.stderr == (
                "not pruned, as Blueprint kasten-io/kafka.other names it:\n"
                f"  configmap/{former['metadata']['name']} in namespace kafka\n"
            )
        assert server.live(former)

    @pytest.mark.parametrize(
        ("words", "code"), [([], 1), (["--dry-run=client"], 1), (["--diff"], 2)]
    )
    def test_altered_ones(self, server, objects, words, code):
        server.put({**scripts_of(objects), "data": {"stop.sh": "# stops nothing"}})
        result = run("apply", "-f", KRAFT, *words)
        assert (result.exit_code, result.stdout, server.writes) == (code, "", [])
        assert "it was altered or replaced" in result.stderr


def test_prune_waits_for_the_restart(server):
    record = {**extra(), "data": {"state": "stopped"}}
    server.put(record)
    result = run("apply", "-f", KRAFT, "--prune")
    assert result.exit_code == 0
    assert (
        "not pruned, as configmap/former in namespace kafka has the state stopped; "
        in result.stderr
    )
    assert server.live(record)


def test_prune_wants_the_whole_input(server, objects):
    part = json.dumps(next(item for item in objects if item["kind"] == "Blueprint"))
    result = run("apply", "-f", "-", "--prune", stdin=part)
    assert result.exit_code == 2
    assert "no ServiceAccount is in the input" in result.stderr
    assert server.writes == []


def test_forbidden_lists_are_reported(server):
    server.faults["GET", "/apps/v1/deployments", None] = [forbidden()]
    result = run("apply", "-f", KRAFT, "--prune")
    assert result.exit_code == 0
    assert result.stderr == (
        "not searched, because listing is forbidden: "
        "in other namespaces than kafka, kasten-io: deployments.apps\n"
    )


FORBIDDEN_LISTS = ("GET", "/configmaps$", 403)


DIFFERS = ["--diff", "--label", "a=b"]


@pytest.mark.parametrize(
    ("words", "code"), [([], 2), (["--dry-run"], 2), (["--diff"], 2), (DIFFERS, 1)]
)
def test_prune_that_may_not_look_does_not_exit_with_0(server, words, code):
    assert run("apply", "-f", KRAFT).exit_code == 0
    server.put(extra())
    server.refusals.append(FORBIDDEN_LISTS)
    result = run("apply", "-f", KRAFT, "--prune", *words)
    assert result.exit_code == code
    assert "not searched, because listing is forbidden: " in result.stderr
    assert ("not known whether all is pruned" in result.stderr) is ("--diff" not in words)
    assert server.live(extra())


def test_diff_prune_is_unknown_if_another_namespace_may_have_more(server):
    assert run("apply", "-f", KRAFT).exit_code == 0
    server.faults["GET", "/apps/v1/deployments", None] = [forbidden()]
    assert run("apply", "-f", KRAFT, "--prune", "--diff").exit_code == 2


def test_delete_that_may_not_look_does_not_exit_with_0(server, objects):
    server.put(*objects, extra())
    server.refusals.append(FORBIDDEN_LISTS)
    result = run("delete", "-f", KRAFT)
    assert result.exit_code == 2
    assert "not known whether all is deleted" in result.stderr
    assert server.live(extra())


def stop_kafka_at(server, objects, method):
    """Stop Kafka for a backup at the first request of this method."""
    write = getattr(server, method)

    def then(*words, **keywords):
        server.live(record_of(objects))["data"] = {"state": "stopped"}
        return write(*words, **keywords)

    setattr(server, method, then)


def test_prune_looks_again_before_it_deletes(server, objects):
    """A backup that begins while the objects are applied needs what prune is about to delete."""
    server.put(*objects, extra())
    stop_kafka_at(server, objects, "applied")
    result = run("apply", "-f", KRAFT, "--prune")
    assert result.exit_code == 0
    assert result.stderr.startswith("to be pruned:\n  configmap/former in namespace kafka\n")
    said = f"not pruned, as {RECORD.replace('s/', '/')} in namespace kafka has the state stopped; "
    assert said in result.stderr
    assert server.live(extra())


@pytest.mark.parametrize(("words", "code"), [([], 1), (["--force"], 0)])
def test_delete_looks_again_before_it_deletes(server, objects, monkeypatch, words, code):
    server.put(*objects)
    refused = delete._refused

    def then(*arguments):
        server.live(record_of(objects))["data"] = {"state": "stopped"}
        return refused(*arguments)

    monkeypatch.setattr(delete, "_refused", then)
    result = run("delete", "-f", KRAFT, *words)
    assert result.exit_code == code
    assert len(server.objects) == (0 if words else len(objects))
    assert words or "nothing is deleted: configmap/my-cluster-kanister-kafka in" in result.stderr


class TestDiff:
    def test_same(self, server):
        run("apply", "-f", KRAFT)
        before = copy.deepcopy(server.objects)
        result = run("apply", "-f", KRAFT, "--diff")
        assert (result.exit_code, result.output) == (0, "")
        assert server.objects == before

    def test_different(self, server, objects):
        run("apply", "-f", KRAFT)
        del server.asked[:], server.writes[:]
        record = record_of(objects)
        server.live(record)["metadata"]["labels"]["app.kubernetes.io/name"] = "other"
        result = run("apply", "-f", KRAFT, "--diff")
        assert result.exit_code == 1
        signs = [line for line in lines(result)[2:] if line[0] in "+-"]
        assert [line.split() for line in signs] == [
            ["-", "app.kubernetes.io/name:", "other"],
            ["+", "app.kubernetes.io/name:", "kanister-kafka"],
        ]
        assert "\x1b" not in result.output
        assert server.writes == []

    def test_what_would_be_pruned(self, server):
        run("apply", "-f", KRAFT)
        server.put(extra())
        assert run("apply", "-f", KRAFT, "--diff").exit_code == 0
        result = run("apply", "-f", KRAFT, "--diff", "--prune")
        assert result.exit_code == 1
        assert "-  name: former" in result.stdout
        assert server.live(extra())

    def test_colours_of_a_terminal(self, server):
        assert server.url
        result = CliRunner().invoke(main, ["apply", "-f", KRAFT, "--diff"], color=True)
        assert "\x1b[32m+apiVersion" in result.stdout

    @pytest.mark.parametrize(
        "answer", [status(422, "is wrong"), forbidden(), status(401, "who are you"), None]
    )
    def test_an_error_is_not_a_difference(self, server, answer):
        server.faults["PATCH", RECORD, True] = [answer]
        result = run("apply", "-f", KRAFT, "--diff")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("error: ")

    def test_nor_is_wrong_input(self, server):
        assert run("apply", "-f", KRAFT, "--cluster", "no", "--diff").exit_code == 2
        assert server.asked == []

    def test_needs_no_dry_run(self, server):
        assert run("apply", "-f", KRAFT, "--diff", "--dry-run=server").exit_code == 2
        assert server.asked == []


class TestFieldsOfAnotherManager:
    """An online Blueprint by `kubectl apply --server-side`, then a cold one by `apply`."""

    @pytest.fixture
    def blueprint(self, server):
        assert run("apply", "-f", COMBINED, "--strategy", "online").exit_code == 0
        found = next(item for key, item in server.objects.items() if key[0] == "blueprints")
        (entry,) = found["metadata"]["managedFields"]
        entry["manager"] = "kubectl"
        return found

    def test_apply_warns_of_objects_that_it_keeps(self, server, blueprint) -> None:
        result = run("apply", "-f", COMBINED)
        assert result.exit_code == 0
        assert "deferPhase" in server.live(blueprint)["actions"]["backupPosthook"]
        place = f"blueprint.cr.kanister.io/{blueprint['metadata']['name']}"
        assert (
            f"warning: {place} in namespace kasten-io keeps fields that are not in the input: "
            "actions.backupPosthook.deferPhase (of kubectl (Apply))"
        ) in result.stderr
        assert f"apply again: kubectl delete {place} -n kasten-io\n" in result.stderr
        assert "with --force-conflicts neither" in result.stderr

    @pytest.mark.usefixtures("blueprint")
    @pytest.mark.parametrize("words", [("--diff",), ("--dry-run=server",), ("--force-conflicts",)])
    def test_so_do_its_dry_runs_and_force(self, words) -> None:
        assert "actions.backupPosthook.deferPhase" in run("apply", "-f", COMBINED, *words).stderr

    def test_the_remedy_removes_them(self, server, blueprint) -> None:
        server.drop(*server.key(blueprint))
        result = run("apply", "-f", COMBINED)
        assert (result.exit_code, "keeps fields" in result.stderr) == (0, False)
        assert "deferPhase" not in server.live(blueprint)["actions"]["backupPosthook"]


SCHEDULED = (
    "--engine kanister --schedule '0 3 * * *' --schedule-image registry.example.com/kk:1 "
    "--keep-daily 7"
)


class TestOptionsOfBefore:
    """What the Blueprint on the cluster has and a new rendering lacks."""

    @pytest.fixture
    def scheduled(self, server):
        assert run("apply", "-f", KRAFT, *shlex.split(SCHEDULED)).stderr == ""
        return server

    @pytest.mark.parametrize("words", [[], ["--dry-run=server"], ["--diff"]])
    @pytest.mark.usefixtures("scheduled")
    def test_options_that_are_gone(self, words) -> None:
        result = run("apply", "-f", KRAFT, *words)
        assert result.exit_code == (1 if words == ["--diff"] else 0)
        blueprint = "blueprint.cr.kanister.io/kafka.my-cluster in namespace kasten-io"
        cronjob = "cronjob.batch/my-cluster-kanister-kafka-backup in namespace kafka"
        assert result.stderr.splitlines() == [
            f"warning: {blueprint} was applied with options that this one lacks, or with other "
            "values. To keep them, give them again:",
            f"  applied: {SCHEDULED}",
            "  now:     (none)",
            "warning: the Blueprint loses the actions backup, delete, restore",
            "warning: without --engine kanister, Kanister makes and restores no backup of this "
            "Kafka",
            f"warning: {cronjob} is not rendered any more: it stays, and its runs can fail",
        ]

    def test_what_runs_by_itself(self, scheduled) -> None:
        kept = run("apply", "-f", KRAFT, "--engine", "kanister")
        assert "loses" not in kept.stderr
        assert "kafka is not rendered any more: it stays until --prune deletes it" in kept.stderr
        scheduled.put(
            *yaml.safe_load_all(run("render", "-f", KRAFT, *shlex.split(SCHEDULED)).stdout)
        )
        pruned = run("apply", "-f", KRAFT, "--engine", "kanister", "--prune")
        assert "kafka is not rendered any more, and --prune deletes it" in pruned.stderr
        assert pruned.exit_code == 0

    @pytest.mark.usefixtures("scheduled")
    def test_another_value(self) -> None:
        words = shlex.split(SCHEDULED.replace("daily 7", "daily 8"))
        result = run("apply", "-f", KRAFT, *words)
        assert f"  applied: {SCHEDULED}\n" in result.stderr
        assert f"  now:     {shlex.join(words)}\n" in result.stderr
        assert result.stderr.count("warning") == 1

    @pytest.mark.usefixtures("scheduled")
    def test_the_same_and_more(self, tmp_path) -> None:
        words = shlex.split(SCHEDULED)
        run("render", "-f", KRAFT, *words, "--output-dir", str(tmp_path))
        for given in (["-f", str(tmp_path)], ["-f", KRAFT, *words, "--label", "team=a"]):
            assert run("apply", *given).stderr == ""

    @pytest.mark.usefixtures("scheduled")
    def test_rendered_files_with_fewer_options(self, text) -> None:
        assert "loses the actions" in run("apply", "-f", "-", stdin=text).stderr

    @pytest.mark.parametrize("options", ["", "--image docker.io/alpine/k8s:1.36.2"])
    def test_image_that_follows_the_server(self, server, options) -> None:
        run("apply", "-f", KRAFT)
        server.change(
            "blueprints",
            "kasten-io",
            "kafka.my-cluster",
            {"metadata": {"annotations": {"kanister-kafka.io/options": options}}},
        )
        assert run("apply", "-f", KRAFT).stderr == ""

    def test_options_that_cannot_be_read(self, server) -> None:
        run("apply", "-f", KRAFT)
        server.change(
            "blueprints",
            "kasten-io",
            "kafka.my-cluster",
            {"metadata": {"annotations": {"kanister-kafka.io/options": "--label 'a"}}},
        )
        assert "  applied: --label 'a\n" in run("apply", "-f", KRAFT).stderr

    def test_runners_that_may_not_be_listed(self, scheduled) -> None:
        scheduled.refusals.append(("GET", "cronjobs$", 403))
        result = run("apply", "-f", KRAFT)
        assert "not known whether something runs the Blueprint" in result.stderr
        assert result.exit_code == 0


class TestDelete:
    def test_all_and_again(self, server, objects):
        run("apply", "-f", KRAFT)
        server.put(extra())
        result = run("delete", "-f", KRAFT)
        assert (result.exit_code, server.objects) == (0, {})
        assert result.stderr.startswith("to be deleted:\n  blueprint.cr.kanister.io/kafka.my-")
        assert len(result.stderr.splitlines()) == len(objects) + 2
        assert {line.partition(" ")[2] for line in lines(result)} == {"deleted"}
        again = run("delete", "-f", KRAFT)
        assert (again.exit_code, again.stderr) == (0, "")
        assert {line.partition(" ")[2] for line in lines(again)} == {"not found"}

    def test_rendered_files_are_all_that_goes(self, server, text, objects):
        server.put(*objects, extra())
        run("delete", "-f", "-", stdin=text)
        assert list(server.objects) == [server.key(extra())]

    @pytest.mark.parametrize("words", [["--dry-run"], ["--dry-run=server"]])
    def test_dry_run(self, server, objects, words):
        server.put(*objects)
        result = run("delete", "-f", KRAFT, *words)
        assert (result.exit_code, len(server.objects)) == (0, len(objects))
        assert all(line.endswith("dry run)") for line in lines(result))

    def test_refused_while_stopped(self, server, objects):
        record = record_of(objects)
        server.put(*objects)
        server.put({**record, "data": {"state": "stopped"}})
        result = run("delete", "-f", KRAFT)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "kanister-kafka resume my-cluster -n kafka" in result.stderr
        assert len(server.objects) == len(objects)
        assert run("delete", "-f", KRAFT, "--force").exit_code == 0
        assert server.objects == {}

    def test_objects_without_the_label_stay(self, server, objects):
        server.put(*objects)
        account = next(item for item in objects if item["kind"] == "ServiceAccount")
        server.live(account)["metadata"]["labels"] = {}
        result = run("delete", "-f", KRAFT)
        assert result.exit_code == 0
        assert f"{named(account)} left: it lacks our label" in result.stdout
        assert list(server.objects) == [server.key(account)]

    @pytest.mark.parametrize(
        "words",
        ["--image a", "--frequency @daily", "--limits cpu=1", "--timeout stop=1m", "--label a=b"],
    )
    def test_options_that_do_nothing_are_refused(self, server, words):
        option = words.split()[0]
        result = run("delete", "-f", KRAFT, *words.split())
        assert result.exit_code == 2
        assert f"{option} is for rendering: delete finds objects by" in result.stderr
        assert server.asked == []
        assert f" {option} " not in run("delete", "--help").stdout
        assert f" {option} " in run("apply", "--help").stdout

    def test_a_partial_delete_names_its_objects(self, server, objects):
        server.put(*objects)
        server.faults["DELETE", RECORD, False] = [status(422, "no")]
        result = run("delete", "-f", KRAFT)
        assert result.exit_code == 1
        assert "\ndeleted:\n  blueprint.cr" in result.stderr
        assert "\nnot deleted:\n  configmap/my-cluster" in result.stderr


def test_a_reader_that_goes_away_does_not_stop_it(monkeypatch):
    read, write = os.pipe()
    os.close(read)
    out = io.TextIOWrapper(os.fdopen(write, "wb", buffering=0), write_through=True)
    with out:
        monkeypatch.setattr(sys, "stdout", out)
        message = manifest_input.result(DryRun.NONE)
        done = ObjectResult(ObjectRef("v1", "ConfigMap", "kafka", "a"), ApplyOutcome.CREATED)
        message(done)
        message(done)
        assert out.write("what follows goes nowhere, and fails no more")


@pytest.mark.parametrize("command", ["apply", "delete"])
def test_help_loads_nothing_heavy(command):
    code = (
        "import sys; from kanister_kafka.cli import main\n"
        f"try: main(['{command}', '--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit('kubernetes' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_input_of_the_example_is_what_the_tests_take_it_for():
    assert {document.group for document in load([KRAFT]).documents} == {"kafka.strimzi.io"}


@pytest.mark.parametrize("words", [[], ["--kasten", "policy"], ["--kasten", "binding"]])
def test_every_rendered_object_can_be_applied(server, words):
    text = run("render", "-f", KRAFT, *words).stdout
    result = run("apply", "-f", "-", stdin=text)
    assert result.exit_code == 0
    assert len(server.objects) == len(list(yaml.safe_load_all(text)))
