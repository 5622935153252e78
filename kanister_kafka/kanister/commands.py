"""Commands in the arguments of a phase, and the shell scripts in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from kanister_kafka.kanister.blueprint import BlueprintPhase, cached_on_model
from kanister_kafka.yamldoc import Scalar, Sequence

ARGUMENTS = ("command", "backgroundCommand", "initCommand", "outputCommand")
"""Arguments of all functions that are run: KubeExec, KubeTask, PrepareData, MultiContainerRun."""
SHELLS = re.compile(r"(?:/\S*/)?(?:bash|dash|ash|ksh|sh)")
TAKES_VALUE = ("-o", "+o", "-O", "+O", "--init-file", "--rcfile")
"""Options of a shell whose value is a word of its own."""

_SET_OPTIONS = """allexport braceexpand emacs errexit errtrace functrace hashall histexpand history
    ignoreeof keyword monitor noclobber noexec noglob nolog notify nounset onecmd physical pipefail
    posix privileged verbose vi xtrace"""
SET_OPTIONS = frozenset(_SET_OPTIONS.split())
"""Names after `-o`: those of bash's `set`."""


class ShellCommand(NamedTuple):
    """An argument that is run."""

    path: str
    words: tuple[tuple[str, Scalar], ...]
    """Each with its field path."""

    @property
    def script(self) -> tuple[str, Scalar] | None:
        """The script of `sh -c` and the like with its field path, wherever that stands."""
        shell = self._shell()
        return shell[1] if shell and shell[0] else None

    @property
    def misplaced(self) -> tuple[str, Scalar] | None:
        """The name of an option before `-c` without its `-o`: the shell looks for that file.

        Any other word may be a file of the image, to which `-c` and the rest are arguments.
        """
        shell = self._shell()
        if shell is None or shell[0] or shell[1][1].text not in SET_OPTIONS:
            return None
        after = self.words[self.words.index(shell[1]) + 1 :]
        return shell[1] if any(_runs(word.text) for _path, word in after) else None

    def _shell(self) -> tuple[bool, tuple[str, Scalar]] | None:
        for i, (_path, word) in enumerate(self.words):
            if SHELLS.fullmatch(word.text.strip()):
                return self._first(i + 1)
        return None

    def _first(self, start: int) -> tuple[bool, tuple[str, Scalar]] | None:
        """Return the first word that is not an option, and whether `-c` stands before it."""
        runs = skip = False
        for entry in self.words[start:]:
            text = entry[1].text
            if skip:
                skip = False
            elif text in TAKES_VALUE:
                skip = True
            elif text.startswith(("-", "+")) and len(text) > 1 and "\n" not in text:
                runs = runs or _runs(text)
                skip = not text.startswith("--") and text.endswith("o")
            else:
                return runs, entry
        return None


def _runs(option: str) -> bool:
    """Return whether a script follows an option of a shell: `-c`, `-ec`."""
    return re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*", option) is not None


@cached_on_model
def commands(phase: BlueprintPhase) -> tuple[ShellCommand, ...]:
    """Return what a phase runs; Kanister takes a single string for a list of one."""
    return tuple(_commands(phase))


def _commands(phase: BlueprintPhase) -> Iterator[ShellCommand]:
    for name in ARGUMENTS:
        value, path = phase.argument(name), f"{phase.path}.args.{name}"
        if isinstance(value, Scalar):
            yield ShellCommand(path, ((path, value),))
        elif isinstance(value, Sequence):
            items = enumerate(value.items)
            words = tuple((f"{path}[{i}]", x) for i, x in items if isinstance(x, Scalar))
            yield ShellCommand(path, words)


KUBECTL = ("kubectl", "oc")
"""Programs that call the API server."""
WITH_VALUE = ("--context", "--kubeconfig", "--namespace", "--selector", "-f", "-l", "-n", "-o")
"""Options of kubectl and oc whose value may be the next word."""


class SimpleCommand(NamedTuple):
    """A simple command of a script or a command line, as its words stand in the text.

    A tuple, for a Blueprint may have thousands, and three times as many are made in a second.
    """

    words: tuple[str, ...]
    plain: tuple[str, ...]
    """Its words without options and what belongs to these."""
    program: str
    """The first of these without its folder; empty if there is none."""
    path: str
    node: Scalar
    line: int
    """Within the text of the node, counted from 1."""
    column: int

    def option(self, *names: str) -> str | None:
        """Return the value of an option, as `--x=v` or `--x v`; empty if it has none."""
        for i, word in enumerate(self.words):
            name, equals, value = word.partition("=")
            if name in names:
                following = self.words[i + 1] if i + 1 < len(self.words) else ""
                return value if equals else following if not following.startswith("-") else ""
        return None

    def runs(self, program: str, *words: str) -> bool:
        """Return whether it begins with a program of this name and these words in this order."""
        return self.program == program and self.plain[1 : len(words) + 1] == words


