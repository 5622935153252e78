# shellcheck shell=bash
# Starts what was restored, and ends when the operators can work on it.
. ./restart-kafka.sh
. ./wait-restored.sh

restart_kafka
