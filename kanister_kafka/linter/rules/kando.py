"""Calls of kando, Kanister's tool in the image of a phase, that it refuses (pkg/kando)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from kanister_kafka.diagnostics import Diagnostics
from kanister_kafka.kanister import Blueprint, BlueprintPhase
from kanister_kafka.kanister.commands import (
    MAX_SCRIPT_LENGTH,
    SimpleCommand,
    commands,
    simple_commands,
)
from kanister_kafka.linter.registry import BLUEPRINT, LintSettings, Rule, lint_rule
from kanister_kafka.linter.rules.phases import nearest

_LOCATION = {
    "p": "profile",
    "s": "path",
    "r": "repository-server",
    "c": "repository-server-user-hostname",
}
COMMANDS: Mapping[tuple[str, ...], Mapping[str, str]] = {
    ("location", "push"): {**_LOCATION, "o": "output-name"},
    ("location", "pull"): {**_LOCATION, "k": "kopia-snapshot"},
    ("location", "delete"): {**_LOCATION, "k": "kopia-snapshot"},
    ("output",): {},
    ("chronicle", "push"): {
        "p": "profile-path",
        "s": "artifact-path",
        "e": "env-dir",
        "f": "frequency",
    },
    ("chronicle", "pull"): {"p": "profile", "s": "path"},
    ("stream", "push"): {"p": "password", "c": "config-file", "d": "dirPath", "f": "filePath"},
}
"""Each with its flags, all of which take a value, by their letters."""
NEEDED: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("location", "push"): ("profile",),
    ("location", "pull"): ("profile",),
    ("location", "delete"): ("profile",),
    ("chronicle", "push"): ("profile-path", "artifact-path"),
    ("chronicle", "pull"): ("profile",),
    ("stream", "push"): ("password", "dirPath", "filePath"),
}
OPERANDS: Mapping[tuple[str, ...], int] = {
    ("location", "push"): 1,
    ("location", "pull"): 1,
    ("output",): 2,
}
INSTEAD = {"profile": ("repository-server",)}
"""Flags that may stand in the place of another, in releases up to 0.119."""
ANYWHERE = {"v": "verbosity"}
ALONE = ("help", "h", "version")
KEY = re.compile(r"[a-zA-Z0-9_]+")
OPEN = re.compile(r"[$`]|\{\{")
"""Text that may become several words, or none."""
_OBJECT = r"[.$][.\w]*?(?:Profile|Location|Credential|RepositoryServer|Object|Options|ArtifactsIn)"
UNQUOTED_JSON = re.compile(
    r"(?:(?:--(?:profile|repository-server)|-[pr])(?:[ \t]+|=)|(?P<assigned>(?<![^\s;&|])\w+=))\"?"
    rf"(?P<json>\{{\{{-?\s*(?:toJson\s+{_OBJECT}|{_OBJECT}\s*\|\s*toJson)\s*-?\}}\}})"
)
"""The JSON of an object outside quotes or in double quotes, which its own quotes end."""
COMMENT = re.compile(r"(?:^|\s)#")


class _Call(NamedTuple):
    command: tuple[str, ...]
    operands: tuple[str, ...]
    flags: tuple[str, ...]
    """Their long names, if these are known."""
    unknown: tuple[str, ...]


@lint_rule(BLUEPRINT, "kando-command")
def kando_command(rule: Rule, blueprint: Blueprint, _settings: LintSettings) -> Diagnostics:
    """Find calls of kando that end before they do anything: the data are not moved."""
    for phase in blueprint.phases:
        for statement in simple_commands(phase, "kando"):
            for message in _faults(statement):
                location = statement.node.place(statement.line, statement.column)
                yield rule.report(location, statement.path, message)
        yield from _unquoted(rule, phase)


def _unquoted(rule: Rule, phase: BlueprintPhase) -> Diagnostics:
    """Find JSON that the shell of a script takes apart before kando reads it."""
    for command in commands(phase):
        path, node = command.script or ("", None)
        if node is None or "kando" not in node.text or "toJson" not in node.text:
            continue
        for match in UNQUOTED_JSON.finditer(node.text[:MAX_SCRIPT_LENGTH]):
            line = node.text[node.text.rfind("\n", 0, match.start()) + 1 : match.start()]
            in_document = match["assigned"] and "<<" in node.text  # it keeps the quotes
            if not in_document and not COMMENT.search(line):
                message = (
                    "the shell removes the quotes of the JSON and expands its braces, so kando "
                    f"cannot read it; put it in single quotes: '{match['json']}'"
                )
                yield rule.report(node.place_at(match.start("json")), path, message)


def _faults(statement: SimpleCommand) -> Iterator[str]:
    call = _read(statement.words[1:])
    if call is None:
        return
    command = " ".join(("kando", *call.command))
    flag_names = [*COMMANDS[call.command].values(), *ANYWHERE.values()]
    for flag in call.unknown:
        yield f"{command} has no flag {flag}{nearest(flag.lstrip('-'), flag_names)}"
    is_open = any(OPEN.search(word) for word in call.operands)
    for flag in NEEDED.get(call.command, ()):
        if not is_open and {flag, *INSTEAD.get(flag, ())}.isdisjoint(call.flags):
            yield f"{command} needs --{flag}"
    count = OPERANDS.get(call.command)
    if count is not None and not is_open and not call.unknown and len(call.operands) != count:
        operand_count = len(call.operands)
        yield f"{command} takes {count} argument{'s'[: count > 1]}, and here are {operand_count}"
    if call.command == ("output",) and call.operands:
        key = call.operands[0]
        if not OPEN.search(key) and not KEY.fullmatch(key):
            yield f'{command} refuses the key "{key}": only letters, digits and _ are allowed'


def _read(words: tuple[str, ...]) -> _Call | None:
    """Read a call of a command that is known; none if help is asked for."""
    plain = [word for word in words if not word.startswith("-")]
    command = next((c for c in COMMANDS if tuple(plain[: len(c)]) == c), None)
    if command is None:
        return None
    letters = {**COMMANDS[command], **ANYWHERE}
    operands: list[str] = []
    flags: list[str] = []
    unknown: list[str] = []
    takes = False
    for i, word in enumerate(words):
        if takes:
            takes = False
        elif word == "--" or (command == ("chronicle", "push") and len(operands) > 2):
            operands += words[i + (word == "--") :]
            break
        elif not word.startswith("-") or word == "-":
            operands.append(word)
        else:
            name, equals, _value = word.lstrip("-").partition("=")
            if name in ALONE:
                return None
            if not word.startswith("--"):
                equals = equals or name[1:]
                name = letters.get(name[:1], "")
            if name in letters.values():
                flags.append(name)
                takes = not equals
            else:
                unknown.append(word.partition("=")[0])
                takes = False
    return _Call(command, tuple(operands[len(command) :]), tuple(flags), tuple(unknown))
