# shellcheck shell=bash
# Checks that the backup is complete, reports which objects the restore overwrites, and fails unless overwrite=true.
. ./common.sh
. ./check-permissions.sh
. ./backup-labels.sh
. ./saved-objects.sh
. ./volume-claims.sh
. ./dry-run.sh
. ./report-retention.sh
. ./hold-retention.sh

[[ $BACKUP =~ ^[0-9]{14}$ ]] || die "the artifact has the backup '$BACKUP', which is not a name of a backup"

# check_pools: the Blueprint stops and starts only the pools that it names
check_pools() {
  local pool
  for pool in $backup_pools; do
    [[ ,$POOLS, == *",$pool,"* ]] ||
      add_problem "KafkaNodePool $pool is in the backup, and not in the Blueprint: render the Blueprint from the pools of the backup (docs/restore.md), apply it and restore again"
  done
  for pool in ${POOLS//,/ }; do
    [[ $'\n'$backup_pools$'\n' == *$'\n'"$pool"$'\n'* ]] ||
      add_problem "KafkaNodePool $pool is in the Blueprint, and not in the backup: delete that pool, whose records are newer than the backup, and render and apply the Blueprint without it"
  done
  for pool in $pools; do
    # Its nodes would join with newer data, and with ids that the restored metadata does not know.
    [[ $'\n'$backup_pools$'\n' == *$'\n'"$pool"$'\n'* || ,$POOLS, == *",$pool,"* ]] ||
      add_problem "KafkaNodePool $pool is not in the backup: delete it first"
  done
}

# check_kafka: version and tiered storage of the Kafka in the backup
check_kafka() {
  local fields version tiered running_version=''
  fields=$(secret_content "$CLUSTER-backup-$BACKUP-6-000" | kubectl patch --local -f - --type merge -p '{}' -o \
    'jsonpath={.spec.kafka.version}|{.spec.kafka.tieredStorage.type}{.spec.kafka.config.remote\.log\.storage\.system\.enable}')
  version=${fields%%|*} tiered=${fields#*|}
  if [[ -n $tiered && $tiered != false ]]; then
    log "WARNING: Kafka $CLUSTER has tiered storage: segments there that were deleted since the backup are lost, and reading them fails. A second cluster from this backup would delete those of the first"
  fi
  [[ -n $version ]] || return 0
  [[ -z $kafka ]] || running_version=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.status.kafkaVersion}')
  if [[ -z $running_version ]]; then
    log "WARNING: the backup is of Kafka $version; check that the operator has this version"
  elif [[ $running_version != "$version" ]]; then
    log "WARNING: the backup is of Kafka $version, and Kafka $running_version runs now; check that the operator has $version"
  fi
}

# warn_unproven: if nothing was stopped for the backup
warn_unproven() {
  local strategy
  strategy=$(kubectl_retry get secret "$CLUSTER-backup-$BACKUP-facts" -n "$NAMESPACE" -o "jsonpath={.metadata.annotations.${STRATEGY_ANNOTATION//./\\.}}")
  [[ -z $strategy || $strategy == online ]] ||
    log "WARNING: the strategy of the backup is $strategy, so it is not proven consistent: all logs are recovered, all leaders are elected uncleanly, and records after its flush may be lost"
}

begin_step "checking the rights of the service account"
check_permissions

begin_step "reading backup $BACKUP"
objects=$(saved_secrets)
[[ -n $(saved_facts) ]] || die "Secret $CLUSTER-backup-$BACKUP-facts does not exist or is empty: backup $BACKUP is not complete"
count=$(saved_fact parts)
(($(printf '%s\n' "$objects" | wc -l) == count)) || die "not all ${count:-?} Secrets of backup $BACKUP exist: it is not complete"
format=$(saved_fact format)
if [[ $format == 2 ]]; then # earlier formats do not have the annotation
  since=$(completion_time "$BACKUP")
  [[ $since != incomplete ]] || die "backup $BACKUP is not marked as complete: it has failed or still runs"
fi
warn_unproven
read_snapshots
claims=$(saved_claims)
[[ -n $claims ]] || die "backup $BACKUP has no claims: it is not complete"
unusable=$(unusable_snapshots "$claims")
for name in $unusable; do add_problem "VolumeSnapshot $name does not exist or is not ready to use"; done

begin_step 'comparing the age of the backup with the retention of its topics'
retention_delay "$RETENTION" >/dev/null
if [[ $RETENTION != now ]]; then
  version=$(saved_fact kafkaVersion)
  check_hold_supported "$version"
fi
topics=$(read_topics "$BACKUP") || topics=
report_expired "$(backup_time "$BACKUP")" "$topics"
log_retention

begin_step 'reading the existing objects'
present_claims=$(existing_claims "$claims")
present_claims=$(sed -E '/./!d; s/^([^ ]+).*/persistentvolumeclaim\/\1/' <(printf '%s\n' "$present_claims"))
kafka=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o name)
pools=$(kubectl_retry get "kafkanodepools.$API" -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER" -o 'jsonpath={.items[*].metadata.name}' || [[ -z $POOLS ]])
backup_pools=$(saved_facts | sed -n 's/^nodeIds\.\([^=]*\)=.*/\1/p')
check_pools
check_kafka
not_kept=$(saved_fact notKept)
[[ -z $not_kept ]] || log "WARNING: $not_kept are not in the backup, because they are in another namespace: they are not changed"

begin_step 'dry run of the restore'
claim_rows=$(sized_claims)
dry_run_claims "$claim_rows" "${present_claims//persistentvolumeclaim\//}"
other_secrets=$(printf '%s\n' "$objects" | grep -v -E -- "-backup-$BACKUP-0-[0-9]+$")
dry_run_objects "$other_secrets"

log "restoring: $(printf '%s\n' "$objects" | wc -l) Secrets of objects, claims $(first_names "$claims")"
for object in $present_claims $kafka; do log "WILL BE OVERWRITTEN: $object"; done
if [[ -n $present_claims$kafka && $OVERWRITE != true ]]; then
  overwritten=$present_claims$'\n'$kafka
  overwritten=${overwritten#$'\n'}
  add_problem "$(first_names "$overwritten") would be overwritten: set the option overwrite=true"
fi
# shellcheck disable=SC2154 # dry-run.sh sets it
if ((${#problems[@]} > 0)); then
  first_problems=$(printf '%s; ' "${problems[@]:0:5}")
  die "nothing was changed, because: ${first_problems%; }$( ((${#problems[@]} <= 5)) || printf '; and %d more, see above' "$((${#problems[@]} - 5))")"
fi
log "backup $BACKUP is complete and can be restored"
