# shellcheck shell=bash
# Scales an object to 0, and back to its previous count.
REPLICAS_BEFORE=kanister-kafka.io/replicas-before

# get_replicas RESOURCE NAME NAMESPACE: prints COUNT|PREVIOUS COUNT, each empty if it is not set
get_replicas() {
  kubectl_retry get "$1" "$2" -n "$3" -o "jsonpath={.spec.replicas}|{.metadata.annotations.${REPLICAS_BEFORE//./\\.}}"
}

# scale_to_zero RESOURCE NAME NAMESPACE [KEY]: the same write stores the count and never overwrites it, so a second
# run cannot store 0. KEY is its key in the state ConfigMap.
scale_to_zero() {
  local fields count before
  fields=$(get_replicas "$1" "$2" "$3")
  count=${fields%%|*} before=${fields#*|}
  [[ $count != 0 ]] || return 0
  before=${before:-${count:-unset}}
  [[ -z ${4-} ]] || set_state "$4=$before"
  kubectl_retry patch "$1" "$2" -n "$3" --type merge -p \
    "{\"metadata\":{\"annotations\":{\"$REPLICAS_BEFORE\":\"$(json_escape "$before")\"}},\"spec\":{\"replicas\":0}}" >/dev/null
  log "$1/$2 is scaled from ${count:-its default} to 0"
}

# restore_replicas RESOURCE NAME NAMESPACE [KIND]: does nothing if there is no previous count. A client of this KIND at 0
# without its annotation gets the count in the state ConfigMap. Sets unknown_replicas if neither is there.
restore_replicas() {
  local fields before
  fields=$(get_replicas "$1" "$2" "$3")
  before=${fields#*|}
  [[ -n $before || $fields != '0|' || -z ${4-} ]] || before=$(saved_replicas "$4" "$3" "$2")
  unknown_replicas=
  if [[ -z $before ]]; then
    # shellcheck disable=SC2034 # restart-kafka.sh reads it
    [[ $fields != '0|' ]] || unknown_replicas="$1 $3/$2"
    return 0
  fi
  [[ $before =~ ^([0-9]+|unset)$ ]] ||
    die "annotation $REPLICAS_BEFORE of $1/$2 is '$before' and not a number: set spec.replicas by hand and remove the annotation"
  kubectl_retry patch "$1" "$2" -n "$3" --type merge -p \
    "{\"metadata\":{\"annotations\":{\"$REPLICAS_BEFORE\":null}},\"spec\":{\"replicas\":${before/unset/null}}}" >/dev/null
  log "$1/$2 is scaled back to ${before/unset/its default}"
}

# saved_replicas KIND NAMESPACE NAME: count of a client in the state ConfigMap
saved_replicas() { kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o "jsonpath={.data['replicas\.${1//./\\.}\.${2//./\\.}\.${3//./\\.}']}" || true; }
