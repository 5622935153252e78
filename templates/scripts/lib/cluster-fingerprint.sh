# shellcheck shell=bash
# Specs of Kafka and its node pools, and the volumes of its nodes, as short texts that are stored and compared:
# the saved objects and the snapshots of a backup must show the same state.
VOLUMES='{range VOLUMES.volumes[*]} {.id}:{.type}:{.kraftMetadata}{end}'
SKIP_CHECK=strimzi.io/skip-broker-scaledown-check

# list_specs: NAME,GENERATION,VERSION,METADATA VERSION,REPLICAS,ROLES,STORAGE,SKIP of the Kafka, of ZooKeeper
# and of each pool, a line each. With pools, Strimzi ignores replicas and storage of the Kafka itself.
list_specs() {
  local asked='Kafka,{.metadata.generation},{.spec.kafka.version},{.spec.kafka.metadataVersion},' pool rows
  if [[ -z $POOLS ]]; then
    asked+="{.spec.kafka.replicas},,{.spec.kafka.storage.type}${VOLUMES/VOLUMES/.spec.kafka.storage}"
  else
    asked+=',,'
  fi
  asked+=",{.metadata.annotations.${SKIP_CHECK//./\\.}}{\"\\n\"}"
  [[ -z $ZOOKEEPER ]] || asked+='ZooKeeper,,,,{.spec.zookeeper.replicas},,{.spec.zookeeper.storage.type},{"\n"}'
  kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o "jsonpath=$asked" || return 1
  [[ -n $POOLS ]] || return 0
  pool="{.metadata.name},{.metadata.generation},,,{.spec.replicas},{.spec.roles[*]},{.spec.storage.type}${VOLUMES/VOLUMES/.spec.storage},{\"\\n\"}"
  rows=$(pools_jsonpath "$pool") || return 1
  printf '%s\n' "$rows"
}

# pools_jsonpath ROW: of each pool. kubectl returns a list, or an object if there is only one pool
pools_jsonpath() {
  local names
  mapfile -t -d , names < <(printf %s "$POOLS")
  kubectl_retry get "kafkanodepools.$API" "${names[@]}" -n "$NAMESPACE" --ignore-not-found -o "jsonpath={range .items[*]}$1{end}$1"
}

# sort_words WORDS: sorted, because the order in a spec or status has no meaning
sort_words() {
  local words
  read -ra words < <(printf '%s\n' "$1")
  ((${#words[@]} == 0)) || printf '%s\n' "${words[@]}" | sort -V | paste -sd ' ' -
}

# specs_line: the output of list_specs as one line for the state ConfigMap, entries separated by semicolons
specs_line() {
  local rows name generation version metadata replicas roles storage skip kind line=
  rows=$(list_specs) || return 1
  while IFS=, read -r name generation version metadata replicas roles storage skip; do
    [[ -n $name ]] || continue
    roles=$(sort_words "$roles") kind=${storage%% *}
    storage=$(sort_words "${storage#"$kind"}")
    line+="$name,$generation,$version,$metadata,$replicas,$roles,$kind${storage:+ $storage},$skip;"
  done < <(printf '%s\n' "$rows")
  json_safe "$line"
}

# pool_ids: POOL ID... of each pool
pool_ids() {
  local rows name ids
  [[ -n $POOLS ]] || return 0
  rows=$(pools_jsonpath '{.metadata.name} {.status.nodeIds}{"\n"}') || return 1
  while read -r name ids; do
    [[ -z $name ]] || printf '%s %s\n' "$name" "$(sort_words "${ids//[^0-9]/ }")"
  done < <(printf '%s\n' "$rows")
}

# ids_line: the output of pool_ids as one line
ids_line() {
  local rows
  rows=$(pool_ids) || return 1
  json_safe "${rows//$'\n'/;}"
}

# pod_claims: POD CLAIM of each volume of data. Kafka only keeps data on volumes with these names.
pod_claims() {
  local rows
  rows=$(kubectl_retry get pods -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/name in ($CLUSTER-kafka,$CLUSTER-zookeeper)" -o \
    'jsonpath={range .items[*]}{.metadata.name}{range .spec.volumes[*]} {.name}={.persistentVolumeClaim.claimName}{end}{"\n"}{end}') || return 1
  printf '%s\n' "$rows" | awk '{ for (i = 2; i <= NF; i++) if ($i ~ /^data(-[0-9]+)?=./) { sub(/^[^=]*=/, "", $i); print $1, $i } }' | sort
}

# claims_by_label: names of the claims that a backup snapshots
claims_by_label() {
  local names
  names=$(kubectl_retry get persistentvolumeclaims -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/kind=Kafka" -o 'jsonpath={.items[*].metadata.name}') || return 1
  sort_words "$names"
}

digest() { sha256sum | cut -d ' ' -f 1; }

# compute_fingerprint: sets FINGERPRINT to the output of specs_line and ids_line, a digest of pods with their
# claims and a digest of the names of claims, separated by |
compute_fingerprint() {
  local specs ids pairs names pod claim
  specs=$(specs_line)
  ids=$(ids_line)
  pairs=$(pod_claims)
  names=$(claims_by_label)
  if [[ -n ${SNAPSHOT_BY_LABEL-} ]]; then # a backup would not contain a claim without these labels
    while read -r pod claim; do
      [[ -z $claim || " $names " == *" $claim "* ]] ||
        die "claim $claim of pod $pod lacks the labels strimzi.io/cluster=$CLUSTER and strimzi.io/kind=Kafka, which select the claims for snapshots: set them again"
    done < <(printf '%s\n' "$pairs")
  fi
  # shellcheck disable=SC2034 # callers read it
  FINGERPRINT="$specs|$ids|$(printf %s "$pairs" | digest)|$(printf %s "$names" | digest)"
}

# verify_after_pause: checks between the pause and the first deletion
verify_after_pause() {
  local fields owner=
  fields=$(pause_state)
  ! owns_pause "$fields" || owner=kanister-kafka
  set_state "pauseOwner=$owner"
  assert_unchanged
}

# assert_unchanged: the operator could change the cluster until the pause, so that the stored data is outdated
assert_unchanged() {
  local fields saved current key
  local -A names=([0]='specs of Kafka or KafkaNodePools' [1]='node ids' [2]='claims of pods' [3]=claims)
  begin_step "comparing Kafka $CLUSTER with its stored specs"
  fields=$(kubectl_retry get configmap "$STATE_CONFIGMAP" -n "$NAMESPACE" -o 'jsonpath={.data.specs}|{.data.ids}|{.data.podClaims}|{.data.claims}')
  compute_fingerprint
  IFS='|' read -ra saved < <(printf '%s\n' "$fields")
  IFS='|' read -ra current < <(printf '%s\n' "$FINGERPRINT")
  for key in 0 1 2 3; do
    [[ ${saved[key]-} == "${current[key]-}" ]] ||
      die "${names[$key]} of Kafka $CLUSTER have changed since they were stored: run the backup again"
  done
}
