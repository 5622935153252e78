from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanister_kafka import gotemplate
from kanister_kafka.gotemplate import MAX_DEPTH, parse
from kanister_kafka.gotemplate.nodes import (
    ActionNode,
    AnyNode,
    BlockNode,
    BoolNode,
    ChainNode,
    CommandNode,
    DefineNode,
    DotNode,
    FieldNode,
    IdentifierNode,
    IfNode,
    NilNode,
    NumberNode,
    Operand,
    ParseErrorKind,
    PipeNode,
    RangeNode,
    StringNode,
    TemplateNode,
    TextNode,
    VariableNode,
    WithNode,
)

FUNCTIONS = frozenset({"and", "default", "eq", "index", "len", "not", "or", "printf", "toString"})
PROPERTY = settings(max_examples=150, derandomize=True)
SYNTAX, UNKNOWN = ParseErrorKind.SYNTAX, ParseErrorKind.UNKNOWN_FUNCTION

ACCEPTED = r"""
plain { } }} -}} */
{{.}} {{ . }} {{- . -}} {{$}} {{.A.B}} {{$.A.B}} {{.é}}
{{/* c */}} {{- /* c {{ */ -}} {{/**/}}
{{"a\n\x41\101\u00e9\U0001F600"}} {{`a\q`}} {{'a'}} {{'\''}} {{"a" "b"}}
{{1}} {{-1}} {{+1}} {{-3}} {{1_000}} {{017}} {{0o17}} {{0b11}} {{0x_1F}} {{18446744073709551615}}
{{-9223372036854775808}} {{1.}} {{.5}} {{1e3}} {{0x1.8p1}} {{1i}} {{1+2i}} {{-1.5e2-0x1p-2i}}
{{len .}} {{len (.)}} {{. | len | printf "%d"}} {{(len .).A.B}} {{len.A}} {{.|}}
{{true}} {{false}} {{nil}} {{len nil}} {{1 | len}} {{. | (.)}} {{. | .A}} {{. | $}}
{{if .}}a{{end}} {{if.}}{{else}}{{end}} {{if .}}{{else if .}}{{else if .}}{{else}}{{end}}
{{with .}}{{else with .}}{{else}}{{end}} {{with $x := .}}{{$x}}{{end}}
{{range .}}{{break}}{{continue}}{{else}}{{end}} {{range $i, $x := .}}{{$i}}{{$x}}{{end}}
{{range .}}{{if .}}{{break}}{{end}}{{end}} {{range $x := .}}{{end}} {{range $i, $x = .}}{{end}}
{{$x := 1}}{{$x.A}}{{$x = 2}} {{$x:=1}} {{$new = 1}} {{if $x := 1}}{{else}}{{$x}}{{end}}
{{if .}}{{$x := 1}}{{else}}{{$x}}{{end}} {{block "a" $x := 1}}{{end}}{{$x}}
{{define "a"}}x{{end}} {{template "a"}} {{template `a` .A | len}} {{block "b" .}}x{{end}}
{{define "a"}} {{end}}{{define "a"}}x{{end}}{{define "a"}}{{/* c */}}{{end}}
""".strip().splitlines()

ACCEPTED_OF_LINES = [
    "{{\nif\n.\n}}\n{{end}}",
    "{{-\n.\n-}}",
    "{{\r\n.\t}}",
    "{{/* a\nb */}}",
    "{{`a\nb`}}",
]

