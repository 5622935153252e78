"""The common parts of all commands: how they are found, and how they end."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from kanister_kafka.cli.param_types import ACCESS, completes_names
from kanister_kafka.cli.standard_streams import checked_streams
from kanister_kafka.diagnostics import Diagnostic, Severity
from kanister_kafka.durations import parse_duration
from kanister_kafka.errors import InputError, InterruptedWriteError, KanisterKafkaError
from kanister_kafka.similarity import nearest_name

if TYPE_CHECKING:
    from pathlib import Path

    from click.shell_completion import CompletionItem

    from kanister_kafka.backup.model import BackupPlan
    from kanister_kafka.kube.wait import Clock

COMMANDS = {
    "plan": "Show what a backup will do.",
    "render": "Print the Blueprint and the objects that it needs, as YAML.",
    "validate": "Validate Kanister Blueprints and Kasten Policies.",
    "apply": "Apply the Blueprint and the objects that it needs to the cluster.",
    "check": "Check whether a backup would work on the live cluster.",
    "rehearse": "Run a whole backup cycle, measure it, and remove what it has made.",
    "run": "Run an action of the Blueprint and follow it.",
    "status": "Show whether a Kafka runs or is stopped, and what to do next.",
    "resume": "Start a stopped Kafka, with or without Kanister.",
    "backups": "Create, list, describe, export, delete and prune backups of the action `backup`.",
    "restore": "Restore a backup into its own or into another namespace.",
    "verify": "Verify that a backup can be restored, without an outage.",
    "release-retention": "Let a restored Kafka delete expired records again.",
    "delete": "Delete the objects that `apply` has created.",
    "fleet": "Render Blueprints for many Kafkas in one run.",
    "policy": "Render, restore and lint Kasten Policies.",
    "topics": "Measure topics, and compare two of them record by record.",
    "consistency-test": "Test on a test cluster which backups are consistent.",
    "preview": "Show the arguments that Kanister passes to each phase.",
    "explain": "Explain a rule, with a wrong and a right example.",
    "docs": "Print a page of the documentation.",
    "schema": "Print a JSON Schema of the Blueprint, or of another kind.",
    "post-render": "Add the Blueprint of every Kafka to the manifests of a Helm release.",
    "krm": "Add Blueprints to a ResourceList: a function for Kustomize and kpt.",
    "version": "Show the versions of this command and of the software on the cluster.",
    "completion": "Print the script that makes a shell complete this command.",
}
"""The summary of each command, in the order of the work: from a plan to a backup, then all else.

It is a function of that name, with _ for -, in a module of that name or in that of MODULES."""
MODULES = {"plan": "render", "delete": "apply", "explain": "docs", "completion": "docs"}
"""Commands in the module of another command."""
FORMER = {"prove": "consistency-test"}
"""Former names, each with today's: they work for one release, with a warning."""
QUIET = f"{__name__}.quiet"
"""In the meta of a context: print only errors."""
COLORS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}


