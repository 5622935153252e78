"""Putting a backup back: what is refused, in which order it is done, what the statuses say."""

from __future__ import annotations

import json
import re

import pytest

from .fake_kubectl import encoded
from .shell_fixture import BACKUP, FORBIDDEN, RUN, Shell, cycle

PREFIX = f"backup-backup-{BACKUP}"
KINDS = {
    "1-000": ("v1", "Secret"),
    "2-000": ("v1", "Secret"),
    "3-000": ("kafka.strimzi.io/v1beta2", "KafkaUser"),
    "4-000": ("kafka.strimzi.io/v1beta2", "KafkaTopic"),
    "4-001": ("kafka.strimzi.io/v1beta2", "KafkaTopic"),
    "5-000": ("kafka.strimzi.io/v1beta2", "KafkaNodePool"),
    "6-000": ("kafka.strimzi.io/v1beta2", "Kafka"),
    "10-000": ("kafka.strimzi.io/v1beta2", "KafkaConnect"),
}
NAMES = {"KafkaNodePool": "broker", "Kafka": "backup", "KafkaConnect": "sink"}
CLAIM = (
    '{{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": '
    '{{"name": "{}", "namespace": "kafka-backup"}}}}\n'
)
CLAIMS = CLAIM.format("data-0") + CLAIM.format("data-1")
FACTS = "clusterId=abc\nkafkaVersion=4.0.0\nnodeIds.broker=[0,1]\nnodeIds.controller=[2]\nparts=9\n"
SNAPSHOTS = "get volumesnapshots"
PARTS = "get secrets .*-l kanister-kafka.io/backup"
GONE = (1, "", "Error from server (NotFound): secrets not found")
STATE = r"get configmap .*\{\.data\.state\}$"
PAUSED = r"get kafkas.*annotations\.strimzi"
OWNER = r"get configmap .*data\.run"


def whole(shell: Shell) -> Shell:
    """Answer as a namespace that has a whole backup and nothing else; earlier answers go first."""
    names = [f"{PREFIX}-{part}" for part in ("10-000", "facts", "0-000", *KINDS)]
    shell.on(PARTS, "".join(f"{name}\n" for name in dict.fromkeys(names)))
    shell.on(f"get secret {PREFIX}-facts", encoded(FACTS))
    shell.on(f"get secret {PREFIX}-0-000", encoded(CLAIMS))
    for part, (version, kind) in KINDS.items():
        one = {
            "apiVersion": version,
            "kind": kind,
            "metadata": {"name": NAMES.get(kind, "x"), "namespace": "kafka-backup"},
            "data": {"password": encoded("s3cr3t")},
        }
        shell.on(f"get secret {PREFIX}-{part}", encoded(json.dumps(one)))
    return shell.on(SNAPSHOTS, f"data-0-{BACKUP} true\ndata-1-{BACKUP} true\n")


def touched(shell: Shell) -> list[str]:
    return [str(call) for call in shell.writes() if call.args[1] != "configmap"]


# The checks


def test_whole_backup_goes_into_an_empty_namespace(shell: Shell) -> None:
    done = whole(shell).phase("restoreCheck")
    assert done.returncode == 0, done.stderr
    assert not shell.writes()
    assert "claims data-0 data-1" in done.stdout
    assert f"backup {BACKUP} is whole" in done.stdout
    assert "OVERWRITTEN" not in done.stdout


@pytest.mark.parametrize("overwrite", ["", "false", "True", "yes", "<no value>"])
def test_nothing_is_overwritten_unless_it_was_told_to(shell: Shell, overwrite: str) -> None:
    shell.on("get persistentvolumeclaims", "persistentvolumeclaim/data-1\n")
    done = whole(shell.on("get kafkas", "kafka/backup\n")).phase(
        "restoreCheck", OVERWRITE=overwrite
    )
    assert done.returncode != 0
    assert "overwrite=true" in done.stderr.splitlines()[-1]
    assert "WILL BE OVERWRITTEN: persistentvolumeclaim/data-1" in done.stdout
    assert "WILL BE OVERWRITTEN: kafka/backup" in done.stdout
    assert not touched(shell)


@pytest.mark.parametrize("pattern", ["get persistentvolumeclaims", "get kafkas.*-o name"])
def test_one_object_is_enough_to_refuse(shell: Shell, pattern: str) -> None:
    done = whole(shell.on(pattern, "kind/name\n")).phase("restoreCheck")
    assert done.returncode != 0


def test_what_will_be_overwritten_is_said_before(shell: Shell) -> None:
    shell.on("get persistentvolumeclaims", "persistentvolumeclaim/data-1\n")
    done = whole(shell).phase("restoreCheck", OVERWRITE="true")
    assert done.returncode == 0, done.stderr
    assert "WILL BE OVERWRITTEN: persistentvolumeclaim/data-1" in done.stdout
    assert not shell.writes()


