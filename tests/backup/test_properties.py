"""What holds for every cluster, whatever it is called and however it is made up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka import (
    BackupPlan,
    KastenOutput,
    Options,
    QuiesceMethod,
    Strategy,
    build_plan,
    loads,
    read_cluster,
    render,
    to_yaml_stream,
    validate_text,
)
from kanister_kafka.backup.model import PlannedPhase
from kanister_kafka.backup.options import KEEP_COPIES_RULES, KEEP_RULES, SnapshotProvider
from kanister_kafka.backup.provenance import provenance_annotations
from kanister_kafka.backup.scripts import is_scripts
from kanister_kafka.cli import main
from kanister_kafka.cli.commands.backups.create import create
from kanister_kafka.durations import parse_age
from kanister_kafka.kube.pod_options import DEFAULT_REQUESTS
from tests.fakes.script_runner import FILES, STUB

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
counts = st.integers(0, 400)
ages = st.sampled_from(["", "30d", "72h"])
periods = ("last", "hourly", "weekly", "monthly", "yearly")
cron = {
    "schedule": st.sampled_from(["0 3 * * *", "@daily"]),
    "schedule_image": st.just("example.com/kanister-kafka:1"),
    "keep_daily": st.integers(1, 400),
    "keep_within": ages,
    **{f"keep_{period}": counts for period in periods},
}
exported = {
    "export_profile": st.sampled_from(["s3", "on"]),
    "keep_copies_daily": counts,
    "keep_copies_within": ages,
    **{f"keep_copies_{period}": counts for period in periods},
}
schedules = st.just({}) | st.fixed_dictionaries(cron) | st.fixed_dictionaries(cron | exported)


def scheduled(chosen: Options, more: dict[str, Any]) -> Options:
    """Add a schedule, with copies off the cluster or without, if the engine has it."""
    return replace(chosen, **more) if chosen.engine is SnapshotProvider.KANISTER else chosen


unscheduled = st.builds(
    Options,
    strategy=st.sampled_from(Strategy),
    engine=st.sampled_from(SnapshotProvider),
    quiesce_by=st.sampled_from(QuiesceMethod),
    restart_after=st.sampled_from([0, 60, 3600]),
    kasten=st.lists(st.sampled_from(KastenOutput), unique=True).map(tuple),
    run_as_user=st.none() | st.integers(1, 2**31 - 1),
    annotations=st.lists(st.tuples(names, texts), max_size=3, unique_by=lambda p: p[0]).map(tuple),
    pod_labels=st.lists(st.tuples(names, names), max_size=2, unique_by=lambda p: p[0]).map(tuple),
    pod_annotations=st.lists(st.tuples(names, texts), max_size=2, unique_by=lambda p: p[0]).map(
        tuple
    ),
    image_pull_secrets=st.lists(names, max_size=2).map(tuple),
    tolerations=st.lists(st.sampled_from(["a", "b=on", "c=:NoExecute"]), max_size=2).map(tuple),
    node_selector=st.lists(st.tuples(names, names), max_size=1).map(tuple),
    priority_class=st.sampled_from(["", "on"]),
    requests=st.sampled_from([DEFAULT_REQUESTS, (), (("cpu", "1"),)]),
    pod_limits=st.sampled_from([(), (("cpu", "2"),)]),
).filter(lambda chosen: not tuple(chosen.problems()))
options = st.builds(scheduled, unscheduled, schedules)
many = settings(max_examples=60)


def documents(objects: list[dict]) -> str:
    """Spell objects as JSON: PyYAML leaves `y` bare, which Kubernetes takes for a boolean."""
    return "\n---\n".join(json.dumps(one) for one in objects)


def plan_of(cluster: tuple[str, list[dict]], chosen: Options) -> BackupPlan:
    text = documents(cluster[1])
    reading = read_cluster(loads(text).documents, cluster=cluster[0])
    assert reading.cluster is not None, reading.problems
    return build_plan(reading.cluster, chosen, reading.problems)


def environment(phase: dict) -> dict[str, str]:
    """Read the values of a phase: those of its container, and over them those of its command."""
    (container,) = phase["args"]["podOverride"]["containers"]
    shared = {one["name"]: one["value"] for one in container["env"] if "value" in one}
    return shared | dict(word.split("=", 1) for word in phase["args"]["command"][5:])


def commands(
    plan: BackupPlan, found: dict[str, list[dict]]
) -> list[tuple[PlannedPhase, list[str]]]:
    """Pair every phase, the deferred ones and the watchdog's too, with the command it became."""
    pairs = []
    (blueprint,) = found["Blueprint"]
    for action, rendered in zip(plan.actions, blueprint["actions"].values(), strict=True):
        spelled = list(zip(action.phases, rendered["phases"], strict=True))
        if action.defer_phase:
            spelled.append((action.defer_phase, rendered["deferPhase"]))
        for phase, one in spelled:
            assert one["args"]["podOverride"]["serviceAccountName"] == phase.account
            pairs.append((phase, one["args"]["command"]))
    if plan.switch:
        pod = found["Deployment"][0]["spec"]["template"]["spec"]
        pairs.append((plan.switch.phase, pod["containers"][0]["command"]))
    return pairs


