"""Put objects on a cluster by server-side apply, in the order in which they need each other."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from kanister_kafka.backup.scripts import holds_scripts
from kanister_kafka.errors import (
    ConflictError,
    InterruptedWriteError,
    KanisterKafkaError,
    NotFoundError,
)
from kanister_kafka.kube.client import KubeClient, Object, Objects
from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock, retry
from kanister_kafka.operations.apply.dry_run import (
    DryRunResult,
    apply_outcome,
    failures,
    find_live_object,
    run_dry_run,
    with_remedy,
)
from kanister_kafka.operations.apply.objects import (
    ApplyOutcome,
    ApplyReport,
    DryRun,
    ObjectFailure,
    ObjectRef,
    ObjectResult,
    OnResult,
    ignore_result,
    object_ref,
)
from kanister_kafka.operations.unrendered_fields import unrendered_fields
from kanister_kafka.yamldoc import dump

# Writes one after the other, until one fails.

PAUSES = (1, 2, 4, 8, 15)
"""Seconds between tries: half a minute, in which another API server takes over."""
Write = Callable[[], ObjectResult]


def run_in_sequence(
    steps: Sequence[tuple[ObjectRef, Write]], on_result: OnResult, clock: Clock
) -> ApplyReport:
    """Write each object, and stop at the first that fails: the report leaves none out.

    Each write may be repeated, and is while the API server is away. An interrupt from the keyboard
    is a failure too, so that the report has what was done until then.
    """
    results: list[ObjectResult] = []
    for at, (ref, write) in enumerate(steps):
        error: KanisterKafkaError
        try:
            happened = retry(write, PAUSES, clock=clock)
        except KanisterKafkaError as failure:
            error = failure
        except KeyboardInterrupt:
            error = InterruptedWriteError("interrupted")
        else:
            results.append(happened)
            on_result(results[-1])
            continue
        return ApplyReport(
            results=tuple(results),
            failures=(ObjectFailure(ref, error),),
            pending=tuple(ref for ref, _write in steps[at:]),
        )
    return ApplyReport(results=tuple(results))


def apply_objects(
    objects: Objects,
    connection: KubeClient,
    *,
    dry_run: DryRun = DryRun.NONE,
    force: bool = False,
    on_result: OnResult = ignore_result,
    clock: Clock = SYSTEM_CLOCK,
) -> ApplyReport:
    """Apply objects as our field manager, after all of them passed a dry run on the server.

    Each object needs a namespace. If any is refused in the dry run nothing is changed; if one
    fails later the rest is not tried, and the report has what was applied and what was not.
    The API server writes nothing if an object is as desired already. `force` takes over fields
    of other managers. Scripts that another run has deleted meanwhile are a failure. Raises
    UnreachableError if the server is out of reach before the first write.
    """
    trials = run_dry_run(objects, connection, ask=dry_run is not DryRun.CLIENT, force=force)
    if failed := failures(trials):
        return ApplyReport(
            results=(), failures=failed, pending=tuple(trial.target for trial in trials)
        )
    if dry_run is not DryRun.NONE:
        results = tuple(
            ObjectResult(trial.target, trial.outcome, unrendered=trial.unrendered)
            for trial in trials
        )
        for result in results:
            on_result(result)
        return ApplyReport(results=results)
    write = partial(_write, connection=connection, force=force)
    report = run_in_sequence(
        [(trial.target, partial(write, trial)) for trial in trials], on_result, clock
    )
    if report.failures:
        return report
    # Another apply or delete may have found that nothing names the scripts, just before this did.
    shared = [trial.target for trial in trials if holds_scripts(trial.desired)]
    scripts = run_in_sequence(
        [(t, partial(_still_exists, t, connection)) for t in shared], ignore_result, clock
    )
    results = tuple(result for result in report.results if result.target not in scripts.pending)
    return ApplyReport(results=results, failures=scripts.failures, pending=scripts.pending)


def _still_exists(ref: ObjectRef, connection: KubeClient) -> ObjectResult:
    if find_live_object(ref, connection) is None:
        raise NotFoundError("it was deleted during this apply: apply again")
    return ObjectResult(ref, ApplyOutcome.UNCHANGED)


def _write(trial: DryRunResult, *, connection: KubeClient, force: bool) -> ObjectResult:
    try:
        applied = connection.apply(trial.desired, force=force)
    except ConflictError as failure:
        raise with_remedy(failure) from failure
    return ObjectResult(
        trial.target,
        apply_outcome(trial.live, applied),
        unrendered=unrendered_fields(trial.desired, applied),
    )


# The changes of an apply, in the manner of `kubectl diff`.

SERVERS_OWN = ("managedFields", "resourceVersion", "generation", "uid", "creationTimestamp")
"""Metadata that the API server writes."""


def object_diff(trials: Iterable[DryRunResult], pruned: Iterable[Object] = ()) -> str:
    """Return a unified diff of the live objects against what the server would make of them.

    Objects that would be pruned are taken away as a whole. Empty if nothing differs.
    """
    lines: list[str] = []
    for trial in trials:
        # A RoleBinding cannot be tried before its Role is there: then it is new as it is wanted.
        after = trial.result if trial.result is not None else trial.desired
        lines += _diff(trial.live, after)
    for item in pruned:
        lines += _diff(item, None)
    return "".join(lines)


def _diff(before: Object | None, after: Object | None) -> Iterable[str]:
    ref = object_ref(before or after or {})
    name = f"{ref.namespace}/{ref}" if ref.namespace else f"{ref}"
    return difflib.unified_diff(_text(before), _text(after), f"live/{name}", f"applied/{name}")


def _text(item: Object | None) -> list[str]:
    """Return an object as sorted YAML, without what the API server writes of its own."""
    if item is None:
        return []
    on_result = copy.deepcopy(item)
    on_result.pop("status", None)
    for key in SERVERS_OWN:
        on_result["metadata"].pop(key, None)
    return dump(_sorted(on_result)).splitlines(keepends=True)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
