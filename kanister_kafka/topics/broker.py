"""Connections to brokers that fetch record batches as bytes.

aiokafka connects, with TLS and SASL, and has the schemas of the requests. Only the frames of
responses are received here: a response is received into one buffer and not copied, because aiokafka
copies each byte four times.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import struct
import sys
import tempfile
from collections import deque
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from kanister_kafka.errors import (
    ForbiddenError,
    NotFoundError,
    UnreachableError,
)
from kanister_kafka.topics import require_extra
from kanister_kafka.topics.client import REQUEST, ClientAccess
from kanister_kafka.topics.client_properties import ClientProperties, mechanism_of, protocol_of
from kanister_kafka.topics.partition_reader import READ_TIMEOUT_S
from kanister_kafka.yamldoc.source import is_directory

CLIENT = "kanister-kafka"
"""The default of `client.id`."""
FETCH_VERSION = 4
"""The first version with an isolation level and batches of format 2: Kafka 0.11."""
WAIT_MS = 100
"""The wait of a broker before it reports that a partition has no further records."""
CLOSE_S = 0.1
"""Seconds for the end of a connection that has failed."""
CANCEL_S = 0.2
"""Seconds after which a task that has not ended is cancelled again."""
KEPT = 4
"""Buffers of a connection that are used again."""
AT_ONCE = 1 << 20
"""Bytes of a response for which the kernel waits before it wakes this process. Otherwise a response
is received in many small parts, and each costs a change of processes here and at the broker."""
LONGEST = 1 << 30
"""Bytes of a response; the limit of a request is far below, so more is not a response of Kafka."""

Result = TypeVar("Result")
Address = tuple[str, int]
"""Host and port."""
LEADER_NOT_AVAILABLE = 5
UNKNOWN_CODES = (3, 100)
"""UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID (Errors.java)."""
FORBIDDEN_CODES = (29, 31, 58)
"""TOPIC_AUTHORIZATION_FAILED, CLUSTER_AUTHORIZATION_FAILED, SASL_AUTHENTICATION_FAILED."""

# --- The connection of aiokafka


def _security(settings: ClientProperties) -> dict[str, Any]:
    """Return the arguments of a connection of aiokafka."""
    protocol = protocol_of(settings)
    arguments: dict[str, Any] = {"security_protocol": protocol}
    if protocol.endswith("SSL"):
        arguments["ssl_context"] = _tls(settings)
    if protocol.startswith("SASL"):
        arguments["sasl_mechanism"] = mechanism_of(settings)
        arguments["sasl_plain_username"] = settings.get("sasl.username", "")
        arguments["sasl_plain_password"] = settings.get("sasl.password", "")
    return arguments


def _tls(settings: ClientProperties) -> ssl.SSLContext:
    authority = settings.get("ssl.ca.location", "")
    if authority == "probe":  # librdkafka: the certificates of the system
        authority = ""
    is_folder = bool(authority) and is_directory(authority)
    context = ssl.create_default_context(
        cafile=authority if authority and not is_folder else None,
        capath=authority if is_folder else None,
        cadata=settings.get("ssl.ca.pem"),
    )
    if settings.get("ssl.endpoint.identification.algorithm", "https").upper() == "NONE":
        context.check_hostname = False
    if settings.get("enable.ssl.certificate.verification", "true").upper() == "FALSE":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    password = settings.get("ssl.key.password", "")
    # OpenSSL asks on the terminal if it has no password for an encrypted key.
    with tempfile.TemporaryDirectory() as folder:  # ssl reads files only; others cannot enter it
        certificate = _as_file(settings, "ssl.certificate", Path(folder))
        key = _as_file(settings, "ssl.key", Path(folder))
        if certificate:
            context.load_cert_chain(certificate, key or None, lambda: password)
    return context


def _as_file(settings: ClientProperties, name: str, folder: Path) -> str:
    text = settings.get(f"{name}.pem")
    if text is None:
        return settings.get(f"{name}.location", "")
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")
    return str(path)


# --- Responses


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A part of a response, without a copy."""

    buffer: bytearray
    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def decode(self, encoding: str) -> str:
        """Return a text; the strings of a schema use it as they use that of bytes."""
        return self.buffer[self.start : self.end].decode(encoding)


class _ResponseReader:
    """A response as the schemas of aiokafka read it: only numbers are copied."""

    def __init__(self, frame: ByteRange) -> None:
        self._buffer = frame.buffer
        self._at = frame.start
        self._end = frame.end

    def read(self, size: int) -> bytes | ByteRange:
        start = self._at
        self._at = end = min(start + size, self._end)
        if size <= 8:  # the longest number
            return bytes(self._buffer[start:end])
        return ByteRange(self._buffer, start, end)


