# shellcheck shell=bash
# Kafka deletes expired records 30 s after its start. If a backup is older than the retention of its topics, these
# are all of its records. So a restored Kafka does not delete, by options of its brokers: the Topic Operator
# manages the options of topics, and options of brokers stay after a restart. docs/design.md has measurements.
TEN_YEARS=315360000000 # in ms; Kafka counts in ns, of which a long holds 292 years
INT_MAX=2147483647     # 24 days in ms, 4000 years in minutes
TOPIC_NAMES_MAX=30     # names of topics in one line

# retention_delay RETENTION: milliseconds after its start for which a broker deletes no records; 0 for `now`
retention_delay() {
  case $1 in
    '' | hold) printf %s "$TEN_YEARS" ;;
    now) printf 0 ;;
    *)
      [[ $1 =~ ^(([0-9]{1,3})h)?(([0-9]{1,4})m)?(([0-9]{1,6})s)?$ ]] ||
        die "retention is '$(json_safe "$1")': must be hold, now, or a duration such as 72h or 1h30m"
      printf %s "$(((10#${BASH_REMATCH[2]:-0} * 3600 + 10#${BASH_REMATCH[4]:-0} * 60 + 10#${BASH_REMATCH[6]:-0}) * 1000))"
      ;;
  esac
}

# hold_options DELAY: KEY VALUE of each. Kafka has the first one since 3.8: without it the task that deletes
# first runs 30 s after the start, independent of its interval. The expiration of transactional and producer ids
# has no larger number, and a broker drops older ones when it loads a log.
hold_options() {
  printf '%s\n' "log.initial.task.delay.ms $1" 'log.cleaner.enable false' \
    "offsets.retention.minutes $INT_MAX" "offsets.retention.check.interval.ms $TEN_YEARS" \
    "transactional.id.expiration.ms $INT_MAX" "transaction.remove.expired.transaction.cleanup.interval.ms $INT_MAX" \
    "producer.id.expiration.ms $INT_MAX" "producer.id.expiration.check.interval.ms $INT_MAX"
}