class ContextName(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from click 8.5 on
    """The name of a context of the kubeconfig."""

    name = "text"

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Complete it; with nothing if the file cannot be read."""
        from kanister_kafka.kube.kubeconfig import contexts

        try:
            from click.shell_completion import CompletionItem

            return [CompletionItem(one) for one in contexts() if one.startswith(incomplete)]
        except KanisterKafkaError:
            return []


class CliError(click.ClickException):
    """A KanisterKafkaError as click shows it."""

    def __init__(self, cause: KanisterKafkaError) -> None:
        super().__init__(str(cause))
        self.cause = cause
        # click has it on the class, where an instance may differ
        vars(self)["exit_code"] = cause.exit_code

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - click's own signature
        """Print all problems of the run, or the one line of any other error."""
        if isinstance(self.cause, InputError):
            print_diagnostics(self.cause.problems)
        else:
            print_error(str(self.cause))


def add_access(command: click.Command) -> None:
    """Give a command the options of kubectl for the connection to an API server."""
    names = [option.name for option in command.params]
    if "context" not in names or "kubeconfig" in names:
        return
    at = names.index("context") + 1
    command.params[at - 1].type = ContextName()
    completes_names(command)

    def option(name: str, field: str, kind: Any, metavar: str, text: str) -> click.Option:
        def take(ctx: click.Context, _param: click.Parameter, value: Any) -> None:
            if value is None:
                return
            ctx.meta.setdefault(ACCESS, {})[field] = value
            if not ctx.resilient_parsing:
                from kanister_kafka.kube.kubeconfig import reset_access, set_access

                ctx.call_on_close(reset_access)
                set_access(**{field: value})

        return click.Option(
            [f"--{name}", name.replace("-", "_")],
            type=kind,
            metavar=metavar,
            expose_value=False,
            callback=take,
            help=text,
        )

    def verbose(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001
        if not value or ctx.resilient_parsing:
            return
        import logging

        log, handler = logging.getLogger("kanister_kafka.requests"), logging.StreamHandler()
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        ctx.call_on_close(lambda: log.removeHandler(handler))

    command.params[at:at] = [
        option("kubeconfig", "kubeconfig", str, "FILE", "Kubeconfig file, instead of KUBECONFIG."),
        option("as", "user", str, "USER", "User to impersonate for every request."),
        option(
            "request-timeout",
            "timeout",
            _request_timeout,
            "DURATION",
            "How long to wait for each answer of the API server, such as 10s.  [default: 30s]",
        ),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            expose_value=False,
            callback=verbose,
            help="Print each request to the API server on standard error.",
        ),
    ]


def add_output_options(command: click.Command) -> None:
    """Give a command the options for quiet and colour."""
    if any("--color" in option.opts for option in command.params):
        return

    def quiet(ctx: click.Context, _param: click.Parameter, value: bool) -> None:  # noqa: FBT001
        ctx.meta[QUIET] = value

    def color(ctx: click.Context, _param: click.Parameter, value: str) -> None:
        if value != "auto":
            ctx.color = value == "always"

    command.params += [
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            expose_value=False,
            callback=quiet,
            help="Print only errors, no warnings and notes.",
        ),
        click.Option(
            ["--color"],
            type=click.Choice(["auto", "always", "never"]),
            default="auto",
            show_default=True,
            expose_value=False,
            callback=color,
            help="When to use colours; NO_COLOR and FORCE_COLOR are heeded.",
        ),
    ]


def _request_timeout(text: str) -> float:

    duration = parse_duration(f"{text}s" if text.isdecimal() else text)
    if not duration:
        raise click.BadParameter(f"{text!r} is not a duration such as 10s")
    return float(duration)


class CommandGroup(click.Group):
    """Imports a command when it is asked for, and turns our errors into exit codes."""

    about: Mapping[str, str] = COMMANDS
    """Its commands, and what each is for."""
    former: Mapping[str, str] = FORMER
    """Former names of its commands, each with today's."""
    modules: Mapping[str, str] = MODULES
    """Its commands that are in the module of another command, each with that module."""
    package = "kanister_kafka.cli.commands"
    """The package that their modules are in."""

    def main(self, *words: Any, **settings: Any) -> Any:
        """Run the command line; if its output cannot be written, that is an error at its end."""
        with checked_streams():
            return super().main(*words, **settings)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the help."""
        return list(self.about)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write what each command is for; to ask them would import all of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.about.items()))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, without the others and all that they need."""
        if cmd_name in self.former:
            today = self.former[cmd_name]
            if not ctx.resilient_parsing:
                print_warning(f"{cmd_name} is deprecated; write {today}")
            cmd_name = today
        if cmd_name not in self.about:
            return None
        name = cmd_name.replace("-", "_")
        module = import_module(f"{self.package}.{self.modules.get(name, name)}")
        command: click.Command = getattr(module, name)
        own = command.commands.values() if isinstance(command, click.Group) else (command,)
        for one in own:
            if not isinstance(one, click.Group):
                add_access(one)
                add_output_options(one)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is named; one that is not there is answered with the nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as failure:
            near = nearest_name(args[0], self.about) if args else ""
            if not near:
                raise
            message = f"{failure.message} Did you mean {near!r}?"
            raise click.UsageError(message, ctx) from failure

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take a ResourceList that comes without a word for `krm`: so does Kustomize call it."""
        if not args and not ctx.resilient_parsing and (raw := _resource_list()):
            ctx.obj, args = raw, ["krm"]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; without colour if NO_COLOR asks for it."""
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        elif any(os.environ.get(name, "0") != "0" for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
            ctx.color = True
        try:
            return super().invoke(ctx)
        except KanisterKafkaError as failure:
            raise CliError(failure) from failure
        except KeyboardInterrupt:  # click would end with 1, as after an error
            click.echo("\ninterrupted", err=True)
            ctx.exit(InterruptedWriteError.exit_code)


def _resource_list() -> bytes:
    """Return standard input if it is a ResourceList, else nothing."""
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return b""
    from kanister_kafka.yamldoc.source import (
        read_stdin,  # not for those who only want to see the help
    )

    raw = read_stdin()
    return raw if b"ResourceList" in raw else b""


def current_clock() -> Clock:
    """Return the clock by which a command waits: the one given as `obj`, else the system's."""
    from kanister_kafka.kube.wait import SYSTEM_CLOCK, Clock

    return click.get_current_context().find_object(Clock) or SYSTEM_CLOCK


def echo_bytes(text: str) -> None:
    """Print a text that another program reads: in UTF-8 on every platform, no line end changed."""
    click.echo(text.encode(), nl=False)


def echo(text: str, *, err: bool = False) -> None:
    """Print a text, with escapes for characters that the encoding of the stream does not have."""
    encoding = getattr(sys.stderr if err else sys.stdout, "encoding", None) or "utf-8"
    click.echo(text.encode(encoding, "backslashreplace").decode(encoding), nl=False, err=err)


def print_step(text: str, *, err: bool = False) -> None:
    """Print a line of a command that must not end half way, also if no one reads on."""
    try:
        echo(f"{text}\n", err=err)
    except BrokenPipeError:
        stream = sys.stderr if err else sys.stdout
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def confirm(question: str, consequence: str, *, yes: bool) -> None:
    """Ask unless `yes`; wrong use if there is no terminal to ask on."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{consequence}: there is no terminal to ask on, confirm by --yes")
    try:
        click.confirm(question, abort=True, err=True)
    except click.Abort as failure:
        if isinstance(failure.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from failure
        raise


def terminal_width() -> int:
    """Return the columns of the terminal; 0 if the output goes elsewhere."""
    import shutil  # slow to import, as it knows archives

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def print_diagnostics(problems: Iterable[Diagnostic], *, err: bool = True) -> None:
    """Print a line for each problem, coloured on a terminal."""
    from kanister_kafka.reports import diagnostics_text  # only to print problems

    context = click.get_current_context(silent=True)
    if err and context and context.meta.get(QUIET):
        problems = [problem for problem in problems if problem.severity is Severity.ERROR]
    echo(diagnostics_text(problems, _colored), err=err)


def _colored(severity: Severity) -> str:
    return click.style(severity.value, fg=COLORS[severity])


def print_error(text: str) -> None:
    """Print an error on standard error."""
    click.echo(f"{click.style('error', fg='red')}: {text}", err=True)


def print_warning(text: str) -> None:
    """Print a warning on standard error; -q does not hide it."""
    click.echo(f"{click.style('warning', fg='yellow')}: {text}", err=True)


def print_note(text: str) -> None:
    """Print what was done, or is left to do, on standard error; -q hides it."""
    context = click.get_current_context(silent=True)
    if not (context and context.meta.get(QUIET)):
        click.echo(text, err=True)


def write_text(path: Path | None, text: str, *, note: bool = True) -> None:
    """Write a report into a file, or to standard output; UnreachableError if that fails.

    With `note`, the file is named on standard error.
    """
    if path is None:
        echo(text)
        return
    from kanister_kafka.backup.output_dir import write_file  # slow to import, and seldom needed

    write_file(path, text)
    if note:
        print_note(f"wrote {path}")


def print_plan_warnings(plan: BackupPlan) -> None:
    """Print the warnings of a plan, and what it leaves for a person to do."""
    print_diagnostics(plan.problems)
    for note in plan.notes:
        print_note(note)
