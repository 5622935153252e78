# shellcheck shell=bash
# Ends the lock of a hot backup if it has failed, and then deletes its objects, if it was read that it is not complete. There is
# nothing to start, because nothing was stopped.
. ./common.sh
. ./backup-labels.sh

# end_lock: if the run of the backup still holds it
end_lock() {
  local fields version state owner
  for _ in 1 2 3; do # the ConfigMap may change between both requests
    fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o "jsonpath=$OWN_RUN_FIELDS") || return 1
    IFS='|' read -r version state owner < <(printf '%s\n' "$fields")
    [[ $owner == "$RECOVER_RUN_ID" && $state == quiescing ]] || return 0
    ! patch_state "$version" state=running "since=$(now)" || return 0
  done
  return 1
}

backup=$(backup_id "$RECOVER_RUN_ID")
lock_remains=
begin_step "ending the lock of Kafka $CLUSTER"
end_lock || lock_remains=yes
begin_step "reading whether backup $backup is complete"
completion=$(completion_time "$backup") ||
  die "Secret $CLUSTER-backup-$backup-facts cannot be read, so nothing of backup $backup was removed: if it does not have the annotation $COMPLETE_ANNOTATION, delete the VolumeSnapshots and Secrets with the label $BACKUP_LABEL=$backup"
if [[ $completion == incomplete ]]; then
  begin_step "deleting the objects of backup $backup, which is not complete"
  delete_backup_objects "$backup" "$RUN_LABEL=${RECOVER_RUN_ID//[^0-9]/}" ||
    log "not all objects of backup $backup could be deleted. It is not marked as complete, so a restore refuses it"
else
  log "backup $backup is complete since $completion and stays"
fi
[[ -z $lock_remains ]] ||
  die "ConfigMap $STATE_CONFIGMAP could not be written, and still has the lock of this backup: run the action resume"
