"""The least rights that suffice, derived from the calls of the scripts in templates/scripts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from kanister_kafka.backup.model import (
    Permission,
    PolicyRule,
    ResourceNames,
    RoleSpec,
    ServiceAccountSpec,
)
from kanister_kafka.backup.options import Options, QuiesceMethod, Strategy
from kanister_kafka.constants import STRIMZI, STRIMZI_CORE
from kanister_kafka.strimzi import KafkaCluster, WorkloadKind

KANISTER_GROUP = "cr.kanister.io"
KIND_TO_RESOURCE = {
    WorkloadKind.STATEFUL_SET: ("apps", "statefulsets"),
    WorkloadKind.POD_SET: (STRIMZI_CORE, "strimzipodsets"),
    WorkloadKind.DEPLOYMENT: ("apps", "deployments"),
}
CLAIMS = "persistentvolumeclaims"
REBALANCES = "kafkarebalances"
STOP_VERBS = {WorkloadKind.STATEFUL_SET: ("get", "patch"), WorkloadKind.POD_SET: ("get", "delete")}


def backup_rights(
    cluster: KafkaCluster, options: Options, names: ResourceNames
) -> tuple[Permission, ...]:
    """Return what the steps of a backup may do, by namespace: neither exec nor read Secrets."""
    see = "see the nodes, and how they end"
    rights = [
        *_cluster_rights(cluster, names),
        permission(cluster, "", "pods", (), ("list", "watch"), see),
        *_writer_rights(cluster, options),
        permission(cluster, "", CLAIMS, (), ("list",), "see that the claims stay the same"),
    ]
    if has_cruise_control(cluster):
        see = "see that no partition is being moved"
        rights.append(permission(cluster, STRIMZI, REBALANCES, (), ("list",), see))
    if names.switch:
        rights.append(permission(cluster, "apps", "deployments", [names.switch], ("get",), ARMED))
        rights.append(_scale_right(cluster, names.switch))
    return sort_permissions(rights, cluster.namespace)


def online_rights(
    cluster: KafkaCluster, options: Options, names: ResourceNames
) -> tuple[Permission, ...]:
    """Return what the steps of a backup may do whose brokers run: they stop no node."""
    nodes = {workload.name for workload in cluster.nodes}
    return tuple(
        replace(right, verbs=("get",)) if nodes & {*right.names} else right
        for right in backup_rights(cluster, options, names)
    )


def hot_rights(cluster: KafkaCluster, names: ResourceNames) -> tuple[Permission, ...]:
    """Return what the check of a backup by the engine may do that stops nothing: only look."""
    return sort_permissions(_hot_rights(cluster, names), cluster.namespace)


def _hot_rights(cluster: KafkaCluster, names: ResourceNames) -> Iterator[Permission]:
    see = "see that Kafka stays the same"
    yield permission(cluster, STRIMZI, "kafkas", [cluster.name], ("get",), see)
    if cluster.pools:
        keep = "keep the node ids, and see which pools there are"
        yield permission(cluster, STRIMZI, "kafkanodepools", cluster.pools, ("get",), keep)
    yield permission(cluster, "", "pods", (), ("list",), "see that no node restarts")
    yield permission(cluster, "", CLAIMS, (), ("list",), "see that the claims stay the same")
    keep = "keep what a restore needs, let no other backup begin"
    yield permission(cluster, "", "configmaps", [names.record], ("get", "patch"), keep)
    yield permission(cluster, "", "events", (), ("create",), "report on the Kafka resource")


def has_cruise_control(cluster: KafkaCluster) -> bool:
    """Return whether Cruise Control moves partitions of the cluster."""
    return f"{cluster.name}-cruise-control" in cluster.components


def flush_rights(cluster: KafkaCluster, names: ResourceNames) -> tuple[Permission, ...]:
    """Return what the flush may do.

    The API could limit `pods/exec` to names of pods, but a plan does not know them: the operator
    gives the node ids, and a pool that is scaled has others.
    """
    rights = [
        permission(cluster, "", "pods", (), ("get", "list"), "find the nodes"),
        permission(cluster, "", "pods", (), ("create",), "flush them", "exec"),
    ]
    if names.record:
        rights += _reporting_rights(cluster, names)
    return sort_permissions(rights, cluster.namespace)


def _reporting_rights(cluster: KafkaCluster, names: ResourceNames) -> Iterator[Permission]:
    """Yield the rights that a phase needs to report why it failed."""
    purpose = "report why it failed"
    yield permission(cluster, STRIMZI, "kafkas", [cluster.name], ("get",), purpose)
    yield permission(cluster, "", "configmaps", [names.record], ("get", "patch"), purpose)
    yield permission(cluster, "", "events", (), ("create",), purpose)


def restart_rights(cluster: KafkaCluster, names: ResourceNames) -> tuple[Permission, ...]:
    """Return what it takes to bring back what was stopped: the watchdog has no more."""
    rights = [
        right
        for right in _cluster_rights(cluster, names)
        if "delete" not in right.verbs or right.resource == "strimzipodsets"
    ]
    rights = [_without_delete(right) for right in rights]
    for namespace in sorted({writer.namespace for writer in cluster.writers}):
        rights += _writer_objects(cluster, namespace)
    rights.append(
        permission(cluster, "", "pods", (), ("list", "watch"), "see whether the nodes stay stopped")
    )
    if names.switch:
        rights.append(_scale_right(cluster, names.switch))
    return sort_permissions(rights, cluster.namespace)


def sort_permissions(permissions: Iterable[Permission], namespace: str) -> tuple[Permission, ...]:
    """Sort rights by namespace, that of the cluster first."""
    return tuple(
        sorted(permissions, key=lambda right: (right.namespace != namespace, _order(right)))
    )


def merge_permissions(permissions: Iterable[Permission]) -> tuple[Permission, ...]:
    """Join rights to the same objects into one."""
    by_object: dict[tuple[object, ...], Permission] = {}
    for right in permissions:
        key = (right.namespace, right.group, right.resource, right.subresource, right.names)
        first = by_object.setdefault(key, right)
        verbs = tuple(sorted({*first.verbs, *right.verbs})) if first is not right else right.verbs
        by_object[key] = replace(first, verbs=verbs)
    return tuple(by_object.values())


ARMED = "see that the watchdog is armed"


def permission(
    cluster: KafkaCluster,
    group: str,
    resource: str,
    names: Iterable[str],
    verbs: tuple[str, ...],
    reason: str,
    subresource: str = "",
) -> Permission:
    """Make a right in the namespace of the cluster."""
    return Permission(
        namespace=cluster.namespace,
        group=group,
        resource=resource,
        subresource=subresource,
        names=tuple(names),
        verbs=verbs,
        reason=reason,
    )


def _scale_right(cluster: KafkaCluster, switch: str) -> Permission:
    # By its scale alone: who may patch a Deployment may run any pod as any account.
    verbs = ("get", "patch")
    return permission(cluster, "apps", "deployments", [switch], verbs, "arm the watchdog", "scale")


def _order(right: Permission) -> tuple[str, str, str, str]:
    return right.namespace, right.group, right.resource, right.subresource


def _cluster_rights(cluster: KafkaCluster, names: ResourceNames) -> Iterator[Permission]:
    pause = "pause and resume reconciliation"
    yield permission(cluster, STRIMZI, "kafkas", [cluster.name], ("get", "patch"), pause)
    if cluster.pools:
        keep = "keep the node ids, and see which pools there are"
        yield permission(cluster, STRIMZI, "kafkanodepools", cluster.pools, ("get",), keep)
    workloads = [*cluster.nodes, *([cluster.zookeeper] if cluster.zookeeper else [])]
    for kind, verbs in STOP_VERBS.items():
        workload_names = [workload.name for workload in workloads if kind in workload.kinds]
        if workload_names:
            stop = "stop the nodes, and see them Ready"
            yield permission(cluster, *KIND_TO_RESOURCE[kind], workload_names, verbs, stop)
    if cluster.components:
        reason = "stop the other components"
        yield permission(cluster, "apps", "deployments", cluster.components, ("delete",), reason)
    keep = "keep what restart and restore need"
    yield permission(cluster, "", "configmaps", [names.record], ("get", "patch"), keep)
    yield permission(cluster, "", "events", (), ("create",), "report on the Kafka resource")


def _writer_objects(cluster: KafkaCluster, namespace: str) -> Iterator[Permission]:
    writers = [writer for writer in cluster.writers if writer.namespace == namespace]
    for resource in sorted({writer.resource for writer in writers}):
        yield Permission(
            namespace=namespace,
            group=STRIMZI,
            resource=resource.partition(".")[0],
            names=tuple(w.name for w in writers if w.resource == resource),
            verbs=("get", "patch"),
            reason="quiesce what writes, and release it",
        )


def _kept_writers(cluster: KafkaCluster) -> Iterator[Permission]:
    """Yield rights to read the clients of the namespace, which a backup keeps."""
    for right in _writer_objects(cluster, cluster.namespace):
        yield replace(right, verbs=("get",), reason=KEEP)


def _writer_rights(cluster: KafkaCluster, options: Options) -> Iterator[Permission]:
    for namespace in sorted({writer.namespace for writer in cluster.writers}):
        writers = [writer for writer in cluster.writers if writer.namespace == namespace]
        yield from _writer_objects(cluster, namespace)
        if options.quiesce_by is QuiesceMethod.PAUSE:
            for kind in (WorkloadKind.POD_SET, WorkloadKind.DEPLOYMENT):
                names = tuple(writer.workload for writer in writers if kind in writer.kinds)
                group, resource = KIND_TO_RESOURCE[kind]
                if names:
                    yield Permission(
                        namespace=namespace,
                        group=group,
                        resource=resource,
                        names=names,
                        verbs=("delete",),
                        reason="stop what writes",
                    )
        if namespace != cluster.namespace:
            yield Permission(
                namespace=namespace,
                group="",
                resource="pods",
                verbs=("list",),
                reason="see when what writes is gone",
            )


def access_review_specs(permissions: Iterable[Permission]) -> tuple[str, ...]:
    """Return `VERB:RESOURCE:SUBRESOURCE:NAME:NAMESPACE` for each single right."""
    rights = []
    for right in permissions:
        resource = f"{right.resource}.{right.group}" if right.group else right.resource
        for name in right.names or ("",):
            end = f":{resource}:{right.subresource}:{name}:{right.namespace}"
            rights += [verb + end for verb in right.verbs]
    return tuple(rights)


def service_account(
    cluster: KafkaCluster, name: str, anchor: str, purpose: str, permissions: tuple[Permission, ...]
) -> ServiceAccountSpec:
    """Return a service account with a Role in each namespace, elsewhere as `HOME.NAME`.

    Permissions without a namespace become a ClusterRole.
    """
    namespaces = dict.fromkeys(right.namespace for right in permissions)

    def rules(namespace: str) -> tuple[PolicyRule, ...]:
        return tuple(_rule(right) for right in permissions if right.namespace == namespace)

    return ServiceAccountSpec(
        name=name,
        anchor=anchor,
        purpose=purpose,
        rights=permissions,
        roles=tuple(
            RoleSpec(
                name=name if namespace == cluster.namespace else f"{cluster.namespace}.{name}",
                namespace=namespace,
                account=name,
                rules=rules(namespace),
            )
            for namespace in namespaces
        ),
    )


def _without_delete(right: Permission) -> Permission:
    return replace(right, verbs=tuple(verb for verb in right.verbs if verb != "delete"))


def _rule(right: Permission) -> PolicyRule:
    resource = right.resource
    if right.subresource:
        resource = f"{resource}/{right.subresource}"
    return PolicyRule(
        groups=(right.group,), resources=(resource,), names=right.names, verbs=right.verbs
    )


# The least rights of backups, restores and deletions without Kasten.

SNAPSHOT_GROUP = "snapshot.storage.k8s.io"
GROUP_GROUP = "groupsnapshot.storage.k8s.io"
"""API group of VolumeGroupSnapshots."""
KEEP = "keep what a restore needs"
PUT_BACK = "put back what was kept"
REPLACED = ("create", "get", "list", "update")
WRITERS = ("kafkabridges", "kafkaconnects", "kafkamirrormaker2s")
"""Custom resources that a backup keeps if they write into the Kafka."""
NAMED = ("kafkaconnectors", "kafkatopics", "kafkausers")
"""Custom resources that are found by the label of their cluster."""


def save_rights(
    cluster: KafkaCluster, options: Options, names: ResourceNames
) -> tuple[Permission, ...]:
    """Return what keeps, and recovers from a backup that failed; online it snapshots as well.

    The recovery removes what is left of the backup, so it may read Secrets as well; and it brings
    Kafka back, as the watchdog may, except after a hot backup. Neither stops anything.
    """
    cold = options.strategy is Strategy.COLD
    rights = [*_save_rights(cluster)]
    if options.strategy is Strategy.HOT:
        rights += [*_hot_rights(cluster, names), *_kept_writers(cluster)]
    else:
        rights += restart_rights(cluster, names)
    rights.append(_snapshot_right(cluster, "delete", "list", *(() if cold else ("create",))))
    if options.group_snapshot_class:
        rights += _group_rights(cluster)
    return sort_permissions(merge_permissions(rights), cluster.namespace)


def stopped_snapshot_rights(cluster: KafkaCluster) -> tuple[Permission, ...]:
    """Return what the pod that has stopped Kafka needs in order to snapshot its claims."""
    return (_snapshot_right(cluster, "create", "list"),)


def _snapshot_right(cluster: KafkaCluster, *verbs: str) -> Permission:
    why = "snapshot the claims" if "create" in verbs else "remove what is left of a backup"
    return permission(cluster, SNAPSHOT_GROUP, "volumesnapshots", (), tuple(sorted(verbs)), why)


def _save_rights(cluster: KafkaCluster) -> Iterator[Permission]:
    yield permission(cluster, "", "persistentvolumeclaims", (), ("list",), "find what to snapshot")
    verbs = ("create", "delete", "get", "list", "patch")
    yield permission(cluster, "", "secrets", (), verbs, f"{KEEP}, mark a backup as complete")
    for resource in _kinds(cluster):
        yield permission(cluster, STRIMZI, resource, (), ("list",), KEEP)


def _group_rights(cluster: KafkaCluster) -> Iterator[Permission]:
    """Yield what a group of snapshots needs as well; the Secret that owns a group deletes it."""
    why = "snapshot the claims at one moment"
    yield permission(cluster, GROUP_GROUP, "volumegroupsnapshots", (), ("create", "get"), why)
    why = "label the members of the group"
    yield permission(cluster, SNAPSHOT_GROUP, "volumesnapshots", (), ("get", "patch"), why)


def _kinds(cluster: KafkaCluster) -> tuple[str, ...]:
    """Return custom resources that are found by the label of their cluster."""
    connects = any(
        writer.kind == "KafkaConnect" and writer.namespace == cluster.namespace
        for writer in cluster.writers
    )
    return tuple(resource for resource in NAMED if connects or resource != "kafkaconnectors")


def _end_rights(cluster: KafkaCluster) -> Iterator[Permission]:
    """Yield further rights that the end of a restore needs in addition to a restart."""
    name = f"{cluster.name}-entity-operator"
    yield permission(
        cluster, "apps", "deployments", [name], ("get",), "see that topics can be made"
    )


def restore_rights(
    cluster: KafkaCluster, options: Options, names: ResourceNames, *, engine: bool
) -> tuple[Permission, ...]:
    """Return what a restore needs; `engine` if it puts back claims and objects itself."""
    stop = backup_rights(cluster, options, names)
    rights = [r for r in stop if (r.resource, r.verbs) != ("deployments", ("get",))]
    rights = [r for r in rights if r.resource not in (CLAIMS, REBALANCES)]
    # Pods are only waited for, and nothing looks at what is deleted.
    only = {"pods": ("list",), "strimzipodsets": ("delete",)}
    rights = [replace(r, verbs=only.get(r.resource, r.verbs)) for r in rights]
    pools = cluster.pools if not cluster.zookeeper else ()
    if not cluster.zookeeper:
        why = "put back the cluster id"
        rights.append(
            permission(cluster, STRIMZI, "kafkas", [cluster.name], ("get", "patch"), why, "status")
        )
    if pools:
        why = "put back the node ids"
        # Those of the backup, if it is put back from one.
        pools = () if engine else pools
        rights.append(
            permission(cluster, STRIMZI, "kafkanodepools", pools, ("get", "patch"), why, "status")
        )
    if engine:
        rights += _objects(cluster)
    rights += [*restart_rights(cluster, names), *_end_rights(cluster)]
    return sort_permissions(merge_permissions(rights), cluster.namespace)


def _objects(cluster: KafkaCluster) -> Iterator[Permission]:
    """Yield rights to all objects of a backup, which may be more than the Blueprint names."""
    verbs = ("create", "delete", "list")
    yield permission(cluster, "", "persistentvolumeclaims", (), verbs, "replace the claims")
    yield permission(
        cluster,
        "",
        "secrets",
        (),
        ("create", "delete", "get", "list", "update"),
        "put back what was kept, delete a backup",
    )
    yield permission(
        cluster,
        SNAPSHOT_GROUP,
        "volumesnapshots",
        (),
        ("create", "delete", "list"),
        "see them, delete a backup, snapshot what is replaced",
    )
    yield permission(cluster, STRIMZI, "kafkas", [cluster.name], ("update",), PUT_BACK)
    yield permission(cluster, STRIMZI, "kafkas", (), ("create",), PUT_BACK)
    pools = ("kafkanodepools",) if cluster.pools else ()
    for resource in chain(pools, NAMED, WRITERS):
        yield permission(cluster, STRIMZI, resource, (), REPLACED, PUT_BACK)


# The least rights of the phases that copy a backup off the cluster.


def export_rights(cluster: KafkaCluster) -> tuple[Permission, ...]:
    """Return what runs restic in Jobs. It reads no Secret: the kubelet gives one to the pods.

    The names of Jobs are not known before, and who may create a Job runs any pod of the namespace.
    """
    rights = [
        permission(
            cluster, "batch", "jobs", (), ("create", "delete", "get", "list"), "run restic in Jobs"
        ),
        permission(cluster, "", "pods", (), ("get", "list"), "see whether they run"),
        permission(cluster, "", "pods", (), ("get",), "read what restic reports", "log"),
        permission(
            cluster, STRIMZI, "kafkas", [cluster.name], ("get",), "report on the Kafka resource"
        ),
        permission(cluster, "", "events", (), ("create",), "report on the Kafka resource"),
    ]
    return sort_permissions(rights, cluster.namespace)


# The least rights of `backups create`, which a CronJob runs.


def schedule_rights(
    cluster: KafkaCluster, options: Options, names: ResourceNames, blueprint: str
) -> tuple[Permission, ...]:
    """Return what makes a backup by an ActionSet, follows it, and prunes.

    The API can limit none of these to names: ActionSets, snapshots and Secrets of backups get
    theirs when they are made.
    """
    follow = "see how far the backup is"
    rights = [
        permission(cluster, STRIMZI, "kafkas", [cluster.name], ("get",), follow),
        permission(cluster, "", "pods", (), ("list",), follow),
        permission(
            cluster, "", "configmaps", [names.record], ("get",), "see whether it is stopped"
        ),
        permission(cluster, "", "secrets", (), ("delete", "get", "list"), "find backups, prune"),
        permission(
            cluster,
            SNAPSHOT_GROUP,
            "volumesnapshots",
            (),
            ("delete", "list"),
            "find backups, prune",
        ),
        permission(cluster, "", "events", (), ("create",), "report on the Kafka resource"),
    ]
    if cluster.pools:
        rights.append(permission(cluster, STRIMZI, "kafkanodepools", (), ("list",), follow))
    see, start = "see that it has the action", "start a backup, and see whether another action runs"
    verbs = ("create", "delete", "get", "list")
    of_kanister = (
        permission(cluster, KANISTER_GROUP, "blueprints", [blueprint], ("get",), see),
        permission(cluster, KANISTER_GROUP, "actionsets", (), verbs, start),
    )
    rights += [replace(right, namespace=options.kasten_namespace) for right in of_kanister]
    return sort_permissions(merge_permissions(rights), cluster.namespace)


# The least rights of `verify`, which a CronJob runs.


def verification_rights(
    cluster: KafkaCluster, options: Options, names: ResourceNames, blueprint: str
) -> tuple[Permission, ...]:
    """Return what restores the newest backup into another namespace, and removes it there.

    Nothing of the cluster may be changed except the Secret with the facts of a backup, which gets
    the result. A Secret of a backup has no name yet when the rights are given.
    """
    find, copy, look = "find the newest backup", "make a copy, and remove it", "see the copy"
    secrets = ("get", "list", "patch")
    rights = [
        permission(cluster, "", "secrets", (), secrets, "read a backup, write the result"),
        permission(cluster, SNAPSHOT_GROUP, "volumesnapshots", (), ("list",), find),
        permission(cluster, "", "configmaps", [names.record], ("get",), find),
    ]

    def elsewhere(
        namespace: str,
        group: str,
        resource: str,
        verbs: tuple[str, ...],
        reason: str,
        *,
        subresource: str = "",
        limited: tuple[str, ...] = (),
    ) -> None:
        right = permission(cluster, group, resource, limited, verbs, reason, subresource)
        rights.append(replace(right, namespace=namespace))

    kanister, names_it = options.kasten_namespace, "see which ConfigMap has the state of Kafka"
    elsewhere(kanister, KANISTER_GROUP, "actionsets", ("list",), find)
    elsewhere(kanister, KANISTER_GROUP, "blueprints", ("get",), names_it, limited=(blueprint,))
    every = ("create", "delete", "get", "list")
    elsewhere("", SNAPSHOT_GROUP, "volumesnapshotcontents", every, copy)
    elsewhere("", "", "namespaces", ("get",), look, limited=(options.verify_into,))
    namespace = options.verify_into
    for resource in ("secrets", CLAIMS):
        elsewhere(namespace, "", resource, every, copy)
    policies = (*every, "patch")  # it shows whether the command has ended
    elsewhere(namespace, "networking.k8s.io", "networkpolicies", policies, copy)
    elsewhere(namespace, SNAPSHOT_GROUP, "volumesnapshots", (*every, "patch"), copy)
    pools = ("kafkanodepools",) if cluster.pools else ()
    for resource in ("kafkas", *pools):
        elsewhere(namespace, STRIMZI, resource, every, copy)
        write = "write cluster id and node ids"
        elsewhere(namespace, STRIMZI, resource, ("patch",), write, subresource="status")
    elsewhere(namespace, STRIMZI, "kafkas", ("patch",), "end the pause of the copy")
    # A copy of a cluster without them is removed with the same requests.
    for resource in ("kafkanodepools", "kafkatopics", "kafkausers"):
        if resource not in pools:
            elsewhere(namespace, STRIMZI, resource, ("list",), look)
    elsewhere(namespace, "", "configmaps", ("list",), "see objects that the Kafka refers to")
    elsewhere(namespace, "", "resourcequotas", ("list",), "see whether there is room")
    elsewhere(namespace, "", "pods", ("list",), look)
    # A websocket is opened by GET; newer API servers want `create` for it too.
    read = "read the offsets and records"
    elsewhere(namespace, "", "pods", ("create", "get"), read, subresource="exec")
    storage = "see whether volumes are deleted with their claims"
    elsewhere("", "storage.k8s.io", "storageclasses", ("get",), storage)
    return sort_permissions(merge_permissions(rights), cluster.namespace)
