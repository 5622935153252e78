"""A template's text to tokens, by the rules of text/template/parse/lex.go of Go 1.26."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator

from kanister_kafka.gotemplate.literals import quote
from kanister_kafka.gotemplate.tokens import KEYWORDS, Kind, Token

LEFT, RIGHT = "{{", "}}"
SPACES = " \t\r\n"
_LEFT_TRIM = re.compile(r"-[ \t\r\n]")
_RIGHT_DELIM = re.compile(r"([ \t\r\n]-)?\}\}")
_SPACE = re.compile(r"[ \t\r\n]+")
_TRIMMING = re.compile(r"[ \t\r\n]-\}\}")
_PLAIN_WORD = re.compile("[A-Za-z0-9_]+")
"""What most words are; letters and digits of others are looked at one by one."""
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?"
    r"|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?"
    r"|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?"
)
_QUOTED = {
    '"': (re.compile(r'"(?:[^"\\\n]|\\[^\n])*"'), Kind.STRING, "unterminated quoted string"),
    "'": (
        re.compile(r"'(?:[^'\\\n]|\\[^\n])*'"),
        Kind.CHARACTER,
        "unterminated character constant",
    ),
    "`": (re.compile(r"`[^`]*`"), Kind.RAW_STRING, "unterminated raw quoted string"),
}
_SIGNS = {
    "=": Kind.ASSIGN,
    ":=": Kind.DECLARE,
    "|": Kind.PIPE,
    "(": Kind.LEFT_PAREN,
    ")": Kind.RIGHT_PAREN,
}
_CLOSING = frozenset(SPACES + "}")
_TERMINATORS = frozenset(SPACES + ".,|:()")


class _BadTokenError(Exception):
    """Ends the tokens: Go reads no further than the first that is wrong."""

    def __init__(self, position: int, message: str) -> None:
        super().__init__(message)
        self.position = position


class Lexer:
    """Reads one text; words that are functions too, `break` and `continue`, are no keywords."""

    def __init__(self, text: str, functions: Collection[str]) -> None:
        self._text = text
        self._functions = functions
        self._position = 0
        self._parens = 0
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]

    def tokens(self) -> Iterator[Token]:
        """Read the tokens in order; the last one is an EOF or an ERROR."""
        try:
            while True:
                start, position = self._position, self._text.find(LEFT, self._position)
                if position < 0:
                    break
                yield from self._before(start, position)
                if not self._comment(position):
                    yield from self._action(position)
            if start < len(self._text):
                yield self._token(Kind.TEXT, start, len(self._text))
            yield self._token(Kind.EOF, len(self._text), len(self._text))
        except _BadTokenError as failure:
            yield self._made(Kind.ERROR, str(failure), failure.position)

    def _made(self, kind: Kind, text: str, start: int) -> Token:
        line = bisect_right(self._lines, start)
        return Token(kind, text, line, start - self._lines[line - 1] + 1)

    def _token(self, kind: Kind, start: int, end: int) -> Token:
        self._position = end
        return self._made(kind, self._text[start:end], start)

    def _before(self, start: int, end: int) -> Iterator[Token]:
        if _LEFT_TRIM.match(self._text, end + len(LEFT)):
            end = start + len(self._text[start:end].rstrip(SPACES))
        if end > start:
            yield self._token(Kind.TEXT, start, end)

    def _inside(self, delimiter: int) -> int:
        """Return where what a left delimiter opens begins."""
        inside = delimiter + len(LEFT)
        return inside + 2 if _LEFT_TRIM.match(self._text, inside) else inside

    def _comment(self, delimiter: int) -> bool:
        start = self._inside(delimiter)
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
        found = _RIGHT_DELIM.match(self._text, position)
        if found is None:
            return None
        token = self._token(Kind.RIGHT_DELIM, found.end() - len(RIGHT), found.end())
        trimmed = _SPACE.match(self._text, found.end()) if found[1] else None
        self._position = trimmed.end() if trimmed else found.end()
        return token

    def _action(self, delimiter: int) -> Iterator[Token]:
        yield self._token(Kind.LEFT_DELIM, delimiter, delimiter + len(LEFT))
        self._position = self._inside(delimiter)
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

    def _next(self, start: int) -> tuple[Kind, int]:
        """Tell what begins at a position inside an action, and where it ends."""
        text, first = self._text, self._text[start : start + 1]
        if not first:
            raise _BadTokenError(start, "unclosed action")
        space = _SPACE.match(text, start) if first in SPACES else None
        if space:
            # The last space may be that of a right delimiter that trims.
            return Kind.SPACE, space.end() - bool(_TRIMMING.match(text, space.end() - 1))
        if first == ":" and text[start + 1 : start + 2] != "=":
            raise _BadTokenError(start, "expected :=")
        for sign in (first, text[start : start + 2]):
            if sign in _SIGNS:
                self._count(sign, start)
                return _SIGNS[sign], start + len(sign)
        if first in _QUOTED:
            pattern, kind, message = _QUOTED[first]
            found = pattern.match(text, start)
            if found is None:
                raise _BadTokenError(start, message)
            return kind, found.end()
        if first in "+-0123456789" or (
            first == "." and text[start + 1 : start + 2] in _AFTER_POINT
        ):
            return self._number(start)
        if first in ".$" or _is_alphanumeric(first):
            return self._word(start)
        if first.isascii() and first.isprintable():
            return Kind.OTHER, start + 1
        raise _BadTokenError(start, f"unrecognized character in action: {_named(first)}")

    def _count(self, sign: str, position: int) -> None:
        self._parens += (sign == "(") - (sign == ")")
        if self._parens < 0:
            raise _BadTokenError(position, "unexpected right paren")

    def _number(self, start: int) -> tuple[Kind, int]:
        end = self._digits(start, start)
        if self._text[end : end + 1] not in ("+", "-"):
            return Kind.NUMBER, end
        end = self._digits(end, start)
        if self._text[end - 1] != "i":
            raise _BadTokenError(start, f"bad number syntax: {quote(self._text[start:end])}")
        return Kind.COMPLEX, end

    def _digits(self, position: int, start: int) -> int:
        found = _NUMBER.match(self._text, position)
        end = found.end() if found else position
        if _is_alphanumeric(self._text[end : end + 1]):
            raise _BadTokenError(start, f"bad number syntax: {quote(self._text[start : end + 1])}")
        return end

    def _word(self, start: int) -> tuple[Kind, int]:
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
            return Kind.VARIABLE, end
        if word in ("break", "continue") and word in self._functions:
            return Kind.IDENTIFIER, end
        if word in ("true", "false"):
            return Kind.BOOL, end
        return KEYWORDS.get(word, Kind.FIELD if word[0] == "." else Kind.IDENTIFIER), end


_AFTER_POINT = ("", *"0123456789")


def _is_alphanumeric(char: str) -> bool:
    return char == "_" or char.isalpha() or char.isdecimal()


def _named(char: str) -> str:
    point = f"U+{ord(char):04X}"
    return f"{point} '{char}'" if char.isprintable() else point
