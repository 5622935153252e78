"""The functions of sprig 2.22.0, as far as their result follows from their arguments.

Those that draw lots, read the clock, the environment or the network, or make keys are left out, and
so is what no Blueprint is likely to call: a function that is not here stays in the text.
"""

from kanister_kafka.gotemplate.values import Function
from kanister_kafka.sprig import (
    dates,
    dicts,
    encoding,
    kinds,
    lists,
    numbers,
    paths,
    regex,
    strings,
    versions,
)

FUNCTIONS: dict[str, Function] = {
    **dates.FUNCTIONS,
    **dicts.FUNCTIONS,
    **encoding.FUNCTIONS,
    **kinds.FUNCTIONS,
    **lists.FUNCTIONS,
    **numbers.FUNCTIONS,
    **paths.FUNCTIONS,
    **regex.FUNCTIONS,
    **strings.FUNCTIONS,
    **versions.FUNCTIONS,
}
"""By name; an argument has the type that its signature asks for."""

__all__ = ["FUNCTIONS"]
