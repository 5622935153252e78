"""`render -o` and `render --check -o`: a directory, and whether it is as fresh as its input."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from kanister_kafka.cli import main

from .conftest import ROOT

WORDS = ("-f", "examples/kraft-combined")


def render(folder: Path, *words: str):
    return CliRunner().invoke(main, ["render", *WORDS, "-o", str(folder), *words])


@pytest.fixture(params=["yaml", "helm"])
def form(request: pytest.FixtureRequest) -> tuple[str, str]:
    return ("--format", request.param)


@pytest.fixture
def folder(tmp_path: Path, at_root: Path, form: tuple[str, str]) -> Path:
    assert at_root == ROOT
    assert render(tmp_path, *form).exit_code == 0
    return tmp_path


def checked(folder: Path, form: tuple[str, str], *words: str) -> tuple[int, str, str]:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = render(folder, "--check", *form, *words)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    return done.exit_code, done.stdout, done.stderr.splitlines()[-1]


def test_fresh_files_are_fresh(folder: Path, form: tuple[str, str]) -> None:
    assert checked(folder, form) == (0, "", f"{folder}: up to date")


def test_other_options_make_them_stale(folder: Path, form: tuple[str, str]) -> None:
    code, diff, said = checked(folder, form, "--timeout", "check=61s")
    assert (code, said) == (
        1,
        f"{folder}: 1 stale file; the same command without --check writes it anew",
    )
    assert f"--- {folder}/blueprint-kafka.my-cluster.yaml\n+++ {folder}/blueprint-" in diff
    assert '+    kanister-kafka.io/options: "--timeout check=1m1s"\n' in diff


def spoil_missing(folder: Path) -> None:
    (folder / "role-my-cluster-kanister-kafka.yaml").unlink()


def spoil_changed(folder: Path) -> None:
    path = folder / "role-my-cluster-kanister-kafka.yaml"
    path.write_text(path.read_text().replace("get", "list"))


def spoil_superfluous(folder: Path) -> None:
    text = (folder / "role-my-cluster-kanister-kafka.yaml").read_text()
    (folder / "role-old.yaml").write_text(text.replace("name: my-", "name: old-"))


def spoil_end(folder: Path) -> None:
    path = folder / "role-my-cluster-kanister-kafka.yaml"
    path.write_text(path.read_text().rstrip())


def spoil_line_ends(folder: Path) -> None:
    path = folder / "role-my-cluster-kanister-kafka.yaml"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


@pytest.mark.parametrize(
    ("spoil", "removed", "added"),
    [
        (spoil_missing, "/dev/null", "role-my-cluster-kanister-kafka.yaml"),
        (spoil_changed, *["role-my-cluster-kanister-kafka.yaml"] * 2),
        (spoil_superfluous, "role-old.yaml", "/dev/null"),
        (spoil_end, *["role-my-cluster-kanister-kafka.yaml"] * 2),
        (spoil_line_ends, *["role-my-cluster-kanister-kafka.yaml"] * 2),
    ],
)
def test_stale_files_are_told_as_a_diff_that_mends_them(
    folder: Path, form: tuple[str, str], spoil, removed: str, added: str
) -> None:
    spoil(folder)
    code, diff, said = checked(folder, form)
    assert (code, said) == (
        1,
        f"{folder}: 1 stale file; the same command without --check writes it anew",
    )
    heads = [line.rpartition("/")[2] for line in diff.splitlines()[:2]]
    assert heads == [removed.rpartition("/")[2], added.rpartition("/")[2]]
    if shutil.which("patch") and spoil is not spoil_line_ends:
        subprocess.run(["patch", "-p0", "-s"], input=diff, text=True, check=True, cwd="/")
        assert checked(folder, form)[0] == 0


def test_files_of_others_are_theirs(folder: Path, form: tuple[str, str]) -> None:
    (folder / "kafka.yaml").write_text("kind: Kafka\n")
    (folder / "broken.yaml").write_text("a: [\n")
    (folder / "notes.txt").write_text("x")
    other = (folder / "role-my-cluster-kanister-kafka.yaml").read_text()
    (folder / "role-other.yaml").write_text(other.replace("kafka.my-cluster", "kafka.other"))
    assert checked(folder, form)[0] == 0


def test_a_directory_that_is_not_there_lacks_everything(at_root: Path, tmp_path: Path) -> None:
    assert at_root == ROOT
    code, diff, _ = checked(tmp_path / "none", ("--format", "yaml"))
    assert code == 1
    assert diff.count("--- /dev/null\n") == 9
    assert not (tmp_path / "none").exists()


def test_check_needs_a_directory() -> None:
    done = CliRunner().invoke(main, ["render", *WORDS, "--check"])
    assert done.exit_code == 2
    assert "give it with -o" in done.stderr
