"""Values of the command line that name something known, and groups of options in the help."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from kanister_kafka.errors import KanisterKafkaError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from kanister_kafka.kube.client import KubeClient


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


class RuleIds(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from click 8.5 on
    """Ids of checks, separated by commas."""

    name = "id"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return them, or end with the id that is most like the given one."""
        from kanister_kafka.linter.registry import (
            closest_rule_id,  # seldom needed, as below
            rule_docs,
        )

        ids = tuple(str(value).split(","))
        for rule_id in ids:
            if rule_id not in rule_docs():
                near = closest_rule_id(rule_id)
                hint = f'did you mean "{near}"?' if near else "`explain` lists all."
                self.fail(f'No rule is called "{rule_id}"; {hint}', param, ctx)
        return ids

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002
        incomplete: str,
    ) -> list[CompletionItem]:
        """Complete the last id."""
        from click.shell_completion import CompletionItem

        from kanister_kafka.linter.registry import rule_docs

        before, comma, last = incomplete.rpartition(",")
        return [
            CompletionItem(f"{before}{comma}{section.id}", help=section.summary)
            for section in rule_docs().values()
            if section.id.startswith(last)
        ]


class KanisterRelease(click.ParamType):  # type: ignore[type-arg,unused-ignore] # as above
    """A release of Kanister."""

    name = "release"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it as the checks name it, or end with a list of those that are known."""
        from kanister_kafka.kanister.function_types import RELEASES, parse_release

        release = parse_release(str(value))
        if release is None:
            known = ", ".join(RELEASES)
            self.fail(f"{value!r} is not a known release of Kanister: {known}.", param, ctx)
        return release


def text_option(names: str, text: str, metavar: str | None = None) -> Decorator:
    """Return an option with a value that is empty by default; `text` is its help.

    `names` are separated by spaces, as `click.option` has them: `-n --namespace`.
    """
    return click.option(*names.split(), default="", metavar=metavar, help=text)


def flag_option(names: str, text: str) -> Decorator:
    """Return an option without a value; `text` is its help."""
    return click.option(*names.split(), is_flag=True, help=text)


def release_option(which: str) -> Decorator:
    """Return the option `--kanister-version`; the help begins with which release it names."""
    from kanister_kafka.kanister.function_types import (
        NEWEST,
        RELEASES,  # not for `explain`
    )

    return click.option(
        "--kanister-version",
        "release",
        type=KanisterRelease(),
        default=NEWEST,
        show_default=True,
        metavar="VERSION",
        help=f"{which}: {RELEASES[0]} to {NEWEST}, or {RELEASES[-1]}.",
    )


# Options in sections of the help, for commands that have many.

SECTIONS: dict[str, tuple[str, ...]] = {
    "Input": (
        "paths", "from_cluster", "namespace", "cluster", "strimzi_version", "writers",
        "not_writers", "selector", "jobs",
    ),
    "Cluster": ("context", "kubeconfig", "as", "request_timeout", "verbose"),
    "Backup": (
        "strategy", "engine", "snapshot_class", "group_snapshot_class", "restart_after",
        "quiesce_by", "unclean_stop", "require_quiet", "timeouts", "hook_timeout",
    ),
    "Kasten": (
        "kasten", "kasten_namespace", "frequency", "profile", "restore_point",
        "restored_retention",
    ),
    "Schedule": (
        "schedule", "time_zone", "schedule_image", "verify_schedule", "verify_into",
        "verify_memory", "keep_last", "keep_hourly", "keep_daily",
        "keep_weekly", "keep_monthly", "keep_yearly", "keep_within",
    ),
    "Copy off the cluster": (
        "export_profile", "export_secret", "export_parallel", "export_image", "export_memory",
        "keep_copies_last", "keep_copies_hourly", "keep_copies_daily", "keep_copies_weekly",
        "keep_copies_monthly", "keep_copies_yearly", "keep_copies_within",
    ),
    "Copy in another namespace": (
        "into", "storage_class", "cpu", "memory", "heap", "entity_operator",
    ),
    "Object store": (
        "location", "location_secret", "insecure_tls", "restic", "import_parallel",
        "import_image", "import_memory", "import_timeout", "unchanged",
    ),
    "Pods and rights": (
        "image", "service_account", "admission_policy", "run_as_user", "pod_labels",
        "pod_annotations", "image_pull_secrets", "tolerations", "node_selector",
        "priority_class", "requests", "pod_limits",
    ),
    "Objects": ("name", "scripts", "gitops", "labels", "annotations", "templates"),
}  # fmt: skip
"""Which options stand in which section, by their names in code; all others come first."""


class SectionedCommand(click.Command):
    """A command whose help has its options in sections, if there are several for a section."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what is the command's own first, then the sections."""
        options = [one for one in self.get_params(ctx) if isinstance(one, click.Option)]
        section_of = self._sections({one.name or "" for one in options if not one.hidden})
        records: dict[str, list[tuple[str, str]]] = {"Options": [], **{one: [] for one in SECTIONS}}
        for option in options:
            if (record := option.get_help_record(ctx)) is not None:
                records[section_of.get(option.name or "", "Options")].append(record)
        for title, rows in records.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def _sections(self, options: set[str]) -> dict[str, str]:
        """Return the section of each option that is not alone in it."""
        section_of = {}
        for section, names in SECTIONS.items():
            present = options.intersection(names)
            if len(present) > 1:
                section_of.update(dict.fromkeys(present, section))
        return section_of


