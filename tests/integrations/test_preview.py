"""What Kanister will really run, as far as it is known."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from kanister_kafka.cli import main
from kanister_kafka.errors import UnreachableError
from kanister_kafka.integrations.preview import (
    ActionPreview,
    PreviewTarget,
    pods_of,
    preview_action,
)
from kanister_kafka.kanister import read
from kanister_kafka.reports.plan import preview_json, preview_text
from kanister_kafka.strimzi.from_cluster import read_object
from kanister_kafka.yamldoc import document_from_dict, dump, loads
from tests.conftest import ROOT
from tests.fakes.api_server import ApiServer, forbidden
from tests.fakes.http_api import BEARER, serving

SECRET = "hunter2"  # noqa: S105 - which must not be seen
HEAD = """\
apiVersion: cr.kanister.io/v1alpha1
kind: Blueprint
metadata:
  name: test
actions:
  go:
"""


def manifest(kind: str, api: str = "apps/v1", **fields: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": "shop", "labels": {"app": "web"}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **fields}


def live(kind: str, api: str = "apps/v1", **fields: Any) -> dict[str, Any]:
    made = manifest(kind, api, **fields)
    made["metadata"]["uid"] = "u-1"
    return made


def show(body: str, item: dict[str, Any] | None = None, **options: str) -> ActionPreview:
    (document,) = loads(HEAD + body, "bp.yaml").documents
    blueprint = read(document)
    (action,) = blueprint.actions
    return preview_action(
        blueprint, action, PreviewTarget(document_from_dict(item) if item else None, options)
    )


def argument(text: str, item: dict[str, Any] | None = None, **options: str) -> str:
    """Return one argument as it is rendered, or what is wrong with it."""
    phase = {"func": "KubeTask", "name": "one", "args": {"a": text}}
    shown = show(f"    phases: [{json.dumps(phase)}]", item, **options)
    if shown.problems:
        return shown.problems[0].message
    return str(shown.phases[0].args["a"])


STATEFUL_SET = live("StatefulSet", spec={"replicas": 3}, status={"readyReplicas": 3})
KNOWN = [
    ("{{ .Object.metadata.name }} {{ .Object.spec.replicas }}", STATEFUL_SET, "web 3"),
    ("{{ .StatefulSet.Name }}/{{ .StatefulSet.Namespace }}", STATEFUL_SET, "web/shop"),
    ("{{ if .Deployment }}a{{ else if .StatefulSet }}b{{ end }}", STATEFUL_SET, "b"),
    ("{{ .Deployment.Name }}", live("Deployment"), "web"),
    ("{{ .DeploymentConfig.Name }}", live("DeploymentConfig"), "web"),
    ("{{ .PVC.Name }} {{ .PVC.Namespace }}", live("PersistentVolumeClaim", "v1"), "web shop"),
    (
        "{{ .Namespace.Name }} {{ .Namespace.Namespace }}",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
        "shop shop",
    ),
    ("{{ .Options.size }}{{ index .Options `none` | default `-` }}", None, "9-"),
    ("{{ .Object.data.a }}", live("ConfigMap", "v1", data={"a": "b"}), "b"),
    (
        "{{ typeOf .Object.spec.replicas }} {{ typeOf .Options }}",
        STATEFUL_SET,
        "int64 map[string]string",
    ),
    ("{{ .CurrentPhase }} {{ toJson .DeferPhase.Output }}", None, "<nil> null"),
]


@pytest.mark.parametrize(("text", "item", "made"), KNOWN)
def test_what_is_known_is_filled_in(text: str, item: dict[str, Any] | None, made: str) -> None:
    assert argument(text, item, size="9") == made


LEFT = [
    ("{{ .Time }}", None),
    ("{{ .Profile.Location.Bucket }}", None),
    ("{{ .ArtifactsIn.a.KeyValue.k }}", None),
    ("{{ .ConfigMaps.a.Data.k }}", None),
    ("{{ .Secrets.a.Data.k | toString }}", None),
    ("{{ index .StatefulSet.Pods 0 }}", STATEFUL_SET),
    ("{{ .Object.spec.anything }}", None),
    ("{{ .Deployment.Name }}", None),
    ("{{ if .Profile }}a{{ else }}b{{ end }}", None),
    # what the API server adds to a manifest
    ("{{ .Object.status.phase }}", manifest("Kafka", "kafka.strimzi.io/v1")),
    ("{{ .Object.metadata.uid }}", manifest("Deployment")),
    ("{{ .Object.spec.strategy.type }}", manifest("Deployment", spec={"replicas": 1})),
    (
        "{{ .Object.spec.template.spec.nodeName }}",
        manifest("Job", "batch/v1", spec={"template": {}}),
    ),
    # a Secret
    ("{{ .Object.data.p }}", live("Secret", "v1", data={"p": SECRET}, stringData={"p": SECRET})),
    ("{{ .Object.data | toJson }}", live("Secret", "v1", data={"p": SECRET})),
    ("{{ .Object }}", live("Secret", "v1", data={"p": SECRET})),
    ("{{ .Object | toJson | b64enc }}", live("Secret", "v1", data={"p": SECRET})),
]


@pytest.mark.parametrize(("text", "item"), LEFT)
def test_expressions_with_values_of_the_run_stay(text: str, item: dict[str, Any] | None) -> None:
    assert argument(text, item) == text


FAILED = [
    (
        "{{ .Object.spec.x }}",
        STATEFUL_SET,
        'Failed to render template: "x" not found (at <.Object.spec.x>)',
    ),
    ("{{ .Options.x }}", None, 'Failed to render template: "x" not found (at <.Options.x>)'),
    ("{{ .Deployment.Name }}", STATEFUL_SET, "nil pointer evaluating *param.DeploymentParams.Name"),
    ("{{ .StatefulSet.Foo }}", STATEFUL_SET, "field Foo in type *param.StatefulSetParams"),
    ("{{ .Foo }}", None, "can't evaluate field Foo in type param.TemplateParams"),
    ("{{ .Profile.Foo }}", None, "can't evaluate field Foo in type *param.Profile"),
    ("{{ .Phases.one.Output.x }}", None, '"x" not found'),
    ("{{ .Phases.two.Output.x }}", None, '"two" not found'),
    ("{{ .DeferPhase.Output.x }}", None, '"x" not found'),
    ("{{ until .Object.spec.replicas }}", STATEFUL_SET, "expected int; got int64"),
    ("{{ nothing }}", None, 'function "nothing" not defined'),
    ("{{ .Phases.a-b }}", None, "does not parse as a template: bad character U+002D '-'"),
    ('{{ derivePassword 1 "long" "p" "u" "s" }}', None, "not allowed by kanister"),
    ("{{ .Object.spec.x }}", manifest("Kafka", "kafka.strimzi.io/v1", spec={}), '"x" not found'),
]


@pytest.mark.parametrize(("text", "item", "told"), FAILED)
def test_what_kanister_fails_with(text: str, item: dict[str, Any] | None, told: str) -> None:
    assert told in argument(text, item)


PHASES = """\
    outputArtifacts:
      made:
        keyValue:
          "{{ .Time }}": "{{ .Phases.scale.Output.originalReplicaCount }}{{ .Object.kind }}"
        kopiaSnapshot: "{{ .DeferPhase.Output.id }}"
    phases:
    - func: ScaleWorkload
      name: scale
      args:
        replicas: 0
        name: "{{ .Object.metadata.name }}"
    - func: KubeTask
      name: task
      objects:
        pw: {kind: Secret, name: "{{ .Object.metadata.name }}-pw", namespace: shop}
        cm: {kind: configmap, name: x, namespace: "{{ .Object.metadata.namespace }}"}
      args:
        namespace: "{{ .Object.metadata.namespace }}"
        podOverride:
          "{{ .Object.kind }}": "{{ .Phases.scale.Output.originalReplicaCount }}"
          "n": 1
          "on": true
        command:
        - echo
        - |
          echo {{ .Phases.scale.Output.originalReplicaCount }}
          {{ range list 1 2 }}{{ . }}{{ end }}
        - "{{ index .Phases.task.Secrets.pw.Data `p` | toString }}"
        - "{{ .Phases.task.ConfigMaps.cm.Data.k }}"
    - func: WaitV2
      name: wait
      args:
        timeout: "{{ .Options.x }}"
        conditions:
          allOf:
          - condition: '{{ if .status.x }}true{{ end }}'
            objectReference: {name: "{{ .Object.metadata.name }}"}
    deferPhase:
      func: KubeTask
      name: last
      args:
        command:
        - "{{ .Phases.task.Output.k }}"
        - "{{ with index .Phases `task` }}{{ .Output.k }}{{ end }}"
