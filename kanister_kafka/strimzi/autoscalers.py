"""Objects that change replicas: ScaledObjects of KEDA and HorizontalPodAutoscalers.

A backup keeps writers at 0 replicas, or their reconciliation paused, and Kafka stopped. KEDA sets
a target at 0 to its minimum as soon as a trigger is active (KEDA's scale_scaledobjects.go). The
autoscaler of Kubernetes leaves a target at 0 alone, unless its own minimum is 0 (horizontal.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kanister_kafka.diagnostics import Diagnostic
from kanister_kafka.strimzi.cursor import FieldCursor
from kanister_kafka.strimzi.model import Autoscaler, AutoscalerTarget, KafkaClient
from kanister_kafka.yamldoc import Document

SCALED_OBJECT, HORIZONTAL = "ScaledObject", "HorizontalPodAutoscaler"
KINDS = {SCALED_OBJECT: "keda.sh", HORIZONTAL: "autoscaling"}
"""Kind to its API group."""
PAUSED = "autoscaling.keda.sh/paused"
PAUSED_REPLICAS = "autoscaling.keda.sh/paused-replicas"
NO = ("0", "f", "F", "FALSE", "false", "False")
"""False for Go's strconv.ParseBool; other values pause (KEDA's scaledobject_types.go)."""
STRIMZI = "kafka.strimzi.io"


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
    home = top.at("metadata", "namespace").string() or default
    is_keda = document.kind == SCALED_OBJECT
    kind = reference.at("kind").string("Deployment" if is_keda else "")
    version = reference.at("apiVersion").string("apps/v1" if is_keda else "")
    name = reference.at("name").string()
    scales = targets.get((kind, version.rpartition("/")[0], home, name))
    if scales is None:
        return None
    idle = _is_paused(top) if is_keda else _is_idle(top, scales)
    return Autoscaler(
        kind=document.kind,
        namespace=home,
        name=top.at("metadata", "name").string(),
        target=f"{kind} {home}/{name}",
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
