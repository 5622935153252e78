# shellcheck shell=bash
# Brings back what was stopped, in the reverse order, and nothing else. It relies on what is kept on
# the objects themselves, so that it works when the record is gone, and after the Blueprint was
# rendered again with other choices.

# shellcheck disable=SC2034 # prelude.sh heeds it
RETRY_REFUSALS=yes
. ./prelude.sh
. ./pause.sh
. ./switch.sh
. ./replicas.sh
. ./nodes.sh
. ./retention.sh
. ./still-stopped.sh
. ./moment.sh
. ./changes.sh

# note KEY=VALUE...: no reason not to go on
note() { record "$@" || say "could not write to ConfigMap $RECORD: going on without it"; }

# restarting: for people
restarting() {
  note state=restarting "since=$(now)" "endedBy=$ended_by"
  [[ -z $first ]] || event Normal Restarting "started by $ended_by"
}

# confirm: a stop is for one snapshot, so of several post-hooks only the first one passes. None can tell
# whose stop it ends: the hooks of a run have no name in common. Pods have, and an answer may get lost.
confirm() {
  local seen
  seen=$(api get configmap "$RECORD" -n "$NAMESPACE" -o 'jsonpath={.metadata.resourceVersion}|{.data.confirmedBy}') || return 1
  confirmed=${seen#*|}
  [[ -z $confirmed ]] || return 0
  api patch configmap "$RECORD" -n "$NAMESPACE" --type merge -p "{\"metadata\":{\"resourceVersion\":\"${seen%%|*}\"},\"data\":{\"confirmedBy\":\"$HOSTNAME\"}}" >/dev/null
}

# mark KEY=VALUE|KEY-...: annotations of the Kafka, all in one write
mark() { api annotate "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --overwrite "$@" >/dev/null; }

# spoiled: prints by what it shows that somebody else has started brokers since the stop. Without an
# answer nobody can say that it stayed stopped.
spoiled() {
  local found
  found=$(not_as_left "$pause_owner") || found='whether it is still stopped cannot be read'
  printf %s "${found:-$seen_running}"
}

# bring_back: ends the phase
bring_back() {
  OWN_RUN=${OWN_RUN-} LEAVE_STOPPED=${LEAVE_STOPPED-} # only recoveries are given them
  unread='' early='' again='' other=''
  seen=$(api get configmap "$RECORD" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}|{.data.endedBy}|{.data.pauseOwner}|{.data.seenRunning}|{.data.specs}|{.data.kafkaVersion}|{.data.ids}|{.data.claims}') || unread=yes
  IFS='|' read -r state run ended_by pause_owner seen_running specs version ids claims < <(printf '%s\n' "$seen")
  if [[ -n $OWN_RUN && -z $unread && -n $run ]]; then # a recovery
    if [[ $run != "$OWN_RUN" ]]; then
      say 'this run has stopped nothing'
      exit 0
    elif [[ $state == stopped && -n $LEAVE_STOPPED ]]; then
      again=$(spoiled)
      if [[ -z $again ]]; then
        say "Kafka $CLUSTER was stopped as planned and stays stopped for the snapshot"
        exit 0
      fi
      early="Kafka $CLUSTER was brought back by somebody before the snapshot ($again): this is no backup"
    elif [[ $state != quiescing && $state != stopping && -n $LEAVE_STOPPED ]]; then
      early="Kafka $CLUSTER was brought back by ${ended_by:-somebody} before the snapshot: this is no backup"
    fi
  fi
  # Clients wait, so all is asked for at once.
  [[ $state != stopp* || -z $specs ]] || ask specs specs_line
  if [[ $state == stopped && -z $ended_by && ${0,,} == *restart ]]; then # before anything is started
    step 'looking whether the cluster is still stopped'
    [[ -z $ids ]] || ask ids ids_line
    [[ -z $claims ]] || ask claims claims_by_label
    again=$(spoiled)
    gone=
    if [[ -n $ids ]]; then
      answer ids || REPLY=unread
      while IFS= read -r -d ';' one; do
        [[ ";$ids;" == *";$one;"* ]] || other='its node ids'
      done < <(printf '%s;' "$REPLY")
      # A pool that was deleted meanwhile has taken its claims along.
      for one in ${POOLS//,/ }; do [[ ";$REPLY" == *";$one "* ]] || gone=yes; done
    fi
    if [[ -n $claims ]]; then
      answer claims || REPLY=unread
      [[ -n $gone || $(printf %s "$REPLY" | digest) == "$claims" ]] || other+="${other:+ and }its claims"
    fi
  fi
  if [[ $state == restoring && $0 != resume && $0 != *estore* ]]; then
    fail "Kafka $CLUSTER is being restored: what is half restored must not be started"
  fi

  # What would start on empty volumes, or never, is not started. The watchdog comes for it every now and
  # then, so that the remedy alone brings Kafka back.
  if [[ $state == stopp* && -n $specs ]]; then
    step 'looking what was changed since the stop'
    answer specs || fail 'what Kafka and its node pools ask for cannot be read, so nothing is started'
    refused=$(refusals "$specs" "$REPLY" "$version")
    # Where the operator is at work already, nobody is helped by a refusal.
    if [[ -n $refused && $(annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE") == [Tt][Rr][Uu][Ee] ]]; then
      [[ $0 == switch ]] || postpone 30
      fail "not started, because it was changed while it was stopped: ${refused%; }${SWITCH:+. Then the watchdog brings it back}"
    fi
  fi

  step "looking at what was stopped"
  paused_before=$(annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE_BEFORE")
  # Where every mark is lost, the cluster itself shows it: paused, and without any workload. Only if the
  # record is lost too, or a stop has armed the watchdog: else somebody else has parked this Kafka.
  all_gone=
  if [[ -z $paused_before && (-n $unread || $0 == switch) ]]; then
    there=$(present "$KAFKA_NODES")
    [[ -n $there ]] || all_gone=yes
  fi
  if [[ -n $paused_before$all_gone || $state == quiescing || $state == stopp* || $state == restarting ]]; then
    first=
    if [[ $state != restarting || -z $ended_by ]]; then
      ended_by=$0 first=yes # the first one counts
    fi
    restarting & # what people read must not delay what clients wait for
    telling=$!
    end=$((SECONDS + READY_LIMIT))
    longer=() # the watchdog is there if this one dies
    [[ $0 == switch || -z $SWITCH ]] || longer=("$RESTART_BY=$(later "$((READY_LIMIT + 60))")")
    if [[ $NODES == *StatefulSet* ]]; then # starting them may take long
      ((${#longer[@]} == 0)) || mark "${longer[@]}"
      if [[ -n $ZOOKEEPER ]]; then
        step "starting ZooKeeper ($ZOOKEEPER)"
        start_nodes "$ZOOKEEPER" "$((end - SECONDS))"
      fi
      step "starting the nodes of Kafka $CLUSTER ($KAFKA_NODES)"
      start_nodes "$KAFKA_NODES" "$((end - SECONDS))"
    fi
    # Somebody else's pause stays, where ours was not set yet or is undone already.
    if [[ -n $paused_before$all_gone || $state == stopp* ]]; then
      step "letting the operator start the nodes of Kafka $CLUSTER ($KAFKA_NODES)"
      longer+=("$PAUSE-")
    fi
    ((${#longer[@]} == 0)) || mark "${longer[@]}"
    wait "$telling" || true
    wait_for "$((end - SECONDS))" "${UNREADY:-unready}" "$KAFKA_NODES"
    [[ -z ${RESTORED-} ]] || restored "$((end - SECONDS))"
    restore_pause "$KAFKA" "$CLUSTER" "$NAMESPACE"
    say "every node of Kafka $CLUSTER serves"
    event Normal Restarted "every node serves again, started by $ended_by" &
    telling=$!
  else
    say "Kafka $CLUSTER was not stopped"
  fi

  # shellcheck disable=SC2154 # prelude.sh sets it
  for writer in "${writers[@]}"; do
    IFS=/ read -r resource home name kind _ < <(printf '%s\n' "$writer")
    resource=$resource.$API
    step "releasing $kind $home/$name"
    [[ -n $(exists "$resource" "$name" "$home") ]] || continue
    restore_replicas "$resource" "$name" "$home" "$(kept "$kind" "$home" "$name")"
    if [[ -n $unread && -n $unknown ]]; then # else it had none before
      say "$unknown has 0 replicas, and the record that would tell what it had is gone: scale it by hand"
      event Warning ReplicasUnknown "$unknown has 0 replicas, and nothing tells what it had: scale it by hand"
    fi
    restore_pause "$resource" "$name" "$home"
    note "replicas.$kind.$home.$name="
  done
  note state=running "since=$(now)"
  say "Kafka $CLUSTER runs and everything is as it was found"
  tell_held

  # shellcheck disable=SC2034 # prelude.sh tells it
  doing='looking whether what was snapshotted is a backup'
  # The stop may have gone well. What is snapshotted now, or was while somebody else had brought the
  # cluster back, must not pass for consistent.
  if [[ -n $early ]]; then
    problem=$early
  elif [[ -n $OWN_RUN && -n $unread ]]; then
    problem="ConfigMap $RECORD cannot be read, so the cluster was brought back: this is no backup"
  elif [[ ${0,,} == *restart && -n $unread && -z $paused_before ]]; then
    problem="ConfigMap $RECORD cannot be read, and Kafka $CLUSTER was not stopped any more: this may be no backup"
  elif [[ ${0,,} == *restart && -n $again ]]; then
    problem="Kafka $CLUSTER was brought back by somebody ($again): what was snapshotted is not consistent"
  elif [[ ${0,,} == *restart && -n $other ]]; then
    problem="$other are not those of the stop: what was snapshotted and what was kept are not of one moment"
  elif [[ ${0,,} == *restart && -n $ended_by && $ended_by != "$0" ]]; then
    problem="Kafka $CLUSTER had been brought back by $ended_by before: what was snapshotted is not consistent"
  fi
  disarm
  [[ -z ${telling-} ]] || wait "$telling" || true
  if [[ ${0,,} == *restart && -z $problem$unread && -n $run ]]; then
    confirmed=
    confirm || confirm || say "could not write to ConfigMap $RECORD: going on without it"
    [[ ${confirmed:-$HOSTNAME} == "$HOSTNAME" ]] ||
      problem="Kafka $CLUSTER had been brought back by another post-hook before, in pod $confirmed: what was snapshotted may not be consistent"
  fi
  [[ -z $problem ]] || exit 1
}
