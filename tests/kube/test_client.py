from __future__ import annotations

import json
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner
from kubernetes import client, config
from urllib3.exceptions import HTTPError

from kanister_kafka.cli import main
from kanister_kafka.diagnostics import Diagnostic, Location, Severity
from kanister_kafka.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    KanisterKafkaError,
    NotFoundError,
    RejectedError,
    TransientError,
    UnreachableError,
)
from kanister_kafka.kube.client import PODS, KubeClient
from kanister_kafka.strimzi.from_cluster import iter_clusters, read_cluster_resources
from kanister_kafka.yamldoc import to_python
from tests.fakes.api_server import ApiServer, status
from tests.fakes.http_api import BEARER, serving

STRIMZI = "kafka.strimzi.io"
CORE = "core.strimzi.io"
VOLUME = {"type": "persistent-claim", "size": "1Gi"}
KINDS = {
    ("apps", "v1"): {"statefulsets": "StatefulSet"},
    **{
        (STRIMZI, version): {
            "kafkas": "Kafka",
            "kafkanodepools": "KafkaNodePool",
            "kafkamirrormaker2s": "KafkaMirrorMaker2",
            "kafkaconnects": "KafkaConnect",
            "kafkamirrormakers": "KafkaMirrorMaker",
            "kafkabridges": "KafkaBridge",
        }
        for version in ("v1", "v1beta2")
    },
    (CORE, "v1"): {"strimzipodsets": "StrimziPodSet"},
    (CORE, "v1beta2"): {"strimzipodsets": "StrimziPodSet"},
}
PLURALS = {kind: plural for kinds in KINDS.values() for plural, kind in kinds.items()}


def add(server, kind, namespace, name, cluster="", **fields):
    labels = {"strimzi.io/cluster": cluster} if cluster else {}
    item = server.add(PLURALS[kind], namespace, name, labels=labels, **fields)
    item["metadata"]["managedFields"] = [{"manager": "kubectl"}]
    return item


def serve(server, versions):
    """Serve Strimzi's groups in these versions, in this order."""
    for group in (STRIMZI, CORE):
        kinds = server.kinds.pop((group, "v1beta2"))
        del server.kinds[group, "v1"]
        server.kinds |= {(group, version): kinds for version in versions}


def forbid(server, path):
    server.faults["GET", path, None] = [
        status(403, f'is forbidden: User "jane" cannot list {path}')
    ]


@pytest.fixture
def server(configure):
    with serving(ApiServer(KINDS)) as server:
        configure(server.url)
        yield server


@pytest.fixture
def cluster(server):
    """A cluster `mine` with all that belongs to it, beside one that is another's."""
    for name in ("mine", "other"):
        add(server, "Kafka", "kafka", name, spec={"kafka": {}})
        add(server, "KafkaNodePool", "kafka", f"{name}-pool", name)
        add(server, "StrimziPodSet", "kafka", f"{name}-mine-pool", name)
        add(server, "StatefulSet", "kafka", f"{name}-zookeeper", name)
    add(server, "StatefulSet", "kafka", "database")
    add(server, "KafkaConnect", "kafka", "connect")
    add(server, "KafkaMirrorMaker2", "elsewhere", "mirror")
    return server


def sources(fetched):
    return {document.root.location.source for document in fetched.documents}


def versions(fetched):
    return {document.kind: document.version for document in fetched.documents}


def unreachable(*arguments, **options):
    with pytest.raises(UnreachableError) as raised:
        read_cluster_resources(*arguments, **options)
    message = str(raised.value)
    assert "\n" not in message
    assert BEARER not in message
    return message


@pytest.mark.usefixtures("cluster")
def test_a_named_cluster_is_read_with_its_resources_and_every_writer():
    fetched = read_cluster_resources("mine", "kafka")
    assert sources(fetched) == {
        "Kafka/kafka/mine",
        "KafkaNodePool/kafka/mine-pool",
        "StrimziPodSet/kafka/mine-mine-pool",
        "StatefulSet/kafka/mine-zookeeper",
        "KafkaConnect/kafka/connect",
        "KafkaMirrorMaker2/elsewhere/mirror",
    }
    assert fetched.problems == ()


