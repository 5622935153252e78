"""Backups in an object store: listed, restored and verified without the cluster of their source."""

from __future__ import annotations

import base64
import copy
import json
import re
import shutil
import signal
import subprocess
import uuid
from pathlib import Path

import pytest
import yaml

from kanister_kafka import constants
from kanister_kafka.backup.options import DEFAULT_RESTIC_IMAGE
from kanister_kafka.errors import ForbiddenError, NotFoundError, UnreachableError
from kanister_kafka.kube.client import KubeClient
from kanister_kafka.kube.storage_classes import DEFAULT_STORAGE_CLASS
from kanister_kafka.operations.clone import broker_reads
from kanister_kafka.operations.clone.imports import node_of
from kanister_kafka.operations.exports.location import (
    Credentials,
    Repository,
    environment_credentials,
    parse_location,
    secret_credentials,
)
from kanister_kafka.operations.exports.restic import ResticClient, message_of
from tests.fakes.cluster import serving
from tests.fakes.fake_time import FakeTime
from tests.fakes.restic import FakeRestic
from tests.operations.test_clone import (
    CLAIMS,
    COPY,
    KAFKA,
    NAME,
    PASSWORD,
    Brokers,
    Operator,
    add_backup,
    contents,
    kafka_resource,
    pool,
    run,
)

URL = "s3:https://store.example/bucket/prefix/kanister-kafka"
LOCATION = URL.removesuffix("/kanister-kafka")
REPOSITORY_PASSWORD = "the-password-of-the-repository"  # noqa: S105
SECRET_KEY = "the-secret-key"  # noqa: S105
KEYS = {
    "aws_access_key_id": "an-access-key",
    "aws_secret_access_key": SECRET_KEY,
    "repository_password": REPOSITORY_PASSWORD,
}
VARIABLES = {
    "AWS_ACCESS_KEY_ID": KEYS["aws_access_key_id"],
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "RESTIC_PASSWORD": REPOSITORY_PASSWORD,
}
HOST = "kafka/my-cluster"
FACTS = f"my-cluster-backup-{NAME}-facts"


def objects_of(found, *, volumes=None, first=0, **fields):
    """The file of a backup, made of the Secrets that the scripts write."""
    with serving() as source:
        add_backup(source, found)
        secrets = [item for key, item in source.objects.items() if key[0] == "secrets"]
    for item in secrets:
        for key in ("uid", "resourceVersion", "creationTimestamp"):
            del item["metadata"][key]
    return {
        "format": 1,
        "cluster": "my-cluster",
        "namespace": "kafka",
        "backup": NAME,
        "time": "2026-01-02T03:04:05Z",
        "volumes": volumes
        or [
            {
                "claim": claim,
                "snapshot": f"{number:064x}",
                "capacity": "2Gi",
                "storageClass": "fast",
                "volumeMode": "Filesystem",
                "size": 1000,
            }
            for number, claim in enumerate(CLAIMS, first)
        ],
        "secrets": secrets,
        **fields,
    }


def export(restic, found=None, *, uid="", first=0, cluster_id="c1", **fields):
    tags = {"backup": NAME, "cluster-id": cluster_id}
    if uid:
        tags["uid"] = uid
    for number, claim in enumerate(CLAIMS):
        restic.add(first + number, {**tags, "kind": "volume", "claim": claim}, host=HOST)
    identity = restic.add(first + 9, {**tags, "kind": "objects"}, host=HOST)
    tree = objects_of(found or contents(), first=first, **fields)
    restic.store["files"][f"{identity} /objects/backup.json"] = json.dumps(tree)
    restic.write()


@pytest.fixture
def restic(tmp_path, monkeypatch):
    made = FakeRestic(tmp_path / "restic", url=URL, password=REPOSITORY_PASSWORD)
    monkeypatch.setenv("PATH", str(made.home), prepend=":")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "an-access-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("RESTIC_PASSWORD", REPOSITORY_PASSWORD)
    export(made)
    return made


@pytest.fixture
def cluster(configure, monkeypatch):
    """A cluster without the backup, its namespace, and VolumeSnapshots."""
    time = FakeTime()
    with serving(time) as cluster:
        configure(cluster.url)
        cluster.brokers = Brokers()
        monkeypatch.setattr(broker_reads, "exec_in_pod", cluster.brokers)
        monkeypatch.setattr("uuid.uuid4", lambda: uuid.UUID("a" * 32))
        del cluster.kinds["snapshot.storage.k8s.io", "v1"]
        cluster.kinds["storage.k8s.io", "v1"] = {"storageclasses": "StorageClass"}
        add_class(cluster, "fast")
        yield cluster


@pytest.fixture
def away(configure):
    """No cluster at all."""
    configure("http://127.0.0.1:9")


def add_class(cluster, name, **metadata):
    cluster.add("storageclasses", "", name)
    cluster.change("storageclasses", "", name, {"metadata": metadata})


class Jobs:
    """Runs Jobs: a pod of each ends after 30 s, or fails with a message.

    With `first`, the first pod fails with that message, and the second one is the last. A Job whose
    name ends with `healthy` never fails.
    """

    def __init__(
        self,
        cluster,
        *,
        fails=None,
        code=1,
        waits="",
        interrupts=False,
        first=None,
        late=False,
        healthy=None,
        stuck=False,
    ):
        self.cluster, self.fails, self.code, self.waits = cluster, fails, code, waits
        self.interrupts, self.first, self.late = interrupts, first, late
        self.healthy, self.stuck = healthy, stuck
        self.running = self.most = 0
        self.reason = "Error"
        """Of the end of a container that fails."""
        self.specs = []
        cluster.on_create.append(self.created)

    def created(self, item):
        if item["kind"] != "Job":
            return
        self.specs.append(item)
        self.running += 1
        self.most = max(self.most, self.running)
        home, name = item["metadata"]["namespace"], item["metadata"]["name"]
        labels = {**item["spec"]["template"]["metadata"]["labels"], "job-name": name}
        pod = f"{name}-x1"
        is_healthy = bool(self.healthy) and name.endswith(self.healthy)
        waits = "" if is_healthy else self.waits
        fails = None if is_healthy else self.fails
        state = {"waiting": {"reason": waits}} if waits else {"running": {}}
        phase = "Pending" if waits else "Running"
        status = {"phase": phase, "containerStatuses": [{"name": "volume-0", "state": state}]}
        self.cluster.logs[pod] = ['{"message_type":"status","bytes_restored":450}', "not JSON"]
        self.cluster.add("pods", home, pod, labels=labels, status=status)
        yield 30
        if self.interrupts and not is_healthy:
            signal.raise_signal(signal.SIGINT)  # by each: the second does not stop the removal
        while waits and ("jobs", home, name) in self.cluster.objects:
            yield 1
        pods = [pod]
        if self.first:
            self.fail(home, pod, self.first)
            yield 20
            pods.append(f"{name}-a2")  # a random suffix
            later = {"creationTimestamp": "2026-01-02T04:00:00Z"}
            self.cluster.add("pods", home, pods[-1], labels=labels, status=status)
            self.cluster.change("pods", home, pods[-1], {"metadata": later})
            yield 30
        if fails:
            self.fail(home, pods[-1], fails)
            yield 30
        else:
            self.cluster.change("pods", home, pods[-1], {"status": {"phase": "Succeeded"}})
        if self.stuck:  # on a node that does not answer
            self.cluster.add("pods", home, f"{name}-stuck", labels=labels, status=status)
        self.running -= 1
        kind = "Failed" if fails else "Complete"
        if ("jobs", home, name) in self.cluster.objects:
            reason = "DeadlineExceeded" if self.late else "BackoffLimitExceeded"
            done = {"type": kind, "status": "True", "reason": reason, "message": f"it: {reason}"}
            self.cluster.change("jobs", home, name, {"status": {"conditions": [done]}})
        while ("jobs", home, name) in self.cluster.objects:
            yield 1
        for pod in pods:
            self.cluster.drop("pods", home, pod)

    def fail(self, home, pod, message):
        ended = {"exitCode": self.code, "reason": self.reason, "message": message}
        failed = [{"name": "volume-0", "state": {"terminated": ended}}]
        status = {"phase": "Failed", "containerStatuses": failed}
        self.cluster.change("pods", home, pod, {"status": status})


