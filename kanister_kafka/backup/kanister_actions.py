"""The phases with which Kanister alone backs up, restores and deletes; Kasten's restore as well."""

from __future__ import annotations

from dataclasses import replace

from kanister_kafka.backup.export import BACKUP, COPY, ExportActionFactory
from kanister_kafka.backup.model import (
    BackupStage,
    PlannedAction,
    PlannedPhase,
    PlannedStep,
    ResourceNames,
)
from kanister_kafka.backup.options import Options, Strategy
from kanister_kafka.backup.phases import RUN, PhaseFactory, run_in_one_pod
from kanister_kafka.strimzi import KafkaCluster

ARTIFACT = "kafka"
OVERWRITE = '{{ index .Options "overwrite" }}'
DISCARD = '{{ index .Options "discard-replaced" }}'
RETENTION_OPTION = '{{ index .Options "retention" }}'
"""Of a restore: `hold`, `now` or a duration; empty if it is not given, which is `hold`."""
OUTPUTS = ("backup", "snapshots")
SNAPSHOT_PHASE = "backupSnapshot"
"""The phase with the outputs: it snapshots, and of a cold backup stops and restarts as well."""
STOP = "stop"
"""Key for whether every node ended cleanly: `clean` or `unclean`."""
SNAPSHOTS = "VolumeSnapshots of every claim"
GROUP = "VolumeGroupSnapshot of every claim"
IDENTITY_SECONDS = 120
"""For the operator to see the new pause, and for the statuses: nothing else is going on there."""
SECRETS = "Secrets with every object of the cluster"
TOPICS = "Secret with the retention of every topic"


