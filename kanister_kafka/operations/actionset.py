"""ActionSets of Kanister: made for one action, and read as plain data.

Fields and their meaning are those of Kanister's pkg/apis/cr/v1alpha1/types.go and
pkg/controller/controller.go.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kanister_kafka.constants import CLUSTER, COMPONENT, MANAGED_BY, STATE_CONFIGMAP_NAME
from kanister_kafka.errors import NotFoundError, UnreachableError
from kanister_kafka.kube.client import ApiResource, KubeClient
from kanister_kafka.operations.provenance import Provenance, rendered_name
from kanister_kafka.timestamps import parse_timestamp

API_VERSION = "cr.kanister.io/v1alpha1"
GROUP, VERSION = API_VERSION.split("/")
EXPORT = "export"
"""Action that copies a backup off the cluster."""
DELETE_COPY = "deleteCopy"
"""Action that deletes this copy."""
LIST_COPIES = "listCopies"
"""Action that lists the copies of a Kafka."""
PROFILE_ACTIONS = (EXPORT, "delete", DELETE_COPY, LIST_COPIES)
"""Actions whose phases read the location of a Profile, if the Blueprint has `export`."""
PROFILE_WORD = re.compile(r'"EXPORT_PROFILE=([a-z0-9.-]+)"')
"""Value of a phase that names the Profile."""
JOB_LABEL = "kanister.io/JobID"
"""On an ActionSet; Kanister copies it to the pods of its KubeTasks (pkg/function/kube_task.go), so
that a pod shows which ActionSet it belongs to."""
KUBE_TASK = "KubeTask"
LONGEST_NAME = 57
"""Of a prefix: the API server adds five characters and keeps names of pods within 63."""


class ActionState(enum.Enum):
    """State of an ActionSet or of a phase."""

    UNTAKEN = ""
    """No controller has looked at it; of a deferPhase: there is none."""
    PENDING = "pending"
    RUNNING = "running"
    FAILED = "failed"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class ActionPhase:
    """One phase of the action, as the status has it."""

    name: str
    state: ActionState
    deferred: bool = False
    """Whether it is the deferPhase, which runs last whether the others succeeded or not."""
    output: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """Its values for later phases and for callers, by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionSet:
    """An ActionSet with one action, which is what Kasten, kanctl and this package make."""

    name: str
    namespace: str
    created: str
    """Time, such as `2026-01-02T03:04:05Z`."""
    version: str
    """Its resourceVersion: differs after each change."""
    action: str
    blueprint: str
    target: str
    """Namespace of the object that the action is for."""
    state: ActionState
    phases: tuple[ActionPhase, ...]
    """In their order, the deferPhase last; none before a controller has looked at it."""
    error: str
    """Of the phase that failed last, with all that Kanister adds to it; may have several KB."""
    artifacts: Mapping[str, Any]
    """The output artifacts of the action, by name, as another ActionSet takes it."""
    job: str = ""
    """Its job label, which its pods have too."""
    cluster: str = ""
    """Kafka of its label; empty if another tool has made it."""
    inputs: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """The artifacts that the action has got, by name: a restore those of a backup."""
    options: tuple[tuple[str, str], ...] = ()
    """Options that the action has got, such as `overwrite` of a restore."""
    progressed: str = ""
    """Time of the last progress, to the second; empty if there is none."""

    def __str__(self) -> str:
        return f"ActionSet {self.namespace}/{self.name}"

    @property
    def changed(self) -> str:
        """Time of the last progress, or of the creation if there is none."""
        return self.progressed or self.created

    @property
    def seconds(self) -> int | None:
        """Seconds from its creation to its last sign of progress; None if there was none.

        0 if both are in one second.
        """
        start, end = parse_timestamp(self.created), parse_timestamp(self.progressed)
        if start is None or end is None or end < start:
            return None
        return round((end - start).total_seconds())

    @property
    def backup(self) -> str:
        """Backup whose artifacts the action has got; empty if it has got none."""
        return str(backup_values(self.inputs).get("backup") or "")

    @property
    def running(self) -> ActionPhase | None:
        """The phase that is being run."""
        return next((phase for phase in self.phases if phase.state is ActionState.RUNNING), None)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it.

        The state becomes `failed` before the deferPhase has run; if the action could not even be
        launched, a deferPhase stays pending forever.
        """
        if self.state is not ActionState.FAILED:
            return self.state is ActionState.COMPLETE
        return not any(
            p.deferred and p.state in (ActionState.PENDING, ActionState.RUNNING)
            for p in self.phases
        )


@dataclass(frozen=True, slots=True)
class AppliedBlueprint:
    """What is needed of a Blueprint to run it."""

    name: str
    namespace: str
    actions: Mapping[str, frozenset[str]]
    """Each action, with those of its phases that run a pod of their own: KubeTask."""
    origin: Provenance = field(default_factory=Provenance)
    holds_retention: bool = False
    """Whether its restore asks for the option `retention`; one of an earlier version does not."""
    is_base: bool = False
    """Whether it was rendered as a base of Kustomize."""
    rendered_name: str = ""
    """Name that `render` gave it; empty if it is not known."""
    export_profile: str = ""
    """Profile to whose location its action `export` copies; empty if it has no such action."""


def read_blueprint(item: Mapping[str, Any]) -> AppliedBlueprint:
    """Read a Blueprint as the API server has it."""
    actions = {}
    for name, action in (item.get("actions") or {}).items():
        phases = list(action.get("phases") or ())
        phases.append(action.get("deferPhase") or {})
        actions[name] = frozenset(p.get("name", "") for p in phases if p.get("func") == KUBE_TASK)
    metadata = item["metadata"]
    namespace = metadata.get("namespace", "")
    restore = json.dumps((item.get("actions") or {}).get("restore") or {})
    export = json.dumps((item.get("actions") or {}).get(EXPORT) or {})
    profile = PROFILE_WORD.search(export)
    return AppliedBlueprint(
        metadata["name"],
        namespace,
        actions,
        Provenance.of(item),
        holds_retention='.Options \\"retention\\"' in restore,
        is_base=f'"{STATE_CONFIGMAP_NAME}"' in json.dumps(item.get("actions") or {}),
        rendered_name=rendered_name(item),
        export_profile=profile[1] if profile else "",
    )


ARTIFACT = "kafka"
"""Artifact of a backup."""


def backup_values(artifacts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the values by which artifacts name a backup: `namespace`, `cluster`, `backup`, …."""
    return (artifacts.get(ARTIFACT) or {}).get("keyValue") or {}


