"""Standard output and standard error that cannot be written, for example on a full disk.

A command that writes to a cluster must not end half way because a line of it cannot be printed. So
a failure is kept, and reported when the command has ended. A closed pipe is left to click: a user
who reads only the first lines of a list wants the command to end.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

EXIT_CODE = 2
"""As for any file that cannot be written."""
NAMES = {"stdout": "standard output", "stderr": "standard error"}


class _CheckedFile(io.RawIOBase):
    """A file that keeps the first failure of a write, and drops what it could not write."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self.failure: OSError | None = None
        self.is_over = False
        """Whether nothing is written any more."""

    def write(self, data: Any) -> int | None:
        try:
            return memoryview(data).nbytes if self.is_over else self._file.write(data)
        except OSError as failure:
            if failure.errno == errno.EPIPE:
                raise
            self.failure = self.failure or failure
            return memoryview(data).nbytes

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._file.isatty()

    def fileno(self) -> int:
        return self._file.fileno()


@contextmanager
def checked_streams() -> Iterator[None]:
    """Keep failures of the standard streams to the end; then print one, and exit with 2.

    A higher exit code stays. Streams without a file, such as those of a test, stay as they are.
    Lines for a stream that was closed before the start are dropped.
    """
    checked: dict[str, _CheckedFile] = {}
    former = {name: getattr(sys, name) for name in NAMES}
    streams: dict[str, TextIO] = {}
    for name, stream in former.items():
        if stream is None:
            streams[name] = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - closed below
        elif file := _file_of(stream):
            checked[name] = _CheckedFile(file)
            streams[name] = _text_stream(checked[name], stream)
    vars(sys).update(streams)
    code: object = 0
    try:
        yield
    except SystemExit as end:
        code = end.code
        raise
    finally:
        for name, stream in streams.items():
            with suppress(OSError):  # a closed pipe
                stream.flush()
            if name in checked:
                checked[name].is_over = True
            stream.close()
            setattr(sys, name, former[name])
        _report(checked, code)


def _report(checked: dict[str, _CheckedFile], code: object) -> None:
    failures = {name: file.failure for name, file in checked.items() if file.failure}
    for name, failure in failures.items():
        with suppress(OSError, AttributeError):  # standard error may be full, or closed
            os.write(sys.stderr.fileno(), f"error: {NAMES[name]}: {failure.strerror}\n".encode())
    if failures:
        raise SystemExit(max(code, EXIT_CODE) if isinstance(code, int) else EXIT_CODE)


def _file_of(stream: TextIO | None) -> io.FileIO | None:
    buffer = getattr(stream, "buffer", None)
    file = getattr(buffer, "raw", buffer)  # without a buffer in `python -u`
    return file if type(file) is io.FileIO else None


def _text_stream(file: _CheckedFile, former: TextIO) -> TextIO:
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=former.encoding,
        errors=former.errors,
        line_buffering=getattr(former, "line_buffering", False),
        write_through=getattr(former, "write_through", False),
    )
