"""Files as `validate` reads them: those of a chart's templates as Helm would."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kanister_kafka.diagnostics import Diagnostic, Location, Severity, sort_diagnostics
from kanister_kafka.yamldoc import LoadResult, loads

if TYPE_CHECKING:
    from kanister_kafka.linter.helm_templates import SourceMap

TEMPLATES = "templates"
LINTED_GROUPS = ("cr.kanister.io", "config.kio.kasten.io")
"""API groups of the objects that are validated: a template without them matters to Helm alone."""


class ChartAwareReader:
    """Reads files, and remembers where the text of an escaped one stands in it."""

    def __init__(self) -> None:
        self._places: dict[str, SourceMap] = {}
        self.unread: list[str] = []
        """Templates whose text depends on values: what stands in them is not known."""
        self._folders: dict[Path, bool] = {}
        """Whether a directory is the `templates` of a chart."""

    def loads(self, raw: bytes, source: str) -> LoadResult:
        """Read a text; a template of a chart as what Helm makes of it."""
        if b"{{" not in raw or not self._in_chart(source):
            return loads(raw, source)
        from kanister_kafka.linter.helm_templates import (
            find_unescaped_actions,  # here: for charts alone
            literal_output,
        )

        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            return loads(raw, source)
        if literal := literal_output(text):
            self._places[source] = literal.places
            return loads(literal.text, source)
        self.unread.append(source)
        as_it_is = loads(raw, source)
        if not any(group in text for group in LINTED_GROUPS):
            return LoadResult((), (), (source,), as_it_is.ignores)
        found = find_unescaped_actions(text, source)
        if found.problems and found.is_foreign:  # the text as it is is what Kanister would get
            problems = found.problems + as_it_is.problems
            return LoadResult(as_it_is.documents, problems, (source,), as_it_is.ignores)
        problems = found.problems or (_report("helm-template", Location(source, 1, 1)),)
        return LoadResult((), problems, (source,), as_it_is.ignores)

    def original(self, problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
        """Return problems with their places in the files themselves."""
        return sort_diagnostics(self._placed(problem) for problem in problems)

    def _in_chart(self, source: str) -> bool:
        for folder in Path(source).parents:
            if folder not in self._folders:
                chart = folder.parent / "Chart.yaml"
                self._folders[folder] = folder.name == TEMPLATES and chart.is_file()
            if self._folders[folder]:
                return True
        return False

    def _placed(self, problem: Diagnostic) -> Diagnostic:
        places = self._places.get(problem.location.source)
        if places is None or not problem.location.line:
            return problem
        return replace(problem, location=places.original(problem.location))


def _report(check: str, place: Location) -> Diagnostic:
    message = (
        "depends on values that Helm alone has, and was not looked at: "
        "`helm template CHART | kanister-kafka validate -` does"
    )
    return Diagnostic(check, Severity.INFO, place, "", message)


# Text to a template that gives back the text.

LEFT = "{{"
"""The start of an action."""
TOKEN = re.compile(r"\{\{[^`{}\r\n]*\}\}|\{\{")
"""A whole action on one line, or else what would open one.

An action stays readable in a raw string, which may hold no backtick and loses a carriage return.
The end of an action needs no escape: outside of an action it is text.
"""


def escape(text: str) -> str:
    """Return a template that Helm renders to the text, byte for byte.

    From the left, so that no brace stands before a token: `{` and `{{` would open an action at the
    wrong one of the three.
    """
    return TOKEN.sub(lambda found: _literal(found[0]), text)


def _literal(token: str) -> str:
    return f'{{{{ "{LEFT}" }}}}' if token == LEFT else f"{{{{ `{token}` }}}}"


# Blueprints within charts of Helm, whose templates are as full of double braces as they are.

__all__ = ["ChartAwareReader", "escape"]
