"""What a plain scalar is: as Kubernetes reads it, which is neither YAML 1.1 nor YAML 1.2.

kubectl, kanctl and the API server read YAML through sigs.k8s.io/yaml, thus with go-yaml v2
(resolve.go at 2.4.2): `y` and `1e3` are no strings as PyYAML has them, and `12:30` is one.
"""

from __future__ import annotations

import math
import re

Value = str | int | float | bool | None

WORDS: dict[str, bool | float | None] = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    **dict.fromkeys(
        ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], True
    ),
    **dict.fromkeys(
        ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], False
    ),
    **dict.fromkeys([".nan", ".NaN", ".NAN"], math.nan),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], math.inf),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], -math.inf),
}
BEGINNINGS = frozenset("+-.0123456789")
INTEGER = re.compile(
    r"[-+]?(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9][0-9]*))"
)
BASES = {"x": 16, "b": 2, "o": 8, "d": 10}
FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
BETWEEN = re.compile("(?<=[0-9])_(?=[0-9])")
"""Where an underscore may stand in what begins with a dot; elsewhere go-yaml drops every one."""
LONGEST = 4000
"""Digits that are counted: Python refuses to read longer ones, which is not to be our end."""


def resolve(text: str) -> Value:
    """Return what a scalar without quotes and without a tag stands for."""
    if text in WORDS:
        return WORDS[text]
    if text[0] not in BEGINNINGS or len(text) > LONGEST:
        return text
    plain = BETWEEN.sub("", text) if text[0] == "." else text.replace("_", "")
    if match := INTEGER.fullmatch(plain):
        base = match.lastgroup or "d"
        number = int(match[base], BASES[base]) * (-1 if plain[0] == "-" else 1)
        if -(2**63) <= number < 2**63 or (number < 2**64 and plain[0] not in "+-"):
            return number
    if FLOAT.fullmatch(plain) and math.isfinite(real := float(plain)):
        return real
    return text
