"""Names of annotations and of keys that a backup leaves on the cluster.

The scripts in templates/scripts write and read the same names; `tests/backup/test_constants.py`
compares them.
"""

from __future__ import annotations

import enum

PREFIX = "kanister-kafka.io/"
MANAGED_BY = "app.kubernetes.io/managed-by"
COMPONENT = "kanister-kafka"
"""Value of `app.kubernetes.io/managed-by` on all that is rendered."""
BLUEPRINT = f"{PREFIX}blueprint"
"""On all that is rendered: `NAMESPACE/NAME` of the Blueprint that it serves."""
INPUT_HASH = f"{PREFIX}input-hash"
"""On a Blueprint: a hash of all inputs that decide its content (`backup/provenance.py`)."""
OPTIONS = f"{PREFIX}options"
"""On a Blueprint: the words of the command line that chose what is not the default."""
VERSION = f"{PREFIX}version"
"""On a Blueprint: the version of this tool that made it."""
STATE_CONFIGMAP_NAME = f"{PREFIX}record-name"
WATCHDOG_NAME = f"{PREFIX}switch-name"
KEEP_ACCOUNT_NAME = f"{PREFIX}keep-account-name"
BLUEPRINT_NAME = f"{PREFIX}blueprint-name"
"""On pods in a base of Kustomize: names of other objects, which it follows there."""
PREVIOUS_PAUSE = f"{PREFIX}pause-before"
"""On a paused object: what `strimzi.io/pause-reconciliation` was, `unset` or `value:…`."""
PREVIOUS_REPLICAS = f"{PREFIX}replicas-before"
"""On an object scaled to 0: its former `spec.replicas`, a number or `unset`."""
RESTART_DEADLINE = f"{PREFIX}restart-by"
"""On the Kafka: when the watchdog brings it back, such as `2026-01-02T03:04:05Z`."""
RETENTION_HELD = f"{PREFIX}retention-held"
"""On a restored Kafka that deletes nothing: JSON with the former values of the options."""
BACKUP = f"{PREFIX}backup"
"""On every object of a backup of Kanister alone: its name, the fourteen digits of its start."""
CLUSTER = f"{PREFIX}cluster"
"""On the same objects, and on the state ConfigMap: the name of the Kafka."""
RUN = f"{PREFIX}run"
"""On the same objects: every digit of the start of the action."""
COMPLETE = f"{PREFIX}complete"
"""On the Secret with the facts of a backup: when its last snapshot was ready."""
STOP = f"{PREFIX}stop"
"""On the same Secret: whether every node ended cleanly, `clean` or `unclean`."""
STRATEGY = f"{PREFIX}strategy"
"""On the same Secret, if brokers ran during the snapshots: `online`, or `hot` if nothing shows that
the backup is consistent."""
EXPORTED = f"{PREFIX}exported"
"""On the same Secret, if there is a copy in a store: `TIME REPOSITORY`, when it was made, as RFC
3339, and the repository as restic names it."""
EXPORT_KEYS = ("aws_access_key_id", "aws_secret_access_key", "repository_password")
"""Keys of the Secret with which restic copies and restores."""
EXPORT_CA = "ca.crt"
"""Key of the same Secret, if an authority that is not of the system has signed the store's
certificate."""
VERIFIED = f"{PREFIX}verified"
"""On the same Secret: how its last verification ended: `passed`, `failed` or `started`."""
VERIFIED_AT = f"{PREFIX}verified-at"
"""On the same Secret: when that was, as RFC 3339."""
COPY_VERIFIED = f"{PREFIX}copy-verified"
"""On the same Secret: how the last verification of its copy in a store ended."""
COPY_VERIFIED_AT = f"{PREFIX}copy-verified-at"
"""On the same Secret: `TIME REPOSITORY` of that verification, as in the annotation of the copy."""
CLONE_OF = f"{PREFIX}clone-of"
"""On every object that a restore into another namespace makes: the name of the backup."""
CLONE = f"{PREFIX}clone"
"""On the same objects: the id of the command that makes them, so that it removes only its own."""
CLONE_SOURCE = f"{PREFIX}clone-source"
"""On the namespace of a copy, if it was created, on its NetworkPolicy and VolumeSnapshotContents:
`NAMESPACE/KAFKA` of the backup."""
CLONE_EXPIRES = f"{PREFIX}clone-expires"
"""On the same objects of a verification: when its command has certainly ended, as RFC 3339."""
STRIMZI = "kafka.strimzi.io"
STRIMZI_CORE = "core.strimzi.io"
"""API groups of Strimzi: that of the resources of users, and that of StrimziPodSets."""
PAUSE_RECONCILIATION = "strimzi.io/pause-reconciliation"
CLUSTER_LABEL = "strimzi.io/cluster"


class BackupState(enum.Enum):
    """Values that the state ConfigMap has in its key `state`."""

    RUNNING = "running"
    QUIESCING = "quiescing"
    STOPPING = "stopping"
    STOPPED = "stopped"
    ONLINE = "online"
    """Only clients are stopped, and volumes may be snapshotted."""
    RESTARTING = "restarting"
    RESTORING = "restoring"


STATE_KEYS = (
    "state", "since", "run", "action", "pod", "failure", "endedBy", "confirmedBy",
    "before", "clusterId", "kafkaVersion",
    "specs", "ids", "podClaims", "claims", "pauseOwner", "seenRunning", "unclean", "growing",
    "stop", "restartRequested", "unmoved", "hot", "pods",
)  # fmt: skip
"""Keys of the state ConfigMap in addition to `nodeIds.<pool>`. `since` is a time, `run` the start
of the action that stopped it, `endedBy` the phase that brought it back: restart, recover, resume or
switch, and `confirmedBy` the pod of the post-hook for which the stop was whole. `before` has the
starts of the restores whose replaced volumes are kept in snapshots. `pod` is that of the last phase
before the snapshot that has begun, for the watchdog. `specs`, `ids`, `podClaims` and `claims` are
what the stop saw of the cluster, the last two as digests. `pauseOwner` is the field manager that
wrote the pause, `seenRunning` what the watchdog saw run during the stop, `unclean` the nodes that
were killed, `growing` the topics that grew after the writers had stopped, `stop` whether every node
ended cleanly, `clean` or `unclean`, `restartRequested` the run, or `any`, for which a step without
its scripts asked the watchdog, and `unmoved` the online run in which nothing has moved during the
snapshots. `hot` is the last run that stops nothing, and `pods` a digest of uids and restarts of its
nodes."""
