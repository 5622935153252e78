# shellcheck shell=bash
# Where every log of a running Kafka ends, for a backup whose brokers run: it is consistent only if nothing has moved
# from before the flush until the last snapshot is cut. A reading that is not whole fails the backup.
POSITIONS_MAX=60000  # characters of base64 in the state ConfigMap; of more, only the digest is stored
METADATA_MAX=4000000 # bytes of new metadata that a node prints
PARALLEL_MAX=64      # kubectl processes in this pod
IDLE_MAX=999999      # seconds, if no node knows when a log was written
# Without the offsets the backup fails, so they get more time than topics.sh gives them. Its three JVMs may have to
# start one after the other.
# shellcheck disable=SC2034 # topics.sh reads it
QUERY_TIMEOUT=120 # seconds

# Runs in each node. Prints the end of every log as `log DIRECTORY PARTITION SEGMENT SIZE`, and that of the metadata log
# as `metadata DIRECTORY SEGMENT SIZE`. With an end of the metadata log as $1 $2 $3, it prints the bytes after it as
# `records HEX`. With `flush` as $4 it flushes afterwards, so that all that was in the logs is on the volumes, and prints
# the size of each partition as `bytes PARTITION BYTES`, the seconds since any of its logs was written as `idle SECONDS`,
# or `idle -` if that is unknown, and each log that was written less than $5 seconds ago as `recent PARTITION SECONDS`.
# Brokers append to the metadata log every 500 ms, so it does not count there. Replicas that move between directories
# count, deleted ones do not. The last line is `whole DIGEST`: kubectl may lose a part of the output of exec.
# shellcheck disable=SC2016
POSITIONS_SCRIPT='set -eo pipefail
shopt -s nullglob inherit_errexit
export LC_ALL=C
positions() {
  files=() segments=()
  for d in /var/lib/kafka/data*/kafka-log*/; do
    [ -e "${d}meta.properties" ] || continue
    at=${d#/var/lib/kafka/} at=${at%/}
    for p in "$d"*-[0-9]*/; do
      name=${p%/} name=${name##*/}
      case $name in *-delete | *-stray) continue ;; esac
      logs=("$p"*.log)
      if [ "$name" != __cluster_metadata-0 ]; then
        segments+=("${logs[@]}")
        if ((${#logs[@]} > 0)); then files+=("${logs[-1]}"); else echo "log $at $name - 0"; fi
        continue
      fi
      echo "metadata $at ${logs[-1]##*/} $(stat -c %s "${logs[-1]}")"
      [ -n "$1" ] || continue
      size=$(stat -c %s "/var/lib/kafka/$1/$name/$2")
      ((size >= $3)) || { echo "the metadata log ends before its earlier end" >&2; exit 1; }
      hex=$({
        tail -c "+$(($3 + 1))" "/var/lib/kafka/$1/$name/$2"
        for f in "${logs[@]}"; do if [[ ${f##*/} > $2 ]]; then cat "$f"; fi; done
      } | head -c '"$METADATA_MAX"' | od -An -v -tx1 | tr -d " \n")
      ((${#hex} >= 2 * (size - $3)))
      echo "records $hex"
    done
  done
  ends=$(for ((i = 0; i < ${#files[@]}; i += 500)); do stat -c "%n %s %Y" "${files[@]:i:500}"; done)
  now=$(date +%s)
  printf "%s\n" "$ends" | sed -nE "s|^/var/lib/kafka/(.*)/([^/]+)/([^/ ]+) ([0-9]+) [0-9]+\$|log \1 \2 \3 \4|p"
  if [ "$4" = flush ]; then
    idle=-
    while read -r f size modified; do
      # If a clock was set back, the age of this log is unknown.
      if [ -z "$f" ] || ((modified > now)); then continue; fi
      age=$((now - modified)) f=${f%/*}
      if ((age < $5)); then echo "recent ${f##*/} $age"; fi
      if [ "$idle" = - ] || ((age < idle)); then idle=$age; fi
    done < <(printf "%s\n" "$ends")
    echo "idle $idle"
    # An error of sync means that data is lost: it fails. An old sync does not have the option.
    for d in /var/lib/kafka/data*; do
      if sync --help 2>&1 | grep -q -e --file-system; then sync -f "$d"; else sync; fi
    done
    declare -A bytes=()
    for ((i = 0; i < ${#segments[@]}; i += 500)); do
      while read -r f size; do
        f=${f%/*} f=${f##*/}
        bytes[$f]=$((${bytes[$f]:-0} + size))
      done < <(stat -c "%n %s" "${segments[@]:i:500}" 2>/dev/null || true)
    done
    for f in "${!bytes[@]}"; do echo "bytes $f ${bytes[$f]}"; done
  fi
}
text=$(positions "$@")
digest=$(printf "%s\n" "$text" | sha256sum)
printf "%s\nwhole %s\n" "$text" "${digest%% *}"'

# metadata_changes: reads record batches as hexadecimal digits, and prints how many records of each kind they have,
# without no-ops. A no-op is apiKey 20 in version 0 without fields in a frame of version 1, which are the bytes 01 14 00
# 00 (NoOpRecord.json and AbstractApiMessageSerde.java in Kafka's source). Bytes that are not whole batches of format 2
# without compression are reported too (https://kafka.apache.org/documentation/#recordbatch).
metadata_changes() {
  fold -w 4096 | awk '
    BEGIN {
      split("UnregisterBroker Topic Partition Config PartitionChange AccessControl FenceBroker UnfenceBroker RemoveTopic DelegationToken UserScramCredential FeatureLevel - ClientQuota ProducerIds - BrokerRegistrationChange AccessControlEntry RemoveAccessControlEntry NoOp ZkMigrationState RemoveUserScramCredential BeginTransaction EndTransaction AbortTransaction RemoveDelegationToken RegisterController ClearElr", name, " ")
      name[0] = "RegisterBroker"
    }
    function number(at, digits,   i, n) {
      for (i = 0; i < digits; i++) n = n * 16 + index("0123456789abcdef", substr(batch, at + i, 1)) - 1
      return n
    }
    function varint(   byte, n, unit) {
      n = 0; unit = 1
      do {
        if (p > length(batch)) broken = 1
        if (broken) return 0
        byte = number(p, 2); p += 2
        n += (byte % 128) * unit; unit *= 128
      } while (byte >= 128)
      return n
    }
    function zigzag(   n) { n = varint(); return n % 2 ? -(n + 1) / 2 : n / 2 }
    function read_record(   size, end, key) {
      size = zigzag(); end = p + 2 * size
      if (broken || size < 1 || end > length(batch) + 1) { broken = 1; return }
      p += 2; zigzag(); zigzag(); size = zigzag()
      if (size > 0) p += 2 * size
      size = zigzag()
      if (broken || size < 1 || p + 2 * size > end) { broken = 1; return }
      if (substr(batch, p, 2 * size) != "01140000") {
        varint(); key = varint()
        count[key in name ? name[key] "Record" : "record of type " key]++
      }
      p = end
    }
    function read_batch(   i, records) {
      if (number(33, 2) != 2 || number(43, 4) % 8) { broken = 1; return }
      if (int(number(43, 4) / 32) % 2) { count["control record of the metadata quorum"]++; return }
      records = number(115, 8); p = 123
      for (i = 0; i < records && !broken; i++) read_record()
      if (p != length(batch) + 1) broken = 1
    }
    {
      text = text $0
      while (!broken && length(text) >= 24) {
        batch = substr(text, 1, 24)
        size = 24 + 2 * number(17, 8)
        if (size < 122) broken = 1
        if (broken || length(text) < size) break
        batch = substr(text, 1, size)
        read_batch()
        text = substr(text, size + 1)
      }
    }
    END {
      if (broken || text != "") print "bytes that are not record batches"
      for (kind in count) print count[kind], kind
    }' | sort
}

# ask_node POD WORDS...: the output of POSITIONS_SCRIPT in a node, and `whole` after it. If a part of the output is lost,
# it asks once more.
ask_node() {
  local text body digest
  for _ in 1 2; do
    text=$(timeout "$FLUSH_TIMEOUT" kubectl exec "$1" -n "$NAMESPACE" -c kafka -- bash -c "$POSITIONS_SCRIPT" positions "${@:2}") || return 1
    body=${text%$'\n'whole *}
    digest=$(printf '%s\n' "$body" | sha256sum) || return 1
    if [[ ${text##*$'\n'} == "whole ${digest%% *}" ]]; then
      printf '%s\nwhole' "$body"
      return 0
    fi
  done
  return 1
}

# start_offsets COMMAND...: reads the offsets of all partitions by COMMAND meanwhile, which prints lines `latest TOPIC
# PARTITION OFFSET`. Sets ASKED to the SECONDS of the start.
start_offsets() {
  # shellcheck disable=SC2034 # flush-online.sh reads it
  ASKED=$SECONDS
  exec {broker}< <("$@" && printf '\nwhole')
}

# finish_offsets: sets OFFSETS to the output of the command of start_offsets, once. It fails if the command has failed.
finish_offsets() {
  [[ -n $broker ]] || return 0
  OFFSETS=$(cat <&"$broker")
  exec {broker}<&-
  broker=
  [[ $OFFSETS == *$'\n'whole ]] || die 'the offsets of the partitions cannot be read: see the lines above'
  OFFSETS=${OFFSETS%$'\n'whole}
}

# read_logs FLUSH: reads the ends of the logs in all nodes. FLUSH is `flush` or empty. It fails if anything cannot be
# read. Sets
# - POSITIONS: rows `KEY|VALUE`: the uid and restarts of each pod, and the end of each log
# - METADATA: the end of the metadata log of each node, as lines `POD DIRECTORY SEGMENT SIZE`
# - METADATA_CHANGES: records in the metadata logs after the ends in $BEFORE, which are such lines
# With `flush` also
# - BYTES: the size of each replica as lines `bytes TOPIC-PARTITION BYTES`
# - IDLE: seconds since a log was written in any node, as far as known
# - RECENT: partitions that were written in the last $QUIET_SECONDS, as lines `TOPIC-PARTITION SECONDS`
read_logs() {
  local pods name uid restarts position fd directory segment size failed='' flush=$1 names=() replies=()
  pods=$(kubectl_retry get pods -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/name=$CLUSTER-kafka" -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.metadata.uid}|{.status.containerStatuses[?(@.name=="kafka")].restartCount}{"\n"}{end}')
  [[ -n $pods ]] || die "Kafka $CLUSTER has no pods"
  POSITIONS=''
  METADATA=''
  METADATA_CHANGES=''
  BYTES=''
  RECENT=''
  IDLE=$IDLE_MAX
  while IFS='|' read -r name uid restarts; do
    [[ -n $uid && -n $restarts ]] || die "pod $name has no container that runs"
    POSITIONS+="pod $name|$uid with $restarts restarts"$'\n'
    position=$(printf '%s\n' "${BEFORE-}" | sed -n "s/^$name //p")
    read -r directory segment size < <(printf '%s\n' "$position")
    exec {fd}< <(ask_node "$name" "$directory" "$segment" "$size" "$flush" "${QUIET_SECONDS-}")
    names+=("$name") replies+=("$fd")
    ((${#replies[@]} < PARALLEL_MAX)) || collect_positions
  done < <(printf '%s\n' "$pods")
  collect_positions
  [[ -z $failed ]] || die "not read within ${FLUSH_TIMEOUT}s where the logs end: ${failed%; }"
}

# collect_positions: reads the replies of the nodes that were asked
collect_positions() {
  local i text ends records changes idle
  for i in "${!replies[@]}"; do
    fd=${replies[i]} name=${names[i]}
    text=$(cat <&"$fd")
    exec {fd}<&-
    ends=$(printf '%s\n' "$text" | sed -nE "s/^metadata ([^ ]+ [^ ]+ [0-9]+)\$/$name \1/p")
    records=$(printf '%s\n' "$text" | sed -n 's/^records //p')
    idle=$(printf '%s\n' "$text" | sed -nE 's/^idle ([0-9]+|-)$/\1/p')
    if [[ $text != *$'\n'whole || -z $ends || $ends == *$'\n'* || ($'\n'${BEFORE-} == *$'\n'"$name "* && $'\n'$text != *$'\n'records\ *) || (-n $flush && -z $idle) ]]; then
      failed+="$name; "
      continue
    fi
    METADATA+=$ends$'\n' BYTES+=$(printf '%s\n' "$text" | grep '^bytes ' || true)$'\n'
    POSITIONS+=$(printf '%s\n' "$text" | sed -nE "s/^log ([^ ]+) ([^ ]+) ([^ ]+) ([0-9]+)\$/log of \2 in $name|\1 \3 \4/p")$'\n'
    RECENT+=$(printf '%s\n' "$text" | sed -n 's/^recent //p')$'\n'
    [[ ${idle:--} == - ]] || ((idle >= IDLE)) || IDLE=$idle
    changes=$(printf '%s\n' "$records" | metadata_changes | sed "s/^/$name: /")
    METADATA_CHANGES+=${changes:+$changes$'\n'}
  done
  replies=() names=()
}

# add_offsets: adds the end offset of each partition in OFFSETS to POSITIONS, and sorts them. It adds the size of each
# partition to OFFSETS. It fails if the partitions are not those of the logs.
add_offsets() {
  local offsets reported kept differences
  offsets=$(printf '%s\n' "$OFFSETS" | sed -nE 's/^latest ([^ ]+) ([0-9]+) ([0-9]+)$/end offset of \1-\2|\3/p')
  # A partition without a leader has no offset, and one in an unknown directory has no log.
  reported=$(printf '%s\n' "$offsets" | sed -E 's/^end offset of (.*)\|[0-9]+$/\1|/' | sort -u)
  kept=$(printf '%s\n' "$POSITIONS" | sed -nE 's/^log of ([^ ]+) .*/\1/p' | sed -E 's/\.[0-9a-f]+-future$//; s/$/|/' | sort -u)
  if [[ $reported != "$kept" ]]; then
    differences=$(diff_positions "$kept" "$reported" | first_lines)
    die "the broker reports the offsets of other partitions than those in the log directories: $differences"
  fi
  POSITIONS=$(printf '%s\n%s\n' "$POSITIONS" "$offsets" | sed '/^$/d' | sort)
  # A partition has several replicas. The largest one counts.
  OFFSETS+=$'\n'$(printf '%s\n' "$BYTES" | awk 'NF == 3 && $3 >= most[$2] { most[$2] = $3 } END { for (key in most) printf "bytes %s %.0f\n", key, most[key] }')
}

# diff_positions OLD NEW: rows `KEY|VALUE` whose value has changed, and those that are in only one of both
diff_positions() {
  awk -F '|' '
    $1 == "" { next }
    FILENAME == ARGV[1] { old[$1] = $2; next }
    !($1 in old) { print $1 ": new " $2; next }
    old[$1] != $2 { print $1 ": " old[$1] ", now " $2 }
    { delete old[$1] }
    END { for (key in old) print key ": missing, was " old[key] }' <(printf '%s\n' "$1") <(printf '%s\n' "$2") | sort
}

# first_lines: reads lines, prints the first ones as one line, and the number of the others
first_lines() {
  awk -v max="$LIST_MAX" '
    NR <= max { printf "%s%s", (NR > 1 ? "; " : ""), $0 }
    END { if (NR > max) printf " and %d more", NR - max }'
}

# store_positions: in the state ConfigMap, with the run. The ends of the metadata logs come first.
store_positions() {
  local digest text
  digest=$(printf %s "$POSITIONS" | digest)
  text=$(compress "# $(now) $RUN_ID $digest" "${METADATA%$'\n'}" "$POSITIONS")
  ((${#text} <= POSITIONS_MAX)) || text=$(compress "# $(now) $RUN_ID $digest" "${METADATA%$'\n'}")
  set_binary_state positions "$text"
}
