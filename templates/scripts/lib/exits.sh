# shellcheck shell=bash
# How the containers of nodes end. A broker that is killed loses what is in its page cache alone, and a
# pod that is gone tells nothing: its last state is in the event of its deletion, which looking again
# and again may miss. So its pods are watched, and the list of pods has the last word.

# No range: under --watch, kubectl prints nothing for it after the first object.
EXIT_ROW='{.type} {.object.metadata.name} {.object.metadata.deletionTimestamp}'
for field in exitCode reason; do
  EXIT_ROW+='|'
  for container in kafka zookeeper; do
    EXIT_ROW+="{.object.status.containerStatuses[?(@.name==\"$container\")].state.terminated.$field}"
  done
done
declare -A THERE=() SHOWN=() EXITS=()
PARTIAL=''

open_watch() {
  exec {EVENTS}< <(exec kubectl get pods -n "$NAMESPACE" -l "$SELECTOR" --watch --output-watch-events -o "jsonpath=$EXIT_ROW{\"\\n\"}" 2>&1)
  WATCHER=$!
}

close_watch() {
  kill "$WATCHER" 2>/dev/null || true
  exec {EVENTS}<&-
}

# next_event: takes one, or fails after a second without any. A watch that has ended is begun again.
next_event() {
  local line='' status=0
  IFS= read -r -t 1 -u "$EVENTS" line || status=$?
  line=$PARTIAL$line PARTIAL=
  if ((status > 128)); then # nothing more within the second
    PARTIAL=$line
    return 1
  elif ((status > 0)); then
    TROUBLE=${line:-$TROUBLE}
    close_watch
    sleep 1
    open_watch
    return 1
  elif [[ $line =~ ^([A-Z]+)\ ([^\ ]+)\ ([^\ |]*)\|([0-9]*)\|(.*)$ ]]; then
    # A code before the deletion is of a container that crashed and runs again.
    [[ -z ${BASH_REMATCH[4]} || -z ${BASH_REMATCH[3]} ]] || EXITS[${BASH_REMATCH[2]}]="${BASH_REMATCH[4]} ${BASH_REMATCH[5]}"
    SHOWN[${BASH_REMATCH[2]}]=yes THERE[${BASH_REMATCH[2]}]=yes
    [[ ${BASH_REMATCH[1]} != DELETED ]] || unset "THERE[${BASH_REMATCH[2]}]"
  else
    TROUBLE=$line
  fi
}

# watch_exits SELECTOR: until every pod has been seen. Only then may they be deleted.
watch_exits() {
  local name names end=$((SECONDS + 60))
  SELECTOR=$1 TROUBLE='' WATCHER='' THERE=() SHOWN=() EXITS=()
  names=$(pods "$NAMESPACE" "$SELECTOR")
  [[ -n $names ]] || return 0
  open_watch
  for name in $names; do
    until [[ -n ${SHOWN[$name]-} ]]; do
      next_event || ((SECONDS < end)) || fail "the pods of nodes cannot be watched, so nobody would see how they end: ${TROUBLE:-$name is not shown}"
    done
  done
}

# await_exits SECONDS: until no pod is left
await_exits() {
  local names told='' silent='' end=$((SECONDS + $1))
  while true; do
    if [[ -n $WATCHER ]] && next_event && ((${#THERE[@]} > 0 && SECONDS < end)); then continue; fi
    names=$(pods "$NAMESPACE" "$SELECTOR")
    if [[ -z $names ]]; then
      ((${#THERE[@]} > 0)) && [[ -z $silent ]] || break
      silent=yes # the last event may be on its way
      continue
    fi
    silent=''
    ((SECONDS < end)) || fail "timed out after ${1}s: $PODS_REMAIN$names"
    [[ $names == "$told" ]] || say "$(abbreviate "$PODS_REMAIN$names")"
    told=$names
    [[ -n $WATCHER ]] || sleep 0.2
  done
  [[ -z $WATCHER ]] || close_watch
}

# judge_exits: Strimzi's scripts run the JVM below `tini -e 143`, which calls the end by SIGTERM 0.
judge_exits() {
  local name seen found=
  for name in "${!SHOWN[@]}"; do
    seen=${EXITS[$name]-}
    case $seen in
      '0 '* | '143 '*) ;;
      '') found+="nobody saw how $name ended; " ;;
      '137 '*) found+="$name was killed (exit code 137${seen#137}); " ;;
      *) found+="$name ended with exit code ${seen% }; " ;;
    esac
  done
  [[ -n $found ]] || return 0
  found=$(plain "${found%; }")
  UNCLEAN+=${UNCLEAN:+; }$found
  record "unclean=$UNCLEAN"
  event Warning UncleanStop "$found"
  [[ $UNCLEAN_STOP == warn ]] || fail "$found: what it had acknowledged and not flushed may be missing from its volume. Give its pods a longer terminationGracePeriodSeconds, or render with --unclean-stop warn"
  say "NOT CLEAN: $found"
}
