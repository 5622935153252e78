"""Options from a mapping of a YAML file: names, types, places, what goes before what."""

from __future__ import annotations

import json
from dataclasses import fields

import click
import jsonschema
import pytest
import yaml

from kanister_kafka import (
    KastenOutput,
    Options,
    QuiesceMethod,
    SnapshotProvider,
    StepTimeouts,
    Strategy,
    loads,
)
from kanister_kafka.backup.option_schema import (
    PLURALS,
    ParsedOptions,
    json_schema_properties,
    option_fields,
    parse_options,
)
from kanister_kafka.backup.options import POLICY_OPTIONS, GitOps, ScriptSharing, UncleanStop
from kanister_kafka.cli.commands.render import render
from kanister_kafka.diagnostics import Diagnostic
from kanister_kafka.strimzi.cursor import FieldCursor

SCHEMA = {"type": "object", "properties": json_schema_properties(), "additionalProperties": False}


def mapping(text: str) -> FieldCursor:
    (document,) = loads(text, "fleet.yaml").documents
    return FieldCursor.of(document, [])


def read(
    text: str, defaults: ParsedOptions | None = None
) -> tuple[ParsedOptions, list[Diagnostic]]:
    top = mapping(text)
    found = parse_options(top, defaults)
    found.check(top)
    return found, top.problems


def spots(problems: list[Diagnostic]) -> list[tuple[int, int, str, str]]:
    return [(p.location.line, p.location.column, p.path, p.rule) for p in problems]


