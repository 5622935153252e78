# shellcheck shell=bash
# What of Strimzi's clients runs, by its pods: a GitOps controller or an autoscaler may have started
# again what was quiesced, and what was made after the Blueprint was rendered nobody has quiesced.

# running_writers ARGUMENT...: KIND/NAMESPACE/NAME of each that has pods, but for those that the Blueprint
# leaves alone. A pod that has ended, such as that of a build, writes no more.
running_clients() {
  local client namespace rows='' row
  # shellcheck disable=SC2153 # it is in the environment
  local -A namespaces=([$NAMESPACE]=yes)
  for client in "$@"; do
    IFS=/ read -r _ namespace _ < <(printf '%s\n' "$client")
    namespaces[$namespace]=yes
  done
  for namespace in "${!namespaces[@]}"; do
    row=$(kubectl_retry get pods -n "$namespace" -l 'strimzi.io/kind in (KafkaBridge,KafkaConnect,KafkaMirrorMaker,KafkaMirrorMaker2)' \
      --field-selector=status.phase!=Succeeded,status.phase!=Failed -o \
      'jsonpath={range .items[*]}{.metadata.labels.strimzi\.io/kind}/{.metadata.namespace}/{.metadata.labels.strimzi\.io/cluster}{"\n"}{end}') || return 1
    rows+=${row:+$row$'\n'}
  done
  while read -r row; do
    [[ -z $row || ,$IGNORED_CLIENTS, == *",$row,"* ]] || printf '%s\n' "$row"
  done < <(printf %s "$rows" | sort -u)
}

# is_known KIND/NAMESPACE/NAME ARGUMENT...
is_known_client() {
  local client namespace name kind
  for client in "${@:2}"; do
    IFS=/ read -r _ namespace name kind _ < <(printf '%s\n' "$client")
    [[ $1 != "$kind/$namespace/$name" ]] || return 0
  done
  return 1
}

# strangers ARGUMENT...: prints what runs and is neither known to write nor known not to
unknown_clients() {
  local running row
  running=$(running_clients "$@")
  for row in $running; do
    is_known_client "$row" "$@" || printf '%s runs, and this Blueprint does not know whether it writes into Kafka %s: render it again; ' "$row" "$CLUSTER"
  done
}

# writers_at_rest ARGUMENT...: fails where anything runs
assert_clients_stopped() {
  local running row reasons=
  running=$(running_clients "$@")
  for row in $running; do
    if is_known_client "$row" "$@"; then
      reasons+="$row was stopped and runs again: somebody else has started it, such as a GitOps controller, for which there is --quiesce-by pause, or an autoscaler, which is to be paused; "
    else
      reasons+="$row runs, and this Blueprint does not know whether it writes into Kafka $CLUSTER: render it again; "
    fi
  done
  [[ -z $reasons ]] || die "${reasons%; }"
}