REJECTED = [
    # delimiters and comments
    ("{{", 1, 3, "unclosed action"),
    ("a\n{{ .A }", 2, 7, 'unexpected "}" in operand'),
    ("{{\n\n.A", 3, 3, "unclosed action started 2 lines above"),
    ('{{ .A\n"b', 2, 1, "unterminated quoted string in action started 1 line above"),
    ("{{}}", 1, 3, "missing value for command"),
    ("{{- }}", 1, 5, "missing value for command"),
    ("{{-}}", 1, 3, 'illegal number syntax: "-"'),
    ("{{.", 1, 3, 'illegal number syntax: "."'),
    ("{{3-}}", 1, 3, 'bad number syntax: "3-"'),
    ("{{{.}}}", 1, 3, 'unexpected "{" in command'),
    ("a\n{{/* b\nc", 2, 3, "unclosed comment"),
    ("{{/* c */ }}", 1, 3, "comment ends before closing delimiter"),
    ("{{ /* c */}}", 1, 4, 'unexpected "/" in command'),
    ("{{if .}}\n{{/* c", 2, 3, "unclosed comment in action started 1 line above"),
    # words
    ("{{ .Phases.a-b }}", 1, 13, "bad character U+002D '-'"),
    ("{{.A\x01}}", 1, 5, "bad character U+0001"),
    ("{{.A😀}}", 1, 5, "bad character U+1F600 '😀'"),
    ("{{$x=1}}", 1, 5, "bad character U+003D '='"),
    ("é{{\xa0}}", 1, 4, "unrecognized character in action: U+00A0"),
    ("{{:1}}", 1, 3, "expected :="),
    ("{{..A}}", 1, 3, 'unexpected . after term "."'),
    ("{{nil.A}}", 1, 3, 'unexpected . after term "nil"'),
    ('{{"a" .A}}{{"a".A}}', 1, 13, r'unexpected . after term "\"a\""'),
    # literals
    ('{{"a}}', 1, 3, "unterminated quoted string"),
    ('{{"a\\\n"}}', 1, 3, "unterminated quoted string"),
    ("{{`a}}", 1, 3, "unterminated raw quoted string"),
    ("{{'a}}", 1, 3, "unterminated character constant"),
    ("{{'ab'}}", 1, 3, "malformed character constant: 'ab'"),
    ("{{''}}", 1, 3, "invalid syntax"),
    (r"{{'\"'}}", 1, 3, "invalid syntax"),
    (r'{{"\q"}}', 1, 3, "invalid syntax"),
    (r'{{"\ud800"}}', 1, 3, "invalid syntax"),
    (r'{{"\400"}}', 1, 3, "invalid syntax"),
    ("{{1a}}", 1, 3, 'bad number syntax: "1a"'),
    ("{{1+2}}", 1, 3, 'bad number syntax: "1+2"'),
    ("{{08}}", 1, 3, 'integer overflow: "08"'),
    ("{{18446744073709551616}}", 1, 3, "integer overflow"),
    ("{{+9223372036854775808}}", 1, 3, "integer overflow"),
    ("{{1__0}}", 1, 3, "illegal number syntax"),
    ("{{0x1.8}}", 1, 3, "illegal number syntax"),
    ("{{1e400}}", 1, 3, "illegal number syntax"),
    ("{{0x1p1024}}", 1, 3, "illegal number syntax"),
    ("{{0x1+2i}}", 1, 3, 'strconv.ParseFloat: parsing "0x1": invalid syntax'),
    ("{{1+1e999i}}", 1, 3, "value out of range"),
    ("{{1+i}}", 1, 3, "syntax error scanning complex number"),
    # pipelines
    ("{{len(.)}}", 1, 6, 'unexpected "(" in operand'),
    ("{{(1}}", 1, 5, "unclosed left paren"),
    ("{{1)}}", 1, 4, "unexpected right paren"),
    ("{{()}}", 1, 4, "missing value for parenthesized pipeline"),
    ("{{| len}}", 1, 3, 'unexpected "|" in command'),
    ('{{"a""b"}}', 1, 6, r'unexpected "\"b\"" in operand'),
    ("{{len 12345678901,}}", 1, 18, 'unexpected "," in operand'),
    ('{{len"abcdefghijk"}}', 1, 6, "bad character U+0022"),
    ('{{. "a"`abcdefghijk`}}', 1, 8, 'unexpected "`abcdefghi"... in operand'),
    ("{{. | 1}}", 1, 7, "non executable command in pipeline stage 2"),
    ("{{. | len | nil}}", 1, 13, "non executable command in pipeline stage 3"),
    ("{{. end}}", 1, 5, "unexpected <end> in operand"),
    # variables
    ("{{$x}}", 1, 3, 'undefined variable "$x"'),
    ("{{$x\n\n}}", 3, 1, 'undefined variable "$x"'),
    ("{{$x := $y := 1}}", 1, 9, 'undefined variable "$y"'),
    ("{{$x := $x := 1}}", 1, 12, 'unexpected ":=" in operand'),
    ("{{if $x := 1}}{{end}}{{$x}}", 1, 24, "undefined variable"),
    ('{{$x := 1}}{{define "a"}}{{$x}}{{end}}', 1, 28, "undefined variable"),
    ("{{$x, $y := 1}}", 1, 5, "too many declarations in command"),
    ("{{range $x, $y, $z := .}}{{end}}", 1, 15, "too many declarations in range"),
    ("{{range $x, 1}}{{end}}", 1, 13, "range can only initialize variables"),
    ("{{range $x, }}{{end}}", 1, 13, "missing value for range"),
    # actions
    ("{{if}}{{end}}", 1, 5, "missing value for if"),
    ("{{if .}}\nx\n", 3, 1, "unexpected EOF"),
    ("{{end}}", 1, 3, "unexpected {{end}}"),
    ("{{else}}", 1, 3, "unexpected {{else}}"),
    ("{{if .}}{{else}}{{else}}{{end}}", 1, 19, "expected end; found {{else}}"),
    ("{{range .}}{{else if .}}{{end}}", 1, 19, "unexpected <if> in input"),
    ("{{if .}}{{else with .}}{{end}}", 1, 16, "unexpected <with> in input"),
    ("{{if .}}{{else .}}{{end}}", 1, 16, "unexpected <.> in else"),
    ("{{if .}}{{end .}}", 1, 15, "unexpected <.> in end"),
    ("{{break}}", 1, 3, "{{break}} outside {{range}}"),
    ("{{range .}}{{else}}{{continue}}{{end}}", 1, 22, "{{continue}} outside {{range}}"),
    ('{{range .}}{{block "a" .}}{{break}}{{end}}{{end}}', 1, 29, "{{break}} outside {{range}}"),
    ("{{range .}}{{break 1}}{{end}}", 1, 20, 'unexpected "1" in {{break}}'),
    ('{{if .}}{{define "a"}}{{end}}{{end}}', 1, 11, "unexpected <define> in command"),
    ("{{define a}}{{end}}", 1, 10, 'unexpected "a" in define clause'),
    (r'{{define "\q"}}{{end}}', 1, 10, "invalid syntax"),
    ('{{define "a"}}{{else}}{{end}}', 1, 17, "unexpected {{else}} in define clause"),
    ('{{block "a"}}{{end}}', 1, 12, "missing value for block clause"),
    ('{{block "a" .}}\n{{else}}{{end}}', 1, 14, "unexpected {{else}} in block clause"),
    ("{{template a}}", 1, 12, 'unexpected "a" in template clause'),
    (
        '{{define "a"}}x{{end}}\n{{define "a"}}y{{end}}',
        2,
        18,
        'template: multiple definition of template "a"',
    ),
]


