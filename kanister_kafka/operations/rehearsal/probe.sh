# The clients' view of a rehearsal: writes to a topic of its own until a signal ends it, then reads
# every record back and removes what it made. The deletion of the pod ends it so (SIGTERM), and so
# does the deadline of the pod, when the command that made it is no more.
# Its lines start with ###; all others are of Kafka's tools.
set -euo pipefail

say() { printf '### %s\n' "$*"; }

cd "${KAFKA_HOME:-/opt/kafka}"
own=/probe/config/client.properties
client=/tmp/client.properties
export LOG_DIR=/tmp
# Java would keep for 10 s that a broker's name is unknown, and count that into the outage.
printf '%s\n' networkaddress.cache.ttl=1 networkaddress.cache.negative.ttl=0 >/tmp/security
export KAFKA_OPTS="-Djava.security.properties=/tmp/security"

if [[ -f $own ]]; then cat "$own" >"$client"; else : >"$client"; fi
printf '\n' >>"$client"
if [[ -n $TRUSTED ]]; then
  printf '%s\n' security.protocol=SSL ssl.truststore.type=PEM "ssl.truststore.location=$TRUSTED" >>"$client"
fi
servers=$(sed -n 's/^[[:space:]]*bootstrap\.servers[[:space:]]*[=:][[:space:]]*//p' "$client")
servers=${servers:-$BOOTSTRAP}
# A client that gives up fast shows best when it is served again.
{
  cat "$client"
  printf '%s\n' request.timeout.ms=1000 delivery.timeout.ms=2000 max.block.ms=2000 linger.ms=0 \
    retry.backoff.ms=50 reconnect.backoff.ms=50 reconnect.backoff.max.ms=250 \
    socket.connection.setup.timeout.ms=1000 socket.connection.setup.timeout.max.ms=1000 \
    metadata.max.age.ms=1000 metadata.recovery.strategy=none
} >/tmp/producer.properties
{
  cat "$client"
  printf '%s\n' enable.auto.commit=false
} >/tmp/consumer.properties

ending=''
producer=''
trap 'ending=yes; [[ -z $producer ]] || kill -TERM "$producer" 2>/dev/null || true' TERM INT

topics() { timeout 60 bin/kafka-topics.sh --bootstrap-server "$servers" --command-config "$client" "$@"; }

tries=0
until topics --create --if-not-exists --topic "$TOPIC" --partitions "$PARTITIONS" \
  --replication-factor "$REPLICATION" 2>&1 | head -n 20; do
  tries=$((tries + 1))
  if ((tries == 3)) || [[ -n $ending ]]; then
    say failed to make the topic
    exit 1
  fi
  sleep 1
done
say made

# Keys spread the records over all partitions. Only the first lines of its complaints are of use.
bin/kafka-verifiable-producer.sh --bootstrap-server "$servers" --topic "$TOPIC" --acks -1 \
  --throughput "$RATE" --repeating-keys 64 --producer.config /tmp/producer.properties \
  2> >(head -n 20 >&2) &
producer=$!
[[ -z $ending ]] || kill -TERM "$producer" 2>/dev/null || true
while kill -0 "$producer" 2>/dev/null; do wait "$producer" || true; done
until [[ -n $ending ]]; do # it has died by itself
  say producer ended
  sleep 600 &
  wait $! || true
done

say reading
# One partition after the other: without a group nothing is left in Kafka's own topics.
declare -A ends=()
all=0
if [[ -x bin/kafka-get-offsets.sh ]]; then
  offsets=(bin/kafka-get-offsets.sh --bootstrap-server "$servers" --command-config "$client")
  while IFS=: read -r _ partition end; do
    ends[$partition]=$end
    all=$((all + end))
  done < <(timeout 60 "${offsets[@]}" --topic "$TOPIC" 2>/dev/null | grep -E ':[0-9]+:[0-9]+$')
fi
for ((partition = 0; partition < PARTITIONS; partition++)); do
  upto=(--timeout-ms 10000)
  if [[ -n ${ends[$partition]-} ]]; then
    ((ends[$partition] > 0)) || continue
    upto=(--timeout-ms 30000 --max-messages "${ends[$partition]}")
  fi
  timeout 90 bin/kafka-console-consumer.sh --bootstrap-server "$servers" \
    --consumer.config /tmp/consumer.properties --topic "$TOPIC" --partition "$partition" \
    --offset earliest "${upto[@]}" --property print.partition=true --property print.offset=true \
    2>/dev/null | sed 's/^/### record /' || say "failed to read partition $partition"
done
((${#ends[@]} < PARTITIONS)) || say "written $all"

left=''
topics --delete --topic "$TOPIC" >/dev/null 2>&1 || left="topic $TOPIC"
say "ended${left:+, left: $left}"
sleep 2 # so that the command that follows this log sees its end
