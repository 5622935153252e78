# shellcheck shell=bash
# The watchdog. The stop starts it, and the phase that restarts the cluster scales it to 0. If no phase does,
# because Kanister or Kasten has failed, the watchdog restarts Kafka at its deadline.
RESTART_BY=kanister-kafka.io/restart-by

# set_restart_deadline SECONDS: from now, as an annotation of the Kafka, so that users see it and the watchdog works
# without the state ConfigMap
set_restart_deadline() {
  [[ -z $WATCHDOG ]] || kubectl_retry annotate "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --overwrite "$RESTART_BY=$(time_after "$1")" >/dev/null
}

scale_watchdog() {
  kubectl_retry patch deployments.apps "$WATCHDOG" -n "$NAMESPACE" --subresource scale --type merge -p "{\"spec\":{\"replicas\":$1}}" >/dev/null
}

# watchdog_not_running: its pod must run before the stop, because later the image may not be available or no node
# may have room.
watchdog_not_running() {
  local available
  available=$(kubectl_retry get deployments.apps "$WATCHDOG" -n "$NAMESPACE" -o 'jsonpath={.status.availableReplicas}')
  ((${available:-0} > 0)) || printf 'the pod of the watchdog %s does not run yet' "$WATCHDOG"
}

# wait_for_watchdog SECONDS: with 0 it looks once
wait_for_watchdog() {
  [[ -n $WATCHDOG ]] || return 0
  begin_step "waiting for the watchdog $WATCHDOG"
  wait_until_empty "$1" watchdog_not_running
}

RESTART_WAIT=900 # seconds for a restart by another actor

# start_watchdog_again: after a failure of a phase that stops clients or nodes before a snapshot. If another actor has
# ended this run meanwhile, it has started everything and ended the watchdog, and nothing would start what this phase has
# stopped after that.
start_watchdog_again() {
  local fields state owner action_name end=$((SECONDS + RESTART_WAIT))
  [[ -n $WATCHDOG ]] || return 0
  while true; do
    fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}|{.data.action}') || return 0
    IFS='|' read -r state owner action_name < <(printf '%s\n' "$fields")
    # Another run starts it, and other actions have a phase that does it.
    [[ $owner == "${RUN_ID-}" && $action_name == *Prehook ]] || return 0
    case $state in
      quiescing | stopping) break ;; # a failed run: the watchdog sees it
      restarting) ((SECONDS < end)) || break ;;
      running)
        set_restart_deadline 0 || return 0
        break
        ;;
      *) return 0 ;;
    esac
    sleep 1
  done
  scale_watchdog 1 || return 0
}

clear_restart_deadline() {
  [[ -z $WATCHDOG ]] || kubectl_retry annotate "$KAFKA" "$CLUSTER" -n "$NAMESPACE" "$RESTART_BY-" >/dev/null
}
