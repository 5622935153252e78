# shellcheck shell=bash
# Snapshots every claim of the stopped cluster, all at once, and waits until each is cut. What a
# driver does then, such as an upload, needs no stopped brokers.
. ./prelude.sh
. ./pause.sh
. ./nodes.sh
. ./still-stopped.sh
. ./moment.sh
. ./backup.sh

backup=$(backup_of "$RUN")

# snapshots: NAME CUT|ERROR of each
snapshots() {
  api get volumesnapshots.snapshot.storage.k8s.io -n "$NAMESPACE" -l "$OF_BACKUP=$backup,kanister-kafka.io/cluster=$CLUSTER" -o \
    'jsonpath={range .items[*]}{.metadata.name} {.status.creationTime}|{.status.error.message}{"\n"}{end}'
}

# not_cut: for wait_for. A driver that refused is asked again by its sidecar; what it said is told.
not_cut() {
  local rows name seen trouble found=0
  rows=$(snapshots)
  while read -r name seen; do
    found=$((found + 1))
    [[ $seen == '|'* ]] || continue
    trouble=${seen##*|}
    printf '%s is not cut yet%s; ' "$name" "${trouble:+ ($trouble)}"
  done < <([[ -z $rows ]] || printf '%s\n' "$rows")
  ((found == wanted)) || printf 'there are %d of %d snapshots; ' "$found" "$wanted"
}

# stopped: by this run, and by nobody else brought back since
stopped() {
  local seen state run owner told found
  seen=$(api get configmap "$RECORD" -n "$NAMESPACE" -o 'jsonpath={.data.state}|{.data.run}|{.data.pauseOwner}|{.data.seenRunning}')
  IFS='|' read -r state run owner told < <(printf '%s\n' "$seen")
  [[ $state == stopped && $run == "$RUN" ]] || fail "ConfigMap $RECORD says ${state:-nothing}, not stopped by this run: this is no backup"
  found=$(not_as_left "$owner") || fail 'whether the cluster is still stopped cannot be read'
  found=${found:-$told}
  [[ -z $found ]] || fail "Kafka $CLUSTER was brought back by somebody ($found): this is no backup"
}

step "looking whether Kafka $CLUSTER is still stopped"
stopped
step "snapshotting every claim of Kafka $CLUSTER"
claims=$(claims_by_label)
before=$(recorded claims)
[[ -z $claims || -z $before || $(printf %s "$claims" | digest) == "$before" ]] ||
  fail "Kafka $CLUSTER has other claims than when the backup began: this is no backup"
objects=
for claim in $claims; do
  objects+="{\"apiVersion\": \"snapshot.storage.k8s.io/v1\", \"kind\": \"VolumeSnapshot\", \"metadata\": {\"name\": \"$claim-$backup\", \"namespace\": \"$NAMESPACE\", $(labels_of "$backup")}, \"spec\": {${SNAPSHOT_CLASS:+\"volumeSnapshotClassName\": \"$SNAPSHOT_CLASS\", }\"source\": {\"persistentVolumeClaimName\": \"$claim\"}}}"$'\n'
done
[[ -n $objects ]] || fail "Kafka $CLUSTER has no claims"
wanted=$(printf %s "$objects" | wc -l)
printf %s "$objects" | kubectl create -f - >/dev/null
wait_for "$SNAPSHOT_LIMIT" not_cut
step "looking whether Kafka $CLUSTER has stayed stopped"
stopped
output backup "$backup"
output snapshots "$wanted"
say "backup $backup: every snapshot is cut"
