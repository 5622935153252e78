# shellcheck shell=bash
# The end of a restore. Pods may be Ready although the operators cannot connect and cannot create topics and users.
# So it waits until the Kafka is Ready, which its operator sets after it has connected.
# shellcheck disable=SC2034 # restart-kafka.sh reads it
NOT_READY_CHECK=nodes_not_ready AFTER_RESTORE=yes

# nodes_not_ready LIST: as not_ready_workloads, and ends the wait if the operator does not have the version
# (Strimzi's KafkaVersion.java)
nodes_not_ready() {
  local fields
  fields=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.status.conditions[?(@.type=="NotReady")].reason}|{.status.conditions[?(@.type=="NotReady")].message}')
  if [[ $fields == UnsupportedKafkaVersionException'|'* ]]; then
    printf '!the operator does not have the Kafka version of the backup (%s): install a Strimzi that has it, or set spec.kafka.version of the Kafka to one of these, not older than that of the backup. Then run the action resume' "$(json_safe "${fields#*|}")"
    return 0
  fi
  not_ready_workloads "$1"
}

kafka_not_ready() {
  local fields generation observed ready reason operators replicas
  fields=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.metadata.generation}|{.status.observedGeneration}|{.status.conditions[?(@.type=="Ready")].status}|{.status.conditions[?(@.type=="NotReady")].reason}|{.spec.entityOperator.topicOperator}{.spec.entityOperator.userOperator}')
  IFS='|' read -r generation observed ready reason operators < <(printf '%s\n' "$fields")
  if [[ $ready != True ]] || ((${observed:-0} < ${generation:-0})); then
    printf 'Kafka %s is not Ready%s; ' "$CLUSTER" "${reason:+ ($reason)}"
    return 0
  fi
  replicas=$(kubectl_retry get deployments.apps "$CLUSTER-entity-operator" -n "$NAMESPACE" --ignore-not-found -o 'jsonpath={.status.readyReplicas}')
  if [[ -n $operators ]]; then
    ((${replicas:-0} > 0)) || printf 'Deployment %s-entity-operator is not Ready, so topics and users cannot be created; ' "$CLUSTER"
  fi
}

# delete_replaced_snapshots: a failure does not fail the restore
delete_replaced_snapshots() {
  local ids id remaining=''
  ids=$(get_state before) || return 0
  for id in $ids; do
    [[ $id =~ ^[0-9]{14,23}$ ]] || continue # to the second, or to the nanosecond
    kubectl_retry delete volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "kanister-kafka.io/before-restore=$id,kanister-kafka.io/cluster=$CLUSTER" --wait=false || remaining+=${remaining:+ }$id
  done
  set_state "before=$remaining" || log "could not write to ConfigMap $STATE_CONFIGMAP: going on without it"
  [[ -z $remaining ]] || log "the snapshots of the replaced volumes could not be deleted. Run: kubectl delete volumesnapshots -n $NAMESPACE -l 'kanister-kafka.io/before-restore in (${remaining// /,})'"
}

# wait_restored SECONDS
wait_restored() {
  begin_step "waiting for Kafka $CLUSTER to be Ready"
  wait_until_empty "$1" kafka_not_ready
  [[ -z ${BACKUP-} ]] || delete_replaced_snapshots
}
