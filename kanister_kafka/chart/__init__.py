"""Blueprints within charts of Helm, whose templates are as full of double braces as they are."""

from kanister_kafka.chart.escape import escape
from kanister_kafka.chart.files import Reader

__all__ = ["Reader", "escape"]
