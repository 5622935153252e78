"""The command: values in, exit code out; the only module that imports click."""

from __future__ import annotations

import dataclasses
import enum
import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from kanister_kafka._version import __version__
from kanister_kafka.document import load
from kanister_kafka.errors import InputError, KanisterKafkaError
from kanister_kafka.kube import fetch
from kanister_kafka.options import (
    DEFAULT_IMAGE,
    DEFAULT_KASTEN_NAMESPACE,
    DEFAULT_RUN_AS_USER,
    FREQUENCIES,
    KastenForm,
    Limits,
    Options,
    QuiesceBy,
    Strategy,
)
from kanister_kafka.plan import Plan, build
from kanister_kafka.problem import Problem, Severity, has_error, in_order
from kanister_kafka.render import render as render_plan
from kanister_kafka.render import stream
from kanister_kafka.report import PLAN_FORMATS, PROBLEM_FORMATS, duration, problems_text
from kanister_kafka.strimzi import parse_version, read
from kanister_kafka.validate import validate as validate_paths

E = TypeVar("E", bound=enum.Enum)
Command = Callable[..., None]
PLATFORM = "platform"
SHELLS = {"bash": BashComplete, "fish": FishComplete, "zsh": ZshComplete}
LIMITS = tuple(field.name for field in dataclasses.fields(Limits))


class _Failure(click.ClickException):
    """An error of ours on its way out."""

    def __init__(self, cause: KanisterKafkaError) -> None:
        super().__init__(str(cause))
        self.cause = cause
        # click has it on the class, where an instance may differ
        vars(self)["exit_code"] = cause.exit_code

    def show(self, file: Any = None) -> None:  # noqa: ARG002 - click's own signature
        if isinstance(self.cause, InputError):
            _tell(self.cause.problems)
        else:
            click.echo(f"{click.style('error', fg='red')}: {self.cause}", err=True)


class _Group(click.Group):
    """Turns our errors into exit codes, in this one place."""

    def invoke(self, ctx: click.Context) -> Any:
        if os.environ.get("NO_COLOR"):
            ctx.color = False
        try:
            return super().invoke(ctx)
        except KanisterKafkaError as failure:
            raise _Failure(failure) from failure


def _seconds(text: str) -> int:
    """Read a duration such as 90s or 1m30s."""
    match = re.fullmatch(r"(?:(\d{1,3})h)?(?:(\d{1,4})m)?(?:(\d{1,6})s)?", text)
    if not text or match is None:
        raise click.BadParameter(f"{text!r} is no duration such as 90s or 1m30s")
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + seconds


