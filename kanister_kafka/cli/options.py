"""Options that several commands share, and the way from them to a plan."""

from __future__ import annotations

import dataclasses
import enum
import functools
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from kanister_kafka.backup.options import (
    DEFAULT_EXPORT_MEMORY,
    DEFAULT_EXPORT_PARALLEL,
    DEFAULT_KASTEN_NAMESPACE,
    DEFAULT_RESTIC_IMAGE,
    DEFAULT_RUN_AS_USER,
    FORMER_STEPS,
    HOLD,
    KEEP_COPIES_RULES,
    KEEP_RULES,
    NEVER,
    NONE,
    PLATFORM,
    STEPS,
    GitOps,
    KastenOutput,
    Options,
    QuiesceMethod,
    ScriptSharing,
    SnapshotProvider,
    StepTimeouts,
    Strategy,
    UncleanStop,
)
from kanister_kafka.cli.param_types import flag_option, text_option
from kanister_kafka.diagnostics import has_error, sort_diagnostics
from kanister_kafka.durations import format_duration, parse_duration
from kanister_kafka.errors import InputError
from kanister_kafka.kasten.schemas import FREQUENCIES
from kanister_kafka.kube.pod_options import (
    DEFAULT_IMAGE,
    DEFAULT_REQUESTS,
    NO_SIDECAR_ANNOTATIONS,
    NO_SIDECAR_LABELS,
    Pairs,
    PodOptions,
    image_for,
    parse_resources,
    parse_toleration,
    pod_option_errors,
)
from kanister_kafka.strimzi import Version, parse_version, read_cluster
from kanister_kafka.yamldoc import LoadResult, load

if TYPE_CHECKING:
    from kanister_kafka.backup.model import BackupPlan
    from kanister_kafka.kube.client import KubeClient
    from kanister_kafka.strimzi.from_cluster import ClusterResources

Command = Callable[..., None]
USED_ANYWAY = f"{__name__}.used"
"""In the meta of a context: the command asks an API server in any case."""
ACCESS = ("kubeconfig", "as", "request_timeout")
"""Options of the connection to an API server."""


