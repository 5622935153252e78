"""A rehearsal on a real cluster: its report in docs/running.md, its picture in docs/rehearsal.svg.

Run by `make rehearsal`. It stops the Kafka NAMESPACE/NAME of the command line and starts it again.
The HTML page is build/rehearsal.html.
"""

from __future__ import annotations

import re
import subprocess
import sys

from tests.conftest import ROOT
from tests.docs.pages import write_section

PAGE = ROOT / "build" / "rehearsal.html"
PICTURE = ROOT / "docs" / "rehearsal.svg"
REPORT = ROOT / "docs" / "running.md"
FACTS = 7
"""Lines of the report before its table."""


def timeline(page: str) -> str:
    """Return the timeline of an HTML page as an SVG file of its own."""
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    (svg,) = re.findall(r'<svg class="drawing timeline".*?</svg>', page, re.DOTALL)
    start, _, rest = svg.partition(">")
    ((width, height),) = re.findall(r'viewBox="0 0 (\S+) (\S+)"', start)
    ground = f'<rect width="{width}" height="{height}" style="fill: var(--ground)"/>'
    style = " ".join(style.split()).replace("&", "&amp;").replace("<", "&lt;")
    font = "svg { font: 12px system-ui, sans-serif; }"
    size = f'xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
    head = start.replace('<svg class="drawing timeline"', f"<svg {size}")  # a page scales .drawing
    return f"{head}><style>{style} {font}</style>{ground}{rest}\n"


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
    title = f"`kanister-kafka {' '.join(words)}` on a small test cluster (`make rehearsal`):"
    write_section("rehearsal", f"{title}\n\n```text\n{done.stdout}```", REPORT)
    facts = "".join(done.stdout.splitlines(keepends=True)[:FACTS])
    write_section("rehearsal", f"{title}\n\n```text\n{facts}```", ROOT / "README.md")
    PICTURE.write_text(timeline(PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    main()
