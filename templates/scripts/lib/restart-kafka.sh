# shellcheck shell=bash
# Starts everything that was stopped, in the reverse order, and nothing else. It reads annotations on the objects
# themselves, so that it also works without the state ConfigMap, and after the Blueprint was rendered with other
# options.

# shellcheck disable=SC2034 # common.sh reads it
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
. ./watch-ready.sh

# set_state_best_effort KEY=VALUE...: goes on if it fails
set_state_best_effort() { set_state "$@" || log "could not write to ConfigMap $STATE_CONFIGMAP: going on without it"; }

# report_restart: in the state ConfigMap and as an event
report_restart() {
  set_state_best_effort state=restarting "since=$(now)" "endedBy=$ended_by"
  [[ -z $is_first || $state == online ]] || create_event Normal Restarting "started by $ended_by"
}

# claim_post_hook: a stop is for one snapshot, so only the first of several post-hooks succeeds. The hooks of a run
# do not share an id, so the pod of the hook is stored. It may be this pod if an answer was lost.
claim_post_hook() {
  local fields
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.metadata.resourceVersion}|{.data.confirmedBy}') || return 1
  confirmed_by=${fields#*|}
  [[ -z $confirmed_by ]] || return 0
  patch_state "${fields%%|*}" "confirmedBy=$HOSTNAME"
}

# annotate_kafka KEY=VALUE|KEY-...: all in one write
annotate_kafka() { kubectl_retry annotate "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --overwrite "$@" >/dev/null; }

# unexpected_restart_reason: prints the evidence that another actor has started brokers since the stop. If the
# cluster cannot be read, it is not proven that it stayed stopped.
unexpected_restart_reason() {
  local reason
  if [[ $state == online ]]; then
    reason=$(changes_since_pause "$pause_owner") || reason='whether it is still paused cannot be read'
  else
    reason=$(changes_since_stop "$pause_owner") || reason='whether it is still stopped cannot be read'
  fi
  printf %s "${reason:-$seen_running}"
}

# find_new_run: sets NEW_RUN to the reason if a restore or another run has begun during this restart. Then its pause, its
# clients and its state must stay. Sets STATE_VERSION to the resourceVersion of the state ConfigMap.
find_new_run() {
  local fields present_state present_run
  NEW_RUN=''
  STATE_VERSION=''
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o "jsonpath=$OWN_RUN_FIELDS") || return 0
  IFS='|' read -r STATE_VERSION present_state present_run < <(printf '%s\n' "$fields")
  if [[ $0 == *estore* || $state == restoring ]]; then
    return 0
  elif [[ $present_state == restoring ]]; then
    NEW_RUN="a restore of Kafka $CLUSTER has begun meanwhile"
  elif [[ -n $run && $present_run != "$run" && $present_state =~ ^(quiescing|stopping|stopped|online)$ ]]; then
    NEW_RUN="the run $present_run has begun meanwhile to stop Kafka $CLUSTER"
  fi
}

# assert_no_new_run: ends the phase
assert_no_new_run() {
  find_new_run
  [[ -n $NEW_RUN ]] || return 0
  LOCK_NOT_ACQUIRED=yes # the state ConfigMap belongs to the other run
  [[ -z $RECOVER_RUN_ID || -n $was_stopped || -n $early_restart ]] || {
    log "$NEW_RUN, and this run has ended before"
    exit 0
  }
  die "$NEW_RUN"
}

# store_running: goes on if it fails
store_running() {
  for _ in 1 2; do
    assert_no_new_run
    ! patch_state "$STATE_VERSION" state=running "since=$(now)" || return 0
  done
  log "could not write to ConfigMap $STATE_CONFIGMAP: going on without it"
}

# release_clients: starts all clients again
release_clients() {
  # shellcheck disable=SC2154 # common.sh sets it
  for client in "${clients[@]}"; do
    IFS=/ read -r resource namespace name kind _ < <(printf '%s\n' "$client")
    resource=$resource.$API
    begin_step "releasing $kind $namespace/$name"
    [[ -n $(find_object "$resource" "$name" "$namespace") ]] || continue
    assert_no_new_run
    restore_replicas "$resource" "$name" "$namespace" "$kind"
    if [[ -n $state_unreadable && -n $unknown_replicas ]]; then # otherwise it had 0 before
      log "$unknown_replicas has 0 replicas, and the state ConfigMap with its previous count is lost: scale it by hand"
      create_event Warning ReplicasUnknown "$unknown_replicas has 0 replicas, and its previous count is unknown: scale it by hand"
    fi
    restore_pause "$resource" "$name" "$namespace"
    set_state_best_effort "replicas.$kind.$namespace.$name="
  done
}

