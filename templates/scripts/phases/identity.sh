# shellcheck shell=bash
# Writes cluster id and node ids into the statuses, where the operator looks for them; without them it
# makes new ones, and the nodes refuse their volumes. A create drops the status, hence this step.
. ./prelude.sh
. ./pause.sh
. ./backup.sh
. ./kept.sh
. ./retention.sh
. ./hold-retention.sh

# identity KEY: from the backup itself; Kasten's is in the record, which it has restored.
identity() {
  if [[ -n ${BACKUP-} ]]; then fact "$1"; else recorded "${1//./\\.}"; fi
}

differs() {
  local pool ids found
  for pool in $names; do
    ids=$(identity "nodeIds.$pool")
    found=$(api get "kafkanodepools.$API" "$pool" -n "$NAMESPACE" -o 'jsonpath={.status.clusterId}|{.status.nodeIds}')
    [[ $found == "$cluster_id|$ids" ]] || printf 'KafkaNodePool %s says %s; ' "$pool" "$found"
  done
  found=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.status.clusterId}')
  [[ $found == "$cluster_id" ]] || printf 'Kafka %s says %s; ' "$CLUSTER" "$found"
}

# Each paused reconciliation builds the status from what it read before, so a write can be lost: it is
# repeated until it is seen. The operator writes no status of a pool while the Kafka is paused.
identify() {
  local pool ids roles
  for pool in $names; do
    ids=$(identity "nodeIds.$pool")
    [[ $ids =~ ^\[[0-9,\ ]*\]$ ]] || fail "$source has no node ids of KafkaNodePool $pool"
    roles=$(api get "kafkanodepools.$API" "$pool" -n "$NAMESPACE" -o 'jsonpath={.spec.roles}')
    api patch "kafkanodepools.$API" "$pool" -n "$NAMESPACE" --subresource status --type merge -p \
      "{\"status\": {\"clusterId\": \"$cluster_id\", \"nodeIds\": $ids, \"roles\": $roles}}" >/dev/null
  done
  api patch "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --subresource status --type merge -p "{\"status\": {\"clusterId\": \"$cluster_id\"}}" >/dev/null
  differs
}

source="ConfigMap $RECORD" names=${POOLS//,/ }
if [[ -n ${BACKUP-} ]]; then
  source="Secret $CLUSTER-backup-$BACKUP-facts"
  names=$(facts | sed -n 's/^nodeIds\.\([^=]*\)=.*/\1/p')
fi
step "waiting for the pause of Kafka $CLUSTER"
value=$(annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE")
[[ ${value,,} == true ]] || fail "Kafka $CLUSTER is not paused: its operator may have given it new ids already"
wait_for "$PAUSE_LIMIT" not_paused "$KAFKA" "$CLUSTER" "$NAMESPACE"
if [[ -n $QUORUM_IS_KAFKA ]]; then
  step 'putting back cluster id and node ids'
  cluster_id=$(identity clusterId)
  [[ $cluster_id =~ ^[A-Za-z0-9_-]+$ ]] || fail "$source has no cluster id"
  wait_for "$PAUSE_LIMIT" identify
fi

# The Kafka is paused still, so that no broker starts without it.
step "settling the retention of Kafka $CLUSTER"
made=$(time_of "$BACKUP")
if [[ -z $BACKUP ]]; then # Kasten's: nothing has looked at its age before
  seen=$(api get configmap "$RECORD" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.since}|{.data.run}')
  IFS='|' read -r state since run < <(printf '%s\n' "$seen")
  [[ $state != stopped ]] || made=$since # as it was when its volumes were snapshotted
  topics=$(topics_of '') || topics=
  head=${topics%%$'\n'*}
  if [[ $head == '# '* && $head == *" $run "* ]]; then
    read -r _ made _ < <(printf '%s\n' "$head")
  else
    topics= # of another backup
  fi
  compare_age "$made" "$topics"
fi
if [[ $RETENTION != now ]]; then
  version=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.spec.kafka.version}|{.spec.kafka.tieredStorage.type}')
  tiered=${version#*|} version=${version%%|*}
  version=${version:-$(recorded kafkaVersion)}
  check_holdable "$version"
  [[ -z $tiered ]] || say 'WARNING: retention is held on the volumes alone: what is in tiered storage is deleted there all the same'
fi
settle_retention "$made"
say_retention
say "Kafka $CLUSTER is as it was: ready to be started"
