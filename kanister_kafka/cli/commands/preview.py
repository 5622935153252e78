"""The command `preview`."""

from __future__ import annotations

import click

from kanister_kafka.cli.app import echo, print_diagnostics
from kanister_kafka.cli.options import ACCESS, refuse
from kanister_kafka.cli.output import report_format_option, report_text
from kanister_kafka.cli.param_types import text_option
from kanister_kafka.diagnostics import has_error, sort_diagnostics
from kanister_kafka.errors import InputError
from kanister_kafka.integrations.preview import PreviewTarget, pods_of
from kanister_kafka.integrations.preview import preview_action as render_preview
from kanister_kafka.kanister import Blueprint, BlueprintAction, read
from kanister_kafka.reports.plan import preview_json, preview_text
from kanister_kafka.strimzi.from_cluster import read_object
from kanister_kafka.yamldoc import load, to_python


def _option(
    _context: click.Context, _parameter: click.Parameter, words: tuple[str, ...]
) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for key, equals, _value in pairs:
        if not key or not equals:
            raise click.BadParameter(f"{key!r} is not KEY=VALUE")
    return {key: value for key, _equals, value in pairs}


@click.command(
    epilog="Example: kanister-kafka preview blueprint.yaml --action backup --object kafka.yaml"
)
@click.argument("path", metavar="FILE")
@click.option("--action", "name", required=True, help="Which action of the Blueprint.")
@text_option("--object object_path", "The object it runs on.", metavar="FILE")
@text_option(
    "--from-cluster reference",
    "Read the object from the current kubeconfig context.",
    metavar="KIND/[NAMESPACE/]NAME",
)
@text_option("--context", "Kubeconfig context for --from-cluster.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    callback=_option,
    help="Option of the ActionSet; repeatable.",
)
@report_format_option("text", "json", "yaml")
@click.pass_context
def preview(
    ctx: click.Context,
    *,
    path: str,
    name: str,
    object_path: str,
    reference: str,
    context: str,
    options: dict[str, str],
    form: str,
) -> None:
    """Show the arguments that Kanister passes to each phase.

    Every phase of an action with its arguments, rendered for one object. Values that only a run
    has, such as the output of an earlier phase and every secret, stay templates. FILE is a
    Blueprint, or - for standard input.
    """
    if object_path and reference:
        raise click.UsageError("give either --object or --from-cluster")
    if not reference:
        refuse("--from-cluster", "context", *ACCESS)
    blueprint, action = _action(path, name)
    shown = render_preview(blueprint, action, _subject(object_path, reference, context, options))
    text = report_text(form, lambda: preview_text(shown), lambda: preview_json(shown))
    if form == "text":
        lines = text.splitlines()
        text = "".join(
            (click.style(line, bold=True) if line[:1].strip() else line) + "\n" for line in lines
        )
    echo(text)
    print_diagnostics(shown.problems)
    ctx.exit(1 if has_error(shown.problems) else 0)


def _action(path: str, name: str) -> tuple[Blueprint, BlueprintAction]:
    loaded = load([path])
    if has_error(loaded.problems):
        raise InputError(sort_diagnostics(loaded.problems))
    blueprints = [read(document) for document in loaded.documents if document.kind == "Blueprint"]
    pairs = [(blueprint, blueprint.action(name)) for blueprint in blueprints]
    named = [(blueprint, action) for blueprint, action in pairs if action]
    if len(named) == 1:
        return named[0]
    if named:
        raise click.BadParameter(f"{path} has several Blueprints with it", param_hint="--action")
    known = []
    for blueprint in blueprints:
        known += [action.name for action in blueprint.actions]
    message = f"{path} has no action {name!r}; it has {', '.join(known) or 'none'}"
    raise click.BadParameter(message, param_hint="--action")


def _subject(path: str, reference: str, context: str, options: dict[str, str]) -> PreviewTarget:
    if reference:
        kind, *names = reference.split("/")
        if len(names) not in (1, 2) or not kind or not all(names):
            message = f"{reference!r} is not KIND/NAMESPACE/NAME or KIND/NAME"
            raise click.BadParameter(message, param_hint="--from-cluster")
        live = read_object(kind, "".join(names[:-1]), names[-1], context=context)
        pods = None
        if live.pods is not None:
            pods = pods_of(to_python(live.document.root), live.pods, live.replica_sets)
        return PreviewTarget(live.document, options, pods)
    if not path:
        return PreviewTarget(None, options)
    loaded = load([path])
    if has_error(loaded.problems):
        raise InputError(sort_diagnostics(loaded.problems))
    if len(loaded.documents) != 1:
        message = f"{path} holds {len(loaded.documents)} objects; it must be one"
        raise click.BadParameter(message, param_hint="--object")
    return PreviewTarget(loaded.documents[0], options)
