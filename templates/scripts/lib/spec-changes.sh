# shellcheck shell=bash
# What was changed on Kafka and its node pools while they were stopped. The operator compares a change
# with the StrimziPodSet, which the stop has deleted: then it takes other volumes for new ones, which are
# empty, or asks brokers that do not run, and never starts them.

# older A B: whether version A is older than B
is_older() { [[ $1 != "$2" && $(printf '%s\n%s\n' "$1" "$2" | sort -V | sed -n 1p) == "$1" ]]; }

# refusals REPLACED_LABEL FINGERPRINT VERSION: both as specs_line prints them; VERSION is what ran where none was asked
# for. Prints what must be put back before anything is started.
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
    # shellcheck disable=SC2059 # place is a format of our own
    {
      [[ $storage == "$old_storage" ]] ||
        printf "put $field back to %s, for with %s its nodes start on other volumes, which are empty; " .storage "${old_storage:-nothing}" "${storage:-nothing}"
      [[ $roles == "$old_roles" ]] ||
        printf "put $field back to %s; " .roles "$old_roles"
      if [[ $replicas != "$old_replicas" ]]; then
        if [[ $name == ZooKeeper || $old_roles == *controller* ]]; then
          printf "put $field back to %s, for a metadata quorum is not scaled while it is stopped; " .replicas "$old_replicas"
        elif ((${replicas:-0} < ${old_replicas:-0})) && [[ $skips != [Tt][Rr][Uu][Ee] ]]; then
          printf "put $field back to %s, or annotate Kafka $CLUSTER with $SKIP_CHECK=true where nothing is on those nodes; " .replicas "$old_replicas"
        fi
      fi
      if [[ $version != "$old_version" ]] && { [[ -z $version ]] || is_older "$version" "${old_version:-${3:-0}}"; }; then
        printf "put $field back to %s; " .version "${old_version:-$3}"
      fi
      [[ $metadata == "$old_metadata" ]] ||
        printf "put $field back to %s; " .metadataVersion "${old_metadata:-nothing}"
    }
  done < <(printf %s "$2")
}
