# shellcheck shell=bash
# Waits until what was cut can be restored. Kafka serves again meanwhile.
. ./prelude.sh
. ./backup.sh
. ./topics.sh

backup=$(backup_of "$RUN")

not_ready() {
  local rows name seen trouble found=0 missing=''
  rows=$(api get volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$OF_BACKUP=$backup,kanister-kafka.io/cluster=$CLUSTER" -o \
    'jsonpath={range .items[*]}{.metadata.name} {.status.readyToUse}|{.status.error.message}{"\n"}{end}')
  while read -r name seen; do
    found=$((found + 1)) trouble=${seen#*|}
    [[ $seen == 'true|'* ]] || missing+="$name is not ready to use${trouble:+ ($trouble)}; "
  done < <([[ -z $rows ]] || printf '%s\n' "$rows")
  ((found == SNAPSHOTS)) || missing="!$found of $SNAPSHOTS snapshots of backup $backup are there"
  printf %s "$missing"
}

# First, because the next run may claim the record while a driver uploads the snapshots.
step "keeping what was measured at the stop"
stop=$(api get configmap "$RECORD" -n "$NAMESPACE" -o 'jsonpath={.data.run}|{.data.stop}') || stop=
case $stop in
  "$RUN|clean" | "$RUN|unclean") stop=${stop#*|} ;;
  *)
    say "WARNING: ConfigMap $RECORD does not tell how the nodes of this run ended: the backup does not have the annotation $STOP"
    stop=
    ;;
esac
keep_noted topics "$backup" || say 'WARNING: the retention of the topics is not kept: a restore cannot say what is older than it'
keep_noted offsets "$backup" || say 'WARNING: the offsets and sizes of the partitions are not kept'
step "waiting for the snapshots of backup $backup"
wait_for "$READY_LIMIT" not_ready
step "marking backup $backup as complete"
api annotate secret "$CLUSTER-backup-$backup-facts" -n "$NAMESPACE" --overwrite ${stop:+"$STOP=$stop"} "$COMPLETE=$(now)" >/dev/null
record "backup=$backup"
event Normal BackedUp "backup $backup is complete"
say "backup $backup is complete"
