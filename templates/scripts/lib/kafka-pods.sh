# shellcheck shell=bash
# Workloads of Kafka and ZooKeeper nodes, as lists of names separated by commas. $NODE_KINDS has their possible
# kinds. Up to Strimzi 0.34 the cluster shows which one it is.

# workload_kind LIST
workload_kind() {
  local object
  [[ $NODE_KINDS == *StatefulSet* ]] || { echo StrimziPodSet; return; }
  object=$(kubectl_retry get statefulsets.apps "${1%%,*}" -n "$NAMESPACE" --ignore-not-found -o name)
  if [[ -n $object ]]; then echo StatefulSet; else echo StrimziPodSet; fi
}

# stop_nodes LIST SECONDS: deletes StrimziPodSets, because they create deleted pods again, paused or not. Claims
# have no owner and stay. StatefulSets are scaled. It polls often, because clients wait. Before a restore the exit
# codes do not matter.
stop_nodes() {
  local kind name names label=controller-name
  kind=$(workload_kind "$1")
  [[ $kind != StatefulSet ]] || label=name
  mapfile -t -d , names < <(printf %s "$1")
  [[ -z ${UNCLEAN_STOP-} ]] || watch_exit_codes "strimzi.io/cluster=$CLUSTER,strimzi.io/$label in ($1)"
  if [[ $kind == StatefulSet ]]; then
    for name in "${names[@]}"; do scale_to_zero statefulsets.apps "$name" "$NAMESPACE"; done
  else
    kubectl_retry delete strimzipodsets.core.strimzi.io "${names[@]}" -n "$NAMESPACE" --ignore-not-found --wait=false
  fi
  if [[ -n ${UNCLEAN_STOP-} ]]; then
    wait_for_exits "$2"
    check_exit_codes
  else
    POLL_INTERVAL=0.2 wait_until_empty "$2" remaining_pods "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/$label in ($1)"
  fi
}

# start_nodes LIST SECONDS: scales StatefulSets before the operator reconciles, because it does not change 0
# replicas. The operator creates StrimziPodSets.
start_nodes() {
  local kind name names
  kind=$(workload_kind "$1")
  [[ $kind == StatefulSet ]] || return 0
  mapfile -t -d , names < <(printf %s "$1")
  for name in "${names[@]}"; do restore_replicas statefulsets.apps "$name" "$NAMESPACE"; done
  wait_until_empty "$2" not_ready_workloads "$1"
}

# existing_workloads LIST: prints the workloads that exist
existing_workloads() {
  local kind names resource=strimzipodsets.core.strimzi.io
  kind=$(workload_kind "$1") || return 1
  mapfile -t -d , names < <(printf %s "$1")
  [[ $kind == StrimziPodSet ]] || resource=statefulsets.apps
  kubectl_retry get "$resource" "${names[@]}" -n "$NAMESPACE" --ignore-not-found -o name
}

# pool_deleted WORKLOAD: whether its node pool was deleted, so that the operator will not create it
pool_deleted() {
  local pool=${1#"$CLUSTER-"} object
  [[ ,$POOLS, == *",$pool,"* ]] || return 1
  # errexit is off here: a pool that cannot be read must not count as deleted.
  object=$(kubectl_retry get "kafkanodepools.$API" "$pool" -n "$NAMESPACE" --ignore-not-found -o name) || exit 1
  [[ -z $object ]]
}

# not_ready_workloads LIST: for wait_until_empty
not_ready_workloads() {
  local kind name names rows ready expected columns='R:.status.readyPods,P:.spec.pods[*].metadata.name'
  local resource=strimzipodsets.core.strimzi.io
  kind=$(workload_kind "$1")
  mapfile -t -d , names < <(printf %s "$1")
  if [[ $kind == StatefulSet ]]; then
    resource=statefulsets.apps columns='R:.status.readyReplicas,P:.spec.replicas'
  fi
  rows=$(kubectl_retry get "$resource" "${names[@]}" -n "$NAMESPACE" --ignore-not-found --no-headers -o "custom-columns=N:.metadata.name,$columns")
  for name in "${names[@]}"; do
    [[ $'\n'$rows == *$'\n'"$name "* ]] || pool_deleted "$name" || printf '%s does not exist yet; ' "$name"
  done
  while read -r name ready expected; do
    expected=${expected/<none>/}
    [[ $kind == StatefulSet ]] || expected=$(printf '%s\n' "${expected//,/ }" | wc -w)
    ((${ready/<none>/0} == expected)) || printf '%s has %d of %d pods ready; ' "$name" "${ready/<none>/0}" "$expected"
  done < <([[ -z $rows ]] || printf '%s\n' "$rows")
}