class KanisterActionFactory:
    """Makes the actions `backup`, `restore` and `delete`, and Kasten's around a restore."""

    def __init__(self, phases: PhaseFactory, names: ResourceNames, options: Options) -> None:
        self.phases = phases
        self.cluster: KafkaCluster = phases.cluster
        self.names = names
        self.options = options
        self.limits = options.limits
        self.export = ExportActionFactory(phases, names, options)

    def actions(self) -> tuple[PlannedAction, ...]:
        """Return all that Kanister needs to do the whole cycle."""
        actions = (self._backup(), self._restore(), self._delete())
        if not self.names.export:
            return actions
        make = self.export
        return (*actions, make.export(), make.list_copies(), make.delete_copy())

    def kasten_actions(self) -> tuple[PlannedAction, ...]:
        """Return what Kasten calls before and after it restores."""
        return (
            PlannedAction(
                name="beforeRestore",
                phases=(
                    self._stop(
                        "haltForRestore", "beforeRestore", retention=self.options.restored_retention
                    ),
                ),
            ),
            PlannedAction(
                name="afterRestore",
                phases=(
                    self._identity("identify", self.options.restored_retention),
                    self._restart("restartRestored"),
                ),
            ),
        )

    def _backup(self) -> PlannedAction:
        if self.options.strategy is Strategy.HOT:
            return self._hot_backup()
        make = self.phases
        online = self.options.strategy is Strategy.ONLINE
        recover = make.restart("backupRecover", self.limits.restart, recovery=True)
        phases = [make.quiesce("backup", "backupQuiesce")]
        if online:
            phases += [make.pause("backupPause"), self._keep(), make.flush_online("backupFlush")]
            snapshot = self._group() if self.options.group_snapshot_class else self._snapshot()
            phases += [snapshot, make.compare("backupCompare", own_run=True)]
            phases.append(make.restart("backupRestart", self.limits.restart))
        else:
            phases += [self._keep(), make.flush("backupFlush"), self._stop_snapshot_restart()]
        phases.append(self._ready())
        return PlannedAction(
            name="backup",
            phases=tuple(phases),
            defer_phase=replace(recover, script="recover-backup", account=self.names.keep),
            artifact_out=ARTIFACT,
            artifact=(
                *self._artifact(),
                ("strategy", self.options.strategy.value)
                if online
                else (STOP, f"{{{{ .Phases.{SNAPSHOT_PHASE}.Output.{STOP} }}}}"),
            ),
        )

    def _hot_backup(self) -> PlannedAction:
        """Return the backup that changes nothing of Kafka, by one group of snapshots."""
        make = self.phases
        phases = (
            make.check_hot("backupCheck"),
            self._keep(),
            make.flush("backupFlush"),
            self._group(),
            self._complete_hot(),
        )
        recover = PlannedPhase(
            name="backupRecover",
            stage=BackupStage.RESTART,
            script="recover-hot",
            values=make.values(RECOVER_RUN_ID=RUN),
            steps=(
                self._unlock(),
                PlannedStep(does="delete, if the backup is not complete", objects=(GROUP, SECRETS)),
            ),
            account=self.names.keep,
        )
        return PlannedAction(
            name="backup",
            phases=phases,
            defer_phase=recover,
            artifact_out=ARTIFACT,
            artifact=(*self._artifact(), ("strategy", self.options.strategy.value)),
        )

    def _artifact(self) -> tuple[tuple[str, str], ...]:
        """Return what the artifact of every backup has."""
        return (
            ("cluster", self.cluster.name),
            ("namespace", self.cluster.namespace),
            *((key, f"{{{{ .Phases.{SNAPSHOT_PHASE}.Output.{key} }}}}") for key in OUTPUTS),
        )

    def _keep(self) -> PlannedPhase:
        return PlannedPhase(
            name="backupKeep",
            stage=BackupStage.FLUSH,
            script="save-objects",
            values=self.phases.values(
                RUN_ID=RUN, PERMISSIONS=self.phases.access_reviews(self.names.keep)
            ),
            steps=(PlannedStep(does="keep what a restore needs", objects=(SECRETS,)),),
            account=self.names.keep,
        )

    def _stop_snapshot_restart(self) -> PlannedPhase:
        """Stop, snapshot and restart in one pod: clients wait for each pod in between."""
        return run_in_one_pod(
            SNAPSHOT_PHASE,
            replace(self.phases.stop("backupStop"), outputs=(STOP,)),
            replace(self._snapshot(), account=self.names.account),
            self.phases.restart("backupRestart", self.limits.restart),
        )

    def _snapshot(self) -> PlannedPhase:
        seconds = self.limits.snapshot
        paused = "paused" if self.options.strategy is Strategy.ONLINE else "stopped"
        snapshot = PlannedStep(
            does="snapshot, all at once", objects=(SNAPSHOTS,), until="each is cut", seconds=seconds
        )
        return PlannedPhase(
            name=SNAPSHOT_PHASE,
            stage=BackupStage.SNAPSHOT,
            script="snapshot",
            values=self.phases.values(
                RUN_ID=RUN, SNAPSHOT_CLASS=self.options.snapshot_class, SNAPSHOT_TIMEOUT=seconds
            ),
            steps=(
                PlannedStep(
                    does=f"look whether it is still {paused}, before and after",
                    objects=(str(self.cluster),),
                ),
                snapshot,
            ),
            account=self.names.keep,
            outputs=OUTPUTS,
        )

    def _group(self) -> PlannedPhase:
        """Snapshot all claims at one moment, if their driver can."""
        seconds = self.limits.snapshot
        single = self._snapshot()
        hot = self.options.strategy is Strategy.HOT
        same = PlannedStep(
            does="compare nodes, specs and claims with those of the start, before and after",
            objects=(str(self.cluster),),
        )
        return replace(
            single,
            script="snapshot-hot" if hot else "snapshot-group",
            values=self.phases.values(
                RUN_ID=RUN,
                GROUP_SNAPSHOT_CLASS=self.options.group_snapshot_class,
                SNAPSHOT_TIMEOUT=seconds,
                SNAPSHOT_BY_LABEL="yes" if hot else None,
            ),
            steps=(
                same if hot else single.steps[0],
                PlannedStep(
                    does="snapshot, all at one moment",
                    objects=(GROUP,),
                    until="it has a member of every claim, and of no other",
                    seconds=seconds,
                ),
            ),
        )

    def _ready(self) -> PlannedPhase:
        wait = PlannedStep(
            does="wait, while Kafka serves",
            objects=(SNAPSHOTS,),
            until="each is ready to use",
            seconds=self.limits.ready,
        )
        return PlannedPhase(
            name="backupReady",
            stage=BackupStage.SNAPSHOT,
            script="wait-snapshots-ready",
            values=self.phases.values(
                RUN_ID=RUN,
                SNAPSHOT_COUNT=f"{{{{ .Phases.{SNAPSHOT_PHASE}.Output.snapshots }}}}",
                READY_TIMEOUT=self.limits.ready,
            ),
            steps=(wait,),
            account=self.names.keep,
        )

    def _complete_hot(self) -> PlannedPhase:
        """Return the last phase, which marks the backup as hot and as complete at once."""
        ready = self._ready()
        return replace(ready, script="complete-hot", steps=(self._unlock(), *ready.steps))

    def _unlock(self) -> PlannedStep:
        record = f"ConfigMap {self.names.record}"
        return PlannedStep(does="let other backups begin", objects=(record,))

    def _restore(self) -> PlannedAction:
        check = PlannedPhase(
            name="restoreCheck",
            stage=BackupStage.RESTORE,
            script="restore-check",
            values=self.phases.values(
                BACKUP=BACKUP,
                OVERWRITE=OVERWRITE,
                RETENTION=RETENTION_OPTION,
                PERMISSIONS=self.phases.access_reviews(self.names.restore),
            ),
            steps=(
                PlannedStep(
                    does="check the backup, try each object, overwrite only with overwrite=true",
                    objects=(SNAPSHOTS, SECRETS),
                ),
                PlannedStep(
                    does="compare its age with the retention of its topics", objects=(TOPICS,)
                ),
            ),
            account=self.names.restore,
        )
        return PlannedAction(
            name="restore",
            phases=(
                check,
                self._stop("restoreStop", "restore"),
                self._keep_replaced(),
                self._objects(),
                self._identity("restoreIdentity", RETENTION_OPTION, backup=BACKUP),
                self._restart("restoreRestart", backup=True),
            ),
            artifact_in=ARTIFACT,
        )

    def _stop(self, name: str, action: str, *, retention: str = "") -> PlannedPhase:
        make = self.phases
        return PlannedPhase(
            name=name,
            stage=BackupStage.STOP,
            script="restore-stop",
            values=make.values(RUN_ID=RUN, ACTION=action, RETENTION=retention),
            steps=tuple(make.stop_steps()),
            account=self.names.restore,
        )

    def _keep_replaced(self) -> PlannedPhase:
        """Snapshot the volumes that are replaced, until the restored Kafka is Ready."""
        seconds = self.limits.ready
        return PlannedPhase(
            name="restoreSnapshot",
            stage=BackupStage.RESTORE,
            script="snapshot-replaced-volumes",
            values=self.phases.values(
                RUN_ID=RUN,
                BACKUP=BACKUP,
                DISCARD_REPLACED=DISCARD,
                SNAPSHOT_CLASS=self.options.snapshot_class,
                READY_TIMEOUT=seconds,
            ),
            steps=(
                PlannedStep(
                    does="snapshot, unless discard-replaced=true",
                    objects=("claims that are replaced",),
                    until="each is ready to use",
                    seconds=seconds,
                ),
            ),
            account=self.names.restore,
        )

    def _restart(self, name: str, *, backup: bool = False) -> PlannedPhase:
        """Start what is restored, and end when the operators can work on it."""
        phase = self.phases.restart(name, self.limits.restart)
        own = self.phases.values(RUN_ID=RUN, BACKUP=BACKUP) if backup else ()
        ready = PlannedStep(does="wait", objects=(str(self.cluster),), until="it is Ready")
        return replace(
            phase,
            script="restart-restored",
            values=phase.values + own,
            steps=(*phase.steps, ready),
            account=self.names.restore,
        )

    def _objects(self) -> PlannedPhase:
        return PlannedPhase(
            name="restoreObjects",
            stage=BackupStage.RESTORE,
            script="restore-objects",
            values=self.phases.values(RUN_ID=RUN, BACKUP=BACKUP, CLAIMS_TIMEOUT=self.limits.claims),
            steps=(
                PlannedStep(
                    does="replace",
                    objects=("claims of the backup",),
                    until="they are bound",
                    seconds=2 * self.limits.claims,
                ),
                PlannedStep(
                    does="delete", objects=("certificates of the authorities that are replaced",)
                ),
                PlannedStep(does="put back", objects=("every object of the backup, Kafka paused",)),
            ),
            account=self.names.restore,
        )

    def _identity(self, name: str, retention: str, *, backup: str = "") -> PlannedPhase:
        identity = () if self.cluster.zookeeper else self.cluster.pools
        return PlannedPhase(
            name=name,
            stage=BackupStage.RESTORE,
            script="restore-cluster-id",
            values=self.phases.values(
                RUN_ID=RUN if backup else "",
                BACKUP=backup,
                RETENTION=retention,
                POOLS=identity,
                PAUSE_TIMEOUT=IDENTITY_SECONDS,
                KRAFT="" if self.cluster.zookeeper else "yes",
            ),
            steps=(
                PlannedStep(
                    does="put back cluster id and node ids",
                    objects=(str(self.cluster), *(f"KafkaNodePool {pool}" for pool in identity)),
                    until="the statuses have them",
                    seconds=2 * IDENTITY_SECONDS,
                ),
                PlannedStep(
                    does="hold its retention, unless retention=now", objects=(str(self.cluster),)
                ),
            ),
            account=self.names.restore,
        )

    def _delete(self) -> PlannedAction:
        copy: tuple[PlannedPhase, ...] = ()
        if self.names.export:
            copy = self.export.delete_copy_phases("deleteBackupCopy", COPY=COPY)
        backup = PlannedPhase(
            name="deleteBackup",
            stage=BackupStage.RESTORE,
            script="delete-backup",
            values=self.phases.values(BACKUP=BACKUP),
            steps=(PlannedStep(does="delete", objects=(SNAPSHOTS, SECRETS)),),
            account=self.names.restore,
        )
        return PlannedAction(name="delete", phases=(*copy, backup), artifact_in=ARTIFACT)
