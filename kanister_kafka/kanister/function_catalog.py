"""The functions of Kanister 0.100 to 0.119 and of its head of 2026-08-21, as rows.

Names, arguments and outputs are those of Name(), RequiredArgs(), Arguments() and Exec() in the file
that each row names, taken from the syntax tree of each tag. `blank` and the descriptions are from
reading Exec().
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from kanister_kafka.kanister.function_types import (
    RELEASES,
    ArgumentType,
    FunctionArgument,
    FunctionOutput,
    FunctionSpec,
    format_release_range,
)

PACKAGE = "pkg/function/"


def _needs(
    name: str,
    kind: ArgumentType,
    description: str,
    choices: tuple[str, ...] = (),
    *,
    blank: bool = False,
) -> FunctionArgument:
    return FunctionArgument(name, kind, description, required=True, choices=choices, blank=blank)


def _named(name: str, description: str, *, blank: bool = False) -> FunctionArgument:
    return _needs(name, ArgumentType.TEXT, description, blank=blank)


def _text(
    name: str, description: str, default: str = "", choices: tuple[str, ...] = (), since: str = ""
) -> FunctionArgument:
    return FunctionArgument(
        name, ArgumentType.TEXT, description, choices=choices, default=default, since=since
    )


def _flag(name: str, description: str, default: str = "false", since: str = "") -> FunctionArgument:
    return FunctionArgument(name, ArgumentType.BOOLEAN, description, default=default, since=since)


def _outputs(names: str) -> tuple[FunctionOutput, ...]:
    return tuple(FunctionOutput(name) for name in names.split())


POD_LABELS = (
    FunctionArgument("podLabels", ArgumentType.POD_LABELS, "Labels of the pod.", since="0.111"),
    FunctionArgument(
        "podAnnotations", ArgumentType.POD_ANNOTATIONS, "Annotations of the pod.", since="0.111"
    ),
)
POD_OVERRIDE = FunctionArgument(
    "podOverride",
    ArgumentType.POD_OVERRIDE,
    "Part of a pod's spec, merged into the pod's; the main container is named `container`.",
)
POD_OVERRIDE_LATER = replace(POD_OVERRIDE, since="0.117")
"""Read by Exec() before that, but refused, as Arguments() did not list it."""
POD = (*POD_LABELS, POD_OVERRIDE)
POD_LATER = (*POD_LABELS, POD_OVERRIDE_LATER)
TOOLS_IMAGE = FunctionArgument(
    "image",
    ArgumentType.IMAGE,
    "Image with Kanister's tools instead of the default.",
    since="0.115",
)
ENCRYPTION_KEY = _text(
    "encryptionKey", "Password of the restic repository; a fixed one by default."
)
INSECURE_TLS = _flag(
    "insecureTLS",
    "Whether restic skips the verification of the store's certificate.",
    since="0.106",
)
RECLAIM_SPACE = _flag("reclaimSpace", "Whether to free the space at once.")
PREFIX = _named("backupArtifactPrefix", "Path in the object store.", blank=True)
RESTIC = (PREFIX, ENCRYPTION_KEY, INSECURE_TLS)
POD_NAMESPACE = _named("namespace", "Namespace of the pod that is started.", blank=True)
CLAIM_NAMESPACE = _named("namespace", "Namespace of the volumes and of the pod that is started.")
BACKUP_INFO = _named("backupInfo", "JSON that BackupDataAll has put out as BackupAllInfo.")
MOUNTS = FunctionArgument(
    "volumes", ArgumentType.MOUNTS, "PersistentVolumeClaims to mount, each with its mount path."
)
PODS = FunctionArgument(
    "pods",
    ArgumentType.NAMES,
    "Pods, separated by spaces; those of the action's workload by default.",
)
AWS = (
    _text(
        "credentialsSource",
        "Where the credentials for AWS are from.",
        choices=("profile", "secret", "eks_service_account"),
        default="profile",
        since="0.113",
    ),
    _text(
        "credentialsSecret",
        "Secret of the ActionSet or of the phase, for the source `secret`.",
        since="0.113",
    ),
    _text("region", "Region of AWS instead of the Profile's.", since="0.113"),
)
RDS_ENGINE = _text(
    "dbEngine", "Engine of the database; aurora, aurora-mysql and aurora-postgresql are clusters."
)
KOPIA_USER = _text("repositoryServerUserHostname", "Host name of the user of the server.")
TIMEOUT = _needs("timeout", ArgumentType.DURATION, "For how long to wait at most.")
PLAIN_TIMEOUT = replace(TIMEOUT, rendered=False)
CONDITIONS = _needs(
    "conditions", ArgumentType.CONDITIONS, "What to wait for: anyOf, allOf or both."
)
COMMAND = _needs("command", ArgumentType.TEXTS, "Program and its arguments; no shell unless named.")
ANY_COMMAND = replace(COMMAND, blank=True)

ROWS = (
    FunctionSpec(
        "BackupData",
        PACKAGE + "backup_data.go",
        "Back up a path of a running container with restic.",
        (
            _named("namespace", "Namespace of the pod."),
            _named("pod", "Pod with the data."),
            _named("container", "Container with the data and with restic.", blank=True),
            _named("includePath", "Path to back up."),
            *RESTIC,
        ),
        _outputs("backupID backupTag fileCount size phySize version"),
        needs_profile=True,
    ),
    FunctionSpec(
        "BackupDataAll",
        PACKAGE + "backup_data_all.go",
        "Back up a path of several pods with restic.",
        (
            _named("namespace", "Namespace of the pods."),
            PODS,
            _named("container", "Container with the data and with restic.", blank=True),
            _named("includePath", "Path to back up."),
            *RESTIC,
        ),
        _outputs("BackupAllInfo version"),
        needs_profile=True,
    ),
    FunctionSpec(
        "BackupDataStats",
        PACKAGE + "backup_data_stats.go",
        "Measure a backup of restic.",
        (
            POD_NAMESPACE,
            PREFIX,
            _named("backupID", "Snapshot to measure.", blank=True),
            _text(
                "statsMode",
                "Mode in which restic counts.",
                choices=("restore-size", "files-by-contents", "blobs-per-file", "raw-data"),
                default="restore-size",
            ),
            TOOLS_IMAGE,
            ENCRYPTION_KEY,
            *POD_LATER,
        ),
        _outputs("mode fileCount size version"),
        needs_profile=True,
    ),
    FunctionSpec(
        "BackupDataUsingKopiaServer",
        PACKAGE + "backup_data_using_kopia_server.go",
        "Back up a path of a running container to a Kopia repository server.",
        (
            _named("namespace", "Namespace of the pod."),
            _named("pod", "Pod with the data."),
            _named("container", "Container with the data and with kopia.", blank=True),
            _named("includePath", "Path to back up."),
            _text("snapshotTags", "Tags, separated by commas, each `key:value`."),
            KOPIA_USER,
        ),
        _outputs("backupID size phySize"),
        until="0.119",
    ),
    FunctionSpec(
        "CheckRepository",
        PACKAGE + "checkRepository.go",
        "Look whether a restic repository is there and opens with the password.",
        (PREFIX, TOOLS_IMAGE, ENCRYPTION_KEY, INSECURE_TLS, *POD_LATER),
        _outputs("passwordIncorrect repoUnavailable version"),
        needs_profile=True,
    ),
    FunctionSpec(
        "CopyVolumeData",
        PACKAGE + "copy_volume_data.go",
        "Back up a volume with restic from a pod that mounts it.",
        (
            CLAIM_NAMESPACE,
            _named("volume", "PersistentVolumeClaim to back up."),
            _named("dataArtifactPrefix", "Path in the object store.", blank=True),
            TOOLS_IMAGE,
            ENCRYPTION_KEY,
            _text("mountPath", "Where to mount it instead of /mnt/vol_data/CLAIM.", since="0.115"),
            INSECURE_TLS,
            *POD_LATER,
        ),
        _outputs(
            "backupID backupRoot backupArtifactLocation backupTag fileCount size phySize version"
        ),
        needs_profile=True,
    ),
    FunctionSpec(
        "CreateCSISnapshot",
        PACKAGE + "create_csi_snapshot.go",
        "Make a VolumeSnapshot and wait, without limit, until it is ready.",
        (
            _named("pvc", "PersistentVolumeClaim to snapshot."),
            _named("namespace", "Namespace of the claim."),
            _named("snapshotClass", "VolumeSnapshotClass.", blank=True),
            _text("name", "Name of the VolumeSnapshot; made of the claim's by default."),
            FunctionArgument("labels", ArgumentType.LABELS, "Labels of the VolumeSnapshot."),
        ),
        _outputs("name pvc namespace restoreSize snapshotContent"),
    ),
    FunctionSpec(
        "CreateCSISnapshotStatic",
        PACKAGE + "create_csi_snapshot_static.go",
        "Make a VolumeSnapshot of a snapshot that the storage already has.",
        (
            _named("name", "Name of the VolumeSnapshot."),
            _named("namespace", "Namespace of the VolumeSnapshot."),
            _named("driver", "CSI driver."),
            _named("snapshotHandle", "Id of the snapshot in the storage."),
            _named("snapshotClass", "VolumeSnapshotClass.", blank=True),
        ),
        _outputs("name namespace restoreSize snapshotContent"),
    ),
    FunctionSpec(
        "CreateRDSSnapshot",
        PACKAGE + "create_rds_snapshot.go",
        "Make a snapshot of a database of AWS RDS.",
        (_named("instanceID", "Id of the instance, or of the cluster."), RDS_ENGINE, *AWS),
        _outputs("snapshotID instanceID securityGroupID allocatedStorage dbSubnetGroup"),
    ),
    FunctionSpec(
        "CreateVolumeFromSnapshot",
        PACKAGE + "create_volume_from_snapshot.go",
        "Make volumes of snapshots of a cloud's disks.",
        (
            _named("namespace", "Namespace of the claims.", blank=True),
            _named("snapshots", "JSON that CreateVolumeSnapshot has put out."),
            FunctionArgument("pvcNames", ArgumentType.TEXTS, "Names of the claims to make."),
        ),
        needs_profile=True,
        until="0.114",
    ),
    FunctionSpec(
        "CreateVolumeSnapshot",
        PACKAGE + "create_volume_snapshot.go",
        "Make snapshots of a cloud's disks.",
        (
            _named("namespace", "Namespace of the claims.", blank=True),
            FunctionArgument(
                "pvcs", ArgumentType.TEXTS, "Claims; those of the action's workload by default."
            ),
            _flag("skipWait", "Whether not to wait."),
        ),
        _outputs("volumeSnapshotInfo"),
        needs_profile=True,
        until="0.114",
    ),
    FunctionSpec(
        "DeleteCSISnapshot",
        PACKAGE + "delete_csi_snapshot.go",
        "Delete a VolumeSnapshot and wait, without limit, until it is gone.",
        (
            _named("name", "Name of the VolumeSnapshot."),
            _named("namespace", "Namespace of the VolumeSnapshot."),
        ),
    ),
    FunctionSpec(
        "DeleteCSISnapshotContent",
        PACKAGE + "delete_csi_snapshot_content.go",
        "Delete a VolumeSnapshotContent if it is there.",
        (_named("name", "Name of the VolumeSnapshotContent."),),
    ),
    FunctionSpec(
        "DeleteData",
        PACKAGE + "delete_data.go",
        "Forget a backup of restic.",
        (
            POD_NAMESPACE,
            PREFIX,
            _text("backupID", "Snapshot to forget; or else backupTag."),
            _text("backupTag", "Tag of the snapshot to forget; or else backupID."),
            TOOLS_IMAGE,
            ENCRYPTION_KEY,
            RECLAIM_SPACE,
            INSECURE_TLS,
            *POD_LATER,
        ),
        _outputs("spaceFreed"),
        needs_profile=True,
    ),
    FunctionSpec(
        "DeleteDataAll",
        PACKAGE + "delete_data_all.go",
        "Forget the backups of BackupDataAll.",
        (
            POD_NAMESPACE,
            PREFIX,
            BACKUP_INFO,
            TOOLS_IMAGE,
            ENCRYPTION_KEY,
            RECLAIM_SPACE,
            INSECURE_TLS,
            *POD_LATER,
        ),
        _outputs("spaceFreed"),
        needs_profile=True,
    ),
    FunctionSpec(
        "DeleteDataUsingKopiaServer",
        PACKAGE + "delete_data_using_kopia_server.go",
        "Delete a backup from a Kopia repository server.",
        (
            POD_NAMESPACE,
            _named("backupID", "Snapshot to delete."),
            _needs("image", ArgumentType.IMAGE, "Image with kopia."),
            KOPIA_USER,
            *POD_LABELS,
        ),
        until="0.119",
    ),
    FunctionSpec(
        "DeleteRDSSnapshot",
        PACKAGE + "delete_rds_snapshot.go",
        "Delete a snapshot of AWS RDS if it is there.",
        (_named("snapshotID", "Id of the snapshot."), RDS_ENGINE, *AWS),
    ),
    FunctionSpec(
        "DeleteVolumeSnapshot",
        PACKAGE + "delete_volume_snapshot.go",
        "Delete snapshots of a cloud's disks.",
        (
            _named("namespace", "Namespace of the claims.", blank=True),
            _named("snapshots", "JSON that CreateVolumeSnapshot has put out."),
        ),
        needs_profile=True,
        until="0.114",
    ),
    FunctionSpec(
        "ExportRDSSnapshotToLocation",
        PACKAGE + "export_rds_snapshot_location.go",
        "Dump the databases of a snapshot of AWS RDS to the object store.",
        (
            _named("namespace", "Namespace of the pod that is started.", blank=True),
            _named("instanceID", "Id of the instance."),
            _named("snapshotID", "Id of the snapshot."),
            _needs("dbEngine", ArgumentType.TEXT, "Engine of the database.", ("PostgreSQL",)),
            _text("username", "User of the database."),
            _text("password", "Password of the user."),
            _text("backupArtifactPrefix", "Path in the object store; instanceID by default."),
            FunctionArgument(
                "databases", ArgumentType.YAML_TEXTS, "Databases to dump; all by default."
            ),
            FunctionArgument(
                "securityGroupID",
                ArgumentType.YAML_TEXTS,
                "Security groups; the instance's by default.",
            ),
            _text("dbSubnetGroup", "Subnet group of the instance that is made.", "default"),
            *POD_LABELS,
            *AWS,
        ),
        _outputs("snapshotID instanceID securityGroupID backupID"),
        needs_profile=True,
    ),
    FunctionSpec(
        "KubeExec",
        PACKAGE + "kube_exec.go",
        "Run a command in a container that is running.",
        (
            _named("namespace", "Namespace of the pod."),
            _named("pod", "Pod to run it in."),
            COMMAND,
            _text("container", "Container to run it in; needed if the pod has several."),
        ),
        prints=True,
    ),
    FunctionSpec(
        "KubeExecAll",
        PACKAGE + "kube_exec_all.go",
        "Run a command in several containers at once.",
        (
            _named("namespace", "Namespace of the pods."),
            _needs("pods", ArgumentType.NAMES, "Pods, separated by spaces."),
            _needs(
                "containers", ArgumentType.NAMES, "Containers of each pod, separated by spaces."
            ),
            COMMAND,
        ),
        prints=True,
    ),
    FunctionSpec(
        "KubeOps",
        PACKAGE + "kubeops.go",
        "Create, delete or patch an object.",
        (
            FunctionArgument(
                "operation",
                ArgumentType.TEXT,
                "What to do.",
                required=True,
                choices=("create", "delete"),
                blank=False,
                until="0.113",
            ),
            FunctionArgument(
                "operation",
                ArgumentType.TEXT,
                "What to do; patch is a strategic merge patch, which no custom resource takes.",
                required=True,
                choices=("create", "delete", "patch"),
                blank=False,
                since="0.114",
            ),
            FunctionArgument(
                "spec", ArgumentType.MANIFEST, "Objects to create, or the patch, as text."
            ),
            _text("namespace", "Namespace of an object that names none.", "default"),
            FunctionArgument(
                "objectReference", ArgumentType.REFERENCE, "Object to delete or to patch."
            ),
        ),
        _outputs("apiVersion group resource kind name namespace"),
    ),
    FunctionSpec(
        "KubeTask",
        PACKAGE + "kube_task.go",
        "Run a command in a pod of its own and wait, without limit, for its end.",
        (
            _needs("image", ArgumentType.IMAGE, "Image of the pod."),
            ANY_COMMAND,
            _text("namespace", "Namespace of the pod; the controller's by default."),
            *POD,
        ),
        prints=True,
    ),
    FunctionSpec(
        "LocationDelete",
        PACKAGE + "location_delete.go",
        "Delete an artifact from the object store.",
        (_named("artifact", "Path of the artifact; all that begins with it is deleted."),),
        needs_profile=True,
    ),
    FunctionSpec(
        "MultiContainerRun",
        PACKAGE + "multi_container_run.go",
        "Run two commands in two containers of one pod, with a volume between them.",
        (
            _text("namespace", "Namespace of the pod; the controller's by default."),
            FunctionArgument(
                "initImage", ArgumentType.IMAGE, "Image of a container that runs first."
            ),
            FunctionArgument("initCommand", ArgumentType.TEXTS, "Command of that container."),
            _needs("backgroundImage", ArgumentType.IMAGE, "Image of the container `background`."),
            _needs(
                "backgroundCommand", ArgumentType.TEXTS, "Command of that container.", blank=True
            ),
            _needs("outputImage", ArgumentType.IMAGE, "Image of the container `output`."),
            _needs("outputCommand", ArgumentType.TEXTS, "Command that prints outputs.", blank=True),
            _text("sharedVolumeMedium", "Medium of the volume between them, such as Memory."),
            FunctionArgument(
                "sharedVolumeSizeLimit", ArgumentType.QUANTITY, "Most that the volume may hold."
            ),
            _text("sharedVolumeDir", "Where the volume is mounted.", "/tmp/"),  # noqa: S108
            *POD_LABELS,
            FunctionArgument(
                "podOverride",
                ArgumentType.POD_OVERRIDE,
                "Part of a pod's spec; the containers are `background`, `output` and `init`.",
            ),
        ),
        prints=True,
        since="0.112",
    ),
    FunctionSpec(
        "PrepareData",
        PACKAGE + "prepare_data.go",
        "Run a command in a pod that mounts volumes of the application.",
        (
            CLAIM_NAMESPACE,
            _needs("image", ArgumentType.IMAGE, "Image of the pod."),
            ANY_COMMAND,
            MOUNTS,
            _text("serviceaccount", "Service account of the pod."),
            _flag(
                "failOnError",
                "Whether a command that fails is a failure of the phase.",
                since="0.115",
            ),
            *POD,
        ),
        prints=True,
    ),
    FunctionSpec(
        "RestoreCSISnapshot",
        PACKAGE + "restore_csi_snapshot.go",
        "Make a PersistentVolumeClaim of a VolumeSnapshot; it must not be there.",
        (
            _named("name", "Name of the VolumeSnapshot."),
            _named("pvc", "Name of the claim to make."),
            _named("namespace", "Namespace of both."),
            _named("storageClass", "StorageClass of the claim.", blank=True),
            _needs("restoreSize", ArgumentType.QUANTITY, "Size of the claim."),
            FunctionArgument(
                "accessModes",
                ArgumentType.TEXTS,
                "Access modes of the claim; ReadWriteOnce by default.",
                choices=("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce"),
            ),
            _text(
                "volumeMode",
                "Mode of the claim.",
                choices=("Filesystem", "Block"),
                default="Filesystem",
            ),
            FunctionArgument("labels", ArgumentType.LABELS, "Labels of the claim."),
        ),
    ),
    FunctionSpec(
        "RestoreData",
        PACKAGE + "restore_data.go",
        "Restore a backup of restic into volumes.",
        (
            CLAIM_NAMESPACE,
            _needs("image", ArgumentType.IMAGE, "Image with Kanister's tools."),
            PREFIX,
            _text("restorePath", "Where to restore to.", "/"),
            _text("backupPath", "Path within the backup; all by default.", since="0.115"),
            _text("pod", "Pod whose volumes are mounted; or else volumes."),
            MOUNTS,
            _text("backupTag", "Tag of the snapshot; or else backupIdentifier."),
            _text("backupIdentifier", "Id of the snapshot; or else backupTag."),
            ENCRYPTION_KEY,
            INSECURE_TLS,
            *POD,
        ),
        prints=True,
        needs_profile=True,
    ),
    FunctionSpec(
        "RestoreDataAll",
        PACKAGE + "restore_data_all.go",
        "Restore the backups of BackupDataAll into the volumes of their pods.",
        (
            CLAIM_NAMESPACE,
            _needs("image", ArgumentType.IMAGE, "Image with Kanister's tools."),
            PREFIX,
            BACKUP_INFO,
            _text("restorePath", "Where to restore to.", "/"),
            PODS,
            ENCRYPTION_KEY,
            INSECURE_TLS,
            *POD,
        ),
        prints=True,
        needs_profile=True,
    ),
    FunctionSpec(
        "RestoreDataUsingKopiaServer",
        PACKAGE + "restore_data_using_kopia_server.go",
        "Restore a backup from a Kopia repository server into volumes.",
        (
            CLAIM_NAMESPACE,
            _needs("image", ArgumentType.IMAGE, "Image with kopia."),
            _named("backupIdentifier", "Id of the snapshot."),
            _named("restorePath", "Where to restore to."),
            _text("pod", "Pod whose volumes are mounted; or else volumes."),
            MOUNTS,
            KOPIA_USER,
            *POD,
        ),
        until="0.119",
    ),
    FunctionSpec(
        "RestoreRDSSnapshot",
        PACKAGE + "restore_rds_snapshot.go",
        "Restore a database of AWS RDS from a snapshot, or from a dump.",
        (
            _named("instanceID", "Id of the instance, or of the cluster."),
            _text("snapshotID", "Snapshot to restore; a dump is restored without it."),
            _text("dbEngine", "Engine of the database; PostgreSQL for a dump."),
            _text("backupArtifactPrefix", "Path of the dump in the object store."),
            _text("backupID", "Id of the dump."),
            _text("username", "User of the database, for a dump."),
            _text("password", "Password of the user, for a dump."),
            _text("namespace", "Namespace of the pod that is started, for a dump."),
            FunctionArgument(
                "securityGroupID",
                ArgumentType.YAML_TEXTS,
                "Security groups; the instance's by default.",
            ),
            _text("dbSubnetGroup", "Subnet group of the instance.", "default"),
            *POD_LABELS,
            *AWS,
        ),
        _outputs("endpoint"),
        needs_profile=True,
    ),
    FunctionSpec(
        "ScaleWorkload",
        PACKAGE + "scale_workload.go",
        "Scale a StatefulSet, Deployment or DeploymentConfig and wait, without limit.",
        (
            _needs("replicas", ArgumentType.REPLICAS, "How many replicas."),
            _text("namespace", "Namespace of the workload; the action's object by default."),
            _text("name", "Name of the workload; the action's object by default."),
            FunctionArgument(
                "kind",
                ArgumentType.WORKLOAD,
                "Kind of the workload, in any case; the action's object by default.",
                choices=("StatefulSet", "Deployment", "DeploymentConfig"),
            ),
            _flag("waitForReady", "Whether to wait until the workload is ready.", default="true"),
        ),
        (FunctionOutput("originalReplicaCount", since="0.104"),),
    ),
    FunctionSpec(
        "Wait",
        PACKAGE + "wait.go",
        "Wait until conditions in JSONPath hold; WaitV2 is its successor.",
        (TIMEOUT, CONDITIONS),
    ),
    FunctionSpec(
        "WaitForSnapshotCompletion",
        PACKAGE + "wait_for_snapshot_completion.go",
        "Wait for snapshots of a cloud's disks.",
        (_named("snapshots", "JSON that CreateVolumeSnapshot has put out."),),
        needs_profile=True,
        until="0.114",
    ),
    FunctionSpec(
        "WaitV2",
        PACKAGE + "waitv2.go",
        "Wait until conditions in Go templates hold.",
        (PLAIN_TIMEOUT, CONDITIONS),
    ),
)
"""All that any of these releases has, by name."""


# The functions of one release. Every function refuses an argument that it does not list
# (CheckSupportedArgs in pkg/utils/utils.go), so an argument of a later release is an error.


@dataclass(frozen=True, slots=True)
class KanisterFunction:
    """A function of one release."""

    name: str
    source: str
    """Its file in kanisterio/kanister."""
    description: str
    """One line, for editors."""
    arguments: Mapping[str, FunctionArgument]
    outputs: tuple[str, ...]
    """Keys of its own in the output of its phase."""
    prints: bool
    """Whether what its command prints with `kando output` becomes outputs as well."""
    needs_profile: bool
    """Whether it always fails without a Profile in the ActionSet."""

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the arguments that must be there, sorted."""
        return tuple(sorted(name for name, one in self.arguments.items() if one.required))


@lru_cache
def functions(release: str) -> Mapping[str, KanisterFunction]:
    """Return the functions of a release by name; `parse_release` reads what people type.

    Raises KeyError if there is no such release.
    """
    return {row.name: _function(row, release) for row in ROWS if row.is_in(release)}


def _function(row: FunctionSpec, release: str) -> KanisterFunction:
    return KanisterFunction(
        row.name,
        row.source,
        row.description,
        {argument.name: argument for argument in row.arguments if argument.is_in(release)},
        tuple(output.name for output in row.outputs if output.is_in(release)),
        row.prints,
        row.needs_profile,
    )


def releases_with(function: str, argument: str = "") -> str:
    """Return in words which releases have a function, or an argument of it; empty for none."""
    by_release = [(release, functions(release).get(function)) for release in RELEASES]
    return format_release_range(
        [r for r, one in by_release if one and (not argument or argument in one.arguments)]
    )
