# shellcheck shell=bash
# Writes what every node has in its page cache to its volumes, in all nodes at once.
. ./prelude.sh
. ./rights.sh
. ./topics.sh
. ./offsets.sh

# Up to Strimzi 0.23 the image's sync knows no single file system: then all of them are flushed.
# shellcheck disable=SC2016
FLUSH='for d in /var/lib/kafka/data* /var/lib/zookeeper; do
  [ -e "$d" ] || continue
  sync -f "$d" 2>/dev/null || { sync || exit; break; }
done'
# Cold: how large each partition is, in the time between the two looks, and which partitions grow within $1 seconds, by their last segments. No JVM has to be started for it. Names are safe: a topic has letters, digits, dots, dashes, underscores.
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
bytes() {
  local d f s files=() i
  local -A sum=()
  for d in /var/lib/kafka/data*/kafka-log*/*-[0-9]*/; do
    case $d in *-delete/ | *-future/ | *-stray/ | */__cluster_metadata-*) continue ;; esac
    ((SECONDS < $1)) || return 0
    set -- "$1" "$d"*.log
    [ -e "$2" ] && files+=("${@:2}")
  done
  for ((i = 0; i < ${#files[@]}; i += 500)); do
    ((SECONDS < $1)) || return 0
    while read -r f s; do
      d=${f%/*}
      sum[$d]=$((${sum[$d]:-0} + s))
    done < <(stat -c "%n %s" "${files[@]:i:500}" 2>/dev/null)
  done
  for d in "${!sum[@]}"; do echo "bytes ${d##*/} ${sum[$d]}"; done
}
declare -A was
end=$((SECONDS + $1))
while read -r f s; do was[$f]=$s; done < <(sizes)
start=$(date +%s%3N)
'"$FLUSH"'
bytes $((end + $1))
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
began=$SECONDS
if [[ -n $RECORD ]]; then # meanwhile
  exec {log}>&1
  exec {broker}< <(exec {report}>&1 >&"$log"; note_topics "$report")
fi
# flush POD CONTAINER: prints what has grown in it
flush() { timeout "$FLUSH_LIMIT" kubectl exec "$1" -n "$NAMESPACE" -c "$2" -- bash -c "$script" flush "${SAMPLE-}"; }

script=$FLUSH
[[ -z ${SAMPLE-} ]] || script=$GROWTH
names=() outputs=() failed='' measured=''

# collect: what the nodes that are being flushed have to say
collect() {
  local i text
  for i in "${!outputs[@]}"; do
    text=$(cat <&"${outputs[i]}")
    fd=${outputs[i]}
    exec {fd}<&-
    if [[ $text == *flushed ]]; then measured+=$'\n'${text%flushed}; else failed+="${names[i]} "; fi
  done
  outputs=()
  # Each partition has several replicas: the largest and the fastest one count.
  measured=$(printf '%s\n' "$measured" | awk 'NF == 3 { key = $1 " " $2; if (!(key in most) || $3 > most[key]) most[key] = $3 }
    END { for (key in most) printf "%s %.0f\n", key, most[key] }')
}

while read -r pod component; do
  names+=("$pod")
  exec {fd}< <(flush "$pod" "${component#"$CLUSTER"-}" && printf flushed)
  outputs[${#names[@]} - 1]=$fd
  ((${#outputs[@]} < AT_ONCE)) || collect
done < <(printf '%s\n' "$pods")
collect
noted=
if [[ -n $RECORD ]]; then
  IFS= read -r -u "$broker" noted || true
  [[ $noted == topics ]] ||
    say 'WARNING: the retention of the topics could not be read: a restore of this backup cannot say what is older than it'
fi
[[ -z $failed ]] || fail "not flushed within ${FLUSH_LIMIT}s: $failed"
say "flushed: ${names[*]}"

# Clients wait: offsets may at most double the time of the flush.
if [[ -n $RECORD ]]; then
  offsets=$(timeout "$((SECONDS - began + 1))" cat <&"$broker") || offsets=
  [[ $'\n'$offsets == *$'\nearliest '* && $'\n'$offsets == *$'\nlatest '* ]] ||
    say "WARNING: the offsets of the partitions could not be read within $((2 * (SECONDS - began)))s: the backup does not have them"
  note_offsets "$offsets"$'\n'"$measured" & noting=$!
fi

# Brokers themselves write the metrics of Cruise
# Control and the metadata; a consumer that commits loses nothing by the stop.
if [[ -n ${SAMPLE-} ]]; then
  growing=$(printf '%s\n' "$measured" | awk '
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
[[ -z ${noting-} ]] || wait "$noting" ||
  say 'WARNING: offsets and sizes of the partitions could not be noted: the backup does not have them'
