"""Files as `validate` reads them: those of a chart's templates as Helm would."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from kanister_kafka.document import Loaded, loads
from kanister_kafka.problem import Location, Problem, Severity, in_order

if TYPE_CHECKING:
    from kanister_kafka.chart.template import Places

TEMPLATES = "templates"
OURS = ("cr.kanister.io", "config.kio.kasten.io")
"""API groups of what is validated: a template without them is Helm's affair alone."""


class Reader:
    """Reads files, and remembers where the text of an escaped one stands in it."""

    def __init__(self) -> None:
        self._places: dict[str, Places] = {}
        self._folders: dict[Path, bool] = {}
        """Whether a directory is the `templates` of a chart."""

    def loads(self, raw: bytes, source: str) -> Loaded:
        """Read a text; a template of a chart as what Helm makes of it."""
        if b"{{" not in raw or not self._in_chart(source):
            return loads(raw, source)
        from kanister_kafka.chart.template import given, unescaped  # here: for charts alone

        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            return loads(raw, source)
        if literal := given(text):
            self._places[source] = literal.places
            return loads(literal.text, source)
        as_it_is = loads(raw, source)
        if not any(group in text for group in OURS):
            return Loaded((), (), (source,), as_it_is.ignores)
        found = unescaped(text, source)
        if found.problems and found.is_foreign:  # the text as it is is what Kanister would get
            problems = found.problems + as_it_is.problems
            return Loaded(as_it_is.documents, problems, (source,), as_it_is.ignores)
        problems = found.problems or (_report("helm-template", Location(source, 1, 1)),)
        return Loaded((), problems, (source,), as_it_is.ignores)

    def original(self, problems: Iterable[Problem]) -> tuple[Problem, ...]:
        """Return problems with their places in the files themselves."""
        return in_order(self._placed(problem) for problem in problems)

    def _in_chart(self, source: str) -> bool:
        for folder in Path(source).parents:
            if folder not in self._folders:
                chart = folder.parent / "Chart.yaml"
                self._folders[folder] = folder.name == TEMPLATES and chart.is_file()
            if self._folders[folder]:
                return True
        return False

    def _placed(self, problem: Problem) -> Problem:
        places = self._places.get(problem.location.source)
        if places is None or not problem.location.line:
            return problem
        at = places.original(problem.location)
        return Problem(problem.check, problem.severity, at, problem.path, problem.message)


def _report(check: str, place: Location) -> Problem:
    message = (
        "depends on values that Helm alone has, and was not looked at: "
        "`helm template CHART | kanister-kafka validate -` does"
    )
    return Problem(check, Severity.INFO, place, "", message)
