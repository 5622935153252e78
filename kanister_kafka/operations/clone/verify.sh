# Reads partitions and records from within the pod of a broker. It follows broker.sh.
# Arguments: what to read, the rest of the broker's address, seconds, and for records how many of the
# newest segments of each partition are read (0: all).
set -o pipefail
export KAFKA_HEAP_OPTS="-Xmx192m" KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
check_memory "$((320 << 20))"
server=(--bootstrap-server "$HOSTNAME.$2")

# offsets TIME: TOPIC:PARTITION:OFFSET of each partition, internal topics too
offsets() {
  timeout "$seconds" bin/kafka-get-offsets.sh "${server[@]}" --command-config <(settings) --time "$1"
}

# segments: the log files of each partition of this broker, the newest if there is a count. If there are ranges,
# those that can have records of them.
declare -A first=() end=()
segments() {
  local partition files
  for partition in /var/lib/kafka/data*/kafka-log*/*-[0-9]*/; do
    case $partition in *-delete/ | *-future/ | *-stray/) continue ;; esac
    files=("$partition"*.log)
    [[ -e ${files[0]} ]] || continue
    ((count == 0 || ${#files[@]} <= count)) || files=("${files[@]:${#files[@]}-count}")
    partition=${partition%/}
    ((${#end[@]} == 0)) || within "${partition##*/}"
    ((${#files[@]} == 0)) || printf '%s\n' "${files[@]}"
  done
}

# within PARTITION: reduce `files` to those that overlap the range of a partition. The name of a file is its
# first offset, or an earlier one.
within() {
  local kept=() at name base=-1 from=${first[$1]:-0} to=${end[$1]:-0}
  for ((at = ${#files[@]} - 1; at >= 0; at--)); do
    name=${files[at]##*/}
    # base: of the segment after this one, if there is one
    if ((base == -1 || base > from)); then
      base=$((10#${name%.log}))
      ((base >= to)) || kept=("${files[at]}" "${kept[@]}")
    fi
  done
  files=("${kept[@]}")
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

# records: of each partition its directory, batches, records, batches whose checksum is wrong, bytes that are
# not a batch, and a digest of the batches. kafka-dump-log.sh compares the CRC-32C of every batch. If there are
# ranges, only batches with an offset in the range of their partition count.
records() {
  local files at name
  mapfile -t files < <(segments)
  {
    for name in "${!end[@]}"; do printf 'range %s %s %s\n' "$name" "${first[$name]}" "${end[$name]}"; done
    for ((at = 0; at < ${#files[@]}; at += 200)); do
      dump "${files[@]:at:200}" || return
    done
  } | awk '
    $1 == "range" { ranges = 1; first[$2] = $3; end[$2] = $4; next }
    $1 == "Dumping" { parts = split($2, path, "/"); name = path[parts - 1]; names[name]; next }
    $1 == "damaged" { parts = split($2, path, "/"); name = path[parts - 1]; names[name]; broken[name]++; next }
    /^Found [0-9]+ invalid bytes/ { trailing[name] += $2; next }
    $1 == "baseOffset:" || $1 == "offset:" {
      count = crc = size = last = 0
      valid = "true"
      for (i = 1; i < NF; i++) {
        if ($i == "lastOffset:") last = $(i + 1)
        if ($i == "count:") count = $(i + 1)
        if ($i == "size:") size = $(i + 1)
        if ($i == "crc:") crc = $(i + 1)
        if ($i == "isvalid:") valid = $(i + 1)
      }
      if (ranges && (last < first[name] || $2 >= end[name])) next
      batches[name]++
      records[name] += count
      if (valid != "true") broken[name]++
      # every number stays below 2^53, up to which awk counts exactly
      digest[name] = (digest[name] + crc + ($2 % 999983) * 4099 + size * 65537) % 4503599627370449
    }
    END {
      for (n in names)
        printf "%s %.0f %.0f %.0f %.0f %.0f\n", n, batches[n], records[n], broken[n], trailing[n], digest[n]
    }'
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
  topics)
    timeout "$seconds" bin/kafka-topics.sh "${server[@]}" --command-config <(settings) --describe |
      awk '$1 == "Topic:" && $3 == "TopicId:" { print $2, $4, /cleanup\.policy=[a-z,]*compact/ ? "compact" : "delete" }'
    ;;
  records) records ;;
  ranges)
    # The input does not end by itself, so it has a last line.
    while read -r name from to && [[ $name != end ]]; do
      first[$name]=$from end[$name]=$to
    done
    ((${#end[@]} == 0)) || records
    ;;
esac && printf 'end\n'
