"""Connections to brokers: TLS, SASL, and responses that are none."""

from __future__ import annotations

import asyncio
import socket
import ssl
import stat
import subprocess
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from kanister_kafka.errors import ForbiddenError, UnreachableError
from kanister_kafka.topics import broker
from kanister_kafka.topics.batch_reader import BatchReader
from kanister_kafka.topics.batches import parse_batches
from kanister_kafka.topics.broker import BrokerConnections, end_tasks
from kanister_kafka.topics.client import ClientAccess, OffsetRange
from kanister_kafka.topics.model import PartitionBounds
from tests.fakes.kafka_broker import FakeBroker, Log, running
from tests.topics.record_factory import log
from tests.topics.test_logs import batches, bounds_of

TOPIC = "orders"
LOGS = {(TOPIC, 0): Log(batches(log(50), 20))}


def openssl(*words: str) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate authority, a broker's certificate for 127.0.0.1, and a user's."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = ("-keyout", f"{folder}/ca.key", "-out", f"{folder}/ca.crt", "-subj", "/CN=ca")
    new = ("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2")
    openssl(*new, *authority)
    signed = ("-CA", f"{folder}/ca.crt", "-CAkey", f"{folder}/ca.key")
    for name in ("broker", "user"):
        files = ("-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.crt")
        extra = ("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1")
        openssl(*new, *files, *extra, *signed)
    return folder


def bounds(served: FakeBroker, settings: dict[str, str]) -> PartitionBounds:
    access = ClientAccess("fake", {"bootstrap.servers": served.address, **settings})
    return bounds_of(access, {0: OffsetRange(0, 50)})[0]


def by_file(folder: Path) -> dict[str, str]:
    return {
        "security.protocol": "SSL",
        "ssl.ca.location": f"{folder}/ca.crt",
        "ssl.certificate.location": f"{folder}/user.crt",
        "ssl.key.location": f"{folder}/user.key",
    }


def by_text(folder: Path) -> dict[str, str]:
    return {
        "security.protocol": "ssl",
        "ssl.ca.pem": (folder / "ca.crt").read_text(),
        "ssl.certificate.pem": (folder / "user.crt").read_text(),
        "ssl.key.pem": (folder / "user.key").read_text(),
    }


@pytest.mark.parametrize("way", [by_file, by_text])
def test_a_certificate_of_the_user_is_presented(certificates: Path, way) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "ca.crt")
    context.load_cert_chain(certificates / "broker.crt", certificates / "broker.key")
    context.verify_mode = ssl.CERT_REQUIRED
    with running(FakeBroker(dict(LOGS)), context) as served:
        found = bounds(served, way(certificates))
        assert found.newest is not None
        assert found.newest.offset == 49
        without = {n: v for n, v in way(certificates).items() if ".ca." in n or n[:3] == "sec"}
        with pytest.raises(UnreachableError, match="cannot connect"):
            bounds(served, without)


def test_a_broker_of_another_authority_is_refused(certificates: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates / "broker.crt", certificates / "broker.key")
    system = {"security.protocol": "SSL"}
    with running(FakeBroker(dict(LOGS)), context) as served:
        with pytest.raises(UnreachableError, match="certificate verify failed"):
            bounds(served, system)
        unchecked = {**system, "enable.ssl.certificate.verification": "false"}
        assert bounds(served, unchecked).latest == 50


def test_keys_in_properties_are_not_left_on_the_disk(
    certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen: list[int] = []
    load = ssl.SSLContext.load_cert_chain

    def loaded(self, certificate, key, password) -> None:
        seen.extend(stat.S_IMODE(Path(path).stat().st_mode) for path in (certificate, key))
        load(self, certificate, key, password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", loaded)
    broker._tls(by_text(certificates))
    assert seen == [0o600, 0o600]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "-----BEGIN CERTIFICATE-----\nnot\n"])
def test_certificates_that_are_none_are_an_error_without_their_text(text: str) -> None:
    settings = {"bootstrap.servers": "127.0.0.1:1", "security.protocol": "SSL", "ssl.ca.pem": text}
    with pytest.raises(UnreachableError, match="fake: cannot") as failure:
        bounds_of(ClientAccess("fake", settings), {0: OffsetRange(0, 5)})
    assert "BEGIN" not in str(failure.value)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-512"])
