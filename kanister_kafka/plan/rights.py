"""The least rights that suffice, from what the scripts in templates/scripts call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kanister_kafka.options import Options, QuiesceBy, Strategy
from kanister_kafka.plan.model import Right, Role, Rule
from kanister_kafka.strimzi import KafkaCluster, WorkloadKind

KAFKA_GROUP = "kafka.strimzi.io"
KIND_TO_RESOURCE = {
    WorkloadKind.STATEFUL_SET: ("apps", "statefulsets"),
    WorkloadKind.POD_SET: ("core.strimzi.io", "strimzipodsets"),
    WorkloadKind.DEPLOYMENT: ("apps", "deployments"),
}
STOP_VERBS = {
    WorkloadKind.STATEFUL_SET: ("get", "patch"),
    WorkloadKind.POD_SET: ("get", "delete"),
}


def rights(cluster: KafkaCluster, options: Options, record: str) -> tuple[Right, ...]:
    """Return what the steps may do, by namespace."""
    home = cluster.namespace
    exec_rights = (
        Right(
            namespace=home,
            group="",
            resource="pods",
            verbs=("get", "list"),
            reason="find the nodes, and see when they are gone",
        ),
        Right(
            namespace=home,
            group="",
            resource="pods",
            subresource="exec",
            verbs=("create",),
            reason="flush them",
        ),
    )
    if options.strategy is Strategy.HOT:
        return exec_rights
    found = [*_cluster_rights(cluster, record), *exec_rights, *_writer_rights(cluster, options)]
    return tuple(sorted(found, key=lambda right: (right.namespace != home, _order(right))))


def _order(right: Right) -> tuple[str, str, str, str]:
    return right.namespace, right.group, right.resource, right.subresource


def _cluster_rights(cluster: KafkaCluster, record: str) -> Iterator[Right]:
    home = cluster.namespace

    def right(
        group: str, resource: str, names: Iterable[str], verbs: tuple[str, ...], why: str
    ) -> Right:
        return Right(
            namespace=home,
            group=group,
            resource=resource,
            names=tuple(names),
            verbs=verbs,
            reason=why,
        )

    yield right(
        KAFKA_GROUP, "kafkas", [cluster.name], ("get", "patch"), "pause and resume reconciliation"
    )
    if cluster.pools:
        yield right(KAFKA_GROUP, "kafkanodepools", cluster.pools, ("get",), "keep the node ids")
    workloads = [*cluster.nodes, *([cluster.zookeeper] if cluster.zookeeper else [])]
    for kind, verbs in STOP_VERBS.items():
        names = [workload.name for workload in workloads if kind in workload.kinds]
        if names:
            yield right(*KIND_TO_RESOURCE[kind], names, verbs, "stop the nodes, and see them Ready")
    if cluster.components:
        yield right(
            "apps", "deployments", cluster.components, ("delete",), "stop what is beside them"
        )
    yield right("", "configmaps", [record], ("get", "patch"), "keep what restart and restore need")


def _writer_rights(cluster: KafkaCluster, options: Options) -> Iterator[Right]:
    for namespace in sorted({writer.namespace for writer in cluster.writers}):
        writers = [writer for writer in cluster.writers if writer.namespace == namespace]
        for resource in sorted({writer.resource for writer in writers}):
            yield Right(
                namespace=namespace,
                group=KAFKA_GROUP,
                resource=resource.partition(".")[0],
                names=tuple(w.name for w in writers if w.resource == resource),
                verbs=("get", "patch"),
                reason="quiesce what writes",
            )
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


def roles(found: tuple[Right, ...], cluster: KafkaCluster, name: str) -> tuple[Role, ...]:
    """Return a Role for each namespace; abroad its name tells which cluster it serves."""
    namespaces = dict.fromkeys(right.namespace for right in found)
    return tuple(
        Role(
            name=name if namespace == cluster.namespace else f"{cluster.namespace}.{name}",
            namespace=namespace,
            rules=tuple(
                Rule(
                    groups=(right.group,),
                    resources=(
                        f"{right.resource}/{right.subresource}"
                        if right.subresource
                        else right.resource,
                    ),
                    names=right.names,
                    verbs=right.verbs,
                )
                for right in found
                if right.namespace == namespace
            ),
        )
        for namespace in namespaces
    )
