"""What an action runs: its arguments as Kanister renders them, for one object."""

from kanister_kafka.preview.parameters import Pods, Subject
from kanister_kafka.preview.render import PhasePreview, Preview, preview
from kanister_kafka.preview.report import PREVIEW_FORMATS, preview_json, preview_text
from kanister_kafka.preview.workload import pods_of

__all__ = [
    "PREVIEW_FORMATS",
    "PhasePreview",
    "Pods",
    "Preview",
    "Subject",
    "pods_of",
    "preview",
    "preview_json",
    "preview_text",
]