def _references(buffers: list[bytearray]) -> list[int]:
    """Return for each buffer the number of references: each batch has one to its buffer."""
    return list(map(sys.getrefcount, buffers))


UNUSED = _references([bytearray()])[0]
"""References to a buffer if there is none except that of a list."""


class _Frames(asyncio.BufferedProtocol):
    """Receives one response at a time into a buffer.

    A broker answers in the order of the requests. A request that was cancelled is answered too:
    its response is received and dropped, so that the connection can be used again.

    `plain` is the socket of a connection without TLS: there the bytes of the socket are those of
    the response.
    """

    def __init__(self, plain: Any) -> None:
        self.responses: deque[asyncio.Future[ByteRange]] = deque()
        self._head = bytearray(4)
        self._buffer = self._head
        self._size = len(self._head)
        self._filled = 0
        self._plain = plain
        self._awaited = 1
        self._buffers: list[bytearray] = []

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - as the base has it
        return memoryview(self._buffer)[self._filled : self._size]

    def buffer_updated(self, nbytes: int) -> None:
        self._filled += nbytes
        if self._filled < self._size:
            self._await(self._size - self._filled)
            return
        self._filled = 0
        if self._buffer is self._head:
            self._size = int.from_bytes(self._head, "big")
            if not 0 < self._size <= LONGEST:
                raise ConnectionError(f"a response of {self._size} bytes")
            self._buffer = self._free_buffer(self._size)
            self._await(self._size)
        else:
            response = self.responses.popleft() if self.responses else None
            if response is not None and not response.done():
                response.set_result(ByteRange(self._buffer, 0, self._size))
            self._buffer = self._head
            self._size = len(self._head)
            self._await(1)

    def _await(self, size: int) -> None:
        """Let the kernel report the next bytes when `size` of them have arrived, or AT_ONCE."""
        awaited = min(size, AT_ONCE)
        if self._plain is None or awaited == self._awaited:
            return
        with suppress(OSError):  # it has been closed, or the system has no such option
            self._plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, awaited)
            self._awaited = awaited

    def _free_buffer(self, size: int) -> bytearray:
        """Return a buffer that is not used any more, or a new one.

        New memory for each response takes as long as receiving it.
        """
        for buffer, count in zip(self._buffers, _references(self._buffers), strict=True):
            if len(buffer) >= size and count == UNUSED:
                return buffer
        # The list forgets a buffer that is too small for the responses, or whose batches stay.
        self._buffers = [*self._buffers[-(KEPT - 1) :], bytearray(size)]
        return self._buffers[-1]

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        reason = str(exc) if exc else "the broker closed the connection"
        for response in self.responses:
            if not response.done():
                response.set_exception(ConnectionError(reason))


@dataclass(frozen=True, slots=True)
class FetchedPartition:
    """The answer of a broker for one partition."""

    partition: int
    error: int
    """Code of Kafka; 0 for none."""
    high_watermark: int
    last_stable: int
    """Offset before which no transaction is open."""
    aborted: tuple[tuple[int, int], ...]
    """Producer id and first offset of aborted transactions, if committed records are read."""
    records: ByteRange | None


class BrokerConnection:
    """A connection to one broker, which answers its requests in their order."""

    def __init__(self, client: str, connection: Any, transport: Any, versions: Any) -> None:
        self._client = client
        self._connection = connection
        self._transport = transport
        self._versions = {key: (least, most) for key, least, most in versions}
        is_tls = transport.get_extra_info("ssl_object") is not None
        self._frames = _Frames(None if is_tls else transport.get_extra_info("socket"))
        self._correlation = 0
        transport.set_protocol(self._frames)

    async def send(self, request: Any) -> Any:
        """Send a request of aiokafka and return its response; raises OSError, TimeoutError."""
        prepared = request.prepare(self._versions)
        self._correlation += 1
        header = prepared.build_request_header(
            correlation_id=self._correlation, client_id=self._client
        )
        message = header.encode() + prepared.encode()
        if self._transport.is_closing():
            raise ConnectionError("the broker closed the connection")
        correlation = self._correlation
        response: asyncio.Future[ByteRange] = asyncio.get_running_loop().create_future()
        self._frames.responses.append(response)
        self._transport.write(struct.pack(">i", len(message)) + message)
        reader = _ResponseReader(await asyncio.wait_for(response, REQUEST))
        try:
            if prepared.parse_response_header(reader).correlation_id != correlation:
                raise ConnectionError("a response to another request")
            return prepared.RESPONSE_TYPE.decode(reader)
        except (ValueError, struct.error) as failure:
            raise ConnectionError("a response that is not of the protocol of Kafka") from failure

    async def fetch(
        self, topic: str, offsets: Mapping[int, int], *, each: int, whole: int, committed: bool
    ) -> list[FetchedPartition]:
        """Fetch up to `each` bytes of each partition from its offset, up to `whole` in total.

        The first batch is complete even if it is larger. Raises OSError, TimeoutError.
        """
        with require_extra():
            from aiokafka.protocol.fetch import FetchRequest
        ranges = [(number, offset, each) for number, offset in offsets.items()]
        request: Any = FetchRequest
        response = await self.send(request(WAIT_MS, 1, whole, int(committed), [(topic, ranges)]))
        if response.API_VERSION < FETCH_VERSION:
            raise UnreachableError("a broker is older than Kafka 0.11: its batches cannot be read")
        return _partitions(response)

    def close(self) -> None:
        """Close the connection without a farewell, for which TLS would wait."""
        self._connection.close()
        self._transport.abort()


