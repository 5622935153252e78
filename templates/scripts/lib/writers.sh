# shellcheck shell=bash
# quiesce_writers PLURAL/NAMESPACE/NAME/KIND/WORKLOAD...: all at once, then waits for all. What was
# deleted since the Blueprint was rendered does not write.
quiesce_writers() {
  local writer resource home name kind workload end
  for writer in "$@"; do
    IFS=/ read -r resource home name kind workload < <(printf '%s\n' "$writer")
    resource=$resource.$API
    step "quiescing $kind $home/$name"
    [[ -n $(exists "$resource" "$name" "$home") ]] || continue
    quiesce_writer "$resource" "$home" "$name" "$workload" "$kind"
  done
  end=$((SECONDS + WRITER_LIMIT))
  for writer in "$@"; do
    IFS=/ read -r resource home name kind workload < <(printf '%s\n' "$writer")
    step "waiting for $kind $home/$name to stop"
    wait_for "$((end - SECONDS))" still_there "$home" "strimzi.io/cluster=$name,strimzi.io/kind=$kind"
  done
}
