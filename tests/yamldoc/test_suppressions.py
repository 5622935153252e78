"""Checks that are not to be told: what a comment covers, and what the command line does."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanister_kafka.linter.pipeline import validate_text
from kanister_kafka.yamldoc import loads
from kanister_kafka.yamldoc.source import find_suppressions
from tests.conftest import seconds_of

COVERED = {
    "end-of-line": """\
a: 1
b: 2  # kanister-kafka: ignore=x  <
c: 3
""",
    "end-of-line-and-below": """\
a: 1
b:  # kanister-kafka: ignore=x  <
  c: 2  <
  d:  <
    e: 3  <
f: 4
""",
    "list-at-the-column-of-its-key": """\
a:
  b:  # kanister-kafka: ignore=x  <
  - c: 1  <
    d: 2  <
  - e: 3  <
  f: 4
""",
    "first-key-of-an-item": """\
- a: 1  # kanister-kafka: ignore=x  <
  b: 2
- c: 3
""",
    "key-of-an-item-and-below": """\
- a:  # kanister-kafka: ignore=x  <
    b: 1  <
  c: 2
""",
    "item": """\
- a: 1
# kanister-kafka: ignore=x
- b: 2  <
  c: 3  <
- d: 4
""",
    "own-line": """\
a: 1
# kanister-kafka: ignore=x
b:  <
  c: 2  <
d: 3
""",
    "own-line-with-blanks-and-comments-after-it": """\
a: 1
# kanister-kafka: ignore=x

# what b is
b:  <

  c: 2  <

# less deep, and no content
  d: 3  <
e: 4
""",
    "own-line-at-the-end": "a: 1\n# kanister-kafka: ignore=x\n",
    "whole-document": """\
a: 1
---
# kanister-kafka: ignore=x
b: 2  <
c: 3  <
---
d: 4
""",
    "whole-document-before-its-marker": """\
# kanister-kafka: ignore=x
%YAML 1.1
---
a: 1  <
---
b: 2
""",
    "whole-document-on-its-marker": """\
--- # kanister-kafka: ignore=x
a: 1  <
...
b: 2
""",
    "last-of-three-documents": """\
a: 1
---
b: 2
---
# kanister-kafka: ignore=x
c: 3  <
""",
    "block-scalar": """\
a: |
  set -e
  # kanister-kafka: ignore=x
  one  <
  two
b: |  # kanister-kafka: ignore=x  <
  three  <

  four  <
c: 5
""",
    "one-within-another": """\
a: 0
# kanister-kafka: ignore=x
b:  <
  c: 1  # kanister-kafka: ignore=x  <
  d: 2  <
e: 3
""",
    "several-and-a-reason": "a: 1  # kanister-kafka: ignore=y,x because  <\nb: 2\n",
    "windows-lines": "a: 1\r\nb: 2  # kanister-kafka: ignore=x  <\r\nc: 3\r\n",
    "not-a-comment": "a: b#kanister-kafka: ignore=x\n",
    "another-check": "a: 1  # kanister-kafka: ignore=xx\n",
}


@pytest.mark.parametrize("text", COVERED.values(), ids=COVERED)
def test_a_comment_covers_the_lines_marked(text: str) -> None:
    lines = text.splitlines()
    marked = {number for number, line in enumerate(lines, 1) if line.endswith("<")}
    content = {n for n, line in enumerate(lines, 1) if line.strip() and line.strip()[0] not in "#%"}
    content -= {n for n, line in enumerate(lines, 1) if line.startswith("---")}
    covered = {
        line
        for one in loads(text).ignores
        if one.rule == "x"
        for line in range(one.first, one.last + 1)
    }
    assert covered & content == marked


@given(st.lists(st.sampled_from(["a:", "- b", "# kanister-kafka: ignore=x", "---", "...", ""])))
def test_the_lines_of_a_comment_are_within_the_text(lines: list[str]) -> None:
    for one in find_suppressions("f", lines):
        assert 1 <= one.location.line <= len(lines)
        assert 1 <= one.first <= one.last + 1 <= len(lines) + 1


@pytest.mark.parametrize(
    "line", ["# kanister-kafka: ignore=x\n", "a: 1 # kanister-kafka: ignore=x\n"]
)
def test_time_grows_as_the_comments_do(line: str) -> None:
    def seconds(count: int) -> float:
        lines = (line * count).splitlines()
        return seconds_of(lambda: find_suppressions("f", lines), 5)

    # Eight times as much: sixty-four times as long if each looked at all the others.
    assert seconds(40_000) < 32 * seconds(5_000)


BROKEN = """\
apiVersion: cr.kanister.io/v1alpha1
kind: Blueprint
metadata:
  name: x
actions:
  backup:
    phases:
    - func: KubeTasks
      name: run
  restore:
    type: StatefulSet
    phases:
    - func: KubeTasks
      name: again
"""


def findings(text: str, *ignore: str) -> list[tuple[int, str]]:
    return [(p.location.line, p.rule) for p in validate_text(text, ignore=ignore)]


def test_suppressed_findings_are_not_reported() -> None:
    assert findings(BROKEN) == [
        (8, "unknown-function"),
        (11, "unknown-field"),
        (13, "unknown-function"),
    ]
    assert findings(BROKEN, "unknown-function") == [(11, "unknown-field")]
    assert findings(f"# kanister-kafka: ignore=unknown-function\n{BROKEN}") == [
        (12, "unknown-field")
    ]
    below = BROKEN.replace("restore:", "restore:  # kanister-kafka: ignore=unknown-function")
    assert findings(below) == [(8, "unknown-function"), (11, "unknown-field")]


def test_a_comment_reaches_no_other_file_and_no_other_document() -> None:
    silent = "# kanister-kafka: ignore=unknown-function,unknown-field\n" + BROKEN
    assert findings(silent) == []
    assert findings(f"{silent}---\n{BROKEN}") == [(n + 16, check) for n, check in findings(BROKEN)]


def test_text_that_does_not_parse_may_be_left_alone() -> None:
    text = "# kanister-kafka: ignore=yaml-syntax\na: {{ if }}\nb: [\n"
    assert findings(text) == [(2, "wrong-type")]
    assert "yaml-syntax" in {check for _line, check in findings(text.partition("\n")[2])}


def test_every_id_is_known() -> None:
    assert re.search("did you mean", str(validate_text("# kanister-kafka: ignore=unknown-feld\n")))
    assert findings("# kanister-kafka: ignore=unknown-field\n") == []
