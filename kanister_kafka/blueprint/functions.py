"""Kanister's functions: which exist, and which arguments each takes.

Read from RequiredArgs() and Arguments() of pkg/function/*.go at 0.119.0 and at the head of
2026-08-21, where the three of Kopia's repository server are gone and nothing else differs. Every
function refuses an argument that it does not list.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Function:
    """Arguments of one function."""

    required: frozenset[str]
    optional: frozenset[str]

    @property
    def arguments(self) -> frozenset[str]:
        """All that it takes."""
        return self.required | self.optional


POD = "podAnnotations podLabels podOverride"
CREDENTIALS = "credentialsSecret credentialsSource"

_ROWS: tuple[tuple[str, str, str], ...] = (
    (
        "BackupData",
        "backupArtifactPrefix container includePath namespace pod",
        "encryptionKey insecureTLS",
    ),
    (
        "BackupDataAll",
        "backupArtifactPrefix container includePath namespace",
        "encryptionKey insecureTLS pods",
    ),
    (
        "BackupDataStats",
        "backupArtifactPrefix backupID namespace",
        f"encryptionKey image statsMode {POD}",
    ),
    (
        "BackupDataUsingKopiaServer",
        "container includePath namespace pod",
        "repositoryServerUserHostname snapshotTags",
    ),
    ("CheckRepository", "backupArtifactPrefix", f"encryptionKey image insecureTLS {POD}"),
    (
        "CopyVolumeData",
        "dataArtifactPrefix namespace volume",
        f"encryptionKey image insecureTLS mountPath {POD}",
    ),
    ("CreateCSISnapshot", "namespace pvc snapshotClass", "labels name"),
    ("CreateCSISnapshotStatic", "driver name namespace snapshotClass snapshotHandle", ""),
    ("CreateRDSSnapshot", "instanceID", f"dbEngine region {CREDENTIALS}"),
    ("DeleteCSISnapshot", "name namespace", ""),
    ("DeleteCSISnapshotContent", "name", ""),
    (
        "DeleteData",
        "backupArtifactPrefix namespace",
        f"backupID backupTag encryptionKey image insecureTLS reclaimSpace {POD}",
    ),
    (
        "DeleteDataAll",
        "backupArtifactPrefix backupInfo namespace",
        f"encryptionKey image insecureTLS reclaimSpace {POD}",
    ),
    (
        "DeleteDataUsingKopiaServer",
        "backupID image namespace",
        "podAnnotations podLabels repositoryServerUserHostname",
    ),
    ("DeleteRDSSnapshot", "snapshotID", f"dbEngine region {CREDENTIALS}"),
    (
        "ExportRDSSnapshotToLocation",
        "dbEngine instanceID namespace snapshotID",
        "backupArtifactPrefix databases dbSubnetGroup password podAnnotations podLabels region "
        f"securityGroupID username {CREDENTIALS}",
    ),
    ("KubeExec", "command namespace pod", "container"),
    ("KubeExecAll", "command containers namespace pods", ""),
    ("KubeOps", "operation", "namespace objectReference spec"),
    ("KubeTask", "command image", f"namespace {POD}"),
    ("LocationDelete", "artifact", ""),
    (
        "MultiContainerRun",
        "backgroundCommand backgroundImage outputCommand outputImage",
        "initCommand initImage namespace sharedVolumeDir sharedVolumeMedium sharedVolumeSizeLimit "
        f"{POD}",
    ),
    ("PrepareData", "command image namespace", f"failOnError serviceaccount volumes {POD}"),
    (
        "RestoreCSISnapshot",
        "name namespace pvc restoreSize storageClass",
        "accessModes labels volumeMode",
    ),
    (
        "RestoreData",
        "backupArtifactPrefix image namespace",
        "backupIdentifier backupPath backupTag encryptionKey insecureTLS pod restorePath volumes "
        f"{POD}",
    ),
    (
        "RestoreDataAll",
        "backupArtifactPrefix backupInfo image namespace",
        f"encryptionKey insecureTLS pods restorePath {POD}",
    ),
    (
        "RestoreDataUsingKopiaServer",
        "backupIdentifier image namespace restorePath",
        f"pod repositoryServerUserHostname volumes {POD}",
    ),
    (
        "RestoreRDSSnapshot",
        "instanceID",
        "backupArtifactPrefix backupID dbEngine dbSubnetGroup namespace password podAnnotations "
        f"podLabels region securityGroupID snapshotID username {CREDENTIALS}",
    ),
    ("ScaleWorkload", "replicas", "kind name namespace waitForReady"),
    ("Wait", "conditions timeout", ""),
    ("WaitV2", "conditions timeout", ""),
)

FUNCTIONS: dict[str, Function] = {
    name: Function(frozenset(required.split()), frozenset(optional.split()))
    for name, required, optional in _ROWS
}
"""Name to arguments; 31 as in 0.119.0."""
