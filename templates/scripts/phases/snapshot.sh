# shellcheck shell=bash
# Snapshots all claims of the stopped cluster at the same time, and waits until each snapshot has a creation time.
# Work of the driver after that, such as an upload, does not need stopped brokers. Online, only clients are stopped.
. ./common.sh
. ./pause-reconciliation.sh
. ./kafka-pods.sh
. ./verify-stopped.sh
. ./cluster-fingerprint.sh
. ./backup-labels.sh

backup=$(backup_id "$RUN_ID")
STOPPED=${ONLINE:+online}
STOPPED=${STOPPED:-stopped}

# list_snapshots: NAME CUT|ERROR of each
list_snapshots() {
  kubectl_retry get volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$BACKUP_LABEL=$backup,kanister-kafka.io/cluster=$CLUSTER" -o \
    'jsonpath={range .items[*]}{.metadata.name} {.status.creationTime}|{.status.error.message}{"\n"}{end}'
}

# snapshots_not_cut: for wait_until_empty. It prints errors of the driver, whose sidecar tries again.
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

# assert_stopped: fails if the cluster was not stopped by this run, or was started since
assert_stopped() {
  local status state run owner seen_running reason
  status=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}|{.data.pauseOwner}|{.data.seenRunning}')
  IFS='|' read -r state run owner seen_running < <(printf '%s\n' "$status")
  [[ $state == "$STOPPED" && $run == "$RUN_ID" ]] || die "ConfigMap $STATE_CONFIGMAP has state ${state:-unknown}, not $STOPPED by this run: this is not a backup"
  if [[ -n ${ONLINE-} ]]; then
    reason=$(changes_since_pause "$owner") || die 'whether the cluster is still paused cannot be read'
  else
    reason=$(changes_since_stop "$owner") || die 'whether the cluster is still stopped cannot be read'
  fi
  reason=${reason:-$seen_running}
  [[ -z $reason ]] || die "Kafka $CLUSTER was brought back by another actor ($reason): this is not a backup"
}

begin_step "verifying that Kafka $CLUSTER is still $STOPPED"
assert_stopped
begin_step "snapshotting every claim of Kafka $CLUSTER"
claims=$(claims_by_label)
before=$(get_state claims)
[[ -z $claims || -z $before || $(printf %s "$claims" | digest) == "$before" ]] ||
  die "Kafka $CLUSTER has other claims than at the start of the backup: this is not a backup"
objects=
for claim in $claims; do
  objects+="{\"apiVersion\": \"snapshot.storage.k8s.io/v1\", \"kind\": \"VolumeSnapshot\", \"metadata\": {\"name\": \"$claim-$backup\", \"namespace\": \"$NAMESPACE\", $(labels_json "$backup")}, \"spec\": {${SNAPSHOT_CLASS:+\"volumeSnapshotClassName\": \"$SNAPSHOT_CLASS\", }\"source\": {\"persistentVolumeClaimName\": \"$claim\"}}}"$'\n'
done
[[ -n $objects ]] || die "Kafka $CLUSTER has no claims"
expected=$(printf %s "$objects" | wc -l)
printf %s "$objects" | kubectl create -f - >/dev/null
wait_until_empty "$SNAPSHOT_TIMEOUT" snapshots_not_cut
begin_step "verifying that Kafka $CLUSTER has stayed $STOPPED"
assert_stopped
kanister_output backup "$backup"
kanister_output snapshots "$expected"
log "backup $backup: every snapshot is cut"