# check_hold_supported VERSION: of Kafka. An older one would ignore the first option and delete, and 5.0 will
# ignore log.cleaner.enable.
check_hold_supported() {
  local version
  [[ $1 =~ ^([0-9]{1,4})\.([0-9]{1,4}) ]] ||
    die "the version of Kafka is unknown, so its retention cannot be held: increase the retention of topics that would lose records, and set retention=now"
  version=$((10#${BASH_REMATCH[1]} * 10000 + 10#${BASH_REMATCH[2]}))
  ((version >= 30008 && version < 50000)) ||
    die "the retention of Kafka $1 cannot be held, only of 3.8 to 4: set retention=now, with which it deletes expired records immediately"
}

# get_option JSON KEY: the JSON of a value in a flat object, or nothing. A quoted key after a brace or a comma
# cannot be part of a string, which would escape the quotes.
get_option() {
  local pattern="[{,]\"${2//./\\.}\":(\"[A-Za-z0-9._ -]*\"|-?[0-9][0-9.eE+-]*|true|false|null)[,}]"
  if [[ $1 =~ $pattern ]]; then
    printf %s "${BASH_REMATCH[1]}"
  elif [[ $1 == *[\{,]"\"$2\":"* ]]; then
    die "option $2 in spec.kafka.config of Kafka $CLUSTER cannot be restored later: set retention=now"
  fi
}

# patch_config VERSION MEMO CONFIG: in one write, which the API server refuses if the Kafka has changed since
patch_config() {
  kubectl_retry patch "$KAFKA" "$CLUSTER" -n "$NAMESPACE" --type merge -p \
    "{\"metadata\":{\"resourceVersion\":\"$1\",\"annotations\":{\"$RETENTION_HELD\":$2}},\"spec\":{\"kafka\":{\"config\":$3}}}" >/dev/null
}

# read_config: sets version, memo and config. JSON from kubectl is on one line.
read_config() {
  local fields end
  fields=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o \
    "jsonpath={.metadata.resourceVersion}{\"\\n\"}{.metadata.annotations.${RETENTION_HELD//./\\.}}{\"\\n\"}{.spec.kafka.config}{\"\\n\"}end")
  { read -r version && IFS= read -r memo && IFS= read -r config && read -r end; } < <(printf '%s\n' "$fields") ||
    die "Kafka $CLUSTER cannot be read"
  [[ -n $version && $end == end ]] || die "Kafka $CLUSTER cannot be read"
  before=
  [[ -z $memo ]] || { [[ $memo =~ \"before\":(null|\{[^{}]*\}) ]] && before=${BASH_REMATCH[1]}; } ||
    die "annotation $RETENTION_HELD of Kafka $CLUSTER is damaged: correct spec.kafka.config by hand and remove the annotation"
}

# is_held FOUND HELD: whether two values of JSON are the same for Kafka, as text or not
is_held() { [[ -n $2 && ${1//\"/} == "${2//\"/}" ]]; }

# former_value KEY: of an option before the hold, or null. If the Kafka is held, this is in its annotation, except of an
# option that a user has changed since: its value now is the former one of the next hold.
former_value() {
  local found held=''
  found=$(get_option "$config" "$1") || exit 1
  [[ -z $memo ]] || held=$(get_option "${memo#*\"held\":}" "$1") || exit 1
  ! is_held "$found" "$held" || found=$(get_option "$before" "$1") || exit 1
  printf %s "${found:-null}"
}

# hold_retention DELAY TIME: TIME of the backup. The same write stores the former values. A repeat does not store its
# own values as former ones.
hold_retention() {
  local version memo config before key value former formers='' had_option='' created=$2 new_options=''
  read_config
  while read -r key value; do
    former=$(former_value "$key") || exit 1 # apply_retention only checks the last exit status
    [[ $former == null ]] || had_option=true
    formers+="${formers:+,}\"$key\":$former"
    new_options+="${new_options:+,}\"$key\":\"$value\""
  done < <(hold_options "$1")
  if [[ -z $config || ($before == null && -z $had_option) ]]; then
    before=null # there was none at all
  else
    before="{$formers}"
  fi
  memo="{\"since\":\"$(now)\",\"retention\":\"${RETENTION:-hold}\",\"backup\":\"$(json_safe "$created")\",\"before\":$before,\"held\":{$new_options}}"
  patch_config "$version" "\"${memo//\"/\\\"}\"" "{$new_options}"
}

# release_retention: if a backup is of a Kafka whose retention was held, and retention is `now`
release_retention() {
  local version memo config before key held found previous rest new_options=''
  read_config
  [[ -n $memo ]] || return 0
  rest=$config
  while read -r key _; do
    held=$(get_option "${memo#*\"held\":}" "$key") || exit 1
    found=$(get_option "$config" "$key") || exit 1
    is_held "$found" "$held" || continue # a user has changed it since
    rest=${rest/"\"$key\":$found"/}
    previous=$(get_option "$before" "$key") || exit 1
    new_options+="${new_options:+,}\"$key\":${previous:-null}"
  done < <(hold_options 0)
  new_options="{$new_options}"
  # there was none at all, or a user has removed it since
  [[ -n $config && ($before != null || ${rest//,/} != '{}') ]] || new_options=null
  patch_config "$version" null "$new_options"
}

# apply_retention TIME: as RETENTION requires. It repeats a conflict, because the operator writes the status
# at the same time.
apply_retention() {
  local delay attempt
  delay=$(retention_delay "$RETENTION")
  # shellcheck disable=SC2034 # a counter
  for attempt in 1 2 3 4 5 6 7 8; do
    if ((delay == 0)); then
      release_retention && return 0
    else
      hold_retention "$delay" "$1" && return 0
    fi
    sleep 1
  done
  die "retention of Kafka $CLUSTER could not be set: see the lines above"
}

# read_topics BACKUP: the list of topics.sh. If BACKUP is empty, the backup is Kasten's and the state ConfigMap
# has the list.
read_topics() {
  local packed
  if [[ -n $1 ]]; then
    [[ -n $(find_object secrets "$CLUSTER-backup-$1-topics" "$NAMESPACE") ]] || return 0
    packed=$(kubectl_retry get secret "$CLUSTER-backup-$1-topics" -n "$NAMESPACE" -o 'jsonpath={.data.objects}')
  else
    packed=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.binaryData.topics}')
  fi
  [[ -z $packed ]] || printf %s "$packed" | base64 -d | gzip -dc
}

# backup_time BACKUP: its fourteen digits in the format of now()
backup_time() { [[ -z $1 ]] || printf %s "${1:0:4}-${1:4:2}-${1:6:2}T${1:8:2}:${1:10:2}:${1:12:2}Z"; }

# count_expired AGE: reads lines of topics.sh. For a backup that is AGE ms old, it prints the number of topics that
# lose all records, that lose the oldest ones by age, by size, and of compacted topics that lose tombstones, and
# then names of the first.
count_expired() {
  awk -v age="$1" -v most="$TOPIC_NAMES_MAX" '
    /^#/ || NF < 5 { next }
    $4 ~ /delete/ && $2 >= 0 && $2 <= age { emptied++; if (emptied <= most) names = names " " $1; next }
    $4 ~ /delete/ && $2 >= 0 { older++ }
    $4 ~ /delete/ && $3 >= 0 { size++ }
    $4 ~ /compact/ && $5 >= 0 && $5 <= age { tombstones++ }
    END {
      if (emptied > most) names = names " and " (emptied - most) " more"
      printf "%d %d %d %d%s\n", emptied, older, size, tombstones, names
    }'
}

# report_expired TIME TOPICS: reports expired records in a backup of that TIME
report_expired() {
  local head age delay offsets emptied older size tombstones names
  local created=$1 text=$2
  delay=$(retention_delay "$RETENTION")
  head=${text%%$'\n'*}
  [[ $head != '# '* ]] || read -r _ created _ offsets _ < <(printf '%s\n' "$head")
  if [[ ! $created =~ ^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z$ ]]; then
    log 'WARNING: the age of the backup is unknown, so it is unknown which records have expired'
    return 0
  fi
  age=$(($(printf '%(%s)T' -1) - $(epoch_seconds "${BASH_REMATCH[@]:1}")))
  ((age >= 0)) || age=0
  log "the backup was made at $created, $(format_duration "$age") ago"
  if [[ $head != '# '* ]]; then
    log 'WARNING: this backup does not have the retention of its topics, so it is unknown which would lose records'
    return 0
  fi
  [[ $head != *' cut='* ]] || log "WARNING: the backup has only a part of its topics:${head##* cut=} more are unknown"
  read -r emptied older size tombstones names < <(printf '%s\n' "$text" | count_expired "$((age * 1000))")
  if ((emptied > 0)); then
    if ((delay == 0)); then
      log "WILL BE LOST: every record of $emptied topics, which are older than their retention: $names"
    else
      log "older than their retention are all records of $emptied topics, which would be emptied: $names"
    fi
  fi
  log "retention also deletes the oldest records of $older topics by age and of $size by size, and tombstones of $tombstones compacted topics"
  [[ ! $offsets =~ ^[0-9]{1,10}$ ]] || ((age < offsets * 60)) ||
    log "offsets of consumer groups without members have passed offsets.retention.minutes ($offsets) too"
}

# epoch_seconds YEAR MONTH DAY HOUR MINUTE SECOND: in UTC. Not every date of busybox can read the text.
epoch_seconds() {
  local y=$((10#$1)) m=$((10#$2)) d=$((10#$3)) era doy
  ((m > 2)) || y=$((y - 1))
  era=$((y / 400))
  doy=$(((153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1))
  y=$((y - era * 400))
  printf %s "$(((era * 146097 + y * 365 + y / 4 - y / 100 + doy - 719468) * 86400 + 10#$4 * 3600 + 10#$5 * 60 + 10#$6))"
}

# log_retention: what happens to retention
log_retention() {
  case $RETENTION in
    '' | hold) log "retention will be HELD: Kafka $CLUSTER deletes nothing until you run: kanister-kafka release-retention $CLUSTER -n $NAMESPACE" ;;
    now) log "retention is NOT held: expired records are deleted 30 s after the start of Kafka $CLUSTER" ;;
    *) log "retention will be HELD for $RETENTION after each start of a broker of Kafka $CLUSTER, and for consumer offsets and transactional ids until you run: kanister-kafka release-retention $CLUSTER -n $NAMESPACE" ;;
  esac
}
