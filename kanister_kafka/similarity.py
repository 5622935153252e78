"""The known name that a misspelt one is probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable

DEFAULT_SIMILARITY = 0.6
"""The default of difflib."""


def nearest_name(name: str, known: Iterable[str], *, similarity: float = DEFAULT_SIMILARITY) -> str:
    """Return the known name that is most like a name; empty if none is similar.

    `similarity` is the least ratio that counts, from 0 to 1, as `difflib.SequenceMatcher` has it.
    """
    from difflib import get_close_matches  # slow to import, seldom needed

    return next(iter(get_close_matches(name, known, n=1, cutoff=similarity)), "")
