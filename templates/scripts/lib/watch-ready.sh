# shellcheck shell=bash
# A watch of the pods of nodes, so that no kubectl runs each second while brokers start on the same processors.
READY_EVENTS='' # its file descriptor
READY_LOOKS=0 # further looks, a second apart: the status of a StrimziPodSet follows its pods
LOOK_SECONDS=10 # between two looks without an event

# watch_ready_pods: the watch prints NAME STATUS when the condition Ready of a pod changes
watch_ready_pods() {
  exec {READY_EVENTS}< <(exec kubectl get pods -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)" \
    --watch -o 'jsonpath={.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\n"}' 2>/dev/null)
  READY_WATCHER=$!
}

close_ready_watch() {
  [[ -n $READY_EVENTS ]] || return 0
  kill "$READY_WATCHER" 2>/dev/null || true
  exec {READY_EVENTS}<&-
  READY_EVENTS=
}

# until_pod_ready SECONDS: for NEXT_LOOK: until a pod has become Ready. Without the watch it sleeps.
until_pod_ready() {
  local line status end=$((SECONDS + LOOK_SECONDS))
  if [[ -z $READY_EVENTS ]] || ((READY_LOOKS > 0)); then
    READY_LOOKS=$((READY_LOOKS > 0 ? READY_LOOKS - 1 : 0))
    sleep "$1"
    return 0
  fi
  while ((SECONDS < end)); do
    status=0
    IFS= read -r -t 1 -u "$READY_EVENTS" line || status=$?
    if ((status > 128)); then # nothing within the second
      continue
    elif ((status > 0)); then
      close_ready_watch
      log 'the watch of the pods has ended: looking each second'
      sleep "$1"
      return 0
    elif [[ $line == *' True' ]]; then
      sleep "$1" # for others that become Ready at the same time
      while read -r -t 0.01 -u "$READY_EVENTS" line; do :; done
      READY_LOOKS=3
      return 0
    fi
  done
}
