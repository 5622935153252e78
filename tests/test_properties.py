"""What holds for every cluster, whatever it is called and however it is made up."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka import (
    KastenForm,
    Options,
    Plan,
    QuiesceBy,
    Strategy,
    build,
    loads,
    read,
    render,
    stream,
    validate_text,
)

from .conftest import ROOT

SCRIPTS = ROOT / "templates" / "scripts"
TRICKY = ["on", "off", "y", "no", "null", "true", "0x1f", "12", "1e3", "0o7", "kafka", "a.b", "1.0"]
plain = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
names = st.sampled_from(TRICKY) | plain
namespaces = names.filter(lambda name: "." not in name)
STORAGE = {"type": "jbod", "volumes": [{"id": 0, "type": "persistent-claim", "size": "1Gi"}]}


def resource(kind: str, name: str, namespace: str, spec: dict, **metadata: Any) -> dict:
    return {
        "apiVersion": "kafka.strimzi.io/v1beta2",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": spec,
    }


@st.composite
def clusters(draw: st.DrawFn) -> tuple[str, list[dict]]:
    """Draw the custom resources of one cluster, with writers here and elsewhere."""
    name, namespace = draw(names), draw(namespaces)
    zookeeper, pooled = draw(st.booleans()), draw(st.booleans())
    known = ["entityOperator", "cruiseControl", "kafkaExporter"]
    components = draw(st.sets(st.sampled_from(known)))
    kafka: dict[str, Any] = {"version": "3.9.0"}
    spec: dict[str, Any] = {"kafka": kafka, **{name: {} for name in sorted(components)}}
    annotations = {}
    documents = []
    if zookeeper:
        spec["zookeeper"] = {"replicas": 3, "storage": STORAGE["volumes"][0]}
    else:
        annotations["strimzi.io/kraft"] = "enabled"
    if pooled or not zookeeper:
        annotations["strimzi.io/node-pools"] = "enabled"
        roles = [["broker"]]
        if not zookeeper:
            apart, combined = [["broker"], ["controller"]], [["controller", "broker"]]
            roles = draw(st.sampled_from([apart, combined]))
        more = [["broker"]] * draw(st.integers(0, 3))
        count = len(roles) + len(more)
        pools = draw(st.lists(names, min_size=count, max_size=count, unique=True))
        for pool, has in zip(pools, roles + more, strict=True):
            settings = {"replicas": draw(st.integers(1, 200)), "roles": has, "storage": STORAGE}
            labels = {"strimzi.io/cluster": name}
            documents.append(resource("KafkaNodePool", pool, namespace, settings, labels=labels))
    else:
        kafka |= {"replicas": draw(st.integers(1, 200)), "storage": STORAGE}
    documents.append(resource("Kafka", name, namespace, spec, annotations=annotations))
    for writer in draw(st.lists(st.tuples(namespaces, names), max_size=3, unique=True)):
        home, called = writer
        bootstrap = f"{name}-kafka-bootstrap.{namespace}.svc:9092"
        documents.append(resource("KafkaConnect", called, home, {"bootstrapServers": bootstrap}))
    return f"{namespace}/{name}", draw(st.permutations(documents))


texts = st.text(max_size=40)
options = st.builds(
    Options,
    strategy=st.sampled_from(Strategy),
    quiesce_by=st.sampled_from(QuiesceBy),
    kasten=st.lists(st.sampled_from(KastenForm), unique=True).map(tuple),
    run_as_user=st.none() | st.integers(1, 2**31 - 1),
    annotations=st.lists(st.tuples(names, texts), max_size=3, unique_by=lambda p: p[0]).map(tuple),
)
many = settings(max_examples=60, deadline=None)


def documents(objects: list[dict]) -> str:
    """Spell objects as JSON: PyYAML leaves `y` bare, which Kubernetes takes for a boolean."""
    return "\n---\n".join(json.dumps(one) for one in objects)


def plan_of(cluster: tuple[str, list[dict]], chosen: Options) -> Plan:
    text = documents(cluster[1])
    reading = read(loads(text).documents, cluster=cluster[0])
    assert reading.cluster is not None, reading.problems
    return build(reading.cluster, chosen, reading.problems)


def environment(phase: dict) -> dict[str, str]:
    """Read the values of a phase from its command, as env(1) does."""
    command = phase["args"]["command"]
    assert command[0] == "env"
    return dict(word.split("=", 1) for word in command[1 : command.index("bash")])


def arguments(phase: dict) -> list[str]:
    command = phase["args"]["command"]
    return command[command.index("-c") + 3 :]


def parsed(plan: Plan) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for manifest in yaml.safe_load_all(stream(render(plan))):
        found.setdefault(manifest["kind"], []).append(manifest)
    return found


@many
@given(clusters(), options)
def test_same_input_same_bytes_and_no_problem(
    cluster: tuple[str, list[dict]], chosen: Options
) -> None:
    once, twice = (stream(render(plan_of(cluster, chosen))) for _ in range(2))
    assert once == twice
    backwards = (cluster[0], cluster[1][::-1])
    assert stream(render(plan_of(backwards, chosen))) == once, "the order of input does not matter"
    assert not validate_text(once)
    assert not loads(once).problems


@many
@given(clusters(), options)
def test_no_value_changes_on_its_way_through_yaml(
    cluster: tuple[str, list[dict]], chosen: Options
) -> None:
    plan = plan_of(cluster, chosen)
    found = parsed(plan)
    (blueprint,) = found["Blueprint"]
    assert blueprint["metadata"]["name"] == plan.name
    assert blueprint["metadata"].get("annotations", {}) == dict(chosen.annotations)
    assert found["ServiceAccount"][0]["metadata"]["namespace"] == plan.cluster.namespace
    rules = [rule for role in found["Role"] for rule in role["rules"]]
    granted = [name for rule in rules for name in rule.get("resourceNames", [])]
    assert granted == [name for right in plan.rights for name in right.names]
    for action, rendered in zip(plan.actions, blueprint["actions"].values(), strict=True):
        for phase, spelled in zip(action.phases, rendered["phases"], strict=True):
            command = spelled["args"]["command"]
            assert tuple(command[1 : 1 + len(phase.values)]) == phase.values
            assert tuple(arguments(spelled)) == phase.arguments
            assert all(isinstance(word, str) for word in command)


@many
@given(clusters(), options)
def test_no_value_is_ever_part_of_a_script(
    cluster: tuple[str, list[dict]], chosen: Options
) -> None:
    plan = plan_of(cluster, chosen)
    (blueprint,) = parsed(plan)["Blueprint"]
    for action, rendered in zip(plan.actions, blueprint["actions"].values(), strict=True):
        for phase, spelled in zip(action.phases, rendered["phases"], strict=True):
            command = spelled["args"]["command"]
            body = command[command.index("-c") + 1]
            files = ((SCRIPTS / part).read_text() for part in phase.parts)
            kept = [
                [line for line in text.splitlines() if not line.startswith("# shellcheck ")]
                for text in files
            ]
            assert body == "\n\n".join("\n".join(lines).strip("\n") for lines in kept) + "\n"


@many
@given(clusters(), options)
def test_all_that_stops_is_restarted_and_brokers_stop_first(
    cluster: tuple[str, list[dict]], chosen: Options
) -> None:
    plan = plan_of(cluster, chosen)
    (blueprint,) = parsed(plan)["Blueprint"]
    actions = blueprint["actions"]
    if chosen.strategy is Strategy.HOT:
        assert [p["name"] for p in actions["backupPrehook"]["phases"]] == ["flush"]
        assert set(actions) == {"backupPrehook"}
        return
    quiesce, flush, stop = actions["backupPrehook"]["phases"]
    assert [p["name"] for p in (quiesce, flush, stop)] == ["quiesce", "flush", "stop"]
    values = environment(stop)
    first = [name for name in values["BROKERS"].split(",") if name]
    last = values["QUORUM"].split(",")
    roles = {node.name: {role.value for role in node.roles} for node in plan.cluster.nodes}
    if plan.cluster.zookeeper:
        assert last == [plan.cluster.zookeeper.name]
        assert sorted(first) == sorted(roles)
    else:
        assert all(roles[name] == {"broker"} for name in first)
        assert all("controller" in roles[name] for name in last)
    recover = actions["backupPrehook"]["deferPhase"]
    restarts = (recover, *actions["backupPosthook"]["phases"], *actions["resume"]["phases"])
    for restart in restarts:
        known = environment(restart)
        zookeeper = [name for name in known["ZOOKEEPER"].split(",") if name]
        assert sorted(known["KAFKA_NODES"].split(",") + zookeeper) == sorted(first + last)
        assert arguments(restart) == arguments(quiesce), "every writer that is quiesced is released"
    assert environment(recover)["UNLESS_STOPPED_BY"] == environment(stop)["RUN"] == "{{ .Time }}"
    assert environment(restarts[1])["UNLESS_STOPPED_BY"] == ""


@many
@given(clusters(), options)
def test_every_right_that_is_asked_for_is_granted(
    cluster: tuple[str, list[dict]], chosen: Options
) -> None:
    plan = plan_of(cluster, chosen)
    found = parsed(plan)
    if chosen.strategy is Strategy.HOT:
        return
    quiesce = found["Blueprint"][0]["actions"]["backupPrehook"]["phases"][0]
    for right in environment(quiesce)["RIGHTS"].split():
        verb, resource, subresource, name, namespace = right.split(":")
        plural, _, group = resource.partition(".")
        plural = f"{plural}/{subresource}" if subresource else plural
        assert any(
            role["metadata"]["namespace"] == namespace
            and group in rule["apiGroups"]
            and plural in rule["resources"]
            and verb in rule["verbs"]
            and (not name or name in rule["resourceNames"])
            for role in found["Role"]
            for rule in role["rules"]
        ), right
    assert not any("*" in str(rule) for role in found["Role"] for rule in role["rules"])


def test_length_does_not_grow_with_the_cluster() -> None:
    def lines(replicas: int) -> int:
        spec = {
            "kafka": {"version": "3.9.0", "replicas": replicas, "storage": STORAGE},
            "zookeeper": {"replicas": 3, "storage": STORAGE["volumes"][0]},
        }
        cluster = ("ns/big", [resource("Kafka", "big", "ns", spec)])
        return len(stream(render(plan_of(cluster, Options()))).splitlines())

    assert lines(3) == lines(100)


@given(st.text(min_size=1, max_size=30).filter(lambda t: not t.isalnum()))
@settings(max_examples=100, deadline=None)
def test_name_that_kubernetes_refuses_never_gets_into_a_plan(name: str) -> None:
    spec = {
        "kafka": {"version": "3.9.0", "replicas": 3, "storage": STORAGE},
        "zookeeper": {"replicas": 3, "storage": STORAGE["volumes"][0]},
    }
    document = resource("Kafka", f"{name}$(reboot)", "ns", spec)
    reading = read(loads(yaml.safe_dump(document)).documents)
    assert reading.cluster is None
    assert {problem.check for problem in reading.problems} >= {"wrong-type"}
