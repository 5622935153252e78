"""Values of the command line that name something known: checks, and releases of Kanister."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class RuleIds(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from click 8.5 on
    """Ids of checks, separated by commas."""

    name = "id"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return them, or end with the id that is most like the given one."""
        from kanister_kafka.linter.registry import (
            closest_rule_id,  # seldom needed, as below
            rule_docs,
        )

        ids = tuple(str(value).split(","))
        for rule_id in ids:
            if rule_id not in rule_docs():
                near = closest_rule_id(rule_id)
                hint = f'did you mean "{near}"?' if near else "`explain` lists all."
                self.fail(f'No rule is called "{rule_id}"; {hint}', param, ctx)
        return ids

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Complete the last id."""
        from click.shell_completion import CompletionItem

        from kanister_kafka.linter.registry import rule_docs

        before, comma, last = incomplete.rpartition(",")
        return [
            CompletionItem(f"{before}{comma}{section.id}", help=section.summary)
            for section in rule_docs().values()
            if section.id.startswith(last)
        ]


class KanisterRelease(click.ParamType):  # type: ignore[type-arg,unused-ignore] # as above
    """A release of Kanister."""

    name = "release"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as the checks name it, or end with a list of those that are known."""
        from kanister_kafka.kanister.function_types import RELEASES, parse_release

        release = parse_release(str(value))
        if release is None:
            known = ", ".join(RELEASES)
            self.fail(f"{value!r} is not a known release of Kanister: {known}.", param, ctx)
        return release


def release_option(which: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option `--kanister-version`; the help begins with which release it names."""
    from kanister_kafka.kanister.function_types import (
        NEWEST,
        RELEASES,  # not for `explain`
    )

    return click.option(
        "--kanister-version",
        "release",
        type=KanisterRelease(),
        default=NEWEST,
        show_default=True,
        metavar="VERSION",
        help=f"{which}: {RELEASES[0]} to {NEWEST}, or {RELEASES[-1]}.",
    )
