"""Putting a backup back: what is refused, in which order it is done, what the statuses say."""

from __future__ import annotations

import base64
import gzip
import json
import re

import pytest

from tests.fakes.kubectl import encoded
from tests.fakes.script_runner import BACKUP, FORBIDDEN, OWN_RUN, RUN, Shell, cycle

PREFIX = f"backup-backup-{BACKUP}"
AWAY_FOR_GOOD = (1, "", "Error from server (Invalid): x")
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
ALL_PARTS = ("10-000", "facts", "0-000", *KINDS)
NAMES = {"KafkaNodePool": "broker", "Kafka": "backup", "KafkaConnect": "sink"}
CLAIM = (
    '{{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": '
    '{{"name": "{}", "namespace": "kafka-backup"}}, '
    '"spec": {{"resources": {{"requests": {{"storage": "1Gi"}}}}}}}}\n'
)
CLAIMS = CLAIM.format("data-0") + CLAIM.format("data-1")
FACTS = "clusterId=abc\nkafkaVersion=4.0.0\nnodeIds.broker=[0,1]\nnodeIds.controller=[2]\nparts=9\n"
SNAPSHOTS = "get volumesnapshots"
PARTS = "get secrets .*-l kanister-kafka.io/backup"
GONE = (1, "", "Error from server (NotFound): secrets not found")
STATE = r"get configmap .*\{\.data\.state\}$"
PAUSED = r"get kafkas.*annotations\.strimzi"


def whole(shell: Shell) -> Shell:
    """Answer as a namespace that has a whole backup and nothing else; earlier answers go first."""
    names = [f"{PREFIX}-{part}" for part in ALL_PARTS]
    shell.on(PARTS, "".join(f"{name}\n" for name in dict.fromkeys(names)))
    shell.on(f"get secret {PREFIX}-facts .*annotations.*strategy", "")
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
    shell.on(OWN_RUN, f"7|restoring|{RUN}")
    return shell.on(SNAPSHOTS, rows_of("data-0", "data-1"))


def rows_of(*claims: str, ready: str = "true", size: str = "1Gi") -> str:
    return "".join(f"{claim}-{BACKUP}|{ready}|{size}\n" for claim in claims)


def touched(shell: Shell) -> list[str]:
    return [str(call) for call in shell.writes() if call.args[1] != "configmap"]


# The checks


def test_whole_backup_goes_into_an_empty_namespace(shell: Shell) -> None:
    done = whole(shell).phase("restoreCheck")
    assert done.returncode == 0, done.stderr
    assert not shell.writes()
    assert "claims data-0 data-1" in done.stdout
    assert f"backup {BACKUP} is complete" in done.stdout
    assert "OVERWRITTEN" not in done.stdout


@pytest.mark.parametrize("overwrite", ["", "false", "True", "yes", "<no value>"])
def test_nothing_is_overwritten_without_the_option(shell: Shell, overwrite: str) -> None:
    shell.on("get persistentvolumeclaims", "data-1 Bound\n")
    done = whole(shell.on("get kafkas", "kafka/backup\n")).phase(
        "restoreCheck", OVERWRITE=overwrite
    )
    assert done.returncode != 0
    assert "overwrite=true" in done.stderr.splitlines()[-1]
    assert "WILL BE OVERWRITTEN: persistentvolumeclaim/data-1" in done.stdout
    assert "WILL BE OVERWRITTEN: kafka/backup" in done.stdout
    assert not touched(shell)


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [("get persistentvolumeclaims", "data-0 Bound\n"), ("get kafkas.*-o name", "kafka/backup\n")],
)
def test_one_object_is_enough_to_refuse(shell: Shell, pattern: str, answer: str) -> None:
    done = whole(shell.on(pattern, answer)).phase("restoreCheck")
    assert done.returncode != 0


def test_overwritten_objects_are_logged_before(shell: Shell) -> None:
    shell.on("get persistentvolumeclaims", "data-1 Bound\n")
    done = whole(shell).phase("restoreCheck", OVERWRITE="true")
    assert done.returncode == 0, done.stderr
    assert "WILL BE OVERWRITTEN: persistentvolumeclaim/data-1" in done.stdout
    assert not shell.writes()


