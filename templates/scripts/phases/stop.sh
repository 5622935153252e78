# shellcheck shell=bash
# Stops the cluster for a snapshot.
. ./prelude.sh
. ./pause.sh
. ./switch.sh
. ./replicas.sh
. ./nodes.sh
. ./exits.sh
. ./still-stopped.sh
. ./moment.sh
. ./other-writers.sh
. ./halt.sh
[[ -z $BY_LABEL ]] || . ./backup.sh # only a backup of Kanister alone has an artifact

UNCLEAN='' # which nodes did not end cleanly

# paused: what is to be looked at between the pause and the first thing that stops
paused() {
  local seen owner=
  seen=$(pause_state)
  ! owns_pause "$seen" || owner=kanister-kafka
  record "pauseOwner=$owner"
  same_moment
}

# same_moment: the operator was at work until the pause. What it has changed since is not what was kept.
same_moment() {
  local seen kept now key
  local -A names=([0]='specs of Kafka or KafkaNodePools' [1]='node ids' [2]='claims of pods' [3]=claims)
  step "comparing Kafka $CLUSTER with what was kept of it"
  seen=$(api get configmap "$RECORD" -n "$NAMESPACE" -o 'jsonpath={.data.specs}|{.data.ids}|{.data.podClaims}|{.data.claims}')
  moment
  IFS='|' read -ra kept < <(printf '%s\n' "$seen")
  IFS='|' read -ra now < <(printf '%s\n' "$NOW")
  for key in 0 1 2 3; do
    [[ ${kept[key]-} == "${now[key]-}" ]] ||
      fail "${names[$key]} of Kafka $CLUSTER have changed since they were kept for a restore: run it again"
  done
}

step 'checking that nobody has brought the cluster back meanwhile'
ours quiescing
if [[ -n $SWITCH ]]; then
  step "waiting for the watchdog $SWITCH"
  wait_for "$SWITCH_LIMIT" unarmed
fi

halt stopping
step 'looking whether anything of what writes was started again'
writers_at_rest "${writers[@]}"
step 'recording that the cluster is stopped'
event Normal Stopped "stopped for a snapshot, ${UNCLEAN:+not }every node cleanly" & # what people read must not delay what clients wait for
telling=$!
record state=stopped "since=$(now)" "stop=${UNCLEAN:+un}clean"
wait "$telling" || true
[[ -z $BY_LABEL ]] || output stop "${UNCLEAN:+un}clean"
say "Kafka $CLUSTER is stopped: its volumes can be snapshotted${UNCLEAN:+, but not every node ended cleanly: $UNCLEAN}"
