"""The command `policy`, and its own commands."""

from __future__ import annotations

from collections.abc import Mapping

import click

from kanister_kafka.cli.app import CommandGroup

COMMANDS = {
    "lint": "Show what would silently not run, and what each Policy covers.",
    "render": "Print the Policies of a cluster and of its mirrors.",
    "restore": "Print a RestoreAction and the TransformSet that it needs.",
}


class Policies(CommandGroup):
    """The commands of authors of Policies."""

    about: Mapping[str, str] = COMMANDS
    package = __name__


@click.group(
    cls=Policies, epilog="Example: kanister-kafka policy render -f examples/kraft-separate-pools"
)
def policy() -> None:
    """Render, restore and lint Kasten Policies.

    Kasten needs Policies and bindings in addition to the Blueprint, and a fault in them is silent;
    `kanister-kafka docs policies` leads through it.
    """
