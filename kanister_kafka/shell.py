"""Whether a shell can read a script; the only module that starts another program.

bash itself is asked, with -n, which reads and runs nothing. It takes what a POSIX shell takes, and
more, so a script for sh that it refuses is broken for sh as well.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache

SECONDS = 10
"""Longest time for one script; a large one takes milliseconds."""
INPUT = "/dev/stdin"
"""Named, because bash gives no line of a script that it finds on its standard input by itself."""
_LINE = re.compile(rf"^{INPUT}: line (\d+): (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ShellFault:
    """What bash says of a script."""

    line: int
    """Counted from 1."""
    message: str
    is_warning: bool
    """Whether it runs all the same: a here-document that ends with the script."""


@lru_cache(maxsize=1)
def bash() -> str | None:
    """Return where bash is, or None where there is none."""
    return shutil.which("bash")


@lru_cache(maxsize=4096)
def faults(script: str) -> tuple[ShellFault, ...]:
    """Return what is wrong with the syntax of a script; nothing where there is no bash."""
    program = bash()
    if program is None:
        return ()
    try:
        done = subprocess.run(  # noqa: S603 - bash itself, and the script is input, not a word
            [program, "--norc", "--noprofile", "-n", INPUT],
            input=script.encode(errors="replace"),
            capture_output=True,
            env={"LC_ALL": "C"},  # and so no BASH_ENV, which bash would read and run
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    told = done.stderr.decode(errors="replace")
    found = []
    for match in _LINE.finditer(told):
        message = match.group(2)
        if not message.startswith("`"):  # which begins the line of the script, told once more
            is_warning = message.startswith("warning: ")
            found.append(ShellFault(int(match.group(1)), message, is_warning))
    return tuple(found)
