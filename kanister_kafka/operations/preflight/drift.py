"""Whether the objects on the cluster are those that would be rendered now."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

from kanister_kafka import constants
from kanister_kafka._version import __version__
from kanister_kafka.backup.scripts import digest_of, holds_scripts
from kanister_kafka.kube.client import Object
from kanister_kafka.kube.objects import get_path, join_limited, title, titles
from kanister_kafka.operations.apply.objects import object_ref
from kanister_kafka.operations.preflight.cluster_facts import ClusterFacts, preflight_check
from kanister_kafka.operations.preflight.model import (
    CheckLine,
    ManifestPair,
    PinnedScripts,
    failed,
    passed,
    warned,
)
from kanister_kafka.operations.unrendered_fields import (
    NOT_REMOVED,
    WHOLE,
    UnrenderedField,
    below,
    format_fields,
    source_advice,
    unrendered_fields,
)

OTHERWISE = "if it was rendered with other options, give the same ones here"
METADATA = ("metadata.labels", "metadata.annotations")
ORIGIN = (constants.INPUT_HASH, constants.OPTIONS, constants.VERSION)
"""Annotations about the origin of a Blueprint, which are not a difference by themselves."""


@preflight_check("drift")
def drift(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that each rendered object is on the cluster, with every field as it is rendered."""
    if view.planned is None:
        return
    everything = view.planned.rendered
    pairs = [reading.get() for reading in everything if reading.unreadable is None]
    missing = [pair.desired for pair in pairs if pair.live is None]
    if len(missing) == len(everything):
        yield failed("none of the objects that a backup needs is on the cluster yet", view.apply)
        return
    if missing:
        what = f"not on the cluster: {join_limited(titles(missing), 9)}"
        yield failed(what, view.apply, objects=titles(missing))
    unrendered = {title(pair.desired): _unrendered(pair) for pair in pairs}
    changed = {}
    for pair in pairs:
        if pair.live:
            changed[title(pair.desired)] = _changes(pair, unrendered[title(pair.desired)])
    origins = {title(pair.desired): tuple(_origin(pair)) for pair in pairs if pair.live}
    scripts = {title(pair.desired) for pair in pairs if holds_scripts(pair.desired)}
    slight = []
    for name, paths in changed.items():
        if paths and all(path.startswith(METADATA) for path in paths):
            slight.append(name)
        elif paths and name not in scripts:  # the check `scripts` reports those, with the remedy
            what = f"{name} is not as it would be rendered now: {join_limited(paths)}"
            detail = origins[name] or (OTHERWISE,)
            yield failed(what, view.apply, detail=detail, objects=(name,))
    if slight:
        every = chain.from_iterable(changed[name] for name in slight)
        detail = (join_limited(dict.fromkeys(every)),)
        yield warned(
            f"other labels or annotations than would be rendered now: {join_limited(slight, 9)}",
            view.apply,
            detail=detail,
            objects=tuple(slight),
        )
    for pair in pairs:
        if fields := unrendered[title(pair.desired)]:
            yield _unrendered_line(view, pair, fields, origins[title(pair.desired)])
    for reading in everything:
        reading.get()  # what may not be read is reported last, so that it hides nothing
    if not missing and not any(changed.values()) and not any(unrendered.values()):
        what = f"all {len(pairs)} objects on the cluster are as they would be rendered now"
        yield passed(what, detail=tuple(chain.from_iterable(origins.values())))


def _unrendered(pair: ManifestPair) -> tuple[UnrenderedField, ...]:
    return unrendered_fields(pair.desired, pair.live) if pair.live else ()


def _changes(pair: ManifestPair, unrendered: tuple[UnrenderedField, ...]) -> tuple[str, ...]:
    """Return the differences that an apply removes."""
    paths = {field.path for field in unrendered}
    return tuple(path for path in differences(pair) if path not in paths)


def _unrendered_line(
    view: ClusterFacts,
    pair: ManifestPair,
    fields: tuple[UnrenderedField, ...],
    origin: tuple[str, ...],
) -> CheckLine:
    """Return a line about fields of other field managers, and how they are removed."""
    name = title(pair.desired)
    report = failed if pair.desired["kind"] in WHOLE else warned
    return report(
        f"{name} has fields that are not rendered: {format_fields(fields)}",
        f"{view.kubectl(object_ref(pair.desired).deletion)} && {view.apply}",
        detail=origin + NOT_REMOVED + source_advice(fields),
        objects=(name,),
    )


