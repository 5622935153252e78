"""The command `check` against an API server over HTTP, and the way a command gets into a pod."""

from __future__ import annotations

import copy
import json
import re
from types import SimpleNamespace

import pytest
import yaml
from click.testing import CliRunner
from kubernetes import client

from kanister_kafka.backup.kustomization import rename
from kanister_kafka.backup.options import Options, SnapshotProvider, StepTimeouts, Strategy
from kanister_kafka.backup.planner import build_plan
from kanister_kafka.backup.render import render
from kanister_kafka.backup.scripts import ScriptsConfigMap, digest_of, holds_scripts
from kanister_kafka.cli import main
from kanister_kafka.errors import ForbiddenError, NotFoundError, TransientError, UnreachableError
from kanister_kafka.kube import exec as executing
from kanister_kafka.kube.exec import ExecResult, exec_in_pod
from kanister_kafka.strimzi import read_cluster
from kanister_kafka.yamldoc import document_from_dict, loads, to_python
from tests.cli.test_app import completed
from tests.fakes.checked_server import labelled_pod_set, rendered
from tests.fakes.kafka_objects import (
    NAMESPACE,
    kafka,
    pool,
    thing,
)

pytestmark = pytest.mark.usefixtures("broker")


def run(*words):
    return CliRunner().invoke(main, ["check", *words])


def levels(result):
    return {line["id"]: line["level"] for line in json.loads(result.stdout)}


def test_a_healthy_cluster(server, broker) -> None:
    result = run("my-cluster", "-n", NAMESPACE)
    assert result.exit_code == 0, result.output
    assert "ok       Kafka kafka/my-cluster is Ready (kafka-ready)\n" in result.stdout
    assert "ok       all 13 objects on the cluster are as they would be rendered" in result.stdout
    assert "0 problems, 1 warning, " in result.stdout
    assert broker == [
        ("my-cluster-dual-0", NAMESPACE, {"container": "kafka", "seconds": 60, "context": ""})
    ]
    assert server.writes == []


