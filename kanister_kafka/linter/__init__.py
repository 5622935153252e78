"""The rules for Blueprints and for the other objects of the input."""

from kanister_kafka.linter.registry import (
    BLUEPRINT,
    KASTEN,
    MANIFEST_SET,
    LintSettings,
    ManifestSet,
    Rule,
)

__all__ = ["BLUEPRINT", "KASTEN", "MANIFEST_SET", "LintSettings", "ManifestSet", "Rule"]