def parsed(plan: BackupPlan) -> dict[str, list[dict]]:
    found: dict[str, list[dict]] = {}
    for manifest in yaml.safe_load_all(to_yaml_stream(render(plan))):
        found.setdefault(manifest["kind"], []).append(manifest)
    return found


@many
@given(clusters(), options)
def test_same_input_same_bytes_and_no_problem(
    cluster: tuple[str, list[dict]], chosen: Options
) -> None:
    once, twice = (to_yaml_stream(render(plan_of(cluster, chosen))) for _ in range(2))
    assert once == twice
    backwards = (cluster[0], cluster[1][::-1])
    assert to_yaml_stream(render(plan_of(backwards, chosen))) == once, (
        "the order of input does not matter"
    )
    assert not validate_text(once)
    assert not loads(once).problems


@many
@given(clusters(), options)
def test_no_value_changes_in_rendered_yaml(
    cluster: tuple[str, list[dict]], chosen: Options
) -> None:
    plan = plan_of(cluster, chosen)
    found = parsed(plan)
    (blueprint,) = found["Blueprint"]
    assert blueprint["metadata"]["name"] == plan.name
    of_blueprint = f"{chosen.kasten_namespace}/{plan.name}"
    common = {"kanister-kafka.io/blueprint": of_blueprint, **dict(chosen.annotations)}
    made = dict(provenance_annotations(plan))
    for manifest in (one for kind in found.values() for one in kind):
        metadata = manifest["metadata"]
        own = made if manifest["kind"] == "Blueprint" else {}
        if manifest.get("immutable"):  # the scripts, which are of no cluster
            assert "annotations" not in metadata
        else:
            assert metadata["annotations"] == common | own
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "kanister-kafka"
    accounts = [
        (a["metadata"]["name"], a["metadata"]["namespace"]) for a in found["ServiceAccount"]
    ]
    assert accounts == [(account.name, plan.cluster.namespace) for account in plan.accounts]
    rules = [rule for role in found["Role"] for rule in role["rules"]]
    granted = [name for rule in rules for name in rule.get("resourceNames", [])]
    assert granted == [
        n for account in plan.accounts for right in account.rights for n in right.names
    ]
    for phase, command in commands(plan, found):
        assert command[3:5] == [phase.name, phase.script]
        assert tuple(command[5:]) == phase.values
        assert all(isinstance(word, str) for word in command)


@many
@given(clusters(), options)
def test_each_account_is_bound_to_its_own_roles_alone(
    cluster: tuple[str, list[dict]], chosen: Options
) -> None:
    plan = plan_of(cluster, chosen)
    found = parsed(plan)
    roles = {(r["metadata"]["namespace"], r["metadata"]["name"]): r for r in found["Role"]}
    assert len(roles) == len(found["Role"]) == len(found["RoleBinding"])
    bound: dict[str, list[tuple[str, str]]] = {account.name: [] for account in plan.accounts}
    for binding in found["RoleBinding"]:
        (subject,) = binding["subjects"]
        assert subject["namespace"] == plan.cluster.namespace
        bound[subject["name"]].append(
            (binding["metadata"]["namespace"], binding["roleRef"]["name"])
        )
    for account in plan.accounts:
        rules = [rule for key in bound[account.name] for rule in roles[key]["rules"]]
        assert len(rules) == len(account.rights)
    used = {phase.account for phase, _command in commands(plan, found)}
    for job in found.get("CronJob", ()):
        used.add(job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["serviceAccountName"])
    assert used == set(bound), "no account without use, and none without rights"


@many
@given(clusters(), options)
def test_no_value_is_ever_part_of_a_script(
    cluster: tuple[str, list[dict]], chosen: Options
) -> None:
    plan = plan_of(cluster, chosen)
    found = parsed(plan)
    for phase, command in commands(plan, found):
        assert command[:3] == ["bash", "-c", STUB.read_text()]
        assert f"{phase.script}.sh" in FILES
    (scripts,) = [one for one in found["ConfigMap"] if one.get("immutable")]
    assert scripts["data"] == {name: path.read_text() for name, path in FILES.items()}
    assert is_scripts("ConfigMap", scripts["metadata"]["name"])


