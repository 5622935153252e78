"""The copy of a backup off the cluster: what is refused, its Jobs, and the calls of restic."""

from __future__ import annotations

import base64
import gzip
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kanister_kafka.operations.exports.restic import DAMAGE
from tests.fakes.kubectl import encoded
from tests.fakes.script_runner import BACKUP, REPOSITORY, SCRIPTS, Shell, cycle

UID = "11111111-2222-3333-4444-555555555555"
PREFIX = f"backup-backup-{BACKUP}"
PLAN = cycle(export_profile="store", tolerations=("kafka:NoSchedule",), export_memory="1Gi")
CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data-0", "namespace": "kafka-backup"},
    "spec": {
        "storageClassName": "fast",
        "volumeMode": "Filesystem",
        "resources": {"requests": {"storage": "1Gi"}},
        "dataSource": {
            "apiGroup": "snapshot.storage.k8s.io",
            "kind": "VolumeSnapshot",
            "name": f"data-0-{BACKUP}",
        },
    },
}
OTHER = json.loads(json.dumps(CLAIM).replace("data-0", "data-1"))
COMPLETE = rf"get secret {PREFIX}-facts.*annotations"
JOBS = "get jobs.batch .*-l kanister-kafka.io/export-step=[^,]*$|get jobs.batch.*Failed"
LEFT = r"get jobs.batch.*export-step,"
SNAPSHOT = "0123456789abcdef" * 4
SUMMARY = json.dumps(
    {
        "message_type": "summary",
        "data_added_packed": 10,
        "total_bytes_processed": 100,
        "snapshot_id": SNAPSHOT,
    },
    separators=(",", ":"),
)


def checked(shell: Shell) -> Shell:
    """Answer as a namespace that has a complete backup of two volumes."""
    claims = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in (CLAIM, OTHER))
    shell.on(COMPLETE, "2026-01-02T03:09:05Z")
    shell.on("get secrets .*-l kanister-kafka.io/backup", f"{PREFIX}-0-000\n{PREFIX}-facts\n")
    shell.on(rf"get secret {PREFIX}-facts.*metadata.uid", UID)
    shell.on(f"get secret {PREFIX}-facts", encoded("clusterId=abc\nparts=1\n"))
    shell.on(f"get secret {PREFIX}-0-000", encoded(claims))
    return shell.on("get volumesnapshots", rows(("data-0", "true"), ("data-1", "true")))


def rows(*snapshots: tuple[str, str]) -> str:
    return "".join(f"{claim}-{BACKUP}|{ready}|2Gi\n" for claim, ready in snapshots)


def outputs(text: str) -> dict[str, str]:
    found = re.findall(r"^###Phase-output###: (.*)$", text, re.MULTILINE)
    return {one["key"]: one["value"] for one in map(json.loads, found)}


def packed(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode())).decode()


def unpacked(text: str) -> str:
    return gzip.decompress(base64.b64decode(text)).decode()


def test_claims_are_those_of_the_backup_and_large_enough(shell: Shell) -> None:
    done = checked(shell).phase("exportCheck", PLAN)
    assert done.returncode == 0, done.stderr
    found = outputs(done.stdout)
    assert found["repository"] == REPOSITORY
    assert (found["clusterId"], found["uid"]) == ("abc", UID)
    assert unpacked(found["claims"]) == "".join(
        f"{name}|fast|Filesystem|2Gi|{name}-{BACKUP}\n" for name in ("data-0", "data-1")
    )
    assert not shell.writes()


@pytest.mark.parametrize(
    ("endpoint", "prefix", "expected"),
    [
        ("https://s3.example.com/", "", "s3:https://s3.example.com/bucket/kanister-kafka"),
        ("http://10.0.0.1:9000", "/a/b/", "s3:http://10.0.0.1:9000/bucket/a/b/kanister-kafka"),
        ("", "", "s3:s3.amazonaws.com/bucket/kanister-kafka"),
        ("s3.example.com", "a", "s3:s3.example.com/bucket/a/kanister-kafka"),
    ],
)
def test_location_is_written_as_restic_names_it(
    shell: Shell, endpoint: str, prefix: str, expected: str
) -> None:
    done = checked(shell).phase(
        "exportCheck", PLAN, LOCATION_ENDPOINT=endpoint, LOCATION_PREFIX=prefix
    )
    assert done.returncode == 0, done.stderr
    assert outputs(done.stdout)["repository"] == expected


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"LOCATION_TYPE": ""}, "names no Profile"),
        ({"LOCATION_TYPE": "gcs"}, "location of type gcs"),
        ({"LOCATION_ENDPOINT": "https://me:secret@s3.example.com"}, "endpoint"),
        ({"LOCATION_BUCKET": ""}, "bucket"),
        ({"LOCATION_PREFIX": "a b"}, "prefix"),
        ({"BACKUP": "../other"}, "not a name of a backup"),
    ],
    ids=["none", "gcs", "credentials", "bucket", "prefix", "backup"],
)
def test_location_that_cannot_be_used_is_refused(
    shell: Shell, values: dict[str, str], reason: str
) -> None:
    done = checked(shell).phase("exportCheck", PLAN, **values)
    assert done.returncode != 0
    assert reason in done.stderr.splitlines()[-1]
    assert "secret@" not in done.stderr