@pytest.mark.parametrize(
    ("pattern", "answer", "told"),
    [
        pytest.param(f"secret {PREFIX}-facts", GONE, "not complete", id="facts-gone"),
        pytest.param(f"secret {PREFIX}-facts", "", "not complete", id="facts-empty"),
        pytest.param(PARTS, f"{PREFIX}-0-000\n{PREFIX}-facts\n", "not all 9", id="part-gone"),
        pytest.param(f"secret {PREFIX}-0-000", GONE, "", id="claims-gone"),
        pytest.param(f"secret {PREFIX}-0-000", encoded("damaged"), "", id="claims-damaged"),
        pytest.param(SNAPSHOTS, "", f"data-0-{BACKUP} does not exist", id="snapshots-gone"),
        pytest.param(SNAPSHOTS, rows_of("data-0"), "data-1", id="snapshot-gone"),
        pytest.param(
            SNAPSHOTS,
            rows_of("data-0") + rows_of("data-1", ready="false"),
            "data-1",
            id="not-ready",
        ),
        pytest.param(SNAPSHOTS, rows_of("data-0", "my-data-1"), "data-1", id="another"),
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


def test_pools_of_the_backup_are_accepted(shell: Shell) -> None:
    shell.on("get kafkanodepools", "broker controller")
    done = whole(shell).phase("restoreCheck", OVERWRITE="true")
    assert done.returncode == 0, done.stderr


def facts(**change: str) -> str:
    """Return facts of the present format, with some of another value."""
    known = dict(line.split("=", 1) for line in FACTS.splitlines())
    known |= {"format": "2"} | {key.replace("_", "."): value for key, value in change.items()}
    return encoded("".join(f"{key}={value}\n" for key, value in known.items()))


MARK = rf"get secret {PREFIX}-facts .*complete"


@pytest.mark.parametrize("mark", ["", AWAY_FOR_GOOD], ids=["absent", "unreadable"])
def test_backup_without_the_mark_is_not_restored(
    shell: Shell, mark: str | tuple[int, str, str]
) -> None:
    shell.on(MARK, mark).on(f"get secret {PREFIX}-facts", facts())
    done = whole(shell).phase("restoreCheck")
    assert done.returncode != 0
    if not mark:
        assert "is not marked as complete" in done.stderr.splitlines()[-1]
    assert not [call for call in shell.all() if "--dry-run=server" in call.args]


def test_backup_with_the_mark_is_restored(shell: Shell) -> None:
    shell.on(MARK, "2026-01-02T03:30:00Z").on(f"get secret {PREFIX}-facts", facts())
    done = whole(shell).phase("restoreCheck")
    assert done.returncode == 0, done.stderr


def test_pool_of_the_backup_that_the_blueprint_does_not_know_is_refused(shell: Shell) -> None:
    """It has no stop, no rights and no start for its nodes."""
    more = encoded(FACTS + "nodeIds.retired=[5,6]\n")
    done = whole(shell.on(f"get secret {PREFIX}-facts", more)).phase("restoreCheck")
    assert done.returncode != 0
    message = done.stderr.splitlines()[-1]
    assert "KafkaNodePool retired is in the backup, and not in the Blueprint" in message
    assert "render the Blueprint from the pools of the backup" in message
    assert not touched(shell)


def test_pool_of_the_blueprint_that_the_backup_has_not_is_refused(shell: Shell) -> None:
    less = encoded(FACTS.replace("nodeIds.controller=[2]\n", ""))
    done = whole(shell.on(f"get secret {PREFIX}-facts", less)).phase("restoreCheck")
    assert done.returncode != 0
    message = done.stderr.splitlines()[-1]
    assert "KafkaNodePool controller is in the Blueprint, and not in the backup" in message
    assert "render and apply the Blueprint without it" in message


def tried(shell: Shell) -> list[tuple[str, str, str]]:
    """Verb, kind and name of each object that was tried."""
    return [
        (
            call.args[0],
            one["kind"],
            one["metadata"].get("name", one["metadata"].get("generateName")),
        )
        for call in shell.all()
        if "--dry-run=server" in call.args
        for one in call.objects
    ]


def test_each_object_is_tried_as_it_will_be_put_back(shell: Shell) -> None:
    shell.on("get persistentvolumeclaims", "data-1 Bound\n")
    shell.on("get secrets -n kafka-backup -o", "x\n")
    shell.on("get kafkas.*-o name", "kafka/backup\n").on("get kafkas.*metadata.name", "backup\n")
    shell.on("get kafkausers", "other\n").on("get kafkatopics", "other\nx\n")
    done = whole(shell).phase("restoreCheck", OVERWRITE="true")
    assert done.returncode == 0, done.stderr
    assert tried(shell) == [
        ("create", "PersistentVolumeClaim", "data-0"),
        ("create", "PersistentVolumeClaim", "data-1-"),
        ("replace", "Secret", "x"),
        ("replace", "Secret", "x"),
        ("create", "KafkaUser", "x"),
        ("replace", "KafkaTopic", "x"),
        ("replace", "KafkaTopic", "x"),
        ("create", "KafkaNodePool", "broker"),
        ("replace", "Kafka", "backup"),
        ("create", "KafkaConnect", "sink"),
    ]
    assert not shell.writes()


def test_all_problems_are_reported_at_once_and_nothing_is_changed(shell: Shell) -> None:
    claim = '(Forbidden): error when creating "STDIN": persistentvolumeclaims "data-0" is forbidden'
    secret = (1, "", 'Error from server (Invalid): data.password: Invalid value: "s3cr3t"\n')
    topic = 'The KafkaTopic "x" is invalid: \n* spec.partitions: Invalid value\n* spec: wrong\n'
    shell.on(
        "^create --dry-run=server",
        (1, "", f"Error from server {claim}: exceeded quota: few\n"),
        *[secret] * 4,  # each as one of many, then by itself
        (0, "", "Warning: soon gone\n"),
        (1, "", topic),
        "",
    )
    done = whole(shell).phase("restoreCheck")
    assert done.returncode != 0
    problems = [
        line.partition("PROBLEM: ")[2] for line in done.stdout.splitlines() if "PROBLEM" in line
    ]
    assert problems == [
        "PersistentVolumeClaim cannot be restored: Error from server (Forbidden): "
        'persistentvolumeclaims "data-0" is forbidden: exceeded quota: few',
        "Secret x cannot be restored: Invalid",
        "Secret x cannot be restored: Invalid",
        'KafkaTopic cannot be restored: The KafkaTopic "x" is invalid: '
        "spec.partitions: Invalid value spec: wrong",
    ]
    message = done.stderr.splitlines()[-1]
    assert "nothing was changed, because: " in message
    assert all(problem in message for problem in problems)
    assert "s3cr3t" not in done.stdout + done.stderr
    assert not touched(shell)


def test_the_quota_does_not_count_replaced_claims(shell: Shell) -> None:
    """What they take is free when they are deleted."""
    full = (
        1,
        "",
        'Error from server (Forbidden): persistentvolumeclaims "data-0-" is forbidden: '
        "exceeded quota: claims\n",
    )
    shell.on("get persistentvolumeclaims", "data-0 Bound\ndata-1 Bound\n")
    done = whole(shell.on("^create --dry-run=server", full, "")).phase(
        "restoreCheck", OVERWRITE="true"
    )
    assert done.returncode == 0, done.stderr


def test_an_api_version_that_is_not_served_is_reported_once(shell: Shell) -> None:
    shell.on("get --raw", '{"versions":[{"version":"v1"}]}')
    done = whole(shell).phase("restoreCheck")
    assert done.returncode != 0
    assert done.stdout.count("which this cluster does not serve") == 5, "once for each kind"
    message = done.stderr.splitlines()[-1]
    assert "KafkaTopic x has apiVersion kafka.strimzi.io/v1beta2 in the backup, which" in message


@pytest.mark.parametrize(
    ("request_", "size", "raised"),
    [
        ("1500Mi", "2Gi", True),
        ("10G", "10Gi", True),
        ("2147483647", "2Gi", True),
        ("9007199254740993", "9007199254740994", True),
        ("1E", "1Ei", True),
        ("2Gi", "2147483648", False),
        ("1.5Gi", "1536Mi", False),
        ("1Ti", "1024Gi", False),
        ("1e3", "1000000m", False),
        ("12Gi", "", False),
    ],
)
def test_request_below_the_size_of_its_snapshot_is_raised(
    shell: Shell, request_: str, size: str, *, raised: bool
) -> None:
    """A driver that rounds up makes no volume from a snapshot that is bigger than the claim."""
    small = CLAIM.format("data-0").replace("1Gi", request_) + CLAIM.format("data-1")
    shell.on(f"get secret {PREFIX}-0-000", encoded(small))
    shell.on(SNAPSHOTS, rows_of("data-0", size=size) + rows_of("data-1"))
    done = put(shell).phase("restoreObjects")
    assert done.returncode == 0, done.stderr
    made = [one["spec"]["resources"] for one in shell.made("PersistentVolumeClaim")]
    assert made == [
        {"requests": {"storage": size if raised else request_}},
        {"requests": {"storage": "1Gi"}},
    ]
    assert (f"claim data-0 requests {request_}" in done.stderr) == raised


def test_an_invalid_size_is_reported_before_a_deletion(shell: Shell) -> None:
    shell.on(SNAPSHOTS, rows_of("data-0", "data-1", size="1Zi"))
    for name in ("restoreCheck", "restoreObjects"):
        done = put(shell).phase(name)
        assert done.returncode != 0
        assert "1Zi is not a quantity" in done.stderr
        assert not touched(shell)


@pytest.mark.parametrize(
    ("spec", "runs", "told"),
    [
        ({"version": "4.1.0"}, "4.2.0", "is of Kafka 4.1.0, and Kafka 4.2.0 runs now"),
        ({"version": "4.1.0"}, "", "is of Kafka 4.1.0; check that the operator has"),
        ({"version": "4.1.0"}, "4.1.0", ""),
        ({}, "4.2.0", ""),
        ({"tieredStorage": {"type": "custom"}}, "", "has tiered storage"),
        ({"config": {"remote.log.storage.system.enable": True}}, "", "has tiered storage"),
        ({"config": {"remote.log.storage.system.enable": False}}, "", ""),
    ],
)
def test_missing_requirements_of_the_kafka_are_reported(
    shell: Shell, spec: dict[str, object], runs: str, told: str
) -> None:
    one = {
        "apiVersion": "kafka.strimzi.io/v1beta2",
        "kind": "Kafka",
        "metadata": {"name": "backup", "namespace": "kafka-backup"},
        "spec": {"kafka": spec},
    }
    shell.on(f"get secret {PREFIX}-6-000", encoded(json.dumps(one)))
    if runs:
        shell.on("get kafkas.*-o name", "kafka/backup\n").on("kafkaVersion", runs)
    done = whole(shell).phase("restoreCheck", OVERWRITE="true")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if "WARNING" in line]
    warnings = [line for line in lines if "retention of its topics" not in line]
    assert bool(warnings) == bool(told)
    assert told in "".join(warnings)


def test_objects_that_the_backup_lacks_are_reported(shell: Shell) -> None:
    held = encoded(FACTS + "notKept=KafkaTopics of namespace topics\n")
    done = whole(shell.on(f"get secret {PREFIX}-facts", held)).phase("restoreCheck")
    assert done.returncode == 0, done.stderr
    assert "WARNING: KafkaTopics of namespace topics are not in the backup" in done.stdout


@pytest.mark.parametrize("name", ["", "<no value>", "2026", f"{BACKUP}0", "../../etc/passwd"])
def test_damaged_artifact_is_refused(shell: Shell, name: str) -> None:
    done = whole(shell).phase("restoreCheck", BACKUP=name, OVERWRITE="true")
    assert done.returncode != 0
    assert "has the backup" in done.stderr.splitlines()[-1]
    assert not touched(shell)


def test_a_missing_right_is_reported_first(shell: Shell) -> None:
    done = whole(shell.on("^create --validate=false", "false\n")).phase("restoreCheck")
    assert done.returncode != 0
    assert "lacks rights" in done.stderr.splitlines()[-1]


def test_checks_come_before_the_stop_and_the_stop_before_the_objects() -> None:
    (restore,) = [action for action in cycle().actions if action.name == "restore"]
    assert [phase.name for phase in restore.phases] == [
        "restoreCheck",
        "restoreStop",
        "restoreSnapshot",
        "restoreObjects",
        "restoreIdentity",
        "restoreRestart",
    ]


# The stop


def living(shell: Shell) -> Shell:
    shell.on("get kafkas.* -o name", "kafka/backup\n").on("ReconciliationPaused", "", "True")
    shell.on(PAUSED, "true")
    return shell.on(OWN_RUN, f"7|restoring|{RUN}").on("get kafka.*replicas-before", "2|")


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
    assert [call.split()[0] for call in touched(shell)] == ["patch"], "the watchdog alone"
    assert shell.recorded()["state"] == "restoring"


def test_pod_of_a_kafka_that_was_deleted_is_waited_for(shell: Shell) -> None:
    there = "backup-broker-0"  # for the look before, and for that after the stop
    shell.on("get pods .*strimzi.io/name in \\(backup-kafka", there, there, "")
    done = shell.phase("restoreStop")
    assert done.returncode == 0, done.stderr
    assert "pods still there: backup-broker-0" in done.stdout


# The objects


def put(shell: Shell) -> Shell:
    return whole(shell.on(OWN_RUN, f"7|restoring|{RUN}"))


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
        "kafkaVersion": "4.0.0",
        "nodeIds.broker": "[0,1]",
        "nodeIds.controller": "[2]",
    }


