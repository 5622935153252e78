"""Which annotations each object bears."""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.options import GitOps, Options, QuiesceBy
from kanister_kafka.plan.model import Plan
from kanister_kafka.plan.origin import origin
from kanister_kafka.strimzi import KafkaCluster

Pairs = tuple[tuple[str, str], ...]
WAVE = "argocd.argoproj.io/sync-wave"
WAVES = {
    "ServiceAccount": -4,
    "ConfigMap": -4,
    "ValidatingAdmissionPolicy": -4,
    "ValidatingAdmissionPolicyBinding": -4,
    "Role": -3,
    "RoleBinding": -3,
    "Deployment": -2,
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


def annotations_of(plan: Plan, kind: str) -> Pairs:
    """Return what an object of this kind bears, sorted by key; a site's own go before ours."""
    ours = dict(_gitops(plan.options.gitops, kind))
    if kind == "Blueprint":
        ours |= dict(origin(plan))
    return tuple(sorted((ours | dict(plan.annotations)).items()))


def scripts_annotations(plan: Plan) -> Pairs:
    """Return what the ConfigMap of scripts bears, sorted by key.

    One that is shared has nothing of a single cluster.
    """
    options = plan.options
    found = dict(_gitops(options.gitops, "ConfigMap"))
    if options.gitops or options.owns_scripts:
        found |= dict(KEPT[options.gitops])
    own = plan.annotations if options.owns_scripts else ()
    return tuple(sorted((found | dict(own)).items()))


def _gitops(tool: GitOps | None, kind: str) -> Iterator[tuple[str, str]]:
    if tool is GitOps.ARGOCD and kind in WAVES:
        yield WAVE, str(WAVES[kind])
        if kind == "Blueprint":
            yield NO_LAST_APPLIED
    elif tool is GitOps.FLUX and kind in SHELL:
        yield SUBSTITUTE, DISABLED


def notes(cluster: KafkaCluster, options: Options) -> Iterator[str]:
    """Return what a person has to see to where changes of a cluster are undone from Git."""
    if options.gitops and cluster.writers and options.quiesce_by is QuiesceBy.REPLICAS:
        yield (
            "to do: from Git, spec.replicas of what writes is put back while Kafka is stopped: "
            "render with --quiesce-by pause, or let it be ignored (kanister-kafka docs gitops)"
        )
