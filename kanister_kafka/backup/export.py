"""The phases that copy a backup to an object store, and delete the copy, with restic."""

from __future__ import annotations

import json
from typing import Any

from kanister_kafka.backup.model import (
    BackupStage,
    PlannedAction,
    PlannedPhase,
    PlannedStep,
    ResourceNames,
    export_secret_name,
)
from kanister_kafka.backup.options import Options
from kanister_kafka.backup.phases import PhaseFactory
from kanister_kafka.gotemplate.formatter import format_literal
from kanister_kafka.kube.pod_options import quantity

BACKUP = "{{ .ArtifactsIn.kafka.KeyValue.backup }}"
COPY = '{{ index .Options "copy" }}'
"""Of a deletion: `keep` leaves the copy in the store; empty if it is not given."""
COPY_UID = '{{ index .Options "uid" }}'
"""Of a deletion by keep rules: the tag `uid` of the copy; empty if it is not given."""
LOCATION = (
    ("LOCATION_TYPE", "Type"),
    ("LOCATION_ENDPOINT", "Endpoint"),
    ("LOCATION_BUCKET", "Bucket"),
    ("LOCATION_PREFIX", "Prefix"),
)
"""Values of templates/scripts/lib/export-location.sh, and their fields of `.Profile.Location`
(Kanister's pkg/apis/cr/v1alpha1/types.go). `.Profile.Credential` is not used: what a template
gives to a phase is in the pod and in the log of the controller."""
HEAP_SHARE = (4, 5)
"""Of the memory of a pod that Go's heap may have before it is collected more often."""
MAX_REPACK_SIZE = "5G"
"""Packs that one deletion writes again to free space; the next one goes on."""
COPIES = "volumes of the backup"


