"""The tokens of a Go template, and the stream the parser reads them from."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from kanister_kafka.gotemplate.literals import quote

_SHOWN = 10
"""Length from which Go cuts a token it names, in bytes, and what it leaves, in characters."""


class Kind(Enum):
    """What a token is."""

    ERROR = auto()
    EOF = auto()
    TEXT = auto()
    LEFT_DELIM = auto()
    RIGHT_DELIM = auto()
    SPACE = auto()
    PIPE = auto()
    ASSIGN = auto()
    DECLARE = auto()
    LEFT_PAREN = auto()
    RIGHT_PAREN = auto()
    BOOL = auto()
    CHARACTER = auto()
    COMPLEX = auto()
    NUMBER = auto()
    STRING = auto()
    RAW_STRING = auto()
    FIELD = auto()
    VARIABLE = auto()
    IDENTIFIER = auto()
    OTHER = auto()
    """A printable ASCII character that is nothing else, such as a comma."""
    BLOCK = "block"
    BREAK = "break"
    CONTINUE = "continue"
    DEFINE = "define"
    DOT = "."
    ELSE = "else"
    END = "end"
    IF = "if"
    NIL = "nil"
    RANGE = "range"
    TEMPLATE = "template"
    WITH = "with"


KEYWORDS = {kind.value: kind for kind in Kind if isinstance(kind.value, str)}


class Token(NamedTuple):
    """A piece of the text; the text of an error is its message."""

    kind: Kind
    text: str
    line: int
    column: int

    def __str__(self) -> str:
        """Name the token the way Go does in an error."""
        if self.kind is Kind.EOF:
            return "EOF"
        if self.kind is Kind.ERROR:
            return self.text
        if isinstance(self.kind.value, str):
            return f"<{self.text}>"
        if len(self.text.encode(errors="surrogatepass")) > _SHOWN:
            return f"{quote(self.text[:_SHOWN])}..."
        return quote(self.text)


class Tokens:
    """A stream of tokens that takes tokens back."""

    def __init__(self, source: Iterator[Token]) -> None:
        self._source = source
        self._pending: list[Token] = []
        self.last = Token(Kind.EOF, "", 1, 1)
        """The token read furthest ahead: its line is the one that Go gives for an error."""

    def next(self) -> Token:
        """Take the next token, space included."""
        if self._pending:
            return self._pending.pop()
        self.last = next(self._source)
        return self.last

    def push(self, *tokens: Token) -> None:
        """Give tokens back, the one to be read first as the last of them."""
        self._pending.extend(tokens)

    def peek(self) -> Token:
        """Return the next token, space included, and leave it."""
        token = self.next()
        self.push(token)
        return token

    def next_solid(self) -> Token:
        """Take the next token that is no space."""
        token = self.next()
        while token.kind is Kind.SPACE:
            token = self.next()
        return token

    def peek_solid(self) -> Token:
        """Return the next token that is no space, and leave it; space before it is lost."""
        token = self.next_solid()
        self.push(token)
        return token
