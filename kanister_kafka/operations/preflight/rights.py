"""Whether the service accounts may do what their steps do: asked of the API server itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from kanister_kafka.backup.model import Permission
from kanister_kafka.errors import ForbiddenError
from kanister_kafka.kube.client import Object
from kanister_kafka.operations.preflight.cluster_facts import ClusterFacts, preflight_check
from kanister_kafka.operations.preflight.model import AccessReview, CheckLine, failed, passed

if TYPE_CHECKING:
    from kanister_kafka.kube.client import KubeClient

API = ("apis", "authorization.k8s.io", "v1")


@preflight_check("rights")
def rights(view: ClusterFacts) -> Iterator[CheckLine]:
    """Check that every account has each single right that its steps need."""
    if view.planned is None:
        return
    questions = view.planned.rights.get()
    for account in dict.fromkeys(question.account for question in questions):
        mine = [question for question in questions if question.account == account]
        missing = tuple(question.text for question in mine if not question.allowed)
        here = (f"ServiceAccount {view.namespace}/{account}",)
        if missing:
            which = "all" if len(missing) == len(mine) else "; ".join(missing)
            yield failed(
                f"{here[0]} lacks {len(missing)} of {len(mine)} rights: {which}",
                view.apply,
                objects=here,
            )
        else:
            yield passed(f"{here[0]} has all {len(mine)} rights that its steps need", objects=here)


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
