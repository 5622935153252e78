# shellcheck shell=bash
# Scaling an object to 0, and back to what it was.
REPLICAS_BEFORE=kanister-kafka.io/replicas-before

# replicas RESOURCE NAME NAMESPACE: prints COUNT|COUNT REPLACED_LABEL, each empty where unset.
get_replicas() {
  kubectl_retry get "$1" "$2" -n "$3" -o "jsonpath={.spec.replicas}|{.metadata.annotations.${REPLICAS_BEFORE//./\\.}}"
}

# scale_to_zero RESOURCE NAME NAMESPACE [KEY]: the count is kept in the same write and never
# overwritten, so a second run cannot take 0 for what it was. KEY names it in the record as well.
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

# restore_replicas RESOURCE NAME NAMESPACE [KEPT]: does nothing where nothing was kept. KEPT is what
# the record says, for an object at 0 whose annotation was lost. Sets unknown= where nothing tells.
restore_replicas() {
  local fields before
  fields=$(get_replicas "$1" "$2" "$3")
  before=${fields#*|}
  [[ -n $before || $fields != '0|' ]] || before=${4-}
  unknown_replicas=
  if [[ -z $before ]]; then
    # shellcheck disable=SC2034 # for restart.sh
    [[ $fields != '0|' ]] || unknown_replicas="$1 $3/$2"
    return 0
  fi
  [[ $before =~ ^([0-9]+|unset)$ ]] ||
    die "annotation $REPLICAS_BEFORE of $1/$2 is '$before', no number: set spec.replicas by hand and remove it"
  kubectl_retry patch "$1" "$2" -n "$3" --type merge -p \
    "{\"metadata\":{\"annotations\":{\"$REPLICAS_BEFORE\":null}},\"spec\":{\"replicas\":${before/unset/null}}}" >/dev/null
  log "$1/$2 is scaled back to ${before/unset/its default}"
}

# kept KIND NAMESPACE NAME: what the record says of a writer
saved_replicas() { kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o "jsonpath={.data['replicas\.${1//./\\.}\.${2//./\\.}\.${3//./\\.}']}" || true; }
