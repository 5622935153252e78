"""`render -o` and `render --check -o`: a directory, and whether it is as fresh as its input."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from kanister_kafka.backup.output_dir import check_file, remove_empty_directories, write_file
from kanister_kafka.cli import main
from kanister_kafka.errors import UnreachableError
from tests.conftest import ROOT

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
    own = "--scripts own " if form[1] == "helm" else ""  # two releases may not share an object
    assert f'+    kanister-kafka.io/options: "{own}--timeout check=1m1s"\n' in diff


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
def test_stale_files_are_reported_as_a_diff_that_patch_applies(
    folder: Path, form: tuple[str, str], spoil, removed: str, added: str
) -> None:
    spoil(folder)
    code, diff, said = checked(folder, form)
    does = "removes it" if added == "/dev/null" else "writes it anew"
    again = f"the same command without --check {does}"
    assert (code, said) == (1, f"{folder}: 1 stale file; {again}")
    heads = [line.rpartition("/")[2] for line in diff.splitlines()[:2]]
    assert heads == [removed.rpartition("/")[2], added.rpartition("/")[2]]
    if shutil.which("patch") and spoil is not spoil_line_ends:
        subprocess.run(["patch", "-p0", "-s"], input=diff, text=True, check=True, cwd="/")
        assert checked(folder, form)[0] == 0


def test_what_is_not_rendered_any_more_is_removed(folder: Path, form: tuple[str, str]) -> None:
    fresh = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert render(folder, *form, "--kasten", "policy").exit_code == 0
    (added,) = {path.name for path in folder.iterdir()} - set(fresh)
    (folder / "notes.txt").write_text("x")
    (folder / "kafka.yaml").write_text("kind: Kafka\n")
    other = (folder / "role-my-cluster-kanister-kafka.yaml").read_text()
    (folder / "role-other.yaml").write_text(other.replace("kafka.my-cluster", "kafka.other"))
    (folder / "link.yaml").symlink_to("role-my-cluster-kanister-kafka.yaml")
    assert checked(folder, form)[2] == (
        f"{folder}: 2 stale files; the same command without --check removes 1 and writes 1 anew"
    )
    (folder / "role-my-cluster-kanister-kafka.yaml").unlink()
    assert checked(folder, form)[2] == (
        f"{folder}: 3 stale files; the same command without --check removes 1 and writes 2 anew"
    )
    done = render(folder, *form)
    assert f"removed {folder / added}, which is not rendered any more" in done.stderr
    left = {path.name for path in folder.iterdir()}
    assert left == {*fresh, "notes.txt", "kafka.yaml", "role-other.yaml", "link.yaml"}
    assert checked(folder, form)[0] == 0


def test_a_base_of_kustomize_that_lists_other_files_is_reported(
    at_root: Path, tmp_path: Path
) -> None:
    assert at_root == ROOT
    assert render(tmp_path, "--kasten", "policy", "--kustomization").exit_code == 0
    done = render(tmp_path)
    assert f"to do: {tmp_path}/kustomization.yaml was not written anew" in done.stderr
    assert "to do" not in render(tmp_path, "--kustomization").stderr


def test_a_file_is_checked_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, pipe = tmp_path / "report.html", tmp_path / "pipe"
    report.write_text("former")
    os.mkfifo(pipe)  # without a reader, it cannot be opened
    for path in (report, tmp_path / "new.html", pipe, Path("/dev/stdout"), Path(os.devnull)):
        check_file(path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pipe", "report.html"]
    assert report.read_text() == "former"

    def refuse(_path: Path, _mode: str) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(os, "access", lambda *_words: False)
    for path in (report, tmp_path / "new.html", pipe):
        with pytest.raises(UnreachableError, match=rf"^{path}: (Read-only|Permission)"):
            check_file(path)


@pytest.mark.parametrize("command", ["render", "fleet render"])
@pytest.mark.parametrize("check", [True, False])
def test_a_directory_that_cannot_be_listed_is_an_error(
    command: str, tmp_path: Path, at_root: Path, monkeypatch: pytest.MonkeyPatch, *, check: bool
) -> None:
    """A file of an option that is not given any more may be in it."""
    assert at_root == ROOT
    place = tmp_path / "kafka.my-cluster" if command == "fleet render" else tmp_path
    words = [*command.split(), *WORDS, "-o", str(tmp_path)]
    assert CliRunner().invoke(main, words).exit_code == 0
    list_directory = os.scandir

    def scandir(path: str) -> object:
        if str(path) == str(place):
            raise PermissionError(13, "Permission denied")
        return list_directory(path)

    monkeypatch.setattr(os, "scandir", scandir)
    (place / "of-another.yaml").touch()
    done = CliRunner().invoke(main, [*words, "--check"] if check else words)
    assert done.exit_code == 2
    assert f"error: {place}: Permission denied" in done.stderr
    assert "up to date" not in done.stderr


def test_a_directory_to_be_removed_that_cannot_be_listed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def iterdir(_path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", iterdir)
    with pytest.raises(UnreachableError, match="Permission denied"):
        remove_empty_directories(tmp_path)


def test_files_of_other_clusters_and_tools_are_not_stale(
    folder: Path, form: tuple[str, str]
) -> None:
    (folder / "kafka.yaml").write_text("kind: Kafka\n")
    (folder / "broken.yaml").write_text("a: [\n")
    (folder / "notes.txt").write_text("x")
    other = (folder / "role-my-cluster-kanister-kafka.yaml").read_text()
    (folder / "role-other.yaml").write_text(other.replace("kafka.my-cluster", "kafka.other"))
    assert checked(folder, form)[0] == 0


def test_files_of_a_kafka_with_this_name_elsewhere_are_not_replaced(
    folder: Path, form: tuple[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    moved = tmp_path_factory.mktemp("other") / "kafka.yaml"
    text = "---\n".join(path.read_text() for path in Path("examples/kraft-combined").glob("*.yaml"))
    moved.write_text(text.replace("namespace: kafka", "namespace: kafka2"))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    for words in ((), ("--check",)):
        done = CliRunner().invoke(
            main, ["render", "-f", str(moved), "-o", str(folder), *form, *words]
        )
        assert (done.exit_code, done.stdout) == (2, ""), done.output
        assert "holds another object, " in done.stderr
        assert " kafka/my-cluster-kanister-kafka" in done.stderr
        assert "use another directory" in done.stderr
        assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("text", ["<<<<<<< ours\n", "", "- 1\n"])
def test_a_file_without_an_object_is_replaced(
    folder: Path, form: tuple[str, str], text: str
) -> None:
    path = folder / "blueprint-kafka.my-cluster.yaml"
    before = path.read_bytes()
    path.write_text(text)
    assert render(folder, *form).exit_code == 0
    assert path.read_bytes() == before


def test_scripts_are_stale_when_nothing_names_them_any_more(at_root: Path, tmp_path: Path) -> None:
    assert at_root == ROOT
    form = ("--format", "yaml")
    assert render(tmp_path).exit_code == 0
    (new,) = tmp_path.glob("configmap-kanister-kafka-scripts-*.yaml")
    old = tmp_path / "configmap-kanister-kafka-scripts-0123456789.yaml"
    old.write_text(new.read_text().replace(new.stem[-10:], "0123456789"))
    code, diff, said = checked(tmp_path, form)
    assert (code, diff.count("+++ /dev/null\n")) == (1, 1)
    assert f"--- {old}\n" in diff
    assert "1 stale file" in said
    other = tmp_path / "blueprint-another.yaml"
    (blueprint,) = tmp_path.glob("blueprint-kafka.*.yaml")
    text = blueprint.read_text().replace("kafka.my-cluster", "another")
    other.write_text(text.replace(new.stem[-10:], "0123456789"))
    assert checked(tmp_path, form)[0] == 0, "a Blueprint of another version still needs them"
    other.unlink()
    old.write_text(old.read_text().replace("managed-by: kanister-kafka", "managed-by: another"))
    assert checked(tmp_path, form)[0] == 0, "they are somebody else's"


def test_a_directory_that_is_not_there_lacks_everything(at_root: Path, tmp_path: Path) -> None:
    assert at_root == ROOT
    code, diff, _ = checked(tmp_path / "none", ("--format", "yaml"))
    assert code == 1
    assert diff.count("--- /dev/null\n") == 13
    assert not (tmp_path / "none").exists()


def test_check_needs_a_directory() -> None:
    done = CliRunner().invoke(main, ["render", *WORDS, "--check"])
    assert done.exit_code == 2
    assert "give it with --output-dir" in done.stderr


# Nothing is written where a link leads to.


def links(tmp_path: Path) -> tuple[Path, Path]:
    """Return a directory to write into, and one that must stay as it is."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (outside / "mine").write_text("mine\n")
    return inside, outside