def restore(cluster, *more, into="other"):
    words = ("restore", NAME, "--location", LOCATION, "--into", into, "--yes")
    return run(cluster, *words, *more)


def outside(cluster):
    return sorted(key for key in cluster.objects if key[0] not in ("events", "storageclasses"))


def no_secret(done, restic):
    printed = done.output + done.stderr + json.dumps(restic.calls)
    for value in (REPOSITORY_PASSWORD, SECRET_KEY, PASSWORD):
        assert value not in printed


# Without a cluster.


class Nowhere:
    """Stands for a cluster where only a clock is needed."""

    time = FakeTime()


@pytest.mark.usefixtures("away")
def test_backups_are_listed_without_a_cluster(restic) -> None:
    done = run(Nowhere, "backups", "list", "--location", LOCATION, "-o", "json")
    assert done.exit_code == 0, done.output + done.stderr
    (found,) = json.loads(done.stdout)
    assert (found["name"], found["namespace"], found["kafka"]) == (NAME, "kafka", "my-cluster")
    assert (found["status"], found["faults"]) == ("complete", [])
    assert (found["copiedBytes"], found["repository"]) == (2000, URL)
    assert found["exportedAt"] == "2026-01-02T03:00:09Z"
    assert found["clusterId"] == "c1"
    no_secret(done, restic)
    text = run(Nowhere, "backups", "list", "--location", URL).stdout
    assert "2 of 2" in text
    assert "complete" in text
    wide = run(Nowhere, "backups", "list", "--location", URL, "-o", "wide").stdout
    assert "3.9.2" in wide
    names = run(Nowhere, "backups", "list", "--location", URL, "-o", "name").stdout
    assert names == f"{NAME}\n"


@pytest.mark.usefixtures("away")
def test_a_backup_is_described_without_a_cluster(restic) -> None:
    done = run(Nowhere, "backups", "describe", NAME, "--location", LOCATION)
    assert done.exit_code == 0, done.output + done.stderr
    assert f"{CLAIMS[0]}: 1000 bytes, 2Gi of fast" in done.stdout
    assert f"kanister-kafka restore {NAME} --location {URL} --into NAMESPACE" in done.stdout
    assert "orders: 1 partition, 10 records" in done.stdout
    no_secret(done, restic)
    done = run(Nowhere, "backups", "describe", NAME, "--location", LOCATION, "-o", "json")
    assert json.loads(done.stdout)["topicSizes"][0]["name"] == "orders"


def drop_objects(restic):
    del restic.store["snapshots"][-1]


def drop_volume(restic):
    del restic.store["snapshots"][0]


def damage_objects(restic):
    restic.store["files"].clear()


def edit(**fields):
    def apply(restic):
        ((key, text),) = restic.store["files"].items()
        restic.store["files"][key] = json.dumps({**json.loads(text), **fields})

    return apply


def cut(restic):
    ((key, text),) = restic.store["files"].items()
    restic.store["files"][key] = text[:-200]


def lose_secret(restic):
    ((key, text),) = restic.store["files"].items()
    tree = json.loads(text)
    tree["secrets"] = [s for s in tree["secrets"] if "-1-000" not in s["metadata"]["name"]]
    restic.store["files"][key] = json.dumps(tree)


NOT_WHOLE = [
    (drop_objects, "incomplete", "2 volumes are copied, and its objects are not"),
    (drop_volume, "damaged", f"of claim {CLAIMS[0]} is not in the repository"),
    (damage_objects, "damaged", "ciphertext verification failed"),
    (cut, "damaged", "they are damaged"),
    (edit(format=2), "damaged", "use a newer kanister-kafka"),
    (edit(backup="20260102030406"), "damaged", "they are of another backup"),
    (edit(volumes=[]), "damaged", f"does not contain the volume of claim {CLAIMS[0]}"),
    (edit(volumes=[{}]), "damaged", "they are damaged"),
    (edit(secrets=[]), "damaged", "facts is not there"),
    (lose_secret, "damaged", "7 of 8 Secrets are there"),
]


@pytest.mark.parametrize(("harm", "status", "word"), NOT_WHOLE)
def test_what_is_not_whole_is_listed_as_such_and_not_restored(
    restic, cluster, harm, status, word
) -> None:
    harm(restic)
    restic.write()
    done = run(cluster, "backups", "list", "--location", LOCATION, "-o", "json")
    (found,) = json.loads(done.stdout)
    assert found["status"] == status
    assert word in " ".join(found["faults"])
    assert word in done.stderr
    assert run(cluster, "backups", "describe", NAME, "--location", LOCATION).exit_code == 1
    done = restore(cluster)
    assert done.exit_code == 1
    assert word in done.stderr
    no_secret(done, restic)
    assert not cluster.writes


@pytest.mark.usefixtures("away")
def test_the_newest_objects_count_and_left_over_volumes_do_not(restic) -> None:
    tags = {"backup": NAME, "cluster-id": "c1"}
    restic.add(20, {**tags, "kind": "volume", "claim": CLAIMS[0]}, host=HOST)
    restic.store["snapshots"].reverse()
    restic.write()
    done = run(Nowhere, "backups", "list", "--location", LOCATION, "-o", "json")
    (found,) = json.loads(done.stdout)
    assert found["status"] == "complete"
    restic.add(30, {**tags, "kind": "objects"}, host=HOST)
    done = run(Nowhere, "backups", "list", "--location", LOCATION, "-o", "json")
    assert json.loads(done.stdout)[0]["status"] == "damaged", "that of the newest is not there"


@pytest.mark.usefixtures("away")
def test_backups_of_several_kafkas(restic) -> None:
    restic.add(20, {"backup": NAME, "kind": "volume", "claim": "x"}, host="far/my-cluster")
    restic.add(21, {"backup": NAME, "kind": "volume", "claim": "x"}, host="no slash")
    done = run(Nowhere, "backups", "describe", NAME, "--location", LOCATION)
    assert done.exit_code == 2
    assert "far/my-cluster, kafka/my-cluster" in done.stderr
    done = run(Nowhere, "backups", "describe", NAME, "--location", LOCATION, "-n", "kafka")
    assert done.exit_code == 0, done.stderr
    done = run(Nowhere, "backups", "describe", "20260102030406", "--location", LOCATION)
    assert done.exit_code == 2
    assert f"the newest are: {NAME}" in done.stderr


