"""The command `restore`."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE, HOLD, NOW, is_retention_choice
from kanister_kafka.cli.app import confirm, echo, print_warning, terminal_width
from kanister_kafka.cli.backup_catalogue import catalogue_options, open_backup, utc_now
from kanister_kafka.cli.clone import clone_options, into_option
from kanister_kafka.cli.location import (
    find_clone_source,
    import_options,
    is_from_store,
    location_options,
)
from kanister_kafka.cli.options import action_options
from kanister_kafka.cli.param_types import SectionedCommand, flag_option
from kanister_kafka.errors import ActionError, KanisterKafkaError

if TYPE_CHECKING:
    from kanister_kafka.operations.clone.plan import ClonePlan, CloneRequest
    from kanister_kafka.operations.clone.runner import CloneRunner

RETENTION = "{!r} must be hold, now, or a duration such as 72h"
START_S = 900
"""Seconds until a copy is Ready, without --timeout."""


@click.command(
    cls=SectionedCommand, epilog="Example: kanister-kafka restore 20260102030405 -n kafka"
)
@click.argument("backup")
@catalogue_options
@flag_option("--overwrite", "Replace the volumes and objects of the Kafka that are there.")
@flag_option(
    "--discard-replaced",
    "Take no snapshots of the volumes that are replaced: their content is lost.",
)
@into_option(
    "Restore into this namespace instead, next to the Kafka that the backup came from. The "
    "namespace is created if it does not exist."
)
@clone_options
@flag_option(
    "--entity-operator",
    "With --into: run the topic and user operators too, which change topics and users.",
)
@location_options
@import_options
@flag_option(
    "--unchanged",
    "With --location: restore the resources as they were, with listeners, entity operator, "
    "topics, users and metrics. Only if the Kafka that the backup came from no longer runs.",
)
@action_options
@click.pass_context
def restore(
    ctx: click.Context,
    /,
    *,
    backup: str,
    namespace: str,
    kafka: str,
    kasten_namespace: str,
    context: str,
    blueprint: str,
    options: tuple[tuple[str, str], ...],
    overwrite: bool,
    discard_replaced: bool,
    into: str,
    storage_class: str,
    cpu: str,
    memory: str,
    heap: str,
    entity_operator: bool,
    retention: str,
    timeout: int | None,
    no_logs: bool,
    yes: bool,
    dry_run: bool,
    unchanged: bool,
    **store: Any,
) -> None:
    """Restore a backup into its own or into another namespace.

    BACKUP is the name of a backup of the action `backup`, as `backups list` prints it, or
    `latest`. The ActionSet of the backup may be gone. Runs the action `restore` of the Blueprint,
    which checks everything before it changes anything, and follows it. Exits with 1 if the
    restore failed.

    With --into, a copy of the Kafka starts in another namespace, with the same cluster id, node
    ids, certificate authorities and records. Neither a Blueprint nor Kanister is needed, and
    nothing in the namespace of the backup is written. Clients and listeners that would mix the
    copy with its source are left out; --dry-run prints all objects of the copy without their
    Secrets.

    With --location, the backup is read from an object store, and nothing of it must be in the
    cluster. Jobs restore its volumes. If they fail before the volumes of any node are filled, all
    objects of the copy are removed, else they are kept.
    """
    from kanister_kafka.operations.clone.plan import CloneRequest
    from kanister_kafka.operations.clone.rehome import NodeResources

    if not is_from_store(**store):
        _refuse({"--unchanged": unchanged}, "needs --location")
    cloning = {"--storage-class": storage_class, "--cpu": cpu, "--memory": memory, "--heap": heap}
    if into:
        in_place = {
            "--overwrite": overwrite,
            "--discard-replaced": discard_replaced,
            "--option": options,
            "--blueprint": blueprint,
        }
        _refuse(in_place, "is for a restore into the namespace of the backup, not for --into")
        if retention and not is_retention_choice(retention):
            raise click.BadParameter(RETENTION.format(retention), param_hint="--retention")
        clone = CloneRequest(
            namespace=into,
            identity=uuid.uuid4().hex[:10],
            storage_class=storage_class,
            resources=NodeResources(cpu=cpu, memory=memory, heap=heap),
            entity_operator=entity_operator,
            unchanged=unchanged,
            retention=retention or HOLD,
        )
        origin = find_clone_source(
            backup,
            context=context,
            namespace=namespace,
            kafka=kafka,
            kasten_namespace=kasten_namespace,
            **store,
        )
        plan, runner = origin.prepare(clone)
        _restore_into(
            plan, runner, clone, context=context, timeout=timeout, yes=yes, dry_run=dry_run
        )
        return
    elsewhere = {"--entity-operator": entity_operator, "--location": store["location"]}
    _refuse({**cloning, **elsewhere}, "needs --into NAMESPACE")
    from kanister_kafka.cli.commands.run import confirm_restore, run_request, with_retention
    from kanister_kafka.operations import start_action
    from kanister_kafka.operations.backups.action_sets import restore_request
    from kanister_kafka.operations.backups.activity import BackupActivity
    from kanister_kafka.reports.backups import backup_text
    from kanister_kafka.yamldoc import dump

    connection, selected = open_backup(context, namespace, kafka, kasten_namespace, backup)
    if reason := BackupActivity(connection, kasten_namespace).using(selected):
        raise ActionError(f"{selected} is in use: {reason}")
    blueprint_namespace = kasten_namespace or DEFAULT_KASTEN_NAMESPACE
    applied = start_action.find_applied(connection, selected.kafka, blueprint_namespace, blueprint)
    start_action.check_action(applied, "restore")
    chosen = list(options)
    if overwrite:
        chosen.append(("overwrite", "true"))
    if discard_replaced:
        chosen.append(("discard-replaced", "true"))
    request = restore_request(selected, applied, tuple(chosen))
    if retention:
        request = with_retention(request, retention, context)
    if dry_run:
        echo(dump(start_action.build_action_set(request)))
        return
    described = backup_text(selected, utc_now(), terminal_width(), how_to_restore=False)
    confirm_restore(connection, request, described.splitlines(), yes=yes)
    ctx.exit(run_request(connection, request, logs=not no_logs, timeout=timeout))


def _refuse(given: Mapping[str, object], why: str) -> None:
    """Refuse options that do not go together."""
    names = [name for name, value in given.items() if value]
    if names:
        raise click.UsageError(f"{', '.join(names)} {why}")


def _restore_into(
    plan: ClonePlan,
    runner: CloneRunner,
    request: CloneRequest,
    *,
    context: str,
    timeout: int | None,
    yes: bool,
    dry_run: bool,
) -> None:
    """Start a copy in another namespace; on a failure, print how to remove what was made.

    If no volume is filled from a store, the copy is removed: without them it is of no use, and the
    next try would find its objects.
    """
    from kanister_kafka.operations.action_follower import release_command
    from kanister_kafka.operations.clone.remover import removal_commands
    from kanister_kafka.operations.provenance import apply_command
    from kanister_kafka.processes import SignalGuard
    from kanister_kafka.yamldoc import dump

    if dry_run:
        shown = [item for item in (plan.namespace, *plan.objects) if item["kind"] != "Secret"]
        echo("---\n".join(map(dump, shown)))
        return
    confirm("Go on?", "a restore starts a Kafka", yes=yes)
    with SignalGuard(print_warning, "the copy is removed first") as guard:
        is_paused = True
        try:
            runner.create()
            is_paused = False
            runner.start(timeout or START_S)
        except (KanisterKafkaError, KeyboardInterrupt):
            filled = runner.filled_claims
            if plan.imports and not filled:
                guard.shield()
                if not runner.remover.remove():
                    raise
            if filled and is_paused:
                _warn_incomplete(plan, filled)
            print_warning(f"the copy in namespace {request.namespace} is not removed. {REMOVE}")
            for line in removal_commands(
                plan, has_namespace=runner.created_namespace, context=context
            ):
                echo(f"  {line}\n", err=True)
            raise
    runner.remove_snapshots()
    echo(f"Kafka {plan.target} is Ready: a copy of {plan.backup}\n")
    if request.retention != NOW:
        echo(f"It deletes no record until: {release_command(plan.target, context)}\n")
    if plan.imports and not request.unchanged:
        echo(
            "Its resources differ from those of the backup as printed above. To use it instead of "
            "its source: kanister-kafka docs export\n"
        )
    if request.unchanged:
        again = apply_command(plan.target, "", context)
        echo(
            "No backup of it is made until its Blueprint is applied with its former options: "
            f"{again} --engine kanister …\n"
        )
    echo(f"{REMOVE}\n")
    for line in removal_commands(plan, has_namespace=runner.created_namespace, context=context):
        echo(f"  {line}\n")


REMOVE = "To remove the copy:"


def _warn_incomplete(plan: ClonePlan, filled: Sequence[str]) -> None:
    """Print which volumes have their content, and what must not be done with the copy."""
    from kanister_kafka.kube.objects import name_of
    from kanister_kafka.operations.clone.imports import import_name

    others = [name for name in map(name_of, plan.claims) if name not in filled]
    secret = import_name(plan.identity) if plan.import_secrets else ""
    print_warning(
        f"Kafka {plan.target} stays paused. Do not end its pause: it would start without its "
        f"data or its ids. Volumes that are filled: {', '.join(filled)}; not filled: "
        f"{', '.join(others) or 'none'}"
    )
    print_warning(
        "the restore cannot be continued: after the removal it begins anew. Until then Jobs can "
        "still run" + f", and Secret {secret} has the credentials of the store" * bool(secret)
    )
