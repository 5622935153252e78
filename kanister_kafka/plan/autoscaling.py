"""What an autoscaler would do to a backup, and what keeps it from that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kanister_kafka.options import Options, QuiesceBy, Strategy
from kanister_kafka.problem import Problem, warning
from kanister_kafka.strimzi import KafkaCluster
from kanister_kafka.strimzi.autoscalers import PAUSED, SCALED_OBJECT
from kanister_kafka.strimzi.model import Autoscaler, Scales


@dataclass(frozen=True, slots=True)
class Harm:
    """What is wrong, and what to do."""

    what: str
    remedy: str


def harm(autoscaler: Autoscaler, options: Options) -> Harm | None:
    """Return what an autoscaler does to a backup with these options; None where it is nothing."""
    if options.strategy is Strategy.HOT or autoscaler.scales is Scales.NOTHING:
        return None
    is_keda = autoscaler.kind == SCALED_OBJECT
    pause = (
        f"before each backup: kubectl annotate scaledobject {autoscaler.name} "
        f"-n {autoscaler.namespace} {PAUSED}=true"
    )
    if autoscaler.scales is Scales.NODES:
        disable = "set selectPolicy: Disabled in spec.behavior.scaleUp and scaleDown, or delete it"
        return Harm(
            f"{autoscaler} may change the replicas of {autoscaler.target} while Kafka is stopped, "
            "and a change of nodes in that time can keep it from coming back",
            pause if is_keda else disable,
        )
    if options.quiesce_by is QuiesceBy.PAUSE:  # the operator heeds no replicas meanwhile
        return None
    return Harm(
        f"{autoscaler} may set the replicas of {autoscaler.target} while a backup keeps them at 0, "
        "and it would write into the backup",
        f"--quiesce-by pause, or {pause if is_keda else 'spec.minReplicas of at least 1'}",
    )


def problems(cluster: KafkaCluster, options: Options) -> Iterator[Problem]:
    """Return a warning for each autoscaler of the input that a backup suffers from."""
    for autoscaler in cluster.autoscalers:
        if found := harm(autoscaler, options):
            message = f"{found.what}; {found.remedy}"
            yield warning("autoscaled", autoscaler.location, "spec.scaleTargetRef", message)
