# shellcheck shell=bash
# Stops the cluster for a snapshot.

step 'checking that nobody has brought the cluster back meanwhile'
ours quiescing
if [[ -n $SWITCH ]]; then
  step "waiting for the switch $SWITCH"
  wait_for "$SWITCH_LIMIT" unarmed
fi

halt stopping
step 'recording that the cluster is stopped'
event Normal Stopped 'stopped for a snapshot' & # what people read must not delay what clients wait for
telling=$!
record state=stopped "since=$(now)"
wait "$telling" || true
say "Kafka $CLUSTER is stopped: its volumes can be snapshotted"
