"""Says which cases get another answer where checks are imported for those alone that need them.

Run by tests/linter/test_rules.py in a process of its own, for it makes the registry forget checks.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from kanister_kafka.linter import rules
from kanister_kafka.linter.pipeline import all_rules, validate_text
from kanister_kafka.linter.registry import RULES
from tests.linter.test_rules import INVALID, VALID, name, settings_of

LATE = ("actionsets", "kasten", "templates", "waits")


def forget() -> None:
    """Make as if what few inputs need had never been imported."""
    for late in LATE:
        module = f"{rules.__name__}.{late}"
        for loaded in [one for one in sys.modules if f"{one}.".startswith(f"{module}.")]:
            del sys.modules[loaded]
        vars(rules).pop(late, None)
        RULES[:] = [
            rule for rule in RULES if not f"{rule.check.__module__}.".startswith(f"{module}.")
        ]


def differing(paths: Iterable[Path]) -> list[str]:
    found = []
    for path in paths:
        text = path.read_text()
        forget()
        alone = validate_text(text, settings=settings_of(text))
        all_rules()
        if alone != validate_text(text, settings=settings_of(text)):
            found.append(name(path))
    return found


if __name__ == "__main__":
    sys.stdout.write("".join(f"{one}\n" for one in differing([*VALID, *INVALID])))
