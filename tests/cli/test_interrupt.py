"""Ctrl-C while a command waits for the API server: exit code 130, as shells have it."""

from __future__ import annotations

import os
import signal
import sys
import time

import click
import pytest
from click.testing import CliRunner

from kanister_kafka.cli import main
from kanister_kafka.cli.app import confirm
from tests.conftest import ROOT
from tests.fakes.api_server import running

KRAFT = str(ROOT / "examples" / "kraft-separate-pools")
BLUEPRINT = str(ROOT / "blueprints/kraft-separate-pools" / "blueprint-kafka.my-cluster.yaml")
COMMANDS = (
    "plan --from-cluster my-cluster",
    "render --from-cluster my-cluster",
    f"apply -f {KRAFT}",
    f"delete -f {KRAFT}",
    "check my-cluster",
    "check -A",
    "rehearse my-cluster --yes",
    "run backup my-cluster --yes",
    "status my-cluster",
    "status -A",
    "resume my-cluster",
    "backups list",
    "backups describe latest",
    "backups create my-cluster",
    "backups delete latest --yes",
    "backups prune --keep-last 1 --yes",
    "restore latest --into other --yes",
    "verify latest",
    "release-retention my-cluster --yes",
    "fleet render --from-cluster",
    "policy render --from-cluster my-cluster",
    f"preview {BLUEPRINT} --action backupPrehook --from-cluster Kafka/my-cluster",
    "consistency-test --image example.com/i:1 --yes",
    "version my-cluster",
)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.2)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words.split()[:2]))
def test_exit_code_of_every_command_that_asks_the_api_server(tmp_path, monkeypatch, words) -> None:
    with running(tmp_path, monkeypatch) as server:
        asked = []

        def answer(method, path, *_rest):
            asked.append((method, path))
            interrupt()
            return 503, {}

        monkeypatch.setattr(server, "answer", answer)
        done = CliRunner().invoke(main, words.split(), catch_exceptions=False)
    assert asked, done.output
    assert done.exit_code == 130, done.output
    assert "interrupted" in done.stderr


def test_at_a_question(monkeypatch) -> None:
    """A question that is answered with no ends with 1, as before."""
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)

    def asked(*_words):
        raise KeyboardInterrupt

    monkeypatch.setattr(click.termui, "visible_prompt_func", asked)
    with pytest.raises(KeyboardInterrupt):
        confirm("Continue?", "it stops", yes=False)
    monkeypatch.setattr(click.termui, "visible_prompt_func", lambda *_words: "n")
    with pytest.raises(click.Abort):
        confirm("Continue?", "it stops", yes=False)
