"""Options that several commands share, and the way from them to a plan."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Iterable
from typing import Any

import click

from kanister_kafka.document import Loaded, load
from kanister_kafka.errors import InputError
from kanister_kafka.kasten.periods import FREQUENCIES
from kanister_kafka.kube import Fetched, fetch
from kanister_kafka.options import (
    DEFAULT_IMAGE,
    DEFAULT_KASTEN_NAMESPACE,
    DEFAULT_RUN_AS_USER,
    NEVER,
    PLATFORM,
    Engine,
    GitOps,
    KastenForm,
    Limits,
    Options,
    QuiesceBy,
    Strategy,
    UncleanStop,
    duration,
    parse_duration,
)
from kanister_kafka.plan import Plan, build
from kanister_kafka.problem import has_error, in_order
from kanister_kafka.strimzi import Version, parse_version, read

Command = Callable[..., None]
LIMITS = tuple(field.name for field in dataclasses.fields(Limits))


def seconds(text: str) -> int:
    """Read a duration such as 90s or 1m30s."""
    found = parse_duration(text)
    if found is None:
        raise click.BadParameter(f"{text!r} is no duration such as 90s or 1m30s")
    return found


def _seconds_or_never(text: str) -> int:
    """Read a duration, or never, which is 0."""
    return 0 if text == NEVER else seconds(text)


def pair(text: str) -> tuple[str, str]:
    """Read KEY=VALUE."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE")
    return key, value


def _choice(choices: type[enum.Enum]) -> click.Choice[str]:
    return click.Choice([choice.value for choice in choices])