"""


def test_phases_are_in_their_order_with_objects_and_arguments() -> None:
    shown = show(PHASES, STATEFUL_SET)
    scale, task, wait, last = shown.phases
    assert shown.problems == ()
    assert scale.args == {"replicas": 0, "name": "web"}
    assert task.objects["pw"] == {"kind": "Secret", "name": "web-pw", "namespace": "shop"}
    count = "{{ .Phases.scale.Output.originalReplicaCount }}"
    assert task.args["podOverride"] == {"StatefulSet": count, "n": 1, "on": True}
    assert task.args["command"] == [
        "echo",
        f"echo {count}\n12\n",
        '{{ index .Phases.task.Secrets.pw.Data "p" | toString }}',
        "{{ .Phases.task.ConfigMaps.cm.Data.k }}",
    ]
    assert task.symbolic == (
        "args.podOverride.{{ .Object.kind }}",
        *(f"args.command[{i}]" for i in (1, 2, 3)),
    )
    (condition,) = wait.args["conditions"]["allOf"]
    assert wait.args["timeout"] == "{{ .Options.x }}", "WaitV2 renders no timeout"
    assert condition["condition"] == "{{ if .status.x }}true{{ end }}"
    assert condition["objectReference"] == {"name": "web"}
    assert last.args["command"] == [
        "{{ .Phases.task.Output.k }}",
        '{{ with index .Phases "task" }}{{ .Output.k }}{{ end }}',
    ]
    assert shown.output_artifacts == {
        "made": {
            "keyValue": {"{{ .Time }}": f"{count}StatefulSet"},
            "kopiaSnapshot": "{{ .DeferPhase.Output.id }}",
        }
    }


BROKEN = """\
    phases:
    - func: KubeTask
      name: one
      objects:
        pw: {kind: Secret, name: "{{ .Phases.one.Output.x }}"}
      args:
        image:
        command:
        - |
          first
          echo {{ .Object.spec.missing }}
        - "{{ .Phases.two.Output.x }}"
        - "{{ if .Time }}{{ .Foo }}{{ end }}"
    - func: Wait
      name: two
      args:
        timeout: "{{ .Options.t }}"
        conditions: {anyOf: [{condition: '{{ .Foo }} { $.status }'}]}
    - func: ScaleWorkload
      name: three
      args:
        replicas: "{{ .Phases.three.Secrets.x.Data.y }}"
        name: "{{ .Phases.two.Output.x }}"
    - func: KubeOps
      name: four
      args:
        operation: "{{ .Phases.three.Output.replicas }}"
    deferPhase:
      func: KubeTask
      name: five
      args:
        command: ["{{ .Phases.five.Output.x }}"]
