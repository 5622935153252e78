"""Files and directories of rendered objects: how they are written, and whether they are stale.

A repository may bring symbolic links along. A written file takes the place of a link, and never
goes to its target.
"""

from __future__ import annotations

import difflib
import errno
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from kanister_kafka import constants
from kanister_kafka.backup.scripts import is_scripts
from kanister_kafka.errors import UnreachableError
from kanister_kafka.yamldoc import Document, loads

NOWHERE = "/dev/null"
"""How diff and patch call a file that is not there."""
SCRIPTS = "-scripts-"
"""In the name of each file with scripts."""
NO_NEWLINE = "\n\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class OutdatedFile:
    """A file that is missing, has other text, or should not be there any more."""

    path: Path
    text: str | None
    expected: str | None

    @property
    def diff(self) -> str:
        """The changes that writing it would make, for people and for `patch -p0`."""
        name = self.path.as_posix()
        lines = difflib.unified_diff(
            (self.text or "").splitlines(keepends=True),
            (self.expected or "").splitlines(keepends=True),
            NOWHERE if self.text is None else name,
            NOWHERE if self.expected is None else name,
        )
        return "".join(line if line.endswith("\n") else f"{line}{NO_NEWLINE}" for line in lines)


def write_files(folder: Path, files: Mapping[str, str], *, below: str = "") -> Iterator[Path]:
    """Write files into a directory, which is created if it is absent, and yield each path.

    `below` is the name of a directory in it, where they go into that one. Raises UnreachableError
    if either is a symbolic link, or is reached through one from the working directory, if a file
    holds another object, and if a file cannot be written.
    """
    directory = folder / below
    refuse_other_objects(directory, files)
    with _os_error_as_unreachable(directory):
        _make(folder, below)
        for name, text in files.items():
            _replace(directory / name, text)
            yield directory / name


def write_file(path: Path, text: str) -> None:
    """Write one file into a directory that the user has named; UnreachableError if that fails.

    A device or a pipe, such as /dev/stdout, is written to as it is.
    """
    with _os_error_as_unreachable(path):
        if _is_stream(path):
            path.write_text(text, encoding="utf-8", newline="\n")
        else:
            _replace(path, text)


def check_file(path: Path) -> None:
    """Raise UnreachableError if `write_file` could not write this file; nothing is left behind."""
    with _os_error_as_unreachable(path):
        if _is_stream(path) and path.exists():  # not opened: who reads a pipe would see its end
            if not os.access(path, os.W_OK):
                raise UnreachableError(f"{path}: {os.strerror(errno.EACCES)}")
            return
        temporary = _temporary(path)
        try:
            temporary.open("xb").close()
        finally:
            temporary.unlink(missing_ok=True)


def refuse_other_objects(folder: Path, files: Mapping[str, str]) -> None:
    """Raise UnreachableError if a file that would be replaced holds an object that is not in it.

    Files are named after kind and name, so those of two Kafkas with one name in two namespaces have
    the same names. A file that cannot be parsed holds no object that could be lost.
    """
    for name, text in _texts(folder, files):
        if text == files[name]:
            continue
        lost = _objects(text) - _objects(files[name])
        if lost:
            raise UnreachableError(
                f"{folder / name} holds another object, {min(lost)}, and is not replaced: use "
                "another directory, or remove the file"
            )


def prune(folder: Path, expected: Collection[str], blueprint: str) -> Iterator[Path]:
    """Remove what a former rendering of this Blueprint has left; yield the paths.

    Files that do not serve this Blueprint (`NAMESPACE/NAME`) stay, except for rendered scripts that
    no other file names any more, and so do symbolic links. Raises UnreachableError if a file cannot
    be read or removed.
    """
    names = set(_names(folder))
    if names <= set(expected):
        return
    texts = dict(_texts(folder, names))
    expected_texts = {name: texts[name] for name in expected if name in texts}
    for name in sorted(_superfluous(texts, expected_texts, blueprint)):
        path = folder / name
        with _os_error_as_unreachable(path):
            path.unlink()
        yield path


def read_text(path: Path) -> str:
    """Return the text of a file, nothing if there is none or it is a symbolic link."""
    return next((text for _name, text in _texts(path.parent, (path.name,))), "")


def remove_empty_directories(folder: Path) -> None:
    """Remove a directory that has nothing in it."""
    with _os_error_as_unreachable(folder):
        if not (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
            folder.rmdir()


@contextmanager
def _os_error_as_unreachable(path: Path) -> Iterator[None]:
    """Raise UnreachableError in place of OSError."""
    try:
        yield
    except OSError as failure:
        raise UnreachableError(f"{path}: {failure.strerror or failure}") from failure


def _is_stream(path: Path) -> bool:
    if path.absolute().parts[1:2] in (("dev",), ("proc",)):
        return True  # links there lead to what the process has open
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISLNK(mode) or stat.S_ISDIR(mode))


