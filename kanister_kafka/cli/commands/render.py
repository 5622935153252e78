"""The commands `plan` and `render`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from kanister_kafka.backup.kustomization import FILE_NAME, is_generated, kustomization_files
from kanister_kafka.backup.options import ScriptSharing
from kanister_kafka.backup.output_dir import OutdatedFile, outdated_files, prune, write_files
from kanister_kafka.backup.render import Manifest, manifest_files
from kanister_kafka.backup.render import render as render_plan
from kanister_kafka.cli.app import echo, echo_bytes, print_note, print_plan_warnings, terminal_width
from kanister_kafka.cli.options import (
    check_option,
    input_options,
    plan_from_cli,
    plan_options,
    templates_option,
)
from kanister_kafka.cli.output import (
    destination,
    destination_options,
    format_manifests,
    report_format_option,
    report_text,
)
from kanister_kafka.cli.param_types import SectionedCommand, flag_option
from kanister_kafka.linter.helm_source import escape
from kanister_kafka.reports import plan_json, plan_text
from kanister_kafka.reports.text import count_noun


@click.command(
    cls=SectionedCommand, epilog="Example: kanister-kafka plan -f examples/kraft-separate-pools"
)
@input_options
@plan_options
@report_format_option("text", "json", "yaml", "name", "markdown", "html")
def plan(form: str, **choices: Any) -> None:
    """Show what a backup will do.

    Steps and their waits, what is quiesced and what is left alone, and the rights needed.
    """
    planned = plan_from_cli(**choices)
    print_plan_warnings(planned)
    if form == "name":
        echo(f"blueprint.cr.kanister.io/{planned.name}\n")
        return
    if form in ("markdown", "html"):
        from kanister_kafka.reports.plan_page import plan_html, plan_markdown

        echo_bytes(plan_markdown(planned) if form == "markdown" else plan_html(planned))
        return
    text = partial(plan_text, planned, terminal_width())
    echo(report_text(form, text, lambda: plan_json(planned)))


KEPT_BY_APPLY = 256 * 1024
"""Bytes of annotations that an object may have (apimachinery, TotalAnnotationSizeLimitB)."""
FORMATS: dict[str, Callable[[str], str]] = {"yaml": str, "helm": escape}


@click.command(
    cls=SectionedCommand,
    epilog="Example: kanister-kafka render -f examples/kraft-separate-pools | kubectl apply -f -",
)
@input_options
@plan_options
@destination_options
@flag_option("--kustomization", "Make the directory of --output-dir a base of Kustomize.")
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    default="yaml",
    show_default=True,
    help="helm: a template of which Helm makes the same YAML.",
)
@check_option
@templates_option
@click.pass_context
def render(
    ctx: click.Context,
    /,
    output: str,
    output_dir: Path | None,
    form: str,
    templates: Path | None,
    *,
    check: bool,
    kustomization: bool,
    **choices: Any,
) -> None:
    """Print the Blueprint and the objects that it needs, as YAML.

    In a directory, files that a former rendering of the same Blueprint has left and that are not
    rendered any more are removed; all others stay. A file that holds another object, for example of
    a Kafka with the same name in another namespace, is an error, and nothing is written.
    """
    target = destination(output, output_dir)
    folder = target.folder
    if kustomization and folder is None:
        raise click.UsageError("--kustomization needs --output-dir")
    if kustomization and form == "helm":
        raise click.UsageError("--kustomization is for YAML: Kustomize renders no template of Helm")
    if kustomization and choices["admission_policy"]:
        raise click.UsageError(
            "--kustomization is not for --admission-policy, which names service accounts in CEL: "
            "with a namePrefix it would guard nothing; render the policy apart"
        )
    if check and folder is None:
        raise click.UsageError("--check compares a directory: give it with --output-dir")
    if form == "helm" and target.form != "yaml":
        raise click.UsageError(f"--format helm is for YAML, not for -o {target.form}")
    if form == "helm":  # Helm refuses an object that another release has
        choices["scripts"] = choices["scripts"] or ScriptSharing.OWN.value
    plan = plan_from_cli(**choices)
    manifests = render_plan(plan, templates, renamable=kustomization)
    print_plan_warnings(plan)
    _print_large(manifests)
    if folder is None:
        click.echo(FORMATS[form](format_manifests(manifests, target.form)), nl=False)
        return
    files = {name: FORMATS[form](one.text) for name, one in manifest_files(manifests).items()}
    if kustomization:
        files |= kustomization_files(folder, plan, manifests)
    blueprint = f"{plan.options.kasten_namespace}/{plan.name}"
    if check:
        ctx.exit(_compare(folder, files, blueprint))
    _write(folder, files, blueprint)
    if not kustomization and is_generated(folder):
        print_note(
            f"to do: {folder / FILE_NAME} was not written anew and may list other files: give "
            "--kustomization as well"
        )


def _print_large(manifests: Iterable[Manifest]) -> None:
    for manifest in manifests:
        if len(manifest.text) > KEPT_BY_APPLY:
            print_note(
                f"to do: {manifest.kind} {manifest.name} may be too large for kubectl apply, which "
                "keeps a copy in an annotation: use kubectl apply --server-side, or "
                "kanister-kafka apply"
            )


def _write(folder: Path, files: Mapping[str, str], blueprint: str) -> None:
    for path in write_files(folder, files):
        print_note(f"wrote {path}")
    for path in prune(folder, files, blueprint):
        print_note(f"removed {path}, which is not rendered any more")


def _compare(folder: Path, files: Mapping[str, str], blueprint: str) -> int:
    """Print what is stale and how; return the exit code."""
    outdated = outdated_files(folder, files, blueprint)
    for file in outdated:
        echo(file.diff)
    click.echo(f"{folder}: {stale_text(outdated)}", err=True)
    return 1 if outdated else 0


def stale_text(files: Collection[OutdatedFile]) -> str:
    """Print how many files are stale, and the command that brings them up to date."""
    if not files:
        return "up to date"
    gone = sum(file.expected is None for file in files)
    will = [f"removes {'it' if len(files) == 1 else gone}"] if gone else []
    if written := len(files) - gone:
        will.append(f"writes {'it' if len(files) == 1 else written} anew")
    again = f"the same command without --check {' and '.join(will)}"
    return f"{count_noun(len(files), 'stale file')}; {again}"