def _partitions(response: Any) -> list[FetchedPartition]:
    if code := getattr(response, "error_code", 0):
        raise ConnectionError(f"error {code} of Kafka")
    result = []
    for _topic, partitions in response.topics:
        for number, error, high, stable, *fields in partitions:
            records = fields[-1]
            aborted = fields[1] if response.API_VERSION >= 5 else fields[0]
            result.append(
                FetchedPartition(
                    partition=number,
                    error=error,
                    high_watermark=high,
                    last_stable=stable,
                    aborted=tuple(aborted or ()),
                    records=records if isinstance(records, ByteRange) else None,
                )
            )
    return result


# --- A cluster


class CoroutineRunner:
    """Runs coroutines one after the other in one event loop, which keeps connections open.

    It uses another thread if this one has a running event loop, as that of a notebook.
    """

    def __init__(self) -> None:
        # Not asyncio.Runner, which Python 3.10 does not have.
        self._loop = asyncio.new_event_loop()
        self._executor: ThreadPoolExecutor | None = None
        with suppress(RuntimeError):
            asyncio.get_running_loop()
            self._executor = ThreadPoolExecutor(1)

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine to its end."""
        if self._executor is None:
            return self._loop.run_until_complete(coroutine)
        return self._executor.submit(self._loop.run_until_complete, coroutine).result()

    def close(self) -> None:
        """Cancel what still runs, and close the event loop."""
        try:
            self.run(_cancel_others())
        finally:
            if self._executor is not None:
                self._executor.shutdown()
            self._loop.close()


async def _cancel_others() -> None:
    """Cancel all other tasks of this event loop, as at the end of `asyncio.run`."""
    loop = asyncio.get_running_loop()
    await end_tasks(*(asyncio.all_tasks() - {asyncio.current_task()}))
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()


def run_coroutine(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine to its end, in another thread if this one has a running event loop."""
    with closing(CoroutineRunner()) as runner:
        return runner.run(coroutine)


