# shellcheck shell=bash
# Reads where every log ends and flushes, in all nodes at the same time, before the first snapshot is cut. Kafka itself
# writes for some seconds after its clients have stopped, so it waits until no log was written for QUIET_SECONDS.
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

# read_quiet_logs: read_logs, again until no log was written for QUIET_SECONDS, and no other record than a no-op is in
# the metadata log since the reading before. The age of a log is that of its file by the clock of its node, so that the
# time of the phases before counts too.
read_quiet_logs() {
  local end=$((SECONDS + QUIET_TIMEOUT)) wait again recent names previous=
  while true; do
    read_logs flush
    wait=$((QUIET_SECONDS - IDLE))
    [[ -z $METADATA_CHANGES ]] || wait=$QUIET_SECONDS
    ((wait > 0)) || return 0
    names=$(printf '%s\n' "$RECENT" | sed '/^$/d; s/ .*//' | sort -u)
    names+=${METADATA_CHANGES:+${names:+$'\n'}metadata log of ${METADATA_CHANGES%$'\n'}}
    recent=$(printf '%s\n' "$names" | first_lines)
    ((SECONDS + wait <= end)) || fail_not_quiet "$recent"
    [[ $recent == "$previous" ]] || log "written in the last ${QUIET_SECONDS}s: $recent"
    previous=$recent
    BEFORE=$METADATA
    again=$((SECONDS + wait))
    # A pipe does not hold the offsets of thousands of partitions, and their query ends after QUERY_TIMEOUT.
    finish_offsets
    wait=$((again - SECONDS))
    ((wait <= 0)) || sleep "$wait"
  done
}

# fail_not_quiet NAMES: ends the phase
fail_not_quiet() {
  local reason="topics still grow although all known clients have stopped, and were not quiet for ${QUIET_SECONDS}s within ${QUIET_TIMEOUT}s: $1: a producer, a consumer that commits offsets, a Kafka Streams application or a connector outside Strimzi still runs: stop it and run the backup again, or use --strategy cold"
  create_event Warning NotQuiet "$reason"
  set_state "growing=$(json_safe "$1")"
  die "$reason"
}

begin_step "checking the rights of the service account"
check_permissions
begin_step 'verifying that no other run has released the clients'
announce_pod quiescing
begin_step "reading where the logs of Kafka $CLUSTER end, and flushing, until they were not written for ${QUIET_SECONDS}s"
exec {log}>&1
start_offsets topics_and_offsets
read_quiet_logs
# The offsets may be older than the last record. A second has to be between both, as times are in whole seconds, and
# another one for the followers to fetch it.
stale=
((IDLE >= SECONDS - ASKED + 2)) || stale=yes
begin_step 'reading the offsets of the partitions'
finish_offsets
if [[ -n $stale ]]; then
  stored=$(printf '%s\n' "$OFFSETS" | sed '/^latest /d')
  start_offsets query_broker latest
  finish_offsets
  OFFSETS=$stored$'\n'$OFFSETS
fi
add_offsets
[[ $'\n'$OFFSETS == *$'\nearliest '* ]] ||
  log "WARNING: the first offsets of the partitions could not be read within ${QUERY_TIMEOUT}s: the backup does not have them"
begin_step 'storing the positions'
store_offsets "$OFFSETS" & offsets_job=$!
store_positions
wait "$offsets_job" || log 'WARNING: the offsets of the partitions could not be stored: the backup does not have them'
set_own_state quiescing online "since=$(now)"
create_event Normal Quiet 'clients are stopped and brokers run: the volumes can be snapshotted'
log "flushed: $(printf '%s\n' "$METADATA" | cut -d ' ' -f 1 | paste -sd ' ' -)"
