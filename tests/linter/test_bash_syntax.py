"""Scripts are read many at once: the answer is that of each alone."""

from __future__ import annotations

import itertools
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka.linter.bash_syntax import MOST_AT_ONCE, check_syntax

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not on PATH")

RIGHT = [
    "",
    "# nothing",
    "#!/bin/bash\nset -e",
    "a \\",
    "a &",
    "f() { a; }",
    "if a; then b; fi",
    "case a in b) c ;; esac",
    'echo "a\nb"',
    "echo 'a\nb'",
    "cat <<EOF\n}\n)\nEOF",
    "echo ${a#*)}",
    "[[ a =~ ^(b)$ ]]",
    "x=$((1 + 2))",
]
WRONG = [
    *('echo "', "echo '", "echo `", "echo $(", "echo ${a", 'echo "$(', "$((1+"),
    *("{ a", "a; }", "( a", "a )", "if a; then", "fi", "while a; do", "done", "f() {"),
    *(
        "case a in",
        "case a in b) c",
        "esac",
        "cat <<EOF",
        "a |",
        "a &&",
        "| a",
        "x=(a",
        ";;",
        "}",
        "))",
    ),
]


@pytest.mark.parametrize("script", WRONG)
def test_what_is_wrong_is_reported(script: str) -> None:
    assert check_syntax((script,)) != ((),)


@pytest.mark.parametrize("script", RIGHT)
def test_what_is_right_is_not(script: str) -> None:
    assert check_syntax((script,)) == ((),)


def test_no_two_scripts_hide_what_is_wrong_with_one() -> None:
    pairs = [*itertools.product(WRONG, WRONG), *itertools.product(WRONG, RIGHT)]
    assert [
        pair
        for pair in pairs
        if check_syntax(pair) != (*check_syntax(pair[:1]), *check_syntax(pair[1:]))
    ] == []


@settings(max_examples=30)
@given(st.lists(st.sampled_from([*RIGHT, *WRONG]), max_size=6).map(tuple))
def test_each_is_reported_as_it_is_alone(scripts: tuple[str, ...]) -> None:
    assert check_syntax(scripts) == tuple(
        fault for one in scripts for fault in check_syntax((one,))
    )


def test_there_may_be_many() -> None:
    scripts = tuple(f"echo {number}" for number in range(3 * MOST_AT_ONCE))
    assert check_syntax((*scripts, "fi")) == ((),) * len(scripts) + check_syntax(("fi",))
