"""What users install holds templates, scripts and the documentation, and nothing else."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from .conftest import ROOT


def test_wheel_holds_every_template_and_script(tmp_path: Path) -> None:
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("setuptools is not installed here")
    source = tmp_path / "source"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)),
        ],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    templates = ROOT / "templates"
    expected = (
        {
            f"kanister_kafka/templates/{path.relative_to(templates).as_posix()}"
            for path in templates.rglob("*")
            if path.suffix in (".j2", ".sh", ".py")
        }
        | {
            "kanister_kafka/docs/__init__.py",
        }
        | {f"kanister_kafka/docs/{path.name}" for path in (ROOT / "docs").glob("*.md")}
        | {
            path.relative_to(ROOT).as_posix()
            for path in (ROOT / "kanister_kafka").rglob("*")
            if path.suffix in (".py", ".sh") or path.name == "py.typed"
        }
    )
    assert names == expected