def recoveries(plan: BackupPlan, actions: dict[str, dict]) -> list[dict]:
    """Return the recovery of the pre-hook, which only exists if no watchdog does the same."""
    found = [one for one in [actions["backupPrehook"].get("deferPhase")] if one]
    assert len(found) == (plan.switch is None)
    return found


def check_online(plan: BackupPlan, actions: dict[str, dict]) -> None:
    """No node is stopped by a backup, and clients are released whatever happens."""
    hooks = actions["backupPrehook"], actions["backupPosthook"]
    quiesce = hooks[0]["phases"][0]
    assert [p["name"] for p in hooks[0]["phases"]] == ["quiesce", "pause", "flush"]
    assert [p["name"] for p in hooks[1]["phases"]] == ["compare"]
    released = [*recoveries(plan, actions), hooks[1]["deferPhase"], *actions["resume"]["phases"]]
    if "backup" in actions:
        phases = [phase["name"] for phase in actions["backup"]["phases"]]
        assert phases.index("backupFlush") < phases.index("backupSnapshot")
        assert phases.index("backupSnapshot") < phases.index("backupCompare")
        assert phases.index("backupCompare") < phases.index("backupReady")
        released.append(actions["backup"]["deferPhase"])
    for phase in released:
        assert environment(phase)["CLIENTS"] == environment(quiesce)["CLIENTS"]
    assert not any(phase.script == "stop" for phase in plan.phases)


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
        assert plan.switch is None
        assert [account.name[-4:] for account in plan.accounts] == ["-hot"]
        return
    assert (plan.switch is None) is (chosen.restart_after == 0)
    if chosen.strategy is Strategy.ONLINE:
        check_online(plan, actions)
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
    recovers = recoveries(plan, actions)
    others = [*actions["backupPosthook"]["phases"], *actions["resume"]["phases"]]
    restarts = [*recovers, *others]
    if chosen.engine is SnapshotProvider.KANISTER:
        backup = {phase["name"]: phase for phase in actions["backup"]["phases"]}
        order = ["backupQuiesce", "backupKeep", "backupFlush", "backupSnapshot", "backupReady"]
        assert list(backup) == order
        restarts += [actions["backup"]["deferPhase"], backup["backupSnapshot"]]
        restarts += [actions["restore"]["phases"][-1]]
        assert environment(backup["backupSnapshot"])["BROKERS"] == values["BROKERS"]
        assert environment(actions["backup"]["deferPhase"])["RECOVER_RUN_ID"] == "{{ .Time }}"
        assert environment(actions["backup"]["deferPhase"]).get("LEAVE_STOPPED") is None
    else:
        assert not {"backup", "restore", "delete"} & set(actions)
    has_hooks = KastenOutput.RESTORE in chosen.kasten
    assert ({"beforeRestore", "afterRestore"} <= set(actions)) is has_hooks
    for restart in restarts:
        known = environment(restart)
        zookeeper = [name for name in known["ZOOKEEPER"].split(",") if name]
        assert sorted(known["KAFKA_NODES"].split(",") + zookeeper) == sorted(first + last)
        assert known["CLIENTS"] == environment(quiesce)["CLIENTS"], "who is quiesced is released"
    assert environment(stop)["RUN_ID"] == "{{ .Time }}"
    for recover in recovers:
        assert environment(recover)["RECOVER_RUN_ID"] == "{{ .Time }}"
        assert environment(recover)["LEAVE_STOPPED"] == "yes"
    assert not any("RECOVER_RUN_ID" in environment(restart) for restart in others)


