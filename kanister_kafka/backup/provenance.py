"""Annotations of a Blueprint on its own making: version, options, and a hash of its input.

The hash covers what decides the text of the Blueprint: what was planned for this cluster, and the
options that are not the default. It does not cover where the input was read, the order of its keys,
texts of a plan for people only, nor templates of a site: two inputs that ask for the same have the
same hash, such as a file and the live cluster that was made from it.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
import shlex
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from kanister_kafka import constants
from kanister_kafka._version import __version__
from kanister_kafka.backup.model import BackupPlan
from kanister_kafka.backup.options import (
    FORMER_STEPS,
    GitOps,
    KastenOutput,
    Options,
    QuiesceMethod,
)
from kanister_kafka.strimzi import KafkaCluster

FOR_PEOPLE = frozenset(
    {
        "header",
        "ignored_clients",
        "notes",
        "problems",
        "purpose",
        "reason",
        "rights",
        "stage",
        "steps",
    }
)
"""Fields of a plan that nothing on the cluster follows; rights are there again, as rules."""
DECIDED_ABOVE = frozenset({"cluster", "options"})
"""Fields that have become phases, rules and names. The hash has their other values apart."""


def provenance_annotations(plan: BackupPlan) -> tuple[tuple[str, str], ...]:
    """Return the annotations of a Blueprint on its making."""
    words = plan.options.words() + _version_words(plan)
    return (
        (constants.INPUT_HASH, input_hash(plan)),
        (constants.VERSION, __version__),
        # Also if there are none: else those of a rendering that another manager has applied stay.
        (constants.OPTIONS, shlex.join(words)),
    )


def input_hash(plan: BackupPlan) -> str:
    """Return the hash of the inputs that decide the rendered objects of a plan."""
    values = _json_value(plan)
    if KastenOutput.BINDING not in plan.options.kasten:
        del values["bound"]  # no object is made of it
    if plan.schedule is None:
        del values["schedule"]  # as before there were schedules
    if plan.verification is None:
        del values["verification"]
    tree = {
        "cluster": [plan.cluster.namespace, plan.cluster.name],
        "options": list(_hashed_words(plan.options)),
        "plan": values,
    }
    text = json.dumps(
        tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_json_value
    )
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _hashed_words(options: Options) -> Iterator[str]:
    """Yield the words of the options with the former names of steps: their hashes stay the same."""
    option = ""
    for word in options.words():
        step, equals, duration = word.partition("=")
        former = {name: old for old, name in FORMER_STEPS.items()}.get(step, step)
        yield f"{former}{equals}{duration}" if option == "--timeout" else word
        option = word


def _json_value(value: Any) -> Any:
    """Return the fields or the value of a part of a plan that JSON cannot encode as it is."""
    kind: Any = type(value)
    if names := _hashed_fields(kind):
        return {name: getattr(value, name) for name in names}
    if isinstance(value, enum.Enum):
        return value.value
    raise TypeError(f"a plan may not have a {type(value).__name__}")


@lru_cache(maxsize=64)
def _hashed_fields(kind: type) -> tuple[str, ...]:
    """Return the fields of a part of a plan that count; none for any other value."""
    fields = dataclasses.fields(kind) if dataclasses.is_dataclass(kind) else ()
    return tuple(field.name for field in fields if field.name not in FOR_PEOPLE | DECIDED_ABOVE)


def _version_words(plan: BackupPlan) -> tuple[str, ...]:
    version = plan.cluster.operator.stated
    return ("--strimzi-version", version) if version else ()


# Annotations of each object.

Pairs = tuple[tuple[str, str], ...]
WAVE = "argocd.argoproj.io/sync-wave"
WAVES = {
    "ServiceAccount": -4,
    "ConfigMap": -4,
    "ValidatingAdmissionPolicy": -4,
    "ValidatingAdmissionPolicyBinding": -4,
    "Role": -3,
    "RoleBinding": -3,
    "ClusterRole": -3,
    "ClusterRoleBinding": -3,
    "Deployment": -2,
    "CronJob": 0,
    "Blueprint": -1,
    "Policy": 0,
    "BlueprintBinding": 0,
    "TransformSet": 0,
}
"""The order for Argo CD: who acts, what it may, what guards, what is run, what runs it."""
NO_LAST_APPLIED = ("argocd.argoproj.io/sync-options", "ServerSideApply=true")
"""For a Blueprint: applied in the other way it is kept in an annotation too, where 256 KiB fit."""
SUBSTITUTE, DISABLED = "kustomize.toolkit.fluxcd.io/substitute", "disabled"
KEPT = {
    GitOps.ARGOCD: (
        ("argocd.argoproj.io/compare-options", "IgnoreExtraneous"),
        ("argocd.argoproj.io/sync-options", "Prune=false"),
    ),
    GitOps.FLUX: (("kustomize.toolkit.fluxcd.io/prune", "disabled"), (SUBSTITUTE, DISABLED)),
    None: (("helm.sh/resource-policy", "keep"),),
}
"""Of scripts: what is under way was started with those that Git has no more, and needs them."""
SHELL = ("Blueprint", "Deployment")
"""Kinds that hold scripts: `${x}` in them is for bash, and not for Flux."""


FOUND_BY_KAFKA = ("ConfigMap", "CronJob")
"""Kinds of objects that the commands find by a label with the name of the Kafka."""


def labels_for(plan: BackupPlan, kind: str) -> Pairs:
    """Return the labels of an object of this kind."""
    own = ((constants.CLUSTER, plan.cluster.name),) if kind in FOUND_BY_KAFKA else ()
    return own + plan.labels


def annotations_for(plan: BackupPlan, kind: str) -> Pairs:
    """Return the annotations of an object of this kind, sorted by key; those of a site win."""
    ours = dict(_gitops(plan.options.gitops, kind))
    if kind == "Blueprint":
        ours |= dict(provenance_annotations(plan))
    return tuple(sorted((ours | dict(plan.annotations)).items()))


def scripts_annotations(plan: BackupPlan) -> Pairs:
    """Return the annotations of the ConfigMap of scripts, sorted by key.

    One that is shared has nothing of a single cluster.
    """
    options = plan.options
    annotations = dict(_gitops(options.gitops, "ConfigMap"))
    if options.gitops or options.owns_scripts:
        annotations |= dict(KEPT[options.gitops])
    own = plan.annotations if options.owns_scripts else ()
    return tuple(sorted((annotations | dict(own)).items()))


def _gitops(tool: GitOps | None, kind: str) -> Iterator[tuple[str, str]]:
    if tool is GitOps.ARGOCD and kind in WAVES:
        yield WAVE, str(WAVES[kind])
        if kind == "Blueprint":
            yield NO_LAST_APPLIED
    elif tool is GitOps.FLUX and kind in SHELL:
        yield SUBSTITUTE, DISABLED


def annotation_next_steps(cluster: KafkaCluster, options: Options) -> Iterator[str]:
    """Return what a person has to see to where changes of a cluster are undone from Git."""
    if options.gitops and cluster.writers and options.quiesce_by is QuiesceMethod.REPLICAS:
        yield (
            "to do: from Git, spec.replicas of clients is restored while Kafka is stopped: "
            "render with --quiesce-by pause, or let it be ignored (kanister-kafka docs gitops)"
        )
