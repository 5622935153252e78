# shellcheck shell=bash
# Deletes a backup: its VolumeSnapshots and Secrets. No other objects have its label, except a VolumeGroupSnapshot, which
# the garbage collector deletes with the Secret of the facts that owns it.
. ./common.sh
. ./backup-labels.sh

[[ $BACKUP =~ ^[0-9]{14}$ ]] || die "the artifact has the backup '$BACKUP', which is not a name of a backup"
begin_step "deleting backup $BACKUP of Kafka $CLUSTER"
delete_backup_objects "$BACKUP"
log "backup $BACKUP is deleted"
