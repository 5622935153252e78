"""Public names of a package that import their module when they are first asked for (PEP 562).

A command that is done in a twentieth of a second cannot wait for the modules of all the others.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType


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