SCHEDULE = (
    'engine: kanister, schedule: "0 3 * * *", scheduleImage: "example.com/kanister-kafka:1", '
    "keepDaily: 7"
)
RIGHT = [
    ("strategy: hot", {"strategy": Strategy.HOT}),
    ("engine: kanister", {"engine": SnapshotProvider.KANISTER}),
    ("quiesceBy: pause", {"quiesce_by": QuiesceMethod.PAUSE}),
    ("writers: [KafkaConnect/a/b]", {"writers": ("KafkaConnect/a/b",)}),
    ("notWriters: [KafkaBridge/a/b.c]", {"not_writers": ("KafkaBridge/a/b.c",)}),
    ("uncleanStop: warn", {"unclean_stop": UncleanStop.WARN}),
    ("requireQuiet: true", {"require_quiet": True}),
    ("kasten: [policy]", {"kasten": (KastenOutput.POLICY,)}),
    ("kasten: [restore, policy]", {"kasten": (KastenOutput.POLICY, KastenOutput.RESTORE)}),
    ("kastenNamespace: kanister", {"kasten_namespace": "kanister"}),
    ('{kasten: [policy], frequency: "@daily"}',
     {"kasten": (KastenOutput.POLICY,), "frequency": "@daily"}),
    ("{kasten: [policy], profile: s3}", {"kasten": (KastenOutput.POLICY,), "profile": "s3"}),
    ("name: mine", {"name": "mine"}),
    ("image: example.com/kubectl:1", {"image": "example.com/kubectl:1"}),
    ("serviceAccount: sa", {"service_account": "sa"}),
    ("admissionPolicy: true", {"admission_policy": True}),
    ("runAsUser: 1001", {"run_as_user": 1001}),
    ("runAsUser: platform", {"run_as_user": None}),
    ("podLabels: {team: data}",
     {"pod_labels": (("sidecar.istio.io/inject", "false"), ("team", "data"))}),
    ("podLabels: none", {"pod_labels": ()}),
    ("podAnnotations: none", {"pod_annotations": ()}),
    ("podAnnotations: {linkerd.io/inject: enabled}",
     {"pod_annotations": (("linkerd.io/inject", "enabled"),)}),
    ("imagePullSecrets: [a, b]", {"image_pull_secrets": ("a", "b")}),
    ("tolerations: ['a=b:NoSchedule']", {"tolerations": ("a=b:NoSchedule",)}),
    ("nodeSelector: {pool: kafka}", {"node_selector": (("pool", "kafka"),)}),
    ("priorityClass: high", {"priority_class": "high"}),
    ("requests: {memory: 32Mi}", {"requests": (("memory", "32Mi"),)}),
    ("requests: none", {"requests": ()}),
    ("limits: {memory: 1Gi}", {"pod_limits": (("memory", "1Gi"),)}),
    ("labels: {team: data}", {"labels": (("team", "data"),)}),
    ("annotations: {note: 'on'}", {"annotations": (("note", "on"),)}),
    ("timeouts: {restart: 1h, stop: 1m30s}", {"limits": StepTimeouts(restart=3600, stop=90)}),
    ("restartAfter: 3h", {"restart_after": 10800}),
    ("restartAfter: never", {"restart_after": 0}),
    ("{engine: kanister, snapshotClass: csi}",
     {"engine": SnapshotProvider.KANISTER, "snapshot_class": "csi"}),
    ("{engine: kanister, strategy: online, groupSnapshotClass: csi}",
     {"engine": SnapshotProvider.KANISTER, "strategy": Strategy.ONLINE,
      "group_snapshot_class": "csi"}),
    ("{kasten: [restore], restorePoint: rp}",
     {"kasten": (KastenOutput.RESTORE,), "restore_point": "rp"}),
    ("{kasten: [restore], restoredRetention: 72h}",
     {"kasten": (KastenOutput.RESTORE,), "restored_retention": "72h"}),
    ("hookTimeout: 40m", {"hook_timeout": 2400}),
    (
        f"{{{SCHEDULE}, timeZone: Europe/Berlin, keepLast: 1, keepHourly: 2, keepWeekly: 4, "
        "keepMonthly: 5, keepYearly: 6, keepWithin: 30d}",
        {
            "engine": SnapshotProvider.KANISTER,
            "schedule": "0 3 * * *",
            "time_zone": "Europe/Berlin",
            "schedule_image": "example.com/kanister-kafka:1",
            "keep_last": 1,
            "keep_hourly": 2,
            "keep_daily": 7,
            "keep_weekly": 4,
            "keep_monthly": 5,
            "keep_yearly": 6,
            "keep_within": "30d",
        },
    ),
    (
        "{engine: kanister, verifySchedule: '@weekly', verifyInto: kafka-verify, "
        "verifyMemory: 1Gi, scheduleImage: 'example.com/kanister-kafka:1'}",
        {
            "engine": SnapshotProvider.KANISTER,
            "verify_schedule": "@weekly",
            "verify_into": "kafka-verify",
            "verify_memory": "1Gi",
            "schedule_image": "example.com/kanister-kafka:1",
        },
    ),
    (
        "{engine: kanister, exportProfile: s3, exportSecret: store, exportParallel: 4, "
        "exportImage: 'example.com/restic:1', exportMemory: 1Gi}",
        {
            "engine": SnapshotProvider.KANISTER,
            "export_profile": "s3",
            "export_secret": "store",
            "export_parallel": 4,
            "export_image": "example.com/restic:1",
            "export_memory": "1Gi",
        },
    ),
    (
        f"{{{SCHEDULE}, exportProfile: s3, keepCopiesLast: 1, keepCopiesHourly: 2, "
        "keepCopiesDaily: 3, keepCopiesWeekly: 4, keepCopiesMonthly: 5, keepCopiesYearly: 6, "
        "keepCopiesWithin: 90d}",
        {
            "engine": SnapshotProvider.KANISTER,
            "schedule": "0 3 * * *",
            "schedule_image": "example.com/kanister-kafka:1",
            "keep_daily": 7,
            "export_profile": "s3",
            "keep_copies_last": 1,
            "keep_copies_hourly": 2,
            "keep_copies_daily": 3,
            "keep_copies_weekly": 4,
            "keep_copies_monthly": 5,
            "keep_copies_yearly": 6,
            "keep_copies_within": "90d",
        },
    ),
    ("gitops: flux", {"gitops": GitOps.FLUX}),
    ("scripts: own", {"scripts": ScriptSharing.OWN}),
    ("{profile: null, name: , labels: {a: null}}", {}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), RIGHT, ids=[text for text, _ in RIGHT])
def test_each_option_is_read_and_fits_the_schema(text: str, expected: dict) -> None:
    found, problems = read(text)
    assert found.options == Options(**expected)
    assert not problems
    if expected:
        jsonschema.validate(yaml.safe_load(text), SCHEMA)


def test_the_table_above_has_every_option() -> None:
    tried = {name for _text, expected in RIGHT for name in expected}
    assert tried == {one.name for one in fields(Options)} - POLICY_OPTIONS


def test_names_are_those_of_the_command() -> None:
    options = {
        option.name: option.opts[-1].removeprefix("--")
        for option in render.params
        if isinstance(option, click.Option)
    }
    plurals = {**PLURALS, "timeout": "timeouts"}
    words = {plurals.get(word, word) for word in options.values()}
    spelled = {word.split("-")[0] + "".join(map(str.title, word.split("-")[1:])) for word in words}
    assert {setting.name for setting in option_fields()} <= spelled


