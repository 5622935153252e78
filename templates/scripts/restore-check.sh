# shellcheck shell=bash
# Looks whether the backup is whole, says what putting it back will overwrite, and goes no further
# unless it was told to.
[[ $BACKUP =~ ^[0-9]{14}$ ]] || fail "the artifact names the backup '$BACKUP', which is none"

# there RESOURCE NAMES: those of them that exist, as RESOURCE/NAME
there() {
  local names
  mapfile -t names < <(printf '%s\n' "$2")
  [[ -n $2 ]] || return 0
  api get "$1" "${names[@]}" -n "$NAMESPACE" --ignore-not-found -o name
}

step "checking the rights of the service account"
check_rights

step "looking at backup $BACKUP"
objects=$(parts)
[[ -n $(facts) ]] || fail "Secret $CLUSTER-backup-$BACKUP-facts is not there or empty: backup $BACKUP is not whole"
count=$(fact parts)
(($(printf '%s\n' "$objects" | wc -l) == count)) || fail "not all ${count:-?} Secrets of backup $BACKUP are there: it is not whole"
rows=$(api get volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$OF_BACKUP=$BACKUP,kanister-kafka.io/cluster=$CLUSTER" -o \
  'jsonpath={range .items[*]}{.metadata.name} {.status.readyToUse}{"\n"}{end}')
claims=$(claims)
[[ -n $claims ]] || fail "Secret $CLUSTER-backup-$BACKUP-0-000 has no claims: backup $BACKUP is not whole"
for claim in $claims; do
  [[ $'\n'$rows$'\n' == *$'\n'"$claim-$BACKUP true"$'\n'* ]] || fail "VolumeSnapshot $claim-$BACKUP is not there or not ready to use"
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
present=$(there persistentvolumeclaims "$claims")
living=$(there "$KAFKA" "$CLUSTER")
pools=$(api get "kafkanodepools.$API" -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER" -o 'jsonpath={.items[*].metadata.name}' || [[ -z $POOLS ]])
for pool in $pools; do
  # Its nodes would join with newer data, and with ids that the restored metadata does not know.
  [[ -n $(fact "nodeIds.$pool") ]] || fail "KafkaNodePool $pool is not in the backup: delete it before"
done
say "to be put back: $(printf '%s\n' "$objects" | wc -l) Secrets of objects, claims ${claims//$'\n'/ }"
for object in $present $living; do say "WILL BE OVERWRITTEN: $object"; done
if [[ -n $present$living && $OVERWRITE != true ]]; then
  found=$present$'\n'$living
  fail "${found//$'\n'/ } would be overwritten: give the option overwrite=true"
fi
say "backup $BACKUP is whole and may be put back"
