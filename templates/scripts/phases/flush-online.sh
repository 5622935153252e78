# shellcheck shell=bash
# Reads where every log ends and flushes, in all nodes at the same time, before the first snapshot is cut.
. ./common.sh
. ./check-permissions.sh
. ./cluster-fingerprint.sh
. ./topics.sh
. ./offsets.sh
. ./positions.sh
. ./stop-kafka.sh

# topics_and_offsets: stores the topics, and prints the offsets
topics_and_offsets() (
  exec {report}>&1 >&"$log"
  store_topics "$report"
)

begin_step "checking the rights of the service account"
check_permissions
begin_step 'verifying that no other run has released the clients'
assert_own_run quiescing
begin_step "reading where the logs of Kafka $CLUSTER end, and flushing"
kubectl_retry patch configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" --type merge -p '{"binaryData":{"positions":null}}' >/dev/null
exec {log}>&1
read_positions flush topics_and_offsets
store_positions
store_offsets "$OFFSETS" || log 'WARNING: the offsets of the partitions could not be stored: the backup does not have them'
assert_own_run quiescing
set_state state=online "since=$(now)"
create_event Normal Quiet 'clients are stopped and brokers run: the volumes can be snapshotted'
log "flushed: $(printf '%s\n' "$METADATA" | cut -d ' ' -f 1 | paste -sd ' ' -)"
