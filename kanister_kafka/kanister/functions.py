"""Kanister's functions at a release: which exist, and which arguments each takes.

Every function refuses an argument that it does not list (CheckSupportedArgs in pkg/utils/utils.go),
so what a later release added is an error, not a thing that is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from kanister_kafka.kanister.function_catalog import ROWS
from kanister_kafka.kanister.function_types import RELEASES, FunctionArgument, format_release_range


@dataclass(frozen=True, slots=True)
class KanisterFunction:
    """A function of one release."""

    name: str
    source: str
    """Its file in kanisterio/kanister."""
    description: str
    """One line, for editors."""
    arguments: Mapping[str, FunctionArgument]
    outputs: tuple[str, ...]
    """Keys of its own in the output of its phase."""
    prints: bool
    """Whether what its command prints with `kando output` becomes outputs as well."""
    needs_profile: bool
    """Whether it always fails without a Profile in the ActionSet."""

    @property
    def required(self) -> tuple[str, ...]:
        """Names of the arguments that must be there, sorted."""
        return tuple(sorted(name for name, one in self.arguments.items() if one.required))


@lru_cache
def functions(release: str) -> Mapping[str, KanisterFunction]:
    """Return the functions of a release by name; `parse_release` reads what people type.

    Raises KeyError where there is no such release.
    """
    return {
        row.name: KanisterFunction(
            row.name,
            row.source,
            row.description,
            {one.name: one for one in row.arguments if one.is_in(release)},
            tuple(one.name for one in row.outputs if one.is_in(release)),
            row.prints,
            row.needs_profile,
        )
        for row in ROWS
        if row.is_in(release)
    }


def releases_with(function: str, argument: str = "") -> str:
    """Return in words which releases have a function, or an argument of it; empty for none."""
    found = [(release, functions(release).get(function)) for release in RELEASES]
    return format_release_range(
        [r for r, one in found if one and (not argument or argument in one.arguments)]
    )
