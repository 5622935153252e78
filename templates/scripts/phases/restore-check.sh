# shellcheck shell=bash
# Looks whether the backup is whole, says what putting it back will overwrite, and goes no further
# unless it was told to.
. ./common.sh
. ./check-permissions.sh
. ./backup-labels.sh
. ./saved-objects.sh
. ./volume-claims.sh
. ./dry-run.sh
. ./report-retention.sh
. ./hold-retention.sh

[[ $BACKUP =~ ^[0-9]{14}$ ]] || die "the artifact names the backup '$BACKUP', which is none"

# look_at_pools: stop, rights and start are of the pools that the Blueprint names.
check_pools() {
  local pool
  for pool in $backup_pools; do
    [[ ,$POOLS, == *",$pool,"* ]] ||
      add_problem "KafkaNodePool $pool is in the backup, and the Blueprint does not know it: render and apply the Blueprint from the pools of the backup, as docs/restore.md shows, and restore then"
  done
  for pool in ${POOLS//,/ }; do
    [[ $'\n'$backup_pools$'\n' == *$'\n'"$pool"$'\n'* ]] ||
      add_problem "KafkaNodePool $pool is in the Blueprint, and not in the backup: delete that pool, whose records are newer than the backup, and render and apply the Blueprint without it"
  done
  for pool in $pools; do
    # Its nodes would join with newer data, and with ids that the restored metadata does not know.
    [[ $'\n'$backup_pools$'\n' == *$'\n'"$pool"$'\n'* || ,$POOLS, == *",$pool,"* ]] ||
      add_problem "KafkaNodePool $pool is not in the backup: delete it before"
  done
}

# look_at_kafka: what the kept Kafka asks of its surroundings
check_kafka() {
  local fields version tiered running_version=''
  fields=$(secret_content "$CLUSTER-backup-$BACKUP-6-000" | kubectl patch --local -f - --type merge -p '{}' -o \
    'jsonpath={.spec.kafka.version}|{.spec.kafka.tieredStorage.type}{.spec.kafka.config.remote\.log\.storage\.system\.enable}')
  version=${fields%%|*} tiered=${fields#*|}
  if [[ -n $tiered && $tiered != false ]]; then
    log "WARNING: Kafka $CLUSTER has tiered storage: segments there that were deleted since the backup are lost, and reading them fails; a second cluster from this backup would delete those of the first"
  fi
  [[ -n $version ]] || return 0
  [[ -z $kafka ]] || running_version=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.status.kafkaVersion}')
  if [[ -z $running_version ]]; then
    log "WARNING: the backup is of Kafka $version; whether the operator still has this version cannot be seen from here"
  elif [[ $running_version != "$version" ]]; then
    log "WARNING: the backup is of Kafka $version, and Kafka $running_version runs now; whether the operator still has $version cannot be seen from here"
  fi
}

begin_step "checking the rights of the service account"
check_permissions

begin_step "looking at backup $BACKUP"
objects=$(saved_secrets)
[[ -n $(saved_facts) ]] || die "Secret $CLUSTER-backup-$BACKUP-facts is not there or empty: backup $BACKUP is not whole"
count=$(saved_fact parts)
(($(printf '%s\n' "$objects" | wc -l) == count)) || die "not all ${count:-?} Secrets of backup $BACKUP are there: it is not whole"
format=$(saved_fact format)
if [[ $format == 2 ]]; then # before, none had the mark
  since=$(completion_time "$BACKUP")
  [[ $since != incomplete ]] || die "backup $BACKUP is not marked as complete: it has failed, or runs still"
fi
rows=$(list_snapshots)
claims=$(saved_claims)
[[ -n $claims ]] || die "backup $BACKUP has no claims: it is not whole"
declare -A ready=()
while IFS='|' read -r name is_ready _; do ready[$name]=$is_ready; done < <([[ -z $rows ]] || printf '%s\n' "$rows")
for claim in $claims; do
  [[ ${ready[$claim-$BACKUP]-} == true ]] || add_problem "VolumeSnapshot $claim-$BACKUP is not there or not ready to use"
done

begin_step 'comparing the age of the backup with the retention of its topics'
retention_delay "$RETENTION" >/dev/null
if [[ $RETENTION != now ]]; then
  version=$(saved_fact kafkaVersion)
  check_hold_supported "$version"
fi
topics=$(read_topics "$BACKUP") || topics=
report_expired "$(backup_time "$BACKUP")" "$topics"
log_retention

begin_step 'looking at what there is'
present_claims=$(existing_claims "$claims")
present_claims=$(sed -E '/./!d; s/^([^ ]+).*/persistentvolumeclaim\/\1/' <(printf '%s\n' "$present_claims"))
kafka=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o name)
pools=$(kubectl_retry get "kafkanodepools.$API" -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER" -o 'jsonpath={.items[*].metadata.name}' || [[ -z $POOLS ]])
backup_pools=$(saved_facts | sed -n 's/^nodeIds\.\([^=]*\)=.*/\1/p')
check_pools
check_kafka
not_kept=$(saved_fact notKept)
[[ -z $not_kept ]] || log "WARNING: $not_kept are not in the backup, as they are in another namespace: they stay as they are"

begin_step 'trying to put everything back, without storing anything'
claim_rows=$(sized_claims)
dry_run_claims "$claim_rows" "${present_claims//persistentvolumeclaim\//}"
other_secrets=$(printf '%s\n' "$objects" | grep -v -E -- "-backup-$BACKUP-0-[0-9]+$")
dry_run_objects "$other_secrets"

log "to be put back: $(printf '%s\n' "$objects" | wc -l) Secrets of objects, claims $(first_names "$claims")"
for object in $present_claims $kafka; do log "WILL BE OVERWRITTEN: $object"; done
if [[ -n $present_claims$kafka && $OVERWRITE != true ]]; then
  overwritten=$present_claims$'\n'$kafka
  overwritten=${overwritten#$'\n'}
  add_problem "$(first_names "$overwritten") would be overwritten: give the option overwrite=true"
fi
# shellcheck disable=SC2154 # of dry-run.sh
if ((${#problems[@]} > 0)); then
  first_problems=$(printf '%s; ' "${problems[@]:0:5}")
  die "nothing was changed, because: ${first_problems%; }$( ((${#problems[@]} <= 5)) || printf '; and %d more, see above' "$((${#problems[@]} - 5))")"
fi
log "backup $BACKUP is whole and may be put back"