def test_without_a_name_all_of_the_namespace_that_is_strimzis(cluster):
    add(cluster, "Kafka", "elsewhere", "third")
    assert sources(read_cluster_resources("", "kafka")) >= {
        "Kafka/kafka/mine",
        "Kafka/kafka/other",
        "KafkaNodePool/kafka/other-pool",
        "StatefulSet/kafka/other-zookeeper",
    }
    assert not sources(read_cluster_resources("", "kafka")) & {
        "Kafka/elsewhere/third",
        "StatefulSet/kafka/database",
    }


def test_addresses_of_other_kafkas_match_their_clients(cluster):
    host = {"bootstrap": {"host": "third.example.com"}, "hostTemplate": "t-{nodePodName}.test"}
    listener = {"name": "in", "port": 9094, "type": "ingress", "configuration": host}
    add(cluster, "Kafka", "elsewhere", "third", spec={"kafka": {"listeners": [listener]}})
    add(cluster, "KafkaNodePool", "elsewhere", "broker", "third")
    others = {other.cluster: other for other in read_cluster_resources("mine", "kafka").others}
    assert set(others) == {"other", "third"}
    assert others["third"].match("third.example.com:443", "kafka")
    assert others["third"].match("t-third-broker-3.test:443", "kafka")
    assert {other.cluster for other in read_cluster_resources("", "kafka").others} == {"third"}


def test_without_the_right_to_list_kafkas_there_are_no_others(cluster):
    forbid(cluster, f"/apis/{STRIMZI}/v1beta2/kafkas")
    fetched = read_cluster_resources("mine", "kafka")
    assert fetched.others == ()
    assert fetched.problems == ()


@pytest.mark.parametrize(
    ("context", "namespace"), [("", "from-context"), ("here", "from-context"), ("plain", "default")]
)
def test_namespace_is_the_contexts(server, context, namespace):
    add(server, "Kafka", namespace, "mine")
    assert sources(read_cluster_resources("mine", "", context=context)) == {
        f"Kafka/{namespace}/mine"
    }


@pytest.mark.parametrize(
    ("served", "read"),
    [
        pytest.param(["v1", "v1beta2"], "v1beta2", id="both"),
        pytest.param(["v1beta2", "v1"], "v1beta2", id="both, the other order"),
        pytest.param(["v1beta2", "v1beta1", "v1alpha1"], "v1beta2", id="v1beta2 only"),
        pytest.param(["v1"], "v1", id="v1 only"),
    ],
)
def test_version(cluster, served, read):
    serve(cluster, served)
    seen = versions(read_cluster_resources("mine", "kafka"))
    assert seen.pop("StatefulSet") == "v1"
    assert set(seen.values()) == {read}
    assert "KafkaMirrorMaker2" in seen


def test_kind_that_the_preferred_version_lacks_is_read_in_the_other(cluster):
    for plural in ("kafkas", "kafkanodepools"):
        del cluster.kinds[STRIMZI, "v1beta2"][plural]
    seen = versions(read_cluster_resources("mine", "kafka"))
    assert (seen["Kafka"], seen["KafkaNodePool"], seen["KafkaConnect"]) == ("v1", "v1", "v1beta2")


def test_kinds_that_are_not_served_are_skipped(cluster):
    del cluster.kinds[CORE, "v1"], cluster.kinds[CORE, "v1beta2"]
    for version in ("v1", "v1beta2"):
        del cluster.kinds[STRIMZI, version]["kafkamirrormaker2s"]
    fetched = read_cluster_resources("mine", "kafka")
    assert set(versions(fetched)) == {"Kafka", "KafkaNodePool", "StatefulSet", "KafkaConnect"}
    assert fetched.problems == ()


@pytest.mark.usefixtures("cluster")
def test_objects_are_named_and_lose_managed_fields():
    for document in read_cluster_resources("mine", "kafka").documents:
        value = to_python(document.root)
        version = "v1" if document.group == "apps" else "v1beta2"
        assert value["apiVersion"] == f"{document.group}/{version}"
        assert PLURALS[value["kind"]] in KINDS[document.group, version]
        assert "labels" in value["metadata"]
        assert "managedFields" not in value["metadata"]


