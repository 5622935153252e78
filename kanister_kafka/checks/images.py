"""Images of the pods that phases start."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kanister_kafka.blueprint import Blueprint
from kanister_kafka.blueprint.decode import PLACEHOLDER
from kanister_kafka.checks.registry import Finding, Settings, check
from kanister_kafka.problem import Severity

ARGUMENTS = (".image", ".backgroundImage", ".initImage", ".outputImage")
"""How the paths of images end."""
TEMPLATE = re.compile(r"\{\{(?:(?!\{\{).)*?\}\}", re.DOTALL)


@check("placeholder", Severity.WARNING)
def placeholder(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find images with something between `<` and `>`, which is to be filled in before they run."""
    for phase in blueprint.phases:
        for path, node in phase.values:
            found = PLACEHOLDER.search(node.text) if path.endswith(ARGUMENTS) else None
            if found:
                yield Finding(node.location, path, f"{found.group()} is still to be filled in")


@check("unpinned-image", Severity.WARNING)
def unpinned_image(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find images without a tag or with `latest`: what runs can change from backup to restore."""
    for phase in blueprint.phases:
        for path, node in phase.values:
            if not path.endswith(ARGUMENTS) or not isinstance(node.value, str):
                continue
            last = TEMPLATE.sub("x" if "}}" in node.text else "", node.text).rpartition("/")[2]
            if node.text.rstrip().endswith("}}") and ":" not in last:
                continue  # the tag may be in the value
            if not node.text or "@" in last or PLACEHOLDER.search(node.text):
                continue
            _name, colon, tag = last.partition(":")
            if not colon or tag == "latest":
                said = 'has the tag "latest"' if colon else "has no tag, which means latest"
                message = f"the image {said}; name the version that the Blueprint was tried with"
                yield Finding(node.location, path, message)
