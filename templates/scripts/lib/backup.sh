# shellcheck shell=bash
# What a backup is called: fourteen digits of the time at which its action started.
OF_BACKUP=kanister-kafka.io/backup

# backup_of RUN
backup_of() {
  local digits=${1//[^0-9]/}
  ((${#digits} >= 14)) || fail "the start of the action is '$1', which is no time"
  printf %s "${digits:0:14}"
}

# When the last snapshot of a backup was ready to use: an annotation of the Secret with its facts. A
# backup without it is not complete.
COMPLETE=kanister-kafka.io/complete
# Whether every node ended cleanly, clean or unclean: an annotation of the same Secret
# shellcheck disable=SC2034 # for ready.sh
STOP=kanister-kafka.io/stop
# Two runs that start in the same second give their backups the same name: this label tells them apart.
OF_RUN=kanister-kafka.io/run

# labels_of BACKUP: of every object that the run makes for it
labels_of() {
  local run=${RUN-} # only what makes a backup is given it
  printf '"labels": {"%s": "%s", "%s": "%s", "kanister-kafka.io/cluster": "%s", "app.kubernetes.io/managed-by": "kanister-kafka"}' \
    "$OF_BACKUP" "$1" "$OF_RUN" "${run//[^0-9]/}" "$CLUSTER"
}

# remove_backup BACKUP [SELECTOR]: what has that label as well. Each of both is tried.
remove_backup() {
  local selector="$OF_BACKUP=$1,kanister-kafka.io/cluster=$CLUSTER${2:+,$2}" failed=0
  api delete volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$selector" --wait=false || failed=1
  api delete secrets -n "$NAMESPACE" -l "$selector" --wait=false || failed=1
  return "$failed"
}

# completed BACKUP: prints when it was complete, `incomplete`, or fails where that cannot be read.
completed() {
  local seen
  seen=$(api get secret "$CLUSTER-backup-$1-facts" -n "$NAMESPACE" --ignore-not-found -o "jsonpath={.metadata.annotations.${COMPLETE//./\\.}}") || return 1
  printf %s "${seen:-incomplete}"
}

# output KEY VALUE: for Kanister, which reads it from the log (pkg/output in its source)
output() { printf '###Phase-output###: {"key": "%s", "value": "%s"}\n' "$1" "$2"; }
