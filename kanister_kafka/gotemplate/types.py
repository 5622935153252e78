"""Types of the values in a template, as far as they are known before it runs.

The types are those of Go that text/template distinguishes; `BasicType("any")` stands for values
that only the run shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple, Union


class BasicType(NamedTuple):
    """A type without anything beneath it."""

    go: str
    """As Go names it: `string`, `int64`, `any`, `time.Time`."""
    comparable: str = ""
    """Its basic kind for `eq` and `lt`, as far as that is not `go`."""


class StructType(NamedTuple):
    """A struct with its fields."""

    go: str
    fields: Mapping[str, Type]
    has_methods: bool = False
    """Whether a name in upper case that is not a field may be a method."""


class MapType(NamedTuple):
    """A map with string keys."""

    value: Type
    go: str


class ListType(NamedTuple):
    """A slice."""

    item: Type
    go: str


Type = Union[BasicType, StructType, MapType, ListType]

ANY = BasicType("any")
TEXT = BasicType("string")
BYTES = ListType(BasicType("uint8"), "[]uint8")
CONSTANT = "untyped constant"
"""Go's word for a number that takes the type of the parameter it is given for."""

_BY_NAME: dict[str, Type] = {
    "list": ListType(ANY, "[]interface {}"),
    "strings": ListType(TEXT, "[]string"),
    "ints": ListType(BasicType("int"), "[]int"),
    "dict": MapType(ANY, "map[string]interface {}"),
    "texts": MapType(TEXT, "map[string]string"),
    "time": StructType("time.Time", {}, has_methods=True),
    "certificate": StructType("sprig.certificate", {"Cert": TEXT, "Key": TEXT}),
    "version": StructType("*semver.Version", {}, has_methods=True),
}


def named(name: str) -> Type:
    """Return the type that a signature writes by this name."""
    return _BY_NAME.get(name) or BasicType(name)


class FunctionSignature(NamedTuple):
    """The parameters and the result of a function."""

    parameters: tuple[Type, ...]
    rest: Type | None
    """Of the arguments after the parameters; None if there can be none."""
    result: Type
    least: int
    """Fewest arguments that do not fail."""

    def parameter(self, index: int) -> Type:
        """Return the type that the argument in this place must have."""
        if index < len(self.parameters):
            return self.parameters[index]
        return self.rest or ANY


def signature(text: str, least: int | None = None) -> FunctionSignature:
    """Read a signature such as `(int, ...any) string`."""
    inside, _, result = text.removeprefix("(").partition(")")
    words = [word for word in inside.split(", ") if word]
    variadic = named(words.pop()[3:]) if words and words[-1].startswith("...") else None
    parameters = tuple(named(word) for word in words)
    fewest = len(parameters) if least is None else least
    return FunctionSignature(parameters, variadic, named(result.strip()), fewest)


def fits(argument: Type, parameter: Type) -> bool:
    """Return whether a value of a type can be given where another is wanted, for all we know."""
    if ANY in (argument, parameter) or argument == parameter:
        return True
    return argument.go == parameter.go and not isinstance(argument, BasicType)


_NUMBERS = {"int": "int", "int64": "int", "uint8": "uint", "uint32": "uint", "float64": "float"}


def comparable(value: Type) -> str:
    """Return what `eq` compares a value as: `string`, `int`, `float`, `bool`; empty if unknown."""
    if not isinstance(value, BasicType) or value == ANY:
        return ""
    return value.comparable or _NUMBERS.get(value.go, value.go)


# What is known of a template before it runs: the paths it follows, and what cannot work.


class PathStep(NamedTuple):
    """One name on a path from the root of the data."""

    name: str
    line: int
    column: int
    by_index: bool = False
    """Whether it is taken by `index`, which gives nothing if a field would fail."""


class Reference(NamedTuple):
    """A path that is followed."""

    steps: tuple[PathStep, ...]
    conditional: bool
    """Whether something around it decides if it is followed at all."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names alone."""
        return tuple(step.name for step in self.steps)


class TypeErrorKind(Enum):
    """A call that cannot work."""

    FIELD = "field"
    CALL = "call"


class TemplateTypeError(NamedTuple):
    """One thing that fails whenever the run comes there, in Go's words."""

    line: int
    column: int
    message: str
    kind: TypeErrorKind


class PrintedValue(NamedTuple):
    """A value that goes into the text."""

    line: int
    column: int
    type: Type
    steps: tuple[PathStep, ...]


class CheckResult(NamedTuple):
    """What is known of a template before it runs."""

    references: tuple[Reference, ...]
    misuses: tuple[TemplateTypeError, ...]
    printed: tuple[PrintedValue, ...]


class Value(NamedTuple):
    """What is known of a value while a template is followed."""

    type: Type = ANY
    steps: tuple[PathStep, ...] | None = None
    """The path it lies at; None if that is not known."""
    literal: str | None = None
    """Its text, if it is a string that stands in the template."""


UNKNOWN = Value()