def test_a_stopped_connector_is_put_back_as_stopped(shell: Shell) -> None:
    """From 1.2 on, the operator creates it in this state; before, it starts it first."""
    connector = {
        "apiVersion": "kafka.strimzi.io/v1beta2",
        "kind": "KafkaConnector",
        "metadata": {"name": "tofile", "namespace": "kafka-backup"},
        "spec": {"class": "C", "state": "stopped"},
    }
    shell.on(f"get secret {PREFIX}-10-000", encoded(json.dumps(connector)))
    done = put(shell).phase("restoreObjects")
    assert done.returncode == 0, done.stderr
    written = [call.objects for call in shell.writes() if "KafkaConnector" in call.text]
    assert written == [[connector], [connector]], "created and, as it may exist, replaced"


def test_claims_are_made_when_the_old_ones_are_gone(shell: Shell) -> None:
    shell.on("get persistentvolumeclaims", "data-0 Terminating\nother Bound\n", "other Bound\n")
    done = put(shell).phase("restoreObjects")
    assert done.returncode == 0, done.stderr
    assert "still there: data-0\n" in done.stdout


def test_claim_that_does_not_go_is_not_made_again(shell: Shell) -> None:
    shell.on("get persistentvolumeclaims", "data-0 Bound\n")
    done = put(shell).phase("restoreObjects", CLAIMS_TIMEOUT="0")
    assert done.returncode != 0
    assert [call.split()[0] for call in touched(shell)] == ["delete"]


