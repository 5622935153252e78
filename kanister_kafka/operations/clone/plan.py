"""The plan of a restore into another namespace, made before anything is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from kanister_kafka import constants
from kanister_kafka.backup.options import HOLD, NOW
from kanister_kafka.kube.client import SNAPSHOT_API, Object, Objects
from kanister_kafka.kube.objects import annotation, get_path, join_limited, name_of
from kanister_kafka.kube.pod_options import quantity
from kanister_kafka.operations.backups.model import Backup
from kanister_kafka.operations.clone.contents import (
    AUTHORITIES,
    CLAIMS,
    POOLS,
    TOPICS,
    USER_SECRETS,
    USERS,
    BackupContents,
    SnapshotSource,
)
from kanister_kafka.operations.clone.imports import VolumeImports, import_jobs, import_secret
from kanister_kafka.operations.clone.rehome import TIERED, NodeResources, Rehoming
from kanister_kafka.strimzi.discovery import KafkaRef
from kanister_kafka.strimzi.model import ObjectReference, of_each_node, references
from kanister_kafka.strimzi.retention import hold, is_holdable

Report = Callable[[str], None]
"""Gets what is done, a line each."""
API_SERVER_PORTS = (443, 6443)
DNS_PORTS = (53, 5353)
"""The second is where the DNS pods of OpenShift listen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneRequest:
    """How a backup is restored into another namespace."""

    namespace: str
    identity: str
    """Id of the command, a label of every object that it makes."""
    storage_class: str = ""
    """Of the claims; empty keeps that of the backup."""
    resources: NodeResources = field(default_factory=NodeResources)
    entity_operator: bool = False
    """Whether topic and user operators run, which change topics and users of the copy."""
    unchanged: bool = False
    """Whether the resources keep what would collide with their source, which no longer runs."""
    retention: str = HOLD
    """`hold`, `now` or a duration."""
    expires: str = ""
    """When a verification has certainly ended, as RFC 3339; empty if the copy stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClonePlan:
    """Every object of a copy, and what differs from the Kafka that was backed up."""

    backup: Backup
    identity: str
    """Label of every object."""
    target: KafkaRef
    namespace: Object
    policies: Objects
    """The NetworkPolicy that keeps the copy and its source apart."""
    secrets: Objects
    pools: Objects
    kafka: Object
    """Paused; the pause ends when cluster id and node ids are in the statuses."""
    later: Objects
    """KafkaUsers and KafkaTopics, if there are operators for them."""
    contents: Objects
    """VolumeSnapshotContents, which have no namespace."""
    snapshots: Objects
    claims: Objects
    imports: VolumeImports | None
    """How the claims are filled from a store; None if they are filled from snapshots."""
    import_secrets: Objects
    jobs: Objects
    """Jobs that fill the claims, made some at a time."""
    cluster_id: str
    node_ids: Mapping[str, tuple[int, ...]]
    kafka_version: str
    changes: tuple[str, ...]
    left_out: tuple[str, ...]
    """Objects of the backup that are not restored."""
    refusals: tuple[str, ...]
    """Why this backup cannot be restored next to its source."""

    @property
    def objects(self) -> Objects:
        """Objects in the order in which they are made, except the namespace."""
        return (
            *self.policies,
            *self.secrets,
            *self.import_secrets,
            *self.pools,
            self.kafka,
            *self.contents,
            *self.snapshots,
            *self.claims,
            *self.jobs,
            *self.later,
        )


def plan_clone(
    contents: BackupContents,
    sources: Iterable[SnapshotSource] | VolumeImports,
    request: CloneRequest,
    *,
    now: str,
) -> ClonePlan:
    """Decide what a restore into another namespace makes; its volumes come from `sources`.

    `now` is the time of the hold of the retention, as RFC 3339.
    """
    backup = contents.backup
    owner = labels(backup, request.identity)
    marks = {key: owner[key] for key in (constants.CLONE, constants.CLONE_OF)}
    imports = sources if isinstance(sources, VolumeImports) else None
    is_home = request.namespace == backup.kafka.namespace  # then they are names of the copy itself
    rehoming = Rehoming(
        request.namespace,
        marks,
        storage_class=request.storage_class,
        absent_classes=imports.absent_classes if imports else (),
        resources=request.resources,
        entity_operator=request.entity_operator,
        unchanged=request.unchanged,
        source_hosts=() if is_home else _source_hosts(contents),
    )
    pools = tuple(map(rehoming.pool, contents.of(POOLS)))
    kafka = rehoming.kafka(contents.kafka, has_pools=bool(pools))
    changes = rehoming.changes
    version = str(get_path(kafka, "spec", "kafka", "version") or "")
    if not version and contents.kafka_version:
        version = contents.kafka_version
        kafka["spec"]["kafka"]["version"] = version
        changes.append(f"spec.kafka.version is {version}, which ran at the backup")
    if hold_annotation := annotation(contents.kafka, constants.RETENTION_HELD):
        kafka["metadata"].setdefault("annotations", {})[constants.RETENTION_HELD] = hold_annotation
        changes.append("retention was held when the backup was made, and stays held")
    if request.retention != NOW:
        kafka = hold(kafka, retention=request.retention, backup=backup.complete_since, now=now)
        changes.append(f"retention is held ({request.retention}): the copy deletes no record")
    usable: dict[str, SnapshotSource] = {}
    if isinstance(sources, VolumeImports):
        sizes = {volume.claim: volume.capacity for volume in sources.volumes}
    else:
        usable = {source.name: source for source in sources}
        sizes = {snapshot.claim: snapshot.restore_size for snapshot in backup.snapshots}
    members = {snapshot.claim: snapshot.name for snapshot in backup.snapshots}
    claims, needed = [], []
    for item in contents.of(CLAIMS):
        claim = rehoming.claim(item)
        if raised := _raise_request(claim, sizes.get(name_of(claim), "")):
            changes.append(raised)
        if imports:
            for key in SOURCES_OF_CLAIMS:
                claim["spec"].pop(key, None)
        else:
            saved = str(get_path(claim, "spec", "dataSource", "name"))
            snapshot = members.get(name_of(claim), saved)
            if snapshot != saved:  # a member of a group, whose name was not known yet
                claim["spec"]["dataSource"]["name"] = snapshot
            needed.append(snapshot)
        claims.append(claim)
    snapshot_pairs = [
        _snapshot_objects(usable[name], request.namespace, owner, _marks(request, backup))
        for name in needed
        if name in usable
    ]
    policy = _policy(request, backup.kafka.name, owner, _marks(request, backup))
    secrets: Objects = ()
    jobs: Objects = ()
    if imports:
        secrets = import_secret(imports, request.namespace, request.identity, owner)
        jobs = import_jobs(imports, tuple(claims), kafka, pools, request.identity, owner)
    has_operators = request.entity_operator or request.unchanged
    operated = [*contents.of(USERS), *contents.of(TOPICS)]
    return ClonePlan(
        backup=backup,
        identity=request.identity,
        target=replace(backup.kafka, namespace=request.namespace),
        namespace=_namespace(request, owner, _marks(request, backup)),
        policies=() if request.unchanged else (policy,),
        secrets=tuple(map(rehoming.moved, [*contents.of(AUTHORITIES), *contents.of(USER_SECRETS)])),
        pools=pools,
        kafka=kafka,
        later=tuple(map(rehoming.moved, operated)) if has_operators else (),
        contents=tuple(content for content, _snapshot in snapshot_pairs),
        snapshots=tuple(snapshot for _content, snapshot in snapshot_pairs),
        claims=tuple(claims),
        imports=imports,
        import_secrets=secrets,
        jobs=jobs,
        cluster_id=contents.cluster_id,
        node_ids=contents.node_ids,
        kafka_version=version,
        changes=tuple(changes),
        left_out=tuple(_left_out(contents, request)),
        refusals=tuple(_refusals(contents, request, pools, kafka, needed, usable, imports)),
    )


SOURCES_OF_CLAIMS = ("dataSource", "dataSourceRef", "volumeName")
"""Fields of a claim by which it would not be empty."""


def labels(backup: Backup, identity: str) -> dict[str, str]:
    """Return the labels of the objects that only a copy has."""
    return {
        constants.CLONE: identity,
        constants.CLONE_OF: backup.name,
        constants.CLUSTER: backup.kafka.name,
        constants.MANAGED_BY: constants.COMPONENT,
    }


def _source_hosts(contents: BackupContents) -> list[str]:
    """Return the names by which nodes of the source find each other (Strimzi, DnsNameGenerator)."""
    kafka = contents.backup.kafka
    hosts = []
    for pool, numbers in sorted(contents.node_ids.items()):
        for number in numbers:
            pod = f"{kafka.name}-{pool}-{number}"
            host = f"{pod}.{kafka.name}-kafka-brokers.{kafka.namespace}.svc"
            hosts += [host, f"{host}.cluster.local"]
    return hosts


def _raise_request(claim: Object, restore_size: str) -> str:
    """Raise the request of a claim to the size of its snapshot; return the change, if any."""
    requests = claim["spec"]["resources"]["requests"]
    requested, needed = quantity(str(requests.get("storage", ""))), quantity(restore_size)
    if requested is None or needed is None or requested >= needed:
        return ""
    before, requests["storage"] = requests["storage"], restore_size
    return f"claim {name_of(claim)} asks for {restore_size}, not {before}: its content needs that"


def _snapshot_objects(
    source: SnapshotSource, namespace: str, owner: dict[str, str], marks: dict[str, str]
) -> tuple[Object, Object]:
    """Return a VolumeSnapshotContent of an existing snapshot, and its VolumeSnapshot.

    With `Retain` the snapshot in the storage, which is of the backup, outlives both.
    """
    content_name = f"{namespace}-{source.name}"
    content: Object = {
        "apiVersion": SNAPSHOT_API,
        "kind": "VolumeSnapshotContent",
        "metadata": {"name": content_name, "labels": dict(owner), "annotations": marks},
        "spec": {
            "deletionPolicy": "Retain",
            "driver": source.driver,
            "source": {"snapshotHandle": source.handle},
            "volumeSnapshotRef": {"name": source.name, "namespace": namespace},
        },
    }
    if source.volume_mode:
        content["spec"]["sourceVolumeMode"] = source.volume_mode
    snapshot: Object = {
        "apiVersion": SNAPSHOT_API,
        "kind": "VolumeSnapshot",
        "metadata": {"name": source.name, "namespace": namespace, "labels": dict(owner)},
        "spec": {"source": {"volumeSnapshotContentName": content_name}},
    }
    if source.snapshot_class:
        content["spec"]["volumeSnapshotClassName"] = source.snapshot_class
        snapshot["spec"]["volumeSnapshotClassName"] = source.snapshot_class
    return content, snapshot


def _marks(request: CloneRequest, backup: Backup) -> dict[str, str]:
    """Return the annotations by which a later verification finds what this one has left."""
    marks = {constants.CLONE_SOURCE: str(backup.kafka)}
    if request.expires:
        marks[constants.CLONE_EXPIRES] = request.expires
    return marks


def _namespace(request: CloneRequest, owner: dict[str, str], marks: dict[str, str]) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": request.namespace, "labels": dict(owner), "annotations": marks},
    }


def _policy(
    request: CloneRequest, kafka: str, owner: dict[str, str], marks: dict[str, str]
) -> Object:
    """Return the NetworkPolicy that keeps clients of the copy and of its source apart."""
    ports = [{"protocol": "TCP", "port": port} for port in DNS_PORTS + API_SERVER_PORTS]
    ports += [{"protocol": "UDP", "port": port} for port in DNS_PORTS]
    operator = {
        "namespaceSelector": {},
        "podSelector": {"matchLabels": {"strimzi.io/kind": "cluster-operator"}},
    }
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {
            "name": f"{kafka}-kanister-kafka-clone",
            "namespace": request.namespace,
            "labels": dict(owner),
            "annotations": marks,
        },
        "spec": {
            "podSelector": {"matchLabels": {constants.CLUSTER_LABEL: kafka}},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": [{"from": [{"podSelector": {}}]}, {"from": [operator]}],
            "egress": [{"to": [{"podSelector": {}}]}, {"ports": ports}],
        },
    }


def _left_out(contents: BackupContents, request: CloneRequest) -> list[str]:
    names = [f"{item['kind']} {name_of(item)}" for item in contents.clients]
    sentences = [f"{join_limited(names)}: no client of Kafka is started"] if names else []
    if not (request.entity_operator or request.unchanged):
        for order in (USERS, TOPICS):
            if items := contents.of(order):
                sentences.append(
                    f"{len(items)} {items[0]['kind']} resources: topics and users are in the "
                    "volumes, and no operator would look at them"
                )
    return sentences


def _refusals(
    contents: BackupContents,
    request: CloneRequest,
    pools: Objects,
    kafka: Object,
    needed: Iterable[str],
    sources: Mapping[str, SnapshotSource],
    imports: VolumeImports | None,
) -> list[str]:
    refusals = []
    if "zookeeper" in kafka["spec"] and not contents.cluster_id:
        refusals.append(
            "Kafka runs with ZooKeeper: only a Kafka in KRaft mode is restored elsewhere"
        )
    if request.namespace == contents.backup.kafka.namespace and imports is None:
        refusals.append(
            f"namespace {request.namespace} is the one that the backup came from: restore into "
            "that one without --into"
        )
    broker = kafka["spec"]["kafka"]
    config = broker.get("config") or {}
    is_tiered = broker.get("tieredStorage") or str(config.get(TIERED, "")).lower() == "true"
    if is_tiered and not request.unchanged:
        refusals.append(
            "Kafka has tiered storage: a second cluster takes the remote segments of the first for "
            "its own and deletes them"
        )
    version = contents.kafka_version or str(broker.get("version") or "")
    if request.retention != NOW and not is_holdable(version):
        refusals.append(
            f"the retention of Kafka {version or 'of unknown version'} cannot be held, only that "
            "of 3.8 to 4: use --retention now, and expired records are deleted"
        )
    if pools and not contents.cluster_id:
        refusals.append("the backup does not contain the cluster id")
    for pool in pools:
        replicas = get_path(pool, "spec", "replicas")
        if not contents.node_ids.get(name_of(pool)) and replicas != 0:
            refusals.append(
                f"the backup does not contain the node ids of KafkaNodePool {name_of(pool)}"
            )
    for name in needed:
        if name not in sources:
            refusals.append(f"VolumeSnapshot {name} of the backup cannot be used")
    for key, value in config.items():
        if isinstance(value, str) and "${" in value:
            refusals.append(
                f"spec.kafka.config.{key} takes its value from a configuration provider, whose "
                "source is not in the backup"
            )
    return refusals


def missing_references(
    plan: ClonePlan, existing: Iterable[tuple[str, str]]
) -> list[tuple[str, str, str]]:
    """Return kind, name and path of the objects that the copy refers to and that are not there.

    `existing` has kind and name of those in the namespace; those of the plan need not be there.
    """
    present = {*existing, *((item["kind"], name_of(item)) for item in plan.objects)}
    missing = []
    for item in (*plan.pools, plan.kafka):
        for kind, name, path in _references(plan, item):
            if (kind, name) not in present:
                missing.append((kind, name, f"{item['kind']} {name_of(item)}: {path}"))
    return missing


def _references(plan: ClonePlan, item: Object) -> Iterator[ObjectReference]:
    """Yield what a Kafka or a node pool refers to, for each of its nodes."""
    kafka = plan.backup.kafka.name
    pools = [name_of(item)] if item["kind"] == "KafkaNodePool" else plan.node_ids
    pods: dict[int, str] = {}
    for pool in pools:
        pods |= {number: f"{kafka}-{pool}-{number}" for number in plan.node_ids.get(pool, ())}
    for reference in references(item["spec"], "spec"):
        yield from of_each_node(reference, pods)
