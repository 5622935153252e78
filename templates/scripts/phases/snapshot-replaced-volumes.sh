# shellcheck shell=bash
# Snapshots the volumes that the restore replaces, until the restored Kafka is Ready. Then the restart deletes the
# snapshots. Snapshots of an earlier attempt stay, because the claims may already be those of a restore that
# failed.
. ./common.sh
. ./backup-labels.sh
. ./saved-objects.sh
. ./volume-claims.sh

REPLACED_LABEL=kanister-kafka.io/before-restore

# list_replaced_snapshots: NAME|READY|ERROR of each snapshot
list_replaced_snapshots() {
  kubectl_retry get volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$REPLACED_LABEL=$id,kanister-kafka.io/cluster=$CLUSTER" -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.status.readyToUse}|{.status.error.message}{"\n"}{end}'
}

replaced_not_ready() {
  local rows name is_ready error
  rows=$(list_replaced_snapshots)
  while IFS='|' read -r name is_ready error; do
    [[ -z $name || $is_ready == true ]] || printf '%s is not ready to use%s; ' "$name" "${error:+ ($error)}"
  done < <(printf '%s\n' "$rows")
}

begin_step 'verifying that no other restore has begun'
assert_own_run restoring
id=$(get_state before)
id=${id%% *}
[[ $id =~ ^[0-9]{14,23}$ ]] || die "ConfigMap $STATE_CONFIGMAP has no name for the snapshots of replaced volumes: run the restore again"
names=$(saved_claims)
existing=$(existing_claims "$names")
if [[ -z $existing ]]; then
  log 'there is no claim to replace'
elif [[ $DISCARD_REPLACED == true ]]; then
  log "discard-replaced=true: NO SNAPSHOT is taken, the current data of these volumes IS LOST: $(first_names "$(cut -d ' ' -f 1 <(printf '%s\n' "$existing"))")"
  create_event Warning Discarded 'a restore deletes volumes without a snapshot, because of discard-replaced=true'
else
  begin_step 'snapshotting the volumes that are replaced'
  rows=$(list_replaced_snapshots)
  objects='' known_snapshots=$'\n'$rows
  while read -r name phase; do
    if [[ $phase != Bound ]]; then
      log "claim $name is $phase: it has no volume to snapshot"
    elif [[ $known_snapshots != *$'\n'"$name-before-$id|"* ]]; then
      objects+="{\"apiVersion\": \"snapshot.storage.k8s.io/v1\", \"kind\": \"VolumeSnapshot\", \"metadata\": {\"name\": \"$name-before-$id\", \"namespace\": \"$NAMESPACE\", \"labels\": {\"$REPLACED_LABEL\": \"$id\", \"kanister-kafka.io/cluster\": \"$CLUSTER\", \"app.kubernetes.io/managed-by\": \"kanister-kafka\"}}, \"spec\": {${SNAPSHOT_CLASS:+\"volumeSnapshotClassName\": \"$SNAPSHOT_CLASS\", }\"source\": {\"persistentVolumeClaimName\": \"$name\"}}}"$'\n'
    else
      log "VolumeSnapshot $name-before-$id of an earlier attempt stays"
    fi
  done < <(printf '%s\n' "$existing")
  [[ -z $objects ]] || printf %s "$objects" | kubectl create -f - >/dev/null
  wait_until_empty "$READY_TIMEOUT" replaced_not_ready
  log "until the restored Kafka is Ready, the replaced volumes are kept in VolumeSnapshots CLAIM-before-$id, label $REPLACED_LABEL=$id. To use them, see Going back in docs/restore.md"
fi