@pytest.mark.parametrize("text", [*ACCEPTED, *ACCEPTED_OF_LINES])
def test_what_go_accepts(text: str) -> None:
    assert parse(text, FUNCTIONS).errors == ()


@pytest.mark.parametrize(("text", "line", "column", "message"), REJECTED)
def test_what_go_rejects(text: str, line: int, column: int, message: str) -> None:
    (fault,) = parse(text, FUNCTIONS).errors
    assert (fault.line, fault.column, fault.kind) == (line, column, SYNTAX)
    assert message in fault.message


def test_every_unknown_function_of_sound_text() -> None:
    faults = parse("{{nosuch 1 | len}}\n{{if (other.A)}}{{nosuch}}{{end}}", FUNCTIONS).errors
    assert [(f.line, f.column, f.message, f.kind) for f in faults] == [
        (1, 3, 'function "nosuch" not defined', UNKNOWN),
        (2, 7, 'function "other" not defined', UNKNOWN),
        (2, 19, 'function "nosuch" not defined', UNKNOWN),
    ]


def test_only_the_syntax_of_broken_text() -> None:
    (fault,) = parse("{{nosuch}}{{", FUNCTIONS).errors
    assert (fault.column, fault.kind) == (13, SYNTAX)


@pytest.mark.parametrize("word", ["break", "continue"])
def test_a_function_hides_a_keyword(word: str) -> None:
    assert parse(f"{{{{{word} 1}}}}", {word}).errors == ()
    assert parse(f"{{{{{word} 1}}}}", FUNCTIONS).errors


HERE = {"line": 2}
PRINTED = PipeNode(
    (),
    is_assign=False,
    commands=(
        CommandNode(
            (
                IdentifierNode("printf", **HERE, column=20),
                StringNode("%d\n", '"%d\\n"', **HERE, column=27),
                VariableNode("$", ("C",), **HERE, column=34),
                NumberNode(16, "0x10", **HERE, column=38),
            ),
            **HERE,
            column=20,
        ),
    ),
    **HERE,
    column=20,
)


