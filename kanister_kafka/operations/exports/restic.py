"""The program restic. Only this module runs it; it only reads.

Exit codes and JSON are those of restic 0.17 and later (restic.readthedocs.io, Scripting). Nothing
is written to the store, not even a lock, so credentials that may only read are sufficient.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from kanister_kafka.errors import ActionError, ForbiddenError, NotFoundError, UnreachableError
from kanister_kafka.operations.exports.location import CA_FILE, Credentials, Repository
from kanister_kafka.timestamps import parse_timestamp

TAG = "kanister-kafka"
OPEN_S = 60
"""Seconds in which the repository must be opened. restic itself tries for a quarter of an hour."""
READ_S = 900
MAX_BYTES = 256 * 2**20
"""Bytes of one file that is read."""
RESTIC_FAILED, NO_REPOSITORY, LOCKED, WRONG_PASSWORD = 1, 10, 11, 12
DAMAGE = re.compile(
    "verification failed|no such file or directory|specified key does not exist|NoSuchKey|"
    "(pack|blob|id) [^ ]+ not found|not found in snapshot|should be a (dir|file), but is|"
    "invalid data returned|hash mismatch|Unexpected content|too short|range is not satisfiable",
    re.IGNORECASE,
)
"""Errors of restic that are not errors of the network or of the volume (restic 0.18: cmd_dump.go,
repository, crypto, backend). templates/scripts/lib/restic.sh has the same."""
MASKED = 8
"""Characters of a credential that is masked in a message: a shorter one is part of other words."""
ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResticSnapshot:
    """A snapshot of a repository, without its content."""

    id: str
    host: str
    time: datetime
    tags: Mapping[str, str]
    """Tags of the form `key=value`."""
    size: int | None = None
    """Bytes of its files; None if an old restic has made it."""


class ResticClient:
    """One repository."""

    def __init__(
        self,
        repository: Repository,
        credentials: Credentials,
        program: str = "",
        *,
        open_timeout: float = OPEN_S,
    ) -> None:
        """Use a program, by default the `restic` of the path.

        `open_timeout`: seconds in which `check` must open the repository.
        """
        self.repository = repository
        self._credentials = credentials
        self._program = _find_program(program)
        self._open_timeout = open_timeout

    def check(self) -> None:
        """Open the repository.

        Raises NotFoundError if there is none, ForbiddenError for a wrong password,
        UnreachableError for all other reasons.
        """
        self._run(("cat", "config"), self._open_timeout)

    def snapshots(self) -> tuple[ResticSnapshot, ...]:
        """Return the snapshots that kanister-kafka has made, in the order of restic: by time."""
        raw = self._run(("snapshots", "--tag", TAG), READ_S)
        try:
            return tuple(map(_snapshot, json.loads(raw) or ()))
        except (AttributeError, KeyError, TypeError, ValueError) as failure:
            raise UnreachableError(
                f"{self.repository.url}: restic has printed no list of snapshots: is it restic "
                "0.17 or later?"
            ) from failure

    def read(self, snapshot: ResticSnapshot, path: str) -> bytes:
        """Return a file of a snapshot; ActionError if it is damaged or not there.

        Errors as `check` for all other reasons: they show nothing about the file.
        """
        if snapshot.size is not None and snapshot.size > MAX_BYTES:
            raise ActionError(f"snapshot {snapshot.id[:8]} has {snapshot.size} bytes of objects")
        return self._run(("dump", snapshot.id, path), READ_S, damage=True)

    def _run(self, words: tuple[str, ...], seconds: float, *, damage: bool = False) -> bytes:
        command = (self._program, *self.repository.options, "--json", *words)
        environment = self._credentials.environment()
        with _certificate_file(self._credentials.ca) as path:
            if path:
                environment[CA_FILE] = path
            return self._run_program(command, environment, seconds, damage=damage)

    def _run_program(
        self, command: tuple[str, ...], environment: dict[str, str], seconds: float, *, damage: bool
    ) -> bytes:
        try:
            process = subprocess.Popen(  # noqa: S603 - no shell, and no word is a credential
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
            )
        except OSError as failure:
            raise UnreachableError(f"{self._program} cannot be run: {failure}") from failure
        with process:
            try:
                output, errors = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.terminate()
                _output, errors = process.communicate()
                raise UnreachableError(
                    f"{self.repository.url} does not answer within {seconds} s: "
                    f"{self._message(errors, first=True)}"
                ) from None
            finally:  # Ctrl-C, for one
                if process.poll() is None:
                    process.terminate()
        if process.returncode != 0:
            raise self._error(process.returncode, self._message(errors), damage=damage)
        return output

    def _error(self, code: int, message: str, *, damage: bool) -> Exception:
        url = self.repository.url
        if code == NO_REPOSITORY:
            return NotFoundError(
                f"{url} does not contain a repository: check the address of the location"
            )
        if code == WRONG_PASSWORD:
            return ForbiddenError(
                f"{url}: the password of the repository is wrong. It is the value of "
                "repository_password in the Secret with which the backups were exported"
            )
        if code == LOCKED:
            return UnreachableError(
                f"{url} is locked by another restic, such as a prune: try again when it has ended, "
                f"or remove a lock that was left by `restic unlock`. {message}"
            )
        if damage and code == RESTIC_FAILED and DAMAGE.search(message):
            return ActionError(message)
        return UnreachableError(f"{url} cannot be read: {message}")

    def _message(self, errors: bytes, *, first: bool = False) -> str:
        """Return the last or first line of restic as one without credentials."""
        lines = errors.decode("utf-8", "replace").splitlines()
        message = "restic has printed no reason"
        for line in lines if first else reversed(lines):
            if text := message_of(line):
                message = text
                break
        for value in self._credentials.values.values():
            if len(value) >= MASKED:
                message = message.replace(value, "***")
        return message


@contextmanager
def _certificate_file(text: str) -> Iterator[str]:
    """Yield the path of a file with a certificate, which restic only reads from a file."""
    if not text:
        yield ""
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ca.crt"
        path.write_text(text, encoding="utf-8")
        yield str(path)


def message_of(line: str) -> str:
    """Return the message of a line of restic: plain text, or JSON of an error; else empty."""
    text = line.strip()
    if text.startswith("{"):
        try:
            tree = json.loads(text)
        except ValueError:
            return ""
        if tree.get("message_type") not in ("error", "exit_error"):
            return ""
        error = tree.get("error")
        text = str(tree.get("message") or (error or {}).get("message") or "")
    text = text.removeprefix("Fatal: ")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:500]


def _find_program(program: str) -> str:
    path = shutil.which(program or "restic")
    if path is None:
        raise UnreachableError(
            f"{program or 'restic'} is not a program on PATH: install restic 0.17 or later "
            "(https://restic.readthedocs.io/en/stable/020_installation.html), or name it by "
            "--restic"
        )
    return path


def _snapshot(item: Mapping[str, object]) -> ResticSnapshot:
    tags = {}
    for tag in _strings(item.get("tags")):
        key, equals, value = tag.partition("=")
        if equals:
            tags[key] = value
    identity = str(item["id"])
    time = parse_timestamp(str(item["time"]))
    if time is None or not ID.fullmatch(identity):
        raise ValueError(identity)
    summary = item.get("summary")
    size = summary.get("total_bytes_processed") if isinstance(summary, dict) else None
    return ResticSnapshot(
        id=identity,
        host=str(item["hostname"]),
        time=time,
        tags=tags,
        size=size if isinstance(size, int) else None,
    )


def _strings(items: object) -> list[str]:
    return [str(item) for item in items] if isinstance(items, list) else []