def several(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return one decorator for several options, in the order in which help shows them."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


strimzi_version_option = click.option(
    "--strimzi-version",
    default="",
    metavar="VERSION",
    help="Version of the operator; without it the steps find out when they run.",
)

input_options = several(
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
    strimzi_version_option,
)

plan_options = several(
    click.option(
        "--strategy",
        type=_choice(Strategy),
        default=Strategy.COLD.value,
        show_default=True,
        help="cold: stop the cluster for the snapshot; hot: flush only.",
    ),
    click.option(
        "--engine",
        type=_choice(Engine),
        default=Engine.KASTEN.value,
        show_default=True,
        help="Who takes the snapshots: Kasten, or the Blueprint, which can then restore too.",
    ),
    click.option(
        "--snapshot-class",
        default="",
        help="VolumeSnapshotClass for --engine kanister.  [default: the driver's]",
    ),
    click.option(
        "--restart-after",
        type=_seconds_or_never,
        metavar="DURATION|never",
        default="1h",
        show_default=True,
        help="When the dead man's switch brings Kafka back that nobody has brought back.",
    ),
    click.option(
        "--quiesce-by",
        type=_choice(QuiesceBy),
        default=QuiesceBy.REPLICAS.value,
        show_default=True,
        help="How mirrors and connectors stop; pause where GitOps would undo changed replicas.",
    ),
    click.option(
        "--unclean-stop",
        type=_choice(UncleanStop),
        default=UncleanStop.FAIL.value,
        show_default=True,
        help="What comes of a backup where a node was killed while it stopped.",
    ),
    click.option(
        "--require-quiet",
        is_flag=True,
        help="Fail where topics still grow after all known writers have stopped.",
    ),
    click.option(
        "--kasten",
        type=_choice(KastenForm),
        multiple=True,
        help="Add a Policy, a BlueprintBinding or a RestoreAction, or print the annotation to set; "
        "repeatable.",
    ),
    click.option(
        "--restore-point", default="", help="RestorePoint that the RestoreAction restores."
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
        "--gitops",
        type=_choice(GitOps),
        help="Add the annotations that Argo CD or Flux needs to apply it all.",
    ),
    click.option(
        "--label",
        "labels",
        type=pair,
        multiple=True,
        metavar="KEY=VALUE",
        help="Extra label of every object; repeatable.",
    ),
    click.option(
        "--annotation",
        "annotations",
        type=pair,
        multiple=True,
        metavar="KEY=VALUE",
        help="Extra annotation of every object; repeatable.",
    ),
    click.option(
        "--timeout",
        "timeouts",
        type=pair,
        multiple=True,
        metavar="STEP=DURATION",
        help=f"How long a step waits; STEP is one of {', '.join(LIMITS)}; repeatable.  [default: "
        + ", ".join(f"{name} {duration(getattr(Limits(), name))}" for name in LIMITS)
        + "]",
    ),
    click.option(
        "--hook-timeout",
        type=seconds,
        metavar="DURATION",
        default="20m",
        show_default=True,
        help="How long Kasten lets a hook run (its Helm value timeout.blueprintHooks).",
    ),
)


def options_named(*names: str) -> list[click.Parameter]:
    """Return those of the options above that a command of its own kind needs."""
    every = click.command()(input_options(plan_options(lambda: None))).params
    found = {option.name: option for option in every}
    return [found[name] for name in names]


@click.command()
@plan_options
@strimzi_version_option
def _choosing(**_: object) -> None:
    """Take the options of a plan alone; it is read and never run."""


live_options = several(
    click.argument("name", default="", required=False),
    click.option(
        "-n", "--namespace", default="", help="Namespace of the Kafka.  [default: the context's]"
    ),
    click.option("--context", default="", help="Kubeconfig context."),
)
"""Which Kafka of a live cluster; without a name the only one of the namespace."""


def plan_of(
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
    version = version_of(strimzi_version)
    options = options_of(**choices)
    source: Loaded | Fetched
    if from_cluster is not None:
        source = fetch(from_cluster, namespace, context=context)
    else:
        source = load(paths)
    return _plan(source, options, version, cluster, namespace)


def plans_of(
    loaded: Loaded, clusters: Iterable[str], *, namespace: str, strimzi_version: str, **choices: Any
) -> tuple[Plan, ...]:
    """Plan every one of these clusters with the same words of the command line."""
    version, options, names = version_of(strimzi_version), options_of(**choices), tuple(clusters)
    if options.name and len(names) > 1:
        raise click.UsageError(f"--name is for one Kafka, and here are {', '.join(names)}")
    if has_error(loaded.problems):
        raise InputError(in_order(loaded.problems))
    return tuple(_plan(loaded, options, version, name, namespace) for name in names)


def _plan(
    source: Loaded | Fetched, options: Options, version: Version | None, cluster: str, home: str
) -> Plan:
    found, documents, seen = options.problems(), source.documents, source.problems
    if not documents and has_error(seen):  # to miss a Kafka in what could not be read is no news
        raise InputError(in_order([*found, *seen]))
    reading = read(documents, cluster=cluster, namespace=home, strimzi_version=version)
    problems = in_order([*found, *seen, *reading.problems])
    if reading.cluster is None or has_error(problems):
        raise InputError(problems)
    return build(reading.cluster, options, problems)


def version_of(text: str) -> Version | None:
    """Read --strimzi-version."""
    version = parse_version(text)
    if text and version is None:
        raise click.BadParameter(f"{text!r} is no version", param_hint="--strimzi-version")
    return version


def options_from(words: Iterable[str]) -> tuple[Options, Version | None]:
    """Read options from words of a command line, as a Blueprint keeps them of its own making.

    Raises click.UsageError where they are none.
    """
    given = _choosing.make_context("options", list(words)).params
    version = parse_version(given.pop("strimzi_version"))
    return options_of(**given), version


def options_of(
    *,
    strategy: str,
    engine: str,
    quiesce_by: str,
    unclean_stop: str,
    kasten: tuple[str, ...],
    run_as_user: str,
    timeouts: tuple[tuple[str, str], ...],
    gitops: str | None = None,
    **same: Any,
) -> Options:
    """Go from the words of the command line to options."""
    limits = {}
    for step, text in timeouts:
        if step not in LIMITS:
            raise click.BadParameter(
                f"{step!r} is none of {', '.join(LIMITS)}", param_hint="--timeout"
            )
        limits[step] = seconds(text)
    if run_as_user != PLATFORM and not run_as_user.isdecimal():
        raise click.BadParameter("must be a user id or platform", param_hint="--run-as-user")
    return Options(
        strategy=Strategy(strategy),
        engine=Engine(engine),
        quiesce_by=QuiesceBy(quiesce_by),
        unclean_stop=UncleanStop(unclean_stop),
        kasten=tuple(form for form in KastenForm if form.value in kasten),
        gitops=GitOps(gitops) if gitops else None,
        run_as_user=None if run_as_user == PLATFORM else int(run_as_user),
        limits=Limits(**limits),
        **same,
    )
