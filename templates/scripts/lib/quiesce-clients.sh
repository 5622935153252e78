# shellcheck shell=bash
# quiesce_clients STATE PLURAL/NAMESPACE/NAME/KIND/WORKLOAD...: all at the same time, then it waits for all. It ignores
# clients that were deleted since the Blueprint was rendered. If another actor ends this run, it has started the clients
# already, and nothing would start those that are stopped after that. So it fails if the state is another one than STATE.
quiesce_clients() {
  local client resource namespace name kind workload end own_state=$1
  shift
  for client in "$@"; do
    IFS=/ read -r resource namespace name kind workload < <(printf '%s\n' "$client")
    resource=$resource.$API
    begin_step "quiescing $kind $namespace/$name"
    [[ -n $(find_object "$resource" "$name" "$namespace") ]] || continue
    assert_own_run "$own_state"
    quiesce_client "$resource" "$namespace" "$name" "$workload" "$kind"
  done
  end=$((SECONDS + CLIENTS_TIMEOUT))
  for client in "$@"; do
    IFS=/ read -r resource namespace name kind workload < <(printf '%s\n' "$client")
    begin_step "waiting for $kind $namespace/$name to stop"
    wait_until_empty "$((end - SECONDS))" remaining_pods "$namespace" "strimzi.io/cluster=$name,strimzi.io/kind=$kind" "$NOT_ENDED"
  done
  assert_own_run "$own_state"
}
