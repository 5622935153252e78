"""Every command of ours that a page shows runs, or is at least read as the command reads it."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from kanister_kafka.cli import main
from tests.conftest import ROOT

PAGES = {
    path.name: path.read_text()
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if path.name != "cli.md"
}
RUN_ELSEWHERE = {
    "fleets.md": "docs/test_pages.py::test_page_on_fleets_is_true",
    "gitops.md": "backup/test_gitops.py::test_commands_of_the_page_run",
    "helm.md": "integrations/test_helm_chart.py::test_commands_of_the_page_run",
    "policies.md": "docs/test_pages.py::test_commands_of_the_page_on_policies_run",
    "seed.md": "docs/test_pages.py::test_commands_of_the_seed_page_run",
}
"""Pages whose commands a test of their own runs, but for those that the next table has."""
ONLY_PARSED = {
    "apply": "writes to a cluster",
    "backups": "reads or deletes backups of a cluster",
    "check": "reads a cluster",
    "delete": "writes to a cluster",
    "fleet plan --from-cluster": "reads a cluster",
    "plan --from-cluster": "reads a cluster",
    "consistency-test": "replaces the volumes of a Kafka",
    "rehearse": "stops a Kafka",
    "release-retention": "writes to a cluster",
    "render --from-cluster": "reads a cluster",
    "restore": "starts an action on a cluster",
    "resume": "writes to a cluster",
    "run": "starts an action on a cluster",
    "status": "reads a cluster",
    "topics compare": "reads two Kafkas",
    "topics collect": "reads a cluster",
    "topics count": "reads a cluster",
    "verify": "starts a copy on a cluster",
    "validate --kasten -": "reads what kustomize prints; test_kustomize.py has both",
}
"""How a command begins that is not run here, and why."""
OPERATORS = {"|", "||", "&&", ";"}
ARROWS = {"<", ">"}


@dataclass(frozen=True)
class Command:
    words: tuple[str, ...]
    """Without the name of the program."""
    source: str = ""
    target: str = ""

    @property
    def only_parsed(self) -> bool:
        line = f"{' '.join(self.words)} "
        return any(line.startswith(f"{start} ") for start in ONLY_PARSED)


def lines(page: str) -> Iterator[str]:
    for block in re.findall(r"^ *```sh\n(.*?)^ *```", page, re.DOTALL | re.MULTILINE):
        yield from block.replace("\\\n", " ").splitlines()


def commands(line: str) -> Iterator[Command]:
    """Find those of ours in a line of shell, which may have pipes, redirections and a comment."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    tokens = [*lexer, ";"]
    while tokens:
        end = next(number for number, token in enumerate(tokens) if token in OPERATORS)
        part, tokens = tokens[:end], tokens[end + 1 :]
        files = {"<": "", ">": ""}
        words: list[str] = []
        while part:
            word = part.pop(0)
            if word in ARROWS:
                files[word] = part.pop(0)
            else:
                words.append(word)
        if words[:1] == ["kanister-kafka"]:
            yield Command(tuple(words[1:]), files["<"], files[">"])


def parse(words: tuple[str, ...]) -> None:
    """Let click read a command without running it; UsageError where it is misspelt."""
    command: click.Command | None = main
    context, rest = click.Context(main, **main.context_settings), list(words)
    while isinstance(command, click.Group):
        name, command, rest = command.resolve_command(context, rest)
        assert command is not None
        context = click.Context(command, context, info_name=name)
    command.make_context(context.info_name, rest, parent=context.parent)


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_the_page(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, in a folder with the examples and a file that stands for the reader's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "blueprints").symlink_to(ROOT / "blueprints")
    (tmp_path / "kafka.yaml").symlink_to(ROOT / "examples" / "kraft-separate-pools" / "kafka.yaml")
    for line in lines(PAGES[page]):
        for name, value in re.findall(r"^export (\w+)=(\S+)$", line):
            monkeypatch.setenv(name, value)
        for command in commands(line):
            if command.only_parsed:
                parse(command.words)
                if command.target:
                    (tmp_path / command.target).touch()
            elif page not in RUN_ELSEWHERE:
                given = (tmp_path / command.source).read_bytes() if command.source else b""
                result = CliRunner().invoke(main, command.words, input=given)
                assert result.exit_code == 0, (line, result.output)
                if command.target:
                    (tmp_path / command.target).write_bytes(result.stdout_bytes)


@pytest.mark.parametrize("start", ONLY_PARSED)
def test_what_is_only_parsed_is_on_some_page(start: str) -> None:
    shown = [
        " ".join(c.words) for page in PAGES.values() for li in lines(page) for c in commands(li)
    ]
    assert any(f"{one} ".startswith(f"{start} ") for one in shown)


@pytest.mark.parametrize(("page", "test"), RUN_ELSEWHERE.items())
def test_what_runs_elsewhere_is_there(page: str, test: str) -> None:
    file, _, name = test.partition("::")
    assert f"\ndef {name}(" in (ROOT / "tests" / file).read_text()
    assert any(commands(line) for line in lines(PAGES[page]))


@pytest.mark.parametrize(
    "line",
    [
        "kanister-kafka rehears my-cluster",
        "kanister-kafka topics compares A B",
        "kanister-kafka apply --from-clutser my-cluster",
        "kanister-kafka run",
        "kanister-kafka topics compare A B --print-job eight | kubectl apply -f -",
        "helm template x > y && kanister-kafka consistency-test --scenario warm --yes --image i",
    ],
)
def test_a_misspelt_command_is_reported(line: str) -> None:
    (command,) = commands(line)
    with pytest.raises(click.UsageError):
        parse(command.words)


def test_shell_around_a_command_is_not_part_of_it() -> None:
    line = "a | kanister-kafka x 'b c' <in >out; kanister-kafka y # kanister-kafka z"
    assert list(commands(line)) == [Command(("x", "b c"), "in", "out"), Command(("y",))]


@pytest.mark.parametrize("page", PAGES)
def test_targets_of_make_are_there(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:^|`)make ([a-z0-9-]+)", PAGES[page], re.MULTILINE):
        assert f"\n{target}:" in makefile, target
