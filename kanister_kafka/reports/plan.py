"""Plans and previews as text for people and JSON for machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import indent
from typing import TYPE_CHECKING

from kanister_kafka.backup.kasten import hot_effects, hot_verdict
from kanister_kafka.backup.model import (
    BackupPlan,
    BackupStage,
    Permission,
    PlannedAction,
    PlannedPhase,
    PlannedStep,
    ServiceAccountSpec,
)
from kanister_kafka.backup.options import SnapshotProvider, Strategy
from kanister_kafka.diagnostics import Severity
from kanister_kafka.durations import format_duration
from kanister_kafka.kanister.function_catalog import functions
from kanister_kafka.kanister.function_types import NEWEST
from kanister_kafka.reports.text import columns, format_json, hung, table
from kanister_kafka.strimzi import Workload
from kanister_kafka.strimzi.model import ObjectReference
from kanister_kafka.yamldoc import dump

if TYPE_CHECKING:
    from kanister_kafka.integrations.fleet import RenderResult
    from kanister_kafka.integrations.preview.render import ActionPreview, PhasePreview


def plan_text(plan: BackupPlan, width: int = 0) -> str:
    """Return the plan as tables: what is done, what is left alone, what is permitted.

    With a width, in places of a terminal, long texts are broken into lines.
    """
    cluster = plan.cluster
    head = [
        f"{cluster} (Strimzi {cluster.operator}), {plan.options.strategy.value} backup",
        f"Blueprint {plan.options.kasten_namespace}/{plan.name}, from {cluster.source}",
    ]
    if plan.options.strategy is Strategy.HOT:
        head.append(hot_verdict(plan.options))
        for effect in hot_effects(cluster, plan.options):
            head += hung("- ", effect, width)
    parts = [
        "\n".join(head) + "\n",
        table(("ACTION", "STAGE", "DOES", "ON", "UNTIL", "AT MOST"), step_rows(plan), width),
    ]
    total = ", ".join(f"{a.name} {format_duration(a.seconds)}" for a in plan.actions)
    parts.append(f"Longest, all waits: {total}.{kasten_limit(plan)}\n")
    if plan.cluster.writers and not plan.options.is_flush_only:
        rows = [(str(writer), writer.reason) for writer in plan.cluster.writers]
        hot = plan.options.strategy is Strategy.HOT
        quiesced = "QUIESCED BY A RESTORE" if hot else "QUIESCED"
        parts.append(table((quiesced, "WHY"), rows, width))
    if plan.ignored_clients:
        rows = [(str(client), client.reason) for client in plan.ignored_clients]
        parts.append(table(("LEFT ALONE", "WHY"), rows, width))
    if others := clients_not_stopped(plan):
        parts.append(f"Not stopped: {others}.\n")
    if missing := objects_not_in_backup(plan):
        names = ", ".join(f"{one.kind} {one.name}" for one in missing)
        parts.append(
            f"Not in the backup: {names}. Kafka refers to them: a restore needs them from their "
            "source.\n"
        )
    if plan.switch:
        after = format_duration(plan.options.restart_after)
        parts.append(
            f"Watchdog: Deployment {plan.switch.name} brings everything back if a phase of the "
            f"stop fails, and {after} after a stop began, if nothing has done so.\n"
        )
    if plan.schedule:
        zone = plan.schedule.time_zone or "the time zone of the controller"
        kept = " ".join(plan.options.keep_words)
        if copies := " ".join(plan.options.keep_copies_words):
            kept += f", and the copies off the cluster by {copies}"
        parts.append(
            f"Schedule: CronJob {plan.schedule.name} makes a backup at {plan.schedule.cron} in "
            f"{zone}, and prunes by {kept}.\n"
        )
    if plan.verification:
        parts.append(
            f"Verification: CronJob {plan.verification.name} restores the newest backup into "
            f"namespace {plan.options.verify_into} at {plan.verification.cron}, verifies it, and "
            "removes the copy.\n"
        )
    header = ("NAMESPACE", "MAY USE", "NAMED", "VERBS", "TO")
    for account in plan.accounts:
        title = f"Service account {account.name}, for {account.purpose}:\n"
        parts.append(title + table(header, right_rows(account), width))
    if plan.admission:
        parts.append(
            f"ValidatingAdmissionPolicy {plan.admission.name} refuses what these accounts would "
            "change except the pause, their own annotations and spec.replicas; the account of a "
            "restore may put back whole objects.\n"
        )
    return "\n".join(parts)


def kasten_limit(plan: BackupPlan) -> str:
    """Return how long Kasten lets an action run, as a sentence after others; empty without it."""
    if not plan.options.uses_kasten:
        return ""
    return f" Kasten allows {format_duration(plan.options.hook_timeout)}."


def clients_not_stopped(plan: BackupPlan) -> str:
    """Return which clients the plan does not know; empty for a hot backup, which stops none."""
    cluster, strategy = plan.cluster, plan.options.strategy
    if strategy is Strategy.HOT:
        return ""
    text = "clients that are not resources of Strimzi, such as your own producers"
    if cluster.source != f"Kafka/{cluster.namespace}/{cluster.name}":  # of a live cluster
        text += ", and those of files and namespaces that were not read"
    if strategy is Strategy.ONLINE:
        return f"{text}. The backup fails if one of them writes"
    return text


def objects_not_in_backup(plan: BackupPlan) -> tuple[ObjectReference, ...]:
    """Return what a backup of the engine leaves out; Kasten's contains the whole namespace."""
    by_engine = plan.options.engine is SnapshotProvider.KANISTER
    return plan.cluster.not_in_backup if by_engine else ()


