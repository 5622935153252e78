"""A template's text to tokens, by the rules of text/template/parse/lex.go of Go 1.26."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Collection, Iterator
from enum import Enum, auto
from typing import NamedTuple

# Go's literals to values: strings, character constants and numbers.
#
# The rules are those of strconv and of newNumber in text/template/parse/node.go of Go 1.26.

_HEX = "[0-9a-fA-F]"
_DIGITS = "[0-9](?:_?[0-9])*"
_HEX_DIGITS = f"{_HEX}(?:_?{_HEX})*"
_INTEGER = re.compile(
    rf"[+-]?(?:0[xX](?:_?{_HEX})+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?[0-7])*|[1-9](?:_?[0-9])*)"
)
_DECIMAL_FLOAT = re.compile(
    rf"[+-]?(?:{_DIGITS}(?:\.(?:{_DIGITS})?)?|\.{_DIGITS})(?:[eE][+-]?{_DIGITS})?"
)
_HEX_FLOAT = re.compile(
    rf"[+-]?0[xX](?:_?{_HEX_DIGITS}(?:\.(?:{_HEX_DIGITS})?)?|\.{_HEX_DIGITS})[pP][+-]?{_DIGITS}"
)
_PART = (
    rf"(?:0[xX](?:{_HEX}|_)*(?:\.(?:{_HEX}|_)*)?(?:[pP][+-]?[0-9_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)"
)
_COMPLEX = re.compile(rf"([+-]?{_PART})([+-](?!i){_PART})i")
_BASES = {"x": 16, "o": 8, "b": 2}
_LONGEST = 20
"""Digits of the largest unsigned integer of 64 bits."""

_ESCAPE = re.compile(
    rf"\\(?:([abfnrtv\\'\"])|x({_HEX}{{2}})|([0-7]{{3}})|u({_HEX}{{4}})|U({_HEX}{{8}}))|[^\\]",
    re.DOTALL,
)
_SIMPLE = dict(zip("abfnrtv\\'\"", "\a\b\f\n\r\t\v\\'\"", strict=True))
_NAMED = {char: name for name, char in _SIMPLE.items() if char != "'"}


class LiteralError(ValueError):
    """A literal that Go does not take, with Go's words for it."""


def quote(text: str) -> str:
    """Quote text the way `%q` does."""
    return '"' + "".join(map(_quoted, text)) + '"'


def unquote(text: str) -> str:
    """Return the value of a quoted or raw string, its quotes included in the text."""
    body = text[1:-1]
    if text[0] == "`":
        return body.replace("\r", "")
    if "\\" not in body:
        return body
    value, end = bytearray(), 0
    while end < len(body):
        piece, end = _piece(body, end, '"')
        value += piece if isinstance(piece, bytes) else piece.encode(errors="surrogatepass")
    return value.decode(errors="replace")


def character(text: str) -> int:
    """Return the code point of a character constant, its quotes included in the text."""
    body = text[1:-1]
    if not body:
        raise LiteralError("invalid syntax")
    piece, end = _piece(body, 0, "'")
    if end != len(body):
        raise LiteralError(f"malformed character constant: {text}")
    return ord(piece)


def number(text: str) -> int | float | complex:
    """Return the value of a number that is not a sum: integer, float or imaginary."""
    if text.endswith("i"):
        try:
            return complex(0, _float(text[:-1]))
        except LiteralError:
            raise LiteralError(f"illegal number syntax: {quote(text)}") from None
    value = _integer(text)
    if value is not None:
        return value
    try:
        as_float = _float(text)
    except LiteralError:
        raise LiteralError(f"illegal number syntax: {quote(text)}") from None
    if not any(char in ".eEpP" for char in text):
        raise LiteralError(f"integer overflow: {quote(text)}")
    return as_float