# restart_kafka: the last command of a phase
restart_kafka() {
  RECOVER_RUN_ID=${RECOVER_RUN_ID-} LEAVE_STOPPED=${LEAVE_STOPPED-} # only recoveries have them
  state_unreadable='' early_restart='' unexpected_restart='' changed_parts='' was_stopped=''
  released=
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}|{.data.endedBy}|{.data.pauseOwner}|{.data.seenRunning}|{.data.specs}|{.data.kafkaVersion}|{.data.ids}|{.data.claims}') || state_unreadable=yes
  IFS='|' read -r state run ended_by pause_owner seen_running specs version ids claims < <(printf '%s\n' "$fields")
  # Brokers that were never stopped need not be waited for. The state decides, as another Blueprint may have stopped them.
  clients_first=
  [[ -z ${ONLINE-} || $0 == *estore* || ! $state =~ ^(online|quiescing)$ ]] || clients_first=yes
  if [[ -n $RECOVER_RUN_ID && -z $state_unreadable && -n $run ]]; then # a recovery
    if [[ $run != "$RECOVER_RUN_ID" ]]; then
      log 'this run did not stop anything'
      exit 0
    elif [[ $state =~ ^(stopped|online)$ && -n $LEAVE_STOPPED ]]; then
      unexpected_restart=$(unexpected_restart_reason)
      if [[ -z $unexpected_restart ]]; then
        if [[ $state == online ]]; then
          log "the clients of Kafka $CLUSTER were stopped as planned and stay stopped for the snapshot"
        else
          log "Kafka $CLUSTER was stopped as planned and stays stopped for the snapshot"
        fi
        exit 0
      fi
      early_restart="Kafka $CLUSTER was brought back by another actor before the snapshot ($unexpected_restart): this is not a backup"
    elif [[ $state != quiescing && $state != stopping && -n $LEAVE_STOPPED ]]; then
      early_restart="Kafka $CLUSTER was brought back by ${ended_by:-another actor} before the snapshot: this is not a backup"
    fi
  fi
  # Clients wait, so all queries run at the same time.
  [[ $state != stopp* || -z $specs ]] || start_query specs specs_line
  if [[ $state =~ ^(stopped|online)$ && -z $ended_by && ${0,,} == *restart ]]; then # before anything is started
    begin_step "verifying that the cluster is still ${state/online/paused}"
    [[ -z $ids ]] || start_query ids ids_line
    [[ -z $claims ]] || start_query claims claims_by_label
    unexpected_restart=$(unexpected_restart_reason)
    deleted_pool=
    if [[ -n $ids ]]; then
      read_query ids || REPLY=unreadable
      while IFS= read -r -d ';' entry; do
        [[ ";$ids;" == *";$entry;"* ]] || changed_parts='the node ids'
      done < <(printf '%s;' "$REPLY")
      # The claims of a pool that was deleted meanwhile are deleted too.
      for entry in ${POOLS//,/ }; do [[ ";$REPLY" == *";$entry "* ]] || deleted_pool=yes; done
    fi
    if [[ -n $claims ]]; then
      read_query claims || REPLY=unreadable
      [[ -n $deleted_pool || $(printf %s "$REPLY" | digest) == "$claims" ]] || changed_parts+="${changed_parts:+ and }the claims"
    fi
  fi
  if [[ $state == restoring && $0 != resume && $0 != *estore* ]]; then
    die "Kafka $CLUSTER is being restored, and must not start before the restore has ended"
  fi

  # Nodes that would start on empty volumes, or would never start, are not started. The watchdog repeats the
  # check, so that Kafka starts as soon as the change is reverted.
  if [[ $state == stopp* && -n $specs ]]; then
    begin_step 'comparing the specs with those of the stop'
    read_query specs || die 'the specs of Kafka and its node pools cannot be read, so nothing is started'
    refusals=$(spec_refusals "$specs" "$REPLY" "$version")
    # If the operator reconciles already, a refusal does not help.
    paused=true
    [[ -z $refusals ]] || paused=$(get_annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE") ||
      die 'whether the reconciliation is still paused cannot be read, so nothing is started'
    if [[ -n $refusals && $paused == [Tt][Rr][Uu][Ee] ]]; then
      [[ $0 == switch ]] || set_restart_deadline 30
      die "not started, because it was changed during the stop: ${refusals%; }${WATCHDOG:+. Then the watchdog brings it back}"
    fi
  fi

  begin_step "reading which objects were stopped"
  previous_pause=$(get_annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE_BEFORE")
  # If every annotation is lost, the cluster itself shows the stop: it is paused and has no workload. This counts
  # only if the state ConfigMap is lost too, or a stop has armed the watchdog. Otherwise another actor has stopped
  # this Kafka.
  marks_lost=
  if [[ -z $previous_pause && (-n $state_unreadable || $0 == switch) ]]; then
    workloads=$(existing_workloads "$KAFKA_NODES")
    [[ -n $workloads ]] || marks_lost=yes
  fi
  # A run that has not paused Kafka has stopped clients only, which must not wait for a broker that has failed.
  [[ $0 == *estore* || -n $previous_pause || ! $state =~ ^(quiescing|restarting)$ ]] || clients_first=yes
  if [[ -n $previous_pause$marks_lost || $state == quiescing || $state == stopp* || $state == online || $state == restarting ]]; then
    is_first='' was_stopped=yes
    if [[ -z $ended_by || ! $state =~ ^(quiescing|stopping|stopped|online|restarting)$ ]]; then
      ended_by=$0 is_first=yes # the first start counts
    fi
    report_restart & # events must not delay the start, for which clients wait
    event_job=$!
    end=$((SECONDS + READY_TIMEOUT))
    annotations=() # for the watchdog, if this pod dies
    [[ $0 == switch || -z $WATCHDOG ]] || annotations=("$RESTART_BY=$(time_after "$((READY_TIMEOUT + 60))")")
    if [[ $NODE_KINDS == *StatefulSet* && -z $clients_first ]]; then # starting them may take long
      ((${#annotations[@]} == 0)) || annotate_kafka "${annotations[@]}"
      if [[ -n $ZOOKEEPER ]]; then
        begin_step "starting ZooKeeper ($ZOOKEEPER)"
        start_nodes "$ZOOKEEPER" "$((end - SECONDS))"
      fi
      begin_step "starting the nodes of Kafka $CLUSTER ($KAFKA_NODES)"
      start_nodes "$KAFKA_NODES" "$((end - SECONDS))"
    fi
    # A pause of another actor stays if this run has not set its own, or has ended it already.
    if [[ -n $previous_pause$marks_lost || $state == stopp* || $state == online ]]; then
      if [[ $state == online ]]; then
        begin_step "ending the pause of Kafka $CLUSTER"
      else
        begin_step "letting the operator start the nodes of Kafka $CLUSTER ($KAFKA_NODES)"
      fi
      annotations+=("$PAUSE-")
    fi
    [[ -n $clients_first || $state == online ]] || watch_ready_pods
    ((${#annotations[@]} == 0)) || annotate_kafka "${annotations[@]}"
    wait "$event_job" || true
    if [[ -n $clients_first ]]; then
      release_clients
      released=yes
    fi
    NEXT_LOOK=until_pod_ready wait_until_empty "$((end - SECONDS))" "${NOT_READY_CHECK:-not_ready_workloads}" "$KAFKA_NODES"
    close_ready_watch
    [[ -z ${AFTER_RESTORE-} ]] || wait_restored "$((end - SECONDS))"
    assert_no_new_run
    restore_pause "$KAFKA" "$CLUSTER" "$NAMESPACE"
    log "every node of Kafka $CLUSTER is Ready"
    if [[ $state == online ]]; then
      create_event Normal Released "clients may write again, released by $ended_by" &
    else
      create_event Normal Restarted "every node serves again, started by $ended_by" &
    fi
    event_job=$!
  else
    log "Kafka $CLUSTER was not stopped"
  fi

  assert_no_new_run
  [[ -n $released ]] || release_clients
  # Before the state: the next run may set its own deadline as soon as the state is running.
  assert_no_new_run
  clear_restart_deadline
  store_running
  log "Kafka $CLUSTER runs, and everything is as before the stop"
  report_retention_hold

  # shellcheck disable=SC2034 # common.sh prints it
  current_step='verifying that the snapshots are a backup'
  # The stop may have succeeded. Snapshots of a cluster that another actor has started must not count as
  # consistent.
  if [[ -n $early_restart ]]; then
    error_message=$early_restart
  elif [[ -n $RECOVER_RUN_ID && -n $state_unreadable ]]; then
    error_message="ConfigMap $STATE_CONFIGMAP cannot be read, so the cluster was brought back: this is not a backup"
  elif [[ ${0,,} == *restart && -n $state_unreadable && -z $previous_pause ]]; then
    error_message="ConfigMap $STATE_CONFIGMAP cannot be read, and Kafka $CLUSTER was not stopped any more: this may not be a backup"
  elif [[ ${0,,} == *restart && -n $unexpected_restart ]]; then
    error_message="Kafka $CLUSTER was brought back by another actor ($unexpected_restart): the snapshots are not consistent"
  elif [[ ${0,,} == *restart && -n $changed_parts ]]; then
    error_message="$changed_parts are not those of the stop: the snapshots and the saved objects do not show the same state"
  elif [[ ${0,,} == *restart && $state =~ ^(quiescing|stopping)$ ]]; then
    error_message="Kafka $CLUSTER was not stopped yet by the run $run: the snapshots are not consistent"
  elif [[ ${0,,} == *restart && -n $ended_by && $ended_by != "$0" ]]; then
    error_message="Kafka $CLUSTER had been brought back by $ended_by before: the snapshots are not consistent"
  fi
  find_new_run # it needs the watchdog
  [[ -z $WATCHDOG || -n $NEW_RUN ]] || scale_watchdog 0
  [[ -z ${event_job-} ]] || wait "$event_job" || true
  if [[ ${0,,} == *restart && -z $error_message$state_unreadable && -n $run ]]; then
    confirmed_by=
    claim_post_hook || claim_post_hook || log "could not write to ConfigMap $STATE_CONFIGMAP: going on without it"
    [[ ${confirmed_by:-$HOSTNAME} == "$HOSTNAME" ]] ||
      error_message="Kafka $CLUSTER had been brought back by another post-hook before, in pod $confirmed_by: the snapshots may not be consistent"
  fi
  [[ -z $error_message ]] || exit 1
}
