# shellcheck shell=bash
# The watchdog. The stop arms it, and whoever brings the cluster back puts it away again. If
# nobody does, because Kanister or Kasten died meanwhile, it brings Kafka back when the time is over.
RESTART_BY=kanister-kafka.io/restart-by

# postpone SECONDS: from now on it waits for so long. On the Kafka, so that it is seen there, and so
# that the watchdog works when the record is gone.
postpone() {
  [[ -z $SWITCH ]] || api annotate "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --overwrite "$RESTART_BY=$(later "$1")" >/dev/null
}

scale_switch() {
  api patch deployments.apps "$SWITCH" -n "$NAMESPACE" --subresource scale --type merge -p "{\"spec\":{\"replicas\":$1}}" >/dev/null
}

# Its pod is started while all is well: what comes after must not depend on an image that can be
# pulled or a node that has room.
unarmed() {
  local available
  available=$(api get deployments.apps "$SWITCH" -n "$NAMESPACE" -o 'jsonpath={.status.availableReplicas}')
  ((${available:-0} > 0)) || printf 'the pod of the watchdog %s does not run yet' "$SWITCH"
}

# The annotation goes first: a watchdog that finds none puts itself away.
disarm() {
  [[ -n $SWITCH ]] || return 0
  api annotate "$KAFKA" "$CLUSTER" -n "$NAMESPACE" "$RESTART_BY-" >/dev/null
  scale_switch 0
}
