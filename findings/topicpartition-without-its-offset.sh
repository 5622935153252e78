#!/usr/bin/env bash
# Version: confluent-kafka 2.16.1 (PyPI).
#
# TopicPartition carries an offset: committed(), position() and offsets_for_times() return lists of
# them. A program compares the lists of two moments, to see whether a group went on.
#
# Expected: two that differ in their offset are not equal.
#
# Seen: only topic and partition are compared, also for hash(), sorted() and sets. The lists of two
# moments are always equal, and a set keeps whichever offset came first.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

python3 -m venv venv
venv/bin/pip install --quiet --no-compile --disable-pip-version-check confluent-kafka==2.16.1
cat >compare.py <<'PY'
from confluent_kafka import TopicPartition

before = [TopicPartition("orders", 0, 100)]
after = [TopicPartition("orders", 0, 900)]
print("went on:", before != after)
print("as a set:", [at.offset for at in {*before, *after}])
print("highest:", max(before + after).offset)
PY
venv/bin/python compare.py | tee seen
diff - seen <<'SEEN'
went on: False
as a set: [100]
highest: 100
SEEN