@pytest.mark.parametrize(
    ("pattern", "answer", "reason"),
    [
        (COMPLETE, "", "is not complete"),
        ("get volumesnapshots", rows(("data-0", "true")), f"data-1-{BACKUP}"),
        ("get volumesnapshots", rows(("data-0", "false"), ("data-1", "true")), f"data-0-{BACKUP}"),
    ],
    ids=["incomplete", "missing", "not-ready"],
)
def test_backup_that_a_restore_refuses_is_not_copied(
    shell: Shell, pattern: str, answer: str, reason: str
) -> None:
    done = checked(shell.on(pattern, answer)).phase("exportCheck", PLAN)
    assert done.returncode != 0
    assert reason in done.stderr.splitlines()[-1]
    assert not shell.recorded(), "the state of the stop is not changed"


# The Jobs


def copying(shell: Shell, *states: str, opened: str = "") -> Shell:
    """Answer as a cluster whose Jobs are j1 (opens), j2 and j3 (volumes) and j4 (objects)."""
    shell.on("create -f - -o jsonpath", "j1", "j2", "j3", "j4", "j5")
    shell.on(JOBS, "j1|1|\n", *(states or ("j2|1|\nj3|1|\nj4|1|\n",)))
    shell.on("logs job/j1", opened)
    return shell.on("logs job", f"{SUMMARY}\n")


def copy(shell: Shell, **values: str) -> Any:
    rows = (f"{name}|fast|Filesystem|2Gi|{name}-{BACKUP}\n" for name in ("data-0", "data-1"))
    claims = packed("".join(rows))
    return shell.phase("exportCopy", PLAN, CLAIMS=claims, **values)


def containers(job: dict[str, Any]) -> list[dict[str, Any]]:
    spec = job["spec"]["template"]["spec"]
    return [*spec.get("initContainers", ()), *spec["containers"]]


def test_volumes_are_copied_and_then_the_objects(shell: Shell) -> None:
    done = copy(copying(shell))
    assert done.returncode == 0, done.stderr + done.stdout
    opened, first, second, objects = shell.made("Job")
    assert [
        one["spec"]["template"]["spec"]["containers"][0]["command"][-1]
        for one in (opened, first, second, objects)
    ] == ["open", "copy", "copy", "copy"]
    (volume,) = [one for one in first["spec"]["template"]["spec"]["volumes"] if "ephemeral" in one]
    claim = volume["ephemeral"]["volumeClaimTemplate"]["spec"]
    assert claim["dataSource"]["name"] == f"data-0-{BACKUP}"
    assert (claim["storageClassName"], claim["resources"]) == (
        "fast",
        {"requests": {"storage": "2Gi"}},
    )
    mounts = first["spec"]["template"]["spec"]["containers"][0]["volumeMounts"]
    assert {"name": "data", "mountPath": "/volumes/data-0", "readOnly": True} in mounts
    (init,) = objects["spec"]["template"]["spec"]["initContainers"]
    assert objects["spec"]["template"]["spec"]["serviceAccountName"] == (
        "backup-kanister-kafka-keep"
    )
    (rows_of_volumes,) = [one["value"] for one in init["env"] if one["name"] == "VOLUMES"]
    assert unpacked(rows_of_volumes) == (
        f"data-0|fast|Filesystem|2Gi|{SNAPSHOT}|100\ndata-1|fast|Filesystem|2Gi|{SNAPSHOT}|100\n"
    )
    assert outputs(done.stdout) == {"added": "30"}
    assert shell.calls("delete jobs.batch -n"), "at the end all Jobs of the step"
    assert not shell.recorded()


def test_pods_that_copy_have_the_least(shell: Shell) -> None:
    copy(copying(shell))
    for job in shell.made("Job"):
        spec = job["spec"]["template"]["spec"]
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["tolerations"] == [
            {"key": "kafka", "operator": "Exists", "effect": "NoSchedule"}
        ]
        assert job["metadata"]["ownerReferences"][0]["kind"] == "Pod"
        for one in containers(job):
            assert one["securityContext"]["readOnlyRootFilesystem"] is True
            assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
            assert one["resources"]["limits"] == {"memory": "1Gi"}
        (restic,) = spec["containers"]
        secret = {
            one["name"]: one["valueFrom"]["secretKeyRef"]["key"]
            for one in restic["env"]
            if "valueFrom" in one
        }
        assert secret == {
            "AWS_ACCESS_KEY_ID": "aws_access_key_id",
            "AWS_SECRET_ACCESS_KEY": "aws_secret_access_key",
            "RESTIC_PASSWORD": "repository_password",
        }
        (ca,) = [volume["secret"] for volume in spec["volumes"] if volume["name"] == "ca"]
        assert ca["items"] == [{"key": "ca.crt", "path": "ca.crt"}]
        assert ca["optional"] is True
        tokens = [mount for mount in restic["volumeMounts"] if mount["name"] == "token"]
        assert not tokens, "restic has no token"


