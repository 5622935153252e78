# shellcheck shell=bash
# What the pod of the watchdog does before it runs the restart: it waits until the time is over.
. ./bring-back.sh

trap 'exit 0' TERM
LOOKS=10 # seconds between them: each is some kubectl processes beside brokers that start

# look: sets `state` of the record, `by`, when Kafka is to be brought back, and `needed`, where a stop has
# armed this watchdog and nobody has put it away. A time that was seen once is kept: who loses it has not
# ended the stop.
# Where there never was one nothing of ours is stopped, whatever the cluster looks like: a Kafka that
# somebody else has parked without nodes, for a restore of theirs, is no business of the watchdog.
look() {
  local seen value before run requested
  seen=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o \
    "jsonpath={.metadata.name}|{.metadata.annotations.${RESTART_BY//./\\.}}|{.metadata.annotations.${PAUSE_BEFORE//./\\.}}") || return 0
  IFS='|' read -r seen value before < <(printf '%s\n' "$seen")
  state=$(api get configmap "$RECORD" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}|{.data.restartRequested}' 2>/dev/null) || state=
  IFS='|' read -r state run requested < <(printf '%s\n' "$state")
  if [[ $value =~ ^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z$ ]]; then
    by=$value
  elif [[ -n $value ]]; then
    by=${by:-$start} # damaged: the time since the start of this pod counts
  fi
  # A step that is to bring Kafka back and has no scripts, because their ConfigMap was deleted or altered,
  # asks for it.
  [[ -z $requested || ($requested != any && $requested != "$run") ]] || by=$(now)
  needed=$by
  [[ -n $seen && $state != restoring ]] || needed=
  # Put away, or lost? The end of a restart leaves neither mark nor state, and nodes that are there.
  if [[ -z $value && -z $before && $state != quiescing && $state != stopp* && $state != restarting ]]; then
    [[ $state != running && -z $(present "$KAFKA_NODES") ]] || needed=
  fi
}

# notice: what runs while the record says stopped was started by somebody else, and is written down for
# whoever comes for the snapshot: it may be stopped again by then. Only where the record is still the
# same afterwards, for a restart may have begun meanwhile.
notice() {
  local seen version state owner told what
  seen=$(api get configmap "$RECORD" -n "$NAMESPACE" -o 'jsonpath={.metadata.resourceVersion}|{.data.state}|{.data.pauseOwner}|{.data.seenRunning}') || return 0
  IFS='|' read -r version state owner told < <(printf '%s\n' "$seen")
  [[ $state == stopped && -z $told ]] || return 0
  what=$(not_as_left "$owner") || return 0
  [[ -n $what ]] || return 0
  what="seen at $(now): $(plain "$what")"
  api patch configmap "$RECORD" -n "$NAMESPACE" --type merge -p "{\"metadata\":{\"resourceVersion\":\"$version\"},\"data\":{\"seenRunning\":\"$what\"}}" >/dev/null || return 0
  say "somebody has brought Kafka $CLUSTER back, $what"
  event Warning BroughtBack "not by us, $what: what is snapshotted now is not consistent"
}

step 'waiting for the time to be over'
by='' needed=unknown state=''
start=$(later "$RESTART_AFTER")
while true; do
  look
  if [[ -z $needed ]]; then
    say "nothing is stopped: Kafka $CLUSTER needs no watchdog"
    scale_switch 0
    exit 0
  fi
  [[ $state != stopped ]] || notice
  [[ -z $by || $(now) < $by ]] || break
  sleep "$LOOKS" &
  wait $! # at once out of it when the pod is told to end
done
find_api # the operator may have been upgraded since this pod started
say "the time to bring Kafka $CLUSTER back has come: $by"
event Warning Switch "the time to bring the cluster back has come: $by"
bring_back
