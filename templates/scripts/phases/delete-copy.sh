# shellcheck shell=bash
# Deletes the copy of a backup from the repository. It changes nothing on the cluster.
. ./common.sh
LOCK_NOT_ACQUIRED=yes # the state ConfigMap belongs to the run that stops Kafka, and this stops nothing
. ./export-location.sh
. ./backup-labels.sh
. ./export-jobs.sh

[[ $BACKUP =~ ^[0-9]{14}$ ]] || die "the artifact has the backup '$BACKUP', which is not a name of a backup"
if [[ ${COPY-} == keep ]]; then
  log "the copy of backup $BACKUP stays: the ActionSet has the option copy=keep"
  exit 0
fi
[[ -z ${COPY-} ]] || die "the option copy of the ActionSet is '$COPY': it must be keep, or not be given"
begin_step "checking the location of Profile $EXPORT_PROFILE"
find_repository
REPOSITORY=$repository
begin_jobs
begin_step "deleting the copy of backup $BACKUP from $REPOSITORY"
job=$(create_job delete '' '' ", $(env_json MAX_REPACK_SIZE "$MAX_REPACK_SIZE" EXPECTED "$EXPECTED")")
wait_for_job "$job"
[[ $job_lines == *"DELETED $BACKUP"* ]] || die "Job $job has not confirmed the deletion"
log "the copy of backup $BACKUP is deleted"
