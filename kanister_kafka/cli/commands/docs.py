"""The commands `docs`, `explain` and `completion`: texts that are installed with the command."""

from __future__ import annotations

import json
from typing import Any

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ZshComplete

from kanister_kafka.cli.app import echo, print_warning, terminal_width
from kanister_kafka.cli.output import as_yaml, report_format_option
from kanister_kafka.cli.param_types import RuleIds
from kanister_kafka.linter.registry import RuleDoc, page, pages, rule_docs
from kanister_kafka.similarity import nearest_name

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
            near = nearest_name(name, pages())
            hint = f"did you mean {near!r}?" if near else "`docs` lists all."
            self.fail(f"No page is called {str(value)!r}; {hint}", param, ctx)
        return name

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Complete it."""
        titles = pages().items()
        return [CompletionItem(k, help=title) for k, title in titles if k.startswith(incomplete)]


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


@click.command(epilog="Example: kanister-kafka explain null-argument")
@click.argument("rules", required=False, type=RuleIds(), metavar="[RULE-ID]")
@report_format_option("text", "json", "yaml", "name")
def explain(rules: tuple[str, ...] | None, form: str) -> None:
    """Explain a rule, with a wrong and a right example.

    Without RULE-ID it lists all rules.
    """
    sections = rule_docs()
    if form == "name":
        echo("".join(f"{rule}\n" for rule in rules or sections))
        return
    if form != "text":
        tree = [_tree(sections[rule]) for rule in rules or sections]
        text = json.dumps(tree, indent=2, ensure_ascii=False) + "\n"
        echo(as_yaml(text) if form == "yaml" else text)
        return
    if rules is None:
        from kanister_kafka.reports.text import hung  # not for one rule

        ids = max(len(rule) for rule in sections)
        for section in sections.values():
            start = f"{section.id:{ids}}  {section.severity.value:7}  "
            echo("".join(f"{row}\n" for row in hung(start, section.summary, terminal_width())))
        return
    selected = (sections[rule] for rule in rules)
    echo("\n\n".join(f"{one.id} ({one.severity.value})\n\n{one.plain}" for one in selected) + "\n")


def _tree(section: RuleDoc) -> dict[str, str]:
    return {
        "id": section.id,
        "severity": section.severity.value,
        "summary": section.summary,
        "text": section.text,
        "example": section.example,
    }


SHELLS = {"bash": BashComplete, "fish": FishComplete, "zsh": ZshComplete}


@click.command(epilog="Example: source <(kanister-kafka completion bash)")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that makes a shell complete this command."""
    complete = SHELLS[shell](
        ctx.find_root().command, {}, "kanister-kafka", "_KANISTER_KAFKA_COMPLETE"
    )
    click.echo(complete.source(), nl=False)
