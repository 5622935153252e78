"""Whether a Kafka is stopped for a backup: what brings it back must stay until it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kanister_kafka.errors import ForbiddenError, NotFoundError
from kanister_kafka.install.search import CONFIG_MAP, search
from kanister_kafka.install.target import Target, blueprints_of, namespaces_of, target
from kanister_kafka.install.trial import find
from kanister_kafka.kube.connection import Connection, Object, Objects
from kanister_kafka.kube.read import VERSIONS
from kanister_kafka.marks import COMPONENT, PAUSE_BEFORE, State
from kanister_kafka.pins import holds_scripts
from kanister_kafka.strimzi.read import GROUP

SUFFIX = f"-{COMPONENT}"
"""Of the record, after the name of the Kafka."""


def unrest(objects: Objects, connection: Connection) -> tuple[str, ...]:
    """Say of each Kafka that these objects serve why it is not at rest, with the remedy.

    Asked are the records (ConfigMaps) among the objects and those of the same Blueprint, and the
    Kafka that each is named after: its annotation tells a stop too where the record is damaged.
    An unknown state counts as a stop. Raises UnreachableError where a record cannot be read.
    """
    named = [item for item in objects if item["kind"] == "ConfigMap" and not holds_scripts(item)]
    found = search(
        blueprints_of(objects),
        namespaces_of(objects),
        connection,
        kinds=[CONFIG_MAP],
    )
    records = {target(item): item for item in found.objects}
    for place in {target(item) for item in named} - set(records):
        if live := find(place, connection):
            records[place] = live
    return tuple(_reasons(records.values(), connection))


def _reasons(records: Iterable[Object], connection: Connection) -> Iterator[str]:
    for item in records:
        place = target(item)
        data = item.get("data") or {}
        state = data.get("state", "")
        kafka = place.name.removesuffix(SUFFIX)
        if state not in ("", State.RUNNING.value):
            since = f" since {data['since']}" if data.get("since") else ""
            said = f"{place.placed} says {state}{since}"
        elif _is_marked(kafka, place, connection):
            said = f"Kafka {kafka} in namespace {place.namespace} bears the pause of a backup"
        else:
            continue
        yield f"{said}; bring it back first: kanister-kafka resume {kafka} -n {place.namespace}"


def _is_marked(kafka: str, record: Target, connection: Connection) -> bool:
    if kafka == record.name:  # no record of ours
        return False
    for version in VERSIONS:
        try:
            live = find(Target(f"{GROUP}/{version}", "Kafka", record.namespace, kafka), connection)
        except ForbiddenError:  # the record has spoken already
            return False
        except NotFoundError:  # not served in this version
            continue
        return live is not None and PAUSE_BEFORE in (live["metadata"].get("annotations") or {})
    return False
