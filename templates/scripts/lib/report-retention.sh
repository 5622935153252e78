# shellcheck shell=bash
# Whether retention is held since a restore: an annotation of the Kafka says so.
RETENTION_HELD=kanister-kafka.io/retention-held

# spelled SECONDS: 2d3h4m
format_duration() {
  local d=$(($1 / 86400)) h=$(($1 / 3600 % 24)) m=$(($1 / 60 % 60)) text=
  ((d == 0)) || text+=${d}d
  ((h == 0)) || text+=${h}h
  ((m == 0)) || text+=${m}m
  printf %s "${text:-$(($1))s}"
}

# tell_held: for people, wherever a Kafka is started. No step fails for want of it.
report_retention_hold() {
  local fields since delay
  fields=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o \
    "jsonpath={.spec.kafka.config.log\\.initial\\.task\\.delay\\.ms}|{.metadata.annotations.${RETENTION_HELD//./\\.}}") || return 0
  [[ -n ${fields#*|} ]] || return 0
  since='an unknown time' delay=${fields%%|*}
  [[ ! ${fields#*|} =~ \"since\":\"([^\"]*)\" ]] || since=${BASH_REMATCH[1]}
  if [[ ${fields#*|} == *"\"held\":{\"log.initial.task.delay.ms\":\"$delay\""* ]]; then
    log "RETENTION IS HELD since $since: Kafka $CLUSTER deletes nothing that a restore has brought back, and its volumes grow. Release it: kanister-kafka release-retention $CLUSTER -n $NAMESPACE"
    create_event Warning RetentionHeld "retention is held since $since: kanister-kafka release-retention $CLUSTER -n $NAMESPACE"
  else
    log "RETENTION IS NO LONGER HELD: somebody has changed spec.kafka.config of Kafka $CLUSTER since $since, and it deletes what has passed its retention"
    create_event Warning RetentionNotHeld "somebody has undone the hold of $since in spec.kafka.config"
  fi
}
