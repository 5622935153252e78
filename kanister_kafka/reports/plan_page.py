"""A plan as Markdown and as an HTML page, for reviewers of a change request."""

from __future__ import annotations

from kanister_kafka.backup.kasten import hot_effects, hot_verdict
from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.backup.options import Strategy
from kanister_kafka.durations import format_duration
from kanister_kafka.reports.change_request import (
    ChangeRequest,
    ReportTable,
    change_request_html,
    change_request_markdown,
)
from kanister_kafka.reports.plan import (
    clients_not_stopped,
    kasten_limit,
    objects_not_in_backup,
    right_rows,
    step_rows,
)
from kanister_kafka.reports.text import count_noun


def plan_markdown(plan: BackupPlan) -> str:
    """Return Markdown for the description or a comment of a change request."""
    return change_request_markdown(_sheet(plan))


def plan_html(plan: BackupPlan) -> str:
    """Return one HTML page without scripts and without anything from elsewhere."""
    return change_request_html(f"Plan of a backup of {plan.cluster}", _sheet(plan))


def _sheet(plan: BackupPlan) -> ChangeRequest:
    cluster = plan.cluster
    tables = [
        ReportTable("Steps", ("Action", "Stage", "Does", "On", "Until", "At most"), _steps(plan))
    ]
    if cluster.writers and not plan.options.is_flush_only:
        rows = [(str(writer), writer.reason) for writer in cluster.writers]
        hot = plan.options.strategy is Strategy.HOT
        stopped = "Stopped by a restore" if hot else "Stopped with it"
        tables.append(ReportTable(stopped, ("What", "Why"), rows))
    if plan.ignored_clients:
        rows = [(str(client), client.reason) for client in plan.ignored_clients]
        tables.append(ReportTable("Left alone", ("What", "Why"), rows))
    if missing := objects_not_in_backup(plan):
        tables.append(ReportTable("Not in the backup", ("Kind", "Name", "Named by"), missing))
    if plan.problems:
        warnings = [(p.severity.value, p.message, p.rule) for p in plan.problems]
        tables.append(ReportTable("Warnings", ("Level", "What", "Check"), warnings))
    header = ("Namespace", "May use", "Named", "Verbs", "To")
    tables += [
        ReportTable(
            f"Rights of service account {account.name}, for {account.purpose}",
            header,
            right_rows(account),
            is_folded=True,
        )
        for account in plan.accounts
    ]
    return ChangeRequest(
        kicker=f"Plan of a {plan.options.strategy.value} backup",
        title=str(cluster),
        verdict=_verdict(plan),
        is_good=True,
        facts=tuple(_facts(plan)),
        next=plan.notes,
        tables=tuple(tables),
        foot=f"Blueprint {plan.options.kasten_namespace}/{plan.name}, from {cluster.source}",
    )


def _verdict(plan: BackupPlan) -> str:
    if plan.options.strategy is Strategy.HOT:
        moment = "at one moment" if not plan.options.is_flush_only else "at different moments"
        return f"No outage: nothing is stopped, and partitions are snapshotted {moment}"
    if plan.options.strategy is Strategy.ONLINE:
        clients = count_noun(len(plan.cluster.writers), "client")
        return f"No outage: a backup only stops {clients}, and fails if anything moves meanwhile"
    nodes = sum(node.replicas for node in plan.cluster.nodes)
    nodes += plan.cluster.zookeeper.replicas if plan.cluster.zookeeper else 0
    writers = len(plan.cluster.writers)
    also = f" and {count_noun(writers, 'writer')}" if writers else ""
    stopped = f"{count_noun(nodes, 'node')}{also}"
    return f"Each backup is an outage: it stops {stopped}, and starts them again"


def _facts(plan: BackupPlan) -> list[str]:
    longest = ", ".join(
        f"{action.name} {format_duration(action.seconds)}" for action in plan.actions
    )
    facts = []
    if plan.options.strategy is Strategy.COLD:
        order = [one.name for one in plan.cluster.broker_only + plan.cluster.quorum]
        facts.append(f"Nodes stop in this order: {', '.join(dict.fromkeys(order))}.")
    if plan.options.strategy is Strategy.HOT:
        facts += (hot_verdict(plan.options), *hot_effects(plan.cluster, plan.options))
    if others := clients_not_stopped(plan):
        facts.append(f"Not stopped: {others}.")
    facts.append(f"Longest, if every wait takes its limit: {longest}.{kasten_limit(plan)}")
    if plan.switch:
        after = format_duration(plan.options.restart_after)
        facts.append(
            f"Deployment {plan.switch.name} restarts everything {after} after the begin of a stop, "
            "unless it was restarted before."
        )
    if plan.admission:
        facts.append(
            f"ValidatingAdmissionPolicy {plan.admission.name} holds the accounts to the pause, "
            "their own annotations and spec.replicas."
        )
    return facts


def _steps(plan: BackupPlan) -> list[tuple[str, ...]]:
    """Return the steps with the action and the stage in each row: a page has no empty cells."""
    rows: list[tuple[str, ...]] = []
    for row in step_rows(plan):
        if row[0] or not rows:
            rows.append(tuple(row))
        else:  # one more object of the same step
            former = list(rows[-1])
            former[3] += f", {row[3]}"
            rows[-1] = tuple(former)
    return rows
