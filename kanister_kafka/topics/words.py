"""A comparison as the words of the command line, for a Job that makes the same one."""

from __future__ import annotations

from kanister_kafka.topics.client import Access
from kanister_kafka.topics.clock import moment
from kanister_kafka.topics.compare import Request
from kanister_kafka.topics.job import CONFIG
from kanister_kafka.topics.model import Isolation

SIDES = (("--command-config", "a"), ("--command-config-b", "b"))
"""Options with the properties of each side, and the start of the names of their files."""


def of_command(command: str, sides: int) -> tuple[str, ...]:
    """Return the words that begin a command of `topics` in a pod."""
    configs = (
        word for option, side in SIDES[:sides] for word in (option, f"{CONFIG}/{side}.properties")
    )
    return "topics", command, "--wire", *configs


def of_request(request: Request) -> tuple[str, ...]:
    """Return the options that say the same as a request; which part it is does not belong to it."""
    words = ["--even-within", f"{request.even_within}ms"]
    for number in request.partitions:
        words += ["-p", str(number)]
    if request.since:
        words += ["--since", moment(request.since)]
    if request.last:
        words += ["--last", str(request.last)]
    if request.sample:
        words += ["--sample", f"{request.sample * 100:.6f}%"]
    if request.isolation is not Isolation.COMMITTED:
        words += ["--isolation", request.isolation.value]
    if request.compacted is not None:
        words.append("--compacted" if request.compacted else "--not-compacted")
    return tuple(words)


def of_topic(access: Access, topic: str) -> str:
    """Return a topic as a pod names it, whose properties say the rest."""
    return f"{access.settings['bootstrap.servers']}/{topic}"
