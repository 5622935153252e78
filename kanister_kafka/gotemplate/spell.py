"""A tree back to text, as text/template/parse/node.go spells it, but with a space within braces."""

from __future__ import annotations

from collections.abc import Sequence

from kanister_kafka.gotemplate import nodes


def spell(node: nodes.Operand | nodes.Command, *, at_root: bool = False) -> str:
    """Spell what stands inside an action; `at_root`, fields of `$` are fields of the dot."""
    match node:
        case nodes.Dot():
            return "."
        case nodes.Nil():
            return "nil"
        case nodes.Bool():
            return "true" if node.value else "false"
        case nodes.Number() | nodes.String():
            return node.text
        case nodes.Field():
            return _path(node.names)
        case nodes.Variable():
            if at_root and node.name == "$":
                return _path(node.fields) or "."
            return node.name + _path(node.fields)
        case nodes.Function():
            return node.name
        case nodes.Chain():
            inner = spell(node.node, at_root=at_root)
            is_pipe = isinstance(node.node, nodes.Pipeline)
            return (f"({inner})" if is_pipe else inner) + _path(node.fields)
        case nodes.Command():
            return " ".join(_argument(word, at_root=at_root) for word in node.arguments)
    return spell_pipeline(node, at_root=at_root)


def spell_pipeline(pipe: nodes.Pipeline, *, at_root: bool = False) -> str:
    """Spell a pipeline with its declarations."""
    names = ", ".join(variable.name for variable in pipe.declarations)
    sign = "" if not names else " = " if pipe.is_assign else " := "
    stages = " | ".join(spell(command, at_root=at_root) for command in pipe.commands)
    return f"{names}{sign}{stages}"


def action(*words: str) -> str:
    """Spell one action of these words."""
    return f"{{{{ {' '.join(word for word in words if word)} }}}}"


def literal(text: str) -> str:
    """Spell text so that a template prints it as it is: braces in a value are no action."""
    return text.replace("{{", action('"{{"'))


def keyword(node: nodes.If | nodes.Range | nodes.With | nodes.Break | nodes.Continue) -> str:
    """Return the word that an action begins with."""
    return type(node).__name__.lower()


def _argument(word: nodes.Operand, *, at_root: bool) -> str:
    spelled = spell(word, at_root=at_root)
    return f"({spelled})" if isinstance(word, nodes.Pipeline) else spelled


def _path(names: Sequence[str]) -> str:
    return "".join(f".{name}" for name in names)
