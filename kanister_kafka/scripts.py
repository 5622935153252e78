"""The scripts of the steps as one ConfigMap, and the digest by which Blueprints pin them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from kanister_kafka.marks import COMPONENT

DIGITS = 10
"""Of the digest, with which the name of each such ConfigMap ends."""
NAME = re.compile(rf"{COMPONENT}(?:-hot)?-scripts-[0-9a-f]{{{DIGITS}}}")
"""In each such name. That of one cluster begins with the cluster; Kustomize may add to any."""
PATH = "/scripts"
"""Where the steps and the switch have them."""


@dataclass(frozen=True, slots=True)
class Scripts:
    """All scripts of a set of templates. They do not depend on a cluster."""

    files: tuple[tuple[str, str], ...]
    """Names and contents, in the order of their names. A content ends with one line feed."""
    stub: str
    """What a phase begins with: it compares the files that are mounted with the digest."""
    path: str = PATH
    owner: str = ""
    """What the name begins with where the ConfigMap is of one cluster; empty where it is shared."""

    @property
    def sha256(self) -> str:
        """Digest in hexadecimal digits, of what `sha256sum ./*.sh` prints about the files."""
        return _digest(self.files)

    @property
    def name(self) -> str:
        """Name of the ConfigMap: another content has another name."""
        return f"{self.owner or COMPONENT}-scripts-{self.sha256[:DIGITS]}"


@lru_cache(maxsize=8)  # the same for all clusters
def _digest(files: tuple[tuple[str, str], ...]) -> str:
    import hashlib  # slow to import, and asked for by what renders alone

    digests = (f"{hashlib.sha256(text.encode()).hexdigest()}  ./{name}\n" for name, text in files)
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def is_scripts(kind: str, name: str) -> bool:
    """Tell whether an object is a ConfigMap of scripts, of one cluster or shared.

    The record of a Kafka is none, whatever the name of that Kafka is.
    """
    return kind == "ConfigMap" and bool(NAME.search(name)) and not name.endswith(f"-{COMPONENT}")
