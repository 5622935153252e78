"""Scripts and commands: whether a shell can read them, and what they give away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from kanister_kafka import shell
from kanister_kafka.blueprint import Blueprint, Template
from kanister_kafka.blueprint.commands import (
    ARGUMENTS,
    KUBECTL,
    MOST_SCRIPT,
    Statement,
    commands,
    statements,
)
from kanister_kafka.blueprint.kubernetes_api import plural
from kanister_kafka.blueprint.view import parsed
from kanister_kafka.checks.registry import Finding, Settings, check
from kanister_kafka.document import Scalar
from kanister_kafka.problem import Severity

if TYPE_CHECKING:
    from kanister_kafka.gotemplate import nodes
    from kanister_kafka.gotemplate.analysis import Reference
    from kanister_kafka.gotemplate.skeleton import Skeleton

HERE_DOCUMENT = re.compile(r"here-document at line (\d+) ")


def _scripts(blueprint: Blueprint) -> Iterator[tuple[str, Scalar]]:
    for phase in blueprint.phases:
        for command in commands(phase):
            if command.script is not None:
                yield command.script


def read_ahead(blueprints: Iterable[Blueprint]) -> None:
    """Ask the shell about the scripts of several Blueprints at once: to start it takes longest."""
    nodes = [node for blueprint in blueprints for _path, node in _scripts(blueprint)]
    shell.faults(tuple(one.text for node in nodes for one in _skeletons(node.text)))


@lru_cache(maxsize=1)  # for the checks that follow
def _faults(blueprint: Blueprint) -> tuple[tuple[str, Scalar, int, shell.ShellFault], ...]:
    """Return what a shell says of all scripts, with lines of the script as it stands."""
    read = [(path, node, _skeletons(node.text)) for path, node in _scripts(blueprint)]
    texts = tuple(dict.fromkeys(text.text for _path, _node, texts in read for text in texts))
    told = dict(zip(texts, shell.faults(texts), strict=True))
    return tuple(
        (path, node, line, fault)
        for path, node, texts in read
        for line, fault in _sure([_lines(text, told[text.text]) for text in texts], texts)
    )


@lru_cache(maxsize=1024)  # Blueprints repeat themselves
def _skeletons(text: str) -> tuple[Skeleton, ...]:
    """Return a script as its templates may render it: where they decide, either way."""
    from kanister_kafka.gotemplate import FaultKind  # here: not every Blueprint has a script
    from kanister_kafka.gotemplate.skeleton import skeleton

    read = parsed(text)
    if any(fault.kind is FaultKind.SYNTAX for fault in read.errors):
        return ()
    whole = skeleton(read.nodes)
    if whole.looped:
        return _unrolled(text, read.nodes)
    return _either_way(read.nodes, whole)


def _either_way(tree: Sequence[nodes.Node], whole: Skeleton) -> tuple[Skeleton, ...]:
    from kanister_kafka.gotemplate.skeleton import skeleton

    return (whole, skeleton(tree, otherwise=True)) if whole.branches else (whole,)


@lru_cache(maxsize=256)  # Blueprints repeat themselves
def _unrolled(text: str, tree: tuple[nodes.Node, ...]) -> tuple[Skeleton, ...]:
    """Return the same for a script whose loops decide: as they run, or in every way they may.

    No line of it is known any more: a fault is told where the script begins.
    """
    from kanister_kafka.blueprint.context import PARAMETERS
    from kanister_kafka.gotemplate import symbolic
    from kanister_kafka.gotemplate.evaluate import evaluate
    from kanister_kafka.gotemplate.skeleton import skeleton, variants
    from kanister_kafka.preview.render import LIBRARY  # here: few scripts need all of sprig

    rendered = evaluate(text, tree, symbolic.data(type=PARAMETERS), LIBRARY)
    if any(fault.is_certain for fault in rendered.faults):
        return ()
    left = parsed(rendered.text).nodes
    whole = skeleton(left)
    if whole.looped:
        return variants(left)
    return tuple(replace(one, lines=[1]) for one in _either_way(left, whole))


Told = list[tuple[int, shell.ShellFault]]


def _lines(text: Skeleton, faults: tuple[shell.ShellFault, ...]) -> Told:
    found = []
    for fault in faults:
        here = HERE_DOCUMENT.search(fault.message)
        line = int(here.group(1)) if here else fault.line
        found.append((text.origin(line), fault))
    return found


def _sure(found: list[Told], texts: tuple[Skeleton, ...]) -> Told:
    """Return what fails in any case: several conditions may depend on each other."""
    sure = len(found) < 2 or texts[0].branches == 1 or all(found)
    told = [fault for told in found for fault in told] if sure else []
    return told if len(found) < 3 else told[:1]


@check("shell-syntax")
def shell_syntax(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find scripts that no shell can read: they fail when they run, however late that is."""
    for path, node, line, fault in _faults(blueprint):
        if not fault.is_warning:
            message = f"does not parse as a shell script: {fault.message}"
            yield Finding(node.place(line, 1), path, message)


