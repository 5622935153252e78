"""By which names the rendered objects of a Kafka are on the cluster.

Kustomize renames all of them, and not the Kafka (`namePrefix`, `nameSuffix`). The commands take the
names from the steps of the applied Blueprint. Without a Blueprint they take them from the labels of
state ConfigMaps and watchdogs, and without these they take the names that `render` gives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from kanister_kafka import constants
from kanister_kafka.backup.options import DEFAULT_KASTEN_NAMESPACE
from kanister_kafka.errors import ActionError, ForbiddenError, NotFoundError
from kanister_kafka.kube.client import CONFIG_MAPS, DEPLOYMENTS, KubeClient, Object, Objects
from kanister_kafka.kube.objects import annotation, get_path, label, name_of
from kanister_kafka.operations.actionset import API_VERSION
from kanister_kafka.operations.live_kafka import IDLE, state_of
from kanister_kafka.operations.provenance import context_flag
from kanister_kafka.strimzi.discovery import SUFFIX, KafkaRef

OURS = f"{constants.MANAGED_BY}={constants.COMPONENT}"
SWITCH = f"{constants.PREFIX}switch"
"""Label of the pods of a watchdog: the name of the Kafka."""
FROM_ANNOTATION = re.compile(r"metadata\.annotations\['(.*)'\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectNames:
    """Names of the objects that are rendered for a Kafka, as they are on the cluster."""

    blueprint_namespace: str
    blueprint: str
    state_config_map: str
    watchdog: str
    """Deployment."""
    unused: tuple[str, ...] = ()
    """Further state ConfigMaps of the Kafka, which no Blueprint names and no action uses."""
    unsearched: tuple[str, ...] = ()
    """Kinds that may not be listed, a line each: their objects under other names are not seen."""
    alternatives: tuple[str, ...] = ()
    """All Blueprints, `NAMESPACE/NAME`, if several are for the Kafka, with these same names."""
    is_renamed: bool = False
    """Whether they are not those that `render` gives."""


@dataclass(frozen=True, slots=True)
class StepNames:
    """Names in the steps of a Blueprint."""

    kafka: KafkaRef
    state_config_map: str
    """Empty in a Blueprint of hot backups."""
    watchdog: str
    """Empty if there is none."""


def default_blueprint(kafka: KafkaRef) -> str:
    """Return the name that `render` gives to the Blueprint of a Kafka."""
    return f"{kafka.namespace}.{kafka.name}"


def default_names(kafka: KafkaRef) -> ObjectNames:
    """Return the names that `render` gives."""
    base_name = f"{kafka.name}{SUFFIX}"
    return ObjectNames(
        blueprint_namespace=DEFAULT_KASTEN_NAMESPACE,
        blueprint=default_blueprint(kafka),
        state_config_map=base_name,
        watchdog=f"{base_name}-switch",
    )


def step_names(blueprint: Mapping[str, Any]) -> StepNames | None:
    """Return the names in the steps of a Blueprint; None if it has no step of this tool."""
    for arguments in _arguments(blueprint):
        override = arguments.get("podOverride") or {}
        for container in override.get("containers") or ():
            values = _environment(container, arguments.get("podAnnotations") or {})
            if "CLUSTER" in values and arguments.get("namespace"):
                return StepNames(
                    KafkaRef(str(arguments["namespace"]), values["CLUSTER"]),
                    values.get("STATE_CONFIGMAP", ""),
                    values.get("WATCHDOG", ""),
                )
    return None


def _arguments(blueprint: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    for action in (blueprint.get("actions") or {}).values():
        for phase in action.get("phases") or ():
            yield phase.get("args") or {}


def _environment(container: Object, annotations: Mapping[str, Any]) -> dict[str, str]:
    """Return the variables of a container; in a base of Kustomize they may be annotations."""
    values = {}
    for variable in container.get("env") or ():
        path = str(get_path(variable, "valueFrom", "fieldRef", "fieldPath") or "")
        if key := FROM_ANNOTATION.fullmatch(path):
            values[variable["name"]] = str(annotations.get(key[1]) or "")
        elif "value" in variable:
            values[variable["name"]] = str(variable["value"])
    return values


class NameFinder:
    """Finds the names of objects; of each namespace, Blueprints and labels are read once."""

    def __init__(self, connection: KubeClient, kasten_namespace: str = "") -> None:
        self.connection = connection
        self.kasten_namespace = kasten_namespace
        """Namespace of the Blueprints; empty for the one that the state ConfigMap names."""
        self._known: dict[tuple[KafkaRef, str], ObjectNames] = {}
        self._listed: dict[tuple[str, str], Objects] = {}
        self._unsearched: dict[tuple[str, str], str] = {}
        """By kind and namespace a line: objects of this kind may not be listed there."""

    def find(self, kafka: KafkaRef, blueprint: str = "") -> ObjectNames:
        """Return the names of the objects of a Kafka, by this Blueprint or the one that is applied.

        Raises ActionError with the names if there are several candidates, or if a state ConfigMap
        that is not the one of the Blueprint has the state of an action. A kind that
        may not be listed is not searched, and its objects with the default names are still read.
        With `blueprint` nothing else is searched, so that the rights to its objects are sufficient.
        """
        key = kafka, blueprint
        if key not in self._known:
            self._known[key] = self._find(kafka, blueprint)
        return self._known[key]

    def serving(self, kafka: KafkaRef, namespace: str, *, hot: bool = False) -> Objects:
        """Return the Blueprints of a namespace with steps for this Kafka, of hot backups or not.

        Raises ForbiddenError if Blueprints may not be listed, NotFoundError without Kanister.
        """
        blueprints = []
        for item in self._blueprints(namespace):
            steps = step_names(item)
            if steps and steps.kafka == kafka and hot is not bool(steps.state_config_map):
                blueprints.append(item)
        return tuple(blueprints)

    def _find(self, kafka: KafkaRef, blueprint: str) -> ObjectNames:
        if blueprint:
            return _marked(self._of_blueprint(kafka, blueprint), kafka)
        config_maps = self._state_config_maps(kafka)
        applied = self._applied(kafka, config_maps)
        namespace, name = self._places(kafka, config_maps)[0]
        names = self._by_steps(kafka, applied) or self._by_labels(
            kafka, applied[0] if applied else None, namespace, name, config_maps
        )
        unused = tuple(item for item in config_maps if item != names.state_config_map)
        for config_map in unused:
            self._check_idle(kafka, names.state_config_map, config_map)
        unread = [("ConfigMaps", kafka.namespace), ("Deployments", kafka.namespace)]
        if not config_maps:  # else the names are known without a Blueprint
            unread.append(("Blueprints", namespace))
        unsearched = tuple(self._unsearched[key] for key in unread if key in self._unsearched)
        return _marked(replace(names, unused=unused, unsearched=unsearched), kafka)

    def _of_blueprint(self, kafka: KafkaRef, blueprint: str) -> ObjectNames:
        """Return the names in the steps of one Blueprint, of hot backups those without it."""
        namespace = self.kasten_namespace or self._places(kafka, self._default(kafka))[0][0]
        named: Objects = ()
        with suppress(ForbiddenError, NotFoundError):
            named = self._named(kafka, [(namespace, blueprint)])
        if names := self._by_steps(kafka, named):
            return names
        config_maps = self._default(kafka) or self._state_config_maps(kafka)
        return self._by_labels(kafka, None, namespace, blueprint, config_maps)

    def _by_steps(self, kafka: KafkaRef, applied: Objects) -> ObjectNames | None:
        """Return the names in the steps of the Blueprint; None if they have none."""
        steps_of = {_qualified_name(item): steps for item in applied if (steps := step_names(item))}
        if len({(steps.state_config_map, steps.watchdog) for steps in steps_of.values()}) > 1:
            places = ", ".join(
                f"Blueprint {blueprint} with ConfigMap {steps.state_config_map}"
                for blueprint, steps in steps_of.items()
            )
            raise ActionError(
                f"several Blueprints are for Kafka {kafka}: {places}. Delete all but one, or name "
                "one by --blueprint if the command has this option"
            )
        for item in applied:
            steps = steps_of.get(_qualified_name(item))
            if steps and steps.state_config_map:
                return replace(
                    _at(kafka, item),
                    state_config_map=steps.state_config_map,
                    watchdog=steps.watchdog or default_names(kafka).watchdog,
                    alternatives=tuple(steps_of) if len(steps_of) > 1 else (),
                )
        return None

    def _by_labels(
        self,
        kafka: KafkaRef,
        applied: Object | None,
        namespace: str,
        name: str,
        config_maps: Mapping[str, Object],
    ) -> ObjectNames:
        """Return the names of the only labelled objects, else the default ones."""
        default = default_names(kafka)
        if len(config_maps) > 1:
            raise ActionError(
                f"Kafka {kafka} has several state ConfigMaps, and no Blueprint that names one of "
                f"them: {', '.join(sorted(config_maps))}. Apply its Blueprint, or delete the "
                "ConfigMaps of former ones"
            )
        unapplied = replace(default, blueprint_namespace=namespace, blueprint=name)
        config_map = next(iter(config_maps), default.state_config_map)
        return replace(
            _at(kafka, applied) if applied else unapplied,
            state_config_map=config_map,
            watchdog=self._watchdog(kafka, config_map),
        )

    def _default(self, kafka: KafkaRef) -> dict[str, Object]:
        """Return the state ConfigMap with the default name; empty if it may not be read."""
        name = default_names(kafka).state_config_map
        with suppress(ForbiddenError):  # an account may read the one of its Blueprint only
            if item := self.connection.find(CONFIG_MAPS, name, kafka.namespace):
                return {name: item}
        return {}

    def _state_config_maps(self, kafka: KafkaRef) -> dict[str, Object]:
        """Return the state ConfigMaps of a Kafka, by their names; those of other Kafkas are not."""
        config_maps = self._default(kafka)
        for item in self._labelled_config_maps(kafka.namespace):
            if name_of(item) not in config_maps and is_state_config_map(item, kafka):
                config_maps[name_of(item)] = item
        return config_maps

    def _labelled_config_maps(self, namespace: str) -> Objects:
        """Return the metadata of our ConfigMaps; none if they may not be listed."""
        key = "configmaps", namespace
        if key not in self._listed:
            try:
                self._listed[key] = self.connection.items(
                    CONFIG_MAPS, namespace, OURS, metadata_only=True
                )
            except ForbiddenError:
                self._listed[key] = ()
                self._note_unsearched("ConfigMaps", namespace, "state ConfigMap")
        return self._listed[key]

    def _note_unsearched(self, kind: str, namespace: str, sought: str) -> None:
        self._unsearched[kind, namespace] = (
            f"{kind} of namespace {namespace}: they may not be listed, so a {sought} that was "
            "renamed is not seen"
        )

    def _applied(self, kafka: KafkaRef, config_maps: Mapping[str, Object]) -> Objects:
        """Return the Blueprints of a Kafka; none if they may not be read.

        All are listed only if none has the default name, or a state ConfigMap is of another one.
        The one with the default name comes before the one that was applied last.
        """
        places = self._places(kafka, config_maps)
        default = default_names(kafka)
        namespaces = tuple(dict.fromkeys(namespace for namespace, _ in places))
        blueprints: list[Object] = []
        try:
            named = self._named(
                kafka, [*((namespace, default.blueprint) for namespace in namespaces), *places]
            )
            blueprints += named[:1]
            names = {steps.state_config_map for steps in map(step_names, blueprints) if steps}
            if blueprints and set(config_maps) <= (names or {default.state_config_map}):
                return tuple(blueprints)
            serving = tuple(
                chain.from_iterable(self.serving(kafka, namespace) for namespace in namespaces)
            )
            return serving or tuple(blueprints)
        except ForbiddenError:
            self._note_unsearched("Blueprints", namespaces[0], "Blueprint")
        except NotFoundError:  # no Kanister, so no Blueprint
            pass
        return tuple(blueprints)

    def _named(self, kafka: KafkaRef, places: Iterable[tuple[str, str]]) -> Objects:
        """Return the Blueprints at these places that may be of a Kafka."""
        resource = self.connection.kind(API_VERSION, "Blueprint")
        items = [
            self.connection.find(resource, name, namespace)
            for namespace, name in dict.fromkeys(places)
        ]
        return tuple(item for item in items if item and _is_of(item, kafka))

    def _places(self, kafka: KafkaRef, config_maps: Mapping[str, Object]) -> list[tuple[str, str]]:
        """Return namespace and name of the Blueprint by the state ConfigMaps, else the default."""
        places = []
        for item in config_maps.values():
            namespace, _, name = annotation(item, constants.BLUEPRINT).partition("/")
            if namespace and name:
                places.append((self.kasten_namespace or namespace, name))
        default = self.kasten_namespace or DEFAULT_KASTEN_NAMESPACE, default_blueprint(kafka)
        return places or [default]

    def _blueprints(self, namespace: str) -> Objects:
        key = "blueprints", namespace
        if key not in self._listed:
            resource = self.connection.kind(API_VERSION, "Blueprint")
            self._listed[key] = self.connection.items(resource, namespace)
        return self._listed[key]

    def _watchdog(self, kafka: KafkaRef, config_map: str) -> str:
        """Return the watchdog next to a renamed state ConfigMap, by the label of its pods."""
        default = default_names(kafka)
        if config_map == default.state_config_map:
            return default.watchdog
        try:
            deployments = self.connection.items(DEPLOYMENTS, kafka.namespace, OURS)
        except ForbiddenError:
            self._note_unsearched("Deployments", kafka.namespace, "watchdog")
            return default.watchdog
        names = [
            name_of(item)
            for item in deployments
            if get_path(item, "spec", "selector", "matchLabels", SWITCH) == kafka.name
        ]
        if len(names) > 1:
            raise ActionError(
                f"Kafka {kafka} has several watchdogs, and no Blueprint that names one of them: "
                f"{', '.join(sorted(names))}. Apply its Blueprint, or delete the Deployments of "
                "former ones"
            )
        return names[0] if names else default.watchdog

    def _check_idle(self, kafka: KafkaRef, applied: str, config_map: str) -> None:
        """Raise ActionError if another state ConfigMap has the state of an action."""
        live = self.connection.find(CONFIG_MAPS, config_map, kafka.namespace)
        state = state_of(live)
        if state in IDLE:
            return
        at = context_flag(self.connection.context)
        raise ActionError(
            f"ConfigMap {config_map} in namespace {kafka.namespace} has the state {state} of Kafka "
            f"{kafka}, and the state ConfigMap of its Blueprint is {applied}: which of them is "
            "true is not known. Start Kafka by the objects with which it was stopped; if "
            f"{config_map} is of a former Blueprint, kubectl delete configmap {config_map} -n "
            f"{kafka.namespace}{at}"
        )


def find_names(
    connection: KubeClient, kafka: KafkaRef, kasten_namespace: str = "", blueprint: str = ""
) -> ObjectNames:
    """Return the names of the objects of one Kafka, as `NameFinder.find` does."""
    return NameFinder(connection, kasten_namespace).find(kafka, blueprint)


def is_state_config_map(item: Object, kafka: KafkaRef) -> bool:
    """Return whether a ConfigMap of kanister-kafka has the state of a Kafka, under any name.

    Those of earlier versions have no label of the Kafka. They count if they are named after it and
    their annotation has the default name of its Blueprint, which Kustomize does not rename.
    """
    base_name = f"{kafka.name}{SUFFIX}"
    if cluster := label(item, constants.CLUSTER):
        return cluster == kafka.name
    blueprint = annotation(item, constants.BLUEPRINT).partition("/")[2]
    return name_of(item) == base_name or (
        blueprint == default_blueprint(kafka)
        and base_name in name_of(item)
        and f"{base_name}-scripts-" not in name_of(item)
    )


def _qualified_name(blueprint: Object) -> str:
    return f"{get_path(blueprint, 'metadata', 'namespace')}/{name_of(blueprint)}"


def _at(kafka: KafkaRef, blueprint: Object) -> ObjectNames:
    """Return the default names with the place of a Blueprint."""
    namespace = str(get_path(blueprint, "metadata", "namespace"))
    return replace(
        default_names(kafka), blueprint_namespace=namespace, blueprint=name_of(blueprint)
    )


def _marked(names: ObjectNames, kafka: KafkaRef) -> ObjectNames:
    """Set whether they are renamed."""
    is_renamed = names.state_config_map != default_names(kafka).state_config_map
    return replace(names, is_renamed=is_renamed)


def _is_of(blueprint: Object, kafka: KafkaRef) -> bool:
    """Return whether a Blueprint may be of a Kafka; one without steps of this tool may be."""
    steps = step_names(blueprint)
    return steps is None or steps.kafka == kafka