@pytest.mark.usefixtures("away")
def test_two_clusters_with_the_same_names_have_two_backups(restic) -> None:
    restic.store["snapshots"].clear()
    export(restic, uid="aaaa")
    export(restic, uid="bbbb", first=20, cluster_id="c2")
    listed = run(Nowhere, "backups", "list", "--location", LOCATION, "-o", "json")
    found = json.loads(listed.stdout)
    assert [one["name"] for one in found] == [NAME, NAME]
    assert {one["status"] for one in found} == {"complete"}, "neither has volumes of the other"
    assert {one["exportedAt"] for one in found} == {"2026-01-02T03:00:09Z", "2026-01-02T03:00:29Z"}
    for name in (NAME, "latest"):
        done = run(Nowhere, "backups", "describe", name, "--location", LOCATION, "-n", "kafka")
        assert done.exit_code == 2
        assert f"there are 2 backups {NAME} of Kafka kafka/my-cluster" in done.stderr
        assert "cluster id c1, copied at 2026-01-02T03:00:09Z, tag uid=aaaa" in done.stderr
        assert "cluster id c2, copied at 2026-01-02T03:00:29Z, tag uid=bbbb" in done.stderr


@pytest.mark.usefixtures("away")
def test_the_copy_of_another_cluster_that_is_not_complete_is_not_overlooked(restic) -> None:
    restic.add(20, {"backup": NAME, "kind": "volume", "claim": "x", "uid": "bbbb"}, host=HOST)
    done = run(Nowhere, "backups", "describe", NAME, "--location", LOCATION)
    assert done.exit_code == 2
    assert "cluster id unknown, not complete, tag uid=bbbb" in done.stderr


@pytest.mark.usefixtures("away")
def test_the_latest_is_that_which_no_other_cluster_has(restic) -> None:
    older = "20260101000000"
    for number, uid in enumerate(("aaaa", "bbbb"), 20):
        tags = {"backup": older, "kind": "objects", "uid": uid}
        restic.add(number, tags, host=HOST)
    done = run(Nowhere, "backups", "describe", "latest", "--location", LOCATION)
    assert done.exit_code == 0, done.stderr
    assert NAME in done.stdout


def add_newer(restic):
    """A newer backup, of which only the list of snapshots can be read."""
    tags = {"backup": "20260103030405", "cluster-id": "c1", "uid": "cccc"}
    for number, claim in enumerate(CLAIMS, 30):
        restic.add(number, {**tags, "kind": "volume", "claim": claim}, host=HOST)
    restic.add(39, {**tags, "kind": "objects"}, host=HOST)


def test_a_newer_copy_that_latest_passes_over_is_named(restic, cluster) -> None:
    add_newer(restic)
    restic.add(40, {"backup": "20260104030405", "kind": "volume", "claim": "x"}, host=HOST)
    for done in (
        run(cluster, "backups", "describe", "latest", "--location", LOCATION),
        run(cluster, *RESTORE_LATEST, "--dry-run"),
    ):
        assert done.exit_code == 0, done.output + done.stderr
        newer, damaged = done.stderr.splitlines()[:2]
        assert "backup 20260104030405 of Kafka kafka/my-cluster is passed over: it is not" in newer
        assert "backup 20260103030405 of Kafka kafka/my-cluster is passed over: its" in damaged
        assert "ciphertext verification failed" in damaged


RESTORE_LATEST = ("restore", "latest", "--location", LOCATION, "--into", "other")


# A store that cannot be read is not an empty one.


@pytest.mark.parametrize(
    "reason",
    [
        "Load(<data/0123>, 0, 0) failed: Get https://store.example: dial tcp: i/o timeout",
        "Load(<data/0123>, 0, 0) failed: Access Denied.",
        "unexpected EOF",
    ],
)
def test_a_store_that_did_not_answer_once_shows_nothing_about_a_copy(
    restic, cluster, reason
) -> None:
    add_newer(restic)
    restic.store["unread"] = reason
    restic.write()
    Operator(cluster)
    Jobs(cluster)
    for words in (
        (*RESTORE_LATEST, "--yes"),
        ("verify", "latest", "--location", LOCATION),
        ("backups", "list", "--location", LOCATION),
        ("backups", "describe", "latest", "--location", LOCATION),
    ):
        done = run(cluster, *words)
        assert done.exit_code == 2
        assert f"cannot be read: cannot dump file: {reason}" in done.stderr
        assert "damaged" not in done.output
    assert not cluster.writes


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"url": "s3:https://elsewhere/bucket"}, "does not contain a repository"),
        ({"password": "another"}, "the password of the repository is wrong"),
        ({"fails": "connection refused"}, "cannot be read: connection refused"),
        ({"fails": f"bad key {SECRET_KEY}"}, "cannot be read: bad key ***"),
        ({"snapshots": [{"id": "no"}]}, "no list of snapshots"),
    ],
)
def test_a_store_that_cannot_be_read_is_an_error(restic, cluster, fault, word) -> None:
    restic.store.update(fault)
    restic.write()
    for done in (
        run(cluster, "backups", "list", "--location", LOCATION),
        restore(cluster),
        run(cluster, "verify", NAME, "--location", LOCATION),
    ):
        assert done.exit_code == 2
        assert word in done.stderr
        assert "No backups" not in done.stdout
        no_secret(done, restic)
    assert not cluster.writes


def test_a_repository_that_does_not_answer_is_an_error(restic) -> None:
    restic.store["silent"] = True
    restic.write()
    client = ResticClient(parse_location(LOCATION), environment_credentials(), open_timeout=1)
    with pytest.raises(UnreachableError, match="does not answer within 1 s") as failure:
        client.check()
    assert "connection refused" in str(failure.value)


@pytest.mark.parametrize(
    ("missing", "words", "message"),
    [
        ("RESTIC_PASSWORD", (), "the password of the repository is not known"),
        ("PATH", (), "install restic 0.17 or later"),
        ("", ("--restic", "/no/such/restic"), "install restic 0.17 or later"),
    ],
)
@pytest.mark.usefixtures("restic", "away")
def test_what_the_command_needs_is_named(monkeypatch, missing, words, message) -> None:
    if missing:
        monkeypatch.delenv(missing)
    done = run(Nowhere, "backups", "list", "--location", LOCATION, *words)
    assert done.exit_code == 2
    assert message in done.stderr


