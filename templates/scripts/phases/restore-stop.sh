# shellcheck shell=bash
# Stops the cluster whose volumes are to be replaced, if there is one. Nothing is flushed or kept.
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

if [[ -n $RETENTION && $RETENTION != now ]]; then # Kasten's: what cannot be held shows before anything is stopped
  version=$(get_state kafkaVersion)
  [[ -z $version ]] || check_hold_supported "$version"
fi
begin_step "looking for Kafka $CLUSTER"
kafka=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o name)
# What is replaced is snapshotted under the name of this run, unless an earlier run has begun to replace
# it and nothing has started since: then that one's snapshots are the ones to go back to.
before=
if [[ $ACTION == restore ]]; then
  previous_state=$(get_state state)
  before=$(get_state before)
  running=$(list_pods "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)")
  if [[ $previous_state != restoring || -n $running || -z $before ]]; then
    digits=${RUN_ID//[^0-9]/}
    before=${digits:0:14}${before:+ $before}
  fi
fi
# From here on nobody may start what is half restored, the watchdog included.
set_state state=restoring "since=$(now)" "run=$RUN_ID" "action=$ACTION" failure= endedBy= confirmedBy= ${before:+"before=$before"}
if [[ -n $kafka ]]; then
  create_event Warning Restoring "its volumes are to be replaced by $ACTION"
  disable_watchdog
elif [[ -n $WATCHDOG ]]; then
  scale_watchdog 0
fi
quiesce_clients "${clients[@]}"
if [[ -n $kafka ]]; then
  stop_kafka restoring
else
  log "there is no Kafka $CLUSTER"
fi
begin_step 'waiting for the last pod of a node'
wait_until_empty "$QUORUM_TIMEOUT" remaining_pods "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)"
