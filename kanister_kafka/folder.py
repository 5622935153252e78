"""A directory of what was rendered: whether it is what would be rendered now."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from kanister_kafka import marks
from kanister_kafka.document import Document, loads
from kanister_kafka.errors import UnreachableError

NOWHERE = "/dev/null"
"""How diff and patch call a file that is not there."""
NO_NEWLINE = "\n\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class Stale:
    """A file that is missing, has other text, or should not be there any more."""

    path: Path
    found: str | None
    wanted: str | None

    @property
    def diff(self) -> str:
        """What writing it would change, for people and for `patch -p0`."""
        name = self.path.as_posix()
        lines = difflib.unified_diff(
            (self.found or "").splitlines(keepends=True),
            (self.wanted or "").splitlines(keepends=True),
            NOWHERE if self.found is None else name,
            NOWHERE if self.wanted is None else name,
        )
        return "".join(line if line.endswith("\n") else f"{line}{NO_NEWLINE}" for line in lines)


def stale(folder: Path, wanted: Mapping[str, str], blueprint: str) -> tuple[Stale, ...]:
    """Compare a directory with the files that belong there, in the order of their names.

    Too much is only what serves this Blueprint (`NAMESPACE/NAME`): other files are somebody else's.
    Raises UnreachableError for what cannot be read.
    """
    found = dict(_texts(folder, set(wanted) | set(_names(folder))))
    return tuple(
        Stale(folder / name, found.get(name), wanted.get(name))
        for name in sorted(wanted.keys() | found.keys())
        if found.get(name) != wanted.get(name)
        and (name in wanted or _serves(found[name], blueprint))
    )


def _names(folder: Path) -> Iterator[str]:
    return (path.name for path in folder.glob("*.yaml") if path.is_file())


def _texts(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        path = folder / name
        try:
            # As bytes: a line that ends in \r\n is another line.
            yield name, path.read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            continue
        except OSError as failure:
            raise UnreachableError(f"{path}: {failure.strerror or failure}") from failure


def _serves(text: str, blueprint: str) -> bool:
    documents = loads(text).documents
    return bool(documents) and all(serves(document, blueprint) for document in documents)


def serves(document: Document, blueprint: str) -> bool:
    """Tell whether an object was rendered for this Blueprint, `NAMESPACE/NAME`."""
    of = document.text("metadata", "annotations", marks.BLUEPRINT)
    by = document.text("metadata", "labels", marks.MANAGED_BY)
    return (of, by) == (blueprint, marks.COMPONENT)