def complex_number(text: str) -> complex:
    """Return the value of a sum such as `1+2i`."""
    parts = _COMPLEX.fullmatch(text)
    if parts is None:
        raise LiteralError("syntax error scanning complex number")
    return complex(_float(parts[1]), _float(parts[2]))


def _quoted(char: str) -> str:
    if char in _NAMED:
        return "\\" + _NAMED[char]
    if char.isprintable():
        return char
    point = ord(char)
    if point < ord(" ") or point == 0x7F:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def _piece(body: str, start: int, delimiter: str) -> tuple[str | bytes, int]:
    """Read one character or escape; an escape that names a byte gives bytes."""
    match = _ESCAPE.match(body, start)
    if match is None:
        raise LiteralError("invalid syntax")
    simple, as_hex, octal, short, long = match.groups()
    if simple and (simple not in "'\"" or simple == delimiter):
        return _SIMPLE[simple], match.end()
    if as_hex or octal:
        value = int(as_hex, 16) if as_hex else int(octal, 8)
        if value > 0xFF:
            raise LiteralError("invalid syntax")
        return bytes((value,)), match.end()
    if short or long:
        point = int(short or long, 16)
        if point > 0x10FFFF or 0xD800 <= point <= 0xDFFF:
            raise LiteralError("invalid syntax")
        return chr(point), match.end()
    if simple:
        raise LiteralError("invalid syntax")
    return match[0], match.end()


def _integer(text: str) -> int | None:
    """Return the value of an integer that 64 bits hold, all of them only without a sign."""
    if not _INTEGER.fullmatch(text):
        return None
    digits = text.lstrip("+-").replace("_", "")
    base = _BASES.get(digits[1:2].lower(), 8 if digits[0] == "0" else 10)
    if base == 10 and len(digits) > _LONGEST:
        return None
    value = int(digits, base)
    if digits == text.replace("_", ""):
        return value if value < 2**64 else None
    value = -value if text[0] == "-" else value
    return value if -(2**63) <= value < 2**63 else None


def _float(text: str) -> float:
    message = f"strconv.ParseFloat: parsing {quote(text)}"
    plain = text.replace("_", "")
    if _DECIMAL_FLOAT.fullmatch(text):
        value = float(plain)
    elif _HEX_FLOAT.fullmatch(text):
        try:
            value = float.fromhex(plain)
        except (OverflowError, ValueError):  # ValueError: too many digits to count
            value = math.inf
    else:
        raise LiteralError(f"{message}: invalid syntax")
    if math.isinf(value):
        raise LiteralError(f"{message}: value out of range")
    return value


# The tokens of a Go template, and the stream the parser reads them from.

_SHOWN = 10
"""Length from which Go cuts a token it names, in bytes, and what it leaves, in characters."""


class TokenKind(Enum):
    """The kind of a token."""

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


KEYWORDS = {kind.value: kind for kind in TokenKind if isinstance(kind.value, str)}


class Token(NamedTuple):
    """A piece of the text; the text of an error is its message."""

    kind: TokenKind
    text: str
    line: int
    column: int

    def __str__(self) -> str:
        """Name the token the way Go does in an error."""
        if self.kind is TokenKind.EOF:
            return "EOF"
        if self.kind is TokenKind.ERROR:
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
        self.last = Token(TokenKind.EOF, "", 1, 1)
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
        """Take the next token that is not space."""
        token = self.next()
        while token.kind is TokenKind.SPACE:
            token = self.next()
        return token

    def peek_solid(self) -> Token:
        """Return the next token that is not space, and leave it; space before it is lost."""
        token = self.next_solid()
        self.push(token)
        return token


