# shellcheck shell=bash
# Writes backup.json into $1, a volume in memory: what a restore from a store needs in addition to the volumes. It runs in an init
# container with the account that may read Secrets; restic runs after it, without an account.
set -euo pipefail
shopt -s inherit_errexit
umask 077
# shellcheck disable=SC2154 # the trap itself assigns it
trap 'status=$?; ((status == 0)) || printf "FAILED: the objects of backup %s could not be read (exit code %d)\n" "$BACKUP" "$status"' EXIT
COMPLETE='kanister-kafka\.io/complete'
CLEARED='{"metadata": {"uid": null, "resourceVersion": null, "creationTimestamp": null, "managedFields": null}}'

# backup_time: from the digits of the name
backup_time() { printf '%s-%s-%sT%s:%s:%sZ' "${BACKUP:0:4}" "${BACKUP:4:2}" "${BACKUP:6:2}" "${BACKUP:8:2}" "${BACKUP:10:2}" "${BACKUP:12:2}"; }

complete=$(kubectl get secret "$CLUSTER-backup-$BACKUP-facts" -n "$NAMESPACE" -o "jsonpath={.metadata.annotations.$COMPLETE}")
[[ -n $complete ]] # it may have been deleted meanwhile
names=$(kubectl get secrets -n "$NAMESPACE" -l "kanister-kafka.io/backup=$BACKUP,kanister-kafka.io/cluster=$CLUSTER" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}')
parts=$(kubectl get secret "$CLUSTER-backup-$BACKUP-facts" -n "$NAMESPACE" -o 'jsonpath={.data.objects}' | base64 -d | sed -n 's/^parts=//p')
count=$(printf '%s\n' "$names" | grep -c -v -e '-facts$' -e '-topics$' -e '-offsets$')
((count == parts))
rows=$(printf %s "$VOLUMES" | base64 -d | gzip -dc)
{
  printf '{"format": 1, "cluster": "%s", "namespace": "%s", "backup": "%s", "time": "%s", "volumes": [' "$CLUSTER" "$NAMESPACE" "$BACKUP" "$(backup_time)"
  separator=
  while IFS='|' read -r claim class mode capacity snapshot size; do
    printf '%s\n{"claim": "%s", "snapshot": "%s", "capacity": "%s", "storageClass": "%s", "volumeMode": "%s", "size": %d}' "$separator" "$claim" "$snapshot" "$capacity" "$class" "${mode:-Filesystem}" "$size"
    separator=,
  done < <(printf '%s\n' "$rows")
  printf '\n], "secrets": ['
  separator=
  for name in $names; do
    object=$(kubectl get secrets "$name" -n "$NAMESPACE" -o json | kubectl patch --local -f - --type merge -p "$CLEARED" -o 'jsonpath={@}')
    printf '%s\n%s' "$separator" "$object"
    separator=,
  done
  printf '\n]}\n'
} >"$1/backup.json"
echo "saved $count Secrets with objects of backup $BACKUP"
