#!/usr/bin/env bash
# Versions: aiokafka 0.14.0; confluent-kafka 2.16.1 for its mock cluster (PyPI).
#
# A consumer without a group is used as `async with`. The body raises an error at once, say since an
# argument is wrong.
#
# Expected: the caller gets that error.
#
# Seen: the caller gets asyncio.CancelledError, though nobody cancelled it. stop() cancels a task of
# its own and awaits it; a task that has not had its first step is cancelled before it reaches its
# `except`. `except Exception` does not catch CancelledError, so the program ends without its
# message. Where the body first waits a while, the error is the one expected.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check \
    aiokafka==0.14.0 confluent-kafka==2.16.1
cat >stop.py <<'PY'
import asyncio

from aiokafka import AIOKafkaConsumer
from confluent_kafka import Producer

mock = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 3})
broker = next(iter(mock.list_topics(timeout=30).brokers.values()))


async def use(seconds):
    async with AIOKafkaConsumer(bootstrap_servers=f"{broker.host}:{broker.port}"):
        if seconds:
            await asyncio.sleep(seconds)
        raise ValueError("wrong argument")


for seconds in (0, 0.5):
    try:
        asyncio.run(use(seconds))
    except BaseException as error:
        print(seconds, type(error).__name__, isinstance(error, Exception))
PY
venv/bin/python stop.py | tee seen
diff - seen <<'SEEN'
0 CancelledError False
0.5 ValueError True
SEEN
