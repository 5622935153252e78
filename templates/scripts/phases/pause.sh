# shellcheck shell=bash
# Pauses the operator for a backup whose brokers run, and stops its other components, because both write metadata. Then
# it stops all clients.
. ./common.sh
. ./pause-reconciliation.sh
. ./watchdog.sh
. ./kafka-pods.sh
. ./verify-stopped.sh
. ./cluster-fingerprint.sh
. ./scale.sh
# shellcheck source=../lib/quiesce-by-replicas.sh
. "./quiesce-by-$QUIESCE_BY.sh"
. ./quiesce-clients.sh
. ./running-clients.sh
. ./stop-kafka.sh

trap 'status=$?; ((status == 0)) || { on_exit_error; start_watchdog_again; }' EXIT
begin_step 'verifying that no other run has released the clients'
announce_pod quiescing
wait_for_watchdog "$WATCHDOG_TIMEOUT"
pause_kafka quiescing
quiesce_clients quiescing "${clients[@]}"
begin_step 'verifying that all clients are stopped'
assert_clients_stopped "${clients[@]}"
assert_own_run quiescing
log "all known clients are stopped, and the brokers of Kafka $CLUSTER run"