def test_a_password_file_is_read_as_restic_reads_it(monkeypatch, tmp_path) -> None:
    file = tmp_path / "password"
    file.write_text("from the file\n")
    monkeypatch.setenv("RESTIC_PASSWORD", "from the variable")
    monkeypatch.setenv("RESTIC_PASSWORD_FILE", str(file))
    found = environment_credentials()
    assert found.values["RESTIC_PASSWORD"] == "from the file"  # noqa: S105
    assert "RESTIC_PASSWORD_FILE" not in found.environment()
    assert "from the file" not in repr(found)
    file.unlink()
    with pytest.raises(UnreachableError, match="cannot read RESTIC_PASSWORD_FILE"):
        environment_credentials()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("s3:https://store.example/bucket", "s3:https://store.example/bucket/kanister-kafka"),
        ("s3:https://store.example/bucket/", "s3:https://store.example/bucket/kanister-kafka"),
        ("s3:store.example:9000/b/p/q", "s3:store.example:9000/b/p/q/kanister-kafka"),
        (URL, URL),
        ("/srv/backups", "/srv/backups/kanister-kafka"),
        ("s3:https://user:password@store.example/bucket", None),
        ("s3:https://store.example", None),
        ("s3:https://store.example/bucket?x=y", None),
        ("--help", None),
        ("backups", None),
        ("sftp:host:/path", None),
    ],
)
def test_locations(text, expected) -> None:
    if expected:
        assert parse_location(text).url == expected
    else:
        with pytest.raises(ValueError, match="must be s3:"):
            parse_location(text)


# Into a cluster that has nothing of the backup.


def test_a_backup_is_restored_into_a_cluster_without_anything_of_it(cluster, restic) -> None:
    Operator(cluster)
    jobs = Jobs(cluster)
    done = restore(cluster, "--import-parallel", "1")
    assert done.exit_code == 0, done.output + done.stderr
    assert "Kafka other/my-cluster is Ready" in done.stdout
    assert "kubectl delete namespace other" in done.stdout
    assert "volumesnapshot" not in done.stdout
    assert "the volumes of 1 of 2 nodes are restored; my-cluster-dual-1: 45 %" in done.stderr
    assert jobs.most == 1
    kafka = cluster.get("kafkas", "other", "my-cluster")
    assert constants.PAUSE_RECONCILIATION not in kafka["metadata"]["annotations"]
    assert constants.RETENTION_HELD in kafka["metadata"]["annotations"]
    assert cluster.get("kafkanodepools", "other", "dual")["status"]["nodeIds"] == [0, 1]
    for claim in CLAIMS:
        spec = cluster.get("persistentvolumeclaims", "other", claim)["spec"]
        assert "dataSource" not in spec
        assert spec["resources"]["requests"]["storage"] == "2Gi"
        assert spec["storageClassName"] == "fast"
    assert not [key for key in cluster.objects if key[0] == "jobs"]
    secrets = {key[2] for key in cluster.objects if key[0] == "secrets"}
    assert secrets == {"my-cluster-cluster-ca", "user"}, "that with the credentials is removed"
    no_secret(done, restic)


