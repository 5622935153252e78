"""The copy of a backup in a store."""

from __future__ import annotations

from dataclasses import dataclass, field

from kanister_kafka.kube.client import Objects
from kanister_kafka.operations.backups.model import Backup, BackupStatus


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
