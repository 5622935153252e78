"""Limits of the accounts that RBAC cannot express, as a ValidatingAdmissionPolicy.

Who may patch an object may patch all of it: a Kafka's image, a pod's volumes. The policy lets the
accounts of a plan change annotations of this tool, the pause, and `spec.replicas`, and nothing else
of these objects.
"""

from __future__ import annotations

from collections.abc import Iterable

from kanister_kafka.backup.model import (
    AdmissionExpression,
    AdmissionMatch,
    AdmissionPolicy,
    AdmissionValidation,
    ResourceNames,
)
from kanister_kafka.constants import COMPONENT, PAUSE_RECONCILIATION, PREFIX, STRIMZI
from kanister_kafka.strimzi import KafkaCluster

WHOLE = ("kafkabridges", "kafkaconnects", "kafkamirrormaker2s", "kafkas")
STATUSES = ("kafkanodepools/status", "kafkas/status")
IDENTITY = ("clusterId", "nodeIds", "roles")
"""Fields of a status that a restore writes."""


def admission_policy(cluster: KafkaCluster, names: ResourceNames) -> AdmissionPolicy:
    """Return the policy for the accounts of one cluster.

    The account of a restore puts back whole objects, so of its requests only those to a status are
    looked at.
    """
    namespace = cluster.namespace
    accounts = (names.account, names.flush, names.keep, names.switch)
    limited = _list(_user(namespace, name) for name in dict.fromkeys(accounts) if name)
    restore = _list([_user(namespace, names.restore)] if names.restore else [])
    status = 'has(request.subResource) && request.subResource == "status"'
    return AdmissionPolicy(
        name=f"{namespace}.{cluster.name}-{COMPONENT}",
        matched=(
            AdmissionMatch(group=STRIMZI, resources=WHOLE + STATUSES),
            AdmissionMatch(group="apps", resources=("statefulsets",)),
        ),
        condition=f"request.userInfo.username in {limited} || "
        f"(request.userInfo.username in {restore} && {status})",
        variables=(
            AdmissionExpression(name="status", text=status),
            AdmissionExpression(name="spec", text="dyn(object.spec)"),
            AdmissionExpression(name="specBefore", text="dyn(oldObject.spec)"),
            AdmissionExpression(name="notes", text=_or_empty("object", "metadata.annotations")),
            AdmissionExpression(
                name="notesBefore", text=_or_empty("oldObject", "metadata.annotations")
            ),
            AdmissionExpression(name="state", text=_or_empty("object", "status")),
            AdmissionExpression(name="stateBefore", text=_or_empty("oldObject", "status")),
        ),
        validations=(
            AdmissionValidation(
                expression=_same_but("spec", "specBefore", 'key == "replicas"'),
                message="this account may change spec.replicas, and nothing else of the spec",
            ),
            AdmissionValidation(
                expression=_same_but(
                    "notes",
                    "notesBefore",
                    f'key == "{PAUSE_RECONCILIATION}" || key.startsWith("{PREFIX}")',
                ),
                message=f"this account may change the annotations {PAUSE_RECONCILIATION} and "
                f"{PREFIX}*, and no "
                "other",
            ),
            _unchanged("metadata.labels", "{}"),
            _unchanged("metadata.finalizers", "[]"),
            _unchanged("metadata.ownerReferences", "[]"),
            AdmissionValidation(
                expression=f"!variables.status || (request.userInfo.username in {restore} && "
                f"({_same_but('state', 'stateBefore', f'key in {_list(IDENTITY)}')}))",
                message="of a status only the account of a restore may change "
                + ", ".join(IDENTITY),
            ),
        ),
    )


def _user(namespace: str, name: str) -> str:
    return f"system:serviceaccount:{namespace}:{name}"


def _list(texts: Iterable[str]) -> str:
    items = ", ".join(f'"{text}"' for text in texts)
    return f"[{items}]"


def _or_empty(of: str, path: str, empty: str = "{}") -> str:
    """Return an expression for a field that may be missing and that has no known schema."""
    return f"(has({of}.{path}) ? dyn({of}.{path}) : dyn({empty}))"


def _unchanged(path: str, empty: str) -> AdmissionValidation:
    """Refuse a change of a field; `empty` is its value in CEL if it is absent."""
    before, after = _or_empty("oldObject", path, empty), _or_empty("object", path, empty)
    return AdmissionValidation(
        expression=f"{after} == {before}", message=f"this account may not change {path}"
    )


def _same_but(now: str, before: str, free: str) -> str:
    """Return an expression that two mappings are the same, except for keys that are free."""
    now, before = f"variables.{now}", f"variables.{before}"
    return (
        f"{now}.all(key, {free} || (key in {before} && {now}[key] == {before}[key])) && "
        f"{before}.all(key, {free} || key in {now})"
    )
