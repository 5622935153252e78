# shellcheck shell=bash
# Kafka deletes what has passed its retention 30 s after its start, and in a backup that is older than
# its topics' retention that is everything. So a restored Kafka holds it back, by options of its brokers:
# those of a topic are the Topic Operator's, and these outlast every restart. Measured: docs/design.md.
TEN_YEARS=315360000000 # in ms; Kafka counts in ns, of which a long holds 292 years
INT_MAX=2147483647     # of ms 24 days, of minutes 4000 years
TOPIC_NAMES_MAX=30             # names of topics in one line

# delay_of RETENTION: for how many ms after its start a broker deletes no records; 0 for now
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

# held_options DELAY: KEY VALUE of each. The first is Kafka's since 3.8: without it the first run of
# the task that deletes comes 30 s after the start, whatever its interval is. Transactional and
# producer ids have no longer number, and what is older than that when its log is loaded is dropped.
hold_options() {
  printf '%s\n' "log.initial.task.delay.ms $1" 'log.cleaner.enable false' \
    "offsets.retention.minutes $INT_MAX" "offsets.retention.check.interval.ms $TEN_YEARS" \
    "transactional.id.expiration.ms $INT_MAX" "transaction.remove.expired.transaction.cleanup.interval.ms $INT_MAX" \
    "producer.id.expiration.ms $INT_MAX" "producer.id.expiration.check.interval.ms $INT_MAX"
}