def _pair(text: str) -> tuple[str, str]:
    """Read KEY=VALUE."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE")
    return key, value


def _choice(choices: type[enum.Enum]) -> click.Choice[str]:
    return click.Choice([choice.value for choice in choices])


def _several(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


input_options = _several(
    click.option(
        "-f",
        "--filename",
        "paths",
        multiple=True,
        metavar="PATH",
        help="File, directory, or - for standard input, with custom resources; repeatable.",
    ),
    click.option(
        "--from-cluster",
        is_flag=False,
        flag_value="",
        default=None,
        metavar="[NAME]",
        help="Read the custom resources and workloads from the current kubeconfig context.",
    ),
    click.option("--context", default="", help="Kubeconfig context for --from-cluster."),
    click.option(
        "-n", "--namespace", default="", help="Namespace of documents that name none, or to read."
    ),
    click.option(
        "--cluster",
        default="",
        metavar="[NAMESPACE/]NAME",
        help="Which Kafka, where there are several.",
    ),
    click.option(
        "--strimzi-version",
        default="",
        metavar="VERSION",
        help="Version of the operator; without it the steps find out when they run.",
    ),
)

plan_options = _several(
    click.option(
        "--strategy",
        type=_choice(Strategy),
        default=Strategy.COLD.value,
        show_default=True,
        help="cold: stop the cluster for the snapshot; hot: flush only.",
    ),
    click.option(
        "--quiesce-by",
        type=_choice(QuiesceBy),
        default=QuiesceBy.REPLICAS.value,
        show_default=True,
        help="How mirrors and connectors stop; pause where GitOps would undo changed replicas.",
    ),
    click.option(
        "--kasten",
        type=_choice(KastenForm),
        multiple=True,
        help="Add a Policy or a BlueprintBinding, or print the annotation to set; repeatable.",
    ),
    click.option(
        "--kasten-namespace",
        default=DEFAULT_KASTEN_NAMESPACE,
        show_default=True,
        help="Namespace of Kasten or of the Kanister controller.",
    ),
    click.option(
        "--frequency",
        type=click.Choice(FREQUENCIES),
        default=FREQUENCIES[0],
        show_default=True,
        help="When the Policy runs; each run is an outage.",
    ),
    click.option("--profile", default="", help="Location profile of the Policy."),
    click.option("--name", default="", help="Name of the Blueprint.  [default: NAMESPACE.CLUSTER]"),
    click.option(
        "--image",
        default=DEFAULT_IMAGE,
        show_default=True,
        help="Image with bash and kubectl for the steps.",
    ),
    click.option(
        "--service-account",
        default="",
        help="Service account of the steps.  [default: CLUSTER-kanister-kafka]",
    ),
    click.option(
        "--run-as-user",
        default=str(DEFAULT_RUN_AS_USER),
        show_default=True,
        metavar="UID|platform",
        help="User of the steps; platform leaves it open, as OpenShift wants.",
    ),
    click.option(
        "--label",
        "labels",
        type=_pair,
        multiple=True,
        metavar="KEY=VALUE",
        help="Extra label of every object; repeatable.",
    ),
    click.option(
        "--annotation",
        "annotations",
        type=_pair,
        multiple=True,
        metavar="KEY=VALUE",
        help="Extra annotation of every object; repeatable.",
    ),
    click.option(
        "--timeout",
        "timeouts",
        type=_pair,
        multiple=True,
        metavar="STEP=DURATION",
        help=f"How long a step waits; STEP is one of {', '.join(LIMITS)}; repeatable.  [default: "
        + ", ".join(f"{name} {duration(getattr(Limits(), name))}" for name in LIMITS)
        + "]",
    ),
    click.option(
        "--hook-timeout",
        type=_seconds,
        metavar="DURATION",
        default="20m",
        show_default=True,
        help="How long Kasten lets a hook run (its Helm value timeout.blueprintHooks).",
    ),
)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="kanister-kafka")
def main() -> None:
    """Consistent backups of Kafka on Kubernetes.

    From a cluster's Strimzi resources to a Kanister Blueprint that stops it cleanly, lets its
    volumes be snapshotted and brings it back.

    Exit codes: 0 done, 1 the input is wrong, 2 wrong use, or a file or cluster out of reach.
    """


@main.command(
    epilog="Example: kanister-kafka render -f examples/kraft-separate-pools | kubectl apply -f -"
)
@input_options
@plan_options
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for one file an object, instead of standard output.",
)
@click.option(
    "--templates",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Directory with templates that go before ours of the same name.",
)
def render(output: Path | None, templates: Path | None, **choices: Any) -> None:
    """Print the Blueprint and all that it needs to run, as YAML."""
    plan = _plan(**choices)
    manifests = render_plan(plan, templates)
    _tell(plan.problems)
    for note in plan.notes:
        click.echo(f"to do: {note}", err=True)
    if output is None:
        click.echo(stream(manifests), nl=False)
        return
    output.mkdir(parents=True, exist_ok=True)
    for manifest in manifests:
        path = output / manifest.file_name
        path.write_text(manifest.text, encoding="utf-8", newline="\n")
        click.echo(f"wrote {path}", err=True)


@main.command(epilog="Example: kanister-kafka plan -f examples/kraft-separate-pools")
@input_options
@plan_options
@click.option(
    "--format", "form", type=click.Choice(list(PLAN_FORMATS)), default="text", show_default=True
)
def plan(form: str, **choices: Any) -> None:
    """Show what a backup will do: steps, waits, permissions, and what is left alone."""
    planned = _plan(**choices)
    _tell(planned.problems)
    for note in planned.notes:
        click.echo(f"to do: {note}", err=True)
    click.echo(PLAN_FORMATS[form](planned), nl=False)


@main.command(epilog="Example: kanister-kafka validate blueprints/")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--format", "form", type=click.Choice(list(PROBLEM_FORMATS)), default="text", show_default=True
)
@click.pass_context
def validate(ctx: click.Context, paths: tuple[str, ...], form: str) -> None:
    """Say what is wrong with any Blueprint: structure, functions, arguments, phase names.

    PATH is a file, a directory, or - for standard input.
    """
    result = validate_paths(paths)
    if form == "text":
        _tell(result.problems, err=False)
    else:
        click.echo(PROBLEM_FORMATS[form](result.problems), nl=False)
    found = len(result.problems)
    click.echo(
        f"{result.blueprints} Blueprints, {result.skipped} other objects, {found} problems",
        err=True,
    )
    ctx.exit(1 if has_error(result.problems) else 0)


@main.command(epilog="Example: source <(kanister-kafka completion bash)")
@click.argument("shell", type=click.Choice(list(SHELLS)))
def completion(shell: str) -> None:
    """Print the script that makes a shell complete this command."""
    complete = SHELLS[shell](main, {}, "kanister-kafka", "_KANISTER_KAFKA_COMPLETE")
    click.echo(complete.source(), nl=False)


def _plan(
    *,
    paths: tuple[str, ...],
    from_cluster: str | None,
    context: str,
    namespace: str,
    cluster: str,
    strimzi_version: str,
    **choices: Any,
) -> Plan:
    """Go from the words of the command line to a plan; tell all problems of the run at once."""
    if bool(paths) == (from_cluster is not None):
        raise click.UsageError("give either -f PATH or --from-cluster")
    version = parse_version(strimzi_version)
    if strimzi_version and version is None:
        raise click.BadParameter(
            f"{strimzi_version!r} is no version", param_hint="--strimzi-version"
        )
    options = _options(**choices)
    found = list(options.problems())
    if from_cluster is not None:
        fetched = fetch(from_cluster, namespace, context=context)
        documents, seen = fetched.documents, fetched.problems
    else:
        loaded = load(paths)
        documents, seen = loaded.documents, loaded.problems
    reading = read(documents, cluster=cluster, namespace=namespace, strimzi_version=version)
    problems = in_order([*found, *seen, *reading.problems])
    if reading.cluster is None or has_error(problems):
        raise InputError(problems)
    return build(reading.cluster, options, problems)


def _options(
    *,
    strategy: str,
    quiesce_by: str,
    kasten: tuple[str, ...],
    run_as_user: str,
    timeouts: tuple[tuple[str, str], ...],
    **same: Any,
) -> Options:
    limits = {}
    for step, text in timeouts:
        if step not in LIMITS:
            raise click.BadParameter(
                f"{step!r} is none of {', '.join(LIMITS)}", param_hint="--timeout"
            )
        limits[step] = _seconds(text)
    if run_as_user != PLATFORM and not run_as_user.isdecimal():
        raise click.BadParameter("must be a user id or platform", param_hint="--run-as-user")
    return Options(
        strategy=Strategy(strategy),
        quiesce_by=QuiesceBy(quiesce_by),
        kasten=tuple(form for form in KastenForm if form.value in kasten),
        run_as_user=None if run_as_user == PLATFORM else int(run_as_user),
        limits=Limits(**limits),
        **same,
    )


def _tell(problems: Iterable[Problem], *, err: bool = True) -> None:
    colors = {Severity.ERROR: "red", Severity.WARNING: "yellow"}
    for problem in problems:
        line = problems_text([problem])
        word = problem.severity.value
        click.echo(
            line.replace(f" {word}: ", f" {click.style(word, fg=colors[problem.severity])}: ", 1),
            err=err,
            nl=False,
        )
