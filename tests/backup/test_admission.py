"""The ValidatingAdmissionPolicy: what it says, and how it is put on a cluster and taken away."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from kanister_kafka import (
    BackupPlan,
    Options,
    Strategy,
    build_plan,
    load,
    loads,
    read_cluster,
    render,
)
from kanister_kafka.backup.options import SnapshotProvider
from kanister_kafka.errors import InputError, NotFoundError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.operations import apply
from kanister_kafka.operations.apply import ApplyOutcome
from kanister_kafka.operations.apply.objects import object_ref
from kanister_kafka.reports import PLAN_FORMATS
from tests.conftest import ROOT
from tests.fakes.api_server import ADMISSION, forbidden, running

NAME = "kafka-backup.backup-kanister-kafka"
KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
USER = "system:serviceaccount:kafka-backup:backup-kanister-kafka"


def plan_of(**choices: Any) -> BackupPlan:
    reading = read_cluster(load([ROOT / "examples" / "mirror-maker-2"]).documents)
    assert reading.cluster is not None
    return build_plan(reading.cluster, Options(admission_policy=True, **choices), reading.problems)


def rendered(plan: BackupPlan) -> dict[str, dict]:
    found = {m.kind: yaml.safe_load(m.text) for m in render(plan) if m.kind in KINDS}
    assert all("namespace" not in item["metadata"] for item in found.values())
    return found


def test_there_is_none_unless_it_is_asked_for() -> None:
    plan = plan_of()
    assert set(rendered(plan)) == set(KINDS)
    assert not rendered(build_plan(plan.cluster, Options()))


def test_name_is_that_of_one_cluster() -> None:
    """It has no namespace that would tell two clusters of one name apart."""
    policy, binding = rendered(plan_of()).values()
    assert policy["metadata"]["name"] == binding["metadata"]["name"] == NAME
    assert binding["spec"] == {"policyName": NAME, "validationActions": ["Deny"]}


def test_what_cannot_be_judged_is_refused() -> None:
    assert rendered(plan_of())[KINDS[0]]["spec"]["failurePolicy"] == "Fail"


def test_every_version_of_every_kind_that_is_patched_is_looked_at() -> None:
    plan = plan_of()
    rules = rendered(plan)[KINDS[0]]["spec"]["matchConstraints"]["resourceRules"]
    assert all(rule["apiVersions"] == ["*"] for rule in rules)
    assert all(rule["operations"] == ["UPDATE"] for rule in rules)
    looked_at = {
        (group, name) for rule in rules for group in rule["apiGroups"] for name in rule["resources"]
    }
    # The record, the scale of the watchdog, and Secrets, which one may make and delete anyway.
    beside = {"configmaps", "deployments", "secrets"}
    for chosen in (plan, plan_of(engine=SnapshotProvider.KANISTER)):
        for account in chosen.accounts:
            for right in account.rights:
                if "patch" in right.verbs and right.resource not in beside:
                    below = f"/{right.subresource}" if right.subresource else ""
                    assert (right.group, f"{right.resource}{below}") in looked_at, right


@pytest.mark.parametrize("engine", SnapshotProvider)
def test_every_account_is_checked_and_that_of_a_restore_only_on_status(
    engine: SnapshotProvider,
) -> None:
    plan = plan_of(engine=engine)
    (condition,) = rendered(plan)[KINDS[0]]["spec"]["matchConditions"]
    always, _, on_status = condition["expression"].partition(" || ")
    for account in plan.accounts:
        user = f'"system:serviceaccount:kafka-backup:{account.name}"'
        assert (user in always) != account.name.endswith("-restore")
        assert (user in on_status) == account.name.endswith("-restore")
    assert 'request.subResource == "status"' in on_status


def test_named_account_is_held_to_it() -> None:
    (condition,) = rendered(plan_of(service_account="own"))[KINDS[0]]["spec"]["matchConditions"]
    assert condition["expression"].startswith(
        'request.userInfo.username in ["system:serviceaccount:kafka-backup:own", '
    )


def test_each_field_has_a_rule_of_its_own() -> None:
    said = [v["message"] for v in rendered(plan_of())[KINDS[0]]["spec"]["validations"]]
    assert said == [
        "this account may change spec.replicas, and nothing else of the spec",
        "this account may change the annotations strimzi.io/pause-reconciliation and "
        "kanister-kafka.io/*, and no other",
        "this account may not change metadata.labels",
        "this account may not change metadata.finalizers",
        "this account may not change metadata.ownerReferences",
        "of a status only the account of a restore may change clusterId, nodeIds, roles",
    ]


def test_hot_backup_changes_nothing_that_it_could_limit() -> None:
    (problem,) = Options(admission_policy=True, strategy=Strategy.HOT).problems()
    assert (problem.path, problem.rule) == ("admission-policy", "option")


def test_the_plan_has_it() -> None:
    plan = plan_of()
    assert f"ValidatingAdmissionPolicy {NAME} refuses" in PLAN_FORMATS["text"](plan)
    assert json.loads(PLAN_FORMATS["json"](plan))["admissionPolicy"] == NAME
    plain = build_plan(plan.cluster, Options())
    assert "Admission" not in PLAN_FORMATS["text"](plain)
    assert json.loads(PLAN_FORMATS["json"](plain))["admissionPolicy"] is None


# On a cluster


def objects(plan: BackupPlan) -> tuple[dict, ...]:
    text = "---\n".join(manifest.text for manifest in render(plan))
    return apply.admit_objects(loads(text).documents, "elsewhere")


def test_it_is_accepted_without_a_namespace_and_needs_a_name() -> None:
    found = [item for item in objects(plan_of()) if item["kind"] in KINDS]
    assert [item["metadata"].get("namespace") for item in found] == [None, None]
    assert [str(object_ref(item)) for item in found] == [
        f"{kind.lower()}.admissionregistration.k8s.io/{NAME}" for kind in KINDS
    ]
    text = "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\n"
    with pytest.raises(InputError, match=r"metadata\.name"):
        apply.admit_objects(loads(text).documents, "elsewhere")


@pytest.fixture
def server(tmp_path, monkeypatch):
    with running(tmp_path, monkeypatch) as server:
        server.namespaces |= {"kafka-backup", "kafka-tools"}
        server.kinds |= ADMISSION
        yield server


def test_it_is_applied_before_what_it_limits_may_do_anything(server: Any) -> None:
    report = apply.apply_objects(objects(plan_of()), KubeClient())
    assert not report.failures
    kinds = [done.target.kind for done in report.results]
    assert kinds.index(KINDS[0]) < kinds.index(KINDS[1]) < kinds.index("Role")
    policy = server.objects["validatingadmissionpolicies", "", NAME]
    assert policy["spec"]["failurePolicy"] == "Fail"


def test_it_is_pruned_when_it_is_not_rendered_any_more(server: Any) -> None:
    apply.apply_objects(objects(plan_of()), KubeClient())
    plain = objects(build_plan(plan_of().cluster, Options()))
    found = apply.plan_prune(plain, KubeClient())
    assert [place.kind for place in found.targets] == [*KINDS][::-1]
    report = apply.delete_objects(found.objects, KubeClient(), outcome=ApplyOutcome.PRUNED)
    assert not report.failures
    assert not [key for key in server.objects if key[0].startswith("validating")]


def test_it_goes_after_what_it_limits(server: Any) -> None:
    assert server.url
    mine = objects(plan_of())
    apply.apply_objects(mine, KubeClient())
    kinds = [place.kind for place in apply.plan_deletion(mine, KubeClient(), sweep=True).targets]
    last_role = len(kinds) - 1 - kinds[::-1].index("Role")
    assert last_role < kinds.index(KINDS[1]) < kinds.index(KINDS[0])


def test_policies_that_may_not_be_listed_are_reported_as_unreadable(server: Any) -> None:
    place = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies"
    server.faults["GET", place, None] = [forbidden("validatingadmissionpolicies")]
    found = apply.plan_prune(objects(plan_of()), KubeClient())
    resource = "validatingadmissionpolicies.admissionregistration.k8s.io"
    assert found.unreadable == (f"of the whole cluster: {resource}",)


def test_the_error_for_an_older_kubernetes_has_a_remedy(server: Any) -> None:
    for served in ADMISSION:
        del server.kinds[served]
    report = apply.apply_objects(objects(plan_of()), KubeClient())
    assert {type(one.error) for one in report.failures} == {NotFoundError}
    assert "render without --admission-policy" in str(report.failures[0].error)
    assert not server.writes
