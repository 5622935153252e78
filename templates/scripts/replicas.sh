# shellcheck shell=bash
# Scaling an object to 0, and back to what it was.
REPLICAS_BEFORE=kanister-kafka.io/replicas-before

# replicas RESOURCE NAME NAMESPACE: prints COUNT|COUNT BEFORE, each empty where unset.
replicas() {
  api get "$1" "$2" -n "$3" -o "jsonpath={.spec.replicas}|{.metadata.annotations.${REPLICAS_BEFORE//./\\.}}"
}

# scale_to_zero RESOURCE NAME NAMESPACE: the count is kept in the same write and never overwritten,
# so a second run cannot take 0 for what it was.
scale_to_zero() {
  local seen count before
  seen=$(replicas "$1" "$2" "$3")
  count=${seen%%|*} before=${seen#*|}
  [[ $count != 0 ]] || return 0
  before=${before:-${count:-unset}}
  api patch "$1" "$2" -n "$3" --type merge -p \
    "{\"metadata\":{\"annotations\":{\"$REPLICAS_BEFORE\":\"$before\"}},\"spec\":{\"replicas\":0}}" >/dev/null
  say "$1/$2 is scaled from ${count:-its default} to 0"
}

# restore_replicas RESOURCE NAME NAMESPACE: does nothing where nothing was kept.
restore_replicas() {
  local seen before
  seen=$(replicas "$1" "$2" "$3")
  before=${seen#*|}
  [[ -n $before ]] || return 0
  [[ $before =~ ^([0-9]+|unset)$ ]] ||
    fail "annotation $REPLICAS_BEFORE of $1/$2 is '$before', no number: set spec.replicas by hand and remove it"
  api patch "$1" "$2" -n "$3" --type merge -p \
    "{\"metadata\":{\"annotations\":{\"$REPLICAS_BEFORE\":null}},\"spec\":{\"replicas\":${before/unset/null}}}" >/dev/null
  say "$1/$2 is scaled back to ${before/unset/its default}"
}
