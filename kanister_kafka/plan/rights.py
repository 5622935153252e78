"""The least rights that suffice, from what the scripts in templates/scripts call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from kanister_kafka.options import Options, QuiesceBy, Strategy
from kanister_kafka.plan.model import Account, Names, Right, Role, Rule
from kanister_kafka.strimzi import KafkaCluster, WorkloadKind

KAFKA_GROUP = "kafka.strimzi.io"
KIND_TO_RESOURCE = {
    WorkloadKind.STATEFUL_SET: ("apps", "statefulsets"),
    WorkloadKind.POD_SET: ("core.strimzi.io", "strimzipodsets"),
    WorkloadKind.DEPLOYMENT: ("apps", "deployments"),
}
CLAIMS = "persistentvolumeclaims"
REBALANCES = "kafkarebalances"
STOP_VERBS = {
    WorkloadKind.STATEFUL_SET: ("get", "patch"),
    WorkloadKind.POD_SET: ("get", "delete"),
}


def backup_rights(cluster: KafkaCluster, options: Options, names: Names) -> tuple[Right, ...]:
    """Return what the steps of a backup may do, by namespace: neither exec nor read Secrets."""
    see = "see the nodes, and how they end"
    found = [
        *_cluster_rights(cluster, names),
        right(cluster, "", "pods", (), ("list", "watch"), see),
        *_writer_rights(cluster, options),
        right(cluster, "", CLAIMS, (), ("list",), "see that the claims stay the same"),
    ]
    if has_cruise_control(cluster):
        see = "see that no partition is being moved"
        found.append(right(cluster, KAFKA_GROUP, REBALANCES, (), ("list",), see))
    if names.switch:
        found.append(right(cluster, "apps", "deployments", [names.switch], ("get",), ARMED))
        found.append(_scale_right(cluster, names.switch))
    return in_order(found, cluster.namespace)


def has_cruise_control(cluster: KafkaCluster) -> bool:
    """Tell whether Cruise Control moves partitions of the cluster."""
    return f"{cluster.name}-cruise-control" in cluster.components


def flush_rights(cluster: KafkaCluster, options: Options, names: Names) -> tuple[Right, ...]:
    """Return what the flush may do.

    The API could limit `pods/exec` to names of pods, but a plan does not know them: the operator
    gives the node ids, and a pool that is scaled has others.
    """
    found = [
        right(cluster, "", "pods", (), ("get", "list"), "find the nodes"),
        right(cluster, "", "pods", (), ("create",), "flush them", "exec"),
    ]
    if options.strategy is Strategy.COLD:
        found += _telling_rights(cluster, names)
    return in_order(found, cluster.namespace)


def _telling_rights(cluster: KafkaCluster, names: Names) -> Iterator[Right]:
    """Yield what a phase needs to say why it failed."""
    tell = "say why it failed"
    yield right(cluster, KAFKA_GROUP, "kafkas", [cluster.name], ("get",), tell)
    yield right(cluster, "", "configmaps", [names.record], ("get", "patch"), tell)
    yield right(cluster, "", "events", (), ("create",), tell)


def restart_rights(cluster: KafkaCluster, names: Names) -> tuple[Right, ...]:
    """Return what it takes to bring back what was stopped: the dead man's switch has no more."""
    home = cluster.namespace
    found = [
        right
        for right in _cluster_rights(cluster, names)
        if "delete" not in right.verbs or right.resource == "strimzipodsets"
    ]
    found = [replace(r, verbs=tuple(v for v in r.verbs if v != "delete")) for r in found]
    for namespace in sorted({writer.namespace for writer in cluster.writers}):
        found += _writer_objects(cluster, namespace)
    found.append(right(cluster, "", "pods", (), ("list",), "see whether the nodes stay stopped"))
    if names.switch:
        found.append(_scale_right(cluster, names.switch))
    return in_order(found, home)


def in_order(found: Iterable[Right], home: str) -> tuple[Right, ...]:
    """Sort rights by namespace, that of the cluster first."""
    return tuple(sorted(found, key=lambda right: (right.namespace != home, _order(right))))


def merged(found: Iterable[Right]) -> tuple[Right, ...]:
    """Join rights to the same objects into one."""
    by_object: dict[tuple[object, ...], Right] = {}
    for one in found:
        key = (one.namespace, one.group, one.resource, one.subresource, one.names)
        first = by_object.setdefault(key, one)
        verbs = tuple(sorted({*first.verbs, *one.verbs})) if first is not one else one.verbs
        by_object[key] = replace(first, verbs=verbs)
    return tuple(by_object.values())


ARMED = "see that the switch is armed"


