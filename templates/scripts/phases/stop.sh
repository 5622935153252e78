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

trap 'status=$?; ((status == 0)) || { on_exit_error; start_watchdog_again; }' EXIT
begin_step 'verifying that no other run has brought the cluster back'
announce_pod quiescing
wait_for_watchdog "$WATCHDOG_TIMEOUT"

stop_kafka stopping
begin_step 'verifying that no client was started again'
assert_clients_stopped "${clients[@]}"
begin_step 'storing that the cluster is stopped'
create_event Normal Stopped "stopped for a snapshot, ${UNCLEAN_REASONS:+not }every node cleanly" & # events must not delay the backup, for which clients wait
event_job=$!
set_own_state stopping stopped "since=$(now)" "stop=${UNCLEAN_REASONS:+un}clean"
wait "$event_job" || true
[[ -z $SNAPSHOT_BY_LABEL ]] || kanister_output stop "${UNCLEAN_REASONS:+un}clean"
log "Kafka $CLUSTER is stopped: its volumes can be snapshotted${UNCLEAN_REASONS:+, but not every node ended cleanly: $UNCLEAN_REASONS}"