async def end_tasks(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and again until each has ended; their exceptions are not raised.

    Before Python 3.12, `asyncio.wait_for` forgets a cancellation that arrives in the same step as
    its result, and the task would not end.
    """
    while running := [task for task in tasks if not task.done()]:
        for task in running:
            task.cancel()
        await asyncio.wait(running, timeout=CANCEL_S)
    await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchTiming:
    """How long a reader of batches waits, in seconds."""

    pause: float = 0.2
    """Before a failed request is repeated."""
    timeout: float = READ_TIMEOUT_S
    """Without a record before the end of a partition, after which reading has failed."""


FETCH_TIMING = FetchTiming()


class BrokerConnections:
    """The connections to the leaders of a topic. Its methods raise what KafkaConsumer raises."""

    def __init__(
        self, access: ClientAccess, topic: str, timing: FetchTiming = FETCH_TIMING
    ) -> None:
        self.access = access
        self.topic = topic
        self.timing = timing
        self.leaders: dict[int, int] = {}
        """For each partition the node id of its leader; partitions without one are not in it."""
        self._addresses: dict[int, Address] = {}
        self._open: dict[Address, BrokerConnection] = {}
        self._opening: dict[Address, asyncio.Lock] = {}
        self._arguments: dict[str, Any] = {}

    async def find_leaders(self) -> None:
        """Ask any broker for the leaders of all partitions."""
        with require_extra():
            from aiokafka.conn import collect_hosts
            from aiokafka.protocol.metadata import MetadataRequest
        hosts = collect_hosts(self.access.settings["bootstrap.servers"], randomize=False)
        bootstrap = [(host, port) for host, port, _ in hosts]
        failures: list[str] = []
        for address in dict.fromkeys([*self._open, *self._addresses.values(), *bootstrap]):
            try:
                connection = await self._connection(address)
                # Otherwise a broker can create the topic because a client asks for it.
                request = MetadataRequest([self.topic], allow_auto_topic_creation=False)
                answer = await connection.send(request)
            except (OSError, EOFError, asyncio.TimeoutError) as failure:
                self._drop(address)
                failures.append(f"{address[0]}:{address[1]}: {_text(failure)}")
                continue
            self._read(answer)
            return
        raise UnreachableError(f"{self.access.label}: cannot connect: {'; '.join(failures)}")

    def _read(self, answer: Any) -> None:
        self._addresses = {broker[0]: (broker[1], broker[2]) for broker in answer.brokers}
        self.leaders = {}
        for topic in answer.topics:
            if topic[0] == LEADER_NOT_AVAILABLE:
                continue
            if topic[0]:
                raise failure_of(self.access.label, f"read {self.topic}", topic[0])
            for partition in topic[-1]:
                if partition[2] in self._addresses:
                    self.leaders[partition[1]] = partition[2]

    async def broker(self, node: int) -> BrokerConnection:
        """Return the connection to a broker; raises OSError and TimeoutError too."""
        return await self._connection(self._addresses[node])

    def drop(self, node: int) -> None:
        """Close the connection to a broker."""
        if node in self._addresses:
            self._drop(self._addresses[node])

    def _drop(self, address: Address) -> None:
        if address in self._open:
            self._open.pop(address).close()

    def close(self) -> None:
        """Close all connections."""
        for address in tuple(self._open):
            self._drop(address)

    async def _connection(self, address: Address) -> BrokerConnection:
        from aiokafka import errors

        # Two requests that find no connection would open two, and one would stay open.
        async with self._opening.setdefault(address, asyncio.Lock()):
            if address not in self._open:
                try:
                    self._open[address] = await self._connect(address)
                # ValueError: the signature of a server by SCRAM; the others are of no broker
                except (errors.KafkaError, AssertionError, ValueError, struct.error) as failure:
                    self._raise_if_forbidden(failure)
                    raise ConnectionError(_text(failure)) from failure
            return self._open[address]

    async def _connect(self, address: Address) -> BrokerConnection:
        from aiokafka.conn import AIOKafkaConnection
        from aiokafka.protocol.admin import ApiVersionRequest

        if not self._arguments:
            try:
                self._arguments = _security(self.access.settings)
            except (OSError, ValueError) as failure:  # ssl.SSLError is an OSError
                text = f"{self.access.label}: cannot use the certificates: {_text(failure)}"
                raise UnreachableError(text) from failure
        # It logs requests, and so the passwords of SASL.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL + 1)
        client = self.access.settings.get("client.id", CLIENT)  # brokers can have quotas by it
        connection = AIOKafkaConnection(
            *address, client_id=client, request_timeout_ms=int(REQUEST * 1000), **self._arguments
        )
        opened: BrokerConnection | None = None
        try:
            _, writer = await connection.connect()
            answer = await connection.send(ApiVersionRequest())
            opened = BrokerConnection(client, connection, writer.transport, answer.api_versions)
        finally:
            if opened is None:
                await asyncio.wait({connection.close()}, timeout=CLOSE_S)
        return opened

    def _raise_if_forbidden(self, failure: BaseException) -> None:
        from aiokafka import errors

        reason = ""
        if isinstance(failure, errors.UnsupportedSaslMechanismError):
            reason = f"the broker does not have SASL {mechanism_of(self.access.settings)}"
        elif isinstance(
            failure, (errors.AuthenticationFailedError, errors.SaslAuthenticationFailed)
        ):
            reason = _text(failure)
        if reason:
            raise ForbiddenError(f"{self.access.label}: cannot connect: {reason}") from failure


def _text(failure: BaseException) -> str:
    return " ".join(str(failure).split()) or type(failure).__name__


def failure_of(
    label: str, what: str, code: int
) -> ForbiddenError | NotFoundError | UnreachableError:
    """Return the exception for an error code of Kafka (Errors.java)."""
    from aiokafka import errors

    kind = errors.for_code(code)
    text = f"{label}: cannot {what}: {kind.description or kind.message}"
    if code in FORBIDDEN_CODES:
        return ForbiddenError(text)
    return NotFoundError(text) if code in UNKNOWN_CODES else UnreachableError(text)
