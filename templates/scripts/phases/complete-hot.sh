# shellcheck shell=bash
# Ends the lock of a hot backup, and waits until its snapshots are ready to use. The same write that marks it as complete
# marks it as hot, so that it never counts as a backup whose consistency was proven.
. ./common.sh
. ./backup-labels.sh
. ./topics.sh

backup=$(backup_id "$RUN_ID")

# snapshots_not_ready: for wait_until_empty
snapshots_not_ready() {
  local rows name status error count=0
  rows=$(kubectl_retry get volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$BACKUP_LABEL=$backup,kanister-kafka.io/cluster=$CLUSTER" -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.status.readyToUse}|{.status.error.message}{"\n"}{end}')
  count=$(grep -c . < <(printf '%s' "$rows")) || true
  ((count == SNAPSHOT_COUNT)) || { printf '!%s of %s snapshots of backup %s exist' "$count" "$SNAPSHOT_COUNT" "$backup"; return; }
  while IFS='|' read -r name status error; do
    [[ $status == true ]] || printf '%s is not ready to use%s; ' "$name" "${error:+ ($error)}"
  done < <(printf '%s\n' "$rows")
}

# First, because the next run may write its own measurements.
begin_step 'saving the measurements of the flush'
save_measurement topics "$backup" || log 'WARNING: the retention of the topics is not saved: a restore cannot report expired records'
save_measurement offsets "$backup" || log 'WARNING: the offsets of the partitions are not saved'
begin_step "ending the lock of Kafka $CLUSTER"
set_own_state quiescing running "since=$(now)"
begin_step "waiting for the snapshots of backup $backup"
wait_until_empty "$READY_TIMEOUT" snapshots_not_ready
begin_step "marking backup $backup as complete"
kubectl_retry annotate secret "$CLUSTER-backup-$backup-facts" -n "$NAMESPACE" --overwrite "$STRATEGY_ANNOTATION=hot" "$COMPLETE_ANNOTATION=$(now)" >/dev/null
set_state "backup=$backup"
create_event Normal BackedUp "hot backup $backup is complete: crash-consistent, not proven consistent"
log "backup $backup is complete. WARNING: it is crash-consistent, and not proven consistent: a restore recovers all logs, elects all leaders uncleanly, and records after the flush may be lost. Blueprint and plan name all effects"
