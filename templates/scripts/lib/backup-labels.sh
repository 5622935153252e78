# shellcheck shell=bash
# The name of a backup has the fourteen digits of the time at which its action started.
BACKUP_LABEL=kanister-kafka.io/backup

# backup_id RUN_ID
backup_id() {
  local digits=${1//[^0-9]/}
  ((${#digits} >= 14)) || die "the start of the action is '$1', which is not a time"
  printf %s "${digits:0:14}"
}

# When the last snapshot of a backup was ready to use: an annotation of the Secret with its facts. A
# backup without it is not complete.
COMPLETE_ANNOTATION=kanister-kafka.io/complete
# Whether every node ended cleanly, clean or unclean: an annotation of the same Secret
# shellcheck disable=SC2034 # for wait-snapshots-ready.sh
STOP_ANNOTATION=kanister-kafka.io/stop
# Of an online backup, whose brokers ran: an annotation of the same Secret
# shellcheck disable=SC2034 # for wait-snapshots-ready.sh
STRATEGY_ANNOTATION=kanister-kafka.io/strategy
# When a backup was copied off the cluster, and to which repository: an annotation of the same Secret
# shellcheck disable=SC2034 # for export-mark.sh
EXPORTED_ANNOTATION=kanister-kafka.io/exported
# shellcheck disable=SC2034 # in place of the time, for delete-copy-check.sh
DELETING=deleting
# Two runs that start in the same second give their backups the same name. This label distinguishes them.
RUN_LABEL=kanister-kafka.io/run

# labels_json BACKUP: labels of every object that the run creates for it
labels_json() {
  local run=${RUN_ID-} # only the phases of a backup have it
  printf '"labels": {"%s": "%s", "%s": "%s", "kanister-kafka.io/cluster": "%s", "app.kubernetes.io/managed-by": "kanister-kafka"}' \
    "$BACKUP_LABEL" "$1" "$RUN_LABEL" "${run//[^0-9]/}" "$CLUSTER"
}

# delete_backup_objects BACKUP [SELECTOR]: only objects that match SELECTOR too. It tries Secrets even if the
# deletion of VolumeSnapshots fails.
delete_backup_objects() {
  local selector="$BACKUP_LABEL=$1,kanister-kafka.io/cluster=$CLUSTER${2:+,$2}" result=0
  kubectl_retry delete volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$selector" --wait=false || result=1
  kubectl_retry delete secrets -n "$NAMESPACE" -l "$selector" --wait=false || result=1
  return "$result"
}

# completion_time BACKUP: prints the time, or `incomplete`. It fails if the Secret cannot be read.
completion_time() {
  local time
  time=$(kubectl_retry get secret "$CLUSTER-backup-$1-facts" -n "$NAMESPACE" --ignore-not-found -o "jsonpath={.metadata.annotations.${COMPLETE_ANNOTATION//./\\.}}") || return 1
  printf %s "${time:-incomplete}"
}

# kanister_output KEY VALUE: for Kanister, which reads it from the log (pkg/output in its source)
kanister_output() { printf '###Phase-output###: {"key": "%s", "value": "%s"}\n' "$1" "$2"; }
