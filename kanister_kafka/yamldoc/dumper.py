"""Plain data to YAML for people; a text of several lines is a literal block wherever YAML can."""

from __future__ import annotations

from typing import Any

import yaml

from kanister_kafka.yamldoc.json_stream import resolve_scalar


class _Dumper(yaml.SafeDumper):
    """PyYAML's, with blocks for texts that have tabs, or spaces before a line break."""

    def analyze_scalar(self, scalar: str) -> Any:
        analysis = super().analyze_scalar(scalar)
        if all(char in "\n\t" or char.isprintable() for char in scalar):
            analysis.allow_block = True
        return analysis

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's own signature
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    if value and not isinstance(resolve_scalar(value), str):  # `y`, `1e3`: no strings to Kubernetes
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)


def dump(value: Any) -> str:
    """Return data as YAML, keys in their order, no line folded."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=2**31, allow_unicode=True)
