# shellcheck shell=bash
# Writes what every node has in its page cache to its volumes, in all nodes at once.
. ./prelude.sh
. ./rights.sh
. ./topics.sh

# Up to Strimzi 0.23 the image's sync knows no single file system: then all of them are flushed.
# shellcheck disable=SC2016
FLUSH='for d in /var/lib/kafka/data* /var/lib/zookeeper; do
  [ -e "$d" ] || continue
  sync -f "$d" 2>/dev/null || { sync || exit; break; }
done'
# Cold: which partitions grow within $1 seconds, by their last segments. No JVM has to be started for it. Names are safe: a topic has letters, digits, dots, dashes, underscores.
# shellcheck disable=SC2016
GROWTH='sizes() {
  local d files=()
  for d in /var/lib/kafka/data*/kafka-log*/*-[0-9]*/; do
    case $d in *-delete/ | *-future/ | *-stray/) continue ;; esac
    set -- "$d"*.log
    [ -e "${!#}" ] && files+=("${!#}")
  done
  for ((i = 0; i < ${#files[@]}; i += 500)); do stat -c "%n %s" "${files[@]:i:500}" 2>/dev/null || true; done
}
declare -A was
end=$((SECONDS + $1))
while read -r f s; do was[$f]=$s; done < <(sizes)
start=$(date +%s%3N)
'"$FLUSH"'
while ((SECONDS < end)); do sleep 0.2; done
took=$(($(date +%s%3N) - start))
while read -r f s; do
  ((s <= ${was[$f]:-0})) || { d=${f%/*}; echo "grown ${d##*/} $(((s - ${was[$f]:-0}) * 1000 / (took + 1)))"; }
done < <(sizes)'
AT_ONCE=64 # each is a kubectl process in this one pod

step "checking the rights of the service account"
check_rights

step 'looking for nodes to flush'
pods=$(api get pods -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)" -o \
  'jsonpath={range .items[*]}{.metadata.name} {.metadata.labels.strimzi\.io/name}{"\n"}{end}')
[[ -n $pods ]] || fail "Kafka $CLUSTER has no pods"

step "flushing Kafka $CLUSTER"
[[ -z $RECORD ]] || { note_topics & noting=$!; } # meanwhile
# flush POD CONTAINER: prints what has grown in it
flush() { timeout "$FLUSH_LIMIT" kubectl exec "$1" -n "$NAMESPACE" -c "$2" -- bash -c "$script" flush "${SAMPLE-}"; }

script=$FLUSH
[[ -z ${SAMPLE-} ]] || script=$GROWTH
names=() outputs=() failed='' grown=''

# collect: what the nodes that are being flushed have to say
collect() {
  local i text
  for i in "${!outputs[@]}"; do
    text=$(cat <&"${outputs[i]}")
    fd=${outputs[i]}
    exec {fd}<&-
    if [[ $text == *flushed ]]; then grown+=${text%flushed}; else failed+="${names[i]} "; fi
  done
  outputs=()
}

while read -r pod component; do
  names+=("$pod")
  exec {fd}< <(flush "$pod" "${component#"$CLUSTER"-}" && printf flushed)
  outputs[${#names[@]} - 1]=$fd
  ((${#outputs[@]} < AT_ONCE)) || collect
done < <(printf '%s\n' "$pods")
collect
[[ -z ${noting-} ]] || wait "$noting" ||
  say 'WARNING: the retention of the topics could not be read: a restore of this backup cannot say what is older than it'
[[ -z $failed ]] || fail "not flushed within ${FLUSH_LIMIT}s: $failed"
say "flushed: ${names[*]}"

# Each replica of a partition grows: the fastest one counts. Brokers themselves write the metrics of Cruise
# Control and the metadata; a consumer that commits loses nothing by the stop.
if [[ -n ${SAMPLE-} ]]; then
  growing=$(printf '%s\n' "$grown" | awk '
    $1 != "grown" { next }
    $2 ~ /^(__cluster_metadata|__remote_log_metadata|strimzi\.cruisecontrol\.)/ { next }
    { if ($3 > rate[$2]) rate[$2] = $3; else rate[$2] += 0 }
    END { for (p in rate) { t = p; sub(/-[0-9]+$/, "", t); topic[t] += rate[p] } for (t in topic) print topic[t], t }' | sort -k 1,1rn -k 2)
  told='' others=0 committing='' count=0
  while read -r rate topic; do
    if [[ -z $topic ]]; then
      continue
    elif [[ $topic == __consumer_offsets ]]; then
      committing='consumers commit offsets'
    elif ((count < 5)); then
      count=$((count + 1)) told+="${told:+, }$topic by $rate bytes a second"
    else
      others=$((others + 1))
    fi
  done < <(printf '%s\n' "$growing")
  ((others == 0)) || told+=" and $others more topics"
  record "growing=$(plain "$told")"
  if [[ -n $told ]]; then
    problem="topics still grow although all that is known to write has stopped: $told: a producer, a Kafka Streams application or a connector outside Strimzi goes on"
    event Warning NotQuiet "$problem"
    [[ -z ${REQUIRE_QUIET-} ]] || fail "$problem: stop it, or render without --require-quiet"
    say "$problem${committing:+; $committing}"
    problem=
  else
    say "no topic grows${committing:+; $committing}"
  fi
fi
