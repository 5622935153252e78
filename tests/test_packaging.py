"""What users install holds templates, scripts and the documentation; and what a release holds."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from kanister_kafka import __version__
from tests import release
from tests.conftest import ROOT

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("setuptools") is None, reason="setuptools is not installed here"
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of all files of the repository, those that are not committed yet too."""
    folder = tmp_path_factory.mktemp("source")
    for name in listed():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / name).read_bytes())
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(out), str(source)),
        ],
        check=True,
        capture_output=True,
    )
    (found,) = out.glob("*.whl")
    return found


def test_a_checkout_that_hides_the_installed_package_has_its_templates_and_pages() -> None:
    """As after `pip install .`, if Python runs in the root of the checkout."""
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    more = "from kanister_kafka.linter.registry import rule_docs; assert rule_docs()\n"
    more += "from kanister_kafka.operations.live_kafka import broker_script; broker_script('')\n"
    paths = sysconfig.get_paths()
    done = subprocess.run(
        # -S: without the .pth files of an editable installation
        [sys.executable, "-S", "-"],
        input=f"import sys\nsys.path += {[paths['purelib'], paths['platlib']]}\n{example}{more}",
        env={**os.environ, "PYTHONPATH": ""},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "kind: Blueprint" in done.stdout


def listed() -> list[str]:
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in done.stdout.splitlines() if (ROOT / name).is_file()]


def test_wheel_holds_every_template_and_script(wheel: Path) -> None:
    names = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    templates = ROOT / "templates"
    expected = (
        {
            f"kanister_kafka/templates/{path.relative_to(templates).as_posix()}"
            for path in templates.rglob("*")
            if path.suffix in (".j2", ".sh", ".py")
        }
        | {"kanister_kafka/docs/__init__.py"}
        | {f"kanister_kafka/docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
        | {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / "kanister_kafka").rglob("*")
            if path.suffix in (".py", ".sh") or path.name == "py.typed"
        }
    )
    assert names == expected


def test_sdist_holds_what_the_tests_need(source: Path, tmp_path: Path) -> None:
    build = f"from setuptools import build_meta; build_meta.build_sdist({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", build], cwd=source, check=True, capture_output=True)
    (sdist,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {name for name in listed() if name != ".gitignore"} <= names


def test_the_root_of_the_image_runs_in_another_directory(wheel: Path, tmp_path: Path) -> None:
    root, packed = tmp_path / "root", tmp_path / "root.tar.gz"
    release.make_root(root, "--no-deps", "--no-index", wheel)
    release.pack(root, packed)
    assert release.try_root(packed) == __version__
    again = tmp_path / "again.tar.gz"
    for path in root.rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    release.pack(root, again)
    assert again.read_bytes() == packed.read_bytes()
    (root / release.HOME / "kanister_kafka" / "backup" / "render.py").write_text("broken (")
    release.pack(root, packed)
    with pytest.raises(subprocess.CalledProcessError):
        release.try_root(packed)


def test_a_tag_is_that_of_the_package() -> None:
    release.check_tag("")
    release.check_tag(f"v{__version__}")
    for tag in ("v9.9.9", __version__, "vx"):
        with pytest.raises(SystemExit, match=f"tag {tag} is not v{__version__}"):
            release.check_tag(tag)


def test_the_sbom_names_each_package_and_what_it_needs(tmp_path: Path) -> None:
    for name, needs in (("kanister_kafka", ("Click>=8", "absent; extra == 'x'")), ("click", ())):
        folder = tmp_path / f"{name}-{__version__}.dist-info"
        folder.mkdir()
        lines = [f"Name: {name}", f"Version: {__version__}", "License: MIT"]
        lines += [f"Requires-Dist: {one}" for one in needs]
        (folder / "METADATA").write_text("Metadata-Version: 2.1\n" + "\n".join(lines) + "\n\n")
    text = release.sbom(tmp_path)
    assert text == release.sbom(tmp_path)
    tree = json.loads(text)
    assert tree["metadata"]["component"]["name"] == "kanister-kafka"
    assert [part["purl"] for part in tree["components"]] == [f"pkg:pypi/click@{__version__}"]
    needs = {one["ref"]: one.get("dependsOn", []) for one in tree["dependencies"]}
    assert needs[f"pkg:pypi/kanister-kafka@{__version__}"] == [f"pkg:pypi/click@{__version__}"]
    with pytest.raises(SystemExit, match=f"the wheel is {__version__}, not 9"):
        release.sbom(tmp_path, "9")


def test_sums_are_those_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "a b").write_bytes(b"x")
    (tmp_path / "SHA256SUMS").write_text(release.sums(tmp_path))
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)
    assert "SHA256SUMS" not in release.sums(tmp_path)


def test_the_recipe_copies_what_was_tried_and_adds_nothing() -> None:
    text = (ROOT / "examples" / "container" / "Containerfile").read_text("utf-8")
    steps = [line.split()[0] for line in text.splitlines() if line and line[0] not in "# "]
    assert steps == ["ARG", "FROM", "COPY", "ENV", "WORKDIR", "USER", "ENTRYPOINT"]
    assert "\nCOPY root/ /\n" in text