OTHERS = pytest.mark.parametrize(
    "fields",
    ["7||", f"7|running|{RUN}", f"7|stopped|{RUN}", "7|restoring|2026-01-02T03:00:00.000Z"],
)


def assert_reason_only_if_own(shell: Shell, fields: str) -> None:
    """The state ConfigMap of another run is left alone; that of this run gets the reason."""
    is_own = fields.endswith(f"|{RUN}")
    assert set(shell.recorded()) == ({"failure"} if is_own else set())


@OTHERS
def test_nothing_is_deleted_before_a_restore_begins(shell: Shell, fields: str) -> None:
    done = put(shell.on(OWN_RUN, fields)).phase("restoreObjects")
    assert done.returncode != 0
    assert "not restoring by this run" in done.stderr.splitlines()[-1]
    assert not touched(shell)
    assert_reason_only_if_own(shell, fields)


@OTHERS
@pytest.mark.parametrize("name", ["restoreSnapshot", "restoreIdentity", "restoreRestart"])
def test_a_restore_ends_when_another_run_has_begun(shell: Shell, name: str, fields: str) -> None:
    done = starting(whole(shell.on(OWN_RUN, fields))).phase(name)
    assert done.returncode != 0
    assert "not restoring by this run" in done.stderr.splitlines()[-1]
    assert not touched(shell)
    assert_reason_only_if_own(shell, fields)


