"""Whether the scripts are there that the Blueprint pins: without them every step fails."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.pins import digest_of
from kanister_kafka.preflight.model import Line, Object, Pinned, bad, ok
from kanister_kafka.preflight.objects import at, few, title
from kanister_kafka.preflight.registry import check
from kanister_kafka.preflight.view import View

NOW = "what would be rendered now"


@check("scripts")
def scripts(view: View) -> Iterator[Line]:
    """Check that each ConfigMap of scripts is there, unaltered and immutable."""
    if view.planned is None:
        return
    applied = any(
        seen.value and seen.value.live
        for seen in view.planned.rendered
        if seen.value and seen.value.wanted["kind"] == "Blueprint"
    )
    for pinned in view.planned.scripts:
        if pinned.config_map.unseen is not None:
            continue
        live = pinned.config_map.value
        # What is there runs without the ones of another version: `drift` tells that these lack.
        if live is not None or pinned.by or not applied:
            yield _line(view, pinned, live)
    for pinned in view.planned.scripts:
        pinned.config_map.get()  # what may not be read is told last, so that it hides nothing


def _line(view: View, pinned: Pinned, live: Object | None) -> Line:
    home, name = pinned.namespace, pinned.pin.name
    here, by = f"ConfigMap {home}/{name}", few(pinned.by) or NOW
    if live is None:
        what = (
            f"{here} with the scripts of {by} is missing, and every step that needs it would fail"
        )
        return bad(what, view.apply, objects=(here,))
    if digest_of(live) != pinned.pin.sha256:
        what = (
            f"{here} does not have the scripts that {by} pins: it was altered or replaced, so "
            "every step that needs them would fail"
        )
    elif live.get("immutable") is not True:
        what = f"{here} with the scripts of {by} is not immutable: it was replaced"
    else:
        return ok(f"{here} is immutable and has the scripts that {by} pins", objects=(here,))
    remedy = f"{view.kubectl(f'delete configmap {name} -n {home}')} && {view.apply}"
    return bad(what, remedy, detail=tuple(_writers(live)), objects=(here,))


def _writers(config_map: Object) -> Iterator[str]:
    """Say who has written it, as far as the API server knows."""
    for entry in at(config_map, "metadata", "managedFields") or ():
        yield (
            f"{title(config_map)} was written by {entry.get('manager') or 'somebody'} "
            f"({entry.get('operation')}) at {entry.get('time')}"
        )
