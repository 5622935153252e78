"""Resources that the API server of Kubernetes serves, as far as a reference can miss them.

Built in are the resources of Kubernetes 1.34, as `kubectl api-resources` lists them. All others are
custom resources, or come from another API server.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAMESPACED = {
    "": """configmaps endpoints events limitranges persistentvolumeclaims pods podtemplates
        replicationcontrollers resourcequotas secrets serviceaccounts services""",
    "apps": "controllerrevisions daemonsets deployments replicasets statefulsets",
    "autoscaling": "horizontalpodautoscalers",
    "batch": "cronjobs jobs",
    "coordination.k8s.io": "leases",
    "discovery.k8s.io": "endpointslices",
    "events.k8s.io": "events",
    "networking.k8s.io": "ingresses networkpolicies",
    "policy": "poddisruptionbudgets",
    "rbac.authorization.k8s.io": "rolebindings roles",
    "resource.k8s.io": "resourceclaims resourceclaimtemplates",
    "storage.k8s.io": "csistoragecapacities",
}
_OF_THE_CLUSTER = {
    "": "componentstatuses namespaces nodes persistentvolumes",
    "admissionregistration.k8s.io": """mutatingwebhookconfigurations validatingadmissionpolicies
        validatingadmissionpolicybindings validatingwebhookconfigurations""",
    "apiextensions.k8s.io": "customresourcedefinitions",
    "apiregistration.k8s.io": "apiservices",
    "certificates.k8s.io": "certificatesigningrequests",
    "flowcontrol.apiserver.k8s.io": "flowschemas prioritylevelconfigurations",
    "networking.k8s.io": "ingressclasses ipaddresses servicecidrs",
    "node.k8s.io": "runtimeclasses",
    "rbac.authorization.k8s.io": "clusterrolebindings clusterroles",
    "resource.k8s.io": "deviceclasses resourceslices",
    "scheduling.k8s.io": "priorityclasses",
    "storage.k8s.io": """csidrivers csinodes storageclasses volumeattachments
        volumeattributesclasses""",
    "snapshot.storage.k8s.io": "volumesnapshotclasses volumesnapshotcontents",
}
_OTHERS_BUILT_IN = """authentication.k8s.io authorization.k8s.io extensions
    internal.apiserver.k8s.io storagemigration.k8s.io"""
_OTHER_SERVERS = """actions.kio.kasten.io apps.kio.kasten.io custom.metrics.k8s.io
    external.metrics.k8s.io metrics.k8s.io apps.openshift.io authorization.openshift.io
    build.openshift.io image.openshift.io oauth.openshift.io project.openshift.io
    quota.openshift.io route.openshift.io security.openshift.io template.openshift.io
    user.openshift.io"""


def _pairs(resources: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Return group and plural of each resource; `resources` has the plurals by group."""
    pairs: set[tuple[str, str]] = set()
    for group, plurals in resources.items():
        pairs.update((group, name) for name in plurals.split())
    return frozenset(pairs)


NAMESPACED = _pairs(_NAMESPACED)
"""Built-in resources, by group and plural, that live in a namespace."""
CLUSTER_SCOPED = _pairs(_OF_THE_CLUSTER)
"""Resources that live in no namespace; those of the CSI snapshots are custom ones."""
STRATEGIC = frozenset(
    {
        group
        for group, _resource in NAMESPACED | CLUSTER_SCOPED
        if group != "snapshot.storage.k8s.io"
    }
    | set(_OTHERS_BUILT_IN.split())
    | set(_OTHER_SERVERS.split())
)
"""Groups that take a strategic merge patch, or may: an API server of OpenShift, of Kasten or of
metrics decides for itself. A custom resource does not (apiextensions-apiserver 0.34,
customresource_handler.go)."""

_STRIMZI = """k=kafkas kb=kafkabridges kc=kafkaconnects kctr=kafkaconnectors kmm=kafkamirrormakers
    kmm2=kafkamirrormaker2s knp=kafkanodepools kr=kafkarebalances kt=kafkatopics ku=kafkausers
    sps=strimzipodsets"""
STRIMZI: dict[str, str] = dict(pair.split("=") for pair in _STRIMZI.split())
"""The resources of Strimzi by their short names."""
_OPENSHIFT = {"dc": "deploymentconfigs", "deploymentconfig": "deploymentconfigs"}
_GROUPS = {r: g for g, r in sorted(NAMESPACED | CLUSTER_SCOPED, reverse=True)}
_SHORT = """cj=cronjobs cm=configmaps crd=customresourcedefinitions deploy=deployments ds=daemonsets
    ep=endpoints hpa=horizontalpodautoscalers ing=ingresses netpol=networkpolicies no=nodes
    ns=namespaces pdb=poddisruptionbudgets po=pods pv=persistentvolumes pvc=persistentvolumeclaims
    rc=replicationcontrollers rs=replicasets sa=serviceaccounts sc=storageclasses sts=statefulsets
    svc=services"""
_PLURALS = {
    **{r.removesuffix("s"): r for r in _GROUPS},
    **{r.removesuffix("es"): r for r in _GROUPS if r.endswith(("sses", "uses"))},
    **{r.removesuffix("ies") + "y": r for r in _GROUPS if r.endswith("ies")},
    **dict(pair.split("=") for pair in _SHORT.split()),
}
"""Built-in resources by names that kubectl accepts, and the API does not."""


def unknown_resource_hint(group: str, resource: str) -> str:
    """Return what a resource must be to be served by an API server; empty if it may be."""
    lower = resource.lower()
    built_in = not group or group in _GROUPS.values()
    plural = _PLURALS.get(lower, lower) if built_in else lower
    advice = "" if plural == resource else "must be the plural in lower case"
    advice += f': "{plural}"' if advice and plural in _GROUPS else ""
    if not group and ("", plural) not in NAMESPACED | CLUSTER_SCOPED:
        where = f": {_GROUPS[plural]}" if plural in _GROUPS else ", for the core API has none"
        return f"{advice}, with group{where}" if advice else f"must have its group{where}"
    return advice


_KUBECTL = {
    **_PLURALS,
    **STRIMZI,
    **{plural.removesuffix("s"): plural for plural in STRIMZI.values()},
    **_OPENSHIFT,
}
_KNOWN = frozenset([*_KUBECTL.values(), *_GROUPS])


def is_known(resource: str) -> bool:
    """Return whether a plural is one of which the other names are known."""
    return resource in _KNOWN


def plural(kind: str) -> str:
    """Return the resource that kubectl takes a word for, such as `deploy` or `Kafka`.

    Group and version, as in `deployments.v1.apps`, are left out. A word that is not known stays as
    it is, and so does one with a group of which nothing is known here.
    """
    word, dot, group = kind.lower().partition(".")
    group = re.sub(r"^v\d+(?:(?:alpha|beta)\d+)?(?:\.|$)", "", group)
    known = not group or group in STRATEGIC or group.endswith(".strimzi.io")
    return _KUBECTL.get(word, word) if known else f"{word}{dot}{group}"


def plurals(group: str) -> frozenset[str]:
    """Return the built-in resources of a group; none for a group that is not built in."""
    if group == "snapshot.storage.k8s.io":  # those above are not all of them
        return frozenset()
    return frozenset(r for g, r in NAMESPACED | CLUSTER_SCOPED if g == group)


def plural_of(word: str) -> str:
    """Return the built-in resource that a singular or a short name is for, or an empty string."""
    return "" if word in _GROUPS else _PLURALS.get(word, "")


def group_of(resource: str) -> str | None:
    """Return the group of a built-in resource; None if none is built in by this name."""
    return _GROUPS.get(resource)