def untouched(outside: Path) -> bool:
    return [(p.name, p.read_text()) for p in outside.iterdir()] == [("mine", "mine\n")]


NAME = "blueprint-kafka.my-cluster.yaml"
FOLDER_WRITERS = [
    ("render -f examples/kraft-combined -o", NAME),
    ("policy render -f examples/kraft-combined -o", "policy-kafka.my-cluster.yaml"),
    ("fleet render -f examples/kraft-combined -o", f"kafka.my-cluster/{NAME}"),
]
IDS = [words.partition(" -f")[0] for words, _name in FOLDER_WRITERS]


@pytest.mark.parametrize(("words", "name"), FOLDER_WRITERS, ids=IDS)
def test_a_link_is_replaced_and_not_followed(
    words: str, name: str, tmp_path: Path, at_root: Path
) -> None:
    assert at_root == ROOT
    inside, outside = links(tmp_path)
    (inside / name).parent.mkdir(exist_ok=True)
    (inside / name).symlink_to(outside / "mine")
    done = CliRunner().invoke(main, [*words.split(), str(inside)])
    assert done.exit_code == 0, done.stderr
    assert untouched(outside)
    assert not (inside / name).is_symlink()
    assert (inside / name).read_text().startswith(("#", "apiVersion"))
    assert not list(inside.rglob(".kanister-kafka-*"))


