"""Single objects of a Kafka that a filter leaves out, by name or by label.

Only what the input shows is judged: an entry with a label that an object may or may not have leaves
nothing out and includes everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kanister_kafka.diagnostics import Diagnostics
from kanister_kafka.linter.kasten.kafka_objects import KafkaObject
from kanister_kafka.linter.kasten.objects import Filters, ResourceFilter
from kanister_kafka.linter.registry import Rule

Needs = dict[tuple[str, str], str]
"""Needed objects, by group and resource, each with the effect of its absence."""
CLAIMS = ("", "persistentvolumeclaims")
SOME_CLAIMS = "a restore needs the volumes of all nodes"


def left_out_by_name(
    rule: Rule, filters: Filters, needed: Iterable[KafkaObject], needs: Needs
) -> Diagnostics:
    """Find needed objects that an entry excludes, and those that no entry includes."""
    judged = [one for one in needed if (one.group, one.resource) in needs]
    for entry in filters.excluded:
        lost = [one for one in judged if one.is_taken_by(entry)]
        if lost and entry.is_narrowed:  # else all of the resource is left out: another finding
            why = _reasons(lost, needs)
            message = f"excludes {_words(lost)}: {why}; remove the entry"
            yield rule.report(entry.here.location, entry.here.path, message)
    missing = [one for one in judged if not _is_included(filters, one)]
    if missing:
        spot = filters.here.at("includeResources")
        message = f"Required value: include {_words(missing)}: {_reasons(missing, needs)}"
        yield rule.report(spot.location, spot.path, message)


def listed_by_name(rule: Rule, filters: Filters, needed: Iterable[KafkaObject]) -> Diagnostics:
    """Find includes of claims one by one: a claim of a later node or volume is not among them."""
    claims = [one for one in needed if (one.group, one.resource) == CLAIMS]
    if not all(_is_included(filters, one) for one in claims):
        return  # an error of its own
    for one in claims:
        entries = list(_including(filters, one))
        if entries and all(entry.name for entry in entries):
            spot = entries[0].here.at("name")
            message = (
                "takes the claims of these names only: the volumes of a node that is added later "
                "are not in the backup; remove name"
            )
            yield rule.report(spot.location, spot.path, message)
            return


def _is_included(filters: Filters, one: KafkaObject) -> bool:
    entries = list(_including(filters, one))
    if not filters.included or any(not entry.name for entry in entries):
        return True
    return len({entry.name for entry in entries}) >= one.least


def _including(filters: Filters, one: KafkaObject) -> Iterator[ResourceFilter]:
    """Yield the entries that include an object, or may."""
    yield from (entry for entry in filters.included if one.is_taken_by(entry) is not False)


def _words(objects: Iterable[KafkaObject]) -> str:
    return ", ".join(one.words for one in objects)


def _reasons(objects: Iterable[KafkaObject], needs: Needs) -> str:
    keys = dict.fromkeys((one.group, one.resource) for one in objects)
    return "; ".join(SOME_CLAIMS if key == CLAIMS else needs[key] for key in keys)
