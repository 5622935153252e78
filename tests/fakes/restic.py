"""The program restic, as a script on PATH: a repository is one JSON file in the directory of it.

`repository.json` has `password`, `snapshots` (as `restic snapshots --json` prints them) and `files`
by `ID PATH`; `unread` is the error for any other file. Every call is appended to `calls.json`, with
the names of the credentials it got.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

SCRIPT = """#!{python} -IS
import json, os, sys
from pathlib import Path

words = sys.argv[1:]
home = Path({home!r})
store = json.loads((home / "repository.json").read_text())
with (home / "calls.json").open("a") as calls:
    calls.write(json.dumps(words) + "\\n")
if path := os.environ.get("RESTIC_CACERT"):
    Path(path).read_text()  # it must be there
    with (home / "certificates").open("a") as paths:
        paths.write(path + "\\n")


def fail(code, message):
    tree = {{"message_type": "exit_error", "code": code, "message": message}}
    print(json.dumps(tree), file=sys.stderr)
    sys.exit(code)


if store.get("silent"):
    print("Stat(<config/>) returned error, retrying after 1s: connection refused", file=sys.stderr)
    import time
    time.sleep(30)
if words[words.index("--repo") + 1] != store["url"]:
    fail(10, "Fatal: repository does not exist: unable to open config file")
if os.environ.get("RESTIC_PASSWORD") != store["password"]:
    fail(12, "Fatal: wrong password or no key found")
if store.get("fails"):
    fail(1, "Fatal: " + store["fails"])
if words[-2:] == ["cat", "config"]:
    print("{{}}")
elif "snapshots" in words:
    print(json.dumps(store["snapshots"]))
elif "dump" in words:
    found = store["files"].get(" ".join(words[-2:]))
    if found is None:
        fail(1, "Fatal: cannot dump file: " + store["unread"])
    sys.stdout.write(found)
"""


class FakeRestic:
    """Writes the script and its repository."""

    def __init__(self, home: Path, *, url: str, password: str) -> None:
        self.home = home
        self.store = {
            "url": url,
            "password": password,
            "snapshots": [],
            "files": {},
            "unread": "ciphertext verification failed",
        }
        home.mkdir()
        self.program = home / "restic"
        self.program.write_text(SCRIPT.format(python=sys.executable, home=str(home)))
        self.program.chmod(0o755)
        self.write()

    def write(self) -> None:
        (self.home / "repository.json").write_text(json.dumps(self.store))

    def add(self, number: int, tags: dict[str, str], *, host: str, size: int = 100) -> str:
        """Add a snapshot, and return its id."""
        identity = f"{number:064x}"
        self.store["snapshots"].append(
            {
                "id": identity,
                "time": f"2026-01-02T04:00:{number:02}.123456789+01:00",
                "hostname": host,
                "tags": ["kanister-kafka", *(f"{key}={value}" for key, value in tags.items())],
                "summary": {"total_bytes_processed": size},
            }
        )
        self.write()
        return identity

    @property
    def certificates(self) -> list[str]:
        path = self.home / "certificates"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in (self.home / "calls.json").read_text().splitlines()]
