# shellcheck shell=bash
# What the pod of the switch does before it runs the restart: it waits until the time is over.
trap 'exit 0' TERM
LOOKS=3 # seconds between them: each is a kubectl process beside brokers that start

# look: sets `by`, when Kafka is to be brought back, and `needed`, where anything is stopped at all.
# A restore is no business of the switch.
look() {
  local seen state
  seen=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o \
    "jsonpath={.metadata.annotations.${RESTART_BY//./\\.}}|{.metadata.annotations.${PAUSE_BEFORE//./\\.}}") || return 0
  by=${seen%%|*} needed=${seen%|}
  state=$(recorded state 2>/dev/null) || state=
  case $state in
    quiescing | stopp* | restarting) needed+=$state ;;
    restoring) needed= ;;
    *) [[ -n $needed || -n $(present "$KAFKA_NODES") ]] || needed=gone ;; # every mark is lost
  esac
}

step 'waiting for the time to be over'
by='' needed=unknown
start=$(later "$RESTART_AFTER")
while true; do
  look
  if [[ -z $needed ]]; then
    say "nothing is stopped: Kafka $CLUSTER needs no switch"
    scale_switch 0
    exit 0
  fi
  # Where the annotation was lost, the time since the start of this pod counts.
  [[ $by =~ ^[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z$ ]] || by=$start
  [[ $(now) < $by ]] || break
  sleep "$LOOKS" &
  wait $! # at once out of it when the pod is told to end
done
say "the time to bring Kafka $CLUSTER back has come: $by"
event Warning Switch "the time to bring the cluster back has come: $by"
