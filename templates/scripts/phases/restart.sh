# shellcheck shell=bash
# Brings everything back: after a snapshot, after a failed stop, or for the action resume.
. ./restart-kafka.sh

restart_kafka