WRONG = [
    ("strategy: warm", (1, 11, "strategy", "wrong-type")),
    ("kasten: policy", (1, 9, "kasten", "wrong-type")),
    ("kasten: [policy, polcy]", (1, 18, "kasten[1]", "wrong-type")),
    ("runAsUser: root", (1, 12, "runAsUser", "wrong-type")),
    ("runAsUser: -1", (1, 12, "runAsUser", "wrong-type")),
    ("podLabels: all", (1, 12, "podLabels", "wrong-type")),
    ("podLabels: {strimzi.io/cluster: a}", (1, 12, "podLabels", "option")),
    ("tolerations: [a, b=c:No]", (1, 14, "tolerations", "option")),
    ("tolerations: a", (1, 14, "tolerations", "wrong-type")),
    ("imagePullSecrets: [A_B]", (1, 19, "imagePullSecrets", "option")),
    ("requests: {cpu: many}", (1, 11, "requests", "option")),
    ("limits: {cpu: 10m}", (1, 9, "limits", "option")),
    ("labels: {a: 1}", (1, 13, "labels.a", "wrong-type")),
    ("labels: [a]", (1, 9, "labels", "wrong-type")),
    ("restartAfter: 60", (1, 15, "restartAfter", "wrong-type")),
    ("restartAfter: soon", (1, 15, "restartAfter", "wrong-type")),
    ("hookTimeout: never", (1, 14, "hookTimeout", "wrong-type")),
    ("timeouts: {restart: x}", (1, 21, "timeouts.restart", "wrong-type")),
    ("timeouts: {restrat: 1m}", (1, 12, "timeouts.restrat", "unknown-field")),
    ("name: mine\nquiesceby: pause", (2, 1, "quiesceby", "unknown-field")),
    ("quiesce-by: pause", (1, 1, "quiesce-by", "unknown-field")),
    ("name: A b", (1, 7, "name", "option")),
    ("writers: [KafkaTopic/a/b]", (1, 10, "writers", "option")),
    ("writers: [KafkaConnect/b]", (1, 10, "writers", "option")),
    ("writers: [KafkaConnect/A/b]", (1, 10, "writers", "option")),
    ("notWriters: [KafkaConnect/a/b/c]", (1, 13, "notWriters", "option")),
    ("notWriters: [1]", (1, 14, "notWriters[0]", "wrong-type")),
    ("kastenNamespace: ''", (1, 18, "kastenNamespace", "option")),
    ("labels: {a: b c}", (1, 9, "labels", "option")),
    ("annotations: {a b: c}", (1, 14, "annotations", "option")),
    ("snapshotClass: csi", (1, 16, "snapshotClass", "option")),
    ("restartAfter: 59s", (1, 15, "restartAfter", "option")),
    ("frequency: daily", (1, 12, "frequency", "option")),
    ('frequency: "@daily"', (1, 12, "frequency", "option")),
    ("{kasten: [binding], profile: s3}", (1, 30, "profile", "option")),
    ("kasten: [policy, binding]", (1, 9, "kasten", "option")),
    ("kasten: [annotation, policy]", (1, 9, "kasten", "option")),
]


@pytest.mark.parametrize(("text", "spot"), WRONG, ids=[text for text, _ in WRONG])
def test_what_is_wrong_is_reported_at_its_place(text: str, spot: tuple) -> None:
    _found, problems = read(text)
    assert spots(problems) == [spot]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("quiesceby: pause", 'unknown field; did you mean "quiesceBy"?'),
        ("xyz: 1", "unknown field; known: strategy, engine, quiesceBy, writers,"),
        ("timeouts: {restrat: 1m}", 'unknown step; did you mean "restart"?'),
    ],
)
def test_a_typo_is_reported_with_the_name_that_was_meant(text: str, hint: str) -> None:
    _found, (problem,) = read(text)
    assert problem.message.startswith(hint)


def test_an_override_goes_before_a_default_and_maps_are_merged() -> None:
    defaults, _ = read(
        "{strategy: hot, labels: {a: b, c: d}, timeouts: {stop: 1m, flush: 2m}, profile: s3}"
    )
    found, problems = read("{labels: {c: e}, timeouts: {stop: 5s}, profile: ''}", defaults)
    assert not problems
    assert found.options == Options(
        strategy=Strategy.HOT,
        labels=(("a", "b"), ("c", "e")),
        limits=StepTimeouts(stop=5, flush=120),
    )


def test_a_conflict_of_two_options_is_located_at_the_option_that_was_set() -> None:
    defaults, _ = read("engine: kanister\nsnapshotClass: csi")
    top = mapping("# the second line\nengine: kasten")
    found = parse_options(top, defaults)
    assert not found.check(top)
    assert spots(top.problems) == []
    assert spots(defaults.places["snapshotClass"].problems) == [(2, 16, "snapshotClass", "option")]


def test_names_of_the_caller_are_known() -> None:
    top = mapping("{paths: [a], cluster: b, nam: c}")
    parse_options(top, others=("paths", "cluster"))
    (problem,) = top.problems
    assert problem.path == "nam"


def test_schema_is_json() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(json.dumps(SCHEMA)))
    for text in ("strategy: warm", "runAsUser: root", "restartAfter: soon", "quiesceby: pause"):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(yaml.safe_load(text), SCHEMA)
