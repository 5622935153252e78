"""Fields on the cluster that are not rendered and that an apply leaves: others have set them.

A server-side apply only removes fields that its own field manager owns alone. Those of other
managers stay, also with `force` (Kubernetes, "Server-Side Apply", "Conflicts").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from kanister_kafka.kube.client import FIELD_MANAGER, Object
from kanister_kafka.kube.objects import get_path, join_limited

APPLY = "Apply"
"""Operation of a manager that uses server-side apply; others have `Update`."""
WHOLE = ("Blueprint",)
"""Kinds to which the API server adds nothing below: an additional part was put there."""
COMPARED = (*WHOLE, "Role", "ClusterRole", "RoleBinding", "Deployment", "CronJob")
"""Kinds whose additional fields change what a step does. A ConfigMap is not among them: the steps
write the state into theirs, and the check `scripts` compares every byte of the scripts."""
OF_STEPS_AND_USERS = ("spec.replicas", "spec.suspend")
"""The steps scale the watchdog, and users suspend a schedule."""
DEFAULTS: dict[str, tuple[Any, ...]] = {
    "apiVersion": ("v1",),
    "concurrencyPolicy": ("Allow",),
    "defaultMode": (420,),
    "dnsPolicy": ("ClusterFirst",),
    "failedJobsHistoryLimit": (1,),
    "imagePullPolicy": ("Always", "IfNotPresent"),
    "progressDeadlineSeconds": (600,),
    "resources": ({},),
    "revisionHistoryLimit": (10,),
    "schedulerName": ("default-scheduler",),
    "securityContext": ({},),
    "successfulJobsHistoryLimit": (3,),
    "terminationGracePeriodSeconds": (30,),
    "terminationMessagePath": ("/dev/termination-log",),
    "terminationMessagePolicy": ("File",),
}
"""Defaults of the API server, which a manager that created or replaced an object owns
(k8s.io/kubernetes, pkg/apis/{core,apps,batch}/v1/defaults.go)."""
COPIES = {"serviceAccount": "serviceAccountName"}
"""Fields that the API server sets to the value of another one."""


@dataclass(frozen=True, slots=True)
class UnrenderedField:
    """A field that the live object has, and the rendered one has not."""

    path: str
    """Such as `actions.backup.deferPhase`."""
    managers: tuple[str, ...]
    """Field managers that own it, such as `kubectl (Apply)`; empty if none does."""

    def __str__(self) -> str:
        return f"{self.path} (of {' and '.join(self.managers) or 'no field manager'})"


def unrendered_fields(desired: Object, live: Object) -> tuple[UnrenderedField, ...]:
    """Return the fields of a live object that an apply of the rendered one does not remove.

    Only the topmost field that is not rendered. Labels and annotations are not among them, nor are
    fields that only an apply of this tool has set, which the next one removes. For kinds other than
    Blueprints, neither is what an admission webhook adds to a request of this tool.
    """
    kind = desired.get("kind")
    if kind not in COMPARED:
        return ()
    owners: dict[str, list[str]] = {}
    applied: set[str] = set()
    for entry in get_path(live, "metadata", "managedFields") or ():
        fields = () if entry.get("subresource") else tuple(_fields_of(entry, desired, live))
        if entry.get("manager") == FIELD_MANAGER and entry.get("operation") == APPLY:
            applied.update(fields)
        elif entry.get("manager") != FIELD_MANAGER or kind in WHOLE:
            for path in fields:
                owners.setdefault(path, []).append(_manager(entry))
    if kind in WHOLE:
        for path in _additional(desired, live):
            if path not in applied:
                owners.setdefault(path, [])
    return tuple(UnrenderedField(path, tuple(owners[path])) for path in sorted(owners))


def _fields_of(entry: Object, desired: Object, live: Object) -> Iterator[str]:
    for field in _unrendered(entry.get("fieldsV1") or {}, desired, live, ""):
        if entry.get("operation") == APPLY or not field.is_default:
            yield field.path


def format_fields(fields: Iterable[UnrenderedField]) -> str:
    """Return fields in one line, each with its managers."""
    return join_limited(map(str, fields))


NOT_REMOVED = (
    "kanister-kafka apply does not remove fields of other field managers, with --force-conflicts "
    "neither; an apply of the output of render by the same manager does",
    "delete the object only while no backup and no restore runs",
)
"""What to know before the removal of such fields, a line each."""


def source_advice(fields: Iterable[UnrenderedField]) -> tuple[str, ...]:
    """Return a line about managers that may write the fields again; none without managers."""
    managers = sorted(set(chain.from_iterable(field.managers for field in fields)))
    if not managers:
        return ()
    return (f"if {' or '.join(managers)} writes the object again, change its source first",)


def below(path: str, key: str) -> str:
    """Return the path of a field of an object, such as `metadata.labels["a/b"]`."""
    step = f'["{key}"]' if "." in key or "/" in key else key
    return f"{path}{'' if not path or step != key else '.'}{step}"


def _manager(entry: Object) -> str:
    return f"{entry.get('manager') or 'an unknown manager'} ({entry.get('operation')})"


# fieldsV1, the set of the fields of one manager (apimachinery, meta/v1, FieldsV1).


@dataclass(frozen=True, slots=True)
class _OwnedField:
    path: str
    is_default: bool


def _unrendered(owned: Object, desired: Any, live: Any, path: str) -> Iterator[_OwnedField]:
    """Yield each field of a set that is in the live object and not in the rendered one."""
    for key, tree in owned.items():
        sort, _colon, name = key.partition(":")
        if sort == "f":
            yield from _field(name, tree, desired, live, path)
        elif sort == "k":
            yield from _item(json.loads(name), tree, desired, live, path)


def _field(name: str, tree: Object, desired: Any, live: Any, path: str) -> Iterator[_OwnedField]:
    field_path = below(path, name)
    is_skipped = field_path == "metadata" or field_path in OF_STEPS_AND_USERS
    if is_skipped or not isinstance(live, dict) or name not in live:
        return
    if isinstance(desired, dict) and name in desired:
        yield from _unrendered(tree, desired[name], live[name], field_path)
    else:
        yield _OwnedField(field_path, _is_default(name, live))


def _item(keys: Object, tree: Object, desired: Any, live: Any, path: str) -> Iterator[_OwnedField]:
    """Compare an item of a list that its keys identify, such as a container by its name."""
    item_path = f"{path}[{','.join(f'{key}={value}' for key, value in keys.items())}]"
    live_item = _find_item(keys, live)
    if live_item is None:
        return
    desired_item = _find_item(keys, desired)
    if desired_item is None:
        yield _OwnedField(item_path, is_default=False)
    else:
        yield from _unrendered(tree, desired_item, live_item, item_path)


def _find_item(keys: Object, items: Any) -> Object | None:
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict) and all(item.get(key) == keys[key] for key in keys):
            return item
    return None


def _is_default(name: str, live: Object) -> bool:
    if name in COPIES:
        return bool(live[name] == live.get(COPIES[name]))
    return live[name] in DEFAULTS.get(name, ())


def _additional(desired: Object, live: Object) -> Iterator[str]:
    for key in desired:
        if key != "metadata":
            yield from _additional_below(desired[key], live.get(key), key)


def _additional_below(desired: Any, live: Any, path: str) -> Iterator[str]:
    """Yield what a live object has in addition; a list is one value, which an apply replaces."""
    if not isinstance(desired, dict) or not isinstance(live, dict):
        return
    for key, value in live.items():
        if key in desired:
            yield from _additional_below(desired[key], value, below(path, key))
        else:
            yield below(path, key)
