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
    right,
)
from kanister_kafka.strimzi import KafkaCluster

SNAPSHOT_GROUP = "snapshot.storage.k8s.io"
KEEP = "keep what a restore needs"
PUT_BACK = "put back what was kept"
REPLACED = ("create", "get", "update")


def snapshot_rights(cluster: KafkaCluster) -> Iterator[Right]:
    """Yield what a backup needs besides a stop and a restart."""
    yield right(cluster, "", "persistentvolumeclaims", (), ("list",), "find what to snapshot")
    yield right(
        cluster,
        SNAPSHOT_GROUP,
        "volumesnapshots",
        (),
        ("create", "delete", "list"),
        "snapshot the claims",
    )
    yield right(cluster, "", "secrets", (), ("create", "delete", "get", "list"), KEEP)
    for resource in _kinds(cluster):
        yield right(cluster, KAFKA_GROUP, resource, (), ("get", "list"), KEEP)


def _kinds(cluster: KafkaCluster) -> tuple[str, ...]:
    """Return custom resources that are found by the label of their cluster."""
    connects = any(
        writer.kind == "KafkaConnect" and writer.namespace == cluster.namespace
        for writer in cluster.writers
    )
    return (*(("kafkaconnectors",) if connects else ()), "kafkatopics", "kafkausers")


def restore_rights(
    cluster: KafkaCluster, options: Options, names: Names, *, engine: bool
) -> tuple[Right, ...]:
    """Return what a restore needs; `engine` where it puts back claims and objects itself."""
    stop = backup_rights(cluster, options, names)
    found = [r for r in stop if (r.resource, r.subresource) != ("pods", "exec")]
    found = [r for r in found if (r.resource, r.verbs) != ("deployments", ("get",))]
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
        found.append(
            right(cluster, KAFKA_GROUP, "kafkanodepools", pools, ("get", "patch"), why, "status")
        )
    if engine:
        found += _objects(cluster)
    return in_order(merged(found), cluster.namespace)


def _objects(cluster: KafkaCluster) -> Iterator[Right]:
    yield right(
        cluster, "", "persistentvolumeclaims", (), ("create", "delete", "get"), "replace the claims"
    )
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
        ("delete", "list"),
        "see them, delete a backup",
    )
    yield right(cluster, KAFKA_GROUP, "kafkas", [cluster.name], ("update",), PUT_BACK)
    if cluster.pools:
        pools = cluster.pools
        yield right(cluster, KAFKA_GROUP, "kafkanodepools", pools, ("update",), PUT_BACK)
        yield right(cluster, KAFKA_GROUP, "kafkanodepools", (), ("create", "list"), PUT_BACK)
    yield right(cluster, KAFKA_GROUP, "kafkas", (), ("create",), PUT_BACK)
    for resource in _kinds(cluster):
        yield right(cluster, KAFKA_GROUP, resource, (), REPLACED, PUT_BACK)
    here = [writer for writer in cluster.writers if writer.namespace == cluster.namespace]
    for resource in sorted({writer.resource for writer in here}):
        plural = resource.partition(".")[0]
        names = [writer.name for writer in here if writer.resource == resource]
        yield right(cluster, KAFKA_GROUP, plural, (), ("create",), PUT_BACK)
        yield right(cluster, KAFKA_GROUP, plural, names, ("update",), PUT_BACK)