@pytest.mark.parametrize(
    ("pattern", "answer", "told"),
    [
        pytest.param(f"secret {PREFIX}-facts", GONE, "not whole", id="facts-gone"),
        pytest.param(f"secret {PREFIX}-facts", "", "not whole", id="facts-empty"),
        pytest.param(PARTS, f"{PREFIX}-0-000\n{PREFIX}-facts\n", "not all 9", id="part-gone"),
        pytest.param(f"secret {PREFIX}-0-000", GONE, "", id="claims-gone"),
        pytest.param(f"secret {PREFIX}-0-000", encoded("damaged"), "", id="claims-damaged"),
        pytest.param(SNAPSHOTS, "", f"data-0-{BACKUP} is not there", id="snapshots-gone"),
        pytest.param(SNAPSHOTS, f"data-0-{BACKUP} true\n", "data-1", id="snapshot-gone"),
        pytest.param(
            SNAPSHOTS, f"data-0-{BACKUP} true\ndata-1-{BACKUP} false\n", "data-1", id="not-ready"
        ),
        pytest.param(
            SNAPSHOTS, f"data-0-{BACKUP} true\nmy-data-1-{BACKUP} true\n", "data-1", id="another"
        ),
    ],
)
def test_backup_that_is_not_whole_is_refused(
    shell: Shell, pattern: str, answer: str | tuple[int, str, str], told: str
) -> None:
    done = whole(shell.on(pattern, answer)).phase("restoreCheck", OVERWRITE="true")
    assert done.returncode != 0
    assert told in done.stderr
    assert not touched(shell)


def test_pool_that_the_backup_does_not_know_is_refused(shell: Shell) -> None:
    """Its nodes would join with newer data than the restored metadata knows."""
    shell.on("get kafkanodepools", "broker controller late")
    done = whole(shell).phase("restoreCheck", OVERWRITE="true")
    assert done.returncode != 0
    assert "KafkaNodePool late is not in the backup" in done.stderr.splitlines()[-1]
    assert not touched(shell)


def test_pools_of_the_backup_are_no_reason_to_refuse(shell: Shell) -> None:
    shell.on("get kafkanodepools", "broker controller")
    done = whole(shell).phase("restoreCheck", OVERWRITE="true")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["", "<no value>", "2026", f"{BACKUP}0", "../../etc/passwd"])
def test_damaged_artifact_is_refused(shell: Shell, name: str) -> None:
    done = whole(shell).phase("restoreCheck", BACKUP=name, OVERWRITE="true")
    assert done.returncode != 0
    assert "names the backup" in done.stderr.splitlines()[-1]
    assert not touched(shell)


def test_missing_right_is_told_before_anything_is_looked_at(shell: Shell) -> None:
    done = whole(shell.on("^create --validate=false", "false\n")).phase("restoreCheck")
    assert done.returncode != 0
    assert "lacks rights" in done.stderr.splitlines()[-1]


def test_checks_come_before_the_stop_and_the_stop_before_the_objects() -> None:
    (restore,) = [action for action in cycle().actions if action.name == "restore"]
    assert [phase.name for phase in restore.phases] == [
        "restoreCheck",
        "restoreStop",
        "restoreObjects",
        "restoreIdentity",
        "restoreRestart",
    ]


# The stop


def living(shell: Shell) -> Shell:
    shell.on("get kafkas.* -o name", "kafka/backup\n").on("ReconciliationPaused", "", "True")
    shell.on(PAUSED, "true")
    return shell.on(OWNER, f"restoring|{RUN}").on("get kafka.*replicas-before", "2|")


@pytest.mark.parametrize("name", ["restoreStop", "haltForRestore"])
def test_restore_is_recorded_before_anything_is_stopped(shell: Shell, name: str) -> None:
    shell.on("get kafkaconnects.* -o name", "kafkaconnect/sink")
    done = living(shell).phase(name)
    assert done.returncode == 0, done.stderr
    calls = shell.writes()
    assert calls[0].args[1] == "configmap"
    data = calls[0].patch["data"]
    assert (data["state"], data["run"]) == ("restoring", RUN)
    assert data["action"] == ("restore" if name == "restoreStop" else "beforeRestore")
    assert data["failure"] == data["endedBy"] == data["confirmedBy"] == ""
    assert shell.recorded()["state"] == "restoring"
    text = [str(call) for call in calls]
    order = [
        next(i for i, call in enumerate(text) if re.search(pattern, call))
        for pattern in (
            "kanister-kafka.io/restart-by-$",
            "patch deployments.*scale",
            "patch kafkaconnects",
            "annotate kafkas.*pause-reconciliation=true",
            "delete deployments",
            "delete strimzipodsets.* backup-broker",
            "delete strimzipodsets.* backup-controller",
        )
    ]
    assert order == sorted(order)


