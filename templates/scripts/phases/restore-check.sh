# shellcheck shell=bash
# Looks whether the backup is whole, says what putting it back will overwrite, and goes no further
# unless it was told to.
. ./prelude.sh
. ./rights.sh
. ./backup.sh
. ./kept.sh
. ./claims.sh
. ./try.sh
. ./retention.sh
. ./hold-retention.sh

[[ $BACKUP =~ ^[0-9]{14}$ ]] || fail "the artifact names the backup '$BACKUP', which is none"

# look_at_pools: stop, rights and start are of the pools that the Blueprint names.
look_at_pools() {
  local pool
  for pool in $kept_pools; do
    [[ ,$POOLS, == *",$pool,"* ]] ||
      problem "KafkaNodePool $pool is in the backup, and the Blueprint does not know it: render and apply the Blueprint from the pools of the backup, as docs/restore.md shows, and restore then"
  done
  for pool in ${POOLS//,/ }; do
    [[ $'\n'$kept_pools$'\n' == *$'\n'"$pool"$'\n'* ]] ||
      problem "KafkaNodePool $pool is in the Blueprint, and not in the backup: delete that pool, whose records are newer than the backup, and render and apply the Blueprint without it"
  done
  for pool in $pools; do
    # Its nodes would join with newer data, and with ids that the restored metadata does not know.
    [[ $'\n'$kept_pools$'\n' == *$'\n'"$pool"$'\n'* || ,$POOLS, == *",$pool,"* ]] ||
      problem "KafkaNodePool $pool is not in the backup: delete it before"
  done
}

# look_at_kafka: what the kept Kafka asks of its surroundings
look_at_kafka() {
  local seen version tiered runs=''
  seen=$(contents "$CLUSTER-backup-$BACKUP-6-000" | kubectl patch --local -f - --type merge -p '{}' -o \
    'jsonpath={.spec.kafka.version}|{.spec.kafka.tieredStorage.type}{.spec.kafka.config.remote\.log\.storage\.system\.enable}')
  version=${seen%%|*} tiered=${seen#*|}
  if [[ -n $tiered && $tiered != false ]]; then
    say "WARNING: Kafka $CLUSTER has tiered storage: segments there that were deleted since the backup are lost, and reading them fails; a second cluster from this backup would delete those of the first"
  fi
  [[ -n $version ]] || return 0
  [[ -z $living ]] || runs=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.status.kafkaVersion}')
  if [[ -z $runs ]]; then
    say "WARNING: the backup is of Kafka $version; whether the operator still has this version cannot be seen from here"
  elif [[ $runs != "$version" ]]; then
    say "WARNING: the backup is of Kafka $version, and Kafka $runs runs now; whether the operator still has $version cannot be seen from here"
  fi
}

step "checking the rights of the service account"
check_rights

step "looking at backup $BACKUP"
objects=$(parts)
[[ -n $(facts) ]] || fail "Secret $CLUSTER-backup-$BACKUP-facts is not there or empty: backup $BACKUP is not whole"
count=$(fact parts)
(($(printf '%s\n' "$objects" | wc -l) == count)) || fail "not all ${count:-?} Secrets of backup $BACKUP are there: it is not whole"
format=$(fact format)
if [[ $format == 2 ]]; then # before, none had the mark
  since=$(completed "$BACKUP")
  [[ $since != incomplete ]] || fail "backup $BACKUP is not marked as complete: it has failed, or runs still"
fi
rows=$(snapshots)
claims=$(claims)
[[ -n $claims ]] || fail "backup $BACKUP has no claims: it is not whole"
declare -A ready=()
while IFS='|' read -r name is_ready _; do ready[$name]=$is_ready; done < <([[ -z $rows ]] || printf '%s\n' "$rows")
for claim in $claims; do
  [[ ${ready[$claim-$BACKUP]-} == true ]] || problem "VolumeSnapshot $claim-$BACKUP is not there or not ready to use"
done

step 'comparing the age of the backup with the retention of its topics'
delay_of "$RETENTION" >/dev/null
if [[ $RETENTION != now ]]; then
  version=$(fact kafkaVersion)
  check_holdable "$version"
fi
topics=$(topics_of "$BACKUP") || topics=
compare_age "$(time_of "$BACKUP")" "$topics"
say_retention

step 'looking at what there is'
present=$(claims_among "$claims")
present=$(sed -E '/./!d; s/^([^ ]+).*/persistentvolumeclaim\/\1/' <(printf '%s\n' "$present"))
living=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --ignore-not-found -o name)
pools=$(api get "kafkanodepools.$API" -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER" -o 'jsonpath={.items[*].metadata.name}' || [[ -z $POOLS ]])
kept_pools=$(facts | sed -n 's/^nodeIds\.\([^=]*\)=.*/\1/p')
look_at_pools
look_at_kafka
not_kept=$(fact notKept)
[[ -z $not_kept ]] || say "WARNING: $not_kept are not in the backup, as they are in another namespace: they stay as they are"

step 'trying to put everything back, without storing anything'
claim_rows=$(sized)
try_claims "$claim_rows" "${present//persistentvolumeclaim\//}"
rest=$(printf '%s\n' "$objects" | grep -v -E -- "-backup-$BACKUP-0-[0-9]+$")
try_objects "$rest"

say "to be put back: $(printf '%s\n' "$objects" | wc -l) Secrets of objects, claims $(some "$claims")"
for object in $present $living; do say "WILL BE OVERWRITTEN: $object"; done
if [[ -n $present$living && $OVERWRITE != true ]]; then
  found=$present$'\n'$living
  found=${found#$'\n'}
  problem "$(some "$found") would be overwritten: give the option overwrite=true"
fi
# shellcheck disable=SC2154 # of try.sh
if ((${#problems[@]} > 0)); then
  told=$(printf '%s; ' "${problems[@]:0:5}")
  fail "nothing was changed, because: ${told%; }$( ((${#problems[@]} <= 5)) || printf '; and %d more, see above' "$((${#problems[@]} - 5))")"
fi
say "backup $BACKUP is whole and may be put back"
