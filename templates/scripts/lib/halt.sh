# shellcheck shell=bash
# Stopping the cluster in the order in which every node can shut down cleanly.

# ours STATE: somebody may have brought the cluster back meanwhile, where Kasten's time for this was
# over for one. Then nothing more is stopped.
ours() {
  local seen
  seen=$(api get configmap "$RECORD" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}')
  [[ $seen == "$1|$RUN" ]] || fail "ConfigMap $RECORD says ${seen%%|*}, not $1 by this run: somebody else is at work"
}

# halt STATE: STATE is what the record says meanwhile.
halt() {
  local components
  record "state=$1" "since=$(now)"
  step "pausing the reconciliation of Kafka $CLUSTER"
  pause "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE_LIMIT"
  ours "$1"
  [[ $1 != stopping ]] || paused

  if [[ -n $COMPONENTS ]]; then
    step "stopping $COMPONENTS"
    mapfile -t -d , components < <(printf %s "$COMPONENTS")
    api delete deployments.apps "${components[@]}" -n "$NAMESPACE" --ignore-not-found --wait=false
    wait_for "$COMPONENTS_LIMIT" still_there "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($COMPONENTS)"
  fi

  if [[ $1 == stopping ]]; then
    step 'looking whether what writes is still stopped'
    # shellcheck disable=SC2154 # prelude.sh sets it
    writers_at_rest "${writers[@]}"
  fi
  # Brokers first: each asks the metadata quorum for leave to shut down.
  if [[ -n $BROKERS ]]; then
    ours "$1"
    step "stopping brokers ($BROKERS)"
    stop_nodes "$BROKERS" "$BROKERS_LIMIT"
  fi
  ours "$1"
  step "stopping the metadata quorum ($QUORUM)"
  stop_nodes "$QUORUM" "$QUORUM_LIMIT"
  ours "$1"
}
