# shellcheck shell=bash
# A hot backup stops nothing. Its run holds the state ConfigMap in the state `quiescing`, so that no other run stops Kafka
# before its snapshot is cut. `hot` has the run, by which commands distinguish it from a run that stops clients.

# list_nodes: NAME|CONTROLLER|READY|UID|RESTARTS of the pod of each node, sorted
list_nodes() {
  local rows
  rows=$(kubectl_retry get pods -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)" -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.metadata.labels.strimzi\.io/controller-name}|{.status.conditions[?(@.type=="Ready")].status}|{.metadata.uid}|{.status.containerStatuses[*].restartCount}{"\n"}{end}') || return 1
  [[ -z $rows ]] || printf '%s\n' "$rows" | sort
}

# node_processes: a digest of the nodes with uid and restarts of their pods
node_processes() {
  local rows
  rows=$(list_nodes) || return 1
  [[ -n $rows ]] || die "Kafka $CLUSTER has no pods"
  printf '%s\n' "$rows" | cut -d '|' -f 1,4,5 | digest
}

# assert_same_nodes: fails if a node was restarted or replaced since the start of the backup
assert_same_nodes() {
  local before now_running
  before=$(get_state pods)
  now_running=$(node_processes)
  [[ -n $before && $now_running == "$before" ]] ||
    die "a node of Kafka $CLUSTER was restarted, added or removed since the start of the backup: run the backup again"
}

# assert_undisturbed: fails if another run has begun, or if Kafka has changed since the start of the backup
assert_undisturbed() {
  begin_step "verifying that Kafka $CLUSTER has not changed since the start of the backup"
  assert_own_run quiescing
  assert_same_nodes
  assert_unchanged
}