_SPLIT = re.compile(
    r"""(?P<comment>(?<![^\s;|&(])\#[^\n]*)
    |(?P<space>(?:[ \t]|\\\n)+)
    |(?P<redirect>&>>?|\d*[<>]+&?)
    |(?P<end>[\n;|&()]+)
    |(?P<word>(?:\{\{(?:(?!\{\{).)*?\}\}|"(?:[^"\\]|\\.)*"|'[^']*'|\\.|[^\s;|&()<>"'\\])+)
    |(?P<other>.)""",
    re.DOTALL | re.VERBOSE,
)
_KEYWORDS = frozenset(
    ["!", "do", "elif", "else", "if", "then", "time", "until", "while", "exec", "sudo", "{", "env"]
)
MAX_SCRIPT_LENGTH = 200_000
"""Longest script that is looked into, in characters."""


@cached_on_model
def simple_commands(phase: BlueprintPhase, *programs: str) -> tuple[SimpleCommand, ...]:
    """Return the simple commands of a phase that run one of these programs, or all of them.

    Those of its scripts come one by one. This reads words, not the grammar of a shell: what stands
    in here-documents or in strings that are run once more is found where it looks like a command.
    """
    return tuple(_statements(phase, programs))


def _statements(phase: BlueprintPhase, programs: tuple[str, ...]) -> Iterator[SimpleCommand]:
    for command in commands(phase):
        script = command.script
        if script is not None:
            path, node = script
            for words, plain, program, line, column in _running(
                node.text[:MAX_SCRIPT_LENGTH], programs
            ):
                yield SimpleCommand(words, plain, program, path, node, line, column)
        elif command.words:
            path, node = command.words[0]
            statement = _statement([word.text for _path, word in command.words], 0, 1)
            if not programs or statement.program in programs:
                yield SimpleCommand(*statement[:3], path, node, statement.line, statement.column)


Words = tuple[str, ...]


class Statement(NamedTuple):
    """A simple command of a script."""

    words: Words
    plain: Words
    """Words without options and their values."""
    program: str
    """Without its directory."""
    line: int
    """Counted from 1, as the column."""
    column: int


@lru_cache(maxsize=512)  # Blueprints repeat themselves
def _running(text: str, programs: tuple[str, ...]) -> tuple[Statement, ...]:
    """Return the statements of a script that run one of these programs, or all of them."""
    return tuple(one for one in split_statements(text) if not programs or one.program in programs)


def split_statements(text: str) -> tuple[Statement, ...]:
    """Return the statements of a script, without the files that they read from and write to."""
    return tuple(statement for statement, _is_piped in _split(text))


def pipelines(text: str) -> tuple[tuple[Statement, ...], ...]:
    """Return the statements of each pipeline of a script."""
    groups: list[list[Statement]] = []
    for statement, is_piped in _split(text[:MAX_SCRIPT_LENGTH]):
        if is_piped and groups:
            groups[-1].append(statement)
        else:
            groups.append([statement])
    return tuple(tuple(each) for each in groups if len(each) > 1)


@lru_cache(maxsize=256)  # as above
def _split(text: str) -> tuple[tuple[Statement, bool], ...]:
    """Return the statements of a script, and whether each reads from the one before."""
    statements = []
    words: list[str] = []
    line = begins = start = 0
    redirects = piped = False
    for match in _SPLIT.finditer(text):
        kind = match.lastgroup
        if kind == "redirect":
            redirects = True
        elif kind == "word" and redirects:
            redirects = False
        elif kind == "word":
            word = match.group()
            if not words:
                start = match.start()
                line += text.count("\n", begins, start)
                begins = start
            if word == "{" and len(words) == 2 and words[0] == "function":
                words = []  # the body of `function x {` begins, on the same line
                continue
            assigns = not words and re.match(r"\w+=", word)
            if not assigns and (words or word not in _KEYWORDS):
                words.append(word.strip("\"'") if word[:1] in "\"'" else word)
        elif kind in ("end", "comment"):
            redirects = False
            if words:
                one = _statement(words, line, start - text.rfind("\n", 0, start))
                statements.append((one, piped))
                words, piped = [], False
            piped = piped or match.group().strip() in ("|", "|&")
    if words:
        statements.append((_statement(words, line, start - text.rfind("\n", 0, start)), piped))
    return tuple(statements)


def _statement(words: list[str], line: int, column: int) -> Statement:
    plain = _plain(words)
    program = plain[0].rpartition("/")[2] if plain else ""
    return Statement(tuple(words), plain, program, line + 1, column)


def _plain(words: Iterable[str]) -> Words:
    """Return words without options and what belongs to these."""
    plain = []
    before = ""
    for word in words:
        if not word.startswith("-") and before not in WITH_VALUE:
            plain.append(word)
        before = word
    return tuple(plain)
