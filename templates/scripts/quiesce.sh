# shellcheck shell=bash
# Checks that the cluster may be stopped, keeps what a restore needs, and stops all that writes.
# Arguments: RESOURCE/NAMESPACE/NAME/KIND/WORKLOAD of each writer.

# A right that is missing must show now, not when the brokers are down.
check_rights() {
  local right verb resource subresource name home answer missing=
  for right in $RIGHTS; do
    IFS=: read -r verb resource subresource name home < <(printf '%s\n' "$right")
    answer=$(timeout 20 kubectl auth can-i "$verb" "$resource${name:+/$name}" \
      "--subresource=$subresource" -n "$home" 2>/dev/null || true)
    case $answer in
      yes) ;;
      no*) missing+="$verb $resource${subresource:+/$subresource}${name:+ $name} in $home; " ;;
      *) fail "the API server does not say whether the service account may $verb $resource" ;;
    esac
  done
  [[ -z $missing ]] || fail "the service account lacks rights: $missing"
}

# Prints why the cluster is not fit to be stopped.
unfit() {
  local state pods name owner ready found=
  resuming "$KAFKA" "$CLUSTER" "$NAMESPACE"
  state=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o \
    'jsonpath={.status.kafkaMetadataState}|{.status.conditions[?(@.type=="Ready")].status}|{.status.conditions[?(@.type=="ReconciliationPaused")].status}')
  case $state in
    '|'* | 'ZooKeeper|'* | 'KRaft|'*) ;;
    *) printf 'Kafka %s is in metadata state %s; ' "$CLUSTER" "${state%%|*}" ;;
  esac
  case $state in
    *'|True|' | *'||True') ;;
    *) printf 'Kafka %s is not Ready; ' "$CLUSTER" ;;
  esac
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
  local pool node_ids fact value facts=()
  for fact in clusterId kafkaVersion operatorLastSuccessfulVersion; do
    value=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o "jsonpath={.status.$fact}")
    [[ $value =~ ^[A-Za-z0-9._-]*$ ]] || fail "status.$fact of Kafka $CLUSTER is '$value', which cannot be right"
    [[ -z $value ]] || facts+=("$fact=$value")
  done
  for pool in ${POOLS//,/ }; do
    node_ids=$(api get kafkanodepools.kafka.strimzi.io "$pool" -n "$NAMESPACE" -o 'jsonpath={.spec.replicas}|{.status.nodeIds}')
    [[ $node_ids =~ ^(0\||[0-9]+\|\[[0-9,\ ]+\]$) ]] || fail "KafkaNodePool $pool tells no node ids in its status"
    facts+=("nodeIds.$pool=${node_ids#*|}")
  done
  ((${#facts[@]} == 0)) || record "${facts[@]}"
}

step "checking the rights of the service account"
check_rights

step "checking that Kafka $CLUSTER may be stopped"
if [[ -n $(annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE_BEFORE") ]]; then
  say "Kafka $CLUSTER was stopped, or half stopped, by an earlier run: going on from there"
else
  wait_for "$FIT_LIMIT" unfit
  step "keeping the identity of Kafka $CLUSTER"
  keep_identity
fi
record state=quiescing "since=$(now)" "run=$RUN" failure=

for writer in "$@"; do
  IFS=/ read -r resource home name kind workload < <(printf '%s\n' "$writer")
  step "quiescing $kind $home/$name"
  quiesce_writer "$resource" "$home" "$name" "$workload"
done
end=$((SECONDS + WRITER_LIMIT))
for writer in "$@"; do
  IFS=/ read -r resource home name kind workload < <(printf '%s\n' "$writer")
  step "waiting for $kind $home/$name to stop"
  wait_for "$((end - SECONDS))" still_there "$home" "strimzi.io/cluster=$name,strimzi.io/kind=$kind"
done
say 'nothing that is known to write is running'