@many
@given(clusters(), options)
def test_switch_knows_all_that_a_restart_knows(
    cluster: tuple[str, list[dict]], chosen: Options
) -> None:
    plan = plan_of(cluster, chosen)
    found = parsed(plan)
    if plan.switch is None:
        assert "Deployment" not in found
        assert not [a for a in plan.accounts if a.name.endswith("-switch")]
        assert "kanister-kafka-switch" not in to_yaml_stream(render(plan))
        return
    (deployment,) = found["Deployment"]
    assert "replicas" not in deployment["spec"], "whoever applies it again must not disarm it"
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    pod = deployment["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == plan.switch.name == deployment["metadata"]["name"]
    (container,) = pod["containers"]
    posthook = found["Blueprint"][0]["actions"]["backupPosthook"]
    is_online = chosen.strategy is Strategy.ONLINE  # compares first, and restarts in any case
    restart = posthook["deferPhase"] if is_online else posthook["phases"][0]
    as_phase = {"command": container["command"], "podOverride": {"containers": [container]}}
    assert environment({"args": as_phase}) == environment(restart)
    assert container["command"][3:5] == ["switch", "run-watchdog"]
    (volume,) = pod["volumes"]
    assert "optional" not in volume["configMap"], "its pod must not run without them"
    for container in (*pod["containers"], *restart["args"]["podOverride"]["containers"]):
        requests = container.get("resources", {}).get("requests", {})
        assert requests == dict(chosen.requests)
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
    assert pod["securityContext"]["runAsNonRoot"] is True
    usual = dict(Options().requests)
    assert usual.keys() == {"cpu", "memory"}, "a busy node starves and evicts what has none"


@many
@given(clusters(), options)
def test_every_right_that_is_asked_for_is_granted(
    cluster: tuple[str, list[dict]], chosen: Options
) -> None:
    plan = plan_of(cluster, chosen)
    found = parsed(plan)
    if chosen.strategy is Strategy.HOT:
        return
    bindings = {
        (b["metadata"]["namespace"], b["roleRef"]["name"]): b["subjects"][0]["name"]
        for b in found["RoleBinding"]
    }
    asked = [
        (phase.account, right)
        for phase, _command in commands(plan, found)
        for value in phase.values
        if value.startswith("PERMISSIONS=")
        for right in value.removeprefix("PERMISSIONS=").split()
    ]
    assert asked
    for account, right in asked:
        verb, resource, subresource, name, namespace = right.split(":")
        plural, _, group = resource.partition(".")
        plural = f"{plural}/{subresource}" if subresource else plural
        assert any(
            role["metadata"]["namespace"] == namespace
            and bindings[namespace, role["metadata"]["name"]] == account
            and group in rule["apiGroups"]
            and plural in rule["resources"]
            and verb in rule["verbs"]
            and (not name or name in rule["resourceNames"])
            for role in found["Role"]
            for rule in role["rules"]
        ), right
    assert not any("*" in str(rule) for role in found["Role"] for rule in role["rules"])


@many
@given(clusters(), options)
def test_cron_job_prunes_by_the_rules_of_the_options(
    cluster: tuple[str, list[dict]], chosen: Options
) -> None:
    assert not chosen.problems()
    plan = plan_of(cluster, chosen)
    found = parsed(plan)
    assert ("CronJob" in found) is bool(chosen.schedule)
    if not chosen.schedule:
        return
    (pod,) = [job["spec"]["jobTemplate"]["spec"]["template"]["spec"] for job in found["CronJob"]]
    (container,) = pod["containers"]
    assert container["args"][:2] == ["backups", "create"]
    # With the settings of the program: click keeps the help option of the first context.
    context = create.make_context("create", container["args"][2:], **main.context_settings)
    given_rules = context.params
    for rule in KEEP_RULES + KEEP_COPIES_RULES:
        expected = getattr(chosen, rule)
        if isinstance(expected, str):
            expected = timedelta(seconds=parse_age(expected) or 0) or None
        assert given_rules[rule] == expected
    actions = found["Blueprint"][0]["actions"]
    copies = {"export", "listCopies", "deleteCopy"}
    assert copies & set(actions) == (copies if chosen.export_profile else set())


def test_length_does_not_grow_with_the_cluster() -> None:
    def lines(replicas: int) -> int:
        spec = {
            "kafka": {"version": "3.9.0", "replicas": replicas, "storage": STORAGE},
            "zookeeper": {"replicas": 3, "storage": STORAGE["volumes"][0]},
        }
        cluster = ("ns/big", [resource("Kafka", "big", "ns", spec)])
        return len(to_yaml_stream(render(plan_of(cluster, Options()))).splitlines())

    assert lines(3) == lines(100)


@given(st.text(min_size=1, max_size=30).filter(lambda t: not t.isalnum()))
@settings(max_examples=100)
def test_name_that_kubernetes_refuses_never_gets_into_a_plan(name: str) -> None:
    spec = {
        "kafka": {"version": "3.9.0", "replicas": 3, "storage": STORAGE},
        "zookeeper": {"replicas": 3, "storage": STORAGE["volumes"][0]},
    }
    document = resource("Kafka", f"{name}$(reboot)", "ns", spec)
    reading = read_cluster(loads(yaml.safe_dump(document)).documents)
    assert reading.cluster is None
    assert {problem.rule for problem in reading.problems} >= {"wrong-type"}