def test_no_object_is_created_between_those_of_another_restore(shell: Shell) -> None:
    mine, other = f"7|restoring|{RUN}", "7|restoring|2026-01-02T03:00:00.000Z"
    done = put(shell.on(OWN_RUN, mine, other)).phase("restoreObjects")
    assert done.returncode != 0
    assert [call.split()[0] for call in touched(shell)] == ["delete"]


def test_objects_that_exist_are_replaced(shell: Shell) -> None:
    there = (1, "", "Error from server (AlreadyExists): exists\n")
    done = put(shell.on("^create -n kafka-backup", there)).phase("restoreObjects")
    assert done.returncode == 0, done.stderr
    assert len(shell.calls("replace")) == len(KINDS)


def test_an_object_that_cannot_be_created_or_replaced_is_reported(shell: Shell) -> None:
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
    assert "all objects of backup" not in done.stdout


def test_output_has_no_value_of_a_secret(shell: Shell) -> None:
    done = put(shell).phase("restoreObjects")
    assert done.returncode == 0, done.stderr
    words = "\n".join(shell.calls()) + done.stdout + done.stderr
    assert "s3cr3t" not in words
    assert encoded("s3cr3t") not in words


# The identity


POOL_SAYS = r"get kafkanodepools.* {}.*status\.clusterId"
KAFKA_SAYS = r"get kafkas.*jsonpath=\{\.status\.clusterId\}"


def paused(shell: Shell) -> Shell:
    shell.on(OWN_RUN, f"7|restoring|{RUN}")
    shell.on(PAUSED, "true").on("ReconciliationPaused", "True").on(r"\.data\.clusterId", "abc")
    shell.on(r"\.data\.nodeIds\\.broker", "[0,1]").on(r"\.data\.nodeIds\\.controller", "[2]")
    shell.on(f"get secret {PREFIX}-facts", encoded(FACTS))
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


def test_an_unexpected_status_is_reported(shell: Shell) -> None:
    done = paused(shell.on(KAFKA_SAYS, "new")).phase("restoreIdentity", PAUSE_TIMEOUT="0")
    assert done.returncode != 0
    assert "Kafka backup has new" in done.stderr.splitlines()[-1]


def test_kafka_that_is_not_paused_gets_no_identity(shell: Shell) -> None:
    done = paused(shell.on(PAUSED, "")).phase("restoreIdentity")
    assert done.returncode != 0
    assert "may have created new ids" in done.stderr.splitlines()[-1]
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
    done = paused(shell.on(pattern, value)).phase("identify")
    assert done.returncode != 0
    assert told in done.stderr
    assert "backup" not in {call.args[2] for call in shell.writes()}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("clusterId=abc", "clusterId=", "has no cluster id"),
        (
            "nodeIds.controller=[2]",
            "nodeIds.controller=",
            "no node ids of KafkaNodePool controller",
        ),
        ("nodeIds.broker=[0,1]", "nodeIds.broker=[0", "no node ids of KafkaNodePool broker"),
    ],
)
def test_damaged_facts_are_not_put_back(shell: Shell, old: str, new: str, told: str) -> None:
    shell.on(f"get secret {PREFIX}-facts", encoded(FACTS.replace(old, new)))
    done = paused(shell).phase("restoreIdentity")
    assert done.returncode != 0
    assert f"Secret {PREFIX}-facts" in done.stderr
    assert told in done.stderr
    assert "backup" not in {call.args[2] for call in shell.writes()}


def test_identity_is_of_the_pools_of_the_backup(shell: Shell) -> None:
    """Not of those that the Blueprint names, nor of what the record says by now."""
    facts = FACTS.replace("nodeIds.broker=[0,1]", "nodeIds.retired=[5, 6]")
    shell.on(f"get secret {PREFIX}-facts", encoded(facts))
    shell.on(POOL_SAYS.format("retired"), "abc|[5, 6]")
    done = paused(shell).phase("restoreIdentity", RETENTION="now")
    assert done.returncode == 0, done.stderr
    found = {call.args[2]: call.patch["status"].get("nodeIds") for call in shell.writes()}
    assert found == {"retired": [5, 6], "controller": [2], "backup": None}


def test_pool_may_have_a_dot_in_its_name(shell: Shell) -> None:
    shell.on(r"\.data\.nodeIds\\.a\\.b\}", "[7]").on(POOL_SAYS.format("a.b"), "abc|[7]")
    done = paused(shell).run(
        *(
            "common.sh",
            "pause-reconciliation.sh",
            "report-retention.sh",
            "hold-retention.sh",
            "restore-cluster-id.sh",
        ),
        BACKUP="",
        RETENTION="now",
        NAMESPACE="kafka-backup",
        CLUSTER="backup",
        STATE_CONFIGMAP="r",
        POOLS="a.b",
        PAUSE_TIMEOUT="0",
        KRAFT="yes",
    )
    assert done.returncode == 0, done.stderr
    assert shell.writes()[0].patch["status"]["nodeIds"] == [7]


