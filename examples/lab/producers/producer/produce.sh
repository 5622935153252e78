#!/usr/bin/env bash
# Writes records `date -- POD_UID` to TOPIC, RECORDS_PER_SECOND of them in each second.
set -euo pipefail

# Without a key the client fills one partition for 16 KiB before it turns to the next. These keys are
# hashed to partition 0, 1, 2, … of three and of ten in turn, so that all heads are level.
KEYS=(5 46 111 30 68 90 63 13 2 1 62 16 23 4 41 28 10 32 11 120 36 80 18 3 27 14 74 8 6 40)
SECOND=1000000000

records() {
  local gap=$((SECOND / RECORDS_PER_SECOND)) next=0 count=0 clock now pause
  while true; do
    clock=$(date -u '+%s%N %Y-%m-%dT%H:%M:%S.%3NZ')
    now=${clock% *}
    # After a clock that was set, or a pipe that was full: on from here, without a burst.
    if ((now - next > SECOND || next - now > SECOND)); then next=$now; fi
    while ((next <= now)); do
      printf '%s\t%s -- %s\n' "${KEYS[count % ${#KEYS[@]}]}" "${clock#* }" "$POD_UID"
      next=$((next + gap)) count=$((count + 1))
    done
    pause=$((next - now > SECOND / 50 ? next - now : SECOND / 50))
    sleep "$((pause / SECOND)).$(printf %09d $((pause % SECOND)))"
  done
}

if ! [[ $RECORDS_PER_SECOND =~ ^[1-9][0-9]{0,3}$ ]]; then
  echo "RECORDS_PER_SECOND is $RECORDS_PER_SECOND, and must be from 1 to 9999" >&2
  exit 2
fi
until (: <"/dev/tcp/${BOOTSTRAP_SERVER/://}") 2>/dev/null; do
  echo "waits for $BOOTSTRAP_SERVER" >&2
  sleep 5
done
# The shell becomes the client, which on SIGTERM sends what it has read.
exec "${KAFKA_HOME:-/opt/kafka}/bin/kafka-console-producer.sh" \
  --bootstrap-server "$BOOTSTRAP_SERVER" --topic "$TOPIC" \
  --producer.config "$(dirname "$0")/producer.properties" --property parse.key=true \
  < <(records)
