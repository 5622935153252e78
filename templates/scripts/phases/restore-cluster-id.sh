# shellcheck shell=bash
# Writes cluster id and node ids to the statuses, where the operator reads them. Without them it creates new ones,
# and the nodes refuse their volumes. The API server drops the status of a created object, hence this step.
. ./common.sh
. ./pause-reconciliation.sh
. ./backup-labels.sh
. ./saved-objects.sh
. ./report-retention.sh
. ./hold-retention.sh

# saved_value KEY: from the backup, or from the state ConfigMap, which Kasten has restored
saved_value() {
  if [[ -n ${BACKUP-} ]]; then saved_fact "$1"; else get_state "${1//./\\.}"; fi
}

status_differences() {
  local pool ids status
  for pool in $names; do
    ids=$(saved_value "nodeIds.$pool")
    status=$(kubectl_retry get "kafkanodepools.$API" "$pool" -n "$NAMESPACE" -o 'jsonpath={.status.clusterId}|{.status.nodeIds}')
    [[ $status == "$cluster_id|$ids" ]] || printf 'KafkaNodePool %s has %s; ' "$pool" "$status"
  done
  status=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.status.clusterId}')
  [[ $status == "$cluster_id" ]] || printf 'Kafka %s has %s; ' "$CLUSTER" "$status"
}

# write_cluster_id: for wait_until_empty. A paused reconciliation writes a status that it has read before, so this
# write can be lost: it is repeated. The operator does not write the status of a pool while the Kafka is paused.
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
  begin_step 'verifying that no other restore has begun'
  assert_own_run restoring # Kasten's hooks are runs of their own
fi
begin_step "waiting for the pause of Kafka $CLUSTER"
value=$(get_annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE")
[[ ${value,,} == true ]] || die "Kafka $CLUSTER is not paused: the operator may have created new ids already"
wait_until_empty "$PAUSE_TIMEOUT" pause_not_acknowledged "$KAFKA" "$CLUSTER" "$NAMESPACE"
if [[ -n $KRAFT ]]; then
  begin_step 'restoring cluster id and node ids'
  cluster_id=$(saved_value clusterId)
  [[ $cluster_id =~ ^[A-Za-z0-9_-]+$ ]] || die "$source has no cluster id"
  wait_until_empty "$PAUSE_TIMEOUT" write_cluster_id
fi

# The Kafka is still paused, so no broker starts with the old options.
begin_step "setting the retention of Kafka $CLUSTER"
created=$(backup_time "$BACKUP")
if [[ -z $BACKUP ]]; then # Kasten's: no earlier phase has compared its age
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.since}|{.data.run}')
  IFS='|' read -r state since run < <(printf '%s\n' "$fields")
  [[ $state != stopped ]] || created=$since # the time of its snapshots
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
  [[ -z $tiered ]] || log 'WARNING: retention is only held on the volumes: expired segments in tiered storage are still deleted'
fi
apply_retention "$created"
log_retention
log "Kafka $CLUSTER is restored and can be started"
