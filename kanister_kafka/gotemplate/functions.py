"""Calls of functions whose arguments are evaluated: what is known gives a value, the rest stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kanister_kafka.gotemplate import symbolic
from kanister_kafka.gotemplate.types import Signature
from kanister_kafka.gotemplate.values import (
    INTERFACE,
    EntangledError,
    Function,
    Map,
    Needs,
    Opaque,
    Slice,
    Symbolic,
    UnsupportedError,
    Value,
    is_known,
)


@dataclass(frozen=True, slots=True)
class Library:
    """The functions of an engine; one that is not implemented stays symbolic."""

    functions: Mapping[str, Function]
    signatures: Mapping[str, Signature]


@dataclass(frozen=True, slots=True)
class Call:
    """A call with its arguments."""

    name: str
    known: Signature
    given: Sequence[Value]
    is_piped: bool
    """Whether the last argument comes out of a pipeline."""

    def run(self, function: Function | None, *, is_sure: bool) -> Value:
        """Return the result, or the call itself; raises CallError where it fails in any case."""
        changes = function is not None and function.changes
        if changes and not (is_sure and symbolic.is_own(self.given[0])):
            raise EntangledError  # what is changed may be read elsewhere
        if function is None or not _enough(function.needs, self.given):
            return self._left(changes=changes)
        try:
            made = function.call(*self.given)
        except UnsupportedError:
            return self._left(changes=changes)
        return self._named(made)

    def _left(self, *, changes: bool) -> Symbolic:
        if changes:
            raise EntangledError
        return self._symbolic()

    def _symbolic(self) -> Symbolic:
        return symbolic.call(
            self.name, self.given, is_piped=self.is_piped, result=self.known.result
        )

    def _named(self, made: Value) -> Value:
        """Return a result that no literal and no `list` or `dict` gives with its call."""
        if isinstance(made, (Map, Slice)) and made.element == INTERFACE:
            return made
        if isinstance(made, (Map, Slice, Opaque)) and made.source is None:
            return replace(made, source=self._symbolic())
        return made


def _enough(needs: Needs, given: Sequence[Value]) -> bool:
    if needs is Needs.ALL:
        return all(map(is_known, given))
    return needs is Needs.NOTHING or not any(isinstance(value, Symbolic) for value in given)
