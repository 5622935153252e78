"""Forms of the binding to Kasten: the object that it binds to, and the steps left for a person."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from kanister_kafka.backup.model import (
    BindingTarget,
    ExportSettings,
    HookCall,
    IncludedResource,
    JsonPatchOperation,
    PolicyRetention,
    PolicySpec,
    RestoreActionSpec,
    TimeOfDay,
    TransformSpec,
)
from kanister_kafka.backup.options import KastenOutput, Options, Strategy
from kanister_kafka.constants import CLUSTER_LABEL, PAUSE_RECONCILIATION, RESTART_DEADLINE, STRIMZI
from kanister_kafka.diagnostics import Diagnostic, Location, warning
from kanister_kafka.kasten.schemas import RETENTION
from kanister_kafka.strimzi import KafkaCluster

BLUEPRINT_ANNOTATION = "kanister.kasten.io/blueprint"


def binding_target(cluster: KafkaCluster) -> BindingTarget:
    """Return the object that owns the volumes' workloads, or the nearest to it."""
    resource, kind, name = "kafkas", "Kafka", cluster.name
    if len(cluster.pools) == 1 and cluster.zookeeper is None:
        resource, kind, name = "kafkanodepools", "KafkaNodePool", cluster.pools[0]
    return BindingTarget(
        group=STRIMZI, resource=resource, kind=kind, name=name, namespace=cluster.namespace
    )


def kasten_diagnostics(cluster: KafkaCluster, options: Options) -> Iterator[Diagnostic]:
    """Warn if a bound hook cannot bracket all volumes."""
    by_object = {KastenOutput.BINDING, KastenOutput.ANNOTATION} & set(options.kasten)
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


def kasten_next_steps(cluster: KafkaCluster, options: Options, name: str) -> Iterator[str]:
    """Return what a person has to do for the form chosen."""
    if options.restore_point:
        yield (
            "to do: the RestoreAction starts a restore: do not apply it with the other objects, "
            "and create it when you restore (kanister-kafka docs kasten)"
        )
    elif KastenOutput.RESTORE in options.kasten:
        yield "to do: --restore-point adds the RestoreAction when a restore is wanted"
    if KastenOutput.ANNOTATION not in options.kasten:
        return
    owner = binding_target(cluster)
    yield (
        f"to do: kubectl annotate {owner.resource}.{cluster.operator.api_version}.{owner.group} "
        f"{owner.name} -n {owner.namespace} {BLUEPRINT_ANNOTATION}={name}"
    )


# Kasten's Policies: when each runs, on which namespaces, what it keeps and what it calls.

