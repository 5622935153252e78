"""Resources of a Kafka, changed so that a copy of it can run in another namespace.

A field that would collide with the source, or that needs an object outside the backup, is dropped
or replaced. Each change is reported.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from kanister_kafka import constants
from kanister_kafka.kube.client import Object
from kanister_kafka.kube.objects import get_path
from kanister_kafka.strimzi.listeners import INTERNAL

FOREIGN = (
    "argocd.argoproj.io/",
    "app.kubernetes.io/",
    "helm.sh/",
    "helm.toolkit.fluxcd.io/",
    "kubectl.kubernetes.io/",
    "kustomize.toolkit.fluxcd.io/",
    "meta.helm.sh/",
    constants.PREFIX,
)
"""Labels and annotations by which another program would take the copy for an object of its own, and
prune or overwrite it."""
LOCAL_AUTHENTICATION = ("tls", "scram-sha-512")
"""Types of authentication that need nothing outside the backup."""
KEPT_SETTINGS = ("maxConnections", "maxConnectionCreationRate", "useServiceDnsDomain")
"""Settings of a listener that do not name a host, a port or a Secret."""
SAME_NAMESPACE: list[Object] = [{"podSelector": {}}]
OTHER_COMPONENTS = ("cruiseControl", "kafkaExporter", "jmxTrans")
DEFAULT_LISTENER = {
    "name": "plain",
    "port": 9092,
    "type": "internal",
    "tls": False,
    "networkPolicyPeers": SAME_NAMESPACE,
}
UNREACHABLE = "255.255.255.255"
"""To which no TCP connection can be opened: the kernel refuses it at once."""
TIERED = "remote.log.storage.system.enable"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeResources:
    """Requests of each node of a copy; an empty one keeps the value of the backup."""

    cpu: str = ""
    memory: str = ""
    heap: str = ""
    """Heap of the JVM as Java has it, such as `512m`."""

    @property
    def is_given(self) -> bool:
        """Whether anything is replaced."""
        return bool(self.cpu or self.memory or self.heap)


class Rehoming:
    """Changes resources for one namespace, and collects what it has changed."""

    def __init__(
        self,
        namespace: str,
        marks: dict[str, str],
        *,
        storage_class: str = "",
        absent_classes: Collection[str] = (),
        resources: NodeResources,
        entity_operator: bool,
        unchanged: bool = False,
        source_hosts: Iterable[str] = (),
    ) -> None:
        self._namespace = namespace
        self._marks = marks
        self._storage_class = storage_class
        self._absent_classes = absent_classes
        self._unchanged = unchanged
        self._resources = resources
        self._entity_operator = entity_operator
        self._source_hosts = tuple(source_hosts)
        self.changes: list[str] = []
        """Sentences, each change once."""

    def moved(self, item: Object) -> Object:
        """Return a copy of an object for the namespace, without the marks of other programs."""
        moved = copy.deepcopy(item)
        moved.pop("status", None)
        metadata = moved["metadata"]
        fields = {"name": metadata["name"], "namespace": self._namespace}
        for key in ("labels", "annotations"):
            pairs = metadata.get(key) or {}
            fields[key] = {name: pairs[name] for name in pairs if not name.startswith(FOREIGN)}
        fields["labels"].update(self._marks)
        moved["metadata"] = {key: value for key, value in fields.items() if value}
        return moved

    def claim(self, item: Object) -> Object:
        """Return a claim, of another StorageClass if one is given."""
        moved = self.moved(item)
        self._change_class(moved["spec"], "storageClassName")
        return moved

    def _change_class(self, item: Object, key: str) -> None:
        if self._storage_class:
            item[key] = self._storage_class
        elif item.get(key) in self._absent_classes:
            name = item.pop(key)
            self._change(f"StorageClass {name} does not exist here: the default one is used")

    def pool(self, item: Object) -> Object:
        """Return a KafkaNodePool."""
        moved = self.moved(item)
        self._node(moved["spec"], f"KafkaNodePool {moved['metadata']['name']}")
        if not self._unchanged:
            self._template(moved["spec"], f"KafkaNodePool {moved['metadata']['name']}: spec")
        return moved

    def kafka(self, item: Object, *, has_pools: bool) -> Object:
        """Return the Kafka, paused."""
        moved = self.moved(item)
        annotations = moved["metadata"].setdefault("annotations", {})
        annotations[constants.PAUSE_RECONCILIATION] = "true"
        spec = moved["spec"]
        kafka = spec["kafka"]
        if self._unchanged:
            if not has_pools:
                self._node(kafka, "Kafka")
            return moved
        for key in OTHER_COMPONENTS:
            if spec.pop(key, None) is not None:
                self._change(f"spec.{key} is dropped")
        self._operators(spec)
        self._listeners(kafka)
        self._authorization(kafka)
        self._observation(kafka, "spec.kafka")
        if zookeeper := spec.get("zookeeper"):
            self._observation(zookeeper, "spec.zookeeper")
            self._node(zookeeper, "ZooKeeper")
            self._template(zookeeper, "spec.zookeeper")
        self._template(kafka, "spec.kafka")
        if not has_pools:
            self._node(kafka, "Kafka")
        return moved

    def _operators(self, spec: Object) -> None:
        operators = spec.get("entityOperator")
        if operators is None:
            return
        if not self._entity_operator:
            del spec["entityOperator"]
            self._change(
                "spec.entityOperator is dropped: no operator changes topics and users of the copy"
            )
            return
        for key in ("topicOperator", "userOperator"):
            operator = operators.get(key) or {}
            if operator.pop("watchedNamespace", None) is not None:
                self._change(f"spec.entityOperator.{key}.watchedNamespace is dropped")
            self._observation(operator, f"spec.entityOperator.{key}")

    def _listeners(self, kafka: Object) -> None:
        listeners = kafka.get("listeners")
        if isinstance(listeners, dict):  # before Strimzi 0.22
            if listeners.pop("external", None) is not None:
                self._change("listener external is dropped")
            return
        adapted = [moved for listener in listeners or () if (moved := self._listener(listener))]
        if not adapted:
            adapted = [copy.deepcopy(DEFAULT_LISTENER)]
            self._change("listener plain is added, as no other remains")
        kafka["listeners"] = adapted

    def _listener(self, listener: Object) -> Object | None:
        name = listener.get("name", "?")
        kind = str(get_path(listener, "authentication", "type") or "")
        if kind and kind not in LOCAL_AUTHENTICATION:
            self._change(
                f"listener {name} is dropped: its authentication {kind} needs objects that no "
                "backup contains"
            )
            return None
        moved = {key: copy.deepcopy(value) for key, value in listener.items()}
        if listener.get("type") not in INTERNAL:
            moved["type"] = "internal"
            self._change(f"listener {name} is internal, not {listener.get('type')}")
        settings = moved.pop("configuration", None) or {}
        local_settings = {key: settings[key] for key in KEPT_SETTINGS if key in settings}
        if moved["type"] == "internal" and local_settings:
            moved["configuration"] = local_settings
        if dropped := sorted(set(settings) - set(moved.get("configuration", ()))):
            self._change(f"listener {name} has no {', '.join(dropped)}")
        # The policies of Strimzi would let every pod in, and policies add up.
        moved["networkPolicyPeers"] = copy.deepcopy(SAME_NAMESPACE)
        return moved

    def _authorization(self, kafka: Object) -> None:
        kind = str(get_path(kafka, "authorization", "type") or "")
        if kind and kind != "simple":
            del kafka["authorization"]
            self._change(
                f"authorization {kind} is dropped, as its server is not of the backup: every "
                "client in the namespace may do everything"
            )

    def _observation(self, part: Object, path: str) -> None:
        if part.pop("metricsConfig", None) is not None:
            self._change(f"{path}.metricsConfig is dropped")
        if get_path(part, "logging", "type") == "external":
            del part["logging"]
            self._change(f"{path}.logging is dropped")

    def _template(self, part: Object, path: str) -> None:
        """Drop what reaches beyond the namespace, and keep the nodes away from those of the source.

        A broker takes the addresses of the others from the restored metadata until these have
        registered anew. Those are addresses of the source, which would accept its certificate.
        """
        template = part.setdefault("template", {})
        for name in sorted(template):
            item = template[name]
            if name != "persistentVolumeClaim" and isinstance(item, dict) and item.get("metadata"):
                del item["metadata"]
                self._change(f"{path}.template.{name}.metadata is dropped")
        pod = template.setdefault("pod", {})
        if pod.pop("priorityClassName", None):
            self._change(f"{path}.template.pod.priorityClassName is dropped")
        if self._source_hosts:
            alias = {"ip": UNREACHABLE, "hostnames": list(self._source_hosts)}
            pod["hostAliases"] = [*(pod.get("hostAliases") or ()), alias]

    def _node(self, part: Object, title: str) -> None:
        storage = part.get("storage") or {}
        volumes = [storage, *(storage.get("volumes") or ())]
        for volume in volumes:
            if volume.get("type") == "persistent-claim":
                self._change_class(volume, "class")
        nodes = self._resources
        if not nodes.is_given:
            return
        if nodes.cpu or nodes.memory:
            resources = part.setdefault("resources", {})
            requests = resources.setdefault("requests", {})
            limits = resources.setdefault("limits", {})
            if nodes.cpu:
                requests["cpu"] = nodes.cpu
                limits.pop("cpu", None)
            if nodes.memory:
                requests["memory"] = limits["memory"] = nodes.memory
        options = part.setdefault("jvmOptions", {})
        if nodes.heap:
            options["-Xms"] = options["-Xmx"] = nodes.heap
        elif nodes.memory:
            for key in ("-Xms", "-Xmx"):
                if options.pop(key, None):
                    self._change(f"{title}: {key} is dropped, so that the heap fits the memory")
        amounts = {"cpu": nodes.cpu, "memory": nodes.memory, "heap": nodes.heap}
        text = ", ".join(f"{key} {value}" for key, value in amounts.items() if value)
        self._change(f"nodes of {title} ask for {text}")

    def _change(self, text: str) -> None:
        if text not in self.changes:
            self.changes.append(text)
