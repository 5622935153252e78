# shellcheck shell=bash
# Brings back what was stopped, in the reverse order, and nothing else. It relies on what is kept on
# the objects themselves, so that it works when the record is gone, and after the Blueprint was
# rendered again with other choices.

# shellcheck disable=SC2034 # common.sh heeds it
RETRY_REFUSALS=yes
. ./common.sh
. ./pause-reconciliation.sh
. ./watchdog.sh
. ./scale.sh
. ./kafka-pods.sh
. ./report-retention.sh
. ./verify-stopped.sh
. ./cluster-fingerprint.sh
. ./spec-changes.sh

# note KEY=VALUE...: no reason not to go on
set_state_best_effort() { set_state "$@" || log "could not write to ConfigMap $STATE_CONFIGMAP: going on without it"; }

# restarting: for people
report_restart() {
  set_state_best_effort state=restarting "since=$(now)" "endedBy=$ended_by"
  [[ -z $is_first ]] || create_event Normal Restarting "started by $ended_by"
}

# confirm: a stop is for one snapshot, so of several post-hooks only the first one passes. None can tell
# whose stop it ends: the hooks of a run have no name in common. Pods have, and an answer may get lost.
claim_post_hook() {
  local fields
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.metadata.resourceVersion}|{.data.confirmedBy}') || return 1
  confirmed_by=${fields#*|}
  [[ -z $confirmed_by ]] || return 0
  kubectl_retry patch configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" --type merge -p "{\"metadata\":{\"resourceVersion\":\"${fields%%|*}\"},\"data\":{\"confirmedBy\":\"$HOSTNAME\"}}" >/dev/null
}

# mark KEY=VALUE|KEY-...: annotations of the Kafka, all in one write
annotate_kafka() { kubectl_retry annotate "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --overwrite "$@" >/dev/null; }

# spoiled: prints by what it shows that somebody else has started brokers since the stop. Without an
# answer nobody can say that it stayed stopped.
unexpected_restart_reason() {
  local reason
  reason=$(changes_since_stop "$pause_owner") || reason='whether it is still stopped cannot be read'
  printf %s "${reason:-$seen_running}"
}

# bring_back: ends the phase
restart_kafka() {
  RECOVER_RUN_ID=${RECOVER_RUN_ID-} LEAVE_STOPPED=${LEAVE_STOPPED-} # only recoveries are given them
  state_unreadable='' early_restart='' unexpected_restart='' changed_parts=''
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}|{.data.endedBy}|{.data.pauseOwner}|{.data.seenRunning}|{.data.specs}|{.data.kafkaVersion}|{.data.ids}|{.data.claims}') || state_unreadable=yes
  IFS='|' read -r state run ended_by pause_owner seen_running specs version ids claims < <(printf '%s\n' "$fields")
  if [[ -n $RECOVER_RUN_ID && -z $state_unreadable && -n $run ]]; then # a recovery
    if [[ $run != "$RECOVER_RUN_ID" ]]; then
      log 'this run has stopped nothing'
      exit 0
    elif [[ $state == stopped && -n $LEAVE_STOPPED ]]; then
      unexpected_restart=$(unexpected_restart_reason)
      if [[ -z $unexpected_restart ]]; then
        log "Kafka $CLUSTER was stopped as planned and stays stopped for the snapshot"
        exit 0
      fi
      early_restart="Kafka $CLUSTER was brought back by somebody before the snapshot ($unexpected_restart): this is no backup"
    elif [[ $state != quiescing && $state != stopping && -n $LEAVE_STOPPED ]]; then
      early_restart="Kafka $CLUSTER was brought back by ${ended_by:-somebody} before the snapshot: this is no backup"
    fi
  fi
  # Clients wait, so all is asked for at once.
  [[ $state != stopp* || -z $specs ]] || start_query specs specs_line
  if [[ $state == stopped && -z $ended_by && ${0,,} == *restart ]]; then # before anything is started
    begin_step 'looking whether the cluster is still stopped'
    [[ -z $ids ]] || start_query ids ids_line
    [[ -z $claims ]] || start_query claims claims_by_label
    unexpected_restart=$(unexpected_restart_reason)
    deleted_pool=
    if [[ -n $ids ]]; then
      read_query ids || REPLY=unreadable
      while IFS= read -r -d ';' entry; do
        [[ ";$ids;" == *";$entry;"* ]] || changed_parts='its node ids'
      done < <(printf '%s;' "$REPLY")
      # A pool that was deleted meanwhile has taken its claims along.
      for entry in ${POOLS//,/ }; do [[ ";$REPLY" == *";$entry "* ]] || deleted_pool=yes; done
    fi
    if [[ -n $claims ]]; then
      read_query claims || REPLY=unreadable
      [[ -n $deleted_pool || $(printf %s "$REPLY" | digest) == "$claims" ]] || changed_parts+="${changed_parts:+ and }its claims"
    fi
  fi
  if [[ $state == restoring && $0 != resume && $0 != *estore* ]]; then
    die "Kafka $CLUSTER is being restored: what is half restored must not be started"
  fi

  # What would start on empty volumes, or never, is not started. The watchdog comes for it every now and
  # then, so that the remedy alone brings Kafka back.
  if [[ $state == stopp* && -n $specs ]]; then
    begin_step 'looking what was changed since the stop'
    read_query specs || die 'what Kafka and its node pools ask for cannot be read, so nothing is started'
    refusals=$(spec_refusals "$specs" "$REPLY" "$version")
    # Where the operator is at work already, nobody is helped by a refusal.
    if [[ -n $refusals && $(get_annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE") == [Tt][Rr][Uu][Ee] ]]; then
      [[ $0 == switch ]] || set_restart_deadline 30
      die "not started, because it was changed while it was stopped: ${refusals%; }${WATCHDOG:+. Then the watchdog brings it back}"
    fi
  fi

  begin_step "looking at what was stopped"
  previous_pause=$(get_annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE_BEFORE")
  # Where every mark is lost, the cluster itself shows it: paused, and without any workload. Only if the
  # record is lost too, or a stop has armed the watchdog: else somebody else has parked this Kafka.
  marks_lost=
  if [[ -z $previous_pause && (-n $state_unreadable || $0 == switch) ]]; then
    workloads=$(existing_workloads "$KAFKA_NODES")
    [[ -n $workloads ]] || marks_lost=yes
  fi
  if [[ -n $previous_pause$marks_lost || $state == quiescing || $state == stopp* || $state == restarting ]]; then
    is_first=
    if [[ $state != restarting || -z $ended_by ]]; then
      ended_by=$0 is_first=yes # the first one counts
    fi
    report_restart & # what people read must not delay what clients wait for
    event_job=$!
    end=$((SECONDS + READY_TIMEOUT))
    annotations=() # the watchdog is there if this one dies
    [[ $0 == switch || -z $WATCHDOG ]] || annotations=("$RESTART_BY=$(time_after "$((READY_TIMEOUT + 60))")")
    if [[ $NODE_KINDS == *StatefulSet* ]]; then # starting them may take long
      ((${#annotations[@]} == 0)) || annotate_kafka "${annotations[@]}"
      if [[ -n $ZOOKEEPER ]]; then
        begin_step "starting ZooKeeper ($ZOOKEEPER)"
        start_nodes "$ZOOKEEPER" "$((end - SECONDS))"
      fi
      begin_step "starting the nodes of Kafka $CLUSTER ($KAFKA_NODES)"
      start_nodes "$KAFKA_NODES" "$((end - SECONDS))"
    fi
    # Somebody else's pause stays, where ours was not set yet or is undone already.
    if [[ -n $previous_pause$marks_lost || $state == stopp* ]]; then
      begin_step "letting the operator start the nodes of Kafka $CLUSTER ($KAFKA_NODES)"
      annotations+=("$PAUSE-")
    fi
    ((${#annotations[@]} == 0)) || annotate_kafka "${annotations[@]}"
    wait "$event_job" || true
    wait_until_empty "$((end - SECONDS))" "${NOT_READY_CHECK:-not_ready_workloads}" "$KAFKA_NODES"
    [[ -z ${AFTER_RESTORE-} ]] || wait_restored "$((end - SECONDS))"
    restore_pause "$KAFKA" "$CLUSTER" "$NAMESPACE"
    log "every node of Kafka $CLUSTER serves"
    create_event Normal Restarted "every node serves again, started by $ended_by" &
    event_job=$!
  else
    log "Kafka $CLUSTER was not stopped"
  fi

  # shellcheck disable=SC2154 # common.sh sets it
  for client in "${clients[@]}"; do
    IFS=/ read -r resource namespace name kind _ < <(printf '%s\n' "$client")
    resource=$resource.$API
    begin_step "releasing $kind $namespace/$name"
    [[ -n $(find_object "$resource" "$name" "$namespace") ]] || continue
    restore_replicas "$resource" "$name" "$namespace" "$(saved_replicas "$kind" "$namespace" "$name")"
    if [[ -n $state_unreadable && -n $unknown_replicas ]]; then # else it had none before
      log "$unknown_replicas has 0 replicas, and the record that would tell what it had is gone: scale it by hand"
      create_event Warning ReplicasUnknown "$unknown_replicas has 0 replicas, and nothing tells what it had: scale it by hand"
    fi
    restore_pause "$resource" "$name" "$namespace"
    set_state_best_effort "replicas.$kind.$namespace.$name="
  done
  set_state_best_effort state=running "since=$(now)"
  log "Kafka $CLUSTER runs and everything is as it was found"
  report_retention_hold

  # shellcheck disable=SC2034 # common.sh tells it
  current_step='looking whether what was snapshotted is a backup'
  # The stop may have gone well. What is snapshotted now, or was while somebody else had brought the
  # cluster back, must not pass for consistent.
  if [[ -n $early_restart ]]; then
    error_message=$early_restart
  elif [[ -n $RECOVER_RUN_ID && -n $state_unreadable ]]; then
    error_message="ConfigMap $STATE_CONFIGMAP cannot be read, so the cluster was brought back: this is no backup"
  elif [[ ${0,,} == *restart && -n $state_unreadable && -z $previous_pause ]]; then
    error_message="ConfigMap $STATE_CONFIGMAP cannot be read, and Kafka $CLUSTER was not stopped any more: this may be no backup"
  elif [[ ${0,,} == *restart && -n $unexpected_restart ]]; then
    error_message="Kafka $CLUSTER was brought back by somebody ($unexpected_restart): what was snapshotted is not consistent"
  elif [[ ${0,,} == *restart && -n $changed_parts ]]; then
    error_message="$changed_parts are not those of the stop: what was snapshotted and what was kept are not of one moment"
  elif [[ ${0,,} == *restart && -n $ended_by && $ended_by != "$0" ]]; then
    error_message="Kafka $CLUSTER had been brought back by $ended_by before: what was snapshotted is not consistent"
  fi
  disable_watchdog
  [[ -z ${event_job-} ]] || wait "$event_job" || true
  if [[ ${0,,} == *restart && -z $error_message$state_unreadable && -n $run ]]; then
    confirmed_by=
    claim_post_hook || claim_post_hook || log "could not write to ConfigMap $STATE_CONFIGMAP: going on without it"
    [[ ${confirmed_by:-$HOSTNAME} == "$HOSTNAME" ]] ||
      error_message="Kafka $CLUSTER had been brought back by another post-hook before, in pod $confirmed_by: what was snapshotted may not be consistent"
  fi
  [[ -z $error_message ]] || exit 1
}
