"""Operations of kubectl and oc in a script: their objects, and when each runs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import accumulate, islice
from typing import NamedTuple

from kanister_kafka.kanister.blueprint import BlueprintPhase, cached_on_model
from kanister_kafka.kanister.commands import (
    KUBECTL,
    MAX_SCRIPT_LENGTH,
    SHELLS,
    SimpleCommand,
    simple_commands,
    split_statements,
)
from kanister_kafka.kanister.kube_api import is_known, plural
from kanister_kafka.yamldoc import Scalar

_RUNS_ANOTHER = """chroot command eval flock gosu ionice nice nohup parallel retry runuser setsid
    stdbuf su timeout watch xargs"""
RUNS_ANOTHER = frozenset(_RUNS_ANOTHER.split())
"""Programs that run the program which follows, in addition to the shells."""
_VALUED = """--as --as-group --as-uid --cache-dir --certificate-authority --client-certificate
    --client-key --cluster --container --context --current-replicas --field-manager
    --field-selector --filename --for --grace-period --kubeconfig --kustomize --namespace --output
    --overrides --patch --patch-file --pod-running-timeout --raw --replicas --request-timeout
    --resource-version --selector --server --subresource --template --timeout --tls-server-name
    --token --type --user --username --v -c -f -k -l -n -o -p -s -v"""
VALUED = frozenset(_VALUED.split())
"""Options whose value may be the next word."""
OBJECT_NAME = re.compile(
    r"\{\{-?\s*\.(?:StatefulSet\.Name|Deployment\.Name|DeploymentConfig\.Name"
    r"|Object\.metadata\.name)\s*-?\}\}"
)
THE_OBJECT = "the object"
"""Stands for the name of the object of the action."""
NAME = re.compile(rf"{THE_OBJECT}|[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?")
ELSEWHERE = re.compile(r"\bset-context\b|\boc\s+project\b|\bKUBECONFIG=")
"""Text that gives kubectl another namespace, or another cluster, than that of its pod."""


class KubectlTarget(NamedTuple):
    """An object, or several, as far as the text names them."""

    kind: str
    """The plural; empty if only the run shows it."""
    name: str
    """Empty for all of the kind, and if only the run shows it."""
    namespace: str
    """Empty if only the run shows it."""
    spelled: str = ""
    """The name as it stands, with a template or a variable in it."""

    def may_be(self, other: KubectlTarget) -> bool:
        """Return whether both may be one object; that of the action may have any name."""
        names = {self.name, other.name} - {"", THE_OBJECT}
        kinds = {self.kind, other.kind} - {""}
        return (
            (len(kinds) < 2 or not any(map(is_known, kinds)))  # one may be short for the other
            and (not self.namespace or not other.namespace or self.namespace == other.namespace)
            and (len(names) < 2)
        )

    def is_called_so(self, other: KubectlTarget) -> bool:
        """Return whether both have one name, or one of them has none that is known."""
        return not self.name or not other.name or self.name == other.name

    def __str__(self) -> str:
        """Return words for it, as `deployment mirror`."""
        kind = self.kind.removesuffix("s")
        if self.name == THE_OBJECT:
            return f"the {kind or 'object'} of the action"
        if self.name or self.spelled:
            return f"{kind} {self.name or self.spelled}".strip()
        return f"every {kind}" if kind else "something"


class KubectlCall(NamedTuple):
    """A statement that runs kubectl or oc, or has another program run it."""

    statement: SimpleCommand
    verb: str
    operands: tuple[str, ...]
    """Words after the verb that are not options."""
    options: Mapping[str, str]
    """With their dashes; an option without a value has an empty one."""
    targets: tuple[KubectlTarget, ...]
    """The objects that it is about."""

    def option(self, *names: str) -> str | None:
        """Return the value of the first of these options that is given."""
        return next((self.options[name] for name in names if name in self.options), None)

    @property
    def text(self) -> str:
        """All its words."""
        return " ".join(self.statement.words)


@cached_on_model
def kubectl_calls(phase: BlueprintPhase) -> tuple[KubectlCall, ...]:
    """Return the operations of kubectl in the phase, in the order of its text."""
    return tuple(_calls(phase))


def _calls(phase: BlueprintPhase) -> Iterator[KubectlCall]:
    for statement in simple_commands(phase):
        for words in _run_by(statement.words):
            operands, options = _parted(words[1:])
            verb, *others = operands or [""]
            namespace = _namespace(phase, statement, options)
            if verb in ("annotate", "label"):
                others = [word for word in others if "=" not in word and not word.endswith("-")]
            targets = tuple(_targets(others, options, namespace))
            yield KubectlCall(statement, verb, tuple(others), options, targets)


@lru_cache(maxsize=512)  # phases repeat themselves
def _run_by(words: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(_kubectl_words(words))


def _kubectl_words(words: tuple[str, ...], depth: int = 0) -> Iterator[tuple[str, ...]]:
    """Yield the words from each kubectl on that these words run."""
    first = _program(words[0]) if words else ""
    if first in KUBECTL:
        yield words
    elif first == "trap" and depth < 2:
        for script in inner_scripts(words):
            for statement in split_statements(script):
                yield from _kubectl_words(statement.words, depth + 1)
    elif first in RUNS_ANOTHER or SHELLS.fullmatch(first):
        for i, word in enumerate(words[1:], 1):
            if _program(word) in KUBECTL:
                yield words[i:]
                return
            if depth < 2 and any(f"{program} " in word for program in KUBECTL):
                for statement in split_statements(word):
                    yield from _kubectl_words(statement[0], depth + 1)


def _program(word: str) -> str:
    return word.rpartition("/")[2]


def _parted(words: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    """Part operands and options; the last of an option holds."""
    operands: list[str] = []
    options: dict[str, str] = {}
    takes = ""
    for word in words:
        text = word.strip("\"'")
        if takes:
            options[takes], takes = text, ""
        elif text == "--":
            break
        elif not text.startswith("-") or text == "-":
            operands.append(text)
        else:
            name, equals, value = text.partition("=")
            if not text.startswith("--") and len(name) > 2:
                name, equals, value = text[:2], "=", text[2:].removeprefix("=")
            options[name] = value.strip("\"'")
            takes = name if name in VALUED and not equals else ""
    return operands, options


def _namespace(phase: BlueprintPhase, statement: SimpleCommand, options: Mapping[str, str]) -> str:
    given = options.get("-n", options.get("--namespace"))
    if given is None:
        others = ("--context", "--kubeconfig", "--cluster", "--server", "-s")
        if any(name in options for name in others) or _is_elsewhere(statement.node.text):
            return ""
        argument = phase.argument("namespace")
        given = argument.text if isinstance(argument, Scalar) else ""
    return literal_name(given)


def target(kind: str, name: str, namespace: str) -> KubectlTarget:
    """Return the object of a name that may hold a template or a variable."""
    literal = literal_name(name)
    return KubectlTarget(kind, literal, namespace, "" if literal else name)


@lru_cache(maxsize=256)  # asked for each statement
def _is_elsewhere(text: str) -> bool:
    return ELSEWHERE.search(text) is not None


def literal_name(text: str) -> str:
    """Return a name that stands in the text, or an empty string if only the run shows it."""
    text = OBJECT_NAME.sub(THE_OBJECT, text)
    return text if NAME.fullmatch(text) else ""


def _targets(
    operands: list[str], options: Mapping[str, str], namespace: str
) -> Iterator[KubectlTarget]:
    if not operands or {"-f", "--filename", "-k", "--kustomize"} & options.keys():
        yield KubectlTarget("", "", namespace)
    elif "/" in operands[0]:
        for operand in operands:
            kind, slash, name = operand.partition("/")
            if slash:
                yield target(_kind(kind), name, namespace)
    else:
        for kind in operands[0].split(","):
            for name in operands[1:] or ("",):
                yield target(_kind(kind), name, namespace)


def _kind(word: str) -> str:
    return plural(word) if re.fullmatch(r"[A-Za-z][\w.-]*", word) else ""


# When the statements of a script run: those of a function and of a trap run later than they stand.
#
# This reads words, as `commands` does, and not the grammar of a shell.

DEFINITION = re.compile(
    r"(?:^|(?<=[\s;&|]))(?:function[ \t]+(?P<word>[\w.:-]+)(?:[ \t]*\([ \t]*\))?"
    r"|(?P<name>[\w.:-]+)[ \t]*\([ \t]*\))\s*\{(?=\s)"
)
BRACE = re.compile(r"(?:^|(?<=[\s;&|()]))[{}](?=[\s;&|()]|$)")
MAX_FUNCTIONS = 60
"""Most functions of a script that are looked into."""
AT_THE_END = MAX_SCRIPT_LENGTH + 1
"""Position of the commands of a trap."""


class _Function(NamedTuple):
    """A function of a script, by offsets in its text."""

    name: str
    head: int
    body: int
    end: int


def run_position(statement: SimpleCommand) -> int:
    """Return an offset in the script that orders its statements by their last run.

    A function runs at its last call; if a trap or another function calls it, at the end. A
    function that is not called counts where it stands.
    """
    text = statement.node.text[:MAX_SCRIPT_LENGTH]
    if statement.program == "trap":
        return AT_THE_END
    offset = _offset(text, statement.line, statement.column)
    inner = [one for one in _functions(text) if one.body <= offset < one.end]
    return _last_run(text, inner[-1]) or offset if inner else offset


@lru_cache(maxsize=1024)  # asked for each statement of a function
def _last_run(text: str, one: _Function) -> int:
    """Return where a function runs last; 0 if it is not called."""
    functions = _functions(text)
    offsets, in_traps = _find_calls(text)
    if one.name in in_traps:
        return AT_THE_END
    places = [
        offset
        for offset in offsets.get(one.name, ())
        if not _is_in_head(offset, functions) and not one.body <= offset < one.end
    ]
    if any(_is_inside(offset, functions) for offset in places):
        return AT_THE_END
    return places[-1] if places else 0


@lru_cache(maxsize=16)  # as above
def _find_calls(text: str) -> tuple[dict[str, list[int]], frozenset[str]]:
    """Return where each program stands as a command, and the programs that traps run."""
    offsets: dict[str, list[int]] = {}
    in_traps: set[str] = set()
    for statement in split_statements(text):
        offset = _offset(text, statement.line, statement.column)
        offsets.setdefault(statement.program, []).append(offset)
        if statement.program == "trap":
            for script in inner_scripts(statement.words):
                in_traps.update(inner.program for inner in split_statements(script))
    return offsets, frozenset(in_traps)


def _is_in_head(offset: int, functions: tuple[_Function, ...]) -> bool:
    return any(one.head <= offset < one.body for one in functions)


def _is_inside(offset: int, functions: tuple[_Function, ...]) -> bool:
    return any(one.body <= offset < one.end for one in functions)


@lru_cache(maxsize=256)  # Blueprints repeat themselves
def _functions(text: str) -> tuple[_Function, ...]:
    return tuple(islice(_defined(text), MAX_FUNCTIONS)) if "{" in text else ()


def _defined(text: str) -> Iterator[_Function]:
    for match in DEFINITION.finditer(text):
        depth = 1
        for brace in BRACE.finditer(text, match.end()):
            depth += 1 if brace.group() == "{" else -1
            if not depth:
                name = match["word"] or match["name"]
                yield _Function(name, match.start(), match.end(), brace.start())
                break


def _offset(text: str, line: int, column: int) -> int:
    return _line_starts(text)[line - 1] + column - 1


@lru_cache(maxsize=16)  # as above
def _line_starts(text: str) -> tuple[int, ...]:
    return tuple(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))


def inner_scripts(words: tuple[str, ...]) -> Iterator[str]:
    """Yield the scripts that are words of a statement: those of `trap` and of `sh -c`."""
    program = words[0].rpartition("/")[2] if words else ""
    if program == "trap":
        arguments = [word for word in words[1:] if word != "--"]
        if len(arguments) > 1 and not arguments[0].startswith("-"):
            yield arguments[0]
    elif SHELLS.fullmatch(program):
        for i, word in enumerate(words[1:], 1):
            if re.fullmatch(r"-[a-z]*c[a-z]*", word):
                yield from words[i + 1 : i + 2]
                return