def is_backup_of(artifacts: Mapping[str, Any], namespace: str, kafka: str) -> bool:
    """Return whether artifacts name a backup of this Kafka."""
    values = backup_values(artifacts)
    return (values.get("namespace"), values.get("cluster")) == (namespace, kafka)


def read_action_set(item: Mapping[str, Any]) -> ActionSet:
    """Read an ActionSet as the API server has it; of several the first, and all deferPhases."""
    metadata, status = item["metadata"], item.get("status") or {}
    requested: Mapping[str, Any] = next(iter((item.get("spec") or {}).get("actions") or ()), {})
    action_status: Mapping[str, Any] = next(iter(status.get("actions") or ()), {})
    phases = tuple(
        ActionPhase(p.get("name", ""), _state(p), output=p.get("output") or {})
        for p in action_status.get("phases") or ()
    )
    deferred = action_status.get("deferPhase") or {}
    if deferred.get("name") or _state(deferred) is not ActionState.UNTAKEN:
        last = ActionPhase(deferred.get("name", ""), _state(deferred), deferred=True)
        # Kanister never calls it running; only the progress shows it.
        now = (status.get("progress") or {}).get("runningPhase")
        if last.state is ActionState.PENDING and now and now == last.name:
            last = replace(last, state=ActionState.RUNNING)
        phases += (last,)
    phases += tuple(_further_deferred(status.get("actions") or ()))
    return ActionSet(
        name=metadata["name"],
        namespace=metadata.get("namespace", ""),
        created=metadata.get("creationTimestamp", ""),
        version=metadata.get("resourceVersion", ""),
        action=requested.get("name", ""),
        blueprint=requested.get("blueprint", ""),
        target=(requested.get("object") or {}).get("namespace", ""),
        state=_state(status),
        phases=phases,
        error=(status.get("error") or {}).get("message", ""),
        artifacts=action_status.get("artifacts") or {},
        job=(metadata.get("labels") or {}).get(JOB_LABEL, ""),
        cluster=(metadata.get("labels") or {}).get(CLUSTER, ""),
        inputs=requested.get("artifacts") or {},
        options=tuple((key, str(value)) for key, value in (requested.get("options") or {}).items()),
        progressed=(status.get("progress") or {}).get("lastTransitionTime") or "",
    )


