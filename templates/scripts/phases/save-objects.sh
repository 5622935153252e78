# shellcheck shell=bash
# Saves every object that a restore needs in Secrets next to the snapshots: certificate authorities, credentials of
# users and custom resources, as the restore will create them. It runs before the stop, so that it does not make
# the outage longer.
. ./common.sh
. ./check-permissions.sh
. ./pause-reconciliation.sh
. ./watchdog.sh
. ./backup-labels.sh

PART_BYTES=700000 # of objects in one Secret, before they are compressed: it holds 1 MiB
# Fields that a restored object must not have. A topic with a finalizer could not be deleted without its operator,
# and the garbage collector deletes objects whose owner does not exist.
CLEARED_METADATA='"uid": null, "resourceVersion": null, "generation": null, "creationTimestamp": null, "managedFields": null, "ownerReferences": null, "finalizers": null'

backup=$(backup_id "$RUN_ID")

# list_objects RESOURCE WORDS...: objects as JSON, one in each line
list_objects() { kubectl_retry get "$@" -n "$NAMESPACE" -o 'jsonpath={range .items[*]}{@}{"\n"}{end}'; }

# get_object RESOURCE NAME
get_object() { kubectl_retry get "$1" "$2" -n "$NAMESPACE" -o 'jsonpath={@}{"\n"}'; }

# save ORDER RESOURCE OBJECTS [ANNOTATIONS]
save() {
  [[ -n $3 ]] || return 0
  printf '%s\n' "$3" |
    kubectl patch --local -f - --type merge -o 'jsonpath={@}{"\n"}' -p "{\"metadata\": {$CLEARED_METADATA${4:+, \"annotations\": {$4\}}}, \"status\": null}" |
    save_in_parts "$1" "$2"
}

# save_all ORDER RESOURCE WORDS...: fails if the list cannot be read
save_all() {
  local objects_found
  objects_found=$(list_objects "${@:2}")
  save "$1" "$2" "$objects_found"
}

