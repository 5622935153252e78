# shellcheck shell=bash
# Checks that a backup is complete and that its snapshots can be used, before a volume is copied. The claims are
# those of the backup: the Kafka may have other ones now.
. ./common.sh
LOCK_NOT_ACQUIRED=yes # the state ConfigMap belongs to the run that stops Kafka, and a copy stops nothing
. ./backup-labels.sh
. ./saved-objects.sh
. ./volume-claims.sh
. ./export-location.sh

[[ $BACKUP =~ ^[0-9]{14}$ ]] || die "the artifact has the backup '$BACKUP', which is not a name of a backup"
begin_step "checking the location of Profile $EXPORT_PROFILE"
find_repository
begin_step "checking backup $BACKUP of Kafka $CLUSTER"
completion=$(completion_time "$BACKUP")
[[ $completion != incomplete ]] || die "backup $BACKUP is not complete: it is not copied"

# claim_rows: CLAIM|CLASS|MODE|CAPACITY|SNAPSHOT of each claim of the backup
claim_rows() {
  local claims
  claims=$(sized_claims)
  printf '%s\n' "$claims" | cut -d '|' -f 2- |
    kubectl patch --local -f - --type merge -p '{}' -o 'jsonpath={.metadata.name}|{.spec.storageClassName}|{.spec.volumeMode}|{.spec.resources.requests.storage}|{.spec.dataSource.name}{"\n"}'
}

claims=$(claim_rows)
[[ -n $claims ]] || die "backup $BACKUP has no claims"
read_snapshots
missing=$(unusable_snapshots "$(cut -d '|' -f 1 <(printf '%s\n' "$claims"))")
[[ -z $missing ]] || die "these VolumeSnapshots are missing or not ready to use: ${missing//$'\n'/ }"
blocks=$(printf '%s\n' "$claims" | awk -F '|' '$3 == "Block" { print $1 }')
[[ -z $blocks ]] || die "these claims are block devices, which cannot be copied as files: ${blocks//$'\n'/ }"
cluster_id=$(saved_fact clusterId)
packed=$(printf '%s\n' "$claims" | gzip -c | base64 | tr -d '\n')
backup_uid=$(kubectl_retry get secret "$CLUSTER-backup-$BACKUP-facts" -n "$NAMESPACE" -o 'jsonpath={.metadata.uid}')
[[ $backup_uid =~ ^[0-9a-f-]{36}$ ]] || die "Secret $CLUSTER-backup-$BACKUP-facts has no uid"
kanister_output repository "$repository"
kanister_output uid "$backup_uid"
kanister_output claims "$packed"
kanister_output clusterId "$cluster_id"
log "backup $BACKUP has $(printf '%s\n' "$claims" | wc -l) volumes to copy to $repository"
