#!/usr/bin/env bash
# Versions: confluent-kafka 2.16.1 with the mock cluster of its librdkafka; kafka-python 3.0.12;
# aiokafka 0.14.0 (PyPI).
#
# Clients of other libraries connect to a mock cluster (`test.mock.num.brokers`). It listens on
# a port of the loopback address and speaks the protocol of Kafka.
#
# Expected: a client that asks for a version of ApiVersions that the server lacks is told so in
# version 0 (KIP-511): error 35, then an array with a count of four bytes. It asks again.
#
# Seen: aiokafka, which asks in an old version, connects. kafka-python asks in version 4 and never
# connects: the mock answers error 35 with a count of one byte, which neither version 0 nor 4 has.
# The answer is 17 bytes long; version 0 of it has 16 (4 correlation, 2 error, 4 count, 6 entry).
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
    confluent-kafka==2.16.1 kafka-python==3.0.12 aiokafka==0.14.0
cat >connect.py <<'PY'
import asyncio
import socket
import struct

from aiokafka import AIOKafkaConsumer
from confluent_kafka import Producer
from kafka import KafkaConsumer

mock = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 3})
broker = next(iter(mock.list_topics(timeout=30).brokers.values()))
address = f"{broker.host}:{broker.port}"


async def connect():
    consumer = AIOKafkaConsumer(bootstrap_servers=address)
    await consumer.start()
    await consumer.topics()
    await consumer.stop()
    return "connected"


print("aiokafka:", asyncio.run(connect()))
try:
    KafkaConsumer(bootstrap_servers=address, bootstrap_timeout_ms=5000).close()
    print("kafka-python: connected")
except Exception as error:
    print("kafka-python:", type(error).__name__)

# ApiVersions (18) in version 4: header with tagged fields, software's name and version.
request = struct.pack(">hhih", 18, 4, 1, -1) + b"\0" + b"\2a" + b"\0021" + b"\0"
with socket.create_connection((broker.host, broker.port), timeout=30) as connection:
    connection.sendall(struct.pack(">i", len(request)) + request)
    size = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))[0]
    answer = connection.recv(size, socket.MSG_WAITALL)
print("answer:", size, "bytes;", answer[:4].hex(), answer[4:6].hex(), answer[6:].hex())
PY
venv/bin/python connect.py 2>/dev/null | tee seen
diff - seen <<'SEEN'
aiokafka: connected
kafka-python: KafkaTimeoutError
answer: 17 bytes; 00000001 0023 0100120000000200000000
SEEN
