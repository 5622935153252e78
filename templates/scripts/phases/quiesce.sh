# shellcheck shell=bash
# Checks that the cluster may be stopped, stores data for a restore, and stops all clients.
. ./common.sh
. ./check-permissions.sh
. ./pause-reconciliation.sh
. ./watchdog.sh
. ./cluster-fingerprint.sh
. ./scale.sh
# shellcheck source=../lib/quiesce-by-replicas.sh
. "./quiesce-by-$QUIESCE_BY.sh"
. ./quiesce-clients.sh
. ./running-clients.sh

# not_ready_reasons: prints why the cluster must not be stopped now
not_ready_reasons() {
  local state pods name owner ready has_pods='' paused generation observed rebalance pools replicas
  reconciliation_pending "$KAFKA" "$CLUSTER" "$NAMESPACE"
  state=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o \
    'jsonpath={.status.kafkaMetadataState}|{.status.conditions[?(@.type=="Ready")].status}|{.status.conditions[?(@.type=="ReconciliationPaused")].status}|{.metadata.generation}|{.status.observedGeneration}|{.status.autoRebalance.state}')
  IFS='|' read -r state ready paused generation observed rebalance < <(printf '%s\n' "$state")
  [[ $state =~ ^(ZooKeeper|KRaft)?$ ]] || printf 'Kafka %s is in metadata state %s; ' "$CLUSTER" "$state"
  [[ $ready$paused == True ]] || printf 'Kafka %s is not Ready; ' "$CLUSTER"
  # The operator would apply the change at the restart, without its checks of running brokers.
  [[ $generation == "$observed" ]] || printf 'the operator has not reconciled the last change of Kafka %s; ' "$CLUSTER"
  # A pause removes it from the status, and the operator would not continue it.
  [[ $rebalance =~ ^(Idle)?$ ]] || printf 'the auto-rebalance of Kafka %s is in state %s; ' "$CLUSTER" "$rebalance"
  if [[ -n $CRUISE_CONTROL ]]; then
    pools=$(kubectl_retry get "kafkarebalances.$API" -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER" -o \
      'jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Rebalancing")].status}{"\n"}{end}')
    while read -r name ready; do
      [[ $ready != True ]] || printf 'KafkaRebalance %s moves partitions; ' "$name"
    done < <([[ -z $pools ]] || printf '%s\n' "$pools")
  fi
  if [[ -n $POOLS ]]; then
    pools=$(pools_jsonpath '{.metadata.name} {.spec.replicas} {.metadata.generation}|{.status.observedGeneration}{"\n"}')
    while read -r name replicas observed; do # a pool without nodes may have no status
      [[ -z $observed || ${observed%%|*} == "${observed#*|}" || "$replicas ${observed#*|}" == '0 ' ]] ||
        printf 'the operator has not reconciled the last change of KafkaNodePool %s; ' "$name"
    done < <(printf '%s\n' "$pools")
  fi
  unknown_clients "${clients[@]}"
  pods=$(kubectl_retry get pods -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)" -o \
    'jsonpath={range .items[*]}{.metadata.name} {.metadata.labels.strimzi\.io/controller-name}|{.metadata.labels.strimzi\.io/name} {.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}')
  while read -r name owner ready; do
    has_pods=yes owner=${owner%|*}
    [[ ,$WORKLOADS, == *",${owner:-${name%-*}},"* ]] ||
      printf 'pod %s belongs to a workload that this Blueprint does not know: render it again; ' "$name"
    [[ $ready == True ]] || printf 'pod %s is not Ready; ' "$name"
  done < <([[ -z $pods ]] || printf '%s\n' "$pods")
  [[ -n $has_pods ]] || printf 'Kafka %s has no pods; ' "$CLUSTER"
}

