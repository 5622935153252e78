# shellcheck shell=bash
# Keeps with a backup what each of its topics lets go, for a restore compares its age with that. One
# broker is asked by Kafka's own tool, with its own certificate on its listener for replication, so that
# nothing is hidden. No backup fails for want of it.
ASK_LIMIT=50         # seconds
SPARE=$((320 << 20)) # bytes that the JVM of the tool needs at most
TOPICS_MOST=700000   # characters of base64: a ConfigMap holds 1 MiB

# Runs in the broker's pod; arguments: the rest of its address, seconds, bytes to spare. A second JVM
# must not cost the broker its memory: past the limit the kernel kills one of them. The password of
# the stores is in no file, the first process of the container has it. Topics come first, then a record
# separator, then earliest and latest offsets: GetOffsetShell takes one --time for each call (-2 earliest,
# -1 latest), and --command-config since Kafka 3.0 (KIP-635); an older one prints none. The JVMs start at
# the same time if the memory is enough for all three.
# shellcheck disable=SC2016
ASK='cd /opt/kafka || exit
set -o pipefail
address=$HOSTNAME.$1 seconds=$2 fit=3
limit=$(cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null)
used=$(cat /sys/fs/cgroup/memory.stat /sys/fs/cgroup/memory/memory.stat 2>/dev/null | sed -nE "s/^(anon|total_rss) //p")
if [[ $limit =~ ^[0-9]+$ && $used =~ ^[0-9]+$ ]]; then
  fit=$(((limit - used) / $3))
  if ((fit < 1)); then
    echo "the broker has $(((limit - used) >> 20)) MiB left, too few to ask beside it" >&2
    exit 75
  fi
fi
while IFS= read -r -d "" word; do
  [[ $word != CERTS_STORE_PASSWORD=* ]] || export "${word?}"
done </proc/1/environ
settings() {
  echo security.protocol=SSL
  grep "^config\.providers" /tmp/strimzi.properties
  sed -n "s/^listener\.name\.replication-9091\.ssl\./ssl./p" /tmp/strimzi.properties
}
export LOG_DIR=/tmp KAFKA_OPTS="" KAFKA_HEAP_OPTS=-Xmx192m KAFKA_JVM_PERFORMANCE_OPTS=-XX:+UseSerialGC
tool() { timeout "$seconds" "$@" --bootstrap-server "$address" --command-config <(settings); }
offsets() {
  local script="bin/kafka-get-offsets.sh"
  [[ -x $script ]] || script="bin/kafka-run-class.sh kafka.tools.GetOffsetShell"
  tool $script --time "$2" 2> >(head -n 3 >&2) | sed -nE "s/^([A-Za-z0-9._-]+):([0-9]+):([0-9]+)$/$1 \1 \2 \3/p"
}
((fit < 3)) || exec 8< <(offsets latest -1) 9< <(offsets earliest -2)
tool bin/kafka-topics.sh --describe | grep "^Topic:" || exit
printf "\036\n"
if ((fit < 3)); then
  offsets latest -1
  offsets earliest -2
else
  cat <&8
  cat <&9
fi
exit 0'

