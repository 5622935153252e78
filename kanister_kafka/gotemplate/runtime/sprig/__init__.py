"""The functions of sprig 2.22.0, as far as their result follows from their arguments.

Those that draw lots, read the clock, the environment or the network, or make keys are left out, and
so is what no Blueprint is likely to call: a function that is not here stays in the text.
"""

from kanister_kafka.gotemplate.runtime.sprig import (
    collections,
    dates,
    numbers,
    regex,
    semver,
    strings,
)
from kanister_kafka.gotemplate.runtime.values import GoFunction

FUNCTIONS: dict[str, GoFunction] = {
    **dates.FUNCTIONS,
    **collections.DICT_FUNCTIONS,
    **strings.ENCODING_FUNCTIONS,
    **collections.KIND_FUNCTIONS,
    **collections.LIST_FUNCTIONS,
    **numbers.FUNCTIONS,
    **strings.PATH_FUNCTIONS,
    **regex.FUNCTIONS,
    **strings.STRING_FUNCTIONS,
    **semver.FUNCTIONS,
}
"""By name; an argument has the type that its signature asks for."""

__all__ = ["FUNCTIONS"]
