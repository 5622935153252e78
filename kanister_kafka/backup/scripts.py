"""The scripts of the steps as one ConfigMap, and the digest by which Blueprints pin them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kanister_kafka.constants import COMPONENT

DIGITS = 10
"""Of the digest, with which the name of each such ConfigMap ends."""
NAME = re.compile(rf"{COMPONENT}(?:-hot)?-scripts-[0-9a-f]{{{DIGITS}}}")
"""In each such name. That of one cluster begins with the cluster; Kustomize may add to any."""
PATH = "/scripts"
"""Where the steps and the watchdog have them."""


@dataclass(frozen=True, slots=True)
class ScriptsConfigMap:
    """All scripts of a set of templates. They do not depend on a cluster."""

    files: tuple[tuple[str, str], ...]
    """Names and contents, in the order of their names. A content ends with one line feed."""
    stub: str
    """First command of a phase: it compares the files that are mounted with the digest."""
    path: str = PATH
    owner: str = ""
    """Prefix of the name if the ConfigMap is of one cluster; empty if it is shared."""

    @property
    def sha256(self) -> str:
        """Digest in hexadecimal digits of the output of `sha256sum ./*.sh` for the files."""
        return _digest(self.files)

    @property
    def name(self) -> str:
        """Name of the ConfigMap: another content has another name."""
        return f"{self.owner or COMPONENT}-scripts-{self.sha256[:DIGITS]}"


@lru_cache(maxsize=8)  # the same for all clusters
def _digest(files: tuple[tuple[str, str], ...]) -> str:
    import hashlib  # slow to import, and needed to render alone

    digests = (f"{hashlib.sha256(text.encode()).hexdigest()}  ./{name}\n" for name, text in files)
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def is_scripts(kind: str, name: str) -> bool:
    """Return whether an object is a ConfigMap of scripts, of one cluster or shared.

    The state ConfigMap of a Kafka is not one, even if the name of that Kafka looks like it.
    """
    return kind == "ConfigMap" and bool(NAME.search(name)) and not name.endswith(f"-{COMPONENT}")


# Which scripts the objects of a cluster ask for, and what a ConfigMap there would give them.

Object = dict[str, Any]


@dataclass(frozen=True, slots=True, order=True)
class ScriptPin:
    """Scripts that an object asks for."""

    namespace: str
    """Namespace of its pods; empty if only Kanister knows."""
    name: str
    """Of the ConfigMap."""
    sha256: str
    """In hexadecimal digits; empty if it compares nothing."""


def holds_scripts(item: Object) -> bool:
    """Return whether an object is a ConfigMap of scripts, by its name."""
    return is_scripts(str(item.get("kind")), str(item["metadata"].get("name", "")))


def digest_of(config_map: Object) -> str:
    """Return what a stub compares: the digest of the files that a ConfigMap puts into a pod.

    Empty if its content is none that the API server would take, or no text.
    """
    try:
        texts = {**(config_map.get("data") or {})}
        for name, raw in (config_map.get("binaryData") or {}).items():
            texts[name] = base64.b64decode(raw).decode()
    except (AttributeError, TypeError, ValueError):
        return ""
    if not all(isinstance(text, str) for text in texts.values()):
        return ""
    # As the glob `*.sh` finds them, which leaves out what begins with a dot.
    names = (name for name in sorted(texts) if name.endswith(".sh") and name[0] != ".")
    return ScriptsConfigMap(tuple((name, texts[name]) for name in names), "").sha256


def script_pins(item: Object) -> tuple[ScriptPin, ...]:
    """Return the scripts that the steps of a Blueprint, or the pods of a Deployment, ask for."""
    pins = set()
    for namespace, part in _parts(item):
        for spec in _pod_specs(part):
            digests = set(_values(spec, "SCRIPTS_SHA256")) or {""}
            for name in filter(NAME.search, _config_maps(spec)):
                pins |= {ScriptPin(namespace, name, sha256) for sha256 in digests}
    return tuple(sorted(pins))


def may_pin(item: Object, namespace: str, name: str) -> bool:
    """Return whether anything in an object, or in a step of a Blueprint, may name a ConfigMap.

    A step names the namespace in which its pod runs, unless that is a template.
    """
    return any(
        scope in ("", namespace) and name in json.dumps(part, ensure_ascii=False, default=str)
        for scope, part in _parts(item)
    )


def runs_scripts(blueprint: Object) -> bool:
    """Return whether anything in the actions of a Blueprint names rendered scripts."""
    return NAME.search(json.dumps(blueprint.get("actions"), default=str)) is not None


def namespaces_of_scripts(blueprint: Object) -> frozenset[str]:
    """Return the namespaces in which a Blueprint runs pods; empty for one that is not known."""
    return frozenset(namespace for namespace, _phase in _parts(blueprint))


def _parts(item: Object) -> Iterator[tuple[str, object]]:
    """Yield parts that may ask for scripts, each with its namespace; empty if that is not known."""
    if item.get("kind") != "Blueprint":
        yield str(item["metadata"].get("namespace") or ""), item.get("spec")
        return
    actions = item.get("actions")
    for action in actions.values() if isinstance(actions, dict) else ():
        phases = action.get("phases") if isinstance(action, dict) else None
        last = action.get("deferPhase") if isinstance(action, dict) else None
        for phase in [*phases, last] if isinstance(phases, list) else [last]:
            if not isinstance(phase, dict):
                continue
            args = phase.get("args")
            namespace = args.get("namespace") if isinstance(args, dict) else None
            is_name = isinstance(namespace, str) and "{{" not in namespace
            yield str(namespace) if is_name else "", phase


def _pod_specs(value: object) -> Iterator[Object]:
    """Yield what looks like a pod: it has containers and volumes."""
    if isinstance(value, dict):
        if isinstance(value.get("containers"), list) and isinstance(value.get("volumes"), list):
            yield value
        for below in value.values():
            yield from _pod_specs(below)
    elif isinstance(value, list):
        for below in value:
            yield from _pod_specs(below)


def _config_maps(spec: Object) -> Iterator[str]:
    for volume in spec["volumes"]:
        source = volume.get("configMap") if isinstance(volume, dict) else None
        if isinstance(source, dict):
            yield str(source.get("name") or "")


def _values(spec: Object, variable: str) -> Iterator[str]:
    for container in spec["containers"]:
        env = container.get("env") if isinstance(container, dict) else None
        for entry in env if isinstance(env, list) else ():
            if isinstance(entry, dict) and entry.get("name") == variable:
                yield str(entry.get("value") or "")
