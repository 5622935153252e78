# shellcheck shell=bash
# What is left of a backup that has failed is no backup, and is removed. Kafka comes back first: this
# runs when the restart has ended, however that was. It removes only what was read and has no mark of
# completeness: what cannot be read is not incomplete.
. ./bring-back.sh
. ./backup.sh

# clear_away: sets problem where it fails. No option ends it, as it runs while the shell exits.
clear_away() {
  local backup seen
  backup=$(backup_of "$OWN_RUN") || return 1
  doing="looking whether backup $backup is complete"
  if ! seen=$(completed "$backup"); then
    problem="Secret $CLUSTER-backup-$backup-facts cannot be read, so nothing of backup $backup was removed: look for the annotation $COMPLETE there, and delete the VolumeSnapshots and Secrets with the label $OF_BACKUP=$backup if it has none"
    return 1
  fi
  if [[ $seen != incomplete ]]; then
    say "backup $backup is complete since $seen and stays"
    return 0
  fi
  step "removing what is left of backup $backup, which is not complete"
  RETRY_REFUSALS='' remove_backup "$backup" "$OF_RUN=${OWN_RUN//[^0-9]/}" && return 0
  say "not everything of backup $backup could be removed; it is not marked as complete, so nothing restores it"
}

# ended STATUS: the last line is about the restart where that failed, for then Kafka is down.
ended() {
  local status=$1 doing_then=$doing problem_then=$problem
  problem=
  if ! clear_away; then
    ((status == 0)) || say "$problem"
    ((status != 0)) || doing_then=$doing problem_then=$problem status=1
  fi
  doing=$doing_then problem=$problem_then
  ((status == 0)) || failed
  exit "$status"
}
trap 'ended "$?"' EXIT
bring_back
