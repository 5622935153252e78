# shellcheck shell=bash
# For a program of Kafka that runs in a broker's pod with the broker's own certificate, on the listener for
# replication, which every cluster of Strimzi has. Steps and commands put this text before their own; no phase sources
# it.
cd /opt/kafka || exit
# An agent in KAFKA_OPTS would bind the broker's port a second time.
export LOG_DIR=/tmp KAFKA_OPTS=""

# The password of the stores is not in a file. The first process of the container has it.
while IFS= read -r -d '' word; do
  [[ $word != CERTS_STORE_PASSWORD=* ]] || export "${word?}"
done </proc/1/environ

# memory_left: bytes that the container may still use; nothing if it has no limit
memory_left() {
  local limit used
  limit=$(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null)
  used=$(cat /sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat 2>/dev/null |
    sed -nE 's/^(anon|total_rss) //p')
  if [[ $limit =~ ^[0-9]+$ && $used =~ ^[0-9]+$ ]]; then
    printf '%s' "$((limit - used))"
  fi
}

# check_memory BYTES: a second JVM must not use up the memory of the broker. Above the limit the kernel kills one of
# them.
check_memory() {
  local left
  left=$(memory_left)
  if [[ -n $left ]] && ((left < $1)); then
    echo "the broker has $((left >> 20)) MiB of memory left, not enough for a second program" >&2
    exit 75
  fi
}

# settings: properties of a client that connects as the broker. Strimzi 1.3 can have no TLS on this listener.
settings() {
  sed -nE 's/^listener\.security\.protocol\.map=(.*,)?REPLICATION-9091:([A-Z_]+).*$/security.protocol=\2/p' /tmp/strimzi.properties
  grep '^config\.providers' /tmp/strimzi.properties
  sed -n 's/^listener\.name\.replication-9091\.ssl\./ssl./p' /tmp/strimzi.properties
}
