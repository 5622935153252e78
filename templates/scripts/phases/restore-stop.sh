# shellcheck shell=bash
# Stops the cluster whose volumes the restore replaces, if it exists. It flushes and stores nothing.
. ./common.sh
. ./pause-reconciliation.sh
. ./watchdog.sh
. ./scale.sh
# shellcheck source=../lib/quiesce-by-replicas.sh
. "./quiesce-by-$QUIESCE_BY.sh"
. ./quiesce-clients.sh
. ./kafka-pods.sh
. ./stop-kafka.sh
. ./report-retention.sh
. ./hold-retention.sh

if [[ -n $RETENTION && $RETENTION != now ]]; then # Kasten's: fail before the stop if retention cannot be held
  version=$(get_state kafkaVersion)
  [[ -z $version ]] || check_hold_supported "$version"
fi
begin_step "looking for Kafka $CLUSTER"
kafka=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o name)
# Snapshots of replaced volumes have the name of this run: all digits of its start, because two restores can start in one
# second. If an earlier restore has failed and no node has started since, its snapshots are the ones to go back to.
before=
if [[ $ACTION == restore ]]; then
  previous_state=$(get_state state)
  before=$(get_state before)
  running=$(list_pods "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)")
  if [[ $previous_state != restoring || -n $running || -z $before ]]; then
    digits=${RUN_ID//[^0-9]/}
    before=$digits${before:+ $before}
  fi
fi
# From here on no phase may start the cluster before the restore ends, including the watchdog.
set_state state=restoring "since=$(now)" "run=$RUN_ID" "action=$ACTION" failure= endedBy= confirmedBy= ${before:+"before=$before"}
if [[ -n $kafka ]]; then
  create_event Warning Restoring "its volumes will be replaced by $ACTION"
  clear_restart_deadline
fi
[[ -z $WATCHDOG ]] || scale_watchdog 0
quiesce_clients restoring "${clients[@]}"
if [[ -n $kafka ]]; then
  stop_kafka restoring
else
  log "there is no Kafka $CLUSTER"
fi
begin_step 'waiting for the last pod of a node'
wait_until_empty "$QUORUM_TIMEOUT" remaining_pods "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)"
