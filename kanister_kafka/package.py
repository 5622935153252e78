"""The public names of a package, and the directories that are installed with it.

Public names import their module when they are first asked for (PEP 562).

A command that is done in a twentieth of a second cannot wait for the modules of all the others.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.abc import Traversable


def lazy_getattr(
    package: str, homes: Mapping[str, str], deprecated: Mapping[str, str] | None = None
) -> Callable[[str], object]:
    """Return the `__getattr__` of a package.

    `homes` has modules, each with its public names, and `deprecated` former names, each with the
    name that took its place. A former name works, with a DeprecationWarning.
    """
    former = deprecated or {}
    modules: dict[str, str] = {}
    for module, names in homes.items():
        modules.update(dict.fromkeys(names.split(), module))

    class Package(ModuleType):
        """Keeps a public name its own where a module is called the same, such as `validate`.

        The import system binds a module to its package as an attribute, and would hide the name.
        """

        def __setattr__(self, name: str, value: object) -> None:
            if not (name in modules and isinstance(value, ModuleType)):
                super().__setattr__(name, value)

    def find(name: str) -> object:
        if name in former:
            new = former[name]
            message = f"{package}.{name} is called {new} now"
            warnings.warn(message, DeprecationWarning, stacklevel=2)
            return getattr(sys.modules[package], new)
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(modules[name], package), name)
        setattr(sys.modules[package], name, value)
        return value

    sys.modules[package].__class__ = Package
    return find


# Directories of the distribution that have no Python: `templates` and `docs`. Setuptools installs
# them as `kanister_kafka.templates` and `kanister_kafka.docs`. In a checkout they are next to the
# package. If Python runs in the root of a checkout, as `python -` does, the package there is
# imported instead of the installed one.


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
