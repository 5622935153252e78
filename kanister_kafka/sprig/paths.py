"""Paths of files, by the package path of Go."""

from __future__ import annotations

import posixpath

from kanister_kafka.gotemplate.values import Function


def _clean(path: str) -> str:
    made = posixpath.normpath(path)
    return "/" + made.lstrip("/") if made.startswith("//") else made


def _base(path: str) -> str:
    if not path:
        return "."
    return path.rstrip("/").rpartition("/")[2] or "/"


def _directory(path: str) -> str:
    head, slash, _name = path.rpartition("/")
    return _clean(head + slash)


def _extension(path: str) -> str:
    _stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return dot + extension if dot else ""


FUNCTIONS = {
    "base": Function(_base),
    "clean": Function(_clean),
    "dir": Function(_directory),
    "ext": Function(_extension),
    "isAbs": Function(lambda path: path.startswith("/")),
}
