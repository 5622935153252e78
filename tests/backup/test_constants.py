"""Names on the cluster: the scripts and kanister_kafka/constants.py must mean the same."""

from __future__ import annotations

import re

from kanister_kafka import constants
from tests.fakes.script_runner import SCRIPTS, cycle, phases_of

LABELS = (
    *("backup", "before-restore", "cluster", "complete", "export", "export-step", "exported"),
    *("list-step", "run", "stop", "strategy"),
)
TEXTS = {path.name: path.read_text() for path in sorted(SCRIPTS.rglob("*.sh"))}
ALL = "\n".join(
    line
    for text in TEXTS.values()
    for line in text.splitlines()
    if not line.lstrip().startswith("#")
)


def names_in_scripts() -> dict[str, set[str]]:
    """Read every name that a script gives to a mark."""
    found: dict[str, set[str]] = {}
    for name, value in re.findall(r"^([A-Z_]+)=([a-z0-9.-]+\.[a-z]+/[a-z-]+)\b", ALL, re.MULTILINE):
        found.setdefault(name, set()).add(value)
    return found


def test_scripts_and_commands_call_a_mark_the_same() -> None:
    found = names_in_scripts()
    assert found == {
        "PAUSE": {constants.PAUSE_RECONCILIATION},
        "PAUSE_BEFORE": {constants.PREVIOUS_PAUSE},
        "REPLICAS_BEFORE": {constants.PREVIOUS_REPLICAS},
        "RESTART_BY": {constants.RESTART_DEADLINE},
        "RETENTION_HELD": {constants.RETENTION_HELD},
        "SKIP_CHECK": {"strimzi.io/skip-broker-scaledown-check"},
        "BACKUP_LABEL": {f"{constants.PREFIX}backup"},
        "RUN_LABEL": {f"{constants.PREFIX}run"},
        "COMPLETE_ANNOTATION": {constants.COMPLETE},
        "STOP_ANNOTATION": {constants.STOP},
        "STRATEGY_ANNOTATION": {constants.STRATEGY},
        "EXPORTED_ANNOTATION": {constants.EXPORTED},
        "EXPORT_LABEL": {f"{constants.PREFIX}export"},
        "STEP_LABEL": {f"{constants.PREFIX}export-step", f"{constants.PREFIX}list-step"},
        "REPLACED_LABEL": {f"{constants.PREFIX}before-restore"},
    }


def test_no_script_knows_another_mark() -> None:
    used = set(re.findall(rf"{re.escape(constants.PREFIX)}[a-z-]+", ALL))
    labels = {f"{constants.PREFIX}{name}" for name in LABELS}
    ours = {
        constants.PREVIOUS_PAUSE,
        constants.PREVIOUS_REPLICAS,
        constants.RESTART_DEADLINE,
        constants.RETENTION_HELD,
    }
    assert used == ours | labels
    assert set(re.findall(r"strimzi\.io/[a-z-]+reconciliation", ALL)) == {
        constants.PAUSE_RECONCILIATION
    }
    assert f'"{constants.MANAGED_BY}": "{constants.COMPONENT}"' in TEXTS["backup-labels.sh"]


def test_states_of_the_record_are_the_ones_that_are_known() -> None:
    known = {state.value for state in constants.BackupState}
    written = set(re.findall(r"\bstate=([a-z]+)\b", ALL))
    written |= set(re.findall(r"\bstop_kafka ([a-z]+)\b", ALL))
    written |= set(re.findall(r"\bset_own_state [a-z]+ ([a-z]+)\b", ALL))
    assert written == known
    read = set(re.findall(r"\$state [!=]= ([a-z]+)\b", ALL))
    assert read
    assert {state for state in read if not any(k.startswith(state) for k in known)} == set()


def test_keys_of_the_record_are_the_ones_that_are_known() -> None:
    written: set[str] = set()
    writes = r"\b(?:(?:set_state|set_state_best_effort|set_own_state|patch_state) |emptied=\()(.*)$"
    for line in re.findall(writes, ALL, re.MULTILINE):
        written |= set(re.findall(r'(?:^|[\s"])(\w+)=', line))
    read = set(re.findall(r"\{\.data\.(\w+)\}", ALL)) - {"objects"}
    read |= set(re.findall(r"\bget_state (\w+)", ALL))
    assert {"state", "pod", "failure", "confirmedBy", "seenRunning"} <= written & read
    known = {*constants.STATE_KEYS, "backup", "operatorLastSuccessfulVersion"}
    assert written | read <= known


def test_who_ends_a_stop_is_a_phase_of_the_plan() -> None:
    plan = cycle()
    assert plan.switch is not None
    names = set(phases_of(plan)) | set(phases_of(cycle(restart_after=0)))
    assert plan.switch.phase.name in names
    assert {"restart", "recover", "resume", "switch"} <= names
    compared = set(re.findall(r"\$0 [!=]= ([a-z]+)\b", TEXTS["restart-kafka.sh"]))
    assert compared
    assert compared <= names