def packed(text: str) -> str:
    """What kubectl prints of both keys of a part, as format 2 has it."""
    return "|" + base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def test_thousands_of_claims_in_several_parts_are_put_back(shell: Shell) -> None:
    """As a backup of today has them: compact, compressed, and no name an argument too many."""
    names = [f"data-a-cluster-with-a-long-name-broker-{i}" for i in range(2000)]
    halves = names[:1200], names[1200:]
    for part, half in enumerate(halves):
        text = "".join(CLAIM.format(name) for name in half)
        shell.on(f"get secret {PREFIX}-0-00{part}", packed(text))
    users = [{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"u{i}"}} for i in (1, 2)]
    shell.on(f"get secret {PREFIX}-2-000", packed("".join(f"{json.dumps(u)}\n" for u in users)))
    parts = dict.fromkeys((*ALL_PARTS, "0-001"))
    shell.on(PARTS, "".join(f"{PREFIX}-{part}\n" for part in parts))
    shell.on(SNAPSHOTS, rows_of(*names, size="2Gi"))
    there = "".join(f"{name} Bound\n" for name in names[::2])
    shell.on("get persistentvolumeclaims", there, "")
    done = put(shell).phase("restoreObjects")
    assert done.returncode == 0, done.stderr
    made = shell.made("PersistentVolumeClaim")
    assert [one["metadata"]["name"] for one in made] == names
    assert {one["spec"]["resources"]["requests"]["storage"] for one in made} == {"2Gi"}
    deleted = [call for call in shell.writes() if call.args[0] == "delete"]
    assert [name for call in deleted for name in call.args[2:-4]] == names
    assert max(len(str(call)) for call in shell.writes()) < 10_000
    assert [one["metadata"]["name"] for one in shell.made("Secret")] == ["x", "u1", "u2"]


# What is replaced


BEFORE = r"get configmap .*\{\.data\.before\}$"
REPLACED = "get volumesnapshots.*before-restore"
ID = "".join(filter(str.isdecimal, RUN))
FORMER_ID = "20250101000000"
"""By a version that took the digits of a second only."""


def replacing(shell: Shell) -> Shell:
    """Answer as a cluster that is stopped, with its claims; earlier answers go first."""
    shell.on(BEFORE, ID).on("get persistentvolumeclaims", "data-0 Bound\ndata-1 Bound\nmy Bound\n")
    shell.on(REPLACED, "", f"data-0-before-{ID}|true|\ndata-1-before-{ID}|true|\n")
    return put(shell)


def test_claims_are_snapshotted_before_they_are_deleted(shell: Shell) -> None:
    done = replacing(shell).phase("restoreSnapshot")
    assert done.returncode == 0, done.stderr
    (call,) = shell.writes()
    assert [one["metadata"]["name"] for one in call.objects] == [
        f"data-0-before-{ID}",
        f"data-1-before-{ID}",
    ]
    for one in call.objects:
        assert one["metadata"]["labels"] == {
            "kanister-kafka.io/before-restore": ID,
            "kanister-kafka.io/cluster": "backup",
            "app.kubernetes.io/managed-by": "kanister-kafka",
        }, "not the label of a backup, with which it would be deleted"
    assert call.objects[1]["spec"] == {"source": {"persistentVolumeClaimName": "data-1"}}
    assert f"kept in VolumeSnapshots CLAIM-before-{ID}" in done.stdout


@pytest.mark.parametrize("id_", [FORMER_ID, "20260102030405123456789"])
def test_name_of_the_snapshots(shell: Shell, id_: str) -> None:
    done = replacing(shell.on(BEFORE, id_).on(REPLACED, "", "")).phase("restoreSnapshot")
    assert done.returncode == 0, done.stderr
    assert [one["metadata"]["name"] for one in shell.made("VolumeSnapshot")] == [
        f"data-0-before-{id_}",
        f"data-1-before-{id_}",
    ]


def test_two_restores_of_one_second_have_different_names(tmp_path) -> None:
    """The second could take the snapshots of the first for its own, while these are deleted."""
    names = set()
    for fraction in ("1", "100000001", "2"):
        folder = tmp_path / fraction
        folder.mkdir()
        shell = Shell(folder)
        shell.on(STATE, "running").on(BEFORE, "").on("get pods .*backup-kafka,", "")
        done = shell.phase("restoreStop", RUN_ID=f"2026-01-02T03:04:05.{fraction}Z")
        assert done.returncode == 0, done.stderr
        names.add(shell.recorded()["before"])
    assert names == {f"20260102030405{fraction}" for fraction in ("1", "100000001", "2")}