class ExportActionFactory:
    """Makes the actions `export`, `listCopies` and `deleteCopy`."""

    def __init__(self, phases: PhaseFactory, names: ResourceNames, options: Options) -> None:
        self.phases = phases
        self.names = names
        self.options = options

    def export(self) -> PlannedAction:
        """Return the action that copies a backup."""
        output = "{{{{ .Phases.exportCheck.Output.{} }}}}".format
        seconds = self.options.limits.export
        check = PlannedPhase(
            name="exportCheck",
            stage=BackupStage.EXPORT,
            script="export-check",
            values=self.phases.values(
                BACKUP=BACKUP, EXPORT_PROFILE=self.options.export_profile, **_location()
            ),
            steps=(
                PlannedStep(
                    does="check that it is complete, and the location of the copy",
                    objects=("the backup", f"Profile {self.options.export_profile}"),
                ),
            ),
            account=self.names.keep,
        )
        copy = PlannedPhase(
            name="exportCopy",
            stage=BackupStage.EXPORT,
            script="export-copy",
            values=self.phases.values(
                BACKUP=BACKUP,
                REPOSITORY=output("repository"),
                CLAIMS=output("claims"),
                CLUSTER_ID=output("clusterId"),
                BACKUP_UID=output("uid"),
                OBJECTS_ACCOUNT=self.names.keep,
                STEP_IMAGE=self.options.image,
                EXPORT_PARALLEL=self.options.export_parallel,
                **self._job_values(),
            ),
            steps=(
                PlannedStep(
                    does=f"copy, {self.options.export_parallel} at a time",
                    objects=(COPIES,),
                    until="restic has sent them",
                    seconds=seconds,
                ),
                PlannedStep(does="copy", objects=("Secrets of the backup",)),
            ),
            account=self.names.export,
        )
        mark = self._mark("exportMark", "write the repository", output("repository"))
        return PlannedAction(name="export", phases=(check, copy, mark), artifact_in="kafka")

    def list_copies(self) -> PlannedAction:
        """Return the action that lists the copies of the Kafka in the store."""
        listing = PlannedPhase(
            name="listCopies",
            stage=BackupStage.EXPORT,
            script="list-copies",
            values=self.phases.values(
                EXPORT_PROFILE=self.options.export_profile, **_location(), **self._job_values()
            ),
            steps=(
                PlannedStep(
                    does="list",
                    objects=("copies of this Kafka",),
                    until="restic has read them",
                    seconds=self.options.limits.export,
                ),
            ),
            account=self.names.export,
        )
        return PlannedAction(name="listCopies", phases=(listing,))

    def delete_copy(self) -> PlannedAction:
        """Return the action that deletes the copy of a backup from the store."""
        unmark = self._mark("deleteCopyMark", "remove the repository", "")
        phases = (*self.delete_copy_phases("deleteCopy", COPY_UID=COPY_UID), unmark)
        return PlannedAction(name="deleteCopy", phases=phases, artifact_in="kafka")

    def delete_copy_phases(self, name: str, **values: str) -> tuple[PlannedPhase, PlannedPhase]:
        """Return the phases that do it, also of the action `delete`."""
        check = PlannedPhase(
            name=f"{name}Check",
            stage=BackupStage.EXPORT,
            script="delete-copy-check",
            values=self.phases.values(
                BACKUP=BACKUP, EXPORT_PROFILE=self.options.export_profile, **values, **_location()
            ),
            steps=(
                PlannedStep(
                    does="read the location of the copy",
                    objects=("Secret with the facts of the backup",),
                ),
            ),
            account=self.names.keep,
        )
        output = f"{{{{{{{{ .Phases.{check.name}.Output.{{}} }}}}}}}}".format
        deletion = PlannedPhase(
            name=name,
            stage=BackupStage.EXPORT,
            script="delete-copy",
            values=self.phases.values(
                BACKUP=BACKUP,
                EXPORT_PROFILE=self.options.export_profile,
                MAX_REPACK_SIZE=MAX_REPACK_SIZE,
                BACKUP_UID=output("uid"),
                EXPECTED=output("expected"),
                **values,
                **_location(),
                **self._job_values(),
            ),
            steps=(
                PlannedStep(
                    does="delete",
                    objects=("copy of the backup",),
                    until="restic has freed its space",
                    seconds=self.options.limits.export,
                ),
            ),
            account=self.names.export,
        )
        return check, deletion

    def _mark(self, name: str, does: str, repository: str) -> PlannedPhase:
        return PlannedPhase(
            name=name,
            stage=BackupStage.EXPORT,
            script="export-mark",
            values=self.phases.values(BACKUP=BACKUP, REPOSITORY=repository),
            steps=(PlannedStep(does=does, objects=("Secret with the facts of the backup",)),),
            account=self.names.keep,
        )

    def _job_values(self) -> dict[str, str | int]:
        """Return the values of templates/scripts/lib/export-jobs.sh."""
        options = self.options
        pods, memory = options.pods, options.export_memory
        limit = (quantity(memory) or 0) * HEAP_SHARE[0] / HEAP_SHARE[1]
        resources = {
            "requests": dict(pods.requests) | {"memory": memory},
            "limits": dict(pods.limits) | {"memory": memory},
        }
        return {
            "EXPORT_SECRET": options.export_secret or export_secret_name(self.phases.cluster.name),
            "EXPORT_IMAGE": options.export_image,
            "EXPORT_RESOURCES": _json(resources),
            "MEMORY_LIMIT": int(limit),
            "EXPORT_TIMEOUT": options.limits.export,
            "LOCATION_REGION": _location_field("Region"),
            "INSECURE_TLS": "{{ with .Profile }}{{ .SkipSSLVerify }}{{ end }}",
            "POD_LABELS": _json(dict(pods.labels)),
            "POD_ANNOTATIONS": _json(dict(pods.annotations)),
            "POD_SPEC": _json(pods.spec()),
            "FILES_OWNER_BY_PLATFORM": "" if options.run_as_user is not None else "yes",
        }


def _location() -> dict[str, str]:
    return {variable: _location_field(field) for variable, field in LOCATION}


def _location_field(field: str) -> str:
    """Return a template for a field of the location; empty if the ActionSet names no Profile."""
    return f"{{{{ with .Profile }}}}{{{{ .Location.{field} }}}}{{{{ end }}}}"


def _json(value: Any) -> str:
    """Return JSON that Kanister's templates leave as it is."""
    return format_literal(json.dumps(value).replace("}}", "} }"))