# query_broker: every topic as kafka-topics.sh describes it, with each option that is not Kafka's default, a
# record separator, and offsets
query_broker() {
  local pods name role ready broker=
  pods=$(api get pods -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/name=$CLUSTER-kafka" -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.metadata.labels.strimzi\.io/broker-role}|{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}')
  while IFS='|' read -r name role ready; do
    [[ ${role:-true} != true || $ready != True ]] || broker=${broker:-$name}
  done < <(printf '%s\n' "$pods")
  [[ -n $broker ]] || fail 'no broker is Ready'
  timeout "$ASK_LIMIT" kubectl exec "$broker" -n "$NAMESPACE" -c kafka -- bash -c "$ASK" \
    topics "$CLUSTER-kafka-brokers.$NAMESPACE.svc:9091" "$((ASK_LIMIT - 5))" "$SPARE"
}

# effective: of what comes in, NAME retention.ms retention.bytes cleanup.policy delete.retention.ms.
# A value may have commas in it: then what follows has no equals sign.
effective() {
  awk -F '\t' '/^Topic:/ {
    name = $1
    sub(/^Topic: */, "", name)
    ms = 604800000; bytes = -1; policy = "delete"; tombstones = 86400000; key = ""
    for (i = 2; i <= NF; i++) {
      if ($i !~ /^ *Configs:/) continue
      text = $i
      sub(/^ *Configs: */, "", text)
      parts = split(text, part, ",")
      for (j = 1; j <= parts; j++) {
        at = index(part[j], "=")
        value = part[j]
        if (at > 0) { key = substr(part[j], 1, at - 1); value = substr(part[j], at + 1) }
        if (key == "retention.ms") ms = value
        if (key == "retention.bytes") bytes = value
        if (key == "delete.retention.ms") tombstones = value
        if (key == "cleanup.policy") policy = at > 0 ? value : policy "," value
      }
    }
    print (ms < 0 ? "9999999999999999999" : ms), name, ms, bytes, policy, tombstones
  }' | sort -n | cut -d ' ' -f 2-
}

packed() { printf '%s\n' "$@" | gzip -9c | base64 | tr -d '\n'; }

# note_binary KEY BASE64: into the state ConfigMap. No text is an argument of a program, which takes 128 KiB.
note_binary() {
  printf '{"binaryData":{"%s":"%s"}}' "$1" "$2" |
    timeout 30 kubectl patch configmap "$RECORD" -n "$NAMESPACE" --type merge --field-manager=kanister-kafka --patch-file /dev/stdin >/dev/null
}

# note_topics FD: into the record, with the run whose backup it is. Of very many topics those with the
# shortest retention fit. FD gets the line `topics` when that is done, and then the offsets as lines
# `earliest|latest TOPIC PARTITION OFFSET`.
note_topics() {
  local report=$1 answer described offsets head lines text rows cut=0
  # What an earlier backup has left must not pass for this one's.
  api patch configmap "$RECORD" -n "$NAMESPACE" --type merge -p '{"binaryData":{"topics":null,"offsets":null}}' >/dev/null
  offsets=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.spec.kafka.config.offsets\.retention\.minutes}')
  head="# $(now) $RUN ${offsets:-10080}"
  exec {answer}< <(exec {report}>&- && query_broker)
  # Without the separator the list may not be whole.
  IFS= read -r -d $'\036' -u "$answer" described || fail 'the broker did not list its topics'
  lines=$(printf '%s' "$described" | effective)
  [[ -n $lines ]] || fail 'the broker names no topic' # though there may be none
  text=$(packed "$head" "$lines")
  while ((${#text} > TOPICS_MOST)); do
    mapfile -t rows < <(printf '%s\n' "$lines")
    cut=$((cut + ${#rows[@]} - ${#rows[@]} / 2))
    lines=$(printf '%s\n' "${rows[@]:0:${#rows[@]}/2}")
    text=$(packed "$head cut=$cut" "$lines")
  done
  note_binary topics "$text"
  say "noted the retention of $(printf '%s\n' "$lines" | wc -l) topics"
  { printf 'topics\n' && cat <&"$answer"; } >&"$report"
}

# keep_noted KEY BACKUP: topics or offsets from the record into a Secret of the backup, which is no object
# to put back
keep_noted() {
  local text head
  text=$(api get configmap "$RECORD" -n "$NAMESPACE" -o "jsonpath={.binaryData.$1}") || return 1
  [[ -n $text ]] || return 1
  head=$(printf %s "$text" | base64 -d | gzip -dc | sed -n 1p) || return 1 # not q: gzip would be killed
  [[ "$head " == *" $RUN "* ]] || return 1
  printf '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "%s-backup-%s-%s", "namespace": "%s", %s}, "data": {"objects": "%s"}}\n' \
    "$CLUSTER" "$2" "$1" "$NAMESPACE" "$(labels_of "$2")" "$text" | kubectl create -f - >/dev/null
}