LEFT, RIGHT = "{{", "}}"
SPACES = " \t\r\n"
UNICODE_SPACES = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)
"""White space of Go's unicode.IsSpace; that of str.strip() is more."""
_LEFT_TRIM = re.compile(r"-[ \t\r\n]")
_RIGHT_DELIM = re.compile(r"([ \t\r\n]-)?\}\}")
_SPACE = re.compile(r"[ \t\r\n]+")
_TRIMMING = re.compile(r"[ \t\r\n]-\}\}")
_PLAIN_WORD = re.compile("[A-Za-z0-9_]+")
"""The form of most words; letters and digits of others are looked at one by one."""
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_QUOTED = {
    '"': (re.compile(r'"(?:[^"\\\n]|\\[^\n])*"'), TokenKind.STRING, "unterminated quoted string"),
    "'": (
        re.compile(r"'(?:[^'\\\n]|\\[^\n])*'"),
        TokenKind.CHARACTER,
        "unterminated character constant",
    ),
    "`": (re.compile(r"`[^`]*`"), TokenKind.RAW_STRING, "unterminated raw quoted string"),
}
_SIGNS = {
    "=": TokenKind.ASSIGN,
    ":=": TokenKind.DECLARE,
    "|": TokenKind.PIPE,
    "(": TokenKind.LEFT_PAREN,
    ")": TokenKind.RIGHT_PAREN,
}
_CLOSING = frozenset(SPACES + "}")
_TERMINATORS = frozenset(SPACES + ".,|:()")


