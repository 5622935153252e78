"""How Kasten is told: which object to bind to, and what is left for a person to do."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.options import KastenForm, Options
from kanister_kafka.plan.kasten_model import Bound
from kanister_kafka.problem import Location, Problem, warning
from kanister_kafka.strimzi import KafkaCluster

BLUEPRINT_ANNOTATION = "kanister.kasten.io/blueprint"


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
            "it when a restore is wanted (kanister-kafka docs kasten)"
        )
    elif KastenForm.RESTORE in options.kasten:
        yield "to do: --restore-point adds the RestoreAction when a restore is wanted"
    if KastenForm.ANNOTATION not in options.kasten:
        return
    owner = bound(cluster)
    yield (
        f"to do: kubectl annotate {owner.resource}.{cluster.operator.api_version}.{owner.group} "
        f"{owner.name} -n {owner.namespace} {BLUEPRINT_ANNOTATION}={name}"
    )
