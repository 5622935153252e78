"""Parser of Go's template language: any text to a located tree."""

from kanister_kafka.gotemplate.parser import MAX_DEPTH, parse

__all__ = ["MAX_DEPTH", "parse"]
