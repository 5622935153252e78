"""What is put on a cluster and taken away again, against an API server that can fail."""

from __future__ import annotations

import copy

import pytest

from kanister_kafka.backup.scripts import ScriptsConfigMap, digest_of
from kanister_kafka.constants import BLUEPRINT, PREVIOUS_PAUSE, BackupState
from kanister_kafka.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    RejectedError,
    TransientError,
    UnreachableError,
)
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.kube.wait import Clock
from kanister_kafka.operations import apply
from kanister_kafka.operations.apply import ApplyOutcome, DryRun
from kanister_kafka.yamldoc import loads
from tests.fakes.api_server import STRIMZI, after_apply, forbidden, running, status
from tests.fakes.fake_time import FakeTime

RBAC = "rbac.authorization.k8s.io/v1"
NAME = "mine-kanister-kafka"
OURS = "kasten-io/kafka.mine"


def thing(version, kind, name=NAME, namespace="kafka", serves=OURS, **fields):
    metadata = {
        "name": name,
        "namespace": namespace,
        "labels": {"app.kubernetes.io/managed-by": "kanister-kafka"},
        "annotations": {BLUEPRINT: serves},
    }
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


ACCOUNT = thing("v1", "ServiceAccount")
RECORD = thing("v1", "ConfigMap")
ROLE = thing(RBAC, "Role", rules=[])
BINDING = thing(RBAC, "RoleBinding", roleRef={"kind": "Role", "name": NAME}, subjects=[])
SWITCH = thing("apps/v1", "Deployment", f"{NAME}-switch", spec={"template": {}})
BLUEPRINT_ = thing("cr.kanister.io/v1alpha1", "Blueprint", "kafka.mine", "kasten-io", actions={})
POLICY = thing("config.kio.kasten.io/v1alpha1", "Policy", "kafka.mine", "kasten-io", spec={})
FILES = {"lib.sh": "# says nothing\n", "stop.sh": "# stops\n"}


def scripts(files=None, namespace="kafka", **fields):
    """Return a ConfigMap of scripts; it serves no Blueprint, and its name tells its content."""
    files = FILES if files is None else files
    item = thing("v1", "ConfigMap", ScriptsConfigMap(tuple(files.items()), "").name, namespace)
    del item["metadata"]["annotations"]
    return {**item, "immutable": True, "data": files, **fields}


def pod_of(config_map):
    """Return the spec of a pod that mounts scripts."""
    name = config_map["metadata"]["name"]
    return {
        "containers": [{"env": [{"name": "SCRIPTS_SHA256", "value": digest_of(config_map)}]}],
        "volumes": [{"name": "scripts", "configMap": {"name": name, "optional": True}}],
    }


def blueprint(config_map, name="kafka.mine", home="kafka", **metadata):
    """Return a Blueprint whose only step runs one of the scripts in a namespace."""
    args = {"namespace": home, "podOverride": pod_of(config_map)}
    item = thing(
        "cr.kanister.io/v1alpha1", "Blueprint", name, "kasten-io", f"kasten-io/{name}",
        actions={"backupPrehook": {"phases": [{"func": "KubeTask", "name": "a", "args": args}]}},
    )  # fmt: skip
    return changed(item, **metadata)


def switch(config_map, cluster="mine"):
    """Return a watchdog."""
    labels = {"kanister-kafka.io/switch": cluster}
    return thing(
        "apps/v1", "Deployment", f"{cluster}-kanister-kafka-switch",
        serves=f"kasten-io/kafka.{cluster}",
        spec={"selector": {"matchLabels": labels}, "template": {"spec": pod_of(config_map)}},
    )  # fmt: skip


def pod(config_map, name="step", phase="Running", **metadata):
    item = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "kafka"}}
    return changed({**item, "spec": pod_of(config_map), "status": {"phase": phase}}, **metadata)


def action_set(state, blueprint="kafka.mine", defer=None, name="backup-1"):
    actions = [{"deferPhase": {"name": "recover", "state": defer}}] if defer else []
    return {
        "apiVersion": "cr.kanister.io/v1alpha1",
        "kind": "ActionSet",
        "metadata": {"name": name, "namespace": "kasten-io"},
        "spec": {"actions": [{"name": "backupPrehook", "blueprint": blueprint}]},
        "status": {"state": state, "actions": actions} if state else None,
    }


ALL = (ACCOUNT, RECORD, ROLE, BINDING, SWITCH, BLUEPRINT_, POLICY)
KINDS = [item["kind"] for item in ALL]
OTHER = thing(
    "cr.kanister.io/v1alpha1", "Blueprint", "other", "kasten-io", serves="kasten-io/other"
)


def changed(item, **metadata):
    item = copy.deepcopy(item)
    item["metadata"].update(metadata)
    return item


@pytest.fixture
def server(tmp_path, monkeypatch):
    with running(tmp_path, monkeypatch) as server:
        yield server


@pytest.fixture
def connection(server):
    assert server.url
    return KubeClient()


def outcomes(report):
    return [(done.target.kind, done.outcome) for done in report.results]


def applied(server):
    kinds = {plural: kind for kinds in server.kinds.values() for plural, kind in kinds.items()}
    return [kinds[plural] for _method, plural, _name, _body in server.writes]


QUICK = FakeTime().clock


