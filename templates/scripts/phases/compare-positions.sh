# shellcheck shell=bash
# Reads again where every log ends, after the last snapshot is cut. The snapshots are a backup only if nothing has moved.
. ./common.sh
. ./pause-reconciliation.sh
. ./cluster-fingerprint.sh
. ./verify-stopped.sh
. ./topics.sh
. ./positions.sh

# stored_positions: sets run, before_digest, BEFORE and before_rows, of the reading before the snapshots
stored_positions() {
  local fields state ended_by text head
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}|{.data.endedBy}|{.data.pauseOwner}|{.binaryData.positions}')
  IFS='|' read -r state run ended_by pause_owner text < <(printf '%s\n' "$fields")
  [[ $state == online && -n $run && ${RUN_ID:-$run} == "$run" ]] ||
    die "ConfigMap $STATE_CONFIGMAP has state ${state:-unknown}${ended_by:+ by $ended_by}, not online by this run: clients may have written during the snapshots, so they are not a backup"
  text=$(printf %s "$text" | base64 -d | gzip -dc)
  head=$(printf '%s\n' "$text" | sed -n 1p)
  read -r _ _ head before_digest < <(printf '%s\n' "$head")
  [[ $head == "$run" && -n $before_digest ]] ||
    die "ConfigMap $STATE_CONFIGMAP has no positions of this run: the snapshots are not a backup"
  BEFORE=$(printf '%s\n' "$text" | sed -n '/|/d; /^#/d; p')
  [[ -n $BEFORE ]] || die "ConfigMap $STATE_CONFIGMAP has no ends of metadata logs: the snapshots are not a backup"
  before_rows=$(printf '%s\n' "$text" | sed -n '/|/p')
}

# Clients wait: the JVM of the tool takes longer than all that follows. The flush has checked the rights.
start_offsets query_broker latest
begin_step "reading the positions before the snapshots"
stored_positions
begin_step "reading where the logs of Kafka $CLUSTER end"
start_query pause changes_since_pause "$pause_owner"
read_logs ''
finish_offsets
add_offsets
begin_step 'comparing with the positions before the snapshots'
moved=
after_digest=$(printf %s "$POSITIONS" | digest)
if [[ $after_digest != "$before_digest" ]]; then
  [[ -z $before_rows ]] || moved=$(diff_positions "$before_rows" "$POSITIONS")
  moved=${moved:-logs, too many to name them}
fi
moved+=${METADATA_CHANGES:+${moved:+$'\n'}metadata log of ${METADATA_CHANGES%$'\n'}}
reason='whether it is still paused cannot be read'
! read_query pause || reason=$REPLY
[[ -z $reason ]] || moved+="${moved:+$'\n'}Kafka $CLUSTER: $reason"
if [[ -n $moved ]]; then
  printf '%s\n' "$moved"
  moved=$(printf '%s\n' "$moved" | first_lines)
  error_message="the snapshots are not a backup, because Kafka $CLUSTER has moved meanwhile: $moved"
  create_event Warning Moved "$error_message"
  exit 1
fi
set_state "unmoved=$run"
log "nothing has moved: $(printf '%s\n' "$POSITIONS" | grep -c '^end offset ') partitions, and no record in the metadata log except no-ops"
