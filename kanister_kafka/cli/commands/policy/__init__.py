"""The command `policy`, and its own commands."""

from __future__ import annotations

from collections.abc import Mapping

import click

from kanister_kafka.cli.app import CommandGroup

COMMANDS = {
    "lint": "Say what would silently not run, and what each Policy covers.",
    "render": "Print the Policies of a cluster and of its mirrors.",
    "restore": "Print a RestoreAction and the TransformSet that it needs.",
}


class Policies(CommandGroup):
    """The commands of authors of Policies."""

    about: Mapping[str, str] = COMMANDS
    package = __name__


@click.group(
    cls=Policies,
    epilog="Example: kanister-kafka policy render -f examples/kraft-separate-pools",
)
def policy() -> None:
    """Render, restore and lint Kasten Policies.

    What Kasten needs besides the Blueprint, and what of it would silently not run;
    `kanister-kafka docs policies` leads through it.
    """