def differences(pair: ManifestPair) -> Iterator[str]:
    """Yield the path of each field that is not as rendered, such as `rules[0].verbs`."""
    live = pair.live or {}
    exact = pair.desired["kind"] in WHOLE
    of_its_making = {below("metadata.annotations", name) for name in ORIGIN}
    for key, value in pair.desired.items():
        for path in _compare(value, live.get(key), key, exact=exact and key != "metadata"):
            if path not in of_its_making:
                yield path


def _origin(pair: ManifestPair) -> Iterator[str]:
    """Yield how the making of a Blueprint differed: version, options, cluster, or by hand."""
    if constants.INPUT_HASH not in _notes(pair.desired):
        return
    now, then = _notes(pair.desired), _notes(pair.live or {})
    version, was_made = then.get(constants.VERSION, ""), f"{title(pair.desired)} was made"
    if version != __version__:
        by = f"kanister-kafka {version}" if version else "an unknown version"
        yield f"{was_made} by {by}, and this is {__version__}"
    elif then.get(constants.OPTIONS, "") != now.get(constants.OPTIONS, ""):
        yield f"{was_made} with {then.get(constants.OPTIONS) or 'the default options'}"
        yield OTHERWISE
    elif then.get(constants.INPUT_HASH) != now[constants.INPUT_HASH]:
        yield f"{was_made} from another state of the cluster"
    elif any(differences(pair)):
        yield f"{was_made} from this very input: it was changed since, or the templates were"


def _notes(item: Object) -> dict[str, str]:
    return item["metadata"].get("annotations") or {} if item else {}


def _compare(desired: Any, live: Any, path: str, *, exact: bool) -> Iterator[str]:
    if isinstance(desired, dict) and isinstance(live, dict):
        for key, value in desired.items():
            yield from _compare(value, live.get(key), below(path, key), exact=exact)
        if exact:
            yield from (below(path, key) for key in live if key not in desired)
    elif isinstance(desired, list) and isinstance(live, list) and len(desired) == len(live):
        for i, (desired_item, live_item) in enumerate(zip(desired, live, strict=True)):
            yield from _compare(desired_item, live_item, f"{path}[{i}]", exact=exact)
    elif isinstance(desired, list) and isinstance(live, list):
        yield f"{path} ({len(live)} instead of {len(desired)})"
    elif desired != live and not (live is None and desired in ({}, [], "")):
        yield path


# Whether the scripts are there that the Blueprint pins: without them every step fails.

NOW = "what would be rendered now"


@preflight_check("scripts")
def scripts(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that each ConfigMap of scripts is there, unaltered and immutable."""
    if view.planned is None:
        return
    applied = any(
        reading.value and reading.value.live
        for reading in view.planned.rendered
        if reading.value and reading.value.desired["kind"] == "Blueprint"
    )
    for pinned in view.planned.scripts:
        if pinned.config_map.unreadable is not None:
            continue
        live = pinned.config_map.value
        # What is there runs without the ones of another version: `drift` reports these.
        if live is not None or pinned.by or not applied:
            yield _line(view, pinned, live)
    for pinned in view.planned.scripts:
        pinned.config_map.get()  # what may not be read is reported last, so that it hides nothing


def _line(view: ClusterFacts, pinned: PinnedScripts, live: Object | None) -> CheckLine:
    namespace, name = pinned.namespace, pinned.pin.name
    place, by = f"ConfigMap {namespace}/{name}", join_limited(pinned.by) or NOW
    if live is None:
        what = (
            f"{place} with the scripts of {by} is missing, and every step that needs it would fail"
        )
        return failed(what, view.apply, objects=(place,))
    if digest_of(live) != pinned.pin.sha256:
        what = (
            f"{place} does not have the scripts that {by} pins: it was altered or replaced, so "
            "every step that needs them would fail"
        )
    elif live.get("immutable") is not True:
        what = f"{place} with the scripts of {by} is not immutable: it was replaced"
    else:
        return passed(f"{place} is immutable and has the scripts that {by} pins", objects=(place,))
    remedy = f"{view.kubectl(f'delete configmap {name} -n {namespace}')} && {view.apply}"
    return failed(what, remedy, detail=tuple(_writers(live)), objects=(place,))


def _writers(config_map: Object) -> Iterator[str]:
    """Yield who has written it, as far as the API server knows."""
    for entry in get_path(config_map, "metadata", "managedFields") or ():
        yield (
            f"{title(config_map)} was written by {entry.get('manager') or 'an unknown client'} "
            f"({entry.get('operation')}) at {entry.get('time')}"
        )
