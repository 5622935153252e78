# shellcheck shell=bash
# Writes on the backup in which repository its copy is, or removes that if REPOSITORY is empty.
. ./common.sh
LOCK_NOT_ACQUIRED=yes # the state ConfigMap belongs to the run that stops Kafka, and a copy stops nothing
. ./backup-labels.sh

[[ $BACKUP =~ ^[0-9]{14}$ ]] || die "the artifact has the backup '$BACKUP', which is not a name of a backup"
facts=$CLUSTER-backup-$BACKUP-facts
if [[ -z $REPOSITORY ]]; then
  begin_step "marking backup $BACKUP as not copied"
  object=$(kubectl_retry get secret "$facts" -n "$NAMESPACE" --ignore-not-found -o name)
  [[ -z $object ]] || kubectl_retry annotate secret "$facts" -n "$NAMESPACE" "$EXPORTED_ANNOTATION-" >/dev/null
  exit 0
fi
begin_step "marking backup $BACKUP as copied"
kubectl_retry annotate secret "$facts" -n "$NAMESPACE" --overwrite "$EXPORTED_ANNOTATION=$(now) $REPOSITORY" >/dev/null
create_event Normal Exported "backup $BACKUP is copied to $REPOSITORY"
log "backup $BACKUP is copied to $REPOSITORY"
