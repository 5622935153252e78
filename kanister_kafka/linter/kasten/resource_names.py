"""Names of resources in Kasten's objects: group and plural, as the API server has them.

Another name matches nothing: a filter does not take it, a binding does not bind to it, a transform
does not change it, and there is no message.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import NamedTuple

from kanister_kafka.constants import STRIMZI
from kanister_kafka.kanister.kube_api import CLUSTER_SCOPED, NAMESPACED, group_of
from kanister_kafka.kanister.kube_api import plural_of as built_in_plural_of
from kanister_kafka.kanister.kube_api import plurals as built_in
from kanister_kafka.similarity import nearest_name

KNOWN = (
    "kafkabridges",
    "kafkaconnectors",
    "kafkaconnects",
    "kafkamirrormaker2s",
    "kafkamirrormakers",
    "kafkanodepools",
    "kafkarebalances",
    "kafkas",
    "kafkatopics",
    "kafkausers",
)
"""Plural names of Strimzi's resources in group kafka.strimzi.io (its CRDs, 0.23 to 0.51)."""
OF_STRIMZI = {
    STRIMZI: frozenset(KNOWN),
    "core.strimzi.io": frozenset(("strimzipodsets",)),
    "access.strimzi.io": frozenset(("kafkaaccesses",)),
}
OTHER_NAMES = {
    **{name.removesuffix("s"): name for name in KNOWN},
    "kafkamirrormakers2": "kafkamirrormaker2s",
    "strimzipodset": "strimzipodsets",
    "kafkaaccess": "kafkaaccesses",
    "kc": "kafkaconnects",
    "kctr": "kafkaconnectors",
    "kmm2": "kafkamirrormaker2s",
    "knp": "kafkanodepools",
    "kr": "kafkarebalances",
    "kt": "kafkatopics",
    "ku": "kafkausers",
    "sps": "strimzipodsets",
}
"""Strimzi's resources by singular and by short name, which kubectl takes and the API does not."""
NO_GROUPS = ("core", "v1")
"""Name of the core group here: it has no name in the API."""
RESOURCE_SIMILARITY = 0.75
ALIKE_ANYWHERE = 0.88
"""The same if no group is given, so that it may be of any."""
OF_CLUSTER = ("includeClusterResources", "excludeClusterResources")


class ResourceMistake(NamedTuple):
    """What is wrong with the name of a resource."""

    field: str
    """`group` or `resource`."""
    why: str
    certain: bool
    """Whether no API server has it; else it is none that is known here."""


@lru_cache(maxsize=1024)  # Policies repeat themselves
def resource_mistake(group: str, resource: str) -> ResourceMistake | None:
    """Return what is wrong with a group and a resource, each empty if it is not given."""
    return _of_group(group, resource) or (_of_resource(group, resource) if resource else None)


def _of_group(group: str, resource: str) -> ResourceMistake | None:
    if group in NO_GROUPS:
        return ResourceMistake("group", "the core group has no name; leave group out", certain=True)
    if "/" in group:
        why = f'a group has no version; must be "{group.partition("/")[0]}"'
        core = group.startswith(("core/", "/", "v1/"))
        return ResourceMistake("group", "the core group has no name" if core else why, certain=True)
    if group != group.lower():
        return ResourceMistake("group", f'must be in lower case: "{group.lower()}"', certain=True)
    right = _group_of(resource)
    if group and right and group not in OF_STRIMZI and not built_in(group):
        strimzi = "strimzi" in group and resource in _of_strimzi()
        near = nearest_name(group, (right,), similarity=0.85)
        if strimzi or near:
            return ResourceMistake("group", f'{resource} are of group "{right}"', certain=True)
    return None


def _of_resource(group: str, resource: str) -> ResourceMistake | None:
    lower = resource.lower()
    if "/" in resource or "." in resource:
        why = "must be the plural alone, without its group and without a subresource"
        return ResourceMistake("resource", why, certain=True)
    plural = _plural(group, lower)
    if plural and plural != resource:
        return ResourceMistake(
            "resource", f'must be the plural in lower case: "{plural}"', certain=True
        )
    if resource != lower:
        return ResourceMistake("resource", "must be the plural in lower case", certain=True)
    plurals = OF_STRIMZI.get(group) or (built_in(group) if group else frozenset())
    if group and not plurals:
        return None  # of a vendor whose resources are not known here
    if lower in (plurals or _everywhere()):
        return None
    right_group = _group_of(resource)
    if group and right_group is not None:
        why = (
            f'{resource} are of group "{right_group}"'
            if right_group
            else f"{resource} are of the core group"
        )
        return ResourceMistake("resource", why, certain=True)
    cutoff = RESOURCE_SIMILARITY if group else ALIKE_ANYWHERE
    near = nearest_name(lower, sorted(plurals or _everywhere()), similarity=cutoff)
    if near:
        return ResourceMistake("resource", f'did you mean "{near}"?', certain=True)
    if not group:
        return None
    return ResourceMistake("resource", f"{group} has {', '.join(sorted(plurals))}", certain=False)


def _plural(group: str, word: str) -> str:
    """Return the plural that a word is for, in this group or, without one, in any known."""
    strimzi = OTHER_NAMES.get(word, word if word in _of_strimzi() else "")
    if group in OF_STRIMZI:
        return strimzi if strimzi in OF_STRIMZI[group] else ""
    if group and not built_in(group):
        return ""
    plural = built_in_plural_of(word) or (word if group_of(word) is not None else "")
    return plural if group else plural or strimzi


def _group_of(resource: str) -> str | None:
    """Return the group of a known resource; None for another."""
    for group, plurals in OF_STRIMZI.items():
        if resource in plurals:
            return group
    return group_of(resource)


def _of_strimzi() -> frozenset[str]:
    return frozenset(chain.from_iterable(OF_STRIMZI.values()))


def _everywhere() -> frozenset[str]:
    return frozenset(r for _group, r in NAMESPACED | CLUSTER_SCOPED) | _of_strimzi()
