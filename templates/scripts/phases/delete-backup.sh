# shellcheck shell=bash
# Deletes a backup: its snapshots and the Secrets with its objects. Nothing else has its label.
. ./common.sh
. ./backup-labels.sh

[[ $BACKUP =~ ^[0-9]{14}$ ]] || die "the artifact names the backup '$BACKUP', which is none"
begin_step "deleting backup $BACKUP of Kafka $CLUSTER"
delete_backup_objects "$BACKUP"
log "backup $BACKUP is deleted"
