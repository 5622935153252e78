"""Pipelines: commands of operands, with the variables they declare and use.

The rules are those of `pipeline`, `command`, `operand` and `term` in text/template/parse/parse.go
of Go 1.26. Parentheses are followed with a list of our own: Python's stack is too short for them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import NoReturn

from kanister_kafka.gotemplate import literals, nodes
from kanister_kafka.gotemplate.nodes import FaultKind, TemplateFault
from kanister_kafka.gotemplate.scope import Variables
from kanister_kafka.gotemplate.tokens import Kind, Token, Tokens

MAX_DEPTH = 200
"""Deepest nesting of actions and parentheses; Go has 10000 for parentheses, none for actions."""

_TERMS = frozenset(
    (Kind.BOOL, Kind.CHARACTER, Kind.COMPLEX, Kind.DOT, Kind.FIELD, Kind.IDENTIFIER, Kind.NIL)
) | {Kind.NUMBER, Kind.RAW_STRING, Kind.STRING, Kind.VARIABLE}
_CONSTANTS = (nodes.Bool, nodes.Dot, nodes.Nil, nodes.Number, nodes.String)


class SyntaxFaultError(Exception):
    """Ends the parse at the first error of syntax."""

    def __init__(self, fault: TemplateFault) -> None:
        super().__init__(fault.message)
        self.fault = fault


@dataclass(slots=True)
class _Open:
    """A pipeline whose end has not been read yet."""

    context: str
    end: Kind
    start: Token
    declarations: list[nodes.Variable] = field(default_factory=list)
    is_assign: bool = False
    commands: list[nodes.Command] = field(default_factory=list)
    arguments: list[nodes.Operand] = field(default_factory=list)


class PipelineParser:
    """Reads pipelines from a stream of tokens."""

    def __init__(self, tokens: Tokens, functions: Collection[str]) -> None:
        self.tokens = tokens
        self.variables = Variables()
        self.unknown: list[TemplateFault] = []
        """The uses of unknown functions so far."""
        self.action_line = 0
        """Line of the action being read; 0 between actions."""
        self._functions = functions
        self._open: list[_Open] = []

    def fail(self, message: str, at: nodes.Located | Token | None = None) -> NoReturn:
        """End the parse on the line Go gives: that of the token read furthest ahead."""
        last = self.tokens.last
        column = at.column if at and at.line == last.line else last.column
        raise SyntaxFaultError(TemplateFault(last.line, column, message, FaultKind.SYNTAX))

    def unexpected(self, token: Token, context: str) -> NoReturn:
        """End the parse at a token that must not be there."""
        if token.kind is not Kind.ERROR:
            self.fail(f"unexpected {token} in {context}", token)
        message, lines = token.text, token.line - self.action_line
        if self.action_line and lines:
            within = "" if message.endswith(" action") else " in action"
            message += f"{within} started {lines} line{'s' * (lines > 1)} above"
        self.fail(message, token)

    def expect(self, context: str, *kinds: Kind) -> Token:
        """Take the next token, which must be of one of these kinds."""
        token = self.tokens.next_solid()
        if token.kind not in kinds:
            self.unexpected(token, context)
        return token

    def unquote(self, token: Token) -> str:
        """Return the value of a string."""
        try:
            return literals.unquote(token.text)
        except literals.LiteralError as failure:
            self.fail(str(failure), token)

    def pipeline(self, context: str, depth: int) -> nodes.Pipeline:
        """Read a pipeline and the right delimiter after it; `depth` actions are open around it."""
        self._open = [self._begin(context, Kind.RIGHT_DELIM)]
        while True:
            top = self._open[-1]
            token = self.tokens.next_solid()
            if token.kind is Kind.LEFT_PAREN:
                if depth + len(self._open) > MAX_DEPTH:
                    self.fail("max expression depth exceeded", token)
                self._open.append(self._begin("parenthesized pipeline", Kind.RIGHT_PAREN))
            elif token.kind in _TERMS:
                self._operand(top, self._term(token), token)
            elif top.arguments:
                self._end_command(top, token)
            elif token.kind is not top.end:
                self.unexpected(token, top.context)
            else:
                made = self._finish(self._open.pop())
                if not self._open:
                    return made
                self._operand(self._open[-1], made, token)

    def _begin(self, context: str, end: Kind) -> _Open:
        made = _Open(context, end, self.tokens.peek_solid())
        while self._declaration(made):
            pass
        return made

    def _declaration(self, pipe: _Open) -> bool:
        """Read a variable that is declared or assigned; tell whether another may follow."""
        tokens = self.tokens
        variable = tokens.next_solid()
        if variable.kind is not Kind.VARIABLE:
            tokens.push(variable)
            return False
        after = tokens.peek()
        sign = tokens.next_solid()
        is_comma = sign.kind is Kind.OTHER and sign.text == ","
        if not is_comma and sign.kind not in (Kind.ASSIGN, Kind.DECLARE):
            tokens.push(sign, *([after] if after.kind is Kind.SPACE else []), variable)
            return False
        made = nodes.Variable(variable.text, line=variable.line, column=variable.column)
        pipe.declarations.append(made)
        self.variables.declare(variable.text)
        if not is_comma:
            pipe.is_assign = sign.kind is Kind.ASSIGN
            return False
        if pipe.context != "range" or len(pipe.declarations) > 1:
            self.fail(f"too many declarations in {pipe.context}", sign)
        following = tokens.peek_solid()
        if following.kind not in (Kind.VARIABLE, Kind.RIGHT_DELIM, Kind.RIGHT_PAREN):
            self.fail("range can only initialize variables", following)
        return True

    def _finish(self, pipe: _Open) -> nodes.Pipeline:
        start, commands = pipe.start, tuple(pipe.commands)
        if not commands:
            self.fail(f"missing value for {pipe.context}")
        for stage, command in enumerate(commands[1:], 2):
            if isinstance(command.arguments[0], _CONSTANTS):
                self.fail(f"non executable command in pipeline stage {stage}", command)
        return nodes.Pipeline(
            tuple(pipe.declarations), pipe.is_assign, commands, line=start.line, column=start.column
        )

    def _end_command(self, pipe: _Open, token: Token) -> None:
        if token.kind in (Kind.RIGHT_DELIM, Kind.RIGHT_PAREN):
            self.tokens.push(token)
        elif token.kind is not Kind.PIPE:
            self.unexpected(token, "operand")
        first = pipe.arguments[0]
        command = nodes.Command(tuple(pipe.arguments), line=first.line, column=first.column)
        pipe.commands.append(command)
        pipe.arguments.clear()

    def _operand(self, pipe: _Open, term: nodes.Operand, token: Token) -> None:
        """Add a term with the fields taken of it, and read what follows it."""
        names = []
        while self.tokens.peek().kind is Kind.FIELD:
            names.append(self.tokens.next().text[1:])
        if names:
            term = self._with_fields(term, tuple(names), token)
        pipe.arguments.append(term)
        following = self.tokens.next()
        if following.kind is not Kind.SPACE:
            self._end_command(pipe, following)

    def _with_fields(
        self, term: nodes.Operand, names: tuple[str, ...], token: Token
    ) -> nodes.Operand:
        line, column = term.line, term.column
        if isinstance(term, nodes.Field):
            return nodes.Field(term.names + names, line=line, column=column)
        if isinstance(term, nodes.Variable):
            return nodes.Variable(term.name, names, line=line, column=column)
        if not isinstance(term, (nodes.Function, nodes.Pipeline)):
            self.fail(f"unexpected . after term {literals.quote(token.text)}", token)
        return nodes.Chain(term, names, line=line, column=column)

    def _term(self, token: Token) -> nodes.Operand:
        line, column, text = token.line, token.column, token.text
        match token.kind:
            case Kind.DOT:
                return nodes.Dot(line=line, column=column)
            case Kind.NIL:
                return nodes.Nil(line=line, column=column)
            case Kind.BOOL:
                return nodes.Bool(text == "true", line=line, column=column)
            case Kind.FIELD:
                return nodes.Field((text[1:],), line=line, column=column)
            case Kind.STRING | Kind.RAW_STRING:
                return nodes.String(self.unquote(token), text, line=line, column=column)
            case Kind.VARIABLE:
                if text not in self.variables:
                    self.fail(f"undefined variable {literals.quote(text)}", token)
                return nodes.Variable(text, line=line, column=column)
            case Kind.IDENTIFIER:
                if text not in self._functions:
                    message = f"function {literals.quote(text)} not defined"
                    kind = FaultKind.UNKNOWN_FUNCTION
                    self.unknown.append(TemplateFault(line, column, message, kind))
                return nodes.Function(text, line=line, column=column)
        return self._number(token)

    def _number(self, token: Token) -> nodes.Number:
        value: complex
        try:
            if token.kind is Kind.CHARACTER:
                value = literals.character(token.text)
            elif token.kind is Kind.COMPLEX:
                value = literals.complex_number(token.text)
            else:
                value = literals.number(token.text)
        except literals.LiteralError as failure:
            self.fail(str(failure), token)
        return nodes.Number(value, token.text, line=token.line, column=token.column)
