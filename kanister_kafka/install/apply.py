"""Put objects on a cluster by server-side apply, in the order in which they need each other."""

from __future__ import annotations

import time
from functools import partial

from kanister_kafka.errors import ConflictError, NotFoundError
from kanister_kafka.install.outcome import Done, DryRun, Outcome, Report, Told, untold
from kanister_kafka.install.steps import Sleep, in_turn
from kanister_kafka.install.target import Target
from kanister_kafka.install.trial import Trial, attempt, failures, find, outcome, with_remedy
from kanister_kafka.kube.connection import Connection, Objects
from kanister_kafka.pins import holds_scripts


def apply(
    objects: Objects,
    connection: Connection,
    *,
    dry_run: DryRun = DryRun.NONE,
    force: bool = False,
    told: Told = untold,
    sleep: Sleep = time.sleep,
) -> Report:
    """Apply objects as our field manager, after all of them passed a dry run on the server.

    Each object needs a namespace. Where any is refused in the dry run nothing is changed; where
    one fails later the rest is not tried, and the report tells what was applied and what was not.
    The API server writes nothing where an object is as wanted already. `force` takes over fields
    of other managers. Scripts that another run has deleted meanwhile are a failure. Raises
    UnreachableError where the server is out of reach before the first write.
    """
    trials = attempt(objects, connection, ask=dry_run is not DryRun.CLIENT, force=force)
    if failed := failures(trials):
        return Report(done=(), failures=failed, pending=tuple(trial.target for trial in trials))
    if dry_run is not DryRun.NONE:
        done = tuple(Done(trial.target, trial.outcome) for trial in trials)
        for each in done:
            told(each)
        return Report(done=done)
    write = partial(_write, connection=connection, force=force)
    report = in_turn([(trial.target, partial(write, trial)) for trial in trials], told, sleep)
    if report.failures:
        return report
    # Another apply or delete may have found that nothing names the scripts, just before this did.
    shared = [trial.target for trial in trials if holds_scripts(trial.wanted)]
    there = in_turn([(t, partial(_there, t, connection)) for t in shared], untold, sleep)
    done = tuple(each for each in report.done if each.target not in there.pending)
    return Report(done=done, failures=there.failures, pending=there.pending)


def _there(place: Target, connection: Connection) -> Done:
    if find(place, connection) is None:
        raise NotFoundError("somebody has deleted it while all this was applied: apply again")
    return Done(place, Outcome.UNCHANGED)


def _write(trial: Trial, *, connection: Connection, force: bool) -> Done:
    try:
        applied = connection.apply(trial.wanted, force=force)
    except ConflictError as failure:
        raise with_remedy(failure) from failure
    return Done(trial.target, outcome(trial.live, applied))