def test_writers_that_are_not_there_are_no_reason_to_fail(shell: Shell) -> None:
    done = living(shell).phase("restoreStop")
    assert done.returncode == 0, done.stderr
    assert not [call for call in touched(shell) if re.search("bridges|connects|maker", call)]


def test_restore_needs_no_kafka(shell: Shell) -> None:
    done = shell.phase("restoreStop")
    assert done.returncode == 0, done.stderr
    assert "there is no Kafka backup" in done.stdout
    assert [call.split()[0] for call in touched(shell)] == ["patch"], "the switch alone"
    assert shell.recorded()["state"] == "restoring"


def test_pod_of_a_kafka_that_was_deleted_is_waited_for(shell: Shell) -> None:
    shell.on("get pods .*strimzi.io/name in \\(backup-kafka", "backup-broker-0", "")
    done = shell.phase("restoreStop")
    assert done.returncode == 0, done.stderr
    assert "pods still there: backup-broker-0" in done.stdout


# The objects


def put(shell: Shell) -> Shell:
    return whole(shell.on(STATE, "restoring"))


def test_objects_are_put_back_in_order(shell: Shell) -> None:
    done = put(shell).phase("restoreObjects")
    assert done.returncode == 0, done.stderr
    calls = [call for call in shell.writes() if call.args[1] != "configmap"]
    assert [call.args[0] for call in calls[:2]] == ["delete", "create"]
    assert calls[0].args[1:4] == ["persistentvolumeclaims", "data-0", "data-1"]
    assert [one["kind"] for one in calls[1].objects] == ["PersistentVolumeClaim"] * 2
    kinds = [(call.args[0], call.objects[0]["kind"]) for call in calls[2:]]
    assert kinds == [
        (verb, kind) for _version, kind in KINDS.values() for verb in ("create", "replace")
    ], "the tenth part comes after the sixth"
    assert shell.recorded() == {
        "clusterId": "abc",
        "nodeIds.broker": "[0,1]",
        "nodeIds.controller": "[2]",
    }


def test_claims_are_made_when_the_old_ones_are_gone(shell: Shell) -> None:
    shell.on("get persistentvolumeclaims.* -o name", "persistentvolumeclaim/data-0\n", "")
    done = put(shell).phase("restoreObjects")
    assert done.returncode == 0, done.stderr
    assert "still there: persistentvolumeclaim/data-0" in done.stdout


def test_claim_that_does_not_go_is_not_made_again(shell: Shell) -> None:
    shell.on("get persistentvolumeclaims.* -o name", "persistentvolumeclaim/data-0\n")
    done = put(shell).phase("restoreObjects", CLAIMS_LIMIT="0")
    assert done.returncode != 0
    assert [call.split()[0] for call in touched(shell)] == ["delete"]


@pytest.mark.parametrize("state", ["", "running", "stopped", "quiescing"])
def test_nothing_is_deleted_where_no_restore_has_begun(shell: Shell, state: str) -> None:
    done = put(shell.on(STATE, state)).phase("restoreObjects")
    assert done.returncode != 0
    assert "not restoring" in done.stderr.splitlines()[-1]
    assert not touched(shell)


def test_objects_that_exist_are_replaced(shell: Shell) -> None:
    there = (1, "", "Error from server (AlreadyExists): exists\n")
    done = put(shell.on("^create -n kafka-backup", there)).phase("restoreObjects")
    assert done.returncode == 0, done.stderr
    assert len(shell.calls("replace")) == len(KINDS)


def test_object_that_can_be_neither_made_nor_replaced_is_told(shell: Shell) -> None:
    wrong = (1, "", "Error from server (Invalid): a\nspec.kafka: Invalid value\n")
    shell.on("^create -n kafka-backup", wrong).on("^replace", "", "", wrong)
    done = put(shell).phase("restoreObjects")
    assert done.returncode != 0
    assert f"{PREFIX}-3-000: spec.kafka: Invalid value" in done.stderr.splitlines()[-1]


def test_answer_about_a_secret_may_quote_a_value(shell: Shell) -> None:
    wrong = (1, "", 'Error from server (Invalid): data.password: Invalid value: "s3cr3t"\n')
    shell.on("^create -n kafka-backup", wrong).on("^replace", wrong)
    done = put(shell).phase("restoreObjects")
    assert done.returncode != 0
    assert f"{PREFIX}-1-000: the API server refuses" in done.stderr.splitlines()[-1]
    assert "s3cr3t" not in done.stdout + done.stderr


@pytest.mark.parametrize("pattern", [PARTS, f"secret {PREFIX}-4-001", f"secret {PREFIX}-facts"])
def test_what_cannot_be_read_is_not_called_restored(shell: Shell, pattern: str) -> None:
    done = put(shell.on(pattern, FORBIDDEN)).phase("restoreObjects")
    assert done.returncode != 0
    assert "everything of backup" not in done.stdout