class TestApply:
    def test_the_order_of_the_input_does_not_change_the_order_of_the_apply(
        self, server, connection
    ):
        report = apply.apply_objects(tuple(reversed(ALL)), connection)
        assert applied(server) == KINDS
        assert outcomes(report) == [(kind, ApplyOutcome.CREATED) for kind in KINDS]
        assert (report.failures, report.pending, report.exit_code) == ((), (), 0)

    def test_all_are_tried_before_the_first_is_written(self, server, connection):
        apply.apply_objects(ALL, connection)
        patches = ["dryRun" in query for method, _path, query in server.asked if method == "PATCH"]
        assert patches == [True] * len(ALL) + [False] * len(ALL)

    @pytest.mark.parametrize(("force", "sent"), [(False, "false"), (True, "true")])
    def test_as_our_field_manager_with_strict_validation(self, server, connection, force, sent):
        apply.apply_objects((ACCOUNT,), connection, force=force)
        queries = [query for method, _path, query in server.asked if method == "PATCH"]
        same = {"fieldManager": "kanister-kafka", "fieldValidation": "Strict", "force": sent}
        assert queries == [{**same, "dryRun": "All"}, same]

    def test_twice_changes_nothing(self, server, connection):
        apply.apply_objects(ALL, connection)
        before = copy.deepcopy(server.objects)
        report = apply.apply_objects(ALL, connection)
        assert {outcome for _kind, outcome in outcomes(report)} == {ApplyOutcome.UNCHANGED}
        assert server.objects == before

    def test_what_differs_is_configured(self, server, connection):
        apply.apply_objects(ALL, connection)
        report = apply.apply_objects((*ALL[1:], changed(ACCOUNT, labels={"a": "b"})), connection)
        assert [
            kind for kind, outcome in outcomes(report) if outcome is ApplyOutcome.CONFIGURED
        ] == ["ServiceAccount"]
        assert server.live(ACCOUNT)["metadata"]["labels"]["a"] == "b"

    def test_a_status_that_a_controller_writes_does_not_count_as_a_change(self, server, connection):
        apply.apply_objects((SWITCH,), connection)
        moved = copy.deepcopy(server.live(SWITCH))
        moved["metadata"]["resourceVersion"] = "999"
        moved["status"] = {"replicas": 1}
        server.faults["PATCH", "-switch", False] = [(200, moved)]
        assert outcomes(apply.apply_objects((SWITCH,), connection)) == [
            ("Deployment", ApplyOutcome.UNCHANGED)
        ]

    def test_each_is_reported_as_soon_as_it_is_done(self, server, connection):
        seen = []
        apply.apply_objects(
            (ACCOUNT, RECORD),
            connection,
            on_result=lambda done: seen.append((done, len(server.writes))),
        )
        assert [(done.target.kind, writes) for done, writes in seen] == [
            ("ServiceAccount", 1),
            ("ConfigMap", 2),
        ]

    def test_refusals_come_all_at_once_and_before_any_change(self, server, connection):
        server.faults["PATCH", f"configmaps/{NAME}", True] = [status(422, "is too long")]
        server.faults["PATCH", "policies/kafka.mine", True] = [forbidden("policies")]
        report = apply.apply_objects(ALL, connection)
        assert server.writes == []
        assert [(f.target.kind, type(f.error)) for f in report.failures] == [
            ("ConfigMap", RejectedError),
            ("Policy", ForbiddenError),
        ]
        assert [target.kind for target in report.pending] == KINDS
        assert (report.results, report.exit_code) == ((), 2)

    def test_a_failure_in_the_middle_prints_finished_and_open_changes(self, server, connection):
        server.faults["PATCH", f"rolebindings/{NAME}", False] = [status(422, "exceeded quota")]
        report = apply.apply_objects(ALL, connection, clock=QUICK)
        assert applied(server) == KINDS[:4]
        assert [kind for kind, _outcome in outcomes(report)] == KINDS[:3]
        assert [target.kind for target in report.pending] == KINDS[3:]
        ((failed),) = report.failures
        assert failed.target.kind == "RoleBinding"
        assert "exceeded quota" in str(failed.error)
        assert (report.exit_code, report.unknown) == (1, ())

    @pytest.mark.parametrize("answer", [status(503, "later"), status(429, "slowly"), None])
    def test_a_write_is_repeated_while_the_server_is_away(self, server, connection, answer):
        ok = (200, after_apply({}, RECORD))
        server.faults["PATCH", f"configmaps/{NAME}", False] = [answer, answer, ok]
        slept = []
        report = apply.apply_objects((ACCOUNT, RECORD), connection, clock=Clock(sleep=slept.append))
        assert slept == [1, 2]
        assert report.exit_code == 0
        assert len(report.results) == 2

    def test_a_server_that_stays_away_leaves_one_object_unknown(self, server, connection):
        server.faults["PATCH", f"configmaps/{NAME}", False] = [None]
        slept = []
        report = apply.apply_objects(
            (ACCOUNT, RECORD, ROLE), connection, clock=Clock(sleep=slept.append)
        )
        assert sum(slept) == 30
        assert [target.kind for target in report.unknown] == ["ConfigMap"]
        assert [target.kind for target in report.pending] == ["ConfigMap", "Role"]
        assert report.exit_code == 2

    def test_an_interrupt_prints_the_changes_until_then(self, server, connection):
        server.faults["PATCH", f"configmaps/{NAME}", False] = [None]

        def interrupted(_seconds):
            raise KeyboardInterrupt

        report = apply.apply_objects(
            (ACCOUNT, RECORD, ROLE), connection, clock=Clock(sleep=interrupted)
        )
        assert [kind for kind, _outcome in outcomes(report)] == ["ServiceAccount"]
        assert [target.kind for target in report.unknown] == ["ConfigMap"]
        assert [target.kind for target in report.pending] == ["ConfigMap", "Role"]
        assert report.exit_code == 130

    def test_a_server_out_of_reach_ends_the_trial_at_once(self, server, connection):
        server.faults["PATCH", "", True] = [None]
        with pytest.raises(TransientError):
            apply.apply_objects(ALL, connection, clock=QUICK)
        assert len([method for method, _path, _query in server.asked if method == "PATCH"]) == 1
        assert server.writes == []

    def test_an_unknown_field_is_refused_and_not_tried_again(self, server, connection):
        message = "failed to create typed patch object (a/b; v1, Kind=X): .c: field not declared"
        server.faults["PATCH", NAME, False] = [status(500, message)]
        report = apply.apply_objects((ACCOUNT,), connection, clock=QUICK)
        assert [type(failed.error) for failed in report.failures] == [RejectedError]

    @pytest.mark.parametrize("dry_run", [True, False])
    def test_a_conflict_names_the_other_manager_and_what_to_do(self, server, connection, dry_run):
        message = 'Apply failed with 1 conflict: conflict with "argocd" using v1: .rules'
        server.faults["PATCH", f"roles/{NAME}", dry_run] = [status(409, message)]
        (failed,) = apply.apply_objects(ALL, connection).failures
        assert isinstance(failed.error, ConflictError)
        for word in ("argocd", ".rules", "--force-conflicts"):
            assert word in str(failed.error)

    def test_dry_run_of_the_client_only_reads(self, server, connection):
        server.put(ACCOUNT)
        report = apply.apply_objects((ACCOUNT, ROLE), connection, dry_run=DryRun.CLIENT)
        assert {method for method, _path, _query in server.asked} == {"GET"}
        assert outcomes(report) == [
            ("ServiceAccount", ApplyOutcome.CONFIGURED),
            ("Role", ApplyOutcome.CREATED),
        ]

    def test_a_dry_run_on_the_server_persists_nothing(self, server, connection):
        apply.apply_objects((ACCOUNT, RECORD), connection)
        del server.asked[:], server.writes[:]
        new = changed(RECORD, labels={"a": "b"})
        report = apply.apply_objects((ACCOUNT, new, ROLE), connection, dry_run=DryRun.SERVER)
        assert server.writes == []
        assert [outcome for _kind, outcome in outcomes(report)] == [
            ApplyOutcome.UNCHANGED,
            ApplyOutcome.CONFIGURED,
            ApplyOutcome.CREATED,
        ]

    def test_a_binding_cannot_be_tried_before_its_role_and_is_applied_after_it(
        self, server, connection
    ):
        server.faults["PATCH", f"rolebindings/{NAME}", True] = [status(404, "not found")]
        report = apply.apply_objects((BINDING, ROLE), connection)
        assert [kind for kind, _outcome in outcomes(report)] == ["Role", "RoleBinding"]
        (failed,) = apply.apply_objects(
            (BINDING,), connection
        ).failures  # its Role is nobody's here
        assert isinstance(failed.error, NotFoundError)

    def test_missing_namespace(self, server, connection):
        server.namespaces.remove("kafka")
        report = apply.apply_objects(ALL, connection)
        assert {failed.target.kind for failed in report.failures} == set(KINDS[:5])
        assert {str(failed.error) for failed in report.failures} == {
            "namespace kafka does not exist: kubectl create namespace kafka"
        }
        assert server.writes == []

    def test_namespaces_that_may_not_be_read_are_left_to_the_write(self, server, connection):
        server.faults["GET", "/namespaces/kafka", None] = [forbidden()]
        assert apply.apply_objects((ACCOUNT,), connection).exit_code == 0

    @pytest.mark.parametrize(
        ("group", "item", "word"),
        [
            ("cr.kanister.io/v1alpha1", BLUEPRINT_, "Kanister is not installed"),
            ("config.kio.kasten.io/v1alpha1", POLICY, "without --kasten"),
        ],
    )
    @pytest.mark.parametrize("dry_run", list(DryRun))
    def test_missing_kind(self, server, connection, group, item, word, dry_run):
        del server.kinds[tuple(group.split("/"))]
        report = apply.apply_objects((ACCOUNT, item), connection, dry_run=dry_run)
        ((failed),) = report.failures
        assert failed.target.kind == item["kind"]
        assert word in str(failed.error)
        assert server.writes == []

    def test_what_serves_another_blueprint_is_not_taken_from_it(self, server, connection):
        server.put(thing("v1", "ServiceAccount", serves="kasten-io/other"), OTHER)
        (failed,) = apply.apply_objects((ACCOUNT, BLUEPRINT_), connection).failures
        assert isinstance(failed.error, ConflictError)
        assert "serves Blueprint kasten-io/other" in str(failed.error)
        assert server.writes == []
        assert apply.apply_objects((ACCOUNT, BLUEPRINT_), connection, force=True).exit_code == 0

    def test_what_served_a_blueprint_that_is_gone_is_free(self, server, connection):
        server.put(thing("v1", "ServiceAccount", serves="kasten-io/other"))
        assert apply.apply_objects((ACCOUNT, BLUEPRINT_), connection).exit_code == 0

    def test_an_unreadable_other_blueprint_refuses_the_apply(self, server, connection):
        server.put(thing("v1", "ServiceAccount", serves="kasten-io/other"))
        server.faults["GET", "blueprints/other", None] = [forbidden()]
        assert apply.apply_objects((ACCOUNT, BLUEPRINT_), connection).exit_code == 1


