# shellcheck shell=bash
# Offsets and sizes of all partitions at the stop, which are kept with the backup. A backup does not fail
# if they cannot be read.
# Characters of base64 in the state ConfigMap. It holds 1 MiB, of which the topics take up to 525,000 bytes.
# A partition takes 15 to 20 bytes, so that 23,000 fit (54,000 would fill 1 MiB alone).
OFFSETS_MAX=600000

# partition_rows: `TOPIC PARTITION EARLIEST LATEST BYTES`, sorted, of lines `earliest|latest TOPIC PARTITION
# OFFSET` and `bytes TOPIC-PARTITION BYTES`; `-` for an unknown number
partition_rows() {
  awk '
    $1 == "bytes" && NF == 3 {
      topic = $2
      sub(/-[0-9]+$/, "", topic)
      key = topic " " substr($2, length(topic) + 2)
      bytes[key] = $3
      keys[key]
    }
    $1 == "earliest" && NF == 4 { earliest[$2 " " $3] = $4; keys[$2 " " $3] }
    $1 == "latest" && NF == 4 { latest[$2 " " $3] = $4; keys[$2 " " $3] }
    END {
      for (key in keys)
        print key, (key in earliest ? earliest[key] : "-"), (key in latest ? latest[key] : "-"), (key in bytes ? bytes[key] : "-")
    }' | sort -k 1,1 -k 2,2n
}

# topic_rows: the sums of each topic, with the partition `*`, of rows as partition_rows prints them. A sum
# with an unknown number is unknown.
topic_rows() {
  awk '
    function add(sum, number) { return sum == "-" || number == "-" ? "-" : sprintf("%.0f", sum + number) }
    NF == 5 {
      if (!($1 in bytes)) earliest[$1] = latest[$1] = bytes[$1] = 0
      earliest[$1] = add(earliest[$1], $3)
      latest[$1] = add(latest[$1], $4)
      bytes[$1] = add(bytes[$1], $5)
    }
    END { for (topic in bytes) print topic, "*", earliest[topic], latest[topic], bytes[topic] }' | sort
}

# store_offsets LINES: in the state ConfigMap, with the run of the backup. partition_rows reads LINES.
store_offsets() {
  local head rows text count
  head="# $(now) $RUN_ID"
  rows=$(printf '%s\n' "$1" | partition_rows)
  [[ -n $rows ]] || return 0
  count=$(printf '%s\n' "$rows" | wc -l)
  text=$(compress "$head" "$rows")
  if ((${#text} > OFFSETS_MAX)); then
    rows=$(printf '%s\n' "$rows" | topic_rows)
    text=$(compress "$head" "$rows")
    ((${#text} <= OFFSETS_MAX)) || die "the offsets of $count partitions do not fit into ConfigMap $STATE_CONFIGMAP"
    log "the offsets of $count partitions do not fit into ConfigMap $STATE_CONFIGMAP: only the sums of each topic are stored"
  fi
  set_binary_state offsets "$text"
  log "stored the offsets and sizes of $count partitions"
}
