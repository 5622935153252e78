"""Whether an object is a Blueprint, or one that its author means to be and Kubernetes does not.

Other kinds are none of our business, so a typo in `kind` or `apiVersion` would pass in silence: the
API server refuses such an object, and a GitOps tool tells so hours later.
"""

from __future__ import annotations

from typing import NamedTuple

from kanister_kafka.document import Document, MappingNode, Node, Scalar
from kanister_kafka.problem import Problem, error

GROUP = "cr.kanister.io"
API_VERSION = f"{GROUP}/v1alpha1"
KIND = "Blueprint"
KINDS = (KIND, "ActionSet", "Profile", "RepositoryServer")
"""Of the group (pkg/apis/cr/v1alpha1/register.go and pkg/customresource at 0.119.0)."""


class Identity(NamedTuple):
    """What an object is to the validator."""

    is_blueprint: bool
    """Whether it is judged as one, whatever it says of itself."""
    problems: tuple[Problem, ...] = ()


def identify(document: Document) -> Identity:
    """Tell whether an object is a Blueprint, or passes for none by mistake."""
    root = document.root
    version, kind = _text(root.get("apiVersion")), _text(root.get("kind"))
    shaped = _has_phases(root)
    strayed = document.group == GROUP and kind not in KINDS
    unnamed = shaped and (kind is None or version is None)
    if not (kind == KIND or strayed or unnamed):
        return Identity(is_blueprint=False)
    given = (("apiVersion", version, API_VERSION), ("kind", kind, KIND))
    problems = []
    for field, value, right in given:
        node = root.get(field)
        if node and value is not None and value != right and "{{" not in value:
            message = f'Unsupported value: "{value}": must be {right}'
            problems.append(error("not-a-blueprint", node.location, field, message))
    return Identity(shaped or not problems, tuple(problems))


def _text(node: Node | None) -> str | None:
    """Return a string; None where there is none, or something else: the schema tells of both."""
    value = node.value if isinstance(node, Scalar) else None
    return value if isinstance(value, str) else None


def _has_phases(root: MappingNode) -> bool:
    actions = root.get("actions")
    entries = actions.entries if isinstance(actions, MappingNode) else ()
    return any(isinstance(e.value, MappingNode) and e.value.get("phases") for e in entries)