# save_in_parts ORDER RESOURCE: reads objects, one in each line, and saves them compressed in as many Secrets as they
# need. Objects are not arguments of programs, which have at most 128 KiB.
save_in_parts() {
  local LC_ALL=C lines from=0 index size=0 part=0 # so that lengths are in bytes
  mapfile -t lines
  for ((index = 0; index <= ${#lines[@]}; index++)); do
    if ((index == ${#lines[@]} || (index > from && size + ${#lines[index]} >= PART_BYTES))); then
      printf '%s\n' "${lines[@]:from:index - from}" | gzip -c | store_secret "$1-$(printf %03d "$part")" objects.json.gz
      part=$((part + 1)) from=$index size=0
    fi
    size=$((size + ${#lines[index]} + 1))
  done
  log "saved ${#lines[@]} of $2"
}

# store_secret PART KEY: standard input as a Secret
store_secret() {
  kubectl create secret generic "$CLUSTER-backup-$backup-$1" -n "$NAMESPACE" --from-file="$2=/dev/stdin" --dry-run=client -o json |
    kubectl patch --local -f - --type merge -o json -p "{\"metadata\": {$(labels_json "$backup")}}" |
    kubectl create -f - >/dev/null
}

# format_claims: claims with their snapshots as data source. A claim of the default class may have no class name.
format_claims() {
  local rows name class labels spec
  rows=$(kubectl_retry get persistentvolumeclaims -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/kind=Kafka" -o \
    'jsonpath={range .items[*]}{.metadata.name}{"|"}{.spec.storageClassName}{"|"}{.metadata.labels}{"|\""}accessModes{"\":"}{.spec.accessModes}{",\""}volumeMode{"\":\""}{.spec.volumeMode}{"\",\""}resources{"\":"}{.spec.resources}{"\n"}{end}')
  [[ -n $rows ]] || die "Kafka $CLUSTER has no claims"
  while IFS='|' read -r name class labels spec; do
    printf '{"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "%s", "namespace": "%s", "labels": %s}, "spec": {%s%s, "dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "%s"}}}\n' \
      "$name" "$NAMESPACE" "$labels" "${class:+\"storageClassName\": \"$class\", }" "$spec" "$name-$backup"
  done < <(printf '%s\n' "$rows")
}

# It includes the rights of phases after the stop, when it would be too late to fail.
begin_step "checking the rights of the service account"
check_permissions
begin_step 'verifying that no other run has released the clients'
announce_pod quiescing

# By names: a custom authority has no label, and before Strimzi 0.33 none has. Without one of them, a restore would
# give every client another authority.
authorities=("$CLUSTER-cluster-ca" "$CLUSTER-cluster-ca-cert" "$CLUSTER-clients-ca" "$CLUSTER-clients-ca-cert")
check_authorities() {
  local objects_found name missing=
  objects_found=$(kubectl_retry get secrets "${authorities[@]}" -n "$NAMESPACE" --ignore-not-found -o name)
  for name in "${authorities[@]}"; do
    [[ $'\n'$objects_found$'\n' == *$'\n'"secret/$name"$'\n'* ]] || missing+="$name "
  done
  [[ -z $missing ]] || die "the certificate authorities of Kafka $CLUSTER are not complete, these Secrets do not exist: ${missing% }. A restore needs them"
}

# The entity operator may watch topics and users in another namespace. The service account has no rights there, and
# a restore creates objects in one namespace.
find_other_namespaces() {
  local fields topics users
  fields=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.spec.entityOperator.topicOperator.watchedNamespace}|{.spec.entityOperator.userOperator.watchedNamespace}')
  topics=${fields%%|*} users=${fields#*|}
  other_namespaces=
  [[ ${topics:-$NAMESPACE} == "$NAMESPACE" ]] || other_namespaces="KafkaTopics of namespace $topics"
  [[ ${users:-$NAMESPACE} == "$NAMESPACE" ]] || other_namespaces+="${other_namespaces:+ and }KafkaUsers of namespace $users with their Secrets"
  [[ -n $other_namespaces ]] || return 0
  log "WARNING: the entity operator watches another namespace: $other_namespaces are NOT in this backup"
  create_event Warning NotKept "$other_namespaces are not in backup $backup"
}

begin_step "checking the certificate authorities of Kafka $CLUSTER"
check_authorities
find_other_namespaces
begin_step "saving the objects of backup $backup"
if [[ -n ${ONLINE-} ]]; then # it is paused already
  value=$(get_annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE_BEFORE")
  value=$(json_safe "$value")
else
  value=$(get_annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE")
  value=${value:+value:$(json_safe "$value")}
fi
paused="\"$PAUSE\": \"true\", \"$PAUSE_BEFORE\": \"${value:-unset}\", \"$RESTART_BY\": null"
of_cluster=strimzi.io/cluster=$CLUSTER
format_claims | save_in_parts 0 persistentvolumeclaims
pids=()
save_all 1 secrets "${authorities[@]}" & pids+=($!)
save_all 2 secrets -l "$of_cluster,strimzi.io/kind=KafkaUser" & pids+=($!)
save_all 3 "kafkausers.$API" -l "$of_cluster" & pids+=($!)
save_all 4 "kafkatopics.$API" -l "$of_cluster" & pids+=($!)
objects=
for pool in ${POOLS//,/ }; do
  object=$(get_object "kafkanodepools.$API" "$pool")
  objects+=${objects:+$'\n'}$object
done
save 5 "kafkanodepools.$API" "$objects" & pids+=($!)
object=$(get_object "$KAFKA" "$CLUSTER")
save 6 "$KAFKA" "$object" "$paused" & pids+=($!)
order=7
for client in "${clients[@]}"; do
  IFS=/ read -r resource namespace name _ < <(printf '%s\n' "$client")
  resource=$resource.$API
  [[ $namespace == "$NAMESPACE" ]] || continue # objects in another namespace stay if this one is lost
  [[ -n $(find_object "$resource" "$name" "$namespace") ]] || continue
  object=$(get_object "$resource" "$name")
  save "$order" "$resource" "$object" & pids+=($!)
  order=$((order + 1))
  [[ $resource == "kafkaconnects.$API" ]] || continue
  save_all "$order" "kafkaconnectors.$API" -l "strimzi.io/cluster=$name" & pids+=($!)
  order=$((order + 1))
done
for pid in "${pids[@]}"; do wait "$pid" || die 'objects could not be saved: see the lines above'; done

# format_facts: ids of the status before the pause, which a restore writes to the new status. The Secret with facts is
# the last one, so it shows that the others exist. The annotation of completeness is set when every snapshot is
# ready.
format_facts() {
  local key value
  printf 'format=2\n'
  for key in clusterId kafkaVersion ${POOLS//,/ }; do
    [[ ,$POOLS, != *",$key,"* ]] || key=nodeIds.$key
    value=$(get_state "${key//./\\.}")
    printf '%s=%s\n' "$key" "$value"
  done
  value=$(kubectl_retry get "$KAFKA" "$CLUSTER" -n "$NAMESPACE" -o 'jsonpath={.spec.kafka.version}')
  printf 'specVersion=%s\nnotKept=%s\n' "$value" "$other_namespaces"
}
facts_text=$(format_facts)
secret_names=$(kubectl_retry get secrets -n "$NAMESPACE" -l "$BACKUP_LABEL=$backup,kanister-kafka.io/cluster=$CLUSTER" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}')
printf '%s\nparts=%d\n' "$facts_text" "$(printf '%s\n' "$secret_names" | wc -l)" | store_secret facts objects
log "saved all objects of backup $backup"
