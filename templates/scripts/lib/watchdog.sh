# shellcheck shell=bash
# The watchdog. The stop arms it, and whoever brings the cluster back puts it away again. If
# nobody does, because Kanister or Kasten died meanwhile, it brings Kafka back when the time is over.
RESTART_BY=kanister-kafka.io/restart-by

# postpone SECONDS: from now on it waits for so long. On the Kafka, so that it is seen there, and so
# that the watchdog works when the record is gone.
set_restart_deadline() {
  [[ -z $WATCHDOG ]] || kubectl_retry annotate "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --overwrite "$RESTART_BY=$(time_after "$1")" >/dev/null
}

scale_watchdog() {
  kubectl_retry patch deployments.apps "$WATCHDOG" -n "$NAMESPACE" --subresource scale --type merge -p "{\"spec\":{\"replicas\":$1}}" >/dev/null
}

# Its pod is started while all is well: what comes after must not depend on an image that can be
# pulled or a node that has room.
watchdog_not_running() {
  local available
  available=$(kubectl_retry get deployments.apps "$WATCHDOG" -n "$NAMESPACE" -o 'jsonpath={.status.availableReplicas}')
  ((${available:-0} > 0)) || printf 'the pod of the watchdog %s does not run yet' "$WATCHDOG"
}

# The annotation goes first: a watchdog that finds none puts itself away.
disable_watchdog() {
  [[ -n $WATCHDOG ]] || return 0
  kubectl_retry annotate "$KAFKA" "$CLUSTER" -n "$NAMESPACE" "$RESTART_BY-" >/dev/null
  scale_watchdog 0
}
