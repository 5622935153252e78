# shellcheck shell=bash
# Keeps every object that a restore needs in Secrets beside the snapshots: certificate authorities,
# users' credentials and custom resources, as they are to be put back. Before the stop, so that it
# costs no outage.
. ./prelude.sh
. ./rights.sh
. ./pause.sh
. ./switch.sh
. ./backup.sh

PART_BYTES=700000 # of objects in one Secret, before they are compressed: it holds 1 MiB
# What another object with the same name must not have. A finalizer would hold a topic for ever
# where its operator is gone, and an owner that is no more has its objects collected.
STRIP='"uid": null, "resourceVersion": null, "generation": null, "creationTimestamp": null, "managedFields": null, "ownerReferences": null, "finalizers": null'

backup=$(backup_of "$RUN")

# all_of RESOURCE WORDS...: the objects of a list as JSON, one a line
all_of() { api get "$@" -n "$NAMESPACE" -o 'jsonpath={range .items[*]}{@}{"\n"}{end}'; }

# one_of RESOURCE NAME
one_of() { api get "$1" "$2" -n "$NAMESPACE" -o 'jsonpath={@}{"\n"}'; }

# keep ORDER RESOURCE OBJECTS [ANNOTATIONS]
keep() {
  [[ -n $3 ]] || return 0
  printf '%s\n' "$3" |
    kubectl patch --local -f - --type merge -o 'jsonpath={@}{"\n"}' -p "{\"metadata\": {$STRIP${4:+, \"annotations\": {$4\}}}, \"status\": null}" |
    store_parts "$1" "$2"
}

# keep_all ORDER RESOURCE WORDS...: what could not be read must not pass for nothing.
keep_all() {
  local found
  found=$(all_of "${@:2}")
  keep "$1" "$2" "$found"
}