class _BadTokenError(Exception):
    """Ends the tokens: Go reads no further than the first that is wrong."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


class Lexer:
    """Reads one text; words that are functions too, `break` and `continue`, are not keywords."""

    def __init__(self, text: str, functions: Collection[str]) -> None:
        self._text = text
        self._functions = functions
        self._position = 0
        self._parens = 0
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def tokens(self) -> Iterator[Token]:
        """Read the tokens in order; the last one is an EOF or an ERROR."""
        try:
            while True:
                start, position = self._position, self._text.find(LEFT, self._position)
                if position < 0:
                    break
                yield from self._leading_text(start, position)
                if not self._comment(position):
                    yield from self._action(position)
            if start < len(self._text):
                yield self._token(TokenKind.TEXT, start, len(self._text))
            yield self._token(TokenKind.EOF, len(self._text), len(self._text))
        except _BadTokenError as failure:
            yield self._token_at(TokenKind.ERROR, str(failure), failure.position)

    def _token_at(self, kind: TokenKind, text: str, start: int) -> Token:
        line = bisect_right(self._lines, start)
        return Token(kind, text, line, start - self._lines[line - 1] + 1)

    def _token(self, kind: TokenKind, start: int, end: int) -> Token:
        self._position = end
        return self._token_at(kind, self._text[start:end], start)

    def _leading_text(self, start: int, end: int) -> Iterator[Token]:
        if _LEFT_TRIM.match(self._text, end + len(LEFT)):
            end = start + len(self._text[start:end].rstrip(SPACES))
        if end > start:
            yield self._token(TokenKind.TEXT, start, end)

    def _content_start(self, delimiter: int) -> int:
        """Return where what a left delimiter opens begins."""
        start = delimiter + len(LEFT)
        return start + 2 if _LEFT_TRIM.match(self._text, start) else start

    def _comment(self, delimiter: int) -> bool:
        start = self._content_start(delimiter)
        if not self._text.startswith("/*", start):
            return False
        end = self._text.find("*/", start + 2)
        if end < 0:
            raise _BadTokenError(start, "unclosed comment")
        if not _RIGHT_DELIM.match(self._text, end + 2):
            raise _BadTokenError(start, "comment ends before closing delimiter")
        self._close(end + 2)
        return True

    def _close(self, position: int) -> Token | None:
        """Read a right delimiter and the space it trims, if there is one."""
        match = _RIGHT_DELIM.match(self._text, position)
        if match is None:
            return None
        token = self._token(TokenKind.RIGHT_DELIM, match.end() - len(RIGHT), match.end())
        trimmed = _SPACE.match(self._text, match.end()) if match[1] else None
        self._position = trimmed.end() if trimmed else match.end()
        return token

    def _action(self, delimiter: int) -> Iterator[Token]:
        yield self._token(TokenKind.LEFT_DELIM, delimiter, delimiter + len(LEFT))
        self._position = self._content_start(delimiter)
        self._parens = 0
        while True:
            start = self._position
            closed = self._close(start) if self._text[start : start + 1] in _CLOSING else None
            if closed:
                if self._parens:
                    raise _BadTokenError(start, "unclosed left paren")
                yield closed
                return
            kind, end = self._next(start)
            yield self._token(kind, start, end)

    def _next(self, start: int) -> tuple[TokenKind, int]:
        """Return what begins at a position inside an action, and where it ends."""
        text, first = self._text, self._text[start : start + 1]
        if not first:
            raise _BadTokenError(start, "unclosed action")
        space = _SPACE.match(text, start) if first in SPACES else None
        if space:
            # The last space may be that of a right delimiter that trims.
            return TokenKind.SPACE, space.end() - bool(_TRIMMING.match(text, space.end() - 1))
        if first == ":" and text[start + 1 : start + 2] != "=":
            raise _BadTokenError(start, "expected :=")
        for sign in (first, text[start : start + 2]):
            if sign in _SIGNS:
                self._count(sign, start)
                return _SIGNS[sign], start + len(sign)
        if first in _QUOTED:
            pattern, kind, message = _QUOTED[first]
            match = pattern.match(text, start)
            if match is None:
                raise _BadTokenError(start, message)
            return kind, match.end()
        if first in "+-0123456789" or (
            first == "." and text[start + 1 : start + 2] in _AFTER_POINT
        ):
            return self._number(start)
        if first in ".$" or _is_alphanumeric(first):
            return self._word(start)
        if first.isascii() and first.isprintable():
            return TokenKind.OTHER, start + 1
        raise _BadTokenError(start, f"unrecognized character in action: {_named(first)}")

    def _count(self, sign: str, position: int) -> None:
        self._parens += (sign == "(") - (sign == ")")
        if self._parens < 0:
            raise _BadTokenError(position, "unexpected right paren")

    def _number(self, start: int) -> tuple[TokenKind, int]:
        end = self._digits(start, start)
        if self._text[end : end + 1] not in ("+", "-"):
            return TokenKind.NUMBER, end
        end = self._digits(end, start)
        if self._text[end - 1] != "i":
            raise _BadTokenError(start, f"bad number syntax: {quote(self._text[start:end])}")
        return TokenKind.COMPLEX, end

    def _digits(self, position: int, start: int) -> int:
        match = _NUMBER.match(self._text, position)
        end = match.end() if match else position
        if _is_alphanumeric(self._text[end : end + 1]):
            raise _BadTokenError(start, f"bad number syntax: {quote(self._text[start : end + 1])}")
        return end

    def _word(self, start: int) -> tuple[TokenKind, int]:
        """Read a field, a variable or a bare word, each up to what may follow it."""
        text, end = self._text, start + 1
        if plain := _PLAIN_WORD.match(text, end):
            end = plain.end()
        while _is_alphanumeric(text[end : end + 1]):
            end += 1
        if end < len(text) and text[end] not in _TERMINATORS and not text.startswith(RIGHT, end):
            raise _BadTokenError(end, f"bad character {_named(text[end])}")
        word = text[start:end]
        if word[0] == "$":
            return TokenKind.VARIABLE, end
        if word in ("break", "continue") and word in self._functions:
            return TokenKind.IDENTIFIER, end
        if word in ("true", "false"):
            return TokenKind.BOOL, end
        return KEYWORDS.get(word, TokenKind.FIELD if word[0] == "." else TokenKind.IDENTIFIER), end


_AFTER_POINT = ("", *"0123456789")


def _is_alphanumeric(char: str) -> bool:
    return char == "_" or char.isalpha() or char.isdecimal()


def _named(char: str) -> str:
    point = f"U+{ord(char):04X}"
    return f"{point} '{char}'" if char.isprintable() else point
