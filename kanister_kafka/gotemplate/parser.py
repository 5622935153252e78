"""Actions and text to a tree, by the rules of text/template/parse/parse.go of Go 1.26."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum

from kanister_kafka.gotemplate import nodes
from kanister_kafka.gotemplate.lexer import Lexer
from kanister_kafka.gotemplate.literals import quote
from kanister_kafka.gotemplate.nodes import Node, Parsed
from kanister_kafka.gotemplate.pipelines import MAX_DEPTH, PipelineParser, SyntaxFaultError
from kanister_kafka.gotemplate.scope import Scope
from kanister_kafka.gotemplate.tokens import Kind, Token, Tokens

_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""White space of Go's unicode.IsSpace; that of str.strip() is more."""
_BRANCHES: dict[Kind, type[nodes.If | nodes.Range | nodes.With]]
_BRANCHES = {Kind.IF: nodes.If, Kind.RANGE: nodes.Range, Kind.WITH: nodes.With}


class _Else(Enum):
    """What ends the part of an action that is being read."""

    NONE = "no else yet"
    OWN = "an else of its own"
    CHAINED = "`else if` or `else with`: ends with the action after it"


@dataclass(slots=True)
class _Open:
    """An action whose `end` has not been read yet."""

    kind: Kind
    start: Token
    ready: Token
    """The last token before the body."""
    pipe: nodes.Pipeline | None
    name: str
    declared: int
    """How many variables there were before it."""
    outer: Scope
    body: list[Node] = field(default_factory=list)
    else_body: list[Node] = field(default_factory=list)
    otherwise: _Else = _Else.NONE


def parse(text: str, functions: Collection[str]) -> Parsed:
    """Parse a template that may use these functions; what is wrong with it comes back as data."""
    parser = Parser(text, functions)
    try:
        parser.run()
    except SyntaxFaultError as failure:
        return Parsed(parser.unwind(), (failure.fault,))
    return Parsed(parser.unwind(), tuple(parser.pipelines.unknown))