def test_lists_are_read_page_by_page(server):
    server.page = 2
    for number in range(5):
        add(server, "Kafka", "kafka", f"cluster-{number}")
    assert len(read_cluster_resources("", "kafka").documents) == 5
    pages = [query for _, path, query in server.asked if path.endswith("/kafkas")]
    assert [query["limit"] for query in pages] == ["500"] * 3
    assert [query.get("continue") for query in pages] == [None, "2", "4"]


def test_writers_that_may_be_listed_in_the_namespace_only(cluster):
    forbid(cluster, f"/apis/{STRIMZI}/v1beta2/kafkamirrormaker2s")
    add(cluster, "KafkaMirrorMaker2", "kafka", "near")
    fetched = read_cluster_resources("mine", "kafka")
    mirrors = {source for source in sources(fetched) if source.startswith("KafkaMirrorMaker2")}
    assert mirrors == {"KafkaMirrorMaker2/kafka/near"}
    (problem,) = fetched.problems
    assert (problem.rule, problem.severity) == ("partial-view", Severity.WARNING)
    assert problem.location == Location("KafkaMirrorMaker2")
    assert problem.message == (
        "writers in namespaces other than kafka were not looked for: "
        "listing kafkamirrormaker2s.kafka.strimzi.io there is forbidden"
    )


def test_workloads_that_may_not_be_listed(cluster):
    forbid(cluster, "/apis/apps/v1/namespaces/kafka/statefulsets")
    fetched = read_cluster_resources("mine", "kafka")
    assert [(p.rule, p.location.source) for p in fetched.problems] == [
        ("partial-view", "StatefulSet")
    ]
    assert "StrimziPodSet/kafka/mine-mine-pool" in sources(fetched)


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param(["namespaces/kafka/kafkas/mine"], id="Kafka"),
        pytest.param(["namespaces/kafka/kafkanodepools"], id="node pools"),
        pytest.param(["kafkaconnects", "namespaces/kafka/kafkaconnects"], id="writers"),
    ],
)
def test_what_is_needed_is_forbidden(cluster, paths):
    for path in paths:
        forbid(cluster, f"/apis/{STRIMZI}/v1beta2/{path}")
    message = unreachable("mine", "kafka")
    assert message.startswith(f"{cluster.url}: cannot ")
    assert f'User "jane" cannot list /apis/{STRIMZI}/v1beta2/{paths[-1]} (HTTP 403)' in message


@pytest.mark.parametrize(
    ("names", "known"),
    [(["b", "a"], "which has b, a"), ([], "which has none")],
    ids=["two", "none"],
)
def test_missing_kafka(server, names, known):
    for name in names:
        add(server, "Kafka", "kafka", name)
    with pytest.raises(InputError) as raised:
        read_cluster_resources("mine", "kafka")
    (problem,) = raised.value.problems
    assert (problem.rule, problem.severity) == ("no-kafka", Severity.ERROR)
    assert problem.location == Location("Kafka/kafka/mine")
    assert problem.message == f"no Kafka mine in namespace kafka, {known}"


def test_missing_kafka_where_kafkas_may_not_be_listed(server):
    forbid(server, f"/apis/{STRIMZI}/v1beta2/namespaces/kafka/kafkas")
    with pytest.raises(InputError, match="listing those that exist is forbidden"):
        read_cluster_resources("mine", "kafka")


@pytest.mark.parametrize("served", [[], ["v1beta1"]], ids=["no group", "too old"])
def test_strimzi_is_not_installed(server, served):
    serve(server, served)
    assert unreachable("mine", "kafka") == (
        f"{server.url}: Strimzi's custom resources are not installed on this cluster: "
        "it has no API kafka.strimzi.io/v1beta2 or v1"
    )


def test_unauthorized(server):
    server.faults["GET", "/apis", None] = [status(401, "Unauthorized")]
    message = unreachable("mine", "kafka")
    assert message == f"{server.url}: cannot list API groups: Unauthorized (HTTP 401)"


