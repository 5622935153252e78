# shellcheck shell=bash
# Writes on the backup where its copy is.
. ./common.sh
LOCK_NOT_ACQUIRED=yes # the state ConfigMap belongs to the run that stops Kafka, and a copy stops nothing
. ./backup-labels.sh

begin_step "marking backup $BACKUP as copied"
kubectl_retry annotate secret "$CLUSTER-backup-$BACKUP-facts" -n "$NAMESPACE" --overwrite "$EXPORTED_ANNOTATION=$(now) $REPOSITORY" >/dev/null
create_event Normal Exported "backup $BACKUP is copied to $REPOSITORY"
log "backup $BACKUP is copied to $REPOSITORY"
