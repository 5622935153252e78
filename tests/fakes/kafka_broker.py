"""A broker that serves logs of raw record batches, by the schemas of aiokafka.

It answers ApiVersions, Metadata and Fetch. A test changes its logs and its errors while it runs.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO

import google_crc32c
from aiokafka.protocol import admin, fetch, metadata
from aiokafka.record.default_records import DefaultRecordBatchBuilder

NODE = 7
HOST = "127.0.0.1"
VERSIONS = {
    1: {n: getattr(fetch, f"FetchRequest_v{n}") for n in range(4, 12)},
    3: {n: getattr(metadata, f"MetadataRequest_v{n}") for n in range(6)},
    17: {n: getattr(admin, f"SaslHandShakeRequest_v{n}") for n in range(2)},
    18: {n: getattr(admin, f"ApiVersionRequest_v{n}") for n in range(3)},
    36: {n: getattr(admin, f"SaslAuthenticateRequest_v{n}") for n in range(2)},
}
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
CONTROL = 0x20
CHECKED = 21
"""The first byte of a batch that its checksum covers."""


def batch(
    base: int,
    records: list[tuple[int, int, bytes | None, bytes | None, list[tuple[str, bytes | None]]]],
    *,
    codec: str = "none",
    producer: int = -1,
    transactional: bool = False,
    control: bool = False,
    epoch: int = 0,
) -> bytes:
    """Return a batch of format 2; a record is its offset, time, key, value and headers."""
    builder = DefaultRecordBatchBuilder(
        2, CODECS[codec], int(transactional or control), producer, 0, 0, 1 << 30
    )
    for offset, time, key, value, headers in records:
        builder.append(offset - base, time, key, value, headers)
    made = builder.build()
    struct.pack_into(">q", made, 0, base)
    struct.pack_into(">i", made, 12, epoch)
    if control:
        made[CHECKED + 1] |= CONTROL
        seal(made)
    return bytes(made)


def seal(made: bytearray) -> None:
    """Set the checksum of a batch whose bytes were changed."""
    struct.pack_into(">I", made, 17, google_crc32c.value(bytes(made[CHECKED:])))


def marker(base: int, producer: int, *, commit: bool, time: int = 0) -> bytes:
    """Return the control batch that ends a transaction."""
    key = struct.pack(">HH", 0, int(commit))
    return batch(base, [(base, time, key, b"\0" * 6, [])], producer=producer, control=True)


def with_epoch(made: bytes, epoch: int) -> bytes:
    """Return a batch as another leader has it."""
    return made[:12] + struct.pack(">i", epoch) + made[16:]


def last_offset(made: bytes) -> int:
    """Return the last offset of a batch of format 2."""
    return int(struct.unpack_from(">q", made)[0] + struct.unpack_from(">i", made, 23)[0])


@dataclass
class Log:
    """The log of a partition."""

    batches: list[bytes] = field(default_factory=list)
    start: int = 0
    aborted: list[tuple[int, int]] = field(default_factory=list)
    """Producer id and first offset of each aborted transaction."""
    stable: int | None = None
    """The first offset of an open transaction."""
    end_offset: int | None = None

    @property
    def end(self) -> int:
        if self.end_offset is not None:
            return self.end_offset
        return last_offset(self.batches[-1]) + 1 if self.batches else self.start


@dataclass
class FakeBroker:
    """A broker; `errors` and `before_fetch` are called for each fetched partition."""

    logs: dict[tuple[str, int], Log]
    port: int = 0
    errors: Callable[[int, int], int] = lambda _number, _offset: 0
    before_fetch: Callable[[int], None] = lambda _count: None
    fetches: int = 0
    refused: int = 0
    """Fetches at which the broker closes the connection instead of an answer."""
    longest: int = 1 << 20
    """Bytes of a partition in a response, if the client does not want less."""
    newest_fetch: int = 11
    """The newest version of Fetch that the broker has."""
    sasl: str = ""
    """The mechanism of clients, all of which are refused."""
    serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None
    """Serves a connection instead of this."""
    has_batch: bool = False
    """Whether the response has a batch so far."""
    listed: int = 0
    """Requests for the partitions of a topic, one for each client."""
    created: list[str] = field(default_factory=list)
    """Topics that a client would have created by asking for them."""

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    async def answer_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                request = BytesIO(await reader.readexactly(size))
                key, version, correlation = struct.unpack(">hhi", request.read(8))
                (length,) = struct.unpack(">h", request.read(2))
                request.read(max(0, length))
                kind = VERSIONS[key].get(version)
                if kind is None:  # librdkafka, which is open beside it
                    break
                answer = self.answer(kind, kind.decode(request))
                if answer is None:
                    break
                writer.write(struct.pack(">ii", len(answer) + 4, correlation) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, kind: type, request: object) -> bytes | None:
        response = kind.RESPONSE_TYPE
        if kind.API_KEY == 18:
            rows = [(key, min(known), max(known)) for key, known in VERSIONS.items() if key != 1]
            rows.append((1, 4, self.newest_fetch))
            throttle = () if kind.API_VERSION == 0 else (0,)
            return response(0, rows, *throttle).encode()
        if kind.API_KEY == 17:
            known = request.mechanism == self.sasl
            return response(0 if known else 33, [self.sasl]).encode()
        if kind.API_KEY == 36:
            lifetime = () if kind.API_VERSION == 0 else (0,)
            return response(58, "no such user", b"", *lifetime).encode()
        if kind.API_KEY == 3:
            return self.metadata(response, request).encode()
        self.fetches += 1
        self.before_fetch(self.fetches)
        if self.refused:
            self.refused -= 1
            return None
        version = kind.API_VERSION
        self.has_batch = False
        topics = [
            (name, [self.partition(name, version, *place) for place in places])
            for name, places in request.topics
        ]
        session = (0, 0) if version >= 7 else ()
        return response(0, *session, topics).encode()

    def metadata(self, response: type, request: object) -> object:
        self.listed += 1
        if request.allow_auto_topic_creation:
            self.created += request.topics
        topics = []
        for name in request.topics:
            numbers = sorted(number for topic, number in self.logs if topic == name)
            partitions = [(0, number, NODE, [NODE], [NODE], []) for number in numbers]
            topics.append((0 if numbers else 3, name, False, partitions))
        return response(0, [(NODE, HOST, self.port, None)], "fake", NODE, topics)

    def partition(self, topic: str, version: int, number: int, *rest: int) -> tuple:
        offset = rest[1] if version >= 9 else rest[0]
        most = rest[-1]
        log = self.logs[topic, number]
        stable = log.end if log.stable is None else log.stable
        error = self.errors(number, offset)
        if not error and not log.start <= offset <= log.end:
            error = 1
        data = b""
        if not error:
            later = [one for one in log.batches if last_offset(one) >= offset]
            later = [one for one in later if struct.unpack_from(">q", one)[0] < stable]
            whole = b"".join(later)
            data = whole[: max(min(most, self.longest), len(later[0]))] if later else b""
            if self.has_batch and len(data) > most:
                data = b""  # only the first batch of a response can be larger (KIP-74)
            self.has_batch = self.has_batch or bool(data)
        start = (log.start,) if version >= 5 else ()
        preferred = (-1,) if version >= 11 else ()
        return (number, error, log.end, stable, *start, log.aborted, *preferred, data)


@contextmanager
def running(broker: FakeBroker, context: ssl.SSLContext | None = None) -> Iterator[FakeBroker]:
    """Serve on a free port of this machine."""
    ready = threading.Event()
    stops: list[Callable[[], object]] = []

    async def serve() -> None:
        server = await asyncio.start_server(broker.serve or broker.answer_all, HOST, 0, ssl=context)
        broker.port = server.sockets[0].getsockname()[1]
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(stopped.set))
        ready.set()
        await stopped.wait()
        server.close()
        await asyncio.sleep(0.01)  # what was accepted just now gets its task, which closes it

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield broker
    finally:
        stops[0]()
        thread.join(10)
