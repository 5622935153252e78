"""Whether a shell can read a script; the only module that starts another program.

bash itself is asked, with -n, which reads and runs nothing. It takes what a POSIX shell takes, and
more, so a script for sh that it refuses is broken for sh as well.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

SECONDS = 10
"""Longest time for one script; a large one takes milliseconds."""
INPUT = "/dev/stdin"
"""Named, because bash gives no line of a script that it finds on its standard input by itself."""
MOST_AT_ONCE = 256
MOST_KNOWN = 1024
BEFORE = "if :\nthen (\n{\n:\n"
AFTER = "\n}\n)\nfi\n: ')(' \")(\" `)(`\n"
"""Parts that keep a script from the next one: a bracket or a word that is left open, or closed too
often, meets one that is not its own. A quote that is left open ends before `)(`, which cannot be
read."""
_LINE = re.compile(rf"^{INPUT}: line (\d+): (.*)$", re.MULTILINE)


class BashDiagnostic(NamedTuple):
    """The result of bash for a script."""

    line: int
    """Counted from 1."""
    message: str
    is_warning: bool
    """Whether bash runs it anyway: a here-document that ends with the script."""


@lru_cache(maxsize=1)
def find_bash() -> str | None:
    """Return where bash is, or None if there is none."""
    import shutil  # slow to import, as is all that starts a program

    return shutil.which("bash")


_KNOWN: dict[str, tuple[BashDiagnostic, ...]] = {}
"""Results of bash by script, since Blueprints repeat themselves."""


def check_syntax(scripts: tuple[str, ...]) -> tuple[tuple[BashDiagnostic, ...], ...]:
    """Return what is wrong with the syntax of each script; nothing if there is no bash.

    To start bash takes longer than to read a script, so all are read at once, and one by one only
    if one of them is wrong. A text that was read before is not read again.
    """
    if find_bash() is None:
        return ((),) * len(scripts)
    results = {script: _KNOWN[script] for script in scripts if script in _KNOWN}
    new = [script for script in dict.fromkeys(scripts) if script not in results]
    together = tuple(script for script in new if not _reaches_out(script))
    results |= zip(together, _together(together), strict=True)
    results |= {script: _read(script) for script in new if _reaches_out(script)}
    if len(_KNOWN) + len(new) > MOST_KNOWN:
        _KNOWN.clear()
    _KNOWN.update((script, results[script]) for script in new[:MOST_KNOWN])
    return tuple(results[script] for script in scripts)


def _reaches_out(script: str) -> bool:
    """Return whether a script may find the end of an open construct in the next one.

    A here-document can, and arithmetic, for neither heeds the brackets in between.
    """
    return "<<" in script or script.count("((") != script.count("))")


def _together(scripts: tuple[str, ...]) -> tuple[tuple[BashDiagnostic, ...], ...]:
    if not scripts:
        return ()
    if len(scripts) == 1:
        return (_read(scripts[0]),)
    if len(scripts) <= MOST_AT_ONCE and _are_right(scripts):
        return ((),) * len(scripts)
    half = len(scripts) // 2
    return _together(scripts[:half]) + _together(scripts[half:])


def _are_right(scripts: tuple[str, ...]) -> bool:
    """Return whether all can be read, one after the other and each kept from the next."""
    output = _ask("".join(f"{BEFORE}{script}{AFTER}" for script in scripts))
    return output is None or output == ""


def _read(script: str) -> tuple[BashDiagnostic, ...]:
    diagnostics = []
    for match in _LINE.finditer(_ask(script) or ""):
        message = match.group(2)
        if not message.startswith("`"):  # which begins the line of the script, printed once more
            is_warning = message.startswith("warning: ")
            diagnostics.append(BashDiagnostic(int(match.group(1)), message, is_warning))
    return tuple(diagnostics)


def _ask(script: str) -> str | None:
    """Return the result of bash for a script, or None if it cannot be asked."""
    import subprocess
    import tempfile

    try:
        with tempfile.TemporaryFile() as file:  # from a pipe bash reads byte by byte
            file.write(script.encode(errors="replace"))
            file.seek(0)
            done = subprocess.run(  # noqa: S603 - bash itself, and the script is no word of it
                [find_bash() or "", "--norc", "--noprofile", "-n", INPUT],
                stdin=file,
                capture_output=True,
                env={"LC_ALL": "C"},  # and so no BASH_ENV, which bash would read and run
                timeout=SECONDS,
                check=False,
            )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stderr.decode(errors="replace")
