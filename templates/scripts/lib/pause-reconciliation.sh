# shellcheck shell=bash
# Pausing a custom resource, and putting its annotation back as it was found.
PAUSE=strimzi.io/pause-reconciliation
PAUSE_BEFORE=kanister-kafka.io/pause-before

# annotation RESOURCE NAME NAMESPACE KEY
get_annotation() { kubectl_retry get "$1" "$2" -n "$3" -o "jsonpath={.metadata.annotations.${4//./\\.}}"; }

get_condition() {
  kubectl_retry get "$1" "$2" -n "$3" -o "jsonpath={.status.conditions[?(@.type==\"$4\")].status}"
}

# Between the end of one pause and the end of the reconciliation after it, the status still shows the
# old condition. A new pause would then count as acknowledged while the operator is at work.
reconciliation_pending() {
  local value status
  value=$(get_annotation "$1" "$2" "$3" "$PAUSE")
  status=$(get_condition "$1" "$2" "$3" ReconciliationPaused)
  [[ ${value,,} == true || $status != True ]] ||
    printf 'the operator has not ended the reconciliation after an earlier pause of %s/%s' "$1" "$2"
}

# Not `kubectl wait`: it ignores the condition where observedGeneration is old, and a missing right
# to watch makes it hang. The watchdog ends the pause when its time is over: then nobody acknowledges.
pause_not_acknowledged() {
  local status value
  status=$(get_condition "$1" "$2" "$3" ReconciliationPaused)
  [[ $status != True ]] || return 0
  value=$(get_annotation "$1" "$2" "$3" "$PAUSE")
  if [[ ${value,,} == true ]]; then
    printf 'the operator has not acknowledged the pause of %s/%s; does it run?' "$1" "$2"
  else
    printf '!somebody has ended the pause of %s/%s' "$1" "$2"
  fi
}

# pause RESOURCE NAME NAMESPACE SECONDS: what the annotation was is kept in the same write, once.
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

# restore_pause RESOURCE NAME NAMESPACE: the annotation is as it was found.
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
