# shellcheck shell=bash
# Pause of the reconciliation of a custom resource, and the restore of its previous annotation.
PAUSE=strimzi.io/pause-reconciliation
PAUSE_BEFORE=kanister-kafka.io/pause-before

# get_annotation RESOURCE NAME NAMESPACE KEY
get_annotation() { kubectl_retry get "$1" "$2" -n "$3" -o "jsonpath={.metadata.annotations.${4//./\\.}}"; }

get_condition() {
  kubectl_retry get "$1" "$2" -n "$3" -o "jsonpath={.status.conditions[?(@.type==\"$4\")].status}"
}

# reconciliation_pending RESOURCE NAME NAMESPACE: after the end of a pause, the status has the old condition until
# the next reconciliation has ended. A new pause would count as acknowledged while the operator reconciles.
reconciliation_pending() {
  local value status
  value=$(get_annotation "$1" "$2" "$3" "$PAUSE")
  status=$(get_condition "$1" "$2" "$3" ReconciliationPaused)
  [[ ${value,,} == true || $status != True ]] ||
    printf 'the operator has not ended the reconciliation after an earlier pause of %s/%s' "$1" "$2"
}

# pause_not_acknowledged RESOURCE NAME NAMESPACE: `kubectl wait` would ignore the condition if observedGeneration
# is old, and would hang without the right to watch. The watchdog ends the pause at its deadline, and then the
# operator does not acknowledge it.
pause_not_acknowledged() {
  local status value
  status=$(get_condition "$1" "$2" "$3" ReconciliationPaused)
  [[ $status != True ]] || return 0
  value=$(get_annotation "$1" "$2" "$3" "$PAUSE")
  if [[ ${value,,} == true ]]; then
    printf 'the operator has not acknowledged the pause of %s/%s: check that it runs' "$1" "$2"
  else
    printf '!the pause of %s/%s was ended by another actor' "$1" "$2"
  fi
}

# pause_reconciliation RESOURCE NAME NAMESPACE SECONDS: the same write stores the previous annotation, only once
pause_reconciliation() {
  local value before end=$((SECONDS + $4))
  wait_until_empty "$4" reconciliation_pending "$1" "$2" "$3"
  value=$(get_annotation "$1" "$2" "$3" "$PAUSE")
  before=$(get_annotation "$1" "$2" "$3" "$PAUSE_BEFORE")
  if [[ -z $before ]]; then
    before=${value:+value:$value}
    before=${before:-unset}
  fi
  kubectl_retry annotate "$1" "$2" -n "$3" --overwrite "$PAUSE=true" "$PAUSE_BEFORE=$before" >/dev/null
  wait_until_empty "$((end - SECONDS))" pause_not_acknowledged "$1" "$2" "$3"
  log "$1/$2 is paused"
}

# restore_pause RESOURCE NAME NAMESPACE: restores the previous annotation
restore_pause() {
  local before
  before=$(get_annotation "$1" "$2" "$3" "$PAUSE_BEFORE")
  case $before in
    '') return 0 ;;
    value:*) set -- "$@" "$PAUSE=${before#value:}" ;;
    *) set -- "$@" "$PAUSE-" ;;
  esac
  kubectl_retry annotate "$1" "$2" -n "$3" --overwrite "$4" "$PAUSE_BEFORE-" >/dev/null
}
