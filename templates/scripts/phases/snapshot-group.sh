# shellcheck shell=bash
# Snapshots all claims of a Kafka whose clients are stopped by one VolumeGroupSnapshot, and waits until each member has
# a creation time. Otherwise as snapshot.sh.
. ./common.sh
. ./pause-reconciliation.sh
. ./kafka-pods.sh
. ./verify-stopped.sh
. ./cluster-fingerprint.sh
. ./backup-labels.sh
. ./group-snapshot.sh

# assert_online: fails if the clients were not stopped by this run, or the pause has ended
assert_online() {
  local fields state run owner seen_running reason
  begin_step "verifying that Kafka $CLUSTER is online"
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}|{.data.pauseOwner}|{.data.seenRunning}')
  IFS='|' read -r state run owner seen_running < <(printf '%s\n' "$fields")
  [[ $state == online && $run == "$RUN_ID" ]] || die "ConfigMap $STATE_CONFIGMAP has state ${state:-unknown}, not online by this run: this is not a backup"
  reason=$(changes_since_pause "$owner") || die 'whether the cluster is still paused cannot be read'
  reason=${reason:-$seen_running}
  [[ -z $reason ]] || die "Kafka $CLUSTER was brought back by another actor ($reason): this is not a backup"
}

snapshot_claims "$(backup_id "$RUN_ID")" assert_online
