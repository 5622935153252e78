"""How Kasten is told: which object to bind to, what to keep, how many restore points."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.options import KastenForm, Options
from kanister_kafka.plan.model import Bound, Kept, Retention
from kanister_kafka.problem import Location, Problem, warning
from kanister_kafka.strimzi import KafkaCluster

BLUEPRINT_ANNOTATION = "kanister.kasten.io/blueprint"

RETENTION = (
    ("hourly", 24, "@hourly"),
    ("daily", 7, "@daily"),
    ("weekly", 4, "@weekly"),
    ("monthly", 12, "@monthly"),
    ("yearly", 7, "@yearly"),
)
"""Kasten's own defaults; a Policy keeps those of its frequency and of every longer period."""

KEPT = (
    ("", "configmaps"),
    ("", "persistentvolumeclaims"),
    ("", "secrets"),
    ("", "serviceaccounts"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("rbac.authorization.k8s.io", "roles"),
    ("kafka.strimzi.io", "kafkabridges"),
    ("kafka.strimzi.io", "kafkaconnectors"),
    ("kafka.strimzi.io", "kafkaconnects"),
    ("kafka.strimzi.io", "kafkamirrormaker2s"),
    ("kafka.strimzi.io", "kafkamirrormakers"),
    ("kafka.strimzi.io", "kafkanodepools"),
    ("kafka.strimzi.io", "kafkarebalances"),
    ("kafka.strimzi.io", "kafkas"),
    ("kafka.strimzi.io", "kafkatopics"),
    ("kafka.strimzi.io", "kafkausers"),
)
"""Claims, the record, certificate authorities and every custom resource. Pods, StrimziPodSets and
Deployments stay out: the operator makes them, and restored ones would be in its way."""


RESTORED = (
    ("", "configmaps"),
    ("", "persistentvolumeclaims"),
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


def bound(cluster: KafkaCluster) -> Bound:
    """Return the object that owns the volumes' workloads, or the nearest to it."""
    if len(cluster.pools) == 1 and cluster.zookeeper is None:
        pool = cluster.pools[0]
        return Bound(
            group="kafka.strimzi.io",
            resource="kafkanodepools",
            kind="KafkaNodePool",
            name=pool,
            namespace=cluster.namespace,
        )
    return Bound(
        group="kafka.strimzi.io",
        resource="kafkas",
        kind="Kafka",
        name=cluster.name,
        namespace=cluster.namespace,
    )


def retention(options: Options) -> tuple[Retention, ...]:
    """Return what the Policy keeps; nothing is promised for a policy that runs on demand."""
    periods = [frequency for _period, _count, frequency in RETENTION]
    if options.frequency not in periods:
        return ()
    first = periods.index(options.frequency)
    return tuple(Retention(period=period, count=count) for period, count, _ in RETENTION[first:])


def restored() -> tuple[Kept, ...]:
    """Return the resources that a RestoreAction includes."""
    return tuple(Kept(group=group, resource=resource) for group, resource in RESTORED)


def kept() -> tuple[Kept, ...]:
    """Return the resources that the Policy includes."""
    return tuple(Kept(group=group, resource=resource) for group, resource in KEPT)


def problems(cluster: KafkaCluster, options: Options) -> Iterator[Problem]:
    """Warn where a bound hook cannot bracket all volumes."""
    by_object = {KastenForm.BINDING, KastenForm.ANNOTATION} & set(options.kasten)
    owners = len(cluster.pools) + bool(cluster.zookeeper)
    if by_object and cluster.pools and owners > 1:
        # NodePoolUtils.java makes each KafkaNodePool the owner of its pods. Kasten runs hooks
        # around the volumes of the bound object, and several workloads at a time.
        yield warning(
            "binding-no-barrier",
            Location(cluster.source),
            "",
            "the volumes have several owners, and Kasten's hooks on one of them do not bracket the "
            "volumes of the others: use --kasten policy",
        )


def notes(cluster: KafkaCluster, options: Options, name: str) -> Iterator[str]:
    """Return what a person has to do for the form chosen."""
    if options.restore_point:
        yield (
            "to do: the RestoreAction starts a restore: keep it out of what is applied, and create "
            "it when a restore is wanted (docs/kasten.md)"
        )
    elif KastenForm.RESTORE in options.kasten:
        yield "to do: --restore-point adds the RestoreAction when a restore is wanted"
    if KastenForm.ANNOTATION not in options.kasten:
        return
    owner = bound(cluster)
    yield (
        f"to do: kubectl annotate {owner.resource}.{owner.group} {owner.name} -n {owner.namespace} "
        f"{BLUEPRINT_ANNOTATION}={name}"
    )