def right(
    cluster: KafkaCluster,
    group: str,
    resource: str,
    names: Iterable[str],
    verbs: tuple[str, ...],
    reason: str,
    subresource: str = "",
) -> Right:
    """Make a right in the namespace of the cluster."""
    return Right(
        namespace=cluster.namespace,
        group=group,
        resource=resource,
        subresource=subresource,
        names=tuple(names),
        verbs=verbs,
        reason=reason,
    )


def _scale_right(cluster: KafkaCluster, switch: str) -> Right:
    # By its scale alone: who may patch a Deployment may run any pod as any account.
    verbs = ("get", "patch")
    return right(cluster, "apps", "deployments", [switch], verbs, "arm the switch", "scale")


def _order(right: Right) -> tuple[str, str, str, str]:
    return right.namespace, right.group, right.resource, right.subresource


def _cluster_rights(cluster: KafkaCluster, names: Names) -> Iterator[Right]:
    pause = "pause and resume reconciliation"
    yield right(cluster, KAFKA_GROUP, "kafkas", [cluster.name], ("get", "patch"), pause)
    if cluster.pools:
        keep = "keep the node ids, and see which pools there are"
        yield right(cluster, KAFKA_GROUP, "kafkanodepools", cluster.pools, ("get",), keep)
    workloads = [*cluster.nodes, *([cluster.zookeeper] if cluster.zookeeper else [])]
    for kind, verbs in STOP_VERBS.items():
        found = [workload.name for workload in workloads if kind in workload.kinds]
        if found:
            stop = "stop the nodes, and see them Ready"
            yield right(cluster, *KIND_TO_RESOURCE[kind], found, verbs, stop)
    if cluster.components:
        beside = "stop what is beside them"
        yield right(cluster, "apps", "deployments", cluster.components, ("delete",), beside)
    keep = "keep what restart and restore need"
    yield right(cluster, "", "configmaps", [names.record], ("get", "patch"), keep)
    yield right(cluster, "", "events", (), ("create",), "tell people on the Kafka resource")


def _writer_objects(cluster: KafkaCluster, namespace: str) -> Iterator[Right]:
    writers = [writer for writer in cluster.writers if writer.namespace == namespace]
    for resource in sorted({writer.resource for writer in writers}):
        yield Right(
            namespace=namespace,
            group=KAFKA_GROUP,
            resource=resource.partition(".")[0],
            names=tuple(w.name for w in writers if w.resource == resource),
            verbs=("get", "patch"),
            reason="quiesce what writes, and release it",
        )


def _writer_rights(cluster: KafkaCluster, options: Options) -> Iterator[Right]:
    for namespace in sorted({writer.namespace for writer in cluster.writers}):
        writers = [writer for writer in cluster.writers if writer.namespace == namespace]
        yield from _writer_objects(cluster, namespace)
        if options.quiesce_by is QuiesceBy.PAUSE:
            for kind in (WorkloadKind.POD_SET, WorkloadKind.DEPLOYMENT):
                names = tuple(writer.workload for writer in writers if kind in writer.kinds)
                group, resource = KIND_TO_RESOURCE[kind]
                if names:
                    yield Right(
                        namespace=namespace,
                        group=group,
                        resource=resource,
                        names=names,
                        verbs=("delete",),
                        reason="stop what writes",
                    )
        if namespace != cluster.namespace:
            yield Right(
                namespace=namespace,
                group="",
                resource="pods",
                verbs=("list",),
                reason="see when what writes is gone",
            )


def questions(found: Iterable[Right]) -> tuple[str, ...]:
    """Return `VERB:RESOURCE:SUBRESOURCE:NAME:NAMESPACE` for each single right."""
    return tuple(
        ":".join(
            (
                verb,
                f"{right.resource}.{right.group}" if right.group else right.resource,
                right.subresource,
                name,
                right.namespace,
            )
        )
        for right in found
        for name in right.names or ("",)
        for verb in right.verbs
    )


def account(
    cluster: KafkaCluster, name: str, anchor: str, purpose: str, found: tuple[Right, ...]
) -> Account:
    """Return a service account with a Role in each namespace; abroad its name tells whose it is."""
    namespaces = dict.fromkeys(right.namespace for right in found)
    return Account(
        name=name,
        anchor=anchor,
        purpose=purpose,
        rights=found,
        roles=tuple(
            Role(
                name=name if namespace == cluster.namespace else f"{cluster.namespace}.{name}",
                namespace=namespace,
                account=name,
                rules=tuple(_rule(right) for right in found if right.namespace == namespace),
            )
            for namespace in namespaces
        ),
    )


def _rule(right: Right) -> Rule:
    resource = right.resource
    if right.subresource:
        resource = f"{resource}/{right.subresource}"
    return Rule(groups=(right.group,), resources=(resource,), names=right.names, verbs=right.verbs)
