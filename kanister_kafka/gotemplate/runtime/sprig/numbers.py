"""Numbers, by numeric.go of sprig 2.22.0."""

from __future__ import annotations

import math
import re
from functools import reduce

from kanister_kafka.gotemplate.runtime.fmt import text
from kanister_kafka.gotemplate.runtime.values import (
    LONGEST,
    CallError,
    GoFunction,
    GoSlice,
    Int64,
    UnsupportedError,
    Value,
)

LEAST, MOST = -(2**63), 2**63 - 1
_EXACT = 15
"""Powers of ten up to which Go and Python compute the same."""
_DECIMAL = re.compile(r"[+-]?[0-9]+")
_OCTAL = re.compile(r"[+-]?[0-7]+")
_FLOAT = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPECIAL = re.compile(r"[+-]?(?:0[xX].*|inf(?:inity)?|nan|.*_.*)", re.IGNORECASE | re.DOTALL)
"""Text that Go reads as a float, and Python in another way or not at all."""


def wrap(value: int) -> Int64:
    """Return a number as 64 bits hold it."""
    return Int64((value - LEAST) % 2**64 + LEAST)


def _integer(word: str, base: int = 10) -> int:
    """Return the number of a text; one of 40 digits or more as one that no int64 holds."""
    digits = word.lstrip("+-").lstrip("0") or "0"
    number = int(digits, base) if len(digits) < 40 else 2**64
    return -number if word.startswith("-") else number


def to_int64(value: Value) -> Int64:
    """Return a value as int64; 0 if it is not a number."""
    match value:
        case str():
            number = _integer(value) if _DECIMAL.fullmatch(value) else 0
            return Int64(number if LEAST <= number <= MOST else 0)
        case bool() | int():
            return Int64(value)
        case float():
            if not math.isfinite(value) or not LEAST <= value <= MOST:
                raise UnsupportedError  # it depends on the processor
            return Int64(value)
    return Int64(0)


def to_float64(value: Value) -> float:
    """Return a value as float64; 0 if it is not a number."""
    match value:
        case str():
            if _SPECIAL.fullmatch(value):
                raise UnsupportedError
            number = float(value) if _FLOAT.fullmatch(value) else 0.0
            return number if math.isfinite(number) else 0.0
        case bool() | int() | float():
            return float(value)
    return 0.0


def _atoi(word: str) -> Value:
    return min(max(_integer(word), LEAST), MOST) if _DECIMAL.fullmatch(word) else 0


def _to_decimal(value: Value) -> Value:
    word = text(value)
    number = _integer(word, 8) if _OCTAL.fullmatch(word) else 0
    return Int64(number if LEAST <= number <= MOST else 0)


def _divide(numerator: Value, denominator: Value) -> tuple[int, int]:
    dividend, divisor = to_int64(numerator), to_int64(denominator)
    if divisor == 0:
        raise CallError("runtime error: integer divide by zero")
    quotient = abs(dividend) // abs(divisor) * (1 if (dividend < 0) == (divisor < 0) else -1)
    return quotient, dividend - quotient * divisor


def _ceil_or_floor(value: float, *, up: bool) -> float:
    if not math.isfinite(value):
        return value
    return math.copysign(float(math.ceil(value) if up else math.floor(value)), value)


def _round(value: Value, places: int, *rounding: float) -> Value:
    if not 0 <= places <= _EXACT:
        raise UnsupportedError
    power = 10.0**places
    digit = power * to_float64(value)
    is_up = math.modf(digit)[0] >= (rounding[0] if rounding else 0.5)
    return _ceil_or_floor(digit, up=is_up) / power


def until(start: int, stop: int, step: int) -> Value:
    """Return the numbers from one up or down to another."""
    if (stop < start and step >= 0) or (stop >= start and step <= 0):
        return GoSlice([], "int")
    numbers = range(start, stop, step)
    if not -LONGEST < (stop - start) // step < LONGEST:
        raise UnsupportedError
    return GoSlice(list(numbers), "int")


def _most(first: Value, *values: Value) -> Value:
    return max(map(to_int64, (first, *values)))


FUNCTIONS = {
    "add": GoFunction(lambda *values: wrap(sum(map(to_int64, values)))),
    "add1": GoFunction(lambda value: wrap(to_int64(value) + 1)),
    "atoi": GoFunction(_atoi),
    "biggest": GoFunction(_most),
    "ceil": GoFunction(lambda value: _ceil_or_floor(to_float64(value), up=True)),
    "div": GoFunction(lambda dividend, divisor: wrap(_divide(dividend, divisor)[0])),
    "float64": GoFunction(to_float64),
    "floor": GoFunction(lambda value: _ceil_or_floor(to_float64(value), up=False)),
    "int": GoFunction(lambda value: int(to_int64(value))),
    "int64": GoFunction(to_int64),
    "max": GoFunction(_most),
    "min": GoFunction(lambda first, *values: min(map(to_int64, (first, *values)))),
    "mod": GoFunction(lambda dividend, divisor: Int64(_divide(dividend, divisor)[1])),
    "mul": GoFunction(
        lambda *values: reduce(lambda left, right: wrap(left * right), map(to_int64, values))
    ),
    "round": GoFunction(_round),
    "sub": GoFunction(lambda left, right: wrap(to_int64(left) - to_int64(right))),
    "toDecimal": GoFunction(_to_decimal),
    "until": GoFunction(lambda count: until(0, count, -1 if count < 0 else 1)),
    "untilStep": GoFunction(until),
}
