"""Options in sections of the help, for commands that have many."""

from __future__ import annotations

import click

SECTIONS: dict[str, tuple[str, ...]] = {
    "Input": (
        "paths", "from_cluster", "namespace", "cluster", "strimzi_version", "writers",
        "not_writers", "selector", "jobs",
    ),
    "Cluster": ("context", "kubeconfig", "as", "request_timeout", "verbose"),
    "Backup": (
        "strategy", "engine", "snapshot_class", "restart_after", "quiesce_by", "unclean_stop",
        "require_quiet", "timeouts", "hook_timeout",
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
    "Pods and rights": (
        "image", "service_account", "admission_policy", "run_as_user", "pod_labels",
        "pod_annotations", "image_pull_secrets", "tolerations", "node_selector",
        "priority_class", "requests", "pod_limits",
    ),
    "Objects": ("name", "scripts", "gitops", "labels", "annotations", "templates"),
}  # fmt: skip
"""Which options stand in which section, by their names in code; all others come first."""


class SectionedCommand(click.Command):
    """A command whose help has its options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what is the command's own first, then the sections."""
        records: dict[str, list[tuple[str, str]]] = {"Options": [], **{one: [] for one in SECTIONS}}
        section_of = {}
        for section, names in SECTIONS.items():
            section_of.update(dict.fromkeys(names, section))
        for option in self.get_params(ctx):
            if isinstance(option, click.Argument):
                continue  # the first line names it
            if (record := option.get_help_record(ctx)) is not None:
                records[section_of.get(option.name or "", "Options")].append(record)
        for title, rows in records.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
