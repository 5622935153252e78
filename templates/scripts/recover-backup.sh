# shellcheck shell=bash
# What is left of a backup that has failed is no backup: its snapshots would pass for one. Kafka has
# to come back whether they can be removed or not.
if [[ $(recorded backup || true) != $(backup_of "$OWN_RUN") ]]; then
  step 'removing what is left of this backup'
  RETRY_REFUSALS='' remove_backup "$(backup_of "$OWN_RUN")" || say 'not everything could be removed'
fi
