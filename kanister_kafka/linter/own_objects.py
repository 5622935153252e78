"""Objects that were rendered here."""

from __future__ import annotations

from kanister_kafka.constants import BLUEPRINT as BLUEPRINT_ANNOTATION
from kanister_kafka.constants import COMPONENT, INPUT_HASH, MANAGED_BY
from kanister_kafka.yamldoc import Document


def is_rendered_here(document: Document) -> bool:
    """Return whether an object has the label or an annotation of kanister-kafka.

    Kustomize and Helm may set the label anew.
    """
    return document.text("metadata", "labels", MANAGED_BY) == COMPONENT or any(
        document.text("metadata", "annotations", name)
        for name in (INPUT_HASH, BLUEPRINT_ANNOTATION)
    )
