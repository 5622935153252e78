# shellcheck shell=bash
# Quiesces clients by a pause and the deletion of their workload. Their spec does not change, so a GitOps
# controller has nothing to revert.

# quiesce_client RESOURCE NAMESPACE NAME WORKLOAD KIND
quiesce_client() {
  local entry kind value before names
  value=$(get_annotation "$1" "$3" "$2" "$PAUSE")
  before=$(get_annotation "$1" "$3" "$2" "$PAUSE_BEFORE")
  if [[ ${value,,} == true && -z $before ]]; then
    names=$(list_pods "$2" "strimzi.io/cluster=$3,strimzi.io/name=$4" "$NOT_ENDED")
    [[ -z $names ]] || die "$1/$3 was paused by another actor and runs: end that pause first"
    return 0
  fi
  : "${pause_end:=$((SECONDS + PAUSE_TIMEOUT))}" # one limit for all clients together
  pause_reconciliation "$1" "$3" "$2" "$((pause_end - SECONDS))"
  for entry in $CLIENT_WORKLOADS; do # such as KafkaBridge:deployments.apps
    [[ $entry == "$5:"* ]] || continue
    entry=${entry#*:}
    for kind in ${entry//,/ }; do
      kubectl_retry delete "$kind" "$4" -n "$2" --ignore-not-found --wait=false
    done
  done
}
