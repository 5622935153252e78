"""Rendered files as a base of Kustomize."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kanister_kafka.document.dump import dump
from kanister_kafka.errors import UnreachableError
from kanister_kafka.render import Manifest

FILE_NAME = "kustomization.yaml"
OTHER_NAMES = ("kustomization.yml", "Kustomization")
"""Kustomize takes these as well, and refuses a directory that has two of them."""
MARK = "# Written by kanister-kafka, and written anew: what is to differ belongs in an overlay.\n"
STARTS_SOMETHING = ("RestoreAction",)
"""Kinds that do their work as soon as they are applied, and have no name to be applied by."""


def is_ours(directory: Path) -> bool:
    """Tell whether a directory has a file of Kustomize that this module has made."""
    path = directory / FILE_NAME
    return path.is_file() and path.read_bytes().startswith(MARK.encode())


def kustomization_file(directory: Path, manifests: Iterable[Manifest]) -> dict[str, str]:
    """Return the file that makes a directory with one file an object a base, by its name.

    Raises UnreachableError where it would take the place of one that somebody else has written.
    """
    for other in OTHER_NAMES:
        if (directory / other).exists():
            raise UnreachableError(f"{directory / other} is there already: use another directory")
    path = directory / FILE_NAME
    if path.exists() and not is_ours(directory):
        raise UnreachableError(f"{path} is there already, and not of this command: use an overlay")
    files = [one.file_name for one in manifests if one.kind not in STARTS_SOMETHING]
    made = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": sorted(files),
    }
    return {FILE_NAME: MARK + dump(made)}