def _present_steps(
    ctx: click.Context, _param: click.Parameter, value: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """Return time-outs by the present names of their steps; warn of former names.

    The options that a Blueprint has of its own making may have them, without a warning.
    """
    from kanister_kafka.cli.app import print_warning

    for step in FORMER_STEPS.keys() & dict(value).keys():
        if ctx.command is not _choosing:
            print_warning(f"--timeout {step}= is deprecated; write --timeout {FORMER_STEPS[step]}=")
    return tuple((FORMER_STEPS.get(step, step), text) for step, text in value)


def parse_duration_option(text: str) -> int:
    """Read a duration such as 90s or 1m30s."""
    duration = parse_duration(text)
    if duration is None:
        raise click.BadParameter(f"{text!r} is not a duration such as 90s or 1m30s")
    return duration


def _seconds_or_never(text: str) -> int:
    """Read a duration, or never, which is 0."""
    return 0 if text == NEVER else parse_duration_option(text)


def parse_key_value(text: str) -> tuple[str, str]:
    """Read KEY=VALUE."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE")
    return key, value


def _pair_or_none(text: str) -> tuple[str, str] | str:
    """Read KEY=VALUE, or none, which takes away what is there by default."""
    return text if text == NONE else parse_key_value(text)


def parse_annotations(usual: Pairs, given: Iterable[tuple[str, str] | str]) -> Pairs:
    """Return the metadata of pods: the defaults, with the given over them or instead of them."""
    by_key = dict(usual)
    for one in given:
        if isinstance(one, str):
            by_key = {}
        else:
            by_key[one[0]] = one[1]
    return tuple(by_key.items())


def parse_resources_option(option: str, text: str) -> Pairs:
    """Read the value of --requests or --limits."""
    resources = () if text in ("", NONE) else parse_resources(text)
    if resources is None:
        raise click.BadParameter(f"{text!r} is not cpu=100m,memory=64Mi", param_hint=option)
    return resources


def _choice(choices: type[enum.Enum]) -> click.Choice[str]:
    return click.Choice([choice.value for choice in choices])


def option_group(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return one decorator for several options, in the order in which help shows them."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def format_pairs(pairs: Pairs) -> str:
    """Format pairs as they are given."""
    return ",".join(map("=".join, pairs))


strimzi_version_option = text_option(
    "--strimzi-version",
    "Version of the operator; without it the steps find out when they run.",
    metavar="VERSION",
)

paths_option = click.option(
    "-f",
    "--filename",
    "paths",
    multiple=True,
    metavar="PATH",
    help="File, directory, or - for standard input, with custom resources; repeatable.",
)
input_context_option = text_option("--context", "Kubeconfig context for --from-cluster.")

_input_options = option_group(
    paths_option,
    click.option(
        "--from-cluster",
        is_flag=False,
        flag_value="",
        default=None,
        metavar="[NAME]",
        help="Read the custom resources and workloads from the current kubeconfig context.",
    ),
    input_context_option,
    text_option("-n --namespace", "Namespace of the Kafka, and of documents that name none."),
    text_option("--cluster", "Which Kafka, if there are several.", metavar="[NAMESPACE/]NAME"),
    strimzi_version_option,
)


kafka_argument = click.argument("kafkas", nargs=-1, metavar="[KAFKA]")


def input_options(command: Command) -> Command:
    """Add the options of the input to a command, and the name of a Kafka as its argument."""

    @functools.wraps(command)
    def named(*context: Any, kafkas: tuple[str, ...] = (), **choices: Any) -> None:
        command(*context, **with_names(kafkas, choices))

    return kafka_argument(_input_options(named))


def with_names(names: tuple[str, ...], choices: dict[str, Any]) -> dict[str, Any]:
    """Take a name as that of the Kafka, and more files behind -f as files, as a shell has them."""
    more = tuple(name for name in names if choices["paths"] and os.path.lexists(name))
    kafkas = [name for name in names if name not in more]
    if len(kafkas) > 1:
        raise click.UsageError(f"one KAFKA, not {' and '.join(kafkas)}")
    choices["paths"] = choices["paths"] + tuple(more)
    if not kafkas:
        return choices
    if choices["cluster"] or choices["from_cluster"]:
        other = "--cluster" if choices["cluster"] else "--from-cluster"
        raise click.UsageError(f"name the Kafka once: {kafkas[0]}, or {other}")
    if choices["paths"]:
        return {**choices, "cluster": kafkas[0]}
    if os.path.lexists(kafkas[0]):
        raise click.UsageError(f"{kafkas[0]} is a file or a directory: give it with -f")
    namespace, name = _split_name(kafkas[0], choices["namespace"])
    return {**choices, "from_cluster": name, "namespace": namespace}


def _split_name(kafka: str, namespace: str) -> tuple[str, str]:
    """Return namespace and name of KAFKA, which may be NAMESPACE/NAME, as reports print it."""
    own_namespace, _, name = kafka.rpartition("/")
    if own_namespace and namespace not in ("", own_namespace):
        raise click.UsageError(f"{kafka} is not in namespace {namespace}")
    return own_namespace or namespace, name


pod_options = option_group(
    click.option(
        "--pod-label",
        "pod_labels",
        type=_pair_or_none,
        multiple=True,
        metavar="KEY=VALUE|none",
        help="Label of every pod, in addition to or, after none, instead of the default; "
        f"repeatable.  [default: {format_pairs(NO_SIDECAR_LABELS)}]",
    ),
    click.option(
        "--pod-annotation",
        "pod_annotations",
        type=_pair_or_none,
        multiple=True,
        metavar="KEY=VALUE|none",
        help="The same for annotations; both need Kanister 0.111.  "
        f"[default: {format_pairs(NO_SIDECAR_ANNOTATIONS)}]",
    ),
    click.option(
        "--image-pull-secret",
        "image_pull_secrets",
        multiple=True,
        metavar="NAME",
        help="Secret in the namespace of the Kafka with which pods pull their image; repeatable.",
    ),
    click.option(
        "--toleration",
        "tolerations",
        multiple=True,
        metavar="KEY[=VALUE][:EFFECT]",
        help="Taint that the pods tolerate; repeatable.",
    ),
    click.option(
        "--node-selector",
        type=parse_key_value,
        multiple=True,
        metavar="KEY=VALUE",
        help="Label of the nodes that the pods may run on; repeatable.",
    ),
    text_option("--priority-class", "PriorityClass of the pods."),
    text_option(
        "--requests",
        f"Resources that each pod requests.  [default: {format_pairs(DEFAULT_REQUESTS)}]",
        metavar="cpu=CPU,memory=MEMORY|none",
    ),
    text_option(
        "--limits pod_limits",
        "Limits of each pod.  [default: no limit]",
        metavar="cpu=CPU,memory=MEMORY",
    ),
)
"""How pods fit into a namespace: those of the steps, of the watchdog and of other commands."""
POD_WORDS = (
    "pod_labels", "pod_annotations", "image_pull_secrets", "tolerations", "node_selector",
    "priority_class", "requests", "pod_limits",
)  # fmt: skip
"""Names of these options."""


def pod_options_from(
    usual: PodOptions,
    *,
    pod_labels: tuple[tuple[str, str] | str, ...],
    pod_annotations: tuple[tuple[str, str] | str, ...],
    image_pull_secrets: tuple[str, ...],
    tolerations: tuple[str, ...],
    node_selector: Pairs,
    priority_class: str,
    requests: str,
    pod_limits: str,
) -> PodOptions:
    """Go from these options to pods that are not of a plan; `usual` has what is not given."""
    tolerated = []
    for text in tolerations:
        if (toleration := parse_toleration(text)) is None:
            raise click.BadParameter(
                f"{text!r} is not KEY[=VALUE][:EFFECT]", param_hint="--toleration"
            )
        tolerated.append(toleration)
    pods = PodOptions(
        labels=parse_annotations(usual.labels, pod_labels),
        annotations=parse_annotations(usual.annotations, pod_annotations),
        pull_secrets=image_pull_secrets,
        tolerations=tuple(tolerated),
        node_selector=node_selector,
        priority_class=priority_class,
        requests=parse_resources_option("--requests", requests) if requests else usual.requests,
        limits=parse_resources_option("--limits", pod_limits) if pod_limits else usual.limits,
    )
    for option, value, must in pod_option_errors(pods):
        raise click.BadParameter(f'"{value}": {must}', param_hint=f"--{option}")
    return pods


def _counting_options(prefix: str, noun: str, last: str) -> Callable[[Command], Command]:
    options = [click.option(f"--{prefix}-last", type=click.IntRange(0), default=0, help=last)]
    for rule, period in (
        ("hourly", "hours"),
        ("daily", "days"),
        ("weekly", "weeks"),
        ("monthly", "months"),
        ("yearly", "years"),
    ):
        text = f"Keep the newest {noun} of each of the last N {period} that have one."
        options.append(
            click.option(
                f"--{prefix}-{rule}", type=click.IntRange(0), default=0, metavar="N", help=text
            )
        )
    return option_group(*options)


keep_options = _counting_options("keep", "backup", "Keep the N newest.")
"""The keep rules that count, those of restic."""
keep_copies_options = _counting_options(
    "keep-copies", "copy", "Keep the N newest copies off the cluster; without any rule all stay."
)
"""The same for copies off the cluster."""
SCHEDULE_WORDS = (
    "schedule", "time_zone", "schedule_image", "verify_schedule", "verify_into", "verify_memory",
    *KEEP_RULES, *KEEP_COPIES_RULES,
)  # fmt: skip
"""Names of the options of a schedule."""

kasten_namespace_option = click.option(
    "--kasten-namespace",
    default=DEFAULT_KASTEN_NAMESPACE,
    show_default=True,
    help="Namespace of the Blueprint and of the Kanister controller.",
)
plan_options = option_group(
    click.option(
        "--strategy",
        type=_choice(Strategy),
        default=Strategy.COLD.value,
        show_default=True,
        help="cold: stop the cluster for the snapshot; online: stop its clients only, and fail if "
        "anything moves; hot: stop nothing, flush only or, with --engine kanister, snapshot all "
        "volumes at one moment.",
    ),
    click.option(
        "--engine",
        type=_choice(SnapshotProvider),
        default=SnapshotProvider.KASTEN.value,
        show_default=True,
        help="Who takes the snapshots: Kasten, or the Blueprint, which can then restore too.",
    ),
    text_option(
        "--snapshot-class", "VolumeSnapshotClass for --engine kanister.  [default: the driver's]"
    ),
    text_option(
        "--group-snapshot-class",
        "VolumeGroupSnapshotClass by which an online or hot backup of --engine kanister "
        "snapshots all claims at one moment.  [default: each claim by itself]",
    ),
    click.option(
        "--restart-after",
        type=_seconds_or_never,
        metavar="DURATION|never",
        default="1h",
        show_default=True,
        help="Time after which the watchdog starts a Kafka that is still stopped.",
    ),
    click.option(
        "--quiesce-by",
        type=_choice(QuiesceMethod),
        default=QuiesceMethod.REPLICAS.value,
        show_default=True,
        help="How mirrors and connectors stop; pause if GitOps would undo changed replicas.",
    ),
    click.option(
        "--writer",
        "writers",
        multiple=True,
        metavar="KIND/NAMESPACE/NAME",
        help="Quiesce this KafkaMirrorMaker2, KafkaMirrorMaker, KafkaConnect or KafkaBridge, "
        "although its address does not show that it writes into the Kafka; repeatable.",
    ),
    click.option(
        "--not-a-writer",
        "not_writers",
        multiple=True,
        metavar="KIND/NAMESPACE/NAME",
        help="Do not stop this one, even if it writes into the Kafka; repeatable.",
    ),
    click.option(
        "--unclean-stop",
        type=_choice(UncleanStop),
        default=UncleanStop.FAIL.value,
        show_default=True,
        help="What to do with a backup if a node was killed while it stopped.",
    ),
    flag_option(
        "--require-quiet", "Fail if topics still grow after all known writers have stopped."
    ),
    click.option(
        "--kasten",
        type=_choice(KastenOutput),
        multiple=True,
        help="Add a Policy, a BlueprintBinding or a RestoreAction, or print the annotation to set; "
        "repeatable.",
    ),
    text_option("--restore-point", "RestorePoint that the RestoreAction restores."),
    click.option(
        "--restored-retention",
        default=HOLD,
        show_default=True,
        metavar="hold|now|DURATION",
        help="Handling of records past their retention in a Kafka that Kasten restores.",
    ),
    kasten_namespace_option,
    click.option(
        "--frequency",
        type=click.Choice(FREQUENCIES),
        default=FREQUENCIES[0],
        show_default=True,
        help="When the Policy runs; each run is an outage.",
    ),
    text_option("--profile", "Location profile of the Policy."),
    text_option("--blueprint --name name", "Name of the Blueprint.  [default: NAMESPACE.CLUSTER]"),
    click.option(
        "--image",
        default=DEFAULT_IMAGE,
        show_default=True,
        help="Image with bash and kubectl for the steps.",
    ),
    text_option(
        "--service-account", "Service account of the steps.  [default: CLUSTER-kanister-kafka]"
    ),
    flag_option(
        "--admission-policy",
        "Add a ValidatingAdmissionPolicy that holds the accounts to annotations and replicas.",
    ),
    click.option(
        "--run-as-user",
        default=str(DEFAULT_RUN_AS_USER),
        show_default=True,
        metavar="UID|platform",
        help="User of the steps; platform leaves it open, as OpenShift wants.",
    ),
    pod_options,
    click.option(
        "--gitops",
        type=_choice(GitOps),
        help="Add the annotations that Argo CD or Flux needs to apply it all.",
    ),
    click.option(
        "--scripts",
        type=_choice(ScriptSharing),
        help="Whose the ConfigMap with the scripts is: shared by all clusters of the namespace, or "
        "this one's own, as every release of Helm and application of GitOps needs it.  [default: "
        "own with --gitops, else shared]",
    ),
    click.option(
        "--label",
        "labels",
        type=parse_key_value,
        multiple=True,
        metavar="KEY=VALUE",
        help="Extra label of every object; repeatable.",
    ),
    click.option(
        "--annotation",
        "annotations",
        type=parse_key_value,
        multiple=True,
        metavar="KEY=VALUE",
        help="Extra annotation of every object; repeatable.",
    ),
    click.option(
        "--timeout",
        "timeouts",
        type=parse_key_value,
        multiple=True,
        metavar="STEP=DURATION",
        shell_complete=lambda _ctx, _param, text: [
            f"{step}=" for step in STEPS if step.startswith(text)
        ],
        callback=_present_steps,
        help=f"How long a step waits, repeatable. STEP is one of {', '.join(STEPS)}.  [default: "
        + ", ".join(
            f"{step} {format_duration(getattr(StepTimeouts(), STEPS[step]))}" for step in STEPS
        )
        + "]",
    ),
    click.option(
        "--hook-timeout",
        type=parse_duration_option,
        metavar="DURATION",
        default="20m",
        show_default=True,
        help="How long Kasten lets a hook run (its Helm value timeout.blueprintHooks).",
    ),
    text_option(
        "--schedule",
        'Add a CronJob that makes a backup at these times, such as "0 3 * * *", and prunes: '
        "for --engine kanister; each run is an outage.",
        metavar="CRON",
    ),
    text_option(
        "--time-zone",
        "Time zone of the schedule, such as Europe/Berlin.  [default: that of the controller]",
        metavar="NAME",
    ),
    text_option("--schedule-image", "Image with kanister-kafka for the CronJob.", metavar="IMAGE"),
    text_option(
        "--verify-schedule",
        "Add a CronJob that verifies the newest backup at these times, without an outage: for "
        "--engine kanister.",
        metavar="CRON",
    ),
    text_option(
        "--verify-into",
        "Existing namespace in which --verify-schedule restores the backup.",
        metavar="NAMESPACE",
    ),
    text_option(
        "--verify-memory",
        "Memory of each node of the copy of --verify-schedule.  [default: that of the backup]",
        metavar="QUANTITY",
    ),
    text_option(
        "--export-profile",
        "Copy each backup to the S3 location of this Profile of Kanister: for --engine kanister.",
        metavar="PROFILE",
    ),
    text_option(
        "--export-secret",
        "Secret in the namespace of the Kafka with the credentials of the location and the "
        "password of the copies.  [default: KAFKA-kanister-kafka-export]",
        metavar="SECRET",
    ),
    click.option(
        "--export-parallel",
        type=int,
        default=DEFAULT_EXPORT_PARALLEL,
        metavar="N",
        show_default=True,
        help="Volumes that are copied at a time.",
    ),
    click.option(
        "--export-image",
        default=DEFAULT_RESTIC_IMAGE,
        metavar="IMAGE",
        show_default=True,
        help="Image with restic.",
    ),
    click.option(
        "--export-memory",
        default=DEFAULT_EXPORT_MEMORY,
        metavar="QUANTITY",
        show_default=True,
        help="Memory of each pod that copies, request and limit.",
    ),
    keep_options,
    text_option("--keep-within", "Keep backups younger than this.", metavar="DURATION"),
    keep_copies_options,
    text_option(
        "--keep-copies-within", "Keep copies of backups younger than this.", metavar="DURATION"
    ),
)


def options_named(*names: str) -> list[click.Parameter]:
    """Return those of the options above that a command of its own kind needs."""
    every = click.command()(kafka_argument(_input_options(plan_options(lambda: None)))).params
    by_name = {option.name: option for option in every}
    return [by_name[name] for name in names]


@click.command()
@plan_options
@strimzi_version_option
def _choosing(**_: object) -> None:
    """Take the options of a plan alone; it is read and never run."""


templates_option = click.option(
    "--templates",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Directory with templates that replace the built-in ones of the same name.",
)
blueprint_namespace_option = text_option(
    "--kasten-namespace",
    "Namespace of the Blueprint.  [default: the one in the state ConfigMap, or kasten-io]",
)
claims_class_option = text_option(
    "--snapshot-class",
    "VolumeSnapshotClass of all claims.  [default: the one that a backup gets]",
    metavar="CLASS",
)
stage_timeout_option = click.option(
    "--timeout",
    type=parse_duration_option,
    metavar="DURATION",
    default="20m",
    show_default=True,
    help="How long each action, the snapshots and the return may take.",
)
report_form_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How the report is written.",
)


def report_file_options(page: str) -> Callable[[Command], Command]:
    """Return the options for the files of a report; `page` describes the HTML page."""
    file = click.Path(path_type=Path, dir_okay=False)
    return option_group(
        click.option("--html", type=file, metavar="FILE", help=page),
        click.option(
            "-o",
            "--output",
            type=file,
            metavar="FILE",
            help="File for the report, instead of standard output.",
        ),
    )


check_option = flag_option(
    "--check", "Write nothing; exit 1 with a diff if files in --output-dir are stale."
)


def live_kafka_options(parameter: str) -> Callable[[Command], Command]:
    """Add which Kafka of a live cluster; without it the only one of the namespace."""
    options = option_group(
        click.argument(parameter, metavar="[KAFKA]", default="", required=False),
        text_option("-n --namespace", "Namespace of the Kafka.  [default: the context's]"),
        text_option("--context", "Kubeconfig context."),
    )

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def named(*context: Any, namespace: str, **choices: Any) -> None:
            namespace, choices[parameter] = _split_name(choices[parameter], namespace)
            command(*context, namespace=namespace, **choices)

        return options(named)

    return decorate


live_options = live_kafka_options("name")


applied_blueprint_option = text_option(
    "--blueprint",
    "Name of the Blueprint.  [default: NAMESPACE.CLUSTER, or the one applied for the Kafka]",
)
follow_options = option_group(
    click.option(
        "--timeout",
        type=parse_duration_option,
        metavar="DURATION",
        help="Stop following after this time; the action runs on.",
    ),
    flag_option("--no-logs", "Do not print the output of the task pods."),
)
"""How an action is followed."""
action_options = option_group(
    applied_blueprint_option,
    click.option(
        "--option",
        "options",
        type=parse_key_value,
        multiple=True,
        metavar="KEY=VALUE",
        help="Option of the ActionSet, for templates of a Blueprint that ask for one; repeatable.",
    ),
    text_option(
        "--retention",
        "After a restore, records past their retention: kept until `release-retention`, "
        "deleted at once, or kept for this time after each start of a broker.  [default: hold]",
        metavar="hold|now|DURATION",
    ),
    follow_options,
    flag_option("-y --yes", "Do not ask before a restore."),
    flag_option("--dry-run", "Print the ActionSet that would be created, and create none."),
)
"""How an action of a Blueprint is run and followed."""


def plan_from_cli(
    *,
    paths: tuple[str, ...],
    from_cluster: str | None,
    context: str,
    namespace: str,
    cluster: str,
    strimzi_version: str,
    connection: KubeClient | None = None,
    loaded: LoadResult | None = None,
    **choices: Any,
) -> BackupPlan:
    """Build a plan from the options of the command line; report all problems of the run at once.

    `loaded` is what the paths hold, if they are read already.
    """
    if bool(paths) == (from_cluster is not None):
        raise click.UsageError(
            "give either -f PATH or --from-cluster; KAFKA alone is one of a live cluster"
        )
    if from_cluster is None:
        refuse("--from-cluster", "context", *ACCESS)
    version = version_from_cli(strimzi_version)
    options = options_from_cli(**choices)
    if idle := options.idle():
        raise InputError(sort_diagnostics([*options.problems(), *idle]))
    source: LoadResult | ClusterResources
    if from_cluster is not None:
        from kanister_kafka.strimzi.from_cluster import (
            read_cluster_resources,  # not for files, with which no cluster is asked
        )

        source = read_cluster_resources(from_cluster, namespace, context=context, client=connection)
    else:
        source = loaded or load(paths)
    return _plan(source, options, version, cluster, namespace, selects="/" not in cluster)


def plans_from_cli(
    loaded: LoadResult,
    clusters: Iterable[str],
    *,
    namespace: str,
    strimzi_version: str,
    **choices: Any,
) -> tuple[BackupPlan, ...]:
    """Plan every one of these clusters with the same words of the command line."""
    version, options, names = (
        version_from_cli(strimzi_version),
        options_from_cli(**choices),
        tuple(clusters),
    )
    if options.name and len(names) > 1:
        raise click.UsageError(f"--name is for one Kafka, and here are {', '.join(names)}")
    if has_error(loaded.problems):
        raise InputError(sort_diagnostics(loaded.problems))
    return tuple(_plan(loaded, options, version, name, namespace) for name in names)


def _plan(
    source: LoadResult | ClusterResources,
    options: Options,
    version: Version | None,
    cluster: str,
    namespace: str,
    *,
    selects: bool = False,
) -> BackupPlan:
    """Plan one Kafka; `selects`: only one of this namespace, not only by default there."""
    from kanister_kafka.backup.planner import build_plan  # not for `run`, which plans nothing

    option_problems, documents = options.problems(), source.documents
    read_problems = source.problems
    # The Kafka may be in a document that cannot be read.
    if not documents and has_error(read_problems):
        raise InputError(sort_diagnostics([*option_problems, *read_problems]))
    reading = read_cluster(
        documents,
        cluster=cluster,
        namespace=namespace,
        kafka_namespace=namespace if selects else "",
        strimzi_version=version,
        writers=options.writers,
        not_writers=options.not_writers,
        others=() if isinstance(source, LoadResult) else source.others,
        kubernetes=None if isinstance(source, LoadResult) else source.minor,
    )
    problems = sort_diagnostics([*option_problems, *read_problems, *reading.problems])
    if reading.cluster is None or has_error(problems):
        raise InputError(problems)
    if not isinstance(source, LoadResult):
        options = with_suitable_image(options, source.minor)
    plan = build_plan(reading.cluster, options, problems)
    if has_error(plan.problems):
        raise InputError(plan.problems)
    return plan


def refuse(needed: str, *names: str) -> None:
    """End with wrong use if an option is given that does nothing without another.

    A command that uses an option in another way, such as `apply` its context, names it itself.
    """
    context = click.get_current_context(silent=True)
    if context is None or context.meta.get(USED_ANYWAY):
        return
    for option in context.command.params:
        name = option.name or ""
        if name not in names:
            continue
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option.opts[-1]} is for {needed}")


def with_suitable_image(options: Options, minor: int | None) -> Options:
    """Let the image of the options follow the API server, unless it was given."""
    context = click.get_current_context(silent=True)
    source = context.get_parameter_source("image") if context else None
    given = source in (ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT)
    if minor is None or given or options.image != DEFAULT_IMAGE:
        return options
    return dataclasses.replace(options, image=image_for(minor))


def version_from_cli(text: str) -> Version | None:
    """Read --strimzi-version."""
    version = parse_version(text)
    if text and version is None:
        raise click.BadParameter(f"{text!r} is not a version", param_hint="--strimzi-version")
    return version


def chosen_options_from(words: Iterable[str]) -> click.Context:
    """Read words of a command line that are all options of a plan; click.UsageError else."""
    return _choosing.make_context("options", list(words))


def options_from(words: Iterable[str]) -> tuple[Options, Version | None]:
    """Read options from words of a command line, as a Blueprint keeps them of its own making.

    Raises click.UsageError if they are none.
    """
    given = _choosing.make_context("options", list(words)).params
    version = parse_version(given.pop("strimzi_version"))
    return options_from_cli(**given), version


def options_from_cli(
    *,
    strategy: str,
    engine: str,
    quiesce_by: str,
    kasten: tuple[str, ...],
    run_as_user: str,
    timeouts: tuple[tuple[str, str], ...],
    unclean_stop: str = UncleanStop.FAIL.value,
    gitops: str | None = None,
    scripts: str | None = None,
    pod_labels: tuple[tuple[str, str] | str, ...] = (),
    pod_annotations: tuple[tuple[str, str] | str, ...] = (),
    requests: str = "",
    pod_limits: str = "",
    **same: Any,
) -> Options:
    """Go from the words of the command line to options."""
    limits = {}
    for step, text in timeouts:
        if step not in STEPS:
            raise click.BadParameter(
                f"{step!r} is not one of {', '.join(STEPS)}", param_hint="--timeout"
            )
        limits[STEPS[step]] = parse_duration_option(text)
    if run_as_user != PLATFORM and not run_as_user.isdecimal():
        raise click.BadParameter("must be a user id or platform", param_hint="--run-as-user")
    return Options(
        strategy=Strategy(strategy),
        engine=SnapshotProvider(engine),
        quiesce_by=QuiesceMethod(quiesce_by),
        unclean_stop=UncleanStop(unclean_stop),
        kasten=tuple(form for form in KastenOutput if form.value in kasten),
        gitops=GitOps(gitops) if gitops else None,
        scripts=ScriptSharing(scripts) if scripts else None,
        run_as_user=None if run_as_user == PLATFORM else int(run_as_user),
        limits=StepTimeouts(**limits),
        pod_labels=parse_annotations(NO_SIDECAR_LABELS, pod_labels),
        pod_annotations=parse_annotations(NO_SIDECAR_ANNOTATIONS, pod_annotations),
        requests=parse_resources_option("--requests", requests) if requests else DEFAULT_REQUESTS,
        pod_limits=parse_resources_option("--limits", pod_limits),
        **same,
    )
