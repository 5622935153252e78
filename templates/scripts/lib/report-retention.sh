# shellcheck shell=bash
# Whether retention is held since a restore: the Kafka has an annotation for it.
RETENTION_HELD=kanister-kafka.io/retention-held

# format_duration SECONDS: 2d3h4m
format_duration() {
  local d=$(($1 / 86400)) h=$(($1 / 3600 % 24)) m=$(($1 / 60 % 60)) text=
  ((d == 0)) || text+=${d}d
  ((h == 0)) || text+=${h}h
  ((m == 0)) || text+=${m}m
  printf %s "${text:-$(($1))s}"
}

# report_retention_hold: at every start of a Kafka. A step does not fail if it cannot be read.
report_retention_hold() {
  local fields since delay
  fields=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o \
    "jsonpath={.spec.kafka.config.log\\.initial\\.task\\.delay\\.ms}|{.metadata.annotations.${RETENTION_HELD//./\\.}}") || return 0
  [[ -n ${fields#*|} ]] || return 0
  since='an unknown time' delay=${fields%%|*}
  [[ ! ${fields#*|} =~ \"since\":\"([^\"]*)\" ]] || since=${BASH_REMATCH[1]}
  if [[ ${fields#*|} == *"\"held\":{\"log.initial.task.delay.ms\":\"$delay\""* ]]; then
    log "RETENTION IS HELD since $since: Kafka $CLUSTER deletes no restored records, and its volumes grow. Release it: kanister-kafka release-retention $CLUSTER -n $NAMESPACE"
    create_event Warning RetentionHeld "retention is held since $since: kanister-kafka release-retention $CLUSTER -n $NAMESPACE"
  else
    log "RETENTION IS NO LONGER HELD: spec.kafka.config of Kafka $CLUSTER was changed since $since, and it deletes expired records"
    create_event Warning RetentionNotHeld "spec.kafka.config was changed since $since, so retention is no longer held"
  fi
}