class Parser:
    """Parses one text; open actions are kept in a list of our own, not on Python's stack."""

    def __init__(self, text: str, functions: Collection[str]) -> None:
        self._tokens = Tokens(Lexer(text, functions).tokens())
        self.pipelines = PipelineParser(self._tokens, functions)
        self._scope = Scope(self.pipelines.variables)
        self._roots: list[Node] = []
        self._open: list[_Open] = []
        self._names: dict[str, bool] = {}
        """The templates defined, and whether there is more in them than space."""

    def run(self) -> None:
        """Read the whole text."""
        while True:
            token = self._tokens.next_solid()
            if token.kind is Kind.TEXT:
                self._add(nodes.Text(token.text, line=token.line, column=token.column))
            elif token.kind is Kind.LEFT_DELIM:
                self._action(token)
            elif token.kind is not Kind.EOF:
                self.pipelines.unexpected(token, "input")
            elif self._open:
                self.pipelines.fail("unexpected EOF")
            else:
                return

    def unwind(self) -> tuple[Node, ...]:
        """Close what is open and return the tree."""
        while self._open:
            self._close()
        return tuple(self._roots)

    def _add(self, node: Node) -> None:
        if not self._open:
            self._roots.append(node)
        elif self._open[-1].otherwise is _Else.NONE:
            self._open[-1].body.append(node)
        else:
            self._open[-1].else_body.append(node)

    def _action(self, delim: Token) -> None:
        keyword = self._tokens.next_solid()
        if keyword.kind is Kind.DEFINE and not self._open:
            self._define(delim)
            return
        self.pipelines.action_line = delim.line
        if keyword.kind in _BRANCHES:
            self._branch(keyword.kind, delim)
            return
        match keyword.kind:
            case Kind.BLOCK:
                self._block(delim)
            case Kind.ELSE:
                self._else(keyword)
            case Kind.END:
                self._end(keyword)
            case Kind.BREAK | Kind.CONTINUE:
                self._jump(keyword, delim)
            case Kind.TEMPLATE:
                self._template(delim)
            case _:
                self._tokens.push(keyword)
                pipe = self._pipeline("command")
                self._add(nodes.Action(pipe, line=delim.line, column=delim.column))
        self.pipelines.action_line = 0

    def _pipeline(self, context: str) -> nodes.Pipeline:
        return self.pipelines.pipeline(context, len(self._open))

    def _read_name(self, context: str) -> str:
        return self.pipelines.unquote(self.pipelines.expect(context, Kind.STRING, Kind.RAW_STRING))

    def _push(
        self, kind: Kind, start: Token, declared: int, pipe: nodes.Pipeline | None, name: str = ""
    ) -> None:
        if len(self._open) >= MAX_DEPTH:
            self.pipelines.fail(f"actions are nested more than {MAX_DEPTH} levels deep", start)
        last = self._tokens.last
        self._open.append(_Open(kind, start, last, pipe, name, declared, self._scope))
        if kind is Kind.RANGE:
            self._scope.ranges += 1
        elif kind in (Kind.DEFINE, Kind.BLOCK):
            self._enter(Scope())

    def _enter(self, scope: Scope) -> None:
        self._scope = scope
        self.pipelines.variables = scope.variables
        self.pipelines.action_line = 0

    def _branch(self, kind: Kind, start: Token) -> None:
        declared = len(self._scope.variables)
        self._push(kind, start, declared, self._pipeline(kind.value))

    def _define(self, delim: Token) -> None:
        context = "define clause"
        name = self._read_name(context)
        self.pipelines.expect(context, Kind.RIGHT_DELIM)
        self._push(Kind.DEFINE, delim, 0, None, name)

    def _block(self, delim: Token) -> None:
        context = "block clause"
        name = self._read_name(context)
        pipe = self._pipeline(context)
        self._push(Kind.BLOCK, delim, len(self._scope.variables), pipe, name)

    def _template(self, delim: Token) -> None:
        context = "template clause"
        name = self._read_name(context)
        token, pipe = self._tokens.next_solid(), None
        if token.kind is not Kind.RIGHT_DELIM:
            self._tokens.push(token)
            pipe = self._pipeline(context)
        self._add(nodes.Template(name, pipe, line=delim.line, column=delim.column))

    def _jump(self, keyword: Token, delim: Token) -> None:
        spelled = f"{{{{{keyword.text}}}}}"
        self.pipelines.expect(spelled, Kind.RIGHT_DELIM)
        if not self._scope.ranges:
            self.pipelines.fail(f"{spelled} outside {{{{range}}}}", keyword)
        made = nodes.Break if keyword.kind is Kind.BREAK else nodes.Continue
        self._add(made(line=delim.line, column=delim.column))

    def _else(self, keyword: Token) -> None:
        following = self._tokens.peek_solid()
        is_chain = following.kind in (Kind.IF, Kind.WITH)
        if not is_chain:
            self.pipelines.expect("else", Kind.RIGHT_DELIM)
        if not self._open or self._open[-1].kind not in _BRANCHES:
            self._misplaced("{{else}}", keyword)
        top = self._open[-1]
        if top.otherwise is not _Else.NONE:
            self.pipelines.fail("expected end; found {{else}}", keyword)
        if top.kind is Kind.RANGE:
            self._scope.ranges -= 1
        top.otherwise = _Else.OWN
        if following.kind is top.kind:
            top.otherwise = _Else.CHAINED
            self._tokens.next()
            self.pipelines.action_line = 0
            self._branch(top.kind, keyword)

    def _misplaced(self, spelled: str, keyword: Token) -> None:
        if not self._open:
            self.pipelines.fail(f"unexpected {spelled}", keyword)
        top = self._open[-1]
        if top.kind is Kind.BLOCK:  # Go names the line of the block, the last it has read before
            self._tokens.last = top.ready
        self.pipelines.fail(f"unexpected {spelled} in {top.kind.value} clause", keyword)

    def _end(self, keyword: Token) -> None:
        self.pipelines.expect("end", Kind.RIGHT_DELIM)
        if not self._open:
            self._misplaced("{{end}}", keyword)
        top = self._open[-1]
        if top.kind in (Kind.DEFINE, Kind.BLOCK):
            self._name(top, keyword)
        self._close()
        while self._open and self._open[-1].otherwise is _Else.CHAINED:
            self._close()

    def _name(self, done: _Open, keyword: Token) -> None:
        is_full = any(not isinstance(n, nodes.Text) or n.text.strip(_SPACES) for n in done.body)
        if is_full and self._names.get(done.name):
            told = f"template: multiple definition of template {quote(done.name)}"
            self.pipelines.fail(told, keyword)
        self._names[done.name] = is_full or self._names.get(done.name, False)

    def _close(self) -> None:
        """Make a node of the innermost action."""
        done = self._open.pop()
        if done.kind is Kind.RANGE and done.otherwise is _Else.NONE:
            self._scope.ranges -= 1
        if self._scope is not done.outer:
            self._enter(done.outer)
        else:
            self._scope.variables.shrink(done.declared)
        self._add(_made(done))


def _made(done: _Open) -> Node:
    line, column, body = done.start.line, done.start.column, tuple(done.body)
    if done.pipe is None:
        return nodes.Define(done.name, body, line=line, column=column)
    if done.kind is Kind.BLOCK:
        return nodes.Block(done.name, done.pipe, body, line=line, column=column)
    else_body = None if done.otherwise is _Else.NONE else tuple(done.else_body)
    return _BRANCHES[done.kind](done.pipe, body, else_body, line=line, column=column)
