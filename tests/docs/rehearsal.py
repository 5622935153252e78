"""A rehearsal on a real cluster, and what it printed into README.md; run by `make rehearsal`.

Stops the Kafka that is named as NAMESPACE/NAME, and brings it back. The page with the timeline is
build/rehearsal.html.
"""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT
from tests.docs.pages import write_section

PAGE = ROOT / "build" / "rehearsal.html"


def main() -> None:
    (kafka,) = sys.argv[1:]
    namespace, _, name = kafka.rpartition("/")
    words = ["rehearse", name, "-n", namespace]
    PAGE.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "kanister_kafka", *words, "--yes", "--html", str(PAGE)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    sys.stdout.write(done.stdout)
    if done.returncode:
        raise SystemExit(done.returncode)
    told = f"`kanister-kafka {' '.join(words)}` on a small test cluster (`make rehearsal`):"
    write_section("rehearsal", f"{told}\n\n```text\n{done.stdout}```", ROOT / "README.md")


if __name__ == "__main__":
    main()
