"""The Blueprint that was applied for a Kafka, wherever it is and whatever its name."""

from __future__ import annotations

from kanister_kafka import marks
from kanister_kafka.errors import ForbiddenError, NotFoundError
from kanister_kafka.kube.connection import Connection, Resource
from kanister_kafka.run.actionset import Blueprint
from kanister_kafka.run.start import find_blueprint
from kanister_kafka.run.target import SUFFIX, Target

ACCOUNTS = Resource(("api", "v1"), "serviceaccounts", "ServiceAccount", namespaced=True)


def applied(
    connection: Connection, target: Target, namespace: str, name: str = "", *, hot: bool = False
) -> Blueprint:
    """Find the Blueprint of a Kafka: of this name, of the default one, or that its accounts name.

    The annotation `kanister-kafka.io/blueprint` of the service accounts beside the Kafka says which
    Blueprint they were rendered for. It is looked at only where no Blueprint of the default name is
    in this namespace, and counts only if it is the only one. Raises NotFoundError as
    `find_blueprint` does.
    """
    if name:
        return find_blueprint(connection, name, namespace)
    try:
        return find_blueprint(connection, f"{target.blueprint}{'.hot' if hot else ''}", namespace)
    except NotFoundError:
        elsewhere = _named_by_accounts(connection, target)
        if len(elsewhere) != 1:
            raise
        home, _, other = elsewhere[0].partition("/")
        return find_blueprint(connection, other, home)


def _named_by_accounts(connection: Connection, target: Target) -> list[str]:
    label = f"{marks.MANAGED_BY}={marks.COMPONENT}"
    try:
        accounts = connection.items(ACCOUNTS, target.namespace, label)
    except (ForbiddenError, NotFoundError):
        return []
    own = f"{target.name}{SUFFIX}"
    found = {
        str((item["metadata"].get("annotations") or {}).get(marks.BLUEPRINT, ""))
        for item in accounts
        if item["metadata"]["name"] in (own, f"{own}-hot")
    }
    return sorted(name for name in found if name.count("/") == 1)
