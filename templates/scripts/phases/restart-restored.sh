# shellcheck shell=bash
# Starts the restored cluster, and ends when its operators can connect.
. ./restart-kafka.sh
. ./wait-restored.sh

if [[ -n ${BACKUP-} ]]; then # Kasten's hooks are runs of their own
  begin_step 'verifying that no other restore has begun'
  assert_own_run restoring
fi
restart_kafka