@pytest.mark.usefixtures("restic")
def test_pods_restore_exactly_the_snapshots_as_the_user_of_kafka(cluster) -> None:
    Operator(cluster)
    jobs = Jobs(cluster)
    assert restore(cluster).exit_code == 0
    assert jobs.most == 2
    made = [item for _method, plural, _name, item in cluster.writes if plural == "secrets"]
    keys = [item for item in made if "repository_password" in item.get("data", {})]
    assert {key: base64.b64decode(value).decode() for key, value in keys[0]["data"].items()} == KEYS
    for number, job in enumerate(jobs.specs):
        pod = job["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        folder = f"/volumes/{CLAIMS[number]}"
        words = container["command"]
        assert words[:4] == ["restic", "--repo", URL, "--no-lock"]
        assert words[words.index("restore") + 1] == f"{number:064x}:{folder}"
        assert words[words.index("--target") + 1] == folder
        assert {"--sparse", "--verify"} <= set(words)
        assert container["image"] == DEFAULT_RESTIC_IMAGE
        assert SECRET_KEY not in json.dumps(job)
        assert pod["securityContext"]["runAsUser"] == 1001
        assert pod["securityContext"]["fsGroup"] == 0
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        assert job["metadata"]["labels"][constants.CLONE]


def test_the_pods_are_placed_as_those_of_kafka_with_all_claims_of_a_node(cluster, restic) -> None:
    template = {
        "pod": {
            "securityContext": {"runAsUser": 5000, "fsGroup": 5001},
            "tolerations": [{"key": "kafka"}],
            "affinity": {"nodeAffinity": {"a": 1}, "podAffinity": {"b": 2}},
        }
    }
    Operator(cluster)
    jobs = Jobs(cluster)
    found = contents(pools=(pool(template=template),))
    claims = [copy.deepcopy(one) for one in found.objects[0]]
    for one, name in zip(
        claims, ("data-0-my-cluster-dual-0", "data-1-my-cluster-dual-0"), strict=True
    ):
        one["metadata"]["name"] = name
        one["metadata"]["labels"] = {"strimzi.io/pool-name": "dual"}
    objects = {**found.objects, 0: tuple(claims)}
    from dataclasses import replace

    restic.store["snapshots"].clear()
    volumes = [
        {"claim": one["metadata"]["name"], "snapshot": f"{number:064x}", "capacity": "1Gi"}
        for number, one in enumerate(claims)
    ]
    export(restic, replace(found, objects=objects), volumes=volumes)
    for number, one in enumerate(claims):
        restic.store["snapshots"][number]["tags"][-1] = f"claim={one['metadata']['name']}"
    restic.write()
    done = restore(cluster)
    assert done.exit_code == 0, done.output + done.stderr
    (job,) = jobs.specs
    pod = job["spec"]["template"]["spec"]
    assert len(pod["containers"]) == len(pod["volumes"]) == 2
    assert pod["securityContext"]["runAsUser"] == 5000
    assert pod["tolerations"] == [{"key": "kafka"}]
    assert pod["affinity"] == {"nodeAffinity": {"a": 1}}


@pytest.mark.usefixtures("restic")
@pytest.mark.parametrize(
    ("words", "requested", "limit", "heap"),
    [
        pytest.param([], "256Mi", "2Gi", "1700MiB", id="default"),
        pytest.param(["--import-memory", "8Gi"], "256Mi", "8Gi", "6800MiB", id="more"),
        pytest.param(["--import-memory", "200M"], "200M", "200M", "158MiB", id="less"),
    ],
)
def test_the_memory_of_the_containers_is_an_option(cluster, words, requested, limit, heap) -> None:
    Operator(cluster)
    jobs = Jobs(cluster)
    assert restore(cluster, *words).exit_code == 0
    for job in jobs.specs:
        (container,) = job["spec"]["template"]["spec"]["containers"]
        assert container["resources"]["limits"] == {"memory": limit}
        assert container["resources"]["requests"] == {"cpu": "100m", "memory": requested}
        assert {"name": "GOMEMLIMIT", "value": heap} in container["env"]


@pytest.mark.usefixtures("restic")
@pytest.mark.parametrize("memory", ["much", "2GB", "0", "64Mi", "-2Gi", ""])
@pytest.mark.parametrize("command", ["restore", "verify"])
def test_the_memory_is_a_quantity_that_restic_can_run_with(cluster, memory, command) -> None:
    place = ("--location", LOCATION, "--into", "other")
    done = run(cluster, command, NAME, *place, f"--import-memory={memory}")
    assert done.exit_code == 2
    assert f"{memory!r} is not a quantity of at least 128Mi, such as 4Gi" in done.output
    assert cluster.writes == []


@pytest.mark.usefixtures("restic")
def test_a_pod_that_is_killed_for_its_memory_names_the_option(cluster) -> None:
    Operator(cluster)
    jobs = Jobs(cluster, fails="killed", code=137)
    jobs.reason = "OOMKilled"
    done = restore(cluster, "--import-memory", "3Gi")
    assert done.exit_code == 1
    assert "restic was killed, as it needs more than 3Gi: raise --import-memory" in done.stderr


@pytest.mark.usefixtures("restic")
def test_openshift_assigns_the_users(cluster) -> None:
    cluster.kinds["security.openshift.io", "v1"] = {}
    Operator(cluster)
    jobs = Jobs(cluster)
    assert restore(cluster).exit_code == 0
    context = jobs.specs[0]["spec"]["template"]["spec"]["securityContext"]
    assert not {"runAsUser", "fsGroup"} & set(context)


@pytest.mark.parametrize(
    ("claim", "node"),
    [
        ("data-my-cluster-dual-0", "my-cluster-dual-0"),
        ("data-12-my-cluster-dual-0", "my-cluster-dual-0"),
        ("other", "other"),
    ],
)
def test_nodes_of_claims(claim, node) -> None:
    assert node_of(claim, "my-cluster") == node


DAMAGED = "\n".join(
    (
        "aded> failed: the end of a line",
        '{"message_type":"error","error":{"message":"decrypting blob failed: ciphertext '
        'verification failed"},"during":"restore","item":"/big"}',
        '{"message_type":"exit_error","code":1,"message":"Fatal: There were 1 errors\\n"}',
    )
)
EXIT = '{"message_type":"exit_error","code":1,"message":"Fatal: %s"}'


@pytest.mark.parametrize(
    ("fails", "code", "word"),
    [
        (DAMAGED, 1, "the copy is damaged: decrypting blob failed"),
        (EXIT % "no space left on device", 1, "no space left on device"),
        (EXIT % "wrong password", 12, "the password in the Secret of the pods is wrong"),
        (EXIT % "no config", 10, f"pods do not find {URL}"),
        ("restic: no such file or directory", 128, "be restored: restic: no such file"),
    ],
    ids=["damaged", "full", "password", "repository", "image"],
)
def test_a_volume_that_is_not_restored_never_becomes_a_broker(
    cluster, restic, fails, code, word
) -> None:
    Operator(cluster)
    Jobs(cluster, fails=fails, code=code)
    done = restore(cluster)
    assert done.exit_code == 1
    assert word in done.stderr
    assert "starting Kafka" not in done.stderr
    assert outside(cluster) == [], "the next try finds an empty cluster"
    no_secret(done, restic)


@pytest.mark.usefixtures("restic")
def test_a_pod_that_fails_during_a_prune_is_followed_by_another(cluster) -> None:
    """A prune removes files that the index of the first pod names, and the next one reads anew."""
    Operator(cluster)
    Jobs(cluster, first=DAMAGED)
    done = restore(cluster)
    assert done.exit_code == 0, done.output + done.stderr
    assert "damaged" not in done.stderr


@pytest.mark.usefixtures("restic")
@pytest.mark.parametrize(
    ("first", "last", "late", "word"),
    [
        (DAMAGED, EXIT % "connection refused", False, "connection refused"),
        (EXIT % "connection refused", DAMAGED, False, "the copy is damaged"),
        (None, DAMAGED, True, "it: DeadlineExceeded"),
    ],
    ids=["network", "damaged", "late"],
)
def test_the_last_pod_of_a_job_decides_whether_a_copy_is_damaged(
    cluster, first, last, late, word
) -> None:
    Operator(cluster)
    Jobs(cluster, first=first, fails=last, late=late)
    done = run(cluster, "verify", NAME, "--location", LOCATION)
    assert done.exit_code == 1
    is_damaged = "damaged" in word
    assert word in (done.stdout if is_damaged else done.stderr)
    assert ("the copy is damaged" in done.stdout) == is_damaged
    assert outside(cluster) == []


@pytest.mark.usefixtures("restic")
def test_a_pod_that_does_not_start_ends_the_restore(cluster) -> None:
    Operator(cluster)
    Jobs(cluster, waits="ImagePullBackOff")
    done = restore(cluster)
    assert done.exit_code == 1
    assert "does not start: ImagePullBackOff" in done.stderr
    assert outside(cluster) == []


@pytest.mark.usefixtures("restic")
def test_ctrl_c_removes_what_was_made(cluster) -> None:
    Operator(cluster)
    Jobs(cluster, interrupts=True)
    done = restore(cluster)
    assert done.exit_code == 130
    assert "removing Kafka other/my-cluster" in done.stderr
    assert "the copy is removed first" in done.stderr
    assert "starting Kafka" not in done.stderr
    assert {key[0] for key in outside(cluster)} <= {"pods"}, "that controller was interrupted"


@pytest.mark.usefixtures("restic")
def test_what_fails_after_the_volumes_are_restored_does_not_remove_them(cluster) -> None:
    Operator(cluster, starts=False)
    Jobs(cluster)
    cluster.refusals.append(("DELETE", "jobs|secrets", 503))
    done = restore(cluster, "--timeout", "30s")
    assert done.exit_code == 1
    assert "FAILED: not removed: Job other/kanister-kafka-import-aaaaaaaaaa-0" in done.stderr
    assert "FAILED: not removed: Secret other/kanister-kafka-import-aaaaaaaaaa" in done.stderr
    assert "the copy in namespace other is not removed" in done.stderr
    assert ("persistentvolumeclaims", "other", CLAIMS[0]) in cluster.objects


@pytest.mark.usefixtures("restic")
def test_a_restore_that_takes_too_long_is_removed(cluster) -> None:
    Operator(cluster)
    Jobs(cluster)
    done = restore(cluster, "--import-timeout", "5s")
    assert done.exit_code == 1
    assert "not restored within 5 s" in done.stderr
    assert outside(cluster) == []


@pytest.mark.usefixtures("restic")
def test_kafka_does_not_start_next_to_a_pod_that_still_writes(cluster) -> None:
    Operator(cluster)
    Jobs(cluster, stuck=True)
    done = restore(cluster)
    assert done.exit_code == 1
    stuck = [f"kanister-kafka-import-aaaaaaaaaa-{number}-stuck" for number in range(2)]
    assert f"can still write to the volumes: {', '.join(stuck)}" in done.stderr
    assert "kubectl get pods -n other -l kanister-kafka.io/clone=aaaaaaaaaa,job-name" in done.stderr
    assert f"filled: {', '.join(CLAIMS)}; not filled: none" in done.stderr
    assert "starting Kafka" not in done.stderr
    kafka = cluster.get("kafkas", "other", "my-cluster")
    assert constants.PAUSE_RECONCILIATION in kafka["metadata"]["annotations"]
    for claim in CLAIMS:
        assert ("persistentvolumeclaims", "other", claim) in cluster.objects


INTERRUPTED = {"interrupts": True}
ONE_NODE = [
    ({"waits": "ImagePullBackOff"}, "does not start: ImagePullBackOff"),
    ({"fails": EXIT % "connection refused"}, "connection refused"),
    ({"fails": DAMAGED}, "the copy is damaged"),
    (INTERRUPTED, ""),
]


@pytest.mark.parametrize(("fault", "word"), ONE_NODE)
@pytest.mark.usefixtures("restic")
def test_filled_volumes_are_kept_if_those_of_another_node_fail(cluster, fault, word) -> None:
    Operator(cluster)
    Jobs(cluster, healthy="-0", **fault)
    done = restore(cluster, "--import-parallel", "1")
    assert done.exit_code == (130 if fault == INTERRUPTED else 1)
    assert word in done.stderr
    assert "starting Kafka" not in done.stderr
    assert "removing Kafka" not in done.stderr
    assert f"filled: {CLAIMS[0]}; not filled: {CLAIMS[1]}" in done.stderr
    assert "Kafka other/my-cluster stays paused" in done.stderr
    assert "Secret kanister-kafka-import-aaaaaaaaaa" in done.stderr
    assert "kubectl delete namespace other" in done.stderr
    for claim in CLAIMS:
        assert ("persistentvolumeclaims", "other", claim) in cluster.objects
    kafka = cluster.get("kafkas", "other", "my-cluster")
    assert constants.PAUSE_RECONCILIATION in kafka["metadata"]["annotations"]


@pytest.mark.parametrize(("fault", "word"), ONE_NODE)
@pytest.mark.usefixtures("restic")
def test_a_verification_removes_filled_volumes_too(cluster, fault, word) -> None:
    Operator(cluster)
    Jobs(cluster, healthy="-0", **fault)
    done = run(cluster, "verify", NAME, "--location", LOCATION, "--import-parallel", "1")
    assert done.exit_code == (130 if fault == INTERRUPTED else 1)
    assert word in done.stdout + done.stderr
    assert not [key for key in outside(cluster) if key[0] != "pods"]


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.usefixtures("restic")
def test_a_backup_is_verified_from_the_store(cluster, damaged) -> None:
    Operator(cluster)
    Jobs(cluster, fails=DAMAGED if damaged else None)
    done = run(cluster, "verify", NAME, "--location", LOCATION, "--format", "json")
    assert done.exit_code == (1 if damaged else 0), done.output + done.stderr
    report = json.loads(done.stdout)
    assert report["outcome"] == ("failed" if damaged else "passed")
    assert outside(cluster) == []
    assert report["restoredInto"] == COPY


def add_source(cluster, *, uid="the-uid", exported="2026-01-02T03:30:00Z"):
    """Add the Secret with the facts of the backup, in the cluster in which a copy is verified."""
    with serving() as source:
        add_backup(source, contents())
        secrets = [item for key, item in source.objects.items() if key[0] == "secrets"]
    for item in secrets:
        if item["metadata"]["name"] == FACTS:
            item["metadata"]["uid"] = uid
            item["metadata"]["annotations"][constants.EXPORTED] = f"{exported} {URL}"
        cluster.put(item)


def marks(cluster):
    return cluster.get("secrets", "kafka", FACTS)["metadata"]["annotations"]


@pytest.mark.parametrize("damaged", [False, True])
@pytest.mark.parametrize("uid", ["the-uid", ""])
def test_the_result_is_written_to_the_backup_if_it_is_in_the_cluster(
    cluster, restic, damaged, uid
) -> None:
    """A copy of an earlier version has no uid, and is known by the run of its backup."""
    restic.store["snapshots"].clear()
    export(restic, uid=uid)
    add_source(cluster)
    Operator(cluster)
    Jobs(cluster, fails=DAMAGED if damaged else None)
    done = run(cluster, "verify", NAME, "--location", LOCATION, "--format", "json")
    report, result = json.loads(done.stdout), "failed" if damaged else "passed"
    assert report["repository"] == URL
    assert report["clusterId"] == "c1"
    assert report["started"] is not damaged
    assert marks(cluster)[constants.COPY_VERIFIED] == result
    assert marks(cluster)[constants.COPY_VERIFIED_AT] == f"{report['time']} {URL}"
    assert constants.VERIFIED not in marks(cluster), "its snapshots were not verified"
    assert "only printed" not in done.stderr
    listed = run(cluster, "backups", "list", "-n", "kafka")
    assert re.search(rf"ago, {result} \S+ ago", listed.stdout), listed.stdout
    (tree,) = json.loads(run(cluster, "backups", "list", "-n", "kafka", "-o", "json").stdout)
    assert (tree["copyVerified"], tree["copyVerifiedAt"]) == (result, report["time"])
    assert (tree["copyVerifiedIn"], tree["verified"]) == (URL, None)
    described = run(cluster, "backups", "describe", NAME, "-n", "kafka").stdout
    assert re.search(rf"ago to {URL}; verified: {result} \S+ ago\n", described), described
    calls = json.dumps(restic.calls)
    for word in ("backup", "tag", "forget", "prune", "rewrite"):
        assert f'"{word}"' not in calls, "the store is not written"


def test_the_result_of_another_backup_with_the_same_name_is_only_printed(cluster, restic) -> None:
    restic.store["snapshots"].clear()
    export(restic, uid="of-another-cluster")
    add_source(cluster)
    Operator(cluster)
    Jobs(cluster)
    done = run(cluster, "verify", NAME, "--location", LOCATION)
    assert done.exit_code == 0, done.output + done.stderr
    assert "the result is only printed: backup" in done.stderr
    assert "of this cluster is another one with the same name" in done.stderr
    assert constants.COPY_VERIFIED not in marks(cluster)


@pytest.mark.usefixtures("restic")
def test_without_the_backup_in_the_cluster_the_result_is_only_printed(cluster) -> None:
    Operator(cluster)
    Jobs(cluster)
    done = run(cluster, "verify", NAME, "--location", LOCATION)
    assert done.exit_code == 0, done.output + done.stderr
    assert "is not in this cluster" in done.stderr
    assert f"restored from {URL} into namespace {COPY}" in done.stdout


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_without_the_right_to_the_backup_the_result_is_printed_with_a_warning(
    cluster, restic, method
) -> None:
    restic.store["snapshots"].clear()
    export(restic, uid="the-uid")
    add_source(cluster)
    Operator(cluster)
    Jobs(cluster)
    cluster.refusals.append((method, f"/namespaces/kafka/secrets/{FACTS}$", 403))
    done = run(cluster, "verify", NAME, "--location", LOCATION)
    assert done.exit_code == 0, done.output + done.stderr
    assert "the result is not written to the backup" in done.stderr
    assert constants.COPY_VERIFIED not in marks(cluster)


@pytest.mark.parametrize(
    ("exported", "shown"),
    [
        pytest.param("2026-01-02T03:30:00Z", "passed", id="this copy"),
        pytest.param("2026-01-02T05:00:00Z", None, id="made again since"),
        pytest.param("deleting", None, id="being deleted"),
    ],
)
def test_the_result_of_an_earlier_copy_does_not_count(cluster, exported, shown) -> None:
    add_source(cluster, exported=exported)
    change = {
        constants.COPY_VERIFIED: "passed",
        constants.COPY_VERIFIED_AT: "2026-01-02T04:00:00Z s3:elsewhere",
    }
    cluster.change("secrets", "kafka", FACTS, {"metadata": {"annotations": change}})
    (tree,) = json.loads(run(cluster, "backups", "list", "-n", "kafka", "-o", "json").stdout)
    assert tree["copyVerified"] == shown
    described = run(cluster, "backups", "describe", NAME, "-n", "kafka").stdout
    assert ("in s3:elsewhere" in described) is bool(shown)


@pytest.mark.usefixtures("restic")
def test_a_full_volume_of_the_cluster_is_not_a_fault_of_the_backup(cluster) -> None:
    Operator(cluster)
    Jobs(cluster, fails=EXIT % "no space left on device")
    done = run(cluster, "verify", NAME, "--location", LOCATION, "--format", "json")
    assert done.exit_code == 1
    assert done.stdout == ""
    assert outside(cluster) == []


# Storage classes.


@pytest.mark.usefixtures("restic")
def test_the_default_class_replaces_one_that_is_not_there(cluster) -> None:
    cluster.objects.clear()
    note = {"storageclass.kubernetes.io/is-default-class": "true"}
    add_class(cluster, "standard", annotations=note)
    Operator(cluster)
    Jobs(cluster)
    done = restore(cluster)
    assert done.exit_code == 0, done.output + done.stderr
    assert "StorageClass fast does not exist here: the default one is used" in done.stderr
    claim = cluster.get("persistentvolumeclaims", "other", CLAIMS[0])
    assert "storageClassName" not in claim["spec"]
    assert "class" not in cluster.get("kafkanodepools", "other", "dual")["spec"]["storage"]


def add_default(cluster, name, created, *, policy="Delete", key=DEFAULT_STORAGE_CLASS[0]):
    add_class(cluster, name, annotations={key: "true"}, creationTimestamp=created)
    cluster.change("storageclasses", "", name, {"reclaimPolicy": policy})


@pytest.mark.usefixtures("restic")
def test_a_default_class_that_retains_volumes_is_refused(cluster) -> None:
    """The claims name no class, as that of the backup is absent; the newest default one counts."""
    cluster.objects.clear()
    Operator(cluster)
    Jobs(cluster)
    add_default(cluster, "standard", "2026-01-01T00:00:00Z", policy="Retain")
    for words in ((), ("--storage-class", "standard")):
        done = run(cluster, "verify", NAME, "--location", LOCATION, *words)
        assert done.exit_code == 1
        assert "StorageClass standard retains volumes" in done.stderr
    assert not cluster.writes
    add_default(cluster, "newer", "2026-01-02T00:00:00Z", key=DEFAULT_STORAGE_CLASS[1])
    done = run(cluster, "verify", NAME, "--location", LOCATION)
    assert done.exit_code == 0, done.output + done.stderr
    add_default(cluster, "newest", "2026-01-03T00:00:00Z", policy="Retain")
    done = run(cluster, "verify", NAME, "--location", LOCATION)
    assert done.exit_code == 1
    assert "StorageClass newest retains volumes" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "there is no StorageClass fast and no default"),
        (("--storage-class", "quick"), "there is no StorageClass quick; the cluster has slow"),
    ],
)
@pytest.mark.usefixtures("restic")
def test_a_class_that_does_not_exist_is_named(cluster, words, message) -> None:
    cluster.objects.clear()
    add_class(cluster, "slow")
    done = restore(cluster, *words)
    assert done.exit_code == 1
    assert message in done.stderr
    assert not cluster.writes


