"""The calls of an action: its arguments as Kanister renders them, for one object."""

from kanister_kafka.integrations.preview.parameters import PreviewTarget, pods_of
from kanister_kafka.integrations.preview.render import ActionPreview, preview_action

__all__ = ["ActionPreview", "PreviewTarget", "pods_of", "preview_action"]