def _make(folder: Path, below: str) -> None:
    """Make a directory; no part of its path below the working directory may be a link."""
    working_directory, target = Path.cwd(), folder.absolute()
    start = working_directory if target.is_relative_to(working_directory) else target.parent
    start.mkdir(parents=True, exist_ok=True)
    path = start
    for part in (target / below).relative_to(start).parts:
        path /= part
        if path.is_symlink():
            raise UnreachableError(
                f"{path} is a symbolic link, and nothing is written where it leads to: give the "
                "directory itself"
            )
        path.mkdir(exist_ok=True)


def _replace(path: Path, text: str) -> None:
    """Put a file in the place of another file, or of a link."""
    temporary = _temporary(path)
    mode = _mode(path)
    try:
        with temporary.open("xb") as file:  # never what is there already
            file.write(text.encode())
        if mode is not None:
            temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)  # nothing is left of it after a success


def _temporary(path: Path) -> Path:
    return path.with_name(f".kanister-kafka-{os.urandom(8).hex()}")


def _mode(path: Path) -> int | None:
    """Return the permissions of a file that is there."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return None
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else None


def outdated_files(
    folder: Path, expected: Mapping[str, str], blueprint: str
) -> tuple[OutdatedFile, ...]:
    """Compare a directory with the files that belong there, in the order of their names.

    Too much are only files that serve this Blueprint (`NAMESPACE/NAME`), and rendered scripts that
    no file names: other files belong to others. Raises UnreachableError for a file that cannot be
    read, or that holds another object.
    """
    refuse_other_objects(folder, expected)
    texts = dict(_texts(folder, set(expected) | set(_names(folder))))
    superfluous = _superfluous(texts, expected, blueprint)
    return tuple(
        OutdatedFile(folder / name, texts.get(name), expected.get(name))
        for name in sorted(expected.keys() | texts.keys())
        if texts.get(name) != expected.get(name) and (name in expected or name in superfluous)
    )


def files_that_stay(folder: Path, expected: Mapping[str, str], blueprint: str) -> frozenset[str]:
    """Name the YAML files that are there, are not of this rendering, and are not removed by it."""
    texts = dict(_texts(folder, set(_names(folder))))
    return frozenset(texts.keys() - expected.keys() - _superfluous(texts, expected, blueprint))


def _superfluous(texts: Mapping[str, str], expected: Mapping[str, str], blueprint: str) -> set[str]:
    """Name the files that serve this Blueprint and are not wanted, and scripts without any use."""
    extra = texts.keys() - expected.keys()
    going = {name for name in extra if _serves(texts[name], blueprint)}
    staying = {name: text for name, text in texts.items() if name not in going} | dict(expected)
    return going | {name for name in extra - going if _is_unused(name, staying)}


def _names(folder: Path) -> list[str]:
    with (
        _os_error_as_unreachable(folder),
        suppress(FileNotFoundError, NotADirectoryError),
        os.scandir(folder) as entries,
    ):
        return [file.name for file in entries if file.name.endswith(".yaml") and file.is_file()]
    return []


def _texts(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        path = folder / name
        with _os_error_as_unreachable(path), suppress(FileNotFoundError):
            # Writing puts a file in the place of a link; the diff shows no other text.
            if not path.is_symlink():
                # As bytes: a line that ends in \r\n is another line.
                yield name, path.read_bytes().decode("utf-8", "replace")


def _objects(text: str) -> set[str]:
    """Return the kind, namespace and name of each object in a text."""
    return {
        f"{item.kind} {'/'.join(filter(None, (item.text('metadata', 'namespace'), name)))}"
        for item in loads(text).documents
        if (name := item.text("metadata", "name"))
    }


def _is_unused(name: str, files: Mapping[str, str]) -> bool:
    """Return whether a file has shared scripts that no other of the files names."""
    documents = loads(files[name]).documents if SCRIPTS in name else ()
    if not documents or not all(map(is_own_scripts_file, documents)):
        return False
    other_texts = [text for file_name, text in files.items() if file_name != name]
    for document in documents:
        # the name of scripts of one Kafka's own ends with that of the shared ones
        scripts = re.compile(rf"(?<![-.\w]){re.escape(document.text('metadata', 'name'))}(?![-\w])")
        if any(map(scripts.search, other_texts)):
            return False
    return True


def is_own_scripts_file(document: Document) -> bool:
    """Return whether an object is a ConfigMap of scripts that this tool has rendered."""
    ours = document.text("metadata", "labels", constants.MANAGED_BY) == constants.COMPONENT
    return ours and is_scripts(document.kind, document.text("metadata", "name"))


def _serves(text: str, blueprint: str) -> bool:
    documents = loads(text).documents
    return bool(documents) and all(
        belongs_to_blueprint(document, blueprint) for document in documents
    )


def belongs_to_blueprint(document: Document, blueprint: str) -> bool:
    """Return whether an object was rendered for this Blueprint, `NAMESPACE/NAME`."""
    of = document.text("metadata", "annotations", constants.BLUEPRINT)
    by = document.text("metadata", "labels", constants.MANAGED_BY)
    return (of, by) == (blueprint, constants.COMPONENT)
