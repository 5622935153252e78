# shellcheck shell=bash
# Running clients of Strimzi, by their pods: a GitOps controller or an autoscaler may have started a quiesced client
# again, and clients that were created after the Blueprint was rendered are not quiesced.

# running_clients CLIENT...: KIND/NAMESPACE/NAME of each that has pods, except those that the Blueprint ignores. A
# pod that has ended does not write.
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
      --field-selector="$NOT_ENDED" -o \
      'jsonpath={range .items[*]}{.metadata.labels.strimzi\.io/kind}/{.metadata.namespace}/{.metadata.labels.strimzi\.io/cluster}{"\n"}{end}') || return 1
    rows+=${row:+$row$'\n'}
  done
  while read -r row; do
    [[ -z $row || ,$IGNORED_CLIENTS, == *",$row,"* ]] || printf '%s\n' "$row"
  done < <(printf %s "$rows" | sort -u)
}

# is_known_client KIND/NAMESPACE/NAME CLIENT...
is_known_client() {
  local client namespace name kind
  for client in "${@:2}"; do
    IFS=/ read -r _ namespace name kind _ < <(printf '%s\n' "$client")
    [[ $1 != "$kind/$namespace/$name" ]] || return 0
  done
  return 1
}

# unknown_clients CLIENT...: prints running clients that the Blueprint neither quiesces nor ignores
unknown_clients() {
  local running row
  running=$(running_clients "$@")
  for row in $running; do
    is_known_client "$row" "$@" || printf '%s runs, and this Blueprint does not know whether it writes into Kafka %s: render it again; ' "$row" "$CLUSTER"
  done
}

# assert_clients_stopped CLIENT...: fails if a client runs
assert_clients_stopped() {
  local running row reasons=
  running=$(running_clients "$@")
  for row in $running; do
    if is_known_client "$row" "$@"; then
      reasons+="$row was stopped and runs again: another actor has started it. Render with --quiesce-by pause if it is a GitOps controller, and pause an autoscaler; "
    else
      reasons+="$row runs, and this Blueprint does not know whether it writes into Kafka $CLUSTER: render it again; "
    fi
  done
  [[ -z $reasons ]] || die "${reasons%; }"
}
