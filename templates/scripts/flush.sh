# shellcheck shell=bash
# Writes what every node has in its page cache to its volumes, in all nodes at once.

# Up to Strimzi 0.23 the image's sync knows no single file system: then all of them are flushed.
# shellcheck disable=SC2016
FLUSH='for d in /var/lib/kafka/data* /var/lib/zookeeper; do
  [ -e "$d" ] || continue
  sync -f "$d" 2>/dev/null || { sync; break; }
done'
AT_ONCE=64 # each is a kubectl process in this one pod

step "checking the rights of the service account"
check_rights

step 'looking for nodes to flush'
pods=$(api get pods -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)" -o \
  'jsonpath={range .items[*]}{.metadata.name} {.metadata.labels.strimzi\.io/name}{"\n"}{end}')
[[ -n $pods ]] || fail "Kafka $CLUSTER has no pods"

step "flushing Kafka $CLUSTER"
[[ -z $RECORD ]] || { note_topics & noting=$!; } # meanwhile
names=() pids=() failed=
while read -r pod component; do
  while (($(jobs -rp | wc -l) >= AT_ONCE)); do sleep 0.1; done
  timeout "$FLUSH_LIMIT" kubectl exec "$pod" -n "$NAMESPACE" -c "${component#"$CLUSTER"-}" -- bash -c "$FLUSH" &
  names+=("$pod") pids+=($!)
done < <(printf '%s\n' "$pods")
for i in "${!pids[@]}"; do
  wait "${pids[i]}" || failed+="${names[i]} "
done
[[ -z ${noting-} ]] || wait "$noting" ||
  say 'WARNING: the retention of the topics could not be read: a restore of this backup cannot say what is older than it'
[[ -z $failed ]] || fail "not flushed within ${FLUSH_LIMIT}s: $failed"
say "flushed: ${names[*]}"