CLAIMS = "persistentvolumeclaims"
RETAINED = (
    ("", "configmaps"),
    ("", CLAIMS),
    ("", "secrets"),
    ("", "serviceaccounts"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("rbac.authorization.k8s.io", "roles"),
    (STRIMZI, "kafkabridges"),
    (STRIMZI, "kafkaconnectors"),
    (STRIMZI, "kafkaconnects"),
    (STRIMZI, "kafkamirrormaker2s"),
    (STRIMZI, "kafkamirrormakers"),
    (STRIMZI, "kafkanodepools"),
    (STRIMZI, "kafkarebalances"),
    (STRIMZI, "kafkas"),
    (STRIMZI, "kafkatopics"),
    (STRIMZI, "kafkausers"),
)
"""Claims, the state ConfigMap, certificate authorities and every custom resource. Pods,
StrimziPodSets and Deployments stay out: the operator makes them, and restored ones would be in its
way."""
LEAD = 30
"""Minutes by which definitions are kept before Kafka is stopped: a stop changes the mirrors."""
DAY = 24 * 60


def build_policies(cluster: KafkaCluster, options: Options, name: str) -> tuple[PolicySpec, ...]:
    """Return the Policies in the order in which they must run.

    Kasten calls the hooks of a Policy once for each of its namespaces, and rendered hooks stop one
    certain cluster: so the namespace of the cluster has a Policy of its own, and nothing else is in
    it.
    """
    if KastenOutput.POLICY not in options.kasten:
        return ()
    common = policy_retention(options)
    backup = PolicySpec(
        name=name,
        frequency=options.frequency,
        time=_time(options, 0),
        retention=common,
        namespaces=(cluster.namespace,),
        kept=tuple(
            IncludedResource(group=group, resource=resource) for group, resource in RETAINED
        ),
        calls=tuple(_calls(options)),
        export=_export(options),
    )
    if not options.definitions:
        return (backup,)
    around = PolicySpec(
        header=(
            "Definitions alone: running workloads here would have volumes of different moments.",
            "Before the other Policy, which changes the mirrors while it runs.",
        ),
        name=f"{name}-definitions",
        frequency=options.frequency,
        time=_time(options, LEAD),
        retention=common,
        namespaces=tuple(sorted(set(options.definitions))),
        kept=tuple(included for included in backup.kept if included.resource != CLAIMS),
        calls=(),
        export=backup.export,
    )
    return (around, backup)


def policy_retention(options: Options) -> tuple[PolicyRetention, ...]:
    """Return what is kept; nothing is promised for a policy that runs on demand."""
    periods = [frequency for _period, _count, frequency in RETENTION]
    if options.frequency not in periods:
        return ()
    first = periods.index(options.frequency)
    counts = {period: count for period, count, _frequency in RETENTION[first:]}
    counts |= dict(options.retention)
    return tuple(PolicyRetention(period=period, count=count) for period, count in counts.items())


def policy_next_steps(cluster: KafkaCluster, options: Options, name: str) -> Iterator[str]:
    """Return what the author of the Policies has to do, and what they do not keep."""
    if KastenOutput.POLICY not in options.kasten:
        return
    if options.definitions and not options.time:
        yield (
            f"to do: let {name}-definitions end before {name} starts, which changes the mirrors: "
            "Kasten knows no order of Policies (kanister-kafka docs policies)"
        )
    around = _around(cluster)
    missing = [namespace for namespace in around if namespace not in options.definitions]
    if missing:
        flags = " ".join(f"--definitions {namespace}" for namespace in missing)
        lost = "; ".join(f"in {namespace} {', '.join(around[namespace])}" for namespace in missing)
        yield (
            f"to do: add {flags} to policy render, for a second Policy: else no backup has these "
            f"custom resources: {lost}"
        )
    namespaces = ", ".join(around) or "no other namespace"
    for namespace in options.definitions:
        if namespace not in around:
            yield (
                f"to do: check --definitions {namespace}: by the input, mirrors, connectors and "
                f"their sources are in {namespaces}"
            )


def _around(cluster: KafkaCluster) -> dict[str, list[str]]:
    """Return the other namespaces of mirrors, connectors and their sources, with the objects."""
    objects: dict[str, list[str]] = {}
    for writer in cluster.writers:
        objects.setdefault(writer.namespace, []).append(f"{writer.kind} {writer.name}")
        for source in writer.sources:
            objects.setdefault(source, []).append(f"the source of {writer.kind} {writer.name}")
    objects.pop(cluster.namespace, None)
    return dict(sorted(objects.items()))


def _calls(options: Options) -> Iterator[HookCall]:
    yield HookCall(moment="preHook", action="backupPrehook")
    if options.strategy is not Strategy.HOT:
        yield HookCall(moment="onSuccess", action="backupPosthook")
        yield HookCall(moment="onFailure", action="resume")


def _export(options: Options) -> ExportSettings | None:
    if not options.export_profile:
        return None
    return ExportSettings(
        profile=options.export_profile, frequency=options.export_frequency or options.frequency
    )


def _time(options: Options, lead: int) -> TimeOfDay | None:
    if not options.time:
        return None
    hours, _colon, minutes = options.time.partition(":")
    moment = (int(hours) * 60 + int(minutes) - lead) % DAY
    return TimeOfDay(hour=moment // 60, minute=moment % 60)


# Kasten's restores: what they bring back, and what they change on the way.

RESTORED = (
    ("", "configmaps"),
    ("", CLAIMS),
    ("", "secrets"),
    (STRIMZI, "kafkaconnectors"),
    (STRIMZI, "kafkaconnects"),
    (STRIMZI, "kafkamirrormaker2s"),
    (STRIMZI, "kafkanodepools"),
    (STRIMZI, "kafkas"),
    (STRIMZI, "kafkatopics"),
    (STRIMZI, "kafkausers"),
)
"""Resources that a RestoreAction includes, and no others: pods, StrimziPodSets and Deployments that
came back from a restore point would be in the operator's way (strimzi-kafka-operator#10127)."""
CLASS = "/spec/storageClassName"


def build_restore_action(cluster: KafkaCluster, options: Options, name: str) -> RestoreActionSpec:
    """Return the RestoreAction: of the cluster, or of its volumes alone into another namespace."""
    if options.volumes_into:
        # No hooks: those of the Blueprint would stop the cluster that the volumes are of.
        claims = IncludedResource(
            group="", resource=CLAIMS, labels=((CLUSTER_LABEL, cluster.name),)
        )
        return RestoreActionSpec(
            namespace=options.volumes_into,
            transform_set=f"{name}-volumes",  # not that of a restore, which pauses the Kafka
            kept=(claims,),
            has_hooks=False,
        )
    return RestoreActionSpec(
        namespace=cluster.namespace,
        transform_set=name,
        kept=tuple(
            IncludedResource(group=group, resource=resource) for group, resource in RESTORED
        ),
        has_hooks=True,
    )


def build_transforms(cluster: KafkaCluster, options: Options) -> tuple[TransformSpec, ...]:
    """Return what a restore changes; an object that a test does not fit stays as it was."""
    paused = () if options.volumes_into else (_paused(cluster),)
    classes = (_classes(cluster, options, old, new) for old, new in options.storage_classes)
    return paused + tuple(chain.from_iterable(classes))


def _paused(cluster: KafkaCluster) -> TransformSpec:
    annotation = "/metadata/annotations/"
    return TransformSpec(
        name="paused",
        group=STRIMZI,
        resource="kafkas",
        object=cluster.name,
        commands=(
            JsonPatchOperation(
                op="add", path=annotation + _escaped(PAUSE_RECONCILIATION), value="true"
            ),
            JsonPatchOperation(op="add", path=annotation + _escaped(RESTART_DEADLINE), value=""),
        ),
    )


def _classes(
    cluster: KafkaCluster, options: Options, old: str, new: str
) -> Iterator[TransformSpec]:
    """Change the class of claims, and in the fields from which Strimzi takes it for new claims."""
    suffix = f"-{old}" if old else ""
    yield TransformSpec(
        name=f"claims{suffix}", resource=CLAIMS, commands=_replaced(CLASS, old, new)
    )
    for storage in () if options.volumes_into else cluster.storage_classes:
        if not old or storage.storage_class == old:
            yield TransformSpec(
                name=f"{storage.resource}-{storage.name}{storage.path.replace('/', '-')}",
                group=STRIMZI,
                resource=storage.resource,
                object=storage.name,
                commands=_replaced(storage.path, old, new),
            )


def restore_next_steps(cluster: KafkaCluster, options: Options, name: str) -> Iterator[str]:
    """Return what has to be there before the RestoreAction, and what it may not change."""
    if not options.volumes_into:
        yield (
            f"to do: render the Blueprint {options.kasten_namespace}/{name} with --kasten restore "
            "and apply it first: the RestoreAction calls its beforeRestore and afterRestore"
        )
    named = sorted({storage.storage_class for storage in cluster.storage_classes})
    for old, new in options.storage_classes:
        if old and old not in named:
            yield (
                f"to do: check --storage-class {old}={new}: no volume in the input names {old}; "
                f"they name {', '.join(named) or 'none'}"
            )


def _replaced(path: str, old: str, new: str) -> tuple[JsonPatchOperation, ...]:
    # Only the test lets go on: a replacement if there is nothing would end the restore.
    test = JsonPatchOperation(op="test", path=path, value=old, has_value=bool(old))
    return test, JsonPatchOperation(op="replace", path=path, value=new)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


# Effects of a restore of snapshots of running brokers, for people who choose `--strategy hot`.

LOST = (
    "Volumes are snapshotted one by one, so partitions end at different moments, and records after "
    "the flush may be lost."
)
ONE_MOMENT = (
    "All volumes are cut at one moment, as if every node lost its power then: what brokers had "
    "only in memory is lost, so records after the flush may be lost."
)
"""Of one group of snapshots."""
UNCLEAN = (
    "No restored broker has stopped cleanly: all recover their logs, and the leaders of all "
    "partitions are elected anew and uncleanly. Any replica can become leader, not the one with "
    "the longest log, and the others delete the records that it does not have."
)
NEWER_TOPICS = (
    "A topic that is newer than the snapshot of its brokers is there, in sync, and empty, without "
    "a warning.",
    "A topic that is newer than the snapshot of the controllers is unknown: its directories are "
    "renamed to end in -stray.",
)
"""Of snapshots that are cut one after the other."""
NO_LEADER = (
    "With eligible leader replicas (by default from Kafka 4.1 on), partitions have no leader at "
    "all if the volume of one broker is missing, although their other replicas are complete."
)


def hot_effects(cluster: KafkaCluster, options: Options) -> tuple[str, ...]:
    """Return the effects, a sentence or two each; all except the first are those of KRaft."""
    lost = LOST if options.is_flush_only else ONE_MOMENT
    if cluster.zookeeper:
        return (lost,)
    newer = NEWER_TOPICS if options.is_flush_only else ()
    return (lost, UNCLEAN, *newer, NO_LEADER)


def hot_consistency(options: Options) -> str:
    """Return what is known of the consistency of a hot backup, as the end of a sentence."""
    return "not consistent" if options.is_flush_only else "not proven consistent: crash-consistent"


def hot_verdict(options: Options) -> str:
    """Return what is known of the consistency, as a line before the effects."""
    known = hot_consistency(options)
    return f"{known[0].upper()}{known[1:]}. What a restore of it can do:"
