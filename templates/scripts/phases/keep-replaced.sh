# shellcheck shell=bash
# Snapshots the volumes that the restore replaces, so that nothing is lost before the restored Kafka is
# Ready; the restart at the end removes them. What an earlier try has snapshotted stays as it is: its
# claims may be those of the half restored Kafka by now.
. ./prelude.sh
. ./backup.sh
. ./kept.sh
. ./claims.sh

BEFORE=kanister-kafka.io/before-restore

# replaced: NAME|READY|ERROR of each snapshot
replaced() {
  api get volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$BEFORE=$id,kanister-kafka.io/cluster=$CLUSTER" -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.status.readyToUse}|{.status.error.message}{"\n"}{end}'
}

not_kept() {
  local rows name is_ready trouble
  rows=$(replaced)
  while IFS='|' read -r name is_ready trouble; do
    [[ -z $name || $is_ready == true ]] || printf '%s is not ready to use%s; ' "$name" "${trouble:+ ($trouble)}"
  done < <(printf '%s\n' "$rows")
}

state=$(recorded state)
[[ $state == restoring ]] || fail "ConfigMap $RECORD says $state, not restoring"
id=$(recorded before)
id=${id%% *}
[[ $id =~ ^[0-9]{14}$ ]] || fail "ConfigMap $RECORD has no name for what is replaced: run the restore again"
names=$(claims)
there=$(claims_among "$names")
if [[ -z $there ]]; then
  say 'there is no claim to replace'
elif [[ $DISCARD == true ]]; then
  say "discard-replaced=true: NO SNAPSHOT is taken, what these volumes hold now IS LOST: $(some "$(cut -d ' ' -f 1 <(printf '%s\n' "$there"))")"
  event Warning Discarded 'a restore deletes volumes without a snapshot of them, as it was told to'
else
  step 'snapshotting the volumes that are replaced'
  rows=$(replaced)
  objects='' known=$'\n'$rows
  while read -r name phase; do
    if [[ $phase != Bound ]]; then
      say "claim $name is $phase: it has no volume to snapshot"
    elif [[ $known != *$'\n'"$name-before-$id|"* ]]; then
      objects+="{\"apiVersion\": \"snapshot.storage.k8s.io/v1\", \"kind\": \"VolumeSnapshot\", \"metadata\": {\"name\": \"$name-before-$id\", \"namespace\": \"$NAMESPACE\", \"labels\": {\"$BEFORE\": \"$id\", \"kanister-kafka.io/cluster\": \"$CLUSTER\", \"app.kubernetes.io/managed-by\": \"kanister-kafka\"}}, \"spec\": {${SNAPSHOT_CLASS:+\"volumeSnapshotClassName\": \"$SNAPSHOT_CLASS\", }\"source\": {\"persistentVolumeClaimName\": \"$name\"}}}"$'\n'
    else
      say "VolumeSnapshot $name-before-$id of an earlier try stays"
    fi
  done < <(printf '%s\n' "$there")
  [[ -z $objects ]] || printf %s "$objects" | kubectl create -f - >/dev/null
  wait_for "$READY_LIMIT" not_kept
  say "until the restored Kafka is Ready, the replaced volumes are kept in VolumeSnapshots CLAIM-before-$id, label $BEFORE=$id: docs/restore.md, Going back, says how to use them"
fi