# save_cluster_id: data for a restore that a pause removes from the status or a deletion removes
save_cluster_id() {
  local pool node_ids fact value facts=() specs ids pairs claims
  for fact in clusterId kafkaVersion operatorLastSuccessfulVersion; do
    value=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o "jsonpath={.status.$fact}")
    [[ $value =~ ^[A-Za-z0-9._-]*$ ]] || die "status.$fact of Kafka $CLUSTER is '$value', which is not valid"
    [[ -z $value ]] || facts+=("$fact=$value")
  done
  for pool in ${POOLS//,/ }; do
    node_ids=$(kubectl_retry get "kafkanodepools.$API" "$pool" -n "$NAMESPACE" -o 'jsonpath={.spec.replicas}|{.status.nodeIds}')
    [[ $node_ids =~ ^(0\||[0-9]+\|\[[0-9,\ ]+\]$) ]] || die "KafkaNodePool $pool has no node ids in its status"
    node_ids=${node_ids#*|}
    facts+=("nodeIds.$pool=${node_ids:-[]}") # a pool without nodes may have no status
  done
  compute_fingerprint
  IFS='|' read -r specs ids pairs claims < <(printf '%s\n' "$FINGERPRINT")
  set_state "${facts[@]}" "specs=$specs" "ids=$ids" "podClaims=$pairs" "claims=$claims"
}

# assert_no_other_run: fails if another run has stopped this Kafka and not ended. With two runs at the same time, the
# first one to end would start the brokers during the snapshot of the other.
assert_no_other_run() {
  local previous_pause fields state
  # Not by the deadline, which may stay if a resume and a restart end at the same time.
  previous_pause=$(get_annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE_BEFORE")
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.metadata.resourceVersion}|{.data.state}|{.data.run}|{.data.since}')
  IFS='|' read -r version state owner since < <(printf '%s\n' "$fields")
  [[ $state != running ]] || state=
  [[ -n $previous_pause$state && $owner != "$RUN_ID" ]] || return 0
  error_message="Kafka $CLUSTER is ${state:-stopped or half stopped} since ${since:-an unknown time} by ${owner:+the run }${owner:-an unknown run}: wait for its end, or run the action resume"
  create_event Warning Refused "$error_message"
  STATE_CONFIGMAP= # it belongs to the other run
  exit 1
}

# acquire_run_lock: the API server refuses the write if the ConfigMap has changed since assert_no_other_run
acquire_run_lock() {
  local emptied=(failure= endedBy= confirmedBy= pauseOwner= unclean= stop= growing= specs= ids= podClaims= claims= seenRunning= restartRequested=)
  ! patch_state "$version" state=quiescing "since=$(now)" "run=$RUN_ID" "action=$ACTION" "pod=${WATCHDOG:+$POD_NAME}" "${emptied[@]}" || return 0
  assert_no_other_run # it names the other run; it is this run if only the answer was lost
  [[ $owner == "$RUN_ID" ]] || die "ConfigMap $STATE_CONFIGMAP has changed meanwhile: run it again"
}

# release_run_lock: after a failure before anything was stopped. If it fails too, the watchdog does it. Another pod may
# hold the lock, also of the same run if Kanister has started the phase twice.
release_run_lock() {
  [[ -n $WATCHDOG && -n $nothing_stopped && -z ${LOCK_NOT_ACQUIRED-} && $(get_state run)"|$(get_state pod)" == "$RUN_ID|$POD_NAME" ]] || return 0
  if clear_restart_deadline && set_state state=running "since=$(now)" && scale_watchdog 0; then
    log 'nothing was stopped'
  fi
}

nothing_stopped=yes
# The lock first: a watchdog that finds a failure under the lock restarts Kafka.
trap 'status=$?; ((status == 0)) || { release_run_lock; on_exit_error; [[ -n $nothing_stopped ]] || start_watchdog_again; }' EXIT
export LOCK_NOT_ACQUIRED=yes # before the lock, a failure must not change the state ConfigMap
begin_step "checking the rights of the service account"
check_permissions

begin_step "checking that Kafka $CLUSTER may be stopped"
[[ -z $WATCHDOG ]] || kubectl_retry get deployments.apps "$WATCHDOG" -n "$NAMESPACE" -o name >/dev/null
assert_no_other_run
wait_until_empty "$READINESS_TIMEOUT" not_ready_reasons
begin_step "locking Kafka $CLUSTER for this run"
acquire_run_lock
unset LOCK_NOT_ACQUIRED
# The deadline first: a watchdog that finds one of an earlier run restarts Kafka.
set_restart_deadline "$RESTART_AFTER"
[[ -z $WATCHDOG ]] || scale_watchdog 1
begin_step "storing cluster id and specs of Kafka $CLUSTER"
save_cluster_id
wait_for_watchdog "$WATCHDOG_TIMEOUT" # from now on only the watchdog starts what a failed phase has stopped
nothing_stopped=
stopping="will be stopped"
[[ -z ${ONLINE-} ]] || stopping="clients will be stopped"
create_event Normal Stopping "$stopping for a snapshot by $ACTION${WATCHDOG:+, and brought back in ${RESTART_AFTER}s at the latest}"

# Online, clients write until the operator is paused, which may take minutes.
if [[ -z ${ONLINE-} ]]; then
  quiesce_clients quiescing "${clients[@]}"
  log 'all known clients are stopped'
fi
