# shellcheck shell=bash
# Workloads of Kafka and ZooKeeper nodes, as lists of names separated by commas. $NODES says which
# kinds they may have; up to Strimzi 0.34 it takes a look to know.

# kind_of LIST
kind_of() {
  local found
  [[ $NODES == *StatefulSet* ]] || { echo StrimziPodSet; return; }
  found=$(api get statefulsets.apps "${1%%,*}" -n "$NAMESPACE" --ignore-not-found -o name)
  if [[ -n $found ]]; then echo StatefulSet; else echo StrimziPodSet; fi
}

# stop_nodes LIST SECONDS: a StrimziPodSet must go, because it brings back a pod that is deleted,
# paused or not; claims have no owner and stay. A StatefulSet is scaled. Clients wait meanwhile, and
# no node starts that a look would slow down. Before a restore it does not matter how they end.
stop_nodes() {
  local kind name names label=controller-name
  kind=$(kind_of "$1")
  [[ $kind != StatefulSet ]] || label=name
  mapfile -t -d , names < <(printf %s "$1")
  [[ -z ${UNCLEAN_STOP-} ]] || watch_exits "strimzi.io/cluster=$CLUSTER,strimzi.io/$label in ($1)"
  if [[ $kind == StatefulSet ]]; then
    for name in "${names[@]}"; do scale_to_zero statefulsets.apps "$name" "$NAMESPACE"; done
  else
    api delete strimzipodsets.core.strimzi.io "${names[@]}" -n "$NAMESPACE" --ignore-not-found --wait=false
  fi
  if [[ -n ${UNCLEAN_STOP-} ]]; then
    await_exits "$2"
    judge_exits
  else
    LOOK_AGAIN=0.2 wait_for "$2" still_there "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/$label in ($1)"
  fi
}

# start_nodes LIST SECONDS: StatefulSets are scaled back before the operator reconciles, for it
# leaves one at 0 for ever. StrimziPodSets are made by the operator.
start_nodes() {
  local kind name names
  kind=$(kind_of "$1")
  [[ $kind == StatefulSet ]] || return 0
  mapfile -t -d , names < <(printf %s "$1")
  for name in "${names[@]}"; do restore_replicas statefulsets.apps "$name" "$NAMESPACE"; done
  wait_for "$2" unready "$1"
}

# present LIST: prints the workloads that there are.
present() {
  local names resource=strimzipodsets.core.strimzi.io
  mapfile -t -d , names < <(printf %s "$1")
  [[ $(kind_of "$1") == StrimziPodSet ]] || resource=statefulsets.apps
  api get "$resource" "${names[@]}" -n "$NAMESPACE" --ignore-not-found -o name
}

# removed WORKLOAD: whether its node pool was deleted meanwhile, so that nobody will make it.
removed() {
  local pool=${1#"$CLUSTER-"} found
  [[ ,$POOLS, == *",$pool,"* ]] || return 1
  # Called where errexit is off: a pool that cannot be asked for must not count as deleted.
  found=$(api get "kafkanodepools.$API" "$pool" -n "$NAMESPACE" --ignore-not-found -o name) || exit 1
  [[ -z $found ]]
}

# unready LIST: prints what does not serve yet.
unready() {
  local kind name names rows ready wanted columns='R:.status.readyPods,P:.spec.pods[*].metadata.name'
  local resource=strimzipodsets.core.strimzi.io
  kind=$(kind_of "$1")
  mapfile -t -d , names < <(printf %s "$1")
  if [[ $kind == StatefulSet ]]; then
    resource=statefulsets.apps columns='R:.status.readyReplicas,P:.spec.replicas'
  fi
  rows=$(api get "$resource" "${names[@]}" -n "$NAMESPACE" --ignore-not-found --no-headers -o "custom-columns=N:.metadata.name,$columns")
  for name in "${names[@]}"; do
    [[ $'\n'$rows == *$'\n'"$name "* ]] || removed "$name" || printf '%s is not there yet; ' "$name"
  done
  while read -r name ready wanted; do
    wanted=${wanted/<none>/}
    [[ $kind == StatefulSet ]] || wanted=$(printf '%s\n' "${wanted//,/ }" | wc -w)
    ((${ready/<none>/0} == wanted)) || printf '%s has %d of %d pods ready; ' "$name" "${ready/<none>/0}" "$wanted"
  done < <([[ -z $rows ]] || printf '%s\n' "$rows")
}