# Names that a live cluster has: completed by asking it, and by no more.


ACCESS = f"{__name__}.access"
"""In the meta of a context: the connection to the API server, by fields of Access."""
PATIENCE = 3.0
"""Seconds for each answer while a user waits for a completion."""


class _LiveName(click.ParamType):  # type: ignore[type-arg,unused-ignore] # generic from click 8.5 on
    """A name that a cluster knows."""

    name = "text"

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002 - click's signature
        incomplete: str,
    ) -> list[CompletionItem]:
        """Complete it; with nothing if the cluster does not answer, or may not be asked."""
        from kanister_kafka.kube.kubeconfig import reset_access, set_access

        set_access(**{"timeout": PATIENCE, **ctx.meta.get(ACCESS, {})})
        try:
            return [
                CompletionItem(one)
                for one in self._names(ctx, incomplete)
                if one.startswith(incomplete)
            ]
        except KanisterKafkaError:
            return []
        finally:
            reset_access()

    def _names(self, ctx: click.Context, incomplete: str) -> Iterable[str]:
        raise NotImplementedError


class NamespaceName(_LiveName):
    """The name of a namespace."""

    def _names(self, ctx: click.Context, incomplete: str) -> Iterable[str]:  # noqa: ARG002
        from kanister_kafka.kube.client import NAMESPACES

        return sorted(item["metadata"]["name"] for item in _connection(ctx).items(NAMESPACES))


class KafkaName(_LiveName):
    """The name of a Kafka, or NAMESPACE/NAME; behind -f it may be a further file."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete it from the cluster, or as a file where files are read."""
        if ctx.params.get("paths"):
            return [CompletionItem(incomplete, type="file")]
        return super().shell_complete(ctx, param, incomplete)

    def _names(self, ctx: click.Context, incomplete: str) -> Iterable[str]:
        from kanister_kafka.strimzi.discovery import find_resource

        connection = _connection(ctx)
        resource = find_resource(connection, "Kafka")
        if resource is None:
            return ()
        typed_namespace, slash, _ = incomplete.rpartition("/")
        namespace = typed_namespace or _namespace(ctx) or connection.namespace
        items = connection.items(resource, namespace)
        return sorted(f"{typed_namespace}{slash}{item['metadata']['name']}" for item in items)


def completes_names(command: click.Command) -> None:
    """Let a command that talks to an API server complete its namespaces and Kafkas."""
    for option in command.params:
        is_argument = isinstance(option, click.Argument)
        if option.name in ("namespace", "namespaces") and not is_argument:
            option.type = NamespaceName()
        elif (is_argument and option.name in ("kafka", "kafkas", "name")) or (
            isinstance(option, click.Option)
            and option.name in ("kafka", "from_cluster")
            and not option.is_flag
        ):
            option.type = KafkaName()


def _connection(ctx: click.Context) -> KubeClient:
    from kanister_kafka.kube.client import KubeClient

    return KubeClient(str(ctx.params.get("context") or ""))


def _namespace(ctx: click.Context) -> str:
    several = ctx.params.get("namespaces") or ()
    return str(ctx.params.get("namespace") or (several[-1] if several else ""))
