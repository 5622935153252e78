"""Workloads of Kafka and ZooKeeper nodes, and the autoscalers that change replicas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from kanister_kafka.constants import STRIMZI
from kanister_kafka.diagnostics import Diagnostic
from kanister_kafka.strimzi.cursor import FieldCursor
from kanister_kafka.strimzi.model import (
    DEFAULT_GRACE_SECONDS,
    Autoscaler,
    AutoscalerTarget,
    KafkaClient,
    PoolName,
    Role,
    StorageClass,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from kanister_kafka.yamldoc import Document

# Storage of brokers, controllers and ZooKeeper.

PERSISTENT = "persistent-claim"
EPHEMERAL = "ephemeral"
JBOD = "jbod"


def check_storage(storage: FieldCursor) -> None:
    """Report volumes whose data is lost with the pod or with the custom resource."""
    if not storage.present:
        return
    kind = storage.at("type").choice([EPHEMERAL, PERSISTENT, JBOD])
    if kind == JBOD:
        volumes = storage.at("volumes").required().each()
        if storage.at("volumes").present and not volumes:
            storage.at("volumes").error("missing-field", "Required value: at least one volume")
        for volume in volumes:
            _check_volume(volume, volume.at("type").choice([EPHEMERAL, PERSISTENT]))
    elif kind:
        _check_volume(storage, kind)


def _check_volume(volume: FieldCursor, kind: str) -> None:
    if kind == EPHEMERAL:
        volume.at("type").error(
            "ephemeral-storage",
            'Invalid value: "ephemeral": the data is lost the moment the pod stops; use '
            f'"{PERSISTENT}"',
        )
    if volume.at("deleteClaim").boolean():
        # Strimzi's PersistentVolumeClaimUtils.java sets an owner reference on the claim.
        volume.at("deleteClaim").warn(
            "delete-claim",
            "the claim is deleted with its custom resource, and a restored claim that still names "
            "the old owner is deleted as well; set it to false",
        )


def check_additional_volumes(template: FieldCursor) -> None:
    """Report claims that pods mount in addition to the storage.

    They lack the label of the cluster, by which the steps and a Policy find claims. From 1.2 on,
    each node can have its own (AdditionalVolume.java, AdditionalTemplatedVolume.java).
    """
    pod = template.at("pod")
    for volume in chain(pod.at("volumes").each(), pod.at("templatedVolumes").each()):
        claim = volume.at("persistentVolumeClaim")
        if claim.present:
            claim.warn(
                "additional-volume",
                f"claim {claim.at('claimName').string()} is not snapshotted, because it is not "
                "part of the storage: back it up as well if it has data",
            )


def storage_classes(storage: FieldCursor, resource: str, name: str) -> Iterator[StorageClass]:
    """Find every storage class that is named below `storage`, with overrides for single nodes."""
    pointer = "/" + storage.path.replace(".", "/")
    places = [(storage, pointer)]
    places += [(v, f"{pointer}/volumes/{i}") for i, v in enumerate(storage.at("volumes").each())]
    for volume, path in tuple(places):
        overrides = volume.at("overrides").each()
        places += [(one, f"{path}/overrides/{i}") for i, one in enumerate(overrides)]
    for field, path in places:
        storage_class = field.at("class").string()
        if storage_class:
            yield StorageClass(
                resource=resource, name=name, path=f"{path}/class", storage_class=storage_class
            )


def nodes_without_pools(
    cluster: str, spec: FieldCursor, kinds: tuple[WorkloadKind, ...]
) -> list[Workload]:
    """Return the one workload of a cluster without node pools."""
    kafka = spec.at("kafka").required()
    check_additional_volumes(kafka.at("template"))
    return [_node_without_pool(f"{cluster}-kafka", kafka, kinds, (Role.BROKER,))]


def pool_nodes(cluster: str, spec: FieldCursor, pools: Sequence[FieldCursor]) -> list[Workload]:
    """Return a workload for each node pool."""
    check_additional_volumes(spec.at("kafka", "template"))
    common_grace = _grace(spec.at("kafka").required(), DEFAULT_GRACE_SECONDS)
    return [_pool_node(cluster, pool, common_grace) for pool in pools]


def zookeeper_node(cluster: str, spec: FieldCursor, kinds: tuple[WorkloadKind, ...]) -> Workload:
    """Return the workload of ZooKeeper."""
    return _node_without_pool(f"{cluster}-zookeeper", spec.at("zookeeper"), kinds)


def _node_without_pool(
    name: str, part: FieldCursor, kinds: tuple[WorkloadKind, ...], roles: tuple[Role, ...] = ()
) -> Workload:
    check_storage(part.at("storage").required())
    return Workload(
        name=WorkloadName(name),
        kinds=kinds,
        pool=None,
        roles=roles,
        replicas=part.at("replicas").required().integer(0, minimum=1),
        grace_seconds=_grace(part, DEFAULT_GRACE_SECONDS),
    )


def check_roles(
    kafka: FieldCursor,
    nodes: Sequence[Workload],
    pools: Sequence[FieldCursor],
    *,
    has_zookeeper: bool,
) -> None:
    """Report roles that no node has, and roles that cannot be together; nodes are of the pools."""
    if not nodes:
        return
    roles: set[Role] = set()
    for node in nodes:
        roles.update(node.roles)
    for role in Role:
        if role not in roles and (role is Role.BROKER or not has_zookeeper):
            kafka.error("contradiction", f"no node pool of the cluster has role {role.value}")
    voters = sum(node.replicas for node in nodes if Role.CONTROLLER in node.roles)
    for node, pool in zip(nodes, pools, strict=True):
        field = pool.at("spec", "roles")
        if has_zookeeper and Role.CONTROLLER in node.roles:
            field.error(
                "contradiction", "a cluster with ZooKeeper has no node with role controller"
            )
        elif node.combined and voters > 1:  # alone, a node is its own quorum and stops cleanly
            field.warn(
                "combined-roles",
                "nodes that are broker and controller in one lose their quorum while they stop, so "
                "the last ones may be killed after their grace period; use a KafkaNodePool of its "
                "own for the controllers",
            )


def _pool_node(cluster: str, pool: FieldCursor, common_grace: int) -> Workload:
    name = pool.at("metadata", "name").name()
    settings = pool.at("spec").required()
    check_storage(settings.at("storage").required())
    check_additional_volumes(settings.at("template"))
    return Workload(
        name=WorkloadName(f"{cluster}-{name}"),
        kinds=(WorkloadKind.POD_SET,),
        pool=PoolName(name),
        roles=_roles(settings.at("roles").required()),
        replicas=settings.at("replicas").required().integer(0),
        # The pool's template wins over that of the Kafka (KafkaPool.java).
        grace_seconds=_grace(settings, common_grace),
    )


def _roles(field: FieldCursor) -> tuple[Role, ...]:
    items = field.each()
    if field.present and not items:
        field.error("missing-field", "Required value: at least one of broker, controller")
    choices = [role.value for role in Role]
    texts = {item.choice(choices) for item in items}
    return tuple(role for role in Role if role.value in texts)


def _grace(settings: FieldCursor, default: int) -> int:
    field = settings.at("template", "pod", "terminationGracePeriodSeconds")
    return field.integer(default)


# Objects that change replicas: ScaledObjects of KEDA and HorizontalPodAutoscalers.
#
# A backup keeps writers at 0 replicas, or their reconciliation paused, and Kafka stopped. KEDA sets
# a target at 0 to its minimum as soon as a trigger is active (KEDA's scale_scaledobjects.go). The
# autoscaler of Kubernetes leaves a target at 0 alone, unless its own minimum is 0 (horizontal.go).

SCALED_OBJECT, HORIZONTAL = "ScaledObject", "HorizontalPodAutoscaler"
KINDS = {SCALED_OBJECT: "keda.sh", HORIZONTAL: "autoscaling"}
"""Kind to its API group."""
PAUSED = "autoscaling.keda.sh/paused"
PAUSED_REPLICAS = "autoscaling.keda.sh/paused-replicas"
NO = ("0", "f", "F", "FALSE", "false", "False")
"""False for Go's strconv.ParseBool; other values pause (KEDA's scaledobject_types.go)."""


def is_autoscaler(document: Document) -> bool:
    """Return whether an object is of a kind that changes replicas of others."""
    return KINDS.get(document.kind) == document.group


def find_autoscalers(
    documents: Iterable[Document],
    namespace: str,
    pools: Iterable[str],
    writers: Iterable[KafkaClient],
    default_namespace: str = "",
) -> tuple[Autoscaler, ...]:
    """Return those whose target is a node pool of a namespace, or a writer."""
    targets = {
        ("KafkaNodePool", STRIMZI, namespace, pool): AutoscalerTarget.NODES for pool in pools
    }
    for writer in writers:
        targets[writer.kind, STRIMZI, writer.namespace, writer.name] = AutoscalerTarget.WRITER
        targets["Deployment", "apps", writer.namespace, str(writer.workload)] = (
            AutoscalerTarget.WRITER
        )
    autoscalers = []
    for document in filter(is_autoscaler, documents):
        autoscaler = _read(document, targets, default_namespace)
        if autoscaler is not None:
            autoscalers.append(autoscaler)
    return tuple(sorted(autoscalers, key=lambda one: (one.namespace, one.kind, one.name)))


def _read(
    document: Document, targets: dict[tuple[str, str, str, str], AutoscalerTarget], default: str
) -> Autoscaler | None:
    problems: list[Diagnostic] = []  # KEDA or the API server reports errors in it
    top = FieldCursor.of(document, problems)
    reference = top.at("spec", "scaleTargetRef")
    namespace = top.at("metadata", "namespace").string() or default
    is_keda = document.kind == SCALED_OBJECT
    kind = reference.at("kind").string("Deployment" if is_keda else "")
    version = reference.at("apiVersion").string("apps/v1" if is_keda else "")
    name = reference.at("name").string()
    scales = targets.get((kind, version.rpartition("/")[0], namespace, name))
    if scales is None:
        return None
    idle = _is_paused(top) if is_keda else _is_idle(top, scales)
    return Autoscaler(
        kind=document.kind,
        namespace=namespace,
        name=top.at("metadata", "name").string(),
        target=f"{kind} {namespace}/{name}",
        scales=AutoscalerTarget.NOTHING if idle else scales,
        location=reference.location,
    )


def _is_paused(top: FieldCursor) -> bool:
    """Return whether KEDA does not scale the target.

    With `paused-replicas` it does: it sets the target to that number again and again
    (scaledobject_controller.go), and that annotation overrides the other one.
    """
    annotations = top.at("metadata", "annotations")
    if annotations.at(PAUSED_REPLICAS).present:
        return False
    return annotations.at(PAUSED).present and annotations.at(PAUSED).setting() not in NO


def _is_idle(top: FieldCursor, scales: AutoscalerTarget) -> bool:
    """Return whether an autoscaler of Kubernetes does not affect a backup."""
    if any(_owners(top)):
        return True  # KEDA's own, which goes with its ScaledObject
    if scales is AutoscalerTarget.WRITER:
        return top.at("spec", "minReplicas").integer(1) > 0
    ways = (top.at("spec", "behavior", way, "selectPolicy") for way in ("scaleUp", "scaleDown"))
    return all(way.string() == "Disabled" for way in ways)


def _owners(top: FieldCursor) -> Iterator[FieldCursor]:
    for owner in top.at("metadata", "ownerReferences").each():
        if owner.at("kind").string() == SCALED_OBJECT:
            yield owner
