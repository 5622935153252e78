# shellcheck shell=bash
# Snapshots every claim of the stopped cluster, all at once, and waits until each is cut. What a
# driver does then, such as an upload, needs no stopped brokers.
. ./common.sh
. ./pause-reconciliation.sh
. ./kafka-pods.sh
. ./verify-stopped.sh
. ./cluster-fingerprint.sh
. ./backup-labels.sh

backup=$(backup_id "$RUN_ID")

# snapshots: NAME CUT|ERROR of each
list_snapshots() {
  kubectl_retry get volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$BACKUP_LABEL=$backup,kanister-kafka.io/cluster=$CLUSTER" -o \
    'jsonpath={range .items[*]}{.metadata.name} {.status.creationTime}|{.status.error.message}{"\n"}{end}'
}

# not_cut: for wait_for. A driver that refused is asked again by its sidecar; what it said is told.
snapshots_not_cut() {
  local rows name status error count=0
  rows=$(list_snapshots)
  while read -r name status; do
    count=$((count + 1))
    [[ $status == '|'* ]] || continue
    error=${status##*|}
    printf '%s is not cut yet%s; ' "$name" "${error:+ ($error)}"
  done < <([[ -z $rows ]] || printf '%s\n' "$rows")
  ((count == expected)) || printf 'there are %d of %d snapshots; ' "$count" "$expected"
}

# stopped: by this run, and by nobody else brought back since
assert_stopped() {
  local status state run owner seen_running reason
  status=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}|{.data.pauseOwner}|{.data.seenRunning}')
  IFS='|' read -r state run owner seen_running < <(printf '%s\n' "$status")
  [[ $state == stopped && $run == "$RUN_ID" ]] || die "ConfigMap $STATE_CONFIGMAP says ${state:-nothing}, not stopped by this run: this is no backup"
  reason=$(changes_since_stop "$owner") || die 'whether the cluster is still stopped cannot be read'
  reason=${reason:-$seen_running}
  [[ -z $reason ]] || die "Kafka $CLUSTER was brought back by somebody ($reason): this is no backup"
}

begin_step "looking whether Kafka $CLUSTER is still stopped"
assert_stopped
begin_step "snapshotting every claim of Kafka $CLUSTER"
claims=$(claims_by_label)
before=$(get_state claims)
[[ -z $claims || -z $before || $(printf %s "$claims" | digest) == "$before" ]] ||
  die "Kafka $CLUSTER has other claims than when the backup began: this is no backup"
objects=
for claim in $claims; do
  objects+="{\"apiVersion\": \"snapshot.storage.k8s.io/v1\", \"kind\": \"VolumeSnapshot\", \"metadata\": {\"name\": \"$claim-$backup\", \"namespace\": \"$NAMESPACE\", $(labels_json "$backup")}, \"spec\": {${SNAPSHOT_CLASS:+\"volumeSnapshotClassName\": \"$SNAPSHOT_CLASS\", }\"source\": {\"persistentVolumeClaimName\": \"$claim\"}}}"$'\n'
done
[[ -n $objects ]] || die "Kafka $CLUSTER has no claims"
expected=$(printf %s "$objects" | wc -l)
printf %s "$objects" | kubectl create -f - >/dev/null
wait_until_empty "$SNAPSHOT_TIMEOUT" snapshots_not_cut
begin_step "looking whether Kafka $CLUSTER has stayed stopped"
assert_stopped
kanister_output backup "$backup"
kanister_output snapshots "$expected"
log "backup $backup: every snapshot is cut"
