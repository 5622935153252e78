"""Whether the Strimzi operator lives, watches this namespace, and is of a version that fits.

A stop waits for it to acknowledge the pause, and only the operator brings the brokers back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kanister_kafka.backup.model import Permission
from kanister_kafka.errors import ForbiddenError
from kanister_kafka.kanister.function_types import NEWEST, is_within, parse_release
from kanister_kafka.kube.client import Object
from kanister_kafka.kube.objects import annotation, get_path, is_true, label, name_of, title, titles
from kanister_kafka.kube.pods import image_tag
from kanister_kafka.operations.actionset import ActionSet, ActionState, read_action_set
from kanister_kafka.operations.live_kafka import OPERATOR_SELECTOR
from kanister_kafka.operations.preflight.cluster_facts import (
    ClusterFacts,
    PlanFacts,
    diagnostic_lines,
    preflight_check,
)
from kanister_kafka.operations.preflight.model import (
    AccessReview,
    CheckLine,
    failed,
    passed,
    warned,
)
from kanister_kafka.strimzi import parse_version
from kanister_kafka.strimzi.versions import (
    VersionRange,
    format_version,
    oldest_kubernetes,
    unsupported_kubernetes,
)

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient

EVERYWHERE = ("", "*")
"""Values of STRIMZI_NAMESPACE with which an operator watches every namespace (Strimzi's
ClusterOperatorConfig.java)."""
OWN = "metadata.namespace"
TARGETS = "metadata.annotations['olm.targetNamespaces']"
"""The annotation in which OLM names the namespaces that the operator watches."""


@preflight_check("operator")
def operator(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that an operator watches the namespace, runs, and is of a version that fits."""
    operators = view.operators.get()
    watching = _watching(operators, view)
    if not watching:
        elsewhere = ", ".join(titles(operators))
        yield failed(
            f"no Strimzi operator is seen that watches namespace {view.namespace}"
            + (f"; there is {elsewhere}" if elsewhere else ""),
            "install it, or let it watch this namespace by STRIMZI_NAMESPACE",
            objects=titles(operators),
        )
        return
    alive = _alive(watching)
    if not alive:
        names = ", ".join(titles(watching))
        namespace = get_path(watching[0], "metadata", "namespace")
        yield failed(
            f"the Strimzi operator does not run: no pod of it is Ready ({names})",
            _revive(view, watching[0])
            or view.kubectl(f"get pods -n {namespace} -l {OPERATOR_SELECTOR}"),
            objects=titles(watching),
        )
        return
    yield from _version(view, alive[0])


