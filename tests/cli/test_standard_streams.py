"""Output that cannot be written: the command goes on, and its end says so."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from kanister_kafka.cli import main
from kanister_kafka.cli.app import print_step
from kanister_kafka.cli.output import print_elapsed
from tests.conftest import ROOT
from tests.fakes.api_server import ApiServer, running

KRAFT = str(ROOT / "examples" / "kraft-separate-pools")
FULL = Path("/dev/full")
CODE = "from kanister_kafka.cli import main; main()"
NO_SPACE = "error: standard output: No space left on device\n"

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="the system has no /dev/full")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    with running(tmp_path, monkeypatch) as server:
        yield server


def run_on_full_disk(*words: str, options: tuple[str, ...] = ()) -> tuple[int, str]:
    """Run a command whose standard output is a full disk; return exit code and errors."""
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, *options, "-c", CODE, *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", ["apply", "delete"])
def test_a_full_disk_does_not_leave_the_cluster_half_done(server: ApiServer, command: str) -> None:
    text = CliRunner().invoke(main, ["render", "-f", KRAFT]).stdout
    objects = list(yaml.safe_load_all(text))
    if command == "delete":
        server.put(*objects)
    code, said = run_on_full_disk(command, "-f", KRAFT)
    assert len(server.objects) == (len(objects) if command == "apply" else 0)
    assert code == 2
    assert said.endswith(NO_SPACE)
    assert said.count("error") == 1


def test_diff_is_2_if_it_cannot_be_printed(server: ApiServer) -> None:
    assert run_on_full_disk("apply", "-f", KRAFT, "--diff") == (2, NO_SPACE)
    assert server.writes == []


@pytest.mark.parametrize("options", [(), ("-u",)])
@pytest.mark.parametrize("words", ["render", "plan", "render --help", "--help", "docs running"])
def test_each_command_ends_in_one_line(words: str, options: tuple[str, ...]) -> None:
    given = ("-f", KRAFT) if words in ("render", "plan") else ()
    assert run_on_full_disk(*words.split(), *given, options=options) == (2, NO_SPACE)


def test_a_higher_exit_code_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys, click; from kanister_kafka.cli import main\n"
        "@main.command()\ndef fail():\n    click.echo('x'); sys.exit(70)\n"
        "main.about = {**main.about, 'fail': ''}\n"
        "main.get_command = lambda ctx, name: main.commands[name]\n"
        "main(['fail'])"
    )
    monkeypatch.setattr(sys.modules[__name__], "CODE", code)
    assert run_on_full_disk() == (70, NO_SPACE)


@pytest.mark.parametrize(("closed", "lines"), [(">&-", 0), ("2>&-", 1)])
def test_a_closed_stream_is_not_an_error(closed: str, lines: int) -> None:
    command = f'"$0" -c "{CODE}" plan -f "$1" -o name {closed}'
    done = subprocess.run(
        ["sh", "-c", command, sys.executable, KRAFT], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", lines)


def test_a_reader_that_goes_away_ends_a_list() -> None:
    done = subprocess.run(
        ["sh", "-c", f'"$0" -c "{CODE}" plan -f "$1" | true', sys.executable, KRAFT],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("err", [True, False])
def test_a_reader_that_goes_away_ends_no_step(
    monkeypatch: pytest.MonkeyPatch, *, err: bool
) -> None:
    read, write = os.pipe()
    os.close(read)
    out = io.TextIOWrapper(os.fdopen(write, "wb", buffering=0), write_through=True)
    with out:
        monkeypatch.setattr(sys, "stderr" if err else "stdout", out)
        for _ in range(2):
            print_step("applied", err=err)
            print_elapsed(1.0, "Kafka is stopped")
        assert out.write("what follows goes nowhere, and fails no more")
