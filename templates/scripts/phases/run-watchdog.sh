# shellcheck shell=bash
# The pod of the watchdog waits until the deadline, or until the phases that stop Kafka have failed, and then restarts
# Kafka.
. ./restart-kafka.sh

trap 'exit 0' TERM
POLL_SECONDS=10 # each poll runs several kubectl processes while brokers start
# The pod of the next phase starts within this time, or the phases have failed. It may have to wait for a node or for its
# image, but clients wait too. A pod that comes later finds that its run is over, and fails.
NEXT_POD_SECONDS=180

# read_deadline: reads the keys of the state ConfigMap, and sets `deadline` of the restart, and `needed` if a stop has
# started this watchdog and no phase has disabled it. A deadline stays after its annotation is lost, because this does
# not end the stop. Without a deadline kanister-kafka has not stopped this Kafka: if another actor has removed its
# nodes, the watchdog does not start it. The lock of a run whose phases announce their pods counts as well.
read_deadline() {
  local fields value before requested
  fields=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o \
    "jsonpath={.metadata.name}|{.metadata.annotations.${RESTART_BY//./\\.}}|{.metadata.annotations.${PAUSE_BEFORE//./\\.}}") || return 0
  IFS='|' read -r fields value before < <(printf '%s\n' "$fields")
  state=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o "jsonpath=$STATE_FIELDS" 2>/dev/null) || state=
  IFS='|' read -r state run requested action pod failure < <(printf '%s\n' "$state")
  if [[ $value =~ ^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z$ ]]; then
    deadline=$value
  elif [[ -n $value ]]; then
    deadline=${deadline:-$start} # damaged: the time from the start of this pod counts
  fi
  # A phase that cannot restart Kafka, because the ConfigMap of its scripts was deleted or changed, requests the
  # restart from the watchdog.
  [[ -z $requested || ($requested != any && $requested != "$run") ]] || deadline=$(now)
  needed=$deadline
  [[ -z $pod || ! $state =~ ^(quiescing|stopping)$ ]] || needed=yes # its deadline may be lost
  [[ -n $fields && $state != restoring ]] || needed=
  # Disabled, or lost? After a restart there is no annotation and no state, and the nodes exist.
  if [[ -z $value && -z $before && $state != quiescing && $state != online && $state != stopp* && $state != restarting ]]; then
    [[ $state != running && -z $(existing_workloads "$KAFKA_NODES") ]] || needed=
  fi
}

STATE_FIELDS='{.data.state}|{.data.run}|{.data.restartRequested}|{.data.action}|{.data.pod}|{.data.failure}'

# pod_has_ended: whether the pod of the last phase that has begun is gone. What cannot be read is not gone, and the next
# phase may have begun meanwhile.
pod_has_ended() {
  local phase
  phase=$(kubectl_retry get pods -n "$NAMESPACE" --field-selector "metadata.name=$pod" -o 'jsonpath={.items[*].status.phase}') || return 1
  [[ $phase =~ ^(Succeeded|Failed)?$ && $(get_state state)"|$(get_state pod)" == "$state|$pod" ]]
}

# read_stop_failure: sets stop_failure to the reason if the phases that stop Kafka have failed. Kanister runs a
# deferPhase after a success as well, and clients would wait for its pod. So a pre-hook has none, and the watchdog looks.
read_stop_failure() {
  stop_failure=
  if [[ -z $pod || ! $state =~ ^(quiescing|stopping)$ ]]; then
    gone_pod=
  elif [[ $action == *Prehook && -n $failure ]]; then
    stop_failure=$failure
  elif ! pod_has_ended; then
    gone_pod=
  elif [[ $action == *Prehook && $state == stopping ]]; then # no other phase ends this state
    stop_failure="pod $pod has not ended the stop"
  elif [[ $gone_pod != "$pod" ]]; then
    gone_pod=$pod gone_since=$SECONDS
  elif ((SECONDS - gone_since >= NEXT_POD_SECONDS)); then
    stop_failure="pod $pod has ended, and no other phase has begun within ${NEXT_POD_SECONDS}s"
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
  patch_state "$version" "seenRunning=$reason" || return 0
  log "Kafka $CLUSTER was brought back by another actor, $reason"
  create_event Warning BroughtBack "by another actor, $reason: snapshots from now on are not consistent"
}

begin_step 'waiting for the deadline of the restart'
deadline='' needed=unknown state='' run='' action='' pod='' failure='' gone_pod='' stop_failure=''
start=$(time_after "$RESTART_AFTER")
while true; do
  read_deadline
  if [[ -z $needed ]]; then
    log "Kafka $CLUSTER is not stopped and needs no watchdog"
    scale_watchdog 0
    exit 0
  fi
  [[ $state != stopped ]] || record_unexpected_restart
  read_stop_failure
  if [[ -n $stop_failure ]]; then
    # Then the next pod of the watchdog goes on if this one is lost.
    set_restart_deadline 0 || log "the deadline could not be written: going on without it"
    break
  fi
  [[ -z $deadline || $(now) < $deadline ]] || break
  sleep "$POLL_SECONDS" &
  wait $! # ends immediately on SIGTERM
done
find_api # the operator may have been upgraded since this pod started
reason="the deadline $deadline has passed"
[[ -z $stop_failure ]] || reason="the stop has failed ($stop_failure)"
log "$reason: bringing Kafka $CLUSTER back"
create_event Warning Switch "$reason: the cluster is brought back"
restart_kafka
