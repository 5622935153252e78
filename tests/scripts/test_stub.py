"""The stub of each phase: it runs what the Blueprint pins, and asks for help where it cannot."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from kanister_kafka import Options, Strategy, build_plan
from kanister_kafka.backup.scripts import ScriptsConfigMap
from tests.fakes.script_runner import FILES, RUN, STUB, Shell, cycle, digest

ANY = {"restartRequested": "any"}
OWN = {"restartRequested": RUN}


def delete(files: Path) -> None:
    for path in files.iterdir():
        path.unlink()


def change_a_byte(files: Path) -> None:
    path = files / "stop.sh"
    path.write_bytes(path.read_bytes().replace(b"a", b"b", 1))


def add_a_file(files: Path) -> None:
    (files / "zz.sh").write_text("# shellcheck shell=bash\n")


def exchange_two(files: Path) -> None:
    one, other = files / "pause-reconciliation.sh", files / "kafka-pods.sh"
    texts = one.read_bytes(), other.read_bytes()
    other.write_bytes(texts[0])
    one.write_bytes(texts[1])


def move_a_line(files: Path) -> None:
    """What `cat *.sh` shows stays the same."""
    one, other = files / "backup-labels.sh", files / "check-permissions.sh"
    *lines, last = one.read_text().splitlines(keepends=True)
    one.write_text("".join(lines))
    other.write_text(last + other.read_text())


DAMAGES = [delete, change_a_byte, add_a_file, exchange_two, move_a_line]
damaged = pytest.mark.parametrize("damage", DAMAGES, ids=lambda one: one.__name__)


def damage_scripts(shell: Shell, damage: Callable[[Path], None]) -> Shell:
    damage(shell.mount() / "..1")
    return shell


def test_the_digest_is_what_the_tools_of_the_image_print(shell: Shell) -> None:
    told = subprocess.run(
        ["bash", "-c", "sha256sum ./*.sh | sha256sum"],
        cwd=shell.mount() / "..1",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == f"{digest()}  -\n"


@pytest.mark.parametrize("files", [(), (("a.sh", "x\n"),), (("a.sh", ""), ("b.sh", "x\n"))])
def test_another_content_has_another_name(files: tuple[tuple[str, str], ...]) -> None:
    ours = ScriptsConfigMap(tuple((name, path.read_text()) for name, path in FILES.items()), "")
    assert ScriptsConfigMap(files, "").name != ours.name
    assert ScriptsConfigMap(files, "").name.startswith("kanister-kafka-scripts-")


def test_names_of_scripts_do_not_clash_where_they_run() -> None:
    assert len(FILES) == len([*STUB.parent.glob("*/*.sh")])


@damaged
@pytest.mark.parametrize("phase", ["quiesce", "backupQuiesce", "backupKeep", "restoreCheck"])
def test_nothing_is_stopped_by_scripts_that_are_not_pinned(
    shell: Shell, phase: str, damage: Callable[[Path], None]
) -> None:
    done = damage_scripts(shell, damage).phase(phase)
    assert done.returncode == 1
    assert f"{phase}: FAILED: " in done.stderr
    assert "apply their ConfigMap again" in done.stderr
    assert not shell.all(), "nothing is to be brought back yet, or its action has a recovery"


@damaged
@pytest.mark.parametrize(
    ("phase", "requested"),
    [
        *((phase, ANY) for phase in ("restart", "resume", "backupRestart")),
        *((phase, OWN) for phase in ("flush", "stop", "backupFlush", "pod of backupSnapshot")),
        ("backupRecover", OWN),
    ],
)
def test_what_cannot_bring_kafka_back_asks_the_watchdog(
    shell: Shell, phase: str, requested: dict[str, str], damage: Callable[[Path], None]
) -> None:
    """After the first phase clients are stopped. Only the last one may ask for any run."""
    done = damage_scripts(shell, damage).phase(phase)
    assert done.returncode == 1, "it has not brought Kafka back itself"
    assert shell.recorded() == requested


@pytest.mark.parametrize("phase", ["pause", "flush", "backupPause", "backupFlush"])
def test_an_online_backup_asks_for_its_own_run(shell: Shell, phase: str) -> None:
    done = damage_scripts(shell, delete).phase(phase, cycle(strategy=Strategy.ONLINE))
    assert done.returncode == 1
    assert shell.recorded() == OWN


def test_a_hot_backup_asks_for_nothing(shell: Shell) -> None:
    plan = build_plan(cycle().cluster, Options(strategy=Strategy.HOT))
    assert damage_scripts(shell, delete).phase("flush", plan).returncode == 1
    assert not shell.all()


@pytest.mark.parametrize("phase", ["restoreRestart", "restoreStop"])
def test_a_restore_asks_for_nothing(shell: Shell, phase: str) -> None:
    """What is half restored must not be started."""
    assert damage_scripts(shell, delete).phase(phase).returncode == 1
    assert not shell.all()


@pytest.mark.parametrize("phase", ["flush", "stop", "recover", "restart", "backupRestart"])
def test_without_a_watchdog_nothing_is_requested(shell: Shell, phase: str) -> None:
    assert damage_scripts(shell, delete).phase(phase, cycle(restart_after=0)).returncode == 1
    assert not shell.all()


def test_a_value_of_any_text_is_one_value(shell: Shell) -> None:
    value = "a b\n$(exit 3) `x` \"' \\"
    (shell.mount() / "..1" / "show.sh").write_text('printf "%s" "$VALUE"; exit 7\n')
    files = ((path.name, path.read_text()) for path in (shell.mount() / "..1").iterdir())
    sha256 = ScriptsConfigMap(tuple(sorted(files)), "").sha256
    done = shell.stub("name", "show", f"VALUE={value}", SCRIPTS_SHA256=sha256)
    assert (done.returncode, done.stdout, done.stderr) == (7, value, "")
