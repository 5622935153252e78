# shellcheck shell=bash
# What every phase starts with. $0 is the name of the phase; values arrive in the environment.
set -euo pipefail
shopt -s inherit_errexit
export TZ=UTC0
export KAFKA=kafkas.kafka.strimzi.io
doing=starting problem=
# The last line tells all: Kanister shows the end of the log where a phase failed.
trap 'status=$?; ((status == 0)) || failed' EXIT

say() { printf '%(%H:%M:%S)T %s: %s\n' -1 "$0" "$*"; }

# Keeps the reason too, for the recovery that follows: if that fails as well, only its error is shown.
failed() {
  local reason="$0: FAILED while $doing: ${problem:-the line above says why}"
  if [[ -n $RECORD && $0 != recover ]]; then
    record "failure=$(now) ${reason//[^A-Za-z0-9 .,:;()\/_=-]/ }" || true
  elif [[ -n $RECORD ]]; then
    reason+="; it was called because of $(recorded failure || true)"
  fi
  say "${reason#"$0: "}" >&2
}

# step WHAT: what the phase does from here on
step() {
  doing=$*
  say "$doing"
}

fail() {
  problem=$*
  exit 1
}

# kubectl, tried again for a minute, because an API server may be away for a moment. A plain no is
# final: to wait on it would look like a hang. Not --request-timeout: with that flag kubectl no longer
# finds the configuration inside a pod.
api() {
  local answer end=$((SECONDS + 60))
  while true; do
    { answer=$(timeout 20 kubectl "$@" 2>&1 >&3) && return 0; } 3>&1
    case $answer in
      *orbidden* | *nauthorized* | *NotFound* | *Invalid* | *"have a resource type"*) break ;;
    esac
    ((SECONDS < end)) || break
    sleep 1
  done
  printf 'kubectl %s: %s\n' "$*" "$answer" >&2
  return 1
}

# wait_for SECONDS COMMAND...: until COMMAND prints nothing; what it prints is still missing.
wait_for() {
  local limit=$1 end=$((SECONDS + $1)) missing told=
  shift
  while true; do
    missing=$("$@")
    missing=${missing%"; "}
    [[ -n $missing ]] || return 0
    ((SECONDS < end)) || fail "waited ${limit}s in vain: $missing"
    [[ $missing == "$told" ]] || say "$missing"
    told=$missing
    sleep 1
  done
}

# pods NAMESPACE SELECTOR: names of the pods that are there, terminating ones included.
pods() { api get pods -n "$1" -l "$2" -o 'jsonpath={.items[*].metadata.name}'; }

# still_there NAMESPACE SELECTOR: for wait_for. Owners vanish before their pods do.
still_there() {
  local names
  names=$(pods "$1" "$2")
  [[ -z $names ]] || printf 'pods still there: %s' "$names"
}

# record KEY=VALUE...: kept in the ConfigMap for restart, restore and people.
record() {
  local pair data=
  for pair in "$@"; do
    data+="${data:+,}\"${pair%%=*}\":\"${pair#*=}\""
  done
  api patch configmap "$RECORD" -n "$NAMESPACE" --type merge -p "{\"data\":{$data}}" >/dev/null
}

recorded() { api get configmap "$RECORD" -n "$NAMESPACE" -o "jsonpath={.data.$1}"; }

now() { printf '%(%Y-%m-%dT%H:%M:%SZ)T' -1; }