# check_holdable VERSION: of Kafka. An older one would ignore the first option and delete, and 5.0 is
# to ignore log.cleaner.enable.
check_hold_supported() {
  local version
  [[ $1 =~ ^([0-9]{1,4})\.([0-9]{1,4}) ]] ||
    die "which version of Kafka this is nothing tells, so its retention may not be held: say retention=now, after you have raised what would be lost"
  version=$((10#${BASH_REMATCH[1]} * 10000 + 10#${BASH_REMATCH[2]}))
  ((version >= 30008 && version < 50000)) ||
    die "the retention of Kafka $1 cannot be held, only that of 3.8 to 4: say retention=now, and it deletes at once what has passed its retention"
}

# option JSON KEY: the value as it stands in a flat JSON object, or nothing. A key in quotes after a
# brace or a comma cannot be a part of a text: there its quotes would be escaped.
get_option() {
  local pattern="[{,]\"${2//./\\.}\":(\"[A-Za-z0-9._ -]*\"|-?[0-9][0-9.eE+-]*|true|false|null)[,}]"
  if [[ $1 =~ $pattern ]]; then
    printf %s "${BASH_REMATCH[1]}"
  elif [[ $1 == *[\{,]"\"$2\":"* ]]; then
    die "option $2 in spec.kafka.config of Kafka $CLUSTER is nothing that could be put back: say retention=now"
  fi
}

# put_config VERSION MEMO CONFIG: one write, and refused where the Kafka has changed since it was read
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
    die "annotation $RETENTION_HELD of Kafka $CLUSTER is damaged: put spec.kafka.config right by hand and remove it"
}

# hold DELAY MADE: MADE is when the backup was made. What the options were is kept in the same write, once, so that a repeat cannot take the
# hold for what was found.
hold_retention() {
  local version memo config before key value found created=$2 new_options=''
  read_config
  if [[ -z $before && -n $config ]]; then
    while read -r key _; do
      found=$(get_option "$config" "$key") || exit 1 # settle_retention looks at the end alone
      before+="${before:+,}\"$key\":${found:-null}"
    done < <(hold_options "$1")
    before="{$before}"
  fi
  while read -r key value; do new_options+="${new_options:+,}\"$key\":\"$value\""; done < <(hold_options "$1")
  memo="{\"since\":\"$(now)\",\"retention\":\"${RETENTION:-hold}\",\"backup\":\"$(json_safe "$created")\",\"before\":${before:-null},\"held\":{$new_options}}"
  patch_config "$version" "\"${memo//\"/\\\"}\"" "{$new_options}"
}

# unhold: for a backup of a Kafka that was held itself, where nothing is to be held any more
release_retention() {
  local version memo config before key held found previous rest new_options=''
  read_config
  [[ -n $memo ]] || return 0
  rest=$config
  while read -r key _; do
    held=$(get_option "${memo#*\"held\":}" "$key") || exit 1
    found=$(get_option "$config" "$key") || exit 1
    [[ -n $held && $found == "$held" ]] || continue # somebody has changed it since
    rest=${rest/"\"$key\":$found"/}
    previous=$(get_option "$before" "$key") || exit 1
    new_options+="${new_options:+,}\"$key\":${previous:-null}"
  done < <(hold_options 0)
  new_options="{$new_options}"
  [[ $before != null || ${rest//,/} != '{}' ]] || new_options=null # there was none at all
  patch_config "$version" null "$new_options"
}

# settle_retention MADE: as RETENTION says. The operator writes into the status meanwhile, so that what was
# read may be old.
apply_retention() {
  local delay attempt
  delay=$(retention_delay "$RETENTION")
  # shellcheck disable=SC2034 # it only counts
  for attempt in 1 2 3 4 5 6 7 8; do
    if ((delay == 0)); then
      release_retention && return 0
    else
      hold_retention "$delay" "$1" && return 0
    fi
    sleep 1
  done
  die "retention of Kafka $CLUSTER could not be settled: the lines above say why"
}

# topics_of BACKUP: what topics.sh has kept; of Kasten's, where BACKUP is empty, the record has it
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

# time_of BACKUP: its fourteen digits as now() spells a time
backup_time() { [[ -z $1 ]] || printf %s "${1:0:4}-${1:4:2}-${1:6:2}T${1:8:2}:${1:10:2}:${1:12:2}Z"; }

# aging AGE: of what comes in, lines of topics.sh, prints how many topics lose every record of a backup
# that is AGE ms old, how many their oldest ones as they come of age, how many by size, how many compacted
# ones their tombstones, and then names of the first.
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

# compare_age MADE TOPICS: tells what is older than its retention in a backup that was made at MADE
report_expired() {
  local head age delay offsets emptied older size tombstones names
  local created=$1 text=$2
  delay=$(retention_delay "$RETENTION")
  head=${text%%$'\n'*}
  [[ $head != '# '* ]] || read -r _ created _ offsets _ < <(printf '%s\n' "$head")
  if [[ ! $created =~ ^([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z$ ]]; then
    log 'WARNING: nothing tells how old the backup is, so it cannot be said which records have passed their retention'
    return 0
  fi
  age=$(($(printf '%(%s)T' -1) - $(epoch_seconds "${BASH_REMATCH[@]:1}")))
  ((age >= 0)) || age=0
  log "the backup was made at $created, $(format_duration "$age") ago"
  if [[ $head != '# '* ]]; then
    log 'WARNING: this backup does not tell the retention of its topics, so it cannot be said which would lose records'
    return 0
  fi
  [[ $head != *' cut='* ]] || log "WARNING: the backup names only a part of its topics:${head##* cut=} more are not known"
  read -r emptied older size tombstones names < <(printf '%s\n' "$text" | count_expired "$((age * 1000))")
  if ((emptied > 0)); then
    if ((delay == 0)); then
      log "WILL BE LOST: every record of $emptied topics, which are older than their retention: $names"
    else
      log "older than their retention are all records of $emptied topics, which would be emptied: $names"
    fi
  fi
  log "retention also lets go: the oldest records of $older topics by age and of $size by size, as they pass it; tombstones of $tombstones compacted topics"
  [[ ! $offsets =~ ^[0-9]{1,10}$ ]] || ((age < offsets * 60)) ||
    log "offsets of consumer groups without members have passed offsets.retention.minutes ($offsets) too"
}

# epoch YEAR MONTH DAY HOUR MINUTE SECOND: in UTC; date of busybox reads no such text everywhere
epoch_seconds() {
  local y=$((10#$1)) m=$((10#$2)) d=$((10#$3)) era doy
  ((m > 2)) || y=$((y - 1))
  era=$((y / 400))
  doy=$(((153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1))
  y=$((y - era * 400))
  printf %s "$(((era * 146097 + y * 365 + y / 4 - y / 100 + doy - 719468) * 86400 + 10#$4 * 3600 + 10#$5 * 60 + 10#$6))"
}

# say_retention: what will be done
log_retention() {
  case $RETENTION in
    '' | hold) log "retention will be HELD: Kafka $CLUSTER deletes nothing until somebody runs: kanister-kafka release-retention $CLUSTER -n $NAMESPACE" ;;
    now) log "retention is NOT held: what has passed it is deleted 30 s after the start of Kafka $CLUSTER" ;;
    *) log "retention will be HELD for $RETENTION after each start of a broker of Kafka $CLUSTER, all but records until somebody runs: kanister-kafka release-retention $CLUSTER -n $NAMESPACE" ;;
  esac
}