"""


def test_every_failure_is_reported_at_its_place() -> None:
    problems = show(BROKEN, STATEFUL_SET).problems
    assert [str(problem).partition(": ")[0] for problem in problems] == [
        *("bp.yaml:11:38", "bp.yaml:13:15", "bp.yaml:17:19", "bp.yaml:18:15", "bp.yaml:19:29"),
        *("bp.yaml:23:22", "bp.yaml:24:46", "bp.yaml:28:23", "bp.yaml:29:19"),
        *("bp.yaml:33:24", "bp.yaml:38:23"),
    ]
    assert {problem.rule for problem in problems} == {"template-render", "template-branch"}
    assert "actions.go.phases[0].args.command[0]" in {problem.path for problem in problems}
    (doubt,) = (problem for problem in problems if problem.rule == "template-branch")
    assert doubt.severity.value == "warning"


def test_no_value_of_a_secret_is_shown() -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": SECRET}
    item = live("Secret", "v1", data={"p": SECRET}, stringData={"q": SECRET})
    item["metadata"]["annotations"] = annotations
    texts = ["{{ .Object }}", "{{ range $k, $v := .Object.data }}{{ $v }}{{ end }}"]
    texts += [
        "{{ toPrettyJson .Object.metadata }}",
        "{{ .Object.stringData.q }}{{ .Object.data.p }}",
    ]
    texts += ["{{ printf `%v` .Object.metadata.annotations }}", "{{ .Object.data.none }}"]
    args = "".join(f"        a{i}: {json.dumps(text)}\n" for i, text in enumerate(texts))
    shown = show(f"    phases:\n    - func: KubeTask\n      name: x\n      args:\n{args}", item)
    assert SECRET not in preview_text(shown) + preview_json(shown)
    assert len(shown.phases[0].symbolic) == len(texts)


def test_text_and_json_have_the_same_content() -> None:
    shown = show(PHASES, STATEFUL_SET)
    text = preview_text(shown)
    headings = [line for line in text.splitlines() if line[:1].strip()]
    assert headings == [
        "phase 1 of 3: scale (ScaleWorkload)",
        "phase 2 of 3: task (KubeTask)",
        "phase 3 of 3: wait (WaitV2)",
        "deferPhase: last (KubeTask)",
        "outputArtifacts",
    ]
    parts = [yaml.safe_load(part.partition("\n")[2]) for part in text.split("\n\n")]
    tree = json.loads(preview_json(shown))
    assert list(tree) == ["action", "phases", "outputArtifacts", "problems"]
    assert [part["args"] for part in parts[:-1]] == [phase["args"] for phase in tree["phases"]]
    assert parts[-1] == tree["outputArtifacts"]
    assert "    - |\n      echo {{ .Phases.scale" in text
    assert "# known when it runs: args.podOverride" in text
    assert [phase["deferred"] for phase in tree["phases"]] == [False, False, False, True]
    assert tree["phases"][1]["symbolic"][-1] == "args.command[3]"


@pytest.mark.parametrize(
    "text",
    ["a\nb", "a \nb\n", " a\n\tb", "\ta\nb\n\n", "a: b\n#c\n", "x\r\ny", "\x01\n", "é\n", "- x\n"],
)
def test_block_scalars_read_as_what_they_were(text: str) -> None:
    spelled = dump({"a": [text, 1]})
    assert yaml.safe_load(spelled) == {"a": [text, 1]}
    assert ("|" in spelled) == ("\r" not in text and "\x01" not in text)


def pod(name: str, owner: str, phase: str = "Running") -> dict[str, Any]:
    mounts = [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}]  # noqa: S108
    return {
        "metadata": {"name": name, "ownerReferences": [{"uid": owner}]},
        "spec": {"containers": [{"volumeMounts": mounts}, {}]},
        "status": {"phase": phase, "containerStatuses": [{"name": "b"}, {"name": "a"}]},
    }


def test_pods_of_a_stateful_set_are_the_running_ones_in_the_servers_order() -> None:
    workload = live("StatefulSet", spec={"volumeClaimTemplates": [{"metadata": {"name": "data"}}]})
    pods = [
        pod("web-10", "u-1"),
        pod("web-2", "u-1"),
        pod("web-3", "u-1", "Pending"),
        pod("x", "u"),
    ]
    found = pods_of(workload, pods, ())
    assert found is not None
    assert found.names == ("web-10", "web-2")
    assert found.containers == (("b", "a"), ("b", "a"))
    assert found.claims["web-10"] == {"data-web-10": "/data"}


def test_pods_of_a_deployment_are_those_of_its_present_replica_set() -> None:
    revision = "deployment.kubernetes.io/revision"
    claim = {"name": "data", "persistentVolumeClaim": {"claimName": "shared"}}
    workload = live("Deployment", spec={"template": {"spec": {"volumes": [claim]}}})
    workload["metadata"]["annotations"] = {revision: "2"}
    sets = [
        {
            "metadata": {
                "uid": uid,
                "ownerReferences": [{"uid": "u-1"}],
                "annotations": {revision: n},
            }
        }
        for uid, n in (("r-1", "1"), ("r-2", "2"))
    ]
    found = pods_of(workload, [pod("old", "r-1"), pod("new", "r-2")], sets)
    assert found is not None
    assert found.names == ("new",)
    assert found.claims == {"new": {"shared": "/data"}}
    assert pods_of(workload, [], sets[:1]) is None


def run(*words: str) -> Result:
    # By main: click keeps the help option of a command from its first context.
    return CliRunner().invoke(main, ["preview", *words], catch_exceptions=False)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    blueprint, item = tmp_path / "bp.yaml", tmp_path / "object.yaml"
    blueprint.write_text(HEAD + PHASES)
    item.write_text(json.dumps(STATEFUL_SET))
    return str(blueprint), str(item)


def test_command_shows_an_action_for_an_object(files: tuple[str, str]) -> None:
    blueprint, item = files
    result = run(blueprint, "--action", "go", "--object", item)
    assert result.exit_code == 0
    assert "name: web-pw" in result.stdout
    assert result.stderr == ""
    tree = json.loads(run(blueprint, "--action", "go", "-o", "json").stdout)
    assert tree["phases"][0]["args"]["name"] == "{{ .Object.metadata.name }}"


def test_the_command_prints_the_other_arguments_if_one_fails(tmp_path: Path) -> None:
    path = tmp_path / "bp.yaml"
    path.write_text(HEAD + BROKEN)
    result = run(str(path), "--action", "go", "--option", "t=1s")
    assert result.exit_code == 1
    assert "timeout: 1s" in result.stdout
    assert f"{path}:13:15: error: actions.go.phases[0].args.image" in result.stderr
    assert result.stderr.count("template-render") == len(result.stderr.splitlines()) - 1


def test_command_refuses_what_it_cannot_show(files: tuple[str, str], tmp_path: Path) -> None:
    blueprint, item = files
    for words, told in (
        (["--action", "no"], "has no action 'no'; it has go"),
        (["--action", "go", "--object", item, "--from-cluster", "a/b/c"], "either"),
        (["--action", "go", "--object", blueprint + "x"], "No such file"),
        (["--action", "go", "--from-cluster", "nonsense"], "KIND/NAMESPACE/NAME"),
        (["--action", "go", "--option", "x"], "KEY=VALUE"),
    ):
        result = run(blueprint, *words)
        assert result.exit_code == 2
        assert told in result.stderr
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: [")
    result = run(str(broken), "--action", "go")
    assert (result.exit_code, result.stdout) == (1, "")
    assert str(broken) in result.stderr


@pytest.mark.parametrize("path", sorted((ROOT / "blueprints").rglob("blueprint-*.yaml")), ids=str)
def test_what_we_render_runs(path: Path) -> None:
    (document,) = loads(path.read_text(), str(path)).documents
    blueprint = read(document)
    for action in blueprint.actions:
        shown = preview_action(
            blueprint,
            action,
            PreviewTarget(document_from_dict(live("Kafka", "kafka.strimzi.io/v1"))),
        )
        assert shown.problems == ()


@pytest.fixture
def cluster(configure: Callable[[str], Path]) -> Iterator[ApiServer]:
    groups = [{"name": "apps", "preferredVersion": {"version": "v1"}}]
    named = {"name": "deployments", "kind": "Deployment", "shortNames": ["deploy"]}
    answers = {
        "/apis": (200, {"groups": groups}),
        "/api/v1": (200, {"resources": [{"name": "secrets", "kind": "Secret"}]}),
        "/apis/apps/v1": (
            200,
            {"resources": [{"name": "deployments/scale", "kind": "Scale"}, named]},
        ),
        "/apis/apps/v1/namespaces/shop/deployments/web": (200, live("Deployment")),
        "/apis/apps/v1/namespaces/shop/replicasets": (200, {"items": []}),
        "/api/v1/namespaces/shop/pods": (200, {"items": [pod("x", "u")]}),
        "/api/v1/namespaces/shop/secrets/pw": (
            200,
            live("Secret", "v1", data={"p": SECRET}, type="Opaque"),
        ),
    }
    with serving(ApiServer({})) as server:
        configure(server.url)
        for path, answer in answers.items():
            server.faults["GET", path, None] = [answer]
        yield server


@pytest.mark.parametrize("kind", ["Deployment", "deployments", "deploy", "deployments.apps"])
@pytest.mark.usefixtures("cluster")
def test_object_of_a_cluster_is_found_by_any_name_of_its_kind(kind: str) -> None:
    found = read_object(kind, "shop", "web")
    assert found.document.root.location.source == "Deployment/shop/web"
    assert found.pods is not None
    assert [one["metadata"]["name"] for one in found.pods] == ["x"]


def test_pods_that_may_not_be_listed_stay_symbolic(cluster: Any) -> None:
    cluster.faults["GET", "/api/v1/namespaces/shop/pods", None] = [forbidden("pods")]
    assert read_object("deploy", "shop", "web").pods is None


@pytest.mark.usefixtures("cluster")
def test_secret_of_a_cluster_leaves_its_values_there() -> None:
    assert SECRET not in str(read_object("secret", "shop", "pw"))


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("widgets", "shop", "web"), "has no resource 'widgets'"),
        (("deployments.example.com", "shop", "web"), "has no resource"),
        (
            ("deployment", "shop", "other"),
            "cannot get /apis/apps/v1/namespaces/shop/deployments/other",
        ),
        (("deployment", "../x", "web"), "namespaces/..%2Fx/"),
    ],
)
def test_object_out_of_reach_is_one_line(words: tuple[str, str, str], told: str) -> None:
    with pytest.raises(UnreachableError) as raised:
        read_object(*words)
    assert told in str(raised.value)
    assert "\n" not in str(raised.value)
    assert BEARER not in str(raised.value)
