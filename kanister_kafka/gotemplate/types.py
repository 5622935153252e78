"""What a value in a template can be, as far as its type is known before it runs.

The types are those of Go that text/template tells apart; `Plain("any")` stands for what only the
run can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Union


class Plain(NamedTuple):
    """A type without anything beneath it."""

    go: str
    """As Go names it: `string`, `int64`, `any`, `time.Time`."""
    comparable: str = ""
    """What `eq` and `lt` take it for, as far as that is not `go`."""


class Struct(NamedTuple):
    """A struct with its fields."""

    go: str
    fields: Mapping[str, Type]
    has_methods: bool = False
    """Whether a name in upper case that is no field may be a method."""


class MapOf(NamedTuple):
    """A map with string keys."""

    value: Type
    go: str


class ListOf(NamedTuple):
    """A slice."""

    item: Type
    go: str


Type = Union[Plain, Struct, MapOf, ListOf]

ANY = Plain("any")
TEXT = Plain("string")
BYTES = ListOf(Plain("uint8"), "[]uint8")
CONSTANT = "untyped constant"
"""Go's word for a number that takes the type of the parameter it is given for."""

_BY_NAME: dict[str, Type] = {
    "list": ListOf(ANY, "[]interface {}"),
    "strings": ListOf(TEXT, "[]string"),
    "ints": ListOf(Plain("int"), "[]int"),
    "dict": MapOf(ANY, "map[string]interface {}"),
    "texts": MapOf(TEXT, "map[string]string"),
    "time": Struct("time.Time", {}, has_methods=True),
    "certificate": Struct("sprig.certificate", {"Cert": TEXT, "Key": TEXT}),
    "version": Struct("*semver.Version", {}, has_methods=True),
}


def named(name: str) -> Type:
    """Return the type that a signature spells by this name."""
    return _BY_NAME.get(name) or Plain(name)


class Signature(NamedTuple):
    """What a function takes and gives."""

    parameters: tuple[Type, ...]
    rest: Type | None
    """Of the arguments after the parameters; None where there can be none."""
    result: Type
    least: int
    """Fewest arguments that do not fail."""

    def parameter(self, index: int) -> Type:
        """Return the type that the argument in this place must have."""
        if index < len(self.parameters):
            return self.parameters[index]
        return self.rest or ANY


def signature(text: str, least: int | None = None) -> Signature:
    """Read a signature such as `(int, ...any) string`."""
    inside, _, result = text.removeprefix("(").partition(")")
    words = [word for word in inside.split(", ") if word]
    rest = named(words.pop().removeprefix("...")) if words and words[-1].startswith("...") else None
    parameters = tuple(named(word) for word in words)
    fewest = len(parameters) if least is None else least
    return Signature(parameters, rest, named(result.strip()), fewest)


def fits(given: Type, wanted: Type) -> bool:
    """Tell whether a value of a type can be given where another is wanted, for all we know."""
    if ANY in (given, wanted) or given == wanted:
        return True
    return given.go == wanted.go and not isinstance(given, Plain)


_NUMBERS = {"int": "int", "int64": "int", "uint8": "uint", "uint32": "uint", "float64": "float"}


def comparable(value: Type) -> str:
    """Return what `eq` compares a value as: `string`, `int`, `float`, `bool`; empty if unknown."""
    if not isinstance(value, Plain) or value == ANY:
        return ""
    return value.comparable or _NUMBERS.get(value.go, value.go)
