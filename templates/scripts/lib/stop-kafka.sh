# shellcheck shell=bash
# Stops the cluster in the order in which every node can shut down cleanly.

# pause_kafka STATE: pauses the reconciliation and stops everything except nodes. STATE is in the ConfigMap
# meanwhile. A restore has stored nothing to compare with.
pause_kafka() {
  local components
  begin_step "pausing the reconciliation of Kafka $CLUSTER"
  pause_reconciliation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE_TIMEOUT"
  assert_own_run "$1"
  [[ $1 == restoring ]] || verify_after_pause

  if [[ -n $COMPONENTS ]]; then
    begin_step "stopping $COMPONENTS"
    mapfile -t -d , components < <(printf %s "$COMPONENTS")
    kubectl_retry delete deployments.apps "${components[@]}" -n "$NAMESPACE" --ignore-not-found --wait=false
    wait_until_empty "$COMPONENTS_TIMEOUT" remaining_pods "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($COMPONENTS)"
  fi
}

# stop_kafka STATE: the state in the ConfigMap meanwhile, stopping or restoring
stop_kafka() {
  local before=quiescing
  [[ $1 == stopping ]] || before=$1
  set_own_state "$before" "$1" "since=$(now)"
  pause_kafka "$1"
  if [[ $1 == stopping ]]; then
    begin_step 'verifying that clients are still stopped'
    # shellcheck disable=SC2154 # common.sh sets it
    assert_clients_stopped "${clients[@]}"
  fi
  # Brokers first: each needs the metadata quorum for a controlled shutdown.
  if [[ -n $BROKERS ]]; then
    assert_own_run "$1"
    begin_step "stopping brokers ($BROKERS)"
    stop_nodes "$BROKERS" "$BROKERS_TIMEOUT"
  fi
  assert_own_run "$1"
  begin_step "stopping the metadata quorum ($QUORUM)"
  stop_nodes "$QUORUM" "$QUORUM_TIMEOUT"
  assert_own_run "$1"
}
