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
[[ -z $SNAPSHOT_BY_LABEL ]] || . ./backup-labels.sh # only a backup of Kanister alone has an artifact

UNCLEAN_REASONS='' # which nodes did not end cleanly

# paused: what is to be looked at between the pause and the first thing that stops
verify_after_pause() {
  local fields owner=
  fields=$(pause_state)
  ! owns_pause "$fields" || owner=kanister-kafka
  set_state "pauseOwner=$owner"
  assert_unchanged
}

# same_moment: the operator was at work until the pause. What it has changed since is not what was kept.
assert_unchanged() {
  local fields saved current key
  local -A names=([0]='specs of Kafka or KafkaNodePools' [1]='node ids' [2]='claims of pods' [3]=claims)
  begin_step "comparing Kafka $CLUSTER with what was kept of it"
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.specs}|{.data.ids}|{.data.podClaims}|{.data.claims}')
  compute_fingerprint
  IFS='|' read -ra saved < <(printf '%s\n' "$fields")
  IFS='|' read -ra current < <(printf '%s\n' "$FINGERPRINT")
  for key in 0 1 2 3; do
    [[ ${saved[key]-} == "${current[key]-}" ]] ||
      die "${names[$key]} of Kafka $CLUSTER have changed since they were kept for a restore: run it again"
  done
}

begin_step 'checking that nobody has brought the cluster back meanwhile'
assert_own_run quiescing
if [[ -n $WATCHDOG ]]; then
  begin_step "waiting for the watchdog $WATCHDOG"
  wait_until_empty "$WATCHDOG_TIMEOUT" watchdog_not_running
fi

stop_kafka stopping
begin_step 'looking whether anything of what writes was started again'
assert_clients_stopped "${clients[@]}"
begin_step 'recording that the cluster is stopped'
create_event Normal Stopped "stopped for a snapshot, ${UNCLEAN_REASONS:+not }every node cleanly" & # what people read must not delay what clients wait for
event_job=$!
set_state state=stopped "since=$(now)" "stop=${UNCLEAN_REASONS:+un}clean"
wait "$event_job" || true
[[ -z $SNAPSHOT_BY_LABEL ]] || kanister_output stop "${UNCLEAN_REASONS:+un}clean"
log "Kafka $CLUSTER is stopped: its volumes can be snapshotted${UNCLEAN_REASONS:+, but not every node ended cleanly: $UNCLEAN_REASONS}"
