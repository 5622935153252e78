"""Put objects on a cluster by server-side apply, in the order in which they need each other."""

from __future__ import annotations

import time
from functools import partial

from kanister_kafka.errors import ConflictError
from kanister_kafka.install.outcome import Done, DryRun, Outcome, Report, Told, untold
from kanister_kafka.install.steps import Sleep, in_turn
from kanister_kafka.install.trial import Trial, attempt, failures, outcome, with_remedy
from kanister_kafka.kube.connection import Connection, Objects


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
    of other managers. Raises UnreachableError where the server is out of reach before the first
    write.
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
    return in_turn([(trial.target, partial(write, trial)) for trial in trials], told, sleep)


def _write(trial: Trial, *, connection: Connection, force: bool) -> Outcome:
    try:
        applied = connection.apply(trial.wanted, force=force)
    except ConflictError as failure:
        raise with_remedy(failure) from failure
    return outcome(trial.live, applied)
