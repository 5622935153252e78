# shellcheck shell=bash
# Workloads of Kafka and ZooKeeper nodes, as lists of names separated by commas. $NODE_KINDS says which
# kinds they may have; up to Strimzi 0.34 it takes a look to know.

# kind_of LIST
workload_kind() {
  local object
  [[ $NODE_KINDS == *StatefulSet* ]] || { echo StrimziPodSet; return; }
  object=$(kubectl_retry get statefulsets.apps "${1%%,*}" -n "$NAMESPACE" --ignore-not-found -o name)
  if [[ -n $object ]]; then echo StatefulSet; else echo StrimziPodSet; fi
}

# stop_nodes LIST SECONDS: a StrimziPodSet must go, because it brings back a pod that is deleted,
# paused or not; claims have no owner and stay. A StatefulSet is scaled. Clients wait meanwhile, and
# no node starts that a look would slow down. Before a restore it does not matter how they end.
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

# start_nodes LIST SECONDS: StatefulSets are scaled back before the operator reconciles, for it
# leaves one at 0 for ever. StrimziPodSets are made by the operator.
start_nodes() {
  local kind name names
  kind=$(workload_kind "$1")
  [[ $kind == StatefulSet ]] || return 0
  mapfile -t -d , names < <(printf %s "$1")
  for name in "${names[@]}"; do restore_replicas statefulsets.apps "$name" "$NAMESPACE"; done
  wait_until_empty "$2" not_ready_workloads "$1"
}

# present LIST: prints the workloads that there are.
existing_workloads() {
  local names resource=strimzipodsets.core.strimzi.io
  mapfile -t -d , names < <(printf %s "$1")
  [[ $(workload_kind "$1") == StrimziPodSet ]] || resource=statefulsets.apps
  kubectl_retry get "$resource" "${names[@]}" -n "$NAMESPACE" --ignore-not-found -o name
}

# removed WORKLOAD: whether its node pool was deleted meanwhile, so that nobody will make it.
pool_deleted() {
  local pool=${1#"$CLUSTER-"} object
  [[ ,$POOLS, == *",$pool,"* ]] || return 1
  # Called where errexit is off: a pool that cannot be asked for must not count as deleted.
  object=$(kubectl_retry get "kafkanodepools.$API" "$pool" -n "$NAMESPACE" --ignore-not-found -o name) || exit 1
  [[ -z $object ]]
}

# unready LIST: prints what does not serve yet.
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
    [[ $'\n'$rows == *$'\n'"$name "* ]] || pool_deleted "$name" || printf '%s is not there yet; ' "$name"
  done
  while read -r name ready expected; do
    expected=${expected/<none>/}
    [[ $kind == StatefulSet ]] || expected=$(printf '%s\n' "${expected//,/ }" | wc -w)
    ((${ready/<none>/0} == expected)) || printf '%s has %d of %d pods ready; ' "$name" "${ready/<none>/0}" "$expected"
  done < <([[ -z $rows ]] || printf '%s\n' "$rows")
}
