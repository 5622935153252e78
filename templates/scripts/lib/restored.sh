# shellcheck shell=bash
# The end of a restore. Pods may be Ready where the operators cannot connect, and so make no topic and
# no user: it ends when the Kafka is Ready, for its operator has been there then.
# shellcheck disable=SC2034 # of restart.sh
UNREADY=not_served RESTORED=yes

# not_served LIST: as unready, but for what no waiting will bring (Strimzi's KafkaVersion.java)
not_served() {
  local seen
  seen=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.status.conditions[?(@.type=="NotReady")].reason}|{.status.conditions[?(@.type=="NotReady")].message}')
  if [[ $seen == UnsupportedKafkaVersionException'|'* ]]; then
    printf '!the operator does not have the Kafka version of the backup (%s): bring back a Strimzi that has it, or set spec.kafka.version of the Kafka to one of these, no older than that of the backup; then run the action resume' "$(plain "${seen#*|}")"
    return 0
  fi
  unready "$1"
}

not_settled() {
  local seen generation observed ready reason operators replicas
  seen=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.metadata.generation}|{.status.observedGeneration}|{.status.conditions[?(@.type=="Ready")].status}|{.status.conditions[?(@.type=="NotReady")].reason}|{.spec.entityOperator.topicOperator}{.spec.entityOperator.userOperator}')
  IFS='|' read -r generation observed ready reason operators < <(printf '%s\n' "$seen")
  if [[ $ready != True ]] || ((${observed:-0} < ${generation:-0})); then
    printf 'Kafka %s is not Ready%s; ' "$CLUSTER" "${reason:+ ($reason)}"
    return 0
  fi
  replicas=$(api get deployments.apps "$CLUSTER-entity-operator" -n "$NAMESPACE" --ignore-not-found -o 'jsonpath={.status.readyReplicas}')
  if [[ -n $operators ]]; then
    ((${replicas:-0} > 0)) || printf 'Deployment %s-entity-operator is not Ready, so no topic or user can be made; ' "$CLUSTER"
  fi
}

# remove_replaced: no reason to fail
remove_replaced() {
  local ids id left=''
  ids=$(recorded before) || return 0
  for id in $ids; do
    [[ $id =~ ^[0-9]{14}$ ]] || continue
    api delete volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "kanister-kafka.io/before-restore=$id,kanister-kafka.io/cluster=$CLUSTER" --wait=false || left+=${left:+ }$id
  done
  record "before=$left" || say "could not write to ConfigMap $RECORD: going on without it"
  [[ -z $left ]] || say "the snapshots of the replaced volumes could not be removed: kubectl delete volumesnapshots -n $NAMESPACE -l 'kanister-kafka.io/before-restore in (${left// /,})'"
}

# restored SECONDS
restored() {
  step "waiting for Kafka $CLUSTER to be Ready"
  wait_for "$1" not_settled
  [[ -z ${BACKUP-} ]] || remove_replaced
}