def test_users_of_the_pods_are_those_of_the_files(shell: Shell) -> None:
    copy(copying(shell.on("get pods .*strimzi.io/name=backup-kafka", "2000||2001|\n")))
    for job in shell.made("Job"):
        security = job["spec"]["template"]["spec"]["securityContext"]
        assert (security["runAsUser"], security["fsGroup"]) == (2000, 2001)
        assert security["fsGroupChangePolicy"] == "OnRootMismatch"


def test_not_more_jobs_than_asked_for(shell: Shell) -> None:
    states = ("j2||\n", "j2|1|\n", "j3|1|\n", "j4|1|\n")
    done = copy(copying(shell, *states), EXPORT_PARALLEL="1")
    assert done.returncode == 0, done.stderr
    calls = [str(call) for call in shell.all()]
    created = [at for at, call in enumerate(calls) if call.startswith("create -f - -o")]
    deleted = next(at for at, call in enumerate(calls) if call.startswith("delete jobs.batch j2"))
    assert created[1] < deleted < created[2]


def test_pod_that_was_killed_is_started_again(shell: Shell) -> None:
    shell.on("create -f - -o jsonpath", "j1", "j2", "j3", "j4", "j5")
    shell.on("logs job/j1", "")
    shell.on("logs job/j2", '{"message_type":"status","bytes_done":5,"total_bytes":9}\n')
    states = ("j2||BackoffLimitExceeded\nj3|1|\n", "j4|1|\nj5|1|\n")
    done = copy(copying(shell, *states))
    assert done.returncode == 0, done.stderr + done.stdout
    assert "the pod of data-0 has ended without a result" in done.stdout
    assert len(shell.made("Job")) == 5


def test_pod_that_is_killed_again_and_again_fails(shell: Shell) -> None:
    shell.on("create -f - -o jsonpath", "j1", *(["j2"] * 9))
    shell.on("logs job/j1", "")
    shell.on("logs job/j2", "")
    done = copy(copying(shell, "j2||BackoffLimitExceeded\n"), EXPORT_PARALLEL="1")
    assert done.returncode != 0
    assert "data-0: Job j2 has ended: BackoffLimitExceeded" in done.stderr.splitlines()[-1]
    assert len(shell.made("Job")) == 6, "three of data-0, and two of data-1 between them"


def test_failed_copy_names_the_reason_and_the_command_that_repeats_it(shell: Shell) -> None:
    shell.on("create -f - -o jsonpath", "j1", "j2", "j3")
    shell.on("logs job/j1", "")
    shell.on("logs job/j2", "x\nFAILED: s3:x: the store is full: free space (No space)\n")
    done = copy(copying(shell, "j2||BackoffLimitExceeded\nj3||\n", "j3|1|\n"))
    last = done.stderr.splitlines()[-1]
    assert done.returncode != 0
    assert "data-0: s3:x: the store is full" in last
    assert "The backup in the namespace is complete" in last
    assert f"backups export {BACKUP} -n kafka-backup" in last
    assert "data-1 is copied" in done.stdout, "what has begun is ended"
    assert len(shell.made("Job")) == 3, "no objects: the copy is not complete"
    assert "ExportCopyFailed" in shell.events()


def test_complete_copy_is_not_repeated(shell: Shell) -> None:
    done = copy(copying(shell, opened=f"EXISTS {SNAPSHOT}\n"))
    assert done.returncode == 0, done.stderr
    assert outputs(done.stdout) == {"added": "0"}
    assert len(shell.made("Job")) == 1


def test_repository_that_cannot_be_opened_fails_before_a_volume(shell: Shell) -> None:
    shell.on(JOBS, "j1||BackoffLimitExceeded\n")
    done = copy(copying(shell, opened="FAILED: s3:x: the bucket does not exist: create it ()\n"))
    assert done.returncode != 0
    assert "the bucket does not exist" in done.stderr.splitlines()[-1]
    assert len(shell.made("Job")) == 1