def _further_deferred(actions: Sequence[Mapping[str, Any]]) -> Iterator[ActionPhase]:
    """Yield the deferPhases after that of the first action: it has not ended before they have."""
    for action in actions[1:]:
        deferred = action.get("deferPhase") or {}
        if _state(deferred) is not ActionState.UNTAKEN:
            yield ActionPhase(deferred.get("name", ""), _state(deferred), deferred=True)


def kanister_resource(connection: KubeClient, kind: str) -> ApiResource:
    """Find how a kind of Kanister is served; NotFoundError if Kanister is not installed."""
    try:
        return connection.kind(API_VERSION, kind)
    except NotFoundError as failure:
        message = f"Kanister is not installed on this cluster: it has no {API_VERSION} {kind}"
        raise NotFoundError(message) from failure


def list_action_sets(
    connection: KubeClient, namespace: str, selector: str = ""
) -> tuple[ActionSet, ...]:
    """Read the ActionSets of a namespace.

    Raises NotFoundError if Kanister is not installed. If it is and the list is not found, that is
    UnreachableError, because an action may run.
    """
    resource = kanister_resource(connection, "ActionSet")
    try:
        return tuple(map(read_action_set, connection.items(resource, namespace, selector)))
    except NotFoundError as failure:
        raise UnreachableError(str(failure)) from failure


def new_action_set(
    action: str,
    *,
    blueprint: str,
    namespace: str,
    target: str,
    cluster: str,
    job: str,
    options: Iterable[tuple[str, str]] = (),
    artifacts: Mapping[str, Any] | None = None,
    profile: str = "",
) -> dict[str, Any]:
    """Return an ActionSet to create: one action, for the namespace `target` of a Kafka cluster.

    `namespace` is that of the Blueprint, of the controller and of the Profile, `job` a word that no
    other ActionSet has, by which the pods of this one are known.
    """
    prefix = f"{action}-{target}-{cluster}".lower().replace("_", "-")[:LONGEST_NAME].rstrip("-.")
    requested: dict[str, Any] = {
        "name": action,
        "blueprint": blueprint,
        # Kanister reads the Namespace by `name` and gives `namespace` to the templates.
        "object": {"kind": "Namespace", "name": target, "namespace": target},
    }
    if chosen := dict(options):
        requested["options"] = chosen
    if artifacts:
        requested["artifacts"] = dict(artifacts)
    if profile:
        requested["profile"] = {"apiVersion": VERSION, "kind": "Profile", "name": profile}
        requested["profile"] |= {"group": GROUP, "resource": "profiles", "namespace": namespace}
    return {
        "apiVersion": API_VERSION,
        "kind": "ActionSet",
        "metadata": {
            "generateName": f"{prefix}-",
            "namespace": namespace,
            "labels": {MANAGED_BY: COMPONENT, CLUSTER: cluster, JOB_LABEL: job},
        },
        "spec": {"actions": [requested]},
    }


def _state(status: Mapping[str, Any]) -> ActionState:
    try:
        return ActionState(status.get("state") or "")
    except ValueError:  # of a later Kanister: not ended as far as we know
        return ActionState.RUNNING
