"""The rules for Blueprints and for the objects beside them."""

from kanister_kafka.linter.registry import (
    BLUEPRINT,
    KASTEN,
    MANIFEST_SET,
    LintSettings,
    ManifestSet,
    Rule,
)

__all__ = ["BLUEPRINT", "KASTEN", "MANIFEST_SET", "LintSettings", "ManifestSet", "Rule"]
