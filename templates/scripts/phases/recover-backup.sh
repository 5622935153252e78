# shellcheck shell=bash
# Restarts Kafka, and then deletes the objects of a failed backup, even if the restart has failed. It only deletes a
# backup that was read and is not marked as complete: an unreadable one may be complete.
. ./restart-kafka.sh
. ./backup-labels.sh

# delete_incomplete: sets error_message if it fails. errexit has no effect, because it runs in the exit trap.
delete_incomplete() {
  local backup completion
  backup=$(backup_id "$RECOVER_RUN_ID") || return 1
  current_step="reading whether backup $backup is complete"
  if ! completion=$(completion_time "$backup"); then
    error_message="Secret $CLUSTER-backup-$backup-facts cannot be read, so nothing of backup $backup was removed: if it does not have the annotation $COMPLETE_ANNOTATION, delete the VolumeSnapshots and Secrets with the label $BACKUP_LABEL=$backup"
    return 1
  fi
  if [[ $completion != incomplete ]]; then
    log "backup $backup is complete since $completion and stays"
    return 0
  fi
  begin_step "deleting the objects of backup $backup, which is not complete"
  RETRY_REFUSALS='' delete_backup_objects "$backup" "$RUN_LABEL=${RECOVER_RUN_ID//[^0-9]/}" && return 0
  log "not all objects of backup $backup could be deleted. It is not marked as complete, so a restore refuses it"
}

# on_exit STATUS: if the restart has failed, the last line is about it, because Kafka is down.
on_exit() {
  local status=$1 restart_step=$current_step restart_error=$error_message
  error_message=
  if ! delete_incomplete; then
    ((status == 0)) || log "$error_message"
    ((status != 0)) || restart_step=$current_step restart_error=$error_message status=1
  fi
  current_step=$restart_step error_message=$restart_error
  ((status == 0)) || on_exit_error
  exit "$status"
}
trap 'on_exit "$?"' EXIT
restart_kafka
