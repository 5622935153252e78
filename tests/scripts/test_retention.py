"""Retention of a restored Kafka: what is told of it, how it is held, and how that ends."""

from __future__ import annotations

import base64
import gzip
import json
import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanister_kafka import constants
from kanister_kafka.backup.options import Strategy
from kanister_kafka.strimzi.retention import hold, read_held, released_spec
from tests.backup.test_planner import plan_of
from tests.fakes.kubectl import _merged as merged
from tests.fakes.script_runner import AWAY, BACKUP, CONFLICT, FORBIDDEN, RUN, Call, Shell, cycle
from tests.scripts.test_restore import FACTS, PREFIX, encoded, paused, touched, whole

CONFIG = r"get kafkas.*spec\.kafka\.config\}"
OPTIONS = {
    "log.initial.task.delay.ms": "315360000000",
    "log.cleaner.enable": "false",
    "offsets.retention.minutes": "2147483647",
    "offsets.retention.check.interval.ms": "315360000000",
    "transactional.id.expiration.ms": "2147483647",
    "transaction.remove.expired.transaction.cleanup.interval.ms": "2147483647",
    "producer.id.expiration.ms": "2147483647",
    "producer.id.expiration.check.interval.ms": "2147483647",
}
FOUND = (
    None,
    {},
    {"offsets.retention.minutes": 4320, "num.partitions": 3},
    {"log.cleaner.enable": True, "log.retention.hours": "72"},
    {"log.initial.task.delay.ms": "1000", "offsets.retention.minutes": "20160"},
    {"a": 'x,"log.cleaner.enable":true,', "log.cleaner.enable": False, "b": "{}"},
    {"producer.id.expiration.ms": 86400000, "transactional.id.expiration.ms": 1.5},
    dict.fromkeys(OPTIONS, "1"),
)


def kafka(config: dict[str, Any] | None, memo: str = "") -> dict[str, Any]:
    notes = {constants.RETENTION_HELD: memo} if memo else {}
    inner = {"version": "4.0.0"} | ({} if config is None else {"config": config})
    return {"metadata": {"resourceVersion": "7", "annotations": notes}, "spec": {"kafka": inner}}


def answer(item: dict[str, Any]) -> str:
    """What kubectl prints of it for read_config: JSON as Go spells it, on one line."""
    memo = item["metadata"]["annotations"].get(constants.RETENTION_HELD, "")
    config = item["spec"]["kafka"].get("config")
    text = "" if config is None else json.dumps(config, separators=(",", ":"), sort_keys=True)
    return f"{item['metadata']['resourceVersion']}\n{memo}\n{text}\nend"


def settled(shell: Shell, item: dict[str, Any], retention: str = "") -> dict[str, Any]:
    """Settle it as the identity phase does, and return what the writes have made of it."""
    shell.answers.clear()
    shell.on(CONFIG, answer(item))
    files = ("common.sh", "report-retention.sh", "hold-retention.sh")
    body = "find_api\napply_retention 2026-01-02T03:04:05Z"
    done = shell.run(*files, body=body, RETENTION=retention)
    assert done.returncode == 0, done.stderr
    for call in shell.writes():
        item = merged(item, call.patch)
    return item


def changed(shell: Shell) -> list[Call]:
    """What was written but into statuses and the record."""
    writes = [call for call in shell.writes() if call.args[1] != "configmap"]
    return [call for call in writes if "--subresource" not in call.args]