@pytest.mark.parametrize(
    ("phase", "refused"),
    [("Running", 1), ("Pending", 1), ("", 0), ("Running2026-01-02T03:04:05Z", 0)],
)
def test_one_export_at_a_time_and_leftovers_are_removed(
    shell: Shell, phase: str, refused: int
) -> None:
    shell.on(LEFT, "old|other-pod\n").on("get pod other-pod", phase)
    done = copy(copying(shell))
    assert done.returncode == refused
    deleted = shell.calls("delete jobs.batch old")
    assert bool(deleted) != bool(refused)
    if refused:
        assert "another export" in done.stderr.splitlines()[-1]
        assert not shell.made("Job")


def test_copy_is_marked_on_the_facts(shell: Shell) -> None:
    done = shell.phase("exportMark", PLAN)
    assert done.returncode == 0, done.stderr
    (call,) = shell.calls("annotate secret")
    assert f"annotate secret {PREFIX}-facts" in call
    assert re.search(rf"kanister-kafka.io/exported=\S+Z {REPOSITORY}", call)


# Deletion


MARK = f"{UID}|2026-01-02T03:04:05Z {REPOSITORY}"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (MARK, {"uid": UID, "expected": "yes"}),
        (f"{UID}|deleting {REPOSITORY}", {"uid": UID, "expected": ""}),
        (f"{UID}|", {"uid": UID, "expected": ""}),
        ("", {"uid": "", "expected": ""}),
    ],
    ids=["copied", "interrupted", "not-copied", "gone"],
)
def test_copy_that_is_deleted_is_that_of_the_backup(shell: Shell, fields, expected) -> None:
    done = shell.on("get secret", fields).phase("deleteCopyCheck", PLAN)
    assert done.returncode == 0, done.stderr
    assert outputs(done.stdout) == expected
    marked = shell.calls("annotate secret")
    assert bool(marked) == (REPOSITORY in fields)
    assert all(f"exported=deleting {REPOSITORY}" in str(call) for call in marked)


def test_copy_in_another_repository_is_not_deleted(shell: Shell) -> None:
    """The Profile has been changed since the copy."""
    shell.on("get secret", f"{UID}|2026-01-02T03:04:05Z s3:https://old/bucket/kanister-kafka")
    done = shell.phase("deleteCopyCheck", PLAN)
    assert done.returncode != 0
    assert "is in s3:https://old/bucket/kanister-kafka" in done.stderr.splitlines()[-1]
    assert not shell.calls("annotate secret")


def test_copy_that_is_kept_has_no_other_mark(shell: Shell) -> None:
    done = shell.on("get secret", MARK).phase("deleteBackupCopyCheck", PLAN, COPY="keep")
    assert done.returncode == 0, done.stderr
    assert not shell.calls("annotate secret")


def test_mark_is_removed_after_the_copy_is_deleted(shell: Shell) -> None:
    (action,) = [one for one in PLAN.actions if one.name == "deleteCopy"]
    names = [phase.name for phase in action.phases]
    assert names == ["deleteCopyCheck", "deleteCopy", "deleteCopyMark"]
    done = shell.on("get secret", "secret/facts\n").phase("deleteCopyMark", PLAN)
    assert done.returncode == 0, done.stderr
    (call,) = shell.calls("annotate secret")
    assert "kanister-kafka.io/exported-" in call


def test_backup_that_is_not_in_the_namespace_has_no_mark_to_remove(shell: Shell) -> None:
    done = shell.phase("deleteCopyMark", PLAN)
    assert done.returncode == 0, done.stderr
    assert not shell.calls("annotate")


@pytest.mark.parametrize(
    ("copy_option", "code", "jobs"), [("keep", 0, 0), ("", 0, 1), ("no", 1, 0)]
)
def test_delete_removes_the_copy_unless_it_is_kept(
    shell: Shell, copy_option: str, code: int, jobs: int
) -> None:
    copying(shell, opened=f"DELETED {BACKUP}\n")
    done = shell.phase("deleteBackupCopy", PLAN, COPY=copy_option)
    assert done.returncode == code, done.stderr
    assert len(shell.made("Job")) == jobs


def test_deletion_that_restic_does_not_confirm_fails(shell: Shell) -> None:
    done = copying(shell, opened="something else\n").phase("deleteCopy", PLAN)
    assert done.returncode != 0


# restic

FAKE_RESTIC = """#!/bin/bash
printf '%s\\n' "$*" >>"$FAKE/restic-calls"
set -- "$@" "region=$AWS_DEFAULT_REGION"
for reply in "$FAKE"/reply.*; do
  IFS= read -r pattern <"$reply"
  [[ " $* " == *" $pattern "* ]] || continue
  sed -n '2p' "$reply"
  sed -n '4,$p' "$reply" >&2
  exit "$(sed -n '3p' "$reply")"
done
exit 0
"""


