"""Links of the pages that leave docs/, as the site has them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.conftest import ROOT
from tests.docs.site_links import on_page_markdown

URL = "https://example.com/kanister-kafka/"


def on_site(markdown: str, repo_url: str | None) -> str:
    file = SimpleNamespace(src_path="page.md", abs_src_path=str(ROOT / "docs" / "page.md"))
    config = SimpleNamespace(config_file_path=str(ROOT / "mkdocs.yml"), repo_url=repo_url)
    return on_page_markdown(markdown, page=SimpleNamespace(file=file), config=config)


@pytest.mark.parametrize(
    ("markdown", "bare", "linked"),
    [
        ("a [lab](../examples/lab/).", "a lab.", f"a [lab]({URL}tree/HEAD/examples/lab)."),
        ("[x](../README.md#more)", "x", f"[x]({URL}tree/HEAD/README.md#more)"),
        ("[x](design.md#stop)", "[x](design.md#stop)", "[x](design.md#stop)"),
        ("[x](https://a/../b)", "[x](https://a/../b)", "[x](https://a/../b)"),
    ],
)
def test_links_out_of_docs_lead_into_the_repository_or_are_removed(
    markdown: str, bare: str, linked: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert on_site(markdown, None) == bare
    assert on_site(markdown, URL) == linked
    assert not caplog.records


def test_one_that_is_not_there_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    on_site("[x](../examples/nowhere)", URL)
    assert caplog.messages == ["page.md: ../examples/nowhere is not there"]
