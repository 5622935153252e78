"""The variables of a template that runs, and which of them the text keeps."""

from __future__ import annotations

from dataclasses import dataclass

from kanister_kafka.gotemplate import symbolic
from kanister_kafka.gotemplate.nodes import Pipeline, Variable
from kanister_kafka.gotemplate.values import EntangledError, Symbolic, Value


@dataclass(slots=True)
class Cell:
    """A variable."""

    name: str
    value: Value
    is_kept: bool = False
    """Whether its declaration stays in the text."""


class Cells:
    """The variables from the outermost to the innermost."""

    def __init__(self, data: Value) -> None:
        self.all = [Cell("$", data)]
        self.barrier = 0
        """How many of them may not be changed, since the run may not come to the change."""

    def has(self, name: str) -> bool:
        """Tell whether a variable is there."""
        return any(cell.name == name for cell in self.all)

    def get(self, name: str) -> Value:
        """Return the value of the innermost variable of a name."""
        for cell in reversed(self.all):
            if cell.name == name:
                return cell.value
        raise EntangledError  # the parser lets none through

    def set(self, pipe: Pipeline, value: Value) -> None:
        """Give a value to the variables of a pipeline."""
        for variable in pipe.declarations:
            if pipe.is_assign:
                self.assign(variable.name, value)
            else:
                self.all.append(Cell(variable.name, value))

    def assign(self, name: str, value: Value) -> None:
        """Give a value to a variable that is there."""
        for i in reversed(range(len(self.all))):
            if self.all[i].name == name:
                if i < self.barrier:
                    raise EntangledError
                self.all[i].value = value
                return

    def settle(self, pipe: Pipeline, value: Value) -> tuple[Variable, ...]:
        """Return the variables whose declaration the text must keep.

        The path of a field can be said wherever the variable is; a call may not be made twice.
        """
        if all(map(symbolic.is_path, symbolic.parts(value))):
            return ()
        if pipe.declarations and not isinstance(value, Symbolic):
            raise EntangledError
        for variable in pipe.declarations:
            self.keep(variable.name, is_new=not pipe.is_assign)
        return pipe.declarations

    def keep(self, name: str, *, is_new: bool) -> None:
        """Let the text keep the innermost variable of a name."""
        *others, cell = [cell for cell in self.all if cell.name == name]
        if is_new == cell.is_kept or any(other.is_kept for other in others):
            raise EntangledError  # where the text is flattened, one would be taken for the other
        cell.value, cell.is_kept = symbolic.variable(name), True