class TestDiff:
    def test_nothing_differs(self, connection):
        apply.apply_objects(ALL, connection)
        assert apply.object_diff(apply.run_dry_run(ALL, connection)) == ""

    def test_what_differs_without_what_the_server_writes(self, server, connection):
        apply.apply_objects((ROLE,), connection)
        server.live(ROLE)["metadata"]["labels"]["a"] = "theirs"
        server.live(ROLE)["status"] = {"told": 1}
        labels = {**ROLE["metadata"]["labels"], "a": "ours"}
        trials = apply.run_dry_run((changed(ROLE, labels=labels),), connection)
        text = apply.object_diff(trials)
        name = f"kafka/role.rbac.authorization.k8s.io/{NAME}"
        assert text.startswith(f"--- live/{name}\n+++ applied/{name}\n@@ ")
        signs = [line for line in text.splitlines()[2:] if line[0] in "+-"]
        assert signs == ["-    a: theirs", "+    a: ours"]
        assert server.writes[1:] == []
        for word in ("managedFields", "resourceVersion", "uid", "generation", "status"):
            assert word not in text

    def test_server_fields_and_the_order_of_keys_are_not_a_difference(self):
        live, result = copy.deepcopy(ROLE), copy.deepcopy(ROLE)
        live["metadata"].update(uid="u", resourceVersion="1", generation=1, managedFields=[])
        live["metadata"].update(creationTimestamp="2026-01-02T03:04:05Z")
        live["status"] = {"told": 1}
        result = {**dict(reversed(result.items())), "status": {"told": 2}}
        place = apply.ObjectRef(RBAC, "Role", "kafka", NAME)
        trial = apply.DryRunResult(target=place, desired=ROLE, live=live, result=result)
        assert apply.object_diff([trial]) == ""

    def test_what_is_new_and_what_goes(self, server, connection):
        server.put(RECORD)
        text = apply.object_diff(apply.run_dry_run((ACCOUNT,), connection), (server.live(RECORD),))
        assert "+kind: ServiceAccount\n" in text
        assert "-kind: ConfigMap\n" in text
        assert "uid" not in text

    def test_a_binding_that_cannot_be_tried_yet_is_new(self, server, connection):
        server.faults["PATCH", f"rolebindings/{NAME}", True] = [status(404, "not found")]
        text = apply.object_diff(apply.run_dry_run((ROLE, BINDING), connection))
        assert "+kind: RoleBinding\n" in text


