# shellcheck shell=bash
# What every phase starts with. $0 is the name of the phase; values arrive in the environment. Where it
# runs, all scripts lie in one directory, which is the current one.
set -euo pipefail
shopt -s inherit_errexit
export TZ=UTC0
doing=starting problem=
# PLURAL/NAMESPACE/NAME/KIND/WORKLOAD of each writer
# shellcheck disable=SC2034,SC2153
IFS=' ' read -ra writers < <(printf '%s\n' "${WRITERS-}")
# The last line tells all: Kanister shows the end of the log where a phase failed.
trap 'status=$?; ((status == 0)) || failed' EXIT

say() { printf '%(%H:%M:%S)T %s: %s\n' -1 "$0" "$*"; }

# Keeps the reason too, for the recovery that follows: if that fails as well, only its error is shown.
failed() {
  local reason="$0: FAILED while $doing: ${problem:-the line above says why}"
  reason=${reason:0:4000} # it is an argument of a program, and may name thousands of objects
  event Warning "${0^}Failed" "${reason#"$0: "}"
  if [[ -n ${UNCLAIMED-} ]]; then
    : # the record is somebody else's, or nobody's
  elif [[ -n $RECORD && ${0,,} != *recover ]]; then
    record "failure=$(now) $(plain "$reason")" || true
  elif [[ -n $RECORD ]]; then
    reason+="; it was called because of $(recorded failure || true)"
  fi
  say "${reason#"$0: "}" >&2
}

# plain TEXT: without what would have a meaning in JSON
plain() { printf %s "${1//[^A-Za-z0-9 .,:;()\/_=-]/ }"; }

# quoted TEXT: as it stands between the quotes of a string in JSON
quoted() {
  local text=${1//[[:cntrl:]]/ }
  text=${text//\\/\\\\}
  printf %s "${text//\"/\\\"}"
}

# event TYPE REASON TEXT: for people who look at the Kafka resource. kubectl describe looks for its
# uid. No step fails for want of an event.
event() {
  local seen stamp
  [[ -n $RECORD && -n ${KAFKA-} ]] || return 0
  stamp=$(now)
  seen=$(timeout 10 kubectl get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.apiVersion}|{.metadata.uid}' 2>/dev/null) || return 0
  # No here-document: bash before 5.1 writes it to a file, and the root file system is read-only.
  printf '{"apiVersion": "v1", "kind": "Event", "metadata": {"generateName": "%s.", "namespace": "%s"},
    "involvedObject": {"apiVersion": "%s", "kind": "Kafka", "name": "%s", "namespace": "%s", "uid": "%s"},
    "type": "%s", "reason": "%s", "message": "%s", "source": {"component": "kanister-kafka"},
    "count": 1, "firstTimestamp": "%s", "lastTimestamp": "%s"}\n' \
    "$CLUSTER" "$NAMESPACE" "${seen%%|*}" "$CLUSTER" "$NAMESPACE" "${seen#*|}" "$1" "$2" "$(plain "$3")" "$stamp" "$stamp" |
    timeout 10 kubectl create -f - >/dev/null 2>&1 || say 'no event could be written'
}

# step WHAT: what the phase does from here on
step() {
  doing=$*
  say "$doing"
}

fail() {
  problem=$*
  # A subshell takes the variable with it: then the line above says why indeed.
  ((BASH_SUBSHELL == 0)) || printf '%s\n' "$problem" >&2
  exit 1
}

# kubectl, tried again for a minute, because an API server may be away for a moment. A plain no is
# final: to wait on it would look like a hang. Whatever brings Kafka back tries a refusal again too: a
# server that starts, an authentication webhook or a CRD that is replaced refuses for some seconds what
# it grants afterwards. Not --request-timeout: with that flag kubectl no longer
# finds the configuration inside a pod. Not under kubectl's own name as field manager: Flux takes that
# for an edit by hand, and ends the pause at its next reconciliation.
api() {
  local answer end=$((SECONDS + ${RETRY_LIMIT:-60}))
  [[ $1 != annotate && $1 != patch ]] || set -- "$@" --field-manager=kanister-kafka
  while true; do
    { answer=$(timeout 20 kubectl "$@" 2>&1 >&3) && return 0; } 3>&1
    case $answer in
      *orbidden* | *nauthorized* | *"the requested resource"* | *"have a resource type"*)
        [[ -n ${RETRY_REFUSALS-} ]] || break ;;
      *NotFound* | *Invalid* | *Conflict*) break ;;
    esac
    ((SECONDS < end)) || break
    sleep 1
  done
  printf 'kubectl %s: %s\n' "$*" "${answer:-no answer in 20s}" >&2
  return 1
}

