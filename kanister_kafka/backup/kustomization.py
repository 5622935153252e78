"""Rendered files as a base of Kustomize."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.backup.output_dir import files_that_stay, read_text
from kanister_kafka.backup.render import Manifest, manifest_files
from kanister_kafka.constants import (
    BLUEPRINT_NAME,
    KEEP_ACCOUNT_NAME,
    STATE_CONFIGMAP_NAME,
    WATCHDOG_NAME,
)
from kanister_kafka.errors import UnreachableError
from kanister_kafka.yamldoc import Document, dump, loads, to_python

FILE_NAME = "kustomization.yaml"
CONFIGURATION = "kustomizeconfig.yaml"
"""Fields that name other objects, for `namePrefix` and `nameSuffix` of an overlay."""
OTHER_NAMES = ("kustomization.yml", "Kustomization")
"""Kustomize takes these as well, and refuses a directory that has two of them."""
MARK = "# Written by kanister-kafka, and written anew: what is to differ belongs in an overlay.\n"
STARTS_SOMETHING = ("RestoreAction",)
"""Kinds that do their work as soon as they are applied, and have no name to be applied by."""
HOOKS = ("preHook", "onSuccess", "onFailure")
BLUEPRINT = {"group": "cr.kanister.io", "kind": "Blueprint"}
DEPLOYMENT = {"group": "apps", "kind": "Deployment"}
CRON_JOB = {"group": "batch", "kind": "CronJob"}
ROLE = {"group": "rbac.authorization.k8s.io", "kind": "Role"}
Object = dict[str, Any]
KASTEN = "config.kio.kasten.io"
ADMISSION = {"group": "admissionregistration.k8s.io"}


def is_generated(directory: Path) -> bool:
    """Return whether a directory has a file of Kustomize that this module has made."""
    path = directory / FILE_NAME
    return path.is_file() and path.read_bytes().startswith(MARK.encode())


def kustomization_files(
    directory: Path, plan: BackupPlan, manifests: Iterable[Manifest]
) -> dict[str, str]:
    """Return the files that make a directory with one file an object a base, by their names.

    A base that is there keeps the files of other Blueprints that it lists. Raises UnreachableError
    if a file would replace one that another program has written, and if the list or a file on it
    cannot be read.
    """
    try:
        _refuse_foreign_files(directory)
    except OSError as failure:
        raise UnreachableError(f"{directory}: {failure.strerror or failure}") from failure
    rendered = manifest_files(manifests)
    texts = {name: manifest.text for name, manifest in rendered.items()}
    texts |= {FILE_NAME: "", CONFIGURATION: ""}
    blueprint = f"{plan.options.kasten_namespace}/{plan.name}"
    listed = _listed(directory)
    for name in sorted(listed - texts.keys()):
        _refuse_link(directory / name)
    other_files = listed & files_that_stay(directory, texts, blueprint)
    own = {name for name, manifest in rendered.items() if manifest.kind not in STARTS_SOMETHING}
    base = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(own | other_files),
        "configurations": [CONFIGURATION],
    }
    paths = {*pods(plan)}
    for name in other_files:
        paths.update(_pods_of_file(directory / name))
    return {FILE_NAME: MARK + dump(base), CONFIGURATION: MARK + dump(configuration(sorted(paths)))}


def _listed(directory: Path) -> frozenset[str]:
    """Return the files that the base lists which is there."""
    path = directory / FILE_NAME
    _refuse_link(path)
    text = read_text(path)
    names: set[str] = set()
    for document in _documents(path, text):
        listed = to_python(document.root).get("resources")
        if not isinstance(listed, list):
            raise UnreachableError(f"{path}: resources is not a list: fix the file, or remove it")
        names.update(map(str, listed))
    if text and not names:
        raise UnreachableError(f"{path} has no list of resources: fix the file, or remove it")
    return frozenset(names)


def _documents(path: Path, text: str) -> tuple[Document, ...]:
    """Parse a file; UnreachableError if a part of it cannot be read."""
    loaded = loads(text, path.as_posix())
    if loaded.problems:
        first = loaded.problems[0]
        raise UnreachableError(f"{first.location}: {first.message}")
    return loaded.documents


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise UnreachableError(f"{path} is a symbolic link, which is not read: put the file there")


def _pods_of_file(path: Path) -> Iterator[str]:
    """Yield the paths of the arguments of all phases of the Blueprints in a file."""
    for document in _documents(path, read_text(path)):
        actions = to_python(document.root).get("actions")
        if document.kind != BLUEPRINT["kind"] or not isinstance(actions, dict):
            continue
        for name, action in actions.items():
            has_defer_phase = isinstance(action, dict) and "deferPhase" in action
            yield from _paths(name, defer_phase=has_defer_phase)


def _refuse_foreign_files(directory: Path) -> None:
    for name in OTHER_NAMES:
        if (directory / name).exists():
            raise UnreachableError(f"{directory / name} is there already: use another directory")
    for name in (FILE_NAME, CONFIGURATION):
        path = directory / name
        if path.exists() and not path.read_bytes().startswith(MARK.encode()):
            message = "is there already, and not of this command: use an overlay"
            raise UnreachableError(f"{path} {message}")


def pods(plan: BackupPlan) -> tuple[str, ...]:
    """Return the paths of the arguments of all phases, as Kustomize writes them."""
    paths: list[str] = []
    for action in plan.actions:
        paths += _paths(action.name, defer_phase=action.defer_phase is not None)
    return tuple(paths)


def _paths(action: str, *, defer_phase: bool) -> Iterator[str]:
    yield f"actions/{action}/phases/args"
    if defer_phase:
        yield f"actions/{action}/deferPhase/args"


def configuration(arguments: Iterable[str]) -> dict[str, Any]:
    """Return where names of other objects stand, in a Blueprint with these arguments of phases.

    Kustomize follows a name within a namespace only, and the Blueprint is in another namespace than
    its objects. So names in it are prefixed in their places, as those of the objects are.
    """
    fields = (
        "podOverride/serviceAccountName",
        "podOverride/volumes/configMap/name",
        f"podAnnotations/{_escaped(STATE_CONFIGMAP_NAME)}",
        f"podAnnotations/{_escaped(WATCHDOG_NAME)}",
        f"podAnnotations/{_escaped(KEEP_ACCOUNT_NAME)}",
    )
    scheduled = "spec/jobTemplate/spec/template/metadata/annotations"
    named = [{**CRON_JOB, "path": f"{scheduled}/{_escaped(BLUEPRINT_NAME)}"}]
    for path in arguments:
        named += [{**BLUEPRINT, "path": f"{path}/{field}"} for field in fields]
    pod = "spec/template/metadata/annotations"
    return {
        "namePrefix": named,
        "nameSuffix": named,
        "nameReference": [
            {
                "kind": "ConfigMap",
                "version": "v1",
                "fieldSpecs": [{**DEPLOYMENT, "path": f"{pod}/{_escaped(STATE_CONFIGMAP_NAME)}"}],
            },
            {
                "kind": "ServiceAccount",
                "version": "v1",
                "fieldSpecs": [{**DEPLOYMENT, "path": f"{pod}/{_escaped(KEEP_ACCOUNT_NAME)}"}],
            },
            {
                **DEPLOYMENT,
                "fieldSpecs": [
                    {**DEPLOYMENT, "path": f"{pod}/{_escaped(WATCHDOG_NAME)}"},
                    {**ROLE, "path": "rules/resourceNames"},
                ],
            },
            {
                **BLUEPRINT,
                "fieldSpecs": [
                    *(
                        {
                            "group": KASTEN,
                            "kind": "Policy",
                            "path": f"spec/actions/backupParameters/hooks/{hook}/blueprint",
                        }
                        for hook in HOOKS
                    ),
                    {"group": KASTEN, "kind": "BlueprintBinding", "path": "spec/blueprintRef/name"},
                    {**ROLE, "path": "rules/resourceNames"},
                ],
            },
        ],
    }


# The objects of an overlay, to compare them with a cluster.

NAMES = frozenset(
    {
        ("", "serviceAccountName"),
        ("", STATE_CONFIGMAP_NAME),
        ("", WATCHDOG_NAME),
        ("", KEEP_ACCOUNT_NAME),
        ("", BLUEPRINT_NAME),
        ("metadata", "name"),
        ("configMap", "name"),
        ("roleRef", "name"),
        ("subjects", "name"),
        ("blueprintRef", "name"),
        *((hook, "blueprint") for hook in HOOKS),
    }
)
"""Fields with the name of a rendered object, each with the field above it; empty for any."""
RULED = ("Blueprint", "ConfigMap", "Deployment")
"""Kinds that `resourceNames` of a Role may name."""


def rename(objects: Iterable[Object], prefix: str, suffix: str) -> list[Object]:
    """Return the objects of a base as an overlay with `namePrefix` and `nameSuffix` has them."""
    items = list(objects)
    ruled = frozenset(
        (item["metadata"].get("namespace", ""), item["metadata"]["name"])
        for item in items
        if item["kind"] in RULED
    )
    return [_Renaming(prefix, suffix, ruled, item["metadata"]).of(item) for item in items]


class _Renaming:
    """Renames the names in one object."""

    def __init__(
        self, prefix: str, suffix: str, ruled: frozenset[tuple[str, str]], metadata: Object
    ) -> None:
        self.prefix, self.suffix, self.ruled = prefix, suffix, ruled
        self.namespace = metadata.get("namespace", "")

    def of(self, item: Object) -> Object:
        """Return the object with its names and those of others renamed."""
        renamed: Object = self._value(item, "", "")
        return renamed

    def _value(self, value: Any, above: str, key: str) -> Any:
        if isinstance(value, dict):
            return {name: self._value(below, key, name) for name, below in value.items()}
        if isinstance(value, list):
            return [self._value(below, above, key) for below in value]
        is_name = ("", key) in NAMES or (above, key) in NAMES
        is_ruled = key == "resourceNames" and (self.namespace, value) in self.ruled
        return f"{self.prefix}{value}{self.suffix}" if is_name or is_ruled else value


def _escaped(key: str) -> str:
    """Write a key with a slash as one part of a path."""
    return key.replace("/", "\\/")
