"""The group `backups`."""

from __future__ import annotations

from collections.abc import Mapping

import click

from kanister_kafka.cli.app import CommandGroup

COMMANDS = {
    "create": "Make a backup, wait for its end, prune by keep rules, and copy it off the cluster.",
    "list": "List the backups of a namespace, newest first.",
    "describe": "Show a backup: whether it can be restored, and what it contains.",
    "export": "Copy a backup off the cluster.",
    "delete": "Delete backups: their VolumeSnapshots and Secrets.",
    "prune": "Delete complete backups that no keep rule holds.",
}
"""The summary of each; it is a function of that name, in a module of that name or of MODULES."""
MODULES = {"describe": "list", "export": "create", "prune": "delete"}
"""Commands in the module of another command."""


class Backups(CommandGroup):
    """Imports a command when it is asked for."""

    about: Mapping[str, str] = COMMANDS
    former: Mapping[str, str] = {}
    modules = MODULES
    package = __name__


@click.group(cls=Backups, epilog="Example: kanister-kafka backups list -n kafka")
def backups() -> None:
    """Create, list, describe, export, delete and prune backups of the action `backup`.

    A backup is found by the labels of its own VolumeSnapshots and Secrets. Its ActionSet may be
    gone. Backups of Kasten are in Kasten's own catalogue.
    """
