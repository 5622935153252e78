# shellcheck shell=bash
# Checks that the cluster may be stopped, keeps what a restore needs, and stops all that writes.
. ./prelude.sh
. ./rights.sh
. ./pause.sh
. ./switch.sh
. ./moment.sh
. ./replicas.sh
# shellcheck source=../lib/writer-replicas.sh
. "./writer-$QUIESCE_BY.sh"
. ./writers.sh
. ./other-writers.sh

# Prints why the cluster is not fit to be stopped.
unfit() {
  local state pods name owner ready found='' paused generation observed rebalance pools replicas
  resuming "$KAFKA" "$CLUSTER" "$NAMESPACE"
  state=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o \
    'jsonpath={.status.kafkaMetadataState}|{.status.conditions[?(@.type=="Ready")].status}|{.status.conditions[?(@.type=="ReconciliationPaused")].status}|{.metadata.generation}|{.status.observedGeneration}|{.status.autoRebalance.state}')
  IFS='|' read -r state ready paused generation observed rebalance < <(printf '%s\n' "$state")
  [[ $state =~ ^(ZooKeeper|KRaft)?$ ]] || printf 'Kafka %s is in metadata state %s; ' "$CLUSTER" "$state"
  [[ $ready$paused == True ]] || printf 'Kafka %s is not Ready; ' "$CLUSTER"
  # What is still to be done would be done at the restart, without the checks against what runs.
  [[ $generation == "$observed" ]] || printf 'the operator has not taken over the last change of Kafka %s; ' "$CLUSTER"
  # A pause wipes it from the status: the operator would forget what it had begun.
  [[ $rebalance =~ ^(Idle)?$ ]] || printf 'the auto-rebalance of Kafka %s is in state %s; ' "$CLUSTER" "$rebalance"
  if [[ -n $CRUISE_CONTROL ]]; then
    pools=$(api get "kafkarebalances.$API" -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER" -o \
      'jsonpath={range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Rebalancing")].status}{"\n"}{end}')
    while read -r name ready; do
      [[ $ready != True ]] || printf 'KafkaRebalance %s moves partitions; ' "$name"
    done < <([[ -z $pools ]] || printf '%s\n' "$pools")
  fi
  if [[ -n $POOLS ]]; then
    pools=$(pools_as '{.metadata.name} {.spec.replicas} {.metadata.generation}|{.status.observedGeneration}{"\n"}')
    while read -r name replicas observed; do # a pool of no nodes may have no status
      [[ -z $observed || ${observed%%|*} == "${observed#*|}" || "$replicas ${observed#*|}" == '0 ' ]] ||
        printf 'the operator has not taken over the last change of KafkaNodePool %s; ' "$name"
    done < <(printf '%s\n' "$pools")
  fi
  strangers "${writers[@]}"
  pods=$(api get pods -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)" -o \
    'jsonpath={range .items[*]}{.metadata.name} {.metadata.labels.strimzi\.io/controller-name}|{.metadata.labels.strimzi\.io/name} {.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}')
  while read -r name owner ready; do
    found=yes owner=${owner%|*}
    [[ ,$WORKLOADS, == *",${owner:-${name%-*}},"* ]] ||
      printf 'pod %s belongs to a workload that this Blueprint does not know: render it again; ' "$name"
    [[ $ready == True ]] || printf 'pod %s is not Ready; ' "$name"
  done < <([[ -z $pods ]] || printf '%s\n' "$pods")
  [[ -n $found ]] || printf 'Kafka %s has no pods; ' "$CLUSTER"
}

# What a restore needs, and what a pause wipes from the status or a deletion takes with it.
keep_identity() {
  local pool node_ids fact value facts=() specs ids pairs claims
  for fact in clusterId kafkaVersion operatorLastSuccessfulVersion; do
    value=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o "jsonpath={.status.$fact}")
    [[ $value =~ ^[A-Za-z0-9._-]*$ ]] || fail "status.$fact of Kafka $CLUSTER is '$value', which cannot be right"
    [[ -z $value ]] || facts+=("$fact=$value")
  done
  for pool in ${POOLS//,/ }; do
    node_ids=$(api get "kafkanodepools.$API" "$pool" -n "$NAMESPACE" -o 'jsonpath={.spec.replicas}|{.status.nodeIds}')
    [[ $node_ids =~ ^(0\||[0-9]+\|\[[0-9,\ ]+\]$) ]] || fail "KafkaNodePool $pool tells no node ids in its status"
    node_ids=${node_ids#*|}
    facts+=("nodeIds.$pool=${node_ids:-[]}") # a pool of no nodes may have no status
  done
  moment
  IFS='|' read -r specs ids pairs claims < <(printf '%s\n' "$NOW")
  record "${facts[@]}" "specs=$specs" "ids=$ids" "podClaims=$pairs" "claims=$claims"
}

# free: nobody else is at work, and nothing of an earlier run is left. Two runs at once would each
# take the other's stop for its own: the first to end starts the brokers under the other's snapshot.
free() {
  local marks seen state
  # A time at which to restart may be left over where a resume and the end of a restart met.
  marks=$(annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE_BEFORE")
  seen=$(api get configmap "$RECORD" -n "$NAMESPACE" -o 'jsonpath={.metadata.resourceVersion}|{.data.state}|{.data.run}|{.data.since}')
  IFS='|' read -r version state owner since < <(printf '%s\n' "$seen")
  [[ $state != running ]] || state=
  [[ -n $marks$state && $owner != "$RUN" ]] || return 0
  problem="Kafka $CLUSTER is ${state:-stopped or half stopped} since ${since:-an unknown time} by the run ${owner:-of somebody}: wait for its end, or run the action resume"
  event Warning Refused "$problem"
  RECORD= # which is the other's
  exit 1
}

# claim: the write is refused where the record has changed since free() has read it.
claim() {
  local patch
  patch="{\"metadata\":{\"resourceVersion\":\"$version\"},\"data\":{\"state\":\"quiescing\",\"since\":\"$(now)\",\"run\":\"$RUN\",\"action\":\"$ACTION\",\"failure\":\"\",\"endedBy\":\"\",\"confirmedBy\":\"\",\"pauseOwner\":\"\",\"unclean\":\"\",\"stop\":\"\",\"growing\":\"\",\"specs\":\"\",\"ids\":\"\",\"podClaims\":\"\",\"claims\":\"\",\"seenRunning\":\"\",\"restartRequested\":\"\"}}"
  api patch configmap "$RECORD" -n "$NAMESPACE" --type merge -p "$patch" >/dev/null && return 0
  free # it tells who was faster; it may have been this run, where only the answer was lost
  [[ $owner == "$RUN" ]] || fail "ConfigMap $RECORD has changed meanwhile: run it again"
}

export UNCLAIMED=yes # until then a failure is no business of the record
step "checking the rights of the service account"
check_rights

step "checking that Kafka $CLUSTER may be stopped"
[[ -z $SWITCH ]] || api get deployments.apps "$SWITCH" -n "$NAMESPACE" -o name >/dev/null
free
wait_for "$FIT_LIMIT" unfit
step "claiming Kafka $CLUSTER for this run"
claim
unset UNCLAIMED
step "keeping the identity of Kafka $CLUSTER"
keep_identity
postpone "$RESTART_AFTER"
[[ -z $SWITCH ]] || scale_switch 1
event Normal Stopping "to be stopped for a snapshot by $ACTION${SWITCH:+, and brought back in ${RESTART_AFTER}s at the latest}"

quiesce_writers "${writers[@]}"
say 'nothing that is known to write is running'
