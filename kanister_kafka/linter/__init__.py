"""The rules for Blueprints and for the other objects of the input."""

from kanister_kafka.linter.registry import BLUEPRINT, KASTEN, LintSettings

__all__ = ["BLUEPRINT", "KASTEN", "LintSettings"]
