# shellcheck shell=bash
# Brings everything back: after a snapshot, after a stop that failed, or for a person.
. ./restart-kafka.sh

restart_kafka