@check("shell-option")
def shell_option(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find a word between a shell and its -c: the shell looks for a script of that name."""
    for phase in blueprint.phases:
        for command in commands(phase):
            if command.misplaced is not None:
                path, word = command.misplaced
                message = (
                    f'the shell takes "{word.text[:60]}" for the script to run; an option that '
                    "takes a value, as -o, is needed before each"
                )
                yield Finding(word.location, path, message)


@check("here-document", Severity.WARNING)
def here_document(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find here-documents without an end: the rest of the script is taken for text."""
    for path, node, line, fault in _faults(blueprint):
        if fault.is_warning:
            message = f"{fault.message.removeprefix('warning: ')}; what follows is not run"
            yield Finding(node.place(line, 1), path, message)


@check("shell-unchecked", Severity.INFO)
def shell_unchecked(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Say once that scripts are not parsed, where there is no bash to ask."""
    if shell.bash() is None:
        for path, node in _scripts(blueprint):
            yield Finding(node.location, path, "scripts are not parsed: there is no bash on PATH")
            return


@check("secret-in-command", Severity.WARNING)
def secret_in_command(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
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
            place = template.place(first.steps[0].line, first.steps[0].column)
            yield Finding(place, template.path, message)


def _is_secret(reference: Reference) -> bool:
    names = reference.names
    if names[:2] == ("Profile", "Credential"):
        return names[-1] in ("Password", "Secret") and len(names) > 3
    return "Secrets" in names and names[-2:-1] == ("Data",)


def _is_data(reference: Reference) -> bool:
    names = reference.names
    return len(names) > 2 and names[:2] in (("Object", "data"), ("Object", "stringData"))


def _object_is_secret(blueprint: Blueprint, template: Template) -> bool:
    """Tell whether `.Object` is a Secret: the action says so, or its data are decoded."""
    action = blueprint.action(template.action)
    stated = action.node.get("kind") if action else None
    kind = stated.text.lower() if isinstance(stated, Scalar) else ""
    return plural(kind) == "secrets" or (not kind and "b64dec" in template.node.text)


def _is_command(template: Template) -> bool:
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


@check("literal-secret", Severity.WARNING)
def literal_secret(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find passwords and keys that stand in the Blueprint."""
    for phase in blueprint.phases:
        for path, node in phase.values:
            lower = node.text.lower()
            if not any(hint in lower for hint in HINTS):
                continue
            for match in LITERAL.finditer(node.text):
                if not HARMLESS.fullmatch(match.group(1)):
                    message = "looks like a secret in plain text; keep it in a Secret"
                    yield Finding(node.place_at(match.start(1)), path, message)


BOUNDS = re.compile(
    r"\b(?:break|exit|return|timeout|SECONDS|seq|read|date)\b|-(?:l|g)[te]\b|\(\(|<\("
)
"""What ends a loop, or may."""
LOOP = re.compile(
    r"^[ \t]*(?P<waits>while|until)\b"
    r"|(?:[;|&(]|\b(?:do|then|else))[ \t]*(?:while|until)\s|(?<![\w-])for\s+\w+\s+in\s"
    r"|(?<![\w-])(?P<ends>done)\b",
    re.MULTILINE,
)
"""Where a loop on lines of its own begins, where another one does, and where one ends."""


@check("unbounded-wait", Severity.WARNING)
def unbounded_wait(blueprint: Blueprint, _settings: Settings) -> Iterator[Finding]:
    """Find waits without a limit: Kanister has none of its own, so the action may never end."""
    for phase in blueprint.phases:
        for statement in statements(phase, *KUBECTL):
            if message := _endless(statement):
                place = statement.node.place(statement.line, statement.column)
                yield Finding(place, statement.path, message)
    for path, node in _scripts(blueprint):
        for start in _loops(node.text):
            message = "a loop that waits without a limit; count, or run it under timeout"
            yield Finding(node.place_at(start), path, message)


@lru_cache(maxsize=1024)  # Blueprints repeat themselves
def _loops(text: str) -> tuple[int, ...]:
    """Return where in the text loops that wait without a limit begin."""
    found = []
    begun: list[int | None] = []
    for match in LOOP.finditer(text[:MOST_SCRIPT]):
        if match["ends"] is None:
            begun.append(match.start("waits") if match["waits"] else None)
            continue
        start = begun.pop() if begun else None
        loop = text[start : match.end()]
        if start is not None and "sleep" in loop and not BOUNDS.search(loop):
            found.append(start)
            begun = [None] * len(begun)  # what is around it is told with it
    return tuple(found)


def _endless(statement: Statement) -> str:
    program = statement.program
    given = statement.option("--timeout") or ""
    if statement.plain[1:3] == ("rollout", "status") and not given:
        return f"{program} rollout status waits for ever; give it --timeout"
    if statement.plain[1:2] == ("wait",) and given.startswith("-"):
        return f"{program} wait with a negative --timeout waits for a week"
    return ""
