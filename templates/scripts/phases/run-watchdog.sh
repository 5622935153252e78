# shellcheck shell=bash
# What the pod of the watchdog does before it runs the restart: it waits until the time is over.
. ./restart-kafka.sh

trap 'exit 0' TERM
POLL_SECONDS=10 # seconds between them: each is some kubectl processes beside brokers that start

# look: sets `state` of the record, `by`, when Kafka is to be brought back, and `needed`, where a stop has
# armed this watchdog and nobody has put it away. A time that was seen once is kept: who loses it has not
# ended the stop.
# Where there never was one nothing of ours is stopped, whatever the cluster looks like: a Kafka that
# somebody else has parked without nodes, for a restore of theirs, is no business of the watchdog.
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
    deadline=${deadline:-$start} # damaged: the time since the start of this pod counts
  fi
  # A step that is to bring Kafka back and has no scripts, because their ConfigMap was deleted or altered,
  # asks for it.
  [[ -z $requested || ($requested != any && $requested != "$run") ]] || deadline=$(now)
  needed=$deadline
  [[ -n $fields && $state != restoring ]] || needed=
  # Put away, or lost? The end of a restart leaves neither mark nor state, and nodes that are there.
  if [[ -z $value && -z $before && $state != quiescing && $state != stopp* && $state != restarting ]]; then
    [[ $state != running && -z $(existing_workloads "$KAFKA_NODES") ]] || needed=
  fi
}

# notice: what runs while the record says stopped was started by somebody else, and is written down for
# whoever comes for the snapshot: it may be stopped again by then. Only where the record is still the
# same afterwards, for a restart may have begun meanwhile.
record_unexpected_restart() {
  local fields version state owner seen_running reason
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.metadata.resourceVersion}|{.data.state}|{.data.pauseOwner}|{.data.seenRunning}') || return 0
  IFS='|' read -r version state owner seen_running < <(printf '%s\n' "$fields")
  [[ $state == stopped && -z $seen_running ]] || return 0
  reason=$(changes_since_stop "$owner") || return 0
  [[ -n $reason ]] || return 0
  reason="seen at $(now): $(json_safe "$reason")"
  kubectl_retry patch configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" --type merge -p "{\"metadata\":{\"resourceVersion\":\"$version\"},\"data\":{\"seenRunning\":\"$reason\"}}" >/dev/null || return 0
  log "somebody has brought Kafka $CLUSTER back, $reason"
  create_event Warning BroughtBack "not by us, $reason: what is snapshotted now is not consistent"
}

begin_step 'waiting for the time to be over'
deadline='' needed=unknown state=''
start=$(time_after "$RESTART_AFTER")
while true; do
  read_deadline
  if [[ -z $needed ]]; then
    log "nothing is stopped: Kafka $CLUSTER needs no watchdog"
    scale_watchdog 0
    exit 0
  fi
  [[ $state != stopped ]] || record_unexpected_restart
  [[ -z $deadline || $(now) < $deadline ]] || break
  sleep "$POLL_SECONDS" &
  wait $! # at once out of it when the pod is told to end
done
find_api # the operator may have been upgraded since this pod started
log "the time to bring Kafka $CLUSTER back has come: $deadline"
create_event Warning Switch "the time to bring the cluster back has come: $deadline"
restart_kafka
