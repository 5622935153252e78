# shellcheck shell=bash
# Whether the cluster is still as the stop has left it. Our own marks cannot tell: whoever ends the
# pause has the operator start the brokers under the snapshot, and leaves every mark as it was.
declare -A ASKED=()

# ask KEY COMMAND...: runs it beside whatever else is asked, because clients wait meanwhile.
ask() {
  local fd
  exec {fd}< <(if "${@:2}"; then printf '\nwhole'; fi)
  ASKED[$1]=$fd
}

# answer KEY: sets REPLY to what it has printed; fails where it has failed.
answer() {
  local fd=${ASKED[$1]}
  REPLY=$(cat <&"$fd")
  exec {fd}<&-
  [[ $REPLY == *$'\n'whole ]] || return 1
  REPLY=${REPLY%$'\n'whole}
  REPLY=${REPLY%$'\n'}
}

# up LIST: prints the workloads that keep pods running, or would bring them back.
up() {
  local kind names rows name count
  [[ -n $1 ]] || return 0
  kind=$(kind_of "$1") || return 1
  if [[ $kind == StatefulSet ]]; then
    mapfile -t -d , names < <(printf %s "$1")
    rows=$(api get statefulsets.apps "${names[@]}" -n "$NAMESPACE" --ignore-not-found --no-headers -o 'custom-columns=N:.metadata.name,P:.spec.replicas') || return 1
    while read -r name count; do
      [[ $count == 0 ]] || printf '%s has %s replicas; ' "$name" "$count"
    done < <([[ -z $rows ]] || printf '%s\n' "$rows")
  else
    rows=$(present "$1") || return 1
    [[ -z $rows ]] || printf '%s; ' "${rows//$'\n'/, }"
  fi
}

pause_state() {
  api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o \
    "jsonpath={.metadata.annotations.${PAUSE//./\\.}}|{.metadata.managedFields[?(@.manager==\"kanister-kafka\")].fieldsV1}"
}

node_pods() { pods "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)"; }

# owns_pause STATE: whether the value of the pause is the one that we wrote. The API server keeps the
# name of whoever changes a field, so that a pause that was ended and set again is another's.
owns_pause() { [[ ${1#*|} == *"\"f:$PAUSE\""* ]]; }

# not_as_left OWNER: prints what is not as the stop has left it; fails where that cannot be read. OWNER
# is who had written the pause then, where anything told it.
not_as_left() {
  local found=
  ask pause pause_state
  ask kafka up "$KAFKA_NODES"
  ask zookeeper up "$ZOOKEEPER"
  ask pods node_pods
  answer pause || return 1
  if [[ ${REPLY%%|*} != [Tt][Rr][Uu][Ee] ]]; then
    found+="its pause has ended; "
  elif [[ -n $1 ]] && ! owns_pause "$REPLY"; then
    found+="its pause was written anew; "
  fi
  answer kafka || return 1
  found+=$REPLY
  answer zookeeper || return 1
  found+=$REPLY
  answer pods || return 1
  [[ -z $REPLY ]] || found+="pods $REPLY; "
  printf %s "${found%; }"
}