def test_snapshots_of_an_earlier_try_stay(shell: Shell) -> None:
    shell.on(REPLACED, f"data-0-before-{ID}|true|\n", f"data-0-before-{ID}|true|\n")
    done = replacing(shell).phase("restoreSnapshot", SNAPSHOT_CLASS="fast")
    assert done.returncode == 0, done.stderr
    (call,) = shell.writes()
    (one,) = call.objects
    assert one["metadata"]["name"] == f"data-1-before-{ID}"
    assert one["spec"]["volumeSnapshotClassName"] == "fast"
    assert f"VolumeSnapshot data-0-before-{ID} of an earlier attempt stays" in done.stdout


def test_snapshot_that_is_not_ready_ends_the_restore(shell: Shell) -> None:
    shell.on(REPLACED, f"data-0-before-{ID}|false|no room\ndata-1-before-{ID}|true|\n")
    done = replacing(shell).phase("restoreSnapshot", READY_TIMEOUT="0")
    assert done.returncode != 0
    assert f"data-0-before-{ID} is not ready to use (no room)" in done.stderr.splitlines()[-1]
    assert not [call for call in shell.writes() if call.args[0] == "delete"]


def test_claim_without_a_volume_has_nothing_to_keep(shell: Shell) -> None:
    shell.on("get persistentvolumeclaims", "data-0 Pending\ndata-1 Bound\n")
    done = replacing(shell).phase("restoreSnapshot")
    assert done.returncode == 0, done.stderr
    assert [one["metadata"]["name"] for one in shell.made("VolumeSnapshot")] == [
        f"data-1-before-{ID}"
    ]
    assert "claim data-0 is Pending" in done.stdout


def test_discarded_objects_are_logged(shell: Shell) -> None:
    done = replacing(shell).phase("restoreSnapshot", DISCARD_REPLACED="true")
    assert done.returncode == 0, done.stderr
    assert "the current data of these volumes IS LOST: data-0 data-1" in done.stdout
    assert shell.events() == ["Discarded"]
    assert not shell.made("VolumeSnapshot")


@pytest.mark.parametrize("told", ["", "<no value>", "yes", "True"])
def test_nothing_is_discarded_by_a_word_that_is_not_true(shell: Shell, told: str) -> None:
    done = replacing(shell).phase("restoreSnapshot", DISCARD_REPLACED=told)
    assert done.returncode == 0, done.stderr
    assert len(shell.made("VolumeSnapshot")) == 2


@pytest.mark.parametrize(
    ("pattern", "answer"),
    [
        (BEFORE, ""),
        (BEFORE, "x,y"),
        (OWN_RUN, f"7|running|{RUN}"),
        (REPLACED, FORBIDDEN),
        ("get persistentvolumeclaims", FORBIDDEN),
    ],
)
def test_what_is_not_known_is_not_kept(
    shell: Shell, pattern: str, answer: str | tuple[int, str, str]
) -> None:
    done = replacing(shell.on(pattern, answer)).phase("restoreSnapshot")
    assert done.returncode != 0
    assert not touched(shell)


@pytest.mark.parametrize(
    ("state", "before", "pods", "wanted"),
    [
        pytest.param("running", "", "", ID, id="first"),
        pytest.param("restoring", FORMER_ID, "", FORMER_ID, id="repeated"),
        pytest.param(
            "restoring",
            FORMER_ID,
            "backup-broker-0",
            f"{ID} {FORMER_ID}",
            id="started",
        ),
        pytest.param("running", FORMER_ID, "", f"{ID} {FORMER_ID}", id="left"),
        pytest.param("restoring", "", "", ID, id="lost"),
    ],
)
def test_a_repeated_restore_keeps_the_facts_of_the_first_try(
    shell: Shell, state: str, before: str, pods: str, wanted: str
) -> None:
    shell.on(STATE, state).on(BEFORE, before).on("get pods .*backup-kafka,", pods, "")
    done = shell.phase("restoreStop")
    assert done.returncode == 0, done.stderr
    assert shell.recorded()["before"] == wanted


def test_certificates_of_other_authorities_go(shell: Shell) -> None:
    """The operator renews none where only the authority has changed, and not its generation."""
    rows = [
        ("backup-cluster-ca-cert", {"ca.crt": "c2VjcmV0"}),
        ("backup-clients-ca-cert", {"ca.crt": "c2VjcmV0"}),
        ("backup-cluster-operator-certs", {"cluster-operator.crt": "c2VjcmV0", "x.key": "eA=="}),
        ("backup-broker-0", {"backup-broker-0.crt": "c2VjcmV0"}),
        ("backup-kafka-jmx", {"jmx-password": "c2VjcmV0"}),
    ]
    text = "".join(f"{name}|{json.dumps(data, separators=(',', ':'))}\n" for name, data in rows)
    shell.on("get secrets .*strimzi.io/kind=Kafka,.*!=certificate-authority", text)
    done = put(shell).phase("restoreObjects")
    assert done.returncode == 0, done.stderr
    (call,) = [call for call in shell.writes() if call.args[:2] == ["delete", "secrets"]]
    assert call.args[2:4] == ["backup-cluster-operator-certs", "backup-broker-0"]
    order = [str(one) for one in shell.writes()]
    assert order.index(str(call)) < next(i for i, one in enumerate(order) if "replace" in one)
    assert "c2VjcmV0" not in done.stdout + done.stderr


