"""Directories of the distribution that have no Python: `templates` and `docs`.

Setuptools installs them as `kanister_kafka.templates` and `kanister_kafka.docs`. In a checkout they
are next to the package. If Python runs in the root of a checkout, as `python -` does, the package
there is imported instead of the installed one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.abc import Traversable


def package_directory(name: str) -> Traversable:
    """Return a directory as it is installed, or else that of the checkout.

    Raises ModuleNotFoundError if there is neither.
    """
    from importlib.resources import files  # slow to import, seldom needed

    try:
        return files(f"kanister_kafka.{name}")
    except ModuleNotFoundError:
        checkout = Path(__file__).parent.parent / name
        if not checkout.is_dir():
            raise
        return checkout