class TestPrune:
    EXTRA = thing(RBAC, "Role", "former", rules=[])
    ABROAD = thing(RBAC, "Role", "kafka.former", "elsewhere", rules=[])

    def test_only_what_serves_the_same_blueprint_and_is_not_applied(self, server, connection):
        unlabelled = changed(self.EXTRA, name="theirs", labels={})
        others = thing(RBAC, "Role", "others", serves="kasten-io/other")
        server.put(*ALL, self.EXTRA, self.ABROAD, unlabelled, others)
        found = apply.plan_prune(ALL, connection)
        assert [(place.namespace, place.name) for place in found.targets] == [
            ("kafka", "former"),
            ("elsewhere", "kafka.former"),
        ]
        assert (found.unreadable, found.blockers) == ((), ())

    def test_listing_is_forbidden(self, server, connection):
        unlabelled = changed(self.EXTRA, name="theirs", labels={})
        server.put(*ALL, self.EXTRA, self.ABROAD, unlabelled)
        server.faults["GET", "/rbac.authorization.k8s.io/v1/roles", None] = [forbidden()]
        server.faults["GET", "/namespaces/kasten-io/roles", None] = [forbidden()]
        found = apply.plan_prune(ALL, connection)
        assert [place.name for place in found.targets] == ["former"]
        assert found.unreadable == (
            "in other namespaces than kafka, kasten-io: roles.rbac.authorization.k8s.io",
            "in namespace kasten-io: roles.rbac.authorization.k8s.io",
        )

    def test_kinds_that_are_not_served(self, server, connection):
        server.put(self.EXTRA)
        del server.kinds["config.kio.kasten.io", "v1alpha1"]
        assert len(apply.plan_prune(ALL[:-1], connection).targets) == 1

    @pytest.mark.parametrize(
        "state", [*(s.value for s in BackupState if s is not BackupState.RUNNING), "?"]
    )
    def test_nothing_while_the_kafka_is_not_at_rest(self, server, connection, state):
        server.put(
            {**RECORD, "data": {"state": state, "since": "2026-01-02T03:04:05Z"}}, self.EXTRA
        )
        found = apply.plan_prune(ALL, connection)
        assert [place.name for place in found.targets] == ["former"]
        (reason,) = found.blockers
        assert f"has the state {state} since 2026-01-02T03:04:05Z" in reason
        way = "status" if state == "restoring" else "resume"
        assert f"kanister-kafka {way} mine -n kafka" in reason

    @pytest.mark.parametrize("data", [{"state": "running"}, {}, None])
    def test_a_record_that_is_not_applied_any_more(self, server, connection, data):
        server.put({**RECORD, "data": data})
        rest = tuple(item for item in ALL if item is not RECORD)
        found = apply.plan_prune(rest, connection)
        assert [place.kind for place in found.targets] == ["ConfigMap"]
        assert found.blockers == ()
        server.put({**RECORD, "data": {"state": "stopped"}})
        assert apply.plan_prune(rest, connection).blockers != ()


