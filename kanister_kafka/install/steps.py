"""Writes one after the other, until one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kanister_kafka.errors import ActionError, KanisterKafkaError, TransientError
from kanister_kafka.install.outcome import Done, Failed, Report, Told
from kanister_kafka.install.target import Target

PAUSES = (1, 2, 4, 8, 15)
"""Seconds between tries: half a minute, in which another API server takes over."""
Sleep = Callable[[float], None]
Write = Callable[[], Done]


def in_turn(steps: Sequence[tuple[Target, Write]], told: Told, sleep: Sleep) -> Report:
    """Write each object, and stop at the first that fails: the report leaves none out.

    Each write may be repeated, and is while the API server is away. An interrupt from the keyboard
    is a failure too, so that what was done until then is told.
    """
    done: list[Done] = []
    for at, (place, write) in enumerate(steps):
        error: KanisterKafkaError
        try:
            happened = _patiently(write, sleep)
        except KanisterKafkaError as failure:
            error = failure
        except KeyboardInterrupt:
            error = ActionError("interrupted")
        else:
            done.append(happened)
            told(done[-1])
            continue
        return Report(
            done=tuple(done),
            failures=(Failed(place, error),),
            pending=tuple(place for place, _write in steps[at:]),
        )
    return Report(done=tuple(done))


def _patiently(write: Write, sleep: Sleep) -> Done:
    for pause in PAUSES:
        try:
            return write()
        except TransientError:
            sleep(pause)
    return write()
