"""The types of errors.

::

    KanisterKafkaError        exit code
    ├── InputError            1   the input, or a Blueprint, is wrong; carries every problem found
    ├── UnreachableError      2   a file cannot be read, or the cluster does not answer
    │   ├── ForbiddenError    2   the user may not do this
    │   ├── NotFoundError     2   the cluster has no such object, or no such kind
    │   └── TransientError    2   the API server is away or too busy: worth another try
    ├── RejectedError         1   the API server refuses an object as it is
    │   └── ConflictError     1   another client has changed it, or manages its fields
    ├── ActionError           1   what was started on the cluster failed there
    │   └── InterruptedWriteError 130  the user has ended a sequence of writes by Ctrl-C
    ├── TemplateError         1   a template fails: a site's own, named with its line
    └── InternalError         70  our own output is wrong: a bug to report, never the user's fault

Nothing here prints, and nothing in the library ends the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from kanister_kafka.diagnostics import Diagnostic


class KanisterKafkaError(Exception):
    """Root of all errors that this package raises on purpose."""

    exit_code: ClassVar[int] = 1


class InputError(KanisterKafkaError):
    """The input cannot be turned into what was asked for."""

    def __init__(self, problems: tuple[Diagnostic, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
        """All problems of the run, warnings too, sorted by place."""

    def __reduce__(self) -> tuple[type[InputError], tuple[tuple[Diagnostic, ...]]]:
        """Go from one process to another with the problems, not with their text."""
        return type(self), (self.problems,)


class UnreachableError(KanisterKafkaError):
    """A file or a cluster is out of reach; the input itself was not judged."""

    exit_code = 2


class ForbiddenError(UnreachableError):
    """The user may not do this."""


class NotFoundError(UnreachableError):
    """The cluster has no such object, or no such kind of object."""


class TransientError(UnreachableError):
    """The API server is away, too busy or failing: the same request may work in a moment."""


class RejectedError(KanisterKafkaError):
    """The API server refuses an object as it is; the message is the server's own."""


class ConflictError(RejectedError):
    """An object was changed meanwhile, exists already, or has fields of another field manager."""


class ActionError(KanisterKafkaError):
    """An action failed on the cluster, or did not end in time."""


class InterruptedWriteError(ActionError):
    """The user has ended a sequence of writes from the keyboard: nothing more may be written."""

    exit_code = 130
    """As shells have it: 128 and the number of the signal."""


class InternalError(KanisterKafkaError):
    """The rendered Blueprint does not pass our own validator."""

    exit_code = 70


class TemplateError(KanisterKafkaError):
    """A Jinja template cannot be loaded or rendered; the message names file and line."""


MAX_MESSAGE = 400
"""Characters of the message of another program that an error quotes."""


def one_line(text: object, length: int = MAX_MESSAGE) -> str:
    """Return a text without line breaks, cut after `length` characters, with … for the rest."""
    line = " ".join(str(text).split())
    return line if len(line) <= length else f"{line[:length]}…"
