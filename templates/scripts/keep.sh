# shellcheck shell=bash
# Keeps every object that a restore needs in Secrets beside the snapshots: certificate authorities,
# users' credentials and custom resources, as they are to be put back. Before the stop, so that it
# costs no outage.
# Arguments: PLURAL/NAMESPACE/NAME/KIND/WORKLOAD of each writer.
AT_ONCE=50 # objects in one Secret, which holds 1 MiB
# What another object with the same name must not have. A finalizer would hold a topic for ever
# where its operator is gone, and an owner that is no more has its objects collected.
STRIP='"uid": null, "resourceVersion": null, "generation": null, "creationTimestamp": null, "managedFields": null, "ownerReferences": null, "finalizers": null'

backup=$(backup_of "$RUN")

# keep ORDER RESOURCE NAMES [ANNOTATIONS]: names without the resource, one a line
keep() {
  local names part=0 wanted
  mapfile -t names < <([[ -z $3 ]] || printf '%s\n' "$3")
  while ((part * AT_ONCE < ${#names[@]})); do
    wanted=("${names[@]:part * AT_ONCE:AT_ONCE}")
    api get "$2" "${wanted[@]}" -n "$NAMESPACE" -o json |
      kubectl patch --local -f - --type merge -o json -p "{\"metadata\": {$STRIP${4:+, \"annotations\": {$4\}}}, \"status\": null}" |
      store "$1-$(printf %03d "$part")"
    part=$((part + 1))
  done
  ((${#names[@]} == 0)) || say "kept ${#names[@]} of $2"
}

# store PART: what comes in, as a Secret
store() {
  kubectl create secret generic "$CLUSTER-backup-$backup-$1" -n "$NAMESPACE" --from-file=objects=/dev/stdin --dry-run=client -o json |
    kubectl patch --local -f - --type merge -o json -p "{\"metadata\": {$(labels_of "$backup")}}" |
    kubectl create -f - >/dev/null
}

# named RESOURCE SELECTOR
named() { api get "$1" -n "$NAMESPACE" -l "$2" -o 'jsonpath={range .items[*]}{.metadata.name}{"\n"}{end}'; }

# keep_named ORDER RESOURCE SELECTOR: what could not be read must not pass for nothing.
keep_named() {
  local names
  names=$(named "$2" "$3")
  keep "$1" "$2" "$names"
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

step "keeping what a restore of backup $backup needs"
value=$(annotation "$KAFKA" "$CLUSTER" "$NAMESPACE" "$PAUSE")
value=${value:+value:$(plain "$value")}
paused="\"$PAUSE\": \"true\", \"$PAUSE_BEFORE\": \"${value:-unset}\", \"$RESTART_BY\": null"
of_cluster=strimzi.io/cluster=$CLUSTER
claims | store 0-000
pids=()
keep_named 1 secrets "$of_cluster,strimzi.io/component-type=certificate-authority" & pids+=($!)
keep_named 2 secrets "$of_cluster,strimzi.io/kind=KafkaUser" & pids+=($!)
keep_named 3 "kafkausers.$API" "$of_cluster" & pids+=($!)
keep_named 4 "kafkatopics.$API" "$of_cluster" & pids+=($!)
[[ -z $POOLS ]] || { keep 5 "kafkanodepools.$API" "${POOLS//,/$'\n'}" & pids+=($!); }
keep 6 "$KAFKA" "$CLUSTER" "$paused" & pids+=($!)
order=7
for writer in "$@"; do
  IFS=/ read -r resource home name _ < <(printf '%s\n' "$writer")
  resource=$resource.$API
  [[ $home == "$NAMESPACE" ]] || continue # what is in another namespace is not lost with this one
  [[ -n $(exists "$resource" "$name" "$home") ]] || continue
  keep "$order" "$resource" "$name" & pids+=($!)
  order=$((order + 1))
  [[ $resource == "kafkaconnects.$API" ]] || continue
  connectors=$(named "kafkaconnectors.$API" "strimzi.io/cluster=$name")
  keep "$order" "kafkaconnectors.$API" "$connectors" & pids+=($!)
  order=$((order + 1))
done
for pid in "${pids[@]}"; do wait "$pid" || fail 'the lines above say what could not be kept'; done

# What the status told before the pause, for the ids must be put back into it; made last, so that it
# shows that nothing is missing.
facts() {
  local key value
  for key in clusterId kafkaVersion ${POOLS//,/ }; do
    [[ ,$POOLS, != *",$key,"* ]] || key=nodeIds.$key
    value=$(recorded "${key//./\\.}")
    printf '%s=%s\n' "$key" "$value"
  done
}
told=$(facts)
kept=$(named secrets "$OF_BACKUP=$backup,kanister-kafka.io/cluster=$CLUSTER")
printf '%s\nparts=%d\n' "$told" "$(printf '%s\n' "$kept" | wc -l)" | store facts
say "kept all objects of backup $backup"