# Credentials of a Secret.


def add_location_secret(cluster, namespace, **values):
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    cluster.add("secrets", namespace, "store", data=data)


def test_white_space_around_credentials_does_not_count(cluster, monkeypatch) -> None:
    """A Secret from files has line breaks, and restic trims the file of a password only."""
    padded = {key: f"{value}\n" for key, value in KEYS.items()}
    add_location_secret(cluster, "other", **padded)
    found = secret_credentials(KubeClient(), "other", "store")
    assert found.trimmed
    assert {key: found.values[key] for key in VARIABLES} == VARIABLES
    for key, value in VARIABLES.items():
        monkeypatch.setenv(key, f" {value}\n")
    assert environment_credentials().values == VARIABLES


@pytest.mark.parametrize("home", ["other", "far"])
def test_credentials_of_a_secret(cluster, restic, monkeypatch, home) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "RESTIC_PASSWORD"):
        monkeypatch.delenv(name)
    cluster.add("namespaces", "", home)
    add_location_secret(cluster, home, **KEYS)
    Operator(cluster)
    jobs = Jobs(cluster)
    done = restore(cluster, "--location-secret", f"{home}/store")
    assert done.exit_code == 0, done.output + done.stderr
    env = jobs.specs[0]["spec"]["template"]["spec"]["containers"][0]["env"]
    secrets = {one["valueFrom"]["secretKeyRef"]["name"] for one in env if "valueFrom" in one}
    assert secrets == {"store" if home == "other" else "kanister-kafka-import-aaaaaaaaaa"}
    assert ("secrets", home, "store") in cluster.objects
    no_secret(done, restic)


