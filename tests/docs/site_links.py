"""A hook of mkdocs for links that leave docs/.

On GitHub a page links to examples/ and tests/ by their paths. The site has neither, so there such a
link leads into the repository, where `repo_url` says which, and otherwise its text alone remains.
One that leads nowhere is a warning, with which `mkdocs build --strict` fails.
"""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path
from typing import Any

LOG = logging.getLogger("mkdocs.plugins.site_links")
LINK = re.compile(r"\[([^\]]*)\]\(((?:\.\./)+[^)#]*)(#[^)]*)?\)")


def on_page_markdown(markdown: str, *, page: Any, config: Any, **_: Any) -> str:
    """Rewrite the links of a page, as mkdocs calls it."""
    root = Path(config.config_file_path).parent
    place = Path(page.file.abs_src_path).parent

    def inside(match: re.Match[str]) -> str:
        text, target = match[1], Path(os.path.normpath(place / match[2]))
        if not target.exists():
            LOG.warning("%s: %s is not there", page.file.src_path, match[2])
        if not config.repo_url:
            return text
        path = target.relative_to(root).as_posix()
        return f"[{text}]({config.repo_url.rstrip('/')}/tree/HEAD/{path}{match[3] or ''})"

    return LINK.sub(inside, markdown)
