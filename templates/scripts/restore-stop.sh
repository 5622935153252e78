# shellcheck shell=bash
# Stops the cluster whose volumes are to be replaced, if there is one. Nothing is flushed or kept.
# Arguments: PLURAL/NAMESPACE/NAME/KIND/WORKLOAD of each writer.
if [[ -n $RETENTION && $RETENTION != now ]]; then # Kasten's: what cannot be held shows before anything is stopped
  version=$(recorded kafkaVersion)
  [[ -z $version ]] || check_holdable "$version"
fi
step "looking for Kafka $CLUSTER"
living=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o name)
# From here on nobody may start what is half restored, the switch included.
record state=restoring "since=$(now)" "run=$RUN" "action=$ACTION" failure= endedBy= confirmedBy=
if [[ -n $living ]]; then
  event Warning Restoring "its volumes are to be replaced by $ACTION"
  disarm
elif [[ -n $SWITCH ]]; then
  scale_switch 0
fi
quiesce_writers "$@"
if [[ -n $living ]]; then
  halt restoring
else
  say "there is no Kafka $CLUSTER"
fi
step 'waiting for the last pod of a node'
wait_for "$QUORUM_LIMIT" still_there "$NAMESPACE" "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)"