def held_annotation(item: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(item["metadata"]["annotations"][constants.RETENTION_HELD])
    return found


@pytest.mark.parametrize("config", FOUND, ids=range(len(FOUND)))
def test_hold_keeps_what_the_options_were_and_changes_no_other(
    shell: Shell, config: dict[str, Any] | None
) -> None:
    held = settled(shell, kafka(config))
    assert held["spec"]["kafka"]["config"] == {**(config or {}), **OPTIONS}
    memo = held_annotation(held)
    assert memo["retention"] == "hold"
    assert memo["held"] == OPTIONS
    assert memo["backup"] == "2026-01-02T03:04:05Z"
    was = None if config is None else {key: config.get(key) for key in OPTIONS}
    assert memo["before"] == was


@pytest.mark.parametrize("config", FOUND, ids=range(len(FOUND)))
def test_hold_and_its_end_give_back_the_very_same_configuration(
    shell: Shell, config: dict[str, Any] | None
) -> None:
    found = kafka(config)
    held = settled(shell, settled(shell, found), "90m")  # a repeat takes nothing for what was found
    assert held["spec"]["kafka"]["config"]["log.initial.task.delay.ms"] == "5400000"
    assert settled(shell, held, "now") == found


def test_a_later_change_by_another_client_stays(shell: Shell) -> None:
    held = settled(shell, kafka({"offsets.retention.minutes": 5}))
    held["spec"]["kafka"]["config"]["offsets.retention.minutes"] = 77
    assert settled(shell, held, "now") == kafka({"offsets.retention.minutes": 77})


def test_second_hold_keeps_the_values_that_a_user_has_set_since_the_first(shell: Shell) -> None:
    held = settled(shell, kafka({"offsets.retention.minutes": 1440}))
    since = {"offsets.retention.minutes": 20160, "transactional.id.expiration.ms": 1209600000}
    held["spec"]["kafka"]["config"] |= since
    again = settled(shell, held)
    assert again["spec"]["kafka"]["config"] == OPTIONS
    assert settled(shell, again, "now") == kafka(since)


LIB = ("common.sh", "report-retention.sh", "hold-retention.sh")
DIRECT = """
exec 3>&1
KAFKA=kafkas
kubectl_retry() {
  if [[ $1 == get ]]; then printf '%s\n' "$ANSWER"; else printf 'patch %s\n' "${@: -1}" >&3; fi
}
apply_retention 2026-01-02T03:04:05Z
"""
"""Runs apply_retention without the fake kubectl, which takes half a second."""
VALUES = st.sampled_from([1440, "20160", True, "false", "2147483647", 2147483647, 1.5])
EDITS = st.dictionaries(
    st.sampled_from([*OPTIONS, "num.partitions"]), st.none() | VALUES, max_size=4
)
CHANGES = st.none() | EDITS  # None removes the config


def by_script(shell: Shell, item: dict[str, Any], retention: str) -> dict[str, Any]:
    done = shell.run(*LIB, body=DIRECT, RETENTION=retention, ANSWER=answer(item))
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        if line.startswith("patch "):
            item = merged(item, json.loads(line.removeprefix("patch ")))
    return item


def by_library(item: dict[str, Any], retention: str) -> dict[str, Any]:
    if retention != "now":
        return hold(item, retention=retention, backup="2026-01-02T03:04:05Z", now="now")
    held = read_held(item)
    return item if held is None else merged(item, released_spec(item, held))


def edited(item: dict[str, Any], changes: dict[str, Any] | None) -> dict[str, Any]:
    """Return it as a user has changed its config; the value None removes an option."""
    config = dict(item["spec"]["kafka"].get("config") or {})
    for key, value in (changes or {}).items():
        config.pop(key, None)
        if value is not None:
            config[key] = value
    inner = {**item["spec"]["kafka"], "config": config}
    if changes is None:
        del inner["config"]
    return {**item, "spec": {"kafka": inner}}


def content(item: dict[str, Any]) -> tuple[Any, ...]:
    """Return its config, and its annotation without the time of the hold."""
    held = HELD in item["metadata"]["annotations"]
    memo = {**held_annotation(item), "since": ""} if held else None
    return item["spec"]["kafka"].get("config"), memo


HELD = constants.RETENTION_HELD


@given(
    config=st.none() | st.dictionaries(st.sampled_from([*OPTIONS, "num.partitions"]), VALUES),
    rounds=st.lists(st.tuples(st.sampled_from(["hold", "72h"]), CHANGES), min_size=2, max_size=3),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_holds_and_release_are_those_of_the_library_and_keep_the_changes_of_a_user(
    shell: Shell, config: dict[str, Any] | None, rounds: list[tuple[str, dict[str, Any] | None]]
) -> None:
    scripted = library = kafka(config)
    expected = dict(config or {})
    for retention, changes in rounds:
        scripted, library = by_script(shell, scripted, retention), by_library(library, retention)
        assert content(scripted) == content(library)
        held = library["spec"]["kafka"]["config"]
        scripted, library = edited(scripted, changes), edited(library, changes)
        expected = {} if changes is None else expected
        for key, value in (changes or {}).items():
            if str(value).lower() != held.get(key):  # the held value is no change
                expected.pop(key, None)
                expected |= {} if value is None else {key: value}
    scripted, library = by_script(shell, scripted, "now"), by_library(library, "now")
    assert content(scripted) == content(library)
    assert (library["spec"]["kafka"].get("config") or {}) == expected


def test_nothing_is_written_if_no_topic_is_held(shell: Shell) -> None:
    shell.on(CONFIG, answer(kafka({"x": 1})))
    done = paused(shell).phase("restoreIdentity", RETENTION="now")
    assert done.returncode == 0, done.stderr
    assert not changed(shell)
    assert "NOT held" in done.stdout


@pytest.mark.parametrize(
    ("text", "delay"), [("72h", 259200000), ("1h30m", 5400000), ("08m", 480000), ("90s", 90000)]
)
def test_duration_is_the_first_delay_alone(shell: Shell, text: str, delay: int) -> None:
    held = settled(shell, kafka({}), text)
    options = {**OPTIONS, "log.initial.task.delay.ms": str(delay)}
    assert held["spec"]["kafka"]["config"] == options


@pytest.mark.parametrize("text", ["72", "1d", "-5m", "1m1h", '5m"', "$(id)", "HOLD"])
@pytest.mark.parametrize("name", ["restoreCheck", "identify"])
def test_an_invalid_retention_is_refused(shell: Shell, name: str, text: str) -> None:
    shell.on(CONFIG, answer(kafka({}))).on(r"data\.kafkaVersion", "4.0.0")
    done = paused(whole(shell)).phase(name, RETENTION=text)
    assert done.returncode != 0
    assert "must be hold, now, or a duration" in done.stderr
    assert not changed(shell)


@pytest.mark.parametrize("version", ["", "3.7.2", "unknown", "5.0.0"])
@pytest.mark.parametrize("retention", ["", "5m"])
def test_kafka_that_cannot_hold_it_is_refused_before_anything_is_done(
    shell: Shell, version: str, retention: str
) -> None:
    facts = FACTS.replace("kafkaVersion=4.0.0", f"kafkaVersion={version}")
    shell.on(f"get secret {PREFIX}-facts", encoded(facts))
    done = whole(shell).phase("restoreCheck", RETENTION=retention)
    assert done.returncode != 0
    assert "set retention=now" in done.stderr.splitlines()[-1]
    assert not touched(shell)


@pytest.mark.parametrize("version", ["3.8.0", "3.10.1", "4.12.0"])
def test_kafka_since_3_8_can_hold_it(shell: Shell, version: str) -> None:
    facts = FACTS.replace("kafkaVersion=4.0.0", f"kafkaVersion={version}")
    shell.on(f"get secret {PREFIX}-facts", encoded(facts))
    done = whole(shell).phase("restoreCheck")
    assert done.returncode == 0, done.stderr
    assert "will be HELD" in done.stdout


@pytest.mark.parametrize("name", ["restoreIdentity", "identify"])
@pytest.mark.parametrize("version", ["", "3.7.2"])
def test_kafka_that_cannot_hold_it_stays_paused(shell: Shell, name: str, version: str) -> None:
    shell.on(CONFIG, answer(kafka({}))).on(r"data\.kafkaVersion", version)
    done = paused(shell).phase(name, RETENTION="hold")
    assert done.returncode != 0
    assert not changed(shell)


def test_version_that_the_kafka_names_counts(shell: Shell) -> None:
    shell.on(r"get kafkas.*spec\.kafka\.version", "3.7.1|").on(r"data\.kafkaVersion", "4.0.0")
    assert paused(shell).phase("restoreIdentity").returncode != 0


def test_kasten_gets_the_error_before_a_stop(shell: Shell) -> None:
    shell.on(r"data\.kafkaVersion", "3.7.0")
    done = shell.phase("haltForRestore")
    assert done.returncode != 0
    assert "set retention=now" in done.stderr
    assert "state" not in shell.recorded()


def test_kasten_has_the_choice_of_the_rendering(shell: Shell) -> None:
    plan = cycle(restored_retention="now")
    shell.on(r"data\.kafkaVersion", "3.7.0").on("get pods", "")
    assert shell.phase("haltForRestore", plan, PAUSE_TIMEOUT="0").stderr.count("retention") == 0
    done = paused(Shell(shell.folder)).phase("identify", plan)
    assert done.returncode == 0, done.stderr
    assert "NOT held" in done.stdout


def test_tiered_storage_is_reported_as_not_held(shell: Shell) -> None:
    shell.on(CONFIG, answer(kafka({}))).on(r"get kafkas.*spec\.kafka\.version", "4.0.0|custom")
    done = paused(shell).phase("restoreIdentity")
    assert done.returncode == 0, done.stderr
    assert "WARNING: retention is only held on the volumes" in done.stdout


def test_write_is_refused_where_the_kafka_has_changed_and_then_read_again(shell: Shell) -> None:
    shell.on(CONFIG, answer(kafka({"a": 1})), answer(kafka({"offsets.retention.minutes": 9})))
    shell.on("patch kafkas.*spec", CONFLICT, "").on(r"data\.kafkaVersion", "4.0.0")
    done = paused(shell).phase("restoreIdentity")
    assert done.returncode == 0, done.stderr
    first, second = changed(shell)
    assert first.patch["metadata"]["resourceVersion"] == "7"
    memo = json.loads(second.patch["metadata"]["annotations"][constants.RETENTION_HELD])
    assert memo["before"]["offsets.retention.minutes"] == 9


@pytest.mark.parametrize(
    ("config", "memo"),
    [
        ('{"log.cleaner.enable":["a"]}', ""),
        ('{"log.cleaner.enable":"a\\"b"}', ""),
        ("{}", "damaged"),
        ("{}", '{"before":[1]}'),
    ],
)
def test_what_could_not_be_put_back_is_not_held(shell: Shell, config: str, memo: str) -> None:
    shell.on(CONFIG, f"7\n{memo}\n{config}\nend").on(r"data\.kafkaVersion", "4.0.0")
    done = paused(shell).phase("restoreIdentity")
    assert done.returncode != 0
    assert not changed(shell)


@pytest.mark.parametrize("reply", [FORBIDDEN, "", "7\n\n", (0, "\n\n{}\nend", "")])
def test_kafka_that_cannot_be_read_is_not_held_by_chance(shell: Shell, reply: Any) -> None:
    shell.on(CONFIG, reply).on(r"data\.kafkaVersion", "4.0.0")
    done = paused(shell).phase("restoreIdentity")
    assert done.returncode != 0
    assert not changed(shell)


# What is told


def packed(*lines: str) -> str:
    text = "".join(f"{one}\n" for one in lines)
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def made(**ago: int) -> str:
    return f"{datetime.now(timezone.utc) - timedelta(**ago):%Y-%m-%dT%H:%M:%SZ}"


TOPICS = (
    "short 240000 -1 delete 86400000",
    "both 3600000 -1 compact,delete 86400000",
    "long 604800000 1000 delete 86400000",
    "kept -1 -1 delete 86400000",
    "keyed 1000 -1 compact 60000",
)


def restore_check_output(shell: Shell, retention: str, **ago: int) -> str:
    text = packed(f"# {made(**ago)} {RUN} 60", *TOPICS)
    shell.on(f"secrets {PREFIX}-topics", f"secret/{PREFIX}-topics\n")
    shell.on(f"get secret {PREFIX}-topics", text)
    done = whole(shell).phase("restoreCheck", RETENTION=retention)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_topics_that_would_be_emptied_are_named(shell: Shell) -> None:
    text = restore_check_output(shell, "", hours=2)
    assert "2h ago" in text
    assert re.search(r"all records of 2 topics, which would be emptied: short both\n", text)
    assert "oldest records of 1 topics by age and of 1 by size" in text
    assert "tombstones of 1 compacted" in text
    assert "offsets.retention.minutes (60) too" in text
    assert "WILL BE LOST" not in text


def test_what_will_be_lost_is_called_that(shell: Shell) -> None:
    text = restore_check_output(shell, "now", minutes=5)
    assert "WILL BE LOST: every record of 1 topics" in text
    assert text.count("short") == 1
    assert "both" not in text
    assert "offsets.retention.minutes" not in text


def test_young_backup_empties_nothing(shell: Shell) -> None:
    text = restore_check_output(shell, "now", seconds=30)
    assert "WILL BE LOST" not in text


def test_many_topics_are_counted(shell: Shell) -> None:
    rows = [f"topic-{n:05d} 1000 -1 delete 1" for n in range(10_000)]
    shell.on(f"secrets {PREFIX}-topics", "secret/x\n")
    shell.on(f"get secret {PREFIX}-topics", packed(f"# {made(days=1)} {RUN} 10080", *rows))
    done = whole(shell).phase("restoreCheck")
    assert done.returncode == 0, done.stderr
    assert "all records of 10000 topics" in done.stdout
    assert "and 9970 more" in done.stdout
    assert max(map(len, done.stdout.splitlines())) < 2000


@pytest.mark.parametrize("reply", ["", "damaged!", (1, "", "Error from server (NotFound): no")])
def test_a_backup_without_its_topics_is_restored_with_a_message(shell: Shell, reply: Any) -> None:
    shell.on(f"secrets {PREFIX}-topics", "secret/x\n").on(f"get secret {PREFIX}-topics", reply)
    done = whole(shell).phase("restoreCheck")
    assert done.returncode == 0, done.stderr
    assert "it is unknown which would lose records" in done.stdout
    assert "made at 2026-01-02T03:04:05Z" in done.stdout


def test_epoch_seconds_match_those_of_python(shell: Shell) -> None:
    times = ["1970-01-01T00:00:00Z", "2024-02-29T23:59:59Z", "2026-12-31T08:09:10Z"]
    times += ["2000-03-01T00:00:00Z", "2100-02-28T12:00:00Z", "2026-08-09T09:08:08Z"]
    body = "".join(f"epoch_seconds {re.sub('[^0-9]', ' ', one)}; echo\n" for one in times)
    done = shell.run("common.sh", "report-retention.sh", "hold-retention.sh", body=body)
    expected = [
        int(datetime.fromisoformat(one.replace("Z", "+00:00")).timestamp()) for one in times
    ]
    assert [int(line) for line in done.stdout.split()] == expected


def kasten(shell: Shell, head: str, state: str = "stopped") -> str:
    shell.on(r"binaryData\.topics", packed(head, *TOPICS)).on(r"data\.kafkaVersion", "4.0.0")
    shell.on(r"data\.state.*data\.run", f"{state}|{made(hours=2)}|{RUN}")
    shell.on(CONFIG, answer(kafka({})))
    done = paused(shell).phase("identify")
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_kasten_reads_the_record_that_its_restore_point_has(shell: Shell) -> None:
    text = kasten(shell, f"# {made(hours=2)} {RUN} 60")
    assert "2 topics, which would be emptied: short both" in text


def test_the_list_of_another_backup_is_ignored(shell: Shell) -> None:
    text = kasten(shell, f"# {made(hours=2)} 2026-01-01T00:00:00.1Z 60")
    assert "it is unknown which would lose records" in text
    assert "2h ago" in text  # as its record says when it was stopped


def test_a_restore_without_a_time_logs_it(shell: Shell) -> None:
    text = kasten(shell, f"# {made(hours=2)} 2026-01-01T00:00:00.1Z 60", "running")
    assert "the age of the backup is unknown" in text


# What a backup keeps


DESCRIBED = """Topic: orders\tTopicId: x\tPartitionCount: 3\tReplicationFactor: 3\tConfigs: \
min.insync.replicas=2,cleanup.policy=compact,delete,retention.ms=240000
Topic: all\tTopicId: y\tPartitionCount: 1\tReplicationFactor: 1\tConfigs:\x20
Topic: keyed\tPartitionCount: 1\tReplicationFactor: 1\tConfigs: cleanup.policy=compact,\
delete.retention.ms=5,retention.ms=-1,retention.bytes=10
"""
PODS = r"get pods.*broker-role"
SEPARATOR = "\x1e\n"


def noted(shell: Shell, described: str = DESCRIBED) -> Any:
    shell.on(PODS, "backup-controller-0|false|True\nbackup-broker-1||True\nb-2||True\n")
    answer = described + SEPARATOR if isinstance(described, str) and described else described
    shell.on("get pods", "backup-broker-1 backup-kafka\n").on(
        "exec .*-- bash -c # shellcheck", answer
    )
    return shell.phase("flush")


def lists(shell: Shell) -> list[str]:
    patches = [call.patch for call in shell.writes() if call.args[0] == "patch"]
    writes = [patch["binaryData"] for patch in patches if "binaryData" in patch]
    assert writes[0] == {"topics": None, "offsets": None}  # those of an earlier backup
    noted = [write["topics"] for write in writes[1:] if "topics" in write]
    return [gzip.decompress(base64.b64decode(text)).decode() for text in noted]


def test_retention_of_every_topic_is_noted(shell: Shell) -> None:
    done = noted(shell)
    assert done.returncode == 0, done.stderr
    assert "stored the retention of 3 topics" in done.stdout
    (asked,) = [c for c in shell.all() if c.args[0] == "exec" and "kafka-topics.sh" in str(c)]
    assert asked.args[1] == "backup-broker-1"
    (text,) = lists(shell)
    head, *rows = text.splitlines()
    assert re.fullmatch(rf"# 20\S+Z {re.escape(RUN)} 10080", head)
    assert rows == [
        "orders 240000 -1 compact,delete 86400000",
        "all 604800000 -1 delete 86400000",
        "keyed -1 10 compact 5",
    ]


@pytest.mark.parametrize("reply", ["", (1, "", "the broker has 20 MiB left"), AWAY])
def test_a_backup_does_not_fail_without_the_list(shell: Shell, reply: Any) -> None:
    done = noted(shell, reply)
    assert done.returncode == 0, done.stderr
    assert "WARNING: the retention of the topics could not be read" in done.stdout
    assert lists(shell) == []


def test_a_hot_backup_takes_no_samples() -> None:
    (phase,) = plan_of("mirror-maker-2", strategy=Strategy.HOT).actions[0].phases
    values = dict(value.split("=", 1) for value in phase.values)
    assert "SAMPLE_SECONDS" not in values


def test_ten_thousand_topics_are_noted(shell: Shell) -> None:
    rows = "".join(
        f"Topic: team-{n % 97}.orders-{n:05d}\tPartitionCount: 1\tReplicationFactor: 3\t"
        f"Configs: retention.ms={n}\n"
        for n in range(10_000)
    )
    done = noted(shell, rows)
    assert done.returncode == 0, done.stderr
    (text,) = lists(shell)
    assert len(text.splitlines()) == 10_001


def test_topics_that_do_not_fit_are_counted(shell: Shell) -> None:
    body = "exec 5>/dev/null\nTOPICS_MAX=400\n"
    body += 'query_broker() { for i in {1..400}; do echo "Topic: t$i\tConfigs: '
    body += 'retention.ms=$((i - 1))"; done; printf "\\036"; }\nstore_topics 5'
    done = shell.run("common.sh", "topics.sh", body=body, STATE_CONFIGMAP="r", RUN_ID=RUN)
    assert done.returncode == 0, done.stderr
    (text,) = lists(shell)
    head, *rows = text.splitlines()
    assert head.endswith(f" cut={400 - len(rows)}")
    assert rows[0].startswith("t1 0 ")


def ready(shell: Shell, text: str | tuple[int, str, str]) -> Any:
    shell.on(r"binaryData\.topics", text).on(r"binaryData\.offsets", "")
    shell.on("get volumesnapshots", "a true|\n")
    return shell.phase("backupReady", SNAPSHOT_COUNT="1")


def test_backup_keeps_the_list_in_a_secret_of_its_own(shell: Shell) -> None:
    text = packed(f"# {made(hours=0)} {RUN} 10080", *TOPICS)
    done = ready(shell, text)
    assert done.returncode == 0, done.stderr
    (secret,) = shell.made("Secret")
    assert secret["metadata"]["name"] == f"{PREFIX}-topics"
    assert secret["metadata"]["labels"][f"{constants.PREFIX}backup"] == BACKUP
    assert secret["data"] == {"objects": text}
    assert "WARNING: the retention" not in done.stdout


@pytest.mark.parametrize("text", ["", "damaged", packed("# x 2025-01-01T00:00:00Z 1"), FORBIDDEN])
def test_a_backup_without_a_list_is_complete_with_a_message(shell: Shell, text: Any) -> None:
    done = ready(shell, text)
    assert done.returncode == 0, done.stderr
    assert "WARNING: the retention of the topics is not saved" in done.stdout
    assert not shell.made("Secret")
    assert f"backup {BACKUP} is complete" in done.stdout


def test_lists_are_not_restored(shell: Shell) -> None:
    names = f"{PREFIX}-0-000\n{PREFIX}-facts\n{PREFIX}-topics\n{PREFIX}-offsets\n"
    shell.on("get secrets .*-l", names)
    body = "BACKUP=20260102030405 CLUSTER=backup NAMESPACE=n\nsaved_secrets"
    done = shell.run("common.sh", "backup-labels.sh", "saved-objects.sh", body=body)
    assert done.stdout.split() == [f"{PREFIX}-0-000"]


# What a start says


HELD = r"get kafkas.*initial"


def started(shell: Shell, reply: Any) -> Any:
    shell.on(HELD, reply)
    return shell.on(r"data\.state", "running||").phase("resume", arguments="")


def test_start_logs_a_warning_that_retention_is_held(shell: Shell) -> None:
    memo = json.dumps({"since": "T", "before": None, "held": OPTIONS}, separators=(",", ":"))
    done = started(shell, f"{OPTIONS['log.initial.task.delay.ms']}|{memo}")
    assert done.returncode == 0, done.stderr
    assert "RETENTION IS HELD since T" in done.stdout
    assert "kanister-kafka release-retention backup -n kafka-backup" in done.stdout
    assert "RetentionHeld" in shell.events()


def test_start_logs_that_another_client_has_ended_the_hold(shell: Shell) -> None:
    memo = json.dumps({"since": "T", "before": None, "held": OPTIONS}, separators=(",", ":"))
    done = started(shell, f"|{memo}")
    assert "RETENTION IS NO LONGER HELD" in done.stdout
    assert "RetentionNotHeld" in shell.events()


@pytest.mark.parametrize("reply", ["|", FORBIDDEN])
def test_start_logs_nothing_if_nothing_is_held(shell: Shell, reply: Any) -> None:
    done = started(shell, reply)
    assert done.returncode == 0, done.stderr
    assert "RETENTION" not in done.stdout
