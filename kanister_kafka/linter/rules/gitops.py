"""Changes that a tool which applies from Git makes to a Blueprint."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.kanister import Blueprint
from kanister_kafka.linter.registry import BLUEPRINT, LintSettings, Rule, lint_rule
from kanister_kafka.yamldoc import MappingNode, Node, Scalar, Sequence

SUBSTITUTE = "kustomize.toolkit.fluxcd.io/substitute"
EXPRESSION = re.compile(r"(?<!\$)\$\{([^}]*)\}")
"""Text that Flux replaces; `$${x}` it leaves as `${x}`."""
KNOWN = re.compile(r"#?[A-Za-z0-9_]+|[A-Za-z0-9_]+(?:[:=,^#%].*|/.*/.*)", re.DOTALL)
"""Text that it can read within the braces (fluxcd/pkg/envsubst/parse): no array of bash, no
`${x-y}`."""
SHOWN = 3


@lint_rule(BLUEPRINT, "flux-substitute", Severity.WARNING)
def substitute(rule: Rule, blueprint: Blueprint, settings: LintSettings) -> Diagnostics:
    """Find shell text that Flux's substitution of variables would change, or break down over."""
    root = blueprint.document.root
    if settings.gitops != "flux" or "disabled" in (
        blueprint.document.text("metadata", "annotations", SUBSTITUTE),
        blueprint.document.text("metadata", "labels", SUBSTITUTE),
    ):
        return
    found: list[tuple[str, Scalar, re.Match[str]]] = []
    for path, scalar in _scalars(root):
        found += [(path, scalar, match) for match in _in(scalar)]
    if not found:
        return
    path, scalar, first = found[0]
    refused = dict.fromkeys(match[0] for *_, match in found if not KNOWN.fullmatch(match[1]))
    replaced = dict.fromkeys(match[0] for *_, match in found if match[0] not in refused)
    parts = [
        f"{does} {_few(list(some))}"
        for does, some in (("refuses", refused), ("replaces", replaced))
        if some
    ]
    yield rule.report(
        scalar.place_at(first.start()),
        path,
        f"where a Kustomization of Flux has postBuild.substitute, it {' and '.join(parts)}: "
        f"annotate the Blueprint with {SUBSTITUTE}: disabled",
    )


def _scalars(node: Node, path: str = "") -> Iterator[tuple[str, Scalar]]:
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, Sequence):
        for i, item in enumerate(node.items):
            yield from _scalars(item, f"{path}[{i}]")
    elif isinstance(node, MappingNode):
        for entry in node.entries:
            yield from _scalars(entry.value, f"{path}.{entry.key}" if path else entry.key)


def _in(scalar: Scalar) -> Iterator[re.Match[str]]:
    return EXPRESSION.finditer(scalar.value) if isinstance(scalar.value, str) else iter(())


def _few(texts: list[str]) -> str:
    rest = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + rest
