"""The directories of `fleet render`: one a cluster, and which of them a run owns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kanister_kafka.backup.output_dir import (
    OutdatedFile,
    outdated_files,
    prune,
    remove_empty_directories,
    write_files,
)
from kanister_kafka.backup.render import manifest_files
from kanister_kafka.cli.app import echo, print_note
from kanister_kafka.cli.commands.render import stale_text
from kanister_kafka.errors import UnreachableError
from kanister_kafka.integrations.fleet import RenderResult

INDEX = ".kanister_kafka_fleet"
"""File in the directory of --output: which directories which input has made. Without an ending, so
that kubectl does not apply it."""
OwnedFiles = dict[str, dict[str, str]]
"""For each input its directories, each with its Blueprint, `NAMESPACE/NAME`."""


class FleetFolders:
    """Writes or compares the directories of one run."""

    def __init__(self, output: Path, identity: str, *, check: bool) -> None:
        self._output, self._identity, self._check = output, identity, check
        self._index = _read_index(output)
        self._blueprints: dict[str, str] = {}
        self._stale: list[OutdatedFile] = []

    def take(self, outcome: RenderResult) -> None:
        """Write the files of a cluster and remove what it has no more, or compare them."""
        if outcome.key is None or outcome.row is None or not outcome.manifests:
            return
        name, blueprint = outcome.key.folder, outcome.row.blueprint
        manifests = manifest_files(outcome.manifests)
        files = {key: manifest.text for key, manifest in manifests.items()}
        self._blueprints[name] = blueprint
        if self._check:
            self._compare(name, files, blueprint)
            return
        for _path in write_files(self._output, files, below=name):
            pass
        former = {blueprint, self._index.get(self._identity, {}).get(name, blueprint)}
        for blueprint_name in sorted(former):
            self._remove(name, files, blueprint_name)

    def end(self, *, whole: bool) -> int:
        """Remove the directories of clusters that are gone, or print them; return the exit code.

        None is removed if anything is wrong: a cluster that could not be read is not gone.
        """
        former = self._index.get(self._identity, {})
        gone = {name: of for name, of in former.items() if name not in self._blueprints}
        if whole:
            for name, blueprint in sorted(gone.items()):
                if not self._is_of_others(name):
                    self._end_one(name, blueprint)
        if self._check:
            click.echo(f"{self._output}: {stale_text(self._stale)}", err=True)
        else:
            self._write_index(self._blueprints if whole else {**former, **self._blueprints})
        return 1 if self._stale else 0

    def _is_of_others(self, name: str) -> bool:
        return any(name in own for who, own in self._index.items() if who != self._identity)

    def _end_one(self, name: str, blueprint: str) -> None:
        if self._check:
            self._compare(name, {}, blueprint)
            return
        self._remove(name, {}, blueprint)
        remove_empty_directories(self._output / name)

    def _compare(self, name: str, files: dict[str, str], blueprint: str) -> None:
        for file in outdated_files(self._output / name, files, blueprint):
            self._stale.append(file)
            echo(file.diff)

    def _remove(self, name: str, files: dict[str, str], blueprint: str) -> None:
        for path in prune(self._output / name, files, blueprint):
            print_note(f"removed {path}, which is not rendered any more")

    def _write_index(self, owned: dict[str, str]) -> None:
        if self._index.get(self._identity, {}) == owned:
            return
        index = {**self._index, self._identity: owned}
        text = json.dumps({who: own for who, own in index.items() if own}, indent=2, sort_keys=True)
        for _path in write_files(self._output, {INDEX: f"{text}\n"}):
            pass


def _read_index(output: Path) -> OwnedFiles:
    """Return which input owns which directories; none if there is no file.

    Raises UnreachableError if the file is damaged: a new one would lack the entries of other
    inputs, and their directories would never be removed.
    """
    path = output / INDEX
    try:
        if path.is_symlink():
            raise _damaged(path, "it is a symbolic link, which is not read")
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as failure:
        raise UnreachableError(f"{path}: {failure.strerror or failure}") from failure
    try:
        index = json.loads(raw.decode(), object_pairs_hook=_unique)
    except json.JSONDecodeError as failure:
        position = f"{path}:{failure.lineno}:{failure.colno}"
        raise _damaged(position, f"it is not JSON: {failure.msg}") from failure
    except ValueError as failure:  # other bytes than UTF-8, or a key that stands twice
        raise _damaged(path, str(failure)) from failure
    if not isinstance(index, dict):
        raise _damaged(path, "it is not an object")
    for who, own in index.items():
        _check_entry(f"{path}: {who}", own)
    return index


def _check_entry(entry: str, own: object) -> None:
    """Raise UnreachableError if an entry is not names of directories, each with a Blueprint."""
    if not isinstance(own, dict):
        raise _damaged(entry, "it is not an object")
    for name, blueprint in own.items():
        if Path(name).name != name or name in ("", ".", ".."):
            raise _damaged(f"{entry}: {name}", "it is not the name of a directory")
        if not isinstance(blueprint, str):
            raise _damaged(f"{entry}: {name}", "it is not the name of a Blueprint")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object of JSON; ValueError if a key stands twice, as after a merge."""
    entries: dict[str, Any] = {}
    for key, value in pairs:
        if key in entries:
            raise ValueError(f"{key}: it stands twice")
        entries[key] = value
    return entries


def _damaged(part: object, reason: str) -> UnreachableError:
    return UnreachableError(
        f"{part}: {reason}, so it is not known which directories other inputs have made, and "
        "nothing was changed: restore the file, for example from Git, or delete the file. Then "
        "each input records its directories again, and those of Kafkas that are gone must be "
        "removed by hand"
    )
