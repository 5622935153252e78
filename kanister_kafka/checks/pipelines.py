"""Pipelines whose beginning may fail without a word: a shell heeds the last command alone."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kanister_kafka.blueprint import Blueprint
from kanister_kafka.blueprint.commands import KUBECTL, Command, Found, commands, pipelines
from kanister_kafka.checks.registry import Finding, Settings, check
from kanister_kafka.problem import Severity

HEEDED = re.compile(r"\bpipefail\b|\bPIPESTATUS\b|\bpipestatus\b")
DUMPS = re.compile(
    r"arangodump|bacula\S*|btrfs|clickhouse\S*|cockroach|cpio|dd|expdp|influxd?|mariabackup"
    r"|mariadb-backup|mariadb-dump|mongodump|mongoexport|mydumper|mysqldump|mysqlpump|neo4j-admin"
    r"|pg_basebackup|pg_dump|pg_dumpall|rbd|redis-cli|slapcat|tar|xtrabackup|zfs"
    r"|kafka-console-consumer(?:\.sh)?|kcat"
)
"""Programs that make the data of a backup."""
FETCHES = re.compile(
    r"(?:kando (?:location|stream) pull|aws s3 cp|gsutil (?:cp|cat)|mc cat|rclone cat|restic dump"
    r"|s3cmd get)(?: |$)"
)
STORES = re.compile(
    r"(?:kando (?:location|stream) push|aws s3 cp|gsutil cp|mc pipe|rclone rcat|restic backup"
    r"|s3cmd put|az storage|azcopy)(?: |$)"
)
READS = frozenset(["awk", "cut", "grep", "head", "jq", "read", "sed", "sort", "tail", "wc", "yq"])
"""Programs that look for something, so that the end of a pipeline is an answer and no copy."""
HARMLESS = frozenset([":", "date", "done", "echo", "printf", "seq", "true", "yes", "}"])
"""What begins a pipeline and does not fail, or is no command of its own."""


@check("pipeline-failure", Severity.WARNING)
def pipeline_failure(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find data that is piped on where a failure is not seen: the backup is empty and green."""
    for phase in blueprint.phases:
        for command in commands(phase):
            yield from _found(command)


def _found(command: Command) -> Iterator[Finding]:
    script = command.script
    if script is None or any(HEEDED.search(word.text) for _path, word in command.words):
        return
    path, node = script
    for pipeline in pipelines(node.text):
        first, last = pipeline[0], pipeline[-1]
        if _matters(first, last):
            message = (
                f"if {first[2]} fails nobody is told: the shell heeds {last[2]} alone, and what it "
                "has got until then passes for all; use bash with -o pipefail"
            )
            yield Finding(node.place(first[3], first[4]), path, message)


def _matters(first: Found, last: Found) -> bool:
    program = first[2]
    if STORES.match(_words(last)):
        return program not in HARMLESS
    if last[2] in READS or program in HARMLESS:
        return False
    inner = first[1][2:] if program in KUBECTL and first[1][1:2] == ("exec",) else (program,)
    return any(map(DUMPS.fullmatch, inner)) or FETCHES.match(_words(first)) is not None


def _words(found: Found) -> str:
    """Return the program without its folder, and its words without options."""
    _all, plain, program, *_place = found
    return " ".join((program, *plain[1:]))