class Restic:
    """Runs the script of the pods with a restic that answers as restic 0.18.1 was seen to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "restic"
        program.write_text(FAKE_RESTIC)
        program.chmod(0o755)

    def on(self, word: str, code: int = 0, out: str = "", err: str = "") -> Restic:
        count = len(list(self.folder.glob("reply.*")))
        (self.folder / f"reply.{count}").write_text(f"{word}\n{out}\n{code}\n{err}")
        return self

    def run(self, action: str, **values: str) -> subprocess.CompletedProcess[str]:
        env = {
            "PATH": f"{self.folder}{os.pathsep}{os.environ['PATH']}",
            "FAKE": str(self.folder),
            "TMPDIR": str(self.folder),
            "RESTIC_REPOSITORY": REPOSITORY,
            "EXPORT_HOST": "kafka/my-cluster",
            "EXPORT_SECRET": "store",
            "BACKUP": BACKUP,
            "INSECURE_TLS": "",
            "MAX_REPACK_SIZE": "5G",
            "CLUSTER_ID": "abc",
            "BACKUP_UID": UID,
            **values,
        }
        text = (SCRIPTS / "lib" / "restic.sh").read_text()
        return subprocess.run(
            ["sh", "-c", text, "restic", action],
            env=env,
            capture_output=True,
            text=True,
            timeout=60,
        )

    @property
    def calls(self) -> list[str]:
        path = self.folder / "restic-calls"
        return path.read_text().splitlines() if path.exists() else []


VOLUME = {"EXPORT_KIND": "volume", "EXPORT_CLAIM": "data-0", "EXPORT_PATH": "/volumes/data-0"}
TAGS = f"kanister-kafka,backup={BACKUP},uid={UID}"
NONE = "Fatal: repository does not exist: unable to open config file: Stat: The specified key"


def retrying(answer: str) -> str:
    return f"Stat(<config/>) returned error, retrying after 1.05s: Stat: {answer}"


def test_repository_is_made_only_if_restic_reports_that_there_is_none(tmp_path: Path) -> None:
    restic = Restic(tmp_path).on("cat config", 10, err=NONE)
    done = restic.run("open")
    assert done.returncode == 0, done.stdout
    assert any(" init" in call for call in restic.calls)
    assert any(call.endswith(" unlock") for call in restic.calls)


@pytest.mark.parametrize(("text", "is_used"), [("PEM\n", True), ("", False), (None, False)])
def test_certificate_of_an_authority_is_given_to_restic(
    tmp_path: Path, text: str | None, *, is_used: bool
) -> None:
    file = tmp_path / "ca.crt"
    if text is not None:
        file.write_text(text)
    restic = Restic(tmp_path)
    (tmp_path / "restic").write_text('#!/bin/sh\necho "cacert=$RESTIC_CACERT"\n')
    (tmp_path / "restic").chmod(0o755)
    done = restic.run(
        "copy", EXPORT_PATH="/volumes/data-0", EXPORT_KIND="volume", CA_FILE=str(file)
    )
    assert done.returncode == 0, done.stderr
    assert (f"cacert={file}\n" if is_used else "cacert=\n") in done.stdout


def test_missing_bucket_is_not_made(tmp_path: Path) -> None:
    """With a region, restic does not look for the bucket: a missing one seems to be empty."""
    restic = Restic(tmp_path).on("region=eu-west-1", 10, err=NONE)
    restic.on("cat config", 124, err=retrying("The specified bucket does not exist."))
    done = restic.run("open", AWS_DEFAULT_REGION="eu-west-1")
    assert done.returncode == 124
    assert "the bucket does not exist" in done.stdout.splitlines()[-1]
    assert not any(" init" in call for call in restic.calls)


@pytest.mark.parametrize(
    ("code", "err", "reason"),
    [
        (12, "Fatal: wrong password or no key found", "repository_password of Secret store"),
        (11, "repo already locked", "the repository is locked"),
        (124, retrying("The specified bucket does not exist."), "the bucket does not exist"),
        (124, retrying("The request signature we calculated does not match"), "refuses the keys"),
        (124, retrying("No user exists with the provided access key ID."), "refuses the keys"),
        (1, retrying("Access Denied."), "refuses the keys"),
        (124, retrying("dial tcp 10.0.0.1:9000: connect: connection refused"), "not answer"),
        (1, "Fatal: unable to open config: context deadline exceeded", "does not answer"),
        (1, retrying("Get https://x: tls: x509: certificate signed by unknown"), "not trusted"),
        (1, "Fatal: config or key is damaged: ciphertext verification failed", "is damaged"),
        (1, "something new", "exit code 1"),
    ],
    ids=[
        *("password", "locked", "bucket", "signature", "key", "denied", "refused", "timeout"),
        "authority",
        *("damaged", "other"),
    ],
)
def test_store_that_cannot_be_used_is_explained_and_nothing_is_made(
    tmp_path: Path, code: int, err: str, reason: str
) -> None:
    restic = Restic(tmp_path).on("cat config", code, err=err)
    done = restic.run("open")
    assert done.returncode == code
    last = done.stdout.splitlines()[-1]
    assert last.startswith("FAILED: ")
    assert reason in last
    assert not any(" init" in call for call in restic.calls)


@pytest.mark.parametrize(
    ("code", "err", "reason"),
    [
        (3, "error: open /volumes/data-0/x: permission denied", "not every file could be read"),
        (1, retrying("put object: no space left on device"), "the store is full"),
        (1, retrying("QuotaExceeded"), "the store is full"),
        (1, retrying("Put: write tcp a->b: write: broken pipe"), "it may be full"),
        (1, retrying("Put: read tcp a->b: read: connection reset by peer"), "it may be full"),
        (1, retrying("The specified method is not allowed against this resource."), "may not be"),
        (1, retrying("Access Denied."), "they may not write"),
        (1, "Fatal: unable to save snapshot: read-only file system", "may not be written"),
    ],
    ids=["files", "full", "quota", "pipe", "reset", "method", "denied", "read-only"],
)
def test_copy_that_restic_does_not_end_fails(
    tmp_path: Path, code: int, err: str, reason: str
) -> None:
    done = Restic(tmp_path).on("backup", code, out=SUMMARY, err=err).run("copy", **VOLUME)
    assert done.returncode == code
    assert reason in done.stdout.splitlines()[-1]


def test_copy_has_host_tags_and_path(tmp_path: Path) -> None:
    restic = Restic(tmp_path)
    assert restic.run("copy", **VOLUME).returncode == 0
    (call,) = restic.calls
    assert call.startswith("--no-cache --retry-lock 10m backup --json --host kafka/my-cluster ")
    tags = re.findall(r"--tag (\S+)", call)
    assert tags == [
        "kanister-kafka",
        f"backup={BACKUP}",
        "kind=volume",
        "claim=data-0",
        "cluster-id=abc",
        f"uid={UID}",
    ]
    assert call.endswith("--exclude /volumes/data-0/lost+found /volumes/data-0")


def test_tls_is_not_verified_if_the_profile_skips_it(tmp_path: Path) -> None:
    restic = Restic(tmp_path)
    restic.run("copy", INSECURE_TLS="true", **VOLUME)
    assert restic.calls[0].startswith("--insecure-tls ")


def test_objects_are_forgotten_first_and_only_those_of_the_backup(tmp_path: Path) -> None:
    found = json.dumps([{"tree": "e" * 64, "id": "a" * 64, "short_id": "aaaaaaaa"}])
    both = json.dumps([{"id": "b" * 64}, {"id": "c" * 64}])
    restic = Restic(tmp_path)
    restic.on(f"--tag {TAGS},kind=objects", out=found.replace(": ", ":"))
    restic.on(f"--tag {TAGS}", out=both.replace(": ", ":"))
    done = restic.run("delete")
    assert done.returncode == 0, done.stdout
    assert f"DELETED {BACKUP}" in done.stdout
    forgotten = [call.partition(" forget ")[2] for call in restic.calls if " forget " in call]
    assert forgotten == ["a" * 64, f"{'b' * 64} {'c' * 64}"]
    assert restic.calls[-1].endswith("prune --max-repack-size 5G")
    listed = [call for call in restic.calls if " snapshots " in call]
    assert all("--host kafka/my-cluster" in call for call in listed)


@pytest.mark.parametrize("action", ["open", "delete"])
def test_reason_is_logged_if_snapshots_cannot_be_listed(tmp_path: Path, action: str) -> None:
    """It is read in a command substitution, which takes the output."""
    restic = Restic(tmp_path).on("snapshots", 1, err=retrying("Access Denied."))
    done = restic.run(action)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("FAILED: ")
    assert not any(" forget " in call for call in restic.calls)


@pytest.mark.parametrize("missing", ["repository", "snapshots"])
@pytest.mark.parametrize("expected", ["", "yes"])
def test_deletion_that_finds_nothing(tmp_path: Path, expected: str, missing: str) -> None:
    """A copy that the backup names may be in another location: that is not a success."""
    restic = Restic(tmp_path)
    if missing == "repository":
        restic.on("cat config", 10, err=NONE)
    else:
        restic.on("snapshots", out="[]")
    done = restic.run("delete", EXPECTED=expected)
    assert done.returncode == (1 if expected else 0)
    assert (f"DELETED {BACKUP}" in done.stdout) == (not expected)
    assert not any(" init" in call or " prune" in call for call in restic.calls)


def test_name_that_two_clusters_have_used_is_not_deleted(tmp_path: Path) -> None:
    """Without the Secret of the backup its uid is not known."""
    rows = [{"id": c * 64, "tags": [f"uid={c * 8}"]} for c in "ab"]
    restic = Restic(tmp_path).on("snapshots", out=json.dumps(rows, separators=(",", ":")))
    done = restic.run("delete", BACKUP_UID="")
    assert done.returncode == 1
    assert "several clusters have a backup" in done.stdout.splitlines()[-1]
    assert not any(" forget " in call for call in restic.calls)


def listed(restic: Restic, *volumes: str) -> Restic:
    def text(*ids: str) -> str:
        return json.dumps([{"id": one} for one in ids], separators=(",", ":"))

    restic.on(f"--tag {TAGS},kind=objects", out=text("a" * 64))
    restic.on(f"--tag {TAGS},kind=volume", out=text(*volumes))
    return restic.on("dump", out=f'{{"claim": "data-0", "snapshot": "{SNAPSHOT}"}}')


def test_whole_copy_exists(tmp_path: Path) -> None:
    restic = listed(Restic(tmp_path), SNAPSHOT)
    done = restic.run("open")
    assert done.stdout.splitlines()[-1] == f"EXISTS {'a' * 64}"
    assert not any(" forget " in call for call in restic.calls)
    assert SNAPSHOT not in done.stdout, "the objects are not printed"


def test_copy_without_one_of_its_volumes_is_made_again(tmp_path: Path) -> None:
    restic = listed(Restic(tmp_path), "b" * 64)
    done = restic.run("open")
    assert done.returncode == 0
    assert "EXISTS" not in done.stdout
    assert any(call.endswith(f"forget {'a' * 64}") for call in restic.calls)


PARTS = pytest.mark.parametrize(
    "out",
    ["", f'{{"snapshot": "{SNAPSHOT}"', f'{{"snapshot": "{SNAPSHOT[:9]}'],
    ids=["at-once", "at-its-end", "in-an-id"],
)
DAMAGES = (
    "decrypting blob <data/0123> from 4567 failed: ciphertext verification failed",
    "LoadRaw(<data/0123>): invalid data returned",
    'path "/objects" not found in snapshot',
    "id 0123 not found in repository",
    "The specified key does not exist.",
    "The requested range is not satisfiable",
)
OF_THE_NETWORK = (
    "Load(<data/0123456789>, 0, 0) failed: read tcp: connection reset by peer",
    "connection refused",
    "Access Denied.",
    "unexpected EOF",
)


@PARTS
@pytest.mark.parametrize("reason", DAMAGES)
def test_copy_whose_objects_are_damaged_is_made_again(tmp_path: Path, out: str, reason) -> None:
    restic = Restic(tmp_path).on("dump", 1, out=out, err=f"Fatal: cannot dump file: {reason}")
    listed(restic, SNAPSHOT)
    assert "EXISTS" not in restic.run("open").stdout
    assert any(call.endswith(f"forget {'a' * 64}") for call in restic.calls)


@PARTS
@pytest.mark.parametrize("reason", OF_THE_NETWORK)
def test_copy_that_could_not_be_read_once_is_not_forgotten(
    tmp_path: Path, out: str, reason: str
) -> None:
    err = f"{retrying(DAMAGES[1])}\nFatal: cannot dump file: {reason}"
    restic = listed(Restic(tmp_path).on("dump", 1, out=out, err=err), SNAPSHOT)
    done = restic.run("open")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith(f"FAILED: {REPOSITORY}: ")
    assert not any(" forget " in call for call in restic.calls)


@pytest.mark.parametrize("code", [11, 12, 137])
def test_a_copy_is_not_forgotten_if_restic_exits_with_another_code(
    tmp_path: Path, code: int
) -> None:
    restic = listed(Restic(tmp_path).on("dump", code, err=f"Fatal: {DAMAGES[0]}"), SNAPSHOT)
    assert restic.run("open").returncode == code
    assert not any(" forget " in call for call in restic.calls)


def test_python_and_shell_know_the_same_damages() -> None:
    text = (SCRIPTS / "lib" / "restic.sh").read_text()
    parts = re.findall(r"^DAMAGE=(?:\$DAMAGE)?'(.*)'$", text, re.MULTILINE)
    assert "".join(parts) == DAMAGE.pattern
    assert all(map(DAMAGE.search, DAMAGES))
    assert not any(map(DAMAGE.search, OF_THE_NETWORK))


def test_copy_is_not_forgotten_if_the_store_does_not_answer_any_more(tmp_path: Path) -> None:
    restic = Restic(tmp_path).on("dump", 1, err=f"Fatal: {DAMAGES[0]}")
    listed(restic, SNAPSHOT)
    text = (tmp_path / "restic").read_text()
    away = 'grep -q " dump " "$FAKE/restic-calls" && [[ "$*" == *"cat config"* ]] && exit 124'
    (tmp_path / "restic").write_text(text.replace("set -- ", f"{away}\nset -- ", 1))
    assert restic.run("open").returncode == 124
    assert not any(" forget " in call for call in restic.calls)


def test_white_space_around_credentials_does_not_count(tmp_path: Path) -> None:
    """A Secret that is made from files has the line breaks at their ends."""
    restic = Restic(tmp_path)
    (tmp_path / "restic").write_text('#!/bin/sh\nprintf "[%s]" "$RESTIC_PASSWORD" >"$FAKE/seen"\n')
    restic.run("copy", RESTIC_PASSWORD=" a b\n", **VOLUME)  # noqa: S106
    assert (tmp_path / "seen").read_text() == "[a b]"


def test_copy_has_one_limit_for_all_volumes(shell: Shell) -> None:
    shell.on("create -f - -o jsonpath", "j1", "j2", "j3").on("logs job/j1", "")
    done = copy(copying(shell, "j2||\nj3||\n"), EXPORT_TIMEOUT="0")
    assert done.returncode != 0
    assert "not copied after 0 s" in done.stderr.splitlines()[-1]
    assert len(shell.made("Job")) <= 3


def test_pod_that_reaches_its_limit_is_not_started_again(shell: Shell) -> None:
    shell.on("create -f - -o jsonpath", "j1", "j2", "j3").on("logs job/j1", "").on(
        "logs job/j2", ""
    )
    done = copy(copying(shell, "j2||DeadlineExceeded\nj3|1|\n"))
    assert done.returncode != 0
    assert "data-0: Job j2 has ended: DeadlineExceeded" in done.stderr.splitlines()[-1]


def test_pod_with_a_lasting_problem_starts_too_late(shell: Shell) -> None:
    text = (SCRIPTS / "lib" / "export-jobs.sh").read_text()
    body = f"""{text}
