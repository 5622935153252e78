"""The command `completion`."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

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
