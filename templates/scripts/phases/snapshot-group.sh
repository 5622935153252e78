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

backup=$(backup_id "$RUN_ID")
group=$CLUSTER-backup-$backup

# assert_online: fails if the clients were not stopped by this run, or the pause has ended
assert_online() {
  local fields state run owner seen_running reason
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}|{.data.pauseOwner}|{.data.seenRunning}')
  IFS='|' read -r state run owner seen_running < <(printf '%s\n' "$fields")
  [[ $state == online && $run == "$RUN_ID" ]] || die "ConfigMap $STATE_CONFIGMAP has state ${state:-unknown}, not online by this run: this is not a backup"
  reason=$(changes_since_pause "$owner") || die 'whether the cluster is still paused cannot be read'
  reason=${reason:-$seen_running}
  [[ -z $reason ]] || die "Kafka $CLUSTER was brought back by another actor ($reason): this is not a backup"
}

begin_step 'reading the API versions of group snapshots'
find_group_api
begin_step "verifying that Kafka $CLUSTER is still online"
assert_online
begin_step "reading the claims of Kafka $CLUSTER"
claims=$(claims_by_label)
[[ -n $claims ]] || die "Kafka $CLUSTER has no claims"
before=$(get_state claims)
[[ -n $before && $(printf %s "$claims" | digest) == "$before" ]] ||
  die "Kafka $CLUSTER has other claims than at the start of the backup: this is not a backup"
expected=$(wc -w < <(printf '%s\n' "$claims"))
begin_step "snapshotting every claim of Kafka $CLUSTER in VolumeGroupSnapshot $group"
create_group "$group" "$backup"
wait_until_empty "$SNAPSHOT_TIMEOUT" group_not_complete "$group" "$GROUP_UID" "$expected"
begin_step "comparing the members of VolumeGroupSnapshot $group with the claims of Kafka $CLUSTER"
members=$(claims_of_members "$GROUP_UID")
[[ $members == "$claims" ]] || die "VolumeGroupSnapshot $group is of the claims $members, not of the claims $claims of Kafka $CLUSTER: this is not a backup"
label_members "$GROUP_UID" "$backup"
begin_step "verifying that Kafka $CLUSTER has stayed online"
assert_online
kanister_output backup "$backup"
kanister_output snapshots "$expected"
log "backup $backup: every snapshot is cut, all in VolumeGroupSnapshot $group"