@pytest.mark.parametrize("path", ["/apis", f"/apis/{STRIMZI}/v1beta2/namespaces/kafka/kafkas"])
@pytest.mark.parametrize(
    ("code", "body"),
    [
        pytest.param(200, "<html>log in</html>", id="page"),
        pytest.param(200, "", id="nothing"),
        pytest.param(200, "null", id="null in a page"),
        pytest.param(200, None, id="null"),
        pytest.param(200, [1], id="list"),
        pytest.param(200, 1, id="number"),
        pytest.param(302, "<html>over there</html>", id="redirect"),
        pytest.param(500, {"message": "etcd is away\n\n" * 100}, id="error"),
        pytest.param(502, "<html>bad gateway</html>", id="gateway"),
    ],
)
def test_unusable_answers(server, path, code, body):
    server.faults["GET", path, None] = [(code, body)]
    message = unreachable("", "kafka")
    assert message.startswith(f"{server.url}: cannot list ")
    assert len(message) < 600


def test_connection_refused(configure):
    with socket.socket() as taken:  # bound and not listening: nobody else can take the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        configure(url)
        message = unreachable("mine", "kafka")
    assert message.startswith(f"{url}: cannot list API groups: ")
    assert message.endswith("Connection refused")


def test_no_tls(server, configure):
    configure(server.url.replace("http:", "https:"))
    assert "SSL" in unreachable("mine", "kafka")


def test_token_that_no_header_can_hold(server, configure):
    configure(server.url, token=f"{BEARER}\nmore")
    assert unreachable("mine", "kafka").endswith(": malformed credentials or answer")


SCHEMA = '{"message": "failed to create typed patch object (x): .spec.y: field not declared"}'


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("failure", "kind", "end"),
    [
        (NotFoundError("not here"), NotFoundError, "not here"),
        (client.ApiException(403, "Forbidden"), ForbiddenError, "Forbidden (HTTP 403)"),
        (client.ApiException(409, "Conflict"), ConflictError, "Conflict (HTTP 409)"),
        (client.ApiException(503, "Busy"), TransientError, "Busy (HTTP 503)"),
        (client.ApiException(418, "Teapot"), UnreachableError, "Teapot (HTTP 418)"),
        (client.ApiException(0, "Handshake"), UnreachableError, "Handshake"),
        (HTTPError("cut\noff"), TransientError, "cut off"),
        (ConnectionResetError("reset"), TransientError, "reset"),
        (config.ConfigException("no user"), UnreachableError, "no user"),
        (AttributeError("token"), UnreachableError, "malformed credentials or answer"),
        (TypeError("token"), UnreachableError, "malformed credentials or answer"),
        (ValueError("token"), UnreachableError, "malformed credentials or answer"),
    ],
)
def test_each_error_of_the_libraries_has_an_error_of_this_package(monkeypatch, failure, kind, end):
    def fail(*_arguments, **_options):
        raise failure

    kube = KubeClient()
    monkeypatch.setattr(kube._client, "request", fail)
    with pytest.raises(KanisterKafkaError) as caught:
        kube.ask("GET", ("api",))
    assert type(caught.value) is kind
    start = "" if failure is caught.value else f"{kube.host}: cannot get /api: "
    assert str(caught.value) == start + end
    assert caught.value.__cause__ in {None, failure}


@pytest.mark.usefixtures("server")
def test_an_error_of_an_unknown_kind_is_not_hidden(monkeypatch):
    def fail(*_arguments, **_options):
        raise LookupError("a fault")

    kube = KubeClient()
    monkeypatch.setattr(kube._client, "request", fail)
    with pytest.raises(LookupError, match="a fault"):
        kube.ask("GET", ("api",))


@pytest.mark.usefixtures("server")
def test_an_apply_with_an_unknown_field_is_rejected(monkeypatch):
    failure = client.ApiException(500, "Internal Server Error")
    failure.body = SCHEMA

    def fail(*_arguments, **_options):
        raise failure

    kube = KubeClient()
    monkeypatch.setattr(kube._client, "request", fail)
    with pytest.raises(RejectedError, match="field not declared"):
        kube.ask("PATCH", ("api",))


def test_unknown_context(server):
    message = unreachable("mine", "kafka", context="nowhere")
    assert message.startswith("kubeconfig ")
    assert "nowhere" in message
    assert server.asked == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- 1",
        "word",
        "a: [",
        "\x00",
        "clusters: 3",
        "clusters: [1]",
        "users: [{}]",
        "current-context: x",
        "{current-context: x, contexts: [{name: x}]}",
        "{current-context: x, contexts: [{name: x, context: 1}]}",
        "{current-context: x, contexts: [{name: x, context: {cluster: y}}], clusters: [{name: y}]}",
        "{current-context: x, contexts: [{name: x, context: {cluster: y}}],"
        " clusters: [{name: y, cluster: {server: 'https://x', certificate-authority: /none}}]}",
    ],
)
def test_broken_kubeconfig(configure, text):
    path = configure("http://127.0.0.1:1")
    path.write_text(text)
    assert unreachable("mine", "kafka").startswith(f"kubeconfig {path}: ")


