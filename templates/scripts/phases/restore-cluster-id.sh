# shellcheck shell=bash
# Writes cluster id and node ids into the statuses, where the operator looks for them; without them it
# makes new ones, and the nodes refuse their volumes. A create drops the status, hence this step.
. ./common.sh
. ./pause-reconciliation.sh
. ./backup-labels.sh
. ./saved-objects.sh
. ./report-retention.sh
. ./hold-retention.sh

# identity KEY: from the backup itself; Kasten's is in the record, which it has restored.
saved_value() {
  if [[ -n ${BACKUP-} ]]; then saved_fact "$1"; else get_state "${1//./\\.}"; fi
}

status_differences() {
  local pool ids status
  for pool in $names; do
    ids=$(saved_value "nodeIds.$pool")
    status=$(kubectl_retry get "kafkanodepools.$API" "$pool" -n "$NAMESPACE" -o 'jsonpath={.status.clusterId}|{.status.nodeIds}')
    [[ $status == "$cluster_id|$ids" ]] || printf 'KafkaNodePool %s says %s; ' "$pool" "$status"
  done
  status=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.status.clusterId}')
  [[ $status == "$cluster_id" ]] || printf 'Kafka %s says %s; ' "$CLUSTER" "$status"
}

# Each paused reconciliation builds the status from what it read before, so a write can be lost: it is
# repeated until it is seen. The operator writes no status of a pool while the Kafka is paused.
write_cluster_id() {
  local pool ids roles
  for pool in $names; do
    ids=$(saved_value "nodeIds.$pool")
    [[ $ids =~ ^\[[0-9,\ ]*\]$ ]] || die "$source has no node ids of KafkaNodePool $pool"
    roles=$(kubectl_retry get "kafkanodepools.$API" "$pool" -n "$NAMESPACE" -o 'jsonpath={.spec.roles}')
    kubectl_retry patch "kafkanodepools.$API" "$pool" -n "$NAMESPACE" --subresource status --type merge -p \
      "{\"status\": {\"clusterId\": \"$cluster_id\", \"nodeIds\": $ids, \"roles\": $roles}}" >/dev/null
  done
  kubectl_retry patch "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --subresource status --type merge -p "{\"status\": {\"clusterId\": \"$cluster_id\"}}" >/dev/null
  status_differences
}

source="ConfigMap $STATE_CONFIGMAP" names=${POOLS//,/ }
if [[ -n ${BACKUP-} ]]; then
  source="Secret $CLUSTER-backup-$BACKUP-facts"
  names=$(saved_facts | sed -n 's/^nodeIds\.\([^=]*\)=.*/\1/p')
fi
begin_step "waiting for the pause of Kafka $CLUSTER"
value=$(get_annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE")
[[ ${value,,} == true ]] || die "Kafka $CLUSTER is not paused: its operator may have given it new ids already"
wait_until_empty "$PAUSE_TIMEOUT" pause_not_acknowledged "$KAFKA" "$CLUSTER" "$NAMESPACE"
if [[ -n $KRAFT ]]; then
  begin_step 'putting back cluster id and node ids'
  cluster_id=$(saved_value clusterId)
  [[ $cluster_id =~ ^[A-Za-z0-9_-]+$ ]] || die "$source has no cluster id"
  wait_until_empty "$PAUSE_TIMEOUT" write_cluster_id
fi

# The Kafka is paused still, so that no broker starts without it.
begin_step "settling the retention of Kafka $CLUSTER"
created=$(backup_time "$BACKUP")
if [[ -z $BACKUP ]]; then # Kasten's: nothing has looked at its age before
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.since}|{.data.run}')
  IFS='|' read -r state since run < <(printf '%s\n' "$fields")
  [[ $state != stopped ]] || created=$since # as it was when its volumes were snapshotted
  topics=$(read_topics '') || topics=
  head=${topics%%$'\n'*}
  if [[ $head == '# '* && $head == *" $run "* ]]; then
    read -r _ created _ < <(printf '%s\n' "$head")
  else
    topics= # of another backup
  fi
  report_expired "$created" "$topics"
fi
if [[ $RETENTION != now ]]; then
  version=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.spec.kafka.version}|{.spec.kafka.tieredStorage.type}')
  tiered=${version#*|} version=${version%%|*}
  version=${version:-$(get_state kafkaVersion)}
  check_hold_supported "$version"
  [[ -z $tiered ]] || log 'WARNING: retention is held on the volumes alone: what is in tiered storage is deleted there all the same'
fi
apply_retention "$created"
log_retention
log "Kafka $CLUSTER is as it was: ready to be started"