@pytest.mark.parametrize("home", ["other", "far"])
def test_certificate_of_the_authority_of_a_store(cluster, restic, monkeypatch, home) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "RESTIC_PASSWORD"):
        monkeypatch.delenv(name)
    cluster.add("namespaces", "", home)
    add_location_secret(cluster, home, **KEYS, **{"ca.crt": "PEM"})
    Operator(cluster)
    jobs = Jobs(cluster)
    done = restore(cluster, "--location-secret", f"{home}/store")
    assert done.exit_code == 0, done.output + done.stderr
    name = "store" if home == "other" else "kanister-kafka-import-aaaaaaaaaa"
    for job in jobs.specs:
        pod = job["spec"]["template"]["spec"]
        (volume,) = [one for one in pod["volumes"] if one["name"] == "ca"]
        assert volume["secret"]["secretName"] == name
        for container in pod["containers"]:
            assert {"name": "RESTIC_CACERT", "value": "/ca/ca.crt"} in container["env"]
            assert {"name": "ca", "mountPath": "/ca"} in container["volumeMounts"]
    assert all(Path(path).name == "ca.crt" for path in restic.certificates)
    assert restic.certificates
    assert not any(Path(path).exists() for path in restic.certificates)


def test_certificate_of_the_environment(monkeypatch, tmp_path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("PEM")
    monkeypatch.setenv("RESTIC_PASSWORD", "p")
    monkeypatch.setenv("RESTIC_CACERT", str(file))
    assert environment_credentials().ca == "PEM"
    file.unlink()
    with pytest.raises(UnreachableError, match="cannot read RESTIC_CACERT"):
        environment_credentials()


@pytest.mark.usefixtures("restic")
def test_a_secret_without_a_key_is_named(cluster) -> None:
    add_location_secret(cluster, "far", **{**KEYS, "repository_password": ""})
    done = restore(cluster, "--location-secret", "far/store")
    assert done.exit_code == 2
    assert "Secret far/store has no key repository_password" in done.stderr
    assert not cluster.writes


@pytest.mark.usefixtures("restic")
def test_pods_need_the_keys_of_the_store(cluster, monkeypatch) -> None:
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    done = restore(cluster)
    assert done.exit_code == 1
    assert "pods of the cluster need AWS_SECRET_ACCESS_KEY" in done.stderr
    assert not cluster.writes


# A restore that stays.


def test_unchanged_resources_are_those_of_the_backup(cluster, restic) -> None:
    listener = {"name": "out", "port": 9094, "type": "nodeport", "tls": True}
    kafka = kafka_resource(listeners=[listener], authorization={"type": "opa"})
    kafka["spec"]["entityOperator"] = {"topicOperator": {}, "userOperator": {}}
    restic.store["snapshots"].clear()
    export(restic, contents(kafka))
    Operator(cluster)
    Jobs(cluster)
    done = restore(cluster, "--unchanged", "--memory", "1Gi", into="kafka")
    assert done.exit_code == 0, done.output + done.stderr
    assert "No backup of it is made until its Blueprint is applied" in done.output
    assert (
        "kanister-kafka apply --from-cluster my-cluster -n kafka --engine kanister" in done.output
    )
    made = cluster.get("kafkas", "kafka", "my-cluster")
    assert made["spec"]["kafka"]["listeners"] == [listener]
    assert made["spec"]["kafka"]["authorization"] == {"type": "opa"}
    assert set(made["spec"]["entityOperator"]) == {"topicOperator", "userOperator"}
    assert not [key for key in cluster.objects if key[0] == "networkpolicies"]
    assert ("kafkatopics", "kafka", "orders") in cluster.objects
    pools = cluster.get("kafkanodepools", "kafka", "dual")
    assert "template" not in pools["spec"]
    assert pools["spec"]["resources"]["limits"]["memory"] == "1Gi"


@pytest.mark.parametrize("more", [(), ("--unchanged",)])
@pytest.mark.usefixtures("restic")
def test_the_page_lists_every_kind_that_a_killed_restore_leaves_behind(cluster, more) -> None:
    Operator(cluster)
    Jobs(cluster)
    assert restore(cluster, *more).exit_code == 0
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text()
    (words,) = re.findall(r"kubectl get (\S+) -A [\s\\]*-l kanister-kafka.io/clone\n", page)
    listed = set(words.replace("pvc", "persistentvolumeclaims").split(","))
    made = {plural for method, plural, _name, _item in cluster.writes if method == "POST"}
    assert made <= listed
    for method, _plural, _name, item in cluster.writes:
        assert method != "POST" or item["metadata"]["labels"][constants.CLONE]


@pytest.mark.usefixtures("restic")
def test_a_copy_in_the_namespace_of_its_source_reaches_its_own_nodes(cluster) -> None:
    Operator(cluster)
    Jobs(cluster)
    done = restore(cluster, into="kafka")
    assert done.exit_code == 0, done.output + done.stderr
    pod = cluster.get("kafkanodepools", "kafka", "dual")["spec"]["template"]["pod"]
    assert "hostAliases" not in pod


@pytest.mark.usefixtures("restic")
def test_unchanged_is_refused_next_to_the_source(cluster) -> None:
    cluster.add("kafkas", KAFKA.namespace, KAFKA.name)
    done = restore(cluster, "--unchanged")
    assert done.exit_code == 1
    assert "Kafka kafka/my-cluster is in this cluster" in done.stderr
    assert not cluster.writes


@pytest.mark.parametrize(
    "words",
    [
        ("--location", LOCATION),
        ("--into", "other", "--unchanged"),
        ("--into", "other", "--location", "nowhere"),
        ("--into", "other", "--location", LOCATION, "--location-secret", "store"),
        ("--into", "other", "--insecure-tls"),
    ],
)
@pytest.mark.usefixtures("restic")
def test_options_that_do_not_go_together_are_refused(cluster, words) -> None:
    done = run(cluster, "restore", NAME, *words)
    assert done.exit_code == 2
    assert words[-1] in done.stderr or words[-2] in done.stderr
    assert not cluster.writes


@pytest.mark.usefixtures("restic")
def test_a_directory_is_not_for_pods(cluster) -> None:
    done = run(cluster, "restore", NAME, "--location", "/srv", "--into", "other", "--yes")
    assert done.exit_code == 1
    assert "pods of a cluster cannot read" in done.stderr


def test_a_dry_run_prints_the_jobs_and_no_secret(cluster, restic) -> None:
    done = restore(cluster, "--dry-run", "--insecure-tls")
    assert done.exit_code == 0, done.output + done.stderr
    items = list(yaml.safe_load_all(done.stdout))
    kinds = [item["kind"] for item in items]
    assert kinds.count("Job") == 2
    assert "Secret" not in kinds
    command = items[-1]["spec"]["template"]["spec"]["containers"][0]["command"]
    assert "--insecure-tls" in command
    assert not cluster.writes
    no_secret(done, restic)


# The program itself, if it is installed.

real = pytest.mark.skipif(shutil.which("restic") is None, reason="restic is not on PATH")


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository in a directory, with one snapshot of a volume."""
    monkeypatch.setenv("RESTIC_CACHE_DIR", str(tmp_path / "cache"))
    found = Repository(url=str(tmp_path / "kanister-kafka"))
    source = tmp_path / "objects"
    source.mkdir()
    (source / "backup.json").write_text('{"format": 1}')
    (source / "big").write_bytes(uuid.uuid4().bytes * 100_000)
    words = ("--host", HOST, "--tag", "kanister-kafka", "--tag", "kind=objects")
    for command in (("init",), ("backup", *words, "--tag", f"backup={NAME}", str(source))):
        subprocess.run(
            ["restic", "--repo", found.url, *command],
            check=True,
            capture_output=True,
            env=Credentials({"RESTIC_PASSWORD": "right"}).environment(),
        )
    return found


@real
def test_restic_itself_reads_a_repository_and_leaves_no_lock(repository, tmp_path) -> None:
    client = ResticClient(repository, Credentials({"RESTIC_PASSWORD": "right"}))
    client.check()
    (found,) = client.snapshots()
    assert (found.host, found.tags["backup"]) == (HOST, NAME)
    assert found.size == 1_600_013
    path = str(tmp_path / "objects" / "backup.json")
    assert client.read(found, path) == b'{"format": 1}'
    assert not list((tmp_path / "kanister-kafka" / "locks").iterdir())


@real
def test_restic_itself_reports_what_is_wrong(repository, tmp_path) -> None:
    wrong = ResticClient(repository, Credentials({"RESTIC_PASSWORD": "wrong"}))
    with pytest.raises(ForbiddenError, match="password of the repository is wrong"):
        wrong.check()
    right = Credentials({"RESTIC_PASSWORD": "right"})
    with pytest.raises(NotFoundError, match="does not contain a repository"):
        ResticClient(Repository(url=str(tmp_path / "none")), right).check()
    (found,) = ResticClient(repository, right).snapshots()
    for pack in (tmp_path / "kanister-kafka" / "data").rglob("*"):
        if pack.is_file():
            pack.chmod(0o600)
            pack.unlink()
    shutil.rmtree(tmp_path / "cache")
    with pytest.raises(Exception, match="no such file or directory"):
        ResticClient(repository, right).read(found, str(tmp_path / "objects" / "backup.json"))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("", ""),
        ("Fatal: no", "no"),
        ('{"message_type":"status","percent_done":0.1}', ""),
        ('{"message_type":"exit_error","code":1,"message":"Fatal: a\\nb"}', "a b"),
        ("{broken", ""),
        ("\x1b[2Kcleaning up", "[2Kcleaning up"),
    ],
)
def test_messages_of_restic(line, text) -> None:
    assert message_of(line) == text