@pytest.mark.parametrize("words", [words for words, _name in FOLDER_WRITERS], ids=IDS)
@pytest.mark.parametrize("place", ["itself", "on the way", "from here"])
def test_a_directory_that_is_a_link_is_refused(
    words: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, outside = links(tmp_path)
    link = inside / "link"
    link.symlink_to(outside)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    target = {"itself": link, "on the way": link / "deep", "from here": Path("inside/link/deep")}
    done = CliRunner().invoke(main, [*words.split(), str(target[place])])
    assert done.exit_code == 2, done.stderr
    assert "link is a symbolic link, and nothing is written where it leads to" in done.stderr
    assert untouched(outside)


def test_the_directory_of_a_cluster_may_be_no_link_either(tmp_path: Path, at_root: Path) -> None:
    assert at_root == ROOT
    inside, outside = links(tmp_path)
    (inside / "kafka.my-cluster").symlink_to(outside)
    words = [*FOLDER_WRITERS[2][0].split(), str(inside)]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, untouched(outside)) == (2, True), done.stderr


def test_a_directory_elsewhere_may_be_reached_through_links(tmp_path: Path, at_root: Path) -> None:
    """What a person calls by its full name, such as below /tmp on a Mac, is no repository's."""
    assert at_root == ROOT
    inside, _outside = links(tmp_path)
    (tmp_path / "link").symlink_to(inside)
    assert render(tmp_path / "link" / "new" / "deep").exit_code == 0
    assert (inside / "new" / "deep" / NAME).is_file()


def test_check_does_not_print_the_target_of_a_link(tmp_path: Path, at_root: Path) -> None:
    assert at_root == ROOT
    inside, outside = links(tmp_path)
    assert render(inside).exit_code == 0
    (inside / NAME).unlink()
    (inside / NAME).symlink_to(outside / "mine")
    (inside / "extra.yaml").symlink_to(outside / "mine")
    done = render(inside, "--check")
    assert (done.exit_code, done.stderr.count("1 stale file")) == (1, 1)
    assert "mine" not in done.stdout
    assert done.stdout.startswith("--- /dev/null\n")


@pytest.mark.parametrize("words", ["validate", "policy lint"])
def test_a_report_replaces_a_link(words: str, tmp_path: Path, at_root: Path) -> None:
    assert at_root == ROOT
    inside, outside = links(tmp_path)
    (inside / "out.sarif").symlink_to(outside / "mine")
    choice = ["--format", "sarif", "--output", str(inside / "out.sarif"), "examples/mirror-maker-2"]
    CliRunner().invoke(main, [*words.split(), *choice])
    assert untouched(outside)
    assert (inside / "out.sarif").read_text().startswith("{")
    assert not (inside / "out.sarif").is_symlink()


