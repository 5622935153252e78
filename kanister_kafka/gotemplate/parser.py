"""Actions and text to a tree, by the rules of text/template/parse/parse.go of Go 1.26."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum
from typing import NoReturn

from kanister_kafka.gotemplate import lexer, nodes
from kanister_kafka.gotemplate.lexer import UNICODE_SPACES, Lexer, Token, TokenKind, Tokens, quote
from kanister_kafka.gotemplate.nodes import AnyNode, ParsedTemplate, ParseError, ParseErrorKind

# State that each template has of its own, be it the whole text, a `define` or a `block`.


class VariableTypes:
    """The variables of one template that are known at a place of it."""

    def __init__(self) -> None:
        self._names = ["$"]
        self._uses = Counter(self._names)

    def __contains__(self, name: str) -> bool:
        return self._uses[name] > 0

    def __len__(self) -> int:
        return len(self._names)

    def declare(self, name: str) -> None:
        """Make a variable known."""
        self._names.append(name)
        self._uses[name] += 1

    def shrink(self, length: int) -> None:
        """Forget all but the oldest variables: they end with the action they are within."""
        while len(self._names) > length:
            self._uses[self._names.pop()] -= 1


@dataclass(slots=True)
class VariableScope:
    """The variables of one template, and how many bodies of `range` are open in it."""

    variables: VariableTypes = field(default_factory=VariableTypes)
    ranges: int = 0


# Pipelines: commands of operands, with the variables they declare and use.
#
# The rules are those of `pipeline`, `command`, `operand` and `term` in
# text/template/parse/parse.go of Go 1.26. Parentheses are followed with a list of our own:
# Python's stack is too short for them.

MAX_DEPTH = 200
"""Deepest nesting of actions and parentheses; Go has 10000 for parentheses, none for actions."""

_TERMS = frozenset(
    (
        TokenKind.BOOL,
        TokenKind.CHARACTER,
        TokenKind.COMPLEX,
        TokenKind.DOT,
        TokenKind.FIELD,
        TokenKind.IDENTIFIER,
        TokenKind.NIL,
    )
) | {TokenKind.NUMBER, TokenKind.RAW_STRING, TokenKind.STRING, TokenKind.VARIABLE}
_CONSTANTS = (nodes.BoolNode, nodes.DotNode, nodes.NilNode, nodes.NumberNode, nodes.StringNode)


class TemplateSyntaxError(Exception):
    """Ends the parse at the first error of syntax."""

    def __init__(self, fault: ParseError) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(slots=True)
class _OpenPipeline:
    """A pipeline whose end has not been read yet."""

    context: str
    end: TokenKind
    start: Token
    declarations: list[nodes.VariableNode] = field(default_factory=list)
    is_assign: bool = False
    commands: list[nodes.CommandNode] = field(default_factory=list)
    arguments: list[nodes.Operand] = field(default_factory=list)


class PipelineParser:
    """Reads pipelines from a stream of tokens."""

    def __init__(self, tokens: Tokens, functions: Collection[str]) -> None:
        self.tokens = tokens
        self.variables = VariableTypes()
        self.unknown: list[ParseError] = []
        """The uses of unknown functions so far."""
        self.action_line = 0
        """Line of the action being read; 0 between actions."""
        self._functions = functions
        self._open: list[_OpenPipeline] = []

    def fail(self, message: str, at: nodes.Node | Token | None = None) -> NoReturn:
        """End the parse on the line Go gives: that of the token read furthest ahead."""
        last = self.tokens.last
        column = at.column if at and at.line == last.line else last.column
        raise TemplateSyntaxError(ParseError(last.line, column, message, ParseErrorKind.SYNTAX))

    def unexpected(self, token: Token, context: str) -> NoReturn:
        """End the parse at a token that must not be there."""
        if token.kind is not TokenKind.ERROR:
            self.fail(f"unexpected {token} in {context}", token)
        message, lines = token.text, token.line - self.action_line
        if self.action_line and lines:
            within = "" if message.endswith(" action") else " in action"
            message += f"{within} started {lines} line{'s' * (lines > 1)} above"
        self.fail(message, token)

    def expect(self, context: str, *kinds: TokenKind) -> Token:
        """Take the next token, which must be of one of these kinds."""
        token = self.tokens.next_solid()
        if token.kind not in kinds:
            self.unexpected(token, context)
        return token

    def unquote(self, token: Token) -> str:
        """Return the value of a string."""
        try:
            return lexer.unquote(token.text)
        except lexer.LiteralError as failure:
            self.fail(str(failure), token)

    def pipeline(self, context: str, depth: int) -> nodes.PipeNode:
        """Read a pipeline and the right delimiter after it; `depth` actions are open around it."""
        self._open = [self._begin(context, TokenKind.RIGHT_DELIM)]
        while True:
            top = self._open[-1]
            token = self.tokens.next_solid()
            if token.kind is TokenKind.LEFT_PAREN:
                if depth + len(self._open) > MAX_DEPTH:
                    self.fail("max expression depth exceeded", token)
                self._open.append(self._begin("parenthesized pipeline", TokenKind.RIGHT_PAREN))
            elif token.kind in _TERMS:
                self._operand(top, self._term(token), token)
            elif top.arguments:
                self._end_command(top, token)
            elif token.kind is not top.end:
                self.unexpected(token, top.context)
            else:
                pipe = self._finish(self._open.pop())
                if not self._open:
                    return pipe
                self._operand(self._open[-1], pipe, token)

    def _begin(self, context: str, end: TokenKind) -> _OpenPipeline:
        pipe = _OpenPipeline(context, end, self.tokens.peek_solid())
        while self._declaration(pipe):
            pass
        return pipe

    def _declaration(self, pipe: _OpenPipeline) -> bool:
        """Read a variable that is declared or assigned; return whether another may follow."""
        tokens = self.tokens
        variable = tokens.next_solid()
        if variable.kind is not TokenKind.VARIABLE:
            tokens.push(variable)
            return False
        after = tokens.peek()
        sign = tokens.next_solid()
        is_comma = sign.kind is TokenKind.OTHER and sign.text == ","
        if not is_comma and sign.kind not in (TokenKind.ASSIGN, TokenKind.DECLARE):
            tokens.push(sign, *([after] if after.kind is TokenKind.SPACE else []), variable)
            return False
        declaration = nodes.VariableNode(variable.text, line=variable.line, column=variable.column)
        pipe.declarations.append(declaration)
        self.variables.declare(variable.text)
        if not is_comma:
            pipe.is_assign = sign.kind is TokenKind.ASSIGN
            return False
        if pipe.context != "range" or len(pipe.declarations) > 1:
            self.fail(f"too many declarations in {pipe.context}", sign)
        following = tokens.peek_solid()
        if following.kind not in (TokenKind.VARIABLE, TokenKind.RIGHT_DELIM, TokenKind.RIGHT_PAREN):
            self.fail("range can only initialize variables", following)
        return True

    def _finish(self, pipe: _OpenPipeline) -> nodes.PipeNode:
        start, commands = pipe.start, tuple(pipe.commands)
        if not commands:
            self.fail(f"missing value for {pipe.context}")
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.arguments[0], _CONSTANTS):
                self.fail(f"non executable command in pipeline stage {stage}", command)
        return nodes.PipeNode(
            tuple(pipe.declarations), pipe.is_assign, commands, line=start.line, column=start.column
        )

    def _end_command(self, pipe: _OpenPipeline, token: Token) -> None:
        if token.kind in (TokenKind.RIGHT_DELIM, TokenKind.RIGHT_PAREN):
            self.tokens.push(token)
        elif token.kind is not TokenKind.PIPE:
            self.unexpected(token, "operand")
        first = pipe.arguments[0]
        command = nodes.CommandNode(tuple(pipe.arguments), line=first.line, column=first.column)
        pipe.commands.append(command)
        pipe.arguments.clear()

    def _operand(self, pipe: _OpenPipeline, term: nodes.Operand, token: Token) -> None:
        """Add a term with the fields taken of it, and read what follows it."""
        names = []
        while self.tokens.peek().kind is TokenKind.FIELD:
            names.append(self.tokens.next().text[1:])
        if names:
            term = self._with_fields(term, tuple(names), token)
        pipe.arguments.append(term)
        following = self.tokens.next()
        if following.kind is not TokenKind.SPACE:
            self._end_command(pipe, following)

    def _with_fields(
        self, term: nodes.Operand, names: tuple[str, ...], token: Token
    ) -> nodes.Operand:
        line, column = term.line, term.column
        if isinstance(term, nodes.FieldNode):
            return nodes.FieldNode(term.names + names, line=line, column=column)
        if isinstance(term, nodes.VariableNode):
            return nodes.VariableNode(term.name, names, line=line, column=column)
        if not isinstance(term, (nodes.IdentifierNode, nodes.PipeNode)):
            self.fail(f"unexpected . after term {lexer.quote(token.text)}", token)
        return nodes.ChainNode(term, names, line=line, column=column)

    def _term(self, token: Token) -> nodes.Operand:
        line, column, text = token.line, token.column, token.text
        match token.kind:
            case TokenKind.DOT:
                return nodes.DotNode(line=line, column=column)
            case TokenKind.NIL:
                return nodes.NilNode(line=line, column=column)
            case TokenKind.BOOL:
                return nodes.BoolNode(text == "true", line=line, column=column)
            case TokenKind.FIELD:
                return nodes.FieldNode((text[1:],), line=line, column=column)
            case TokenKind.STRING | TokenKind.RAW_STRING:
                return nodes.StringNode(self.unquote(token), text, line=line, column=column)
            case TokenKind.VARIABLE:
                if text not in self.variables:
                    self.fail(f"undefined variable {lexer.quote(text)}", token)
                return nodes.VariableNode(text, line=line, column=column)
            case TokenKind.IDENTIFIER:
                if text not in self._functions:
                    message = f"function {lexer.quote(text)} not defined"
                    kind = ParseErrorKind.UNKNOWN_FUNCTION
                    self.unknown.append(ParseError(line, column, message, kind))
                return nodes.IdentifierNode(text, line=line, column=column)
        return self._number(token)

    def _number(self, token: Token) -> nodes.NumberNode:
        value: complex
        try:
            if token.kind is TokenKind.CHARACTER:
                value = lexer.character(token.text)
            elif token.kind is TokenKind.COMPLEX:
                value = lexer.complex_number(token.text)
            else:
                value = lexer.number(token.text)
        except lexer.LiteralError as failure:
            self.fail(str(failure), token)
        return nodes.NumberNode(value, token.text, line=token.line, column=token.column)


_BRANCHES: dict[TokenKind, type[nodes.IfNode | nodes.RangeNode | nodes.WithNode]]
_BRANCHES = {
    TokenKind.IF: nodes.IfNode,
    TokenKind.RANGE: nodes.RangeNode,
    TokenKind.WITH: nodes.WithNode,
}


class _Else(Enum):
    """End of the part of an action that is being read."""

    NONE = "no else yet"
    OWN = "an else of its own"
    CHAINED = "`else if` or `else with`: ends with the action after it"


@dataclass(slots=True)
class _OpenBlock:
    """An action whose `end` has not been read yet."""

    kind: TokenKind
    start: Token
    ready: Token
    """The last token before the body."""
    pipe: nodes.PipeNode | None
    name: str
    declared: int
    """How many variables there were before it."""
    outer: VariableScope
    body: list[AnyNode] = field(default_factory=list)
    else_body: list[AnyNode] = field(default_factory=list)
    otherwise: _Else = _Else.NONE


def parse(text: str, functions: Collection[str]) -> ParsedTemplate:
    """Parse a template that may use these functions; what is wrong with it comes back as data."""
    parser = Parser(text, functions)
    try:
        parser.run()
    except TemplateSyntaxError as failure:
        return ParsedTemplate(parser.unwind(), (failure.fault,))
    return ParsedTemplate(parser.unwind(), tuple(parser.pipelines.unknown))


class Parser:
    """Parses one text; open actions are kept in a list of our own, not on Python's stack."""

    def __init__(self, text: str, functions: Collection[str]) -> None:
        self._tokens = Tokens(Lexer(text, functions).tokens())
        self.pipelines = PipelineParser(self._tokens, functions)
        self._scope = VariableScope(self.pipelines.variables)
        self._roots: list[AnyNode] = []
        self._open: list[_OpenBlock] = []
        self._names: dict[str, bool] = {}
        """The templates defined, and whether there is more in them than space."""

    def run(self) -> None:
        """Read the whole text."""
        while True:
            token = self._tokens.next_solid()
            if token.kind is TokenKind.TEXT:
                self._add(nodes.TextNode(token.text, line=token.line, column=token.column))
            elif token.kind is TokenKind.LEFT_DELIM:
                self._action(token)
            elif token.kind is not TokenKind.EOF:
                self.pipelines.unexpected(token, "input")
            elif self._open:
                self.pipelines.fail("unexpected EOF")
            else:
                return

    def unwind(self) -> tuple[AnyNode, ...]:
        """Close what is open and return the tree."""
        while self._open:
            self._close()
        return tuple(self._roots)

    def _add(self, node: AnyNode) -> None:
        if not self._open:
            self._roots.append(node)
        elif self._open[-1].otherwise is _Else.NONE:
            self._open[-1].body.append(node)
        else:
            self._open[-1].else_body.append(node)

    def _action(self, delim: Token) -> None:
        keyword = self._tokens.next_solid()
        if keyword.kind is TokenKind.DEFINE and not self._open:
            self._define(delim)
            return
        self.pipelines.action_line = delim.line
        if keyword.kind in _BRANCHES:
            self._branch(keyword.kind, delim)
            return
        match keyword.kind:
            case TokenKind.BLOCK:
                self._block(delim)
            case TokenKind.ELSE:
                self._else(keyword)
            case TokenKind.END:
                self._end(keyword)
            case TokenKind.BREAK | TokenKind.CONTINUE:
                self._jump(keyword, delim)
            case TokenKind.TEMPLATE:
                self._template(delim)
            case _:
                self._tokens.push(keyword)
                pipe = self._pipeline("command")
                self._add(nodes.ActionNode(pipe, line=delim.line, column=delim.column))
        self.pipelines.action_line = 0

    def _pipeline(self, context: str) -> nodes.PipeNode:
        return self.pipelines.pipeline(context, len(self._open))

    def _read_name(self, context: str) -> str:
        return self.pipelines.unquote(
            self.pipelines.expect(context, TokenKind.STRING, TokenKind.RAW_STRING)
        )

    def _push(
        self,
        kind: TokenKind,
        start: Token,
        declared: int,
        pipe: nodes.PipeNode | None,
        name: str = "",
    ) -> None:
        if len(self._open) >= MAX_DEPTH:
            self.pipelines.fail(f"actions are nested more than {MAX_DEPTH} levels deep", start)
        last = self._tokens.last
        self._open.append(_OpenBlock(kind, start, last, pipe, name, declared, self._scope))
        if kind is TokenKind.RANGE:
            self._scope.ranges += 1
        elif kind in (TokenKind.DEFINE, TokenKind.BLOCK):
            self._enter(VariableScope())

    def _enter(self, scope: VariableScope) -> None:
        self._scope = scope
        self.pipelines.variables = scope.variables
        self.pipelines.action_line = 0

    def _branch(self, kind: TokenKind, start: Token) -> None:
        declared = len(self._scope.variables)
        self._push(kind, start, declared, self._pipeline(kind.value))

    def _define(self, delim: Token) -> None:
        context = "define clause"
        name = self._read_name(context)
        self.pipelines.expect(context, TokenKind.RIGHT_DELIM)
        self._push(TokenKind.DEFINE, delim, 0, None, name)

    def _block(self, delim: Token) -> None:
        context = "block clause"
        name = self._read_name(context)
        pipe = self._pipeline(context)
        self._push(TokenKind.BLOCK, delim, len(self._scope.variables), pipe, name)

    def _template(self, delim: Token) -> None:
        context = "template clause"
        name = self._read_name(context)
        token, pipe = self._tokens.next_solid(), None
        if token.kind is not TokenKind.RIGHT_DELIM:
            self._tokens.push(token)
            pipe = self._pipeline(context)
        self._add(nodes.TemplateNode(name, pipe, line=delim.line, column=delim.column))

    def _jump(self, keyword: Token, delim: Token) -> None:
        spelled = f"{{{{{keyword.text}}}}}"
        self.pipelines.expect(spelled, TokenKind.RIGHT_DELIM)
        if not self._scope.ranges:
            self.pipelines.fail(f"{spelled} outside {{{{range}}}}", keyword)
        node_type = nodes.BreakNode if keyword.kind is TokenKind.BREAK else nodes.ContinueNode
        self._add(node_type(line=delim.line, column=delim.column))

    def _else(self, keyword: Token) -> None:
        following = self._tokens.peek_solid()
        is_chain = following.kind in (TokenKind.IF, TokenKind.WITH)
        if not is_chain:
            self.pipelines.expect("else", TokenKind.RIGHT_DELIM)
        if not self._open or self._open[-1].kind not in _BRANCHES:
            self._misplaced("{{else}}", keyword)
        top = self._open[-1]
        if top.otherwise is not _Else.NONE:
            self.pipelines.fail("expected end; found {{else}}", keyword)
        if top.kind is TokenKind.RANGE:
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
        if top.kind is TokenKind.BLOCK:  # Go names the line of the block, the last it has read
            self._tokens.last = top.ready
        self.pipelines.fail(f"unexpected {spelled} in {top.kind.value} clause", keyword)

    def _end(self, keyword: Token) -> None:
        self.pipelines.expect("end", TokenKind.RIGHT_DELIM)
        if not self._open:
            self._misplaced("{{end}}", keyword)
        top = self._open[-1]
        if top.kind in (TokenKind.DEFINE, TokenKind.BLOCK):
            self._name(top, keyword)
        self._close()
        while self._open and self._open[-1].otherwise is _Else.CHAINED:
            self._close()

    def _name(self, block: _OpenBlock, keyword: Token) -> None:
        is_full = any(
            not isinstance(n, nodes.TextNode) or n.text.strip(UNICODE_SPACES) for n in block.body
        )
        if is_full and self._names.get(block.name):
            message = f"template: multiple definition of template {quote(block.name)}"
            self.pipelines.fail(message, keyword)
        self._names[block.name] = is_full or self._names.get(block.name, False)

    def _close(self) -> None:
        """Make a node of the innermost action."""
        block = self._open.pop()
        if block.kind is TokenKind.RANGE and block.otherwise is _Else.NONE:
            self._scope.ranges -= 1
        if self._scope is not block.outer:
            self._enter(block.outer)
        else:
            self._scope.variables.shrink(block.declared)
        self._add(_block_node(block))


def _block_node(block: _OpenBlock) -> AnyNode:
    line, column, body = block.start.line, block.start.column, tuple(block.body)
    if block.pipe is None:
        return nodes.DefineNode(block.name, body, line=line, column=column)
    if block.kind is TokenKind.BLOCK:
        return nodes.BlockNode(block.name, block.pipe, body, line=line, column=column)
    else_body = None if block.otherwise is _Else.NONE else tuple(block.else_body)
    return _BRANCHES[block.kind](block.pipe, body, else_body, line=line, column=column)
