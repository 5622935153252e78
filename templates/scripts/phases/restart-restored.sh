# shellcheck shell=bash
# Starts the restored cluster, and ends when its operators can connect.
. ./restart-kafka.sh
. ./wait-restored.sh

restart_kafka
