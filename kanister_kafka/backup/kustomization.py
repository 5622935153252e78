"""Rendered files as a base of Kustomize."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.backup.output_dir import files_that_stay, read_text
from kanister_kafka.backup.render import Manifest, manifest_files
from kanister_kafka.constants import (
    KEEP_ACCOUNT_NAME,
    STATE_CONFIGMAP_NAME,
    WATCHDOG_NAME,
)
from kanister_kafka.errors import UnreachableError
from kanister_kafka.yamldoc import loads, to_python
from kanister_kafka.yamldoc.dumper import dump

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
ROLE = {"group": "rbac.authorization.k8s.io", "kind": "Role"}
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
    if a file would replace one that another program has written.
    """
    try:
        _refuse_foreign_files(directory)
    except OSError as failure:
        raise UnreachableError(f"{directory}: {failure.strerror or failure}") from failure
    rendered = manifest_files(manifests)
    texts = {name: one.text for name, one in rendered.items()} | {FILE_NAME: "", CONFIGURATION: ""}
    blueprint = f"{plan.options.kasten_namespace}/{plan.name}"
    others = _listed(directory) & files_that_stay(directory, texts, blueprint)
    own = {name for name, one in rendered.items() if one.kind not in STARTS_SOMETHING}
    made = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(own | others),
        "configurations": [CONFIGURATION],
    }
    paths = {*pods(plan)}
    for name in others:
        paths.update(_pods_of_file(directory / name))
    return {
        FILE_NAME: MARK + dump(made),
        CONFIGURATION: MARK + dump(configuration(sorted(paths))),
    }


def _listed(directory: Path) -> frozenset[str]:
    """Return the files that the base lists which is there."""
    names: set[str] = set()
    for document in loads(read_text(directory / FILE_NAME)).documents:
        listed = to_python(document.root).get("resources")
        names.update(map(str, listed if isinstance(listed, list) else ()))
    return frozenset(names)


def _pods_of_file(path: Path) -> Iterator[str]:
    """Yield the paths of the arguments of all phases of the Blueprints in a file."""
    for document in loads(read_text(path)).documents:
        actions = to_python(document.root).get("actions")
        if document.kind != BLUEPRINT["kind"] or not isinstance(actions, dict):
            continue
        for name, action in actions.items():
            yield from _paths(name, defer_phase="deferPhase" in (action or ()))


def _refuse_foreign_files(directory: Path) -> None:
    for other in OTHER_NAMES:
        if (directory / other).exists():
            raise UnreachableError(f"{directory / other} is there already: use another directory")
    for name in (FILE_NAME, CONFIGURATION):
        path = directory / name
        if path.exists() and not path.read_bytes().startswith(MARK.encode()):
            message = "is there already, and not of this command: use an overlay"
            raise UnreachableError(f"{path} {message}")


def pods(plan: BackupPlan) -> tuple[str, ...]:
    """Return the paths of the arguments of all phases, as Kustomize writes them."""
    found: list[str] = []
    for action in plan.actions:
        found += _paths(action.name, defer_phase=action.defer_phase is not None)
    return tuple(found)


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
    named: list[dict[str, str]] = []
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
                ],
            },
        ],
    }


def _escaped(key: str) -> str:
    """Write a key with a slash as one part of a path."""
    return key.replace("/", "\\/")
