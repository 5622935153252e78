"""Effects of a restore of snapshots of running brokers, for people who choose `--strategy hot`."""

from __future__ import annotations

from kanister_kafka.strimzi import KafkaCluster

LOST = (
    "Volumes are snapshotted one by one, so partitions end at different moments, and records after "
    "the flush may be lost."
)


def hot_effects(cluster: KafkaCluster) -> tuple[str, ...]:
    """Return the effects, a sentence or two each; all except the first are those of KRaft."""
    return (LOST,) if cluster.zookeeper else (LOST, *EFFECTS)


EFFECTS = (
    "No restored broker has stopped cleanly: all recover their logs, and the leaders of all "
    "partitions are elected anew and uncleanly. Any replica can become leader, not the one with "
    "the longest log, and the others delete the records that it does not have.",
    "A topic that is newer than the snapshot of its brokers is there, in sync, and empty, without "
    "a warning.",
    "A topic that is newer than the snapshot of the controllers is unknown: its directories are "
    "renamed to end in -stray.",
    "With eligible leader replicas (by default from Kafka 4.1 on), partitions have no leader at "
    "all if the volume of one broker is missing, although their other replicas are complete.",
)
