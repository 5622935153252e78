"""Kasten's restores: what they bring back, and what they change on the way."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.marks import CLUSTER_LABEL, PAUSE, RESTART_BY
from kanister_kafka.options import Options
from kanister_kafka.plan.kasten_model import Command, Kept, Restoring, Transform
from kanister_kafka.plan.policies import CLAIMS
from kanister_kafka.strimzi import KafkaCluster
from kanister_kafka.strimzi.read import GROUP

RESTORED = (
    ("", "configmaps"),
    ("", CLAIMS),
    ("", "secrets"),
    ("kafka.strimzi.io", "kafkaconnectors"),
    ("kafka.strimzi.io", "kafkaconnects"),
    ("kafka.strimzi.io", "kafkamirrormaker2s"),
    ("kafka.strimzi.io", "kafkanodepools"),
    ("kafka.strimzi.io", "kafkas"),
    ("kafka.strimzi.io", "kafkatopics"),
    ("kafka.strimzi.io", "kafkausers"),
)
"""What a RestoreAction includes and nothing else: pods, StrimziPodSets and Deployments that came
back from a restore point would be in the operator's way (strimzi-kafka-operator#10127)."""
CLASS = "/spec/storageClassName"


def restoring(cluster: KafkaCluster, options: Options, name: str) -> Restoring:
    """Return the RestoreAction: of the cluster, or of its volumes alone into another namespace."""
    if options.volumes_into:
        # No hooks: those of the Blueprint would stop the cluster that the volumes are of.
        claims = Kept(group="", resource=CLAIMS, labels=((CLUSTER_LABEL, cluster.name),))
        return Restoring(
            namespace=options.volumes_into,
            transform_set=f"{name}-volumes",  # not that of a restore, which pauses the Kafka
            kept=(claims,),
            has_hooks=False,
        )
    return Restoring(
        namespace=cluster.namespace,
        transform_set=name,
        kept=tuple(Kept(group=group, resource=resource) for group, resource in RESTORED),
        has_hooks=True,
    )


def transforms(cluster: KafkaCluster, options: Options) -> tuple[Transform, ...]:
    """Return what a restore changes; an object that a test does not fit stays as it was."""
    paused = () if options.volumes_into else (_paused(cluster),)
    classes = (_classes(cluster, options, old, new) for old, new in options.storage_classes)
    return (*paused, *(transform for each in classes for transform in each))


def _paused(cluster: KafkaCluster) -> Transform:
    annotation = "/metadata/annotations/"
    return Transform(
        name="paused",
        group=GROUP,
        resource="kafkas",
        object=cluster.name,
        commands=(
            Command(op="add", path=annotation + _escaped(PAUSE), value="true"),
            Command(op="add", path=annotation + _escaped(RESTART_BY), value=""),
        ),
    )


def _classes(cluster: KafkaCluster, options: Options, old: str, new: str) -> Iterator[Transform]:
    """Change the class of claims, and where Strimzi is told it for the claims to come."""
    suffix = f"-{old}" if old else ""
    yield Transform(name=f"claims{suffix}", resource=CLAIMS, commands=_replaced(CLASS, old, new))
    for place in () if options.volumes_into else cluster.storage_classes:
        if not old or place.storage_class == old:
            yield Transform(
                name=f"{place.resource}-{place.name}{place.path.replace('/', '-')}",
                group=GROUP,
                resource=place.resource,
                object=place.name,
                commands=_replaced(place.path, old, new),
            )


def notes(cluster: KafkaCluster, options: Options, name: str) -> Iterator[str]:
    """Return what has to be there before the RestoreAction, and what it may not change."""
    if not options.volumes_into:
        yield (
            f"to do: render the Blueprint {options.kasten_namespace}/{name} with --kasten restore "
            "and apply it first: the RestoreAction calls its beforeRestore and afterRestore"
        )
    named = sorted({place.storage_class for place in cluster.storage_classes})
    for old, new in options.storage_classes:
        if old and old not in named:
            yield (
                f"to do: check --storage-class {old}={new}: no volume in the input names {old}; "
                f"they name {', '.join(named) or 'none'}"
            )


def _replaced(path: str, old: str, new: str) -> tuple[Command, ...]:
    # Only the test lets go on: a replacement where there is nothing would end the restore.
    test = Command(op="test", path=path, value=old, has_value=bool(old))
    return test, Command(op="replace", path=path, value=new)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
