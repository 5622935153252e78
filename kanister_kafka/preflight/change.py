"""What must not be cut in two: a migration, a change of version, a rebalance."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.preflight.model import Line, bad, doubt, ok
from kanister_kafka.preflight.objects import at, condition, few, name_of, title
from kanister_kafka.preflight.reading import told
from kanister_kafka.preflight.registry import check
from kanister_kafka.preflight.view import View

MOVING = ("Rebalancing",)
"""States of a KafkaRebalance in which replicas move, as types of a condition (Strimzi's
KafkaRebalanceState.java)."""
PLANNING = ("New", "PendingProposal")


@check("migration")
def migration(view: View) -> Iterator[Line]:
    """Check that the cluster is not on its way between ZooKeeper and KRaft."""
    found = list(told(view, "metadata-migration"))
    yield from found
    if not found:
        state = at(view.kafka, "status", "kafkaMetadataState")
        mode = f": the metadata is in {state}" if state else ""
        yield ok(f"no migration between ZooKeeper and KRaft{mode}")


@check("version")
def version(view: View) -> Iterator[Line]:
    """Check that brokers run the version that the resource asks for."""
    wanted = str(at(view.kafka, "spec", "kafka", "version") or "")
    runs = str(at(view.kafka, "status", "kafkaVersion") or "")
    yield from told(view, "unpinned-version")
    if wanted and runs and wanted != runs:
        yield bad(
            f"Kafka is to become {wanted} and the last reconciliation ended with {runs}",
            "wait until the operator has changed the version",
            objects=(title(view.kafka),),
        )
    elif wanted:
        seen = "runs" if runs else "is asked for; what runs is not told"
        yield ok(f"Kafka {wanted} {seen}, and no other version is asked for")


@check("rebalance")
def rebalance(view: View) -> Iterator[Line]:
    """Check that no replicas are on the move."""
    auto = str(at(view.kafka, "status", "autoRebalance", "state") or "")
    quiet = True
    if auto and auto != "Idle":
        quiet = False
        yield bad(
            f"Cruise Control rebalances by itself: status.autoRebalance.state is {auto}",
            "wait until it is Idle",
            objects=(title(view.kafka),),
        )
    for item in view.rebalances.get():
        state = next((s for s in (*MOVING, *PLANNING) if condition(item, s).get("status")), "")
        told_state = str(condition(item, state).get("status")) if state else ""
        if told_state != "True":
            continue
        quiet = False
        say = bad if state in MOVING else doubt
        then = "" if state in MOVING else ", and the stop ends that"
        yield say(
            f"{title(item)} is in state {state}{then}",
            "wait until it is Ready, or stop it: "
            + view.kubectl(
                f"annotate kafkarebalances {name_of(item)} -n {view.namespace} "
                "strimzi.io/rebalance=stop"
            ),
            objects=(title(item),),
        )
    if quiet:
        yield ok("no rebalance is running")


@check("partitions")
def partitions(view: View) -> Iterator[Line]:
    """Check that every replica is in sync, so no partition loses its leader while brokers stop."""
    behind = view.partitions.get()
    if not behind:
        yield ok("every replica is in sync")
        return
    dead = [part for part in behind if part.leader in ("none", "-1")]
    yield bad(
        f"{len(behind)} partitions have replicas that are not in sync"
        + (f", {len(dead)} of them no leader" if dead else ""),
        "wait until they have caught up, or look why they do not",
        detail=(
            few(
                (f"{p.topic}-{p.number}: {p.in_sync} of {p.replicas} in sync" for p in behind),
                10,
            ),
        ),
    )