def _schedule(plan: BackupPlan) -> dict[str, object] | None:
    schedule = plan.schedule
    if schedule is None:
        return None
    return {
        "cronJob": schedule.name,
        "schedule": schedule.cron,
        "timeZone": schedule.time_zone or None,
        "keep": list(plan.options.keep_words),
        "keepCopies": list(plan.options.keep_copies_words),
        "deadlineSeconds": schedule.deadline,
    }


def _verification(plan: BackupPlan) -> dict[str, object] | None:
    job = plan.verification
    if job is None:
        return None
    return {
        "cronJob": job.name,
        "schedule": job.cron,
        "timeZone": job.time_zone or None,
        "into": plan.options.verify_into,
        "deadlineSeconds": job.deadline,
    }


def right_rows(account: ServiceAccountSpec) -> list[Sequence[str]]:
    """Return the rights of an account: namespace, verbs, resources and reason."""
    return [
        (
            r.namespace or "all",
            _resource(r),
            ", ".join(r.names) or "any",
            " ".join(r.verbs),
            r.reason,
        )
        for r in account.rights
    ]


def _resource(right: Permission) -> str:
    name = f"{right.resource}.{right.group}" if right.group else right.resource
    return f"{name}/{right.subresource}" if right.subresource else name


def step_rows(plan: BackupPlan) -> list[Sequence[str]]:
    """Return action, stage, what is done, on what, until when and for how long at most.

    A step on several objects has a row for each; all but the first have only the object.
    """
    rows: list[Sequence[str]] = []
    for action in plan.actions:
        for phase in action.all_phases:
            for step in phase.steps:
                rows += _step_rows(action.name, phase.name, step)
        if action.name == "backupPrehook" and plan.options.uses_kasten:
            rows.append(
                (
                    "(Kasten, Kanister)",
                    BackupStage.SNAPSHOT.value,
                    "snapshot every volume",
                    "",
                    "",
                    "",
                )
            )
    return rows


def _step_rows(action: str, phase: str, step: PlannedStep) -> list[Sequence[str]]:
    limit = format_duration(step.seconds) if step.seconds else ""
    first, *others = step.objects or ("",)
    return [
        (action, phase, step.does, first, step.until, limit),
        *(("", "", "", other, "", "") for other in others),
    ]


def plan_json(plan: BackupPlan) -> str:
    """Return the plan as one JSON object; times are in seconds."""

    def workload(w: Workload) -> dict[str, object]:
        return {
            "name": w.name,
            "kinds": [kind.value for kind in w.kinds],
            "pool": w.pool,
            "roles": [role.value for role in w.roles],
            "replicas": w.replicas,
            "graceSeconds": w.grace_seconds,
        }

    def step(one: PlannedStep) -> dict[str, object]:
        return {
            "does": one.does,
            "objects": list(one.objects),
            "until": one.until,
            "seconds": one.seconds,
        }

    def phase(one: PlannedPhase, *, is_deferred: bool) -> dict[str, object]:
        return {
            "name": one.name,
            "stage": one.stage.value,
            "deferred": is_deferred,
            "steps": [step(planned) for planned in one.steps],
        }

    def action(one: PlannedAction) -> dict[str, object]:
        return {
            "name": one.name,
            "seconds": one.seconds,
            "phases": [
                phase(planned, is_deferred=planned is one.defer_phase) for planned in one.all_phases
            ],
        }

    cluster = plan.cluster
    tree = {
        "cluster": {
            "name": cluster.name,
            "namespace": cluster.namespace,
            "source": cluster.source,
            "strimzi": str(cluster.operator),
            "nodes": [workload(node) for node in cluster.nodes],
            "zookeeper": workload(cluster.zookeeper) if cluster.zookeeper else None,
            "components": list(cluster.components),
        },
        "strategy": plan.options.strategy.value,
        "blueprint": {"name": plan.name, "namespace": plan.options.kasten_namespace},
        "serviceAccount": plan.service_account,
        "admissionPolicy": plan.admission.name if plan.admission else None,
        "switch": plan.switch.name if plan.switch else None,
        "restartAfterSeconds": plan.options.restart_after if plan.switch else None,
        "schedule": _schedule(plan),
        "verification": _verification(plan),
        "hookTimeoutSeconds": plan.options.hook_timeout,
        "actions": [action(one) for one in plan.actions],
        "writers": [
            {"kind": w.kind, "namespace": w.namespace, "name": w.name, "reason": w.reason}
            for w in cluster.writers
        ],
        "leftAlone": [
            {"kind": b.kind, "namespace": b.namespace, "name": b.name, "reason": b.reason}
            for b in plan.ignored_clients
        ],
        "notInBackup": [one._asdict() for one in objects_not_in_backup(plan)],
        "notStopped": clients_not_stopped(plan) or None,
        "rights": _rights(plan),
        "notes": list(plan.notes),
    }
    return format_json(tree)


