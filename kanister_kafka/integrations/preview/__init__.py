"""The calls of an action: its arguments as Kanister renders them, for one object."""

from kanister_kafka.integrations.preview.parameters import PreviewPods, PreviewTarget, pods_of
from kanister_kafka.integrations.preview.render import ActionPreview, PhasePreview, preview_action

__all__ = [
    "ActionPreview",
    "PhasePreview",
    "PreviewPods",
    "PreviewTarget",
    "pods_of",
    "preview_action",
]
