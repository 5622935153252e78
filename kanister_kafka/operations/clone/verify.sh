# Looks at the Kafka of a copy from within the pod of one of its brokers. It follows broker.sh.
# Arguments: what to look at, the rest of the broker's address, seconds, and for records how many of the
# newest segments of each partition are read (0: all).
set -o pipefail
export KAFKA_HEAP_OPTS="-Xmx192m" KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
check_memory "$((320 << 20))"
server=(--bootstrap-server "$HOSTNAME.$2")

# offsets TIME: TOPIC:PARTITION:OFFSET of each partition, internal topics too
offsets() {
  timeout "$seconds" bin/kafka-get-offsets.sh "${server[@]}" --command-config <(settings) --time "$1"
}

# segments COUNT: the newest log files of each partition of this broker, or all
segments() {
  local partition files
  for partition in /var/lib/kafka/data*/kafka-log*/*-[0-9]*/; do
    case $partition in *-delete/ | *-future/ | *-stray/) continue ;; esac
    files=("$partition"*.log)
    [[ -e ${files[0]} ]] || continue
    ((count == 0 || ${#files[@]} <= count)) || files=("${files[@]:${#files[@]}-count}")
    printf '%s\n' "${files[@]}"
  done
}

# dump FILE...: the batches of segments. The tool ends at the first batch that it cannot read. Then each file is
# read by itself, and `damaged FILE` names those that cannot be read.
dump() {
  local output file status
  output=$(timeout "$seconds" bin/kafka-dump-log.sh --files "$(IFS=, && printf %s "$*")")
  status=$?
  if ((status == 0)); then
    printf '%s\n' "$output"
    return
  fi
  ((status != 124)) || return
  for file in "$@"; do
    timeout "$seconds" bin/kafka-dump-log.sh --files "$file" && continue
    status=$?
    ((status != 124 && status != 137)) || return
    [[ ! -e $file ]] || printf 'damaged %s\n' "$file"
  done
}

# records: of each partition its directory, batches, records, batches whose checksum is wrong, and bytes
# that are not a batch. kafka-dump-log.sh compares the CRC-32C of every batch.
records() {
  local files at
  mapfile -t files < <(segments)
  for ((at = 0; at < ${#files[@]}; at += 200)); do
    dump "${files[@]:at:200}" || return
  done | awk '
    $1 == "Dumping" { parts = split($2, path, "/"); name = path[parts - 1]; names[name]; next }
    $1 == "damaged" { parts = split($2, path, "/"); name = path[parts - 1]; names[name]; broken[name]++; next }
    /^Found [0-9]+ invalid bytes/ { trailing[name] += $2; next }
    $1 == "baseOffset:" || $1 == "offset:" {
      batches[name]++
      for (i = 1; i < NF; i++) {
        if ($i == "count:") records[name] += $(i + 1)
        if ($i == "isvalid:" && $(i + 1) != "true") broken[name]++
      }
    }
    END { for (n in names) print n, batches[n] + 0, records[n] + 0, broken[n] + 0, trailing[n] + 0 }'
}

seconds=$3 count=${4:-0}
case $1 in
  offsets)
    earliest=$(offsets -2) && latest=$(offsets -1) || exit
    printf '%s\n' "$earliest" | sed -nE 's/^(.*:[0-9]+:[0-9]+)$/earliest \1/p'
    printf '%s\n' "$latest" | sed -nE 's/^(.*:[0-9]+:[0-9]+)$/latest \1/p'
    ;;
  unavailable)
    timeout "$seconds" bin/kafka-topics.sh "${server[@]}" --command-config <(settings) --describe --unavailable-partitions |
      sed -nE 's/^.*Topic: *([^[:space:]]+)[[:space:]]+Partition: *([0-9]+).*$/\1 \2/p'
    ;;
  records) records ;;
esac && printf 'end\n'
