# shellcheck shell=bash
# What of Strimzi's clients runs, by its pods: a GitOps controller or an autoscaler may have started
# again what was quiesced, and what was made after the Blueprint was rendered nobody has quiesced.

# running_writers ARGUMENT...: KIND/NAMESPACE/NAME of each that has pods, but for those that the Blueprint
# leaves alone. A pod that has ended, such as that of a build, writes no more.
running_writers() {
  local writer home rows='' one
  local -A homes=([$NAMESPACE]=yes)
  for writer in "$@"; do
    IFS=/ read -r _ home _ < <(printf '%s\n' "$writer")
    homes[$home]=yes
  done
  for home in "${!homes[@]}"; do
    one=$(api get pods -n "$home" -l 'strimzi.io/kind in (KafkaBridge,KafkaConnect,KafkaMirrorMaker,KafkaMirrorMaker2)' \
      --field-selector=status.phase!=Succeeded,status.phase!=Failed -o \
      'jsonpath={range .items[*]}{.metadata.labels.strimzi\.io/kind}/{.metadata.namespace}/{.metadata.labels.strimzi\.io/cluster}{"\n"}{end}') || return 1
    rows+=${one:+$one$'\n'}
  done
  while read -r one; do
    [[ -z $one || ,$BYSTANDERS, == *",$one,"* ]] || printf '%s\n' "$one"
  done < <(printf %s "$rows" | sort -u)
}

# is_known KIND/NAMESPACE/NAME ARGUMENT...
is_known() {
  local writer home name kind
  for writer in "${@:2}"; do
    IFS=/ read -r _ home name kind _ < <(printf '%s\n' "$writer")
    [[ $1 != "$kind/$home/$name" ]] || return 0
  done
  return 1
}

# strangers ARGUMENT...: prints what runs and is neither known to write nor known not to
strangers() {
  local running one
  running=$(running_writers "$@")
  for one in $running; do
    is_known "$one" "$@" || printf '%s runs, and this Blueprint does not know whether it writes into Kafka %s: render it again; ' "$one" "$CLUSTER"
  done
}

# writers_at_rest ARGUMENT...: fails where anything runs
writers_at_rest() {
  local running one found=
  running=$(running_writers "$@")
  for one in $running; do
    if is_known "$one" "$@"; then
      found+="$one was stopped and runs again: somebody else has started it, such as a GitOps controller, for which there is --quiesce-by pause, or an autoscaler, which is to be paused; "
    else
      found+="$one runs, and this Blueprint does not know whether it writes into Kafka $CLUSTER: render it again; "
    fi
  done
  [[ -z $found ]] || fail "${found%; }"
}
