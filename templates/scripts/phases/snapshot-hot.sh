# shellcheck shell=bash
# Snapshots all claims of a running Kafka by one VolumeGroupSnapshot, and waits until each member has a creation time.
# Without a group, volumes would be copied one after the other while brokers write.
. ./common.sh
. ./cluster-fingerprint.sh
. ./backup-labels.sh
. ./group-snapshot.sh
. ./hot-backup.sh

snapshot_claims "$(backup_id "$RUN_ID")" assert_undisturbed