def test_no_secret_value_is_told(shell: Shell) -> None:
    done = put(shell).phase("restoreObjects")
    assert done.returncode == 0, done.stderr
    words = "\n".join(shell.calls()) + done.stdout + done.stderr
    assert "s3cr3t" not in words
    assert encoded("s3cr3t") not in words


# The identity


POOL_SAYS = r"get kafkanodepools.* {}.*status\.clusterId"
KAFKA_SAYS = r"get kafkas.*jsonpath=\{\.status\.clusterId\}"


def paused(shell: Shell) -> Shell:
    shell.on(PAUSED, "true").on("ReconciliationPaused", "True").on(r"\.data\.clusterId", "abc")
    shell.on(r"\.data\.nodeIds\\.broker", "[0,1]").on(r"\.data\.nodeIds\\.controller", "[2]")
    shell.on(POOL_SAYS.format("broker"), "abc|[0,1]").on(POOL_SAYS.format("controller"), "abc|[2]")
    shell.on(r"get kafkas.*spec\.kafka\.config\}", "7\n\n\nend")
    return shell.on(KAFKA_SAYS, "abc").on(r"spec\.roles", '["broker"]')


@pytest.mark.parametrize("name", ["restoreIdentity", "identify"])
def test_statuses_are_written(shell: Shell, name: str) -> None:
    done = paused(shell).phase(name, RETENTION="now")
    assert done.returncode == 0, done.stderr
    calls = shell.writes()
    assert all(call.args[5:7] == ["--subresource", "status"] for call in calls)
    assert [(call.args[2], call.patch["status"]) for call in calls] == [
        ("broker", {"clusterId": "abc", "nodeIds": [0, 1], "roles": ["broker"]}),
        ("controller", {"clusterId": "abc", "nodeIds": [2], "roles": ["broker"]}),
        ("backup", {"clusterId": "abc"}),
    ]


@pytest.mark.parametrize("pattern", [POOL_SAYS.format("controller"), KAFKA_SAYS])
def test_statuses_are_written_again_until_they_are_seen(shell: Shell, pattern: str) -> None:
    """A reconciliation under the pause writes the status that it read before."""
    full = "abc" if pattern == KAFKA_SAYS else "abc|[2]"
    done = paused(shell.on(pattern, "", "|", full)).phase("restoreIdentity", RETENTION="now")
    assert done.returncode == 0, done.stderr
    assert len(shell.writes()) == 9


def test_status_that_is_never_seen_is_told(shell: Shell) -> None:
    done = paused(shell.on(KAFKA_SAYS, "new")).phase("restoreIdentity", PAUSE_LIMIT="0")
    assert done.returncode != 0
    assert "Kafka backup says new" in done.stderr.splitlines()[-1]


def test_kafka_that_is_not_paused_gets_no_identity(shell: Shell) -> None:
    done = paused(shell.on(PAUSED, "")).phase("restoreIdentity")
    assert done.returncode != 0
    assert "may have given it new ids" in done.stderr.splitlines()[-1]
    assert not touched(shell)


@pytest.mark.parametrize(
    ("pattern", "value", "told"),
    [
        (r"\.data\.clusterId", "", "has no cluster id"),
        (r"\.data\.clusterId", 'a", "x": "', "has no cluster id"),
        (r"\.data\.nodeIds\\.controller", "", "no node ids of KafkaNodePool controller"),
        (r"\.data\.nodeIds\\.controller", '[0], "x": 1', "no node ids of KafkaNodePool controller"),
    ],
)
def test_damaged_identity_is_not_put_back(
    shell: Shell, pattern: str, value: str, told: str
) -> None:
    done = paused(shell.on(pattern, value)).phase("restoreIdentity")
    assert done.returncode != 0
    assert told in done.stderr
    assert "backup" not in {call.args[2] for call in shell.writes()}


def test_pool_may_have_a_dot_in_its_name(shell: Shell) -> None:
    shell.on(r"\.data\.nodeIds\\.a\\.b\}", "[7]").on(POOL_SAYS.format("a.b"), "abc|[7]")
    done = paused(shell).run(
        *("prelude.sh", "pause.sh", "retention.sh", "hold-retention.sh", "identity.sh"),
        BACKUP=BACKUP,
        RETENTION="now",
        NAMESPACE="kafka-backup",
        CLUSTER="backup",
        RECORD="r",
        POOLS="a.b",
        PAUSE_LIMIT="0",
        QUORUM_IS_KAFKA="yes",
    )
    assert done.returncode == 0, done.stderr
    assert shell.writes()[0].patch["status"]["nodeIds"] == [7]
