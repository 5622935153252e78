# shellcheck shell=bash
# Flushes the page cache of all nodes to their volumes at the same time.
. ./common.sh
. ./check-permissions.sh
. ./topics.sh
. ./offsets.sh

# Up to Strimzi 0.23, sync of the image cannot flush a single file system: then it flushes all.
# shellcheck disable=SC2016
FLUSH='for d in /var/lib/kafka/data* /var/lib/zookeeper; do
  [ -e "$d" ] || continue
  sync -f "$d" 2>/dev/null || { sync || exit; break; }
done'
# Cold: partitions that grow within $1 seconds, by their last segments, and in this time the size of every partition.
# This needs no JVM. Names are safe: a topic has letters, digits, dots, dashes and underscores.
# shellcheck disable=SC2016
MEASURE='sizes() {
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
PARALLEL_MAX=64 # kubectl processes in this pod

begin_step "checking the rights of the service account"
check_permissions

if [[ -n $STATE_CONFIGMAP ]]; then # not in a hot backup, which stops nothing
  begin_step 'verifying that no other run has released the clients'
  announce_pod quiescing
fi

begin_step 'looking for nodes to flush'
pods=$(kubectl_retry get pods -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)" -o \
  'jsonpath={range .items[*]}{.metadata.name} {.metadata.labels.strimzi\.io/name}{"\n"}{end}')
[[ -n $pods ]] || die "Kafka $CLUSTER has no pods"

begin_step "flushing Kafka $CLUSTER"
start=$SECONDS
if [[ -n $STATE_CONFIGMAP ]]; then # meanwhile
  exec {log}>&1
  exec {broker}< <(exec {report}>&1 >&"$log"; store_topics "$report")
fi
# flush POD CONTAINER: prints growth and sizes of its partitions
flush() { timeout "$FLUSH_TIMEOUT" kubectl exec "$1" -n "$NAMESPACE" -c "$2" -- bash -c "$script" flush "${SAMPLE_SECONDS-}"; }

script=$FLUSH
[[ -z ${SAMPLE_SECONDS-} ]] || script=$MEASURE
names=() outputs=() failed='' measured=''

# collect: reads the output of the running flushes
collect() {
  local i text
  for i in "${!outputs[@]}"; do
    text=$(cat <&"${outputs[i]}")
    fd=${outputs[i]}
    exec {fd}<&-
    if [[ $text == *flushed ]]; then measured+=$'\n'${text%flushed}; else failed+="${names[i]} "; fi
  done
  outputs=()
  # A partition has several replicas. The largest and the fastest one count.
  measured=$(printf '%s\n' "$measured" | awk 'NF == 3 { key = $1 " " $2; if (!(key in most) || $3 > most[key]) most[key] = $3 }
    END { for (key in most) printf "%s %.0f\n", key, most[key] }')
}

while read -r pod component; do
  names+=("$pod")
  exec {fd}< <(flush "$pod" "${component#"$CLUSTER"-}" && printf flushed)
  outputs[${#names[@]} - 1]=$fd
  ((${#outputs[@]} < PARALLEL_MAX)) || collect
done < <(printf '%s\n' "$pods")
collect
topics_reply=
if [[ -n $STATE_CONFIGMAP ]]; then
  IFS= read -r -u "$broker" topics_reply || true
  [[ $topics_reply == topics ]] ||
    log 'WARNING: the retention of the topics could not be read: a restore of this backup cannot report expired records'
fi
[[ -z $failed ]] || die "not flushed within ${FLUSH_TIMEOUT}s: $failed"
log "flushed: ${names[*]}"

# Clients wait, so offsets may at most double the time of the flush.
if [[ -n $STATE_CONFIGMAP ]]; then
  offsets=$(timeout "$((SECONDS - start + 1))" cat <&"$broker") || offsets=
  [[ $'\n'$offsets == *$'\nearliest '* && $'\n'$offsets == *$'\nlatest '* ]] ||
    log "WARNING: the offsets of the partitions could not be read within $((2 * (SECONDS - start)))s: the backup does not have them"
  store_offsets "$offsets"$'\n'"$measured" & offsets_job=$!
fi

# Brokers themselves write the metrics of Cruise
# Control and the metadata; a consumer that commits loses nothing by the stop.
if [[ -n ${SAMPLE_SECONDS-} ]]; then
  growing=$(printf '%s\n' "$measured" | awk '
    $1 != "grown" { next }
    $2 ~ /^(__cluster_metadata|__remote_log_metadata|strimzi\.cruisecontrol\.)/ { next }
    { if ($3 > rate[$2]) rate[$2] = $3; else rate[$2] += 0 }
    END { for (p in rate) { t = p; sub(/-[0-9]+$/, "", t); topic[t] += rate[p] } for (t in topic) print topic[t], t }' | sort -k 1,1rn -k 2)
  summary='' other_count=0 committing='' count=0
  while read -r rate topic; do
    if [[ -z $topic ]]; then
      continue
    elif [[ $topic == __consumer_offsets ]]; then
      committing='consumers commit offsets'
    elif ((count < 5)); then
      count=$((count + 1)) summary+="${summary:+, }$topic by $rate bytes a second"
    else
      other_count=$((other_count + 1))
    fi
  done < <(printf '%s\n' "$growing")
  ((other_count == 0)) || summary+=" and $other_count more topics"
  set_state "growing=$(json_safe "$summary")"
  if [[ -n $summary ]]; then
    error_message="topics still grow although all known clients have stopped: $summary: a producer, a Kafka Streams application or a connector outside Strimzi still runs"
    create_event Warning NotQuiet "$error_message"
    [[ -z ${REQUIRE_QUIET-} ]] || die "$error_message: stop it, or render without --require-quiet"
    log "$error_message${committing:+; $committing}"
    error_message=
  else
    log "no topic grows${committing:+; $committing}"
  fi
fi
[[ -z ${offsets_job-} ]] || wait "$offsets_job" ||
  log 'WARNING: offsets and sizes of the partitions could not be stored: the backup does not have them'
[[ -n $STATE_CONFIGMAP ]] ||
  log 'WARNING: a hot backup is not consistent: a restore elects all leaders uncleanly, deletes records that a leader does not have, and can have empty or unknown topics. Blueprint and plan name all effects'
