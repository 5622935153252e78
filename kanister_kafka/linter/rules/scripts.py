"""Scripts and commands: whether a shell can read them, and what they give away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from kanister_kafka.diagnostics import Diagnostics, Severity
from kanister_kafka.kanister import Blueprint, TemplateText
from kanister_kafka.kanister.blueprint import parse_template_cached
from kanister_kafka.kanister.commands import (
    ARGUMENTS,
    KUBECTL,
    MAX_SCRIPT_LENGTH,
    ShellCommand,
    SimpleCommand,
    Statement,
    commands,
    pipelines,
    simple_commands,
)
from kanister_kafka.kanister.kube_api import plural
from kanister_kafka.linter import bash_syntax
from kanister_kafka.linter.registry import BLUEPRINT, LintSettings, Rule, lint_rule
from kanister_kafka.yamldoc import Scalar

if TYPE_CHECKING:
    from kanister_kafka.gotemplate import nodes
    from kanister_kafka.gotemplate.formatter import PlaceholderText
    from kanister_kafka.gotemplate.types import Reference

HERE_DOCUMENT = re.compile(r"here-document at line (\d+) ")


def _scripts(blueprint: Blueprint) -> Iterator[tuple[str, Scalar]]:
    for phase in blueprint.phases:
        for command in commands(phase):
            if command.script is not None:
                yield command.script


def read_ahead(blueprints: Iterable[Blueprint]) -> None:
    """Ask the shell about the scripts of several Blueprints at once: to start it takes longest."""
    texts: list[str] = []
    for _path, node in chain.from_iterable(map(_scripts, blueprints)):
        texts += [skeleton.text for skeleton in _skeletons(node.text)]
    bash_syntax.check_syntax(tuple(texts))


@lru_cache(maxsize=1024)  # Blueprints repeat themselves
def _skeletons(text: str) -> tuple[PlaceholderText, ...]:
    """Return a script as its templates may render it: both ways if they decide."""
    from kanister_kafka.gotemplate.formatter import placeholder_text
    from kanister_kafka.gotemplate.nodes import ParseErrorKind  # not every Blueprint has a script

    read = parse_template_cached(text)
    if any(fault.kind is ParseErrorKind.SYNTAX for fault in read.errors):
        return ()
    skeleton = placeholder_text(read.nodes)
    if skeleton.looped:
        return _unrolled(text, read.nodes)
    return _either_way(read.nodes, skeleton)


def _either_way(
    tree: Sequence[nodes.AnyNode], skeleton: PlaceholderText
) -> tuple[PlaceholderText, ...]:
    from kanister_kafka.gotemplate.formatter import placeholder_text

    return (skeleton, placeholder_text(tree, otherwise=True)) if skeleton.branches else (skeleton,)


@lru_cache(maxsize=256)  # Blueprints repeat themselves
def _unrolled(text: str, tree: tuple[nodes.AnyNode, ...]) -> tuple[PlaceholderText, ...]:
    """Return the same for a script whose loops decide: as they run, or in every way they may.

    No line of it is known any more: a fault is reported at the start of the script.
    """
    # Imported here, for few scripts need all of sprig.
    from kanister_kafka.gotemplate.formatter import placeholder_text, variants
    from kanister_kafka.gotemplate.runtime import evaluate, symbolic
    from kanister_kafka.kanister.template_context import PARAMETERS
    from kanister_kafka.kanister.template_functions import TEMPLATE_FUNCTIONS

    rendered = evaluate(text, tree, symbolic.data(type=PARAMETERS), TEMPLATE_FUNCTIONS)
    if any(fault.is_certain for fault in rendered.faults):
        return ()
    left = parse_template_cached(rendered.text).nodes
    skeleton = placeholder_text(left)
    if skeleton.looped:
        return variants(left)
    return tuple(replace(variant, lines=[1]) for variant in _either_way(left, skeleton))


def _lines(
    skeleton: PlaceholderText, errors: tuple[bash_syntax.BashDiagnostic, ...]
) -> list[tuple[int, bash_syntax.BashDiagnostic]]:
    """Return errors with their lines in the script as it stands."""
    faults = []
    for fault in errors:
        match = HERE_DOCUMENT.search(fault.message)
        line = int(match.group(1)) if match else fault.line
        faults.append((skeleton.origin(line), fault))
    return faults


def _certain(
    by_skeleton: list[list[tuple[int, bash_syntax.BashDiagnostic]]],
    skeletons: tuple[PlaceholderText, ...],
) -> list[tuple[int, bash_syntax.BashDiagnostic]]:
    """Return what fails in any case: several conditions may depend on each other."""
    if len(skeletons) > 1 and skeletons[0].branches != 1 and not all(by_skeleton):
        return []
    errors = list(chain.from_iterable(by_skeleton))
    return errors if len(skeletons) < 3 else errors[:1]


@lint_rule(BLUEPRINT, {"shell-syntax": Severity.ERROR, "here-document": Severity.WARNING})
def shell_syntax(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find scripts that no shell can read, and here-documents without an end.

    A script that does not parse fails when it runs, however late that is. Without the end of a
    here-document the shell takes the rest of the script for text.
    """
    scripts = [(path, node, _skeletons(node.text)) for path, node in _scripts(blueprint)]
    texts: dict[str, None] = {}
    for _path, _node, skeletons in scripts:
        texts.update(dict.fromkeys(skeleton.text for skeleton in skeletons))
    errors = dict(zip(texts, bash_syntax.check_syntax(tuple(texts)), strict=True))
    for path, node, skeletons in scripts:
        by_skeleton = [_lines(skeleton, errors[skeleton.text]) for skeleton in skeletons]
        for line, fault in _certain(by_skeleton, skeletons):
            rule_id = "shell-syntax"
            message = f"does not parse as a shell script: {fault.message}"
            if fault.is_warning:
                rule_id = "here-document"
                message = f"{fault.message.removeprefix('warning: ')}; what follows is not run"
            yield rule.report(node.place(line, 1), path, message, rule_id)