def test_the_only_kafka_of_the_namespace_of_the_context_needs_no_name(server) -> None:
    result = run("-o", "json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found[0]["objects"] == ["Kafka kafka/my-cluster"]
    assert set(found[0]) == {"id", "level", "what", "detail", "remedy", "objects"}
    other = kafka()
    other["metadata"] = {**other["metadata"], "name": "other"}
    server.put(other)
    result = run()
    assert result.exit_code == 2
    assert "namespace kafka has my-cluster, other: which one?" in result.output


def test_snapshots_that_are_not_served_are_a_problem_for_every_user(server) -> None:
    """RBAC refuses a kind that the cluster does not have like any other."""
    del server.kinds["snapshot.storage.k8s.io", "v1"]
    server.forbid("volumesnapshotclasses")
    result = run("-o", "json")
    assert (result.exit_code, levels(result)["snapshot-class"]) == (1, "problem"), result.output


@pytest.mark.usefixtures("server")
def test_no_kafka_and_wrong_options() -> None:
    result = run("-n", "empty")
    assert (result.exit_code, "Namespace/empty: error: has no Kafka" in result.output) == (1, True)
    result = run("nope")
    assert result.exit_code == 1
    assert "no Kafka nope in namespace kafka, which has my-cluster" in result.output
    result = run("my-cluster", "--name", "A b")
    assert result.exit_code == 1
    assert 'name: Invalid value: "A b"' in result.output
    assert result.stdout == ""


def test_a_problem_is_exit_code_1_and_a_warning_with_fail_on(server) -> None:
    assert run("my-cluster", "--fail-on", "warning").exit_code == 1
    server.allowed = False
    result = run("my-cluster", "-o", "json")
    assert result.exit_code == 1
    assert levels(result)["rights"] == "problem"


def test_a_cluster_that_does_not_answer_is_exit_code_2(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    result = run("my-cluster")
    assert result.exit_code == 2
    assert "does not exist" in result.output


def test_a_cluster_that_cannot_be_planned_is_still_checked(server) -> None:
    broken = pool()
    broken["spec"]["storage"] = {"type": "ephemeral"}
    server.put(broken)
    result = run("my-cluster", "-o", "json")
    assert result.exit_code == 1
    found = levels(result)
    assert (found["storage"], found["plan"], found["kafka-ready"]) == ("problem", "problem", "ok")
    assert "drift" not in found


def test_drift_is_judged_by_the_options_and_the_remedy_repeats_them(server) -> None:
    words = (
        "--restart-after",
        "2h",
        "--annotation",
        "a=b c",
        "--timeout",
        "stop=1m",
        "--context",
        "here",
    )
    result = run("my-cluster", *words, "-o", "json")
    found = [line for line in json.loads(result.stdout) if line["id"] == "drift"]
    assert result.exit_code == 1
    assert {line["remedy"] for line in found} == {
        "kanister-kafka apply --from-cluster my-cluster -n kafka --context here "
        "--restart-after 7200s "
        "--annotation 'a=b c' --timeout stop=1m"
    }
    server.install(restart_after=7200)
    assert levels(run("my-cluster", "--restart-after", "2h", "-o", "json"))["drift"] == "ok"


def test_the_options_are_those_of_the_applied_blueprint(server) -> None:
    server.install(restart_after=7200, limits=StepTimeouts(stop=60))
    assert levels(run("my-cluster", "-o", "json"))["drift"] == "ok"
    result = run("my-cluster", "--restart-after", "3h", "-o", "json")
    (remedy,) = {one["remedy"] for one in json.loads(result.stdout) if one["id"] == "drift"}
    assert remedy == (
        "kanister-kafka apply --from-cluster my-cluster -n kafka --restart-after 10800s "
        "--timeout stop=1m"
    )


@pytest.mark.usefixtures("server")
def test_connection_and_output_options_are_not_options_of_a_plan() -> None:
    words = ("--request-timeout", "20s", "-q", "--color", "never", "-v")
    result = run("my-cluster", *words, "-o", "json")
    assert levels(result)["drift"] == "ok"


def test_a_blueprint_of_another_name_and_place_is_found_by_the_accounts(server) -> None:
    del server.objects[BLUEPRINT]
    server.install(name="backup-of-kafka", kasten_namespace="kanister")
    result = run("my-cluster", "-o", "json")
    assert levels(result)["drift"] == "ok", [
        one for one in json.loads(result.stdout) if one["id"] == "drift"
    ]


def test_options_of_a_blueprint_that_cannot_be_parsed_are_reported(server) -> None:
    server.install()
    for manifest in rendered():
        item = to_python(loads(manifest.text).documents[0].root)
        if item["kind"] == "Blueprint":
            item["metadata"]["annotations"]["kanister-kafka.io/options"] = "--no-such 5"
            server.put(item)
    result = run("my-cluster")
    assert "the options of Blueprint kasten-io/kafka.my-cluster cannot be read" in result.stderr


def another(server, name="other", namespace="second", *, applied=True):
    other = kafka()
    other["metadata"] = {**other["metadata"], "name": name, "namespace": namespace}
    server.put(other, thing("Namespace", namespace, ""))
    if applied:
        found = server.objects[BLUEPRINT]
        server.put({**found, "metadata": {**found["metadata"], "name": f"{namespace}.{name}"}})


BLUEPRINT = ("blueprints", "kasten-io", "kafka.my-cluster")


def test_every_kafka_with_a_blueprint_is_checked(server) -> None:
    another(server, "bare", applied=False)
    result = run("-A")
    assert result.exit_code == 0, result.output
    head, _, titles, *rows = result.stdout.splitlines()
    assert head == "2 Kafkas: 0 with problems, 1 with warnings, 0 ok, 1 without a Blueprint"
    assert titles.split() == ["KAFKA", "RESULT", "PROBLEMS", "WARNINGS"]
    assert rows[0].split() == ["kafka/my-cluster", "warning", "0", "1"]
    assert rows[1].split() == ["second/bare", "no", "Blueprint", "-", "-"]
    assert [row for row in rows if row.startswith("warning  ")] == rows[4:5]
    assert run("-A", "--fail-on", "warning").exit_code == 1


def test_the_exit_code_is_that_of_the_worst_kafka(server) -> None:
    another(server)
    found = json.loads(run("-A", "-o", "json").stdout)
    assert [(one["namespace"], one["name"], one["result"]) for one in found] == [
        ("kafka", "my-cluster", "warning"),
        ("second", "other", "problem"),
    ]
    assert run("-A").exit_code == 1
    server.forbid("kafkas")
    assert run("-A").exit_code == 2
    server.refusals.clear()
    server.forbid("kafkanodepools")
    result = run("-A")
    assert (result.exit_code, "2 not checked" in result.stdout) == (2, True), result.output


def renamed_with_accounts(item, name):
    """Return a Blueprint under another name, with accounts of its own."""
    twin = copy.deepcopy(item)
    twin["metadata"]["name"] = name
    return json.loads(json.dumps(twin).replace('"my-cluster-kanister', f'"{name}-kanister'))


@pytest.mark.parametrize("order", ["first", "last"])
def test_two_blueprints_of_one_kafka_hide_no_other_kafka(server, order) -> None:
    another(server, namespace={"first": "a", "last": "second"}[order])
    blueprint = server.objects[BLUEPRINT]
    server.put(renamed_with_accounts(blueprint, "one"), renamed_with_accounts(blueprint, "two"))
    del server.objects[BLUEPRINT]
    result = run("-A", "-o", "json")
    by_name = {one["name"]: one for one in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert by_name["other"]["result"] == "problem"
    assert by_name["my-cluster"]["result"] == "not checked"
    assert (
        by_name["my-cluster"]["failure"].partition(": ")[0]
        == "several Blueprints are for Kafka kafka/my-cluster"
    )
    assert re.search("kafka/my-cluster +not checked", run("-A").stdout)


def test_options_of_one_blueprint_that_are_refused_hide_no_other_kafka(server) -> None:
    another(server)
    options = server.objects[BLUEPRINT]["metadata"]["annotations"]
    options["kanister-kafka.io/options"] = "--strimzi-version nonsense"
    found = {one["name"]: one for one in json.loads(run("-A", "-o", "json").stdout)}
    assert "nonsense" in found["my-cluster"]["failure"]
    assert found["other"]["lines"]


def test_all_kafkas_and_none_of_them(server) -> None:
    for words in (("my-cluster",), ("-n", "kafka"), ("--blueprint", "x")):
        result = run("-A", *words)
        assert (result.exit_code, "-A is for all Kafkas" in result.output) == (2, True)
    del server.objects[BLUEPRINT]
    result = run("-A")
    assert result.exit_code == 2
    assert "no Blueprint of any Kafka is applied: kafka/my-cluster;" in result.output
    del server.objects["kafkas", NAMESPACE, "my-cluster"]
    assert "no Kafka of Strimzi in any namespace" in run("-A").output


def test_a_blueprint_that_may_not_be_read_is_none_that_is_missing(server) -> None:
    server.forbid("blueprints")
    (found,) = json.loads(run("-A", "-o", "json").stdout)
    assert "drift" in {line["id"] for line in found["lines"]}


def test_a_kubernetes_that_is_too_old_for_the_operator_is_a_warning_once(server) -> None:
    server.minor = "24"
    lines = json.loads(run("my-cluster", "-o", "json").stdout)
    (line,) = [one for one in lines if "supports 1.25 or later" in one["what"]]
    assert (line["id"], line["level"]) == ("kubernetes", "warning")
    server.minor = "20"  # too old for every operator that the resources fit
    lines = json.loads(run("my-cluster", "-o", "json").stdout)
    assert [one["id"] for one in lines if "Kubernetes is 1.20, and Strimzi" in one["what"]] == [
        "kubernetes"
    ]
    words = ["render", "--from-cluster", "my-cluster", "-n", NAMESPACE]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0
    assert "warning: Kubernetes is 1.20, and Strimzi" in result.stderr
    assert "(kubernetes-version)" in result.stderr
    server.minor = "34"
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert "kubernetes-version" not in result.stderr


def test_a_kafka_with_a_hot_blueprint_alone_is_checked_by_it(server) -> None:
    del server.objects[BLUEPRINT]
    server.install(strategy=Strategy.HOT)
    (found,) = json.loads(run("-A", "-o", "json").stdout)
    assert {one["id"]: one["level"] for one in found["lines"]}["drift"] == "ok"
    (line,) = [one for one in found["lines"] if one["id"] == "strategy"]
    assert line["level"] == "warning"
    assert "no leader" in " ".join(line["detail"])


@pytest.mark.parametrize(
    "words",
    [
        ("-A",),
        ("my-cluster",),
        ("my-cluster", "--strategy", "hot", "--engine", "kanister", "--group-snapshot-class", "g"),
    ],
    ids=["all", "by its options", "by the same options"],
)
def test_a_hot_blueprint_by_a_group_is_the_one_of_the_kafka(server, words: tuple[str, ...]) -> None:
    del server.objects[BLUEPRINT]
    server.install(
        strategy=Strategy.HOT, engine=SnapshotProvider.KANISTER, group_snapshot_class="g"
    )
    answer = json.loads(run(*words, "-o", "json").stdout)
    lines = answer[0].get("lines", answer)
    assert {one["id"]: one["level"] for one in lines}["drift"] == "ok"
    (line,) = [one for one in lines if one["id"] == "strategy"]
    assert line["level"] == "warning"
    assert "not proven consistent" in line["what"]
    assert "at one moment" in " ".join(line["detail"])


def test_a_kafka_with_an_online_blueprint_is_checked_by_it(server) -> None:
    del server.objects[BLUEPRINT]
    server.install(strategy=Strategy.ONLINE)
    (found,) = json.loads(run("-A", "-o", "json").stdout)
    levels = {one["id"]: one["level"] for one in found["lines"]}
    assert levels["drift"] == levels["strategy"] == "ok"


@pytest.mark.usefixtures("server")
def test_findings_in_the_forms_of_kubectl() -> None:
    tree = json.loads(run("my-cluster", "-o", "json").stdout)
    assert yaml.safe_load(run("my-cluster", "-o", "yaml").stdout) == tree
    assert run("my-cluster", "-o", "name").stdout == "kafka.kafka.strimzi.io/my-cluster\n"
    page = run("my-cluster", "-o", "markdown").stdout
    assert page.startswith("## Check before a backup: Kafka kafka/my-cluster\n\n**0 problems, 1 w")
    assert page == run("-A", "-o", "markdown").stdout
    assert run("my-cluster", "-o", "html").stdout.startswith("<!DOCTYPE html>")
    old = run("my-cluster", "--format", "json")
    assert (json.loads(old.stdout), old.exit_code) == (tree, 0)
    assert "warning: --format is deprecated; write -o\n" in old.stderr


@pytest.mark.parametrize(
    ("forbidden", "check"),
    [
        ("pods", "pods-ready"),
        ("strimzipodsets", "rolling"),
        ("kafkarebalances", "rebalance"),
        ("horizontalpodautoscalers", "autoscalers"),
        ("scaledobjects", "autoscalers"),
        ("persistentvolumeclaims", "claims"),
        ("volumesnapshotclasses", "snapshot-class"),
        ("deployments", "kanister"),
        ("actionsets", "measured"),
        ("blueprints", "drift"),
        ("configmaps", "scripts"),
        ("nodes", "image"),
        ("namespaces", "pod-user"),
        ("resourcequotas", "quota"),
    ],
)
def test_what_is_forbidden_is_a_warning(server, forbidden, check) -> None:
    server.forbid(forbidden)
    result = run("my-cluster", "-o", "json")
    lines = [line for line in json.loads(result.stdout) if line["id"] == check]
    assert result.exit_code == 0, result.output
    assert [line["level"] for line in lines] == ["warning"]
    assert lines[0]["what"].endswith("could not be looked at: that is forbidden")
    assert lines[0]["remedy"].startswith("needs the right to ")
    assert forbidden in lines[0]["detail"][0]


class TestScripts:
    """The ConfigMap that holds what the steps run."""

    def scripts_object(self, server):
        return next(item for item in server.objects.values() if holds_scripts(item))

    def lines(self):
        result = run("my-cluster", "-o", "json")
        lines = [line for line in json.loads(result.stdout) if line["id"] == "scripts"]
        return result.exit_code, [line["level"] for line in lines], lines

    @pytest.mark.usefixtures("server")
    def test_one_line_for_blueprint_and_switch(self) -> None:
        code, levels, (line,) = self.lines()
        assert (code, levels) == (0, ["ok"])
        assert (
            "pins" in line["what"]
            and "Blueprint kasten-io/kafka.my-cluster" in line["what"]
            and "Deployment kafka/my-cluster-kanister-kafka-switch" in line["what"]
        )

    def test_altered(self, server) -> None:
        found = self.scripts_object(server)
        server.put({**found, "data": {**found["data"], "stop.sh": "# altered\n"}})
        code, levels, (line,) = self.lines()
        assert (code, levels) == (1, ["problem"])
        assert line["remedy"].startswith(f"kubectl delete configmap {found['metadata']['name']} -n")

    def test_those_of_a_former_version(self, server) -> None:
        """What is on the cluster is judged by its own scripts, whatever this version has."""
        found = self.scripts_object(server)
        former = {"stop.sh": "# stops\n"}
        name, sha256 = (s := ScriptsConfigMap(tuple(former.items()), "")).name, s.sha256
        now = (found["metadata"]["name"], digest_of(found))
        for item in [
            i for i in server.objects.values() if i["kind"] in ("Blueprint", "Deployment")
        ]:
            text = json.dumps(item).replace(now[0], name).replace(now[1], sha256)
            server.put(json.loads(text))
        (key,) = [key for key, item in server.objects.items() if holds_scripts(item)]
        del server.objects[key]
        assert self.lines()[:2] == (1, ["problem"])
        server.put({**found, "metadata": {**found["metadata"], "name": name}, "data": former})
        code, levels, (line,) = self.lines()
        assert (code, levels) == (1, ["ok"])  # and the drift is a problem
        assert name in line["what"]


def test_an_autoscaler_of_a_pool_is_reported(server) -> None:
    scaled = thing(
        "ScaledObject",
        "grow",
        spec={"scaleTargetRef": {
            "apiVersion": "kafka.strimzi.io/v1beta2", "kind": "KafkaNodePool", "name": "dual"
        }},
    )  # fmt: skip
    server.put(scaled)
    result = run("my-cluster", "-o", "json")
    assert result.exit_code == 1
    (line,) = [line for line in json.loads(result.stdout) if line["id"] == "autoscalers"]
    assert line["level"] == "problem"
    assert line["objects"] == ["ScaledObject kafka/grow", "KafkaNodePool kafka/dual"]
    annotated = "kubectl annotate scaledobject grow -n kafka autoscaling.keda.sh/paused=true"
    assert line["remedy"] == f"before each backup: {annotated}"


def test_volumes_that_may_not_be_read_are_judged_by_their_class(server) -> None:
    server.forbid("persistentvolumes")
    store = {**thing("StorageClass", "fast", ""), "provisioner": "csi.example.com"}
    server.put(store)
    assert levels(run("my-cluster", "-o", "json"))["snapshot-class"] == "ok"


GROUP_WORDS = ("--engine", "kanister", "--strategy", "online", "--group-snapshot-class", "groups")


@pytest.mark.parametrize("version", ["v1", "v1beta2"])
def test_the_class_of_a_group_is_read_in_the_version_that_is_served(server, version) -> None:
    kinds = {"volumegroupsnapshotclasses": "VolumeGroupSnapshotClass"}
    server.kinds["groupsnapshot.storage.k8s.io", version] = kinds
    server.put({**thing("VolumeGroupSnapshotClass", "groups", ""), "driver": "csi.example.com"})
    assert levels(run("my-cluster", *GROUP_WORDS, "-o", "json"))["group-snapshot-class"] == "ok"
    server.forbid("volumegroupsnapshotclasses")
    found = levels(run("my-cluster", *GROUP_WORDS, "-o", "json"))
    assert found["group-snapshot-class"] == "warning"


@pytest.mark.parametrize("version", ["v1beta1", ""])
def test_a_version_of_groups_that_no_step_uses_is_a_problem(server, version) -> None:
    if version:
        kinds = {"volumegroupsnapshotclasses": "VolumeGroupSnapshotClass"}
        server.kinds["groupsnapshot.storage.k8s.io", version] = kinds
    found = levels(run("my-cluster", *GROUP_WORDS, "-o", "json"))
    assert found["group-snapshot-class"] == "problem"


def test_an_operator_scaled_to_0_is_found_by_its_deployment(server) -> None:
    for key in [key for key in server.objects if key[1:] == ("strimzi", "operator-0")]:
        del server.objects[key]
    labels = {"strimzi.io/kind": "cluster-operator"}
    spec = {"replicas": 0, "template": {"metadata": {"labels": labels}, "spec": {}}}
    server.put(thing("Deployment", "co", "strimzi", spec=spec))
    result = run("my-cluster")
    assert result.exit_code == 1
    assert "kubectl scale deployment co -n strimzi --replicas 1" in result.stdout


def test_pull_prints_a_note_runs_a_pod_and_deletes_it(server) -> None:
    result = run("my-cluster", "--pull")
    assert result.exit_code == 0, result.output
    assert f"starting a pod with {Options().image} in namespace kafka" in result.stderr
    assert "ran on node one: Client Version: v1.34.1 (image-pull)" in result.stdout
    assert [write[:2] for write in server.writes] == [("POST", "pods"), ("DELETE", "pods")]
    (name,) = {write[2] for write in server.writes}
    assert name.startswith("my-cluster-kanister-kafka-pull-")
    assert not [key for key in server.objects if "-pull-" in key[-1]]


def exec_with(monkeypatch, answer):
    """Let the websocket be what a test says; return what was asked for."""
    monkeypatch.undo()
    configuration = client.Configuration()
    configuration.host = "https://api"
    monkeypatch.setattr(
        executing, "connect", lambda _context: (client.ApiClient(configuration), "default")
    )
    asked = {}

    def stream(_method, pod, namespace, **options):
        asked.update(options, pod=pod, namespace=namespace)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr("kubernetes.stream.stream", stream)
    return asked


def websocket(code, out="", err=""):
    done = SimpleNamespace(returncode=code, close=lambda: None)
    done.run_forever = lambda timeout: setattr(done, "waited", timeout)
    done.read_stdout = lambda timeout: out  # noqa: ARG005
    done.read_stderr = lambda timeout: err  # noqa: ARG005
    return done


def test_a_command_runs_in_a_container(monkeypatch) -> None:
    answer = websocket(3, "out", "err")
    asked = exec_with(monkeypatch, answer)
    found = exec_in_pod("p", "n", ("true", "x"), container="c", seconds=7)
    assert found == ExecResult(3, "out", "err")
    assert answer.waited == 7
    assert (asked["pod"], asked["namespace"], asked["container"]) == ("p", "n", "c")
    assert (asked["command"], asked["stdin"], asked["tty"]) == (["true", "x"], False, False)


def test_lines_are_the_input_of_a_command(monkeypatch) -> None:
    answer = websocket(0)
    sent = []
    answer.write_stdin = sent.append
    asked = exec_with(monkeypatch, answer)
    lines = tuple(f"orders-{n} 0 9" for n in range(450))
    assert exec_in_pod("p", "n", ("cat",), lines=lines).code == 0
    assert asked["stdin"] is True
    assert "".join(sent).splitlines() == [*lines, "end"]
    assert all(message.endswith("\n") for message in sent)


HANDSHAKE = (
    'Handshake status {} Forbidden -+-+- {{}} -+-+- {{"kind":"Status","message":"pods \\"p\\" no"}}'
)


@pytest.mark.parametrize(
    ("failure", "kind", "part"),
    [
        (client.ApiException(0, HANDSHAKE.format(403)), ForbiddenError, 'n/p: pods "p" no$'),
        (client.ApiException(0, HANDSHAKE.format(404)), NotFoundError, 'pods "p" no'),
        (client.ApiException(0, "Handshake status 500"), UnreachableError, "status 500"),
        (ConnectionResetError("gone"), TransientError, "gone"),
        (ValueError("a secret"), UnreachableError, "malformed credentials or answer$"),
    ],
)
def test_a_command_that_does_not_get_into_a_container(monkeypatch, failure, kind, part) -> None:
    exec_with(monkeypatch, failure)
    with pytest.raises(kind, match=part) as caught:
        exec_in_pod("p", "n", ("true",))
    assert type(caught.value) is kind


# names that the cluster has


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("check my", ["my-cluster"]),
        ("check -n second o", ["other"]),
        ("plan second/", ["second/other"]),
        ("status --namespace se", ["second"]),
        ("topics rate --kafka m", ["my-cluster"]),
        ("render --from-cluster my", ["my-cluster"]),
        ("plan -f a.yaml my", ["my"]),
        ("check nope", []),
        ("run backupPrehook my", ["my-cluster"]),
        ("resume --context nope my", []),
    ],
)
def test_namespaces_and_kafkas_are_completed(server, monkeypatch, line, found) -> None:
    another(server)
    assert completed(monkeypatch, *line.split()) == found


def test_completion_asks_the_cluster_that_the_line_names(server, monkeypatch, tmp_path) -> None:
    config = tmp_path / "other"
    config.write_text((tmp_path / "config").read_text())
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert completed(monkeypatch, "check", "my") == []
    assert completed(monkeypatch, "check", "--kubeconfig", str(config), "my") == ["my-cluster"]
    server.forbid("kafkas")
    assert completed(monkeypatch, "check", "--kubeconfig", str(config), "my") == []


@pytest.mark.usefixtures("server")
def test_a_policy_for_a_missing_namespace_is_reported() -> None:
    words = ["policy", "render", "my-cluster", "-n", "kafka", "--definitions"]
    errors = CliRunner().invoke(main, [*words, "kafk"]).stderr
    assert (
        "to do: check --definitions kafk: the cluster has no Namespace kafk; did you mean kafka?\n"
    ) in errors
    result = CliRunner().invoke(main, [*words, "nope"])
    assert result.exit_code == 0, result.output
    assert "the cluster has no Namespace nope; it has kafka\n" in result.stderr


def test_a_missing_storage_class_is_reported(server) -> None:
    words = ["policy", "restore", "my-cluster", "-n", "kafka", "--restore-point", "r"]
    server.put(thing("StorageClass", "fast", ""))
    errors = CliRunner().invoke(main, [*words, "--storage-class", "fast"]).stderr
    assert "the cluster has no" not in errors
    errors = CliRunner().invoke(main, [*words, "--storage-class", "slow"]).stderr
    assert "to do: check --storage-class slow: the cluster has no StorageClass slow;" in errors
    server.forbid("storageclasses")
    errors = CliRunner().invoke(main, [*words, "--storage-class", "slow"]).stderr
    assert "that needs the right to list storageclasses\n" in errors


def install_base(server, prefix, suffix, **options):
    """Apply the objects of a base of Kustomize in place of those of the fixture."""
    ours = ("blueprints", "configmaps", "deployments", "roles", "rolebindings", "serviceaccounts")
    for at in list(server.objects):
        labels = server.objects[at]["metadata"].get("labels", {})
        if at[0] in ours and labels.get("app.kubernetes.io/managed-by") == "kanister-kafka":
            del server.objects[at]
    documents = [document_from_dict(one) for one in (kafka(), pool(), labelled_pod_set())]
    reading = read_cluster(documents)
    plan = build_plan(reading.cluster, Options(**options), reading.problems)
    items = [
        to_python(loads(manifest.text).documents[0].root)
        for manifest in render(plan, renamable=True)
    ]
    server.put(*rename(items, prefix, suffix))


@pytest.mark.parametrize(("prefix", "suffix"), [("", ""), ("dev-", ""), ("a-", "-b")])
@pytest.mark.parametrize("strategy", [Strategy.COLD, Strategy.HOT])
def test_a_base_of_kustomize_is_compared_under_the_names_of_its_overlay(
    server, prefix, suffix, strategy
) -> None:
    install_base(server, prefix, suffix, strategy=strategy)
    words = [] if strategy is Strategy.COLD else ["--strategy", "hot"]
    result = run("my-cluster", "-n", NAMESPACE, "-o", "json", *words)
    lines = {line["id"]: line for line in json.loads(result.stdout)}
    assert lines["drift"]["level"] == "ok", lines["drift"]
    assert lines["drift"]["detail"] == []
    assert lines["scripts"]["level"] == "ok"
    accounts = [one["what"] for one in json.loads(result.stdout) if one["id"] == "rights"]
    assert accounts
    assert all(f"{NAMESPACE}/{prefix}my-cluster-kanister-kafka" in what for what in accounts)
    asked = [
        body["spec"]["resourceAttributes"]
        for body in server.bodies
        if body and body["kind"] == "LocalSubjectAccessReview"
    ]
    named = {one["name"] for one in asked if one["resource"] in ("configmaps", "deployments")}
    own = {name for name in named if "kanister-kafka" in name}
    assert all(name.startswith(prefix) and name.endswith(suffix) for name in own)


def test_a_stop_is_found_in_the_renamed_state_config_map(server) -> None:
    install_base(server, "dev-", "")
    name = "dev-my-cluster-kanister-kafka"
    state = {"data": {"state": "stopped", "since": "2026-01-02T03:04:05Z"}}
    at = ("configmaps", NAMESPACE, name)
    server.objects[at] = server.objects[at] | state
    found = levels(run("my-cluster", "-n", NAMESPACE, "-o", "json"))
    assert found["pause"] == "problem"


def test_the_remedy_of_a_renamed_base_is_its_overlay(server) -> None:
    install_base(server, "dev-", "")
    del server.objects["serviceaccounts", NAMESPACE, "dev-my-cluster-kanister-kafka"]
    result = run("my-cluster", "-n", NAMESPACE, "-o", "json", "--name", "dev-kafka.my-cluster")
    (line,) = [one for one in json.loads(result.stdout) if one["id"] == "drift"]
    assert line["objects"] == ["ServiceAccount kafka/dev-my-cluster-kanister-kafka"]
    assert line["remedy"].startswith("kustomize build OVERLAY | kubectl apply -f -")
