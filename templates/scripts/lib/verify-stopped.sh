# shellcheck shell=bash
# Verifies that the cluster has not changed since the stop. The annotations of kanister-kafka are not enough: if
# another actor ends the pause, the operator starts brokers during the snapshot, and the annotations stay.
declare -A QUERIES=()

# start_query KEY COMMAND...: runs it in parallel to other queries, because clients wait
start_query() {
  local fd
  exec {fd}< <(if "${@:2}"; then printf '\nwhole'; fi)
  QUERIES[$1]=$fd
}

# read_query KEY: sets REPLY to its output. It fails if the command has failed.
read_query() {
  local fd=${QUERIES[$1]}
  REPLY=$(cat <&"$fd")
  exec {fd}<&-
  [[ $REPLY == *$'\n'whole ]] || return 1
  REPLY=${REPLY%$'\n'whole}
  REPLY=${REPLY%$'\n'}
}

# running_workloads LIST: prints workloads that have pods or would create them
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

# owns_pause STATE: whether kanister-kafka wrote the value of the pause. The API server stores the field manager of
# the last change, so a pause that was ended and set again has another one.
owns_pause() { [[ ${1#*|} == *"\"f:$PAUSE\""* ]]; }

# pause_changes OWNER STATE: prints whether the pause is not the one of the stop. STATE is the output of pause_state.
pause_changes() {
  if [[ ${2%%|*} != [Tt][Rr][Uu][Ee] ]]; then
    printf 'its pause has ended; '
  elif [[ -n $1 ]] && ! owns_pause "$2"; then
    printf 'its pause was set again; '
  fi
}

# changes_since_pause OWNER: prints whether the operator may have changed nodes since the pause. It fails if this
# cannot be read.
changes_since_pause() {
  local state changes
  state=$(pause_state) || return 1
  changes=$(pause_changes "$1" "$state")
  printf %s "${changes%; }"
}

# changes_since_stop OWNER: prints changes since the stop. It fails if they cannot be read. OWNER is the field
# manager of the pause at the stop, or empty.
changes_since_stop() {
  local differences=
  start_query pause pause_state
  start_query kafka running_workloads "$KAFKA_NODES"
  start_query zookeeper running_workloads "$ZOOKEEPER"
  start_query pods node_pods
  read_query pause || return 1
  differences+=$(pause_changes "$1" "$REPLY")
  read_query kafka || return 1
  differences+=$REPLY
  read_query zookeeper || return 1
  differences+=$REPLY
  read_query pods || return 1
  [[ -z $REPLY ]] || differences+="pods $REPLY; "
  printf %s "${differences%; }"
}