def test_a_file_keeps_its_permissions_and_a_pipe_is_written_to(tmp_path: Path) -> None:
    file, pipe = tmp_path / "report", tmp_path / "pipe"
    file.write_text("old")
    file.chmod(0o640)
    write_file(file, "new\n")
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("new\n", 0o640)
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_file(pipe, "text\n")
    assert os.read(reader, 100) == b"text\n"
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    write_file(Path("/dev/null"), "text\n")
    assert not stat.S_ISREG(Path("/dev/null").stat().st_mode)
    with pytest.raises(UnreachableError, match="report/x: Not a directory"):
        write_file(file / "x", "text\n")


@pytest.mark.parametrize("place", [("-o",), ("--output-dir",)])
def test_a_directory_as_output_is_deprecated(
    at_root: Path, tmp_path: Path, place: tuple[str, ...]
) -> None:
    assert at_root == ROOT
    done = CliRunner().invoke(main, ["render", *WORDS, *place, str(tmp_path / "made")])
    assert done.exit_code == 0
    assert len(list((tmp_path / "made").iterdir())) == 13
    assert (f"write --output-dir {tmp_path / 'made'}" in done.stderr) is (place == ("-o",))


def test_output_is_what_kubectl_takes_it_for(at_root: Path) -> None:
    assert at_root == ROOT
    usual, yaml_, json_, name = (
        CliRunner().invoke(main, ["render", *WORDS, *words])
        for words in ((), ("-o", "yaml"), ("-o", "json"), ("-o", "name"))
    )
    assert usual.stdout == yaml_.stdout
    tree = json.loads(json_.stdout)
    assert (tree["kind"], tree["items"]) == ("List", [*yaml.safe_load_all(usual.stdout)])
    names = name.stdout.splitlines()
    assert len(names) == 13
    assert "blueprint.cr.kanister.io/kafka.my-cluster" in names
    assert "serviceaccount/my-cluster-kanister-kafka" in names
    assert not Path("yaml").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "json", "--output-dir", "x"), "leave --output-dir out"),
        (("-o", "x", "--output-dir", "y"), "-o must be one of yaml, json, name"),
        (("-o", "README.md"), "is a file: give yaml, json, name, or --output-dir"),
        (("-o", "jsn"), "did you mean 'json'?"),
        (("-o", "json", "--format", "helm"), "--format helm is for YAML"),
        (("--kustomization",), "--kustomization needs --output-dir"),
    ],
)
def test_what_is_not_a_destination(at_root: Path, words: tuple[str, ...], told: str) -> None:
    assert at_root == ROOT
    done = CliRunner().invoke(main, ["render", *WORDS, *words])
    assert (done.exit_code, told in done.stderr) == (2, True), done.stderr


LONG = "a" * 300
FLEET = "apiVersion: kanister-kafka.io/v1alpha1\nkind: KafkaFleet\nclusters: [{paths: [%s]}]\n"
TOO_LONG = {
    "render": ("render", *WORDS, "-o", LONG),
    "render check": ("render", *WORDS, "--check", "--output-dir", LONG),
    "render base": ("render", *WORDS, "--kustomization", "--output-dir", LONG),
    "policy": ("policy", "render", *WORDS, "--frequency", "@daily", "-o", LONG),
    "policy restore": ("policy", "restore", *WORDS, "--restore-point", "x", "-o", LONG),
    "fleet": ("fleet", "render", "fleet.yaml", "-o", LONG),
    "fleet directory": ("fleet", "render", "fleet.yaml", "--output-dir", LONG),
    "fleet paths": ("fleet", "render", "long.yaml"),
    "compare": ("topics", "compare", "a:1", "b:1", "--html", f"{LONG}/x.html"),
    "rehearse": ("rehearse", "x", "-n", "y", "--html", f"{LONG}/x.html"),
}


@pytest.mark.parametrize("words", TOO_LONG.values(), ids=list(TOO_LONG))
def test_a_name_that_is_too_long_is_an_error_of_the_user(tmp_path, monkeypatch, words) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    Path("fleet.yaml").write_text(FLEET % "examples/kraft-combined")
    Path("long.yaml").write_text(FLEET % LONG)
    done = CliRunner().invoke(main, words)
    assert done.exit_code in (1, 2)
    assert isinstance(done.exception, SystemExit), done.exception
    assert LONG in done.stderr