def test_the_tree_of_a_pipeline() -> None:
    text = 'a \n {{- $x := .A.B | (printf "%d\\n" $.C 0x10).D nil true . -}} \n b'
    arguments: tuple[Operand, ...] = (
        ChainNode(PRINTED, ("D",), **HERE, column=20),
        NilNode(**HERE, column=46),
        BoolNode(value=True, **HERE, column=50),
        DotNode(**HERE, column=55),
    )
    commands = (
        CommandNode((FieldNode(("A", "B"), **HERE, column=12),), **HERE, column=12),
        CommandNode(arguments, **HERE, column=20),
    )
    declared = (VariableNode("$x", (), **HERE, column=6),)
    expected = (
        TextNode("a", line=1, column=1),
        ActionNode(
            PipeNode(declared, is_assign=False, commands=commands, **HERE, column=6),
            **HERE,
            column=2,
        ),
        TextNode("b", line=3, column=2),
    )
    parsed = parse(text, FUNCTIONS)
    assert parsed.errors == ()
    assert parsed.nodes == expected


def name_of(node):
    return type(node).__name__.removesuffix("Node")


def short(node: AnyNode) -> object:
    """Show of a tree what encloses what."""
    match node:
        case TextNode(text):
            return text
        case IfNode(_, body, other) | RangeNode(_, body, other) | WithNode(_, body, other):
            parts = (body,) if other is None else (body, other)
            return (
                type(node).__name__.removesuffix("Node"),
                *([short(n) for n in part] for part in parts),
            )
        case DefineNode(name, body) | BlockNode(name, _, body):
            return (name_of(node), name, [short(n) for n in body])
        case TemplateNode(name):
            return ("Template", name)
    return name_of(node)


def shape(text: str) -> list[object]:
    return [short(node) for node in parse(text, FUNCTIONS).nodes]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{if .}}a{{end}}", [("If", ["a"])]),
        ("{{if .}}{{else}}{{end}}b", [("If", [], []), "b"]),
        ("{{if .}}a{{else if .}}b{{else}}c{{end}}d", [("If", ["a"], [("If", ["b"], ["c"])]), "d"]),
        (
            "{{with .}}{{range .}}{{break}}{{else}}{{.}}{{end}}{{else with .}}{{end}}",
            [("With", [("Range", ["Break"], ["Action"])], [("With", [])])],
        ),
        (
            '{{define "a"}}x{{/* c */}}y{{end}}{{block "b" .}}{{template "a"}}{{end}}',
            [("Define", "a", ["x", "y"]), ("Block", "b", [("Template", "a")])],
        ),
        ("a{{if .}}b{{range .}}c{{.}}{{", ["a", ("If", ["b", ("Range", ["c", "Action"])])]),
        ("a{{if .}}b{{else}}c{{end}", ["a", ("If", ["b"], ["c"])]),
        (" \n{{- 1 -}}\n {{- 2}} ", ["Action", "Action", " "]),
    ],
)
def test_what_encloses_what(text: str, expected: list[object]) -> None:
    assert shape(text) == expected


@pytest.mark.parametrize(
    ("spelled", "value"),
    [
        ("1_000", 1000),
        ("-017", -15),
        ("0b1_1", 3),
        ("'é'", 0xE9),
        (r"'\x41'", 0x41),
        ("1.5e1", 15.0),
        ("0x1p-2", 0.25),
        ("2i", 2j),
        ("1-2i", 1 - 2j),
    ],
)
def test_the_value_of_a_number(spelled: str, value: complex) -> None:
    match parse(f"{{{{{spelled}}}}}", ()).nodes:
        case (ActionNode(PipeNode((), False, (CommandNode((NumberNode(found, text),)),))),):
            assert (found, type(found), text) == (value, type(value), spelled)
        case other:
            pytest.fail(f"no number: {other}")


@pytest.mark.parametrize(
    ("spelled", "value"),
    [
        (r'"\a\b\f\n\r\t\v\\\""', '\a\b\f\n\r\t\v\\"'),
        (r'"\xc3\xa9é\351"', "éé\ufffd"),
        (r'"\u00e9\U0001F600"', "é😀"),
        ('`a\\\r\n"`', 'a\\\n"'),
    ],
)
def test_the_value_of_a_string(spelled: str, value: str) -> None:
    match parse(f"{{{{{spelled}}}}}", ()).nodes:
        case (ActionNode(PipeNode((), False, (CommandNode((StringNode(found),)),))),):
            assert found == value
        case other:
            pytest.fail(f"no string: {other}")


@pytest.mark.parametrize(
    ("opening", "middle", "closing"),
    [
        ("{{if .}}", "x", "{{end}}"),
        ("{{range .}}", "{{break}}", "{{end}}"),
        ("{{with .}}", "{{$}}", "{{end}}"),
        ("{{if .}}{{else}}", "x", "{{end}}"),
    ],
)
def test_nesting_of_actions_has_an_end(opening: str, middle: str, closing: str) -> None:
    deepest = parse(opening * MAX_DEPTH + middle + closing * MAX_DEPTH, ())
    assert deepest.errors == ()
    assert repr(deepest)
    assert deepest == parse(opening * MAX_DEPTH + middle + closing * MAX_DEPTH, ())
    for depth in (MAX_DEPTH + 1, 20_000):
        (fault,) = parse(opening * depth, ()).errors
        assert "nested more than 200 levels" in fault.message


