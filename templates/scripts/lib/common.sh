# shellcheck shell=bash
# Functions for every phase. $0 is the name of the phase, and its values are in the environment. The current
# directory contains all scripts.
set -euo pipefail
shopt -s inherit_errexit
export TZ=UTC0
current_step=starting error_message=
# PLURAL/NAMESPACE/NAME/KIND/WORKLOAD of each client
# shellcheck disable=SC2034,SC2153
IFS=' ' read -ra clients < <(printf '%s\n' "${CLIENTS-}")
# The last line has the whole reason, because Kanister shows the end of the log of a failed phase.
trap 'status=$?; ((status == 0)) || on_exit_error' EXIT
# Without it, bash calls the trap above with status 0, and the failure would not be stored.
trap 'error_message="its pod was ended"; exit 143' TERM

log() { printf '%(%H:%M:%S)T %s: %s\n' -1 "$0" "$*"; }

# on_exit_error: prints the reason, and stores it for the recovery that follows: if the recovery fails too,
# Kanister only shows its error.
on_exit_error() {
  local reason="$0: FAILED while $current_step: ${error_message:-see the line above}"
  reason=${reason:0:4000} # it may name thousands of objects, and an argument of a program has a limit
  create_event Warning "${0^}Failed" "${reason#"$0: "}"
  if [[ -n ${LOCK_NOT_ACQUIRED-} ]]; then
    : # the state ConfigMap belongs to another run
  elif [[ -n $STATE_CONFIGMAP && ${0,,} != *recover ]]; then
    store_failure "$(now) $(json_safe "$reason")" || true
  elif [[ -n $STATE_CONFIGMAP ]]; then
    reason+="; it ran because of $(get_state failure || true)"
  fi
  log "${reason#"$0: "}" >&2
}