@preflight_check("kubernetes")
def kubernetes(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that Kubernetes is not too old for the operator that runs, or for that of the plan."""
    minor = view.server.get()
    running = _running_operator(view)
    bounds = running or (view.planned.plan.cluster.operator if view.planned else None)
    oldest = oldest_kubernetes(bounds) if bounds else None
    if minor is None or bounds is None or oldest is None:
        return
    if message := unsupported_kubernetes(bounds, minor):
        yield warned(message, "kanister-kafka explain kubernetes-version")
    else:
        yield passed(
            f"Kubernetes 1.{minor} is not older than 1.{oldest}, which Strimzi {bounds} needs"
        )


def _running_operator(view: ClusterFacts) -> VersionRange | None:
    """Return the version of the operator's image; None if it is not known."""
    if view.operators.unreadable is not None:  # the check `operator` reports it
        return None
    alive = _alive(_watching(view.operators.get(), view))
    version = parse_version(_image_tag(alive[0])) if alive else None
    return VersionRange.exactly(version) if version else None


def _watching(operators: Iterable[Object], view: ClusterFacts) -> list[Object]:
    return [item for item in operators if _watches(item, view)]


def _alive(operators: Iterable[Object]) -> list[Object]:
    return [item for item in operators if item["kind"] == "Pod" and is_true(item, "Ready")]


def _image_tag(pod: Object) -> str:
    return image_tag(str(get_path(_container(pod), "image") or ""))


def _revive(view: ClusterFacts, item: Object) -> str:
    """Return the command that scales the operator up, if it was scaled to 0."""
    if item["kind"] != "Deployment" or get_path(item, "spec", "replicas") != 0:
        return ""
    namespace = get_path(item, "metadata", "namespace")
    return view.kubectl(f"scale deployment {name_of(item)} -n {namespace} --replicas 1")


def _version(view: ClusterFacts, pod: Object) -> Iterator[CheckLine]:
    text = _image_tag(pod)
    version = parse_version(text)
    bounds = view.planned.plan.cluster.operator if view.planned else None
    refs = (title(pod),)
    if version is None:
        yield passed(f"{title(pod)} is Ready; its image tag has no version", objects=refs)
    elif bounds and (version < bounds.first or (bounds.last is not None and version > bounds.last)):
        yield failed(
            f"{title(pod)} is Strimzi {format_version(version)}, and the plan is for {bounds}",
            f"--strimzi-version {format_version(version)} on check, apply and render",
            objects=refs,
        )
    else:
        yield passed(f"{title(pod)} is Ready: Strimzi {text.removeprefix('v')}", objects=refs)
    if _variable(pod, "STRIMZI_POD_SET_RECONCILIATION_ONLY").lower() == "true":
        yield failed(
            f"{title(pod)} brings back pods alone: with STRIMZI_POD_SET_RECONCILIATION_ONLY it "
            "neither acknowledges a pause nor makes what a stop deleted",
            "take the variable away",
            objects=refs,
        )
    selector = _variable(pod, "STRIMZI_CUSTOM_RESOURCE_SELECTOR")
    pairs = (part.partition("=") for part in selector.split(",") if "=" in part)
    missing = [f"{key}={value}" for key, _, value in pairs if label(view.kafka, key) != value]
    if missing:
        yield warned(
            f"{title(pod)} takes only resources with the label {', '.join(missing)}, which the "
            "Kafka has not; does another operator have it?",
            objects=refs,
        )


def _container(item: Object) -> Object:
    spec = (
        get_path(item, "spec")
        if item["kind"] == "Pod"
        else get_path(item, "spec", "template", "spec")
    )
    for container in get_path(spec or {}, "containers") or ():
        if any(v.get("name") == "STRIMZI_NAMESPACE" for v in container.get("env") or ()):
            return dict(container)
    return dict((get_path(spec or {}, "containers") or [{}])[0])


def _variable(item: Object, name: str) -> str:
    for variable in _container(item).get("env") or ():
        if variable.get("name") == name:
            field = str(get_path(variable, "valueFrom", "fieldRef", "fieldPath") or "")
            if field == OWN:
                return str(get_path(item, "metadata", "namespace"))
            if field == TARGETS:
                return annotation(item, "olm.targetNamespaces")
            return str(variable.get("value") or "")
    return ""


def _watches(item: Object, view: ClusterFacts) -> bool:
    watched = [name.strip() for name in _variable(item, "STRIMZI_NAMESPACE").split(",")]
    return view.namespace in watched or any(name in EVERYWHERE for name in watched)


# Whether Kanister is there to run the Blueprint, and Kasten lets it run for long enough.

KASTEN_KEYS = (
    "K10TimeoutBlueprintResourceHooks",
    "K10TimeoutBlueprintHooks",
    "KanisterHookTimeout",
)
"""Keys of the ConfigMap `k10-config` with the limit of a hook in minutes, the newest first
(Kasten's Helm chart: `timeout.blueprintResourceHooks`, before that `timeout.blueprintHooks`, before
that `kanister.hookTimeout`)."""
LABELS_SINCE = "0.111"
"""The release of Kanister whose KubeTask takes labels and annotations of its pod."""
HOOKS = ("backupPrehook", "backupPosthook")
NEARLY = 0.8
"""Share of the limit from which a hook counts as near to it."""


@preflight_check("kanister")
def kanister(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that Kanister's API is served and its controller runs."""
    namespace = view.kasten_namespace
    if not view.kanister_api:
        yield failed(
            "the cluster does not know Blueprints: Kanister is not installed",
            "install Kasten, or Kanister's Helm chart kanister-operator",
        )
        return
    controllers = [item for item in view.deployments.get() if _image(item)]
    if not controllers:
        yield failed(
            f"no Kanister controller is in namespace {namespace}",
            "give --kasten-namespace if it is another one",
        )
        return
    for item in controllers:
        if not get_path(item, "status", "availableReplicas"):
            yield failed(
                f"{title(item)}, the Kanister controller, has no pod that is Ready",
                view.kubectl(f"get pods -n {namespace}"),
                objects=(title(item),),
            )
            continue
        tag = image_tag(_image(item))
        release = parse_release(tag)
        pods = view.planned.plan.options.pods if view.planned else None
        if release and pods and (pods.labels or pods.annotations) and not _labels(release):
            yield failed(
                f"{title(item)} is Kanister {release}, which refuses podLabels and podAnnotations: "
                f"that takes {LABELS_SINCE}, and every step would fail",
                "render and apply with --pod-label none --pod-annotation none",
                objects=(title(item),),
            )
            continue
        release_text = f"Kanister {release}" if release else f"image tag {tag or 'none'}"
        beside = (
            f"; known here up to {NEWEST}"
            if release
            else f", which has no release of Kanister; known here up to {NEWEST}"
        )
        yield passed(f"{title(item)} runs: {release_text}{beside}", objects=(title(item),))


@preflight_check("running-action")
def running_action(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that no action of the Blueprint is running, and none is stuck."""
    if view.planned is None:
        return
    running = [item for item in _action_sets(view, view.planned) if not item.ended]
    if running:
        names = tuple(map(str, running))
        yield failed(
            f"an action of the Blueprint is running, or stuck: {', '.join(names)}",
            view.command("status"),
            objects=names,
        )
    else:
        yield passed("no action of the Blueprint is running")


@preflight_check("hook-timeout")
def hook_timeout(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that all waits fit in the time that Kasten gives a hook, as Kasten itself is set."""
    if view.planned is None or not view.planned.plan.options.uses_kasten:
        return
    exceeded = list(diagnostic_lines(view, "hook-timeout"))
    yield from exceeded
    limit = view.planned.plan.options.hook_timeout
    config = view.kasten.get()
    minutes = next((v for key in KASTEN_KEYS if (v := get_path(config or {}, "data", key))), "")
    if str(minutes).isdecimal() and int(minutes) * 60 < limit:
        yield failed(
            f"Kasten ends a hook after {int(minutes) * 60}s, sooner than the {limit}s of "
            "--hook-timeout",
            "raise Kasten's Helm value timeout.blueprintHooks, or lower --hook-timeout",
            objects=titles([config]) if config else (),
        )
    elif not exceeded:
        kasten = f", as Kasten is set ({minutes} min)" if minutes else ""
        yield passed(f"all waits of a hook fit in {limit}s{kasten}")


@preflight_check("measured")
def measured(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that what former runs took is well below Kasten's limit, and the last one went well."""
    if view.planned is None:
        return
    limit = view.planned.plan.options.hook_timeout
    ended = [item for item in _action_sets(view, view.planned) if item.ended]
    ended.sort(key=lambda item: item.created)
    rehearse = view.command("rehearse")
    if not ended:
        yield warned("no run of the Blueprint is known, so its time was never measured", rehearse)
        return
    for action in HOOKS:
        runs = [s for item in ended if item.action == action and (s := item.seconds) is not None]
        if not runs:
            continue
        longest = max(runs)
        count = f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
        took = f"{action} took {longest}s at most in {count}"
        duration = f"{took}, of {limit}s that a hook may take"
        if not view.planned.plan.options.uses_kasten:
            yield passed(took)
        elif longest > limit:
            yield failed(duration, "raise Kasten's timeout.blueprintHooks and set --hook-timeout")
        elif longest > limit * NEARLY:
            yield warned(duration, "raise Kasten's timeout.blueprintHooks and set --hook-timeout")
        else:
            yield passed(duration)
    last = ended[-1]
    if last.state is ActionState.FAILED:
        yield warned(
            f"the last run failed: {last}, action {last.action}",
            view.kubectl(f"get actionset {last.name} -n {view.kasten_namespace} -o yaml"),
            objects=(str(last),),
        )


def _labels(release: str) -> bool:
    return is_within(release, LABELS_SINCE, "")


def _image(deployment: Object) -> str:
    """Return the image of the controller, or nothing if the Deployment is another's.

    Kanister's is `ghcr.io/kanisterio/controller`; Kasten's is in the Deployment `kanister-svc`.
    """
    containers = get_path(deployment, "spec", "template", "spec", "containers") or ()
    images = [str(container.get("image") or "") for container in containers]
    if name_of(deployment) == "kanister-svc":
        return next((image for image in images if "kanister" in image), images[0] if images else "")
    return next((image for image in images if "kanister" in image and "tools" not in image), "")


def _action_sets(view: ClusterFacts, planned: PlanFacts) -> list[ActionSet]:
    """Return the ActionSets of the Blueprint, also those in which it is not the first action."""
    blueprint = view.renamed(planned.plan.name)

    def is_of_blueprint(item: Object) -> bool:
        actions = get_path(item, "spec", "actions") or ()
        return any(action.get("blueprint") == blueprint for action in actions)

    return [read_action_set(item) for item in planned.action_sets.get() if is_of_blueprint(item)]


# Whether the service accounts may do what their steps do: asked of the API server itself.

API = ("apis", "authorization.k8s.io", "v1")


@preflight_check("rights")
def rights(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that every account has each single right that its steps need."""
    if view.planned is None:
        return
    questions = view.planned.rights.get()
    for account in dict.fromkeys(question.account for question in questions):
        account_rights = [question for question in questions if question.account == account]
        total = len(account_rights)
        missing = tuple(question.text for question in account_rights if not question.allowed)
        refs = (f"ServiceAccount {view.namespace}/{account}",)
        if missing:
            which = "all" if len(missing) == total else "; ".join(missing)
            yield failed(
                f"{refs[0]} lacks {len(missing)} of {total} rights: {which}",
                view.apply,
                objects=refs,
            )
        else:
            yield passed(f"{refs[0]} has all {total} rights that its steps need", objects=refs)


def ask_access(
    connection: KubeClient, account: str, namespace: str, rights: Iterable[Permission]
) -> tuple[AccessReview, ...]:
    """Ask for each single right of a service account, one request each.

    Asked by LocalSubjectAccessReview, which the administrator of a namespace may create (it is in
    the ClusterRole `admin`), else by SubjectAccessReview. Raises ForbiddenError if neither may
    be created, and what `KubeClient.ask` raises.
    """
    reviews = []
    for right in rights:
        for name in right.names or ("",):
            for verb in right.verbs:
                allowed = _allowed(connection, account, namespace, right, verb, name)
                text = _text(right, verb, name)
                reviews.append(AccessReview(account=account, text=text, allowed=allowed))
    return tuple(reviews)


def _text(right: Permission, verb: str, name: str) -> str:
    group = f".{right.group}" if right.group else ""
    below = f"/{right.subresource}" if right.subresource else ""
    return " ".join(
        part
        for part in (verb, f"{right.resource}{group}{below}", name, "in", right.namespace)
        if part
    )


def _allowed(
    connection: KubeClient, account: str, namespace: str, right: Permission, verb: str, name: str
) -> bool:
    spec = {
        "user": f"system:serviceaccount:{namespace}:{account}",
        "groups": [
            "system:serviceaccounts",
            f"system:serviceaccounts:{namespace}",
            "system:authenticated",
        ],
        "resourceAttributes": {
            "namespace": right.namespace,
            "verb": verb,
            "group": right.group,
            "resource": right.resource,
            "subresource": right.subresource,
            "name": name,
        },
    }
    review: Object = {"apiVersion": "authorization.k8s.io/v1", "spec": spec}
    try:
        review["kind"] = "LocalSubjectAccessReview"
        review["metadata"] = {"namespace": right.namespace}
        path = API + ("namespaces", right.namespace, "localsubjectaccessreviews")
        answer = connection.ask("POST", path, None, review)
    except ForbiddenError:
        review["kind"] = "SubjectAccessReview"
        del review["metadata"]
        answer = connection.ask("POST", API + ("subjectaccessreviews",), None, review)
    return answer.get("status", {}).get("allowed") is True