class TestDelete:
    def test_in_reverse_order(self, server, connection):
        server.put(*ALL)
        found = apply.plan_deletion(ALL, connection, sweep=False)
        report = apply.delete_objects(found.objects, connection)
        assert outcomes(report) == [(kind, ApplyOutcome.DELETED) for kind in reversed(KINDS)]
        assert applied(server) == list(reversed(KINDS))
        assert server.objects == {}

    def test_again(self, server, connection):
        del server.kinds["config.kio.kasten.io", "v1alpha1"]
        found = apply.plan_deletion(ALL, connection, sweep=True)
        assert found.objects == ()
        assert [(done.target.kind, done.outcome) for done in found.passed] == [
            (kind, ApplyOutcome.ABSENT) for kind in reversed(KINDS)
        ]

    def test_objects_of_others_are_reported_and_not_deleted(self, server, connection):
        theirs = changed(ACCOUNT, labels={})
        shared = thing(RBAC, "Role", serves="kasten-io/other")
        server.put(theirs, shared, OTHER, BLUEPRINT_)
        found = apply.plan_deletion((ACCOUNT, ROLE, BLUEPRINT_), connection, sweep=True)
        assert [place.kind for place in found.targets] == ["Blueprint"]
        assert [(done.target.kind, done.outcome, done.why) for done in found.passed] == [
            ("Role", ApplyOutcome.LEFT, "it serves Blueprint kasten-io/other"),
            (
                "ServiceAccount",
                ApplyOutcome.LEFT,
                "it lacks our label app.kubernetes.io/managed-by",
            ),
        ]

    @pytest.mark.parametrize(("sweep", "kinds"), [(True, ["Policy", "Role"]), (False, ["Role"])])
    def test_all_that_serves_the_blueprint(self, server, connection, sweep, kinds):
        server.put(ROLE, POLICY)
        found = apply.plan_deletion((ROLE,), connection, sweep=sweep)
        assert [place.kind for place in found.targets] == kinds

    @pytest.mark.parametrize(
        "state", [*(s.value for s in BackupState if s is not BackupState.RUNNING), "?"]
    )
    @pytest.mark.parametrize("objects", [(RECORD,), (BLUEPRINT_,)], ids=["record", "blueprint"])
    def test_refused_while_the_kafka_is_not_at_rest(self, server, connection, state, objects):
        server.put({**RECORD, "data": {"state": state}}, BLUEPRINT_)
        way = "status" if state == "restoring" else "resume"
        with pytest.raises(RejectedError, match=f"kanister-kafka {way} mine -n kafka"):
            apply.plan_deletion(objects, connection, sweep=False)
        assert len(apply.plan_deletion(objects, connection, sweep=False, force=True).objects) == 1

    def test_refused_by_a_record_that_lost_its_marks(self, server, connection):
        server.put(ROLE, {**changed(RECORD, labels={}, annotations={}), "data": {"state": "?"}})
        with pytest.raises(RejectedError, match=r"has the state \?"):
            apply.plan_deletion((RECORD, ROLE), connection, sweep=False)

    @pytest.mark.parametrize("version", ["v1beta2", "v1"])
    def test_a_deletion_is_refused_while_the_kafka_has_the_pause_of_a_backup(
        self, server, connection, version
    ):
        server.kinds[STRIMZI, version] = server.kinds.pop((STRIMZI, "v1beta2"))
        kafka = server.add("kafkas", "kafka", "mine", annotations={PREVIOUS_PAUSE: "unset"})
        server.put(RECORD)
        with pytest.raises(RejectedError, match="has the pause"):
            apply.plan_deletion((RECORD,), connection, sweep=False)
        kafka["metadata"].pop("annotations")
        assert len(apply.plan_deletion((RECORD,), connection, sweep=False).objects) == 1

    def test_a_record_that_may_not_be_read_stops_it(self, server, connection):
        server.put(*ALL)
        server.faults["GET", f"configmaps/{NAME}", None] = [forbidden()]
        with pytest.raises(ForbiddenError):
            apply.plan_deletion(ALL, connection, sweep=False)

    def test_gone_meanwhile_is_fine(self, server, connection):
        server.put(ROLE, ACCOUNT)
        found = apply.plan_deletion((ROLE, ACCOUNT), connection, sweep=False)
        del server.objects[server.key(ROLE)]
        report = apply.delete_objects(found.objects, connection)
        assert outcomes(report) == [
            ("Role", ApplyOutcome.ABSENT),
            ("ServiceAccount", ApplyOutcome.DELETED),
        ]

    def test_refusals_come_before_any_deletion(self, server, connection):
        server.put(*ALL)
        server.faults["DELETE", f"serviceaccounts/{NAME}", True] = [forbidden()]
        found = apply.plan_deletion(ALL, connection, sweep=False)
        report = apply.delete_objects(found.objects, connection)
        assert server.writes == []
        assert [failed.target.kind for failed in report.failures] == ["ServiceAccount"]
        assert len(report.pending) == len(ALL)

    def test_a_failure_in_the_middle(self, server, connection):
        server.put(*ALL)
        server.faults["DELETE", "-switch", False] = [status(409, "no")]
        found = apply.plan_deletion(ALL, connection, sweep=False)
        report = apply.delete_objects(found.objects, connection, clock=QUICK)
        assert [kind for kind, _outcome in outcomes(report)] == ["Policy", "Blueprint"]
        assert [place.kind for place in report.pending] == list(reversed(KINDS))[2:]
        assert report.exit_code == 1

    @pytest.mark.parametrize("dry_run", [DryRun.CLIENT, DryRun.SERVER])
    def test_dry_runs_delete_nothing(self, server, connection, dry_run):
        server.put(*ALL)
        found = apply.plan_deletion(ALL, connection, sweep=True)
        report = apply.delete_objects(found.objects, connection, dry_run=dry_run)
        assert len(report.results) == len(server.objects) == len(ALL)
        assert server.writes == []
        deletes = [method for method, _path, _query in server.asked if method == "DELETE"]
        assert len(deletes) == (len(ALL) if dry_run is DryRun.SERVER else 0)