def test_a_refused_password_is_forbidden_and_not_printed(mechanism: str) -> None:
    settings = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": mechanism,
        "sasl.username": "user",
        "sasl.password": "secret-of-the-user",
    }
    with running(FakeBroker(dict(LOGS), sasl=mechanism)) as served:
        with pytest.raises(ForbiddenError, match="no such user") as failure:
            bounds(served, settings)
        assert "secret-of-the-user" not in str(failure.value)
        other = {**settings, "sasl.mechanism": "SCRAM-SHA-256"}
        with pytest.raises(ForbiddenError, match="SCRAM-SHA-256"):
            bounds(served, other)


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\0", b""])
def test_a_server_that_is_not_kafka_is_an_error(answer: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(answer)
        writer.close()

    with (
        running(FakeBroker({}, serve=serve)) as served,
        pytest.raises(UnreachableError, match="fake: cannot connect"),
    ):
        bounds(served, {})


# --- Responses


async def receive(parts: list[bytes]) -> tuple[bytes, list[int]]:
    """Return a response that arrives in parts, and how many bytes were awaited before each."""
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    frames = broker._Frames(ours)
    loop = asyncio.get_running_loop()
    waiting = loop.create_future()
    frames.responses.append(waiting)
    transport, _ = await loop.create_connection(lambda: frames, sock=ours)
    awaited = []
    try:
        for part in parts:
            awaited.append(ours.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT))
            theirs.send(part)
            await asyncio.sleep(0.01)
        theirs.close()
        response = await asyncio.wait_for(waiting, 5)
        return bytes(response.buffer[response.start : response.end]), awaited
    finally:
        transport.abort()
        theirs.close()


def test_a_response_is_received_at_once_and_its_end_as_soon_as_it_arrives() -> None:
    content = bytes(range(256)) * 400
    message = len(content).to_bytes(4, "big") + content
    parts = [message[:2], message[2:50], message[50:60_000], message[60_000:]]
    received, awaited = asyncio.run(receive(parts))
    assert received == content
    assert awaited[:2] == [1, 2]
    assert awaited[2] > 90_000  # all of it, in one part


def test_a_response_that_is_cut_is_an_error() -> None:
    with pytest.raises(ConnectionError, match="the broker closed the connection"):
        asyncio.run(receive([b"\0\1\0\0", b"the rest is missing"]))


def test_a_request_that_is_cancelled_leaves_the_connection_usable() -> None:
    received, released = threading.Event(), threading.Event()

    def hold_first(count: int) -> None:
        if count == 1:
            received.set()
            assert released.wait(30)

    async def ask(served: FakeBroker) -> int:
        access = ClientAccess("fake", {"bootstrap.servers": served.address})
        with closing(BrokerConnections(access, TOPIC)) as connections:
            await connections.find_leaders()
            connection = await connections.broker(connections.leaders[0])
            fetch = partial(connection.fetch, TOPIC, each=100, whole=100, committed=True)
            first = asyncio.create_task(fetch({0: 0}))
            assert await asyncio.to_thread(received.wait, 30)
            first.cancel()
            with pytest.raises(asyncio.CancelledError):
                await first
            answers = asyncio.gather(fetch({0: 20}), fetch({0: 40}))
            await asyncio.sleep(0)  # both are sent while the first is not answered
            released.set()
            later, last = await answers
        offsets = []
        for (answer,) in (later, last):
            assert answer.records is not None
            (batch, *_) = parse_batches(answer.records, "")
            offsets.append(batch.base)
        assert offsets == [20, 40]
        return served.fetches

    with running(FakeBroker(dict(LOGS), before_fetch=hold_first)) as served:
        assert asyncio.run(ask(served)) == 3


def test_a_task_that_has_lost_its_cancellation_is_ended() -> None:
    async def lose() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.Event().wait()

    async def run() -> bool:
        task = asyncio.create_task(lose())
        await asyncio.sleep(0)
        await asyncio.wait_for(end_tasks(task), 10)
        return task.cancelled()

    assert asyncio.run(run())


def test_a_fetch_that_has_lost_its_cancellation_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    find_leaders = BrokerConnections.find_leaders

    async def slow(self: BrokerConnections) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:  # as wait_for does it if the response has just arrived
            await find_leaders(self)

    with running(FakeBroker(LOGS)) as served:
        access = ClientAccess("fake", {"bootstrap.servers": served.address})

        async def fetch_and_stop() -> None:
            with closing(BrokerConnections(access, TOPIC)) as brokers:
                reader = BatchReader(brokers, {0: (0, 50)}, committed=False)
                fetch = asyncio.create_task(reader.fetch())
                await asyncio.sleep(0)
                await asyncio.wait_for(end_tasks(fetch), 10)
                assert fetch.cancelled()

        monkeypatch.setattr(BrokerConnections, "find_leaders", slow)
        asyncio.run(fetch_and_stop())


def test_two_requests_at_a_time_open_one_connection() -> None:
    with running(FakeBroker(LOGS)) as served:
        host, _, port = served.address.partition(":")
        access = ClientAccess("fake", {"bootstrap.servers": served.address})

        async def connect_twice() -> bool:
            with closing(BrokerConnections(access, TOPIC)) as brokers:
                one, other = await asyncio.gather(
                    brokers._connection((host, int(port))), brokers._connection((host, int(port)))
                )
                return one is other

        assert asyncio.run(connect_twice())
