# shellcheck shell=bash
# Stops the cluster in the order in which every node can shut down cleanly.

step "pausing the reconciliation of Kafka $CLUSTER"
pause "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE_LIMIT"
record state=stopping "since=$(now)" "run=$RUN"

if [[ -n $COMPONENTS ]]; then
  step "stopping $COMPONENTS"
  mapfile -t -d , components < <(printf %s "$COMPONENTS")
  api delete deployments.apps "${components[@]}" -n "$NAMESPACE" --ignore-not-found --wait=false
  wait_for "$COMPONENTS_LIMIT" still_there "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($COMPONENTS)"
fi

# Brokers first: each asks the metadata quorum for leave to shut down.
if [[ -n $BROKERS ]]; then
  step "stopping brokers ($BROKERS)"
  stop_nodes "$BROKERS" "$BROKERS_LIMIT"
fi
step "stopping the metadata quorum ($QUORUM)"
stop_nodes "$QUORUM" "$QUORUM_LIMIT"

step 'recording that the cluster is stopped'
record state=stopped "since=$(now)" "run=$RUN"
say "Kafka $CLUSTER is stopped: its volumes can be snapshotted"
