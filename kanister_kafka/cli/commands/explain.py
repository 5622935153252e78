"""The command `explain`."""

from __future__ import annotations

import json

import click

from kanister_kafka.cli.app import echo, terminal_width
from kanister_kafka.cli.output import as_yaml, report_format_option
from kanister_kafka.cli.param_types import RuleIds
from kanister_kafka.linter.registry import RuleDoc, rule_docs


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