@lint_rule(BLUEPRINT, "shell-option")
def shell_option(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find a word between a shell and its -c: the shell looks for a script of that name."""
    for phase in blueprint.phases:
        for command in commands(phase):
            if command.misplaced is not None:
                path, word = command.misplaced
                message = (
                    f'the shell takes "{word.text[:60]}" for the script to run; an option that '
                    "takes a value, as -o, is needed before each"
                )
                yield rule.report(word.location, path, message)


@lint_rule(BLUEPRINT, "shell-unchecked", Severity.INFO)
def shell_unchecked(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Report once that scripts are not parsed, if there is no bash."""
    if bash_syntax.find_bash() is None:
        for path, node in _scripts(blueprint):
            yield rule.report(
                node.location, path, "scripts are not parsed: there is no bash on PATH"
            )
            return


@lint_rule(BLUEPRINT, "secret-in-command", Severity.WARNING)
def secret_in_command(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find values of Secrets in commands, which are kept in the pod: once for each command.

    Everybody who may read pods, or the processes of a node, sees them.
    """
    for template in blueprint.templates:
        is_object = _object_is_secret(blueprint, template)
        secrets = [
            r for r in template.analysis.references if _is_secret(r) or (is_object and _is_data(r))
        ]
        if secrets and _is_command(template):
            first = secrets[0]
            message = (
                f"puts .{'.'.join(first.names)} into a command, where everybody who may read pods "
                "sees it; mount the Secret with podOverride"
            )
            location = template.place(first.steps[0].line, first.steps[0].column)
            yield rule.report(location, template.path, message)


def _is_secret(reference: Reference) -> bool:
    names = reference.names
    if names[:2] == ("Profile", "Credential"):
        return names[-1] in ("Password", "Secret") and len(names) > 3
    return "Secrets" in names and names[-2:-1] == ("Data",)


def _is_data(reference: Reference) -> bool:
    names = reference.names
    return len(names) > 2 and names[:2] in (("Object", "data"), ("Object", "stringData"))


def _object_is_secret(blueprint: Blueprint, template: TemplateText) -> bool:
    """Return whether `.Object` is a Secret: by the kind of the action, or its data are decoded."""
    action = blueprint.action(template.action)
    stated = action.node.get("kind") if action else None
    kind = stated.text.lower() if isinstance(stated, Scalar) else ""
    return plural(kind) == "secrets" or (not kind and "b64dec" in template.node.text)


def _is_command(template: TemplateText) -> bool:
    if template.phase is None:
        return False
    below = template.path.removeprefix(f"{template.phase.path}.args.")
    return re.split(r"[.\[]", below, maxsplit=1)[0] in ARGUMENTS


LITERAL = re.compile(
    r"""(?:^|[\s;"'{,]|--?)[\w-]*(?:passw(?:or)?d|secret[_-]?(?:access[_-]?)?key|api[_-]?key|token)"""
    r"""["']?\s*[=:]\s*["']?([^\s"'$`{}<>;|&()]{3,})""",
    re.IGNORECASE,
)
"""A name of a secret with a value that is neither a variable nor a template."""
HINTS = ("passw", "secret", "apikey", "api_key", "api-key", "token")
"""One of these is in each match; to look for them takes no time."""
HARMLESS = re.compile(r"(?:true|false|null|none|changeme|\*+|\d{1,3}|/.*|x+|file:.*|env:.*)", re.I)


@lint_rule(BLUEPRINT, "literal-secret", Severity.WARNING)
def literal_secret(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find passwords and keys that stand in the Blueprint."""
    for phase in blueprint.phases:
        for path, node in phase.values:
            lower = node.text.lower()
            if not any(hint in lower for hint in HINTS):
                continue
            for match in LITERAL.finditer(node.text):
                if not HARMLESS.fullmatch(match.group(1)):
                    message = "looks like a secret in plain text; keep it in a Secret"
                    yield rule.report(node.place_at(match.start(1)), path, message)


BOUNDS = re.compile(
    r"\b(?:break|exit|return|timeout|SECONDS|seq|read|date)\b|-(?:l|g)[te]\b|\(\(|<\("
)
"""Words that end a loop, or may."""
LOOP = re.compile(
    r"^[ \t]*(?P<waits>while|until)\b"
    r"|(?:[;|&(]|\b(?:do|then|else))[ \t]*(?:while|until)\s|(?<![\w-])for\s+\w+\s+in\s"
    r"|(?<![\w-])(?P<ends>done)\b",
    re.MULTILINE,
)
"""Starts of a loop on lines of its own, starts of another loop, and ends of one."""


@lint_rule(BLUEPRINT, "unbounded-wait", Severity.WARNING)
def unbounded_wait(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find waits without a limit: Kanister has none of its own, so the action may never end."""
    for phase in blueprint.phases:
        for statement in simple_commands(phase, *KUBECTL):
            if message := _endless(statement):
                location = statement.node.place(statement.line, statement.column)
                yield rule.report(location, statement.path, message)
    for path, node in _scripts(blueprint):
        for start in _loops(node.text):
            message = "a loop that waits without a limit; count, or run it under timeout"
            yield rule.report(node.place_at(start), path, message)


@lru_cache(maxsize=1024)  # Blueprints repeat themselves
def _loops(text: str) -> tuple[int, ...]:
    """Return where in the text loops that wait without a limit begin."""
    loops = []
    begun: list[int | None] = []
    for match in LOOP.finditer(text[:MAX_SCRIPT_LENGTH]):
        if match["ends"] is None:
            begun.append(match.start("waits") if match["waits"] else None)
            continue
        start = begun.pop() if begun else None
        loop = text[start : match.end()]
        if start is not None and "sleep" in loop and not BOUNDS.search(loop):
            loops.append(start)
            begun = [None] * len(begun)  # the loops around it are reported with it
    return tuple(loops)


def _endless(statement: SimpleCommand) -> str:
    program = statement.program
    timeout = statement.option("--timeout") or ""
    if statement.plain[1:3] == ("rollout", "status") and not timeout:
        return f"{program} rollout status has no time limit; give it --timeout"
    if statement.plain[1:2] == ("wait",) and timeout.startswith("-"):
        return f"{program} wait with a negative --timeout waits for a week"
    return ""


# Pipelines whose beginning may fail without a word: a shell heeds the last command alone.

HEEDED = re.compile(r"\bpipefail\b|\bPIPESTATUS\b|\bpipestatus\b")
DUMPS = re.compile(
    r"arangodump|bacula\S*|btrfs|clickhouse\S*|cockroach|cpio|dd|expdp|influxd?|mariabackup"
    r"|mariadb-backup|mariadb-dump|mongodump|mongoexport|mydumper|mysqldump|mysqlpump|neo4j-admin"
    r"|pg_basebackup|pg_dump|pg_dumpall|rbd|redis-cli|slapcat|tar|xtrabackup|zfs"
    r"|kafka-console-consumer(?:\.sh)?|kcat"
)
"""Programs that make the data of a backup."""
FETCHES = re.compile(
    r"(?:kando (?:location|stream) pull|aws s3 cp|gsutil (?:cp|cat)|mc cat|rclone cat|restic dump"
    r"|s3cmd get)(?: |$)"
)
STORES = re.compile(
    r"(?:kando (?:location|stream) push|aws s3 cp|gsutil cp|mc pipe|rclone rcat|restic backup"
    r"|s3cmd put|az storage|azcopy)(?: |$)"
)
READS = frozenset(["awk", "cut", "grep", "head", "jq", "read", "sed", "sort", "tail", "wc", "yq"])
"""Programs that look for something, so that the end of a pipeline is an answer and no copy."""
HARMLESS_FIRST = frozenset([":", "date", "done", "echo", "printf", "seq", "true", "yes", "}"])
"""Commands that begin a pipeline and do not fail, or that are not commands of their own."""


@lint_rule(BLUEPRINT, "pipeline-failure", Severity.WARNING)
def pipeline_failure(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find data that is piped on where a failure is not seen: the backup is empty and green."""
    for phase in blueprint.phases:
        for command in commands(phase):
            yield from _hidden_failures(rule, command)


def _hidden_failures(rule: Rule, command: ShellCommand) -> Diagnostics:
    script = command.script
    if script is None or any(HEEDED.search(word.text) for _path, word in command.words):
        return
    path, node = script
    for pipeline in pipelines(node.text):
        first, last = pipeline[0], pipeline[-1]
        if _matters(first, last):
            message = (
                f"a failure of {first.program} is not seen: the shell returns the result of "
                f"{last.program} alone, so partial data passes for a whole backup; use bash with "
                "-o pipefail"
            )
            yield rule.report(node.place(first.line, first.column), path, message)


def _matters(first: Statement, last: Statement) -> bool:
    program = first.program
    if STORES.match(_words(last)):
        return program not in HARMLESS_FIRST
    if last.program in READS or program in HARMLESS_FIRST:
        return False
    is_exec = program in KUBECTL and first.plain[1:2] == ("exec",)
    inner = first.plain[2:] if is_exec else (program,)
    return any(map(DUMPS.fullmatch, inner)) or FETCHES.match(_words(first)) is not None


def _words(command: Statement) -> str:
    """Return the program without its folder, and its words without options."""
    return " ".join((command.program, *command.plain[1:]))