LIST_MAX=10 # entries of a list in one line of progress
PODS_REMAIN='pods still there: '

# abbreviate LIST: its first entries and the number of the others. Entries end with a semicolon, or are
# names of pods. A line for each of 1,000 pods that stop must not have the names of all others.
abbreviate() {
  local prefix='' list=$1 separator=';' entries
  if [[ $list == "$PODS_REMAIN"* ]]; then
    prefix=$PODS_REMAIN list=${list#"$PODS_REMAIN"} separator=' '
  fi
  mapfile -t -d "$separator" entries < <(printf %s "$list")
  if ((${#entries[@]} > LIST_MAX)); then
    local IFS=$separator
    printf '%s%s and %d more' "$prefix" "${entries[*]:0:LIST_MAX}" "$((${#entries[@]} - LIST_MAX))"
  else
    printf %s "$1"
  fi
}

# wait_for SECONDS COMMAND...: until COMMAND prints nothing. Its output names what is missing. The interval
# is LOOK_AGAIN seconds, or one. Output that begins with an exclamation mark ends the wait as a failure.
wait_for() {
  local limit=$1 end=$((SECONDS + $1)) missing told=
  shift
  while true; do
    missing=$("$@")
    missing=${missing%"; "}
    [[ -n $missing ]] || return 0
    [[ $missing != '!'* ]] || fail "${missing#'!'}"
    ((SECONDS < end)) || fail "timed out after ${limit}s: $missing"
    [[ $missing == "$told" ]] || say "$(abbreviate "$missing")"
    told=$missing
    sleep "${LOOK_AGAIN:-1}"
  done
}

# exists RESOURCE NAME NAMESPACE: prints its name where it is there, and says so where it is not. What
# cannot be read must not pass for gone: it counts as there, and what is done with it then fails.
exists() {
  local found
  found=$(api get "$1" "$2" -n "$3" --ignore-not-found -o name) || found=$1/$2
  [[ -n $found ]] || say "$1/$2 in $3 is not there" >&2
  printf %s "$found"
}

# pods NAMESPACE SELECTOR: names of the pods that are there, terminating ones included.
pods() { api get pods -n "$1" -l "$2" -o 'jsonpath={.items[*].metadata.name}'; }

# still_there NAMESPACE SELECTOR: for wait_for. Owners vanish before their pods do.
still_there() {
  local names
  names=$(pods "$1" "$2")
  [[ -z $names ]] || printf %s "$PODS_REMAIN$names"
}

# record KEY=VALUE...: kept in the ConfigMap for restart, restore and people.
record() {
  local pair data=
  for pair in "$@"; do
    data+="${data:+,}\"${pair%%=*}\":\"$(quoted "${pair#*=}")\""
  done
  api patch configmap "$RECORD" -n "$NAMESPACE" --type merge -p "{\"data\":{$data}}" >/dev/null
}

recorded() { api get configmap "$RECORD" -n "$NAMESPACE" -o "jsonpath={.data.$1}"; }

# find_api: sets API and KAFKA, with which every custom resource of Strimzi is named. Strimzi 0.49 to
# 0.51 serves v1beta2 and v1 without conversion, and kubectl prefers v1: a write through v1 drops each
# field that v1 does not know, such as spec.kafka.resources and the clusters of a MirrorMaker 2. v1 has
# no field that v1beta2 lacks.
find_api() {
  local served version=v1
  served=$(api get --raw /apis/kafka.strimzi.io)
  [[ ! $served =~ \"version\":\ *\"v1beta2\" ]] || version=v1beta2
  export API=$version.kafka.strimzi.io
  export KAFKA=kafkas.$API
}

now() { printf '%(%Y-%m-%dT%H:%M:%SZ)T' -1; }

# later SECONDS: the time then, as now() spells it; such times sort as text.
later() { printf '%(%Y-%m-%dT%H:%M:%SZ)T' "$(($(printf '%(%s)T' -1) + $1))"; }

# A hot backup has no record, and asks for nothing of Strimzi.
if [[ -n $RECORD ]]; then
  doing='asking which API versions of Strimzi are served'
  UNCLAIMED=yes # a run that knows no more than this has no claim to the record
  find_api
  unset UNCLAIMED
fi
