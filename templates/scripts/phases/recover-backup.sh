# shellcheck shell=bash
# What is left of a backup that has failed is no backup, and is removed. Kafka comes back first: this
# runs when the restart has ended, however that was. It removes only what was read and has no mark of
# completeness: what cannot be read is not incomplete.
. ./restart-kafka.sh
. ./backup-labels.sh

# clear_away: sets problem where it fails. No option ends it, as it runs while the shell exits.
delete_incomplete() {
  local backup completion
  backup=$(backup_id "$RECOVER_RUN_ID") || return 1
  current_step="looking whether backup $backup is complete"
  if ! completion=$(completion_time "$backup"); then
    error_message="Secret $CLUSTER-backup-$backup-facts cannot be read, so nothing of backup $backup was removed: look for the annotation $COMPLETE_ANNOTATION there, and delete the VolumeSnapshots and Secrets with the label $BACKUP_LABEL=$backup if it has none"
    return 1
  fi
  if [[ $completion != incomplete ]]; then
    log "backup $backup is complete since $completion and stays"
    return 0
  fi
  begin_step "removing what is left of backup $backup, which is not complete"
  RETRY_REFUSALS='' delete_backup_objects "$backup" "$RUN_LABEL=${RECOVER_RUN_ID//[^0-9]/}" && return 0
  log "not everything of backup $backup could be removed; it is not marked as complete, so nothing restores it"
}

# ended STATUS: the last line is about the restart where that failed, for then Kafka is down.
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
