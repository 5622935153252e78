# shellcheck shell=bash
# Stores the retention of every topic with a backup, because a restore compares it with the age of the backup.
# Kafka's own tools ask one broker, with its own certificate on its replication listener, so that ACLs hide
# nothing. A backup does not fail if this fails.
QUERY_TIMEOUT=50         # seconds
JVM_BYTES=$((320 << 20)) # bytes that the JVM of the tool needs at most
TOPICS_MAX=700000        # characters of base64: a ConfigMap holds 1 MiB

# Runs in the pod of the broker, after broker.sh. Arguments: the rest of its address, seconds, bytes of memory for a JVM,
# and `latest` if only the latest offsets are needed. The output has topics, a record separator, and the latest and
# earliest offsets: GetOffsetShell takes one --time for each call (-2 earliest, -1 latest), and --command-config since
# Kafka 3.0 (KIP-635). An older one prints no offsets. The JVMs start at the same time if there is memory for all
# three. Without the C2 compiler each takes 1.4 instead of 2.4 s of CPU.
# shellcheck disable=SC2016
QUERY_SCRIPT=$(<./broker.sh)'
set -o pipefail
address=$HOSTNAME.$1 seconds=$2 fit=3
check_memory "$3"
left=$(memory_left)
[[ -z $left ]] || fit=$((left / $3))
export KAFKA_HEAP_OPTS=-Xmx192m KAFKA_JVM_PERFORMANCE_OPTS="-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
tool() { timeout "$seconds" "$@" --bootstrap-server "$address" --command-config <(settings); }
offsets() {
  local script="bin/kafka-get-offsets.sh"
  [[ -x $script ]] || script="bin/kafka-run-class.sh kafka.tools.GetOffsetShell"
  tool $script --time "$2" 2> >(head -n 3 >&2) | sed -nE "s/^([A-Za-z0-9._-]+):([0-9]+):([0-9]+)$/$1 \1 \2 \3/p"
}
if [[ ${4-} == latest ]]; then
  offsets latest -1
  exit
fi
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

# query_broker [latest]: every topic as kafka-topics.sh describes it, with each option that is not Kafka's default, a
# record separator, and offsets. With `latest` only the latest offsets.
# shellcheck disable=SC2120 # compare-positions.sh passes it
query_broker() {
  local pods name role ready broker=
  pods=$(kubectl_retry get pods -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/name=$CLUSTER-kafka" -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.metadata.labels.strimzi\.io/broker-role}|{.status.conditions[?(@.type=="Ready")].status}{"\n"}{end}')
  while IFS='|' read -r name role ready; do
    [[ ${role:-true} != true || $ready != True ]] || broker=${broker:-$name}
  done < <(printf '%s\n' "$pods")
  [[ -n $broker ]] || die 'no broker is Ready'
  timeout "$QUERY_TIMEOUT" kubectl exec "$broker" -n "$NAMESPACE" -c kafka -- bash -c "$QUERY_SCRIPT" \
    topics "$CLUSTER-kafka-brokers.$NAMESPACE.svc:9091" "$((QUERY_TIMEOUT - 5))" "$JVM_BYTES" "$@"
}

# retention_rows: reads descriptions, prints NAME retention.ms retention.bytes cleanup.policy delete.retention.ms. A
# value may contain commas: then the text after them has no equals sign.
retention_rows() {
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

compress() { printf '%s\n' "$@" | gzip -9c | base64 | tr -d '\n'; }

# set_binary_state KEY BASE64: in the state ConfigMap, through standard input: an argument has at most 128 KiB
set_binary_state() {
  printf '{"binaryData":{"%s":"%s"}}' "$1" "$2" |
    timeout 30 kubectl patch configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" --type merge --field-manager=kanister-kafka --patch-file /dev/stdin >/dev/null
}

# store_topics FD: in the state ConfigMap, with the run of the backup. If not all topics fit, those with the shortest
# retention are stored. It writes the line `topics` to FD, and then offsets as lines `earliest|latest TOPIC
# PARTITION OFFSET`.
store_topics() {
  local report=$1 answer described offsets head lines text rows cut=0
  # The list of an earlier backup must not count as the one of this backup.
  kubectl_retry patch configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" --type merge -p '{"binaryData":{"topics":null,"offsets":null}}' >/dev/null
  offsets=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.spec.kafka.config.offsets\.retention\.minutes}')
  head="# $(now) $RUN_ID ${offsets:-10080}"
  # shellcheck disable=SC2119
  exec {answer}< <(exec {report}>&- && query_broker)
  # Without the separator the list may not be whole.
  IFS= read -r -d $'\036' -u "$answer" described || die 'the broker did not list its topics'
  lines=$(printf '%s' "$described" | retention_rows)
  [[ -n $lines ]] || die 'the broker has no topic' # this may be true
  text=$(compress "$head" "$lines")
  while ((${#text} > TOPICS_MAX)); do
    mapfile -t rows < <(printf '%s\n' "$lines")
    cut=$((cut + ${#rows[@]} - ${#rows[@]} / 2))
    lines=$(printf '%s\n' "${rows[@]:0:${#rows[@]}/2}")
    text=$(compress "$head cut=$cut" "$lines")
  done
  set_binary_state topics "$text"
  log "stored the retention of $(printf '%s\n' "$lines" | wc -l) topics"
  { printf 'topics\n' && cat <&"$answer"; } >&"$report"
}

# save_measurement KEY BACKUP: copies topics or offsets from the state ConfigMap to a Secret of the backup. A restore
# does not create it.
save_measurement() {
  local text head
  text=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o "jsonpath={.binaryData.$1}") || return 1
  [[ -n $text ]] || return 1
  head=$(printf %s "$text" | base64 -d | gzip -dc | sed -n 1p) || return 1 # not q, with which gzip would get SIGPIPE
  [[ "$head " == *" $RUN_ID "* ]] || return 1
  printf '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "%s-backup-%s-%s", "namespace": "%s", %s}, "data": {"objects": "%s"}}\n' \
    "$CLUSTER" "$2" "$1" "$NAMESPACE" "$(labels_json "$2")" "$text" | kubectl create -f - >/dev/null
}
