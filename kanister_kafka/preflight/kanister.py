"""Whether Kanister is there to run the Blueprint, and Kasten lets it run for long enough."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kanister_kafka.blueprint.releases import NEWEST, is_within, parse_release
from kanister_kafka.preflight.model import Line, Object, Objects, bad, doubt, ok
from kanister_kafka.preflight.objects import at, name_of, title, titles
from kanister_kafka.preflight.reading import told
from kanister_kafka.preflight.registry import check
from kanister_kafka.preflight.view import Planned, View

KASTEN_KEYS = (
    "K10TimeoutBlueprintResourceHooks",
    "K10TimeoutBlueprintHooks",
    "KanisterHookTimeout",
)
"""Keys of the ConfigMap `k10-config` with the limit of a hook in minutes, the newest first
(Kasten's Helm chart: `timeout.blueprintResourceHooks`, before that `timeout.blueprintHooks`, before
that `kanister.hookTimeout`)."""
LABELS_SINCE = "0.111"
"""The release of Kanister whose KubeTask takes labels and annotations of its pod."""
HOOKS = ("backupPrehook", "backupPosthook")
ENDED = ("complete", "failed")
NEARLY = 0.8
"""Share of the limit from which on a hook is told to be near it."""


@check("kanister")
def kanister(view: View) -> Iterator[Line]:
    """Check that Kanister's API is served and its controller runs."""
    home = view.kasten_namespace
    if not view.kanister_api:
        yield bad(
            "the cluster does not know Blueprints: Kanister is not installed",
            "install Kasten, or Kanister's Helm chart kanister-operator",
        )
        return
    found = [item for item in view.deployments.get() if _image(item)]
    if not found:
        yield bad(
            f"no Kanister controller is in namespace {home}",
            "give --kasten-namespace where it is another one",
        )
        return
    for item in found:
        if not at(item, "status", "availableReplicas"):
            yield bad(
                f"{title(item)}, the Kanister controller, has no pod that is Ready",
                view.kubectl(f"get pods -n {home}"),
                objects=(title(item),),
            )
            continue
        tag = _image(item).partition("@")[0].rpartition("/")[2].partition(":")[2]
        release = parse_release(tag)
        pods = view.planned.plan.options.pods if view.planned else None
        if release and pods and (pods.labels or pods.annotations) and not _labels(release):
            yield bad(
                f"{title(item)} is Kanister {release}, which refuses podLabels and podAnnotations: "
                f"that takes {LABELS_SINCE}, and every step would fail",
                "render and apply with --pod-label none --pod-annotation none",
                objects=(title(item),),
            )
            continue
        known = f"Kanister {release}" if release else f"image tag {tag or 'none'}"
        beside = (
            f"; known here up to {NEWEST}"
            if release
            else f", which does not tell the release of Kanister; known here up to {NEWEST}"
        )
        yield ok(f"{title(item)} runs: {known}{beside}", objects=(title(item),))


@check("running-action")
def running_action(view: View) -> Iterator[Line]:
    """Check that no action of the Blueprint is running, and none is stuck."""
    if view.planned is None:
        return
    running = [item for item in _ours(view.planned) if _state(item) not in ENDED]
    if running:
        yield bad(
            f"an action of the Blueprint is running, or stuck: {', '.join(titles(running))}",
            view.ours("status"),
            objects=titles(running),
        )
    else:
        yield ok("no action of the Blueprint is running")


@check("hook-timeout")
def hook_timeout(view: View) -> Iterator[Line]:
    """Check that all waits fit in the time that Kasten gives a hook, as Kasten itself is set."""
    if view.planned is None:
        return
    found = list(told(view, "hook-timeout"))
    yield from found
    limit = view.planned.plan.options.hook_timeout
    config = view.kasten.get()
    minutes = next((v for key in KASTEN_KEYS if (v := at(config or {}, "data", key))), "")
    if str(minutes).isdecimal() and int(minutes) * 60 < limit:
        yield bad(
            f"Kasten ends a hook after {int(minutes) * 60}s, sooner than the {limit}s of "
            "--hook-timeout",
            "raise Kasten's Helm value timeout.blueprintHooks, or lower --hook-timeout",
            objects=titles([config]) if config else (),
        )
    elif not found:
        kasten = f", as Kasten is set ({minutes} min)" if minutes else ""
        yield ok(f"all waits of a hook fit in {limit}s{kasten}")


@check("measured")
def measured(view: View) -> Iterator[Line]:
    """Check that what former runs took is well below the limit, and the last one went well."""
    if view.planned is None:
        return
    limit = view.planned.plan.options.hook_timeout
    ended = sorted(
        (item for item in _ours(view.planned) if _state(item) in ENDED),
        key=lambda item: str(at(item, "metadata", "creationTimestamp")),
    )
    rehearse = view.ours("rehearse")
    if not ended:
        yield doubt("no run of the Blueprint is known, so its time was never measured", rehearse)
        return
    for action in HOOKS:
        runs = [
            s for item in ended if _action(item) == action and (s := _seconds(item)) is not None
        ]
        if not runs:
            continue
        longest = max(runs)
        count = f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
        said = f"{action} took {longest}s at most in {count}, of {limit}s that a hook may take"
        if longest > limit:
            yield bad(said, "raise Kasten's timeout.blueprintHooks and tell --hook-timeout")
        elif longest > limit * NEARLY:
            yield doubt(said, "raise Kasten's timeout.blueprintHooks and tell --hook-timeout")
        else:
            yield ok(said)
    last = ended[-1]
    if _state(last) == "failed":
        yield doubt(
            f"the last run failed: {title(last)}, action {_action(last)}",
            view.kubectl(f"get actionset {name_of(last)} -n {view.kasten_namespace} -o yaml"),
            objects=(title(last),),
        )


def _labels(release: str) -> bool:
    return is_within(release, LABELS_SINCE, "")


def _image(deployment: Object) -> str:
    """Return the image of the controller, or nothing where the Deployment is another's.

    Kanister's is `ghcr.io/kanisterio/controller`; Kasten's is in the Deployment `kanister-svc`.
    """
    containers = at(deployment, "spec", "template", "spec", "containers") or ()
    images = [str(container.get("image") or "") for container in containers]
    if name_of(deployment) == "kanister-svc":
        return next((image for image in images if "kanister" in image), images[0] if images else "")
    return next((image for image in images if "kanister" in image and "tools" not in image), "")


def _ours(planned: Planned) -> Objects:
    return tuple(
        item
        for item in planned.action_sets.get()
        if any(a.get("blueprint") == planned.plan.name for a in at(item, "spec", "actions") or ())
    )


def _action(item: Object) -> str:
    return str((at(item, "spec", "actions") or [{}])[0].get("name") or "")


def _state(item: Object) -> str:
    """Return the state of an ActionSet; it is called failed before its deferPhase has ended."""
    for action in at(item, "status", "actions") or ():
        if str(at(action, "deferPhase", "state") or "") in ("pending", "running"):
            return "running"
    return str(at(item, "status", "state") or "pending")


def _seconds(item: Object) -> int | None:
    """Return what a run took, from its creation to its last sign of progress."""
    start = _time(at(item, "metadata", "creationTimestamp"))
    end = _time(at(item, "status", "progress", "lastTransitionTime"))
    return round((end - start).total_seconds()) if start and end and end >= start else None


def _time(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text).replace("Z", "+00:00"))
    except ValueError:
        return None
