# shellcheck shell=bash
# Waits until the snapshots are ready to use. Kafka runs again meanwhile.
. ./common.sh
. ./backup-labels.sh
. ./topics.sh

backup=$(backup_id "$RUN_ID")

snapshots_not_ready() {
  local rows name status error count=0 missing=''
  rows=$(kubectl_retry get volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$BACKUP_LABEL=$backup,kanister-kafka.io/cluster=$CLUSTER" -o \
    'jsonpath={range .items[*]}{.metadata.name} {.status.readyToUse}|{.status.error.message}{"\n"}{end}')
  while read -r name status; do
    count=$((count + 1)) error=${status#*|}
    [[ $status == 'true|'* ]] || missing+="$name is not ready to use${error:+ ($error)}; "
  done < <([[ -z $rows ]] || printf '%s\n' "$rows")
  ((count == SNAPSHOT_COUNT)) || missing="!$count of $SNAPSHOT_COUNT snapshots of backup $backup exist"
  printf %s "$missing"
}

# First, because the next run may lock the state ConfigMap while a driver uploads the snapshots.
begin_step "saving the measurements of the stop"
stop='' strategy=''
if [[ -n ${ONLINE-} ]]; then
  unmoved=$(get_state unmoved)
  [[ $unmoved == "$RUN_ID" ]] || die "ConfigMap $STATE_CONFIGMAP does not have that nothing has moved during the snapshots of this run: this is not a backup"
  strategy=online
else
  stop=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.run}|{.data.stop}') || stop=
  case $stop in
    "$RUN_ID|clean" | "$RUN_ID|unclean") stop=${stop#*|} ;;
    *)
      log "WARNING: ConfigMap $STATE_CONFIGMAP does not have the exit codes of this run: the backup does not have the annotation $STOP_ANNOTATION"
      stop=
      ;;
  esac
fi
save_measurement topics "$backup" || log 'WARNING: the retention of the topics is not saved: a restore cannot report expired records'
save_measurement offsets "$backup" || log 'WARNING: the offsets and sizes of the partitions are not saved'
begin_step "waiting for the snapshots of backup $backup"
wait_until_empty "$READY_TIMEOUT" snapshots_not_ready
begin_step "marking backup $backup as complete"
kubectl_retry annotate secret "$CLUSTER-backup-$backup-facts" -n "$NAMESPACE" --overwrite ${stop:+"$STOP_ANNOTATION=$stop"} ${strategy:+"$STRATEGY_ANNOTATION=$strategy"} "$COMPLETE_ANNOTATION=$(now)" >/dev/null
set_state "backup=$backup"
create_event Normal BackedUp "backup $backup is complete"
log "backup $backup is complete"
