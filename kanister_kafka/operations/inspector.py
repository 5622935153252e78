"""Looking at a Kafka of a live cluster: requests in, facts out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from kanister_kafka import constants
from kanister_kafka.backup.scripts import digest_of, script_pins
from kanister_kafka.diagnostics import Diagnostic
from kanister_kafka.errors import ForbiddenError, NotFoundError
from kanister_kafka.kube import objects
from kanister_kafka.kube.client import CONFIG_MAPS, EVENTS, PODS, KubeClient, Object, Objects
from kanister_kafka.operations import task_pods
from kanister_kafka.operations.actionset import (
    JOB_LABEL,
    ActionSet,
    kanister_resource,
    list_action_sets,
)
from kanister_kafka.operations.live_kafka import LiveKafka, is_pause_requested, watchdog_replicas
from kanister_kafka.operations.object_names import NameFinder, ObjectNames
from kanister_kafka.operations.observed_state import (
    KafkaEvent,
    KafkaState,
    ObservedClient,
    ObservedCluster,
    TaskPod,
    UnusableScripts,
    WatchdogState,
    WorkloadState,
)
from kanister_kafka.operations.provenance import Provenance, context_flag
from kanister_kafka.strimzi import VersionRange
from kanister_kafka.strimzi.clients import CLIENTS, ClientChoices, find_clients
from kanister_kafka.strimzi.cursor import FieldCursor
from kanister_kafka.strimzi.discovery import KafkaRef, desired_replicas, find_resource, versioned
from kanister_kafka.strimzi.listeners import bootstrap_addresses
from kanister_kafka.strimzi.retention import read_held
from kanister_kafka.yamldoc import document_from_dict

LAST_EVENTS = 8
PODS_WORD = "pods"
ACTION_SETS_WORD = "ActionSets"
GONE = "gone"
"""Instead of the digest of scripts."""
POOL = "strimzi.io/controller-name"
"""On the pods of a StrimziPodSet; those of a StatefulSet have it in their name."""


class ClusterInspector:
    """Looks at one Kafka; objects that may not be read are reported and passed over."""

    def __init__(
        self,
        connection: KubeClient,
        target: KafkaRef,
        kasten_namespace: str = "",
        finder: NameFinder | None = None,
    ) -> None:
        self.connection, self.target = connection, target
        self._kafka = LiveKafka(connection, target)
        self.kasten_namespace = kasten_namespace
        self._finder = finder or NameFinder(connection, kasten_namespace)
        self.unreadable: list[str] = []
        self._names: ObjectNames | None = None
        self._unlisted: set[str] = set()
        """Kinds that may not be listed."""

    @property
    def names(self) -> ObjectNames:
        """Names of the objects of the Kafka, as they were when first asked for.

        Raises ActionError if there are several candidates, and the errors of KubeClient.
        """
        if self._names is None:
            self._names = self._finder.find(self.target)
        return self._names

    def look(self) -> ObservedCluster:
        """Return what there is now.

        Raises TransientError, UnreachableError, ForbiddenError, and ActionError if it is not
        certain which objects are of the Kafka.
        """
        target, namespace, names = self.target, self.target.namespace, self.names
        self.unreadable.clear()
        self._unlisted.clear()
        self.unreadable += names.unsearched
        kafka, pools = self._kafka.find(), self._kafka.pools()
        sets = self._listed("strimzipodsets", self._kafka.pod_sets)
        sets += self._listed("statefulsets", self._kafka.stateful_sets)
        clients = {kind: self._clients(kind) for kind in CLIENTS}
        pods = self._listed(PODS_WORD, lambda: self.connection.items(PODS, namespace))
        nodes = tuple(
            pod for pod in pods if objects.label(pod, constants.CLUSTER_LABEL) == target.name
        )
        record = self._kafka.state_config_map(names.state_config_map)
        blueprint_namespace, name = names.blueprint_namespace, names.blueprint
        blueprint = self._blueprint(blueprint_namespace, name)
        origin = replace(Provenance.of(blueprint or {}), is_renamed=names.is_renamed)
        watchdog = self._kafka.watchdog(names.watchdog)
        return ObservedCluster(
            target=target,
            names=names,
            kafka=_kafka(kafka) if kafka else None,
            workloads=self._workloads(kafka, pools, sets, nodes),
            writers=self._writers(kafka, pools, clients, origin.client_choices),
            record=None if record is None else dict(record.get("data") or {}),
            watchdog=_watchdog(watchdog),
            blueprint=f"{blueprint_namespace}/{name}" if blueprint else "",
            origin=origin,
            action_sets=self._action_sets(blueprint_namespace, name),
            tasks=tuple(_tasks(pods, target.name)),
            events=self._events(),
            other_kafkas=() if kafka else self._other_kafkas(),
            unusable_scripts=tuple(
                self._unusable_scripts({"Blueprint": blueprint, "Deployment": watchdog}, origin)
            ),
            unreadable=tuple(self.unreadable),
            pods_known=PODS_WORD not in self._unlisted,
            newest_pod=max(
                (pod["metadata"].get("creationTimestamp", "") for pod in nodes), default=""
            ),
            action_sets_known=ACTION_SETS_WORD not in self._unlisted,
            context=self.connection.context,
        )

    def _listed(self, what: str, listing: Callable[[], Objects]) -> Objects:
        try:
            return listing()
        except ForbiddenError:
            self._note_unlisted(what)
            return ()

    def _note_unlisted(self, what: str) -> None:
        self.unreadable.append(f"{what}: they may not be listed")
        self._unlisted.add(what)

    def _other_kafkas(self) -> tuple[str, ...]:
        resource = find_resource(self.connection, "Kafka")
        kafkas = self.connection.items(resource, self.target.namespace) if resource else ()
        return tuple(sorted(map(objects.name_of, kafkas)))

    def _clients(self, kind: str) -> Objects:
        resource = find_resource(self.connection, kind)
        if resource is None:
            return ()
        try:
            return self.connection.items(resource)
        except ForbiddenError:
            self.unreadable.append(f"{resource.plural} of other namespaces: they may not be listed")
        namespace = self.target.namespace
        return self._listed(resource.plural, lambda: self.connection.items(resource, namespace))

    def _workloads(
        self, kafka: Object | None, pools: Objects, sets: Objects, nodes: Objects
    ) -> tuple[WorkloadState, ...]:
        former_replicas = {
            objects.name_of(item): objects.annotation(item, constants.PREVIOUS_REPLICAS)
            for item in sets
        }
        workloads = []
        for name, replicas in (desired_replicas(kafka, pools) if kafka else {}).items():
            counted = objects.count_ready(tuple(pod for pod in nodes if _owner(pod) == name))
            workload = WorkloadState(
                name=name,
                expected=replicas,
                pods=counted.pods,
                ready=counted.ready,
                replicas_before=former_replicas.get(name, ""),
            )
            workloads.append(workload)
        return tuple(workloads)

    def _writers(
        self,
        kafka: Object | None,
        pools: Objects,
        clients: dict[str, Objects],
        client_choices: ClientChoices,
    ) -> tuple[ObservedClient, ...]:
        """Return the clients that write into the Kafka, by the options of the Blueprint."""
        namespace, name = self.target.namespace, self.target.name
        writers = set()
        if kafka:
            documents = []
            for items in clients.values():
                documents += [document_from_dict(item) for item in items]
            problems: list[Diagnostic] = []  # `check` reports what is wrong with a resource
            top = FieldCursor.of(document_from_dict(kafka), problems)
            addresses = bootstrap_addresses(name, namespace, top, map(objects.name_of, pools))
            client_set = find_clients(
                documents, addresses, (), client_choices, VersionRange(), namespace, problems
            )
            writers = {(w.kind, w.namespace, w.name) for w in client_set.writers}
        observed = []
        for kind, items in clients.items():
            for item in items:
                client = _client(kind, item)
                if (kind, client.namespace, client.name) in writers or (
                    not kafka and client.quiesced and client.namespace == namespace
                ):
                    observed.append(client)
        return tuple(observed)

    def _unusable_scripts(
        self, users: dict[str, Object | None], origin: Provenance
    ) -> Iterable[UnusableScripts]:
        """Look whether the scripts are there that a Blueprint and a Deployment pin."""
        flag = context_flag(self.connection.context)
        apply = origin.apply_command(self.target, self.connection.context)
        digests: dict[str, str | None] = {}
        for kind, item in users.items():
            for pin in script_pins({**item, "kind": kind}) if item else ():
                if pin.namespace not in ("", self.target.namespace):
                    continue
                if pin.name not in digests:
                    digests[pin.name] = self._digest(pin.name)
                if digests[pin.name] in (pin.sha256, None):
                    continue
                fault, delete = "is gone", ""
                if digests[pin.name] != GONE:
                    at = f"configmap {pin.name} -n {self.target.namespace}"
                    fault, delete = "was altered", f"kubectl delete {at}{flag}, and then "
                scripts = f"the scripts of {kind} {objects.name_of(item or {})}"
                yield UnusableScripts(
                    kind,
                    f"ConfigMap {pin.name}, {scripts}, {fault}, so what needs it fails: "
                    f"{delete}{apply}",
                )

    def _digest(self, name: str) -> str | None:
        """Return the digest of a ConfigMap of scripts; None if no one may read it."""
        try:
            config_map = self.connection.find(CONFIG_MAPS, name, self.target.namespace)
        except ForbiddenError:
            self.unreadable.append(f"ConfigMap {name}: it may not be read")
            return None
        return digest_of(config_map) if config_map else GONE

    def _blueprint(self, namespace: str, name: str) -> Object | None:
        try:
            return self.connection.find(
                kanister_resource(self.connection, "Blueprint"), name, namespace
            )
        except NotFoundError:
            self.unreadable.append("Kanister: it is not installed on this cluster")
        except ForbiddenError:
            self.unreadable.append(f"Blueprints of namespace {namespace}: they may not be read")
        return None

    def _action_sets(self, namespace: str, name: str) -> tuple[ActionSet, ...]:
        try:
            action_sets = list_action_sets(self.connection, namespace)
        except NotFoundError:  # Kanister is not installed: it has none
            return ()
        except ForbiddenError:
            self._note_unlisted(ACTION_SETS_WORD)
            return ()
        of_blueprint = [action_set for action_set in action_sets if action_set.blueprint == name]
        return tuple(sorted(of_blueprint, key=lambda action_set: action_set.created, reverse=True))

    def _events(self) -> tuple[KafkaEvent, ...]:
        fields = f"involvedObject.kind=Kafka,involvedObject.name={self.target.name}"
        items = self._listed(
            "events", lambda: self.connection.items(EVENTS, self.target.namespace, fields=fields)
        )
        events = (_event(i) for i in items if i.get("involvedObject", {}).get("kind") == "Kafka")
        return tuple(sorted(events, key=lambda event: event.at))[-LAST_EVENTS:]


def _watchdog(deployment: Object | None) -> WatchdogState | None:
    if deployment is None:
        return None
    ready = int(objects.get_path(deployment, "status", "readyReplicas") or 0)
    return WatchdogState(watchdog_replicas(deployment), ready)


def _kafka(item: Object) -> KafkaState:
    ready = objects.condition(item, "Ready")
    unready = objects.condition(item, "NotReady")
    paused = objects.condition(item, "ReconciliationPaused")
    return KafkaState(
        resource=versioned("kafkas", item),
        ready=ready.get("status") == "True",
        why_not=f"{unready.get('reason', '')}: {unready.get('message', '')}" if unready else "",
        since=(paused or ready or unready).get("lastTransitionTime", ""),
        paused=is_pause_requested(item),
        acknowledged=paused.get("status") == "True",
        pause_before=objects.annotation(item, constants.PREVIOUS_PAUSE),
        restart_by=objects.annotation(item, constants.RESTART_DEADLINE),
        held_retention=read_held(item),
    )


def _client(kind: str, item: Object) -> ObservedClient:
    metadata = item["metadata"]
    return ObservedClient(
        kind=kind,
        resource=versioned(CLIENTS[kind].resource.partition(".")[0], item),
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        replicas=(item.get("spec") or {}).get("replicas"),
        paused=is_pause_requested(item),
        replicas_before=objects.annotation(item, constants.PREVIOUS_REPLICAS),
        pause_before=objects.annotation(item, constants.PREVIOUS_PAUSE),
    )


def _tasks(pods: Objects, cluster: str) -> Iterable[TaskPod]:
    key, _, value = task_pods.LABEL.partition("=")
    for pod in pods:
        if objects.label(pod, key) == value and not task_pods.is_over(pod):
            yield TaskPod(
                pod["metadata"]["name"],
                task_pods.phase_of(pod, cluster),
                objects.label(pod, JOB_LABEL),
            )


def _event(item: Object) -> KafkaEvent:
    series = item.get("series") or {}
    at = series.get("lastObservedTime") or item.get("lastTimestamp") or item.get("eventTime")
    return KafkaEvent(
        at=str(at or item["metadata"].get("creationTimestamp", "")),
        kind=item.get("type", ""),
        reason=item.get("reason", ""),
        message=item.get("message", ""),
        count=int(series.get("count") or item.get("count") or 1),
    )


def _owner(pod: Object) -> str:
    return objects.label(pod, POOL) or pod["metadata"]["name"].rpartition("-")[0]
