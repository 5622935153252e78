"""Texts as Go, Kubernetes and container runtimes read them.

Each rule is held to the library that Kanister calls, at the versions of its go.mod: mapstructure
1.5.0, apimachinery 0.33, sigs.k8s.io/yaml 1.6 and distribution's reference 0.6.
"""

from __future__ import annotations

import re
from typing import Union

Value = Union[str, int, float, bool, None]
"""Of a scalar."""

TRUE_STRINGS = frozenset(["", "1", "t", "T", "TRUE", "true", "True"])
"""With the empty string, which mapstructure takes for false."""
FALSE_STRINGS = frozenset(["0", "f", "F", "FALSE", "false", "False"])
BOOLEANS = TRUE_STRINGS | FALSE_STRINGS
"""Strings that decode to a bool: those of strconv.ParseBool, and none at all."""

MAX_LENGTH = 1000
"""Longer texts are read as nothing, since no one writes them and reading takes its time."""
_NUMBER = r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
_QUANTITY = re.compile(rf"([-+]?)({_NUMBER})(?:[KMGTPE]i|[numkMGTPE]|[eE][-+]?[0-9]+)?")

_HOST_PART = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_HOST = rf"(?:{_HOST_PART}(?:\.{_HOST_PART})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_PATH_PART = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?P<name>(?:{_HOST}/)?{_PATH_PART}(?:/{_PATH_PART})*)(?::[A-Za-z0-9_][\w.-]{{0,127}})?"
    r"(?:@(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}))?",
    re.ASCII,
)
_ID = re.compile(r"[a-f0-9]{64}")


def coerce_to_string(value: Value) -> str:
    """Return the string that mapstructure makes of a YAML value: `true` becomes `1`."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return str(value)
    if isinstance(value, (int, float)):
        from decimal import Decimal  # slow to import, and seldom needed

        digits = format(Decimal(repr(float(value) + 0.0)), "f")
        return digits.rstrip("0").rstrip(".") if "." in digits else digits
    return value or ""


def quantity_sign(text: str) -> int | None:
    """Return -1, 0 or 1, or None if the text is not a quantity of Kubernetes.

    resource.ParseQuantity takes a unit without a number for 0, which no one means.
    """
    match = _QUANTITY.fullmatch(text)
    if not match:
        return None
    if not match[2].strip("0."):
        return 0
    return -1 if match[1] == "-" else 1


def is_image(text: str) -> bool:
    """Return whether a container runtime takes this reference to an image."""
    match = _IMAGE.fullmatch(text) if len(text) <= MAX_LENGTH else None
    if not match:
        return False
    host, slash, path = match["name"].partition("/")
    if not slash or (host == host.lower() != "localhost" and not re.search("[.:]", host)):
        host, path = "docker.io", match["name"]
    if host == "docker.io" and "/" not in path:
        path = f"library/{path}"
    return len(path) <= 255 and not _ID.fullmatch(text)