@pytest.mark.parametrize("context", ["", "here"])
def test_no_kubeconfig_and_not_in_a_cluster(tmp_path, monkeypatch, context):
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    message = unreachable("mine", "kafka", context=context)
    assert message == "kubeconfig ~/.kube/config: does not exist"


def test_import_is_cheap():
    code = "import sys, kanister_kafka.kube; sys.exit('kubernetes' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def listings(server):
    return [path.rpartition("/")[2] for _, path, _ in server.asked if path != "/apis"]


def each(*arguments):
    read = list(iter_clusters(*arguments))
    problems = [one for one in read if isinstance(one, Diagnostic)]
    return {one.root.location.source for one in read if one not in problems}, problems


def test_a_fleet_is_read_with_one_listing_for_each_kind(cluster):
    for number in range(20):
        add(cluster, "Kafka", f"ns-{number}", "a")
        add(cluster, "KafkaNodePool", f"ns-{number}", "pool", "a")
    read, problems = each()
    assert len([source for source in read if source.startswith("Kafka/")]) == 22
    assert problems == []
    assert sorted(listings(cluster)) == sorted(PLURALS.values())


def test_a_fleet_of_one_namespace_comes_with_writers_of_all(cluster):
    add(cluster, "Kafka", "other", "theirs")
    read, _problems = each("kafka")
    assert "Kafka/other/theirs" not in read
    assert {"Kafka/kafka/mine", "Kafka/kafka/other", "KafkaMirrorMaker2/elsewhere/mirror"} <= read
    assert "StatefulSet/kafka/database" not in read


def test_a_fleet_of_which_a_part_may_not_be_seen(cluster):
    forbid(cluster, f"/apis/{STRIMZI}/v1beta2/kafkamirrormaker2s")
    forbid(cluster, f"/apis/{CORE}/v1beta2/namespaces/kafka/strimzipodsets")
    read, problems = each("kafka")
    assert "KafkaConnect/kafka/connect" in read
    assert [problem.rule for problem in problems] == ["partial-view", "partial-view"]
    with pytest.raises(ForbiddenError):
        each()


def test_a_fleet_is_rendered_from_a_live_cluster(server):
    nodes = {"version": "3.9.0", "replicas": 3, "storage": VOLUME}
    spec = {"kafka": nodes, "zookeeper": {"replicas": 3, "storage": VOLUME}}
    for name in ("a", "b", "c"):
        kafka = add(server, "Kafka", f"ns-{name}", name, spec=spec)
        kafka["metadata"]["labels"]["tier"] = "test" if name == "b" else "prod"
    bootstrap = {"bootstrapServers": "c-kafka-bootstrap.ns-c.svc:9092"}
    add(server, "KafkaConnect", "apps", "connect", spec=bootstrap)
    words = ["fleet", "plan", "--from-cluster", "-l", "tier=prod", "-o", "json"]
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0, result.stderr
    planned = json.loads(result.stdout)
    assert [(one["kafka"], one["writers"]) for one in planned] == [("ns-a/a", 0), ("ns-c/c", 1)]
    assert "kubernetes-version" not in result.stderr
    server.minor = "15"
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert (result.exit_code, result.stderr.count("(kubernetes-version)")) == (0, 2)


def test_a_deletion_has_all_of_it_in_its_body(server):
    """With a body, the API server ignores the query: a dry run there would delete."""
    server.answer = lambda *_: (200, {"kind": "Status"})
    KubeClient().delete(PODS, "a", "b", dry_run=True, uid="u", version="7")
    (method, path, _), body = server.asked[-1], server.bodies[-1]
    assert (method, path) == ("DELETE", "/api/v1/namespaces/b/pods/a")
    assert body == {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": "Background",
        "dryRun": ["All"],
        "preconditions": {"uid": "u", "resourceVersion": "7"},
    }