SECONDS=0
starts_too_late j 'no room' || echo waits
SECONDS=899
starts_too_late j '' || echo runs
starts_too_late j 'no room' || echo waits again
SECONDS=1799
starts_too_late j 'no room' && echo late"""
    done = shell.run(body=body)
    assert done.stdout.split("\n")[:4] == ["waits", "runs", "waits again", "late"], done.stderr


# The objects


def objects(shell: Shell, folder: Path, volumes: str) -> subprocess.CompletedProcess[str]:
    text = (SCRIPTS / "lib" / "export-objects.sh").read_text()
    return shell.run(
        body=f"set -- {folder}\n{text}", BACKUP=BACKUP, VOLUMES=packed(volumes), CLUSTER="backup"
    )


def test_objects_are_json_with_all_secrets(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "objects"
    folder.mkdir()
    shell.on(COMPLETE, "2026-01-02T03:09:05Z")
    shell.on(f"get secret {PREFIX}-facts.*data.objects", encoded("parts=1\n"))
    names = [f"{PREFIX}-{part}" for part in ("0-000", "facts", "topics")]
    shell.on("get secrets .*-l", "".join(f"{name}\n" for name in names))
    done = objects(shell, folder, f"data-0|fast|Filesystem|2Gi|{SNAPSHOT}|100\n")
    assert done.returncode == 0, done.stderr + done.stdout
    path = folder / "backup.json"
    assert path.stat().st_mode & 0o777 == 0o600
    found = json.loads(path.read_text())
    secrets = found.pop("secrets")
    assert found == {
        "format": 1,
        "cluster": "backup",
        "namespace": "kafka",
        "backup": BACKUP,
        "time": "2026-01-02T03:04:05Z",
        "volumes": [
            {
                "claim": "data-0",
                "snapshot": SNAPSHOT,
                "capacity": "2Gi",
                "storageClass": "fast",
                "volumeMode": "Filesystem",
                "size": 100,
            }
        ],
    }
    assert [one["metadata"]["name"] for one in secrets] == names
    for one in secrets:
        assert not {"uid", "resourceVersion", "managedFields", "creationTimestamp"} & {
            *one["metadata"]
        }
        assert one["data"]
    assert "s3cr3t" not in done.stdout


@pytest.mark.parametrize(
    ("complete", "parts"), [("", "1"), ("2026-01-02T03:09:05Z", "2")], ids=["deleted", "missing"]
)
def test_objects_of_a_backup_that_is_not_whole_are_not_written(
    shell: Shell, tmp_path: Path, complete: str, parts: str
) -> None:
    folder = tmp_path / "objects"
    folder.mkdir()
    shell.on(COMPLETE, complete)
    shell.on(f"get secret {PREFIX}-facts.*data.objects", encoded(f"parts={parts}\n"))
    shell.on("get secrets .*-l", f"{PREFIX}-0-000\n{PREFIX}-facts\n")
    done = objects(shell, folder, f"data-0|fast|Filesystem|2Gi|{SNAPSHOT}|100\n")
    assert done.returncode != 0
    assert "FAILED: the objects of backup" in done.stdout
    assert not (folder / "backup.json").exists()
