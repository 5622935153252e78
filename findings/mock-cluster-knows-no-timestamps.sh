#!/usr/bin/env bash
# Version: confluent-kafka 2.16.1 (PyPI), with the mock cluster of its librdkafka.
#
# Ten records, one a second, stand in a topic of a mock cluster (`test.mock.num.brokers`). A
# consumer asks offsets_for_times for the time of the sixth, and for a time before the first.
#
# Expected: offsets 5 and 0. The mock keeps the timestamps: a consumer reads them back.
#
# Seen: offset -1 for both, which is how a broker says that no record is so late. No error. So a
# test of code that starts at a point in time always sees the end of the partition.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check confluent-kafka==2.16.1
cat >times.py <<'PY'
from confluent_kafka import Consumer, Producer, TopicPartition

START = 1_700_000_000_000
producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 3})
broker = next(iter(producer.list_topics(timeout=30).brokers.values()))
for second in range(10):
    producer.produce("orders", b"x", partition=0, timestamp=START + 1000 * second)
producer.flush(30)

consumer = Consumer({
    "bootstrap.servers": f"{broker.host}:{broker.port}", "group.id": "restore", "log_level": 3,
})
for when in (START + 5000, START - 5000):
    [found] = consumer.offsets_for_times([TopicPartition("orders", 0, when)], timeout=30)
    print(when - START, "offset", found.offset, "error", found.error)
consumer.assign([TopicPartition("orders", 0, 5)])
record = consumer.poll(30)
print("record", record.offset(), "has time", record.timestamp()[1] - START)
consumer.close()
PY
venv/bin/python times.py | tee seen
diff - seen <<'SEEN'
5000 offset -1 error None
-5000 offset -1 error None
record 5 has time 5000
SEEN
