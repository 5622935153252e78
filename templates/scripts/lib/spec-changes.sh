# shellcheck shell=bash
# Changes of Kafka and its node pools during a stop. The operator compares a spec with the StrimziPodSet, which the
# stop has deleted. So it would create new, empty volumes, or ask brokers that do not run and never start them.

# is_older A B: whether version A is older than B
is_older() { [[ $1 != "$2" && $(printf '%s\n%s\n' "$1" "$2" | sort -V | sed -n 1p) == "$1" ]]; }

# spec_refusals OLD NEW VERSION: OLD and NEW are outputs of specs_line, VERSION is the one that ran if the spec had
# none. Prints the changes that must be reverted before the start.
spec_refusals() {
  local before=";$1" entry name version metadata replicas roles storage previous field
  local old_version old_metadata old_replicas old_roles old_storage skips=
  IFS=, read -r _ _ _ _ _ _ _ skips _ < <(printf '%s\n' "${2%%;*}")
  while IFS= read -r -d ';' entry; do
    IFS=, read -r name _ version metadata replicas roles storage _ < <(printf '%s\n' "$entry")
    previous=${before#*";$name,"}
    [[ $previous != "$before" ]] || continue
    IFS=, read -r _ old_version old_metadata old_replicas old_roles old_storage _ < <(printf '%s\n' "${previous%%;*}")
    case $name in
      Kafka) field="spec.kafka%s of Kafka $CLUSTER" ;;
      ZooKeeper) field="spec.zookeeper%s of Kafka $CLUSTER" ;;
      *) field="spec%s of KafkaNodePool $name" ;;
    esac
    # shellcheck disable=SC2059 # field is a format
    {
      [[ $storage == "$old_storage" ]] ||
        printf "set $field back to %s, because with %s its nodes start on other, empty volumes; " .storage "${old_storage:-nothing}" "${storage:-nothing}"
      [[ $roles == "$old_roles" ]] ||
        printf "set $field back to %s; " .roles "$old_roles"
      if [[ $replicas != "$old_replicas" ]]; then
        if [[ $name == ZooKeeper || $old_roles == *controller* ]]; then
          printf "set $field back to %s, because a stopped metadata quorum is not scaled; " .replicas "$old_replicas"
        elif ((${replicas:-0} < ${old_replicas:-0})) && [[ $skips != [Tt][Rr][Uu][Ee] ]]; then
          printf "set $field back to %s, or annotate Kafka $CLUSTER with $SKIP_CHECK=true if those nodes have no data; " .replicas "$old_replicas"
        fi
      fi
      if [[ $version != "$old_version" ]] && { [[ -z $version ]] || is_older "$version" "${old_version:-${3:-0}}"; }; then
        printf "set $field back to %s; " .version "${old_version:-$3}"
      fi
      [[ $metadata == "$old_metadata" ]] ||
        printf "set $field back to %s; " .metadataVersion "${old_metadata:-nothing}"
    }
  done < <(printf %s "$2")
}
