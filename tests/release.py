"""What `make release` makes in build/release: sdist, wheel, image, SBOM and checksums.

Everything comes from committed files and from the wheel itself, which is made of the sdist. The
root file system of the image is packed, unpacked elsewhere and run before it is kept.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import uuid
from importlib.metadata import Distribution, distributions
from pathlib import Path

from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from kanister_kafka import __version__
from tests.conftest import ROOT

NAME = "kanister-kafka"
HOME = Path("opt/kanister-kafka")
"""Where the packages are in the root file system."""
COMMANDS = ("kanister-kafka", "kubectl-kanister_kafka")
LAUNCHER = """\
#!/usr/bin/env -S python3 -I
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "opt" / "kanister-kafka"))

from kanister_kafka.cli import main

main(prog_name="{command}")
"""
"""-I: neither PYTHONPATH nor the working directory may put another module before ours."""
NAMESPACE = uuid.UUID("3d0c1d6e-6f0b-4f2f-9c3a-6b1c54e0f9a7")
"""Of the serial numbers of SBOMs: the same contents have the same number."""


def check_tag(tag: str, version: str = __version__) -> None:
    """End where a tag is of another version than the package."""
    if tag and tag != f"v{version}":
        raise SystemExit(f"tag {tag} is not v{version}, the version in kanister_kafka/_version.py")


def tag_of_head() -> str:
    """Return the tag of a version on the commit; empty where there is none."""
    found = _output("git", "tag", "--points-at", "HEAD", "--list", "v*").split()
    if len(found) > 1:
        raise SystemExit(f"several tags on one commit: {', '.join(found)}")
    return "".join(found)


def make_distributions(out: Path) -> tuple[Path, Path]:
    """Make the sdist of committed files, and the wheel of the sdist; both are reproducible."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": _output("git", "log", "-1", "--format=%ct")}
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary) / "source"
        source.mkdir()
        archive = subprocess.run(
            ["git", "archive", "--format=tar", "HEAD"], cwd=ROOT, capture_output=True, check=True
        )
        subprocess.run(["tar", "-x", "-C", source], input=archive.stdout, check=True)
        build = f"from setuptools import build_meta; build_meta.build_sdist({str(out)!r})"
        subprocess.run(
            [sys.executable, "-c", build],
            cwd=source,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (sdist,) = out.glob("*.tar.gz")
        _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", out, sdist)
    (wheel,) = out.glob("*.whl")
    return sdist, wheel


def make_root(root: Path, *requirements: str | Path) -> None:
    """Make the root file system of the image: packages, and a launcher for each command."""
    home = root / HOME
    _pip("install", "--no-compile", "--target", home, *requirements)
    shutil.rmtree(home / "bin", ignore_errors=True)  # launchers with the path of this Python
    folder = root / "usr" / "local" / "bin"
    folder.mkdir(parents=True)
    for command in COMMANDS:
        path = folder / command
        path.write_text(LAUNCHER.format(command=command), "utf-8")
        path.chmod(0o755)
    (root / "work").mkdir()


def try_root(packed: Path, python: str = sys.executable) -> str:
    """Unpack a root file system elsewhere and run its command; return the version it prints."""
    with tempfile.TemporaryDirectory() as temporary:
        unpacked = Path(temporary)
        subprocess.run(["tar", "-xzf", packed, "-C", unpacked], check=True)
        command = unpacked / "usr" / "local" / "bin" / NAME
        example = ROOT / "examples" / "kraft-combined"
        for words in (["render", "-f", str(example)], ["version", "--client"]):
            done = subprocess.run(
                [python, "-I", command, *words],
                cwd=unpacked / "work",
                env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                check=True,
            )
        return done.stdout.strip().removeprefix("client: ")


def pack(root: Path, out: Path) -> None:
    """Pack a directory so that the same contents give the same file."""

    def owned(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    with (
        out.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file,
        tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as packed,
    ):
        for path in sorted(root.iterdir()):
            packed.add(path, path.name, filter=owned)


def sbom(home: Path, version: str = __version__) -> str:
    """Return a CycloneDX document of the packages in a directory; it is validated."""
    found = {_key(one.name): one for one in distributions(path=[str(home)])}
    parts = {key: _component(one) for key, one in sorted(found.items())}
    bom = Bom()
    bom.metadata.component = parts.pop(NAME)
    bom.metadata.timestamp = None  # the same contents, the same document
    for part in parts.values():
        bom.components.add(part)
    every = {NAME: bom.metadata.component, **parts}
    for key, part in every.items():
        bom.register_dependency(part, [every[k] for k in _needs(found[key]) if k in every])
    pinned = "\n".join(str(part.purl) for part in every.values())
    bom.serial_number = uuid.uuid5(NAMESPACE, pinned)
    text = JsonV1Dot6(bom).output_as_string(indent=2)
    if wrong := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"the SBOM is not CycloneDX: {wrong}")
    if bom.metadata.component.version != version:
        raise SystemExit(f"the wheel is {bom.metadata.component.version}, not {version}")
    return f"{text}\n"


def sums(folder: Path) -> str:
    """Return the SHA-256 of each file of a directory, as `sha256sum --check` reads it."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != "SHA256SUMS"
    )


def main() -> None:
    """Make everything anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tag", default="", help="Tag to check, instead of that of the commit.")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "release")
    chosen = parser.parse_args()
    check_tag(chosen.tag or tag_of_head())
    out: Path = chosen.out
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    _, wheel = make_distributions(out)
    root = out / "image" / "root"
    make_root(root, f"{wheel}[topics]")
    packed = out / f"{NAME}-{__version__}-root.tar.gz"
    pack(root, packed)
    check_tag(f"v{try_root(packed)}")
    (out / f"{NAME}-{__version__}.cdx.json").write_text(sbom(root / HOME), "utf-8")
    shutil.copy(ROOT / "examples" / "container" / "Containerfile", out / "image")
    (out / "SHA256SUMS").write_text(sums(out), "utf-8")
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    sys.stdout.write((out / "SHA256SUMS").read_text("utf-8"))
    sys.stdout.write(
        f"an image: podman build --build-arg PYTHON={python} -t {NAME}:{__version__} {out}/image\n"
    )


def _component(of: Distribution) -> Component:
    name = _key(of.name)
    license_text = of.metadata.get("License-Expression") or of.metadata.get("License") or ""
    return Component(
        name=name,
        version=of.version,
        type=ComponentType.APPLICATION if name == NAME else ComponentType.LIBRARY,
        purl=PackageURL("pypi", None, name, of.version),
        bom_ref=f"pkg:pypi/{name}@{of.version}",
        licenses=[DisjunctiveLicense(name=license_text)]
        if license_text and "\n" not in license_text
        else [],
    )


def _needs(of: Distribution) -> list[str]:
    """Return the names of what a package requires, those of extras too."""
    return [_key(_name(text)) for text in of.requires or ()]


def _name(requirement: str) -> str:
    end = next((i for i, c in enumerate(requirement) if not (c.isalnum() or c in "-_.")), None)
    return requirement[:end]


def _key(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _pip(*words: str | Path) -> None:
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", words[0], *quiet, *words[1:]], check=True)


def _output(*words: str) -> str:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.strip()


if __name__ == "__main__":
    main()
