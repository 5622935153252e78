# shellcheck shell=bash
# Whether the cluster is still as the stop has left it. Our own marks cannot tell: whoever ends the
# pause has the operator start the brokers under the snapshot, and leaves every mark as it was.
declare -A QUERIES=()

# ask KEY COMMAND...: runs it beside whatever else is asked, because clients wait meanwhile.
start_query() {
  local fd
  exec {fd}< <(if "${@:2}"; then printf '\nwhole'; fi)
  QUERIES[$1]=$fd
}

# answer KEY: sets REPLY to what it has printed; fails where it has failed.
read_query() {
  local fd=${QUERIES[$1]}
  REPLY=$(cat <&"$fd")
  exec {fd}<&-
  [[ $REPLY == *$'\n'whole ]] || return 1
  REPLY=${REPLY%$'\n'whole}
  REPLY=${REPLY%$'\n'}
}

# up LIST: prints the workloads that keep pods running, or would bring them back.
running_workloads() {
  local kind names rows name count
  [[ -n $1 ]] || return 0
  kind=$(workload_kind "$1") || return 1
  if [[ $kind == StatefulSet ]]; then
    mapfile -t -d , names < <(printf %s "$1")
    rows=$(kubectl_retry get statefulsets.apps "${names[@]}" -n "$NAMESPACE" --ignore-not-found --no-headers -o 'custom-columns=N:.metadata.name,P:.spec.replicas') || return 1
    while read -r name count; do
      [[ $count == 0 ]] || printf '%s has %s replicas; ' "$name" "$count"
    done < <([[ -z $rows ]] || printf '%s\n' "$rows")
  else
    rows=$(existing_workloads "$1") || return 1
    [[ -z $rows ]] || printf '%s; ' "${rows//$'\n'/, }"
  fi
}

pause_state() {
  kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o \
    "jsonpath={.metadata.annotations.${PAUSE//./\\.}}|{.metadata.managedFields[?(@.manager==\"kanister-kafka\")].fieldsV1}"
}

node_pods() { list_pods "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)"; }

# owns_pause STATE: whether the value of the pause is the one that we wrote. The API server keeps the
# name of whoever changes a field, so that a pause that was ended and set again is another's.
owns_pause() { [[ ${1#*|} == *"\"f:$PAUSE\""* ]]; }

# not_as_left OWNER: prints what is not as the stop has left it; fails where that cannot be read. OWNER
# is who had written the pause then, where anything told it.
changes_since_stop() {
  local differences=
  start_query pause pause_state
  start_query kafka running_workloads "$KAFKA_NODES"
  start_query zookeeper running_workloads "$ZOOKEEPER"
  start_query pods node_pods
  read_query pause || return 1
  if [[ ${REPLY%%|*} != [Tt][Rr][Uu][Ee] ]]; then
    differences+="its pause has ended; "
  elif [[ -n $1 ]] && ! owns_pause "$REPLY"; then
    differences+="its pause was written anew; "
  fi
  read_query kafka || return 1
  differences+=$REPLY
  read_query zookeeper || return 1
  differences+=$REPLY
  read_query pods || return 1
  [[ -z $REPLY ]] || differences+="pods $REPLY; "
  printf %s "${differences%; }"
}
