# shellcheck shell=bash
# Checks that a running Kafka can be backed up, locks it for this run, and stores what a restore needs. It changes nothing of
# the Kafka, its pods and its clients. The checks are those of quiesce.sh that do not concern a stop.
. ./common.sh
. ./check-permissions.sh
. ./pause-reconciliation.sh
. ./cluster-fingerprint.sh
. ./hot-backup.sh

# not_ready_kafka: prints why the saved resources would not be those of the running nodes
not_ready_kafka() {
  local fields state ready paused generation observed rebalance
  fields=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o \
    'jsonpath={.status.kafkaMetadataState}|{.status.conditions[?(@.type=="Ready")].status}|{.status.conditions[?(@.type=="ReconciliationPaused")].status}|{.metadata.generation}|{.status.observedGeneration}|{.status.autoRebalance.state}')
  IFS='|' read -r state ready paused generation observed rebalance < <(printf '%s\n' "$fields")
  [[ $state =~ ^(ZooKeeper|KRaft)?$ ]] || printf 'Kafka %s is in metadata state %s; ' "$CLUSTER" "$state"
  [[ $ready$paused == True ]] || printf 'Kafka %s is not Ready; ' "$CLUSTER"
  [[ $generation == "$observed" ]] || printf 'the operator has not reconciled the last change of Kafka %s; ' "$CLUSTER"
  [[ $rebalance =~ ^(Idle)?$ ]] || printf 'the auto-rebalance of Kafka %s is in state %s; ' "$CLUSTER" "$rebalance"
}

not_ready_pools() {
  local rows name replicas generations
  [[ -n $POOLS ]] || return 0
  rows=$(pools_jsonpath '{.metadata.name} {.spec.replicas} {.metadata.generation}|{.status.observedGeneration}{"\n"}')
  while read -r name replicas generations; do # a pool without nodes may have no status
    [[ -z $generations || ${generations%%|*} == "${generations#*|}" || "$replicas ${generations#*|}" == '0 ' ]] ||
      printf 'the operator has not reconciled the last change of KafkaNodePool %s; ' "$name"
  done < <(printf '%s\n' "$rows")
}

not_ready_nodes() {
  local rows name owner ready
  rows=$(list_nodes)
  [[ -n $rows ]] || printf 'Kafka %s has no pods; ' "$CLUSTER"
  while IFS='|' read -r name owner ready _; do
    [[ ,$WORKLOADS, == *",${owner:-${name%-*}},"* ]] ||
      printf 'pod %s belongs to a workload that this Blueprint does not know: render it again; ' "$name"
    [[ $ready == True ]] || printf 'pod %s is not Ready; ' "$name"
  done < <([[ -z $rows ]] || printf '%s\n' "$rows")
}

# not_ready_reasons: for wait_until_empty
not_ready_reasons() {
  not_ready_kafka
  not_ready_pools
  not_ready_nodes
}

# assert_no_other_run: fails if another run has stopped this Kafka, or reads it, and has not ended. Sets version and owner.
assert_no_other_run() {
  local fields state since previous_pause
  previous_pause=$(get_annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE_BEFORE")
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.metadata.resourceVersion}|{.data.state}|{.data.run}|{.data.since}')
  IFS='|' read -r version state owner since < <(printf '%s\n' "$fields")
  [[ $state != running ]] || state=
  [[ -n $previous_pause$state && $owner != "$RUN_ID" ]] || return 0
  die "Kafka $CLUSTER is ${state:-stopped or half stopped} since ${since:-an unknown time} by ${owner:+the run }${owner:-an unknown run}: wait for its end, or run the action resume"
}

# acquire_run_lock: the API server refuses the write if the ConfigMap has changed since assert_no_other_run
acquire_run_lock() {
  local emptied=(failure= endedBy= confirmedBy= pauseOwner= unclean= stop= growing= specs= ids= podClaims= claims= pods= seenRunning= restartRequested=)
  ! patch_state "$version" state=quiescing "since=$(now)" "run=$RUN_ID" "hot=$RUN_ID" action=backup pod= "${emptied[@]}" || return 0
  assert_no_other_run # it names the other run; it is this run if only the answer was lost
  [[ $owner == "$RUN_ID" ]] || die "ConfigMap $STATE_CONFIGMAP has changed meanwhile: run it again"
}

# store_identity: cluster id, node ids, and what must be the same until the snapshot is cut
store_identity() {
  local facts=() fact value pool specs ids pairs claims processes
  for fact in clusterId kafkaVersion operatorLastSuccessfulVersion; do
    value=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o "jsonpath={.status.$fact}")
    [[ $value =~ ^[A-Za-z0-9._-]*$ ]] || die "status.$fact of Kafka $CLUSTER is '$value', which is not valid"
    [[ -z $value ]] || facts+=("$fact=$value")
  done
  for pool in ${POOLS//,/ }; do
    value=$(kubectl_retry get "kafkanodepools.$API" "$pool" -n "$NAMESPACE" -o 'jsonpath={.spec.replicas}|{.status.nodeIds}')
    [[ $value =~ ^(0\||[0-9]+\|\[[0-9,\ ]+\]$) ]] || die "KafkaNodePool $pool has no node ids in its status"
    value=${value#*|}
    facts+=("nodeIds.$pool=${value:-[]}")
  done
  compute_fingerprint
  IFS='|' read -r specs ids pairs claims < <(printf '%s\n' "$FINGERPRINT")
  processes=$(node_processes)
  set_state "${facts[@]}" "specs=$specs" "ids=$ids" "podClaims=$pairs" "claims=$claims" "pods=$processes"
}

export LOCK_NOT_ACQUIRED=yes # before the lock, a failure must not change the state ConfigMap
begin_step "checking the rights of the service account"
check_permissions
begin_step "checking that Kafka $CLUSTER can be backed up"
assert_no_other_run
wait_until_empty "$READINESS_TIMEOUT" not_ready_reasons
begin_step "locking Kafka $CLUSTER for this run"
acquire_run_lock
unset LOCK_NOT_ACQUIRED
begin_step "storing cluster id and specs of Kafka $CLUSTER"
store_identity
log 'nothing is stopped: brokers, clients and reconciliation go on'