# store_parts ORDER RESOURCE: objects that come in, one a line, compressed, in as many Secrets as they
# need. No object is an argument of a program: the kernel takes 128 KiB in one.
store_parts() {
  local LC_ALL=C lines from=0 at size=0 part=0 # so that lengths are in bytes
  mapfile -t lines
  for ((at = 0; at <= ${#lines[@]}; at++)); do
    if ((at == ${#lines[@]} || (at > from && size + ${#lines[at]} >= PART_BYTES))); then
      printf '%s\n' "${lines[@]:from:at - from}" | gzip -c | store "$1-$(printf %03d "$part")" objects.json.gz
      part=$((part + 1)) from=$at size=0
    fi
    size=$((size + ${#lines[at]} + 1))
  done
  say "kept ${#lines[@]} of $2"
}

# store PART KEY: what comes in, as a Secret
store() {
  kubectl create secret generic "$CLUSTER-backup-$backup-$1" -n "$NAMESPACE" --from-file="$2=/dev/stdin" --dry-run=client -o json |
    kubectl patch --local -f - --type merge -o json -p "{\"metadata\": {$(labels_of "$backup")}}" |
    kubectl create -f - >/dev/null
}

# Claims that are filled from their snapshots. Its class may be the default one, then it has no name.
claims() {
  local rows name class labels spec
  rows=$(api get persistentvolumeclaims -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/kind=Kafka" -o \
    'jsonpath={range .items[*]}{.metadata.name}{"|"}{.spec.storageClassName}{"|"}{.metadata.labels}{"|\""}accessModes{"\":"}{.spec.accessModes}{",\""}volumeMode{"\":\""}{.spec.volumeMode}{"\",\""}resources{"\":"}{.spec.resources}{"\n"}{end}')
  [[ -n $rows ]] || fail "Kafka $CLUSTER has no claims"
  while IFS='|' read -r name class labels spec; do
    printf '{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "%s", "namespace": "%s", "labels": %s}, "spec": {%s%s, "dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "%s"}}}\n' \
      "$name" "$NAMESPACE" "$labels" "${class:+\"storageClassName\": \"$class\", }" "$spec" "$name-$backup"
  done < <(printf '%s\n' "$rows")
}

# Those of what comes after the stop as well: then it would be too late to learn that one is missing.
step "checking the rights of the service account"
check_rights

# By their names: an authority of your own has no label that tells what it is, and before Strimzi 0.33
# none has. Without one of them a restore gives every client another authority.
authorities=("$CLUSTER-cluster-ca" "$CLUSTER-cluster-ca-cert" "$CLUSTER-clients-ca" "$CLUSTER-clients-ca-cert")
check_authorities() {
  local found name missing=
  found=$(api get secrets "${authorities[@]}" -n "$NAMESPACE" --ignore-not-found -o name)
  for name in "${authorities[@]}"; do
    [[ $'\n'$found$'\n' == *$'\n'"secret/$name"$'\n'* ]] || missing+="$name "
  done
  [[ -z $missing ]] || fail "the certificate authorities of Kafka $CLUSTER are not whole, these Secrets are not there: ${missing% }; without them no backup can be restored"
}

# Topics and users may live in a namespace that the entity operator watches: the account has no rights
# there, and a restore puts back one namespace.
find_elsewhere() {
  local seen topics users
  seen=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.spec.entityOperator.topicOperator.watchedNamespace}|{.spec.entityOperator.userOperator.watchedNamespace}')
  topics=${seen%%|*} users=${seen#*|}
  elsewhere=
  [[ ${topics:-$NAMESPACE} == "$NAMESPACE" ]] || elsewhere="KafkaTopics of namespace $topics"
  [[ ${users:-$NAMESPACE} == "$NAMESPACE" ]] || elsewhere+="${elsewhere:+ and }KafkaUsers of namespace $users with their Secrets"
  [[ -n $elsewhere ]] || return 0
  say "WARNING: the entity operator watches another namespace: $elsewhere are NOT in this backup"
  event Warning NotKept "$elsewhere are not in backup $backup"
}

step "looking for the certificate authorities of Kafka $CLUSTER"
check_authorities
find_elsewhere
step "keeping what a restore of backup $backup needs"
value=$(annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE")
value=${value:+value:$(plain "$value")}
paused="\"$PAUSE\": \"true\", \"$PAUSE_BEFORE\": \"${value:-unset}\", \"$RESTART_BY\": null"
of_cluster=strimzi.io/cluster=$CLUSTER
claims | store_parts 0 persistentvolumeclaims
pids=()
keep_all 1 secrets "${authorities[@]}" & pids+=($!)
keep_all 2 secrets -l "$of_cluster,strimzi.io/kind=KafkaUser" & pids+=($!)
keep_all 3 "kafkausers.$API" -l "$of_cluster" & pids+=($!)
keep_all 4 "kafkatopics.$API" -l "$of_cluster" & pids+=($!)
objects=
for pool in ${POOLS//,/ }; do
  one=$(one_of "kafkanodepools.$API" "$pool")
  objects+=${objects:+$'\n'}$one
done
keep 5 "kafkanodepools.$API" "$objects" & pids+=($!)
one=$(one_of "$KAFKA" "$CLUSTER")
keep 6 "$KAFKA" "$one" "$paused" & pids+=($!)
order=7
for writer in "${writers[@]}"; do
  IFS=/ read -r resource home name _ < <(printf '%s\n' "$writer")
  resource=$resource.$API
  [[ $home == "$NAMESPACE" ]] || continue # what is in another namespace is not lost with this one
  [[ -n $(exists "$resource" "$name" "$home") ]] || continue
  one=$(one_of "$resource" "$name")
  keep "$order" "$resource" "$one" & pids+=($!)
  order=$((order + 1))
  [[ $resource == "kafkaconnects.$API" ]] || continue
  keep_all "$order" "kafkaconnectors.$API" -l "strimzi.io/cluster=$name" & pids+=($!)
  order=$((order + 1))
done
for pid in "${pids[@]}"; do wait "$pid" || fail 'the lines above say what could not be kept'; done

# What the status told before the pause, for the ids must be put back into it; made last, so that it
# shows that nothing is missing. The mark of completeness comes when every snapshot is ready.
facts() {
  local key value
  printf 'format=2\n'
  for key in clusterId kafkaVersion ${POOLS//,/ }; do
    [[ ,$POOLS, != *",$key,"* ]] || key=nodeIds.$key
    value=$(recorded "${key//./\\.}")
    printf '%s=%s\n' "$key" "$value"
  done
  value=$(api get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.spec.kafka.version}')
  printf 'specVersion=%s\nnotKept=%s\n' "$value" "$elsewhere"
}
told=$(facts)
kept=$(api get secrets -n "$NAMESPACE" -l "$OF_BACKUP=$backup,kanister-kafka.io/cluster=$CLUSTER" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}')
printf '%s\nparts=%d\n' "$told" "$(printf '%s\n' "$kept" | wc -l)" | store facts objects
say "kept all objects of backup $backup"
