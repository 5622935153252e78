"""Kasten's Policies: when each runs, on which namespaces, what it keeps and what it calls."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.kasten.periods import RETENTION
from kanister_kafka.options import KastenForm, Options, Strategy
from kanister_kafka.plan.kasten_model import Call, Export, Kept, Policy, Retention, Time
from kanister_kafka.strimzi import KafkaCluster

CLAIMS = "persistentvolumeclaims"
KEPT = (
    ("", "configmaps"),
    ("", CLAIMS),
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
LEAD = 30
"""Minutes by which definitions are kept before Kafka is stopped: a stop changes the mirrors."""
DAY = 24 * 60


def policies(cluster: KafkaCluster, options: Options, name: str) -> tuple[Policy, ...]:
    """Return the Policies in the order in which they are to run.

    Kasten calls the hooks of a Policy once for each of its namespaces, and ours stop one certain
    cluster: so the namespace of the cluster has a Policy of its own, and nothing else is in it.
    """
    if KastenForm.POLICY not in options.kasten:
        return ()
    common = retention(options)
    backup = Policy(
        name=name,
        frequency=options.frequency,
        time=_time(options, 0),
        retention=common,
        namespaces=(cluster.namespace,),
        kept=tuple(Kept(group=group, resource=resource) for group, resource in KEPT),
        calls=tuple(_calls(options)),
        export=_export(options),
    )
    if not options.definitions:
        return (backup,)
    around = Policy(
        header=(
            "Definitions alone: the volumes of what runs on here would be of different moments.",
            "Before the other Policy, which changes the mirrors while it runs.",
        ),
        name=f"{name}-definitions",
        frequency=options.frequency,
        time=_time(options, LEAD),
        retention=common,
        namespaces=tuple(sorted(set(options.definitions))),
        kept=tuple(kept for kept in backup.kept if kept.resource != CLAIMS),
        calls=(),
        export=backup.export,
    )
    return (around, backup)


def retention(options: Options) -> tuple[Retention, ...]:
    """Return what is kept; nothing is promised for a policy that runs on demand."""
    periods = [frequency for _period, _count, frequency in RETENTION]
    if options.frequency not in periods:
        return ()
    first = periods.index(options.frequency)
    counts = {period: count for period, count, _frequency in RETENTION[first:]}
    counts |= dict(options.retention)
    return tuple(Retention(period=period, count=count) for period, count in counts.items())


def notes(cluster: KafkaCluster, options: Options, name: str) -> Iterator[str]:
    """Return what the author of the Policies has to do, and what they do not keep."""
    if KastenForm.POLICY not in options.kasten:
        return
    if options.definitions and not options.time:
        yield (
            f"to do: let {name}-definitions end before {name} starts, which changes the mirrors: "
            "Kasten knows no order of Policies (kanister-kafka docs policies)"
        )
    around = _around(cluster)
    missing = {place: what for place, what in around.items() if place not in options.definitions}
    if missing:
        flags = " ".join(f"--definitions {namespace}" for namespace in missing)
        lost = "; ".join(f"in {place} {', '.join(what)}" for place, what in missing.items())
        yield (
            f"to do: add {flags} to policy render, for a second Policy: else no backup has these "
            f"custom resources: {lost}"
        )
    known = ", ".join(around) or "no other namespace"
    for namespace in options.definitions:
        if namespace not in around:
            yield (
                f"to do: check --definitions {namespace}: as far as the input tells, mirrors, "
                f"connectors and their sources are in {known}"
            )


def _around(cluster: KafkaCluster) -> dict[str, list[str]]:
    """Return the other namespaces of mirrors, connectors and their sources, with what is there."""
    found: dict[str, list[str]] = {}
    for writer in cluster.writers:
        found.setdefault(writer.namespace, []).append(f"{writer.kind} {writer.name}")
        for source in writer.sources:
            found.setdefault(source, []).append(f"the source of {writer.kind} {writer.name}")
    return {place: found[place] for place in sorted(found) if place != cluster.namespace}


def _calls(options: Options) -> Iterator[Call]:
    yield Call(moment="preHook", action="backupPrehook")
    if options.strategy is Strategy.COLD:
        yield Call(moment="onSuccess", action="backupPosthook")
        yield Call(moment="onFailure", action="resume")


def _export(options: Options) -> Export | None:
    if not options.export_profile:
        return None
    return Export(
        profile=options.export_profile, frequency=options.export_frequency or options.frequency
    )


def _time(options: Options, lead: int) -> Time | None:
    if not options.time:
        return None
    hours, _colon, minutes = options.time.partition(":")
    moment = (int(hours) * 60 + int(minutes) - lead) % DAY
    return Time(hour=moment // 60, minute=moment % 60)
