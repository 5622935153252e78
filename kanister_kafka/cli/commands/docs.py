"""The command `docs`."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import click
from click.shell_completion import CompletionItem

from kanister_kafka.cli.app import echo, print_warning, terminal_width
from kanister_kafka.linter.registry import page, pages

FORMER = {"checks": "rules", "prove": "consistency-test"}
"""Former names of pages, each with today's."""


class PageName(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from click 8.5 on
    """The name of a page: `helm`, `helm.md`, or `docs/helm.md` as messages have it."""

    name = "page"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it without folder and suffix, or end with the page that is most like it."""
        name = str(value).removeprefix("docs/").removesuffix(".md")
        if name in FORMER:
            print_warning(f"page {name} is now called {FORMER[name]}")
            name = FORMER[name]
        if name not in pages():
            near = get_close_matches(name, pages(), n=1)
            hint = f"did you mean {near[0]!r}?" if near else "`docs` lists all."
            self.fail(f"No page is called {str(value)!r}; {hint}", param, ctx)
        return name

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Complete it."""
        found = pages().items()
        return [CompletionItem(k, help=title) for k, title in found if k.startswith(incomplete)]


@click.command(epilog="Example: kanister-kafka docs kasten")
@click.argument("name", required=False, type=PageName(), metavar="[PAGE]")
def docs(name: str | None) -> None:
    """Print a page of the documentation.

    It is Markdown. Messages name pages as docs/PAGE.md. Without PAGE it lists all. For one rule,
    `explain` is shorter.
    """
    if name is not None:
        echo(page(name))
        return
    from kanister_kafka.reports.text import hung  # not for one page

    width = max(map(len, pages()))
    for one, title in pages().items():
        rows = hung(f"{one:{width}}  ", title, terminal_width())
        echo("".join(f"{row}\n" for row in rows))
