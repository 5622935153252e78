# shellcheck shell=bash
# Scaling an object to 0, and back to what it was.
REPLICAS_BEFORE=kanister-kafka.io/replicas-before

# replicas RESOURCE NAME NAMESPACE: prints COUNT|COUNT BEFORE, each empty where unset.
replicas() {
  api get "$1" "$2" -n "$3" -o "jsonpath={.spec.replicas}|{.metadata.annotations.${REPLICAS_BEFORE//./\\.}}"
}

# scale_to_zero RESOURCE NAME NAMESPACE [KEY]: the count is kept in the same write and never
# overwritten, so a second run cannot take 0 for what it was. KEY names it in the record as well.
scale_to_zero() {
  local seen count before
  seen=$(replicas "$1" "$2" "$3")
  count=${seen%%|*} before=${seen#*|}
  [[ $count != 0 ]] || return 0
  before=${before:-${count:-unset}}
  [[ -z ${4-} ]] || record "$4=$before"
  api patch "$1" "$2" -n "$3" --type merge -p \
    "{\"metadata\":{\"annotations\":{\"$REPLICAS_BEFORE\":\"$(quoted "$before")\"}},\"spec\":{\"replicas\":0}}" >/dev/null
  say "$1/$2 is scaled from ${count:-its default} to 0"
}

# restore_replicas RESOURCE NAME NAMESPACE [KEPT]: does nothing where nothing was kept. KEPT is what
# the record says, for an object at 0 whose annotation was lost. Sets unknown= where nothing tells.
restore_replicas() {
  local seen before
  seen=$(replicas "$1" "$2" "$3")
  before=${seen#*|}
  [[ -n $before || $seen != '0|' ]] || before=${4-}
  unknown=
  if [[ -z $before ]]; then
    # shellcheck disable=SC2034 # for restart.sh
    [[ $seen != '0|' ]] || unknown="$1 $3/$2"
    return 0
  fi
  [[ $before =~ ^([0-9]+|unset)$ ]] ||
    fail "annotation $REPLICAS_BEFORE of $1/$2 is '$before', no number: set spec.replicas by hand and remove it"
  api patch "$1" "$2" -n "$3" --type merge -p \
    "{\"metadata\":{\"annotations\":{\"$REPLICAS_BEFORE\":null}},\"spec\":{\"replicas\":${before/unset/null}}}" >/dev/null
  say "$1/$2 is scaled back to ${before/unset/its default}"
}

# kept KIND NAMESPACE NAME: what the record says of a writer
kept() { api get configmap "$RECORD" -n "$NAMESPACE" -o "jsonpath={.data['replicas\.${1//./\\.}\.${2//./\\.}\.${3//./\\.}']}" || true; }
