# shellcheck shell=bash
# Exit codes of the containers of nodes. A killed broker loses data that is only in its page cache. The last
# state of a pod is in the watch event of its deletion, which polling may miss. So the pods are watched, and a
# list of pods verifies the end.

# Without `range`: with --watch, kubectl prints nothing for it after the first object. With --chunk-size=0: of more
# than 500 pods, kubectl prints a line for each part of the list, and none for its pods.
EXIT_ROW='{.type} {.object.metadata.name} {.object.metadata.deletionTimestamp}'
for field in exitCode reason; do
  EXIT_ROW+='|'
  for container in kafka zookeeper; do
    EXIT_ROW+="{.object.status.containerStatuses[?(@.name==\"$container\")].state.terminated.$field}"
  done
done
declare -A RUNNING_PODS=() WATCHED_PODS=() EXIT_CODES=()
PARTIAL_LINE=''

open_watch() {
  exec {EVENTS}< <(exec kubectl get pods -n "$NAMESPACE" -l "$SELECTOR" --watch --chunk-size=0 --output-watch-events -o "jsonpath=$EXIT_ROW{\"\\n\"}" 2>&1)
  WATCHER=$!
}

close_watch() {
  kill "$WATCHER" 2>/dev/null || true
  exec {EVENTS}<&-
}

# read_watch_event: reads one event, or fails after a second without one. It repeats a watch that has ended.
read_watch_event() {
  local line='' status=0
  IFS= read -r -t 1 -u "$EVENTS" line || status=$?
  line=$PARTIAL_LINE$line PARTIAL_LINE=
  if ((status > 128)); then # nothing more within the second
    PARTIAL_LINE=$line
    return 1
  elif ((status > 0)); then
    WATCH_ERROR=${line:-$WATCH_ERROR}
    close_watch
    sleep 1
    open_watch
    return 1
  elif [[ $line =~ ^([A-Z]+)\ ([^\ ]+)\ ([^\ |]*)\|([0-9]*)\|(.*)$ ]]; then
    # An exit code before the deletion is of a container that crashed and runs again.
    [[ -z ${BASH_REMATCH[4]} || -z ${BASH_REMATCH[3]} ]] || EXIT_CODES[${BASH_REMATCH[2]}]="${BASH_REMATCH[4]} ${BASH_REMATCH[5]}"
    WATCHED_PODS[${BASH_REMATCH[2]}]=yes RUNNING_PODS[${BASH_REMATCH[2]}]=yes
    [[ ${BASH_REMATCH[1]} != DELETED ]] || unset "RUNNING_PODS[${BASH_REMATCH[2]}]"
  else
    WATCH_ERROR=$line
  fi
}

# watch_exit_codes SELECTOR: returns when the watch has shown every pod. Delete them only after this.
watch_exit_codes() {
  local name names end=$((SECONDS + 60))
  SELECTOR=$1 WATCH_ERROR='' WATCHER='' RUNNING_PODS=() WATCHED_PODS=() EXIT_CODES=()
  names=$(list_pods "$NAMESPACE" "$SELECTOR")
  [[ -n $names ]] || return 0
  open_watch
  for name in $names; do
    until [[ -n ${WATCHED_PODS[$name]-} ]]; do
      read_watch_event || ((SECONDS < end)) || die "the pods of nodes cannot be watched, so their exit codes would be unknown: ${WATCH_ERROR:-$name is not shown}"
    done
  done
}

# wait_for_exits SECONDS: until all pods have ended
wait_for_exits() {
  local names previous='' empty_once='' end=$((SECONDS + $1))
  while true; do
    if [[ -n $WATCHER ]] && read_watch_event && ((${#RUNNING_PODS[@]} > 0 && SECONDS < end)); then continue; fi
    names=$(list_pods "$NAMESPACE" "$SELECTOR")
    if [[ -z $names ]]; then
      ((${#RUNNING_PODS[@]} > 0)) && [[ -z $empty_once ]] || break
      empty_once=yes # the last event may arrive later
      continue
    fi
    empty_once=''
    ((SECONDS < end)) || die "timed out after ${1}s: $PODS_REMAIN$names"
    [[ $names == "$previous" ]] || log "$(abbreviate "$PODS_REMAIN$names")"
    previous=$names
    [[ -n $WATCHER ]] || sleep 0.2
  done
  [[ -z $WATCHER ]] || close_watch
}

# check_exit_codes: Strimzi's scripts run the JVM under `tini -e 143`, which ends with 0 on SIGTERM.
check_exit_codes() {
  local name code reasons=
  for name in "${!WATCHED_PODS[@]}"; do
    code=${EXIT_CODES[$name]-}
    case $code in
      '0 '* | '143 '*) ;;
      '') reasons+="the exit code of $name is unknown; " ;;
      '137 '*) reasons+="$name was killed (exit code 137${code#137}); " ;;
      *) reasons+="$name ended with exit code ${code% }; " ;;
    esac
  done
  [[ -n $reasons ]] || return 0
  reasons=$(json_safe "${reasons%; }")
  UNCLEAN_REASONS+=${UNCLEAN_REASONS:+; }$reasons
  set_state "unclean=$UNCLEAN_REASONS"
  create_event Warning UncleanStop "$reasons"
  [[ $UNCLEAN_STOP == warn ]] || die "$reasons: records that it acknowledged and did not flush may be missing on its volume. Increase terminationGracePeriodSeconds of its pods, or render with --unclean-stop warn"
  log "NOT CLEAN: $reasons"
}
