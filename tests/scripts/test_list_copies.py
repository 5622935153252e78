"""The list of copies for keep rules: what restic lists, and what the phase puts out."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from uuid import UUID

import pytest

from tests.fakes.script_runner import FILES, REPOSITORY, Shell
from tests.scripts.test_export import NONE, PLAN, SNAPSHOT, UID, Restic, outputs, retrying, unpacked

NEW, OLD = "20260103030405", "20260102030405"
OTHER_UID = "21111111-2222-3333-4444-555555555555"
LISTING = "--host kafka/my-cluster --tag kanister-kafka"


def snapshot(digit: str, kind: str, backup: str, uid: str = UID, cluster: str = "a-_9") -> dict:
    """Return a snapshot with the keys of restic 0.18.1 in their order."""
    tags = ["kanister-kafka", f"backup={backup}", f"kind={kind}"]
    if kind == "volume":
        tags.append("claim=data-0")
    if cluster:
        tags.append(f"cluster-id={cluster}")
    if uid:
        tags.append(f"uid={uid}")
    return {
        "time": "2026-01-02T03:04:05.6Z",
        "parent": "f" * 64,
        "tree": "e" * 64,
        "paths": ["/objects"],
        "hostname": "kafka/my-cluster",
        "tags": tags,
        "program_version": "restic 0.18.1",
        "summary": {"files_new": 1, "total_bytes_processed": 100},
        "id": digit * 64,
        "short_id": digit * 8,
    }


def restic_with(folder: Path, *snapshots: dict) -> Restic:
    """Answer with these snapshots, and with objects that name the volume of the digit 1."""
    restic = Restic(folder)
    restic.on(LISTING, out=json.dumps(snapshots, separators=(",", ":")))
    named = f'{{"volumes": [{{"claim": "data-0", "snapshot": "{"1" * 64}"}}], "data": "s3cr3t"}}'
    return restic.on("dump", out=named)


@pytest.mark.parametrize(
    ("snapshots", "expected"),
    [
        ((), []),
        ((snapshot("1", "volume", OLD), snapshot("2", "objects", OLD)),
         [f"COPY {OLD} {UID} a-_9 yes"]),
        ((snapshot("1", "volume", OLD),), [f"COPY {OLD} {UID} a-_9 no"]),
        ((snapshot("3", "volume", OLD), snapshot("2", "objects", OLD)),
         [f"COPY {OLD} {UID} a-_9 no"]),
        ((snapshot("1", "volume", OLD), snapshot("2", "objects", NEW)),
         [f"COPY {OLD} {UID} a-_9 no", f"COPY {NEW} {UID} a-_9 no"]),
        ((snapshot("1", "volume", OLD), snapshot("2", "objects", OLD),
          snapshot("4", "objects", OLD, OTHER_UID, "b")),
         [f"COPY {OLD} {UID} a-_9 yes", f"COPY {OLD} {OTHER_UID} b no"]),
        ((snapshot("1", "volume", OLD, "", ""), snapshot("2", "objects", OLD, "", "")),
         [f"COPY {OLD} - - yes"]),
        ((snapshot("1", "volume", "../etc"), snapshot("2", "objects", "1 2")), []),
    ],
    ids=[
        *("empty", "whole", "no-objects", "volume-missing", "other-backup", "other-cluster"),
        *("no-uid", "not-a-backup"),
    ],
)  # fmt: skip
def test_one_line_for_each_copy(tmp_path: Path, snapshots: tuple, expected: list[str]) -> None:
    done = restic_with(tmp_path, *snapshots).run("list")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [*expected, f"LISTED {len(expected)}"]
    assert "s3cr3t" not in done.stdout + done.stderr, "the objects are not printed"


def test_list_locks_and_writes_nothing(tmp_path: Path) -> None:
    found = (snapshot("1", "volume", OLD), snapshot("2", "objects", OLD))
    restic = restic_with(tmp_path, *found)
    restic.run("list")
    words = re.compile(r" (cat config|snapshots|dump) ")
    assert all("--no-lock" in call and words.search(f" {call} ") for call in restic.calls)
    assert not any("s3cr3t" in path.read_text() for path in tmp_path.glob("[!r]*"))


def test_no_repository_has_no_copies(tmp_path: Path) -> None:
    restic = Restic(tmp_path).on("cat config", 10, err=NONE)
    done = restic.run("list")
    assert (done.returncode, done.stdout) == (0, "LISTED 0\n")
    assert not any(" init" in call for call in restic.calls)


def test_missing_bucket_is_an_error(tmp_path: Path) -> None:
    restic = Restic(tmp_path).on("region=eu-west-1", 10, err=NONE)
    restic.on("cat config", 124, err=retrying("The specified bucket does not exist."))
    done = restic.run("list", AWS_DEFAULT_REGION="eu-west-1")
    assert done.returncode == 124
    assert "LISTED" not in done.stdout
    assert "the bucket does not exist" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("word", "code", "err"),
    [
        ("cat config", 12, "Fatal: wrong password or no key found"),
        ("cat config", 1, retrying("Access Denied.")),
        ("snapshots", 1, retrying("dial tcp: connection refused")),
    ],
)
def test_store_that_cannot_be_read_is_an_error(
    tmp_path: Path, word: str, code: int, err: str
) -> None:
    done = Restic(tmp_path).on(word, code, err=err).run("list")
    assert done.returncode == code
    assert "LISTED" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("FAILED: ")


BEGINNING = f'{{"volumes": [{{"snapshot": "{"1" * 64}"'


@pytest.mark.parametrize("out", ["", BEGINNING], ids=["at-once", "at-its-end"])
@pytest.mark.parametrize(("config", "code"), [(0, 0), (124, 124)], ids=["damaged", "away"])
def test_copy_that_cannot_be_read(tmp_path: Path, config: int, code: int, out: str) -> None:
    """It is not whole. If the store does not answer any more, the others cannot be read either."""
    found = (snapshot("1", "volume", OLD), snapshot("2", "objects", OLD))
    restic = Restic(tmp_path).on(LISTING, out=json.dumps(found, separators=(",", ":")))
    restic.on("dump", 1, out=out, err="Fatal: ciphertext verification failed")
    text = (tmp_path / "restic").read_text()
    after = (
        'grep -q " dump " "$FAKE/restic-calls" && [[ "$*" == *"cat config"* ]] && exit "$CONFIG"'
    )
    (tmp_path / "restic").write_text(text.replace("set -- ", f"{after}\nset -- ", 1))
    done = restic.run("list", CONFIG=str(config))
    assert done.returncode == code, done.stdout + done.stderr
    assert (f"COPY {OLD} {UID} a-_9 no" in done.stdout) == (code == 0)
    assert ("LISTED 1" in done.stdout) == (code == 0)


def test_copy_that_could_not_be_read_once_is_an_error(tmp_path: Path) -> None:
    """A whole copy must not be listed as one that is not."""
    found = (snapshot("1", "volume", OLD), snapshot("2", "objects", OLD))
    restic = Restic(tmp_path).on("dump", 1, err="Fatal: cannot dump file: connection reset by peer")
    restic.on(LISTING, out=json.dumps(found, separators=(",", ":")))
    done = restic.run("list")
    assert done.returncode == 1
    assert "COPY" not in done.stdout
    assert "the store ends connections" in done.stdout.splitlines()[-1]


def test_snapshots_in_an_unknown_form_are_an_error(tmp_path: Path) -> None:
    """A copy that is not seen must not look like one that does not exist."""
    odd = snapshot("2", "objects", OLD)
    del odd["tags"]
    done = restic_with(tmp_path, snapshot("1", "volume", OLD), odd).run("list")
    assert done.returncode == 1
    assert "in an unknown form" in done.stdout.splitlines()[-1]


# The phase


def listing(shell: Shell, text: str) -> Shell:
    shell.on("create -f - -o jsonpath", "j1")
    shell.on("get jobs.batch.*list-step", "j1|1|\n")
    return shell.on("logs job/j1", text)


def test_list_is_put_out(shell: Shell) -> None:
    rows = [f"{day:014d} {UID} a-_9 yes" for day in range(20260101030405, 20260101030505)]
    text = "restic prints more\n" + "".join(f"COPY {row}\n" for row in rows)
    done = listing(shell, f"{text}LISTED {len(rows)}\n").phase("listCopies", PLAN)
    assert done.returncode == 0, done.stderr
    found = outputs(done.stdout)
    assert (found["repository"], found["count"]) == (REPOSITORY, "100")
    assert unpacked(found["copies"]).splitlines() == rows
    assert "--tail" not in str(shell.calls("logs job/j1")[-1]), "all of them, not the last ones"
    assert not shell.recorded()


def test_empty_list_is_put_out(shell: Shell) -> None:
    done = listing(shell, "LISTED 0\n").phase("listCopies", PLAN)
    assert done.returncode == 0, done.stderr
    found = outputs(done.stdout)
    assert (found["count"], unpacked(found["copies"]).strip()) == ("0", "")


@pytest.mark.parametrize(
    "text",
    ["", f"COPY {OLD} {UID} a yes\n", f"COPY {OLD} {UID} a yes\nLISTED 2\n", "LISTED 10\n"],
    ids=["none", "no-end", "too-few", "other-number"],
)
def test_list_that_is_not_complete_is_an_error(shell: Shell, text: str) -> None:
    done = listing(shell, text).phase("listCopies", PLAN)
    assert done.returncode != 0
    assert "is not complete" in done.stderr.splitlines()[-1]
    assert not outputs(done.stdout)


def test_reason_of_the_job_is_that_of_the_phase(shell: Shell) -> None:
    shell.on("create -f - -o jsonpath", "j1")
    shell.on("get jobs.batch.*list-step", "j1||BackoffLimitExceeded\n")
    shell.on("logs job/j1", "x\nFAILED: s3:x: the store does not answer: check endpoint (x)\n")
    done = shell.phase("listCopies", PLAN)
    assert done.returncode != 0
    assert "the store does not answer" in done.stderr.splitlines()[-1]
    assert not outputs(done.stdout)


COUNT = range(30_000)


def test_list_that_does_not_fit_is_an_error(shell: Shell) -> None:
    text = FILES["list-copies.sh"].read_text()
    (limit,) = re.findall(r"^MAX_LIST_BYTES=(\d+)$", text, re.MULTILINE)
    assert int(limit) < 1024**2, "etcd takes 1.5 MiB"
    uids = (str(UUID(hashlib.sha256(bytes([n >> 8, n & 255])).hexdigest()[:32])) for n in COUNT)
    rows = "".join(f"COPY {n:014d} {uid} a yes\n" for n, uid in enumerate(uids))
    done = listing(shell, f"{rows}LISTED {len(COUNT)}\n").phase("listCopies", PLAN)
    assert done.returncode != 0
    assert f"{len(COUNT)} copies does not fit" in done.stderr.splitlines()[-1]
    assert not outputs(done.stdout)


def test_job_of_a_list_has_the_least_and_keeps_no_export_from_running(shell: Shell) -> None:
    listing(shell, "LISTED 0\n").phase("listCopies", PLAN)
    (job,) = shell.made("Job")
    spec = job["spec"]["template"]["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in spec
    assert "initContainers" not in spec
    assert job["metadata"]["ownerReferences"][0]["kind"] == "Pod"
    assert "kanister-kafka.io/export-step" not in job["metadata"]["labels"]
    (restic,) = spec["containers"]
    assert restic["command"][-1] == "list"
    references = {one["name"] for one in restic["env"] if "valueFrom" in one}
    assert references == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "RESTIC_PASSWORD"}
    assert {one["name"] for one in restic["volumeMounts"]} == {"ca", "tmp"}
    jobs = [str(call) for call in shell.all() if " jobs.batch " in str(call)]
    assert not [call for call in jobs if "export-step" in call], "an export may run meanwhile"
    assert jobs[-1].startswith("delete jobs.batch -n kafka-backup -l kanister-kafka.io/list-step=")


def test_list_needs_a_location(shell: Shell) -> None:
    done = shell.phase("listCopies", PLAN, LOCATION_TYPE="")
    assert done.returncode != 0
    assert "names no Profile" in done.stderr.splitlines()[-1]


# The deletion of one of them


MARK = f"{UID}|2026-01-02T03:04:05Z {REPOSITORY}"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [(MARK, {"uid": UID, "expected": "yes"}), ("", {"uid": UID, "expected": ""})],
    ids=["copied", "gone"],
)
def test_uid_selects_the_copy_even_if_its_backup_is_gone(
    shell: Shell, fields: str, expected: dict[str, str]
) -> None:
    done = shell.on("get secret", fields).phase("deleteCopyCheck", PLAN, COPY_UID=UID)
    assert done.returncode == 0, done.stderr
    assert outputs(done.stdout) == expected


def test_copy_of_another_cluster_is_not_deleted_and_no_mark_is_changed(shell: Shell) -> None:
    done = shell.on("get secret", MARK).phase("deleteCopyCheck", PLAN, COPY_UID=OTHER_UID)
    assert done.returncode != 0
    assert f"uid {OTHER_UID} is not that of backup" in done.stderr.splitlines()[-1]
    assert not shell.writes()


def test_uid_must_be_one(shell: Shell) -> None:
    done = shell.on("get secret", MARK).phase("deleteCopyCheck", PLAN, COPY_UID="a,b")
    assert done.returncode != 0
    assert "is not a uid" in done.stderr.splitlines()[-1]
    assert not shell.writes()


def test_deletion_of_a_uid_selects_nothing_else(tmp_path: Path) -> None:
    found = json.dumps([{"id": SNAPSHOT}], separators=(",", ":"))
    restic = Restic(tmp_path).on("snapshots", out=found)
    assert restic.run("delete", BACKUP_UID=OTHER_UID).returncode == 0
    listed = [call for call in restic.calls if " snapshots " in call]
    assert listed
    assert all(f",uid={OTHER_UID}" in call for call in listed)
