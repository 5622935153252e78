"""What a person is told when following ends: what goes on, and what to do about it."""

from __future__ import annotations

from kanister_kafka.options import HOLD
from kanister_kafka.run.actionset import ActionSet
from kanister_kafka.run.events import End
from kanister_kafka.run.target import Target
from kanister_kafka.strimzi.retention import DELAY, Held


def look_at(target: Target) -> str:
    """Return the command that says what state a Kafka is in."""
    return f"kanister-kafka status {target.name} -n {target.namespace}"


def bring_back(target: Target) -> str:
    """Return the command that brings a Kafka back."""
    return f"kanister-kafka resume {target.name} -n {target.namespace}"


def release(target: Target) -> str:
    """Return the command that ends the hold of a restored Kafka's retention."""
    return f"kanister-kafka release-retention {target.name} -n {target.namespace}"


def held_words(held: Held) -> tuple[str, ...]:
    """Say that retention is held, and where somebody has undone it."""
    if held.damaged:
        return ("RETENTION may be held since a restore: the annotation that tells is damaged",)
    since = f"since {held.since}"
    if not held.holds:
        return (
            f"RETENTION IS NO LONGER HELD, though a restore has held it {since}: somebody has "
            f"changed {DELAY} in spec.kafka.config, and what has passed its retention is deleted",
        )
    long = "" if held.retention == HOLD else f", of records {held.retention} after each start"
    found = f"RETENTION IS HELD {since} by a restore{long}: nothing is deleted and volumes grow"
    if held.changed:
        return (found, f"somebody has changed since: {', '.join(held.changed)}")
    return (found,)


def drop(action_set: ActionSet) -> str:
    """Return the command that takes an ActionSet away."""
    return f"kubectl delete actionset {action_set.name} -n {action_set.namespace}"


def goes_on(target: Target, seen: ActionSet) -> tuple[str, ...]:
    """Say what goes on in the cluster when nobody follows it any longer."""
    where = f"in phase {seen.running.name}" if seen.running else "between two phases"
    return (
        f"ActionSet {seen.namespace}/{seen.name} runs on in the cluster, {where} when last seen.",
        f"  look:          {look_at(target)}",
        f"  bring it back: {bring_back(target)}",
    )


def remedy(end: End, target: Target, seen: ActionSet) -> tuple[str, ...]:
    """Say what to do after an end that is none of ours to choose."""
    match end:
        case End.UNTAKEN:
            return (
                "The Kanister controller does not seem to run, or looks at another namespace.",
                "The ActionSet was deleted, so that it does not start later by surprise.",
                f"look: kubectl get pods -n {seen.namespace}",
            )
        case End.LOST:
            return (
                "A controller that is restarted forgets what it ran and calls it running for ever:",
                "nothing is at work in the cluster now.",
                f"1. look:            {look_at(target)}",
                f"2. bring it back:   {bring_back(target)}",
                f"3. take it away:    {drop(seen)}",
            )
        case End.GONE:
            return (
                "Who deletes an ActionSet ends its action where it is.",
                f"look:          {look_at(target)}",
                f"bring it back: {bring_back(target)}",
            )
        case _:
            return (f"look: {look_at(target)}",)
