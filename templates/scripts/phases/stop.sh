# shellcheck shell=bash
# Stops the cluster for a snapshot.
. ./common.sh
. ./pause-reconciliation.sh
. ./watchdog.sh
. ./scale.sh
. ./kafka-pods.sh
. ./exit-codes.sh
. ./verify-stopped.sh
. ./cluster-fingerprint.sh
. ./running-clients.sh
. ./stop-kafka.sh
[[ -z $SNAPSHOT_BY_LABEL ]] || . ./backup-labels.sh # only the action backup has an artifact

UNCLEAN_REASONS='' # nodes that did not end cleanly

# verify_after_pause: checks between the pause and the first deletion
verify_after_pause() {
  local fields owner=
  fields=$(pause_state)
  ! owns_pause "$fields" || owner=kanister-kafka
  set_state "pauseOwner=$owner"
  assert_unchanged
}

# assert_unchanged: the operator could change the cluster until the pause, so that the stored data is outdated
assert_unchanged() {
  local fields saved current key
  local -A names=([0]='specs of Kafka or KafkaNodePools' [1]='node ids' [2]='claims of pods' [3]=claims)
  begin_step "comparing Kafka $CLUSTER with its stored specs"
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.specs}|{.data.ids}|{.data.podClaims}|{.data.claims}')
  compute_fingerprint
  IFS='|' read -ra saved < <(printf '%s\n' "$fields")
  IFS='|' read -ra current < <(printf '%s\n' "$FINGERPRINT")
  for key in 0 1 2 3; do
    [[ ${saved[key]-} == "${current[key]-}" ]] ||
      die "${names[$key]} of Kafka $CLUSTER have changed since they were stored: run the backup again"
  done
}

begin_step 'verifying that no other run has brought the cluster back'
assert_own_run quiescing
if [[ -n $WATCHDOG ]]; then
  begin_step "waiting for the watchdog $WATCHDOG"
  wait_until_empty "$WATCHDOG_TIMEOUT" watchdog_not_running
fi

stop_kafka stopping
begin_step 'verifying that no client was started again'
assert_clients_stopped "${clients[@]}"
begin_step 'storing that the cluster is stopped'
create_event Normal Stopped "stopped for a snapshot, ${UNCLEAN_REASONS:+not }every node cleanly" & # events must not delay the backup, for which clients wait
event_job=$!
set_state state=stopped "since=$(now)" "stop=${UNCLEAN_REASONS:+un}clean"
wait "$event_job" || true
[[ -z $SNAPSHOT_BY_LABEL ]] || kanister_output stop "${UNCLEAN_REASONS:+un}clean"
log "Kafka $CLUSTER is stopped: its volumes can be snapshotted${UNCLEAN_REASONS:+, but not every node ended cleanly: $UNCLEAN_REASONS}"
