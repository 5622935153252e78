"""Whether the objects on the cluster are those that would be rendered now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kanister_kafka import marks
from kanister_kafka._version import __version__
from kanister_kafka.pins import holds_scripts
from kanister_kafka.preflight.model import Line, Object, Rendered, bad, doubt, ok
from kanister_kafka.preflight.objects import few, title, titles
from kanister_kafka.preflight.registry import check
from kanister_kafka.preflight.view import View

WHOLE = ("Blueprint",)
"""Kinds to which the API server adds nothing below: what is there besides was put there."""
OTHERWISE = "where it was rendered with other options, give the same ones here"
METADATA = ("metadata.labels", "metadata.annotations")
ORIGIN = (marks.INPUT_HASH, marks.OPTIONS, marks.VERSION)
"""Annotations that say why a Blueprint is what it is, and are no difference by themselves."""


@check("drift")
def drift(view: View) -> Iterator[Line]:
    """Check that each rendered object is on the cluster, with every field as it is rendered."""
    if view.planned is None:
        return
    everything = view.planned.rendered
    found = [seen.get() for seen in everything if seen.unseen is None]
    missing = [pair.wanted for pair in found if pair.live is None]
    if len(missing) == len(everything):
        yield bad("nothing of what a backup needs is on the cluster yet", view.apply)
        return
    if missing:
        what = f"not on the cluster: {few(titles(missing), 9)}"
        yield bad(what, view.apply, objects=titles(missing))
    changed = {title(pair.wanted): tuple(differences(pair)) for pair in found if pair.live}
    origins = {title(pair.wanted): tuple(_origin(pair)) for pair in found if pair.live}
    scripts = {title(pair.wanted) for pair in found if holds_scripts(pair.wanted)}
    slight = []
    for name, paths in changed.items():
        if paths and all(path.startswith(METADATA) for path in paths):
            slight.append(name)
        elif paths and name not in scripts:  # the check `scripts` tells of those, and the remedy
            what = f"{name} is not as it would be rendered now: {few(paths)}"
            detail = origins[name] or (OTHERWISE,)
            yield bad(what, view.apply, detail=detail, objects=(name,))
    if slight:
        paths = tuple(dict.fromkeys(path for name in slight for path in changed[name]))
        yield doubt(
            f"other labels or annotations than would be rendered now: {few(slight, 9)}",
            view.apply,
            detail=(few(paths),),
            objects=tuple(slight),
        )
    for seen in everything:
        seen.get()  # what may not be read is told last, so that it hides nothing
    if not missing and not any(changed.values()):
        what = f"all {len(found)} objects on the cluster are as they would be rendered now"
        yield ok(what, detail=tuple(line for lines in origins.values() for line in lines))


def differences(pair: Rendered) -> Iterator[str]:
    """Yield the path of each field that is not as rendered, such as `rules[0].verbs`."""
    live = pair.live or {}
    whole = pair.wanted["kind"] in WHOLE
    of_its_making = {_below("metadata.annotations", name) for name in ORIGIN}
    for key, value in pair.wanted.items():
        for path in _compare(value, live.get(key), key, whole=whole and key != "metadata"):
            if path not in of_its_making:
                yield path


def _origin(pair: Rendered) -> Iterator[str]:
    """Say in what a Blueprint was made otherwise: version, options, cluster, or by hand."""
    if marks.INPUT_HASH not in _notes(pair.wanted):
        return
    now, then = _notes(pair.wanted), _notes(pair.live or {})
    version, made = then.get(marks.VERSION, ""), f"{title(pair.wanted)} was made"
    if version != __version__:
        by = f"kanister-kafka {version}" if version else "a version that does not say so"
        yield f"{made} by {by}, and this is {__version__}"
    elif then.get(marks.OPTIONS) != now.get(marks.OPTIONS):
        yield f"{made} with {then.get(marks.OPTIONS) or 'the default options'}"
        yield OTHERWISE
    elif then.get(marks.INPUT_HASH) != now[marks.INPUT_HASH]:
        yield f"{made} from another state of the cluster"
    elif any(differences(pair)):
        yield f"{made} from this very input: somebody has changed it, or the templates"


def _notes(item: Object) -> dict[str, str]:
    return item["metadata"].get("annotations") or {} if item else {}


def _compare(wanted: Any, live: Any, path: str, *, whole: bool) -> Iterator[str]:
    if isinstance(wanted, dict) and isinstance(live, dict):
        for key, value in wanted.items():
            yield from _compare(value, live.get(key), _below(path, key), whole=whole)
        if whole:
            yield from (_below(path, key) for key in live if key not in wanted)
    elif isinstance(wanted, list) and isinstance(live, list) and len(wanted) == len(live):
        for i, (one, other) in enumerate(zip(wanted, live, strict=True)):
            yield from _compare(one, other, f"{path}[{i}]", whole=whole)
    elif isinstance(wanted, list) and isinstance(live, list):
        yield f"{path} ({len(live)} instead of {len(wanted)})"
    elif wanted != live and not (live is None and wanted in ({}, [], "")):
        yield path


def _below(path: str, key: str) -> str:
    return f'{path}["{key}"]' if "." in key or "/" in key else f"{path}.{key}"
