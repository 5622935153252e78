"""Semantic versions, by Masterminds/semver 1.5.0, which sprig 2.22.0 asks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from kanister_kafka.gotemplate.runtime.values import CallError, GoFunction, UnsupportedError, Value

_LABELS = r"[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*"
_VERSION = re.compile(rf"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-({_LABELS}))?(?:\+{_LABELS})?")
_WILD = r"[0-9|xX*]+"
_CONSTRAINT = re.compile(
    rf"\s*(=>|=<|>=|<=|!=|~>|=|>|<|~|\^|)\s*"
    rf"v?({_WILD})(?:\.({_WILD}))?(?:\.({_WILD}))?(?:-({_LABELS}))?(?:\+{_LABELS})?\s*"
)
_RANGE = re.compile(r"\S\s+-\s+\S")
_ANY = ("x", "X", "*")


@dataclass(frozen=True, slots=True)
class _Version:
    numbers: tuple[int, int, int]
    labels: str

    def order(self) -> tuple[object, ...]:
        """Return what versions are sorted by: a prerelease comes before its release."""
        words = self.labels.split(".") if self.labels else ()
        ranks = tuple((0, int(w), "") if w.isdecimal() else (1, 0, w) for w in words)
        return (*self.numbers, not self.labels, ranks)


@dataclass(frozen=True, slots=True)
class _Constraint:
    sign: str
    version: _Version
    is_dirty: bool
    """Whether a number is left open."""
    is_minor_open: bool
    is_patch_open: bool

    def admits(self, version: _Version) -> bool:
        """Return whether a version is within the constraint."""
        if self.sign == "!=" and not self.is_dirty:
            return version.order() != self.version.order()
        if version.labels and not self.version.labels:
            return False
        return _CHECKS[self.sign](self, version)

    def is_tilde(self, version: _Version) -> bool:
        """Return whether major and minor version are the same, as far as they are given."""
        if version.order() < self.version.order():
            return False
        if self.version.numbers == (0, 0, 0) and not self.is_minor_open and not self.is_patch_open:
            return True
        return self._same(version)

    def _same(self, version: _Version) -> bool:
        bound, numbers = self.version.numbers, version.numbers
        return bound[0] == numbers[0] and (bound[1] == numbers[1] or self.is_minor_open)

    def excludes(self, version: _Version) -> bool:
        """Return whether an open constraint leaves a version out."""
        return not self._same(version)

    def is_at_most(self, version: _Version, *, strict: bool) -> bool:
        """Return whether a version is not beyond."""
        bound = self.version
        if not self.is_dirty:
            order = version.order()
            return order < bound.order() or (not strict and order == bound.order())
        if version.numbers[0] > bound.numbers[0]:
            return False
        return version.numbers[1] <= bound.numbers[1] or self.is_minor_open


_CHECKS: dict[str, Callable[[_Constraint, _Version], bool]] = {
    "!=": _Constraint.excludes,
    ">": lambda c, v: v.order() > c.version.order(),
    "<": lambda c, v: c.is_at_most(v, strict=True),
    ">=": lambda c, v: v.order() >= c.version.order(),
    "<=": lambda c, v: c.is_at_most(v, strict=False),
    "~": _Constraint.is_tilde,
    "^": lambda c, v: v.order() >= c.version.order() and v.numbers[0] == c.version.numbers[0],
    "=": lambda c, v: c.is_tilde(v) if c.is_dirty else v.order() == c.version.order(),
}
_CHECKS |= {"=>": _CHECKS[">="], "=<": _CHECKS["<="], "~>": _CHECKS["~"], "": _CHECKS["="]}


def _version(word: str) -> _Version:
    match = _VERSION.fullmatch(word)
    if match is None:
        raise CallError("Invalid Semantic Version")
    major, minor, patch = (int(number or 0) for number in match.groups()[:3])
    if max(major, minor, patch) >= 2**63:
        raise UnsupportedError
    return _Version((major, minor, patch), match[4] or "")


def _constraint(word: str) -> _Constraint:
    match = _CONSTRAINT.fullmatch(word)
    if match is None:
        raise CallError(f"improper constraint: {word}")
    sign, major, minor, patch, labels = match.groups()
    is_minor_open = major not in _ANY and (minor is None or minor in _ANY)
    is_patch_open = major not in _ANY and not is_minor_open and patch in _ANY
    suffix = f"-{labels}" if labels else ""
    if major in _ANY:
        spelled = "0.0.0"
    elif is_minor_open:
        spelled = f"{major}.0.0{suffix}"
    elif is_patch_open:
        spelled = f"{major}.{minor}.0{suffix}"
    else:
        spelled = f"{major}.{minor}.{patch or 0}{suffix}"
    try:
        version = _version(spelled)
    except CallError:
        raise CallError("constraint Parser Error") from None
    is_dirty = major in _ANY or is_minor_open or is_patch_open
    return _Constraint(sign, version, is_dirty, is_minor_open, is_patch_open)


def _constraints(text: str) -> list[_Constraint]:
    return [_constraint(word) for word in text.split(",")]


def _compare(constraints: str, version: str) -> Value:
    if _RANGE.search(constraints) or not constraints.isascii():
        raise UnsupportedError
    groups = [_constraints(part) for part in constraints.split("||")]
    parsed = _version(version)

    def admits(group: list[_Constraint]) -> bool:
        return all(constraint.admits(parsed) for constraint in group)

    return any(map(admits, groups))


FUNCTIONS = {"semverCompare": GoFunction(_compare)}
