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
"""The summary of each; it is a function of that name, in a module of that name or of MODULES."""
MODULES = {"restore": "render"}
"""Commands in the module of another command."""


class Policies(CommandGroup):
    """The commands of authors of Policies."""

    about: Mapping[str, str] = COMMANDS
    modules = MODULES
    package = __name__


@click.group(
    cls=Policies, epilog="Example: kanister-kafka policy render -f examples/kraft-separate-pools"
)
def policy() -> None:
    """Render, restore and lint Kasten Policies.

    Kasten needs Policies and bindings in addition to the Blueprint, and a fault in them is silent;
    `kanister-kafka docs policies` leads through it.
    """