def _rights(plan: BackupPlan) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for account in plan.accounts:
        for right in account.rights:
            row: dict[str, object] = {
                "account": account.name,
                "namespace": right.namespace,
                "group": right.group,
                "resource": right.resource,
                "subresource": right.subresource,
                "names": list(right.names),
                "verbs": list(right.verbs),
                "reason": right.reason,
            }
            rows.append(row)
    return rows


PLAN_FORMATS: dict[str, Callable[[BackupPlan], str]] = {"text": plan_text, "json": plan_json}


# Fleets as a table with a line for each cluster, or as JSON.

HEADER = ("KAFKA", "BLUEPRINT", "STRATEGY", "ENGINE", "NODES", "WRITERS", "AT MOST", "WARNINGS")


def fleet_text(outcomes: Sequence[RenderResult], width: int = 0) -> str:
    """Return a table: what is backed up, how, and how long its longest action may take.

    With a width, in places of a terminal, long names are broken into lines.
    """
    rows = [HEADER, *(_row(outcome) for outcome in outcomes if outcome.key)]
    return columns(rows, width=width)


def fleet_json(outcomes: Sequence[RenderResult]) -> str:
    """Return a list with an object for each cluster; times are in seconds."""
    return format_json([_tree(o) for o in outcomes if o.key])


def _row(outcome: RenderResult) -> tuple[str, ...]:
    row = outcome.row
    if row is None:
        return (str(outcome.key), "(none: see the errors)", *[""] * (len(HEADER) - 2))
    return (
        str(outcome.key),
        row.blueprint,
        row.strategy,
        row.engine,
        str(row.nodes),
        str(row.writers),
        format_duration(row.longest),
        str(_warnings(outcome)),
    )


def _tree(outcome: RenderResult) -> dict[str, object]:
    row = outcome.row
    planned = (
        {
            "blueprint": row.blueprint,
            "strategy": row.strategy,
            "engine": row.engine,
            "nodes": row.nodes,
            "writers": row.writers,
            "longestSeconds": row.longest,
        }
        if row
        else {}
    )
    problems = [problem.fields() for problem in outcome.problems]
    return {"kafka": str(outcome.key), "isPlanned": bool(row), **planned, "problems": problems}


def _warnings(outcome: RenderResult) -> int:
    return sum(problem.severity is Severity.WARNING for problem in outcome.problems)


# The arguments that Kanister passes to the phases of an action.


def preview_text(preview: ActionPreview) -> str:
    """Return phase by phase what runs; the headings alone are not indented."""
    last = len(preview.action.phases)
    parts = [_phase(phase, last) for phase in preview.phases]
    if preview.output_artifacts:
        body = indent(dump(preview.output_artifacts), "  ")
        parts.append(f"outputArtifacts\n{body}{_symbolic_paths(preview.artifacts_symbolic)}")
    return "\n".join(parts)


def _phase(shown: PhasePreview, last: int) -> str:
    phase = shown.phase
    position = "deferPhase" if phase.index is None else f"phase {phase.index + 1} of {last}"
    known = functions(NEWEST).get(phase.func)
    does = f"  # {known.description}\n" if known else ""
    objects = {"objects": shown.objects} if shown.objects else {}
    body = indent(dump({**objects, "args": shown.args}), "  ")
    return f"{position}: {phase.name} ({phase.func})\n{does}{body}{_symbolic_paths(shown.symbolic)}"


def _symbolic_paths(paths: tuple[str, ...]) -> str:
    return f"  # known when it runs: {', '.join(dict.fromkeys(paths))}\n" if paths else ""


def preview_json(preview: ActionPreview) -> str:
    """Return one JSON object."""
    tree = {
        "action": preview.action.name,
        "phases": [
            {
                "name": shown.phase.name,
                "func": shown.phase.func,
                "deferred": shown.phase.index is None,
                "objects": shown.objects,
                "args": shown.args,
                "symbolic": list(dict.fromkeys(shown.symbolic)),
            }
            for shown in preview.phases
        ],
        "outputArtifacts": preview.output_artifacts,
        "problems": [problem.fields() for problem in preview.problems],
    }
    return format_json(tree)
