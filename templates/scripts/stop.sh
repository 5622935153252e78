# shellcheck shell=bash
# Stops the cluster for a snapshot.
UNCLEAN='' # which nodes did not end cleanly

# paused: what is to be looked at between the pause and the first thing that stops
paused() {
  local seen owner=
  seen=$(pause_state)
  ! owns_pause "$seen" || owner=kanister-kafka
  record "pauseOwner=$owner"
}

step 'checking that nobody has brought the cluster back meanwhile'
ours quiescing
if [[ -n $SWITCH ]]; then
  step "waiting for the switch $SWITCH"
  wait_for "$SWITCH_LIMIT" unarmed
fi

halt stopping
step 'recording that the cluster is stopped'
event Normal Stopped "stopped for a snapshot, ${UNCLEAN:+not }every node cleanly" & # what people read must not delay what clients wait for
telling=$!
record state=stopped "since=$(now)"
wait "$telling" || true
# Only a backup of Kanister alone has an artifact that keeps it.
! declare -F output >/dev/null || output stop "${UNCLEAN:+un}clean"
say "Kafka $CLUSTER is stopped: its volumes can be snapshotted${UNCLEAN:+, but not every node ended cleanly: $UNCLEAN}"
