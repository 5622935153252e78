"""Online backups by one VolumeGroupSnapshot, and restores and copies of its members."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest

from kanister_kafka.backup.options import Strategy
from tests.fakes.kubectl import encoded
from tests.fakes.script_runner import BACKUP, FORBIDDEN, RUN, Shell, cycle
from tests.scripts import test_export, test_restore
from tests.scripts.test_backup import LABELS

PLAN = cycle(strategy=Strategy.ONLINE, group_snapshot_class="fast-groups")
GROUP = f"backup-backup-{BACKUP}"
UID = "0a1b2c3d-0000-4000-8000-00000000000a"
OWNER = "0a1b2c3d-0000-4000-8000-00000000000b"
SERVED = "get --raw /apis/groupsnapshot.storage.k8s.io"
VERSIONS = '{"versions":[%s],"preferredVersion":{"groupVersion":"g/v1"}}'
STATE = r"\.data\.state\}\|\{\.data\.run\}\|"
HELD = "managedFields"
OWNED = 'true|{"f:metadata":{"f:annotations":{"f:strimzi.io/pause-reconciliation":{}}}}'
CLAIMS = "get persistentvolumeclaims"
DIGEST = "get configmap .*data.claims"
CUT = "2026-01-02T03:05:00Z"
STATUS = r"get volumegroupsnapshots.*creationTime"
MEMBERS = "get volumesnapshots"
NAMES = {"data-0": f"snapshot-{'a' * 64}", "data-1": f"snapshot-{'b' * 64}"}


def versions(*names: str) -> str:
    rows = (f'{{"groupVersion":"groupsnapshot.storage.k8s.io/{n}","version":"{n}"}}' for n in names)
    return VERSIONS % ",".join(rows)


def member(claim: str, cut: str = CUT, owner: str = UID, error: str = "") -> str:
    return f"{NAMES.get(claim, 'snapshot-x')}|{owner}|{claim}|{cut}|{error}\n"


ALL = member("data-0") + member("data-1") + f"other-{BACKUP}||other|{CUT}|\n"


def digest(claims: str) -> str:
    return hashlib.sha256(claims.encode()).hexdigest()


def online(shell: Shell) -> Shell:
    """Answer as a cluster whose clients this run has stopped; earlier answers go first."""
    shell.on(SERVED, versions("v1beta1", "v1beta2", "v1"))
    shell.on(STATE, f"online|{RUN}|kanister-kafka|").on(HELD, OWNED)
    shell.on(CLAIMS, "data-1 data-0").on(DIGEST, digest("data-0 data-1"))
    shell.on(rf"get secret {GROUP}-facts.*metadata.uid", OWNER)
    shell.on("create -f - -o jsonpath", UID)
    return shell.on(STATUS, f"{CUT}|").on(MEMBERS, ALL)


def snapshot(shell: Shell, **values: str) -> Any:
    return online(shell).phase("backupSnapshot", PLAN, **values)


def labelled(shell: Shell) -> list[str]:
    calls = [call for call in shell.writes() if call.args[:1] == ["patch"]]
    return [call.args[2] for call in calls if call.args[1].startswith("volumesnapshots")]


def test_all_claims_are_in_one_group(shell: Shell) -> None:
    done = snapshot(shell)
    assert done.returncode == 0, done.stderr
    assert shell.made("VolumeGroupSnapshot") == [
        {
            "apiVersion": "groupsnapshot.storage.k8s.io/v1",
            "kind": "VolumeGroupSnapshot",
            "metadata": {
                "name": GROUP,
                "namespace": "kafka-backup",
                "labels": LABELS,
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Secret", "name": f"{GROUP}-facts", "uid": OWNER}
                ],
            },
            "spec": {
                "volumeGroupSnapshotClassName": "fast-groups",
                "source": {
                    "selector": {
                        "matchLabels": {"strimzi.io/cluster": "backup", "strimzi.io/kind": "Kafka"}
                    }
                },
            },
        }
    ]
    assert not shell.made("VolumeSnapshot")
    outputs = re.findall(r"^###Phase-output###: (.*)$", done.stdout, re.MULTILINE)
    assert [json.loads(line) for line in outputs] == [
        {"key": "backup", "value": BACKUP},
        {"key": "snapshots", "value": "2"},
    ]


def test_the_group_selects_what_a_backup_snapshots(shell: Shell) -> None:
    assert snapshot(shell).returncode == 0
    (group,) = shell.made("VolumeGroupSnapshot")
    labels = group["spec"]["source"]["selector"]["matchLabels"]
    (asked, *_) = shell.calls(CLAIMS)
    assert f"-l {','.join(f'{key}={value}' for key, value in labels.items())} " in asked


def test_members_get_the_labels_of_the_backup_and_no_other_snapshot_does(shell: Shell) -> None:
    assert snapshot(shell).returncode == 0
    (call,) = [one for one in shell.writes() if one.args[0] == "patch"]
    assert call.args[2:4] == list(NAMES.values())
    assert call.patch == {"metadata": {"labels": LABELS}}


@pytest.mark.parametrize(
    ("served", "version"),
    [(("v1beta2",), "v1beta2"), (("v1beta1", "v1beta2"), "v1beta2"), (("v1",), "v1")],
)
def test_the_newest_served_version_is_used(
    shell: Shell, served: tuple[str, ...], version: str
) -> None:
    done = snapshot(shell.on(SERVED, versions(*served)))
    assert done.returncode == 0, done.stderr
    (group,) = shell.made("VolumeGroupSnapshot")
    assert group["apiVersion"] == f"groupsnapshot.storage.k8s.io/{version}"
    assert shell.calls(f"get volumegroupsnapshots.{version}.groupsnapshot.storage.k8s.io {GROUP} ")


NOT_SERVED = (1, "", "Error from server (NotFound): could not find the requested resource")


@pytest.mark.parametrize(
    ("pattern", "answer", "reason"),
    [
        pytest.param(SERVED, NOT_SERVED, "does not serve groupsnapshot", id="not served"),
        pytest.param(SERVED, versions("v1beta1"), "neither v1 nor v1beta2", id="v1beta1"),
        pytest.param(STATE, f"stopped|{RUN}||", "not online by this run", id="stopped"),
        pytest.param(STATE, "online|other||", "not online by this run", id="other run"),
        pytest.param(STATE, f"online|{RUN}||seen at noon", "seen at noon", id="brought back"),
        pytest.param(HELD, "false|", "is not a backup", id="pause"),
        pytest.param(CLAIMS, "", "has no claims", id="no claims"),
        pytest.param(CLAIMS, "data-0", "other claims than at the start", id="a claim less"),
        pytest.param(CLAIMS, "data-0 data-1 data-2", "other claims", id="a claim more"),
        pytest.param(DIGEST, "", "other claims", id="no fingerprint"),
        pytest.param(CLAIMS, FORBIDDEN, "reading the claims", id="unread"),
        pytest.param("get secret .*uid", "", "has no uid", id="no owner"),
        pytest.param("get secret .*uid", FORBIDDEN, "snapshotting every claim", id="owner unread"),
    ],
)
def test_nothing_is_made_if_it_would_be_no_backup(
    shell: Shell, pattern: str, answer: Any, reason: str
) -> None:
    done = snapshot(shell.on(pattern, answer))
    assert done.returncode != 0
    assert reason in done.stderr.splitlines()[-1]
    assert not shell.made("VolumeGroupSnapshot")
    assert "###Phase-output###" not in done.stdout


WITHOUT = f"snapshot-y|{UID}||{CUT}|\n"
UNFOUND = (
    'failed to get input parameters to create group snapshot x: "volumegroupsnapshotclass.'
    'groupsnapshot.storage.k8s.io \\"fast-groups\\" not found"'
)


@pytest.mark.parametrize(
    ("pattern", "answer", "reason"),
    [
        pytest.param(STATUS, "|driver is busy", "not cut yet (driver is busy)", id="not cut"),
        pytest.param(STATUS, FORBIDDEN, "snapshotting every claim", id="unread"),
        pytest.param(MEMBERS, "", "0 of 2 members", id="no members"),
        pytest.param(MEMBERS, member("data-0"), "1 of 2 members", id="too few"),
        pytest.param(MEMBERS, ALL + member("connect-0"), "connect-0 data-0 data-1", id="foreign"),
        pytest.param(MEMBERS, member("data-0") + member("data-7"), "data-0 data-7", id="another"),
        pytest.param(MEMBERS, member("data-0") * 2, "data-0 data-0", id="twice"),
        pytest.param(MEMBERS, member("data-0") + WITHOUT, "without-claim:snapshot-y", id="unknown"),
        pytest.param(
            MEMBERS, member("data-0") + member("data-1", owner="x"), "1 of 2", id="of another group"
        ),
        pytest.param(
            MEMBERS,
            member("data-0") + member("data-1", "", error="quota"),
            "of claim data-1 is not cut yet (quota)",
            id="member not cut",
        ),
        pytest.param(MEMBERS, FORBIDDEN, "snapshotting every claim", id="members unread"),
    ],
)
def test_a_group_of_other_claims_fails_the_backup(
    shell: Shell, pattern: str, answer: Any, reason: str
) -> None:
    done = snapshot(shell.on(pattern, answer), SNAPSHOT_TIMEOUT="0")
    assert done.returncode != 0
    assert reason in done.stderr.splitlines()[-1]
    assert "###Phase-output###" not in done.stdout
    assert not labelled(shell), "members that are not of a backup do not look like one"


def test_a_class_that_does_not_exist_ends_the_wait(shell: Shell) -> None:
    done = snapshot(shell.on(STATUS, f"|{UNFOUND}"), SNAPSHOT_TIMEOUT="600")
    assert done.returncode != 0
    assert "VolumeGroupSnapshotClass fast-groups does not exist" in done.stderr.splitlines()[-1]


def test_a_group_is_waited_for(shell: Shell) -> None:
    shell.on(STATUS, "|", "|claim is locked", f"{CUT}|")
    shell.on(MEMBERS, member("data-0"), member("data-0") + member("data-1", ""), ALL)
    done = snapshot(shell)
    assert done.returncode == 0, done.stderr
    assert f"VolumeGroupSnapshot {GROUP} is not cut yet (claim is locked)" in done.stdout
    assert "there are 1 of 2 members" in done.stdout


def test_a_kafka_that_was_started_meanwhile_fails_the_backup(shell: Shell) -> None:
    good = f"online|{RUN}|kanister-kafka|"
    done = snapshot(shell.on(STATE, good, f"{good}seen at noon"))
    assert done.returncode != 0
    assert "seen at noon" in done.stderr.splitlines()[-1]
    assert "###Phase-output###" not in done.stdout


def test_many_members_are_labelled_in_batches(shell: Shell) -> None:
    claims = [f"data-{number}" for number in range(120)]
    rows = "".join(f"snapshot-{one}|{UID}|{one}|{CUT}|\n" for one in claims)
    shell.on(CLAIMS, " ".join(claims)).on(DIGEST, digest(" ".join(claims)))
    done = snapshot(shell.on(MEMBERS, rows))
    assert done.returncode == 0, done.stderr
    assert labelled(shell) == ["snapshot-data-0", "snapshot-data-50", "snapshot-data-100"]


# What reads a backup afterwards.


def test_a_backup_of_members_is_complete_when_each_is_ready(shell: Shell) -> None:
    rows = "".join(f"{name} true|\n" for name in NAMES.values())
    shell.on(r"\.data\.unmoved", RUN).on("get volumesnapshots", rows)
    done = shell.phase("backupReady", PLAN, SNAPSHOT_COUNT="2")
    assert done.returncode == 0, done.stderr
    assert shell.calls("annotate secret")


SAVED = "".join(
    json.dumps(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": claim, "namespace": "kafka-backup"},
            "spec": {
                "resources": {"requests": {"storage": "1Gi"}},
                "dataSource": {
                    "apiGroup": "snapshot.storage.k8s.io",
                    "kind": "VolumeSnapshot",
                    "name": f"{claim}-{BACKUP}",
                },
            },
        }
    )
    + "\n"
    for claim in NAMES
)


def saved(shell: Shell, rows: str) -> Shell:
    """Answer as a namespace with the Secrets of a backup and with these snapshots."""
    shell.on(f"get secret {test_restore.PREFIX}-0-000", encoded(SAVED))
    return shell.on(test_restore.SNAPSHOTS, rows)


def rows_of(ready: str = "true", size: str = "2Gi") -> str:
    return "".join(f"{name}|{ready}|{size}|{claim}\n" for claim, name in NAMES.items())


def test_claims_are_restored_from_the_members(shell: Shell) -> None:
    done = test_restore.put(saved(shell, rows_of())).phase("restoreObjects")
    assert done.returncode == 0, done.stderr
    claims = {one["metadata"]["name"]: one["spec"] for one in shell.made("PersistentVolumeClaim")}
    assert {claim: spec["dataSource"]["name"] for claim, spec in claims.items()} == NAMES
    assert {spec["resources"]["requests"]["storage"] for spec in claims.values()} == {"2Gi"}


@pytest.mark.parametrize(
    ("rows", "missing"),
    [
        (rows_of(ready="false"), NAMES["data-0"]),
        (rows_of().splitlines()[1] + "\n", f"data-0-{BACKUP}"),
        (f"{NAMES['data-0']}|true|2Gi|\n" + rows_of().splitlines()[1], f"data-0-{BACKUP}"),
    ],
    ids=["not ready", "gone", "of no claim"],
)
def test_a_member_that_cannot_be_used_refuses_the_restore(
    shell: Shell, rows: str, missing: str
) -> None:
    done = test_restore.whole(saved(shell, rows)).phase("restoreCheck")
    assert done.returncode != 0
    assert f"VolumeSnapshot {missing} does not exist" in done.stderr.splitlines()[-1]


def test_volumes_are_copied_from_the_members(shell: Shell) -> None:
    shell.on("get volumesnapshots", rows_of())
    done = test_export.checked(shell).phase("exportCheck", test_export.PLAN)
    assert done.returncode == 0, done.stderr
    claims = test_export.outputs(done.stdout)["claims"]
    assert test_export.unpacked(claims) == "".join(
        f"{claim}|fast|Filesystem|2Gi|{name}\n" for claim, name in NAMES.items()
    )


def test_the_job_of_a_volume_mounts_its_member(shell: Shell) -> None:
    rows = "".join(f"{claim}|fast|Filesystem|2Gi|{name}\n" for claim, name in NAMES.items())
    test_export.copying(shell)
    done = shell.phase("exportCopy", test_export.PLAN, CLAIMS=test_export.packed(rows))
    assert done.returncode == 0, done.stderr
    found = [
        volume["ephemeral"]["volumeClaimTemplate"]["spec"]["dataSource"]
        for job in shell.made("Job")
        for volume in job["spec"]["template"]["spec"]["volumes"]
        if "ephemeral" in volume
    ]
    assert [one["name"] for one in found] == list(NAMES.values())


def test_a_claim_that_was_saved_with_another_source_is_not_restored(shell: Shell) -> None:
    shell.on(f"get secret {test_restore.PREFIX}-0-000", encoded(SAVED.replace("data-1-2", "own-2")))
    done = test_restore.put(shell.on(test_restore.SNAPSHOTS, rows_of())).phase("restoreObjects")
    assert done.returncode != 0
    assert f"does not name VolumeSnapshot data-1-{BACKUP}" in done.stderr
    assert not shell.calls("delete persistentvolumeclaims")
