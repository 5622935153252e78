"""Text to a template that gives back the text."""

from __future__ import annotations

import re

LEFT = "{{"
"""What opens an action."""
TOKEN = re.compile(r"\{\{[^`{}\r\n]*\}\}|\{\{")
"""A whole action on one line, or else what would open one.

An action stays readable in a raw string, which may hold no backtick and loses a carriage return.
What closes an action needs no escape: outside of one it is text.
"""


def escape(text: str) -> str:
    """Return a template that Helm renders to the text, byte for byte.

    From the left, so that no brace stands before a token: `{` and `{{` would open an action at the
    wrong one of the three.
    """
    return TOKEN.sub(lambda found: _literal(found[0]), text)


def _literal(token: str) -> str:
    return f'{{{{ "{LEFT}" }}}}' if token == LEFT else f"{{{{ `{token}` }}}}"
