"""What comes out of a template: text, and the actions that are left to the run."""

from __future__ import annotations

from collections.abc import Sequence

from kanister_kafka.gotemplate import symbolic
from kanister_kafka.gotemplate.execution import Machine
from kanister_kafka.gotemplate.nodes import Variable
from kanister_kafka.gotemplate.printing import text as printed
from kanister_kafka.gotemplate.spell import action, spell_pipeline
from kanister_kafka.gotemplate.values import (
    TEXT_STEP,
    EntangledError,
    UnsupportedError,
    Value,
    is_known,
    weight,
)


class Output:
    """The text so far."""

    def __init__(self, machine: Machine) -> None:
        self.parts: list[str] = []
        self.is_symbolic = False
        """Whether there are actions in it."""
        self._machine = machine

    def write(self, text: str) -> None:
        """Add text."""
        self._machine.step(len(text) // TEXT_STEP)
        self.parts.append(text)

    def print(self, value: Value) -> None:
        """Add a value, or the action that prints it."""
        if not is_known(value):
            self.leave("", value)
            return
        self._machine.step(weight(value))
        try:
            self.write("<no value>" if value is None else printed(value))
        except UnsupportedError:
            self.leave("", value)

    def leave(
        self,
        word: str,
        value: Value,
        names: Sequence[Variable] = (),
        *,
        is_assign: bool = False,
    ) -> None:
        """Add an action: a word such as `if`, and the expression of a value."""
        left = symbolic.of(value)
        if left.level not in (0, self._machine.level):
            raise EntangledError  # Go has no word for the dot of an outer action
        pipe = symbolic.pipeline(left, names, is_assign=is_assign)
        self.write(action(word, spell_pipeline(pipe, at_root=not self._machine.level)))
        self.is_symbolic = True