# store_failure TEXT: in the state ConfigMap, if its last run is that of this phase. The watchdog starts what a failed
# run has stopped, so the failure must not reach the lock of a run that has begun meanwhile.
store_failure() {
  local fields
  for _ in 1 2 3; do # the ConfigMap may change between both requests
    fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.metadata.resourceVersion}|{.data.run}') || return 1
    [[ ${fields#*|} == "${RUN_ID:-${run-}}" ]] || return 0 # a restart reads `run`
    ! patch_state "${fields%%|*}" "failure=$1" || return 0
  done
  return 1
}

# json_safe TEXT: without characters that have a meaning in JSON
json_safe() { printf %s "${1//[^A-Za-z0-9 .,:;()\/_=-]/ }"; }

# json_escape TEXT: as the content of a JSON string
json_escape() {
  local text=${1//[[:cntrl:]]/ }
  text=${text//\\/\\\\}
  printf %s "${text//\"/\\\"}"
}

# create_event TYPE REASON TEXT: on the Kafka resource. kubectl describe finds events by the uid. A step does
# not fail if its event cannot be created.
create_event() {
  local kafka_fields stamp
  [[ -n $STATE_CONFIGMAP && -n ${KAFKA-} ]] || return 0
  stamp=$(now)
  kafka_fields=$(timeout 10 kubectl get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.apiVersion}|{.metadata.uid}' 2>/dev/null) || return 0
  # No here-document: bash before 5.1 writes it to a file, and the root file system is read-only.
  printf '{"apiVersion": "v1", "kind": "Event", "metadata": {"generateName": "%s.", "namespace": "%s"},
    "involvedObject": {"apiVersion": "%s", "kind": "Kafka", "name": "%s", "namespace": "%s", "uid": "%s"},
    "type": "%s", "reason": "%s", "message": "%s", "source": {"component": "kanister-kafka"},
    "count": 1, "firstTimestamp": "%s", "lastTimestamp": "%s"}\n' \
    "$CLUSTER" "$NAMESPACE" "${kafka_fields%%|*}" "$CLUSTER" "$NAMESPACE" "${kafka_fields#*|}" "$1" "$2" "$(json_safe "$3")" "$stamp" "$stamp" |
    timeout 10 kubectl create -f - >/dev/null 2>&1 || log 'the event could not be created'
}

# begin_step TEXT: logs the next step, which a failure names
begin_step() {
  current_step=$*
  log "$current_step"
}

die() {
  error_message=$*
  # A subshell cannot set a variable of its parent, so it prints the reason.
  ((BASH_SUBSHELL == 0)) || printf '%s\n' "$error_message" >&2
  exit 1
}

# kubectl_retry WORDS...: kubectl, repeated for a minute, because an API server may be unavailable for a moment.
# A refusal is final, unless RETRY_REFUSALS is set: phases that restart Kafka repeat it too, because a starting
# API server, an authentication webhook or a CRD that is replaced may refuse a request for some seconds. It does
# not use --request-timeout, with which kubectl does not find the configuration inside a pod. It sets the field
# manager, because Flux takes the name kubectl for an edit by hand and ends the pause at its next reconciliation.
# It prints nothing of a failed attempt: kubectl prints what it has read before a failure, such as the first of two
# objects, and the next attempt prints it again.
kubectl_retry() {
  local answer output end=$((SECONDS + ${RETRY_TIMEOUT:-60}))
  [[ $1 != annotate && $1 != patch ]] || set -- "$@" --field-manager=kanister-kafka
  while true; do
    {
      answer=$({ output=$(timeout 20 kubectl "$@" && printf .) && printf %s "${output%.}" >&3; } 2>&1) && return 0
    } 3>&1
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

# wait_until_empty SECONDS COMMAND...: until COMMAND prints nothing. Its output names what is missing. It looks again
# after POLL_INTERVAL seconds, or one, or when the function in NEXT_LOOK ends. Output that begins with an exclamation
# mark ends the wait as a failure.
wait_until_empty() {
  local limit=$1 end=$((SECONDS + $1)) missing previous=
  shift
  while true; do
    missing=$("$@")
    missing=${missing%"; "}
    [[ -n $missing ]] || return 0
    [[ $missing != '!'* ]] || die "${missing#'!'}"
    ((SECONDS < end)) || die "timed out after ${limit}s: $missing"
    [[ $missing == "$previous" ]] || log "$(abbreviate "$missing")"
    previous=$missing
    "${NEXT_LOOK:-sleep}" "${POLL_INTERVAL:-1}"
  done
}

# find_object RESOURCE NAME NAMESPACE: prints its name if it exists, and logs if it does not. An object that
# cannot be read counts as existing, and the next command on it fails.
find_object() {
  local object
  object=$(kubectl_retry get "$1" "$2" -n "$3" --ignore-not-found -o name) || object=$1/$2
  [[ -n $object ]] || log "$1/$2 in $3 does not exist" >&2
  printf %s "$object"
}

# Clients have ended pods that are never deleted, for example of a build or after an eviction. They do not write.
# shellcheck disable=SC2034 # scripts that wait for clients read it
NOT_ENDED=status.phase!=Succeeded,status.phase!=Failed

# list_pods NAMESPACE SELECTOR [FIELD SELECTOR]: names of pods, including those that terminate
list_pods() { kubectl_retry get pods -n "$1" -l "$2" ${3:+"--field-selector=$3"} -o 'jsonpath={.items[*].metadata.name}'; }

# remaining_pods NAMESPACE SELECTOR [FIELD SELECTOR]: for wait_until_empty. Pods exist longer than their owners.
remaining_pods() {
  local names
  names=$(list_pods "$@")
  [[ -z $names ]] || printf %s "$PODS_REMAIN$names"
}

# patch_state VERSION KEY=VALUE...: in the state ConfigMap. The API server refuses it if the ConfigMap has another
# resourceVersion than VERSION, if this is not empty.
patch_state() {
  local pair data='' metadata=''
  [[ -z $1 ]] || metadata="\"metadata\":{\"resourceVersion\":\"$1\"},"
  for pair in "${@:2}"; do
    data+="${data:+,}\"${pair%%=*}\":\"$(json_escape "${pair#*=}")\""
  done
  kubectl_retry patch configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" --type merge -p "{$metadata\"data\":{$data}}" >/dev/null
}

# set_state KEY=VALUE...: in the state ConfigMap
set_state() { patch_state '' "$@"; }

get_state() { kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o "jsonpath={.data.$1}"; }

# announce_pod STATE: fails as assert_own_run does. The watchdog starts what this run has stopped if the pod is gone and no
# later phase has begun.
announce_pod() {
  if [[ -n $WATCHDOG ]]; then set_own_state "$1" "$1" "pod=$POD_NAME"; else assert_own_run "$1"; fi
}

# find_api: sets API and KAFKA, with which every custom resource of Strimzi is named. Strimzi 0.49 to
# 0.51 serves v1beta2 and v1 without conversion, and kubectl prefers v1: a write through v1 drops each
# field that v1 does not know, such as spec.kafka.resources and the clusters of a MirrorMaker 2. v1 has
# no field that v1beta2 lacks.
find_api() {
  local served version=v1
  served=$(kubectl_retry get --raw /apis/kafka.strimzi.io)
  [[ ! $served =~ \"version\":\ *\"v1beta2\" ]] || version=v1beta2
  export API=$version.kafka.strimzi.io
  export KAFKA=kafkas.$API
}

STATE_VERSION=
# The values may be damaged, so the resourceVersion comes first.
OWN_RUN_FIELDS='{.metadata.resourceVersion}|{.data.state}|{.data.run}'

# assert_own_run STATE [STATE]: fails if another run or the watchdog has changed the state since, for example after a
# timeout of Kasten. Sets STATE_VERSION to the resourceVersion of the state ConfigMap.
assert_own_run() {
  local fields state owner
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o "jsonpath=$OWN_RUN_FIELDS")
  IFS='|' read -r STATE_VERSION state owner < <(printf '%s\n' "$fields")
  [[ $owner != "${RUN_ID-}" || ($state != "$1" && $state != "${2-$1}") ]] || return 0
  # It belongs to another run, or to another pod of this one: only the pod of a stop expects `stopping`.
  [[ $owner == "${RUN_ID-}" && $state != stopping ]] || LOCK_NOT_ACQUIRED=yes
  die "ConfigMap $STATE_CONFIGMAP has state $state, not $1 by this run: another run has changed it"
}

# set_own_state FROM TO KEY=VALUE...: writes state TO if it is FROM of this run. It fails as assert_own_run does, also if
# another actor writes meanwhile.
set_own_state() {
  local pairs=("${@:3}")
  [[ $1 == "$2" ]] || pairs=("state=$2" "${pairs[@]}")
  for _ in 1 2 3; do
    assert_own_run "$1" "$2" # it may be TO already if an answer was lost
    ! patch_state "$STATE_VERSION" "${pairs[@]}" || return 0
  done
  die "ConfigMap $STATE_CONFIGMAP could not be written"
}

now() { printf '%(%Y-%m-%dT%H:%M:%SZ)T' -1; }

# time_after SECONDS: the time in SECONDS, in the format of now(). These times sort as text.
time_after() { printf '%(%Y-%m-%dT%H:%M:%SZ)T' "$(($(printf '%(%s)T' -1) + $1))"; }

# A hot backup has no state ConfigMap, and does not read resources of Strimzi.
if [[ -n $STATE_CONFIGMAP ]]; then
  current_step='reading the API versions of Strimzi'
  LOCK_NOT_ACQUIRED=yes # this run must not write the state of another one
  find_api
  unset LOCK_NOT_ACQUIRED
fi
