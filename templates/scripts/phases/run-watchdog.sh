# shellcheck shell=bash
# The pod of the watchdog waits until the deadline, and then restarts Kafka.
. ./restart-kafka.sh

trap 'exit 0' TERM
POLL_SECONDS=10 # each poll runs several kubectl processes while brokers start

# read_deadline: sets `state` of the ConfigMap, `deadline` of the restart, and `needed` if a stop has started this
# watchdog and no phase has disabled it. A deadline stays after its annotation is lost, because this does not end
# the stop. Without a deadline kanister-kafka has not stopped this Kafka: if another actor has removed its nodes,
# the watchdog does not start it.
read_deadline() {
  local fields value before run requested
  fields=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o \
    "jsonpath={.metadata.name}|{.metadata.annotations.${RESTART_BY//./\\.}}|{.metadata.annotations.${PAUSE_BEFORE//./\\.}}") || return 0
  IFS='|' read -r fields value before < <(printf '%s\n' "$fields")
  state=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}|{.data.restartRequested}' 2>/dev/null) || state=
  IFS='|' read -r state run requested < <(printf '%s\n' "$state")
  if [[ $value =~ ^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z$ ]]; then
    deadline=$value
  elif [[ -n $value ]]; then
    deadline=${deadline:-$start} # damaged: the time from the start of this pod counts
  fi
  # A phase that cannot restart Kafka, because the ConfigMap of its scripts was deleted or changed, requests the
  # restart from the watchdog.
  [[ -z $requested || ($requested != any && $requested != "$run") ]] || deadline=$(now)
  needed=$deadline
  [[ -n $fields && $state != restoring ]] || needed=
  # Disabled, or lost? After a restart there is no annotation and no state, and the nodes exist.
  if [[ -z $value && -z $before && $state != quiescing && $state != online && $state != stopp* && $state != restarting ]]; then
    [[ $state != running && -z $(existing_workloads "$KAFKA_NODES") ]] || needed=
  fi
}

# record_unexpected_restart: if a node runs in state stopped, another actor has started it. This is stored for the
# snapshot phase, because the node may be stopped again by then. The write fails if the ConfigMap has changed,
# because a restart may have begun meanwhile.
record_unexpected_restart() {
  local fields version state owner seen_running reason
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.metadata.resourceVersion}|{.data.state}|{.data.pauseOwner}|{.data.seenRunning}') || return 0
  IFS='|' read -r version state owner seen_running < <(printf '%s\n' "$fields")
  [[ $state == stopped && -z $seen_running ]] || return 0
  reason=$(changes_since_stop "$owner") || return 0
  [[ -n $reason ]] || return 0
  reason="seen at $(now): $(json_safe "$reason")"
  kubectl_retry patch configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" --type merge -p "{\"metadata\":{\"resourceVersion\":\"$version\"},\"data\":{\"seenRunning\":\"$reason\"}}" >/dev/null || return 0
  log "Kafka $CLUSTER was brought back by another actor, $reason"
  create_event Warning BroughtBack "by another actor, $reason: snapshots from now on are not consistent"
}

begin_step 'waiting for the deadline of the restart'
deadline='' needed=unknown state=''
start=$(time_after "$RESTART_AFTER")
while true; do
  read_deadline
  if [[ -z $needed ]]; then
    log "Kafka $CLUSTER is not stopped and needs no watchdog"
    scale_watchdog 0
    exit 0
  fi
  [[ $state != stopped ]] || record_unexpected_restart
  [[ -z $deadline || $(now) < $deadline ]] || break
  sleep "$POLL_SECONDS" &
  wait $! # ends immediately on SIGTERM
done
find_api # the operator may have been upgraded since this pod started
log "the deadline $deadline has passed: bringing Kafka $CLUSTER back"
create_event Warning Switch "the deadline $deadline has passed: the cluster is brought back"
restart_kafka
