# shellcheck shell=bash
# quiesce_clients PLURAL/NAMESPACE/NAME/KIND/WORKLOAD...: all at the same time, then it waits for all. It ignores
# clients that were deleted since the Blueprint was rendered.
quiesce_clients() {
  local client resource namespace name kind workload end
  for client in "$@"; do
    IFS=/ read -r resource namespace name kind workload < <(printf '%s\n' "$client")
    resource=$resource.$API
    begin_step "quiescing $kind $namespace/$name"
    [[ -n $(find_object "$resource" "$name" "$namespace") ]] || continue
    quiesce_client "$resource" "$namespace" "$name" "$workload" "$kind"
  done
  end=$((SECONDS + CLIENTS_TIMEOUT))
  for client in "$@"; do
    IFS=/ read -r resource namespace name kind workload < <(printf '%s\n' "$client")
    begin_step "waiting for $kind $namespace/$name to stop"
    wait_until_empty "$((end - SECONDS))" remaining_pods "$namespace" "strimzi.io/cluster=$name,strimzi.io/kind=$kind" "$NOT_ENDED"
  done
}
