# shellcheck shell=bash
# Jobs that run restic. They belong to the pod of this step: if that is deleted, so are they, with their pods and the
# claims that Kubernetes has made for these.
EXPORT_LABEL=kanister-kafka.io/export
STEP_LABEL=kanister-kafka.io/export-step # the name of the pod of the step that has made it
DEFAULT_FILES_OWNER='"runAsUser": 1001, "runAsGroup": 0, "fsGroup": 0' # of Strimzi's images
CONTAINER_SECURITY='"securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}}'

# json_text TEXT: as a JSON string
json_text() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"} text=${text//$'\n'/\\n} text=${text//$'\t'/\\t}
  printf '"%s"' "$text"
}

# env_json NAME VALUE...: environment variables of a container
env_json() {
  local separator=
  while (($#)); do
    printf '%s{"name": "%s", "value": %s}' "$separator" "$1" "$(json_text "$2")"
    separator=', '
    shift 2
  done
}

# secret_env_json NAME KEY...: variables from the Secret with the credentials
secret_env_json() {
  while (($#)); do
    printf ', {"name": "%s", "valueFrom": {"secretKeyRef": {"name": "%s", "key": "%s"}}}' "$1" "$EXPORT_SECRET" "$2"
    shift 2
  done
}

# find_files_owner: sets files_owner to the fields of a pod that may read the files of Kafka. A volume that has this
# group already is not changed: OnRootMismatch.
find_files_owner() {
  local rows user group fs_group container_user
  files_owner=
  [[ -z $FILES_OWNER_BY_PLATFORM ]] || return 0
  rows=$(kubectl_retry get pods -n "$NAMESPACE" -l "strimzi.io/cluster=$CLUSTER,strimzi.io/name=$CLUSTER-kafka" -o \
    'jsonpath={range .items[*]}{.spec.securityContext.runAsUser}|{.spec.securityContext.runAsGroup}|{.spec.securityContext.fsGroup}|{.spec.containers[0].securityContext.runAsUser}{"\n"}{end}')
  IFS='|' read -r user group fs_group container_user < <(printf '%s\n' "${rows%%$'\n'*}")
  user=${container_user:-$user}
  files_owner=$DEFAULT_FILES_OWNER
  [[ -z $user$group$fs_group ]] || files_owner="\"runAsUser\": ${user:-1001}, \"runAsGroup\": ${group:-0}, \"fsGroup\": ${fs_group:-0}"
  files_owner+=', "fsGroupChangePolicy": "OnRootMismatch"'
}

# create_job ACTION VOLUMES MOUNTS ENV [POD_FIELDS]: prints its name. VOLUMES, MOUNTS and ENV are entries of JSON lists.
create_job() {
  # shellcheck disable=SC2153 # from the environment
  local labels script pod_labels=${POD_LABELS:1:-1} pod_spec=${POD_SPEC:1:-1}
  script=$(<./restic.sh)
  labels="\"$EXPORT_LABEL\": \"$BACKUP\", \"$STEP_LABEL\": \"$HOSTNAME\", \"kanister-kafka.io/cluster\": \"$CLUSTER\", \"app.kubernetes.io/managed-by\": \"kanister-kafka\""
  printf '{"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "kanister-kafka-export-", "namespace": "%s", "labels": {%s}, "ownerReferences": [%s]},
    "spec": {"backoffLimit": 0, "activeDeadlineSeconds": %s, "ttlSecondsAfterFinished": 3600, "template": {"metadata": {"labels": {%s%s}, "annotations": %s},
    "spec": {%s"restartPolicy": "Never", "automountServiceAccountToken": false, "enableServiceLinks": false, %s
    "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}%s},
    "containers": [{"name": "restic", "image": "%s", "command": ["sh", "-c", %s, "restic", "%s"], "env": [%s%s], "resources": %s, %s,
    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, {"name": "ca", "mountPath": "/ca", "readOnly": true}%s]}],
    "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}},
      {"name": "ca", "secret": {"secretName": "%s", "items": [{"key": "ca.crt", "path": "ca.crt"}], "optional": true}}%s]}}}}\n' \
    "$NAMESPACE" "$labels" "$owner_json" \
    "$EXPORT_TIMEOUT" "$labels" "${pod_labels:+, $pod_labels}" "$POD_ANNOTATIONS" \
    "${pod_spec:+$pod_spec, }" "${5-}" \
    "${files_owner:+, $files_owner}" \
    "$EXPORT_IMAGE" "$(json_text "$script")" "$1" \
    "$(env_json RESTIC_REPOSITORY "$REPOSITORY" EXPORT_HOST "$NAMESPACE/$CLUSTER" BACKUP "$BACKUP" BACKUP_UID "${BACKUP_UID-}" EXPORT_SECRET "$EXPORT_SECRET" AWS_DEFAULT_REGION "$LOCATION_REGION" \
      INSECURE_TLS "${INSECURE_TLS#false}" RESTIC_PROGRESS_FPS 0.1 GOMEMLIMIT "$MEMORY_LIMIT" CA_FILE /ca/ca.crt TMPDIR /tmp HOME /tmp)" \
    "$(secret_env_json AWS_ACCESS_KEY_ID aws_access_key_id AWS_SECRET_ACCESS_KEY aws_secret_access_key RESTIC_PASSWORD repository_password)$4" \
    "$EXPORT_RESOURCES" "$CONTAINER_SECURITY" \
    "$3" "$EXPORT_SECRET" "$2" |
    kubectl_retry create -f - -o 'jsonpath={.metadata.name}'
}

# job_states: NAME|SUCCEEDED|REASON of each Job of this step
job_states() {
  kubectl_retry get jobs.batch -n "$NAMESPACE" -l "$STEP_LABEL=$HOSTNAME" -o \
    'jsonpath={range .items[*]}{.metadata.name}|{.status.succeeded}|{.status.conditions[?(@.type=="Failed")].reason}{"\n"}{end}'
}

# job_log JOB: the end of its log; nothing if its pod cannot be read
job_log() { timeout 20 kubectl logs "job/$1" -n "$NAMESPACE" --tail=40 2>/dev/null || true; }

delete_job() { kubectl_retry delete jobs.batch "$1" -n "$NAMESPACE" --ignore-not-found --wait=false >/dev/null; }

# pod_problem JOB: why its pod does not run, such as an image that cannot be pulled or a claim that is not bound
pod_problem() {
  kubectl_retry get pods -n "$NAMESPACE" -l "job-name=$1" -o \
    'jsonpath={range .items[*]}{.status.conditions[?(@.reason=="Unschedulable")].message}{" "}{.status.containerStatuses[*].state.waiting.message}{" "}{.status.initContainerStatuses[*].state.waiting.message}{end}'
}

# starts_too_late JOB PROBLEM: whether the pod of a Job has had a problem without a break for START_LIMIT seconds
START_LIMIT=900
declare -A problem_since=()
starts_too_late() {
  if [[ -z ${2// } ]]; then
    unset "problem_since[$1]"
    return 1
  fi
  problem_since[$1]=${problem_since[$1]:-$SECONDS}
  ((SECONDS - problem_since[$1] >= START_LIMIT))
}

# begin_jobs: one step at a time makes Jobs of a Kafka, and removes those of a step whose pod does not run any more
begin_jobs() {
  local rows name step phase
  begin_step "looking for Jobs of an earlier export"
  rows=$(kubectl_retry get jobs.batch -n "$NAMESPACE" -l "$STEP_LABEL,kanister-kafka.io/cluster=$CLUSTER" -o "jsonpath={range .items[*]}{.metadata.name}|{.metadata.labels.${STEP_LABEL//./\\.}}{\"\\n\"}{end}")
  while IFS='|' read -r name step; do
    [[ -n $name ]] || continue
    # A pod on a lost node stays Running, with a time of deletion.
    phase=$(kubectl_retry get pod "$step" -n "$NAMESPACE" --ignore-not-found -o 'jsonpath={.status.phase}{.metadata.deletionTimestamp}')
    [[ $phase != Running && $phase != Pending ]] || die "another export or deletion of a copy of Kafka $CLUSTER runs in pod $step: wait for its end"
    log "deleting Job $name, which pod $step has left"
    delete_job "$name"
  done < <(printf '%s\n' "$rows")
  own_jobs
}

# own_jobs: Jobs of this step belong to its pod, and are deleted at its end
own_jobs() {
  local uid
  uid=$(kubectl_retry get pod "$HOSTNAME" -n "$NAMESPACE" -o 'jsonpath={.metadata.uid}')
  owner_json="{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"name\": \"$HOSTNAME\", \"uid\": \"$uid\"}"
  trap 'status=$?; end_jobs; ((status == 0)) || on_exit_error' EXIT
  trap 'exit 143' TERM
  find_files_owner
}

end_jobs() {
  timeout 60 kubectl delete jobs.batch -n "$NAMESPACE" -l "$STEP_LABEL=$HOSTNAME" --wait=false >/dev/null 2>&1 || log "WARNING: Jobs with the label $STEP_LABEL=$HOSTNAME could not be deleted"
}

# wait_for_job JOB: sets job_lines to its log if it has succeeded. It fails with the reason that the Job has logged.
wait_for_job() {
  local rows name succeeded reason problem previous='' end=$((SECONDS + EXPORT_TIMEOUT + 60))
  while ((SECONDS < end)); do
    sleep "${POLL_INTERVAL:-2}"
    rows=$(job_states)
    while IFS='|' read -r name succeeded reason; do
      [[ $name == "$1" ]] || continue
      if [[ -n $succeeded && $succeeded != 0 ]]; then
        # shellcheck disable=SC2034 # for callers
        job_lines=$(job_log "$1")
        return 0
      fi
      [[ -z $reason ]] || die "$(failure_of "$1" "$reason")"
    done < <(printf '%s\n' "$rows")
    problem=$(pod_problem "$1")
    ! starts_too_late "$1" "$problem" || die "the pod of Job $1 does not start: $problem"
    [[ -z ${problem// } || $problem == "$previous" ]] || log "Job $1 waits: $problem"
    previous=$problem
  done
  die "Job $1 has not ended"
}

# failure_of JOB REASON: the line in which it has logged why it failed, or the reason of Kubernetes
failure_of() {
  local lines
  lines=$(job_log "$1" | grep -o 'FAILED: .*' | tail -n 1) || lines=
  lines=${lines#FAILED: }
  printf '%s' "${lines:-Job $1 has ended: $2}"
}
