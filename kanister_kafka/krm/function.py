"""One run of the function, from text to text."""

from __future__ import annotations

from dataclasses import dataclass

from kanister_kafka.krm.blueprints import plans, rendered
from kanister_kafka.krm.function_config import read as read_config
from kanister_kafka.krm.merge import merge, unchanged
from kanister_kafka.krm.resource_list import ResourceList, read
from kanister_kafka.krm.results import results
from kanister_kafka.krm.schema import KIND
from kanister_kafka.krm.splice import written
from kanister_kafka.problem import Problem, has_error, in_order


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run gives back."""

    text: str
    """The list with its results; empty where the input is no list."""
    problems: tuple[Problem, ...]
    notes: tuple[str, ...] = ()
    """What is left for a person to do, and what was taken out."""


def run(raw: str | bytes) -> Outcome:
    """Add to a ResourceList what is rendered for each Kafka among its items.

    Where anything is wrong all items come back as they are. Raises TemplateError for a template of
    a site that fails, and InternalError as `render` does.
    """
    given, problems = read(raw)
    return _Run(given).outcome() if given else Outcome("", in_order(problems))


class _Run:
    def __init__(self, given: ResourceList) -> None:
        self.given = given
        self.problems: list[Problem] = []
        self.notes: list[str] = []

    def outcome(self) -> Outcome:
        given = self.given
        config = read_config(given.config, self.problems)
        documents = (*(item for item in given.items if item.kind != KIND), *config.documents)
        change = unchanged(given.items)
        if not has_error(self.problems):
            planned = plans(documents, config, self.problems)
            made = rendered(planned, config) if not has_error(self.problems) else ()
            merged = merge(given.items, made, config.top)
            if not has_error(self.problems):
                change = merged
                self.notes += [note for plan in planned for note in plan.notes]
                self.notes += [
                    f"{gone} is of an earlier run and no longer rendered: taken out"
                    for gone in change.dropped
                ]
        problems = in_order(self.problems)
        named = (*documents, *([given.config] if given.config else ()))
        text = written(given, change, results(problems, self.notes, named))
        return Outcome(text, problems, tuple(self.notes))
