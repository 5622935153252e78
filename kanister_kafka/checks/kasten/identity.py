"""Whether an object is one of Kasten's, or one that its author means to be and Kasten does not.

A typo in `apiVersion` or `kind` makes another object of it: the API server refuses it, and a linter
that goes by these fields passes it over in silence.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import NamedTuple

from kanister_kafka.checks.kasten.spot import Spot
from kanister_kafka.document import Document
from kanister_kafka.kasten.kinds import ACTIONS, CONFIG

GROUP = CONFIG.partition("/")[0]
ACTIONS_GROUP = ACTIONS.partition("/")[0]
VERSIONS = {
    "BlueprintBinding": CONFIG,
    "Policy": CONFIG,
    "TransformSet": CONFIG,
    "BackupAction": ACTIONS,
    "ExportAction": ACTIONS,
    "RestoreAction": ACTIONS,
}
"""Kinds that are read here, with the only `apiVersion` that Kasten serves them at (docs.kasten.io,
api)."""
OTHERS = {
    GROUP: ("PolicyPreset", "Profile", "StorageSecurityContext", "StorageSecurityContextBinding"),
    ACTIONS_GROUP: (
        *("BackupClusterAction", "BatchRestoreAction", "CancelAction", "ImportAction"),
        *("ReportAction", "RestoreClusterAction", "RetireAction", "RunAction", "UpgradeAction"),
    ),
}
"""Kinds of the same groups, which are not read here and are no misspelling of one that is."""
AMBIGUOUS = ("Policy",)
"""Kinds that others have as well: of Kasten only where the group looks like it."""
LIKE_KASTEN = ("kasten", "kanister")
ALIKE = 0.7
ACTION_FIELDS = (
    *("backupParameters", "exportParameters", "importParameters"),
    *("restoreParameters", "reportParameters"),
)


class Identity(NamedTuple):
    """What an object is to the rules of Kasten."""

    kind: str = ""
    """One of VERSIONS, or empty for what is none of them."""
    problems: tuple[tuple[Spot, str], ...] = ()


def identify(document: Document) -> Identity:
    """Tell which of Kasten's kinds an object is, or passes for by mistake."""
    top = Spot.of(document)
    version, kind = top.at("apiVersion"), top.at("kind")
    group, slash, _number = version.text.rpartition("/")
    grouped = bool(slash) or "." in version.text
    meant = _meant(top, (group if slash else version.text) if grouped else "")
    if not meant:
        return Identity()
    return Identity(meant, tuple(_problems(version, kind, meant)))


def _problems(version: Spot, kind: Spot, meant: str) -> Iterator[tuple[Spot, str]]:
    for spot, right in ((version, VERSIONS[meant]), (kind, meant)):
        if not spot.there:
            yield spot, f'Required value: must be "{right}"'
        elif spot.text and spot.text != right:
            what = "Kasten serves it at no other" if spot is version else "there is no such kind"
            yield spot, f'Unsupported value: "{spot.text}": must be "{right}": {what}'


def _meant(top: Spot, group: str) -> str:
    """Return the kind that an object is meant to be; empty where it is none of ours."""
    kind = top.at("kind").text
    ours = group in (GROUP, ACTIONS_GROUP)
    if kind in VERSIONS:
        like = any(word in group.lower() for word in LIKE_KASTEN)
        if ours or like or (group == "" and _shaped(top) == kind):
            return kind
        near = difflib.get_close_matches(group, (GROUP, ACTIONS_GROUP), n=1, cutoff=0.85)
        return kind if near or (kind not in AMBIGUOUS and _shaped(top) == kind) else ""
    if not ours or kind in OTHERS[group]:
        return ""
    if top.at("kind").is_template:
        return ""
    names = [name for name, version in VERSIONS.items() if version.startswith(f"{group}/")]
    plain = {name.lower(): name for name in names}
    near = difflib.get_close_matches(kind.lower(), plain, n=1, cutoff=ALIKE) if kind else []
    return plain[near[0]] if near else _shaped(top)


def _shaped(top: Spot) -> str:
    """Tell by its fields alone which kind an object is."""
    spec = top.at("spec")
    actions = list(spec.at("actions").each())
    if any(action.at(field).there for action in actions for field in ACTION_FIELDS):
        return "Policy"
    if actions and spec.at("selector").there and all(a.at("action").there for a in actions):
        return "Policy"
    if spec.at("blueprintRef").there:
        return "BlueprintBinding"
    if any(one.at("json").there for one in spec.at("transforms").each()):
        return "TransformSet"
    if spec.at("targetNamespace").there and spec.at("subject").there:
        return "RestoreAction"
    return ""
