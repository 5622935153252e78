"""The command `explain`."""

from __future__ import annotations

import click

from kanister_kafka.catalogue import catalogue
from kanister_kafka.cli.ids import CheckIds
from kanister_kafka.cli.outcome import echo


@click.command(epilog="Example: kanister-kafka explain null-argument")
@click.argument("checks", required=False, type=CheckIds(), metavar="[CHECK-ID]")
def explain(checks: tuple[str, ...] | None) -> None:
    """Say what a check finds, and what is right.

    Without CHECK-ID it lists all checks.
    """
    sections = catalogue()
    if checks is None:
        ids = max(len(check) for check in sections)
        for section in sections.values():
            echo(f"{section.id:{ids}}  {section.severity.value:7}  {section.summary}\n")
        return
    told = (sections[check] for check in checks)
    echo("\n\n".join(f"{one.id} ({one.severity.value})\n\n{one.plain}" for one in told) + "\n")
