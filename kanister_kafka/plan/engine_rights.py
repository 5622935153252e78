"""The least rights of what backs up, restores and deletes without Kasten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kanister_kafka.options import Options
from kanister_kafka.plan.model import Names, Right
from kanister_kafka.plan.rights import (
    CLAIMS,
    KAFKA_GROUP,
    REBALANCES,
    backup_rights,
    in_order,
    merged,
    restart_rights,
    right,
)
from kanister_kafka.strimzi import KafkaCluster

SNAPSHOT_GROUP = "snapshot.storage.k8s.io"
KEEP = "keep what a restore needs"
PUT_BACK = "put back what was kept"
REPLACED = ("create", "get", "list", "update")
WRITERS = ("kafkabridges", "kafkaconnects", "kafkamirrormaker2s")
"""Custom resources that a backup keeps where they write into the Kafka."""
NAMED = ("kafkaconnectors", "kafkatopics", "kafkausers")
"""Custom resources that are found by the label of their cluster."""


def keep_rights(cluster: KafkaCluster, names: Names) -> tuple[Right, ...]:
    """Return what keeps, snapshots, and recovers from a backup that failed.

    The recovery removes what is left of the backup, so it may read Secrets as well; and it brings
    Kafka back, as the dead man's switch may. Neither stops anything.
    """
    found = [*restart_rights(cluster, names), *_snapshot_rights(cluster)]
    return in_order(merged(found), cluster.namespace)


def _snapshot_rights(cluster: KafkaCluster) -> Iterator[Right]:
    yield right(cluster, "", "persistentvolumeclaims", (), ("list",), "find what to snapshot")
    yield right(
        cluster,
        SNAPSHOT_GROUP,
        "volumesnapshots",
        (),
        ("create", "delete", "list"),
        "snapshot the claims",
    )
    verbs = ("create", "delete", "get", "list", "patch")
    yield right(cluster, "", "secrets", (), verbs, f"{KEEP}, mark a backup as complete")
    for resource in _kinds(cluster):
        yield right(cluster, KAFKA_GROUP, resource, (), ("get", "list"), KEEP)


def _kinds(cluster: KafkaCluster) -> tuple[str, ...]:
    """Return custom resources that are found by the label of their cluster."""
    connects = any(
        writer.kind == "KafkaConnect" and writer.namespace == cluster.namespace
        for writer in cluster.writers
    )
    return tuple(resource for resource in NAMED if connects or resource != "kafkaconnectors")


def _end_rights(cluster: KafkaCluster) -> Iterator[Right]:
    """Yield what the end of a restore needs besides a restart."""
    name = f"{cluster.name}-entity-operator"
    yield right(cluster, "apps", "deployments", [name], ("get",), "see that topics can be made")


def restore_rights(
    cluster: KafkaCluster, options: Options, names: Names, *, engine: bool
) -> tuple[Right, ...]:
    """Return what a restore needs; `engine` where it puts back claims and objects itself."""
    stop = backup_rights(cluster, options, names)
    found = [r for r in stop if (r.resource, r.verbs) != ("deployments", ("get",))]
    found = [r for r in found if r.resource not in (CLAIMS, REBALANCES)]
    # Pods are only waited for, and nothing looks at what is deleted.
    only = {"pods": ("list",), "strimzipodsets": ("delete",)}
    found = [replace(r, verbs=only.get(r.resource, r.verbs)) for r in found]
    pools = cluster.pools if not cluster.zookeeper else ()
    if not cluster.zookeeper:
        why = "put back the cluster id"
        found.append(
            right(cluster, KAFKA_GROUP, "kafkas", [cluster.name], ("get", "patch"), why, "status")
        )
    if pools:
        why = "put back the node ids"
        # Those of the backup, where it is put back from one.
        pools = () if engine else pools
        found.append(
            right(cluster, KAFKA_GROUP, "kafkanodepools", pools, ("get", "patch"), why, "status")
        )
    if engine:
        found += _objects(cluster)
    found += [*restart_rights(cluster, names), *_end_rights(cluster)]
    return in_order(merged(found), cluster.namespace)


def _objects(cluster: KafkaCluster) -> Iterator[Right]:
    """Yield rights to whatever a backup may hold, which may be more than the Blueprint names."""
    verbs = ("create", "delete", "list")
    yield right(cluster, "", "persistentvolumeclaims", (), verbs, "replace the claims")
    yield right(
        cluster,
        "",
        "secrets",
        (),
        ("create", "delete", "get", "list", "update"),
        "put back what was kept, delete a backup",
    )
    yield right(
        cluster,
        SNAPSHOT_GROUP,
        "volumesnapshots",
        (),
        ("create", "delete", "list"),
        "see them, delete a backup, snapshot what is replaced",
    )
    yield right(cluster, KAFKA_GROUP, "kafkas", [cluster.name], ("update",), PUT_BACK)
    yield right(cluster, KAFKA_GROUP, "kafkas", (), ("create",), PUT_BACK)
    pools = ("kafkanodepools",) if cluster.pools else ()
    for resource in (*pools, *NAMED, *WRITERS):
        yield right(cluster, KAFKA_GROUP, resource, (), REPLACED, PUT_BACK)
