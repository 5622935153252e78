"""Copies of backups, the location of a store with its credentials, and the content of a copy."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kanister_kafka.constants import EXPORT_CA, EXPORT_KEYS
from kanister_kafka.errors import ActionError, UnreachableError
from kanister_kafka.kube.client import SECRETS, KubeClient, Objects
from kanister_kafka.operations.backups.model import Backup, BackupStatus

FOLDER = "kanister-kafka"
"""Last part of the address of a repository; the rest is the location of Kanister's Profile."""
S3 = re.compile(r"s3:(?:https?://)?[A-Za-z0-9.:\[\]-]+(?:/[^\s@?#/]+)+")
"""Addresses that restic takes for S3, without a user and a password."""
PASSWORD_FILE, PASSWORD_COMMAND = "RESTIC_PASSWORD_FILE", "RESTIC_PASSWORD_COMMAND"
CA_FILE = "RESTIC_CACERT"
ACCESS_KEY, SECRET_KEY, PASSWORD = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "RESTIC_PASSWORD")
OPTIONAL = "AWS_SESSION_TOKEN"
KEYS = {
    **dict(zip((ACCESS_KEY, SECRET_KEY, PASSWORD), EXPORT_KEYS, strict=True)),
    OPTIONAL: "aws_session_token",
}
"""Variables of restic, each with its key in a Secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """The restic repository of a location."""

    url: str
    """As restic takes it: `s3:https://HOST/BUCKET/PREFIX/kanister-kafka`, or a directory."""
    insecure_tls: bool = False
    """Whether the certificate of the store is not verified."""

    @property
    def is_remote(self) -> bool:
        """Whether pods of a cluster can read it."""
        return self.url.startswith("s3:")

    @property
    def options(self) -> tuple[str, ...]:
        """Options of every call of restic."""
        options = ["--repo", self.url, "--no-lock"]
        if self.insecure_tls:
            options.append("--insecure-tls")
        return tuple(options)


def parse_location(text: str, *, insecure_tls: bool = False) -> Repository:
    """Return the repository of a location; ValueError if it is neither S3 nor a directory."""
    url = text.rstrip("/")
    is_directory = Path(url).is_absolute()
    if not is_directory and not S3.fullmatch(url):
        raise ValueError(
            "must be s3:https://HOST/BUCKET/PREFIX without credentials, or an absolute directory"
        )
    if url.rpartition("/")[2] != FOLDER:
        url = f"{url}/{FOLDER}"
    return Repository(url=url, insecure_tls=insecure_tls)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Values of the variables in KEYS; none of them is printed.

    They have no white space around them, such as the line break at the end of a file. restic trims
    a password that it reads from a file, and no variable: a copy must not depend on this.
    """

    values: Mapping[str, str] = field(repr=False)
    trimmed: bool = False
    """Whether a value had white space around it."""
    ca: str = ""
    """Certificate of the authority that has signed that of the store, as PEM; empty if it is one of
    the system."""

    def environment(self) -> dict[str, str]:
        """Return the environment of this process with these credentials and no others."""
        names = {*KEYS, PASSWORD_FILE}
        if PASSWORD in self.values:
            names.add(PASSWORD_COMMAND)
        return {key: text for key, text in os.environ.items() if key not in names} | {**self.values}

    def secret_data(self) -> dict[str, str]:
        """Return the data of a Secret for pods; ActionError if a value is missing."""
        missing = [key for key in KEYS if key != OPTIONAL and key not in self.values]
        if missing:
            raise ActionError(
                f"pods of the cluster need {', '.join(missing)}: set these variables, or name a "
                "Secret by --location-secret"
            )
        data = {KEYS[key]: text for key, text in self.values.items()}
        if self.ca:
            data[EXPORT_CA] = self.ca
        return {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}


def environment_credentials() -> Credentials:
    """Read the credentials that restic itself would use.

    Raises UnreachableError if there is no password, for which restic would ask on a terminal.
    """
    values = {key: os.environ[key].strip() for key in KEYS if os.environ.get(key)}
    if os.environ.get(PASSWORD_FILE):
        values[PASSWORD] = _read_named(PASSWORD_FILE).strip()
    if PASSWORD not in values and not os.environ.get(PASSWORD_COMMAND):
        raise UnreachableError(
            f"the password of the repository is not known: set {PASSWORD_FILE} or {PASSWORD}, or "
            "name a Secret by --location-secret"
        )
    return Credentials(values, ca=_read_named(CA_FILE))


def _read_named(variable: str) -> str:
    """Return the text of the file that a variable names; empty without the variable."""
    path = os.environ.get(variable, "")
    try:
        return Path(path).read_text() if path else ""
    except (OSError, UnicodeDecodeError) as failure:
        raise UnreachableError(f"cannot read {variable} {path}: {failure}") from None


def secret_credentials(connection: KubeClient, namespace: str, name: str) -> Credentials:
    """Read the credentials from a Secret; UnreachableError if a key is missing."""
    data = connection.get(SECRETS, name, namespace).get("data") or {}
    values = {}
    trimmed = False
    for variable, key in KEYS.items():
        raw = _decoded(data, key)
        if text := raw.strip():
            values[variable] = text
            trimmed = trimmed or text != raw
        elif variable != OPTIONAL:
            raise UnreachableError(f"Secret {namespace}/{name} has no key {key}")
    return Credentials(values, trimmed, _decoded(data, EXPORT_CA))


def _decoded(data: Mapping[str, str], key: str) -> str:
    try:
        return base64.b64decode(data.get(key) or "").decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


# The copy of a backup in a store.


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedVolume:
    """The content of a claim, in a snapshot of restic."""

    claim: str
    snapshot: str
    """Id of the snapshot, 64 hexadecimal digits. Its path is `/volumes/CLAIM`."""
    capacity: str
    """Quantity that a claim must request to hold it."""
    storage_class: str = ""
    volume_mode: str = "Filesystem"
    size: int = 0
    """Bytes of its files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedBackup:
    """A backup, as its copy shows it. The cluster that it came from may be gone."""

    backup: Backup
    """Without snapshots, which may be gone."""
    repository: str
    exported_at: str = ""
    """When its copy was complete, as RFC 3339; empty if it is not."""
    volumes: tuple[ExportedVolume, ...] = ()
    secrets: Objects = field(default=(), repr=False)
    """Secrets of the backup, with credentials."""
    copied_volumes: int = 0
    """Volumes that have a snapshot of restic."""
    faults: tuple[str, ...] = ()
    """Why it cannot be restored; empty if it can."""

    @property
    def status(self) -> BackupStatus:
        """Whether it can be restored; a copy never shows whether its action still runs."""
        if not self.exported_at:
            return BackupStatus.INCOMPLETE
        return BackupStatus.DAMAGED if self.faults else BackupStatus.COMPLETE

    @property
    def size(self) -> int | None:
        """Bytes of all volumes; None if it is not complete."""
        return sum(volume.size for volume in self.volumes) if self.volumes else None