SCRIPTS = scripts()
FORMER = scripts({"stop.sh": "# stopped otherwise\n"})
ABROAD = "elsewhere"


class TestScripts:
    """The ConfigMap of scripts is shared by the clusters of a namespace."""

    PLAN = (ACCOUNT, SCRIPTS, RECORD, switch(SCRIPTS), blueprint(SCRIPTS))

    def removed(self, connection, *, sweep=True, **words):
        found = apply.plan_deletion(self.PLAN, connection, sweep=sweep, **words)
        left = {str(done.target): done.why for done in found.passed}
        return apply.delete_objects(found.objects, connection), left, found

    def test_deleted_after_what_names_it(self, server, connection):
        server.put(*self.PLAN)
        report, left, _found = self.removed(connection)
        names = [done.target.name for done in report.results]
        at = names.index(SCRIPTS["metadata"]["name"])
        assert {"kafka.mine", "mine-kanister-kafka-switch"} <= set(names[:at])
        assert (left, server.objects) == ({}, {})

    def test_they_are_not_a_record(self, server, connection):
        server.put(*self.PLAN)
        stopped = {**SCRIPTS, "data": {**FILES, "state": "stopped"}}
        server.put(stopped)
        assert len(apply.plan_deletion(self.PLAN, connection, sweep=True).objects) == len(self.PLAN)

    def test_a_state_config_map_with_the_prefix_of_scripts_is_recognised(self, server, connection):
        record = thing("v1", "ConfigMap", "kanister-kafka-scripts-0123456789-kanister-kafka")
        server.put({**record, "data": {"state": "stopped"}}, *self.PLAN)
        with pytest.raises(RejectedError, match="has the state stopped"):
            apply.plan_deletion((record,), connection, sweep=False)

    @pytest.mark.parametrize("sweep", [True, False])
    @pytest.mark.parametrize(
        ("other", "why"),
        [
            (blueprint(SCRIPTS, "kafka.other"), "Blueprint kasten-io/kafka.other names it"),
            (
                blueprint(SCRIPTS, "kafka.copy", namespace=ABROAD, labels={}),
                "Blueprint elsewhere/kafka.copy names it",
            ),
            (
                blueprint(SCRIPTS, "kafka.other", home="{{ .Namespace.Name }}"),
                "Blueprint kasten-io/kafka.other names it",
            ),
            (switch(SCRIPTS, "other"), "Deployment kafka/other-kanister-kafka-switch names it"),
            (pod(SCRIPTS, phase="Pending"), "Pod kafka/step names it"),
            (action_set("running"), "ActionSet kasten-io/backup-1 has not ended"),
            (action_set("pending"), "ActionSet kasten-io/backup-1 has not ended"),
            (action_set(""), "ActionSet kasten-io/backup-1 has not ended"),
            (action_set("failed", defer="pending"), "ActionSet kasten-io/backup-1 has not ended"),
            (action_set("failed", defer="of-2030"), "ActionSet kasten-io/backup-1 has not ended"),
            (action_set("running", "kafka.gone"), "steps of Blueprint kasten-io/kafka.gone"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_left_while_anything_else_needs_it(self, server, connection, other, why, sweep):
        server.put(*self.PLAN, other)
        report, left, found = self.removed(connection, sweep=sweep)
        assert why in left[f"configmap/{SCRIPTS['metadata']['name']}"]
        assert set(server.objects) == {server.key(SCRIPTS), server.key(other)}
        assert (report.exit_code, found.unreadable) == (0, ())

    @pytest.mark.parametrize(
        "other",
        [
            blueprint(SCRIPTS, "elsewhere.other", home=ABROAD),
            blueprint(FORMER, "kafka.other"),
            blueprint(scripts({}), "theirs", actions={}),
            pod(SCRIPTS, phase="Succeeded"),
            pod(SCRIPTS, phase="Failed"),
            pod(SCRIPTS, labels={"kanister-kafka.io/switch": "mine"}),
            pod(FORMER),
            action_set("complete"),
            action_set("failed"),
            action_set("failed", defer="complete"),
            action_set("failed", defer="failed"),
        ],
    )
    def test_what_does_not_need_it(self, server, connection, other):
        server.put(*self.PLAN, other)
        _report, left, _found = self.removed(connection)
        assert (left, set(server.objects)) == ({}, {server.key(other)})

    @pytest.mark.parametrize("home", ["kafka", ABROAD])
    def test_an_action_of_another_blueprint(self, server, connection, home):
        """It may have read that Blueprint when it still named these scripts."""
        other = blueprint(FORMER, "kafka.other", home=home)
        server.put(*self.PLAN, other, action_set("running", "kafka.other"))
        _report, left, _found = self.removed(connection)
        assert bool(left) is (home == "kafka")

    def test_an_action_of_a_foreign_blueprint_does_not_keep_the_scripts(self, server, connection):
        theirs = thing("cr.kanister.io/v1alpha1", "Blueprint", "postgres", "kasten-io", actions={})
        args = {"namespace": "kafka", "command": ["pg_dump"]}
        theirs["actions"] = {"backup": {"phases": [{"func": "KubeTask", "args": args}]}}
        server.put(*self.PLAN, changed(theirs, labels={}), action_set("running", "postgres"))
        assert self.removed(connection)[1] == {}

    @pytest.mark.parametrize(
        ("path", "unseen"),
        [
            ("/v1alpha1/blueprints", "in all namespaces: blueprints.cr.kanister.io"),
            ("/v1alpha1/actionsets", "in all namespaces: actionsets.cr.kanister.io"),
            ("/kafka/deployments", "in namespace kafka: deployments.apps"),
            ("/kafka/pods", "in namespace kafka: pods"),
        ],
    )
    def test_kept_if_listing_is_forbidden(self, server, connection, path, unseen):
        server.put(*self.PLAN)
        server.faults["GET", path, None] = [forbidden()]
        report, left, found = self.removed(connection)
        name = SCRIPTS["metadata"]["name"]
        assert f"listing is forbidden {unseen}" in left[f"configmap/{name}"]
        assert f"kubectl delete configmap {name} -n kafka" in left[f"configmap/{name}"]
        assert (server.live(SCRIPTS) is not None, report.exit_code) == (True, 0)
        assert unseen in found.unreadable

    def test_without_kanister_nothing_runs_a_blueprint(self, server, connection):
        server.put(*self.PLAN)
        del server.kinds["cr.kanister.io", "v1alpha1"]
        assert self.removed(connection)[1] == {"blueprint.cr.kanister.io/kafka.mine": ""}
        assert server.live(SCRIPTS) is None

    def test_by_force_too_it_is_kept_for_the_action(self, server, connection):
        server.put(*self.PLAN, {**RECORD, "data": {"state": "stopped"}}, action_set("running"))
        assert len(self.removed(connection, force=True)[1]) == 1
        assert server.live(SCRIPTS)

    def test_what_comes_to_need_it_meanwhile(self, server, connection):
        server.put(*self.PLAN)
        found = apply.plan_deletion(self.PLAN, connection, sweep=True)
        server.put(blueprint(SCRIPTS, "kafka.new"))
        report = apply.delete_objects(found.objects, connection)
        (left,) = [done for done in report.results if done.outcome is ApplyOutcome.LEFT]
        assert left.why == "Blueprint kasten-io/kafka.new names it"
        assert server.live(SCRIPTS)

    def test_objects_without_the_label_stay(self, server, connection):
        server.put(*self.PLAN, changed(SCRIPTS, labels={}))
        assert "lacks our label" in "".join(self.removed(connection)[1].values())

    def test_former_ones_go_with_the_last_cluster(self, server, connection):
        abroad = scripts({}, ABROAD)
        server.put(*self.PLAN, FORMER, abroad)
        self.removed(connection)
        assert set(server.objects) == {server.key(abroad)}

    def test_former_ones_are_pruned_once_nothing_names_them(self, server, connection):
        former = (switch(FORMER), blueprint(FORMER))  # which this version takes the place of
        server.put(ACCOUNT, RECORD, *former, FORMER, scripts({}, ABROAD))
        found = apply.plan_prune(self.PLAN, connection)
        assert [place.name for place in found.targets] == [FORMER["metadata"]["name"]]
        assert (found.passed, found.unreadable, found.blockers) == ((), (), ())
        apply.apply_objects(self.PLAN, connection)
        report = apply.delete_objects(found.objects, connection, outcome=ApplyOutcome.PRUNED)
        assert outcomes(report) == [("ConfigMap", ApplyOutcome.PRUNED)]

    @pytest.mark.parametrize(
        ("other", "why"),
        [
            (blueprint(FORMER, "kafka.other"), "Blueprint kasten-io/kafka.other names it"),
            (action_set("running"), "ActionSet kasten-io/backup-1 has not ended"),
            (pod(FORMER), "Pod kafka/step names it"),
        ],
    )
    def test_former_ones_that_are_needed_are_kept(self, server, connection, other, why):
        server.put(*self.PLAN, FORMER, other)
        found = apply.plan_prune(self.PLAN, connection)
        ((left),) = found.passed
        assert (left.target.name, left.outcome) == (FORMER["metadata"]["name"], ApplyOutcome.LEFT)
        assert why in left.why
        assert found.objects == ()

    def test_former_ones_that_the_input_still_names(self, server, connection):
        server.put(*self.PLAN, FORMER)
        plan = (*self.PLAN[:-1], blueprint(FORMER))
        assert apply.plan_prune(plan, connection).objects == ()

    def test_pods_are_not_listed_without_former_scripts(self, server, connection):
        server.put(*self.PLAN)
        apply.plan_prune(self.PLAN, connection)
        assert not [path for _method, path, _query in server.asked if path.endswith("/pods")]

    @pytest.mark.parametrize("dry_run", list(DryRun))
    @pytest.mark.parametrize("force", [True, False])
    @pytest.mark.parametrize(
        ("change", "word"),
        [
            ({"data": {**FILES, "stop.sh": "# stops and more\n"}}, "its content differs"),
            ({"data": {**FILES, "more.sh": ""}}, "its content differs"),
            ({"data": None}, "its content differs"),
            ({"binaryData": {"more.sh": "IyBtb3JlCg=="}}, "its content differs"),
            ({"immutable": False}, "not immutable"),
            ({"immutable": None}, "not immutable"),
        ],
    )
    def test_altered_ones_are_an_error_before_any_change(
        self, server, connection, change, word, force, dry_run
    ):
        server.put({**SCRIPTS, **change})
        report = apply.apply_objects(self.PLAN, connection, dry_run=dry_run, force=force)
        (failed,) = report.failures
        assert failed.target.name == SCRIPTS["metadata"]["name"]
        for part in (word, "kubectl delete configmap", "--show-managed-fields", "apply again"):
            assert part in str(failed.error)
        assert (server.writes, report.exit_code) == ([], 1)

    @pytest.mark.parametrize(
        "change",
        [{"data": {"stop.sh": ""}}, {"immutable": False}, {"data": {}}, {"data": {"stop.sh": 1}}],
    )
    def test_so_are_rendered_ones_that_were_changed(self, server, connection, change):
        report = apply.apply_objects(({**SCRIPTS, **change},), connection)
        assert "render it again" in str(report.failures[0].error)
        assert server.writes == []

    def test_a_prefix_of_kustomize_is_part_of_the_name(self, server, connection):
        item = changed(SCRIPTS, name=f"dev-{SCRIPTS['metadata']['name']}")
        assert apply.apply_objects((item,), connection).exit_code == 0
        server.put(blueprint(item, "kafka.other"))
        assert apply.plan_deletion((item,), connection, sweep=False).objects == ()

    @pytest.mark.parametrize("name", ["mine-kanister-kafka", "mine-kanister-kafka-hot"])
    def test_those_of_one_cluster(self, server, connection, name):
        """They say which Blueprint they serve."""
        own = changed(
            scripts(),
            name=f"{name}-scripts-{SCRIPTS['metadata']['name'][-10:]}",
            annotations={BLUEPRINT: OURS},
        )
        others = changed(
            own, name=f"other-{own['metadata']['name']}", annotations={BLUEPRINT: "kasten-io/other"}
        )
        plan = (ACCOUNT, own, RECORD, switch(own), blueprint(own))
        assert apply.apply_objects(plan, connection).exit_code == 0
        server.put(others, action_set("running"))
        found = apply.plan_deletion(plan, connection, sweep=True)
        assert own["metadata"]["name"] not in [place.name for place in found.targets]
        del server.objects[server.key(action_set("running"))]
        found = apply.plan_deletion(plan, connection, sweep=True)
        assert own["metadata"]["name"] in [place.name for place in found.targets]
        apply.delete_objects(found.objects, connection)
        assert set(server.objects) == {server.key(others)}

    def test_deleted_by_another_run_meanwhile(self, server, connection):
        key = server.key(SCRIPTS)

        def delete_scripts(done):
            if done.target.kind == "Blueprint":  # until then nothing names it
                del server.objects[key]

        report = apply.apply_objects(self.PLAN, connection, on_result=delete_scripts)
        (failed,) = report.failures
        assert failed.target.name == SCRIPTS["metadata"]["name"]
        assert "apply again" in str(failed.error)
        assert [place.name for place in report.pending] == [failed.target.name]
        assert (len(report.results), report.exit_code) == (len(self.PLAN) - 1, 2)
        assert apply.apply_objects(self.PLAN, connection).exit_code == 0

    def test_again_is_unchanged(self, server, connection):
        apply.apply_objects(self.PLAN, connection)
        assert {
            outcome for _kind, outcome in outcomes(apply.apply_objects(self.PLAN, connection))
        } == {ApplyOutcome.UNCHANGED}
        assert apply.object_diff(apply.run_dry_run(self.PLAN, connection)) == ""
        assert server.writes


ACCEPTED = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: cr.kanister.io/v1alpha1
kind: Blueprint
metadata: {name: b, namespace: kasten-io}
"""


def test_objects_get_the_namespace_that_they_lack():
    objects = apply.admit_objects(loads(ACCEPTED).documents, "kafka")
    assert [item["metadata"] for item in objects] == [
        {"name": "a", "namespace": "kafka"},
        {"name": "b", "namespace": "kasten-io"},
    ]


@pytest.mark.parametrize(
    ("text", "path", "word"),
    [
        ("apiVersion: v1\nkind: Secret\nmetadata: {name: a}", "kind", '"Secret" of v1'),
        (
            "apiVersion: v1\nkind: Blueprint\nmetadata: {name: a}",
            "kind",
            "supported are ServiceAccount, ConfigMap",
        ),
        (
            "apiVersion: actions.kio.kasten.io/v1alpha1\nkind: RestoreAction\nmetadata: {name: a}",
            "kind",
            "kubectl create -f",
        ),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a}", "metadata.name", "Req"),
        ("apiVersion: v1\nkind: ConfigMap", "metadata.name", "Required"),
        ("apiVersion: v1\nkind: ConfigMap\nmetadata: [1]", "metadata.name", "Required"),
        ("kind: [1]\nmetadata: {name: a}", "kind", "Unsupported"),
        (
            f"{ACCEPTED}---\n{ACCEPTED.partition('---')[0]}",
            "",
            "configmap/a in namespace kafka stands twice",
        ),
    ],
)
def test_what_is_not_rendered_here_is_not_accepted(text, path, word):
    with pytest.raises(InputError) as raised:
        apply.admit_objects(loads(text).documents, "kafka")
    problem = next(p for p in raised.value.problems if word in p.message)
    assert (problem.rule, problem.path) == ("not-for-apply", path)
    assert problem.location.line


def test_names_are_those_of_kubectl():
    target = apply.ObjectRef(RBAC, "Role", "kafka", "a")
    assert str(target) == "role.rbac.authorization.k8s.io/a"
    assert str(apply.ObjectRef("v1", "ConfigMap", "kafka", "a")) == "configmap/a"
    assert target.placed == "role.rbac.authorization.k8s.io/a in namespace kafka"


def test_out_of_reach(server, connection):
    server.faults["GET", "", None] = [status(401, "Unauthorized")]
    for ask in (
        lambda: apply.apply_objects(ALL, connection, dry_run=DryRun.CLIENT),
        lambda: apply.plan_prune(ALL, connection),
        lambda: apply.plan_deletion(ALL, connection, sweep=True),
    ):
        with pytest.raises(UnreachableError, match="Unauthorized"):
            ask()
