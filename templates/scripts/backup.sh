# shellcheck shell=bash
# What a backup is called: fourteen digits of the time at which its action started.
OF_BACKUP=kanister-kafka.io/backup

# backup_of RUN
backup_of() {
  local digits=${1//[^0-9]/}
  ((${#digits} >= 14)) || fail "the start of the action is '$1', which is no time"
  printf %s "${digits:0:14}"
}

# labels_of BACKUP: of every object that belongs to it
labels_of() {
  printf '"labels": {"%s": "%s", "kanister-kafka.io/cluster": "%s", "app.kubernetes.io/managed-by": "kanister-kafka"}' "$OF_BACKUP" "$1" "$CLUSTER"
}

# remove_backup BACKUP
remove_backup() {
  api delete volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$OF_BACKUP=$1,kanister-kafka.io/cluster=$CLUSTER" --wait=false
  api delete secrets -n "$NAMESPACE" -l "$OF_BACKUP=$1,kanister-kafka.io/cluster=$CLUSTER" --wait=false
}

# output KEY VALUE: for Kanister, which reads it from the log (pkg/output in its source)
output() { printf '###Phase-output###: {"key": "%s", "value": "%s"}\n' "$1" "$2"; }