# The end


ENDED = r"get kafkas.*observedGeneration"
OPERATORS = "get deployments.*entity-operator"
HOPE = r"get kafkas.*NotReady.*message"


def starting(shell: Shell) -> Shell:
    """Answer as a restored cluster whose pods are Ready; earlier answers go first."""
    shell.on(r"data\.endedBy", f"restoring|{RUN}|").on("pause-before", "unset")
    shell.on(OWN_RUN, f"7|restoring|{RUN}")
    shell.on("custom-columns", "backup-broker 1 b\nbackup-controller 1 c\n")
    shell.on(ENDED, '3|3|True||{"watched":1}').on(OPERATORS, "1").on(BEFORE, f"{ID} {FORMER_ID}")
    return shell


@pytest.mark.parametrize("name", ["restoreRestart", "restartRestored"])
@pytest.mark.parametrize(
    ("pattern", "answer", "told"),
    [
        pytest.param(ENDED, "3|2|True||{}", "Kafka backup is not Ready", id="behind"),
        pytest.param(
            ENDED, "3|3||TimeoutException|{}", "is not Ready (TimeoutException)", id="not"
        ),
        pytest.param(ENDED, "3||||", "Kafka backup is not Ready", id="nothing"),
        pytest.param(OPERATORS, "", "backup-entity-operator is not Ready", id="operators"),
    ],
)
def test_restore_ends_when_topics_can_be_made(
    shell: Shell, name: str, pattern: str, answer: str, told: str
) -> None:
    done = starting(shell.on(pattern, answer, "3|3|True||{}" if pattern == ENDED else "1")).phase(
        name
    )
    assert done.returncode == 0, done.stderr
    assert told in done.stdout
    assert shell.recorded()["state"] == "running"


def test_restore_without_operators_of_topics_waits_for_none(shell: Shell) -> None:
    done = starting(shell.on(ENDED, "3|3|True||").on(OPERATORS, "")).phase("restoreRestart")
    assert done.returncode == 0, done.stderr


def test_replaced_volumes_are_let_go_when_kafka_is_ready(shell: Shell) -> None:
    done = starting(shell.on(ENDED, "3|2|||", "3|3|True||")).phase("restoreRestart")
    assert done.returncode == 0, done.stderr
    calls = [str(call) for call in shell.all()]
    gone = [call for call in calls if call.startswith("delete volumesnapshots")]
    label = "kanister-kafka.io/before-restore"
    assert [re.findall(rf"{label}=(\d+),", call) for call in gone] == [[ID], [FORMER_ID]]
    ready = max(i for i, call in enumerate(calls) if re.search(ENDED, call))
    assert ready < calls.index(gone[0])
    assert shell.recorded()["before"] == ""


def test_replaced_volumes_stay_where_kafka_does_not_become_ready(shell: Shell) -> None:
    done = starting(shell.on(ENDED, "3|2|||")).phase("restoreRestart", READY_TIMEOUT="2")
    assert done.returncode != 0
    assert "delete" not in [call.args[0] for call in shell.writes()]


def test_undeletable_snapshots_do_not_fail_the_restore(shell: Shell) -> None:
    wrong = (1, "", "Error from server (Invalid): x")
    done = starting(shell.on("^delete volumesnapshots", wrong, "")).phase("restoreRestart")
    assert done.returncode == 0, done.stderr
    assert f"'kanister-kafka.io/before-restore in ({ID})'" in done.stdout
    assert shell.recorded()["before"] == ID


def test_restart_by_kasten_removes_no_snapshot(shell: Shell) -> None:
    done = starting(shell).phase("restartRestored")
    assert done.returncode == 0, done.stderr
    assert "delete" not in [call.args[0] for call in shell.writes()]


@pytest.mark.parametrize("name", ["restoreRestart", "restartRestored"])
def test_an_unsupported_version_is_reported_at_once(shell: Shell, name: str) -> None:
    """Strimzi's KafkaVersion.java; no waiting makes it another version."""
    text = "Unsupported Kafka.spec.kafka.version: 4.1.0. Supported versions are: [4.2.0, 4.3.0]"
    shell.on(HOPE, f"UnsupportedKafkaVersionException|{text}")
    shell.on("custom-columns", "")
    done = starting(shell).phase(name)
    assert done.returncode != 0
    message = done.stderr.splitlines()[-1]
    assert "Supported versions are:  4.2.0, 4.3.0" in message
    assert "Then run the action resume" in message
    assert "delete" not in [call.args[0] for call in shell.writes()]


def test_backup_restart_does_not_wait_for_more_than_pods(shell: Shell) -> None:
    """An outage is over when the nodes serve."""
    shell.on(r"data\.endedBy", f"stopping|{RUN}|").on(ENDED, "3|2|||")
    shell.on(OWN_RUN, f"7|restarting|{RUN}")
    done = starting(shell).phase("backupRestart")
    assert "everything is as before the stop" in done.stdout, done.stderr
    assert not [call for call in shell.calls() if re.search(ENDED, call)]
