# shellcheck shell=bash
# Stops the cluster whose volumes are to be replaced, if there is one. Nothing is flushed or kept.
. ./prelude.sh
. ./pause.sh
. ./switch.sh
. ./replicas.sh
# shellcheck source=../lib/writer-replicas.sh
. "./writer-$QUIESCE_BY.sh"
. ./writers.sh
. ./nodes.sh
. ./halt.sh
. ./retention.sh
. ./hold-retention.sh

if [[ -n $RETENTION && $RETENTION != now ]]; then # Kasten's: what cannot be held shows before anything is stopped
  version=$(recorded kafkaVersion)
  [[ -z $version ]] || check_holdable "$version"
fi
step "looking for Kafka $CLUSTER"
living=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o name)
# What is replaced is snapshotted under the name of this run, unless an earlier run has begun to replace
# it and nothing has started since: then that one's snapshots are the ones to go back to.
before=
if [[ $ACTION == restore ]]; then
  was=$(recorded state)
  before=$(recorded before)
  running=$(pods "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)")
  if [[ $was != restoring || -n $running || -z $before ]]; then
    digits=${RUN//[^0-9]/}
    before=${digits:0:14}${before:+ $before}
  fi
fi
# From here on nobody may start what is half restored, the watchdog included.
record state=restoring "since=$(now)" "run=$RUN" "action=$ACTION" failure= endedBy= confirmedBy= ${before:+"before=$before"}
if [[ -n $living ]]; then
  event Warning Restoring "its volumes are to be replaced by $ACTION"
  disarm
elif [[ -n $SWITCH ]]; then
  scale_switch 0
fi
quiesce_writers "${writers[@]}"
if [[ -n $living ]]; then
  halt restoring
else
  say "there is no Kafka $CLUSTER"
fi
step 'waiting for the last pod of a node'
wait_for "$QUORUM_LIMIT" still_there "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)"