def test_nesting_of_parentheses_has_an_end() -> None:
    def nested(depth: int) -> str:
        return "{{if .}}{{" + "(" * depth + "1" + ")" * depth + "}}{{end}}"

    assert parse(nested(MAX_DEPTH - 1), ()).errors == ()
    for depth in (MAX_DEPTH, 20_000):
        (fault,) = parse(nested(depth), ()).errors
        assert fault.message == "max expression depth exceeded"


def test_a_long_chain_of_else_if_has_an_end() -> None:
    assert parse("{{if .}}" + "{{else if .}}" * (MAX_DEPTH - 1) + "{{end}}", ()).errors == ()
    assert parse("{{if .}}" + "{{else if .}}" * 20_000 + "{{end}}", ()).errors


@pytest.mark.parametrize(
    "unit",
    ["x" * 99, "a {{- .A.B | len -}} b\n", "{{$x := 1}}{{$x}}", "{{/* c */}}\n", "{{if .}}{{end}}"],
    ids=["text", "actions", "variables", "comments", "branches"],
)
def test_time_grows_with_the_text(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        start = time.process_time()
        assert parse(text, FUNCTIONS).errors == ()
        return time.process_time() - start

    assert seconds(100_000) < 3  # a tenth of this is usual


@pytest.mark.parametrize(
    "text",
    [
        "x" * 10**6,
        '{{"' + "\\n" * 500_000 + '"}}',
        '{{"' + "a" * 10**6,
        "{{" + "1" * 10**6,
        "{{" + "_" * 10**6,
        "{{" + " " * 10**6,
        "{{/*" * 250_000,
        "{{0x" + "f" * 10**6 + "p1}}",
        "{{1" + "+1" * 500_000,
    ],
    ids=["text", "escapes", "open-string", "number", "word", "space", "comments", "hex", "sum"],
)
def test_a_megabyte_takes_a_moment(text: str) -> None:
    start = time.process_time()
    parse(text, FUNCTIONS)
    assert time.process_time() - start < 3


@PROPERTY
@given(st.text())
def test_no_text_raises(text: str) -> None:
    parse(text, FUNCTIONS)
    parse("{{" + text + "}}", FUNCTIONS)


SPLIT = re.compile(r"\{\{-?|-?\}\}|\w+|\s|.")
PIECES = sorted(
    {piece for row in REJECTED for piece in SPLIT.findall(row[0])}
    | {"/*", "*/", ":=", "{{end}}", "{{else}}", "{{if .}}", "{{range .}}", "$x", "0x1p1"}
)
SOURCES = [*ACCEPTED, *(row[0] for row in REJECTED)]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    pieces = SPLIT.findall(draw(st.sampled_from(SOURCES)))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(pieces)))
        end = start + draw(st.integers(0, 2))
        pieces[start:end] = draw(st.lists(st.sampled_from(PIECES), max_size=2))
    return "".join(pieces)


@PROPERTY
@given(mutated())
def test_no_mutated_template_raises(text: str) -> None:
    parsed = parse(text, FUNCTIONS)
    assert hash(parsed) == hash(parse(text, FUNCTIONS))
    lines = text.split("\n")
    for fault in parsed.errors:
        assert 1 <= fault.line <= len(lines)
        assert 1 <= fault.column <= len(lines[fault.line - 1]) + 1
        assert fault.message
    kinds = {fault.kind for fault in parsed.errors}
    assert len(parsed.errors) <= 1 or kinds == {UNKNOWN}


@PROPERTY
@given(mutated())
def test_text_before_a_template_moves_its_faults(text: str) -> None:
    moved = parse("é\n\n" + text, FUNCTIONS).errors
    expected = [(f.line + 2, f.column, f.message) for f in parse(text, FUNCTIONS).errors]
    assert [(f.line, f.column, f.message) for f in moved] == expected


def test_the_public_names_are_sorted() -> None:
    constants = [name for name in gotemplate.__all__ if name.isupper()]
    classes = [name for name in gotemplate.__all__ if name[0].isupper() and not name.isupper()]
    assert gotemplate.__all__ == [*sorted(constants), *sorted(classes), "parse"]
    assert all(hasattr(gotemplate, name) for name in gotemplate.__all__)
