# shellcheck shell=bash
# Deletes a backup: its snapshots and the Secrets with its objects. Nothing else has its label.
. ./prelude.sh
. ./backup.sh

[[ $BACKUP =~ ^[0-9]{14}$ ]] || fail "the artifact names the backup '$BACKUP', which is none"
step "deleting backup $BACKUP of Kafka $CLUSTER"
remove_backup "$BACKUP"
say "backup $BACKUP is deleted"
