"""Whether the Strimzi operator lives, watches this namespace, and is of a version that fits.

A stop waits for it to acknowledge the pause, and nobody else brings the brokers back.
"""

from __future__ import annotations

from collections.abc import Iterator

from kanister_kafka.preflight.model import Line, Object, bad, doubt, ok
from kanister_kafka.preflight.objects import annotation, at, is_true, label, name_of, title, titles
from kanister_kafka.preflight.registry import check
from kanister_kafka.preflight.view import View
from kanister_kafka.strimzi import parse_version
from kanister_kafka.strimzi.versions import spelled

OPERATOR = "cluster-operator"
"""Value of the label `strimzi.io/kind` on the operator's pods, in every way to install it."""
EVERYWHERE = ("", "*")
"""Values of STRIMZI_NAMESPACE with which an operator watches every namespace (Strimzi's
ClusterOperatorConfig.java)."""
OWN = "metadata.namespace"
TARGETS = "metadata.annotations['olm.targetNamespaces']"
"""Where OLM tells the operator what to watch."""


@check("operator")
def operator(view: View) -> Iterator[Line]:
    """Check that an operator watches the namespace, runs, and is of a version that fits."""
    found = view.operators.get()
    watching = [item for item in found if _watches(item, view)]
    if not watching:
        elsewhere = ", ".join(titles(found))
        yield bad(
            f"no Strimzi operator is seen that watches namespace {view.namespace}"
            + (f"; there is {elsewhere}" if elsewhere else ""),
            "install it, or let it watch this namespace by STRIMZI_NAMESPACE",
            objects=titles(found),
        )
        return
    alive = [item for item in watching if item["kind"] == "Pod" and is_true(item, "Ready")]
    if not alive:
        names = ", ".join(titles(watching))
        home = at(watching[0], "metadata", "namespace")
        yield bad(
            f"the Strimzi operator does not run: no pod of it is Ready ({names})",
            _revive(view, watching[0])
            or view.kubectl(f"get pods -n {home} -l strimzi.io/kind={OPERATOR}"),
            objects=titles(watching),
        )
        return
    yield from _version(view, alive[0])


def _revive(view: View, item: Object) -> str:
    """Return the command that scales the operator up, where it was scaled to 0."""
    if item["kind"] != "Deployment" or at(item, "spec", "replicas") != 0:
        return ""
    home = at(item, "metadata", "namespace")
    return view.kubectl(f"scale deployment {name_of(item)} -n {home} --replicas 1")


def _version(view: View, pod: Object) -> Iterator[Line]:
    image = str(at(_container(pod), "image") or "")
    text = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    version = parse_version(text)
    bounds = view.planned.plan.cluster.operator if view.planned else None
    here = (title(pod),)
    if version is None:
        yield ok(f"{title(pod)} is Ready; its image does not tell its version", objects=here)
    elif bounds and (version < bounds.first or (bounds.last is not None and version > bounds.last)):
        yield bad(
            f"{title(pod)} is Strimzi {spelled(version)}, and the plan is for {bounds}",
            f"--strimzi-version {spelled(version)} on check, apply and render",
            objects=here,
        )
    else:
        yield ok(f"{title(pod)} is Ready: Strimzi {text.removeprefix('v')}", objects=here)
    if _variable(pod, "STRIMZI_POD_SET_RECONCILIATION_ONLY").lower() == "true":
        yield bad(
            f"{title(pod)} brings back pods alone: with STRIMZI_POD_SET_RECONCILIATION_ONLY it "
            "neither acknowledges a pause nor makes what a stop deleted",
            "take the variable away",
            objects=here,
        )
    selector = _variable(pod, "STRIMZI_CUSTOM_RESOURCE_SELECTOR")
    pairs = (part.partition("=") for part in selector.split(",") if "=" in part)
    missing = [f"{key}={value}" for key, _, value in pairs if label(view.kafka, key) != value]
    if missing:
        yield doubt(
            f"{title(pod)} takes only resources with the label {', '.join(missing)}, which the "
            "Kafka has not; does another operator have it?",
            objects=here,
        )


def _container(item: Object) -> Object:
    spec = at(item, "spec") if item["kind"] == "Pod" else at(item, "spec", "template", "spec")
    for container in at(spec or {}, "containers") or ():
        if any(v.get("name") == "STRIMZI_NAMESPACE" for v in container.get("env") or ()):
            return dict(container)
    return dict((at(spec or {}, "containers") or [{}])[0])


def _variable(item: Object, name: str) -> str:
    for variable in _container(item).get("env") or ():
        if variable.get("name") == name:
            field = str(at(variable, "valueFrom", "fieldRef", "fieldPath") or "")
            if field == OWN:
                return str(at(item, "metadata", "namespace"))
            if field == TARGETS:
                return annotation(item, "olm.targetNamespaces")
            return str(variable.get("value") or "")
    return ""


def _watches(item: Object, view: View) -> bool:
    watched = [name.strip() for name in _variable(item, "STRIMZI_NAMESPACE").split(",")]
    return view.namespace in watched or any(name in EVERYWHERE for name in watched)
